import { compileNetworks } from '../expression/network.ts'

/** An IPv4-mapped IPv6 address as IPv4, anything else as it is. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Who may say who the client is. Made once per worker and section. */
export interface ClientRules {
  /** Peers whose X-Forwarded-* and Forwarded fields count. */
  readonly isTrusted: (address: string) => boolean
  readonly hasTrusted: boolean
  /** Peers that may name the client in X-Real-IP. */
  readonly mayNameClient: (address: string) => boolean
}

export function createClientRules(
  trustedPeers: readonly string[],
  realIpFrom: readonly string[],
): ClientRules {
  return {
    isTrusted: trustedPeers.length === 0 ? () => false : compileNetworks(trustedPeers),
    hasTrusted: trustedPeers.length > 0,
    mayNameClient: realIpFrom.length === 0 ? () => false : compileNetworks(realIpFrom),
  }
}

/**
 * The client's address where the peer is trusted: the X-Forwarded-For list walked from the right over trusted addresses; the first that is
 * not trusted is the client (all trusted: the leftmost). Anything that is no address ends the walk.
 */
export function walkForwardedFor(
  value: string,
  peer: string,
  isTrusted: (address: string) => boolean,
): string {
  let client = peer
  const parts = value.split(',')
  for (let i = parts.length - 1; i >= 0; i--) {
    const address = readAddress((parts[i] as string).trim())
    if (address === null) return client
    client = address
    if (!isTrusted(address)) return client
  }
  return client
}

/** An address as X-Real-IP and X-Forwarded-For carry it (also `[v6]:port`, `v4:port`); null if it is none. */
export function readAddress(text: string): string | null {
  if (text.length === 0 || text.length > 64) return null
  let address = text
  if (address.charCodeAt(0) === 0x5b) {
    const end = address.indexOf(']')
    if (end < 0) return null
    address = address.slice(1, end)
  } else if (address.includes('.')) {
    const colon = address.lastIndexOf(':')
    if (colon > 0 && address.indexOf(':') === colon) address = address.slice(0, colon)
  }
  return looksLikeAddress(address) ? plainAddress(address) : null
}

function looksLikeAddress(text: string): boolean {
  let dots = 0
  let colons = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x2e) dots++
    else if (c === 0x3a) colons++
    else if (!((c >= 0x30 && c <= 0x39) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66))) return false
  }
  return colons >= 2 || (colons === 0 && dots === 3)
}
