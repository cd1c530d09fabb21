import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { BLOCK, ENDPOINT, LINE, ROUTE_OVERFLOW, WORKER } from '../model/counters.ts'
import type { Route } from '../model/route.ts'
import type { Upstream } from '../model/upstream.ts'
import { SlotTable } from './packed-slots.ts'
import { createPositions, setPosition } from './positions.ts'
import { DEFAULT_CAPACITY, SharedState } from './shared-state.ts'

const origin = { dialect: 'test', kind: 'route', id: '1', path: '' }

function makeRoute(id: string, weights: readonly number[]): Route {
  const targets = weights.map((weight, i) => ({
    kind: 'upstream' as const,
    upstreamId: `u${i}`,
    weight,
    variant: `u${i}`,
    origin,
    requestFilters: [],
    responseFilters: [],
  }))
  return {
    kind: 'route',
    id,
    name: id,
    origin,
    section: 'test',
    entries: [{ host: { kind: 'any' }, path: { kind: 'exact', text: `/${id}` }, key: [0] }],
    methods: null,
    clients: null,
    predicate: null,
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    upgrades: [],
    rules: [{ origin, predicate: null, split: { id: `${id}#0`, origin, targets, policy: null } }],
    timeouts: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
  }
}

function makeUpstream(id: string): Upstream {
  return {
    kind: 'upstream',
    id,
    name: id,
    origin,
    scheme: 'http',
    http2: 'never',
    endpoints: [
      {
        host: '127.0.0.1',
        port: 1,
        weight: 1,
        priority: 0,
        address: null,
        zone: null,
        failoverOnly: false,
        state: 'ready',
      },
      {
        host: '127.0.0.1',
        port: 2,
        weight: 1,
        priority: 0,
        address: null,
        zone: null,
        failoverOnly: false,
        state: 'ready',
      },
    ],
    balancer: { kind: 'roundRobin' },
    discovery: null,
    hashKey: null,
    levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
    health: null,
    slowStart: null,
    limits: null,
    tls: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 1, sendMs: 1, readMs: 1 },
    retry: {
      count: 0,
      timeoutMs: 0,
      onHeadTimeout: false,
      sameEndpointWhenAlone: false,
      triesAgain: false,
      attemptMs: 0,
      onStatuses: [],
      nonIdempotent: false,
      sameEndpoint: null,
      failoverTries: 0,
      budget: null,
    },
    pool: { size: 1, idleMs: 1, requests: 1, maxAgeMs: 0 },
  }
}

test('several threads share one position exactly, over many wraps', async () => {
  const segment = new SharedArrayBuffer(1024)
  const cycle = 5
  const limit = 1000 // small, so that it wraps hundreds of times
  const takes = 100_000
  const entry = new URL('./testing/take-positions.ts', import.meta.url)
  const threads = Array.from(
    { length: 3 },
    () => new Worker(entry, { workerData: { segment, slot: 3, limit, cycle, takes } }),
  )
  const totals = new Array<number>(cycle).fill(0)
  for (const [counts] of await Promise.all(threads.map((thread) => once(thread, 'message')))) {
    for (let i = 0; i < cycle; i++) totals[i] = (totals[i] ?? 0) + (counts as number[])[i]!
  }
  assert.deepEqual(totals, new Array(cycle).fill((3 * takes) / cycle))
})

test('a position wraps to 0 at its limit and can be looked at without being taken', () => {
  const segment = new SharedArrayBuffer(128)
  const positions = createPositions(segment)
  setPosition(segment, 1, 9)
  assert.equal(positions.peek(1, 10), 9)
  assert.equal(positions.advance(1, 10), 9)
  assert.equal(positions.peek(1, 10), 0)
  assert.equal(positions.advance(1, 10), 0)
  assert.equal(positions.advance(1, 10), 1)
})

test('a split with other weights starts at the phase of the old one, with the same weights it keeps its place', () => {
  const shared = new SharedState()
  const before = makeRoute('r', [3, 2])
  const first = shared.reserve([], [before])
  first.commit(1)
  const oldSlot = shared.slot('split:r#0|3,2')
  for (let i = 0; i < 7; i++) shared.positions.advance(oldSlot, 1000) // 2 of 5 into the second cycle
  const after = makeRoute('r', [6, 4]) // cycle 5 again
  shared.reserve([before], [after]).commit(2)
  const newSlot = shared.slot('split:r#0|6,4')
  assert.notEqual(newSlot, oldSlot)
  assert.equal(shared.positions.peek(newSlot, 1000), 2)
  const renamed = { ...after, name: 'other' }
  shared.reserve([after], [renamed]).commit(3)
  assert.equal(shared.slot('split:r#0|6,4'), newSlot)
})

