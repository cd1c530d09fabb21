import { hostname } from 'node:os'
import { BLOCK, PHASE, WORKER } from '../model/counters.ts'
import type { HostPattern, PathPattern, Route } from '../model/route.ts'
import { CODE_LABELS } from '../model/status-cell.ts'
import { type Exposition, type Labels, OTHER } from './exposition.ts'
import type { MetricsSource } from './metrics-source.ts'
import { mergeBuckets, phaseBuckets, phaseSeconds, type RequestRow } from './request-rows.ts'

/**
 * The metrics of APISIX's prometheus plugin, by the names, labels and units of its exporter, for dashboards and alerts that exist. What a label
 * cannot truthfully hold stays empty: a route with several paths does not tell which of them matched, an upstream with several nodes not
 * which of them answered, and there are no consumers. Streams are none of its requests: they have a metric of their own, as there.
 */

/** Milliseconds. From: apisix/plugins/prometheus/exporter.lua, DEFAULT_BUCKETS. */
const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const

export function addApisixMetrics(page: Exposition, source: MetricsSource, rows: readonly RequestRow[]): void {
  const { counters } = source
  const state = source.state()
  let active = 0
  let inFlight = 0
  for (const { key } of source.workers()) {
    active += counters.of(key, 0, WORKER.ACTIVE)
    inFlight += counters.of(key, 0, WORKER.IN_FLIGHT)
  }
  page.metric('apisix_etcd_reachable').add([], Number(state.isStoreReachable))
  page.metric('apisix_http_requests_total').add([], counters.sum(0, WORKER.REQUESTS))
  const connections = page.metric('apisix_nginx_http_current_connections')
  const accepted = counters.sum(0, WORKER.ACCEPTED)
  // `reading` is left out: a connection that has sent a part of a head is not told from one that waits
  const states: Readonly<Record<string, number>> = {
    accepted: accepted + counters.sum(0, WORKER.REFUSED_AT_ACCEPT),
    active,
    handled: accepted,
    waiting: Math.max(0, active - inFlight),
    writing: Math.min(active, inFlight),
  }
  for (const [name, value] of Object.entries(states)) connections.add([['state', name]], value)
  page.metric('apisix_node_info').add([['hostname', hostname()]], 1)
  addStreams(page, rows)
  const counted = rows.flatMap((row) =>
    row.cells === null || row.route?.kind === 'streamRoute'
      ? []
      : [{ row, cells: row.cells, labels: commonLabels(row, source) }],
  )
  addUpstreamStatuses(page, source)
  addStatuses(page, counted)
  addLatency(page, counted)
  const bandwidth = page.metric('apisix_bandwidth')
  for (const { cells, labels } of counted) {
    bandwidth.add([['type', 'ingress'], ...labels], cells[BLOCK.BYTES_IN] as number)
    bandwidth.add([['type', 'egress'], ...labels], cells[BLOCK.BYTES_OUT] as number)
  }
}

/** Connections and sessions that are over, by route. A route with several targets has several rows. */
function addStreams(page: Exposition, rows: readonly RequestRow[]): void {
  const metric = page.metric('apisix_stream_connection_total')
  for (const { route, cells } of rows)
    if (route?.kind === 'streamRoute' && cells !== null)
      metric.add([['route', route.labels.routeId]], cells[BLOCK.REQUESTS] as number)
}

interface CountedRow {
  readonly row: RequestRow
  readonly cells: Float64Array
  readonly labels: Labels
}

function addStatuses(page: Exposition, rows: readonly CountedRow[]): void {
  const metric = page.metric('apisix_http_status')
  for (const { row, cells, labels } of rows) {
    const [route, ...others] = labels
    if (route === undefined) continue
    const uri = row.isRest ? OTHER : row.route?.kind === 'route' ? matchedUri(row.route) : ''
    const host = row.isRest ? OTHER : row.route?.kind === 'route' ? matchedHost(row.route) : ''
    CODE_LABELS.forEach((code, i) => {
      const count = cells[BLOCK.CODES + i] as number
      if (count === 0) return
      metric.add([['code', code], route, ['matched_uri', uri], ['matched_host', host], ...others], count)
    })
  }
}

function addLatency(page: Exposition, rows: readonly CountedRow[]): void {
  const metric = page.metric('apisix_http_latency')
  for (const { cells, labels } of rows) {
    for (const [type, phase] of [
      ['request', PHASE.TOTAL],
      ['upstream', PHASE.UPSTREAM],
      ['apisix', PHASE.GATEWAY],
    ] as const) {
      const counts = mergeBuckets(phaseBuckets(cells, phase), BOUNDS_MS, 1)
      if (counts.every((count) => count === 0)) continue
      metric.addHistogram([['type', type], ...labels], BOUNDS_MS, counts, phaseSeconds(cells, phase) * 1000)
    }
  }
}

/** Upstreams read for it. */
const MAX_UPSTREAMS = 1000

/** Only of upstreams with active checks, as there. */
function addUpstreamStatuses(page: Exposition, { objects, standings }: MetricsSource): void {
  const metric = page.metric('apisix_upstream_status')
  let read = 0
  for (const source of objects.upstreams()) {
    if (standings === undefined || ++read > MAX_UPSTREAMS) return
    if ((source.read().health?.active ?? null) === null) continue
    for (const { host, port, address, state } of standings(source.id) ?? []) {
      metric.add(
        [
          ['name', `/${source.id}`],
          ['ip', address ?? host],
          ['port', `${port}`],
        ],
        Number(state === 'up'),
      )
    }
  }
}

/** `route`, `service`, `consumer`, `node`, in this order. */
function commonLabels(row: RequestRow, source: MetricsSource): Labels {
  const value = (text: string): string => (row.isRest ? OTHER : text)
  const labels = row.route?.labels
  return [
    ['route', value(labels?.routeId ?? '')],
    ['service', value(labels?.serviceId ?? '')],
    ['consumer', ''],
    ['node', value(onlyNode(row, source))],
  ]
}

/** The address of an upstream that has only one; a name is none. */
function onlyNode({ target }: RequestRow, { objects }: MetricsSource): string {
  if (target?.kind !== 'upstream') return ''
  const endpoints = objects.upstream(target.upstreamId)?.endpoints
  const host = endpoints?.length === 1 ? (endpoints[0]?.host ?? '') : ''
  return /^[0-9.]+$/.test(host) || host.includes(':') ? host : ''
}

function matchedUri({ entries }: Route): string {
  const uris = new Set(entries.map(({ path }) => writePath(path)))
  return uris.size === 1 ? ([...uris][0] as string) : ''
}

function matchedHost({ entries }: Route): string {
  const hosts = new Set(entries.map(({ host }) => writeHost(host)))
  return hosts.size === 1 ? ([...hosts][0] as string) : ''
}

/** As the route's `uri` has it. */
function writePath(path: PathPattern): string {
  if (path.kind !== 'pattern') return path.kind === 'exact' ? path.text : `${path.text}*`
  return path.pieces
    .map((piece) =>
      typeof piece === 'string' ? piece : piece.kind === 'rest' ? '*' : `:${piece.name ?? ''}`,
    )
    .join('')
}

function writeHost(host: HostPattern): string {
  switch (host.kind) {
    case 'any':
      return ''
    case 'suffix':
      return `*${host.text}`
    case 'prefix':
      return `${host.text}*`
    default:
      return host.text
  }
}
