import { hostname } from 'node:os'
import type { DocumentStore } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject } from '../../model/json.ts'
import { formatWarnings } from '../../model/warning-lines.ts'
import type { DialectRest, DialectSettings, RestRequest, RestResponse, RestView } from '../dialect.ts'
import { defaultMesh } from './companions.ts'
import { DEFAULT_MESH, KINDS, type Kind, KUMA } from './kinds.ts'
import { prepareValue } from './own-form.ts'
import { Call } from './rest/call.ts'
import { answerError, CallError, refusalError, storeError } from './rest/call-error.ts'
import { indexPage, policiesPage } from './rest/index-page.ts'
import {
  listMeshInsights,
  listServiceInsights,
  showMeshInsight,
  showServiceInsight,
} from './rest/insights.ts'
import { dataplanePolicies, matchedDataplanes, routeDataplanes } from './rest/inspect.ts'
import { describeRest } from './rest/openapi.ts'
import { listOverviews, showOverview } from './rest/overview.ts'
import { deleteResource, listResources, putResource, showOne } from './rest/resources.ts'

/**
 * The control plane's API (spec/kuma.md 9), without the HTTP server: keys, addresses and the body limit are the server's business, and `refuse` words what it
 * refuses. A slash at the end of a path says nothing.
 */
export interface RestOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  /** How proxies of other processes stand. */
  readonly view?: RestView | undefined
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Name of this machine. */
  readonly hostname?: string
}

/** Bytes of a body: a route of a hundred legs needs a tenth. */
const MAX_BODY_BYTES = 1_572_864

interface Answer {
  readonly status: number
  /** null: none. */
  readonly body: JsonObject | null
}

interface Operation {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Its groups are the parts that have names. */
  readonly path: RegExp
  run(call: Call, parts: readonly string[]): Promise<Answer>
}

const NAMED = '([^/]+)'

function get(path: string, run: (call: Call, ...parts: string[]) => Promise<JsonObject>): Operation {
  return {
    method: 'GET',
    path: new RegExp(`^${path}$`),
    run: async (call, parts) => ({ status: 200, body: await run(call, ...parts) }),
  }
}

function write(
  method: 'PUT' | 'DELETE',
  path: string,
  run: (call: Call, ...parts: string[]) => Promise<number>,
): Operation {
  return {
    method,
    path: new RegExp(`^${path}$`),
    run: async (call, parts) => ({ status: await run(call, ...parts), body: null }),
  }
}

const MESH = `/meshes/${NAMED}`

/** List, show, write and delete of a kind, at `…/{name}` of a mesh. */
function operationsOf(kind: Exclude<Kind, 'meshes'>): readonly Operation[] {
  const path = `${MESH}/${kind}`
  return [
    get(`/${kind}`, (call) => listResources(call, kind, null)),
    get(path, (call, mesh = '') => listResources(call, kind, mesh)),
    get(`${path}/${NAMED}`, (call, mesh = '', name = '') => showOne(call, { kind, mesh, name })),
    write('PUT', `${path}/${NAMED}`, (call, mesh = '', name = '') => putResource(call, { kind, mesh, name })),
    write('DELETE', `${path}/${NAMED}`, async (call, mesh = '', name = '') => {
      await deleteResource(call, { kind, mesh, name })
      return 200
    }),
  ]
}

const OVERVIEWS = 'dataplanes(?:\\+insights|/_overview)'

/** The first one that fits counts: `_overview` is no name of a proxy. */
function makeOperations(page: () => JsonObject, isReadOnly: () => boolean): readonly Operation[] {
  const meshPlace = (mesh: string) => ({ kind: 'meshes' as const, mesh, name: mesh })
  return [
    get('/?', async () => page()),
    get('/policies', async () => policiesPage(isReadOnly())),
    get('/meshes', (call) => listResources(call, 'meshes', null)),
    get(MESH, (call, mesh = '') => showOne(call, meshPlace(mesh))),
    write('PUT', MESH, (call, mesh = '') => putResource(call, meshPlace(mesh))),
    write('DELETE', MESH, async (call, mesh = '') => {
      await deleteResource(call, meshPlace(mesh))
      return 200
    }),
    get(`/${OVERVIEWS}`, (call) => listOverviews(call, null)),
    get(`${MESH}/${OVERVIEWS}`, (call, mesh = '') => listOverviews(call, mesh)),
    get(`${MESH}/dataplanes\\+insights/${NAMED}`, (call, mesh = '', name = '') =>
      showOverview(call, mesh, name),
    ),
    get(`${MESH}/dataplanes/${NAMED}/_overview`, (call, mesh = '', name = '') =>
      showOverview(call, mesh, name),
    ),
    get(`${MESH}/dataplanes/${NAMED}/policies`, (call, mesh = '', name = '') =>
      dataplanePolicies(call, mesh, name),
    ),
    get(`${MESH}/traffic-routes/${NAMED}/dataplanes`, (call, mesh = '', name = '') =>
      routeDataplanes(call, mesh, name),
    ),
    get(`${MESH}/traffic-routes/${NAMED}/_resources/dataplanes`, (call, mesh = '', name = '') =>
      matchedDataplanes(call, mesh, name),
    ),
    get('/mesh-insights', listMeshInsights),
    get(`/mesh-insights/${NAMED}`, (call, mesh = '') => showMeshInsight(call, mesh)),
    get('/service-insights', (call) => listServiceInsights(call, null)),
    get(`${MESH}/service-insights`, (call, mesh = '') => listServiceInsights(call, mesh)),
    get(`${MESH}/service-insights/${NAMED}`, (call, mesh = '', name = '') =>
      showServiceInsight(call, mesh, name),
    ),
    ...KINDS.filter((kind) => kind !== 'meshes').flatMap(operationsOf),
  ]
}

