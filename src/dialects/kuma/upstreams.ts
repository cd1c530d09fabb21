import type { HashKey } from '../../model/hash-key.ts'
import type {
  Balancer,
  Retry,
  Upstream,
  UpstreamScheme,
  UpstreamTimeouts,
  UpstreamTls,
} from '../../model/upstream.ts'
import { CONNECT_RETRY, LEVELS, LIMITS, MAGLEV_SIZE, POOL, RETRY, TIMEOUTS } from './built-in.ts'
import { endpointsOf, type ServiceInstance } from './endpoints.ts'
import { modelId, originOf } from './kinds.ts'
import { legName } from './leg-names.ts'
import { isHttp, type Protocol } from './protocol.ts'
import type { ExternalTls, HashPolicy, LoadBalancer, Tags, TrafficRoute } from './resources.ts'

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
    const part = [
      `route ${route.name}`,
      name,
      ...(isRequest ? [need.protocol] : ['stream']),
      ...(need.keepsHost && isRequest ? ['own host'] : []),
    ].join('/')
    const id = modelId('dataplanes', this.#dataplane, part)
    if (!this.#made.has(id)) this.#made.set(id, makeUpstream(id, name, route, need, this.#zone))
    return id
  }

  list(): readonly Upstream[] {
    return [...this.#made.values()]
  }
}

function makeUpstream(
  id: string,
  name: string,
  route: TrafficRoute,
  { tags, instances, protocol, keepsHost }: UpstreamNeed,
  zone: string | null,
): Upstream {
  const { conf } = route
  const chosen = instances.filter(({ tags: own }) => Object.keys(tags).every((key) => own[key] === tags[key]))
  const externals = chosen.flatMap(({ external }) => (external === null ? [] : [external]))
  const tls = externals.find((external) => external.tls !== null)?.tls ?? null
  const isRequest = isHttp(protocol)
  return {
    kind: 'upstream',
    id,
    name,
    origin: originOf('traffic-routes', `${route.mesh}:${route.name}`, 'conf'),
    scheme: schemeOf(protocol, tls !== null),
    http2: protocol === 'http2' || protocol === 'grpc' ? 'always' : 'never',
    endpoints: endpointsOf(instances, tags, zone),
    discovery: null,
    balancer: translateBalancer(conf.loadBalancer),
    hashKey: translateHashKey(conf.loadBalancer, isRequest),
    levels: LEVELS,
    health: null,
    slowStart: null,
    passHost: externals.length > 0 && !keepsHost ? 'node' : 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: timeoutsOf(route),
    retry: retryOf(route, isRequest),
    pool: POOL,
    limits: LIMITS,
    tls: tls === null ? null : translateTls(tls, externals[0]?.host ?? ''),
  }
}

function schemeOf(protocol: Protocol, isSecure: boolean): UpstreamScheme {
  if (protocol === 'grpc') return isSecure ? 'grpcs' : 'grpc'
  if (isHttp(protocol)) return isSecure ? 'https' : 'http'
  return isSecure ? 'tls' : 'tcp'
}

function timeoutsOf({ conf: { timeout } }: TrafficRoute): UpstreamTimeouts {
  return {
    connectMs: timeout?.connectMs ?? TIMEOUTS.connectMs,
    sendMs: timeout?.requestMs ?? TIMEOUTS.sendMs,
    readMs: timeout?.requestMs ?? TIMEOUTS.readMs,
  }
}

function retryOf({ conf: { retry } }: TrafficRoute, isRequest: boolean): Retry {
  const base = isRequest ? RETRY : CONNECT_RETRY
  if (retry === null) return base
  return {
    ...base,
    count: retry.numRetries ?? base.count,
    attemptMs: isRequest ? (retry.perTryTimeoutMs ?? base.attemptMs) : 0,
    onStatuses:
      isRequest && retry.retriableStatusCodes.length > 0 ? retry.retriableStatusCodes : base.onStatuses,
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
    })),
    fallback: isRequest ? 'none' : 'address',
    hash: 'xxHash',
  }
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

function translateTls(tls: ExternalTls, host: string): UpstreamTls {
  return {
    verifies: tls.caCert !== null,
    verifiesName: !tls.skipHostnameVerification,
    ca: tls.caCert,
    certificate: tls.clientCert,
    key: tls.clientKey,
    serverName: tls.serverName ?? host,
  }
}
