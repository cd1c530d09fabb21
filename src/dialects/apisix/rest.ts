import { toNumber } from '../../expression/number.ts'
import type { DocumentStore } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonValue } from '../../model/json.ts'
import type { DialectRest, DialectSettings, RestRequest, RestResponse } from '../dialect.ts'
import { answerConfigsValidation, answerPlugins, answerSchema, answerSchemaValidation } from './catalog.ts'
import {
  answerError,
  answerJson,
  answerRefusal,
  answerStoreError,
  describeBodyLimit,
  type Fields,
  MAX_BODY_BYTES,
} from './errors.ts'
import { parseJson } from './json-text.ts'
import { describeRest } from './openapi.ts'
import { describeSurface } from './surface.ts'
import { type Call, RESOURCES, type Resource, refuseResource, runVerb } from './verbs.ts'

/**
 * The Admin API (spec/apisix.md 1), without the HTTP server: keys, addresses, Host, CORS origins and the body limit are the server's
 * business, and `refuse` words what it refuses. Checks come in the order of 1.3; request Content-Type is ignored.
 */
export function createRest(
  store: DocumentStore,
  settings: DialectSettings,
  /** Milliseconds since the epoch, for create_time, update_time and ttl. */
  clock: () => number = Date.now,
): DialectRest {
  const server = describeSurface(settings.apisix).serverField
  const common: Fields = server === null ? {} : { Server: server }
  return {
    prefix: PREFIX,
    maxBodyBytes: MAX_BODY_BYTES,
    isOpen: (method, path) => method === 'OPTIONS' || (method === 'HEAD' && splitPath(path).length === 0),
    // Validation and the reload that loads nothing are asked with other verbs and change nothing.
    isWrite: (method, path) =>
      VERBS.has(method) && method !== 'GET' && !CATALOG.has(splitPath(path)[0] ?? ''),
    async handle(request) {
      const answer = await answerRequest(request, { store, settings, clock })
      return withFields(answer, { ...common, ...answer.headers, 'X-API-VERSION': 'v3' })
    },
    refuse(refusal) {
      const answer = answerRefusal(refusal)
      return withFields(answer, { ...common, ...answer.headers })
    },
    describe: describeRest,
  }
}

const PREFIX = '/apisix/admin'

interface Context {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly clock: () => number
}

async function answerRequest(request: RestRequest, context: Context): Promise<RestResponse> {
  if (request.method === 'OPTIONS') return answerOptions(request)
  const [name, ...path] = splitPath(request.path)
  if (name === undefined && request.method === 'HEAD') return { status: 200, headers: {}, body: '' }
  try {
    return await answerResource(request, name, path, context)
  } catch (error) {
    if (error instanceof GatewayError) return answerStoreError(error)
    throw error
  }
}

async function answerResource(
  request: RestRequest,
  name: string | undefined,
  path: readonly string[],
  context: Context,
): Promise<RestResponse> {
  const resource = name === undefined ? undefined : RESOURCES.get(name)
  if (resource === undefined && (name === undefined || !CATALOG.has(name))) {
    return answerError(404, `Unsupported resource type: ${name === undefined ? '' : name}`)
  }
  if (resource !== undefined) {
    const refused = refuseVerb(request.method, resource, context.settings)
    if (refused !== null) return refused
  }
  const body = readBody(request.body, context.settings)
  if ('status' in body) return body
  const ttl = readTtl(request.query.get('ttl'))
  if (typeof ttl === 'object' && ttl !== null) return ttl
  if (resource !== undefined) {
    const [id = null, ...subPath] = path
    const call: Call = { ...context, request, resource, id, subPath, ttlSeconds: ttl, ...body }
    return runVerb(call)
  }
  if (name === 'plugins') return answerPlugins(request, path)
  if (name === 'schema') {
    if (path[0] !== 'validate') return answerSchema(request, path)
    if (request.method === 'POST' && path.length <= 2) return answerSchemaValidation(path[1], body.value)
  } else if (request.method === 'POST' && path.length === 1 && path[0] === 'validate') {
    return answerConfigsValidation(body.value, context.settings)
  }
  return answerError(404, 'not found')
}

const CATALOG: ReadonlySet<string> = new Set(['plugins', 'schema', 'configs'])
const VERBS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'PATCH', 'DELETE'])

/** Verbs that nobody knows are 404, one that this resource lacks is 405; resources that are switched off say so. */
function refuseVerb(method: string, resource: Resource, settings: DialectSettings): RestResponse | null {
  if (!VERBS.has(method)) return answerError(404, 'not found')
  const refusal = refuseResource(resource, settings)
  if (refusal !== null) return answerError(400, refusal)
  return resource.withoutVerbs.includes(method)
    ? answerError(405, `not supported \`${method}\` method for ${resource.word}`)
    : null
}

interface Body {
  /** undefined: none was sent. */
  readonly value: JsonValue | undefined
  /** Paths of keys that stand twice. */
  readonly repeated: readonly string[]
}

function readBody(text: string, settings: DialectSettings): Body | RestResponse {
  if (text === '') return { value: undefined, repeated: [] }
  // Characters are at most as many as bytes, and at least a third.
  const bytes = text.length * 3 <= MAX_BODY_BYTES ? text.length : Buffer.byteLength(text)
  if (bytes > MAX_BODY_BYTES) return answerError(400, describeBodyLimit(bytes, MAX_BODY_BYTES))
  const parsed = parseJson(text, settings.limits.maxJsonDepth)
  if ('error' in parsed) {
    return answerJson(400, { error_msg: `invalid request body: ${parsed.error}`, req_body: text })
  }
  return parsed
}

/** Seconds, null if the argument is absent. Above a thousand years a time is no longer exact. */
function readTtl(text: string | undefined): number | null | RestResponse {
  if (text === undefined) return null
  const ttl = toNumber(text)
  if (ttl === undefined) return answerError(400, 'invalid argument ttl: should be a number')
  if (ttl <= 0 || ttl > 32e9) {
    return answerError(400, 'invalid argument ttl: should be above 0 and at most 32000000000')
  }
  return ttl
}

/** Without an Origin nobody asks for CORS. The origins themselves are the server's settings. */
function answerOptions(request: RestRequest): RestResponse {
  const isAsked =
    request.headers.origin !== undefined || request.headers['access-control-request-method'] !== undefined
  const headers: Fields = isAsked
    ? {
        'Access-Control-Allow-Methods': 'POST, GET, PUT, OPTIONS, DELETE, PATCH',
        'Access-Control-Allow-Headers': '*',
        'Access-Control-Max-Age': '3600',
      }
    : {}
  return { status: 200, headers, body: '' }
}

/** What stands behind the prefix; trailing slashes do not count. */
function splitPath(path: string): readonly string[] {
  let end = path.length
  while (end > PREFIX.length && path[end - 1] === '/') end--
  if (end <= PREFIX.length) return []
  return path.slice(PREFIX.length + 1, end).split('/')
}

function withFields(answer: RestResponse, headers: Fields): RestResponse {
  return { status: answer.status, headers, body: answer.body }
}
