import type { StoredDocument } from '../../model/document.ts'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { RequestRewrite } from '../../model/filter.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import type { ModelObject } from '../../model/model.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { Route, RouteEntry } from '../../model/route.ts'
import type { Rule } from '../../model/rule.ts'
import type { RespondTarget, Target } from '../../model/split.ts'
import type { DialectSettings, Lookup, Translation } from '../dialect.ts'
import { type ApiPath, matchersOf, parseApiPath } from './api-path.ts'
import { serviceTypeOf } from './backend.ts'
import { translateCondition } from './condition-check.ts'
import { attachmentId, modelId, originOf, TENCENT } from './kinds.ts'
import {
  type DeclaredParameters,
  declaredParameters,
  missingParameters,
  readParameters,
} from './parameters.ts'
import { inOrder, policiesOf } from './policies.ts'
import { rankRoute } from './precedence.ts'
import { type BackendContext, type PreparedBackend, prepareBackend } from './translate-backend.ts'
import { timeoutsOf } from './translate-upstream.ts'
import { type Way, waysOf } from './validate-service.ts'

/** Seconds; of functions whose API does not say (spec/tencent.md 1). */
const FUNCTION_TIMEOUT = 15

/**
 * What a released API becomes: a route for each way to address it (the default host name, rows of custom domains), because paths that
 * conditions and backends see begin behind the environment; each with the policies of its Routing plugin as rules, and the API's own backend last.
 * An API of one method has a second route each time, which answers 405 for the others.
 */
export function translateReleasedApi(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  const { id } = document.key
  const { value } = document
  const api = isJsonObject(value.Api) ? value.Api : {}
  const serviceId = textField(value, 'ServiceId') ?? ''
  const environment = textField(value, 'EnvironmentName') ?? ''
  const apiId = textField(value, 'ApiId') ?? ''
  const service = lookup('services', serviceId)?.value ?? null
  const warnings: Translation['warnings'][number][] = []
  if (service === null) {
    warnings.push({
      path: 'ServiceId',
      message: `there is no service ${serviceId}: the API takes no requests`,
    })
    return { objects: [], warnings }
  }
  const config = objectField(api, 'RequestConfig') ?? {}
  const front = parseApiPath(textField(config, 'Path') ?? '')
  if ('error' in front)
    return { objects: [], warnings: [{ path: 'Api.RequestConfig.Path', message: front.error }] }
  const origin = originOf('released_apis', id)
  const context: BackendContext = {
    id,
    front,
    service,
    effects: readParameters(api, originAt(origin, 'Api')),
    declared: declaredParameters(api),
    api,
    serviceId,
    environment,
    settings,
    lookup,
    warn: (path, message) => void warnings.push({ path, message }),
  }
  const method = textField(config, 'Method') ?? 'ANY'
  const released: ReleasedApi = {
    id,
    api,
    service,
    front,
    method: method === 'ANY' ? null : method,
    // made when the API was, so that a release changes no order
    order: lookup('apis', apiId)?.createdRevision ?? document.createdRevision,
    origin,
    serviceId,
    apiId,
  }
  const backend = prepareBackend(
    api,
    { part: 'default', path: 'Api', name: 'default', origin: originAt(origin, 'Api.ServiceConfig') },
    context,
  )
  const policies = preparePolicies(attachmentId(serviceId, environment, apiId), context)
  warnOfParameters(api, policies, context)
  const routes: ModelObject[] = []
  for (const [n, way] of waysOf(serviceId, service, environment, settings.tencent.domain).entries()) {
    routes.push(
      routeOf(
        released,
        way,
        n,
        rulesOf(released, way, {
          backend,
          policies,
          declared: context.declared,
          settings,
          warnings,
          isFirst: n === 0,
        }),
      ),
    )
    if (released.method !== null) routes.push(refusalOf(released, way, n))
  }
  const upstreams = [backend, ...policies.map((policy) => policy.backend)].flatMap(({ objects }) => objects)
  return { objects: [...routes, ...upstreams], warnings }
}

interface ReleasedApi {
  readonly id: string
  readonly api: JsonObject
  readonly service: JsonObject
  readonly front: ApiPath
  /** null: all. */
  readonly method: string | null
  readonly order: number
  readonly origin: Origin
  readonly serviceId: string
  readonly apiId: string
}

