import { Resolver } from 'node:dns'
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { readClock } from '../clock.ts'

/** Bounds on how long an answer is used, whatever its TTL says. Seconds. */
const MIN_TTL = 1
const MAX_TTL = 3600
/** How long a name that did not resolve is not asked again. */
const NEGATIVE_MS = 1000

interface Entry {
  addresses: readonly string[]
  untilMs: number
  next: number
  waiting: ((address: string | null) => void)[] | null
}

/**
 * Names to addresses, cached by TTL; `/etc/hosts` first. Addresses of one name are used in turn. While a name is asked again, the last good
 * addresses stay in use, so a slow or dead name server costs nothing once a name was known.
 */
export class AddressResolver {
  readonly #resolver = new Resolver({ timeout: 2000, tries: 2 })
  readonly #entries = new Map<string, Entry>()
  #hosts = new Map<string, string[]>()
  #hostsStamp = -1
  #hostsCheckedMs = Number.NEGATIVE_INFINITY

  /** Calls back at once for an address or a known name; null: it does not resolve. */
  resolve(host: string, nowMs: number, done: (address: string | null) => void): void {
    if (isIP(host) !== 0) return done(host)
    const name = host.toLowerCase()
    const own = this.#fromHosts(name, nowMs)
    if (own !== undefined) return done(own)
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = { addresses: [], untilMs: 0, next: 0, waiting: null }
      this.#entries.set(name, entry)
    }
    if (nowMs >= entry.untilMs && entry.waiting === null) {
      entry.waiting = []
      this.#ask(name, entry)
    }
    if (entry.waiting === null || entry.addresses.length > 0) return done(take(entry))
    entry.waiting.push(done)
  }

  #ask(name: string, entry: Entry): void {
    this.#resolver.resolve4(name, { ttl: true }, (error4, v4) => {
      if (error4 === null && v4.length > 0) return this.#settle(entry, v4)
      this.#resolver.resolve6(name, { ttl: true }, (error6, v6) => {
        this.#settle(entry, error6 === null ? v6 : [])
      })
    })
  }

  #settle(entry: Entry, records: readonly { address: string; ttl: number }[]): void {
    const now = readClock()
    if (records.length > 0) {
      entry.addresses = records.map((record) => record.address)
      const ttl = Math.min(...records.map((record) => record.ttl))
      entry.untilMs = now + Math.min(MAX_TTL, Math.max(MIN_TTL, ttl)) * 1000
    } else entry.untilMs = now + NEGATIVE_MS
    const waiting = entry.waiting ?? []
    entry.waiting = null
    for (const done of waiting) done(take(entry))
  }

  #fromHosts(name: string, nowMs: number): string | undefined {
    if (nowMs - this.#hostsCheckedMs > 5000) {
      this.#hostsCheckedMs = nowMs
      try {
        const stamp = statSync('/etc/hosts').mtimeMs
        if (stamp !== this.#hostsStamp) {
          this.#hosts = parseHosts(readFileSync('/etc/hosts', 'utf8'))
          this.#hostsStamp = stamp
        }
      } catch {
        this.#hosts = new Map() // no hosts file: names come from DNS alone
      }
    }
    return this.#hosts.get(name)?.[0] ?? (name === 'localhost' ? '127.0.0.1' : undefined)
  }
}

function take(entry: Entry): string | null {
  if (entry.addresses.length === 0) return null
  return entry.addresses[entry.next++ % entry.addresses.length] as string
}

/** `/etc/hosts` to name → addresses, IPv4 first, in the order of the file. */
export function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = (line.split('#')[0] as string).trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names) {
      const list = hosts.get(name.toLowerCase()) ?? []
      if (isIP(address) === 4) list.splice(list.findIndex((a) => isIP(a) === 6) >>> 0, 0, address)
      else list.push(address)
      hosts.set(name.toLowerCase(), list)
    }
  }
  return hosts
}
