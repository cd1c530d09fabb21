import type { DocumentStore } from '../../model/document.ts'
import type { ExplainRequest, WorkerExplanation } from '../../model/explanation.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject } from '../../model/json.ts'
import { formatWarnings } from '../../model/warning-lines.ts'
import type { DialectRest, DialectSettings, RestRequest, RestResponse, RestView } from '../dialect.ts'
import { Call, readBody } from './rest/call.ts'
import { answerFailure, CallError, refusalError, storeError } from './rest/call-error.ts'
import { describeRest } from './rest/openapi.ts'
import {
  addEndpoint,
  createProxy,
  deleteProxy,
  deploy,
  listProxies,
  showProxy,
  undeploy,
} from './rest/proxies.ts'
import { conflictsReport, routeHealth, traceRoute } from './rest/reports.ts'
import { patchSettings } from './rest/settings.ts'
import { targetStates } from './rest/targets.ts'

/**
 * The management calls (spec/apinizer.md 10), without the HTTP server: keys, addresses and the body limit are the server's business, and `refuse` words what it
 * refuses. A slash at the end of a path says nothing.
 */
export interface RestOptions {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  /** How endpoints stand, and what the table in force makes of a request. */
  readonly view?: RestView | undefined
}

const PREFIX = '/apiops'
const TARGETS = '/admin/upstreams'
/** Bytes of a body: a thousand addresses need far less. */
const MAX_BODY_BYTES = 1_572_864

interface Operation {
  readonly method: string
  /** Its groups are the parts that have names. */
  readonly path: RegExp
  readonly isWrite: boolean
  run(call: Call, parts: readonly string[]): Promise<JsonObject>
}

const NAMED = '([^/]+)'
const PROXIES = `${PREFIX}/projects/${NAMED}/apiProxies`

function operation<T extends readonly string[]>(
  method: string,
  path: string,
  run: (call: Call, parts: T) => Promise<JsonObject>,
  isWrite = method !== 'GET',
): Operation {
  return {
    method,
    path: new RegExp(`^${path}$`),
    isWrite,
    run: (call, parts) => run(call, parts as unknown as T),
  }
}

const OPERATIONS: readonly Operation[] = [
  operation('POST', `${PROXIES}/url`, createProxy),
  operation('GET', PROXIES, listProxies),
  operation('GET', `${PROXIES}/${NAMED}`, showProxy),
  operation('DELETE', `${PROXIES}/${NAMED}`, deleteProxy),
  operation('POST', `${PROXIES}/${NAMED}/endpoints`, addEndpoint),
  operation('PATCH', `${PROXIES}/${NAMED}/settings/${NAMED}`, patchSettings),
  operation('POST', `${PROXIES}/${NAMED}/environments/${NAMED}`, deploy),
  operation('DELETE', `${PROXIES}/${NAMED}/environments/${NAMED}`, undeploy),
  operation('GET', `${PROXIES}/${NAMED}/environments/${NAMED}/route-health`, routeHealth),
  operation('GET', `${PREFIX}/projects/${NAMED}/client-route-conflicts`, conflictsReport),
  operation('POST', `${PREFIX}/projects/${NAMED}/route-trace`, traceRoute, false),
  operation('GET', `${TARGETS}/(.+)/targets`, targetStates),
]

export function createRest(options: RestOptions): DialectRest {
  return {
    prefix: PREFIX,
    morePrefixes: [TARGETS],
    acceptsBearer: true,
    maxBodyBytes: MAX_BODY_BYTES,
    isOpen: (method) => method === 'OPTIONS',
    isWrite: (method, path) => findOperation(method, trim(path))?.isWrite ?? method !== 'GET',
    // a path that hides a slash (%2F) is another one once it is decoded
    isQuestion: ({ method, path }) =>
      !path.includes('%') && findOperation(method, trim(path))?.isWrite === false,
    async handle(request) {
      if (request.method === 'OPTIONS') return { status: 200, headers: {}, body: '' }
      try {
        return await answerRequest(request, options)
      } catch (error) {
        const told = error instanceof GatewayError ? (storeError(error) ?? error) : error
        if (told instanceof CallError) return answerFailure(told)
        throw told
      }
    },
    refuse(refusal) {
      const headers =
        refusal.kind === 'tooManyWrongKeys' ? { 'Retry-After': String(refusal.retryAfterSeconds) } : {}
      return answerFailure(refusalError(refusal), headers)
    },
    describe: describeRest,
  }
}

function trim(path: string): string {
  return path.replace(/\/+$/, '')
}

function findOperation(method: string, path: string): Operation | undefined {
  const asked = method === 'HEAD' ? 'GET' : method
  return OPERATIONS.find((one) => one.method === asked && one.path.test(path))
}

async function answerRequest(
  request: RestRequest,
  { store, settings, view }: RestOptions,
): Promise<RestResponse> {
  const path = trim(request.path)
  const found = findOperation(request.method, path)
  if (found === undefined) throw missing(request.method, path)
  const parts = found.path.exec(path)?.slice(1) ?? []
  const call = new Call(readBody(request.body, settings.limits.maxJsonDepth), {
    store,
    settings,
    author: request.author,
    message: request.headers['x-headgate-message'] ?? null,
    endpoints: (id) => view?.endpoints(id),
    explain: (question) => explain(view, question),
  })
  const run = () => found.run(call, parts)
  const fields = await (found.isWrite ? store.exclusive(run) : run())
  const warnings = formatWarnings(call.warnings)
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      ...(warnings.length === 0 ? {} : { 'X-Headgate-Warning': warnings }),
    },
    body: `${JSON.stringify(fields)}\n`,
    audit: { object: parts.join(' '), isDone: true },
  }
}

async function explain(
  view: RestView | undefined,
  question: ExplainRequest,
): Promise<readonly WorkerExplanation[]> {
  if (view?.explainEach === undefined) throw new CallError(503, 'no worker serves, so nobody can tell')
  try {
    return await view.explainEach(question)
  } catch (error) {
    const reason = (error as { readonly reason?: unknown }).reason
    // ExplainError of the gateway, which dialects do not know
    if (!(error instanceof Error) || typeof reason !== 'string') throw error
    throw new CallError(reason === 'noAnswer' ? 503 : 400, error.message)
  }
}

function missing(method: string, path: string): CallError {
  const others = OPERATIONS.filter((one) => one.path.test(path)).map((one) => one.method)
  return others.length > 0
    ? new CallError(405, `${path} takes ${others.join(', ')}, not ${method}`)
    : new CallError(404, `there is no call ${path}`)
}
