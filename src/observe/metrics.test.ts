import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTool, runTool, skipWithout } from '../../test/support/tools.ts'
import {
  BLOCK,
  BUCKETS,
  bucketOf,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  ERRORS_LINE,
  FIRST_SLOT,
  LINE,
  NO_ROUTE,
  PHASE,
  PHASES,
  ROUTE_OVERFLOW,
  routeIdentity,
  TARGET_OVERFLOW,
  targetIdentity,
  WORKER,
} from '../model/counters.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { endpointIdentity } from '../model/endpoint.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import type { ModelObject } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { MetricsSettings } from '../model/settings.ts'
import type { Target } from '../model/split.ts'
import { codeCell } from '../model/status-cell.ts'
import type { Upstream } from '../model/upstream.ts'
import { Exposition } from './exposition.ts'
import { checkMetricLabel, METRICS } from './metric-catalog.ts'
import { Metrics } from './metrics.ts'
import type { CountedObject, GatewayState, MetricsSource } from './metrics-source.ts'

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
    upgrades: [],
    rules: [
      {
        origin: ORIGIN,
        predicate: null,
        split: { id: `${id}#split`, origin: ORIGIN, targets, policy: null },
      },
    ],
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
    http2: 'never',
    endpoints: hosts.map((host) => ({
      host,
      port: 80,
      weight: 1,
      priority: 0,
      address: null,
      zone: null,
      failoverOnly: false,
      state: 'ready',
    })),
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
      onHeadTimeout: true,
      sameEndpointWhenAlone: true,
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

const STATE: GatewayState = {
  version: '0.1.0',
  revision: 7,
  lastApplySucceeded: true,
  lastAppliedAtMs: 1_000_500,
  isReady: true,
  isStoreReachable: true,
  workerRestarts: 0,
  eventsDropped: 0,
  mainLag: { last: 0, max: 0.25 },
  documents: [{ dialect: 'apisix', kind: 'routes', state: 'accepted', count: 2 }],
  certificates: [{ certificate: 'apisix/ssls/1', serverName: 'a.test', endMs: 2_000_500 }],
  health: {
    transitions: [{ upstream: 'apisix/upstreams/u', state: 'ejected', count: 2 }],
    probes: [{ upstream: 'apisix/upstreams/u', type: 'http', result: 'failure', count: 3 }],
  },
  names: [
    {
      name: 'a.test',
      kind: 'addresses',
      state: 'good',
      ageSeconds: 1.5,
      failures: 4,
      isAnswered: true,
      hosts: 1,
    },
    {
      name: 'cls-1/shop/orders:8000',
      kind: 'pods',
      state: 'kept',
      ageSeconds: 60,
      failures: 2,
      isAnswered: false,
      hosts: 3,
    },
  ],
}

/** Counters of two workers, with slots given out on demand except for identities in `withoutSlot`. */
class FakeCounters implements MetricsSource {
  readonly counters = this
  readonly objects = this
  readonly lanes = [new Float64Array(4096 * LINE), new Float64Array(4096 * LINE)]
  readonly withoutSlot = new Set<string>()
  list: ModelObject[] = []
  gatewayState = STATE
  /** Objects read in all. */
  reads = 0
  readonly #slots = new Map<string, number>()

  routes() {
    return this.#sources('route') as Iterable<{ id: string; read(): Route }>
  }
  upstreams() {
    return this.#sources('upstream') as Iterable<{ id: string; read(): Upstream }>
  }
  route(id: string): Route | undefined {
    this.reads++
    return this.list.find((object) => object.kind === 'route' && object.id === id) as Route | undefined
  }
  upstream(id: string): Upstream | undefined {
    return this.list.find((object) => object.kind === 'upstream' && object.id === id) as Upstream | undefined
  }
  #sources(kind: ModelObject['kind']) {
    const read = (object: ModelObject) => () => {
      this.reads++
      return object
    }
    return this.list
      .filter((object) => object.kind === kind)
      .map((object) => ({ id: object.id, read: read(object) }))
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
    const slot = this.#slots.get(identity) ?? FIRST_SLOT + this.#slots.size * BLOCK.LINES
    this.#slots.set(identity, slot)
    return slot
  }
  *counted(): Generator<CountedObject> {
    for (const object of this.list) {
      const of = (pool: CountedObject['pool'], identity: string): CountedObject => ({
        pool,
        identity,
        slot: this.slot(identity),
        owner: object.id,
      })
      const all: CountedObject[] = []
      if (object.kind === 'route') {
        all.push(of('route', routeIdentity(object.id)))
        for (const { split } of object.rules)
          for (let i = 0; i < split.targets.length; i++) all.push(of('target', targetIdentity(split.id, i)))
      } else if (object.kind === 'upstream')
        for (const endpoint of object.endpoints)
          all.push(of('endpoint', endpointIdentity(object.id, endpoint)))
      for (const counted of all) if (!this.withoutSlot.has(counted.identity)) yield counted
    }
  }
  count(worker: number, slot: number, field: number, by: number): void {
    const lane = this.lanes[worker]
    const at = slot * LINE + field
    if (lane !== undefined) lane[at] = (lane[at] ?? 0) + by
  }
  /** Requests that are over, as an exchange counts them. */
  finish(slot: number, status: number, times: number, totalMs = 3, upstreamMs = 3): void {
    this.count(0, slot, BLOCK.REQUESTS, times)
    this.count(1, slot, BLOCK.CODES + codeCell(status), times)
    this.count(0, slot, BLOCK.BYTES_IN, 10 * times)
    this.count(0, slot, BLOCK.BYTES_OUT, 100 * times)
    this.count(1, slot, BLOCK.SECONDS, (times * totalMs) / 1000)
    this.count(1, slot, BLOCK.UPSTREAM_SECONDS, (times * upstreamMs) / 1000)
    for (const [phase, ms] of [
      [PHASE.TOTAL, totalMs],
      [PHASE.UPSTREAM, upstreamMs],
      [PHASE.GATEWAY, totalMs - upstreamMs],
    ] as const)
      this.count(0, slot, BLOCK.BUCKETS + bucketOf(ms) * PHASES + phase, times)
  }
}

