import { type IncomingMessage, METHODS } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { DialectRest, Refusal, RestResponse } from '../dialects/dialect.ts'
import { formatAddress, listenError, parseAddress } from '../gateway/sockets.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { AdminControl, RunningServer } from './admin-control.ts'
import type { KeyOwner } from './admin-keys.ts'
import { formatAuditLine, objectOf } from './audit.ts'
import { readBody } from './body.ts'
import { AdminGate, isWrite } from './gate.ts'
import { answerLivez, answerReadyz } from './health.ts'
import { type OwnEndpoint, ownEndpoints } from './own-api.ts'
import { plainAddress } from './peers.ts'
import { type Answer, problem, problemOf } from './problem.ts'

export interface AdminServerOptions {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string
  readonly settings: AdminSettings
  /** The keys in force (settings may have none: then one was made). */
  readonly keys: { readonly key: string; readonly viewerKey: string | null }
  readonly rests: readonly DialectRest[]
  readonly control: AdminControl
  readonly version: string
  /** Revision in force, for the audit log. */
  revision(): number
  /** null, or why writes are refused: a sentence that names the file to change instead. */
  readOnly(): string | null
  /** Takes one JSON line without newline for each write and each refused write. */
  audit(line: string): void
  /** Errors nobody expected. */
  log(level: 'warn' | 'error', fields: object, message: string): void
  /** Milliseconds of a monotonic clock. Default: that of the process. */
  readonly now?: () => number
}

/** Which endpoint a route is, put on it when it is made; the gate reads it from the route that the router chose. */
declare module 'fastify' {
  interface FastifyContextConfig {
    rest?: DialectRest
    /** Answers without a key. Only health says so; dialects decide by `isOpen`. */
    isOpen?: boolean
  }
  interface FastifyRequest {
    owner: KeyOwner | null
  }
}

const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 65_000

/**
 * Starts the Admin API: each dialect's REST under its prefix, our own endpoints under /headgate/v1, health and metrics. Rejects with
 * PORT_IN_USE or BAD_SETTING. The caller closes it.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<RunningServer> {
  const { host, port } = parseAddress(options.listen)
  const { app } = await buildAdminApp(options)
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenError(error, formatAddress(host, port))
  }
  const address = app.server.address()
  const standing = address !== null && typeof address === 'object' ? address.port : port
  return { address: formatAddress(host, standing), close: () => app.close() }
}

/** The server without its socket, and every route on it (a test asks each of them for its key). */
export async function buildAdminApp(options: AdminServerOptions): Promise<{
  readonly app: FastifyInstance
  readonly routes: readonly { readonly method: string; readonly url: string }[]
}> {
  const now = options.now ?? (() => performance.now())
  const gate = new AdminGate(options.settings, options.keys, now)
  const corsOrigins = new Set(options.settings.cors)
  const app = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 4096 },
    // A malformed percent sign in the path: no route, and no stack.
    frameworkErrors: (_error, _request, reply) => {
      send(reply, problem('MALFORMED_REQUEST', 'the path is not valid percent-encoding'))
    },
  })
  const routes: { method: string; url: string }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of Array.isArray(method) ? method : [method]) routes.push({ method: one, url })
  })
  // A verb that no resource knows gets the answer of the API it was sent to; CONNECT never arrives as a request.
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) {
      app.addHttpMethod(method, { hasBody: true })
    }
  }
  app.decorateRequest('owner', null)
  app.removeAllContentTypeParsers()
  // Bodies are read by the handlers, which know their limits; the declared type plays no part (spec/apisix.md 1.3).
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined))

  app.addHook('onRequest', (request, reply, done) => {
    delete request.raw.headers['content-type']
    const { config } = request.routeOptions
    const { method } = request
    const path = pathOf(request.raw)
    const verdict = gate.judge({
      method,
      peer: plainAddress(request.raw.socket.remoteAddress),
      localAddress: plainAddress(request.raw.socket.localAddress),
      headers: request.headers,
      query: queryOf(request.raw),
      isDialect: config.rest !== undefined,
      isOpen: method === 'OPTIONS' || config.isOpen === true || config.rest?.isOpen(method, path) === true,
    })
    if (verdict.kind === 'refuse') {
      const answer = refusalAnswer(verdict.why, config.rest)
      auditWrite(options, request, null, answer.status, verdict.why.kind)
      send(reply, answer)
      return
    }
    request.owner = verdict.owner
    done()
  })

  app.addHook('onSend', (request, reply, _payload, done) => {
    setCommonFields(request, reply, corsOrigins)
    done()
  })

  for (const rest of options.rests) mountRest(app, rest, options)
  mountOwn(app, 'GET', '/livez', true, () => answerLivez())
  mountOwn(app, 'GET', '/healthz', true, () => answerLivez())
  mountOwn(app, 'GET', '/readyz', true, () => answerReadyz(options.control.readiness(), false))
  for (const endpoint of ownEndpoints(options.control, options.version)) {
    mountOwn(app, endpoint.method, endpoint.path, false, endpoint.handle)
  }
  app.setNotFoundHandler((request, reply) => {
    send(reply, request.method === 'OPTIONS' ? NO_CONTENT : problem('NOT_FOUND'))
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    send(reply, answerError(error, request, options))
  })
  await app.ready()
  return { app, routes }
}

