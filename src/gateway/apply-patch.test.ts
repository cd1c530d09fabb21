import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelObject, ObjectSource } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import { PatchApplier } from './apply-patch.ts'
import type { PatchPart } from './messages.ts'
import { ModelArchive, textOf } from './model-archive.ts'
import { SlotTable } from './packed-slots.ts'
import { type Publication, splitPatch } from './split-patch.ts'

function setUp() {
  const events: string[] = []
  const deferred: (() => void)[] = []
  let clock = 0
  let staged: string[] = []
  const table = {
    begin: () => {
      staged = []
      return {
        upsert: (route: { id: string }) => {
          if (route.id === 'bad') throw new Error('does not compile')
          clock += 1
          staged.push(route.id)
        },
        upsertLater: (source: ObjectSource<Route>) => {
          if (source.id === 'bad') throw new Error('does not compile')
          clock += 1
          staged.push(source.id)
        },
        remove: (id: string) => staged.push(`-${id}`),
        work: () => true,
        commit: (revision: number) => events.push(`commit ${revision}: ${staged.length}`),
      }
    },
  }
  const upstreams = {
    prepareUpstreams: (upserts: readonly { id: string }[]) => {
      if (upserts.some(({ id }) => id === 'bad')) throw new Error('no such balancer')
      return () => events.push(`upstreams ${upserts.length}`)
    },
    prepareUpstreamSearch: () => () => {},
    prepareUpstreamsLater: (sources: readonly { id: string }[]) => {
      if (sources.some(({ id }) => id === 'bad')) throw new Error('no such balancer')
      return () => events.push(`later ${sources.length}`)
    },
  }
  const slots = new SlotTable()
  const applier = new PatchApplier({
    table,
    upstreams,
    small: {
      consumer: {
        prepare: (upserts, removals) => () =>
          events.push(`consumers ${upserts.length} ${removals.join(' ')}`.trimEnd()),
      },
      certificate: { prepare: () => () => {} },
      listener: { prepare: () => () => {} },
      streamRoute: { prepare: () => () => {} },
    },
    slots,
    onApplied: (revision, faults) =>
      events.push(`applied ${revision}${faults.map((fault) => ` ${fault}`).join('')}`),
    defer: (work) => deferred.push(work),
    now: () => clock,
  })
  const archive = new ModelArchive()
  const give = (
    patch: Omit<Publication, 'upserts' | 'count' | 'slotTable'> & { upserts: ModelObject[] },
  ): PatchPart[] => {
    const upserts = patch.upserts.map((object) => archive.put(object.kind, object.id, textOf(object), 'test'))
    const parts = [...splitPatch({ ...patch, slotTable: null, upserts, count: upserts.length })]
    for (const part of parts) applier.take(part)
    return parts
  }
  return { events, deferred, slots, give }
}

const route = (id: string): ModelObject =>
  ({ kind: 'route', id, section: 'main', entries: [], predicate: null }) as unknown as ModelObject
const upstream = (id: string): ModelObject => ({ kind: 'upstream', id }) as ModelObject

test('a small patch is in force when the message is handled, upstreams and routes in one tick', () => {
  const { events, deferred, slots, give } = setUp()
  slots.set('old', 9)
  give({
    revision: 3,
    upserts: [route('a'), upstream('u')],
    removals: [],
    slots: [['new', 4]],
    freed: ['old'],
  })
  assert.deepEqual(events, ['upstreams 1', 'commit 3: 1', 'applied 3'])
  assert.equal(deferred.length, 0)
  assert.equal(slots.get('new'), 4)
  assert.equal(slots.get('old'), undefined)
})

test('a large patch goes in slices, nothing of it is in force before all is, and later patches wait', () => {
  const { events, deferred, give } = setUp()
  const upserts = Array.from({ length: 1200 }, (_, i) => route(`r${i}`))
  const parts = give({ revision: 1, upserts, removals: [], slots: [], freed: [] })
  give({ revision: 2, upserts: [], removals: [{ kind: 'route', id: 'r1' }], slots: [], freed: [] })
  assert.ok(parts.length > 2 && parts.every((part) => part.isBulk))
  assert.deepEqual(events, [])
  let turns = 0
  for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) {
    work()
    turns++
  }
  assert.ok(turns > 500, `${turns} turns for 1200 objects of 1 ms in slices of 2 ms`)
  assert.deepEqual(events, ['commit 1: 1200', 'applied 1', 'commit 2: 1', 'applied 2'])
})

test('an object that cannot be compiled is left out and named; the rest is in force', () => {
  const { events, give } = setUp()
  give({
    revision: 5,
    upserts: [route('bad'), route('a'), upstream('bad'), upstream('u')],
    removals: [],
    slots: [],
    freed: [],
  })
  assert.deepEqual(events, [
    'upstreams 1',
    'commit 5: 1',
    'applied 5 bad: no such balancer bad: does not compile',
  ])
})

test('of a large patch, what cannot be indexed is left out and named, upstreams one by one', () => {
  const { events, deferred, slots, give } = setUp()
  const upserts = [
    ...Array.from({ length: 600 }, (_, i) => route(`r${i}`)),
    route('bad'),
    upstream('bad'),
    upstream('u'),
  ]
  slots.set('old', 1)
  give({ revision: 4, upserts: [], removals: [], slots: [], freed: [] })
  events.length = 0
  give({ revision: 5, upserts, removals: [], slots: [['new', 2]], freed: ['old'] })
  for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) work()
  assert.deepEqual(events, [
    'later 1',
    'commit 5: 600',
    'applied 5 bad: no such balancer bad: does not compile',
  ])
  assert.equal(slots.get('new'), 2)
  assert.equal(slots.get('old'), undefined)
})

test('a large patch of removals alone ends', () => {
  const { events, deferred, give } = setUp()
  const removals = Array.from({ length: 600 }, (_, i) => ({ kind: 'route' as const, id: `r${i}` }))
  give({ revision: 2, upserts: [], removals, slots: [], freed: [] })
  for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) work()
  assert.deepEqual(events, ['commit 2: 600', 'applied 2'])
})
