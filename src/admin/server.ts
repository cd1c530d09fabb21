import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DialectRest } from '../dialects/dialect.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { AdminControl, RunningServer } from './admin-control.ts'
import { readBody } from './body.ts'
import { type CorsRule, setCommonFields } from './cors.ts'
import { MAX_OWN_BODY_BYTES, type OwnCall, type OwnEndpoint } from './endpoint.ts'
import { isStream, runEventStream, type StreamAnswer } from './event-stream.ts'
import { AdminGate } from './gate.ts'
import { answerLivez, answerReadyz } from './health.ts'
import { answerError, auditWrite, createApp, listen, type Serving } from './http-app.ts'
import { openHeaders, queryOf, send } from './http-call.ts'
import { mountRest } from './mount-rest.ts'
import { ownEndpoints } from './own-api.ts'
import { type Answer, problem } from './problem.ts'

export interface AdminServerOptions extends Serving {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string
  readonly settings: AdminSettings
  /** The keys in force (settings may have none: then one was made). */
  readonly keys: { readonly key: string; readonly viewerKey: string | null }
  /** Those with listeners of their own are only described. */
  readonly rests: readonly DialectRest[]
  readonly control: AdminControl
  readonly version: string
  /** Milliseconds of a monotonic clock. Default: that of the process. */
  readonly now?: () => number
}

/**
 * Starts the Admin API: each dialect's REST under its prefix, our own endpoints under /headgate/v1, health and metrics. Rejects with
 * PORT_IN_USE or BAD_SETTING. The caller closes it.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<RunningServer> {
  const { app } = await buildAdminApp(options)
  return listen(app, options.listen)
}

/** The server without its socket, and every route on it (a test asks each of them for its key). */
export async function buildAdminApp(options: AdminServerOptions): Promise<{
  readonly app: FastifyInstance
  readonly routes: readonly { readonly method: string; readonly url: string }[]
}> {
  const now = options.now ?? (() => performance.now())
  const gate = new AdminGate(options.settings, options.keys, now)
  const { app, routes } = createApp(options, {
    gate,
    cors: corsOf(options),
    keyless: null,
  })
  for (const rest of options.rests) if (rest.listen === undefined) mountRest(app, rest, options, gate)
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
  await app.ready()
  return { app, routes }
}

function corsOf({ settings }: AdminServerOptions): CorsRule {
  return { origins: new Set(settings.cors), reflects: false }
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
  setCommonFields(request, reply, corsOf(options))
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
