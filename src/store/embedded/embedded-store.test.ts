import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import type { DocumentChange } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { createMemoryStore } from '../memory.ts'
import { describeStore } from '../store.contract.ts'
import type { CommitResult, ConfigStore } from '../store.ts'
import { plainContent } from '../store.ts'
import { openEmbeddedStore } from './embedded-store.ts'

const NOTE = { author: 'tester', message: null }

function put(id: string, value: JsonObject): DocumentChange {
  return {
    op: 'put',
    key: { dialect: 'apisix', kind: 'routes', id },
    value,
    expiresAtMs: null,
    expectedRevision: null,
  }
}

function folder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-store-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

describeStore('embedded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-store-'))
  return {
    durable: true,
    open: () => openEmbeddedStore(join(directory, 'data')),
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  }
})

describe('embedded store', () => {
  it('keeps its folder and files private', async (context) => {
    const directory = join(folder(context), 'a', 'data')
    const store = await openEmbeddedStore(directory)
    await store.commit([put('1', {})], NOTE, 1)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    for (const name of readdirSync(directory)) {
      assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
    }
    await store.close()
    assert.equal(statSync(join(directory, 'last-good.json')).mode & 0o777, 0o600)
  })

  it('refuses a second opener with its pid and lets the next one in after a close', async (context) => {
    const directory = folder(context)
    const store = await openEmbeddedStore(directory)
    await assert.rejects(openEmbeddedStore(directory), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'STORE_UNAVAILABLE')
      assert.match(error.message, new RegExp(`in use by another headgate process \\(pid ${process.pid}\\)`))
      return true
    })
    await store.close()
    const next = await openEmbeddedStore(directory)
    await next.close()
  })

  it('sets rows aside that are no documents and serves the others', async (context) => {
    const directory = folder(context)
    const store = await openEmbeddedStore(directory)
    await store.commit([put('good', { n: 1 }), put('flipped', { weight: 3 })], NOTE, 1)
    await store.close()
    const db = new DatabaseSync(join(directory, 'headgate.db'))
    const insert =
      "INSERT INTO documents (dialect, kind, id, value, created, modified) VALUES ('apisix', 'routes', ?, ?, ?, ?)"
    db.prepare(insert).run('by-hand', '{"n":2}', 1, 1)
    db.prepare(insert).run('no-json', '{"n":', 1, 1)
    db.prepare(insert).run('no-object', '[]', 1, 1)
    db.prepare(insert).run('no-revision', '{}', 'x', 1)
    db.prepare(insert).run('blob', Buffer.from('{}'), 1, 1)
    db.exec("UPDATE documents SET value = '{\"weight\":7}' WHERE id = 'flipped'")
    db.close()
    const again = await openEmbeddedStore(directory)
    const content = await again.load()
    assert.deepEqual(
      content.documents.map((d) => d.key.id),
      ['by-hand', 'good'],
    )
    assert.equal(content.faults.length, 5)
    const broken = content.faults.find((fault) => fault.place === 'documents row apisix/routes/no-json')
    assert.equal(broken?.message, 'the document is no JSON object; it was set aside')
    await again.commit([put('no-json', { n: 3 })], NOTE, 2)
    assert.equal((await again.load()).faults.length, 4)
    await again.close()
    console.log(`bad object: 5 quarantined, 2 of 7 served`)
  })

  it('refuses a file of a newer format and leaves it as it is', async (context) => {
    const directory = folder(context)
    await (await openEmbeddedStore(directory)).close()
    const path = join(directory, 'headgate.db')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    const before = readFileSync(path)
    await assert.rejects(openEmbeddedStore(directory), {
      code: 'NOT_SUPPORTED',
      message: /written by a newer headgate \(format 99/,
    })
    assert.deepEqual(readFileSync(path), before)
  })

  it('refuses writes after it was closed, and finishes those that were asked for before', async (context) => {
    const directory = folder(context)
    const store = await openEmbeddedStore(directory)
    const pending = store.commit([put('1', {})], NOTE, 1)
    await store.close()
    assert.equal((await pending).revision, 1)
    await assert.rejects(store.commit([put('2', {})], NOTE, 1), { code: 'STORE_UNAVAILABLE' })
  })

  it('refuses another process, which says whose directory it is', async (context) => {
    const directory = folder(context)
    const store = await openEmbeddedStore(directory)
    const writer = fileURLToPath(new URL('./kill-writer.ts', import.meta.url))
    const other = spawnSync(process.execPath, [writer, directory], { encoding: 'utf8', timeout: 60_000 })
    assert.equal(other.status, 1)
    assert.match(other.stderr, new RegExp(`in use by another headgate process \\(pid ${process.pid}\\)`))
    await store.commit([put('1', {})], NOTE, 1)
    await store.close()
  })

  it('does what the memory store does, whatever is written', async (context) => {
    const key = fc.record({
      dialect: fc.constant('apisix'),
      kind: fc.constantFrom('routes', 'upstreams'),
      id: fc.constantFrom('1', '2', 'ü'),
    })
    const expectedRevision = fc.oneof(fc.constant(null), fc.nat({ max: 6 }))
    const change = fc.oneof(
      fc.record({
        op: fc.constant('put' as const),
        key,
        value: fc.record({ a: fc.nat(), b: fc.string({ maxLength: 3 }) }),
        expiresAtMs: fc.constantFrom(null, 5),
        expectedRevision,
      }),
      fc.record({ op: fc.constant('delete' as const), key, expectedRevision }),
    )
    const writes = fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 12 })
    const directory = folder(context)
    let run = 0
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        const embedded = await openEmbeddedStore(join(directory, String(run++)))
        const memory = createMemoryStore()
        const commitAll = (store: ConfigStore) =>
          Promise.allSettled(list.map((changes, i) => store.commit(changes, NOTE, i)))
        const told = (outcomes: PromiseSettledResult<CommitResult>[]) =>
          outcomes.map((o) => (o.status === 'fulfilled' ? o.value : String(o.reason.message)))
        assert.deepEqual(told(await commitAll(embedded)), told(await commitAll(memory)))
        const sorted = async (store: ConfigStore) => {
          const { documents, revision } = plainContent(await store.load())
          return [revision, documents.map((document) => JSON.stringify(document)).sort()]
        }
        assert.deepEqual(await sorted(embedded), await sorted(memory))
        assert.deepEqual(await embedded.history({ limit: 99 }), await memory.history({ limit: 99 }))
        await embedded.close()
      }),
      { numRuns: 40 },
    )
  })
})
