import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openEmbeddedStore } from './embedded-store.ts'

const ROUNDS = Number(process.env.HEADGATE_KILL_ROUNDS ?? '30')
const WRITER = fileURLToPath(new URL('./kill-writer.ts', import.meta.url))

interface Acknowledged {
  readonly n: number
  readonly revision: number
}

/** Runs the writer until it has acknowledged `acks` writes, kills it, and gives every acknowledgement that reached us. */
async function writeAndKill(
  directory: string,
  start: number,
  acks: number,
): Promise<[string, Acknowledged][]> {
  const child = spawn(process.execPath, [WRITER, directory, String(start)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let lines = 0
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk: string) => {
    text += chunk
    lines += chunk.split('\n').length - 1
    if (lines >= acks) child.kill('SIGKILL')
  })
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...end) => resolve(end))
  })
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
  const whole = text.slice(0, text.lastIndexOf('\n')).split('\n')
  return whole.map((line) => {
    const [id = '', n, revision] = line.split(' ')
    return [id, { n: Number(n), revision: Number(revision) }]
  })
}

describe('embedded store under kill -9', () => {
  it('has every acknowledged write after each kill, and its integrity', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'headgate-kill-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    const last = new Map<string, Acknowledged>()
    let lost = 0
    let seed = 20261125
    for (let round = 0; round < ROUNDS; round++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      const acks = await writeAndKill(directory, round * 1_000_000, 1 + (seed % 60))
      for (const [id, acknowledged] of acks) {
        const before = last.get(id)
        if (before === undefined || acknowledged.revision > before.revision) last.set(id, acknowledged)
      }
      // Opening runs the integrity check; a store that lost its database or is behind its copy would be read-only.
      const store = await openEmbeddedStore(directory)
      assert.equal(store.readOnly, null)
      const content = await store.load()
      assert.deepEqual(content.faults, [])
      const found = new Map(content.documents.map((document) => [document.key.id, document]))
      for (const [id, { n, revision }] of last) {
        const document = found.get(id)
        // A newer, unacknowledged write of the same document may have made it to the disk.
        const isKept =
          document !== undefined &&
          (document.modifiedRevision > revision ||
            (document.modifiedRevision === revision && document.value.n === n))
        if (!isKept) lost++
      }
      await store.close()
    }
    console.log(`kill -9 x ${ROUNDS}: ${lost} acknowledged writes lost, integrity ok`)
    assert.equal(lost, 0)
  })
})
