import type { Origin } from './origin.ts'
import type { Surface } from './surface.ts'

/**
 * `http` and `https` carry requests. The rest carry streams (model/stream-route.ts): `tcp` bytes as they come, `tls` what is inside TLS that
 * ends here, `udp` datagrams.
 */
export type ListenerProtocol = 'http' | 'https' | 'tcp' | 'tls' | 'udp'

/** An address that takes requests, and the sections it searches, in order; the surface of the last one that has routes writes the 404. */
export interface Listener {
  readonly id: string
  readonly protocol: ListenerProtocol
  readonly address: string
  /** 0-65535; 0 lets the system choose (tests). */
  readonly port: number
  /** Whether connections begin with a PROXY protocol header, which says who the client is. */
  readonly proxyProtocol: boolean
  readonly sections: readonly Section[]
}

/** The port of `host:port` (`[::1]:443`), or of a port alone. */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

export interface Section {
  readonly name: string
  readonly surface: Surface
  /** Its documents ask for listeners of their own (PlannedListener), which search it alone; those of the settings don't. Absent: no. */
  readonly hasOwnListeners?: true
}

/** A listener that a document asks for, beside those of the settings. It is opened and closed while the gateway runs, and searches its own section alone. */
export interface PlannedListener {
  readonly kind: 'listener'
  /** Unique over all dialects: `<dialect>/<kind>/<id>#<part>`. */
  readonly id: string
  /** For people: `outbound 127.0.0.1:10001 to cart`. */
  readonly name: string
  readonly origin: Origin
  readonly protocol: 'http' | 'tcp'
  readonly address: string
  /** 1-65535. */
  readonly port: number
  readonly section: string
}
