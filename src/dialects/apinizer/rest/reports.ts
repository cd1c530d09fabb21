import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { Explanation } from '../../../model/explanation.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { listField, numberField, objectField, objectsField, textField } from '../../../model/json-fields.ts'
import { readClientRoute } from '../client-route.ts'
import { eliminatedBy, findConflicts, namedRoute } from '../conflicts.ts'
import { deploymentId, modelId } from '../kinds.ts'
import { addressType } from '../routing-facts.ts'
import type { Call } from './call.ts'
import { CallError } from './call-error.ts'

/** What is asked and changes nothing: conflicts, traces, whether a route is there, how targets stand (spec/apinizer.md 2.6, 9). */

export async function conflictsReport(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const proxies = await call.list('proxies')
  // routes of other projects take requests too
  const found = findConflicts(proxies.map(({ key, value }) => namedRoute(key.id, value)))
  const resultList = found
    .filter(({ id }) => id.startsWith(`${project}.`))
    .map(({ id, label, others }) => ({ apiProxy: id, conflict: label, with: [...others] }))
  return { status: 'SUCCESS', resultList, resultCount: resultList.length }
}

/** Which proxy would take a request, by the table that serves, and why each other one does not. Nothing is sent to a backend. */
export async function traceRoute(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const { body, options } = call
  const { explain, settings } = options
  if (explain === undefined) throw new CallError(503, 'no worker serves, so nobody can tell')
  const path = textField(body, 'path')
  if (path === null || !path.startsWith('/')) throw new CallError(400, 'path is required, and begins with /')
  const method = (textField(body, 'method') ?? 'GET').toUpperCase()
  const host = textField(body, 'host')
  const headers = readHeaders(body)
  const told = await explain({
    method,
    target: path,
    host,
    headers,
    clientAddress: '127.0.0.1',
    listener: null,
    body: null,
  })
  const root = settings.apinizer.root_context
  const seen = told.request.path ?? path
  const isBelowRoot = root === '' || seen === root || seen.startsWith(`${root}/`)
  const asked = isBelowRoot ? seen.slice(root.length) || '/' : seen
  const fields = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]))
  const winner = winnerOf(told)
  const routes = await call.list('deployments')
  const losing = routes
    .filter(({ key }) => key.id.startsWith(`${project}.`) && key.id !== winner)
    .map(({ key, value }) => {
      const route = readClientRoute(objectField(objectField(value, 'Proxy') ?? {}, 'clientRoute') ?? {})
      const by = isBelowRoot
        ? eliminatedBy(route, { method, path: asked, host: told.request.host, headers: fields })
        : 'path'
      return { deployment: key.id, eliminatedBy: by ?? 'priority' }
    })
  return {
    status: 'SUCCESS',
    // header values stay with who sent them
    request: { method, path, host: told.request.host, headerNames: headers.map(([name]) => name) },
    pathAfterRootContext: asked,
    revision: told.revision,
    route: winner,
    outcome: told.outcome as unknown as JsonValue,
    losing,
  }
}

function winnerOf({ route }: Explanation): string | null {
  return route === null || route.section !== 'apinizer' ? null : route.origin.id
}

function readHeaders(body: JsonObject): readonly (readonly [string, string])[] {
  const { headers } = body
  if (headers === undefined || headers === null) return []
  if (!isJsonObject(headers)) throw new CallError(400, 'headers must be an object of names and values')
  return Object.entries(headers).map(([name, value]) => {
    if (typeof value !== 'string') throw new CallError(400, `headers.${name} must be a text`)
    return [name, value]
  })
}

export async function routeHealth(
  call: Call,
  [project, name, environment]: readonly [string, string, string],
): Promise<JsonObject> {
  await call.proxy(project, name)
  call.checkEnvironment(environment)
  const { explain, settings } = call.options
  const deployment = await call.find('deployments', deploymentId(project, name, environment))
  const proxy = deployment === undefined ? {} : (objectField(deployment.value, 'Proxy') ?? {})
  const route = readClientRoute(objectField(proxy, 'clientRoute') ?? {})
  const servedPath = `${settings.apinizer.root_context}${route.paths?.[0] ?? '/'}`
  const known = call.options.endpoints(modelId(deploymentId(project, name, environment), 'primary'))
  // its upstream is in force with the routes; one without addresses has none, and its document then says it
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const hasUpstream = routing.routingEnabled !== false && listField(routing, 'routingAddressList').length > 0
  const routeActive =
    deployment !== undefined && (explain === undefined || !hasUpstream || known !== undefined)
  return {
    status: 'SUCCESS',
    routeActive,
    servedPath,
    methods: [...(route.methods ?? ['ALL'])],
    deployedInManager: deployment !== undefined,
    inconsistent: routeActive !== (deployment !== undefined),
  }
}

/** How the targets of a proxy stand; `id`: of a deployment, of a proxy, or of the upstream in the model. */
export async function targetStates(call: Call, [id]: readonly [string]): Promise<JsonObject> {
  const deployed = (await call.list('deployments')).filter(
    ({ key }) => key.id === id || key.id.startsWith(`${id}.`) || id.startsWith(modelId(key.id)),
  )
  if (deployed.length === 0) throw new CallError(404, `nothing that is deployed is called ${id}`)
  const targets = deployed.flatMap(({ key, value }) => {
    const proxy = objectField(value, 'Proxy') ?? {}
    const addresses = objectsField(objectField(proxy, 'routingInfo') ?? {}, 'routingAddressList')
    const views = ['primary', 'canary'].flatMap((part) =>
      (call.options.endpoints(modelId(key.id, part)) ?? []).map((view) => ({ part, view })),
    )
    return addresses.map(({ entry }) => {
      const address = textField(entry, 'address') ?? ''
      const type = addressType(entry)
      const found = views.find(
        ({ part, view }) => (part === 'canary') === (type === 'CANARY') && view.label === address,
      )
      return {
        deployment: key.id,
        address,
        type,
        weight: numberField(entry, 'weight') ?? 1,
        enabled: entry.enabled !== false,
        ...stateOf(found?.view ?? null, type),
      }
    })
  })
  return { status: 'SUCCESS', resultList: targets, resultCount: targets.length }
}

function stateOf(view: EndpointView | null, type: string): JsonObject {
  if (view === null) return { circuit: null }
  const { lastProbe, openedBy, returnsAtMs, state, sinceMs, inFlight, requests, failures } = view
  const isOpen = state === 'ejected' || state === 'unhealthy'
  return {
    circuit: isOpen ? 'OPEN' : state === 'trial' ? 'HALF_OPEN' : 'CLOSED',
    openedBy: openedBy === 'health' ? 'HEALTH_CHECK' : openedBy === 'breaker' ? 'CIRCUIT_BREAKER' : null,
    reason: view.reason,
    since: new Date(sinceMs).toISOString(),
    consecutivePasses: view.consecutivePasses,
    consecutiveFailures: view.consecutiveFailures,
    lastCheckTime: lastProbe === null ? null : new Date(lastProbe.atMs).toISOString(),
    lastCheckResult: lastProbe === null ? null : lastProbe.result,
    requestsInFlight: inFlight,
    requestsTotal: requests,
    errorsTotal: failures,
    windowErrors: view.windowErrors,
    windowRequests: view.windowTotal,
    ...(type === 'CANARY'
      ? { cooldownUntil: returnsAtMs === null ? null : new Date(returnsAtMs).toISOString() }
      : { returnsAt: returnsAtMs === null ? null : new Date(returnsAtMs).toISOString() }),
  }
}
