import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import { GatewayError } from '../model/gateway-error.ts'

/** Codes of our own endpoints for what only an admin server can say; the rest are those of the error table. */
const ADMIN_PROBLEMS = {
  ADDRESS_NOT_ALLOWED: { status: 403, title: 'this address may not talk to the Admin API (admin.allow)' },
  HOST_NOT_ALLOWED: { status: 403, title: 'the Host field names no admin address (admin.hosts)' },
  ORIGIN_NOT_ALLOWED: { status: 403, title: 'writes from another origin are refused (admin.cors)' },
  VIEWER_MAY_NOT_WRITE: { status: 403, title: 'this key may only read' },
  TOO_MANY_WRONG_KEYS: { status: 429, title: 'too many wrong keys from this address' },
  NOT_FOUND: { status: 404, title: 'no such endpoint' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'the endpoint does not know this method' },
  BAD_QUERY: { status: 400, title: 'a query parameter is not valid' },
  BAD_BODY: { status: 400, title: 'the body is not what the endpoint takes' },
  DOCUMENT_NOT_FOUND: { status: 404, title: 'there is no such document' },
  NO_SUCH_UPSTREAM: { status: 404, title: 'there is no such upstream' },
  NO_SUCH_ENDPOINT: { status: 404, title: 'the upstream has no such endpoint' },
  DOCUMENT_IN_USE: { status: 409, title: 'other documents still name it' },
  PRECONDITION_FAILED: { status: 412, title: 'the document is not at the revision that was named' },
  REVISION_FORGOTTEN: { status: 409, title: 'the history does not reach back so far' },
  TOO_MANY_STREAMS: { status: 429, title: 'too many streams are open: end one of them first' },
  BAD_EXPLAIN: { status: 400, title: 'what is to be explained is not valid' },
  NO_SUCH_LISTENER: { status: 400, title: 'no listener takes what is to be explained' },
  EXPLAIN_UNAVAILABLE: { status: 503, title: 'no worker could explain it' },
  BODY_OVER_LIMIT: { status: 413, title: 'the body is over the limit' },
  MALFORMED_REQUEST: { status: 400, title: 'the request is malformed' },
} as const

export type ProblemCode = keyof typeof ADMIN_PROBLEMS | ErrorCode

/** What an endpoint answers: status, fields (lower-case names) and body. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * An error of our own endpoints as RFC 9457 has it, with `code` to match on. `detail` is written for people and holds no key, no stack and
 * no text of the store.
 */
export function problem(
  code: ProblemCode,
  detail?: string,
  headers: Readonly<Record<string, string>> = {},
  /** Further members of the body (RFC 9457, 3.2): `faults`. */
  members: Readonly<Record<string, unknown>> = {},
): Answer {
  const { status, title } = describe(code)
  const body = {
    type: 'about:blank',
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...members,
  }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: `${JSON.stringify(body)}\n`,
  }
}

/** What may be told about a thrown error: its code's row, or that something broke. */
export function problemOf(error: unknown): Answer {
  if (error instanceof GatewayError) {
    // Faults of what the client sent explain themselves; those of the gateway may carry texts that are not for clients.
    return problem(error.code, ERROR_CODES[error.code].source === 'config' ? error.message : undefined)
  }
  return problem('INTERNAL')
}

function describe(code: ProblemCode): { status: number; title: string } {
  if (code in ADMIN_PROBLEMS) return ADMIN_PROBLEMS[code as keyof typeof ADMIN_PROBLEMS]
  const row = ERROR_CODES[code as ErrorCode]
  return { status: row.status, title: row.message }
}
