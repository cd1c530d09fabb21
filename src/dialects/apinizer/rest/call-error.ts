import type { Fault } from '../../../model/document.ts'
import { ERROR_CODES, type ErrorCode } from '../../../model/error-codes.ts'
import type { GatewayError } from '../../../model/gateway-error.ts'
import type { Refusal, RestResponse } from '../../dialect.ts'

/** Why a call fails; it becomes `{"status": "FAILURE", "resultMessage": …}` (spec/apinizer.md 10). */
export class CallError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'CallError'
    this.status = status
  }
}

export function answerFailure(
  { status, message }: CallError,
  headers: RestResponse['headers'] = {},
): RestResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify({ status: 'FAILURE', resultMessage: message })}\n`,
  }
}

/** Faults that are named in one message. */
const MAX_FAULTS = 50

/** All faults of what was to be written, each with its place. */
export function refuseFaults(faults: readonly Fault[]): CallError {
  const told = faults.slice(0, MAX_FAULTS).map(({ path, message, hint }) => {
    const text = path === '' || message.startsWith(`${path} `) ? message : `${path}: ${message}`
    return hint === null ? text : `${text} (${hint})`
  })
  const more = faults.length > MAX_FAULTS ? [`and ${faults.length - MAX_FAULTS} more`] : []
  return new CallError(400, [...told, ...more].join('; '))
}

/** What the server refuses before the API is asked. */
export function refusalError(refusal: Refusal): CallError {
  switch (refusal.kind) {
    case 'missingKey':
      return new CallError(
        401,
        'the key of the gateway is missing: Authorization: Bearer <key>, or X-API-KEY',
      )
    case 'wrongKey':
      return new CallError(401, 'the key is not one of this gateway')
    case 'viewerMayNotWrite':
      return new CallError(403, 'this key may only read: calls with GET, and the route trace')
    case 'addressNotAllowed':
      return new CallError(403, 'this address may not talk to the Admin API (admin.allow)')
    case 'badOrigin':
      return new CallError(403, 'writes from a foreign origin are not allowed')
    case 'bodyTooLarge':
      return new CallError(413, `the body has ${refusal.bytes} bytes, the limit is ${refusal.limit}`)
    case 'tooManyWrongKeys':
      return new CallError(
        429,
        `too many wrong keys from this address; try again in ${refusal.retryAfterSeconds} s`,
      )
    case 'readOnly':
      return new CallError(409, refusal.reason)
  }
}

const STORE_CODES: readonly ErrorCode[] = [
  'WRITE_CONFLICT',
  'READ_ONLY',
  'LIMIT_OBJECTS',
  'STORE_UNAVAILABLE',
]

/** A failure of the store as one of the call; null: it is none that a caller can do something about. */
export function storeError({ code, message }: GatewayError): CallError | null {
  return STORE_CODES.includes(code) ? new CallError(ERROR_CODES[code].status, message) : null
}
