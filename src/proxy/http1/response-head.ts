import type { ErrorCode } from '../../model/error-codes.ts'
import type { Limits } from '../../model/settings.ts'
import { CR, LF, SP, VALUE } from './char-classes.ts'
import {
  CONNECTION_CLOSE,
  CONNECTION_KEEP_ALIVE,
  CONNECTION_UPGRADE,
  readConnection,
  readUpgrade,
} from './connection-options.ts'
import { scanFields, startFields } from './field-scanner.ts'
import { headBytes } from './head-bytes.ts'
import { FIELD, HeadFields } from './head-fields.ts'
import { CODING_CHUNKED, readCoding, readLength } from './message-length.ts'

// Read from its own module with every use, an imported constant costs a load each time; these are this module's own (measured).
const VALUES = VALUE
const CR_BYTE = CR
const LF_BYTE = LF
const SP_BYTE = SP
const { CONNECTION, CONTENT_LENGTH, OTHER, TRANSFER_ENCODING, UPGRADE } = FIELD

export type ResponseLimits = Pick<Limits, 'maxResponseHeadBytes' | 'maxResponseFields'>

/** How the body behind an answer's head ends. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'untilClose'

const VERSION_AND_STATUS = 0
const BEHIND_STATUS = 1
const IN_REASON = 2
const LINE_FEED = 3
const FIELDS = 4
const COMPLETE = 5
const REFUSED = 6

const STATUS_END = 12 // `HTTP/1.1 200`

/** The head of an answer, as RequestHead is that of a request: one object per upstream connection, `reset` before the next head. */
export class ResponseHead {
  readonly fields: HeadFields
  /** 100-599. */
  status = 0
  /** May be empty. A byte string. */
  reason = ''
  minorVersion: 0 | 1 = 1
  /** -1 without Content-Length; then `bodyKind` says how the body ends. */
  contentLength = -1
  chunked = false
  /** Whether the endpoint keeps the connection, as far as its head says. A body that ends by closing excludes it anyway. */
  keepAlive = true
  /** The one protocol of Upgrade, lower case, if Connection names Upgrade; else null. */
  upgrade: string | null = null
  readonly error: ErrorCode = 'UPSTREAM_BAD_ANSWER'
  /** Index behind the blank line; 0 before. */
  end = 0

  // Where parseResponseHead goes on when more text is there.
  step = VERSION_AND_STATUS
  at = 0
  start = 0

  /** `maxFields`: capacity for field lines (limit `maxResponseFields`). */
  constructor(maxFields: number) {
    this.fields = new HeadFields(maxFields)
  }

  reset(): void {
    this.fields.reset()
    this.status = 0
    this.reason = ''
    this.minorVersion = 1
    this.contentLength = -1
    this.chunked = false
    this.keepAlive = true
    this.upgrade = null
    this.end = 0
    this.step = VERSION_AND_STATUS
    this.at = 0
  }

  /** The same head once more, for whoever keeps it longer than the connection does. */
  copy(): ResponseHead {
    const copy = new ResponseHead(this.fields.count)
    copy.fields.copyFrom(this.fields)
    copy.status = this.status
    copy.reason = this.reason
    copy.minorVersion = this.minorVersion
    copy.contentLength = this.contentLength
    copy.chunked = this.chunked
    copy.keepAlive = this.keepAlive
    copy.upgrade = this.upgrade
    copy.end = this.end
    copy.step = this.step
    return copy
  }

  /** How the body of this answer to a request with `method` ends (RFC 9112 section 6.3). */
  bodyKind(method: string): BodyKind {
    const status = this.status
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none'
    if (this.chunked) return 'chunked'
    return this.contentLength >= 0 ? 'length' : 'untilClose'
  }
}

/**
 * Reads an answer's head (RFC 9112 section 4; reliability.md section 3 "To a client") from `text` at `from`. The results are those of
 * parseRequestHead: index behind the blank line, 0 for more, -1 for an answer that is not relayed (UPSTREAM_BAD_ANSWER). `buffer` as there.
 */
export function parseResponseHead(
  head: ResponseHead,
  text: string,
  from: number,
  limits: ResponseLimits,
  buffer: Uint8Array | null = null,
): number {
  const limit = from + limits.maxResponseHeadBytes
  const bound = Math.min(text.length, limit)
  if (head.step >= COMPLETE) return head.step === COMPLETE ? head.end : -1
  const bytes = buffer === null ? headBytes(text, from, bound) : buffer
  if (head.step < FIELDS) {
    const outcome = scanStatusLine(head, text, bytes, from, bound)
    if (outcome < 0) return refuse(head)
    if (outcome === 0) return bound === limit ? refuse(head) : 0
  }
  head.fields.text = text
  const end = scanFields(head.fields, bytes, bound, limits.maxResponseFields)
  if (end > 0) {
    if (!interpretFields(head)) return refuse(head)
    head.step = COMPLETE
    head.end = end
    return end
  }
  return end < 0 || bound === limit ? refuse(head) : 0
}

