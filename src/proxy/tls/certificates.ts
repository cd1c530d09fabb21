import { constants } from 'node:crypto'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import { compilePattern, type Pattern } from '../../expression/pattern.ts'
import type { Certificate, TlsVersion } from '../../model/certificate.ts'

/** What a TLS listener shows for a name, ready to use. */
export interface CompiledCertificate {
  readonly id: string
  readonly context: SecureContext
  /** null: clients are not asked for a certificate. */
  readonly client: CompiledVerification | null
  /** Whether its handshakes begin with its own context: Node takes one pair and nothing else over from one that is chosen by name. */
  readonly isSpecial: boolean
  readonly key: readonly number[]
}

export interface CompiledVerification {
  /** Certificates between the client's and an authority, at most; over 0 the number is not looked at (docs/limits.md). */
  readonly depth: number
  /** Requests of these paths (with their query) need no certificate. */
  readonly exceptPaths: readonly Pattern[]
}

/** What holds for all certificates of the listeners. */
export interface ContextDefaults {
  readonly minVersion: TlsVersion
  /** null: Node's own. */
  readonly ciphers: string | null
  /** How long a session may be taken up again. */
  readonly ticketSeconds: number
}

interface Entry {
  readonly compiled: CompiledCertificate
  readonly serverNames: readonly string[]
}

/** The certificates of one worker, by the names that clients ask for. */
export class Certificates {
  readonly #defaults: ContextDefaults
  readonly #entries = new Map<string, Entry>()
  /** By name: exact ones, and others by what follows the star. Where several have one name the best comes first. */
  readonly #exact = new Map<string, CompiledCertificate[]>()
  readonly #wild = new Map<string, CompiledCertificate[]>()
  /** The lengths that keys of `#wild` have, the greatest first; null: to be found out. */
  #wildLengths: readonly number[] | null = null
  #special = 0
  #asking = 0

  constructor(defaults: ContextDefaults) {
    this.#defaults = defaults
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether a handshake may have to begin otherwise than the settings say, depending on the name. */
  get hasSpecial(): boolean {
    return this.#special > 0
  }
  /** Whether some names ask clients for a certificate. */
  get asksClients(): boolean {
    return this.#asking > 0
  }

  /**
   * The certificate for a name, lower case: an exact one, else that of the longest wildcard; null: there is none, or no name. A star stands for text
   * without dots, as in certificates (RFC 9525 section 6.3), but alone for every name. From: apisix/ssl/router/radixtree_sni.lua.
   */
  find(serverName: string): CompiledCertificate | null {
    const exact = this.#exact.get(serverName)
    if (exact !== undefined) return exact[0] as CompiledCertificate
    if (serverName === '' || this.#wild.size === 0) return null
    this.#wildLengths ??= [...new Set([...this.#wild.keys()].map(({ length }) => length))].sort(
      (a, b) => b - a,
    )
    const dot = serverName.indexOf('.')
    const longestStar = dot < 0 ? serverName.length : dot
    for (const length of this.#wildLengths) {
      const star = serverName.length - length
      if (star < 0 || (star > longestStar && length > 0)) continue
      const found = this.#wild.get(serverName.slice(star))
      if (found !== undefined) return found[0] as CompiledCertificate
    }
    return null
  }

  /** Gives what switches the change on. Throws where OpenSSL takes a certificate or key not. Open connections keep what they have. */
  prepare(upserts: readonly Certificate[], removals: readonly string[]): () => void {
    const entries = upserts.map(
      (certificate): Entry => ({
        compiled: compileCertificate(certificate, this.#defaults),
        serverNames: certificate.serverNames,
      }),
    )
    return () => {
      this.#wildLengths = null
      for (const id of removals) this.#remove(id)
      for (const entry of entries) {
        this.#remove(entry.compiled.id)
        this.#add(entry)
      }
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.compiled.id, entry)
    this.#count(entry.compiled, 1)
    for (const name of entry.serverNames) {
      const [map, key] = this.#placeOf(name)
      const list = [...(map.get(key) ?? []), entry.compiled].sort(compare)
      map.set(key, list)
    }
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#count(entry.compiled, -1)
    for (const name of entry.serverNames) {
      const [map, key] = this.#placeOf(name)
      const left = (map.get(key) ?? []).filter((other) => other !== entry.compiled)
      if (left.length === 0) map.delete(key)
      else map.set(key, left)
    }
  }

  #count({ client, isSpecial }: CompiledCertificate, change: 1 | -1): void {
    if (client !== null) this.#asking += change
    if (isSpecial) this.#special += change
  }

  #placeOf(name: string): readonly [Map<string, CompiledCertificate[]>, string] {
    return name.startsWith('*') ? [this.#wild, name.slice(1)] : [this.#exact, name]
  }
}

function compare(a: CompiledCertificate, b: CompiledCertificate): number {
  const length = Math.max(a.key.length, b.key.length)
  for (let i = 0; i < length; i++) {
    const difference = (a.key[i] ?? 0) - (b.key[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.id < b.id ? -1 : 1
}

export function compileCertificate(
  { id, key, pairs, client, versions }: Certificate,
  defaults: ContextDefaults,
): CompiledCertificate {
  return {
    id,
    key,
    isSpecial: client !== null || versions !== null || pairs.length > 1,
    context: createContext(pairs, versions, client?.authorities ?? null, defaults),
    client:
      client === null
        ? null
        : {
            depth: client.depth,
            exceptPaths: client.exceptPaths.map((pattern) => compilePattern(pattern, { ignoreCase: false })),
          },
  }
}

const ORDER: readonly TlsVersion[] = ['TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** `authorities`: those that clients' certificates must lead to. */
export function createContext(
  pairs: Certificate['pairs'],
  versions: readonly TlsVersion[] | null,
  authorities: string | null,
  { minVersion, ciphers, ticketSeconds }: ContextDefaults,
): SecureContext {
  const options: SecureContextOptions = {
    cert: pairs.map((pair) => pair.certificate),
    key: pairs.map((pair) => pair.key),
    ...handshakeOptions(versions, { minVersion, ciphers, ticketSeconds }),
    // a session that is taken up again says nothing of the certificate that its name asks for
    ...(authorities === null ? {} : { ca: authorities, secureOptions: constants.SSL_OP_NO_TICKET }),
  }
  return process.getBuiltinModule('node:tls').createSecureContext(options)
}

/** What a handshake may use. OpenSSL knows a range of versions: what lies between two is allowed too. */
export function handshakeOptions(
  versions: readonly TlsVersion[] | null,
  { minVersion, ciphers, ticketSeconds }: ContextDefaults,
): SecureContextOptions {
  const allowed = ORDER.filter(
    (version) => versions?.includes(version) ?? ORDER.indexOf(version) >= ORDER.indexOf(minVersion),
  )
  return {
    minVersion: allowed[0] ?? minVersion,
    maxVersion: allowed.at(-1) ?? 'TLSv1.3',
    honorCipherOrder: true,
    sessionTimeout: ticketSeconds,
    sessionIdContext: 'headgate',
    ...(ciphers === null ? {} : { ciphers }),
    // 1.1 needs ciphers that today's security level leaves out
    ...(allowed[0] === 'TLSv1.1' && ciphers === null ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  }
}