const NO_CONTENT: Answer = { status: 204, headers: {}, body: '' }

function mountRest(app: FastifyInstance, rest: DialectRest, options: AdminServerOptions): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const before = options.revision()
    let answer: RestResponse
    let result: string
    try {
      const outcome = await answerRest(rest, request, options)
      answer = outcome.answer
      result = outcome.refusal ?? (answer.status < 400 ? 'done' : 'failed')
    } catch (error) {
      answer = answerError(error, request, options)
      result = error instanceof GatewayError ? error.code : 'INTERNAL'
    }
    auditWrite(options, request, answer, answer.status, result, before)
    send(reply, answer)
  }
  const config = { rest }
  app.all(rest.prefix, { config, handler })
  app.all(`${rest.prefix}/*`, { config, handler })
}

async function answerRest(
  rest: DialectRest,
  request: FastifyRequest,
  options: AdminServerOptions,
): Promise<{ answer: RestResponse; refusal: string | null }> {
  const { method } = request
  const path = decodeURIComponent(pathOf(request.raw))
  const refuse = (refusal: Refusal) => ({ answer: rest.refuse(refusal), refusal: refusal.kind })
  const reason = options.readOnly()
  const mayChange = rest.isWrite === undefined ? isWrite(method) : rest.isWrite(method, path)
  if (reason !== null && mayChange) return refuse({ kind: 'readOnly', reason })
  const body = await readBody(request.raw, rest.maxBodyBytes)
  if (typeof body !== 'string') {
    return refuse({ kind: 'bodyTooLarge', bytes: body.bytes, limit: rest.maxBodyBytes })
  }
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  // What a key stands in goes no further than the gate.
  for (const name of ['x-api-key', 'x_api_key', 'authorization', 'cookie']) delete headers[name]
  const query = queryOf(request.raw)
  query.delete('api_key')
  const author = request.owner?.name ?? ''
  return { answer: await rest.handle({ method, path, query, headers, body, author }), refusal: null }
}

function mountOwn(
  app: FastifyInstance,
  method: 'GET',
  path: string,
  isOpen: boolean,
  handle: OwnEndpoint['handle'],
): void {
  app.route({
    method,
    url: path,
    config: { isOpen },
    handler: async (request, reply) => {
      send(reply, await handle(queryOf(request.raw), request.owner))
    },
  })
  const others = ['POST', 'PUT', 'PATCH', 'DELETE']
  app.route({
    method: others,
    url: path,
    handler: async (_request, reply) => {
      send(reply, problem('METHOD_NOT_ALLOWED', undefined, { allow: 'GET, HEAD' }))
    },
  })
}

/** One audit line, if it was a write. `answer` null: it was refused before any API saw it. */
function auditWrite(
  options: AdminServerOptions,
  request: FastifyRequest,
  answer: RestResponse | null,
  status: number,
  result: string,
  revisionBefore?: number,
): void {
  if (!isWrite(request.method)) return
  const path = pathOf(request.raw)
  const revisionAfter = options.revision()
  const { rest } = request.routeOptions.config
  options.audit(
    formatAuditLine({
      timeMs: Date.now(),
      owner: request.owner,
      peer: plainAddress(request.raw.socket.remoteAddress),
      method: request.method,
      path,
      object: rest === undefined ? '' : objectOf(rest.prefix, path, answer?.body ?? ''),
      revisionBefore: revisionBefore ?? revisionAfter,
      revisionAfter,
      status,
      result,
    }),
  )
}

