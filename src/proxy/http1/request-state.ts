import type { ErrorCode } from '../../model/error-codes.ts'
import { HeadFields } from './head-fields.ts'

// Where a request head stands: the steps of parseRequestHead in their order.
export const START = 0
export const EMPTY_LINE = 1
export const FIRST_BYTE = 2
export const METHOD = 3
export const FIRST_TARGET_BYTE = 4
export const IN_TARGET = 5
export const VERSION = 6
export const FIELDS = 7
export const COMPLETE = 8
export const REFUSED = 9

/**
 * The head of a request: what parseRequestHead read, and where it stands in it. One object serves one request at a time; `reset` makes it
 * ready for the next. Nothing here is valid before parseRequestHead returned a positive number, except `error` after -1.
 */
export class RequestHead {
  readonly fields: HeadFields
  method = ''
  /** Origin form (the absolute form is taken apart), or `*`. A byte string, as written. */
  target = ''
  minorVersion: 0 | 1 = 1
  /** Lower case, without port and without the final dot; '' if there is none (HTTP/1.0 only). */
  host = ''
  /** The Host field as written, or the authority of an absolute target, which replaces it (RFC 9112 section 3.2.2). */
  hostField = ''
  /** Bytes of the body; -1 without Content-Length. 0 to 2^53 - 1. */
  contentLength = -1
  chunked = false
  keepAlive = true
  /** The client waits for a 100 before it sends its body. Never for HTTP/1.0 or for a request without a body. */
  expectsContinue = false
  /** TE names `trailers`. */
  teTrailers = false
  /** The one protocol of Upgrade, lower case, if Connection names Upgrade and the version is 1.1; else null. */
  upgrade: string | null = null
  /** The client announced trailer fields for a chunked body. */
  trailerAllowed = false
  hasAbsoluteTarget = false
  /** `OPTIONS *`: for the gateway itself, no route is looked up. */
  isAsterisk = false
  /** Why it was refused; meaningless unless -1 was returned. */
  error: ErrorCode = 'BAD_REQUEST'
  /** Index behind the blank line; 0 before. */
  end = 0

  // Where parseRequestHead goes on when more text is there.
  step = START
  at = 0
  methodStart = 0
  targetStart = 0
  targetEnd = 0

  /** `maxFields`: capacity for field lines (limit `maxFields`). */
  constructor(maxFields: number) {
    this.fields = new HeadFields(maxFields)
  }

  reset(): void {
    this.fields.reset()
    this.method = ''
    this.target = ''
    this.minorVersion = 1
    this.host = ''
    this.hostField = ''
    this.contentLength = -1
    this.chunked = false
    this.keepAlive = true
    this.expectsContinue = false
    this.teTrailers = false
    this.upgrade = null
    this.trailerAllowed = false
    this.hasAbsoluteTarget = false
    this.isAsterisk = false
    this.end = 0
    this.step = START
  }
}

/** The head stays refused until `reset`. */
export function refuse(head: RequestHead, error: ErrorCode): -1 {
  head.error = error
  head.step = REFUSED
  return -1
}
