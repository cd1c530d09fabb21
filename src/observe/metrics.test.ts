import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTool, runTool, skipWithout } from '../../test/support/tools.ts'
import {
  DURATION_BUCKETS,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  ERRORS_LINE,
  LINE,
  ROUTE,
  ROUTE_OVERFLOW,
  routeIdentity,
  TARGET,
  TARGET_OVERFLOW,
  targetIdentity,
  WORKER,
} from '../model/counters.ts'
import { endpointIdentity } from '../model/endpoint.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import type { ModelObject } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { Target } from '../model/split.ts'
import type { Upstream } from '../model/upstream.ts'
import { Exposition } from './exposition.ts'
import { type GatewayState, type MetricsSource, renderMetrics } from './metrics.ts'

const ORIGIN = { dialect: 'apisix', kind: 'route', id: '1', path: '' }

function routeOf(id: string, weights: readonly number[], variant = 'v'): Route {
  const targets = weights.map(
    (weight, i): Target => ({
      kind: 'upstream',
      upstreamId: 'u',
      weight,
      variant: `${variant}${i}`,
      origin: ORIGIN,
      requestFilters: [],
      responseFilters: [],
    }),
  )
  return {
    kind: 'route',
    id,
    name: id,
    origin: ORIGIN,
    section: 'apisix',
    entries: [],
    methods: null,
    clients: null,
    predicate: null,
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    rules: [{ origin: ORIGIN, predicate: null, split: { id: `${id}#split`, origin: ORIGIN, targets } }],
    timeouts: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
  }
}

function upstreamOf(id: string, hosts: readonly string[]): Upstream {
  return {
    kind: 'upstream',
    id,
    name: id,
    origin: ORIGIN,
    scheme: 'http',
    endpoints: hosts.map((host) => ({ host, port: 80, weight: 1, priority: 0 })),
    balancer: { kind: 'roundRobin' },
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 1, sendMs: 1, readMs: 1 },
    retry: { count: 0, timeoutMs: 0, onHeadTimeout: true, sameEndpointWhenAlone: true },
    pool: { size: 1, idleMs: 1, requests: 1 },
  }
}

const STATE: GatewayState = {
  version: '0.1.0',
  revision: 7,
  lastApplySucceeded: true,
  lastAppliedAtMs: 1_000_500,
  isReady: true,
  isStoreReachable: true,
  workerRestarts: 0,
  documents: [{ dialect: 'apisix', kind: 'routes', state: 'accepted', count: 2 }],
}

/** Counters of two workers, with slots given out on demand except for identities in `withoutSlot`. */
class FakeCounters implements MetricsSource {
  readonly counters = this
  readonly lanes = [new Float64Array(4096 * LINE), new Float64Array(4096 * LINE)]
  readonly withoutSlot = new Set<string>()
  list: ModelObject[] = []
  gatewayState = STATE
  readonly #slots = new Map<string, number>()

  objects(): Iterable<ModelObject> {
    return this.list
  }
  workers() {
    return [
      { key: 1, index: 1 },
      { key: 0, index: 0 },
    ]
  }
  state(): GatewayState {
    return this.gatewayState
  }
  sum(slot: number, field: number): number {
    return this.of(0, slot, field) + this.of(1, slot, field)
  }
  of(worker: number, slot: number, field: number): number {
    return this.lanes[worker]?.[slot * LINE + field] ?? 0
  }
  slot(identity: string): number {
    if (this.withoutSlot.has(identity)) {
      if (identity.startsWith('route:')) return ROUTE_OVERFLOW
      return identity.startsWith('target:') ? TARGET_OVERFLOW : ENDPOINT_OVERFLOW
    }
    const slot = this.#slots.get(identity) ?? 32 + this.#slots.size * 4
    this.#slots.set(identity, slot)
    return slot
  }
  count(worker: number, slot: number, field: number, by: number): void {
    const lane = this.lanes[worker]
    const at = slot * LINE + field
    if (lane !== undefined) lane[at] = (lane[at] ?? 0) + by
  }
}

/** A scrape with something of everything in it. */
function busySource(): FakeCounters {
  const source = new FakeCounters()
  const route = routeOf('apisix/routes/1', [3, 2])
  const upstream = upstreamOf('u', ['10.0.0.1', 'fd00::1'])
  source.list = [route, upstream]
  const routeSlot = source.slot(routeIdentity(route.id))
  source.count(0, routeSlot, 1, 3)
  source.count(1, routeSlot, 1, 4)
  source.count(1, routeSlot, 4, 1)
  source.count(0, routeSlot, ROUTE.SECONDS, 0.5)
  source.count(0, routeSlot, ROUTE.BUCKETS, 5)
  source.count(1, routeSlot, ROUTE.BUCKETS + 2, 2)
  source.count(1, routeSlot, ROUTE.BUCKETS + DURATION_BUCKETS.length, 1)
  source.count(0, source.slot(targetIdentity('apisix/routes/1#split', 0)), TARGET.WEIGHT, 3)
  source.count(1, source.slot(targetIdentity('apisix/routes/1#split', 1)), TARGET.WEIGHT, 2)
  source.count(1, source.slot(targetIdentity('apisix/routes/1#split', 1)), TARGET.STICKY, 1)
  const endpoint = upstream.endpoints[0]
  assert.ok(endpoint)
  const endpointSlot = source.slot(endpointIdentity('u', endpoint))
  source.count(0, endpointSlot, ENDPOINT.CONNECT_FAILED, 2)
  source.count(0, endpointSlot, ENDPOINT.IN_FLIGHT, 1)
  source.count(0, 0, WORKER.ACTIVE, 10)
  source.count(1, 0, WORKER.ACTIVE, 20)
  source.count(1, 0, WORKER.ACCEPTED, 99)
  source.count(1, ERRORS_LINE, Object.keys(ERROR_CODES).indexOf('NO_ENDPOINT'), 6)
  return source
}