interface PreparedPolicy {
  readonly name: string
  readonly condition: string
  /** In the plugin. */
  readonly origin: Origin
  readonly backend: PreparedBackend
  readonly takesParameters: boolean
}

/** The policies of the plugin that is bound to the API in this environment, in the order in which they are asked. */
function preparePolicies(attachmentName: string, context: BackendContext): readonly PreparedPolicy[] {
  const attachment = context.lookup('attachments', attachmentName)
  const pluginId = attachment === undefined ? null : textField(attachment.value, 'PluginId')
  if (pluginId === null) return []
  const plugin = context.lookup('plugins', pluginId)
  if (plugin === undefined) {
    context.warn(
      '',
      `there is no plugin ${pluginId}, though it is bound: all requests go to the default backend`,
    )
    return []
  }
  return inOrder(policiesOf(plugin.value)).map(({ index, name, condition, body }) => {
    const origin = originOf('plugins', pluginId, `PluginData[${index}]`)
    const part = `policy.${index}`
    const backend = prepareBackend(body, { part, path: `plugin ${pluginId}: ${name}`, name, origin }, context)
    return { name, condition, origin, backend, takesParameters: takesParameters(body) }
  })
}

/** Parameters are mapped and constants added for HTTP backends only (spec/tencent.md 1). */
function takesParameters(body: JsonObject): boolean {
  const type = serviceTypeOf(body)
  return type !== 'MOCK' && type !== 'SCF'
}

function warnOfParameters(
  api: JsonObject,
  policies: readonly PreparedPolicy[],
  context: BackendContext,
): void {
  if (takesParameters(api) || policies.some((policy) => policy.takesParameters)) return
  for (const field of ['ServiceParameters', 'ConstantParameters'] as const)
    if (objectsField(api, field).length > 0)
      context.warn(`Api.${field}`, `${field} is for HTTP backends: this one gets none of them`)
}

interface RuleParts {
  readonly backend: PreparedBackend
  readonly policies: readonly PreparedPolicy[]
  readonly declared: DeclaredParameters
  readonly settings: DialectSettings
  readonly warnings: Translation['warnings'][number][]
  /** Warnings of conditions are told once, not for each way. */
  readonly isFirst: boolean
}

/** 426, 403, the policies, the default backend. */
function rulesOf(released: ReleasedApi, { base }: Way, parts: RuleParts): readonly Rule[] {
  const { api, origin, service, id } = released
  const rules: Rule[] = []
  const scheme = textField(service, 'Protocol')
  if (scheme === 'http' || scheme === 'https') {
    const predicate: Predicate = { kind: 'test', variable: 'scheme', operator: 'notEqual', value: scheme }
    const target = refusalTarget(426, 'PROTOCOL_NOT_ALLOWED', originAt(origin, 'ServiceId'))
    rules.push(ruleOf(id, 'protocol', predicate, target))
  }
  const missing = missingParameters(api)
  if (missing !== null) {
    const target = refusalTarget(403, 'PARAMETER_MISSING', originAt(origin, 'Api.RequestParameters'))
    rules.push(ruleOf(id, 'parameters', missing, target))
  }
  const declared = parts.declared
  const { strict_conditions: isStrict, ignore_header_case: ignoresHeaderCase } = parts.settings.tencent
  for (const { name, condition, origin: place, backend } of parts.policies) {
    const translated = translateCondition(condition, {
      basePath: base,
      declared,
      ignoresHeaderCase,
      isStrict,
    })
    if ('error' in translated) {
      const message = `policy ${name} never holds: ${translated.error}`
      if (parts.isFirst) parts.warnings.push({ path: place.path, message })
      continue
    }
    for (const { part, predicate, target } of backend.branches(base)) {
      const named = part === null ? `policy.${name}` : `policy.${name}.${part}`
      // first what the request names: of a condition that draws there is one draw, for the branch that fits
      const both: Predicate =
        predicate === null ? translated.predicate : { kind: 'all', of: [predicate, translated.predicate] }
      rules.push({ ...ruleOf(id, named, both, target), origin: place })
    }
  }
  const branches = parts.backend.branches(base)
  for (const [n, { part, predicate, target }] of branches.entries()) {
    const isLast = n === branches.length - 1
    rules.push(ruleOf(id, part === null ? 'default' : `default.${part}`, isLast ? null : predicate, target))
  }
  return rules
}