const target = (index: number, split = 'apisix/routes/1#split') => targetIdentity(split, index)

/** A scrape with something of everything in it. */
function busySource(): FakeCounters {
  const source = new FakeCounters()
  const route: Route = {
    ...routeOf('apisix/routes/1', [3, 2]),
    entries: [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/a/' }, key: [] }],
    labels: { routeId: '1', routeName: null, serviceId: 's', serviceName: null },
  }
  const upstream = upstreamOf('u', ['10.0.0.1', 'fd00::1'])
  source.list = [route, upstream]
  source.count(0, source.slot(target(0)), BLOCK.WEIGHT, 3)
  source.count(1, source.slot(target(1)), BLOCK.WEIGHT, 2)
  source.count(1, source.slot(target(1)), BLOCK.STICKY, 1)
  source.finish(source.slot(target(0)), 200, 2)
  source.finish(source.slot(target(0)), 520, 1, 30, 20)
  source.finish(source.slot(target(1)), 404, 3, 90_000, 90_000)
  source.finish(source.slot(routeIdentity(route.id)), 503, 1)
  source.finish(NO_ROUTE, 404, 4)
  const endpoint = upstream.endpoints[0]
  assert.ok(endpoint)
  const endpointSlot = source.slot(endpointIdentity('u', endpoint))
  source.count(0, endpointSlot, ENDPOINT.CONNECT_FAILED, 2)
  source.count(0, endpointSlot, ENDPOINT.IN_FLIGHT, 1)
  source.count(0, 0, WORKER.ACTIVE, 10)
  source.count(1, 0, WORKER.ACTIVE, 20)
  source.count(1, 0, WORKER.IN_FLIGHT, 4)
  source.count(1, 0, WORKER.ACCEPTED, 99)
  source.count(1, 0, WORKER.LAG, 0.5)
  source.count(1, ERRORS_LINE, Object.keys(ERROR_CODES).indexOf('NO_ENDPOINT'), 6)
  return source
}

const metricsOf = (source: FakeCounters, settings: Partial<MetricsSettings> = {}) =>
  new Metrics(source, { ...DEFAULT_SETTINGS.metrics, ...settings })
const linesOf = (source: FakeCounters, settings: Partial<MetricsSettings> = {}) =>
  metricsOf(source, settings).render().split('\n')
const apisixLinesOf = (source: FakeCounters, settings: Partial<MetricsSettings> = {}) =>
  (metricsOf(source, settings).renderApisix() ?? '').split('\n')

function assertHas(lines: readonly string[], expected: readonly string[]): void {
  for (const line of expected) assert.ok(lines.includes(line), `missing: ${line}`)
}

test('shows requests by exact status and variant, added up over all workers', () => {
  const stable = 'route="apisix/routes/1",upstream="u",variant="v0"'
  const canary = 'route="apisix/routes/1",upstream="u",variant="v1"'
  assertHas(linesOf(busySource()), [
    `headgate_http_requests_total{${stable},code="200"} 2`,
    `headgate_http_requests_total{${stable},code="5xx_other"} 1`,
    `headgate_http_requests_total{${canary},code="404"} 3`,
    'headgate_http_requests_total{route="apisix/routes/1",upstream="",variant="",code="503"} 1',
    'headgate_http_requests_total{route="",upstream="",variant="",code="404"} 4',
    `headgate_http_request_bytes_total{${canary}} 30`,
    `headgate_http_response_bytes_total{${canary}} 300`,
  ])
})

test('sums up the buckets of each phase, and gives the gateway what the upstream did not take', () => {
  const of = (phase: string) => `route="apisix/routes/1",variant="v0",phase="${phase}"`
  const bucket = (phase: string, le: string) =>
    `headgate_http_request_duration_seconds_bucket{${of(phase)},le="${le}"}`
  assertHas(linesOf(busySource()), [
    `${bucket('total', '0.005')} 2`,
    `${bucket('total', '0.025')} 2`,
    `${bucket('total', '0.05')} 3`,
    `${bucket('total', '+Inf')} 3`,
    `${bucket('upstream', '0.025')} 3`,
    `${bucket('gateway', '0.005')} 2`,
    `${bucket('gateway', '0.01')} 3`,
    `headgate_http_request_duration_seconds_count{${of('gateway')}} 3`,
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",variant="v1",phase="total",le="10"} 0',
    'headgate_http_request_duration_seconds_bucket{route="apisix/routes/1",variant="v1",phase="total",le="+Inf"} 3',
    'headgate_http_request_duration_seconds_sum{route="apisix/routes/1",variant="v1",phase="total"} 270',
  ])
})

test('shows splits, endpoints, workers and the configuration', () => {
  assertHas(linesOf(busySource()), [
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
    'headgate_certificate_expiry_seconds{certificate="apisix/ssls/1",server_name="a.test"} 2000.5',
    'headgate_tls_handshakes_total{result="resumed"} 0',
    'headgate_dns_names{state="kept"} 1',
    'headgate_dns_answer_age_seconds{name="a.test",kind="addresses"} 1.5',
    'headgate_dns_failures_total{name="a.test",kind="addresses"} 4',
    'headgate_service_source_up{service="cls-1/shop/orders:8000"} 0',
    'headgate_service_source_nodes{service="cls-1/shop/orders:8000"} 3',
    'headgate_config_last_apply_success 1',
    'headgate_config_last_apply_timestamp_seconds 1000.5',
    'headgate_documents{dialect="apisix",kind="routes",state="accepted"} 2',
    'nodejs_eventloop_lag_max_seconds{thread="main"} 0.25',
    'nodejs_eventloop_lag_seconds{thread="worker-1"} 0.5',
  ])
})

test('gives the same counts in the names of APISIX, in milliseconds', () => {
  const common = 'route="1",service="s",consumer="",node=""'
  assertHas(apisixLinesOf(busySource()), [
    'apisix_http_status{code="404",route="1",matched_uri="/a/*",matched_host="",service="s",consumer="",node=""} 3',
    'apisix_http_status{code="404",route="",matched_uri="",matched_host="",service="",consumer="",node=""} 4',
    `apisix_http_latency_bucket{type="request",${common},le="5"} 3`,
    `apisix_http_latency_bucket{type="request",${common},le="50"} 4`,
    `apisix_http_latency_bucket{type="request",${common},le="60000"} 4`,
    `apisix_http_latency_count{type="apisix",${common}} 7`,
    `apisix_bandwidth{type="egress",${common}} 700`,
    'apisix_etcd_reachable 1',
    'apisix_nginx_http_current_connections{state="active"} 30',
    'apisix_nginx_http_current_connections{state="writing"} 4',
    'apisix_nginx_http_current_connections{state="waiting"} 26',
  ])
  assert.ok(apisixLinesOf(busySource(), { apisixPrefix: 'gw_' }).includes('gw_etcd_reachable 1'))
  assert.equal(metricsOf(busySource(), { apisix: false }).renderApisix(), null)
})

test('names the node of an upstream that has only one', () => {
  const source = busySource()
  source.list = source.list.map((object) =>
    object.kind === 'route' ? object : upstreamOf('u', ['10.0.0.1']),
  )
  const lines = apisixLinesOf(source)
  assertHas(lines, ['apisix_bandwidth{type="ingress",route="1",service="s",consumer="",node="10.0.0.1"} 60'])
})

test('never gives one series twice, also where two targets have one variant', () => {
  const source = busySource()
  source.list.push(upstreamOf('twice', ['a', 'a']))
  const twin = routeOf('twin', [1])
  source.list.push({ ...twin, rules: [...twin.rules, ...routeOf('twin-2', [1]).rules] })
  source.finish(source.slot(target(0, 'twin#split')), 200, 5)
  source.finish(source.slot(target(0, 'twin-2#split')), 200, 6)
  for (const lines of [linesOf(source), apisixLinesOf(source)]) {
    const names = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.slice(0, line.lastIndexOf(' ')))
    assert.equal(new Set(names).size, names.length)
  }
  assertHas(linesOf(source), [
    'headgate_http_requests_total{route="twin",upstream="u",variant="v0",code="200"} 11',
  ])
})

