/** What a client of TLS asks for in its first message (RFC 8446 section 4.1.2, RFC 6066 section 3), read without taking part in the handshake. */
export type ServerName =
  /** The message has not come whole. */
  | { readonly kind: 'more' }
  /** It is no TLS, or names nobody. */
  | { readonly kind: 'none' }
  /** It begins like TLS and is malformed. */
  | { readonly kind: 'bad' }
  | { readonly kind: 'name'; readonly name: string }

/** Longest ClientHello that is read, records' heads included. */
export const MAX_HELLO = 16_384

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const HOST_NAME = 0

const MORE: ServerName = { kind: 'more' }
const BAD: ServerName = { kind: 'bad' }
const NONE: ServerName = { kind: 'none' }

/** Reads the beginning of a connection, however it was cut into records and reads. */
export function readServerName(bytes: Buffer): ServerName {
  if (bytes.length === 0) return MORE
  if (bytes[0] !== HANDSHAKE) return NONE
  if (bytes.length >= 2 && bytes[1] !== 3) return NONE
  const message = joinRecords(bytes)
  if (message === null) return BAD
  if (message.length < 4) return bytes.length < MAX_HELLO ? MORE : BAD
  if (message[0] !== CLIENT_HELLO) return BAD
  const length = message.readUIntBE(1, 3)
  if (length > MAX_HELLO) return BAD
  if (message.length < 4 + length) return bytes.length < MAX_HELLO ? MORE : BAD
  return readHello(message.subarray(4, 4 + length))
}

/** The handshake's bytes of all records, the last one perhaps cut; null: a record is none of a handshake. */
function joinRecords(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE || (at + 1 < bytes.length && bytes[at + 1] !== 3)) {
      // what follows the message is not looked at
      return parts.length > 0 && isWhole(Buffer.concat(parts)) ? Buffer.concat(parts) : null
    }
    if (at + 5 > bytes.length) break
    const size = bytes.readUInt16BE(at + 3)
    if (size === 0 || size > 16_640) return null
    parts.push(bytes.subarray(at + 5, Math.min(at + 5 + size, bytes.length)))
    at += 5 + size
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

function isWhole(message: Buffer): boolean {
  return message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3)
}

function readHello(hello: Buffer): ServerName {
  // version and random; then session, ciphers and compressions, each with its length
  let at = 34
  if (hello.length < at + 1) return BAD
  at += 1 + (hello[at] as number)
  if (hello.length < at + 2) return BAD
  at += 2 + hello.readUInt16BE(at)
  if (hello.length < at + 1) return BAD
  at += 1 + (hello[at] as number)
  if (at === hello.length) return NONE
  if (hello.length < at + 2) return BAD
  const end = at + 2 + hello.readUInt16BE(at)
  if (end > hello.length) return BAD
  at += 2
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at)
    const size = hello.readUInt16BE(at + 2)
    at += 4
    if (at + size > end) return BAD
    if (type === SERVER_NAME) return readNames(hello, at, at + size)
    at += size
  }
  return at === end ? NONE : BAD
}

function readNames(hello: Buffer, from: number, to: number): ServerName {
  if (to - from < 2 || hello.readUInt16BE(from) !== to - from - 2) return BAD
  for (let at = from + 2; at + 3 <= to; ) {
    const size = hello.readUInt16BE(at + 1)
    if (at + 3 + size > to) return BAD
    if (hello[at] === HOST_NAME) {
      const name = hello.toString('latin1', at + 3, at + 3 + size).toLowerCase()
      return /^[a-z0-9._-]{1,253}$/.test(name) ? { kind: 'name', name: name.replace(/\.$/, '') } : BAD
    }
    at += 3 + size
  }
  return NONE
}
