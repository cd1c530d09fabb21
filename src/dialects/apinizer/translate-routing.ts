import type { ErrorCode } from '../../model/error-codes.ts'
import type { Mirror, RequestRewrite, ResponseFilter } from '../../model/filter.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import {
  flagField,
  listField,
  numberField,
  objectField,
  objectsField,
  textField,
} from '../../model/json-fields.ts'
import type { ModelObject } from '../../model/model.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { Rule } from '../../model/rule.ts'
import type { RespondTarget, Split, Target, UpstreamTarget } from '../../model/split.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Lookup } from '../dialect.ts'
import { resolveAddress } from './address.ts'
import { translateCondition } from './condition.ts'
import type { ConditionFacts } from './condition-values.ts'
import { errorBody, JSON_TYPE } from './error-bodies.ts'
import { translateErrors } from './error-handling.ts'
import { type ForwardProxy, readAllowedProxies, readForwardProxy } from './forward-proxy.ts'
import { modelId } from './kinds.ts'
import {
  type AddressType,
  addressType,
  type Family,
  readAttempts,
  readCanaryRetry,
  readMirrorRetry,
} from './routing-facts.ts'
import {
  type ReadyAddress,
  readCanaryHealth,
  readHealth,
  readSticky,
  translateUpstream,
} from './translate-upstream.ts'

export interface RoutingContext {
  /** Of the deployment. */
  readonly id: string
  readonly origin: Origin
  /** Another number with each deployment. */
  readonly generation: number
  readonly proxy: JsonObject
  readonly facts: ConditionFacts
  readonly lookup: Lookup
  readonly warn: (path: string, message: string) => void
}

/** What all routes of a deployed proxy share. */
export interface PreparedRouting {
  readonly objects: readonly ModelObject[]
  /** Rules of one route; `sample`: what it answers where nothing is routed. Never empty. */
  rules(part: string, sample: JsonObject | null): readonly Rule[]
  readonly headers: RequestRewrite
  /** What sends copies; they work on the request as it goes to the target. */
  readonly mirrors: readonly Mirror[]
  readonly responseFilters: readonly ResponseFilter[]
  readonly upgrades: readonly string[]
  /** Whether an address makes its path of what the client route leaves. */
  readonly namesRest: boolean
  /** Whether the path goes on with the relative path: a call of gRPC is its service and method. */
  readonly keepsPath: boolean
}

export function prepareRouting(context: RoutingContext): PreparedRouting {
  const { proxy, origin } = context
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const headers = changeHeaders(proxy, originAt(origin, 'Proxy.connection'))
  if (routing.routingEnabled === false) {
    const isEcho = flagField(routing, 'echoEnabled') || flagField(routing, 'mirrorEnabled')
    return {
      objects: [],
      rules: (part, sample) => [ruleOf(context, part, null, [unrouted(origin, isEcho, sample)])],
      headers,
      mirrors: [],
      responseFilters: [],
      upgrades: [],
      namesRest: false,
      keepsPath: false,
    }
  }
  const all = readAddresses(context)
  const addresses = all.filter(({ value }) => addressType(value) !== 'MIRROR')
  const mirroring = prepareMirrors(context, all)
  const isGrpc = addresses.some(({ target }) => target.scheme.startsWith('grpc'))
  const isWebSocket = addresses.some(({ target }) => target.isWebSocket)
  const family = isGrpc ? 'grpc' : isWebSocket ? 'webSocket' : 'http'
  const allowed = readAllowedProxies(proxy)
  const choice =
    allowed === null
      ? chooseTargets(context, addresses, { family, via: null, parts: partsOf(null) })
      : chooseByProxy(context, addresses, { family, allowed })
  const guards = guardsOf(context, all)
  return {
    objects: [...choice.upstreams, ...mirroring.upstreams],
    rules: (part) => [...guards(part), ...choice.rules(part)],
    headers,
    mirrors: mirroring.filters,
    responseFilters: isGrpc ? [] : translateErrors(proxy, origin),
    // a request that a forward proxy reads is no handshake of its own
    upgrades: isGrpc || allowed !== null || readForwardProxy(proxy) !== null ? [] : ['websocket'],
    namesRest: addresses.some(({ value }) => textField(value, 'pathRewrite') !== null),
    keepsPath: isGrpc,
  }
}

