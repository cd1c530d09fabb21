import type { Certificate } from '../model/certificate.ts'
import type { ObjectSource } from '../model/model.ts'
import { expiryOf } from '../model/pem.ts'
import type { Log } from './worker-pool.ts'

/** When a certificate that listeners show is over. */
export interface CertificateEnd {
  /** Id of the object; `settings` for the one of the start-up settings. */
  readonly certificate: string
  /** Its first name; '' for that of the settings, which is for all others. */
  readonly serverName: string
  /** Milliseconds of the epoch; of several pairs the first one to end. */
  readonly endMs: number
}

export interface CertificateEndsOptions {
  /** Changes when the certificates may have. */
  readonly revision: () => number
  readonly certificates: () => Iterable<ObjectSource<Certificate>>
  /** The certificate of the settings, PEM; null: there is none. */
  readonly fallback: () => string | null
  readonly log: Log
}

const DAY_MS = 86_400_000
/** So many days before its end a certificate is told of; 0: when it is over. */
const WARNING_DAYS = [30, 7, 1, 0] as const

/** Looks ahead to the ends of all certificates, for metrics and the log. */
export class CertificateEnds {
  readonly #options: CertificateEndsOptions
  #revision = -1
  #fallback: string | null = null
  #ends: readonly CertificateEnd[] = []
  /** Of those told of: which end, and at how many days. */
  readonly #told = new Map<string, { readonly endMs: number; readonly days: number }>()

  constructor(options: CertificateEndsOptions) {
    this.#options = options
  }

  /** Read anew only when the configuration has changed: reading a certificate takes some 50 µs. */
  list(): readonly CertificateEnd[] {
    const revision = this.#options.revision()
    const fallback = this.#options.fallback()
    if (revision === this.#revision && fallback === this.#fallback) return this.#ends
    this.#revision = revision
    this.#fallback = fallback
    const ends: CertificateEnd[] = []
    const settingsEnd = fallback === null ? null : expiryOf(fallback)
    if (settingsEnd !== null) ends.push({ certificate: 'settings', serverName: '', endMs: settingsEnd })
    for (const source of this.#options.certificates()) {
      const { id, serverNames, pairs } = source.read()
      const dates = pairs.map(({ certificate }) => expiryOf(certificate)).filter((end) => end !== null)
      if (dates.length === 0) continue
      ends.push({ certificate: id, serverName: serverNames[0] ?? '', endMs: Math.min(...dates) })
    }
    this.#ends = ends
    return ends
  }

  /** Tells of each certificate once 30, 7 and 1 days before its end, and when it is over. */
  warn(nowMs: number): void {
    const ends = this.list()
    for (const { certificate, serverName, endMs } of ends) {
      const days = WARNING_DAYS.findLast((limit) => endMs - nowMs <= limit * DAY_MS)
      if (days === undefined) continue
      const told = this.#told.get(certificate)
      if (told !== undefined && told.endMs === endMs && told.days <= days) continue
      this.#told.set(certificate, { endMs, days })
      const fields = { certificate, serverName, end: new Date(endMs).toISOString() }
      const left = Math.ceil((endMs - nowMs) / DAY_MS)
      const message =
        days === 0
          ? 'a certificate has expired; it is served all the same'
          : `a certificate ends in ${left} day${left === 1 ? '' : 's'}`
      this.#options.log('warn', fields, message)
    }
    const known = new Set(ends.map(({ certificate }) => certificate))
    for (const certificate of this.#told.keys()) if (!known.has(certificate)) this.#told.delete(certificate)
  }
}
