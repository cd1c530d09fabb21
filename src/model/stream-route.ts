import type { Origin } from './origin.ts'
import type { RouteLabels } from './route.ts'
import type { Rule } from './rule.ts'

/** Conditions on a stream (a TCP connection, or the datagrams of one client's port), and the rules for those that meet them. */
export interface StreamRoute {
  readonly kind: 'streamRoute'
  /** Unique over all dialects: `<dialect>/<kind>/<id>`. */
  readonly id: string
  readonly name: string
  readonly origin: Origin
  /** The section (one per dialect) it is searched in. */
  readonly section: string
  /** Smaller is tried first, number by number; then the id decides. */
  readonly key: readonly number[]
  /** Kinds of listeners; null: all. */
  readonly protocols: readonly ('tcp' | 'tls' | 'udp')[] | null
  /** Addresses and CIDR blocks that the client came to; null: all. */
  readonly serverAddresses: readonly string[] | null
  readonly serverPorts: readonly number[] | null
  /** Addresses and CIDR blocks the client must be in; null: all. */
  readonly clients: readonly string[] | null
  /**
   * Names asked for in TLS, lower case, of which one must fit: `a.example`, or a star for any text, none included, and what the name ends with (`*.example`,
   * `*a.example`, `*`). null: all streams, also those without TLS. At a `tcp` listener the name is read from the ClientHello, and TLS passes through.
   */
  readonly serverNames: readonly string[] | null
  readonly rules: readonly Rule[]
  /** A stream without a byte in either direction for so long is closed. Milliseconds, > 0. */
  readonly idleMs: number
  /** Whether endpoints get a PROXY protocol header first, and which; null: none. */
  readonly proxyProtocol: 1 | 2 | null
  readonly labels: RouteLabels
}
