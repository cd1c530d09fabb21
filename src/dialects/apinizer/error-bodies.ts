import type { ErrorCode } from '../../model/error-codes.ts'
import type { Surface } from '../../model/surface.ts'

/** Errors as clients see them (spec/apinizer.md 1, 3.2, 5.1, 7.1). The codes are the vendor's; the form of the body is ours. */

export const JSON_TYPE = 'application/json'

export function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`
}

interface Row {
  readonly code: string
  readonly status: number
  readonly message: string
}

const row = (code: string, status: number, message: string): Row => ({ code, status, message })

const TIMEOUT = row('ERR-066', 408, 'the target did not answer in time')
const FAILED = row('ERR-070', 503, 'the target returned an error')

const ROWS: Partial<Record<ErrorCode, Row>> = {
  ROUTE_NOT_FOUND: row('ERR-002', 404, 'no API proxy takes this request'),
  OPERATION_NOT_FOUND: row('ERR-006', 404, 'the API proxy has no endpoint for this method and path'),
  NO_CANDIDATE: row('ERR-003', 404, 'no target is there for this request'),
  NO_UPSTREAM: row('ERR-003', 404, 'no target is there for this request'),
  NO_ENDPOINT: row('ERR-135', 503, 'the circuits of all targets are open'),
  ENDPOINT_OUT: row('ERR-014', 503, 'the circuit of the target is open'),
  UPSTREAM_CONNECT_TIMEOUT: TIMEOUT,
  UPSTREAM_HEAD_TIMEOUT: TIMEOUT,
  UPSTREAM_SEND_TIMEOUT: TIMEOUT,
  UPSTREAM_NAME_UNRESOLVED: row('ERR-067', 404, 'the host of the target is not known'),
  UPSTREAM_CONNECT_FAILED: row('ERR-069', 503, 'the target refused the connection'),
  UPSTREAM_TLS_FAILED: row('ERR-114', 500, 'TLS to the target failed'),
  UPSTREAM_CLOSED: FAILED,
  UPSTREAM_STALE: FAILED,
  UPSTREAM_REFUSED: FAILED,
  UPSTREAM_BAD_ANSWER: FAILED,
  UPSTREAM_CUT: FAILED,
  UPSTREAM_RETRIES_OVER: FAILED,
  REDIRECT_LIMIT: FAILED,
  REDIRECT_TARGET: row('ERR-068', 404, 'the target redirects to what is no address'),
  PROXY_CREDENTIALS: row('ERR-072', 407, 'the proxy before the target wants other credentials'),
  PROXY_ADDRESS: row('ERR-071', 502, 'the request names no proxy that is allowed'),
  ANSWER_RULE: row('ERR-145', 500, 'the condition for errors cannot be applied to this answer'),
  CONDITION_VALUE: row('ERR-020', 400, 'what a condition compares is no number'),
  PATH_PARAMETERS: row('ERR-137', 500, 'the parameters of the endpoint and of its backend path differ'),
}

export const APINIZER_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: Object.fromEntries(
    Object.entries(ROWS).map(([name, { code, message }]) => [
      name,
      { contentType: JSON_TYPE, body: errorBody(code, message) },
    ]),
  ),
  statuses: Object.fromEntries(Object.entries(ROWS).map(([name, { status }]) => [name, status])),
  answersEmpty: false,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}

/** Of an error whose own status is none. */
export const ROUTING_ERROR_STATUS = FAILED.status
export const ROUTING_ERROR = { code: FAILED.code, message: FAILED.message }