/** Enabled addresses whose variables are known. */
function readAddresses({ proxy, facts, warn }: RoutingContext): readonly ReadyAddress[] {
  const routing = objectField(proxy, 'routingInfo') ?? {}
  return objectsField(routing, 'routingAddressList').flatMap(({ at, entry }): ReadyAddress[] => {
    if (entry.enabled === false) return []
    const path = `Proxy.routingInfo.routingAddressList[${at}].address`
    const resolved = resolveAddress(entry, facts.variables)
    if ('missing' in resolved) {
      warn(path, `the environment has no variable ${resolved.missing}: the address gets nothing`)
      return []
    }
    if ('error' in resolved) {
      warn(path, `${resolved.error}: it gets nothing`)
      return []
    }
    const condition = objectField(entry, 'condition')
    return [
      {
        ...resolved,
        value: entry,
        condition: condition === null ? null : translateCondition(condition, facts),
      },
    ]
  })
}

/** An upstream for each address that gets copies, and what sends them. */
function prepareMirrors(
  context: RoutingContext,
  addresses: readonly ReadyAddress[],
): { readonly upstreams: readonly Upstream[]; readonly filters: readonly Mirror[] } {
  const { id, proxy, origin, facts, lookup, warn } = context
  const place = originAt(origin, 'Proxy.routingInfo.mirror')
  const settings = objectField(objectField(proxy, 'routingInfo') ?? {}, 'mirror') ?? {}
  const percent = numberField(settings, 'percentage') ?? DEFAULT_MIRROR_PERCENT
  const mirrored = addresses.filter(({ value }) => addressType(value) === 'MIRROR')
  const upstreams = mirrored.map(
    (address, n): Upstream => ({
      ...translateUpstream(
        proxy,
        // whether it is for a request says the filter
        [{ address: { ...address, condition: null }, isFailoverOnly: false }],
        {
          id: modelId(id, `mirror.${n}`),
          name: `${textField(proxy, 'apiProxyName') ?? id} mirror`,
          origin: place,
        },
        { retry: readMirrorRetry(proxy), health: null, facts, lookup, warn },
      ),
      // whatever requests themselves use (spec/apinizer.md 6.2)
      http2: 'never',
    }),
  )
  const filters = mirrored.map(
    ({ condition }, n): Mirror => ({
      kind: 'mirror',
      origin: place,
      when: condition?.when ?? null,
      upstreamIds: [modelId(id, `mirror.${n}`)],
      percent,
    }),
  )
  return { upstreams, filters }
}

/** By the vendor's system settings. */
const DEFAULT_MIRROR_PERCENT = 10

/** Before the choice: a value that is no number is 400, and a body that conditions read is there when they are tested. */
function guardsOf(
  context: RoutingContext,
  addresses: readonly ReadyAddress[],
): (part: string) => readonly Rule[] {
  const bad = addresses.flatMap(({ condition }) =>
    condition?.badNumber == null ? [] : [condition.badNumber],
  )
  const badDates = addresses.flatMap(({ condition }) =>
    condition?.badDate == null ? [] : [condition.badDate],
  )
  const readers = addresses.flatMap(({ condition }) =>
    condition?.readsBody === true ? [condition.when] : [],
  )
  const place = originAt(context.origin, 'Proxy.routingInfo.routingAddressList')
  return (part) => {
    const rules: Rule[] = []
    if (bad.length > 0)
      rules.push(ruleOf(context, `${part}number`, anyOf(bad), [refusal(400, 'CONDITION_VALUE', place)]))
    if (badDates.length > 0)
      rules.push(
        ruleOf(context, `${part}date`, anyOf(badDates), [
          {
            ...refusal(400, 'CONDITION_VALUE', place),
            page: false,
            headers: [{ name: 'Content-Type', value: JSON_TYPE }],
            body: errorBody('ERR-021', 'what a condition compares is no date'),
          },
        ]),
      )
    // never holds: it is there to make the exchange read the body before a target is chosen
    const [first] = readers
    if (first !== undefined) {
      const never: Predicate = { kind: 'all', of: [first, { kind: 'not', of: first }] }
      rules.push(ruleOf(context, `${part}body`, never, [refusal(400, 'CONDITION_VALUE', place)]))
    }
    return rules
  }
}

function anyOf(of: readonly Predicate[]): Predicate {
  return of.length === 1 ? (of[0] as Predicate) : { kind: 'any', of }
}

/** What sets apart the upstreams that one choice is among. */
export interface UpstreamParts {
  /** What the others begin with. */
  readonly own: string
  readonly primary: string
  readonly canary: string
}

