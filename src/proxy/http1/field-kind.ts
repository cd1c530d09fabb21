import { asciiBytes, bytesEqualLower, DASH, equalsLower, UNDERSCORE } from './char-classes.ts'

/**
 * The fields that the gateway itself acts on; everything else is OTHER and passes untouched. Names in a Connection field become
 * NOMINATED, look-alikes with `_` SHADOW, and what may not stand in a trailer section NOT_IN_TRAILER: all three are never forwarded.
 */
export const FIELD = {
  OTHER: 0,
  HOST: 1,
  CONNECTION: 2,
  CONTENT_LENGTH: 3,
  TRANSFER_ENCODING: 4,
  KEEP_ALIVE: 5,
  PROXY_CONNECTION: 6,
  PROXY_AUTHORIZATION: 7,
  PROXY_AUTHENTICATE: 8,
  TE: 9,
  TRAILER: 10,
  UPGRADE: 11,
  HTTP2_SETTINGS: 12,
  EXPECT: 13,
  FORWARDED: 14,
  X_FORWARDED_FOR: 15,
  X_FORWARDED_PROTO: 16,
  X_FORWARDED_HOST: 17,
  X_FORWARDED_PORT: 18,
  X_REAL_IP: 19,
  TRACEPARENT: 20,
  TRACESTATE: 21,
  VIA: 22,
  COOKIE: 23,
  SERVER: 24,
  DATE: 25,
  X_REQUEST_ID: 26,
  NOMINATED: 27,
  SHADOW: 28,
  NOT_IN_TRAILER: 29,
} as const

/** Number of kinds: the size of a table indexed by kind. */
export const FIELD_KINDS = 30

/** Names as bytes: comparing with a constant text costs three times as much. */
const NAME = {
  TE: asciiBytes('te'),
  VIA: asciiBytes('via'),
  HOST: asciiBytes('host'),
  DATE: asciiBytes('date'),
  COOKIE: asciiBytes('cookie'),
  SERVER: asciiBytes('server'),
  EXPECT: asciiBytes('expect'),
  UPGRADE: asciiBytes('upgrade'),
  TRAILER: asciiBytes('trailer'),
  X_REAL_IP: asciiBytes('x-real-ip'),
  FORWARDED: asciiBytes('forwarded'),
  CONNECTION: asciiBytes('connection'),
  KEEP_ALIVE: asciiBytes('keep-alive'),
  TRACESTATE: asciiBytes('tracestate'),
  TRACEPARENT: asciiBytes('traceparent'),
  X_REQUEST_ID: asciiBytes('x-request-id'),
  CONTENT_LENGTH: asciiBytes('content-length'),
  HTTP2_SETTINGS: asciiBytes('http2-settings'),
  X_FORWARDED_FOR: asciiBytes('x-forwarded-for'),
  X_FORWARDED_HOST: asciiBytes('x-forwarded-host'),
  X_FORWARDED_PORT: asciiBytes('x-forwarded-port'),
  PROXY_CONNECTION: asciiBytes('proxy-connection'),
  TRANSFER_ENCODING: asciiBytes('transfer-encoding'),
  X_FORWARDED_PROTO: asciiBytes('x-forwarded-proto'),
  PROXY_AUTHENTICATE: asciiBytes('proxy-authenticate'),
  PROXY_AUTHORIZATION: asciiBytes('proxy-authorization'),
}
const X_FORWARDED = asciiBytes('x-forwarded-')

/** Per length, the first letters that names of a known kind have, a bit each: most names are none and cost no comparison. */
const FIRST_LETTERS = new Int32Array(32)
for (const name of Object.values(NAME)) {
  const length = name.length
  FIRST_LETTERS[length] = (FIRST_LETTERS[length] as number) | (1 << ((name[0] as number) & 31))
}

/** Whether a name of this length that begins with this byte may be of a kind other than OTHER. */
export function mayBeKnown(length: number, first: number): boolean {
  return length < 32 && ((FIRST_LETTERS[length] as number) & (1 << (first & 31))) !== 0
}

