import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentChange } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { ConfigStore } from '../store/store.ts'
import { Documents } from './documents.ts'
import { Mirror } from './mirror.ts'
import { Publisher } from './publish.ts'
import { Reconciler } from './reconcile.ts'
import { SharedState } from './shared-state.ts'

const KEY = { dialect: 'apisix', kind: 'routes', id: '1' }

/** Documents over a store with one route whose time is over. */
async function setUp(t: TestContext, readOnly: string | null) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const memory = createMemoryStore()
  const value = { uri: '/a', plugins: {} }
  await memory.commit(
    [{ op: 'put', key: KEY, value, expiresAtMs: Date.now() - 1, expectedRevision: null }],
    { author: 'test', message: null },
    Date.now(),
  )
  const commits: string[] = []
  const store: ConfigStore = {
    name: 'test',
    readOnly,
    load: () => memory.load(),
    commit: (changes, note, atMs) => {
      commits.push(note.author)
      return memory.commit(changes, note, atMs)
    },
    watch: () => () => {},
    history: (options) => memory.history(options),
    close: () => memory.close(),
  }
  const lines: string[] = []
  const mirror = new Mirror()
  const settings = DEFAULT_SETTINGS
  const reconciler = new Reconciler(dialects, settings, mirror)
  const capacity = { positions: 8, counters: 256, routes: 8, targets: 8, endpoints: 8, health: 100 }
  const shared = new SharedState(capacity)
  const documents: Documents = new Documents({
    store,
    mirror,
    reconciler,
    shared,
    publisher: new Publisher({
      workers: () => [],
      model: () => ({ revision: documents.modelRevision, upserts: [], count: 0, slotTable: shared.slots() }),
      onLaggard: () => {},
    }),
    settings,
    log: (_level, _fields, message) => lines.push(message),
    emit: () => {},
  })
  await documents.load()
  documents.watch()
  t.after(() => documents.close())
  return { documents, commits, lines }
}

/** Lets everything run that was started and waits for no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a document whose time is over is removed by the system within a second', async (t) => {
  const { documents, commits } = await setUp(t, null)
  assert.notEqual(await documents.get(KEY), undefined)
  t.mock.timers.tick(1_000)
  await settle()
  assert.deepEqual(commits, ['system'])
  assert.equal(await documents.get(KEY), undefined)
})

test('with a read-only store it stays, and nothing is tried or logged every second', async (t) => {
  const { documents, commits, lines } = await setUp(t, 'the store is damaged')
  for (let second = 0; second < 3; second++) {
    t.mock.timers.tick(1_000)
    await settle()
  }
  assert.deepEqual(commits, [])
  assert.deepEqual(lines, [])
  assert.notEqual(await documents.get(KEY), undefined)
})

test('a preview says what a write would say, and does nothing', async (t) => {
  const { documents, commits } = await setUp(t, null)
  const put = (id: string, value: JsonObject, expectedRevision: number | null = null): DocumentChange => {
    return { op: 'put', key: { ...KEY, id }, value, expiresAtMs: null, expectedRevision }
  }
  const odd = { uri: '/b', plugins: { 'response-rewrite': { bdoy: 'x' } } }
  const before = documents.revision()
  const [warning] = await documents.preview([put('2', odd)])
  assert.deepEqual([warning?.key.id, warning?.path], ['2', 'plugins.response-rewrite.bdoy'])
  await assert.rejects(documents.preview([put('2', { uri: 5 })]), { code: 'INVALID_DOCUMENT' })
  await assert.rejects(documents.preview([put('1', odd, 99)]), { code: 'WRITE_CONFLICT' })
  const many = Array.from({ length: 9 }, (_, i) =>
    put(`m${i}`, { uri: `/${i}`, upstream: { nodes: { 'a:1': 1, 'b:1': 1 } } }),
  )
  await assert.rejects(documents.preview(many), { code: 'LIMIT_OBJECTS' })
  assert.deepEqual([documents.revision(), commits], [before, []])
  assert.equal(await documents.get({ ...KEY, id: '2' }), undefined)
  // no room is held by what was only asked
  for (let i = 0; i < 5; i++) await documents.preview(many.slice(0, 4))
})
