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
}

export type EndpointState = 'ready' | 'drain' | 'maint'

/** Identity of an endpoint's health and in-flight count over an edit. */
export function endpointIdentity(upstreamId: string, endpoint: Endpoint): string {
  return `endpoint:${identityOf(upstreamId, endpoint)}`
}

/** What an endpoint is over an edit: its other fields may change. */
export function identityOf(
  upstreamId: string,
  { host, port, priority, address }: Pick<Endpoint, 'host' | 'port' | 'priority' | 'address'>,
): string {
  const place = `${upstreamId}|${host}|${port}|${priority}`
  return address === null ? place : `${place}|${address}`
}

/** `host:port`, brackets around IPv6: what an endpoint is called. Several of one name have their address behind it. */
export function endpointLabel(endpoint: Pick<Endpoint, 'host' | 'port' | 'address'>): string {
  const { host, address } = endpoint
  return address === null || address === host ? hostPort(endpoint) : `${hostPort(endpoint)}@${address}`
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
