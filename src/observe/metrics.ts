import {
  BLOCK,
  DURATION_BUCKETS,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  ERRORS_LINE,
  MIRROR,
  MIRROR_LINE,
  PHASE,
  WORKER,
} from '../model/counters.ts'
import { type Endpoint, endpointIdentity, endpointLabel } from '../model/endpoint.ts'
import type { EndpointView } from '../model/endpoint-view.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import type { MetricsSettings } from '../model/settings.ts'
import { CODE_LABELS } from '../model/status-cell.ts'
import { addApisixMetrics } from './apisix-metrics.ts'
import { Exposition, type Labels, OTHER } from './exposition.ts'
import type { MetricName } from './metric-catalog.ts'
import type { CounterReader, GatewayState, MetricsSource } from './metrics-source.ts'
import { addProcessMetrics } from './process-metrics.ts'
import {
  gatherRequests,
  IDLE_SHOWN,
  mergeBuckets,
  phaseBuckets,
  phaseSeconds,
  type RequestRow,
  routeLabel,
  upstreamLabel,
  variantLabel,
} from './request-rows.ts'

export { EXPOSITION_TYPE } from './exposition.ts'
export type { CounterReader, GatewayState, MetricsSource } from './metrics-source.ts'

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const
const REASONS = [
  ['weight', BLOCK.WEIGHT],
  ['forced', BLOCK.FORCED],
  ['sticky', BLOCK.STICKY],
  ['failover', BLOCK.FAILOVER],
] as const
const FAILURES = [
  ['connect_failed', ENDPOINT.CONNECT_FAILED],
  ['timeout', ENDPOINT.TIMED_OUT],
  ['closed', ENDPOINT.CLOSED],
] as const
const ENDPOINT_FIELDS = ENDPOINT.SECONDS + 1
const PHASE_LABELS = [
  ['total', PHASE.TOTAL],
  ['upstream', PHASE.UPSTREAM],
  ['gateway', PHASE.GATEWAY],
] as const

/** The two pages that Prometheus scrapes, over all workers. Labels hold names of the configuration only: never a path, host or client. */
export class Metrics {
  readonly #source: MetricsSource
  readonly #settings: MetricsSettings
  readonly #dropLabels: ReadonlySet<string>
  readonly #overflow = new Map<MetricName, number>()

  constructor(source: MetricsSource, settings: MetricsSettings) {
    this.#source = source
    this.#settings = settings
    this.#dropLabels = new Set(settings.dropLabels)
  }

