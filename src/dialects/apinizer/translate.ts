import type { StoredDocument } from '../../model/document.ts'
import type { QueryForm, RequestFilter, RequestRewrite } from '../../model/filter.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { objectField, objectsField, textField } from '../../model/json-fields.ts'
import { portOf } from '../../model/listener.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import type { HostPattern, PathPattern, Route, RouteEntry } from '../../model/route.ts'
import type { Rule } from '../../model/rule.ts'
import type { TemplatePart } from '../../model/template.ts'
import type { DialectSettings, Lookup, Translation } from '../dialect.ts'
import {
  belowPath,
  type ClientRoute,
  exactPath,
  hostsOf,
  parametersOf,
  predicateOf,
  rankEntry,
  readClientRoute,
  templateOf,
} from './client-route.ts'
import type { ConditionFacts } from './condition-values.ts'
import { environmentOf } from './environment.ts'
import { errorBody, JSON_TYPE } from './error-bodies.ts'
import { APINIZER, DEFAULT_PROJECT, modelId, originOf, proxyId } from './kinds.ts'
import { errorPlace, missesBody } from './routing-facts.ts'
import { type PreparedRouting, prepareRouting, refusal } from './translate-routing.ts'

/** Only what is deployed serves; proxies and stores are what it is made of. */
export function translateDocument(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  return document.key.kind === 'deployments'
    ? translateDeployment(document, lookup, settings)
    : { objects: [], warnings: [] }
}

interface Deployment {
  readonly id: string
  readonly proxy: JsonObject
  readonly route: ClientRoute
  readonly name: string
  readonly origin: Origin
  readonly routing: PreparedRouting
  readonly createdRevision: number
  readonly rootContext: string
  readonly ports: readonly number[]
  readonly query: QueryForm
}

/**
 * A route for each relative path, since what is cut off depends on it; with endpoints one for each of them, and one behind all that answers 404 for the rest of
 * what the client route takes.
 */
function translateDeployment(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  const { apinizer } = settings
  const { id } = document.key
  const warnings: Translation['warnings'][number][] = []
  const proxy = objectField(document.value, 'Proxy') ?? {}
  const environmentName = textField(document.value, 'environmentName') ?? ''
  const environment = environmentOf(apinizer, environmentName)
  if (environment === undefined) {
    warnings.push({
      path: 'environmentName',
      message: `there is no environment ${environmentName} (apinizer.environments): nothing is served`,
    })
    return { objects: [], warnings }
  }
  const name = textField(proxy, 'apiProxyName') ?? id
  const origin = originOf('deployments', id)
  const facts: ConditionFacts = {
    variables: environment.variables ?? {},
    environment: environmentName,
    proxy: name,
    rootContext: apinizer.root_context,
  }
  const routing = prepareRouting({
    id,
    origin,
    generation: document.modifiedRevision,
    proxy,
    facts,
    lookup,
    warn: (path, message) => void warnings.push({ path, message }),
  })
  for (const [path, message] of withoutEffect(proxy, facts)) warnings.push({ path: `Proxy.${path}`, message })
  const project = textField(document.value, 'projectName') ?? DEFAULT_PROJECT
  const deployment: Deployment = {
    id,
    proxy,
    route: readClientRoute(objectField(proxy, 'clientRoute') ?? {}),
    name,
    origin,
    routing,
    // made when the proxy was, so that deploying it again changes no order
    createdRevision: lookup('proxies', proxyId(project, name))?.createdRevision ?? document.createdRevision,
    rootContext: apinizer.root_context,
    ports: environment.ports ?? [],
    query: queryFormOf(proxy),
  }
  const { port } = deployment.route
  if (port !== null && !hasListener(port, settings))
    warnings.push({
      path: 'Proxy.clientRoute.port',
      message: `no listener has port ${port} (listen, listenTls): the proxy takes no request`,
    })
  const paths = deployment.route.paths ?? [null]
  const isListed = textField(proxy, 'apiProxyCreationType') === 'EMPTY_API'
  const routes = paths.flatMap((path, n) => {
    const part = n === 0 ? '' : `${n}.`
    return isListed ? endpointRoutes(deployment, path, part) : [wholeRoute(deployment, path, part)]
  })
  return { objects: [...routes, ...routing.objects], warnings }
}

