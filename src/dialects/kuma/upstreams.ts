import type { HashKey, NewCookie } from '../../model/hash-key.ts'
import type { Balancer, Retry, Upstream, UpstreamScheme, UpstreamTimeouts } from '../../model/upstream.ts'
import {
  CONNECT_RETRY,
  LEVELS,
  LIMITS,
  MAGLEV_SIZE,
  NO_TIMEOUT_MS,
  POOL,
  RETRY,
  TIMEOUTS,
} from './built-in.ts'
import { endpointsOf, type ServiceInstance } from './endpoints.ts'
import { agreeOnTls } from './external-tls.ts'
import { modelId, originOf } from './kinds.ts'
import { legName } from './leg-names.ts'
import { isHttp, type Protocol } from './protocol.ts'
import type { HashPolicy, LoadBalancer, Tags, TrafficRoute } from './resources.ts'
import { hasTags } from './selection.ts'

/** Upstreams of a proxy, one for each set of tags that its routes lead to. */

export interface UpstreamNeed {
  /** Resolved. */
  readonly tags: Tags
  readonly instances: readonly ServiceInstance[]
  readonly protocol: Protocol
  /** Whether the request says which host is asked (a rule sets it); only matters for external services. */
  readonly keepsHost: boolean
}

/** The upstreams of one proxy as they are needed, each made once. */
export class UpstreamSet {
  readonly #made = new Map<string, Upstream>()
  readonly #warnings = new Map<string, string>()
  readonly #dataplane: string
  readonly #zone: string | null

  /** `dataplane`: id of its document. `zone`: as in `endpointsOf`. */
  constructor(dataplane: string, zone: string | null) {
    this.#dataplane = dataplane
    this.#zone = zone
  }

