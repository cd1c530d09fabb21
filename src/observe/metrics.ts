import {
  DURATION_BUCKETS,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  ERRORS_LINE,
  ROUTE,
  ROUTE_OVERFLOW,
  routeIdentity,
  TARGET,
  TARGET_OVERFLOW,
  targetIdentity,
  WORKER,
} from '../model/counters.ts'
import { type Endpoint, endpointIdentity } from '../model/endpoint.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import type { ModelObject } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { Upstream } from '../model/upstream.ts'
import { Exposition, type Labels, type Metric } from './exposition.ts'
import { addProcessMetrics } from './process-metrics.ts'

export { EXPOSITION_TYPE } from './exposition.ts'

/** Reads the counters of shared memory (model/counters.ts has the layout). */
export interface CounterReader {
  /** Over all workers, those that are gone included. */
  sum(slot: number, field: number): number
  /** Of one living worker. */
  of(worker: number, slot: number, field: number): number
  /** Slot of an identity; the overflow line of its kind if it has none of its own. */
  slot(identity: string): number
}

/** What a scrape is made from; read anew each time, so the series of an object go with the object. */
export interface MetricsSource {
  readonly counters: CounterReader
  /** Every route and upstream in force. */
  objects(): Iterable<ModelObject>
  /** Living workers: the key that `counters.of` knows and the number people see. */
  workers(): Iterable<{ readonly key: number; readonly index: number }>
  state(): GatewayState
}

/** What is known beside the counters. */
export interface GatewayState {
  readonly version: string
  /** Revision that all living workers serve. */
  readonly revision: number
  readonly lastApplySucceeded: boolean
  /** Milliseconds since the epoch of the last change that took effect; null: none yet. */
  readonly lastAppliedAtMs: number | null
  readonly isReady: boolean
  readonly isStoreReachable: boolean
  readonly workerRestarts: number
  /** Number of documents by dialect, kind and state. */
  readonly documents: readonly {
    readonly dialect: string
    readonly kind: string
    readonly state: 'accepted' | 'degraded' | 'rejected'
    readonly count: number
  }[]
}

export interface MetricsOptions {
  /** Routes, and endpoints, that get series of their own in one scrape; those beyond go to `_other`. Default 10 000 each. */
  readonly maxSeries?: number
}

const OTHER = '_other'
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const
const REASONS = [
  ['weight', TARGET.WEIGHT],
  ['forced', TARGET.FORCED],
  ['sticky', TARGET.STICKY],
  ['failover', TARGET.FAILOVER],
] as const
const FAILURES = [
  ['connect_failed', ENDPOINT.CONNECT_FAILED],
  ['timeout', ENDPOINT.TIMED_OUT],
  ['closed', ENDPOINT.CLOSED],
] as const
const BUCKETS = DURATION_BUCKETS.length + 1
/** Fields of a route: classes, bytes, seconds, buckets. */
const ROUTE_FIELDS = ROUTE.BUCKETS + BUCKETS
const TARGET_FIELDS = TARGET.FAILOVER + 1
const ENDPOINT_FIELDS = ENDPOINT.SECONDS + 1

/** One scrape over all workers as Prometheus text. Labels hold ids of the configuration only: never a path, host or client. */
export function renderMetrics(source: MetricsSource, options: MetricsOptions = {}): string {
  const page = new Exposition()
  const maxSeries = options.maxSeries ?? 10_000
  const routes: Route[] = []
  const upstreams: Upstream[] = []
  for (const object of source.objects()) {
    if (object.kind === 'route') routes.push(object)
    else upstreams.push(object)
  }
  const state = source.state()
  addGateway(page, state)
  addWorkers(page, source)
  addErrors(page, source.counters)
  addRoutes(page, source.counters, routes, maxSeries)
  addSplits(page, source.counters, routes, maxSeries)
  addEndpoints(page, source.counters, upstreams, maxSeries)
  addProcessMetrics(page)
  return page.toString()
}

function addGateway(page: Exposition, state: GatewayState): void {
  const one = (name: string, help: string, value: number, labels: Labels = []) =>
    page.metric(name, 'gauge', help).add(labels, value)
  one('headgate_build_info', 'Version of the gateway and of its runtime; always 1.', 1, [
    ['version', state.version],
    ['node', process.version],
  ])
  one('headgate_ready', 'Whether /readyz says yes.', Number(state.isReady))
  one('headgate_config_revision', 'Revision of the configuration that all workers serve.', state.revision)
  one(
    'headgate_config_last_apply_success',
    'Whether the last change of the configuration took effect.',
    Number(state.lastApplySucceeded),
  )
  if (state.lastAppliedAtMs !== null) {
    one(
      'headgate_config_last_apply_timestamp_seconds',
      'When the last change took effect, in seconds since the epoch.',
      state.lastAppliedAtMs / 1000,
    )
  }
  one(
    'headgate_store_reachable',
    'Whether the store answers; traffic does not depend on it.',
    Number(state.isStoreReachable),
  )
  const documents = page.metric(
    'headgate_documents',
    'gauge',
    'Documents by state; rejected ones do not serve.',
  )
  for (const { dialect, kind, state: stands, count } of state.documents) {
    documents.add(
      [
        ['dialect', dialect],
        ['kind', kind],
        ['state', stands],
      ],
      count,
    )
  }
  page
    .metric('headgate_worker_restarts_total', 'counter', 'Workers replaced because they died or hung.')
    .add([], state.workerRestarts)
}

