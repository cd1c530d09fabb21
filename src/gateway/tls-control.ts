import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GatewayError } from '../model/gateway-error.ts'
import { checkCertificates, checkKeyPair, describeValidity } from '../model/pem.ts'
import type { TlsSettings } from '../model/settings.ts'
import type { Log } from './worker-pool.ts'

/** What the workers' TLS listeners need beside the certificates of documents. */
export interface TlsMaterial {
  /** For names that no document has a certificate for; null: there is none. PEM. */
  readonly fallback: { readonly certificate: string; readonly key: string } | null
  /** Secrets that tickets are made with, 48 bytes each: the one in use, and the one before it. */
  readonly ticketKeys: readonly Uint8Array[]
}

/** How often the files of the certificate are looked at. */
const LOOK_MS = 60_000

/** The start-up certificate and the keys of tickets, which all workers share. Made anew while the gateway runs, without a connection lost. */
export class TlsControl {
  readonly #settings: TlsSettings
  readonly #log: Log
  readonly #onChange: (material: TlsMaterial) => void
  #material: TlsMaterial
  readonly #timers: NodeJS.Timeout[] = []

  /** Throws BAD_SETTING where the files are not what they should be. */
  constructor(settings: TlsSettings, log: Log, onChange: (material: TlsMaterial) => void) {
    this.#settings = settings
    this.#log = log
    this.#onChange = onChange
    const fallback = readPair(settings)
    if (typeof fallback === 'string') throw new GatewayError('BAD_SETTING', fallback)
    this.#material = { fallback, ticketKeys: [randomBytes(48)] }
    this.#warnOfValidity()
    this.#timers.push(setInterval(() => this.#rotate(), settings.ticketSeconds * 1000))
    if (fallback !== null) this.#timers.push(setInterval(() => this.reload(), LOOK_MS))
    for (const timer of this.#timers) timer.unref()
  }

  get material(): TlsMaterial {
    return this.#material
  }

  /** Reads the files again; what is wrong with them is logged, and the pair in use stays. */
  reload(): void {
    const fallback = readPair(this.#settings)
    if (typeof fallback === 'string') {
      this.#log(
        'error',
        { reason: fallback },
        'the certificate of the settings cannot be read anew: the old one stays',
      )
      return
    }
    const before = this.#material.fallback
    if (fallback?.certificate === before?.certificate && fallback?.key === before?.key) return
    this.#change({ ...this.#material, fallback })
    this.#log(
      'info',
      { certificate: this.#settings.certificate },
      'the certificate of the settings was read anew',
    )
    this.#warnOfValidity()
  }

  #rotate(): void {
    this.#change({
      ...this.#material,
      ticketKeys: [randomBytes(48), this.#material.ticketKeys[0] as Uint8Array],
    })
  }

  #change(material: TlsMaterial): void {
    this.#material = material
    this.#onChange(material)
  }

  #warnOfValidity(): void {
    const { fallback } = this.#material
    const reason = fallback === null ? null : describeValidity(fallback.certificate, Date.now())
    if (reason === null) return
    const fields = { certificate: this.#settings.certificate, reason }
    this.#log('warn', fields, 'clients will not take the certificate of the settings')
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}

/** The pair of the settings, null where they name none; a text: what is wrong with it. */
function readPair({ certificate, key }: TlsSettings): TlsMaterial['fallback'] | string {
  if (certificate === null && key === null) return null
  if (certificate === null) return 'tls.key is given without tls.certificate (--tls-cert)'
  if (key === null) return 'tls.certificate is given without tls.key (--tls-key)'
  const texts: string[] = []
  for (const [what, file] of [
    ['tls.certificate', certificate],
    ['tls.key', key],
  ] as const) {
    try {
      texts.push(readFileSync(file, 'utf8'))
    } catch (error) {
      return `${what}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`
    }
  }
  const pair = { certificate: texts[0] as string, key: texts[1] as string }
  const fault = checkCertificates(pair.certificate)
  if (fault !== null) return `tls.certificate: ${certificate}: ${fault}`
  const mismatch = checkKeyPair(pair.certificate, pair.key)
  return mismatch === null ? pair : `tls.key: ${key}: ${mismatch}`
}
