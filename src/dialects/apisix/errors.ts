import type { ErrorCode } from '../../model/error-codes.ts'
import type { GatewayError } from '../../model/gateway-error.ts'
import type { JsonValue } from '../../model/json.ts'
import type { Refusal, RestResponse } from '../dialect.ts'

/** Answers of the Admin API in the reference's shapes (spec/apisix.md 1.1, 1.3, 1.5). JSON bodies end with a newline. */

/** Bytes a request body may have, 1.5 MiB. */
export const MAX_BODY_BYTES = 1_572_864

export type Fields = RestResponse['headers']

export function answerJson(status: number, body: JsonValue, headers: Fields = {}): RestResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(body)}\n`,
  }
}

export function answerText(status: number, body: string, headers: Fields = {}): RestResponse {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body }
}

/** The shape of nearly all faults. */
export function answerError(status: number, message: string, headers: Fields = {}): RestResponse {
  return answerJson(status, { error_msg: message }, headers)
}

/** The shape for an object that does not exist. */
export function answerMissing(): RestResponse {
  return answerJson(404, { message: 'Key not found' })
}

export function describeBodyLimit(bytes: number, limit: number): string {
  return `invalid request body: request size ${bytes} is greater than the maximum size ${limit} allowed`
}

/** What the server refuses before the API is asked. */
export function answerRefusal(refusal: Refusal): RestResponse {
  switch (refusal.kind) {
    case 'missingKey':
      return answerToken('missing apikey')
    case 'wrongKey':
      return answerToken('wrong apikey')
    case 'viewerMayNotWrite':
      return answerToken('invalid method for role viewer')
    case 'addressNotAllowed':
      return answerText(403, '403 Forbidden\n')
    case 'badOrigin':
      return answerError(403, 'writes from a foreign origin are not allowed')
    case 'bodyTooLarge':
      return answerError(400, describeBodyLimit(refusal.bytes, refusal.limit))
    case 'tooManyWrongKeys':
      return answerError(429, 'too many wrong keys from this address', {
        'Retry-After': String(refusal.retryAfterSeconds),
      })
    case 'readOnly':
      return answerError(409, refusal.reason)
  }
}

function answerToken(description: string): RestResponse {
  return answerJson(401, { error_msg: 'failed to check token', description })
}

/** Texts of the store's errors where the reference has one of its own. A racing write is 503 there; it is a conflict. */
const STORE_TEXTS: Partial<Record<ErrorCode, string>> = { WRITE_CONFLICT: 'value changed before overwritten' }

/** A write or read that the store refused: the error's own status, never a stack. */
export function answerStoreError(error: GatewayError): RestResponse {
  const text = STORE_TEXTS[error.code]
  return answerError(error.status, text === undefined ? error.message : text)
}