function addWorkers(page: Exposition, source: MetricsSource): void {
  const { counters } = source
  const workers = [...source.workers()].sort((a, b) => a.index - b.index)
  page.metric('headgate_workers', 'gauge', 'Living workers.').add([], workers.length)
  const gauges = [
    ['headgate_connections', 'Client connections open now.', WORKER.ACTIVE],
    ['headgate_requests_in_flight', 'Requests that have begun and are not answered.', WORKER.IN_FLIGHT],
    ['headgate_upstream_connections', 'Connections to endpoints open now.', WORKER.UPSTREAM_CONNECTIONS],
  ] as const
  for (const [name, help, field] of gauges) {
    const metric = page.metric(name, 'gauge', help)
    for (const { key, index } of workers) metric.add([['worker', `${index}`]], counters.of(key, 0, field))
  }
  const totals = [
    ['headgate_connections_accepted_total', 'Client connections accepted.', WORKER.ACCEPTED],
    [
      'headgate_connections_refused_total',
      'Connections closed at accept: over a limit.',
      WORKER.REFUSED_AT_ACCEPT,
    ],
    ['headgate_requests_total', 'Requests begun, those without a route included.', WORKER.REQUESTS],
    [
      'headgate_retry_budget_spent_total',
      'Retries not made because the budget was spent.',
      WORKER.RETRY_BUDGET_SPENT,
    ],
    [
      'headgate_access_log_dropped_total',
      'Access log lines lost: no room, or a failed write.',
      WORKER.LOG_LINES_DROPPED,
    ],
  ] as const
  for (const [name, help, field] of totals) {
    page.metric(name, 'counter', help).add([], counters.sum(0, field))
  }
}

function addErrors(page: Exposition, counters: CounterReader): void {
  const metric = page.metric('headgate_errors_total', 'counter', 'Errors by code (docs/errors.md).')
  Object.keys(ERROR_CODES).forEach((code, i) => {
    const total = counters.sum(ERRORS_LINE, i)
    if (total > 0) metric.add([['code', code]], total)
  })
}

/** Rows of counters, each with its labels; what has no line of its own, or is beyond the cap, is one row at the end. */
interface Row {
  readonly labels: Labels
  readonly values: readonly number[]
}

class Rows {
  readonly list: Row[] = []
  readonly #counters: CounterReader
  readonly #fields: number
  readonly #overflow: number
  readonly #max: number
  readonly #other: number[]
  #hasOther = false

  constructor(counters: CounterReader, fields: number, overflow: number, max: number) {
    this.#counters = counters
    this.#fields = fields
    this.#overflow = overflow
    this.#max = max
    this.#other = new Array<number>(fields).fill(0)
    this.#gather(overflow)
  }

