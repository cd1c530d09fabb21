import { type IncomingMessage, METHODS } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { DialectRest, Refusal, RestResponse, SignedCall } from '../dialects/dialect.ts'
import { formatAddress, listenError, parseAddress } from '../gateway/sockets.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { AdminControl, RunningServer } from './admin-control.ts'
import type { KeyOwner } from './admin-keys.ts'
import { formatAuditLine, objectOf } from './audit.ts'
import { readBody } from './body.ts'
import { MAX_OWN_BODY_BYTES, type OwnCall, type OwnEndpoint } from './endpoint.ts'
import { isStream, runEventStream, type StreamAnswer } from './event-stream.ts'
import { AdminGate, isWrite } from './gate.ts'
import { answerLivez, answerReadyz } from './health.ts'
import { ownEndpoints } from './own-api.ts'
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
    endpoint?: OwnEndpoint
    /** Answers without a key. Only health says so; dialects decide by `isOpen`. */
    isOpen?: boolean
  }
  interface FastifyRequest {
    owner: KeyOwner | null
    /** Of a call whose signature is all that speaks for it: it is verified with the body. */
    signed: SignedCall | null
  }
}

const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 65_000

/** No route has a schema: whoever takes a body checks it. Without these the library would load its own, megabytes that nobody uses. */
const NO_COMPILERS = {
  buildValidator: () => () => {
    throw new Error('no route has a schema')
  },
  buildSerializer: () => () => JSON.stringify,
}

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
    schemaController: { compilersFactory: NO_COMPILERS },
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
  app.decorateRequest('signed', null)
  app.removeAllContentTypeParsers()
  // Bodies are read by the handlers, which know their limits; the declared type plays no part (spec/apisix.md 1.3).
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined))

  app.addHook('onRequest', (request, reply, done) => {
    delete request.raw.headers['content-type']
    const { config } = request.routeOptions
    const { method } = request
    const path = pathOf(request.raw)
    const peer = plainAddress(request.raw.socket.remoteAddress)
    const { signatures } = config.rest ?? {}
    const signed = signatures === undefined ? null : signedCall(request)
    const verdict = gate.judge({
      method,
      peer,
      localAddress: plainAddress(request.raw.socket.localAddress),
      headers: request.headers,
      query: queryOf(request.raw),
      isDialect: config.rest !== undefined,
      acceptsBearer: config.rest === undefined || config.rest.acceptsBearer === true,
      mayChange: mayChange(request),
      isOpen: method === 'OPTIONS' || config.isOpen === true || config.rest?.isOpen(method, path) === true,
      isSigned: signed !== null && signatures?.isSigned(signed) === true,
    })
    if (verdict.kind === 'signed') {
      const first = signed === null ? undefined : signatures?.verify(signed, null)
      if (first?.kind === 'refused') {
        if (first.isWrongKey) gate.countWrongKey(peer)
        auditWrite(options, request, null, first.answer.status, first.reason)
        send(reply, first.answer)
        return
      }
      request.signed = signed
      done()
      return
    }
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

  for (const rest of options.rests) mountRest(app, rest, options, (peer) => gate.countWrongKey(peer))
  mountHealth(app, '/livez', () => answerLivez())
  mountHealth(app, '/healthz', () => answerLivez())
  mountHealth(app, '/readyz', () => answerReadyz(options.control.readiness(), false))
  const descriptions = options.rests.flatMap((rest) => rest.describe?.() ?? [])
  const endpoints = ownEndpoints(options.control, options.version, descriptions)
  for (const endpoint of endpoints) mountOwn(app, endpoint, options)
  for (const path of new Set(endpoints.map((endpoint) => endpoint.path))) {
    refuseOtherMethods(
      app,
      path,
      endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method),
    )
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

function mountRest(
  app: FastifyInstance,
  rest: DialectRest,
  options: AdminServerOptions,
  countWrongKey: (peer: string) => void,
): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const before = options.revision()
    let answer: RestResponse
    let result: string
    try {
      const outcome = await answerRest(rest, request, options, countWrongKey)
      answer = outcome.answer
      const isDone = answer.audit?.isDone ?? answer.status < 400
      result = outcome.refusal ?? (isDone ? 'done' : 'failed')
    } catch (error) {
      answer = answerError(error, request, options)
      result = error instanceof GatewayError ? error.code : 'INTERNAL'
    }
    auditWrite(options, request, answer, answer.status, result, before)
    send(reply, answer)
  }
  const config = { rest }
  for (const prefix of [rest.prefix, ...(rest.morePrefixes ?? [])]) {
    app.all(prefix, { config, handler })
    app.all(`${prefix}/*`, { config, handler })
  }
}

