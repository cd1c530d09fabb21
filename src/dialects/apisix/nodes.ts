import type { Endpoint } from '../../model/endpoint.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { numberField, objectField, textField } from './fields.ts'

/** Ports of a node that names none, by the upstream's scheme (spec/apisix.md 4.2). */
export const SCHEME_PORTS: Readonly<Record<string, number>> = { http: 80, grpc: 80, https: 443, grpcs: 443 }

/** What a node's document cannot say. */
const PLAIN = { address: null, failoverOnly: false, state: 'ready' } as const

export interface ParsedNodes {
  /** In the order of the document; of two with the same host, port and priority only the last (spec/apisix.md 4.2). */
  readonly endpoints: readonly Endpoint[]
  /** `host:port` of nodes that stood there more than once. */
  readonly repeated: readonly string[]
}

/**
 * The nodes of an upstream, in map form (`{"host:port": weight}`) or list form (`[{host, port, weight, priority}]`). Nodes that the schema
 * would refuse are left out. Two nodes are the same when host as written, port and priority are (13.13): names that merely resolve to one
 * address stay apart.
 */
export function parseNodes(nodes: JsonValue | undefined, scheme: string): ParsedNodes {
  const defaultPort = SCHEME_PORTS[scheme] ?? 80
  const found = new Map<string, Endpoint>()
  const repeated: string[] = []
  for (const endpoint of readNodes(nodes, defaultPort)) {
    const key = `${endpoint.host}|${endpoint.port}|${endpoint.priority}`
    if (found.has(key)) repeated.push(formatAddress(endpoint))
    found.set(key, endpoint)
  }
  return { endpoints: [...found.values()], repeated }
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress(endpoint: Pick<Endpoint, 'host' | 'port'>): string {
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`
}

/**
 * Splits a map key. `port` is null where the key names none, NaN where what stands behind the colon is no number from 1 to 65535.
 * IPv6 with a port needs brackets; without brackets, text with two colons or more is an address alone.
 */
export function splitAddress(text: string): { readonly host: string; readonly port: number | null } {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    if (end < 0) return { host: text, port: null }
    const rest = text.slice(end + 1)
    const port = rest.startsWith(':') ? parsePort(rest.slice(1)) : Number.NaN
    return { host: text.slice(1, end), port: rest === '' ? null : port }
  }
  const colon = text.indexOf(':')
  if (colon < 0 || text.indexOf(':', colon + 1) >= 0) return { host: text, port: null }
  return { host: text.slice(0, colon), port: parsePort(text.slice(colon + 1)) }
}

function* readNodes(nodes: JsonValue | undefined, defaultPort: number): Generator<Endpoint> {
  if (Array.isArray(nodes)) {
    for (const node of nodes as readonly JsonValue[]) {
      if (!isJsonObject(node)) continue
      const host = textField(node, 'host')
      const weight = numberField(node, 'weight')
      if (host === null || weight === null) continue
      const port = numberField(node, 'port')
      yield {
        host: stripBrackets(host),
        port: port === null ? defaultPort : port,
        weight,
        priority: priorityOf(numberField(node, 'priority')),
        zone: zoneOf(objectField(node, 'metadata')),
        ...PLAIN,
      }
    }
    return
  }
  if (!isJsonObject(nodes)) return
  for (const [address, weight] of Object.entries(nodes)) {
    if (typeof weight !== 'number') continue
    const { host, port } = splitAddress(address)
    if (host === '' || Number.isNaN(port)) continue
    yield { host, port: port === null ? defaultPort : port, weight, priority: 0, zone: null, ...PLAIN }
  }
}

/** Only the list form has priorities; 0 is the reference's default. */
function priorityOf(priority: number | null): number {
  return priority === null ? 0 : priority
}

/** `metadata` is free; `zone` in it is what `headgate.levels.prefer_zone` looks at. */
function zoneOf(metadata: JsonObject | null): string | null {
  return metadata === null ? null : textField(metadata, 'zone')
}

function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  return port >= 1 && port <= 65_535 ? port : Number.NaN
}