  add(identity: string, labels: Labels): void {
    const slot = this.#counters.slot(identity)
    if (slot === this.#overflow || slot === 0) {
      this.#hasOther = true
    } else if (this.list.length >= this.#max) {
      this.#hasOther = true
      this.#gather(slot)
    } else {
      const values = new Array<number>(this.#fields)
      for (let i = 0; i < this.#fields; i++) values[i] = this.#counters.sum(slot, i)
      this.list.push({ labels, values })
    }
  }

  /** All rows, with `labels` on the one for the rest, if there is a rest. */
  close(labels: Labels): readonly Row[] {
    if (this.#hasOther || this.#other.some((value) => value !== 0)) {
      this.list.push({ labels, values: this.#other })
    }
    return this.list
  }

  #gather(slot: number): void {
    for (let i = 0; i < this.#fields; i++)
      this.#other[i] = (this.#other[i] ?? 0) + this.#counters.sum(slot, i)
  }
}

function addRoutes(page: Exposition, counters: CounterReader, routes: readonly Route[], max: number): void {
  const rows = new Rows(counters, ROUTE_FIELDS, ROUTE_OVERFLOW, max)
  for (const route of routes) rows.add(routeIdentity(route.id), [['route', route.id]])
  const all = rows.close([['route', OTHER]])
  const requests = page.metric(
    'headgate_http_requests_total',
    'counter',
    'Requests answered, by route and class of status.',
  )
  for (const { labels, values } of all) addClasses(requests, labels, 'code', values)
  const duration = page.metric(
    'headgate_http_request_duration_seconds',
    'histogram',
    'From the first byte of a request to the last one of its answer.',
  )
  for (const { labels, values } of all) {
    duration.addHistogram(labels, DURATION_BUCKETS, values.slice(ROUTE.BUCKETS), values[ROUTE.SECONDS] ?? 0)
  }
  addField(page, all, 'headgate_http_request_bytes_total', 'Bytes of request bodies.', ROUTE.BYTES_IN)
  addField(page, all, 'headgate_http_response_bytes_total', 'Bytes of answer bodies.', ROUTE.BYTES_OUT)
}

/** One series a class of status. 2xx is always there, so that a rate exists from the first scrape on; others when they first happen. */
function addClasses(metric: Metric, labels: Labels, name: string, values: readonly number[]): void {
  CLASSES.forEach((text, i) => {
    const count = values[i] ?? 0
    if (count > 0 || i === 1) metric.add([...labels, [name, text]], count)
  })
}

function addField(
  page: Exposition,
  rows: readonly Row[],
  name: string,
  help: string,
  field: number,
  type: 'counter' | 'gauge' = 'counter',
): void {
  const metric = page.metric(name, type, help)
  for (const { labels, values } of rows) metric.add(labels, values[field] ?? 0)
}

function addSplits(page: Exposition, counters: CounterReader, routes: readonly Route[], max: number): void {
  const rows = new Rows(counters, TARGET_FIELDS, TARGET_OVERFLOW, max)
  const ratio = page.metric(
    'headgate_split_weight_ratio',
    'gauge',
    'Share of a target as configured, 0 to 1.',
  )
  let given = 0
  for (const route of routes) {
    route.rules.forEach((rule, index) => {
      const { targets } = rule.split
      let sum = 0
      for (const target of targets) sum += target.weight
      targets.forEach((target, i) => {
        const labels: Labels = [
          ['route', route.id],
          ['rule', `${index}`],
          ['target', `${i}`],
          ['variant', target.variant],
        ]
        rows.add(targetIdentity(rule.split.id, i), labels)
        if (given++ < max) ratio.add(labels, sum === 0 ? 0 : target.weight / sum)
      })
    })
  }
  const decisions = page.metric(
    'headgate_split_decisions_total',
    'counter',
    'Choices of a target by what made them; a retry is no new choice.',
  )
  const other: Labels = [
    ['route', OTHER],
    ['rule', OTHER],
    ['target', OTHER],
    ['variant', OTHER],
  ]
  for (const { labels, values } of rows.close(other)) {
    for (const [reason, field] of REASONS) {
      const count = values[field] ?? 0
      if (count > 0 || field === TARGET.WEIGHT) decisions.add([...labels, ['reason', reason]], count)
    }
  }
}

function addEndpoints(
  page: Exposition,
  counters: CounterReader,
  upstreams: readonly Upstream[],
  max: number,
): void {
  const rows = new Rows(counters, ENDPOINT_FIELDS, ENDPOINT_OVERFLOW, max)
  for (const upstream of upstreams) {
    const seen = new Set<string>()
    for (const endpoint of upstream.endpoints) {
      const identity = endpointIdentity(upstream.id, endpoint)
      // An address listed twice is one endpoint with one set of counters.
      if (seen.has(identity)) continue
      seen.add(identity)
      rows.add(identity, [
        ['upstream', upstream.id],
        ['node', nodeOf(endpoint)],
        ['priority', `${endpoint.priority}`],
      ])
    }
  }
  const all = rows.close([
    ['upstream', OTHER],
    ['node', OTHER],
    ['priority', OTHER],
  ])
  const requests = page.metric(
    'headgate_upstream_requests_total',
    'counter',
    'Attempts by endpoint and outcome: a class of status, or what went wrong.',
  )
  for (const { labels, values } of all) {
    addClasses(requests, labels, 'outcome', values)
    for (const [outcome, field] of FAILURES) {
      const count = values[field] ?? 0
      if (count > 0) requests.add([...labels, ['outcome', outcome]], count)
    }
  }
  const { CONNECTED, IN_FLIGHT, RETRIES, SECONDS } = ENDPOINT
  addField(page, all, 'headgate_retries_total', 'Attempts after the first, by the endpoint tried.', RETRIES)
  addField(page, all, 'headgate_upstream_connects_total', 'Connections made to an endpoint.', CONNECTED)
  addField(
    page,
    all,
    'headgate_upstream_response_seconds_total',
    'Seconds spent waiting for answers; by the number of requests, the mean.',
    SECONDS,
  )
  addField(page, all, 'headgate_upstream_node_in_flight', 'Requests under way now.', IN_FLIGHT, 'gauge')
}

function nodeOf(endpoint: Endpoint): string {
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`
}
