import { writeSync } from 'node:fs'
import { openEmbeddedStore } from './embedded-store.ts'

/**
 * Child of the kill test: writes for ever, several writes at once so that groups form, and says each acknowledged one on standard output
 * in one unbuffered write. Arguments: directory, first number.
 */
const [directory = '', start = '0'] = process.argv.slice(2)
const store = await openEmbeddedStore(directory, { copyIntervalMs: 5 })
let next = Number(start)

async function writeOn(): Promise<never> {
  while (true) {
    const n = next++
    const key = { dialect: 'apisix', kind: 'routes', id: String(n % 50) }
    const change = { op: 'put' as const, key, value: { n, pad: 'x'.repeat(n % 700) } }
    const note = { author: 'writer', message: null }
    const { revision } = await store.commit(
      [{ ...change, expiresAtMs: null, expectedRevision: null }],
      note,
      n,
    )
    writeSync(1, `${key.id} ${n} ${revision}\n`)
  }
}

await Promise.all([writeOn(), writeOn(), writeOn()])
