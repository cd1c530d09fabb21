import { BlockList, isIP, isIPv4 } from 'node:net'
import { GatewayError } from '../model/gateway-error.ts'

/** The socket's own peer, IPv4-mapped IPv6 as IPv4. Header fields have no say in it (reliability.md A14). */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address
}

/** A test for addresses and CIDR blocks. Throws BAD_SETTING naming the first entry that is neither. */
export function compileAllowList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.split('/')
    const family = isIP(address)
    const isWhole = bits === undefined
    const prefix = Number(bits)
    const isBlock = !isWhole && /^\d{1,3}$/.test(bits) && prefix <= (family === 4 ? 32 : 128)
    if (family === 0 || rest.length > 0 || !(isWhole || isBlock)) {
      throw new GatewayError('BAD_SETTING', `admin.allow: "${entry}" is no address and no CIDR block`)
    }
    const name = family === 4 ? 'ipv4' : 'ipv6'
    if (isWhole) list.addAddress(address, name)
    else list.addSubnet(address, prefix, name)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/**
 * Whether a Host value names this server (reliability.md A12): one of `names`, or the very address the connection was made to. A page of
 * another site that makes its name point here (DNS rebinding) has that name in Host. The port is not compared: it may be forwarded.
 */
export function isHostAllowed(
  host: string | undefined,
  names: ReadonlySet<string>,
  localAddress: string,
): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host ?? '')
  if (match === null) return false
  const name = (match[1] as string).toLowerCase()
  return names.has(name) || name === localAddress || name === `[${localAddress}]`
}

/**
 * Whether a write may come from a page of this origin: from none (no browser), from the server's own, or from one that is configured.
 * `null`, what sandboxed pages and redirects send, is foreign.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  configured: ReadonlySet<string>,
): boolean {
  if (origin === undefined || configured.has(origin)) return true
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}