  /** In our own names. */
  render(): string {
    const page = this.#page()
    const { counters } = this.#source
    const state = this.#source.state()
    const rows = gatherRequests(this.#source, this.#settings.maxSeries)
    addGateway(page, state)
    addWorkers(page, this.#source, state)
    addErrors(page, counters)
    addRequests(page, rows)
    addSplits(page, rows)
    addEndpoints(page, this.#source, this.#settings.maxSeries)
    addHealth(page, state)
    addProcessMetrics(page)
    // the last one: the others have told by now what did not fit
    const overflow = page.metric('headgate_metrics_overflow_total')
    for (const [name, series] of this.#overflow) overflow.add([['metric', name]], series)
    return page.toString()
  }

  /** In the names of APISIX; null: switched off. */
  renderApisix(): string | null {
    if (!this.#settings.apisix) return null
    const page = this.#page()
    addApisixMetrics(page, this.#source, gatherRequests(this.#source, this.#settings.maxSeries))
    return page.toString()
  }

  #page(): Exposition {
    return new Exposition({
      maxSeries: this.#settings.maxSeries,
      dropLabels: this.#dropLabels,
      apisixPrefix: this.#settings.apisixPrefix,
      onOverflow: (metric, series) => this.#overflow.set(metric, (this.#overflow.get(metric) ?? 0) + series),
    })
  }
}

function addGateway(page: Exposition, state: GatewayState): void {
  page.metric('headgate_build_info').add(
    [
      ['version', state.version],
      ['node', process.version],
    ],
    1,
  )
  page.metric('headgate_ready').add([], Number(state.isReady))
  page.metric('headgate_config_revision').add([], state.revision)
  page.metric('headgate_config_last_apply_success').add([], Number(state.lastApplySucceeded))
  if (state.lastAppliedAtMs !== null)
    page.metric('headgate_config_last_apply_timestamp_seconds').add([], state.lastAppliedAtMs / 1000)
  page.metric('headgate_store_reachable').add([], Number(state.isStoreReachable))
  const documents = page.metric('headgate_documents')
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
  const ends = page.metric('headgate_certificate_expiry_seconds')
  for (const { certificate, serverName, endMs } of state.certificates) {
    ends.add(
      [
        ['certificate', certificate],
        ['server_name', serverName],
      ],
      endMs / 1000,
    )
  }
  page.metric('headgate_worker_restarts_total').add([], state.workerRestarts)
  page.metric('headgate_events_dropped_total').add([], state.eventsDropped)
}

function addWorkers(page: Exposition, source: MetricsSource, state: GatewayState): void {
  const { counters } = source
  const workers = [...source.workers()].sort((a, b) => a.index - b.index)
  page.metric('headgate_workers').add([], workers.length)
  const gauges = [
    ['headgate_connections', WORKER.ACTIVE],
    ['headgate_requests_in_flight', WORKER.IN_FLIGHT],
    ['headgate_upstream_connections', WORKER.UPSTREAM_CONNECTIONS],
  ] as const
  for (const [name, field] of gauges) {
    const metric = page.metric(name)
    for (const { key, index } of workers) metric.add([['worker', `${index}`]], counters.of(key, 0, field))
  }
  const totals = [
    ['headgate_connections_accepted_total', WORKER.ACCEPTED],
    ['headgate_connections_refused_total', WORKER.REFUSED_AT_ACCEPT],
    ['headgate_requests_total', WORKER.REQUESTS],
    ['headgate_retry_budget_spent_total', WORKER.RETRY_BUDGET_SPENT],
    ['headgate_access_log_dropped_total', WORKER.LOG_LINES_DROPPED],
  ] as const
  for (const [name, field] of totals) page.metric(name).add([], counters.sum(0, field))
  const handshakes = page.metric('headgate_tls_handshakes_total')
  for (const [result, field] of [
    ['full', WORKER.TLS_FULL],
    ['resumed', WORKER.TLS_RESUMED],
    ['failed', WORKER.TLS_FAILED],
  ] as const)
    handshakes.add([['result', result]], counters.sum(0, field))
  const mirrors = page.metric('headgate_mirror_requests_total')
  for (const [result, field] of [
    ['answered', MIRROR.ANSWERED],
    ['failed', MIRROR.FAILED],
    ['dropped', MIRROR.DROPPED],
    ['too_large', MIRROR.TOO_LARGE],
    ['incomplete', MIRROR.INCOMPLETE],
  ] as const)
    mirrors.add([['result', result]], counters.sum(MIRROR_LINE, field))
  const lags = [
    ['nodejs_eventloop_lag_seconds', state.mainLag.last, WORKER.LAG],
    ['nodejs_eventloop_lag_max_seconds', state.mainLag.max, WORKER.LAG_MAX],
  ] as const
  for (const [name, main, field] of lags) {
    const metric = page.metric(name)
    metric.add([['thread', 'main']], main)
    for (const { key, index } of workers)
      metric.add([['thread', `worker-${index}`]], counters.of(key, 0, field))
  }
}

function addErrors(page: Exposition, counters: CounterReader): void {
  const metric = page.metric('headgate_errors_total')
  Object.keys(ERROR_CODES).forEach((code, i) => {
    const total = counters.sum(ERRORS_LINE, i)
    if (total > 0) metric.add([['code', code]], total)
  })
}

function addRequests(page: Exposition, rows: readonly RequestRow[]): void {
  const requests = page.metric('headgate_http_requests_total')
  for (const row of rows) {
    const labels: Labels = targetLabels(row)
    let isEmpty = true
    CODE_LABELS.forEach((code, i) => {
      const count = row.cells?.[BLOCK.CODES + i] ?? 0
      if (count === 0) return
      isEmpty = false
      requests.add([...labels, ['code', code]], count)
    })
    // a target has a series from the first scrape on, so that its first requests make a rate
    if (isEmpty && row.target !== null && row.hasLines) requests.add([...labels, ['code', '200']], 0)
  }
  const duration = page.metric('headgate_http_request_duration_seconds')
  for (const row of rows) {
    const { cells } = row
    if (cells === null) continue
    for (const [name, phase] of PHASE_LABELS) {
      const counts = mergeBuckets(phaseBuckets(cells, phase), DURATION_BUCKETS, 1000)
      if (counts.every((count) => count === 0)) continue
      duration.addHistogram(
        [
          ['route', routeLabel(row)],
          ['variant', variantLabel(row)],
          ['phase', name],
        ],
        DURATION_BUCKETS,
        counts,
        phaseSeconds(cells, phase),
      )
    }
  }
  for (const [name, field] of [
    ['headgate_http_request_bytes_total', BLOCK.BYTES_IN],
    ['headgate_http_response_bytes_total', BLOCK.BYTES_OUT],
  ] as const) {
    const metric = page.metric(name)
    for (const row of rows) if (row.cells !== null) metric.add(targetLabels(row), row.cells[field] as number)
  }
}

function targetLabels(row: RequestRow): Labels {
  return [
    ['route', routeLabel(row)],
    ['upstream', upstreamLabel(row)],
    ['variant', variantLabel(row)],
  ]
}

function addSplits(page: Exposition, rows: readonly RequestRow[]): void {
  const ratio = page.metric('headgate_split_weight_ratio')
  for (const row of rows) if (row.share !== null) ratio.add(splitLabels(row), row.share)
  const decisions = page.metric('headgate_split_decisions_total')
  for (const row of rows) {
    if ((row.target === null && !row.isRest) || !row.hasLines) continue
    for (const [reason, field] of REASONS) {
      const count = row.cells?.[field] ?? 0
      if (count > 0 || reason === 'weight') decisions.add([...splitLabels(row), ['reason', reason]], count)
    }
  }
}

function splitLabels(row: RequestRow): Labels {
  return [
    ['route', routeLabel(row)],
    ['rule', row.isRest ? OTHER : `${row.rule}`],
    ['target', row.isRest ? OTHER : `${row.index}`],
    ['variant', variantLabel(row)],
  ]
}

interface EndpointRow {
  readonly labels: Labels
  /** How it stands; undefined: nobody knows. */
  readonly view: EndpointView | undefined
  readonly values: readonly number[]
}

function addEndpoints(page: Exposition, source: MetricsSource, max: number): void {
  const rows = gatherEndpoints(source, max)
  addStandings(page, rows)
  const requests = page.metric('headgate_upstream_requests_total')
  for (const { labels, values } of rows) {
    CLASSES.forEach((outcome, i) => {
      const count = values[i] ?? 0
      if (count > 0 || i === 1) requests.add([...labels, ['outcome', outcome]], count)
    })
    for (const [outcome, field] of FAILURES) {
      const count = values[field] ?? 0
      if (count > 0) requests.add([...labels, ['outcome', outcome]], count)
    }
  }
  for (const [name, field] of [
    ['headgate_retries_total', ENDPOINT.RETRIES],
    ['headgate_upstream_connects_total', ENDPOINT.CONNECTED],
    ['headgate_upstream_response_seconds_total', ENDPOINT.SECONDS],
    ['headgate_upstream_node_in_flight', ENDPOINT.IN_FLIGHT],
  ] as const) {
    const metric = page.metric(name)
    for (const { labels, values } of rows) metric.add(labels, values[field] ?? 0)
  }
}

/** How endpoints stand. */
function addStandings(page: Exposition, rows: readonly EndpointRow[]): void {
  const add = (name: MetricName, value: (view: EndpointView) => number | null): void => {
    const metric = page.metric(name)
    for (const { labels, view } of rows) {
      const number = view === undefined ? null : value(view)
      if (number !== null) metric.add(labels, number)
    }
  }
  add('headgate_upstream_node_up', ({ state }) => Number(state === 'up' || state === 'trial'))
  const states = page.metric('headgate_upstream_node_state')
  for (const { labels, view } of rows)
    if (view !== undefined) states.add([...labels, ['state', view.state]], 1)
  add('headgate_upstream_node_weight', ({ weight }) => weight)
  add('headgate_upstream_node_effective_weight', ({ effectiveWeight }) => effectiveWeight)
  add('headgate_upstream_node_ejections_total', ({ ejections }) => ejections)
  add('headgate_upstream_node_last_probe_timestamp_seconds', ({ lastProbe }) =>
    lastProbe === null ? null : lastProbe.atMs / 1000,
  )
  add('headgate_upstream_node_last_probe_duration_seconds', ({ lastProbe }) =>
    lastProbe === null ? null : lastProbe.tookMs / 1000,
  )
}

function addHealth(page: Exposition, { health, names }: GatewayState): void {
  const transitions = page.metric('headgate_health_transitions_total')
  for (const { upstream, state, count } of health.transitions) {
    transitions.add(
      [
        ['upstream', upstream],
        ['state', state],
      ],
      count,
    )
  }
  const checks = page.metric('headgate_health_checks_total')
  for (const { upstream, type, result, count } of health.probes) {
    checks.add(
      [
        ['upstream', upstream],
        ['type', type],
        ['result', result],
      ],
      count,
    )
  }
  const counts = new Map<string, number>()
  for (const { state } of names) counts.set(state, (counts.get(state) ?? 0) + 1)
  const known = page.metric('headgate_dns_names')
  for (const [state, count] of counts) known.add([['state', state]], count)
  const labelsOf = ({ name, kind }: (typeof names)[number]): Labels => [
    ['name', name],
    ['kind', kind],
  ]
  const ages = page.metric('headgate_dns_answer_age_seconds')
  for (const one of names) if (one.ageSeconds !== null) ages.add(labelsOf(one), one.ageSeconds)
  const failures = page.metric('headgate_dns_failures_total')
  for (const one of names) failures.add(labelsOf(one), one.failures)
  const services = names.filter(({ kind }) => kind === 'pods')
  const current = page.metric('headgate_service_source_up')
  for (const { name, isAnswered } of services) current.add([['service', name]], Number(isAnswered))
  const nodes = page.metric('headgate_service_source_nodes')
  for (const { name, hosts } of services) nodes.add([['service', name]], hosts)
}

/** Endpoints of at most `max` upstreams, those in use first; the rest is one row. */
function gatherEndpoints({ counters, objects, standings }: MetricsSource, max: number): EndpointRow[] {
  const busy = new Map<string, number[]>()
  for (const { pool, owner, slot } of counters.counted()) {
    if (pool !== 'endpoint') continue
    const values = readEndpoint(counters, slot)
    if (values.every((value) => value === 0)) continue
    const slots = busy.get(owner)
    if (slots === undefined) busy.set(owner, [slot])
    else slots.push(slot)
  }
  const rows: EndpointRow[] = []
  const rest = readEndpoint(counters, ENDPOINT_OVERFLOW)
  let shown = 0
  const addUpstream = (id: string, endpoints: readonly Endpoint[]): void => {
    shown++
    const seen = new Set<string>()
    const views = new Map(standings?.(id)?.map((view) => [view.label, view]))
    for (const endpoint of endpoints) {
      const identity = endpointIdentity(id, endpoint)
      // An address listed twice is one endpoint with one set of counters.
      if (seen.has(identity)) continue
      seen.add(identity)
      const slot = counters.slot(identity)
      if (slot === ENDPOINT_OVERFLOW) continue
      const labels: Labels = [
        ['upstream', id],
        ['node', endpointLabel(endpoint)],
        ['priority', `${endpoint.priority}`],
      ]
      rows.push({ labels, view: views.get(endpointLabel(endpoint)), values: readEndpoint(counters, slot) })
    }
  }
  for (const [id, slots] of busy) {
    const upstream = shown < max ? objects.upstream(id) : undefined
    if (upstream !== undefined) addUpstream(id, upstream.endpoints)
    else
      for (const slot of slots)
        readEndpoint(counters, slot).forEach((value, i) => {
          rest[i] = (rest[i] as number) + value
        })
  }
  const most = Math.min(max, shown + IDLE_SHOWN)
  for (const source of objects.upstreams()) {
    if (shown >= most) break
    if (!busy.has(source.id)) addUpstream(source.id, source.read().endpoints)
  }
  if (rest.some((value) => value !== 0)) {
    rows.push({
      labels: ['upstream', 'node', 'priority'].map((label) => [label, OTHER]),
      view: undefined,
      values: rest,
    })
  }
  return rows
}

function readEndpoint(counters: CounterReader, slot: number): number[] {
  const values = new Array<number>(ENDPOINT_FIELDS)
  for (let i = 0; i < ENDPOINT_FIELDS; i++) values[i] = counters.sum(slot, i)
  return values
}
