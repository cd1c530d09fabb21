import { asciiBytes, bytesEqual, bytesEqualLower, CR, LF, SP, TARGET, TOKEN } from './char-classes.ts'
import { startFields } from './field-scanner.ts'
import { hostEnd, readHost } from './host.ts'
import {
  EMPTY_LINE,
  FIELDS,
  FIRST_BYTE,
  FIRST_TARGET_BYTE,
  IN_TARGET,
  METHOD,
  type RequestHead,
  refuse,
  START,
  VERSION,
} from './request-state.ts'

// Read from its own module with every use, an imported constant costs a load each time; these are this module's own (measured).
const TOKENS = TOKEN
const TARGETS = TARGET
const CR_BYTE = CR
const LF_BYTE = LF
const SP_BYTE = SP

/** Longer methods are answered with 501. From: reliability.md section 2. */
const MAX_METHOD_BYTES = 32
const VERSION_LINE_BYTES = 10 // HTTP/1.1 and CRLF

const GET = asciiBytes('GET')
const PUT = asciiBytes('PUT')
const POST = asciiBytes('POST')
const HEAD = asciiBytes('HEAD')
const HTTP_1_1 = asciiBytes('HTTP/1.1\r\n')
const HTTP_SCHEME = asciiBytes('http://')

/** Returns 1 when the request line is read, 0 for more, -1 refused. */
export function scanRequestLine(
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
    if (bytes[at] === CR_BYTE) {
      at++
      step = EMPTY_LINE
    } else {
      step = FIRST_BYTE
    }
  }
  if (step === EMPTY_LINE) {
    // One empty line is ignored (RFC 9112 section 2.2); a second one fails as first byte.
    if (at === bound) return pause(head, step, at)
    if (bytes[at] !== LF_BYTE) return refuse(head, 'BAD_REQUEST')
    at++
    step = FIRST_BYTE
  }
  if (step === FIRST_BYTE) {
    if (at === bound) return pause(head, step, at)
    head.methodStart = at
    if (!TOKENS[bytes[at] as number]) return refuse(head, 'BAD_REQUEST')
    step = METHOD
  }
  if (step === METHOD) {
    const start = head.methodStart
    const stop = Math.min(bound, start + MAX_METHOD_BYTES + 1)
    while (at < stop && TOKENS[bytes[at] as number]) at++
    if (at === stop) {
      if (at - start > MAX_METHOD_BYTES) return refuse(head, 'METHOD_NOT_IMPLEMENTED')
      return pause(head, step, at)
    }
    if (bytes[at] !== SP_BYTE) return refuse(head, 'BAD_REQUEST')
    head.method = readMethod(text, bytes, start, at)
    // Never a tunnel, whatever the form of the target.
    if (head.method === 'CONNECT') return refuse(head, 'METHOD_NOT_IMPLEMENTED')
    at++
    step = FIRST_TARGET_BYTE
  }
  if (step === FIRST_TARGET_BYTE) {
    // A second SP_BYTE between the parts would pass as an empty target; it is refused with every other byte that begins none.
    if (at === bound) return pause(head, step, at)
    head.targetStart = at
    if (TARGETS[bytes[at] as number] !== 1) return refuse(head, 'BAD_TARGET')
    step = IN_TARGET
  }
  if (step === IN_TARGET) {
    const start = head.targetStart
    const stop = Math.min(bound, start + maxTargetBytes + 1)
    while (at < stop && TARGETS[bytes[at] as number] === 1) at++
    if (at === stop) {
      if (at - start > maxTargetBytes) return refuse(head, 'TARGET_TOO_LONG')
      return pause(head, step, at)
    }
    if (bytes[at] !== SP_BYTE) return refuse(head, 'BAD_TARGET')
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
      if (bytesEqual(bytes, start, GET)) return 'GET'
      if (bytesEqual(bytes, start, PUT)) return 'PUT'
      break
    case 4:
      if (bytesEqual(bytes, start, POST)) return 'POST'
      if (bytesEqual(bytes, start, HEAD)) return 'HEAD'
      break
  }
  return text.slice(start, end)
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
  if (end - start < 8 || !bytesEqualLower(bytes, start, HTTP_SCHEME)) return false
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
  if (stop - at === VERSION_LINE_BYTES && bytesEqual(bytes, at, HTTP_1_1)) return true
  for (let i = at; i < stop; i++) {
    const code = bytes[i] as number
    switch (i - at) {
      case 5:
      case 7:
        if (code < 0x30 || code > 0x39) return false
        break
      case 8:
        if (code !== CR_BYTE) return false
        break
      case 9:
        if (code !== LF_BYTE) return false
        break
      default:
        if (code !== 'HTTP/0.'.charCodeAt(i - at)) return false
    }
  }
  return true
}
