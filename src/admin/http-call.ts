import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RestResponse, SignedCall } from '../dialects/dialect.ts'
import { isWrite } from './gate.ts'

/** What the servers of the control side read of a call, and how they answer it. */

/** Header fields without those that a key stands in: what is behind the gate never sees it. */
export function openHeaders(request: FastifyRequest): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  for (const name of ['x-api-key', 'x_api_key', 'authorization', 'cookie']) delete headers[name]
  return headers
}

/** Whether a call may change documents. Endpoints and dialects say so themselves where the method does not: a question may be asked with POST. */
export function mayChange(request: FastifyRequest): boolean {
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

/** The call as its client signed it: fields that the gate takes away from others are still there. */
export function signedCall({ method, raw }: FastifyRequest): SignedCall {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (let i = 0; i + 1 < raw.rawHeaders.length; i += 2) {
    const name = (raw.rawHeaders[i] as string).toLowerCase()
    const value = raw.rawHeaders[i + 1] as string
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return { method, path: pathOf(raw), query: searchOf(raw), headers }
}

export function send(reply: FastifyReply, answer: RestResponse): void {
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
export function pathOf(message: IncomingMessage): string {
  const url = message.url ?? ''
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}

/** As sent, without its mark; '' if there is none. */
export function searchOf(message: IncomingMessage): string {
  const url = message.url ?? ''
  const mark = url.indexOf('?')
  return mark < 0 ? '' : url.slice(mark + 1)
}

/** Of a repeated name the first value counts. */
export function queryOf(message: IncomingMessage): Map<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(searchOf(message))) {
    if (!query.has(name)) query.set(name, value)
  }
  return query
}
