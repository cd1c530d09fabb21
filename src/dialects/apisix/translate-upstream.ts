import type { Endpoint } from '../../model/endpoint.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Origin } from '../../model/origin.ts'
import type {
  Discovery,
  Upstream,
  UpstreamScheme,
  UpstreamTimeouts,
  UpstreamTls,
} from '../../model/upstream.ts'
import { MAX_CYCLE, scaleWeights } from '../../model/weighted-rotation.ts'
import type { Lookup } from '../dialect.ts'
import { flagField, idField, numberField, objectField, textField, toMilliseconds } from './fields.ts'
import type { TranslationWarning } from './holder.ts'
import { formatAddress, parseNodes, splitAddress } from './nodes.ts'
import { type ClientCertificate, clientCertificateId, findClientCertificate } from './ssls.ts'
import { addedTo, readAddedRetry, readLevels, readLimits, readMaxAge } from './translate-added.ts'
import { readBalancer, readHashKey } from './translate-balancing.ts'
import { readHealth, readSlowStart } from './translate-health.ts'

/** What an upstream has where its document says nothing (spec/apisix.md 4.1). Seconds and counts, as documents write them. */
export const UPSTREAM_DEFAULTS = {
  scheme: 'http',
  passHost: 'pass',
  timeoutSeconds: 60,
  retryTimeoutSeconds: 0,
  pool: { size: 320, idleSeconds: 60, requests: 1000 },
} as const

export interface UpstreamPlace {
  readonly id: string
  readonly origin: Origin
  /** Prefix of warning paths: `''` for an Upstream object, `upstream` for a route's inline one. */
  readonly path: string
  /** Timeout where the document has none, seconds. 60; inline ones of traffic-split have a start-up setting of their own. */
  readonly timeoutSeconds: number
  /** Inside traffic-split over http, `pass_host: node` sends the bare host (spec/apisix.md 6.4). */
  readonly isInSplit: boolean
  /** For `tls.client_cert_id`. */
  readonly lookup: Lookup
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
  const scheme = readScheme(value)
  const isSecure = scheme === 'https' || scheme === 'grpcs' || scheme === 'tls'
  const parsed = parseNodes(value.nodes, scheme)
  const { repeated } = parsed
  const shown = isSecure ? readClientCertificate(value, place.lookup) : null
  const lacksCertificate = typeof shown === 'string'
  // No node is asked as somebody else than the document says.
  const endpoints = lacksCertificate ? [] : parsed.endpoints
  if (lacksCertificate) warn('tls.client_cert_id', `${shown}: requests get 503`)
  for (const address of repeated) warn('nodes', `${address} stands here more than once; the last one counts`)
  if (endpoints.length > 0 && endpoints.every((endpoint) => endpoint.weight === 0)) {
    warn('nodes', 'all nodes have weight 0, so every request gets 503 (the reference would use them)')
  }
  if (hasScaledWeights(endpoints)) {
    const sum = `the weights add up to more than ${MAX_CYCLE}`
    warn('nodes', `${sum}; they are scaled down and shares are no longer exact`)
  }
  const registry = textField(value, 'discovery_type')
  if (!place.isInSplit && registry !== null && registry !== 'dns') {
    warn('discovery_type', `there is no registry ${registry}, only dns: requests get 503`)
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
    http2: scheme === 'grpc' || scheme === 'grpcs' ? 'always' : 'never',
    endpoints,
    discovery: place.isInSplit || lacksCertificate ? null : readDiscovery(value),
    balancer: readBalancer(value),
    hashKey: readHashKey(value),
    levels: readLevels(value),
    health: readHealth(value, passHost === 'rewrite' ? textField(value, 'upstream_host') : null),
    slowStart: readSlowStart(value),
    passHost,
    upstreamHost: passHost === 'rewrite' ? textField(value, 'upstream_host') : null,
    nodeHostWithoutPort: place.isInSplit && scheme === 'http' && passHost === 'node',
    timeouts: readTimeouts(value) ?? evenTimeouts(place.timeoutSeconds),
    retry: {
      // By default every node gets one try (spec/apisix.md 5.4).
      count: retries === null ? Math.max(0, endpoints.length - 1) : retries,
      timeoutMs: toMilliseconds(retryTimeout === null ? UPSTREAM_DEFAULTS.retryTimeoutSeconds : retryTimeout),
      onHeadTimeout: true,
      sameEndpointWhenAlone: true,
      triesAgain: false,
      sameEndpoint: null,
      failoverTries: 0,
      ...readAddedRetry(value),
    },
    pool: readPool(value),
    limits: readLimits(value),
    tls: isSecure ? readTls(value, lacksCertificate ? null : shown) : null,
  }
  return { upstream, warnings }
}

/** What the schema lets through, and what an upstream has without. */
function readScheme(value: JsonObject): UpstreamScheme {
  const scheme = textField(value, 'scheme')
  return scheme === null ? UPSTREAM_DEFAULTS.scheme : (scheme as UpstreamScheme)
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

/** `service_name` in DNS: `name:port` stands for addresses, a name alone for the targets of its SRV records. */
function readDiscovery(value: JsonObject): Discovery | null {
  const name = textField(value, 'service_name')
  if (name === null || textField(value, 'discovery_type') !== 'dns') return null
  const { host, port } = splitAddress(name)
  return { kind: 'dns', name: host, port: Number.isNaN(port) ? null : port, weight: 1, priority: 0 }
}

/** What the nodes are shown, null: nothing. A text says why a certificate that is named cannot be. */
function readClientCertificate(value: JsonObject, lookup: Lookup): ClientCertificate | string | null {
  const id = clientCertificateId(value)
  if (id !== null) return findClientCertificate(id, lookup)
  const tls = objectField(value, 'tls')
  const certificate = tls === null ? null : textField(tls, 'client_cert')
  const key = tls === null ? null : textField(tls, 'client_key')
  return certificate === null || key === null ? null : { certificate, key }
}

/** The reference verifies nothing unless it is told to. */
function readTls(value: JsonObject, shown: ClientCertificate | null): UpstreamTls | null {
  const tls = objectField(value, 'tls')
  const added = objectField(addedTo(value), 'tls')
  if (tls === null && added === null) return null
  return {
    verifies: tls !== null && flagField(tls, 'verify') === true,
    ca: added === null ? null : textField(added, 'ca'),
    certificate: shown === null ? null : shown.certificate,
    key: shown === null ? null : shown.key,
    serverName: added === null ? null : textField(added, 'server_name'),
  }
}

function readPassHost(value: JsonObject): Upstream['passHost'] {
  const passHost = textField(value, 'pass_host')
  return passHost === 'node' || passHost === 'rewrite' ? passHost : UPSTREAM_DEFAULTS.passHost
}

function readPool(upstream: JsonObject): Upstream['pool'] {
  const pool = upstream.keepalive_pool
  const { size, idleSeconds, requests } = UPSTREAM_DEFAULTS.pool
  if (!isJsonObject(pool))
    return { size, idleMs: toMilliseconds(idleSeconds), requests, maxAgeMs: readMaxAge(upstream) }
  const ownSize = numberField(pool, 'size')
  const ownIdle = numberField(pool, 'idle_timeout')
  const ownRequests = numberField(pool, 'requests')
  return {
    size: ownSize === null ? size : ownSize,
    idleMs: toMilliseconds(ownIdle === null ? idleSeconds : ownIdle),
    requests: ownRequests === null ? requests : ownRequests,
    maxAgeMs: readMaxAge(upstream),
  }
}
