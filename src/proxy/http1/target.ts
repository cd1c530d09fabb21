import { HEX } from './char-classes.ts'

/** Filled by resolveTarget. */
export interface ResolvedTarget {
  /**
   * The path that routes see: percent-decoded once, dot segments resolved, repeated slashes merged. `%2f`, `%5c` and `%3b` stay as
   * written, and so does a `%25` that decoding would turn into one of these: what reads `%2F` here was `%2F` on the wire.
   */
  path: string
  /** Raw text behind the first `?`; null without `?`. */
  query: string | null
}

const SLASH = 0x2f
const DOT = 0x2e
const PERCENT = 0x25
const BACKSLASH = 0x5c
const QUESTION = 0x3f

/**
 * Splits an origin-form target and resolves its path. False: the request is refused (BAD_TARGET): it does not begin with `/`, has a `%`
 * without two hexadecimal digits or a `%00` in its path, leaves the root, or hides a dot segment beside `%2f`, `\`, `%5c` or `;`, which
 * some servers read as the end of a segment. The query is not looked at: a lone `%` is common there and nothing decodes it blindly.
 * From: reliability.md section 2.
 */
export function resolveTarget(target: string, out: ResolvedTarget): boolean {
  const length = target.length
  if (length === 0 || target.charCodeAt(0) !== SLASH) return false
  let at = 1
  let previous = SLASH
  for (; at < length; at++) {
    const code = target.charCodeAt(at)
    if (code === QUESTION) break
    if (code === PERCENT || code === BACKSLASH) return resolveSlowly(target, out)
    if (previous === SLASH && (code === SLASH || code === DOT)) return resolveSlowly(target, out)
    previous = code
  }
  out.path = at === length ? target : target.slice(0, at)
  out.query = at === length ? null : target.slice(at + 1)
  return true
}

function resolveSlowly(target: string, out: ResolvedTarget): boolean {
  const question = target.indexOf('?')
  const end = question < 0 ? target.length : question
  const segments: string[] = []
  let endsOpen = false
  let at = 1
  while (at <= end) {
    let stop = target.indexOf('/', at)
    if (stop < 0 || stop > end) stop = end
    const segment = decodeSegment(target, at, stop)
    if (segment === null || hidesDots(segment)) return false
    endsOpen = true
    if (segment === '..') {
      if (segments.pop() === undefined) return false
    } else if (segment !== '.' && segment !== '') {
      segments.push(segment)
      endsOpen = false
    }
    at = stop + 1
  }
  const path = segments.join('/')
  out.path = path === '' ? '/' : endsOpen ? `/${path}/` : `/${path}`
  out.query = question < 0 ? null : target.slice(question + 1)
  return true
}

/** Decodes `text[start, end)`, a path segment; null for a bad `%` or a NUL. */
function decodeSegment(text: string, start: number, end: number): string | null {
  let out = ''
  let from = start
  let at = text.indexOf('%', start)
  while (at >= 0 && at < end) {
    const byte = readTriplet(text, at, end)
    if (byte <= 0) return null
    if (!staysEncoded(text, at, end, byte)) {
      out += text.slice(from, at) + String.fromCharCode(byte)
      from = at + 3
    }
    at = text.indexOf('%', at + 3)
  }
  return from === start ? text.slice(start, end) : out + text.slice(from, end)
}

/** The byte of the triplet `%XX` at `at`, or -1. */
function readTriplet(text: string, at: number, end: number): number {
  if (at + 3 > end) return -1
  const high = HEX[text.charCodeAt(at + 1)] as number
  const low = HEX[text.charCodeAt(at + 2)] as number
  return (high | low) > 15 ? -1 : high * 16 + low
}

function staysEncoded(text: string, at: number, end: number, byte: number): boolean {
  if (byte === SLASH || byte === BACKSLASH || byte === 0x3b) return true
  if (byte !== PERCENT) return false
  // Decoded it would be `%`. Does what follows, decoded, make that a kept triplet: any number of `25`, then 2F, 5C or 3B?
  let next = at + 3
  for (;;) {
    const first = decodedAt(text, next, end)
    if (first < 0) return false
    next += text.charCodeAt(next) === PERCENT ? 3 : 1
    const second = decodedAt(text, next, end)
    if (second < 0) return false
    next += text.charCodeAt(next) === PERCENT ? 3 : 1
    if (isKeptPair(first, second)) return true
    if (first !== 0x32 || second !== 0x35) return false
  }
}

/** The decoded byte at `at`, or -1 at the end and for what cannot be part of a triplet. */
function decodedAt(text: string, at: number, end: number): number {
  if (at >= end) return -1
  const code = text.charCodeAt(at)
  return code === PERCENT ? readTriplet(text, at, end) : code
}

/** Whether two characters are the digits of `%2F`, `%5C` or `%3B`. */
function isKeptPair(first: number, second: number): boolean {
  const low = second | 0x20
  return (
    (first === 0x32 && low === 0x66) || (first === 0x35 && low === 0x63) || (first === 0x33 && low === 0x62)
  )
}

/**
 * Whether a decoded segment holds `.` or `..` before or behind something that some servers take for the end of a segment: `\`, `%2f`,
 * `%5c`, or for the start of parameters: `;`, `%3b`.
 */
function hidesDots(segment: string): boolean {
  let dots = 0
  let isOnlyDots = true
  let isDivided = false
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i)
    let width = 0
    if (code === BACKSLASH || code === 0x3b) width = 1
    else if (code === PERCENT && isKeptPair(segment.charCodeAt(i + 1), segment.charCodeAt(i + 2))) width = 3
    if (width > 0) {
      if (isOnlyDots && (dots === 1 || dots === 2)) return true
      isDivided = true
      dots = 0
      isOnlyDots = true
      i += width - 1
    } else if (code === DOT) {
      dots++
    } else {
      isOnlyDots = false
    }
  }
  return isDivided && isOnlyDots && (dots === 1 || dots === 2)
}
