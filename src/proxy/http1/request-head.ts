import type { ErrorCode } from '../../model/error-codes.ts'
import type { Limits } from '../../model/settings.ts'
import { bytesEqualLower, CR, equalsLower, LF, SP, TARGET, TOKEN } from './char-classes.ts'
import {
  CONNECTION_CLOSE,
  CONNECTION_KEEP_ALIVE,
  CONNECTION_UPGRADE,
  listHas,
  readConnection,
  readUpgrade,
} from './connection-options.ts'
import { scanFields, startFields, TOO_MANY } from './field-scanner.ts'
import { headBytes } from './head-bytes.ts'
import { FIELD, HeadFields } from './head-fields.ts'
import { hostEnd, readHost } from './host.ts'
import {
  CODING_CHUNKED,
  CODING_CHUNKED_AND_MORE,
  readCoding,
  readLength,
  TOO_LONG,
} from './message-length.ts'

export type RequestLimits = Pick<Limits, 'maxTargetBytes' | 'maxHeadBytes' | 'maxFields'>

const START = 0
const EMPTY_LINE = 1
const FIRST_BYTE = 2
const METHOD = 3
const FIRST_TARGET_BYTE = 4
const IN_TARGET = 5
const VERSION = 6
const FIELDS = 7
const COMPLETE = 8
const REFUSED = 9

/** Longer methods are answered with 501. From: reliability.md section 2. */
const MAX_METHOD_BYTES = 32
const VERSION_LINE_BYTES = 10 // HTTP/1.1 and CRLF

/**
 * The head of a request: what parseRequestHead read, and where it stands in it. One object serves one connection; `reset` makes it
 * ready for the next request. Nothing here is valid before parseRequestHead returned a positive number, except `error` after -1.
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

/**
 * Reads a request head (RFC 9112 sections 2 to 6 and reliability.md section 2, the stricter reading wherever there is a choice) from
 * `text`, a byte string, beginning at `from`.
 *
 * Returns the index behind the blank line; 0 if the head is incomplete and everything so far is fine; -1 if it is refused, with the
 * reason in `head.error`. After 0, call again with the same `from` and a text that begins with the one before: reading goes on where it
 * stopped. A fault is reported with the first byte that shows it, so nobody waits for a timeout. After any other result, `reset` first.
 */
export function parseRequestHead(
  head: RequestHead,
  text: string,
  from: number,
  limits: RequestLimits,
): number {
  const limit = from + limits.maxHeadBytes
  const bound = Math.min(text.length, limit)
  if (head.step >= COMPLETE) return head.step === COMPLETE ? head.end : -1
  const bytes = headBytes(text, from, bound)
  if (head.step < FIELDS) {
    if (head.step === START) head.at = from
    const outcome = scanRequestLine(head, text, bytes, bound, limits.maxTargetBytes)
    if (outcome !== 1) return outcome === 0 ? wantMore(head, bound, limit) : outcome
  }
  head.fields.text = text
  const end = scanFields(head.fields, bytes, bound, limits.maxFields)
  if (end > 0) {
    head.end = end
    head.step = COMPLETE
    return interpretFields(head, bytes) ? end : -1
  }
  if (end === 0) return wantMore(head, bound, limit)
  return refuse(head, end === TOO_MANY ? 'HEAD_TOO_LARGE' : 'BAD_REQUEST')
}

function wantMore(head: RequestHead, bound: number, limit: number): number {
  return bound === limit ? refuse(head, 'HEAD_TOO_LARGE') : 0
}

function refuse(head: RequestHead, error: ErrorCode): -1 {
  head.error = error
  head.step = REFUSED
  return -1
}

