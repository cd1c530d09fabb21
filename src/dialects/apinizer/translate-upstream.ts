import type { Endpoint, EndpointProbe } from '../../model/endpoint.ts'
import type { HashKey } from '../../model/hash-key.ts'
import type { ActiveCheck, HealthPolicy, OutlierDetection } from '../../model/health.ts'
import type { JsonObject } from '../../model/json.ts'
import { flagField, listField, numberField, objectField, textField } from '../../model/json-fields.ts'
import type { Origin } from '../../model/origin.ts'
import type {
  Balancer,
  CallSettings,
  Levels,
  PoolSettings,
  Retry,
  Upstream,
  UpstreamLimits,
  UpstreamTimeouts,
  UpstreamTls,
  WebSocketOpening,
} from '../../model/upstream.ts'
import type { Lookup } from '../dialect.ts'
import type { TargetAddress } from './address.ts'
import { templateOf } from './client-route.ts'
import type { AddressCondition } from './condition.ts'
import type { ConditionFacts } from './condition-values.ts'
import { type ForwardProxy, readForwardProxy } from './forward-proxy.ts'
import { FROM_400, readAnswerRule, writtenErrorStatuses } from './routing-facts.ts'

/** An address of a deployed proxy, ready to become an endpoint. */
export interface ReadyAddress {
  /** With its variables filled in. */
  readonly text: string
  readonly target: TargetAddress
  readonly value: JsonObject
  readonly condition: AddressCondition | null
}

export interface UpstreamPlace {
  readonly id: string
  readonly name: string
  readonly origin: Origin
}

const LEVELS: Levels = { mode: 'strict', factor: 1, panicPercent: null, prefersZone: false }
const MINUTES_5 = 300_000

/** Seconds, by the vendor's system settings. */
const DEFAULT_TIMEOUT = 30

export function translateUpstream(
  proxy: JsonObject,
  addresses: readonly { readonly address: ReadyAddress; readonly isFailoverOnly: boolean }[],
  place: UpstreamPlace,
  {
    retry,
    health,
    facts,
    lookup,
    warn,
    via = null,
  }: {
    readonly retry: Retry
    /** The forward proxy that the request names, of those that are allowed; null: what the document says. */
    readonly via?: ForwardProxy | null
    readonly facts: ConditionFacts
    readonly health: HealthPolicy | null
    readonly lookup: Lookup
    readonly warn: (path: string, message: string) => void
  },
): Upstream {
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const connection = objectField(proxy, 'connection') ?? {}
  const { balancer, hashKey } = readBalancer(routing)
  const isWeighted = balancer.kind === 'weightedOrder'
  const first = addresses[0]?.address.target
  const isGrpc = first?.scheme.startsWith('grpc') === true
  return {
    kind: 'upstream',
    ...place,
    scheme: first?.scheme ?? 'http',
    http2: readHttp2(connection, isGrpc),
    endpoints: addresses.map(({ address, isFailoverOnly }) =>
      throughProxy(endpointOf(address, isWeighted, isFailoverOnly), via ?? readForwardProxy(proxy)),
    ),
    discovery: null,
    balancer,
    hashKey,
    levels: LEVELS,
    health,
    slowStart: null,
    passHost: 'node',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: readTimeouts(proxy),
    retry,
    pool: readPool(proxy, isGrpc),
    limits: readLimits(connection),
    tls: readTls(proxy, lookup, warn),
    ...(isGrpc ? { calls: readCalls(proxy) } : readOpening(proxy, first?.isWebSocket === true)),
    ...readAnswers(proxy, facts, isGrpc || first?.isWebSocket === true),
    ...(flagField(connection, 'doNotRouteZeroValueContentLength') ? { dropsZeroLength: true } : {}),
  }
}

/** The endpoint as a forward proxy reaches it: connections go to the proxy. */
function throughProxy(endpoint: Endpoint, via: ForwardProxy | null): Endpoint {
  const { own, host, port } = endpoint
  if (via === null || own === undefined) return endpoint
  const behind = { host, port, authorization: via.authorization }
  return { ...endpoint, host: via.host, port: via.port, own: { ...own, behind } }
}

function endpointOf(
  { text, target, value, condition }: ReadyAddress,
  isWeighted: boolean,
  failoverOnly: boolean,
): Endpoint {
  const template = textField(value, 'pathRewrite')
  return {
    host: target.host,
    port: target.port,
    weight: isWeighted ? (numberField(value, 'weight') ?? 1) : 1,
    priority: 0,
    address: null,
    zone: null,
    failoverOnly,
    state: 'ready',
    own: {
      name: text,
      scheme: target.scheme,
      when: condition?.when ?? null,
      basePath: target.path,
      // `{rest}` is what remains of the path, `{name}` a parameter of the relative one
      path: template === null ? null : templateOf(template),
      probe: readProbe(value, target),
    },
  }
}

