import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BLOCK,
  BUCKET_BOUNDS_MS,
  BUCKETS,
  bucketOf,
  ENDPOINT,
  LINE,
  NO_ROUTE,
  PHASE,
  PHASES,
} from '../model/counters.ts'
import type { Route } from '../model/route.ts'
import type { Target } from '../model/split.ts'
import { codeCell } from '../model/status-cell.ts'
import type { CountedObject, CounterReader } from './metrics-source.ts'
import { Traffic } from './traffic.ts'
import { percentilesOf, TrafficSamples, TrafficSum } from './traffic-samples.ts'

/** Counters of one worker; each name is an object with lines of its own. */
class FakeCounters implements CounterReader {
  readonly cells = new Float64Array(200_000)
  readonly #known: CountedObject[] = []

  add(pool: CountedObject['pool'], identity: string, owner = identity): number {
    const slot = 200 + this.#known.length * BLOCK.LINES
    this.#known.push({ pool, identity, slot, owner })
    return slot
  }
  remove(identity: string): void {
    this.#known.splice(
      this.#known.findIndex((one) => one.identity === identity),
      1,
    )
  }
  sum(slot: number, field: number): number {
    return this.cells[slot * LINE + field] ?? 0
  }
  of(): number {
    return 0
  }
  slot(): number {
    return 0
  }
  counted(): Iterable<CountedObject> {
    return this.#known
  }
  count(slot: number, field: number, by: number): void {
    this.cells[slot * LINE + field] = this.sum(slot, field) + by
  }
  finish(slot: number, times: number, status = 200, ms = 3): void {
    this.count(slot, BLOCK.WEIGHT, times)
    this.count(slot, BLOCK.REQUESTS, times)
    this.count(slot, BLOCK.CODES + codeCell(status), times)
    this.count(slot, BLOCK.BUCKETS + bucketOf(ms) * PHASES + PHASE.TOTAL, times)
  }
}

function figures(samples: TrafficSamples, identity: string): TrafficSum {
  const sum = new TrafficSum(samples)
  const followed = samples.find(identity)
  return followed === undefined ? sum : sum.add(followed)
}

test('gives the rate of each window from what was counted in it', () => {
  const counters = new FakeCounters()
  const slot = counters.add('target', 't')
  counters.finish(slot, 1000)
  const samples = new TrafficSamples(counters)
  samples.take(0)
  assert.deepEqual(
    figures(samples, 't').rates,
    { last1s: 0, last10s: 0, last60s: 0 },
    'what was before the first sample',
  )
  for (let second = 1; second <= 100; second++) {
    counters.finish(slot, second <= 95 ? 6 : 26)
    samples.take(second * 1000)
  }
  // the last five seconds had 26 each
  assert.deepEqual(figures(samples, 't').rates, {
    last1s: 26,
    last10s: 16,
    last60s: Math.round((55 * 6 + 130) / 0.06) / 1000,
  })
  assert.equal(figures(samples, 't').requests, 1000 + 95 * 6 + 5 * 26)
  samples.take(101_500)
  assert.equal(figures(samples, 't').rates.last1s, 0)
  assert.equal(samples.seconds(1), 1.5)
})

test('counts all of what comes into use between two samples', () => {
  const counters = new FakeCounters()
  const samples = new TrafficSamples(counters)
  samples.take(0)
  const slot = counters.add('target', 'late')
  counters.finish(slot, 30, 500, 40)
  counters.finish(slot, 10, 200, 40)
  samples.take(1000)
  const sum = figures(samples, 'late')
  assert.equal(sum.rates.last60s, 40)
  assert.equal(sum.errorRatio, 0.75)
  assert.equal(sum.decisions, 40)
  assert.ok((sum.latencyMs?.p50 ?? 0) > 25 && (sum.latencyMs?.p50 ?? 0) <= 50)
})

test('forgets an object that is gone, and takes another in its lines for what it is', () => {
  const counters = new FakeCounters()
  const slot = counters.add('target', 'a')
  counters.finish(slot, 10)
  const samples = new TrafficSamples(counters)
  samples.take(0)
  counters.remove('a')
  counters.cells.fill(0)
  assert.equal(counters.add('target', 'b'), slot)
  counters.finish(slot, 3)
  samples.take(1000)
  assert.equal(samples.find('a'), undefined)
  assert.equal(figures(samples, 'b').rates.last1s, 3)
})

test('follows so many objects and no more, and lets busy ones take the place of idle ones', () => {
  const counters = new FakeCounters()
  const slots = ['a', 'b', 'c'].map((name) => counters.add('target', name))
  for (const slot of slots) counters.finish(slot, 100)
  const samples = new TrafficSamples(counters, 2)
  samples.take(0)
  assert.equal(samples.find('c'), undefined)
  assert.equal(samples.isPartial, false, 'it is not in use now')
  counters.finish(slots[0] as number, 5)
  counters.finish(slots[2] as number, 5)
  samples.take(1000)
  assert.equal(samples.find('b'), undefined, 'nothing was counted of it')
  assert.equal(figures(samples, 'a').rates.last1s, 5)
  counters.finish(slots[2] as number, 7)
  samples.take(2000)
  assert.equal(figures(samples, 'c').rates.last1s, 7, 'never what it counted before it was followed')
  counters.finish(slots[1] as number, 1)
  for (const slot of [slots[0], slots[2]]) counters.finish(slot as number, 1)
  samples.take(3000)
  assert.equal(samples.isPartial, true)
})

