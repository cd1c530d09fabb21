import type { JsonObject } from '../../model/json.ts'
import { objectField } from '../../model/json-fields.ts'
import type { HostPattern } from '../../model/route.ts'
import { type ClientRoute, hostPattern, parametersOf, readClientRoute } from './client-route.ts'

/** The report on client routes, and why one does not take a request (spec/apinizer.md 2.6). */

export interface NamedRoute {
  readonly id: string
  readonly route: ClientRoute
}

export function namedRoute(id: string, proxy: JsonObject): NamedRoute {
  return { id, route: readClientRoute(objectField(proxy, 'clientRoute') ?? {}) }
}

export interface RouteConflict {
  readonly id: string
  /** `Exact Match`: another takes just the same; `Prefix Conflict`: one of its paths is the beginning of another's. */
  readonly label: 'No Conflict' | 'Exact Match' | 'Prefix Conflict'
  /** The others that it is about. */
  readonly others: readonly string[]
}

/** Each route against all others: as many comparisons as there are paths of the same text, and their beginnings. */
export function findConflicts(routes: readonly NamedRoute[]): readonly RouteConflict[] {
  const bySign = Map.groupBy(routes, ({ route }) => signOf(route))
  const byPath = new Map<string, NamedRoute[]>()
  for (const one of routes)
    for (const path of one.route.paths ?? []) byPath.set(path, [...(byPath.get(path) ?? []), one])
  const below = new Map<string, Set<string>>()
  for (const { id, route } of routes)
    for (const path of route.paths ?? [])
      for (const parent of parentsOf(path))
        for (const other of byPath.get(parent) ?? [])
          if (other.id !== id) below.set(other.id, (below.get(other.id) ?? new Set()).add(id))
  return routes.map(({ id, route }) => {
    const same = (bySign.get(signOf(route)) ?? []).flatMap((other) => (other.id === id ? [] : [other.id]))
    if (same.length > 0) return { id, label: 'Exact Match', others: same }
    const others = [...(below.get(id) ?? [])]
    return { id, label: others.length > 0 ? 'Prefix Conflict' : 'No Conflict', others }
  })
}

function signOf({ paths, hosts, headers, methods, protocol, port }: ClientRoute): string {
  return JSON.stringify([
    paths === null ? null : paths.toSorted(),
    hosts.map((host) => host.toLowerCase()).toSorted(),
    headers.map(({ name, value }) => `${name.toLowerCase()}\n${value}`).toSorted(),
    methods === null ? null : methods.toSorted(),
    protocol,
    port,
  ])
}

/** `/a` and `` of `/a/b`. */
function parentsOf(path: string): readonly string[] {
  const parents: string[] = []
  for (let at = path.lastIndexOf('/'); at >= 0; at = at === 0 ? -1 : path.lastIndexOf('/', at - 1))
    parents.push(path.slice(0, at))
  return parents
}

export interface TracedRequest {
  readonly method: string
  /** Without the root context. */
  readonly path: string
  /** Lower case, without port; '' for none. */
  readonly host: string
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** As the client speaks. */
  readonly scheme: 'http' | 'https'
  /** Of the listener. */
  readonly port: number
}

/** In the order in which they are looked at (spec/apinizer.md 2.1, 2.6). */
type Criterion = 'protocol' | 'port' | 'path' | 'host' | 'headers' | 'method'

/** The first rule by which a route does not take the request; null: by none of them. */
export function eliminatedBy(
  { paths, hosts, headers, methods, protocol, port }: ClientRoute,
  request: TracedRequest,
): Criterion | null {
  if (!speaks(protocol, request)) return 'protocol'
  if (port !== null && port !== request.port) return 'port'
  if (paths !== null && !paths.some((path) => isBelow(path, request.path))) return 'path'
  if (hosts.length > 0 && !hosts.some((host) => takesHost(hostPattern(host), request.host))) return 'host'
  if (headers.some(({ name, value }) => request.headers.get(name.toLowerCase()) !== value)) return 'headers'
  return methods !== null && !methods.includes(request.method.toUpperCase()) ? 'method' : null
}

function speaks(protocol: string | null, { scheme, headers }: TracedRequest): boolean {
  switch (protocol) {
    case null:
      return true
    case 'ws':
    case 'wss':
      return (
        scheme === (protocol === 'ws' ? 'http' : 'https') && /^websocket$/i.test(headers.get('upgrade') ?? '')
      )
    case 'grpc':
      return (headers.get('content-type') ?? '').startsWith('application/grpc')
    default:
      return scheme === protocol
  }
}

function isBelow(path: string, asked: string): boolean {
  if (parametersOf(path).length === 0) return asked === path || asked.startsWith(`${path}/`)
  const wanted = path.split('/')
  const given = asked.split('/')
  return wanted.length <= given.length && wanted.every((segment, i) => isSegment(segment, given[i] as string))
}

function isSegment(wanted: string, given: string): boolean {
  if (!wanted.includes('{')) return wanted === given
  const pattern = wanted.replace(/[\\^$.*+?()[\]|]/g, '\\$&').replace(/\{[^{}]+\}/g, '.+')
  return new RegExp(`^${pattern}$`).test(given)
}

function takesHost(pattern: HostPattern, host: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return host === pattern.text
    case 'suffix':
      return host.endsWith(pattern.text) && host.length > pattern.text.length
    case 'prefix':
      return host.startsWith(pattern.text)
    case 'any':
      return true
  }
}
