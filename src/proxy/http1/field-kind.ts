import { bytesEqualLower, DASH, equalsLower, UNDERSCORE } from './char-classes.ts'

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
  VIA: 20,
  COOKIE: 21,
  SERVER: 22,
  DATE: 23,
  X_REQUEST_ID: 24,
  NOMINATED: 25,
  SHADOW: 26,
  NOT_IN_TRAILER: 27,
} as const

/** Number of kinds: the size of a table indexed by kind. */
export const FIELD_KINDS = 28

/** The kind of a name, by its length first, so that an unknown name costs a comparison or two. Allocates nothing. */
export function classifyField(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return bytesEqualLower(bytes, start, 'te') ? FIELD.TE : FIELD.OTHER
    case 3:
      return bytesEqualLower(bytes, start, 'via') ? FIELD.VIA : FIELD.OTHER
    case 4:
      if (bytesEqualLower(bytes, start, 'host')) return FIELD.HOST
      return bytesEqualLower(bytes, start, 'date') ? FIELD.DATE : FIELD.OTHER
    case 6:
      if (bytesEqualLower(bytes, start, 'cookie')) return FIELD.COOKIE
      if (bytesEqualLower(bytes, start, 'server')) return FIELD.SERVER
      return bytesEqualLower(bytes, start, 'expect') ? FIELD.EXPECT : FIELD.OTHER
    case 7:
      if (bytesEqualLower(bytes, start, 'upgrade')) return FIELD.UPGRADE
      return bytesEqualLower(bytes, start, 'trailer') ? FIELD.TRAILER : FIELD.OTHER
    case 9:
      if (bytesEqualLower(bytes, start, 'x-real-ip')) return FIELD.X_REAL_IP
      return bytesEqualLower(bytes, start, 'forwarded') ? FIELD.FORWARDED : FIELD.OTHER
    case 10:
      if (bytesEqualLower(bytes, start, 'connection')) return FIELD.CONNECTION
      return bytesEqualLower(bytes, start, 'keep-alive') ? FIELD.KEEP_ALIVE : FIELD.OTHER
    case 12:
      return bytesEqualLower(bytes, start, 'x-request-id') ? FIELD.X_REQUEST_ID : FIELD.OTHER
    case 14:
      if (bytesEqualLower(bytes, start, 'content-length')) return FIELD.CONTENT_LENGTH
      return bytesEqualLower(bytes, start, 'http2-settings') ? FIELD.HTTP2_SETTINGS : FIELD.OTHER
    case 15:
      return bytesEqualLower(bytes, start, 'x-forwarded-for') ? FIELD.X_FORWARDED_FOR : FIELD.OTHER
    case 16:
      if (bytesEqualLower(bytes, start, 'x-forwarded-host')) return FIELD.X_FORWARDED_HOST
      if (bytesEqualLower(bytes, start, 'x-forwarded-port')) return FIELD.X_FORWARDED_PORT
      return bytesEqualLower(bytes, start, 'proxy-connection') ? FIELD.PROXY_CONNECTION : FIELD.OTHER
    case 17:
      if (bytesEqualLower(bytes, start, 'transfer-encoding')) return FIELD.TRANSFER_ENCODING
      return bytesEqualLower(bytes, start, 'x-forwarded-proto') ? FIELD.X_FORWARDED_PROTO : FIELD.OTHER
    case 18:
      return bytesEqualLower(bytes, start, 'proxy-authenticate') ? FIELD.PROXY_AUTHENTICATE : FIELD.OTHER
    case 19:
      return bytesEqualLower(bytes, start, 'proxy-authorization') ? FIELD.PROXY_AUTHORIZATION : FIELD.OTHER
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
  return name.length > 12 && bytesEqualLower(name, 0, 'x-forwarded-')
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
