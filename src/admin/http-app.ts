import { METHODS } from 'node:http'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { DialectRest, Refusal, RestResponse, SignedCall } from '../dialects/dialect.ts'
import { formatAddress, listenError, parseAddress } from '../gateway/sockets.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { RunningServer } from './admin-control.ts'
import type { KeyOwner } from './admin-keys.ts'
import { formatAuditLine, objectOf } from './audit.ts'
import { type CorsRule, setCommonFields } from './cors.ts'
import type { OwnEndpoint } from './endpoint.ts'
import type { AdminGate } from './gate.ts'
import { mayChange, pathOf, queryOf, send, signedCall } from './http-call.ts'
import { plainAddress } from './peers.ts'
import { type Answer, problem, problemOf } from './problem.ts'

/** What servers of the control side have in common: the gate, the common fields, the audit log. */

export interface Serving {
  /** Revision in force, for the audit log. */
  revision(): number
  /** null, or why writes are refused: a sentence that names the file to change instead. */
  readOnly(): string | null
  /** Takes one JSON line without newline for each write and each refused write. */
  audit(line: string): void
  /** Errors nobody expected. */
  log(level: 'warn' | 'error', fields: object, message: string): void
}

export interface Entrance {
  readonly gate: AdminGate
  readonly cors: CorsRule
  /** Who calls without a key where none is needed; null: keys are needed. */
  readonly keyless: KeyOwner | null
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

/** A server without routes, and the list of those that it is given (a test asks each of them for its key). */
export function createApp(
  serving: Serving,
  { gate, cors, keyless }: Entrance,
): {
  readonly app: FastifyInstance
  readonly routes: readonly { readonly method: string; readonly url: string }[]
} {
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
      isOpen:
        keyless !== null ||
        method === 'OPTIONS' ||
        config.isOpen === true ||
        config.rest?.isOpen(method, path) === true,
      isSigned: signed !== null && signatures?.isSigned(signed) === true,
    })
    if (verdict.kind === 'signed') {
      const first = signed === null ? undefined : signatures?.verify(signed, null)
      if (first?.kind === 'refused') {
        if (first.isWrongKey) gate.countWrongKey(peer)
        auditWrite(serving, request, null, first.answer.status, first.reason)
        send(reply, first.answer)
        return
      }
      request.signed = signed
      done()
      return
    }
    if (verdict.kind === 'refuse') {
      const answer = refusalAnswer(verdict.why, config.rest)
      auditWrite(serving, request, null, answer.status, verdict.why.kind)
      send(reply, answer)
      return
    }
    request.owner = verdict.owner ?? keyless
    done()
  })

  app.addHook('onSend', (request, reply, _payload, done) => {
    setCommonFields(request, reply, cors)
    done()
  })

  app.setNotFoundHandler((request, reply) => {
    send(reply, request.method === 'OPTIONS' ? NO_CONTENT : problem('NOT_FOUND'))
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    send(reply, answerError(error, request, serving))
  })
  return { app, routes }
}

/** Opens it at `host:port`; port 0 lets the system choose. Rejects with PORT_IN_USE or BAD_SETTING. The caller closes it. */
export async function listen(app: FastifyInstance, at: string): Promise<RunningServer> {
  const { host, port } = parseAddress(at)
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

const NO_CONTENT: Answer = { status: 204, headers: {}, body: '' }

/** One audit line, if it was a write. `answer` null: it was refused before any API saw it. */
export function auditWrite(
  serving: Serving,
  request: FastifyRequest,
  answer: RestResponse | null,
  status: number,
  result: string,
  revisionBefore?: number,
): void {
  if (!mayChange(request)) return
  const path = pathOf(request.raw)
  const revisionAfter = serving.revision()
  const { rest } = request.routeOptions.config
  serving.audit(
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

export function answerError(error: unknown, request: FastifyRequest, serving: Serving): Answer {
  const statusCode = (error as { statusCode?: unknown } | null)?.statusCode
  if (!(error instanceof GatewayError) && typeof statusCode === 'number' && statusCode < 500) {
    return problem('MALFORMED_REQUEST')
  }
  const answer = problemOf(error)
  if (answer.status >= 500) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    serving.log(
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