function readProbe(value: JsonObject, target: TargetAddress): EndpointProbe | null {
  const path = textField(value, 'healthCheckPath') ?? ''
  if (path === '' || value.healthMonitoringEnabled === false) return null
  if (path.startsWith('/'))
    return {
      isSecure: target.scheme === 'https',
      host: target.host,
      port: target.port,
      path: `${target.path}${path}`,
    }
  const url = URL.parse(path)
  if (url === null) return null
  const isSecure = url.protocol === 'https:'
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port)
  return {
    isSecure,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: `${url.pathname}${url.search}`,
  }
}

const BY_ADDRESS: HashKey = { sources: [], fallback: 'address', hash: 'javaString' }
const BY_URL: HashKey = {
  sources: [{ template: [{ variable: 'request_uri', fallback: '' }], isTerminal: true }],
  fallback: 'none',
  hash: 'javaString',
}

function readBalancer(routing: JsonObject): {
  readonly balancer: Balancer
  readonly hashKey: HashKey | null
} {
  // whoever has no cookie goes by the address, before the algorithm
  if (objectField(routing, 'stickySession') !== null)
    return { balancer: { kind: 'hashModulo' }, hashKey: BY_ADDRESS }
  switch (textField(routing, 'loadBalanceAlgorithm') ?? 'ROUND_ROBIN') {
    case 'WEIGHTED':
    case 'WEIGHTED_ROUND_ROBIN':
      return { balancer: { kind: 'weightedOrder' }, hashKey: null }
    case 'LRU':
      return { balancer: { kind: 'leastRecentlyUsed' }, hashKey: null }
    case 'RANDOM':
      return { balancer: { kind: 'random' }, hashKey: null }
    case 'LEAST_CONNECTIONS':
      return { balancer: { kind: 'leastConnections', ties: 'list' }, hashKey: null }
    case 'IP_HASH':
      return { balancer: { kind: 'hashModulo' }, hashKey: BY_ADDRESS }
    case 'URL_HASH':
      return { balancer: { kind: 'hashModulo' }, hashKey: BY_URL }
    case 'PICK_FIRST':
      return { balancer: { kind: 'pickFirst' }, hashKey: null }
    default:
      return { balancer: { kind: 'roundRobin', order: 'list' }, hashKey: null }
  }
}

/** Of primary addresses: a canary is chosen before, and must not take the cookie that names a primary one. */
export function readSticky(proxy: JsonObject): Pick<Upstream, 'sticky'> {
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const settings = objectField(routing, 'stickySession')
  if (settings === null || textField(settings, 'type') === 'IP_HASH') return {}
  return {
    sticky: {
      cookie: textField(settings, 'cookieName') ?? '',
      // 0 as its own Max-Age would take the cookie away at once
      maxAgeSeconds: numberField(settings, 'cookieTtl') || null,
      isHttpOnly: flagField(settings, 'httpOnly'),
      isSecure: flagField(settings, 'secure'),
      secret: textField(settings, 'hashSecret') ?? '',
    },
  }
}

function readHttp2(connection: JsonObject, isGrpc: boolean): Upstream['http2'] {
  if (isGrpc) return 'always'
  switch (textField(connection, 'httpVersion')) {
    case 'HTTP/2 by ALPN':
      return 'offered'
    case 'h2c prior knowledge':
      return 'always'
    default:
      return 'never'
  }
}

/** Where nothing is written the vendor's published defaults hold. */
function readCalls(proxy: JsonObject): CallSettings {
  const grpc = objectField(proxy, 'grpc') ?? {}
  return {
    maxMessageBytes: numberField(grpc, 'maxInboundMessageSize') ?? 16_777_216,
    maxMetadataBytes: numberField(grpc, 'maxInboundMetadataSize') ?? 8192,
    replayBytes: numberField(grpc, 'perRpcBufferLimit') ?? 1_048_576,
    pingMs: (numberField(grpc, 'keepAliveTime') ?? 120) * 1000,
    pongMs: (numberField(grpc, 'keepAliveTimeout') ?? 20) * 1000,
    pingsIdle: flagField(grpc, 'keepAliveWithoutCalls'),
  }
}

