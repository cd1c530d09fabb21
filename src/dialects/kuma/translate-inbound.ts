import { hostPort, isAddress } from '../../model/endpoint.ts'
import type { ModelObject } from '../../model/model.ts'
import type { UpstreamTarget } from '../../model/split.ts'
import type { Upstream } from '../../model/upstream.ts'
import { INBOUND_TIMEOUTS, LEVELS, LIMITS, NO_RETRY, POOL, STREAM_IDLE_MS } from './built-in.ts'
import { KUMA, modelId, originOf } from './kinds.ts'
import { isHttp, readProtocol } from './protocol.ts'
import { type Inbound, PROTOCOL, SERVICE } from './resources.ts'
import { cameInAt } from './translate-outbound.ts'

/** An inbound of a proxy: what others send there goes to the application beside it. */
export function translateInbound(dataplane: string, inbound: Inbound): readonly ModelObject[] {
  const { address, port, serviceAddress, servicePort, tags, path } = inbound
  const service = tags[SERVICE] ?? ''
  const protocol = readProtocol(tags[PROTOCOL])
  const where = hostPort({ host: address, port })
  const id = modelId('dataplanes', dataplane, `inbound ${where}`)
  const origin = originOf('dataplanes', dataplane, path)
  const isRequest = isHttp(protocol)
  const upstream: Upstream = {
    kind: 'upstream',
    id: `${id}/application`,
    name: `${service} (application)`,
    origin,
    scheme: protocol === 'grpc' ? 'grpc' : isRequest ? 'http' : 'tcp',
    http2: protocol === 'http2' || protocol === 'grpc' ? 'always' : 'never',
    endpoints: [
      {
        host: serviceAddress,
        port: servicePort,
        weight: 1,
        priority: 0,
        address: null,
        zone: null,
        failoverOnly: false,
        state: 'ready',
      },
    ],
    discovery: null,
    balancer: { kind: 'roundRobin' },
    hashKey: null,
    levels: LEVELS,
    health: null,
    slowStart: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: INBOUND_TIMEOUTS,
    retry: NO_RETRY,
    pool: POOL,
    limits: LIMITS,
    tls: null,
  }
  const target: UpstreamTarget = {
    kind: 'upstream',
    weight: 1,
    variant: service,
    origin,
    requestFilters: [],
    responseFilters: [],
    upstreamId: upstream.id,
  }
  const rule = {
    origin,
    predicate: null,
    split: { id: `${id}/split`, origin, targets: [target], policy: null },
  }
  const labels = {
    routeId: dataplane,
    routeName: `inbound ${where}`,
    serviceId: service,
    serviceName: service,
  }
  const listener: ModelObject = {
    kind: 'listener',
    id,
    name: `inbound ${where} of ${service}`,
    origin,
    protocol: isRequest ? 'http' : 'tcp',
    address,
    port,
    section: KUMA,
  }
  if (!isRequest) {
    return [
      listener,
      {
        kind: 'streamRoute',
        id: `${id}/stream`,
        name: labels.routeName,
        origin,
        section: KUMA,
        key: [0],
        protocols: ['tcp'],
        serverAddresses: isAddress(address) ? [address] : null,
        serverPorts: [port],
        clients: null,
        serverNames: null,
        rules: [rule],
        idleMs: STREAM_IDLE_MS,
        proxyProtocol: null,
        labels,
      },
      upstream,
    ]
  }
  return [
    listener,
    {
      kind: 'route',
      id: `${id}/requests`,
      name: labels.routeName,
      origin,
      section: KUMA,
      entries: [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] }],
      methods: null,
      clients: null,
      predicate: cameInAt(inbound),
      requestFilters: [],
      responseFilters: [],
      rulesSee: 'original',
      rules: [rule],
      upgrades: ['websocket'],
      timeouts: null,
      labels,
    },
    upstream,
  ]
}