/** Returns 1 when the request line is read, 0 for more, -1 refused. */
function scanRequestLine(
  head: RequestHead,
  text: string,
  bytes: Uint8Array,
  bound: number,
  maxTargetBytes: number,
): 1 | 0 | -1 {
  let at = head.at
  let step = head.step
  if (step === START) {
    if (at === bound) return 0
    if (bytes[at] === CR) {
      at++
      step = EMPTY_LINE
    } else {
      step = FIRST_BYTE
    }
  }
  if (step === EMPTY_LINE) {
    // One empty line is ignored (RFC 9112 section 2.2); a second one fails as first byte.
    if (at === bound) return pause(head, step, at)
    if (bytes[at] !== LF) return refuse(head, 'BAD_REQUEST')
    at++
    step = FIRST_BYTE
  }
  if (step === FIRST_BYTE) {
    if (at === bound) return pause(head, step, at)
    head.methodStart = at
    if (!TOKEN[bytes[at] as number]) return refuse(head, 'BAD_REQUEST')
    step = METHOD
  }
  if (step === METHOD) {
    const start = head.methodStart
    const stop = Math.min(bound, start + MAX_METHOD_BYTES + 1)
    while (at < stop && TOKEN[bytes[at] as number]) at++
    if (at === stop) {
      if (at - start > MAX_METHOD_BYTES) return refuse(head, 'METHOD_NOT_IMPLEMENTED')
      return pause(head, step, at)
    }
    if (bytes[at] !== SP) return refuse(head, 'BAD_REQUEST')
    head.method = readMethod(text, bytes, start, at)
    // Never a tunnel, whatever the form of the target.
    if (head.method === 'CONNECT') return refuse(head, 'METHOD_NOT_IMPLEMENTED')
    at++
    step = FIRST_TARGET_BYTE
  }
  if (step === FIRST_TARGET_BYTE) {
    // A second SP between the parts would pass as an empty target; it is refused with every other byte that begins none.
    if (at === bound) return pause(head, step, at)
    head.targetStart = at
    if (TARGET[bytes[at] as number] !== 1) return refuse(head, 'BAD_TARGET')
    step = IN_TARGET
  }
  if (step === IN_TARGET) {
    const start = head.targetStart
    const stop = Math.min(bound, start + maxTargetBytes + 1)
    while (at < stop && TARGET[bytes[at] as number] === 1) at++
    if (at === stop) {
      if (at - start > maxTargetBytes) return refuse(head, 'TARGET_TOO_LONG')
      return pause(head, step, at)
    }
    if (bytes[at] !== SP) return refuse(head, 'BAD_TARGET')
    head.targetEnd = at
    if (!readTarget(head, text, bytes, start, at)) return refuse(head, 'BAD_TARGET')
    at++
    step = VERSION
  }
  const stop = Math.min(at + VERSION_LINE_BYTES, bound)
  if (!beginsVersionLine(bytes, at, stop)) return refuse(head, 'BAD_REQUEST')
  if (stop - at < VERSION_LINE_BYTES) return pause(head, VERSION, at)
  const minor = (bytes[at + 7] as number) - 0x30
  // 1.2 to 1.9 may be read as 1.1; nothing sends them, so they are refused like any other version.
  if (bytes[at + 5] !== 0x31 || minor > 1) return refuse(head, 'VERSION_NOT_SUPPORTED')
  head.minorVersion = minor === 0 ? 0 : 1
  head.step = FIELDS
  startFields(head.fields, stop)
  return 1
}

function pause(head: RequestHead, step: number, at: number): 0 {
  head.step = step
  head.at = at
  return 0
}

/** The common methods without a new string. Methods are case-sensitive. */
function readMethod(text: string, bytes: Uint8Array, start: number, end: number): string {
  switch (end - start) {
    case 3:
      if (bytesEqual(bytes, start, 'GET')) return 'GET'
      if (bytesEqual(bytes, start, 'PUT')) return 'PUT'
      break
    case 4:
      if (bytesEqual(bytes, start, 'POST')) return 'POST'
      if (bytesEqual(bytes, start, 'HEAD')) return 'HEAD'
      break
  }
  return text.slice(start, end)
}

function bytesEqual(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false
  }
  return true
}

/**
 * Splits the target by form: origin form as it is; `http://authority/…` gives origin form and authority; `*` only with OPTIONS.
 * False: none of these. `https` is another scheme for a listener that speaks http (RFC 9110 section 7.4: a misdirected request).
 */
function readTarget(head: RequestHead, text: string, bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] as number
  if (first === 0x2f) {
    head.target = text.slice(start, end)
    return true
  }
  if (first === 0x2a && end - start === 1) {
    head.target = '*'
    head.isAsterisk = true
    return head.method === 'OPTIONS'
  }
  if (end - start < 8 || !bytesEqualLower(bytes, start, 'http://')) return false
  const authority = start + 7
  const rest = hostEnd(bytes, authority, end)
  head.hostField = text.slice(authority, rest)
  const host = readHost(text, bytes, authority, rest)
  if (host === null) return false
  head.host = host
  head.hasAbsoluteTarget = true
  if (rest === end) {
    // RFC 9112 section 3.2.4: an OPTIONS without path and query asks about the server.
    head.isAsterisk = head.method === 'OPTIONS'
    head.target = head.isAsterisk ? '*' : '/'
  } else {
    const target = text.slice(rest, end)
    head.target = bytes[rest] === 0x2f ? target : `/${target}`
  }
  return true
}

/** Whether the bytes from `at` to `stop` are how `HTTP/d.d` CRLF begins. */
function beginsVersionLine(bytes: Uint8Array, at: number, stop: number): boolean {
  if (stop - at === VERSION_LINE_BYTES && bytesEqual(bytes, at, 'HTTP/1.1\r\n')) return true
  for (let i = at; i < stop; i++) {
    const code = bytes[i] as number
    switch (i - at) {
      case 5:
      case 7:
        if (code < 0x30 || code > 0x39) return false
        break
      case 8:
        if (code !== CR) return false
        break
      case 9:
        if (code !== LF) return false
        break
      default:
        if (code !== 'HTTP/0.'.charCodeAt(i - at)) return false
    }
  }
  return true
}

