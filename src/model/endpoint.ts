import type { Predicate } from './predicate.ts'
import type { Template } from './template.ts'
import type { UpstreamScheme } from './upstream.ts'

/** One address behind an upstream. */
export interface Endpoint {
  /** As written: a name, an IPv4 address or an IPv6 address without brackets. */
  readonly host: string
  /** 1-65535; already filled in from the scheme where the document leaves it out. */
  readonly port: number
  /** Share, integer >= 0. 0 never gets a request. */
  readonly weight: number
  /** Order: a lower number is used only when every endpoint of the higher ones is unusable or tried. Default 0. */
  readonly priority: number
  /** Where connections go; null: `host` is an address itself, or its name stands for none now (then nothing is sent to it). */
  readonly address: string | null
  /** Part of the network it is in; null: none is known. */
  readonly zone: string | null
  /** Used only when attempts at all others failed (`Retry.failoverTries`). */
  readonly failoverOnly: boolean
  /** What an operator said: `drain`: no new requests, those under way finish; `maint`: the same, and it is not probed. Not used in panic either. */
  readonly state: EndpointState
  /** The Service of a cluster that it is a pod of, by `podServiceName`; absent: it is written, or comes from a name. */
  readonly service?: string
  /** What sets it apart from the others of its upstream beside its place; absent: nothing. */
  readonly own?: EndpointOwn
}

/** An endpoint that has more of its own than a place: the addresses of Apinizer, each with a scheme, a path and a condition. */
export interface EndpointOwn {
  /** What it is called, and part of what it is over an edit: `http://h:8080/a` and `http://h:8080/b` are two endpoints of one place. */
  readonly name: string
  /** In place of the upstream's. */
  readonly scheme: UpstreamScheme
  /** It takes part for requests for which this holds; null: for all. When none takes part the request gets NO_CANDIDATE. */
  readonly when: Predicate | null
  /** Comes before the path of the target that is sent, one slash at the seam; '' for nothing. As it goes on the wire. */
  readonly basePath: string
  /** The path that is sent in place of base and target's path, encoded where it has to be; the query goes along. null: those. */
  readonly path: Template | null
  /** Where probes of the upstream's active check go; null: it is not probed. */
  readonly probe: EndpointProbe | null
  /** What is reached by the forward proxy that host and port are; absent: they are it themselves. */
  readonly behind?: BehindProxy
}

/** A server that a forward proxy is asked for: with the whole URL in the request line for http, through CONNECT for https. Always HTTP/1.1. */
export interface BehindProxy {
  /** As `Endpoint.host`. */
  readonly host: string
  readonly port: number
  /** Value of Proxy-Authorization; null: the proxy asks for none. Never shown. */
  readonly authorization: string | null
}

export interface EndpointProbe {
  readonly isSecure: boolean
  /** As `Endpoint.host`. */
  readonly host: string
  readonly port: number
  /** Request target. */
  readonly path: string
}

export type EndpointState = 'ready' | 'drain' | 'maint'

/** Identity of an endpoint's health and in-flight count over an edit. */
export function endpointIdentity(upstreamId: string, endpoint: Endpoint): string {
  return `endpoint:${identityOf(upstreamId, endpoint)}`
}

/** What an endpoint is over an edit: its other fields may change. */
export function identityOf(
  upstreamId: string,
  { host, port, priority, address, own }: Pick<Endpoint, 'host' | 'port' | 'priority' | 'address' | 'own'>,
): string {
  const name = own === undefined ? '' : `|${own.name}`
  const place = `${upstreamId}|${host}|${port}|${priority}${name}`
  return address === null ? place : `${place}|${address}`
}

/** `host:port`, brackets around IPv6, or a name of its own: what an endpoint is called. Several of one name have their address behind it. */
export function endpointLabel(endpoint: Pick<Endpoint, 'host' | 'port' | 'address' | 'own'>): string {
  const { host, address, own } = endpoint
  const name = own?.name ?? hostPort(endpoint)
  return address === null || address === host ? name : `${name}@${address}`
}

/** `host:port`, brackets around IPv6. */
export function hostPort({ host, port }: Pick<Endpoint, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** Whether a host is an address itself. Short and decimal forms (`127.1`, `2130706433`) are names, and no server knows them. */
export function isAddress(host: string): boolean {
  return host.includes(':') || IPV4.test(host)
}

/** Whether an endpoint's name stands for no address now. Nothing is sent to it, whatever its state. */
export function isUnresolved({ host, address }: Pick<Endpoint, 'host' | 'address'>): boolean {
  return address === null && !isAddress(host)
}