/** The kind of a name, by its length first, so that an unknown name costs a comparison or two. Allocates nothing. */
export function classifyField(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return bytesEqualLower(bytes, start, NAME.TE) ? FIELD.TE : FIELD.OTHER
    case 3:
      return bytesEqualLower(bytes, start, NAME.VIA) ? FIELD.VIA : FIELD.OTHER
    case 4:
      if (bytesEqualLower(bytes, start, NAME.HOST)) return FIELD.HOST
      return bytesEqualLower(bytes, start, NAME.DATE) ? FIELD.DATE : FIELD.OTHER
    case 6:
      if (bytesEqualLower(bytes, start, NAME.SERVER)) return FIELD.SERVER
      if (bytesEqualLower(bytes, start, NAME.COOKIE)) return FIELD.COOKIE
      return bytesEqualLower(bytes, start, NAME.EXPECT) ? FIELD.EXPECT : FIELD.OTHER
    case 7:
      if (bytesEqualLower(bytes, start, NAME.UPGRADE)) return FIELD.UPGRADE
      return bytesEqualLower(bytes, start, NAME.TRAILER) ? FIELD.TRAILER : FIELD.OTHER
    case 9:
      if (bytesEqualLower(bytes, start, NAME.X_REAL_IP)) return FIELD.X_REAL_IP
      return bytesEqualLower(bytes, start, NAME.FORWARDED) ? FIELD.FORWARDED : FIELD.OTHER
    case 10:
      if (bytesEqualLower(bytes, start, NAME.CONNECTION)) return FIELD.CONNECTION
      if (bytesEqualLower(bytes, start, NAME.KEEP_ALIVE)) return FIELD.KEEP_ALIVE
      return bytesEqualLower(bytes, start, NAME.TRACESTATE) ? FIELD.TRACESTATE : FIELD.OTHER
    case 11:
      return bytesEqualLower(bytes, start, NAME.TRACEPARENT) ? FIELD.TRACEPARENT : FIELD.OTHER
    case 12:
      return bytesEqualLower(bytes, start, NAME.X_REQUEST_ID) ? FIELD.X_REQUEST_ID : FIELD.OTHER
    case 14:
      if (bytesEqualLower(bytes, start, NAME.CONTENT_LENGTH)) return FIELD.CONTENT_LENGTH
      return bytesEqualLower(bytes, start, NAME.HTTP2_SETTINGS) ? FIELD.HTTP2_SETTINGS : FIELD.OTHER
    case 15:
      return bytesEqualLower(bytes, start, NAME.X_FORWARDED_FOR) ? FIELD.X_FORWARDED_FOR : FIELD.OTHER
    case 16:
      if (bytesEqualLower(bytes, start, NAME.X_FORWARDED_HOST)) return FIELD.X_FORWARDED_HOST
      if (bytesEqualLower(bytes, start, NAME.X_FORWARDED_PORT)) return FIELD.X_FORWARDED_PORT
      return bytesEqualLower(bytes, start, NAME.PROXY_CONNECTION) ? FIELD.PROXY_CONNECTION : FIELD.OTHER
    case 17:
      if (bytesEqualLower(bytes, start, NAME.TRANSFER_ENCODING)) return FIELD.TRANSFER_ENCODING
      return bytesEqualLower(bytes, start, NAME.X_FORWARDED_PROTO) ? FIELD.X_FORWARDED_PROTO : FIELD.OTHER
    case 18:
      return bytesEqualLower(bytes, start, NAME.PROXY_AUTHENTICATE) ? FIELD.PROXY_AUTHENTICATE : FIELD.OTHER
    case 19:
      return bytesEqualLower(bytes, start, NAME.PROXY_AUTHORIZATION) ? FIELD.PROXY_AUTHORIZATION : FIELD.OTHER
    default:
      return FIELD.OTHER
  }
}

