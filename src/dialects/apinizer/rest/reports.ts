import type { ExplainRequest, Explanation, WorkerExplanation } from '../../../model/explanation.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { objectField, textField } from '../../../model/json-fields.ts'
import { portOf } from '../../../model/listener.ts'
import type { DialectSettings } from '../../dialect.ts'
import { type ClientRoute, readClientRoute } from '../client-route.ts'
import { eliminatedBy, findConflicts, namedRoute } from '../conflicts.ts'
import { environmentOf } from '../environment.ts'
import { APINIZER, deploymentId } from '../kinds.ts'
import type { Call } from './call.ts'
import { CallError } from './call-error.ts'

/** What is asked about client routes and changes nothing: conflicts, traces, whether a route is there (spec/apinizer.md 2.6, 9). */

export async function conflictsReport(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const proxies = await call.list('proxies')
  // routes of other projects take requests too
  const found = findConflicts(proxies.map(({ key, value }) => namedRoute(key.id, value)))
  const resultList = found
    .filter(({ id }) => id.startsWith(`${project}.`))
    .map(({ id, label, others }) => ({ apiProxy: id, conflict: label, with: [...others] }))
  return { status: 'SUCCESS', resultList, resultCount: resultList.length }
}

// ================= trace =================

/** Which proxy would take a request, by the table of each worker, and why each other one does not. Nothing is sent to a backend. */
export async function traceRoute(call: Call, [project]: readonly [string]): Promise<JsonObject> {
  const question = readQuestion(call)
  const workers = await call.options.explain(question)
  const told = workers.find(({ explanation }) => explanation !== null)?.explanation ?? null
  if (told === null) throw new CallError(503, `no worker answered: ${workers[0]?.error ?? 'none serves'}`)
  const { settings } = call.options
  const asked = pathBelowRoot(told.request.path ?? question.target, settings.apinizer.root_context)
  const winner = winnerOf(told)
  const winners = workers.flatMap(({ explanation }) => (explanation === null ? [] : [winnerOf(explanation)]))
  return {
    status: 'SUCCESS',
    // values of headers stay with who sent them
    request: {
      method: question.method,
      path: question.target,
      host: told.request.host,
      headerNames: question.headers.map(([name]) => name),
    },
    listener: told.listener.address,
    pathAfterRootContext: asked,
    revision: told.revision,
    route: winner,
    outcome: told.outcome as unknown as JsonValue,
    inconsistent: winners.some((one) => one !== winner),
    workers: workers.map(({ worker, explanation, error }) =>
      explanation === null
        ? { worker, route: null, error }
        : { worker, route: winnerOf(explanation), revision: explanation.revision },
    ),
    losing: await listLosing(call, project, { winner, told, asked, question }),
  }
}

const TRACE_FIELDS = ['path', 'method', 'host', 'headers', 'port', 'clientIp'] as const

function readQuestion(call: Call): ExplainRequest {
  call.refuseOthers(...TRACE_FIELDS)
  const { body } = call
  for (const name of ['path', 'method', 'host', 'clientIp'] as const)
    if (body[name] !== undefined && body[name] !== null && typeof body[name] !== 'string')
      throw new CallError(400, `${name} must be a text`)
  const path = textField(body, 'path')
  if (path === null || !/^\/[!-~]*$/.test(path))
    throw new CallError(400, 'path is required: it begins with /, and is encoded as it is sent')
  const method = (textField(body, 'method') ?? 'GET').toUpperCase()
  if (!/^[A-Z]{1,20}$/.test(method)) throw new CallError(400, `${method} is no method`)
  const { port = null } = body
  if (port !== null && !(typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new CallError(400, 'port must be an integer from 1 to 65535: that of a listener')
  return {
    method,
    target: path,
    host: textField(body, 'host'),
    headers: readHeaders(body.headers ?? null),
    clientAddress: textField(body, 'clientIp') ?? '127.0.0.1',
    listener: port === null ? null : String(port),
    body: null,
  }
}

/** An object of names and values, or a list as that of a client route. */
function readHeaders(given: JsonValue): readonly (readonly [string, string])[] {
  if (given === null) return []
  const entries = Array.isArray(given)
    ? (given as readonly JsonValue[]).map((entry): [string, JsonValue] =>
        isJsonObject(entry) ? [textField(entry, 'name') ?? '', entry.value ?? null] : ['', null],
      )
    : isJsonObject(given)
      ? Object.entries(given)
      : [['', null] as [string, JsonValue]]
  return entries.map(([name, value]) => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || typeof value !== 'string' || /[\r\n\0]/.test(value))
      throw new CallError(400, 'headers must be an object of names and texts, or a list of {name, value}')
    return [name, value]
  })
}

/** null: the path does not begin with the root context, and no route takes it. */
function pathBelowRoot(path: string, root: string): string | null {
  if (root === '') return path
  return path === root || path.startsWith(`${root}/`) ? path.slice(root.length) || '/' : null
}

/** The deployment that takes a request; null: none, or a route of another dialect does. */
function winnerOf({ route }: Explanation): string | null {
  return route !== null && route.origin.dialect === APINIZER ? route.origin.id : null
}