/** A listener of port 0 gets one when it starts, which may be this one. */
function hasListener(port: number, { listen, listenTls }: DialectSettings): boolean {
  return [...listen, ...listenTls].some((address) => {
    const own = portOf(address)
    return own === port || own === 0
  })
}

/** What says nothing here, though the system knows it. */
function* withoutEffect(
  proxy: JsonObject,
  facts: ConditionFacts,
): Generator<readonly [path: string, message: string]> {
  const route = objectField(proxy, 'clientRoute') ?? {}
  for (const name of ['bufferRequest', 'bufferResponse'])
    if (route[name] === false) yield [`clientRoute.${name}`, 'bodies are passed on as they come in any case']
  const connection = objectField(proxy, 'connection') ?? {}
  if (connection.disableContentCompression === false)
    yield [
      'connection.disableContentCompression',
      'it has no effect: Accept-Encoding goes on as the client sends it, and answers come back as the target has coded them',
    ]
  if (missesBody(proxy, facts))
    yield [
      `${errorPlace(proxy, 'errorCondition')}.errorCondition`,
      'with enableStreaming bodies are not looked at: what the condition takes of them is absent',
    ]
  if (connection.validateAfterInactivity !== undefined)
    yield [
      'connection.validateAfterInactivity',
      'it has no effect: a kept connection that was closed is found when it is used, and replaced',
    ]
}

const QUERY_FORMS = { STANDARD: 'form', RFC3986: 'rfc3986', PASSTHROUGH: 'spaces' } as const

function queryFormOf(proxy: JsonObject): QueryForm {
  const mode = textField(objectField(proxy, 'connection') ?? {}, 'queryEncodingMode') ?? 'STANDARD'
  return QUERY_FORMS[mode as keyof typeof QUERY_FORMS] ?? 'form'
}

/** Everything below a relative path, which is cut off. */
function wholeRoute(deployment: Deployment, path: string | null, part: string): Route {
  const { routing, rootContext } = deployment
  const full = `${rootContext}${path ?? ''}`
  const names = routing.namesRest
  const isNamed = !routing.keepsPath && (names || parametersOf(full).length > 0)
  const cut = routing.keepsPath ? rootContext : full
  const rest: TemplatePart = { variable: 'uri_param_rest', fallback: '' }
  const rewrite = rewriteOf(
    deployment,
    isNamed
      ? { kind: 'template', source: 'path', template: ['/', rest] }
      : { kind: 'prefix', cut: Buffer.byteLength(cut), replacement: [], query: '' },
    null,
  )
  return routeOf(deployment, part, {
    entries: entriesOf(deployment, path, belowPath(full, names), []),
    methods: deployment.route.methods,
    filters: [routing.headers, rewrite, ...routing.mirrors],
    rules: routing.rules(part, null),
  })
}

/** The endpoints of a proxy, those without parameters and the longer ones first, and 404 for what none of them takes. */
function endpointRoutes(deployment: Deployment, path: string | null, part: string): readonly Route[] {
  const { proxy, rootContext, route, routing, origin } = deployment
  const base = `${rootContext}${path ?? ''}`
  const routes = objectsField(proxy, 'endpoints').flatMap(({ at, entry }): Route[] => {
    if (entry.enabled === false) return []
    const name = textField(entry, 'name') ?? '/'
    const method = (textField(entry, 'httpMethod') ?? 'ALL').toUpperCase()
    if (method !== 'ALL' && route.methods !== null && !route.methods.includes(method)) return []
    const own = `${part}endpoint.${at}`
    const place = originAt(origin, `Proxy.endpoints[${at}]`)
    const order = [parametersOf(name).length, 0 - Buffer.byteLength(name), method === 'ALL' ? 1 : 0, at]
    const fault = parameterFault(`${path ?? ''}${name}`, textField(entry, 'backendResourceUrl') ?? '')
    const sample = isJsonObject(entry.sampleResponse) ? entry.sampleResponse : null
    const backend = (textField(entry, 'backendHttpMethod') ?? method).toUpperCase()
    const rewrite = rewriteOf(
      deployment,
      {
        kind: 'template',
        source: 'path',
        template: templateOf(textField(entry, 'backendResourceUrl') ?? ''),
      },
      backend === 'ALL' ? null : backend,
    )
    return [
      routeOf(deployment, own, {
        entries: entriesOf(deployment, path, exactPath(`${base}${name}`), order),
        methods: method === 'ALL' ? route.methods : [method],
        filters: [routing.headers, rewrite, ...routing.mirrors],
        rules:
          fault === null ? routing.rules(`${own}.`, sample) : [parameterRule(deployment, own, place, fault)],
      }),
    ]
  })
  const missing = routeOf(deployment, `${part}missing`, {
    entries: entriesOf(deployment, path, belowPath(base, false), [1_000_000]),
    methods: route.methods,
    filters: [],
    rules: [
      respondRule(
        deployment,
        `${part}missing`,
        refusal(404, 'OPERATION_NOT_FOUND', originAt(origin, 'Proxy.endpoints')),
      ),
    ],
  })
  return [...routes, missing]
}