/** The vendor's defaults are for addresses of WebSocket; what HTTP addresses are asked opens as their other requests do, until settings are written. */
function readOpening(proxy: JsonObject, isWebSocket: boolean): { readonly opening?: WebSocketOpening } {
  const socket = objectField(proxy, 'websocket')
  if (socket === null && !isWebSocket) return {}
  const own = socket ?? {}
  return {
    opening: {
      connectMs: (numberField(own, 'connectTimeout') ?? 10) * 1000,
      retries: numberField(own, 'maxRetries') ?? 3,
      retryDelayMs: numberField(own, 'retryDelay') ?? 500,
    },
  }
}

/** Rules for errors and redirects are for HTTP. */
function readAnswers(proxy: JsonObject, facts: ConditionFacts, isOther: boolean): Pick<Upstream, 'answers'> {
  if (isOther) return {}
  const connection = objectField(proxy, 'connection') ?? {}
  const rule = readAnswerRule(proxy, facts)
  const redirects = flagField(connection, 'redirectsEnabled')
    ? {
        most: numberField(connection, 'maxRedirects') ?? 50,
        allowsRelative: connection.relativeRedirectsAllowed !== false,
      }
    : null
  return rule === null && redirects === null ? {} : { answers: { rule, redirects } }
}

/** Those of the call for connections go before those that the proxy was made with. */
function readTimeouts(proxy: JsonObject): UpstreamTimeouts {
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const connection = objectField(proxy, 'connection') ?? {}
  const read = (name: string): number =>
    (numberField(connection, name) ?? numberField(routing, name) ?? DEFAULT_TIMEOUT) * 1000
  const readMs = read('readTimeout')
  return { connectMs: read('connectTimeout'), sendMs: readMs, readMs }
}

/** Idle time and size count for pools of their own only (spec/apinizer.md 7.3). */
function readPool(proxy: JsonObject, isGrpc: boolean): PoolSettings {
  const connection = objectField(proxy, 'connection') ?? {}
  const type = textField(connection, 'connectionPoolManagementType') ?? 'GENERAL'
  const isCustom = type === 'CUSTOM'
  const isNone = type === 'NONE' || flagField(connection, 'enableStreaming')
  const idleS = isCustom ? (numberField(connection, 'idleConnectionTimeout') ?? 30) : 30
  const grpcIdle = isGrpc ? numberField(objectField(proxy, 'grpc') ?? {}, 'channelIdleTimeout') : null
  return {
    size: isCustom ? (numberField(connection, 'customConnectionPoolSize') ?? 1024) : 1024,
    idleMs: isNone ? 0 : (grpcIdle ?? (isGrpc ? 300 : idleS)) * 1000,
    requests: 1_000_000_000,
    maxAgeMs: MINUTES_5,
  }
}

/** A pool that was given a size, or a wait for it, is a bound; the shared one of 1024 connections is not. */
function readLimits(connection: JsonObject): UpstreamLimits | null {
  const waitS = numberField(connection, 'connectionRequestTimeout')
  const size =
    textField(connection, 'connectionPoolManagementType') === 'CUSTOM'
      ? numberField(connection, 'customConnectionPoolSize')
      : null
  if (size === null && waitS === null) return null
  return {
    maxConnections: 0,
    maxConnectionsPerEndpoint: size ?? 1024,
    maxRequests: 0,
    maxRequestsPerEndpoint: 0,
    maxPending: 10_000,
    pendingMs: (waitS ?? 3) * 1000,
    maxRetries: 0,
  }
}

function readTls(
  proxy: JsonObject,
  lookup: Lookup,
  warn: (path: string, message: string) => void,
): UpstreamTls {
  const mtls = objectField(proxy, 'mtls') ?? {}
  const store = (kind: string, field: string): JsonObject | null => {
    const id = textField(mtls, field)
    if (id === null) return null
    const found = lookup(kind, id)?.value
    if (found === undefined) warn(`Proxy.mtls.${field}`, `there is no ${kind}/${id}`)
    return found ?? null
  }
  const keys = flagField(mtls, 'mtlsEnabled') ? store('key_stores', 'keyStoreId') : null
  const trusted = store('trust_stores', 'trustStoreId')
  const verifier = textField(mtls, 'hostnameVerifierType')
  const versions = listField(mtls, 'supportedProtocolList')
  const has = (version: string): boolean => versions.length === 0 || versions.includes(version)
  return {
    verifies: !flagField(mtls, 'disableSslValidation'),
    ca: trusted === null ? null : textField(trusted, 'ca'),
    certificate: keys === null ? null : textField(keys, 'certificate'),
    key: keys === null ? null : textField(keys, 'key'),
    serverName: null,
    verifiesName: verifier !== 'NOOP',
    ...(verifier === 'STRICT' ? { exactName: true } : {}),
    ...(has('TLS_1_2') ? {} : { minVersion: 'TLSv1.3' as const }),
    ...(has('TLS_1_3') ? {} : { maxVersion: 'TLSv1.2' as const }),
  }
}