function ruleOf(id: string, part: string, predicate: Predicate | null, target: Target): Rule {
  const { origin } = target
  const split = { id: modelId('released_apis', id, part), origin, targets: [target], policy: null }
  return { origin, predicate, split }
}

function routeOf(released: ReleasedApi, way: Way, n: number, rules: readonly Rule[]): Route {
  const { api, method } = released
  const seconds = numberField(api, 'ServiceTimeout') ?? FUNCTION_TIMEOUT
  const isWebSocket = textField(api, 'Protocol') === 'WEBSOCKET'
  return {
    ...routeBase(released, way, n === 0 ? null : String(n)),
    entries: entriesOf(released, way, method === null ? 'any' : 'one'),
    methods: method === null ? null : [method],
    requestFilters: [addedHeaders(released.origin), addedTraceId(released.origin)],
    rules,
    upgrades: isWebSocket ? ['websocket'] : [],
    timeouts: timeoutsOf(seconds),
  }
}

/** Takes what the API does not, behind all APIs of the same path. */
function refusalOf(released: ReleasedApi, way: Way, n: number): Route {
  const origin = originAt(released.origin, 'Api.RequestConfig.Method')
  const target = refusalTarget(405, 'METHOD_NOT_TAKEN', origin)
  return {
    ...routeBase(released, way, n === 0 ? '405' : `${n}.405`),
    entries: entriesOf(released, way, 'refusal'),
    methods: null,
    requestFilters: [],
    rules: [ruleOf(released.id, '405', null, target)],
    upgrades: [],
    timeouts: null,
  }
}

function routeBase(
  { id, api, origin, front, serviceId, apiId, service }: ReleasedApi,
  { base }: Way,
  part: string | null,
) {
  const name = textField(api, 'ApiName')
  const { pattern } = matchersOf(front, base)
  return {
    kind: 'route',
    id: modelId('released_apis', id, part),
    name: name ?? apiId,
    origin,
    section: TENCENT,
    clients: null,
    predicate:
      pattern === null
        ? null
        : ({ kind: 'test', variable: 'uri', operator: 'matches', value: pattern } as const),
    responseFilters: [],
    // conditions are about what the caller sent
    rulesSee: 'original',
    labels: { routeId: apiId, routeName: name, serviceId, serviceName: textField(service, 'ServiceName') },
  } as const
}

function entriesOf(
  { front, order }: ReleasedApi,
  { host, base }: Way,
  takes: 'one' | 'any' | 'refusal',
): readonly RouteEntry[] {
  const key = rankRoute({ base, path: front, takes, order })
  return matchersOf(front, base).paths.map((path) => ({ host: { kind: 'exact', text: host }, path, key }))
}

/** Fields that HTTP backends get beside X-Forwarded-For and X-Real-IP (spec/tencent.md 4.3). */
function addedHeaders(origin: Origin): RequestRewrite {
  const variable = (name: string) => [{ variable: name, fallback: '' }]
  return {
    kind: 'rewriteRequest',
    origin,
    when: null,
    path: null,
    method: null,
    host: null,
    headers: {
      add: [],
      set: [
        { name: 'X-Client-Proto', value: variable('scheme') },
        { name: 'X-Client-Proto-Ver', value: variable('server_protocol') },
        { name: 'X-Api-RequestId', value: variable('request_id') },
        { name: 'X-Api-Scheme', value: variable('scheme') },
      ],
      remove: [],
    },
  }
}

const TRACE_ID = 'x-b3-traceid'

/** The last of them: one that the client sends goes on, so that its trace does. */
function addedTraceId(origin: Origin): RequestRewrite {
  return {
    kind: 'rewriteRequest',
    origin,
    when: { kind: 'test', variable: `field:${TRACE_ID}`, operator: 'equal', value: null },
    path: null,
    method: null,
    host: null,
    headers: {
      add: [],
      set: [{ name: TRACE_ID, value: [{ variable: 'random_id()', fallback: '' }] }],
      remove: [],
    },
  }
}

function refusalTarget(status: number, errorCode: ErrorCode, origin: Origin): RespondTarget {
  return {
    kind: 'respond',
    weight: 1,
    variant: String(status),
    origin,
    requestFilters: [],
    responseFilters: [],
    status,
    headers: [],
    body: '',
    page: true,
    errorCode,
  }
}
