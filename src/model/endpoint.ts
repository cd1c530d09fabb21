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
}

/** Identity of an endpoint's health and in-flight count over an edit. */
export function endpointIdentity(upstreamId: string, endpoint: Endpoint): string {
  return `endpoint:${upstreamId}|${endpoint.host}|${endpoint.port}|${endpoint.priority}`
}
