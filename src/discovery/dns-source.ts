import { Resolver } from 'node:dns'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { DnsSettings } from '../model/settings.ts'
import type { FoundHost, NameOutcome, NameQuestion, NameSource } from './discovery.ts'
import { candidatesOf, parseHosts, parseResolvConf, type ResolvConf, WatchedFile } from './host-files.ts'

export interface DnsOptions {
  readonly settings: DnsSettings
  readonly hostsFile?: string
  readonly resolvFile?: string
}

/** How often the hosts file and resolv.conf are looked at. */
const FILES_MS = 2000
const TRIES = 2
/** TTL of answers out of the hosts file: it is watched, so this is only how often nothing happens. Seconds. */
const HOSTS_TTL = 3600
/** Node does not tell the TTL of SRV records: they are asked again as soon as an address of theirs is, and after this at the latest. Seconds. */
const SERVICES_TTL = 30
/** Hosts of one SRV answer that are looked up; more are left out. */
const MAX_SERVICES = 1000

interface Records {
  readonly addresses: readonly string[]
  readonly ttlSeconds: number
}

type Lookup = { readonly kind: 'found'; readonly records: Records } | Exclude<NameOutcome, { kind: 'found' }>

/** The hosts file, then DNS: A, AAAA and SRV over the servers of the settings, or those of resolv.conf. */
export class DnsSource implements NameSource {
  readonly #settings: DnsSettings
  readonly #hostsFile: WatchedFile
  readonly #resolvFile: WatchedFile
  #resolver: Resolver
  #hosts: ReadonlyMap<string, readonly string[]>
  #conf: ResolvConf
  #onStale: () => void = () => {}