export function createRest(options: RestOptions): DialectRest {
  const { store, settings } = options
  const clock = options.clock ?? Date.now
  const startedAtMs = clock()
  const identity = { hostname: options.hostname ?? hostname(), version: options.view?.version ?? 'unknown' }
  const isReadOnly = (): boolean => (options.view?.readOnly?.() ?? null) !== null
  const operations = makeOperations(() => indexPage(identity), isReadOnly)

  async function answerRequest(request: RestRequest): Promise<RestResponse> {
    const path = trim(request.path)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = operations.find((one) => one.method === method && one.path.test(path))
    if (found === undefined) throw missing(operations, request.method, path)
    const parts = found.path.exec(path)?.slice(1) ?? []
    const call = new Call({ store, settings, view: options.view, nowMs: clock(), startedAtMs, request })
    const run = () => found.run(call, parts)
    const { status, body } = await (method === 'GET' ? run() : store.exclusive(run))
    const warnings = formatWarnings(call.warnings)
    return {
      status,
      headers: {
        ...(body === null ? {} : { 'Content-Type': 'application/json' }),
        ...(warnings.length === 0 ? {} : { 'X-Headgate-Warning': warnings }),
      },
      body: body === null ? '' : `${JSON.stringify(body)}\n`,
      audit: { object: path.slice(1), isDone: true },
    }
  }

  return {
    prefix: '/',
    listen: settings.kuma.listen,
    acceptsBearer: true,
    maxBodyBytes: MAX_BODY_BYTES,
    isOpen: (method) => method === 'OPTIONS',
    async start() {
      await store.exclusive(() => makeDefaultMesh(store, clock()))
    },
    async handle(request) {
      if (request.method === 'OPTIONS') return { status: 204, headers: {}, body: '' }
      try {
        return await answerRequest(request)
      } catch (error) {
        const told = error instanceof GatewayError ? (storeError(error) ?? error) : error
        if (told instanceof MethodError) return answerError(told, { Allow: told.allow })
        if (told instanceof CallError) return answerError(told)
        throw told
      }
    },
    refuse(refusal) {
      const headers =
        refusal.kind === 'tooManyWrongKeys' ? { 'Retry-After': String(refusal.retryAfterSeconds) } : {}
      return answerError(refusalError(refusal), headers)
    },
    describe: describeRest,
  }
}

function trim(path: string): string {
  return path.replace(/(?<=.)\/+$/, '')
}

class MethodError extends CallError {
  readonly allow: string

  constructor(path: string, method: string, allow: string) {
    super(405, 'Method not Allowed', 'Method not allowed', [], `${path} takes ${allow}, not ${method}`)
    this.allow = allow
  }
}

function missing(operations: readonly Operation[], method: string, path: string): CallError {
  const others = operations.filter((one) => one.path.test(path)).map((one) => one.method)
  const known = [...new Set(others)].flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]))
  return known.length > 0
    ? new MethodError(path, method, known.join(', '))
    : new CallError(404, 'Not Found', `there is no call ${path}`)
}

/** The mesh that everybody has, with its route; only where no mesh is there, since who deletes it may not want it back. */
async function makeDefaultMesh(store: DocumentStore, nowMs: number): Promise<void> {
  if ((await store.list(KUMA, 'meshes')).length > 0) return
  await store.write(
    [
      {
        op: 'put',
        key: { dialect: KUMA, kind: 'meshes', id: DEFAULT_MESH },
        value: prepareValue('meshes', DEFAULT_MESH, defaultMesh(), undefined, nowMs),
        expiresAtMs: null,
        expectedRevision: 0,
      },
    ],
    { author: 'system', message: 'the default mesh' },
  )
}
