import { ERROR_CODES, type ErrorCode } from './error-codes.ts'
import type { Origin } from './origin.ts'

/**
 * The one error class. Control-side code throws it; on the request path a code is passed as a value. Match on `code`, never on text.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly origin: Origin | null
  constructor(code: ErrorCode, detail?: string, options: { cause?: unknown; origin?: Origin } = {}) {
    super(
      detail ?? ERROR_CODES[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'GatewayError'
    this.code = code
    this.origin = options.origin ?? null
  }
  get status(): number {
    return ERROR_CODES[this.code].status
  }
}
