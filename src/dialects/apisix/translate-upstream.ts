import type { Endpoint } from '../../model/endpoint.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Origin } from '../../model/origin.ts'
import type { Levels, Upstream, UpstreamTimeouts } from '../../model/upstream.ts'
import { MAX_CYCLE, scaleWeights } from '../../model/weighted-rotation.ts'
import { idField, numberField, objectField, textField, toMilliseconds } from './fields.ts'
import type { TranslationWarning } from './holder.ts'
import { formatAddress, parseNodes } from './nodes.ts'

/** What an upstream has where its document says nothing (spec/apisix.md 4.1). Seconds and counts, as documents write them. */
export const UPSTREAM_DEFAULTS = {
  scheme: 'http',
  passHost: 'pass',
  timeoutSeconds: 60,
  retryTimeoutSeconds: 0,
  pool: { size: 320, idleSeconds: 60, requests: 1000 },
} as const

/** Nodes of a lower priority serve only when all above are out; when none is healthy, all are used (spec/apisix.md 5.4, 5.5). */
const LEVELS: Levels = { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false }

export interface UpstreamPlace {
  readonly id: string
  readonly origin: Origin
  /** Prefix of warning paths: `''` for an Upstream object, `upstream` for a route's inline one. */
  readonly path: string
  /** Timeout where the document has none, seconds. 60; inline ones of traffic-split have a start-up setting of their own. */
  readonly timeoutSeconds: number
  /** Inside traffic-split over http, `pass_host: node` sends the bare host (spec/apisix.md 6.4). */
  readonly isInSplit: boolean
}

export interface TranslatedUpstream {
  readonly upstream: Upstream
  readonly warnings: readonly TranslationWarning[]
}

/**
 * One upstream, wherever it stands. Nodes from a registry are not there yet: such an upstream has no endpoints and answers 503, as the
 * reference does while a registry knows nothing (spec/apisix.md 5.4).
 */
export function translateUpstream(value: JsonObject, place: UpstreamPlace): TranslatedUpstream {
  const warnings: TranslationWarning[] = []
  const warn = (field: string, message: string): void => {
    warnings.push({ path: joinPath(place.path, field), message })
  }
  const scheme = textField(value, 'scheme') === 'https' ? 'https' : UPSTREAM_DEFAULTS.scheme
  const { endpoints, repeated } = parseNodes(value.nodes, scheme)
  for (const address of repeated) warn('nodes', `${address} stands here more than once; the last one counts`)
  if (endpoints.length > 0 && endpoints.every((endpoint) => endpoint.weight === 0)) {
    warn('nodes', 'all nodes have weight 0, so every request gets 503 (the reference would use them)')
  }
  if (hasScaledWeights(endpoints)) {
    const sum = `the weights add up to more than ${MAX_CYCLE}`
    warn('nodes', `${sum}; they are scaled down and shares are no longer exact`)
  }
  if (!place.isInSplit && textField(value, 'service_name') !== null) {
    warn('service_name', 'service discovery is not supported yet: requests get 503')
  }
  const passHost = readPassHost(value)
  const retries = numberField(value, 'retries')
  const retryTimeout = numberField(value, 'retry_timeout')
  const upstream: Upstream = {
    kind: 'upstream',
    id: place.id,
    name:
      place.origin.kind === 'upstream'
        ? (textField(value, 'name') ?? place.origin.id)
        : nameUpstream(value, place.id),
    origin: place.origin,
    scheme,
    endpoints,
    discovery: null,
    balancer: { kind: 'roundRobin' },
    hashKey: null,
    levels: LEVELS,
    health: null,
    slowStart: null,
    passHost,
    upstreamHost: passHost === 'rewrite' ? textField(value, 'upstream_host') : null,
    nodeHostWithoutPort: place.isInSplit && scheme === 'http' && passHost === 'node',
    timeouts: readTimeouts(value) ?? evenTimeouts(place.timeoutSeconds),
    retry: {
      // By default every node gets one try (spec/apisix.md 5.4).
      count: retries === null ? Math.max(0, endpoints.length - 1) : retries,
      timeoutMs: toMilliseconds(retryTimeout === null ? UPSTREAM_DEFAULTS.retryTimeoutSeconds : retryTimeout),
      attemptMs: 0,
      onHeadTimeout: true,
      onStatuses: [],
      nonIdempotent: false,
      sameEndpointWhenAlone: true,
      sameEndpoint: null,
      failoverTries: 0,
      budget: null,
    },
    pool: readPool(value),
    limits: null,
    tls: null,
  }
  return { upstream, warnings }
}

/** Nodes of one priority rotate together, so their weights are looked at together. */
function hasScaledWeights(endpoints: readonly Endpoint[]): boolean {
  const levels = new Map<number, number[]>()
  for (const { priority, weight } of endpoints) {
    const level = levels.get(priority)
    if (level === undefined) levels.set(priority, [weight])
    else level.push(weight)
  }
  for (const weights of levels.values()) if (scaleWeights(weights).scaled) return true
  return false
}

/** `timeout: {connect, send, read}` of a route or upstream, seconds; null if it is not there as a whole. */
export function readTimeouts(value: JsonObject): UpstreamTimeouts | null {
  const timeout = objectField(value, 'timeout')
  if (timeout === null) return null
  const connect = numberField(timeout, 'connect')
  const send = numberField(timeout, 'send')
  const read = numberField(timeout, 'read')
  if (connect === null || send === null || read === null) return null
  return {
    connectMs: toMilliseconds(connect),
    sendMs: toMilliseconds(send),
    readMs: toMilliseconds(read),
  }
}

/** The first node as `host:port`: what an upstream without name and id is called in metrics and logs. */
export function firstAddress(value: JsonObject): string | null {
  const scheme = textField(value, 'scheme')
  const first = parseNodes(value.nodes, scheme === null ? UPSTREAM_DEFAULTS.scheme : scheme).endpoints[0]
  return first === undefined ? null : formatAddress(first)
}

/** Name, else id, else first node, else `otherwise`. */
export function nameUpstream(value: JsonObject, otherwise: string): string {
  return textField(value, 'name') ?? idField(value, 'id') ?? firstAddress(value) ?? otherwise
}

export function joinPath(prefix: string, field: string): string {
  return prefix === '' ? field : `${prefix}.${field}`
}

function evenTimeouts(seconds: number): UpstreamTimeouts {
  const ms = toMilliseconds(seconds)
  return { connectMs: ms, sendMs: ms, readMs: ms }
}

function readPassHost(value: JsonObject): Upstream['passHost'] {
  const passHost = textField(value, 'pass_host')
  return passHost === 'node' || passHost === 'rewrite' ? passHost : UPSTREAM_DEFAULTS.passHost
}

function readPool(value: JsonObject): Upstream['pool'] {
  const pool = value.keepalive_pool
  const { size, idleSeconds, requests } = UPSTREAM_DEFAULTS.pool
  if (!isJsonObject(pool)) return { size, idleMs: toMilliseconds(idleSeconds), requests, maxAgeMs: 0 }
  const ownSize = numberField(pool, 'size')
  const ownIdle = numberField(pool, 'idle_timeout')
  const ownRequests = numberField(pool, 'requests')
  return {
    size: ownSize === null ? size : ownSize,
    idleMs: toMilliseconds(ownIdle === null ? idleSeconds : ownIdle),
    requests: ownRequests === null ? requests : ownRequests,
    maxAgeMs: 0,
  }
}
