import { GatewayError } from '../../model/gateway-error.ts'

/** SQLite's result codes (sqlite.org/rescode.html) that say: the file itself is bad. */
const CORRUPT = 11
const NOT_A_DATABASE = 26

/** Any failure of the file or the disk as one of our two codes. Other errors are bugs and pass unchanged. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof GatewayError || !(error instanceof Error)) return error
  if ('errcode' in error && typeof error.errcode === 'number') {
    const primary = error.errcode & 0xff
    const code = primary === CORRUPT || primary === NOT_A_DATABASE ? 'STORE_DAMAGED' : 'STORE_UNAVAILABLE'
    return new GatewayError(code, `the store cannot be used: ${error.message}`, { cause: error })
  }
  if ('syscall' in error) {
    return new GatewayError('STORE_UNAVAILABLE', `the store cannot be used: ${error.message}`, {
      cause: error,
    })
  }
  return error
}