  constructor({ settings, hostsFile = '/etc/hosts', resolvFile = '/etc/resolv.conf' }: DnsOptions) {
    this.#settings = settings
    this.#hostsFile = new WatchedFile(hostsFile, FILES_MS, (text) => {
      this.#hosts = parseHosts(text)
      this.#onStale()
    })
    this.#resolvFile = new WatchedFile(resolvFile, FILES_MS, (text) => {
      this.#conf = parseResolvConf(text)
      this.#resolver = this.#makeResolver()
      this.#onStale()
    })
    this.#hosts = parseHosts(this.#hostsFile.text)
    this.#conf = parseResolvConf(this.#resolvFile.text)
    this.#resolver = this.#makeResolver()
  }

  #makeResolver(): Resolver {
    const resolver = new Resolver({ timeout: this.#settings.timeoutMs, tries: TRIES })
    const { servers } = this.#settings.servers.length > 0 ? this.#settings : this.#conf
    if (servers.length > 0) resolver.setServers(servers)
    return resolver
  }

  onStale(listener: () => void): void {
    this.#onStale = listener
  }

  close(): void {
    this.#hostsFile.close()
    this.#resolvFile.close()
    this.#resolver.cancel()
  }

  async ask({ kind, name }: NameQuestion): Promise<NameOutcome> {
    if (kind === 'services') return this.#askServices(name)
    const found = await this.#askAddresses(name)
    if (found.kind !== 'found') return found
    const { addresses, ttlSeconds } = found.records
    return { kind: 'found', hosts: [{ host: name, port: null, rank: 0, weight: 1, addresses }], ttlSeconds }
  }

  /** The first candidate that stands for something. What nobody could say of one of them ends the search: the next would be another host. */
  async #search<T extends { kind: string }>(
    name: string,
    ask: (candidate: string) => Promise<T | { readonly kind: 'none'; readonly reason: string }>,
  ): Promise<T | { readonly kind: 'none'; readonly reason: string }> {
    const search = this.#settings.search ?? this.#conf.search
    let reason = 'no such name'
    for (const candidate of candidatesOf(name, search, this.#conf.ndots)) {
      const found = await ask(candidate)
      if (found.kind !== 'none') return found
      reason = (found as { reason: string }).reason
    }
    return { kind: 'none', reason }
  }

  async #askAddresses(name: string): Promise<Lookup> {
    const own = this.#hosts.get(name.toLowerCase().replace(/\.$/, ''))
    if (own !== undefined) return { kind: 'found', records: { addresses: own, ttlSeconds: HOSTS_TTL } }
    // RFC 6761: this name never leaves the machine
    if (/^localhost\.?$/i.test(name)) {
      return { kind: 'found', records: { addresses: ['127.0.0.1'], ttlSeconds: HOSTS_TTL } }
    }
    return this.#search<Lookup>(name, (candidate) => this.#askBothFamilies(candidate))
  }

  async #askBothFamilies(name: string): Promise<Lookup> {
    const { families } = this.#settings
    const wanted = families === 'auto' ? (hasIpv6() ? 'both' : 'ipv4') : families
    const answers = await Promise.all([
      wanted === 'ipv6' ? null : this.#askRecords('resolve4', name),
      wanted === 'ipv4' ? null : this.#askRecords('resolve6', name),
    ])
    const merged = merge(answers.filter((answer) => answer !== null))
    // a name with IPv6 alone is used though this machine does not look like it: it may be right
    if (families === 'auto' && wanted === 'ipv4' && merged.kind === 'none') {
      return this.#askRecords('resolve6', name)
    }
    return merged
  }

  #askRecords(method: 'resolve4' | 'resolve6', name: string): Promise<Lookup> {
    return new Promise((resolve) => {
      this.#resolver[method](name, { ttl: true }, (error, records) => {
        if (error !== null) return resolve(outcomeOf(error, name))
        if (records.length === 0) return resolve({ kind: 'none', reason: `${name} has no address` })
        const addresses = records.map(({ address }) => address)
        resolve({
          kind: 'found',
          records: { addresses, ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)) },
        })
      })
    })
  }

  async #askServices(name: string): Promise<NameOutcome> {
    const found = await this.#search(name, (candidate) => this.#askSrv(candidate))
    if (found.kind !== 'services') return found
    const targets = found.services.slice(0, MAX_SERVICES)
    const hosts: FoundHost[] = []
    let ttlSeconds = SERVICES_TTL
    let failure: NameOutcome | null = null
    const lookups = await Promise.all(targets.map(({ name: target }) => this.#askAddresses(`${target}.`)))
    for (const [i, { name: host, port, priority, weight }] of targets.entries()) {
      const lookup = lookups[i] as Lookup
      if (lookup.kind === 'failed') failure = lookup
      const addresses = lookup.kind === 'found' ? normalize(lookup.records.addresses) : []
      if (lookup.kind === 'found') ttlSeconds = Math.min(ttlSeconds, lookup.records.ttlSeconds)
      hosts.push({ host, port, rank: priority, weight: Math.max(1, weight), addresses })
    }
    if (failure !== null && hosts.every(({ addresses }) => addresses.length === 0)) return failure
    hosts.sort((a, b) => a.rank - b.rank || compare(a.host, b.host) || (a.port ?? 0) - (b.port ?? 0))
    return { kind: 'found', hosts, ttlSeconds }
  }

  #askSrv(name: string): Promise<Services | Exclude<NameOutcome, { kind: 'found' }>> {
    return new Promise((resolve) => {
      this.#resolver.resolveSrv(name, (error, services) => {
        if (error !== null) return resolve(outcomeOf(error, name))
        // a single target of "." says that there is no such service (RFC 2782)
        const real = services.filter((service) => service.name !== '' && service.name !== '.')
        if (real.length === 0) return resolve({ kind: 'none', reason: `${name} offers no service` })
        resolve({ kind: 'services', services: real })
      })
    })
  }
}

interface Services {
  readonly kind: 'services'
  readonly services: readonly { name: string; port: number; priority: number; weight: number }[]
}

/** What one family failed to say counts only where the other has nothing. */
function merge(answers: readonly Lookup[]): Lookup {
  const found = answers.flatMap((answer) => (answer.kind === 'found' ? [answer.records] : []))
  if (found.length > 0) {
    return {
      kind: 'found',
      records: {
        addresses: normalize(found.flatMap(({ addresses }) => addresses)),
        ttlSeconds: Math.min(...found.map(({ ttlSeconds }) => ttlSeconds)),
      },
    }
  }
  const failed = answers.find(({ kind }) => kind === 'failed')
  return failed ?? answers[0] ?? { kind: 'none', reason: 'no family of addresses is asked for' }
}

/** Each once, IPv4 first, in the order of their text: servers shuffle their answers, and that is no change. */
function normalize(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)].sort((a, b) => isIP(a) - isIP(b) || compare(a, b))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function outcomeOf({ code }: NodeJS.ErrnoException, name: string): Exclude<NameOutcome, { kind: 'found' }> {
  switch (code) {
    case 'ENOTFOUND':
      return { kind: 'none', reason: `there is no ${name}` }
    case 'ENODATA':
      return { kind: 'none', reason: `${name} has no record of that kind` }
    default:
      return { kind: 'failed', reason: `${name}: ${code ?? 'no answer'}` }
  }
}

/** Whether this machine has an IPv6 address that reaches further than itself and its link. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some(
      ({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address),
    ),
  )
}
