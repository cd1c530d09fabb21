import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentChange } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import { statesKey } from '../model/operator-states.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { ConfigStore } from '../store/store.ts'
import { UpstreamCircumstances } from './circumstances.ts'
import { Documents } from './documents.ts'
import { Mirror } from './mirror.ts'
import { type CachedModel, readModelCache, writeModelCache } from './model-cache.ts'
import { PackedSlotReader } from './packed-slots.ts'
import { Publisher } from './publish.ts'
import { Reconciler } from './reconcile.ts'
import { SharedState } from './shared-state.ts'

/** Starts from a kept model, one after the other, each held against a start from the documents alone, before and after more writes. */

const folder = mkdtempSync(join(tmpdir(), 'headgate-kept-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const FILE = join(folder, 'model.cache')

const SETTINGS = { ...DEFAULT_SETTINGS, sections: ['apisix', 'native'] }
const NOTE = { author: 'test', message: null }
const FINGERPRINT = 'the same'
const SMALL = { positions: 500, counters: 20_000, routes: 100, targets: 300, endpoints: 300, health: 500 }

type Batch = readonly DocumentChange[]

interface Side {
  readonly documents: Documents
  readonly reconciler: Reconciler
  readonly shared: SharedState
}

/** Documents over a store that `batches` were written to by somebody who validates nothing. */
async function begin(batches: readonly Batch[], cached: CachedModel | null): Promise<Side> {
  const store = createMemoryStore()
  for (const batch of batches) await store.commit(batch, NOTE, 1)
  return beginOn(store, cached)
}

async function beginOn(store: ConfigStore, cached: CachedModel | null): Promise<Side> {
  const mirror = new Mirror()
  const shared = new SharedState(SMALL)
  const circumstances = new UpstreamCircumstances({
    names: { find: () => null, use: () => {}, drop: () => {}, firstAnswers: () => null },
    onUpstreamGone: () => {},
  })
  const reconciler = new Reconciler(dialects, SETTINGS, mirror, circumstances, () => 1)
  const documents: Documents = new Documents({
    store: {
      ...{ name: 'test', readOnly: null, watch: () => () => {}, close: async () => {} },
      load: async () => ({ ...(await store.load()), digest: 'of these' }),
      commit: (...args) => store.commit(...args),
      history: (options) => store.history(options),
    },
    mirror,
    reconciler,
    shared,
    publisher: new Publisher({
      workers: () => [],
      model: () => ({ revision: documents.modelRevision, upserts: [], count: 0, slotTable: shared.slots() }),
      onLaggard: () => {},
    }),
    settings: SETTINGS,
    log: () => {},
    emit: () => {},
  })
  if (cached !== null) {
    shared.import(cached.slots, cached.packedSlots)
    reconciler.archive.import({ ...cached.archive, objects: cached.objects }, cached.segments)
  }
  assert.equal(await documents.load(cached), cached !== null)
  documents.answerWrites()
  return { documents, reconciler, shared }
}

/** What a side leaves for the next start. */
async function keep({ documents }: Side): Promise<CachedModel> {
  const work = documents.export()
  let step = work.next()
  while (!step.done) step = work.next()
  assert.ok(step.value !== null)
  const { objects, packedSlots, segments, ...tables } = step.value
  const revision = documents.revision()
  const about = { fingerprint: FINGERPRINT, digest: 'of these', revision, documents: 0 }
  await writeModelCache(FILE, about, { ...tables, named: [] }, { objects, packedSlots, segments })
  const cached = readModelCache(FILE, { fingerprint: FINGERPRINT, revision })
  assert.ok(cached !== null && typeof cached !== 'string', String(cached))
  assert.ok(cached.isWhole())
  return cached
}

/** Everything that is known, but for the order in which things came and the numbers of slots. */
function picture({ documents, reconciler, shared }: Side) {
  const objects = [...reconciler.archive.all()].map(({ id, owner, text }) => `${id} ${owner} ${text}`)
  const statuses = [...reconciler.statuses()].map(({ key, state, reasons, warnings }) =>
    JSON.stringify([key, state, reasons, warnings]),
  )
  const slots = shared.export()
  let step = slots.next()
  while (!step.done) step = slots.next()
  const packed = new PackedSlotReader(step.value.packed)
  const held = Array.from({ length: packed.size }, (_, row) => {
    const { need, slot, uses } = packed.held(row)
    return JSON.stringify([need, slot > 0, uses])
  })
  return {
    revision: documents.revision(),
    objects: objects.sort(),
    statuses: statuses.sort(),
    held: held.sort(),
    counts: reconciler
      .counts()
      .map((count) => JSON.stringify(count))
      .sort(),
  }
}

const upstreamId = fc.constantFrom('u0', 'u1', 'u2')
const serviceId = fc.constantFrom('s0', 's1')
const nodes = fc
  .dictionary(fc.constantFrom('127.0.0.1:1', '127.0.0.1:2', '127.0.0.2:3'), fc.nat(3), { minKeys: 1 })
  .map((found) => ({ nodes: found }))
const checked = nodes.map((upstream) => ({ ...upstream, checks: { active: { type: 'tcp' } } }))
const split = fc.tuple(upstreamId, fc.nat(4)).map(([upstream_id, weight]) => ({
  plugins: {
    'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id, weight }, { weight: 2 }] }] },
  },
}))
const own = fc.oneof(
  upstreamId.map((upstream_id) => ({ upstream_id })),
  nodes.map((upstream) => ({ upstream })),
)
const target = fc.oneof(
  own,
  serviceId.map((service_id) => ({ service_id })),
)
const uri = fc.constantFrom('/*', '/a', '/b/*', '/ü')

function putting(kind: string, id: fc.Arbitrary<string>, value: fc.Arbitrary<object>) {
  return fc.record({ id, value }).map(
    ({ id, value }): DocumentChange => ({
      op: 'put',
      key: { dialect: 'apisix', kind, id },
      value: { ...value, id } as JsonObject,
      expiresAtMs: null,
      expectedRevision: null,
    }),
  )
}

const routeId = fc.constantFrom('r0', 'r1', 'r2', 'r3', 'r.4')
const merged = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((found) => Object.assign({}, ...found) as object)
const good = fc.oneof(
  { weight: 4, arbitrary: putting('upstreams', upstreamId, fc.oneof(nodes, checked)) },
  { weight: 2, arbitrary: putting('services', serviceId, own) },
  {
    weight: 6,
    arbitrary: putting(
      'routes',
      routeId,
      merged(
        uri.map((uri) => ({ uri })),
        target,
        fc.oneof(split, fc.constant({})),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ id: upstreamId, state: fc.constantFrom('drain', 'maint') }).map(
      ({ id, state }): DocumentChange => ({
        op: 'put',
        key: statesKey(`apisix/upstreams/${id}`),
        value: { upstream: `apisix/upstreams/${id}`, states: { '127.0.0.1:1': { state } } },
        expiresAtMs: null,
        expectedRevision: null,
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        routeId.map((id) => ({ kind: 'routes', id })),
        upstreamId.map((id) => ({ kind: 'upstreams', id })),
        serviceId.map((id) => ({ kind: 'services', id })),
      )
      .map(
        (key): DocumentChange => ({
          op: 'delete',
          key: { dialect: 'apisix', ...key },
          expectedRevision: null,
        }),
      ),
  },
)
/** What does not validate may lie in a store; a write would be refused. */
const bad = fc.oneof(
  putting('routes', fc.constantFrom('r1', 'bad'), fc.constant({ uri: 5 })),
  putting('upstreams', fc.constantFrom('u1', 'bad'), fc.constant({ nodes: 'none' })),
)
const stored = fc.array(fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: bad }), {
  minLength: 1,
  maxLength: 25,
})
const writes = fc.array(good, { minLength: 1, maxLength: 6 })

test('starts from what was kept are as starts from the documents, however often, and so are writes that follow', async () => {
  await fc.assert(
    fc.asyncProperty(stored, fc.array(writes, { minLength: 1, maxLength: 4 }), async (first, rounds) => {
      const batches: Batch[] = first.map((change) => [change])
      let before = await begin(batches, null)
      for (const round of rounds) {
        const cached = await keep(before)
        const kept = await begin(batches, cached)
        const plain = await begin(batches, null)
        assert.deepEqual(picture(kept), picture(plain), 'at start')
        for (const change of round) {
          batches.push([change])
          await kept.documents.write([change], NOTE)
          await plain.documents.write([change], NOTE)
          assert.deepEqual(picture(kept), picture(plain), `after ${JSON.stringify(change)}`)
        }
        before.documents.close()
        plain.documents.close()
        before = kept
      }
      before.documents.close()
    }),
    { numRuns: 150 },
  )
})

test('a document whose time is over is removed after a start from what was kept', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const key = { dialect: 'apisix', kind: 'routes', id: 'r0' }
  const value = { uri: '/a', upstream: { nodes: { '127.0.0.1:1': 1 } } }
  const change = { op: 'put', key, value, expiresAtMs: Date.now() - 1, expectedRevision: null } as const
  const first = await begin([[change]], null)
  const kept = await begin([[change]], await keep(first))
  kept.documents.watch()
  assert.notEqual(await kept.documents.get(key), undefined)
  t.mock.timers.tick(1000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await kept.documents.get(key), undefined)
  assert.equal(kept.reconciler.size, 0)
  first.documents.close()
  kept.documents.close()
})