test('drops the series of an object with the object', () => {
  const source = busySource()
  assert.match(metricsOf(source).render(), /apisix\/routes\/1/)
  source.list = []
  const text = metricsOf(source).render()
  assert.doesNotMatch(text, /apisix\/routes\/1/)
  assert.doesNotMatch(text, /10\.0\.0\.1/)
})

test('counts what is beyond the cap, or has no lines of its own, under _other, and loses nothing', () => {
  const source = new FakeCounters()
  const ids = Array.from({ length: 120 }, (_, i) => `r${i}`)
  source.list = ids.map((id) => routeOf(id, [1]))
  for (const id of ids.slice(10)) source.finish(source.slot(target(0, `${id}#split`)), 200, 1)
  source.withoutSlot.add(target(0, 'r5#split'))
  source.finish(TARGET_OVERFLOW, 200, 5)
  const metrics = metricsOf(source, { maxSeries: 100 })
  metrics.render()
  assert.ok(source.reads <= 100, `read ${source.reads} routes`)
  const lines = metrics.render().split('\n')
  const requests = lines.filter((line) => line.startsWith('headgate_http_requests_total{'))
  assert.equal(requests.length, 101)
  const values = requests.map((line) => Number(line.slice(line.lastIndexOf(' '))))
  assert.equal(
    values.reduce((sum, value) => sum + value, 0),
    115,
  )
  assert.ok(
    requests.includes(
      'headgate_http_requests_total{route="_other",upstream="_other",variant="_other",code="200"} 15',
    ),
    'ten routes that were not read, and the five',
  )
  // histograms are 17 series each, so most of them do not fit: told at each scrape
  const durations = lines.filter((line) =>
    /^headgate_http_request_duration_seconds_count.*phase="total"/.test(line),
  )
  assert.equal(
    durations.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0),
    115,
  )
  const told = lines.find((line) =>
    line.startsWith('headgate_metrics_overflow_total{metric="headgate_http_request_d'),
  )
  assert.ok(Number(told?.slice(told.lastIndexOf(' '))) > 1000, told)
})

