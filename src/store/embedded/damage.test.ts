import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { DocumentChange, StoredDocument } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import { describeReadOnlyStore } from '../store.contract.ts'
import { plainContent } from '../store.ts'
import { openEmbeddedStore } from './embedded-store.ts'

const NOTE = { author: 'tester', message: null }
const COUNT = 40

function put(n: number): DocumentChange {
  const key = { dialect: 'apisix', kind: 'routes', id: String(n) }
  const value = { uri: `/path/${n}`, pad: 'y'.repeat(n * 10) }
  return { op: 'put', key, value, expiresAtMs: null, expectedRevision: null }
}

interface Damage {
  readonly name: string
  readonly apply: (directory: string) => void
}

function flip(file: string, offset: number): Damage {
  return {
    name: `flip byte ${offset} of ${file}`,
    apply: (directory) => {
      const path = join(directory, file)
      const bytes = readFileSync(path)
      const at = Math.min(offset, bytes.length - 1)
      bytes[at] = (bytes[at] ?? 0) ^ 0x55
      writeFileSync(path, bytes)
    },
  }
}

function cut(file: string, share: number): Damage {
  return {
    name: `cut ${file} to ${share} of its length`,
    apply: (directory) => {
      const path = join(directory, file)
      truncateSync(path, Math.floor(statSync(path).size * share))
    },
  }
}

function remove(...files: string[]): Damage {
  return {
    name: `remove ${files.join(' and ')}`,
    apply: (directory) => {
      for (const file of files) rmSync(join(directory, file), { force: true })
    },
  }
}

function replace(file: string, make: (path: string) => void, how: string): Damage {
  return {
    name: `${file} becomes ${how}`,
    apply: (directory) => {
      rmSync(join(directory, file))
      make(join(directory, file))
    },
  }
}

/** `loud` = refused, or served with a fault that says so; `same` = every document as it was. Anything else is silent loss. */
async function outcomeOf(directory: string, expected: readonly StoredDocument[]): Promise<string> {
  try {
    const store = await openEmbeddedStore(directory)
    try {
      const content = await store.load()
      if (content.faults.length > 0) return content.documents.length === 0 ? 'loud, empty' : 'loud'
      const isSame = JSON.stringify(content.documents) === JSON.stringify(expected)
      return isSame ? 'same' : content.documents.length === 0 ? 'SILENT EMPTY' : 'SILENT LOSS'
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof GatewayError && error.code.startsWith('STORE_')) return 'refused'
    throw error
  }
}

