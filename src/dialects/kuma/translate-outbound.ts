import { hostPort, isAddress } from '../../model/endpoint.ts'
import type { RequestFilter, ResponseFilter } from '../../model/filter.ts'
import type { PlannedListener } from '../../model/listener.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { Route } from '../../model/route.ts'
import type { Rule } from '../../model/rule.ts'
import type { Split } from '../../model/split.ts'
import type { StreamRoute } from '../../model/stream-route.ts'
import { NO_TIMEOUT_MS, STREAM_IDLE_MS } from './built-in.ts'
import { protocolWords, type ServiceInstance } from './endpoints.ts'
import { KUMA, modelId, originOf } from './kinds.ts'
import { legName } from './leg-names.ts'
import { commonProtocol, isHttp, type Protocol, readProtocol } from './protocol.ts'
import {
  type HttpRule,
  type Legs,
  type Outbound,
  PROTOCOL,
  SERVICE,
  type Tags,
  type TrafficRoute,
} from './resources.ts'
import { resolveTags } from './selection.ts'
import { translateMatch } from './translate-match.ts'
import { translateModify } from './translate-modify.ts'
import type { UpstreamSet } from './upstreams.ts'

/** An outbound of a proxy: its listener, and what becomes of what comes in there. spec/kuma.md 5 to 7. */

export interface OutboundPlace {
  /** Id of the proxy's document. */
  readonly dataplane: string
  readonly outbound: Outbound
  /** The one that applies; null: none does, and what comes in is closed. */
  readonly route: TrafficRoute | null
  readonly upstreams: UpstreamSet
  instances(service: string): readonly ServiceInstance[]
}

export interface TranslatedOutbound {
  readonly objects: readonly ModelObject[]
  /** Why rules do not act; null: they do, or there are none. */
  readonly warning: string | null
}

export function translateOutbound(place: OutboundPlace): TranslatedOutbound {
  const { dataplane, outbound, route } = place
  const { address, port, tags, path } = outbound
  const service = tags[SERVICE] ?? ''
  const where = hostPort({ host: address, port })
  const listener: PlannedListener = {
    kind: 'listener',
    id: modelId('dataplanes', dataplane, `outbound ${where}`),
    name: `outbound ${where} to ${service}`,
    origin: originOf('dataplanes', dataplane, path),
    protocol: 'tcp',
    address,
    port,
    section: KUMA,
  }
  if (route === null) {
    const warning = `no traffic route of the mesh applies to ${service}: what comes in at ${where} is closed`
    return { objects: [listener], warning }
  }
  const judged = judgeProtocol(place, route)
  const rules = isHttp(judged.protocol) ? route.conf.http : []
  const objects: ModelObject[] = [
    { ...listener, protocol: isHttp(judged.protocol) ? 'http' : 'tcp' },
    makeStreamRoute(place, route, listener.id),
  ]
  if (isHttp(judged.framing)) objects.push(makeRoute(place, route, listener.id, rules, judged.framing))
  const isIdle = route.conf.http.length > rules.length
  const warning = isIdle
    ? `the http rules of traffic route ${route.name} do not act on ${service}, which is carried as ${judged.protocol === 'unknown' ? 'tcp' : judged.protocol}: ${judged.reason}`
    : null
  return { objects, warning }
}

export interface JudgedProtocol {
  readonly protocol: Protocol
  /**
   * How requests are carried that come over connections from before the listener turned to streams: by what the instances that do say HTTP have in common. Not an HTTP
   * protocol: there never were any.
   */
  readonly framing: Protocol
  /** Why requests are looked at, or are not. */
  readonly reason: string
}

/** Of all healthy instances of every service that a leg of some weight leads to, subsets left aside. */
export function judgeProtocol(
  { outbound, instances }: Pick<OutboundPlace, 'outbound' | 'instances'>,
  { conf }: TrafficRoute,
): JudgedProtocol {
  const services = new Set<string>()
  for (const { legs } of [conf.legs, ...conf.http.map((rule) => rule.legs)]) {
    for (const leg of legs)
      if (leg.weight > 0) services.add(resolveTags(leg.tags, outbound.tags)[SERVICE] ?? '')
  }
  const all = [...services].flatMap((service) => instances(service))
  const protocols = all.map(({ tags }) => readProtocol(tags[PROTOCOL]))
  const protocol = commonProtocol(protocols)
  const framing = commonProtocol(protocols.filter((one) => isHttp(one)))
  const other = all.find((_, i) => !isHttp(protocols[i] as Protocol))
  const names = [...services].join(', ')
  const reason =
    all.length === 0
      ? `${names} has no healthy instance`
      : isHttp(protocol)
        ? `every instance of ${names} speaks ${protocol}`
        : other === undefined
          ? `its instances have no HTTP protocol in common (${[...new Set(protocols)].join(', ')})`
          : protocolWords(other)
  return { protocol, framing: isHttp(protocol) ? protocol : framing, reason }
}

