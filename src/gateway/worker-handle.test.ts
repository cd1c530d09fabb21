import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { DEFAULT_CAPACITY, SharedState } from './shared-state.ts'
import { WorkerHandle } from './worker-handle.ts'

test('the time that a start takes is not held against a worker: its first message is a sign of life', async (t) => {
  const memory = new SharedState(DEFAULT_CAPACITY).addWorker(1)
  const sections = dialects.map(({ name, surface }) => ({ name, surface: surface(DEFAULT_SETTINGS) }))
  const start = {
    index: 0,
    settings: DEFAULT_SETTINGS,
    share: 1,
    sections,
    memory,
    tls: { fallback: null, ticketKeys: [new Uint8Array(48)] },
    obeysFaults: false,
    originMs: 0,
  }
  let worker: WorkerHandle | undefined
  t.after(() => worker?.thread.terminate())
  await new Promise<void>((resolve) => {
    worker = new WorkerHandle(1, start, 0, ({ type }) => {
      if (type === 'ready') resolve()
    })
    assert.ok(worker.listen(5_000) >= 5_000) // main looks while the thread still loads its code
  })
  const silentMs = (worker as WorkerHandle | undefined)?.listen(1) ?? Number.NaN
  assert.ok(silentMs <= 1, `${silentMs}`)
})