describe('embedded store after damage', () => {
  let root = ''
  let expected: readonly StoredDocument[] = []
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'headgate-damage-'))
    const closed = join(root, 'closed')
    const store = await openEmbeddedStore(closed, { copyIntervalMs: 0 })
    await store.commit(
      Array.from({ length: COUNT }, (_, n) => put(n)),
      NOTE,
      1,
    )
    expected = plainContent(await store.load()).documents
    await store.close()
    // As kill -9 leaves it: the writes stand in the log only.
    const live = join(root, 'live')
    const killed = join(root, 'killed')
    const open = await openEmbeddedStore(live, { copyIntervalMs: 0 })
    await open.commit(
      Array.from({ length: COUNT }, (_, n) => put(n)),
      NOTE,
      1,
    )
    cpSync(live, killed, { recursive: true })
    await open.close()
    cpSync(join(live, 'last-good.json'), join(killed, 'last-good.json'))
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  it('never starts empty or with less without saying so', async () => {
    const db = 'headgate.db'
    const wal = 'headgate.db-wal'
    const copy = 'last-good.json'
    const size = statSync(join(root, 'closed', db)).size
    const walSize = statSync(join(root, 'killed', wal)).size
    assert.ok(walSize > 10_000)
    const spread = (total: number, n: number): number[] =>
      Array.from({ length: n }, (_, i) => Math.floor(((i + 0.37) * total) / n))
    const common: Damage[] = [
      ...[0, 0.01, 0.5, 0.9].map((share) => cut(db, share)),
      remove(db),
      remove(db, wal, 'headgate.db-shm'),
      remove(copy),
      remove(db, copy),
      remove(db, wal, 'headgate.db-shm', copy),
      remove('headgate.owner', db, wal, 'headgate.db-shm'),
      ...[0, 0.3, 0.99].map((share) => cut(copy, share)),
      ...[5, 300, 3000].map((offset) => flip(copy, offset)),
      replace(db, (path) => mkdirSync(path), 'a directory'),
      replace(db, (path) => symlinkSync('/nowhere/at/all', path), 'a link to nothing'),
      replace(copy, (path) => mkdirSync(path), 'a directory'),
      replace(db, (path) => writeFileSync(path, '{"not":"a database"}'.repeat(400)), 'another kind of file'),
    ]
    const closed = [...common, ...[0, 18, 24, 60, ...spread(size, 40)].map((offset) => flip(db, offset))]
    const killed = [
      ...common,
      remove(wal),
      ...[0, 0.5, 0.99].map((share) => cut(wal, share)),
      ...[0, 8, 16, 24, 40, ...spread(walSize, 20)].map((offset) => flip(wal, offset)),
    ]
    const bad: string[] = []
    const counts = new Map<string, number>()
    let cases = 0
    for (const [base, damages] of [
      ['closed', closed],
      ['killed', killed],
    ] as const) {
      for (const damage of damages) {
        // Once more without the safety copy: then there is nothing to fall back to.
        for (const hasCopy of [true, false]) {
          const directory = join(root, 'case')
          cpSync(join(root, base), directory, { recursive: true })
          damage.apply(directory)
          if (!hasCopy) rmSync(join(directory, copy), { recursive: true, force: true })
          const outcome = await outcomeOf(directory, expected)
          cases++
          counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
          // All traces gone is a new directory, however it came about.
          const isNew =
            !existsSync(join(directory, 'headgate.owner')) || damage.name.startsWith('remove headgate.owner')
          if (outcome.startsWith('SILENT') && !(isNew && !hasCopy))
            bad.push(`${base}: ${damage.name}: ${outcome}`)
          rmSync(directory, { recursive: true, force: true })
        }
      }
    }
    console.log(`damage: ${cases} cases, ${bad.length} silent empty starts`)
    assert.deepEqual(bad, [])
    // The table must have met all three ways out, or it proves nothing.
    for (const outcome of ['same', 'loud', 'refused']) assert.ok((counts.get(outcome) ?? 0) > 0, outcome)
  })

  it('serves the copy read-only until it is accepted, then goes on from it', async () => {
    const directory = join(root, 'accept')
    cpSync(join(root, 'closed'), directory, { recursive: true })
    truncateSync(join(directory, 'headgate.db'), 5000)
    const first = await openEmbeddedStore(directory)
    assert.match(first.readOnly ?? '', /is served read-only: .*accept-last-good/)
    assert.deepEqual(plainContent(await first.load()).documents, expected)
    await assert.rejects(first.commit([put(1)], NOTE, 1), { code: 'STORE_UNAVAILABLE' })
    await first.close()
    assert.equal(statSync(join(directory, 'headgate.db')).size, 5000)
    writeFileSync(join(directory, 'accept-last-good'), '')
    const second = await openEmbeddedStore(directory, { now: () => 77 })
    assert.equal(second.readOnly, null)
    assert.deepEqual(plainContent(await second.load()).documents, expected)
    assert.equal((await second.commit([put(1)], NOTE, 1)).revision, 3)
    assert.equal((await second.history({ limit: 9 })).at(-1)?.message, 'restored from last-good.json')
    await second.close()
    assert.equal(statSync(join(directory, 'headgate.db.damaged-77')).size, 5000)
    assert.equal(existsSync(join(directory, 'accept-last-good')), false)
    const third = await openEmbeddedStore(directory)
    assert.equal(third.readOnly, null)
    await third.close()
  })
})

describeReadOnlyStore('embedded, from its last good copy', 'STORE_UNAVAILABLE', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-copy-'))
  const store = await openEmbeddedStore(directory)
  await store.commit([put(1)], NOTE, 1)
  await store.close()
  rmSync(join(directory, 'headgate.db'))
  return {
    durable: true,
    open: () => openEmbeddedStore(directory),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  }
})