function makeStreamRoute(place: OutboundPlace, route: TrafficRoute, id: string): StreamRoute {
  const { outbound } = place
  const origin = routeOrigin(route, 'conf')
  const split = makeSplit(place, route, route.conf.legs, `${id}/stream`, 'tcp', NO_FILTERS)
  return {
    kind: 'streamRoute',
    id: `${id}/stream`,
    name: route.name,
    origin,
    section: KUMA,
    key: [0],
    protocols: ['tcp'],
    serverAddresses: isAddress(outbound.address) ? [outbound.address] : null,
    serverPorts: [outbound.port],
    clients: null,
    serverNames: null,
    rules: [{ origin, predicate: null, split }],
    idleMs: (route.conf.timeout?.idleMs ?? STREAM_IDLE_MS) || NO_TIMEOUT_MS,
    proxyProtocol: null,
    labels: labelsOf(route, outbound),
  }
}

function makeRoute(
  place: OutboundPlace,
  route: TrafficRoute,
  id: string,
  http: readonly HttpRule[],
  protocol: Protocol,
): Route {
  const { outbound } = place
  const rules: Rule[] = http.map((rule) => {
    const origin = routeOrigin(route, rule.path)
    const filters = filtersOf(place, route, rule, protocol)
    const split = makeSplit(place, route, rule.legs, `${id}/${rule.path}`, protocol, filters)
    return { origin, predicate: translateMatch(rule.match), split }
  })
  const origin = routeOrigin(route, 'conf')
  const rest = makeSplit(place, route, route.conf.legs, `${id}/conf`, protocol, NO_FILTERS)
  return {
    kind: 'route',
    id: `${id}/requests`,
    name: route.name,
    origin,
    section: KUMA,
    entries: [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] }],
    methods: null,
    clients: null,
    predicate: cameInAt(outbound),
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    rules: [...rules, { origin, predicate: null, split: rest }],
    upgrades: ['websocket'],
    timeouts: null,
    labels: labelsOf(route, outbound),
  }
}

/** The listener, told by the place that the client came to. The port stands first: it sets the outbounds of a proxy apart. */
export function cameInAt({ address, port }: { readonly address: string; readonly port: number }): Predicate {
  const atPort: Predicate = { kind: 'test', variable: 'server_port', operator: 'equal', value: String(port) }
  // what a name stands for is only known to whoever listens there
  if (!isAddress(address)) return atPort
  return {
    kind: 'all',
    of: [atPort, { kind: 'test', variable: 'server_addr', operator: 'equal', value: address }],
  }
}

interface LegFilters {
  readonly request: readonly RequestFilter[]
  readonly response: readonly ResponseFilter[]
  readonly setsHost: boolean
}

const NO_FILTERS: LegFilters = { request: [], response: [], setsHost: false }

function filtersOf(
  place: OutboundPlace,
  route: TrafficRoute,
  rule: HttpRule,
  protocol: Protocol,
): LegFilters {
  const { modify, mirror } = rule
  const edits =
    modify === null
      ? NO_FILTERS
      : translateModify(modify, rule.match, routeOrigin(route, `${rule.path}.modify`))
  const setsHost = modify?.host !== null && modify !== null
  if (mirror === null) return { ...edits, setsHost }
  const copy: RequestFilter = {
    kind: 'mirror',
    origin: routeOrigin(route, mirror.path),
    when: null,
    upstreamIds: [needUpstream(place, route, mirror.tags, protocol, setsHost).id],
    percent: mirror.percentage,
  }
  return { request: [...edits.request, copy], response: edits.response, setsHost }
}

function makeSplit(
  place: OutboundPlace,
  route: TrafficRoute,
  { legs, path }: Legs,
  id: string,
  protocol: Protocol,
  filters: LegFilters,
): Split {
  return {
    id,
    origin: routeOrigin(route, path),
    targets: legs.map((leg) => {
      const { id: upstreamId, tags } = needUpstream(place, route, leg.tags, protocol, filters.setsHost)
      return {
        kind: 'upstream',
        weight: leg.weight,
        variant: legName(tags),
        origin: routeOrigin(route, leg.path),
        requestFilters: filters.request,
        responseFilters: filters.response,
        upstreamId,
      }
    }),
    policy: null,
  }
}

function needUpstream(
  { outbound, instances, upstreams }: OutboundPlace,
  route: TrafficRoute,
  leg: Tags,
  protocol: Protocol,
  keepsHost: boolean,
): { readonly id: string; readonly tags: Tags } {
  const tags = resolveTags(leg, outbound.tags)
  const need = { tags, instances: instances(tags[SERVICE] ?? ''), protocol, keepsHost }
  return { id: upstreams.need(route, need), tags }
}

function routeOrigin({ mesh, name }: TrafficRoute, path: string) {
  return originOf('traffic-routes', `${mesh}:${name}`, path)
}

function labelsOf(route: TrafficRoute, outbound: Outbound): Route['labels'] {
  const service = outbound.tags[SERVICE] ?? null
  return {
    routeId: `${route.mesh}:${route.name}`,
    routeName: route.name,
    serviceId: service,
    serviceName: service,
  }
}
