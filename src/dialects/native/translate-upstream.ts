import type { Endpoint } from '../../model/endpoint.ts'
import type { Origin } from '../../model/origin.ts'
import { checkCertificates, checkKeyPair } from '../../model/pem.ts'
import type {
  Discovery,
  Retry,
  SameEndpointRetry,
  Upstream,
  UpstreamLimits,
  UpstreamTimeouts,
  UpstreamTls,
} from '../../model/upstream.ts'
import { MAX_CYCLE, scaleWeights } from '../../model/weighted-rotation.ts'
import { defaultOf } from './defaults.ts'
import { parseDuration, parsePercent } from './duration.ts'
import { parseAddress } from './patterns.ts'
import { joinPath, type Sink } from './sink.ts'
import { readBalancer, readHashKey, readLevels } from './translate-balancing.ts'
import { readHealth, readSlowStart } from './translate-health.ts'
import type * as Native from './types.ts'

export interface UpstreamPlace {
  readonly id: string
  readonly origin: Origin
  /** Where the upstream stands in its document: `''`, or `rules[0].upstream`. */
  readonly path: string
  /** What it is called where it has no name. */
  readonly name: string
}

/** One upstream, a document or inline. */
export function translateUpstream(value: Native.InlineUpstream, place: UpstreamPlace, sink: Sink): Upstream {
  const scheme = value.scheme ?? defaultOf('upstream', 'scheme')
  const { endpoints, discovery } = readEndpoints(value, scheme, place.path, sink)
  const balancer = readBalancer(value.balance, joinPath(place.path, 'balance'), sink)
  const sendHost = value.sendHost ?? defaultOf('upstream', 'sendHost')
  const host = value.host ?? null
  return {
    kind: 'upstream',
    id: place.id,
    name: value.name ?? place.name,
    origin: place.origin,
    scheme,
    http2: readHttp2(value, scheme, place.path, sink),
    endpoints,
    discovery,
    balancer,
    hashKey: readHashKey(value, balancer, place.path, sink),
    levels: readLevels(value.levels),
    health: readHealth(value.health, scheme, joinPath(place.path, 'health'), sink),
    slowStart: readSlowStart(value.slowStart, joinPath(place.path, 'slowStart'), sink),
    passHost: host !== null ? 'rewrite' : sendHost === 'client' ? 'pass' : 'node',
    upstreamHost: host,
    nodeHostWithoutPort: host === null && sendHost === 'endpointWithoutPort',
    timeouts: readTimeouts(value.timeouts, joinPath(place.path, 'timeouts'), sink),
    retry: readRetry(value.retries, endpoints),
    pool: {
      size: value.pool?.size ?? defaultOf('pool', 'size'),
      idleMs: parseDuration(value.pool?.idle ?? defaultOf('pool', 'idle')),
      requests: value.pool?.requests ?? defaultOf('pool', 'requests'),
      maxAgeMs: parseDuration(value.pool?.maxAge ?? defaultOf('pool', 'maxAge')),
    },
    limits: readLimits(value.limits),
    tls: readTls(value.tls, scheme, joinPath(place.path, 'tls'), sink),
  }
}

/** `host:port` of the first endpoint: what an upstream without name is called. */
export function firstAddress(value: Native.InlineUpstream): string | null {
  const first = value.endpoints[0]
  if (first === undefined) return null
  return typeof first === 'string' ? first : (first.address ?? first.srv ?? null)
}

/** null: each endpoint says its own. */
const SCHEME_PORTS = { http: 80, https: 443, grpc: 80, grpcs: 443, tcp: null, tls: null, udp: null } as const
type Scheme = keyof typeof SCHEME_PORTS

