import type { JsonObject } from '../../model/json.ts'
import { listField, numberField, objectsField, textField } from '../../model/json-fields.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { HostPattern, PathPattern, PatternPiece } from '../../model/route.ts'
import type { Template } from '../../model/template.ts'

/** The entry of a proxy (spec/apinizer.md 2), read from values that `checkClientRoute` accepts. */
export interface ClientRoute {
  /** Without star and slash at the end; null: it has none, and takes every path. */
  readonly paths: readonly string[] | null
  /** As written. */
  readonly hosts: readonly string[]
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  /** Upper case; null: all. */
  readonly methods: readonly string[] | null
  readonly protocol: string | null
  readonly port: number | null
}

export const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'ALL'] as const

export function readClientRoute(value: JsonObject): ClientRoute {
  const texts = (name: string): string[] =>
    listField(value, name).filter((entry): entry is string => typeof entry === 'string')
  const paths = texts('relativePathList').map(trimPath)
  const methods = texts('methodList').map((method) => method.toUpperCase())
  return {
    paths: paths.length === 0 ? null : [...new Set(paths)],
    hosts: texts('hostList'),
    headers: objectsField(value, 'headerList').map(({ entry }) => ({
      name: textField(entry, 'name') ?? '',
      value: textField(entry, 'value') ?? '',
    })),
    methods: methods.length === 0 || methods.includes('ALL') ? null : methods,
    protocol: textField(value, 'protocol'),
    port: numberField(value, 'port'),
  }
}

/** A star at the end, and the slash before it, say nothing: a path always takes what lies below it. */
function trimPath(path: string): string {
  return path.replace(/\*$/, '').replace(/\/+$/, '')
}

/** What a host of the list takes (2.3). */
export function hostPattern(host: string): HostPattern {
  const name = host.toLowerCase().replace(/:\d+$/, '')
  if (name.startsWith('*.')) return { kind: 'suffix', text: name.slice(1) }
  if (name.endsWith('.*')) return { kind: 'prefix', text: name.slice(0, -1) }
  return { kind: 'exact', text: name }
}

/** Conditions beside path, host and methods; null: there are none. `ports`: those of the environment, empty for all. */
export function predicateOf(
  { headers, protocol, port }: ClientRoute,
  ports: readonly number[],
): Predicate | null {
  const of: Predicate[] = headers.map(({ name, value }) => ({
    kind: 'test',
    variable: `field:${name.toLowerCase()}`,
    operator: 'equal',
    value,
  }))
  if (protocol !== null) of.push(...protocolTests(protocol))
  if (port !== null)
    of.push({ kind: 'test', variable: 'server_port', operator: 'equal', value: String(port) })
  if (ports.length > 0)
    of.push({ kind: 'test', variable: 'server_port', operator: 'in', value: ports.map(String) })
  return of.length === 0 ? null : of.length === 1 ? (of[0] as Predicate) : { kind: 'all', of }
}

function protocolTests(protocol: string): readonly Predicate[] {
  const scheme = (value: string): Predicate => ({
    kind: 'test',
    variable: 'scheme',
    operator: 'equal',
    value,
  })
  const upgrade: Predicate = {
    kind: 'test',
    variable: 'http_upgrade',
    operator: 'matchesIgnoringCase',
    value: '^websocket$',
  }
  switch (protocol) {
    case 'http':
    case 'https':
      return [scheme(protocol)]
    case 'ws':
      return [scheme('http'), upgrade]
    case 'wss':
      return [scheme('https'), upgrade]
    default:
      return [{ kind: 'test', variable: 'content_type', operator: 'matches', value: '^application/grpc' }]
  }
}

/** Names in braces, in order. */
export function parametersOf(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}/]+)\}/g)].map((match) => match[1] as string)
}

/** A path with parameters in braces as a template. */
export function templateOf(path: string): Template {
  return piecesOf(path).map((piece) =>
    typeof piece === 'string' ? piece : { variable: `uri_param_${piece.name}`, fallback: '' },
  )
}

/** The pieces of a path in which `{name}` stands for one segment. */
function piecesOf(path: string): PatternPiece[] {
  const pieces: PatternPiece[] = []
  let from = 0
  for (const match of path.matchAll(/\{([^{}/]+)\}/g)) {
    if (match.index > from) pieces.push(path.slice(from, match.index))
    pieces.push({ kind: 'segment', name: match[1] as string })
    from = match.index + match[0].length
  }
  if (from < path.length) pieces.push(path.slice(from))
  return pieces
}

/**
 * What takes a path and all that lies below it; a slash at the end says nothing. With `names` the rest behind it becomes `uri_param_rest`, as parameters do.
 */
export function belowPath(path: string, names: boolean): readonly PathPattern[] {
  if (!names && parametersOf(path).length === 0) {
    const below: PathPattern = { kind: 'prefix', text: `${path}/` }
    return path === '' ? [below] : [{ kind: 'exact', text: path }, below]
  }
  const pieces = piecesOf(path)
  const below: PathPattern = {
    kind: 'pattern',
    pieces: join([...pieces, '/', { kind: 'rest', name: 'rest' }]),
  }
  return path === '' ? [below] : [exactly(path), below]
}

/** What takes this path and none below it, with a slash at the end or not. */
export function exactPath(path: string): readonly PathPattern[] {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? [exactly('/')] : [exactly(trimmed), exactly(`${trimmed}/`)]
}

function exactly(path: string): PathPattern {
  return parametersOf(path).length === 0
    ? { kind: 'exact', text: path }
    : { kind: 'pattern', pieces: join(piecesOf(path)) }
}

/** Neighbouring texts as one. */
function join(pieces: readonly PatternPiece[]): readonly PatternPiece[] {
  const joined: PatternPiece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece
    else joined.push(piece)
  }
  return joined
}

/** One host of a route, or none. */
export function hostsOf({ hosts }: ClientRoute): readonly HostPattern[] {
  return hosts.length === 0 ? [{ kind: 'any' }] : hosts.map(hostPattern)
}

const HOST_RANKS = { exact: 0, suffix: 1, prefix: 2, any: 3 } as const

/**
 * The sort key of an entry (2.4), smaller wins: the longer path, a route without any last; the host by its form, among wildcards the longer; more headers; a list
 * of methods before none; the route that was made first.
 */
export function rankEntry(
  route: ClientRoute,
  path: string | null,
  host: HostPattern,
  createdRevision: number,
): readonly number[] {
  return [
    path === null ? 1 : 0 - Buffer.byteLength(path),
    HOST_RANKS[host.kind],
    host.kind === 'any' || host.kind === 'exact' ? 0 : 0 - host.text.length,
    0 - route.headers.length,
    route.methods === null ? 1 : 0,
    createdRevision,
  ]
}
