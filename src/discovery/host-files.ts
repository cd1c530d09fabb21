import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { isIP } from 'node:net'

/** `/etc/hosts` to name → addresses, each once, IPv4 first, in the order of the file. Names in lower case. */
export function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = (line.split('#')[0] as string).trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const list = hosts.get(key) ?? []
      if (!list.includes(address)) list.push(address)
      hosts.set(key, list)
    }
  }
  for (const [name, list] of hosts) hosts.set(name, preferIpv4Loopback(list))
  return hosts
}

/** A name of this machine usually stands for 127.0.0.1 and ::1, and most servers listen on the first alone: then that one is meant. */
function preferIpv4Loopback(addresses: readonly string[]): string[] {
  const hasIpv4Loopback = addresses.some((address) => address.startsWith('127.'))
  const kept = hasIpv4Loopback ? addresses.filter((address) => address !== '::1') : addresses
  return kept.toSorted((a, b) => isIP(a) - isIP(b))
}

/** What of `/etc/resolv.conf` concerns us. */
export interface ResolvConf {
  readonly servers: readonly string[]
  /** Domains that are tried behind a name, in order. */
  readonly search: readonly string[]
  /** A name with so many dots is tried as it stands first. 0-15, 1 unless the file says otherwise. */
  readonly ndots: number
}

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = []
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [word, ...rest] = (line.split(/[#;]/)[0] as string).trim().split(/\s+/)
    // of `search` and `domain` the last line counts
    if (word === 'search') search = rest
    else if (word === 'domain') search = rest.slice(0, 1)
    else if (word === 'nameserver' && rest[0] !== undefined) {
      // Node takes no zone behind an address
      if (isIP(rest[0]) !== 0) servers.push(rest[0])
    } else if (word === 'options') {
      for (const option of rest) {
        const digits = /^ndots:(\d{1,3})$/.exec(option)?.[1]
        if (digits !== undefined) ndots = Math.min(15, Number(digits))
      }
    }
  }
  return { servers, search: search.map((domain) => domain.replace(/\.$/, '')).filter((s) => s !== ''), ndots }
}

/** The names to ask for, in order: as glibc does with `search` and `ndots`. A dot at the end says that the name is whole. */
export function candidatesOf(name: string, search: readonly string[], ndots: number): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const dots = name.split('.').length - 1
  const longer = search.map((domain) => `${name}.${domain}`)
  return dots >= ndots ? [name, ...longer] : [...longer, name]
}

/** A file's content, kept up to date; '' while it cannot be read. Looked at every `intervalMs`: watching by the kernel misses replaced files. */
export class WatchedFile {
  readonly #path: string
  #text: string
  readonly #listener: () => void

  constructor(path: string, intervalMs: number, onChange: (text: string) => void) {
    this.#path = path
    this.#text = readOrEmpty(path)
    this.#listener = () => {
      const text = readOrEmpty(path)
      if (text === this.#text) return
      this.#text = text
      onChange(text)
    }
    watchFile(path, { interval: intervalMs, persistent: false }, this.#listener)
  }

  get text(): string {
    return this.#text
  }

  close(): void {
    unwatchFile(this.#path, this.#listener)
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
