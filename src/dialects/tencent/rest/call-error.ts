import type { Fault } from '../../../model/document.ts'
import { ERROR_CODES, type ErrorCode } from '../../../model/error-codes.ts'
import type { GatewayError } from '../../../model/gateway-error.ts'
import type { Refusal } from '../../dialect.ts'
import { type TencentCode, tencentCodeOf } from '../faults.ts'

/** Codes of the vendor that a call may fail with. Those of documents come from `faults.ts`; these are the ones of calls (spec/tencent.md 5.3). */
export type CallCode =
  | TencentCode
  | 'AuthFailure.InvalidAuthorization'
  | 'AuthFailure.SecretIdNotFound'
  | 'AuthFailure.SignatureExpire'
  | 'AuthFailure.SignatureFailure'
  | 'AuthFailure.TokenFailure'
  | 'FailedOperation'
  | 'InvalidParameterValue.InvalidEnvStatus'
  | 'InvalidParameterValue.InvalidFilterNotSupportedName'
  | 'InvalidRequest'
  | 'IpNotInWhitelist'
  | 'LimitExceeded'
  | 'NoSuchVersion'
  | 'OperationDenied'
  | 'RequestLimitExceeded'
  | 'RequestSizeLimitExceeded'
  | 'ResourceUnavailable'
  | 'UnauthorizedOperation'
  | 'UnknownParameter'
  | 'UnsupportedOperation.ResourceUnassociated'
  | 'UnsupportedProtocol'

/** Why a call fails; it becomes `Response.Error`. */
export class CallError extends Error {
  readonly code: CallCode
  constructor(code: CallCode, message: string) {
    super(message)
    this.name = 'CallError'
    this.code = code
  }
}

/** Faults that are named in one message; a document may have one at each of hundreds of places. */
const MAX_FAULTS = 50

/** All faults of what was to be written: the first one decides the code, the message has every one with its place. */
export function refuseFaults(faults: readonly Fault[]): CallError {
  const [first] = faults
  const told = faults.slice(0, MAX_FAULTS).map(describeFault)
  const more = faults.length > MAX_FAULTS ? [`and ${faults.length - MAX_FAULTS} more`] : []
  const code = first === undefined ? 'InvalidParameterValue' : tencentCodeOf(first)
  return new CallError(code, [...told, ...more].join('; '))
}

function describeFault({ path, message, hint }: Fault): string {
  // many messages begin with the field
  const told = path === '' || message.startsWith(`${path} `) ? message : `${path}: ${message}`
  return hint === null ? told : `${told} (${hint})`
}

/** What the server refuses before the API is asked. `takesSignatures`: whether one may stand in for a key. */
export function refusalError(refusal: Refusal, takesSignatures: boolean): CallError {
  switch (refusal.kind) {
    case 'missingKey':
      return new CallError(
        'AuthFailure.InvalidAuthorization',
        takesSignatures
          ? 'the call has neither a key of the gateway (X-API-KEY) nor a signature (TC3-HMAC-SHA256 in Authorization)'
          : 'the key of the gateway is missing: X-API-KEY',
      )
    case 'wrongKey':
      return new CallError('AuthFailure.SecretIdNotFound', 'the key in X-API-KEY is not one of this gateway')
    case 'viewerMayNotWrite':
      return new CallError(
        'UnauthorizedOperation',
        'the caller may only read: actions that begin with Describe, named in X-TC-Action or in the query',
      )
    case 'addressNotAllowed':
      return new CallError('IpNotInWhitelist', 'this address may not talk to the Admin API (admin.allow)')
    case 'badOrigin':
      return new CallError('UnauthorizedOperation', 'writes from a foreign origin are not allowed')
    case 'bodyTooLarge':
      return new CallError(
        'RequestSizeLimitExceeded',
        `the body has ${refusal.bytes} bytes, the limit is ${refusal.limit}`,
      )
    case 'tooManyWrongKeys':
      return new CallError(
        'RequestLimitExceeded',
        `too many wrong keys from this address; try again in ${refusal.retryAfterSeconds} s`,
      )
    case 'readOnly':
      return new CallError('OperationDenied', refusal.reason)
  }
}

const STORE_CODES: Partial<Record<ErrorCode, CallCode>> = {
  WRITE_CONFLICT: 'FailedOperation',
  READ_ONLY: 'OperationDenied',
  LIMIT_OBJECTS: 'LimitExceeded',
  STORE_UNAVAILABLE: 'ResourceUnavailable',
}

/** What the store refused; null: nothing that a caller should be told. */
export function storeError(error: GatewayError): CallError | null {
  const code = STORE_CODES[error.code]
  if (code === undefined) return null
  const row = ERROR_CODES[error.code]
  // what the gateway itself fails at may be told in texts that are not for clients
  return new CallError(code, row.source === 'config' ? error.message : row.message)
}