/** The client's path and the backend's must have the same parameters (spec/apinizer.md 7.1). */
function parameterFault(
  front: string,
  back: string,
): { readonly code: string; readonly message: string } | null {
  const ours = parametersOf(front)
  const theirs = parametersOf(back)
  if (ours.length !== theirs.length)
    return {
      code: 'ERR-136',
      message: `the endpoint has ${ours.length} parameters, its backend path ${theirs.length}`,
    }
  const missing = theirs.find((name) => !ours.includes(name))
  return missing === undefined
    ? null
    : { code: 'ERR-137', message: `the endpoint has no parameter ${missing}` }
}

function parameterRule(
  deployment: Deployment,
  part: string,
  origin: Origin,
  { code, message }: { readonly code: string; readonly message: string },
): Rule {
  return respondRule(deployment, part, {
    ...refusal(500, 'PATH_PARAMETERS', origin),
    page: false,
    headers: [{ name: 'Content-Type', value: JSON_TYPE }],
    body: errorBody(code, message),
  })
}

function respondRule({ id }: Deployment, part: string, target: ReturnType<typeof refusal>): Rule {
  const { origin } = target
  return {
    origin,
    predicate: null,
    split: { id: modelId(id, `rule.${part}`), origin, targets: [target], policy: null },
  }
}

function rewriteOf(
  { origin, query }: Deployment,
  path: NonNullable<RequestRewrite['path']>,
  method: string | null,
): RequestRewrite {
  return {
    kind: 'rewriteRequest',
    origin: originAt(origin, 'Proxy.clientRoute'),
    when: null,
    path,
    ...(query === 'spaces' ? {} : { query }),
    method,
    host: null,
    headers: null,
  }
}

/** The key of an entry is that of the relative path, so that all endpoints of a proxy stand together; `order` tells them apart. */
function entriesOf(
  { route, createdRevision }: Deployment,
  path: string | null,
  patterns: readonly PathPattern[],
  order: readonly number[],
): readonly RouteEntry[] {
  return hostsOf(route).flatMap((host: HostPattern) =>
    patterns.map((pattern) => ({
      host,
      path: pattern,
      key: [...rankEntry(route, path, host, createdRevision), ...order],
    })),
  )
}

function routeOf(
  { id, name, origin, route, ports, routing }: Deployment,
  part: string,
  {
    entries,
    methods,
    filters,
    rules,
  }: {
    readonly entries: readonly RouteEntry[]
    readonly methods: readonly string[] | null
    readonly filters: readonly RequestFilter[]
    readonly rules: readonly Rule[]
  },
): Route {
  return {
    kind: 'route',
    id: modelId(id, part === '' ? null : part.replace(/\.$/, '')),
    name,
    origin,
    section: APINIZER,
    entries,
    methods,
    clients: null,
    predicate: predicateOf(route, ports),
    requestFilters: filters,
    responseFilters: routing.responseFilters,
    // conditions are about what the client sent
    rulesSee: 'original',
    rules,
    upgrades: routing.upgrades,
    timeouts: null,
    labels: { routeId: id, routeName: name, serviceId: null, serviceName: null },
  }
}