function readEndpoints(
  value: Native.InlineUpstream,
  scheme: Scheme,
  path: string,
  sink: Sink,
): Pick<Upstream, 'endpoints' | 'discovery'> {
  const endpoints: Endpoint[] = []
  const seen = new Map<string, string>()
  let discovery: Discovery | null = null
  for (const [i, written] of value.endpoints.entries()) {
    const place = joinPath(path, `endpoints[${i}]`)
    const entry: Exclude<Native.Endpoint, string> =
      typeof written === 'string' ? { address: written } : written
    const weight = entry.weight ?? defaultOf('endpoint', 'weight')
    const priority = entry.priority ?? defaultOf('endpoint', 'priority')
    if (entry.address === undefined) {
      if (entry.srv === undefined) continue // the schema's check has told of it
      if (discovery !== null) sink.refuse(place, 'there is a service already: an upstream takes one')
      discovery = { kind: 'dns', name: entry.srv, port: null, weight, priority }
      continue
    }
    const address = parseAddress(entry.address)
    if ('error' in address) continue // the schema's check has told of it
    const port = address.port ?? SCHEME_PORTS[scheme]
    if (port === null) {
      sink.refuse(place, `${entry.address} has no port, and ${scheme} has none of its own`, 'write host:port')
      continue
    }
    const endpoint = {
      host: address.host,
      port,
      weight,
      priority,
      address: null,
      zone: entry.zone ?? null,
      failoverOnly: entry.failoverOnly ?? defaultOf('endpoint', 'failoverOnly'),
      state: 'ready',
    } as const
    const key = `${endpoint.host.toLowerCase()}|${endpoint.port}|${endpoint.priority}`
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, place)
      endpoints.push(endpoint)
    } else {
      sink.refuse(place, `${entry.address} stands in ${first} already`, 'give one of them a weight instead')
    }
  }
  // what a service has is known only later
  if (discovery === null) warnOfWeights(endpoints, joinPath(path, 'endpoints'), sink)
  return { endpoints, discovery }
}

function warnOfWeights(endpoints: readonly Endpoint[], path: string, sink: Sink): void {
  if (endpoints.length === 0) return sink.warn(path, 'there is no endpoint: every request gets 503')
  if (endpoints.every(({ weight }) => weight === 0)) {
    sink.warn(path, 'all endpoints have weight 0: every request gets 503')
  }
  // endpoints of one priority rotate together
  const levels = new Map<number, number[]>()
  for (const { priority, weight } of endpoints) {
    const level = levels.get(priority)
    if (level === undefined) levels.set(priority, [weight])
    else level.push(weight)
  }
  for (const weights of levels.values()) warnOfScale(weights, path, sink)
}

export function warnOfScale(weights: readonly number[], path: string, sink: Sink): void {
  if (!scaleWeights(weights).scaled) return
  sink.warn(
    path,
    `the weights add up to more than ${MAX_CYCLE}: they are scaled down, and shares are not exact`,
  )
}

/** Of an upstream; what is not written has its default. */
function readTimeouts(
  value: Native.UpstreamTimeouts | undefined,
  path: string,
  sink: Sink,
): UpstreamTimeouts {
  if (typeof value === 'string') return evenTimeouts(value, path, sink)
  return {
    connectMs: readTimeout(
      value?.connect ?? defaultOf('upstreamTimeouts', 'connect'),
      joinPath(path, 'connect'),
      sink,
    ),
    sendMs: readTimeout(value?.send ?? defaultOf('upstreamTimeouts', 'send'), joinPath(path, 'send'), sink),
    readMs: readTimeout(value?.read ?? defaultOf('upstreamTimeouts', 'read'), joinPath(path, 'read'), sink),
  }
}

/** Of a route, where they are whole or not there. */
export function readRouteTimeouts(
  value: Native.RouteTimeouts | undefined,
  path: string,
  sink: Sink,
): UpstreamTimeouts | null {
  if (value === undefined) return null
  if (typeof value === 'string') return evenTimeouts(value, path, sink)
  return {
    connectMs: readTimeout(value.connect, joinPath(path, 'connect'), sink),
    sendMs: readTimeout(value.send, joinPath(path, 'send'), sink),
    readMs: readTimeout(value.read, joinPath(path, 'read'), sink),
  }
}

function evenTimeouts(text: string, path: string, sink: Sink): UpstreamTimeouts {
  const ms = readTimeout(text, path, sink)
  return { connectMs: ms, sendMs: ms, readMs: ms }
}

function readTimeout(text: string, path: string, sink: Sink): number {
  const ms = parseDuration(text)
  if (ms === 0) sink.refuse(path, 'a timeout must be more than 0', 'the longest is 24h')
  return ms
}