  /** The id of the upstream for a leg of a route. */
  need(route: TrafficRoute, need: UpstreamNeed): string {
    const name = legName(need.tags)
    const isRequest = isHttp(need.protocol)
    const chosen = need.instances.filter(({ tags }) => hasTags(tags, need.tags))
    const keepsHost = need.keepsHost && isRequest && chosen.some(({ external }) => external !== null)
    const part = [
      `route ${route.name}`,
      name,
      ...(isRequest ? [need.protocol] : ['stream']),
      ...(keepsHost ? ['own host'] : []),
    ].join('/')
    const id = modelId('dataplanes', this.#dataplane, part)
    if (!this.#made.has(id)) this.#make(id, name, route, { ...need, instances: chosen, keepsHost })
    return id
  }

  list(): readonly Upstream[] {
    return [...this.#made.values()]
  }

  /** What is left out of a leg, and why. */
  warnings(): readonly string[] {
    return [...new Set(this.#warnings.values())]
  }

  #make(id: string, name: string, route: TrafficRoute, need: UpstreamNeed): void {
    const { conf } = route
    const { protocol, keepsHost } = need
    const { instances, tls, warning } = agreeOnTls(name, need.instances, keepsHost)
    if (warning !== null) this.#warnings.set(id, warning)
    const isRequest = isHttp(protocol)
    const isOutside = instances.some(({ external }) => external !== null)
    this.#made.set(id, {
      kind: 'upstream',
      id,
      name,
      origin: originOf('traffic-routes', `${route.mesh}:${route.name}`, 'conf'),
      scheme: schemeOf(protocol, tls !== null),
      http2: protocol === 'http2' || protocol === 'grpc' ? 'always' : 'never',
      endpoints: endpointsOf(instances, this.#zone),
      discovery: null,
      balancer: translateBalancer(conf.loadBalancer),
      hashKey: translateHashKey(conf.loadBalancer, isRequest),
      levels: LEVELS,
      health: null,
      slowStart: null,
      passHost: isOutside && !keepsHost ? 'node' : 'pass',
      upstreamHost: null,
      // Envoy writes the host's name alone
      nodeHostWithoutPort: isOutside,
      timeouts: timeoutsOf(route),
      retry: retryOf(route, isRequest),
      pool: POOL,
      limits: LIMITS,
      tls,
    })
  }
}

function schemeOf(protocol: Protocol, isSecure: boolean): UpstreamScheme {
  if (protocol === 'grpc') return isSecure ? 'grpcs' : 'grpc'
  if (isHttp(protocol)) return isSecure ? 'https' : 'http'
  return isSecure ? 'tls' : 'tcp'
}

function timeoutsOf(route: TrafficRoute): UpstreamTimeouts {
  const requestMs = requestMsOf(route) || NO_TIMEOUT_MS
  const { timeout } = route.conf
  return { connectMs: timeout?.connectMs ?? TIMEOUTS.connectMs, sendMs: requestMs, readMs: requestMs }
}

/** 0: none. */
function requestMsOf({ conf: { timeout } }: TrafficRoute): number {
  return timeout?.requestMs ?? TIMEOUTS.readMs
}

/** No attempt begins later than the request may last. */
function retryOf(route: TrafficRoute, isRequest: boolean): Retry {
  const { retry, timeout } = route.conf
  const count = retry?.numRetries ?? (isRequest ? RETRY : CONNECT_RETRY).count
  if (!isRequest) return { ...CONNECT_RETRY, count }
  const codes = retry?.retriableStatusCodes ?? []
  // who gives a request longer than the built-in bound of an attempt means to wait
  const ownMs = timeout?.requestMs == null ? RETRY.attemptMs : 0
  const attemptMs = retry?.perTryTimeoutMs ?? ownMs
  const requestMs = requestMsOf(route)
  return {
    ...RETRY,
    count,
    timeoutMs: requestMs,
    attemptMs,
    // an attempt that is over as late as the request is not made again
    onHeadTimeout: attemptMs > 0 && (requestMs === 0 || attemptMs < requestMs),
    onStatuses: codes.length > 0 ? codes : RETRY.onStatuses,
  }
}

function translateBalancer(balancer: LoadBalancer): Balancer {
  switch (balancer.kind) {
    case 'roundRobin':
    case 'random':
      return { kind: balancer.kind }
    case 'leastRequest':
      return { kind: 'leastRequest', choiceCount: balancer.choiceCount }
    case 'ringHash':
      return {
        kind: 'ringHash',
        hash: balancer.hashFunction === 'XX_HASH' ? 'xxHash' : 'murmurHash2',
        minSize: balancer.minRingSize,
        maxSize: balancer.maxRingSize,
      }
    case 'maglev':
      return { kind: 'maglev', tableSize: MAGLEV_SIZE }
  }
}

/** Without policies streams stay with their client's address, and requests with nothing. */
function translateHashKey(balancer: LoadBalancer, isRequest: boolean): HashKey | null {
  if (balancer.kind !== 'ringHash' && balancer.kind !== 'maglev') return null
  const policies = isRequest
    ? balancer.hashPolicies
    : balancer.hashPolicies.filter(({ source }) => source.kind === 'sourceIP')
  return {
    sources: policies.map((policy) => ({
      template: [{ variable: variableOf(policy), fallback: '' }],
      isTerminal: policy.terminal,
      ...cookieOf(policy),
    })),
    fallback: isRequest ? 'none' : 'address',
    hash: 'xxHash',
  }
}

/** One with a time to live is made where the request has none. Whole seconds; 0: a cookie of the session. */
function cookieOf({ source }: HashPolicy): { readonly newCookie?: NewCookie } {
  if (source.kind !== 'cookie' || source.ttlMs === null) return {}
  const { name, path } = source
  return { newCookie: { name, path, maxAgeSeconds: Math.ceil(source.ttlMs / 1_000) } }
}

function variableOf({ source }: HashPolicy): string {
  switch (source.kind) {
    case 'header':
      return `joined:${source.name.toLowerCase()}`
    case 'cookie':
      return `cookie_${source.name}`
    case 'queryParameter':
      return `query:${source.name}`
    case 'sourceIP':
      return 'remote_addr'
  }
}
