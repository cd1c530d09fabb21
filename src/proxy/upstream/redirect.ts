import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { fromByteString, toByteString } from '../../model/byte-string.ts'
import type { HeaderOverlay } from '../header-overlay.ts'
import type { EndpointPool } from './pool.ts'

/** Statuses of redirects that may be followed. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Where a redirect leads. Texts as they go on the wire. */
export interface Place {
  readonly scheme: 'http' | 'https'
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** Host field: with the port where it is not the scheme's own. */
  readonly hostField: string
  /** Path and query. */
  readonly target: string
}

/** A redirect that an attempt followed, and the request as the endpoint got it, to begin anew with. */
export interface Redirect {
  readonly place: Place
  readonly pool: EndpointPool
  readonly address: string
  /** How many were followed so far. */
  readonly followed: number
  readonly before: {
    readonly method: string
    readonly target: string
    readonly overlay: HeaderOverlay | null
  }
}

/** Reads Location against the URL that was asked for; null: it is no http or https address, or a relative one that may not be. */
export function readLocation(location: string, base: string, allowsRelative: boolean): Place | null {
  const text = fromByteString(location)
  if (!allowsRelative && !/^[a-z][a-z0-9+.-]*:/i.test(text)) return null
  const url = URL.parse(text, base)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
    return null
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return {
    scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    hostField: toByteString(url.host),
    target: toByteString(`${url.pathname}${url.search}`),
  }
}

/** Resolves names by the system, less the addresses that are not for traffic: whoever answers with a redirect chooses where the gateway connects. */
export function guardedLookup(isForbidden: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      const free = error === null ? addresses.filter(({ address }) => !isForbidden(address)) : []
      const [first] = free
      if (first === undefined) {
        const refusal: NodeJS.ErrnoException = error ?? new Error(`${hostname} has no address for traffic`)
        return done(refusal, '', 0)
      }
      if (options.all === true) done(null, free)
      else done(null, first.address, first.family)
    })
  }
}

/** Name for TLS; '' for addresses, which send none. */
export function serverNameOf({ scheme, host }: Place): string {
  return scheme === 'http' || isIP(host) !== 0 ? '' : host
}