function refuse(head: ResponseHead): -1 {
  head.step = REFUSED
  return -1
}

/** Returns 1 when the status line is read, 0 for more, -1 refused. */
function scanStatusLine(
  head: ResponseHead,
  text: string,
  bytes: Uint8Array,
  from: number,
  bound: number,
): 1 | 0 | -1 {
  if (head.step === VERSION_AND_STATUS) {
    const stop = Math.min(bound, from + STATUS_END)
    // At most twelve bytes: looking at them again with each piece is cheaper than keeping a place.
    if (!beginsStatus(bytes, from, stop)) return -1
    if (stop - from < STATUS_END) return 0
    head.minorVersion = bytes[from + 7] === 0x30 ? 0 : 1
    head.status = digit(bytes, from + 9) * 100 + digit(bytes, from + 10) * 10 + digit(bytes, from + 11)
    head.at = stop
    head.step = BEHIND_STATUS
  }
  let at = head.at
  if (head.step === BEHIND_STATUS) {
    if (at === bound) return 0
    // The SP_BYTE behind the status is required, also before an empty reason. Old servers leave it out, and nobody reads that differently.
    const code = bytes[at] as number
    if (code === SP_BYTE) {
      head.start = at + 1
      head.step = IN_REASON
    } else if (code === CR_BYTE) {
      head.step = LINE_FEED
    } else {
      return -1
    }
    at++
  }
  if (head.step === IN_REASON) {
    while (at < bound && VALUES[bytes[at] as number] === 1) at++
    head.at = at
    if (at === bound) return 0
    if (bytes[at] !== CR_BYTE) return -1
    head.reason = text.slice(head.start, at)
    at++
    head.step = LINE_FEED
  }
  head.at = at
  if (at === bound) return 0
  if (bytes[at] !== LF_BYTE) return -1
  startFields(head.fields, at + 1)
  head.step = FIELDS
  return 1
}

/** Whether `text[from, stop)` is how `HTTP/1.d ddd` begins: version 1.0 or 1.1, status 100-599. */
function beginsStatus(bytes: Uint8Array, from: number, stop: number): boolean {
  for (let i = from; i < stop; i++) {
    const code = bytes[i] as number
    switch (i - from) {
      case 7:
        if (code !== 0x30 && code !== 0x31) return false
        break
      case 9:
        if (code < 0x31 || code > 0x35) return false
        break
      case 10:
      case 11:
        if (code < 0x30 || code > 0x39) return false
        break
      default:
        if (code !== 'HTTP/1.1 '.charCodeAt(i - from)) return false
    }
  }
  return true
}

function digit(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) - 0x30
}

/** Reads what the fields say about framing and connection. False: refused. */
function interpretFields(head: ResponseHead): boolean {
  const fields = head.fields
  let hasCoding = false
  let hasConnection = false
  let hasUpgrade = false
  for (let i = 0; i < fields.count; i++) {
    switch (fields.kind[i]) {
      case OTHER:
        break
      case CONTENT_LENGTH: {
        const length = readLength(fields.text, fields.valueStart[i] as number, fields.valueEnd[i] as number)
        // Equal lines are collapsed, as the gateway writes its own; different ones are refused.
        if (length < 0 || (head.contentLength >= 0 && head.contentLength !== length)) return false
        head.contentLength = length
        break
      }
      case TRANSFER_ENCODING:
        hasCoding = true
        break
      case CONNECTION:
        hasConnection = true
        break
      case UPGRADE:
        hasUpgrade = true
        break
    }
  }
  if (hasCoding) {
    if (readCoding(fields) !== CODING_CHUNKED) return false
    // With a length beside it, or from a 1.0 server, two readers could disagree where the body ends.
    if (head.contentLength >= 0 || head.minorVersion === 0) return false
    head.chunked = true
  }
  const options = hasConnection ? readConnection(fields) : 0
  if (options < 0) return false
  head.keepAlive =
    (options & CONNECTION_CLOSE) === 0 && (head.minorVersion === 1 || (options & CONNECTION_KEEP_ALIVE) !== 0)
  if (hasUpgrade && (options & CONNECTION_UPGRADE) !== 0) head.upgrade = readUpgrade(fields)
  return true
}