/** Reads what the fields say about host, framing and connection. False: refused, `head.error` is set. */
function interpretFields(head: RequestHead, bytes: Uint8Array): boolean {
  const fields = head.fields
  let hostLine = -1
  let lengthLine = -1
  let lengthLines = 0
  let codingLines = 0
  let expectLine = -1
  let expectLines = 0
  let hasTrailer = false
  let hasConnection = false
  let hasUpgrade = false
  for (let i = 0; i < fields.count; i++) {
    switch (fields.kind[i]) {
      case FIELD.OTHER:
        break
      case FIELD.HOST:
        if (hostLine >= 0) return refuseFields(head, 'BAD_HOST')
        hostLine = i
        break
      case FIELD.CONNECTION:
        hasConnection = true
        break
      case FIELD.CONTENT_LENGTH:
        lengthLine = i
        lengthLines++
        break
      case FIELD.TRANSFER_ENCODING:
        codingLines++
        break
      case FIELD.EXPECT:
        expectLine = i
        expectLines++
        break
      case FIELD.TE:
        if (listHas(fields.text, fields.valueStart[i] as number, fields.valueEnd[i] as number, 'trailers')) {
          head.teTrailers = true
        }
        break
      case FIELD.TRAILER:
        if (fields.valueEnd[i] !== fields.valueStart[i]) hasTrailer = true
        break
      case FIELD.UPGRADE:
        hasUpgrade = true
        break
    }
  }
  const error =
    readHostLine(head, bytes, hostLine) ??
    readFraming(head, lengthLine, lengthLines, codingLines) ??
    readExpectation(head, expectLine, expectLines)
  if (error !== null) return refuseFields(head, error)
  head.trailerAllowed = hasTrailer && head.chunked

  let options = 0
  if (hasConnection) {
    options = readConnection(fields)
    if (options < 0) return refuseFields(head, 'HEAD_TOO_LARGE')
  }
  if (head.minorVersion === 1) {
    head.keepAlive = (options & CONNECTION_CLOSE) === 0
    if (hasUpgrade && (options & CONNECTION_UPGRADE) !== 0) head.upgrade = readUpgrade(fields)
  } else {
    // A 1.0 client that sends a body without a length ends it by closing. Such a body is not read, so the connection cannot go on.
    head.keepAlive =
      (options & CONNECTION_KEEP_ALIVE) !== 0 &&
      (options & CONNECTION_CLOSE) === 0 &&
      (head.contentLength >= 0 || !usuallyHasBody(head.method))
  }
  return true
}

function refuseFields(head: RequestHead, error: ErrorCode): false {
  refuse(head, error)
  return false
}

function readHostLine(head: RequestHead, bytes: Uint8Array, line: number): ErrorCode | null {
  if (line < 0) return head.minorVersion === 1 ? 'BAD_HOST' : null
  const fields = head.fields
  const host = readHost(
    fields.text,
    bytes,
    fields.valueStart[line] as number,
    fields.valueEnd[line] as number,
  )
  if (host === null) return 'BAD_HOST'
  if (!head.hasAbsoluteTarget) {
    head.hostField = fields.value(line)
    head.host = host
  }
  return null
}

function readFraming(
  head: RequestHead,
  lengthLine: number,
  lengthLines: number,
  codingLines: number,
): ErrorCode | null {
  const fields = head.fields
  if (codingLines > 0) {
    if (lengthLines > 0 || head.minorVersion === 0) return 'BAD_LENGTH'
    const coding = readCoding(fields)
    if (coding === CODING_CHUNKED) {
      head.chunked = true
      return null
    }
    return coding === CODING_CHUNKED_AND_MORE ? 'BAD_LENGTH' : 'CODING_NOT_IMPLEMENTED'
  }
  if (lengthLines === 0) return null
  // Equal lines could be collapsed into one; no client sends them, so they are refused.
  if (lengthLines > 1) return 'BAD_LENGTH'
  const length = readLength(
    fields.text,
    fields.valueStart[lengthLine] as number,
    fields.valueEnd[lengthLine] as number,
  )
  if (length === TOO_LONG) return 'BODY_TOO_LARGE'
  if (length < 0) return 'BAD_LENGTH'
  head.contentLength = length
  return null
}

function readExpectation(head: RequestHead, line: number, lines: number): ErrorCode | null {
  if (lines === 0) return null
  const fields = head.fields
  const start = fields.valueStart[line] as number
  const isContinue =
    lines === 1 &&
    (fields.valueEnd[line] as number) - start === 12 &&
    equalsLower(fields.text, start, '100-continue')
  if (!isContinue) return 'EXPECTATION_FAILED'
  head.expectsContinue = head.minorVersion === 1 && (head.chunked || head.contentLength > 0)
  return null
}

function usuallyHasBody(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'DELETE':
    case 'OPTIONS':
    case 'TRACE':
      return false
    default:
      return true
  }
}