test('counts attempts of an endpoint: answered with 500 and above, or not at all, is an error', () => {
  const counters = new FakeCounters()
  const slot = counters.add('endpoint', 'e')
  const samples = new TrafficSamples(counters)
  samples.take(0)
  counters.count(slot, 1, 6)
  counters.count(slot, 4, 2)
  counters.count(slot, ENDPOINT.CONNECT_FAILED, 2)
  counters.count(slot, ENDPOINT.RETRIES, 2)
  counters.count(slot, ENDPOINT.CONNECTED, 3)
  counters.count(slot, ENDPOINT.BUCKETS + bucketOf(7), 8)
  samples.take(1000)
  const sum = figures(samples, 'e')
  assert.equal(sum.rates.last1s, 10)
  assert.equal(sum.errorRatio, 0.4)
  assert.equal(sum.retriesPerSecond, 2)
  assert.equal(sum.connectsPerSecond, 3)
  assert.ok((sum.latencyMs?.p99 ?? 0) > 5 && (sum.latencyMs?.p99 ?? 0) <= 10)
})

test('percentiles lie inside the bucket that holds them', () => {
  const buckets = new Float64Array(BUCKETS)
  assert.equal(percentilesOf(buckets), null)
  buckets[bucketOf(15)] = 90
  buckets[bucketOf(150)] = 8
  buckets[BUCKETS - 1] = 2
  const { p50, p95, p99 } = percentilesOf(buckets) ?? { p50: 0, p95: 0, p99: 0 }
  assert.ok(p50 > 10 && p50 <= 20)
  assert.ok(p95 > 100 && p95 <= 200)
  assert.equal(p99, BUCKET_BOUNDS_MS.at(-1))
})

function routeOf(id: string, weights: readonly number[]): Route {
  const origin = { dialect: 'apisix', kind: 'route', id, path: '' }
  const targets = weights.map(
    (weight, i): Target => ({
      kind: 'upstream',
      upstreamId: 'u',
      weight,
      variant: `v${i}`,
      origin,
      requestFilters: [],
      responseFilters: [],
    }),
  )
  return {
    kind: 'route',
    id,
    name: '',
    origin,
    section: 'apisix',
    entries: [],
    methods: null,
    clients: null,
    predicate: null,
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    upgrades: [],
    rules: [{ origin, predicate: null, split: { id: `${id}#split`, origin, targets, policy: null } }],
    timeouts: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
  }
}

const NOTHING = { routes: () => [], upstreams: () => [], route: () => undefined, upstream: () => undefined }
const QUERY = { view: 'routes', sort: 'rate', limit: 10, id: null } as const

test('samples only from the first question to a minute after the last one', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const counters = new FakeCounters()
  let now = 0
  const traffic = new Traffic({ counters, objects: NOTHING, now: () => now })
  t.after(() => traffic.close())
  const second = (): void => {
    now += 1000
    t.mock.timers.tick(1000)
  }
  second()
  assert.equal(traffic.isSampling, false)
  const first = traffic.report(QUERY)
  counters.finish(NO_ROUTE, 4, 404)
  second()
  const report = await first
  assert.equal(report.totals.rates.last1s, 4)
  assert.deepEqual(
    report.rows.map((row) => (row.kind === 'route' ? row.route : '?')),
    [''],
  )
  const seen: number[] = []
  const end = traffic.watch(QUERY, ({ totals }) => seen.push(totals.rates.last1s))
  for (let i = 0; i < 70; i++) second()
  assert.equal(traffic.isSampling, true, 'somebody looks')
  assert.equal(seen.length, 71)
  end()
  for (let i = 0; i < 62; i++) second()
  assert.equal(traffic.isSampling, false)
})

test('whoever waits for the first figures gets an answer when the gateway closes', async () => {
  const traffic = new Traffic({ counters: new FakeCounters(), objects: NOTHING })
  const waiting = traffic.report(QUERY)
  traffic.close()
  assert.equal((await waiting).rows.length, 0)
  assert.equal(traffic.isSampling, false)
})

test('finds a split without traffic among many routes, and one route by its id', async () => {
  const routes = Array.from({ length: 300 }, (_, i) => routeOf(`r${i}`, i === 299 ? [3, 1] : [1]))
  const objects = {
    ...NOTHING,
    routes: () => routes.map((route) => ({ id: route.id, read: () => route })),
    route: (id: string) => routes.find((route) => route.id === id),
  }
  const traffic = new Traffic({ counters: new FakeCounters(), objects, sampleMs: 1 })
  const keepAlive = setInterval(() => {}, 1000)
  try {
    const { rows } = await traffic.report({ ...QUERY, view: 'splits' })
    assert.deepEqual(
      rows.map((row) => (row.kind === 'target' ? [row.route, row.configuredShare, row.observedShare] : [])),
      [
        ['r299', 0.75, null],
        ['r299', 0.25, null],
      ],
    )
    assert.equal((await traffic.report({ ...QUERY, limit: 5 })).rows.length, 5)
    const one = await traffic.report({ ...QUERY, id: 'r7' })
    assert.deepEqual(
      one.rows.map((row) => (row.kind === 'route' ? row.route : '')),
      ['r7'],
    )
  } finally {
    clearInterval(keepAlive)
    traffic.close()
  }
})