/** Those of each forward proxy that a request may name, in their order; requests that name none are one choice. */
export function upstreamParts(proxy: JsonObject): readonly UpstreamParts[] {
  return readAllowedProxies(proxy)?.map((_, n) => partsOf(n)) ?? [partsOf(null)]
}

function partsOf(n: number | null): UpstreamParts {
  const own = n === null ? '' : `proxy.${n}.`
  return { own, primary: `${own}primary`, canary: `${own}canary` }
}

interface Choice {
  readonly upstreams: readonly Upstream[]
  readonly rules: (part: string) => readonly Rule[]
}

/** All of it once for each forward proxy that a request may name, and an error for those that name none of them. */
function chooseByProxy(
  context: RoutingContext,
  addresses: readonly ReadyAddress[],
  { family, allowed }: { readonly family: Family; readonly allowed: readonly ForwardProxy[] },
): Choice {
  const choices = allowed.map((via, n) => ({
    isNamed: namesProxy(via),
    ...chooseTargets(context, addresses, { family, via, parts: partsOf(n) }),
  }))
  const place = originAt(context.origin, 'Proxy.proxyServer')
  const rules = (part: string): readonly Rule[] => [
    ...choices.flatMap(({ isNamed, rules: rulesOf }) =>
      rulesOf(part).map(
        (rule): Rule => ({
          ...rule,
          predicate: rule.predicate === null ? isNamed : { kind: 'all', of: [isNamed, rule.predicate] },
        }),
      ),
    ),
    ruleOf(context, `${part}proxy`, null, [refusal(502, 'PROXY_ADDRESS', place)]),
  ]
  return { upstreams: choices.flatMap(({ upstreams }) => upstreams), rules }
}

/** Fields by which a request names its forward proxy. They are not for the target. */
const PROXY_FIELDS = ['X-Proxy-Host', 'X-Proxy-Port', 'X-Proxy-Authorization'] as const

function namesProxy({ host, port }: ForwardProxy): Predicate {
  return {
    kind: 'all',
    of: [
      {
        kind: 'test',
        variable: 'http_x_proxy_host',
        operator: 'equal',
        value: host,
        rules: 'typedIgnoringCase',
      },
      { kind: 'test', variable: 'http_x_proxy_port', operator: 'equal', value: String(port) },
    ],
  }
}

/** Primary addresses with those for failover behind them, and the canary beside them. `via`: the forward proxy that these requests name. */
function chooseTargets(
  context: RoutingContext,
  addresses: readonly ReadyAddress[],
  {
    family,
    via,
    parts,
  }: { readonly family: Family; readonly via: ForwardProxy | null; readonly parts: UpstreamParts },
): Choice {
  const { id, proxy, origin } = context
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const of = (type: AddressType): readonly ReadyAddress[] =>
    addresses.filter(({ value }) => addressType(value) === type)
  const primaries = of('PRIMARY')
  const spare = of('FAILOVER_ONLY')
  const place = originAt(origin, 'Proxy.routingInfo')
  if (primaries.length === 0)
    return {
      upstreams: [],
      rules: (part) => [ruleOf(context, `${part}${parts.own}`, null, [refusal(404, 'NO_CANDIDATE', place)])],
    }
  const hasSpare = listField(routing, 'routingAddressList').some(
    (address) => isJsonObject(address) && addressType(address) === 'FAILOVER_ONLY',
  )
  const { retry, usesFailoverOnly } = readAttempts(proxy, primaries.length, hasSpare, family)
  const members = [
    ...primaries.map((address) => ({ address, isFailoverOnly: false })),
    ...(usesFailoverOnly ? spare.map((address) => ({ address, isFailoverOnly: true })) : []),
  ]
  const name = textField(proxy, 'apiProxyName') ?? id
  const { facts, lookup, warn } = context
  const balanced = translateUpstream(
    proxy,
    members,
    { id: modelId(id, parts.primary), name, origin: place },
    { retry, health: readHealth(proxy), facts, lookup, warn, via },
  )
  const main: Upstream = { ...balanced, ...readSticky(proxy) }
  const upstreams = [main]
  const target = (upstream: Upstream, variant: string, weight: number): UpstreamTarget => ({
    ...targetBase(variant, place),
    kind: 'upstream',
    weight,
    upstreamId: upstream.id,
  })
  const plain = (part: string): Rule =>
    ruleOf(context, `${part}${parts.own}`, null, [target(main, 'primary', 1)])
  const settings = objectField(routing, 'canary')
  const percent = settings === null ? 0 : (numberField(settings, 'percentage') ?? 0)
  const canaries = of('CANARY')
  if (percent === 0 || canaries.length === 0) return { upstreams, rules: (part) => [plain(part)] }
  const cooldownMs = (numberField(settings ?? {}, 'cooldown') ?? 300) * 1000
  const canary = translateUpstream(
    proxy,
    canaries.map((address) => ({ address, isFailoverOnly: false })),
    { id: modelId(id, parts.canary), name: `${name} canary`, origin: place },
    {
      retry: readCanaryRetry(proxy),
      health: readCanaryHealth(proxy, cooldownMs),
      facts,
      lookup,
      warn,
      via,
    },
  )
  upstreams.push(canary)
  const targets = [target(main, 'primary', 100 - percent), target(canary, 'canary', percent)]
  const conditions = canaries.map(({ condition }) => condition?.when ?? null)
  const isFor = conditions.some((when) => when === null) ? null : anyOf(conditions as Predicate[])
  const rulesOf = (part: string): readonly Rule[] => {
    const rule = ruleOf(context, `${part}${parts.canary}`, isFor, targets)
    const split: Split = {
      ...rule.split,
      // one counter for a proxy, whichever of its routes a request takes
      id: modelId(id, `rule.${parts.canary}`),
      phase: 'late',
      generation: context.generation,
      policy: { forced: null, sticky: null, whenOut: { kind: 'target', index: 0 }, whenFailed: 0 },
    }
    return isFor === null ? [{ ...rule, split }] : [{ ...rule, split }, plain(part)]
  }
  return { upstreams, rules: rulesOf }
}