function answerError(error: unknown, request: FastifyRequest, options: AdminServerOptions): Answer {
  const statusCode = (error as { statusCode?: unknown } | null)?.statusCode
  if (!(error instanceof GatewayError) && typeof statusCode === 'number' && statusCode < 500) {
    return problem('MALFORMED_REQUEST')
  }
  const answer = problemOf(error)
  if (answer.status >= 500) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    options.log(
      'error',
      { method: request.method, path: pathOf(request.raw), error: text },
      'Admin API call failed',
    )
  }
  return answer
}

function refusalAnswer(
  why: Refusal | { readonly kind: 'badHost' },
  rest: DialectRest | undefined,
): RestResponse {
  if (why.kind === 'badHost') return problem('HOST_NOT_ALLOWED')
  if (rest !== undefined) return rest.refuse(why)
  switch (why.kind) {
    case 'addressNotAllowed':
      return problem('ADDRESS_NOT_ALLOWED')
    case 'badOrigin':
      return problem('ORIGIN_NOT_ALLOWED')
    case 'missingKey':
    case 'wrongKey':
      return problem('UNAUTHORIZED', why.kind === 'missingKey' ? 'X-API-KEY is missing' : 'wrong key', {
        'www-authenticate': 'X-API-KEY',
      })
    case 'viewerMayNotWrite':
      return problem('VIEWER_MAY_NOT_WRITE')
    case 'tooManyWrongKeys':
      return problem('TOO_MANY_WRONG_KEYS', undefined, { 'retry-after': `${why.retryAfterSeconds}` })
    case 'bodyTooLarge':
      return problem('BODY_OVER_LIMIT', `${why.bytes} bytes, limit ${why.limit}`)
    case 'readOnly':
      return problem('READ_ONLY', why.reason)
    default:
      return why satisfies never
  }
}

/** At the very end, so that no API can open itself to origins that are not configured. */
function setCommonFields(request: FastifyRequest, reply: FastifyReply, origins: ReadonlySet<string>): void {
  reply.header('x-content-type-options', 'nosniff')
  reply.header('cache-control', 'no-store')
  if (origins.size > 0) reply.header('vary', 'Origin')
  const { origin } = request.headers
  if (origin === undefined || !origins.has(origin)) {
    for (const name of Object.keys(reply.getHeaders())) {
      if (name.toLowerCase().startsWith('access-control-')) reply.removeHeader(name)
    }
    return
  }
  // The fields of spec/apisix.md 1.1, for the configured origins only.
  reply.header('access-control-allow-origin', origin)
  reply.header('access-control-allow-credentials', 'true')
  reply.header('access-control-expose-headers', '*')
  reply.header('access-control-max-age', '3600')
  if (request.method !== 'OPTIONS') return
  reply.header('access-control-allow-methods', 'POST, GET, PUT, OPTIONS, DELETE, PATCH')
  // With credentials `*` would be taken literally (fetch standard), so the names that were asked for are given back.
  const asked = request.headers['access-control-request-headers']
  reply.header('access-control-allow-headers', /^[\w\s,-]{1,1000}$/.test(asked ?? '') ? (asked ?? '*') : '*')
}

function send(reply: FastifyReply, answer: RestResponse): void {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
  if (answer.body === '') {
    reply.send()
    return
  }
  if (!reply.hasHeader('content-type')) reply.header('content-type', 'text/plain; charset=utf-8')
  reply.send(Buffer.from(answer.body, 'utf8'))
}

/** As sent, without the query. */
function pathOf(message: IncomingMessage): string {
  const url = message.url ?? ''
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

/** Of a repeated name the first value counts. */
function queryOf(message: IncomingMessage): Map<string, string> {
  const url = message.url ?? ''
  const mark = url.indexOf('?')
  const query = new Map<string, string>()
  if (mark < 0) return query
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    if (!query.has(name)) query.set(name, value)
  }
  return query
}
