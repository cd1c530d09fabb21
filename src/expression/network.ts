/**
 * Addresses and CIDR blocks. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4 address, in lists as in requests; apart from that
 * the two families never meet (`::/0` holds no IPv4 address).
 */

/** A test whether an address is in one of the networks. Entries that `checkNetwork` refuses are never met. */
export function compileNetworks(list: readonly string[]): (address: string) => boolean {
  const v4 = new Map<number, Set<number>>()
  const v6: number[] = []
  for (const text of list) {
    const network = parseNetwork(text)
    if (network === null) continue
    if (network.bits <= 32 && network.family === 4) {
      const members = v4.get(network.bits) ?? new Set<number>()
      members.add(maskOf(network.bits) & (network.words[3] ?? 0))
      v4.set(network.bits, members)
    } else {
      v6.push(network.bits, ...network.words)
    }
  }
  // At most 33 lengths, so a look-up does not grow with the list.
  const lengths = [...v4.keys()].sort((a, b) => a - b)
  const masks = lengths.map(maskOf)
  const sets = lengths.map((bits) => v4.get(bits) ?? new Set<number>())
  return (address) => {
    const family = parseAddress(address)
    if (family === 4) {
      const value = scratch[3] as number
      for (let i = 0; i < masks.length; i++) {
        if ((sets[i] as Set<number>).has(value & (masks[i] as number))) return true
      }
      return false
    }
    if (family === 6) {
      for (let i = 0; i < v6.length; i += 5) if (isInside(v6, i)) return true
    }
    return false
  }
}

/** null if the text is an address or a CIDR block, else why not. Wording: spec/apisix.md 7.4. */
export function checkNetwork(text: string): string | null {
  if (text === '') return 'invalid ip address'
  return parseNetwork(text) === null ? `invalid ip address: ${text}` : null
}

/** Words of the address parsed last, most significant first; an IPv4 address has only the last one. */
const scratch = new Int32Array(4)

interface Network {
  readonly family: 4 | 6
  readonly bits: number
  readonly words: readonly number[]
}

function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  if (address.includes('%')) return null
  const family = parseAddress(address)
  if (family === 0) return null
  const isMapped = family === 4 && address.includes(':')
  const width = family === 6 || isMapped ? 128 : 32
  let bits = width
  if (slash >= 0) {
    const digits = text.slice(slash + 1)
    if (!/^[0-9]{1,3}$/.test(digits)) return null
    bits = Number(digits)
    if (bits > width) return null
  }
  const words = [scratch[0] ?? 0, scratch[1] ?? 0, scratch[2] ?? 0, scratch[3] ?? 0]
  if (!isMapped) return { family, bits, words }
  if (bits >= 96) return { family: 4, bits: bits - 96, words }
  words[2] = 0xffff
  return { family: 6, bits, words }
}

function maskOf(bits: number): number {
  return bits === 0 ? 0 : -1 << (32 - bits)
}

function isInside(networks: readonly number[], at: number): boolean {
  let bits = networks[at] as number
  for (let i = 0; i < 4 && bits > 0; i++, bits -= 32) {
    const difference = (networks[at + 1 + i] as number) ^ (scratch[i] as number)
    if ((difference & maskOf(Math.min(bits, 32))) !== 0) return false
  }
  return true
}

/** Leaves the address in `scratch`. 0: it is none. A zone (`fe80::1%eth0`) is left out of account. */
function parseAddress(text: string): 0 | 4 | 6 {
  const length = text.length
  if (length < 2 || length > 64) return 0
  if (text.indexOf(':') < 0) {
    scratch[0] = 0
    scratch[1] = 0
    scratch[2] = 0
    return parseIpv4(text, 0, length) ? 4 : 0
  }
  const zone = text.indexOf('%')
  if (!parseIpv6(text, zone < 0 ? length : zone)) return 0
  if (scratch[0] === 0 && scratch[1] === 0 && scratch[2] === 0xffff) {
    scratch[2] = 0
    return 4
  }
  return 6
}

/** Four decimal numbers without leading zeros, into the last word. */
function parseIpv4(text: string, from: number, end: number): boolean {
  let value = 0
  let part = 0
  let digits = 0
  let parts = 0
  for (let i = from; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : 46
    if (code === 46) {
      if (digits === 0 || part > 255 || ++parts > 4) return false
      value = (value << 8) | part
      part = 0
      digits = 0
    } else {
      if (code < 48 || code > 57 || digits === 3 || (digits > 0 && part === 0)) return false
      part = part * 10 + code - 48
      digits++
    }
  }
  if (parts !== 4) return false
  scratch[3] = value
  return true
}

const groups = new Int32Array(8)

function parseIpv6(text: string, end: number): boolean {
  let count = 0
  let gap = -1
  let i = 0
  if (end >= 2 && text.charCodeAt(0) === 58) {
    if (text.charCodeAt(1) !== 58) return false
    gap = 0
    i = 2
  }
  while (i < end) {
    let value = 0
    const start = i
    for (; i < end; i++) {
      const digit = hexValue(text.charCodeAt(i))
      if (digit < 0) break
      value = (value << 4) | digit
      if (i - start === 4) return false
    }
    if (i < end && text.charCodeAt(i) === 46) {
      // the last 32 bits in dotted form
      if (count > 6 || !parseIpv4(text, start, end)) return false
      groups[count++] = (scratch[3] as number) >>> 16
      groups[count++] = (scratch[3] as number) & 0xffff
      i = end
      break
    }
    if (i === start || count === 8) return false
    groups[count++] = value
    if (i === end) break
    if (text.charCodeAt(i) !== 58) return false
    i++
    if (i === end) return false
    if (text.charCodeAt(i) === 58) {
      if (gap >= 0) return false
      gap = count
      i++
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false
  const zeros = 8 - count
  for (let word = 0; word < 4; word++) {
    scratch[word] = (groupAt(word * 2, gap, zeros) << 16) | groupAt(word * 2 + 1, gap, zeros)
  }
  return true
}

function groupAt(index: number, gap: number, zeros: number): number {
  if (gap < 0 || index < gap) return groups[index] as number
  return index < gap + zeros ? 0 : (groups[index - zeros] as number)
}

function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