/**
 * The kind of a name that holds `_`: SHADOW where a server that reads `_` as `-` (CGI does) would take it for a framing, Host,
 * hop-by-hop or forwarding field, else OTHER. From: reliability.md section 2.
 */
export function classifyUnderscored(bytes: Uint8Array, start: number, end: number): number {
  const dashed = bytes.slice(start, end)
  for (let i = 0; i < dashed.length; i++) {
    if (dashed[i] === UNDERSCORE) dashed[i] = DASH
  }
  const kind = classifyField(dashed, 0, dashed.length)
  if (kind === FIELD.OTHER) return isForwarded(dashed) ? FIELD.SHADOW : FIELD.OTHER
  return kind === FIELD.X_REQUEST_ID ? FIELD.OTHER : FIELD.SHADOW
}

/** Whether a name begins with `X-Forwarded-`, the known ones and any other. */
export function isForwardedName(text: string, start: number, end: number): boolean {
  return end - start > 12 && equalsLower(text, start, 'x-forwarded-')
}

function isForwarded(name: Uint8Array): boolean {
  return name.length > 12 && bytesEqualLower(name, 0, X_FORWARDED)
}

/**
 * Whether naming a field of this kind in Connection has no effect on it: Host, framing and X-Forwarded-* (reliability.md section 3), and
 * fields that are hop-by-hop anyway and whose kind is still needed.
 */
export function isProtectedFromNomination(kind: number): boolean {
  switch (kind) {
    case FIELD.HOST:
    case FIELD.CONNECTION:
    case FIELD.CONTENT_LENGTH:
    case FIELD.TRANSFER_ENCODING:
    case FIELD.KEEP_ALIVE:
    case FIELD.PROXY_CONNECTION:
    case FIELD.PROXY_AUTHORIZATION:
    case FIELD.TE:
    case FIELD.TRAILER:
    case FIELD.UPGRADE:
    case FIELD.HTTP2_SETTINGS:
    case FIELD.EXPECT:
    case FIELD.X_FORWARDED_FOR:
    case FIELD.X_FORWARDED_PROTO:
    case FIELD.X_FORWARDED_HOST:
    case FIELD.X_FORWARDED_PORT:
    case FIELD.SHADOW:
      return true
    default:
      return false
  }
}

const NOT_IN_TRAILER = new Set([
  'authorization',
  'www-authenticate',
  'authentication-info',
  'proxy-authentication-info',
  'set-cookie',
  'content-encoding',
  'content-type',
  'content-range',
  'cache-control',
  'max-forwards',
  'pragma',
  'range',
  'age',
  'expires',
  'location',
  'retry-after',
  'vary',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
])

/**
 * Whether a field has no place in a trailer section: framing, routing, authentication, forwarding, and what changes how the message is
 * read (RFC 9110 section 6.5.1). `kind` is the one its name gave.
 */
export function isForbiddenInTrailer(lowerName: string, kind: number): boolean {
  if (kind === FIELD.OTHER) return NOT_IN_TRAILER.has(lowerName) || lowerName.startsWith('x-forwarded-')
  return kind !== FIELD.X_REQUEST_ID
}

/** Names that were asked for lately; clients choose them, so there is an end to it. */
const trailerNames = new Map<string, boolean>()
const MAX_TRAILER_NAMES = 1000

/** Whether a field of that name (lower case) may be forwarded in a trailer section. */
export function mayStandInTrailer(name: string): boolean {
  const known = trailerNames.get(name)
  if (known !== undefined) return known
  const bytes = asciiBytes(name)
  const kind = name.includes('_')
    ? classifyUnderscored(bytes, 0, bytes.length)
    : classifyField(bytes, 0, bytes.length)
  const isAllowed = kind !== FIELD.SHADOW && !isForbiddenInTrailer(name, kind)
  if (trailerNames.size >= MAX_TRAILER_NAMES) trailerNames.clear()
  trailerNames.set(name, isAllowed)
  return isAllowed
}
