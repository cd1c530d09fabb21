import type { UpstreamTls } from '../../model/upstream.ts'
import type { ServiceInstance } from './endpoints.ts'

export interface AgreedTls {
  /** Those that are reached by it. */
  readonly instances: readonly ServiceInstance[]
  /** null: without TLS. */
  readonly tls: UpstreamTls | null
  /** Whom it leaves out; null: nobody. */
  readonly warning: string | null
}

/**
 * How the instances of a leg are reached. A leg has one set of TLS settings, those of its first instance: external services with others are left out, because nothing is
 * to be sent in the clear, or to a server that was not verified, that its author wanted otherwise. `leg`: what it is called. `keepsHost`: as in UpstreamNeed.
 */
export function agreeOnTls(
  leg: string,
  instances: readonly ServiceInstance[],
  keepsHost: boolean,
): AgreedTls {
  const [first] = instances
  if (first === undefined) return { instances, tls: null, warning: null }
  const tls = tlsOf(first, keepsHost)
  const form = JSON.stringify(tls)
  const fitting = instances.filter((one) => JSON.stringify(tlsOf(one, keepsHost)) === form)
  const others = instances.filter((one) => !fitting.includes(one)).map(({ name }) => name)
  const warning =
    others.length === 0
      ? null
      : `${leg} is served by instances with the TLS settings of ${first.name} alone; ${others.join(', ')} with others ${others.length === 1 ? 'is' : 'are'} left out. Give them a tag of their own, and a leg for it`
  return { instances: fitting, tls, warning }
}

/** Without a server name each is asked for by its own: that goes with the Host that it gets, unless a rule gives another. */
function tlsOf({ host, external }: ServiceInstance, keepsHost: boolean): UpstreamTls | null {
  const tls = external?.tls ?? null
  if (tls === null) return null
  return {
    verifies: tls.caCert !== null,
    verifiesName: !tls.skipHostnameVerification,
    ca: tls.caCert,
    certificate: tls.clientCert,
    key: tls.clientKey,
    serverName: tls.serverName ?? (keepsHost ? host : null),
  }
}
