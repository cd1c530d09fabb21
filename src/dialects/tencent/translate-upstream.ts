import { createHash } from 'node:crypto'
import { type Endpoint, isAddress } from '../../model/endpoint.ts'
import type { ActiveCheck, HealthPolicy, PassiveCheck } from '../../model/health.ts'
import type { JsonObject } from '../../model/json.ts'
import { flagField, numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import type { Origin } from '../../model/origin.ts'
import type {
  Levels,
  PodDiscovery,
  PoolSettings,
  Retry,
  StickyEndpoint,
  Upstream,
  UpstreamTimeouts,
} from '../../model/upstream.ts'
import type { DialectSettings, Translation } from '../dialect.ts'
import type { BackendUrl, Breaker, Session } from './backend.ts'
import { findsNothing, readStatuses, servicesField } from './validate-upstream.ts'

/** Upstreams of the model: those of documents (spec/tencent.md 5), and those behind a Url. */

export interface UpstreamPlace {
  readonly id: string
  readonly origin: Origin
  readonly name: string
  /** Host towards nodes whatever the document says (a constant parameter `host`); null: as it says. */
  readonly host: string | null
}

const SCHEMES = { HTTP: 'http', HTTPS: 'https', gRPC: 'grpc', gRPCs: 'grpcs' } as const

/** Seconds; what a checker has where it says nothing (spec/tencent.md 5.1). */
const CHECK = { path: '/', timeout: 5, interval: 5, unhealthyTimeout: 30 } as const

/** A node that comes back gets its share at once; nobody is guessed at when all are out. */
const LEVELS: Levels = { mode: 'strict', factor: 1, panicPercent: null, prefersZone: false }

const POOL: PoolSettings = { size: 320, idleMs: 60_000, requests: 1000, maxAgeMs: 0 }

/** Where no API says how long it waits: as long as any may. */
const LONGEST: UpstreamTimeouts = { connectMs: 5_000, sendMs: 1_800_000, readMs: 1_800_000 }

/** The timeouts that `ServiceTimeout` makes: it bounds all attempts together, and the wait between two parts of an answer. */
export function timeoutsOf(seconds: number): UpstreamTimeouts {
  const ms = seconds * 1000
  return { connectMs: Math.min(ms, LONGEST.connectMs), sendMs: ms, readMs: ms, answerMs: ms }
}

export function translateUpstream(
  value: JsonObject,
  place: UpstreamPlace,
  settings: DialectSettings,
): { readonly upstream: Upstream; readonly warnings: Translation['warnings'] } {
  const warnings: Translation['warnings'][number][] = []
  const scheme = SCHEMES[(textField(value, 'Scheme') ?? 'HTTP') as keyof typeof SCHEMES] ?? 'http'
  const endpoints: Endpoint[] = []
  const discovery = readServices(value, settings, warnings)
  // those of a cluster stand there as answers show them
  const nodes = discovery === null ? objectsField(value, 'Nodes') : []
  for (const { at, entry } of nodes) {
    const host = textField(entry, 'Host') ?? ''
    const port = numberField(entry, 'Port') ?? 0
    const weight = numberField(entry, 'Weight') ?? 0
    if (port > 0) endpoints.push(endpointOf(host, port, weight))
    else warnings.push({ path: `Nodes[${at}].Port`, message: `nothing is sent to port 0 of ${host}` })
  }
  if ((discovery?.services ?? endpoints).every(({ weight }) => weight === 0)) {
    const path = discovery === null ? 'Nodes' : servicesField(value)
    warnings.push({ path, message: 'all nodes have weight 0: every request gets 502' })
  }
  const checker = objectField(value, 'HealthChecker')
  if (checker !== null && findsNothing(checker)) {
    const message = 'all thresholds are 0: the checks never find a node unhealthy'
    warnings.push({ path: 'HealthChecker', message })
  }
  const host = place.host ?? textField(value, 'UpstreamHost') ?? ''
  const retries = numberField(value, 'Retries') ?? settings.tencent.api_default_retries
  const upstream: Upstream = {
    ...baseOf(place),
    scheme,
    http2: scheme === 'grpc' || scheme === 'grpcs' ? 'always' : 'never',
    endpoints,
    discovery,
    health: readHealth(value, scheme, host === '' ? null : host),
    passHost: host === '' ? 'node' : 'rewrite',
    upstreamHost: host === '' ? null : host,
    retry: retryOf(retries),
    tls: null,
  }
  return { upstream, warnings }
}

/** The Services whose pods are the nodes; null: the nodes are written. */
function readServices(
  value: JsonObject,
  { tencent }: DialectSettings,
  warnings: Translation['warnings'][number][],
): PodDiscovery | null {
  if (textField(value, 'UpstreamType') !== 'K8S') return null
  const field = servicesField(value)
  const services = objectsField(value, field).map(({ at, entry }) => {
    const cluster = textField(entry, 'ClusterId') ?? ''
    if (!Object.hasOwn(tencent.clusters, cluster))
      warnings.push({
        path: `${field}[${at}].ClusterId`,
        message: `the setting tencent.clusters does not say where ${cluster} is: it gives no nodes`,
      })
    return {
      service: {
        cluster,
        namespace: textField(entry, 'Namespace') ?? '',
        service: textField(entry, 'ServiceName') ?? '',
        port: numberField(entry, 'Port') ?? 0,
        labels: objectsField(entry, 'ExtraLabels').map(({ entry: label }) => ({
          name: textField(label, 'Key') ?? '',
          value: textField(label, 'Value') ?? '',
        })),
      },
      weight: numberField(entry, 'Weight') ?? 0,
    }
  })
  return { kind: 'pods', services }
}

/** The one endpoint behind a Url. `verifies`: addresses of the internet have certificates that can be verified. */
export function upstreamOfUrl(url: BackendUrl, place: UpstreamPlace, verifies: boolean): Upstream {
  const host = place.host ?? url.authority
  return {
    ...baseOf(place),
    scheme: url.isSecure ? 'https' : 'http',
    http2: 'never',
    endpoints: [endpointOf(url.host, url.port, 1)],
    health: null,
    passHost: 'rewrite',
    upstreamHost: host,
    retry: retryOf(0),
    tls:
      url.isSecure && verifies
        ? {
            verifies: true,
            ca: null,
            certificate: null,
            key: null,
            serverName: isAddress(url.host) ? null : url.host,
          }
        : null,
  }
}

/** The addresses of a microservice, in turn; a breaker ejects an address that fails too often, the only one too (spec/tencent.md 4.4, 5.2: no guessing). */
export function upstreamOfMicroservice(
  address: string,
  place: UpstreamPlace,
  { breaker, session }: { readonly breaker: Breaker | null; readonly session: Session | null },
): Upstream {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = Number(address.slice(colon + 1))
  const isName = !isAddress(host)
  return {
    ...baseOf(place),
    scheme: 'http',
    http2: 'never',
    endpoints: isName ? [] : [endpointOf(host, port, 1)],
    discovery: isName ? { kind: 'dns', name: host, port, weight: 1, priority: 0 } : null,
    health:
      breaker === null
        ? null
        : {
            active: null,
            passive: null,
            outlier: {
              consecutiveFailures: 0,
              errors: {
                windowMs: 10_000,
                minRequests: breaker.minRequests,
                threshold: { kind: 'ratio', value: breaker.errorPercent / 100 },
                countsServerErrors: true,
              },
              latency: null,
              baseEjectionMs: breaker.sleepMs,
              maxEjectionMs: breaker.sleepMs,
              maxEjectionPercent: 100,
              mayEjectAll: true,
              trial: true,
            },
          },
    ...(session === null ? {} : { sticky: stickyOf(session, place.id) }),
    passHost: 'rewrite',
    upstreamHost: place.host ?? address,
    retry: retryOf(RETRIES_OF_MICROSERVICES),
    tls: null,
  }
}

/**
 * A cookie for each service of each API, so that they do not take each other's. The key of its signature is no secret (all gateways must make the same): what a client can make of it is a
 * choice among the instances.
 */
function stickyOf({ maxAgeSeconds }: Session, id: string): StickyEndpoint {
  const cookie = `apigw_${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
  return { cookie, maxAgeSeconds, isHttpOnly: true, isSecure: false, secret: id }
}

/** A refused or reset request goes to another instance. */
const RETRIES_OF_MICROSERVICES = 1

function baseOf({ id, origin, name }: UpstreamPlace) {
  return {
    kind: 'upstream',
    id,
    name,
    origin,
    discovery: null,
    balancer: { kind: 'roundRobin' },
    hashKey: null,
    levels: LEVELS,
    slowStart: null,
    nodeHostWithoutPort: false,
    timeouts: LONGEST,
    pool: POOL,
    limits: null,
  } as const
}

function endpointOf(host: string, port: number, weight: number): Endpoint {
  return { host, port, weight, priority: 0, address: null, zone: null, failoverOnly: false, state: 'ready' }
}

/** Refused, reset before an answer, not connected in time: again elsewhere, whatever the method (spec/tencent.md 5.2). */
function retryOf(count: number): Retry {
  return {
    count,
    timeoutMs: 0,
    attemptMs: 0,
    onHeadTimeout: false,
    onStatuses: [],
    nonIdempotent: true,
    sameEndpointWhenAlone: true,
    triesAgain: true,
    sameEndpoint: null,
    failoverTries: 0,
    budget: null,
  }
}

function readHealth(value: JsonObject, scheme: Upstream['scheme'], host: string | null): HealthPolicy | null {
  const checker = objectField(value, 'HealthChecker')
  if (checker === null) return null
  const isActive = flagField(checker, 'EnableActiveCheck')
  const isPassive = flagField(checker, 'EnablePassiveCheck')
  if (!isActive && !isPassive) return null
  return {
    active: isActive ? readActive(checker, scheme, host) : null,
    passive: isPassive ? readPassive(checker) : null,
    outlier: null,
  }
}

function readActive(checker: JsonObject, scheme: Upstream['scheme'], host: string | null): ActiveCheck {
  const intervalMs = (numberField(checker, 'ActiveCheckInterval') ?? CHECK.interval) * 1000
  return {
    kind: scheme === 'https' || scheme === 'grpcs' ? 'https' : 'http',
    timeoutMs: (numberField(checker, 'ActiveCheckTimeout') ?? CHECK.timeout) * 1000,
    concurrency: 10,
    host,
    port: null,
    method: 'GET',
    path: textField(checker, 'ActiveCheckHttpPath') ?? CHECK.path,
    headers: [],
    body: '',
    verifiesCertificate: false,
    leastOutMs: 0,
    healthy: { intervalMs, statuses: statusesOf(checker, 'HealthyHttpStatus'), successes: 1 },
    unhealthy: { intervalMs, ...readThresholds(checker) },
  }
}

function readPassive(checker: JsonObject): PassiveCheck {
  const seconds = numberField(checker, 'UnhealthyTimeout') ?? CHECK.unhealthyTimeout
  return {
    // a request that goes well while the node is out does not bring it back: the time does, or a probe
    healthy: { statuses: statusesOf(checker, 'HealthyHttpStatus'), successes: 0 },
    unhealthy: readThresholds(checker),
    returnsAfterMs: seconds === 0 ? null : seconds * 1000,
  }
}

function readThresholds(checker: JsonObject) {
  return {
    statuses: statusesOf(checker, 'UnhealthyHttpStatus'),
    httpFailures: numberField(checker, 'HttpFailureThreshold') ?? 0,
    tcpFailures: numberField(checker, 'TcpFailureThreshold') ?? 0,
    timeouts: numberField(checker, 'TimeoutThreshold') ?? 0,
  }
}

function statusesOf(checker: JsonObject, name: string): readonly number[] {
  return readStatuses(textField(checker, name) ?? '').statuses
}
