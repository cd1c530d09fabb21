import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DialectRest, Refusal, RestRequest, RestResponse } from '../dialects/dialect.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { readBody } from './body.ts'
import type { AdminGate } from './gate.ts'
import { answerError, auditWrite, type Serving } from './http-app.ts'
import { mayChange, openHeaders, pathOf, queryOf, searchOf, send } from './http-call.ts'
import { plainAddress } from './peers.ts'

/** Puts a dialect's API at its prefixes. */
export function mountRest(
  app: FastifyInstance,
  rest: DialectRest,
  serving: Serving,
  gate: Pick<AdminGate, 'countWrongKey'>,
): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const before = serving.revision()
    let answer: RestResponse
    let result: string
    try {
      const outcome = await answerRest(rest, request, serving, gate)
      answer = outcome.answer
      const isDone = answer.audit?.isDone ?? answer.status < 400
      result = outcome.refusal ?? (isDone ? 'done' : 'failed')
    } catch (error) {
      answer = answerError(error, request, serving)
      result = error instanceof GatewayError ? error.code : 'INTERNAL'
    }
    auditWrite(serving, request, answer, answer.status, result, before)
    send(reply, answer)
  }
  const config = { rest }
  for (const prefix of [rest.prefix, ...(rest.morePrefixes ?? [])]) {
    app.all(prefix, { config, handler })
    app.all(prefix === '/' ? '/*' : `${prefix}/*`, { config, handler })
  }
}

async function answerRest(
  rest: DialectRest,
  request: FastifyRequest,
  serving: Serving,
  gate: Pick<AdminGate, 'countWrongKey'>,
): Promise<{ answer: RestResponse; refusal: string | null }> {
  const { method } = request
  const path = decodeURIComponent(pathOf(request.raw))
  const refuse = (refusal: Refusal) => ({ answer: rest.refuse(refusal), refusal: refusal.kind })
  const reason = serving.readOnly()
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
      if (verdict.isWrongKey) gate.countWrongKey(plainAddress(request.raw.socket.remoteAddress))
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
  const search = searchOf(request.raw)
  const sent: RestRequest = { method, path, query, search, headers, body, author }
  return { answer: await rest.handle(sent), refusal: null }
}