const linesOf = (source: FakeCounters, options = {}) => renderMetrics(source, options).split('\n')

test('adds the lanes of all workers and sums up histogram buckets', () => {
  const lines = linesOf(busySource())
  const expected = [
    'headgate_http_requests_total{route="apisix/routes/1",code="2xx"} 7',
    'headgate_http_requests_total{route="apisix/routes/1",code="5xx"} 1',
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",le="0.005"} 5',
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",le="0.025"} 7',
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",le="10"} 7',
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",le="+Inf"} 8',
    'headgate_http_request_duration_seconds_sum{route="apisix/routes/1"} 0.5',
    'headgate_http_request_duration_seconds_count{route="apisix/routes/1"} 8',
    'headgate_split_decisions_total{route="apisix/routes/1",rule="0",target="0",variant="v0",reason="weight"} 3',
    'headgate_split_decisions_total{route="apisix/routes/1",rule="0",target="1",variant="v1",reason="sticky"} 1',
    'headgate_split_weight_ratio{route="apisix/routes/1",rule="0",target="0",variant="v0"} 0.6',
    'headgate_upstream_requests_total{upstream="u",node="10.0.0.1:80",priority="0",outcome="connect_failed"} 2',
    'headgate_upstream_requests_total{upstream="u",node="[fd00::1]:80",priority="0",outcome="2xx"} 0',
    'headgate_upstream_node_in_flight{upstream="u",node="10.0.0.1:80",priority="0"} 1',
    'headgate_connections{worker="0"} 10',
    'headgate_connections{worker="1"} 20',
    'headgate_connections_accepted_total 99',
    'headgate_errors_total{code="NO_ENDPOINT"} 6',
    'headgate_config_revision 7',
    'headgate_config_last_apply_success 1',
    'headgate_config_last_apply_timestamp_seconds 1000.5',
    'headgate_documents{dialect="apisix",kind="routes",state="accepted"} 2',
  ]
  for (const line of expected) assert.ok(lines.includes(line), `missing: ${line}`)
})

test('never gives one series twice', () => {
  const source = busySource()
  source.list.push(upstreamOf('twice', ['a', 'a']))
  const names = linesOf(source)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
  assert.equal(new Set(names).size, names.length)
})

test('drops the series of an object with the object', () => {
  const source = busySource()
  assert.match(renderMetrics(source), /apisix\/routes\/1/)
  source.list = []
  const text = renderMetrics(source)
  assert.doesNotMatch(text, /apisix\/routes\/1/)
  assert.doesNotMatch(text, /10\.0\.0\.1/)
})

test('counts what is beyond the cap, or has no line of its own, under _other without losing any', () => {
  const source = new FakeCounters()
  source.list = ['a', 'b', 'c', 'd'].map((id) => routeOf(id, [1]))
  for (const id of ['a', 'b', 'c']) source.count(0, source.slot(routeIdentity(id)), 1, 10)
  source.withoutSlot.add(routeIdentity('d'))
  source.count(1, ROUTE_OVERFLOW, 1, 5)
  const lines = linesOf(source, { maxSeries: 2 }).filter((line) =>
    line.startsWith('headgate_http_requests_total'),
  )
  assert.deepEqual(lines, [
    'headgate_http_requests_total{route="a",code="2xx"} 10',
    'headgate_http_requests_total{route="b",code="2xx"} 10',
    'headgate_http_requests_total{route="_other",code="2xx"} 15',
  ])
})

test('names of any kind stay inside their label', () => {
  const page = new Exposition()
  page.metric('m', 'gauge', 'help\nmore \\ text').add([['l', 'a"b\\c\nd\u001be']], Number.POSITIVE_INFINITY)
  assert.equal(
    page.toString(),
    '# HELP m help\\nmore \\\\ text\n# TYPE m gauge\nm{l="a\\"b\\\\c\\nd e"} +Inf\n',
  )
})

test('promtool finds nothing to complain about', { skip: skipWithout('promtool') }, async () => {
  const source = busySource()
  source.withoutSlot.add(routeIdentity('x'))
  source.list.push(routeOf('x', [1], 'odd "name" \\ \n ü'))
  const { code, stdout, stderr } = await runTool(findTool('promtool') ?? '', ['check', 'metrics'], {
    input: renderMetrics(source),
  })
  assert.equal(stdout + stderr, '')
  assert.equal(code, 0)
})
