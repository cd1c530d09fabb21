import type { Origin } from './origin.ts'

/** What a TLS listener shows to clients that ask for one of its names. */
export interface Certificate {
  readonly kind: 'certificate'
  /** Unique over all dialects: `<dialect>/<kind>/<id>`. */
  readonly id: string
  /** What it is called: its first server name. */
  readonly name: string
  readonly origin: Origin
  /**
   * Server names it is for, lower case: `a.example`, or a star for text without dots and what the name ends with (`*.example`: exactly one more label; `*a.example`);
   * `*`: every name. Never empty.
   */
  readonly serverNames: readonly string[]
  /** PEM, the chain behind the certificate. Several: one for each kind of key (RSA, ECDSA), the client's ciphers choose. Never empty. */
  readonly pairs: readonly { readonly certificate: string; readonly key: string }[]
  /** null: clients are not asked for a certificate. */
  readonly client: ClientVerification | null
  /** What a handshake may use; null: as the settings say. */
  readonly versions: readonly TlsVersion[] | null
  /** Which certificate a name gets that several are for: smaller first, number by number, then by id. */
  readonly key: readonly number[]
}

export type TlsVersion = 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** Clients must show a certificate that leads to one of these authorities. */
export interface ClientVerification {
  /** PEM. */
  readonly authorities: string
  /** Certificates between the client's and an authority, at most. >= 0. */
  readonly depth: number
  /** Patterns over the path (with its query) of requests that need none (APISIX: skip_mtls_uri_regex). */
  readonly exceptPaths: readonly string[]
}