test('adds up series that differ only in labels that are switched off', () => {
  const lines = linesOf(busySource(), {
    dropLabels: ['headgate_http_requests_total.variant', 'headgate_http_requests_total.code'],
  })
  assertHas(lines, ['headgate_http_requests_total{route="apisix/routes/1",upstream="u"} 6'])
  assertHas(
    apisixLinesOf(busySource(), { dropLabels: ['apisix_http_latency.route', 'apisix_http_latency.service'] }),
    ['apisix_http_latency_count{type="request",consumer="",node=""} 11'],
  )
})

test('says which metrics and labels there are to one who names another', () => {
  assert.equal(checkMetricLabel('headgate_http_requests_total.code'), null)
  assert.match(
    checkMetricLabel('headgate_http_requests_total.status') ?? '',
    /it has route, upstream, variant, code/,
  )
  assert.match(checkMetricLabel('headgate_http_request_total.code') ?? '', /no metric/)
  assert.match(checkMetricLabel('code') ?? '', /metric\.label/)
})

test('every status has a cell, and every cell lies in front of the buckets', () => {
  for (let status = 0; status < 1000; status++)
    assert.ok(BLOCK.CODES + codeCell(status) < BLOCK.BUCKETS, `${status}`)
  assert.ok(BLOCK.BUCKETS + BUCKETS * PHASES <= BLOCK.LINES * LINE)
  assert.ok(ENDPOINT.BUCKETS + BUCKETS <= ENDPOINT.LINES * LINE)
})

test('names of any kind stay inside their label', () => {
  const page = new Exposition({
    maxSeries: 10,
    dropLabels: new Set(),
    onOverflow: () => {},
    apisixPrefix: 'apisix_',
  })
  page.metric('headgate_ready').add([['l', 'a"b\\c\nd\u001be']], Number.POSITIVE_INFINITY)
  assert.equal(
    page.toString(),
    `# HELP headgate_ready ${METRICS.headgate_ready.help}\n# TYPE headgate_ready gauge\nheadgate_ready{l="a\\"b\\\\c\\nd e"} +Inf\n`,
  )
})

test('promtool finds nothing to complain about on either page', {
  skip: skipWithout('promtool'),
}, async () => {
  const source = busySource()
  source.withoutSlot.add(routeIdentity('x'))
  source.list.push(routeOf('x', [1], 'odd "name" \\ \n ü'))
  const metrics = metricsOf(source, { maxSeries: 100 })
  metrics.render()
  for (const input of [metrics.render(), metrics.renderApisix() ?? '']) {
    const { code, stdout, stderr } = await runTool(findTool('promtool') ?? '', ['check', 'metrics'], {
      input,
    })
    assert.equal(stdout + stderr, '')
    assert.equal(code, 0)
  }
})
