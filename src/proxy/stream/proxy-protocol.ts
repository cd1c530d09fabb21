import { isIPv4, isIPv6 } from 'node:net'
import { plainAddress } from '../forwarded.ts'

/** The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: who a connection is from, told before its first byte. */

export interface ProxyPeer {
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** There is more to come. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: string }
  | {
      readonly kind: 'header'
      /** Bytes of the header. */
      readonly length: number
      /** null: the sender does not say (LOCAL, UNKNOWN, another family): the connection's own peer counts. */
      readonly client: ProxyPeer | null
      readonly server: ProxyPeer | null
      /** The name that the client asked for in TLS; null: it is not told. */
      readonly serverName: string | null
    }

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const MAX_LINE = 107
/** Of what follows the first 16 bytes of version 2. */
const MAX_BODY = 4096
const AUTHORITY = 0x02

/** Reads the header at the beginning of `bytes`. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const begun = Math.min(bytes.length, SIGNATURE.length)
  if (begun > 0 && bytes.compare(SIGNATURE, 0, begun, 0, begun) === 0)
    return begun < SIGNATURE.length ? MORE : readBinary(bytes)
  const start = 'PROXY '
  if (bytes.toString('latin1', 0, Math.min(bytes.length, start.length)) !== start.slice(0, bytes.length))
    return { kind: 'bad', reason: 'it does not begin with a PROXY protocol header' }
  const end = bytes.indexOf('\r\n')
  if (end < 0)
    return bytes.length < MAX_LINE
      ? MORE
      : { kind: 'bad', reason: `its line is longer than ${MAX_LINE} bytes` }
  if (end + 2 > MAX_LINE) return { kind: 'bad', reason: `its line is longer than ${MAX_LINE} bytes` }
  return readLine(bytes.toString('latin1', 0, end), end + 2)
}

const MORE: ProxyHeader = { kind: 'more' }

function readLine(line: string, length: number): ProxyHeader {
  const parts = line.split(' ')
  const family = parts[1]
  if (family === 'UNKNOWN') return { kind: 'header', length, client: null, server: null, serverName: null }
  const [, , from = '', to = '', fromPort = '', toPort = ''] = parts
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : null
  if (
    isAddress === null ||
    parts.length !== 6 ||
    !isAddress(from) ||
    !isAddress(to) ||
    !isPort(fromPort) ||
    !isPort(toPort)
  )
    return { kind: 'bad', reason: 'its line is malformed' }
  return {
    kind: 'header',
    length,
    client: { address: plainAddress(from), port: Number(fromPort) },
    server: { address: plainAddress(to), port: Number(toPort) },
    serverName: null,
  }
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return MORE
  const version = bytes[12] as number
  if (version >> 4 !== 2 || (version & 15) > 1)
    return { kind: 'bad', reason: 'its version or command is unknown' }
  const size = bytes.readUInt16BE(14)
  if (size > MAX_BODY) return { kind: 'bad', reason: `it is longer than ${MAX_BODY} bytes` }
  const length = 16 + size
  if (bytes.length < length) return MORE
  const family = bytes[13] as number
  const addresses = family === 0x11 ? 12 : family === 0x21 ? 36 : 0
  if ((version & 15) === 0 || addresses === 0)
    return { kind: 'header', length, client: null, server: null, serverName: null }
  if (size < addresses) return { kind: 'bad', reason: 'it is too short for its addresses' }
  const isV4 = family === 0x11
  const width = isV4 ? 4 : 16
  const ports = 16 + 2 * width
  const addressAt = (at: number): string =>
    isV4 ? [...bytes.subarray(at, at + 4)].join('.') : plainAddress(formatIpv6(bytes, at))
  return {
    kind: 'header',
    length,
    client: { address: addressAt(16), port: bytes.readUInt16BE(ports) },
    server: { address: addressAt(16 + width), port: bytes.readUInt16BE(ports + 2) },
    serverName: readAuthority(bytes, 16 + addresses, length),
  }
}

function readAuthority(bytes: Buffer, from: number, to: number): string | null {
  for (let at = from; at + 3 <= to; ) {
    const size = bytes.readUInt16BE(at + 1)
    if (at + 3 + size > to) return null
    if (bytes[at] === AUTHORITY) return bytes.toString('latin1', at + 3, at + 3 + size).toLowerCase()
    at += 3 + size
  }
  return null
}

function formatIpv6(bytes: Buffer, at: number): string {
  const groups: number[] = []
  for (let i = 0; i < 8; i++) groups.push(bytes.readUInt16BE(at + 2 * i))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [...bytes.subarray(at + 12, at + 16)].join('.')
  // the longest run of zeros is written as `::`
  let best = -1
  let most = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > most) {
      most = run
      best = i
    }
  }
  const text = groups.map((group) => group.toString(16))
  if (best < 0) return text.join(':')
  return `${text.slice(0, best).join(':')}::${text.slice(best + most).join(':')}`
}

/** The header for an endpoint. Addresses of different families are told as unknown. */
export function composeProxyHeader(
  version: 1 | 2,
  client: ProxyPeer,
  server: ProxyPeer,
  serverName: string | null,
): Buffer {
  const isV4 = isIPv4(client.address) && isIPv4(server.address)
  const isV6 = isIPv6(client.address) && isIPv6(server.address)
  if (version === 1) {
    const line =
      isV4 || isV6
        ? `PROXY TCP${isV4 ? 4 : 6} ${client.address} ${server.address} ${client.port} ${server.port}\r\n`
        : 'PROXY UNKNOWN\r\n'
    return Buffer.from(line, 'latin1')
  }
  const width = isV4 ? 4 : isV6 ? 16 : 0
  const name = serverName === null ? Buffer.alloc(0) : Buffer.from(serverName, 'latin1')
  const tail =
    name.length === 0
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.from([AUTHORITY, name.length >> 8, name.length & 0xff]), name])
  const addresses = width === 0 ? 0 : 2 * width + 4
  const out = Buffer.alloc(16 + addresses)
  SIGNATURE.copy(out)
  out[12] = 0x21
  out[13] = isV4 ? 0x11 : isV6 ? 0x21 : 0
  out.writeUInt16BE(addresses + tail.length, 14)
  if (width > 0) {
    writeAddress(out, 16, client.address)
    writeAddress(out, 16 + width, server.address)
    out.writeUInt16BE(client.port, 16 + 2 * width)
    out.writeUInt16BE(server.port, 18 + 2 * width)
  }
  return Buffer.concat([out, tail])
}

function writeAddress(out: Buffer, at: number, address: string): void {
  if (isIPv4(address)) {
    for (const [i, part] of address.split('.').entries()) out[at + i] = Number(part)
    return
  }
  const [head = '', tail] = address.split('::')
  const groupsOf = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const groups = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
  for (const [i, group] of groups.entries()) out.writeUInt16BE(group, at + 2 * i)
}
