import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileTls } from './tls.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('what no upstream says any more is not kept, its key neither', async () => {
  const size = 1_048_576
  const heapAfter = async (): Promise<number> => {
    for (let i = 0; i < 4; i++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter()
  for (let i = 0; i < 40; i++) {
    // as after a rotation: another text each time
    compileTls({ verifies: true, ca: null, certificate: null, key: `${i}`.padEnd(size), serverName: null })
  }
  const grown = (await heapAfter()) - before
  assert.ok(grown < 10 * size, `${Math.round(grown / size)} MiB are kept`)
})