async function listLosing(
  call: Call,
  project: string,
  {
    winner,
    told,
    asked,
    question,
  }: {
    readonly winner: string | null
    readonly told: Explanation
    readonly asked: string | null
    readonly question: ExplainRequest
  },
): Promise<JsonValue> {
  const { settings } = call.options
  const port = portOf(told.listener.address)
  const request = {
    method: question.method,
    path: asked ?? '',
    host: told.request.host,
    headers: new Map(question.headers.map(([name, value]) => [name.toLowerCase(), value])),
    scheme: schemeOf(port, settings),
    port,
  }
  const deployed = await call.list('deployments')
  return deployed
    .filter(({ key }) => key.id.startsWith(`${project}.`) && key.id !== winner)
    .map(({ key, value }) => {
      const ports = portsOf(value, settings)
      const isElsewhere = ports.length > 0 && !ports.includes(port)
      const by = isElsewhere ? 'port' : asked === null ? 'path' : eliminatedBy(clientRouteOf(value), request)
      return { deployment: key.id, eliminatedBy: by ?? 'priority' }
    })
}

/** Which of the listeners has a port; one of port 0 took whatever was free. */
function schemeOf(port: number, { listen, listenTls }: DialectSettings): 'http' | 'https' {
  const has = (addresses: readonly string[], wanted: number): boolean =>
    addresses.some((address) => portOf(address) === wanted)
  if (has(listen, port)) return 'http'
  return has(listenTls, port) || (has(listenTls, 0) && !has(listen, 0)) ? 'https' : 'http'
}

function clientRouteOf(deployment: JsonObject): ClientRoute {
  return readClientRoute(objectField(objectField(deployment, 'Proxy') ?? {}, 'clientRoute') ?? {})
}

function portsOf(deployment: JsonObject, { apinizer }: DialectSettings): readonly number[] {
  return environmentOf(apinizer, textField(deployment, 'environmentName') ?? '')?.ports ?? []
}

// ================= route health =================

/**
 * Whether a proxy is served in an environment: each worker is asked what it makes of a request that was made up for the client route. It is active where every
 * worker that answers gives it to this deployment.
 */
export async function routeHealth(
  call: Call,
  [project, name, environment]: readonly [string, string, string],
): Promise<JsonObject> {
  const { value } = await call.proxy(project, name)
  call.checkEnvironment(environment)
  const { settings } = call.options
  const id = deploymentId(project, name, environment)
  const deployed = await call.find('deployments', id)
  const route =
    deployed === undefined
      ? readClientRoute(objectField(value, 'clientRoute') ?? {})
      : clientRouteOf(deployed.value)
  const ports = deployed === undefined ? [] : portsOf(deployed.value, settings)
  const servedPath = `${settings.apinizer.root_context}${route.paths?.[0] ?? '/'}`
  const methods = [...(route.methods ?? ['ALL'])]
  const told = await askWorkers(call, exampleOf(route, servedPath, ports, settings))
  const workers = told.workers.map((one) => ({
    worker: one.worker,
    ...judge(one, id),
    servedPath,
    methods,
  }))
  const answering = told.workers.flatMap(({ explanation }, i) =>
    explanation === null ? [] : [workers[i]?.routeActive === true],
  )
  const routeActive = answering.length > 0 && answering.every((isActive) => isActive)
  const deployedInManager = deployed !== undefined
  return {
    status: 'SUCCESS',
    routeActive,
    ...(told.reason === null ? {} : { reason: told.reason }),
    servedPath,
    methods,
    deployedInManager,
    inconsistent: routeActive !== deployedInManager || answering.some((isActive) => isActive !== routeActive),
    workers,
  }
}

/** A listener that the route asks for and that is not there is no fault of the call. */
async function askWorkers(
  call: Call,
  question: ExplainRequest,
): Promise<{ readonly workers: readonly WorkerExplanation[]; readonly reason: string | null }> {
  try {
    return { workers: await call.options.explain(question), reason: null }
  } catch (error) {
    if (!(error instanceof CallError) || error.status !== 400) throw error
    return { workers: [], reason: error.message }
  }
}

function judge(
  { explanation, error }: WorkerExplanation,
  id: string,
): { readonly routeActive: boolean; readonly reason?: string | null } {
  if (explanation === null) return { routeActive: false, reason: error }
  const winner = winnerOf(explanation)
  if (winner === id) return { routeActive: true }
  const taken = explanation.route
  return {
    routeActive: false,
    reason: taken === null ? 'no route takes its requests' : `${winner ?? taken.id} takes its requests`,
  }
}

/** A request that the route takes, if nothing stands before it. */
function exampleOf(
  { hosts, headers, methods, protocol, port }: ClientRoute,
  servedPath: string,
  ports: readonly number[],
  settings: DialectSettings,
): ExplainRequest {
  const isTls = protocol === 'https' || protocol === 'wss'
  const own =
    port ?? ports[0] ?? (isTls ? settings.listenTls.map(portOf).find((one) => one !== 0) : undefined)
  const host = hosts[0]?.replace(/:\d+$/, '').replace('*', 'example') ?? null
  const extra: (readonly [string, string])[] =
    protocol === 'ws' || protocol === 'wss'
      ? [
          ['upgrade', 'websocket'],
          ['connection', 'upgrade'],
        ]
      : protocol === 'grpc'
        ? [['content-type', 'application/grpc']]
        : []
  return {
    method: methods?.[0] ?? (protocol === 'grpc' ? 'POST' : 'GET'),
    target: encodeURI(servedPath.replace(/\{[^{}/]*\}/g, 'example')).replace(/%25/g, '%'),
    host,
    headers: [...headers.map(({ name, value }) => [name, value] as const), ...extra],
    clientAddress: '127.0.0.1',
    listener: own === undefined ? null : String(own),
    body: null,
  }
}
