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

export interface Section {
  readonly name: string
  readonly surface: Surface
}