function ruleOf(
  { id, origin }: RoutingContext,
  part: string,
  predicate: Predicate | null,
  targets: readonly Target[],
): Rule {
  const place = targets[0]?.origin ?? origin
  return {
    origin: place,
    predicate,
    split: { id: modelId(id, `rule.${part}`), origin: place, targets, policy: null },
  }
}

function targetBase(variant: string, origin: Origin) {
  return { weight: 1, variant, origin, requestFilters: [], responseFilters: [] } as const
}

/** The surface's own answer to an error. */
export function refusal(status: number, errorCode: ErrorCode, origin: Origin): RespondTarget {
  return {
    ...targetBase(errorCode, origin),
    kind: 'respond',
    status,
    headers: [],
    body: '',
    page: true,
    errorCode,
  }
}

/** Routing is off: the request comes back, or the sample of the endpoint. */
function unrouted(origin: Origin, isEcho: boolean, sample: JsonObject | null): Target {
  const place = originAt(origin, 'Proxy.routingInfo')
  if (isEcho) return { ...targetBase('echo', place), kind: 'echo', loggedAs: 'apinizer://mirror.routing' }
  if (sample === null)
    return {
      ...refusal(404, 'NO_CANDIDATE', place),
      page: false,
      headers: [{ name: 'Content-Type', value: JSON_TYPE }],
      body: errorBody('ERR-003', 'routing is off, and the endpoint has no sample to answer with'),
    }
  return {
    ...targetBase('sample', place),
    kind: 'respond',
    status: 200,
    headers: [{ name: 'Content-Type', value: textField(sample, 'contentType') ?? JSON_TYPE }],
    body: textField(sample, 'body') ?? '',
    page: false,
    errorCode: null,
    loggedAs: 'apinizer://specresponse.routing',
  }
}

/** Fields that never go on as they came (spec/apinizer.md 7.2); those of the hop and of framing never do anyway. */
function changeHeaders(proxy: JsonObject, origin: Origin): RequestRewrite {
  const connection = objectField(proxy, 'connection') ?? {}
  const own = listField(connection, 'hopByHopHeaders').filter(
    (name): name is string => typeof name === 'string',
  )
  const agent = flagField(connection, 'sendUserAgentToBackend')
    ? textField(connection, 'userAgentValue')
    : null
  return {
    kind: 'rewriteRequest',
    origin,
    when: null,
    path: null,
    method: null,
    host: null,
    headers: {
      add: [],
      set: agent === null ? [] : [{ name: 'User-Agent', value: [agent] }],
      remove: [
        ...(agent === null ? ['User-Agent'] : []),
        'Trailers',
        ...(readAllowedProxies(proxy) === null ? [] : PROXY_FIELDS),
        ...own,
      ],
    },
  }
}