async function answerRest(
  rest: DialectRest,
  request: FastifyRequest,
  options: AdminServerOptions,
  countWrongKey: (peer: string) => void,
): Promise<{ answer: RestResponse; refusal: string | null }> {
  const { method } = request
  const path = decodeURIComponent(pathOf(request.raw))
  const refuse = (refusal: Refusal) => ({ answer: rest.refuse(refusal), refusal: refusal.kind })
  const reason = options.readOnly()
  const isChange = rest.isWrite === undefined ? mayChange(request) : rest.isWrite(method, path)
  // a caller that may yet turn out to be nobody is told nothing about the gateway
  if (reason !== null && isChange && request.signed === null) return refuse({ kind: 'readOnly', reason })
  const body = await readBody(request.raw, rest.maxBodyBytes)
  if (typeof body !== 'string') {
    return refuse({ kind: 'bodyTooLarge', bytes: body.bytes, limit: rest.maxBodyBytes })
  }
  if (request.signed !== null) {
    const verdict = rest.signatures?.verify(request.signed, body)
    if (verdict === undefined) return refuse({ kind: 'missingKey' })
    if (verdict.kind === 'refused') {
      if (verdict.isWrongKey) countWrongKey(plainAddress(request.raw.socket.remoteAddress))
      return { answer: verdict.answer, refusal: verdict.reason }
    }
    if (verdict.signer === null) return refuse({ kind: 'missingKey' })
    request.owner = verdict.signer
    if (verdict.signer.role === 'viewer' && mayChange(request)) return refuse({ kind: 'viewerMayNotWrite' })
    if (reason !== null && isChange) return refuse({ kind: 'readOnly', reason })
  }
  const headers = openHeaders(request)
  const query = queryOf(request.raw)
  query.delete('api_key')
  const author = request.owner?.name ?? ''
  return { answer: await rest.handle({ method, path, query, headers, body, author }), refusal: null }
}

function mountHealth(app: FastifyInstance, path: string, answer: () => Answer): void {
  app.route({
    method: 'GET',
    url: path,
    config: { isOpen: true },
    handler: async (_request, reply) => send(reply, answer()),
  })
  refuseOtherMethods(app, path, ['GET'])
}

function mountOwn(app: FastifyInstance, endpoint: OwnEndpoint, options: AdminServerOptions): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    config: { endpoint },
    handler: async (request, reply) => {
      const before = options.revision()
      let answer: Answer
      try {
        const outcome = await answerOwn(endpoint, request, options)
        if (isStream(outcome) && request.method === 'HEAD') {
          // nothing will be read, so nothing is begun
          send(reply, { status: 200, headers: { 'content-type': 'text/event-stream' }, body: '' })
          return reply
        }
        if (isStream(outcome)) {
          openStream(request, reply, outcome, options)
          return reply
        }
        answer = outcome
      } catch (error) {
        answer = answerError(error, request, options)
      }
      auditWrite(options, request, answer, answer.status, answer.status < 400 ? 'done' : 'failed', before)
      send(reply, answer)
      return reply
    },
  })
}

async function answerOwn(
  endpoint: OwnEndpoint,
  request: FastifyRequest,
  options: AdminServerOptions,
): Promise<Answer | StreamAnswer> {
  const reason = endpoint.isWrite ? options.readOnly() : null
  if (reason !== null) return problem('READ_ONLY', reason)
  const limit = endpoint.body?.maxBytes ?? MAX_OWN_BODY_BYTES
  const body = endpoint.body === undefined ? '' : await readBody(request.raw, limit)
  if (typeof body !== 'string') return problem('BODY_OVER_LIMIT', `${body.bytes} bytes, limit ${limit}`)
  const call: OwnCall = {
    query: queryOf(request.raw),
    params: request.params as Readonly<Record<string, string>>,
    headers: openHeaders(request),
    body,
    owner: request.owner,
  }
  return endpoint.handle(call)
}

/** The response leaves fastify's hands, so the fields that all answers carry are set here. */
function openStream(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: StreamAnswer,
  options: AdminServerOptions,
): void {
  setCommonFields(request, reply, new Set(options.settings.cors))
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.setHeader('content-type', 'text/event-stream')
  reply.raw.setHeader('x-accel-buffering', 'no') // proxies of nginx's kind would hold events back
  runEventStream(reply.raw, answer, () => options.control.noteDroppedEvents(1))
}

/** HEAD comes with GET. */
function refuseOtherMethods(app: FastifyInstance, path: string, known: readonly string[]): void {
  const allow = known.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => !known.includes(method)),
    url: path,
    handler: async (_request, reply) => send(reply, problem('METHOD_NOT_ALLOWED', undefined, { allow })),
  })
}

/** Header fields without those that a key stands in: what is behind the gate never sees it. */
function openHeaders(request: FastifyRequest): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  for (const name of ['x-api-key', 'x_api_key', 'authorization', 'cookie']) delete headers[name]
  return headers
}

/** The call as its client signed it: fields that the gate takes away from others are still there. */
function signedCall({ method, raw }: FastifyRequest): SignedCall {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (let i = 0; i + 1 < raw.rawHeaders.length; i += 2) {
    const name = (raw.rawHeaders[i] as string).toLowerCase()
    const value = raw.rawHeaders[i + 1] as string
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const path = pathOf(raw)
  return { method, path, query: (raw.url ?? '').slice(path.length + 1), headers }
}

/** Whether a call may change documents. Endpoints and dialects say so themselves where the method does not: a question may be asked with POST. */
function mayChange(request: FastifyRequest): boolean {
  const { endpoint, rest } = request.routeOptions.config
  if (endpoint !== undefined) return endpoint.isWrite
  if (!isWrite(request.method)) return false
  return rest?.isQuestion?.(asked(request)) !== true
}

/** What a dialect may know of a call before its body is read, and before anybody has looked at its key. */
function asked(request: FastifyRequest) {
  const path = pathOf(request.raw)
  return { method: request.method, path, query: queryOf(request.raw), headers: openHeaders(request) }
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
  if (!mayChange(request)) return
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
      object:
        answer?.audit?.object ?? (rest === undefined ? '' : objectOf(rest.prefix, path, answer?.body ?? '')),
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
