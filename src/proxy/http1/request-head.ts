import type { ErrorCode } from '../../model/error-codes.ts'
import type { Limits } from '../../model/settings.ts'
import { equalsLower } from './char-classes.ts'
import {
  CONNECTION_CLOSE,
  CONNECTION_KEEP_ALIVE,
  CONNECTION_UPGRADE,
  listHas,
  readConnection,
  readUpgrade,
} from './connection-options.ts'
import { scanFields, TOO_MANY } from './field-scanner.ts'
import { headBytes } from './head-bytes.ts'
import { FIELD } from './head-fields.ts'
import { readHost } from './host.ts'
import {
  CODING_CHUNKED,
  CODING_CHUNKED_AND_MORE,
  readCoding,
  readLength,
  TOO_LONG,
} from './message-length.ts'
import { scanRequestLine } from './request-line.ts'
import { COMPLETE, FIELDS, type RequestHead, refuse, START } from './request-state.ts'

export { RequestHead } from './request-state.ts'

export type RequestLimits = Pick<Limits, 'maxTargetBytes' | 'maxHeadBytes' | 'maxFields'>

/**
 * Reads a request head (RFC 9112 sections 2 to 6 and reliability.md section 2, the stricter reading wherever there is a choice) from
 * `text`, a byte string, beginning at `from`.
 *
 * Returns the index behind the blank line; 0 if the head is incomplete and everything so far is fine; -1 if it is refused, with the
 * reason in `head.error`. After 0, call again with the same `from` and a text that begins with the one before: reading goes on where it
 * stopped. A fault is reported with the first byte that shows it, so nobody waits for a timeout. After any other result, `reset` first.
 *
 * `buffer`: the bytes that `text` was made of, at the same indexes, where the caller has them; it is read during the call only and saves a
 * copy of the text.
 */
export function parseRequestHead(
  head: RequestHead,
  text: string,
  from: number,
  limits: RequestLimits,
  buffer: Uint8Array | null = null,
): number {
  const limit = from + limits.maxHeadBytes
  const bound = Math.min(text.length, limit)
  if (head.step >= COMPLETE) return head.step === COMPLETE ? head.end : -1
  const bytes = buffer === null ? headBytes(text, from, bound) : buffer
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

// Read from its own module with every use, an imported constant costs a load each time; these are this module's own (measured).
const { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, OTHER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE } = FIELD

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
      case OTHER:
        break
      case HOST:
        if (hostLine >= 0) return refuseFields(head, 'BAD_HOST')
        hostLine = i
        break
      case CONNECTION:
        hasConnection = true
        break
      case CONTENT_LENGTH:
        lengthLine = i
        lengthLines++
        break
      case TRANSFER_ENCODING:
        codingLines++
        break
      case EXPECT:
        expectLine = i
        expectLines++
        break
      case TE:
        if (listHas(fields.text, fields.valueStart[i] as number, fields.valueEnd[i] as number, 'trailers')) {
          head.teTrailers = true
        }
        break
      case TRAILER:
        if (fields.valueEnd[i] !== fields.valueStart[i]) hasTrailer = true
        break
      case UPGRADE:
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
