import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DocumentChange, DocumentKey } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import { type ConfigStore, plainContent } from './store.ts'

/** A store under test: `open` gives the same content again after a close where `durable` says so. */
export interface StoreSubject {
  readonly durable: boolean
  open(): Promise<ConfigStore>
  dispose(): Promise<void>
}

const NOTE = { author: 'tester', message: null }

function key(id: string, kind = 'routes'): DocumentKey {
  return { dialect: 'apisix', kind, id }
}

function put(id: string, value: JsonObject, expectedRevision: number | null = null): DocumentChange {
  return { op: 'put', key: key(id), value, expiresAtMs: null, expectedRevision }
}

function remove(id: string, expectedRevision: number | null = null): DocumentChange {
  return { op: 'delete', key: key(id), expectedRevision }
}

async function ids(store: ConfigStore): Promise<string[]> {
  return (await store.load()).documents.map((document) => document.key.id).sort()
}

/** What every writable store promises. One call per implementation. */
export function describeStore(name: string, subject: () => Promise<StoreSubject>): void {
  describe(`store contract: ${name}`, () => {
    const run = (title: string, body: (store: ConfigStore, subject: StoreSubject) => Promise<void>): void => {
      it(title, async () => {
        const current = await subject()
        const store = await current.open()
        try {
          await body(store, current)
        } finally {
          await store.close()
          await current.dispose()
        }
      })
    }

    run('starts empty at revision 0, without faults and writable', async (store) => {
      assert.deepEqual(plainContent(await store.load()), { revision: 0, documents: [], faults: [] })
      assert.equal(store.readOnly, null)
    })

    run('gives each write one revision and keeps the first one as the created revision', async (store) => {
      const first = await store.commit([put('1', { a: 1 }), put('2', { b: 2 })], NOTE, 5)
      const second = await store.commit([put('1', { a: 2 })], NOTE, 6)
      assert.deepEqual([first.revision, second.revision], [1, 2])
      assert.deepEqual(second.documents, [
        { key: key('1'), value: { a: 2 }, createdRevision: 1, modifiedRevision: 2, expiresAtMs: null },
      ])
      const content = await store.load()
      assert.equal(content.revision, 2)
      assert.deepEqual(content.documents.find((d) => d.key.id === '1')?.value, { a: 2 })
      assert.equal(content.documents.find((d) => d.key.id === '2')?.modifiedRevision, 1)
    })

    run('keeps the order of keys and any JSON value as it was given', async (store) => {
      const value: JsonObject = {
        z: 1,
        a: [null, true, -0.5, 1e21, 9007199254740991],
        ünïcode: '\u0000 \u2028 \ud83d\ude00 "quoted" \\',
        empty: {},
      }
      await store.commit([put('ü/1', value)], NOTE, 1)
      const kept = (await store.load()).documents[0]
      assert.equal(kept?.key.id, 'ü/1')
      assert.equal(JSON.stringify(kept?.value), JSON.stringify(value))
    })

    run('does not change with an object that the caller edits later', async (store) => {
      const value: { n: number } = { n: 1 }
      await store.commit([put('1', value)], NOTE, 1)
      value.n = 2
      assert.deepEqual((await store.load()).documents[0]?.value, { n: 1 })
    })

    run('keeps documents apart that differ in dialect or kind only', async (store) => {
      const change = (k: DocumentKey, n: number): DocumentChange => {
        return { op: 'put', key: k, value: { n }, expiresAtMs: null, expectedRevision: 0 }
      }
      const native = { dialect: 'native', kind: 'routes', id: '1' }
      await store.commit([change(key('1'), 1), change(key('1', 'upstreams'), 2), change(native, 3)], NOTE, 1)
      const values = (await store.load()).documents.map((document) => document.value.n)
      assert.deepEqual(values.sort(), [1, 2, 3])
    })

    run('refuses a write whose expected revision is stale, and changes nothing of it', async (store) => {
      await store.commit([put('1', { n: 1 })], NOTE, 1)
      await store.commit([put('1', { n: 2 })], NOTE, 1)
      const stale = [put('other', {}), put('1', { n: 3 }, 1)]
      await assert.rejects(store.commit(stale, NOTE, 1), { code: 'WRITE_CONFLICT' })
      await assert.rejects(store.commit([remove('1', 1)], NOTE, 1), { code: 'WRITE_CONFLICT' })
      assert.deepEqual(await ids(store), ['1'])
      assert.equal((await store.commit([put('1', { n: 3 }, 2)], NOTE, 1)).revision, 3)
    })

    run('takes expected revision 0 as: must not exist', async (store) => {
      await store.commit([put('1', {}, 0)], NOTE, 1)
      await assert.rejects(store.commit([put('1', {}, 0)], NOTE, 1), { code: 'WRITE_CONFLICT' })
      await store.commit([remove('1', 1)], NOTE, 1)
      const again = await store.commit([put('1', {}, 0)], NOTE, 1)
      assert.equal(again.documents[0]?.createdRevision, again.revision)
    })

    run('lets one of many simultaneous writers with the same expectation win', async (store) => {
      const tries = Array.from({ length: 20 }, (_, n) => store.commit([put('1', { n }, 0)], NOTE, n))
      const outcomes = await Promise.allSettled(tries)
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
    })

    run('gives simultaneous writes revisions of their own, in the order of the calls', async (store) => {
      const tries = Array.from({ length: 50 }, (_, n) => store.commit([put(`${n}`, { n })], NOTE, n))
      const revisions = (await Promise.all(tries)).map((result) => result.revision)
      assert.deepEqual(
        revisions,
        Array.from({ length: 50 }, (_, n) => n + 1),
      )
    })

    run('deletes, and spends no revision on a delete of nothing', async (store) => {
      await store.commit([put('1', {})], NOTE, 1)
      const result = await store.commit([remove('1')], NOTE, 1)
      assert.deepEqual(result, { revision: 2, documents: [undefined] })
      assert.deepEqual(await store.commit([remove('1')], NOTE, 1), { revision: 2, documents: [undefined] })
      assert.deepEqual(await ids(store), [])
    })

    run('remembers who wrote what, when and why, newest first', async (store) => {
      await store.commit([put('1', { n: 1 })], { author: 'ada', message: 'first' }, 100)
      await store.commit([put('1', { n: 2 })], NOTE, 200)
      await store.commit([remove('1')], NOTE, 300)
      const history = await store.history({ limit: 10 })
      const change = { dialect: 'apisix', kind: 'routes', id: '1' }
      assert.deepEqual(history, [
        {
          revision: 3,
          atMs: 300,
          ...NOTE,
          changes: [{ ...change, op: 'delete', before: '{"n":2}', after: null }],
        },
        {
          revision: 2,
          atMs: 200,
          ...NOTE,
          changes: [{ ...change, op: 'put', before: '{"n":1}', after: '{"n":2}' }],
        },
        {
          revision: 1,
          atMs: 100,
          author: 'ada',
          message: 'first',
          changes: [{ ...change, op: 'put', before: null, after: '{"n":1}' }],
        },
      ])
      const older = await store.history({ limit: 1, before: 3 })
      assert.deepEqual(
        older.map((entry) => entry.revision),
        [2],
      )
    })

    run('keeps the time a document expires at', async (store) => {
      const change: DocumentChange = {
        op: 'put',
        key: key('1'),
        value: {},
        expiresAtMs: 1_900_000_000_123,
        expectedRevision: null,
      }
      await store.commit([change], NOTE, 1)
      assert.equal((await store.load()).documents[0]?.expiresAtMs, 1_900_000_000_123)
    })

    it('gives everything back after it was closed and opened again', async (context) => {
      const current = await subject()
      try {
        if (!current.durable) {
          context.skip('this store lives in memory')
          return
        }
        const first = await current.open()
        await first.commit([put('1', { z: 1, a: 2 }), put('2', {})], NOTE, 7)
        await first.commit([remove('2')], NOTE, 8)
        const before = await first.load()
        await first.close()
        const second = await current.open()
        assert.deepEqual(plainContent(await second.load()), plainContent(before))
        assert.equal((await second.history({ limit: 10 })).length, 2)
        assert.equal((await second.commit([put('3', {})], NOTE, 9)).revision, 3)
        await second.close()
      } finally {
        await current.dispose()
      }
    })
  })
}

/** What a store promises that takes no writes from here. `code` is the refusal's. */
export function describeReadOnlyStore(
  name: string,
  code: 'READ_ONLY' | 'STORE_UNAVAILABLE',
  subject: () => Promise<StoreSubject>,
): void {
  describe(`read-only store contract: ${name}`, () => {
    it('says why, refuses writes, gives the same content each time, and closes twice', async () => {
      const current = await subject()
      const store = await current.open()
      try {
        assert.ok(store.readOnly !== null && store.readOnly.length > 20)
        const before = await store.load()
        assert.ok(before.documents.length > 0 && before.revision > 0)
        await assert.rejects(store.commit([put('new', {})], NOTE, 1), { code })
        await assert.rejects(store.commit([remove('new')], NOTE, 1), { code })
        assert.deepEqual(plainContent(await store.load()), plainContent(before))
        assert.deepEqual(await store.history({ limit: 5 }), [])
        const stop = store.watch(
          () => {},
          () => {},
        )
        stop()
        stop()
      } finally {
        await store.close()
        await store.close()
        await current.dispose()
      }
    })
  })
}
