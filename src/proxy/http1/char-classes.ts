/**
 * Character classes of HTTP/1.1 (RFC 9110 section 5.5 and 5.6, RFC 9112 section 3) as tables with one entry per byte. Texts on the data
 * plane are byte strings, so every code is 0-255; a code beyond reads `undefined` and belongs to no class.
 */

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COLON = 0x3a
export const COMMA = 0x2c
export const DASH = 0x2d
export const SEMICOLON = 0x3b
export const UNDERSCORE = 0x5f

/** 1 for a token character, 3 for `_` (also a token character: the second bit lets a scan notice it for free), else 0. */
export const TOKEN = new Uint8Array(256)
/** 1 for what a field value may hold: TAB, SP to `~`, and bytes from 0x80, which pass unchanged. */
export const VALUE = new Uint8Array(256)
/** 1 for what a request target may hold: `!` to `~` without `#`. */
export const TARGET = new Uint8Array(256)
/** 1 for what a host name or IPv4 address may hold: letters, digits, `-`, `.`, `_`, `~`. */
export const HOST_NAME = new Uint8Array(256)
/** Value of a hexadecimal digit, 255 for anything else. */
export const HEX = new Uint8Array(256).fill(255)
/** The byte itself, ASCII letters in lower case. */
export const LOWER = new Uint8Array(256)

for (let code = 0; code < 256; code++) {
  const isDigit = code >= 0x30 && code <= 0x39
  const isUpper = code >= 0x41 && code <= 0x5a
  const isLower = code >= 0x61 && code <= 0x7a
  LOWER[code] = isUpper ? code + 32 : code
  if (isDigit || isUpper || isLower) {
    TOKEN[code] = 1
    HOST_NAME[code] = 1
  }
  if (code === TAB || (code >= 0x20 && code !== 0x7f)) VALUE[code] = 1
  if (code > 0x20 && code < 0x7f && code !== 0x23) TARGET[code] = 1
  if (isDigit) HEX[code] = code - 0x30
}
for (const char of "!#$%&'*+-.^`|~") TOKEN[char.charCodeAt(0)] = 1
TOKEN[UNDERSCORE] = 3
for (const char of '-._~') HOST_NAME[char.charCodeAt(0)] = 1
for (let i = 0; i < 6; i++) {
  HEX[0x41 + i] = 10 + i
  HEX[0x61 + i] = 10 + i
}

/** Whether `text` from `start` reads as `lower` (lower case), ignoring ASCII case. The caller has compared the lengths. */
export function equalsLower(text: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (LOWER[text.charCodeAt(start + i)] !== lower.charCodeAt(i)) return false
  }
  return true
}

/** The bytes of an ASCII text, for the comparisons below. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/** Whether the bytes from `start` are those of `lower` (lower case), ignoring ASCII case. The caller has compared the lengths. */
export function bytesEqualLower(bytes: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (LOWER[bytes[start + i] as number] !== lower[i]) return false
  }
  return true
}

/** Whether the bytes from `start` are exactly those of `expected`. */
export function bytesEqual(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (bytes[start + i] !== expected[i]) return false
  }
  return true
}

/** Whether `text[start, end)` is a token: at least one character, all of the class. */
export function isToken(text: string, start: number, end: number): boolean {
  if (start >= end) return false
  for (let i = start; i < end; i++) {
    if (!TOKEN[text.charCodeAt(i)]) return false
  }
  return true
}
