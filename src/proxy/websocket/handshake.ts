import { createHash } from 'node:crypto'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { RequestHead } from '../http1/request-head.ts'

/** RFC 6455 section 1.3. */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/

/** What is wrong with a client's WebSocket handshake (RFC 6455 section 4.2.1); null: nothing. */
export function checkHandshake(head: RequestHead): ErrorCode | null {
  if (head.method !== 'GET' || head.minorVersion !== 1) return 'BAD_UPGRADE'
  if (head.chunked || head.contentLength > 0) return 'BAD_UPGRADE'
  const key = head.fields.get('sec-websocket-key')
  if (key === undefined || !KEY.test(key)) return 'BAD_UPGRADE'
  return head.fields.get('sec-websocket-version') === '13' ? null : 'UPGRADE_VERSION'
}

/** What an endpoint that takes the handshake answers in Sec-WebSocket-Accept. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + MAGIC)
    .digest('base64')
}

/** Protocols that would change how the connection itself is read: never tunnelled, whatever a route allows. */
const NEVER = /^(?:h2c?|http|tls)(?:\/|$)/

/** Whether a route that allows `allowed` (lower-case names; `*` for any) lets a request change to `protocol`. */
export function allowsUpgrade(allowed: readonly string[], protocol: string): boolean {
  if (allowed.length === 0 || NEVER.test(protocol)) return false
  return allowed.includes(protocol) || allowed.includes('*')
}
