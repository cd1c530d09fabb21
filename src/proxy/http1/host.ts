import { isIPv6 } from 'node:net'
import { HOST_NAME } from './char-classes.ts'

// Read from its own module with every use, an imported constant costs a load each time; these are this module's own (measured).
const HOST_BYTES = HOST_NAME

/**
 * The host of `text[start, end)` = `host[:port]`, lower case, without port and without a final dot; null if the text is anything else: empty, user
 * information, a list, an open bracket, a port that is empty or not 1-65535, two dots in a row, or a byte that no DNS name and no IP
 * literal holds. RFC 3986 would allow percent-encoding and `!$&'()*+;=` in a name; no client sends them and servers read them
 * differently, so they are refused. From: reliability.md section 2.
 */
export function readHost(text: string, bytes: Uint8Array, start: number, end: number): string | null {
  if (start === end) return null
  if (bytes[start] === 0x5b) return readBracketed(text.slice(start, end))
  let at = start
  let hasUpper = false
  let previous = 0
  for (; at < end; at++) {
    const code = bytes[at] as number
    if (HOST_BYTES[code] !== 1) break
    if (code === 0x2e && previous === 0x2e) return null
    if (code >= 0x41 && code <= 0x5a) hasUpper = true
    previous = code
  }
  if (at < end && !isPort(text, at, end)) return null
  const last = previous === 0x2e ? at - 1 : at
  if (last === start) return null
  const host = text.slice(start, last)
  return hasUpper ? host.toLowerCase() : host
}

function readBracketed(field: string): string | null {
  const close = field.indexOf(']')
  // The longest text form of an IPv6 address has 45 characters. Zone ids have no meaning to another machine.
  if (close < 3 || close > 46 || field.lastIndexOf('%', close) >= 0) return null
  if (!isIPv6(field.slice(1, close))) return null
  if (close + 1 < field.length && !isPort(field, close + 1, field.length)) return null
  return field.slice(0, close + 1).toLowerCase()
}

/** Whether the rest from `at` is `:` and a number from 1 to 65535, at most five digits. */
function isPort(text: string, at: number, end: number): boolean {
  const digits = end - at - 1
  if (text.charCodeAt(at) !== 0x3a || digits < 1 || digits > 5) return false
  let port = 0
  for (let i = at + 1; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port >= 1 && port <= 65_535
}

/** Where the authority that starts at `start` ends: at the first `/` or `?`, or at `end`. */
export function hostEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const code = bytes[at]
    if (code === 0x2f || code === 0x3f) break
    at++
  }
  return at
}