function readRetry(value: Native.Retries | undefined, endpoints: readonly Endpoint[]): Retry {
  const given = typeof value === 'number' ? { count: value } : (value ?? {})
  const { sameEndpoint, budget } = given
  return {
    count: given.count ?? defaultOf('retries', 'count'),
    attemptMs: parseDuration(given.attemptTimeout ?? defaultOf('retries', 'attemptTimeout')),
    onStatuses: given.onStatuses ?? [],
    nonIdempotent: given.nonIdempotent ?? defaultOf('retries', 'nonIdempotent'),
    sameEndpoint: sameEndpoint === undefined ? null : readSameEndpoint(sameEndpoint),
    failoverTries: endpoints.some(({ failoverOnly }) => failoverOnly)
      ? (given.failoverTries ?? defaultOf('retries', 'failoverTries'))
      : 0,
    budget:
      budget === undefined
        ? null
        : {
            ratio: parsePercent(budget.ratio ?? defaultOf('retryBudget', 'ratio')) / 100,
            perSecond: budget.perSecond ?? defaultOf('retryBudget', 'perSecond'),
          },
    timeoutMs: parseDuration(given.timeout ?? defaultOf('retries', 'timeout')),
    onHeadTimeout: given.onHeadTimeout ?? defaultOf('retries', 'onHeadTimeout'),
    sameEndpointWhenAlone: given.sameEndpointWhenAlone ?? defaultOf('retries', 'sameEndpointWhenAlone'),
    triesAgain: false,
  }
}

function readSameEndpoint(value: Native.SameEndpoint): SameEndpointRetry {
  return {
    count: value.count,
    delayMs: parseDuration(value.delay ?? defaultOf('sameEndpoint', 'delay')),
    multiplier: value.multiplier ?? defaultOf('sameEndpoint', 'multiplier'),
    maxMs: parseDuration(value.maxDelay ?? defaultOf('sameEndpoint', 'maxDelay')),
  }
}

function readLimits(value: Native.Limits = {}): UpstreamLimits {
  return {
    maxConnections: value.connections ?? defaultOf('limits', 'connections'),
    maxConnectionsPerEndpoint: value.connectionsPerEndpoint ?? defaultOf('limits', 'connectionsPerEndpoint'),
    maxRequests: value.requests ?? defaultOf('limits', 'requests'),
    maxRequestsPerEndpoint: value.requestsPerEndpoint ?? defaultOf('limits', 'requestsPerEndpoint'),
    maxPending: value.pending ?? defaultOf('limits', 'pending'),
    pendingMs: parseDuration(value.pendingTimeout ?? defaultOf('limits', 'pendingTimeout')),
    maxRetries: value.retries ?? defaultOf('limits', 'retries'),
  }
}

function readHttp2(
  { http2 }: Native.InlineUpstream,
  scheme: Scheme,
  path: string,
  sink: Sink,
): Upstream['http2'] {
  const isGrpc = scheme === 'grpc' || scheme === 'grpcs'
  const place = joinPath(path, 'http2')
  if (isGrpc && http2 !== undefined && http2 !== 'always')
    sink.refuse(place, `${scheme} is always HTTP/2`, 'leave it out')
  else if (scheme === 'http' && http2 === 'offered')
    sink.refuse(place, 'there is no handshake to offer it in without TLS', 'use always, or scheme: https')
  return isGrpc ? 'always' : (http2 ?? defaultOf('upstream', 'http2'))
}

/** Of https it is never null: a certificate that nobody looks at must have been asked for. */
function readTls(
  value: Native.Tls | undefined,
  scheme: Scheme,
  path: string,
  sink: Sink,
): UpstreamTls | null {
  if (scheme !== 'https' && scheme !== 'grpcs' && scheme !== 'tls') {
    if (value !== undefined) sink.refuse(path, 'means nothing without scheme: https, grpcs or tls')
    return null
  }
  const { ca = null, certificate = null, key = null, serverName = null } = value ?? {}
  if (certificate !== null && key !== null && checkCertificates(certificate) === null) {
    const fault = checkKeyPair(certificate, key)
    if (fault !== null) sink.refuse(joinPath(path, 'key'), fault)
  }
  return { verifies: value?.verify ?? defaultOf('tls', 'verify'), ca, certificate, key, serverName }
}