test('a slot serves again only after every request on older revisions is gone, and starts at zero', () => {
  const shared = new SharedState({ ...DEFAULT_CAPACITY, positions: 4 })
  const memory = shared.addWorker(1)
  const route = makeRoute('r', [1, 1])
  shared.reserve([], [route]).commit(1)
  const slot = shared.slot('route:r')
  const slotsOf = (): number[] => [...shared.counted()].map((counted) => counted.slot).sort((a, b) => a - b)
  const freed = slotsOf()
  for (const one of freed) new Float64Array(memory.lane)[one * LINE + BLOCK.REQUESTS] = 5
  shared.reserve([route], []).commit(2)
  shared.release(1)
  assert.ok(shared.retired > 0)
  shared.reserve([], [makeRoute('s', [1, 1])]).commit(3)
  assert.notEqual(shared.slot('route:s'), slot)
  shared.release(2)
  assert.equal(shared.retired, 0)
  shared.reserve([], [makeRoute('t', [1, 1])]).commit(4)
  assert.deepEqual(
    slotsOf().filter((one) => freed.includes(one)),
    freed,
  )
  for (const one of freed) assert.equal(shared.sum(one, BLOCK.REQUESTS), 0)
})

test('a change that needs more positions than there are is refused and leaves everything as it was', () => {
  const shared = new SharedState({ ...DEFAULT_CAPACITY, positions: 3 })
  const two = [makeRoute('a', [1, 1]), makeRoute('b', [1, 1])]
  shared.reserve([], two).commit(1)
  assert.throws(
    () => shared.reserve([], [makeRoute('c', [1]), makeRoute('d', [1, 1])]),
    (error: { code?: string; message?: string }) =>
      error.code === 'LIMIT_OBJECTS' && /limit: 3/.test(error.message ?? ''),
  )
  shared.reserve([], [makeRoute('e', [1])]).commit(2) // one target: needs no position
  assert.notEqual(shared.slot('route:e'), ROUTE_OVERFLOW)
})

test('a reservation that is cancelled gives its slots back', () => {
  const shared = new SharedState({ ...DEFAULT_CAPACITY, positions: 2 })
  shared.reserve([], [makeRoute('a', [1, 1])]).cancel()
  const again = shared.reserve([], [makeRoute('b', [1, 1])])
  again.commit(1)
  assert.equal(shared.slot('split:b#0|1,1'), 1)
  assert.equal(shared.slot('split:a#0|1,1'), 0)
})

test('routes beyond the series cap count on the overflow line', () => {
  const shared = new SharedState({ ...DEFAULT_CAPACITY, routes: 1 })
  shared.reserve([], [makeRoute('a', [1]), makeRoute('b', [1])]).commit(1)
  assert.notEqual(shared.slot('route:a'), ROUTE_OVERFLOW)
  assert.equal(shared.slot('route:b'), ROUTE_OVERFLOW)
})

test('totals never go back when a worker dies, and its gauges go with it', () => {
  const shared = new SharedState()
  shared.reserve([], [makeUpstream('u')]).commit(1)
  const slot = shared.slot('endpoint:u|127.0.0.1|1|0')
  const first = new Float64Array(shared.addWorker(1).lane)
  const second = new Float64Array(shared.addWorker(2).lane)
  first[WORKER.REQUESTS] = 10
  first[WORKER.ACTIVE] = 3
  second[WORKER.REQUESTS] = 5
  first[slot * LINE + 1] = 7
  first[slot * LINE + ENDPOINT.IN_FLIGHT] = 2
  assert.equal(shared.sum(0, WORKER.REQUESTS), 15)
  shared.removeWorker(1)
  assert.equal(shared.sum(0, WORKER.REQUESTS), 15)
  assert.equal(shared.sum(0, WORKER.ACTIVE), 0)
  assert.equal(shared.sum(slot, 1), 7)
  assert.equal(shared.sum(slot, ENDPOINT.IN_FLIGHT), 0)
})

test('a worker that starts later gets every identity in force', () => {
  const shared = new SharedState()
  shared.reserve([], [makeRoute('a', [1, 2]), makeUpstream('u')]).commit(1)
  const slots = new SlotTable()
  slots.begin(shared.slots())
  assert.equal(slots.get('split:a#0|1,2'), shared.slot('split:a#0|1,2'))
  assert.equal(slots.get('endpoint:u|127.0.0.1|2|0'), shared.slot('endpoint:u|127.0.0.1|2|0'))
  slots.set('split:a#0|1,2', 77)
  slots.delete('endpoint:u|127.0.0.1|2|0')
  assert.equal(slots.get('split:a#0|1,2'), 77)
  assert.equal(slots.get('endpoint:u|127.0.0.1|2|0'), undefined)
})