/** The circuit breaker and the checks of the primary addresses; null: there are neither. */
export function readHealth(proxy: JsonObject): HealthPolicy | null {
  const active = readChecks(proxy)
  const outlier = readBreaker(proxy)
  return active === null && outlier === null ? null : { active, passive: null, outlier }
}

/** One error, or the breaker's count of them, takes a canary out for the cooldown, and so do checks that fail; none that passes ends it early. */
export function readCanaryHealth(proxy: JsonObject, cooldownMs: number): HealthPolicy {
  const own = readBreaker(proxy)
  const checks = readChecks(proxy)
  return {
    active: checks === null ? null : { ...checks, endsEjection: false, leastOutMs: cooldownMs },
    passive: null,
    outlier: {
      ...(own ?? { ...BREAKER, consecutiveFailures: 0, errors: errorsOf(proxy, DEFAULT_WINDOW_MS, FIRST) }),
      baseEjectionMs: cooldownMs,
      maxEjectionMs: cooldownMs,
      trial: false,
    },
  }
}

function readChecks(proxy: JsonObject): ActiveCheck | null {
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const isChecked = listField(routing, 'routingAddressList').some(
    (address) =>
      typeof address === 'object' &&
      address !== null &&
      !Array.isArray(address) &&
      hasCheck(address as JsonObject),
  )
  if (!isChecked) return null
  const settings = objectField(routing, 'healthCheck') ?? {}
  const intervalMs = (numberField(settings, 'interval') ?? 30) * 1000
  const failures = numberField(settings, 'failThreshold') ?? 3
  return {
    kind: 'http',
    timeoutMs: (numberField(settings, 'timeout') ?? 5) * 1000,
    concurrency: 10,
    host: null,
    port: null,
    method: 'GET',
    path: '/',
    headers: [],
    body: '',
    verifiesCertificate: !flagField(objectField(proxy, 'mtls') ?? {}, 'disableSslValidation'),
    endsEjection: true,
    leastOutMs: 0,
    healthy: { intervalMs, statuses: PASSING, successes: numberField(settings, 'passThreshold') ?? 2 },
    unhealthy: {
      intervalMs,
      statuses: FROM_400,
      httpFailures: failures,
      tcpFailures: failures,
      timeouts: failures,
    },
  }
}

function hasCheck(address: JsonObject): boolean {
  return (textField(address, 'healthCheckPath') ?? '') !== '' && address.healthMonitoringEnabled !== false
}

const PASSING = Array.from({ length: 200 }, (_, i) => 200 + i)

const BREAKER = {
  latency: null,
  maxEjectionPercent: 100,
  mayEjectAll: true,
} as const

function readBreaker(proxy: JsonObject): OutlierDetection | null {
  const breaker = objectField(proxy, 'circuitBreaker')
  if (breaker === null || !flagField(breaker, 'circuitBreakerEnabled')) return null
  const value = numberField(breaker, 'errorThresholdValue') ?? 1
  const isPercent = textField(breaker, 'enumErrorThresholdType') === 'PERCENT'
  const windowS = numberField(breaker, 'errorWindow')
  const sleepMs = (numberField(breaker, 'sleepWindow') ?? 10) * 1000
  return {
    ...BREAKER,
    consecutiveFailures: 0,
    errors: errorsOf(
      proxy,
      windowS === null ? DEFAULT_WINDOW_MS : windowS * 1000,
      isPercent ? { kind: 'ratio', value: value / 100 } : { kind: 'count', value },
    ),
    baseEjectionMs: sleepMs,
    maxEjectionMs: sleepMs,
    trial: flagField(breaker, 'halfOpenEnabled'),
  }
}

type Errors = NonNullable<OutlierDetection['errors']>

/** By the vendor's system settings. */
const DEFAULT_WINDOW_MS = 10_000
const FIRST: Errors['threshold'] = { kind: 'count', value: 1 }

/** What counts is what counts as an error of the proxy (spec/apinizer.md 5.1). */
function errorsOf(proxy: JsonObject, windowMs: number, threshold: Errors['threshold']): Errors {
  return {
    windowMs,
    minRequests: 1,
    threshold,
    countsServerErrors: true,
    statuses: writtenErrorStatuses(proxy) ?? FROM_400,
  }
}
