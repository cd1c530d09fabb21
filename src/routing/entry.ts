import type { EqualityKey } from '../expression/compile.ts'
import { fromByteString, toByteString } from '../model/byte-string.ts'
import type { Section } from '../model/listener.ts'
import type { HostPattern, PathPattern, PatternPiece, RouteEntry } from '../model/route.ts'
import { PathMatcher } from './path-pattern.ts'

/** What an entry needs to know of its route. */
export interface EntryOwner {
  readonly id: string
  readonly section: Section
  /** Variables whose texts are known for every request that the route can take. */
  readonly equalityKeys: readonly EqualityKey[]
}

/** One (route, host, path) in the index. Immutable. */
export class IndexEntry<Owner extends EntryOwner = EntryOwner> {
  readonly route: Owner
  /** Its place in the route's list of entries. */
  readonly index: number
  readonly key: readonly number[]
  readonly host: HostPattern
  readonly path: PathPattern
  /** Of a path pattern with wildcards, else null. */
  readonly matcher: PathMatcher | null

  constructor(route: Owner, index: number, model: RouteEntry) {
    this.route = route
    this.index = index
    this.key = model.key
    this.host =
      model.host.kind === 'any' ? ANY_HOST : { kind: model.host.kind, text: toByteString(model.host.text) }
    this.path = compilePath(model.path)
    this.matcher = this.path.kind === 'pattern' ? new PathMatcher(this.path.pieces) : null
  }

  testHost(host: string): boolean {
    const pattern = this.host
    switch (pattern.kind) {
      case 'any':
        return true
      case 'exact':
        return host === pattern.text
      case 'suffix':
        return host.endsWith(pattern.text)
      case 'prefix':
        return host.startsWith(pattern.text)
    }
  }

  describeHost(): string {
    return fromByteString(describeHost(this.host))
  }

  describePath(): string {
    return fromByteString(describePath(this.path))
  }

  testPath(path: string): boolean {
    const pattern = this.path
    switch (pattern.kind) {
      case 'exact':
        return path === pattern.text
      case 'prefix':
        return path.startsWith(pattern.text)
      case 'pattern':
        return this.matcher?.test(path) === true
    }
  }
}

/** For people: `*` is any host. */
export function describeHost(host: HostPattern): string {
  switch (host.kind) {
    case 'any':
      return '*'
    case 'exact':
      return host.text
    case 'suffix':
      return `*${host.text}`
    case 'prefix':
      return `${host.text}*`
  }
}

/** For people: `/a/*`, `/users/:id`. */
export function describePath(path: PathPattern): string {
  switch (path.kind) {
    case 'exact':
      return path.text
    case 'prefix':
      return `${path.text}*`
    case 'pattern':
      return path.pieces.map(describePiece).join('')
  }
}

function describePiece(piece: PatternPiece): string {
  if (typeof piece === 'string') return piece
  return `${piece.kind === 'segment' ? ':' : '*'}${piece.name ?? ''}`
}

const ANY_HOST: HostPattern = { kind: 'any' }

/** The total order of a section: by key, number by number (a shorter key that is the beginning of a longer one first), then route id, then place. */
export function compareEntries(a: IndexEntry, b: IndexEntry): number {
  const one = a.key
  const two = b.key
  const length = Math.min(one.length, two.length)
  for (let i = 0; i < length; i++) {
    const difference = (one[i] as number) - (two[i] as number)
    if (difference !== 0) return difference
  }
  if (one.length !== two.length) return one.length - two.length
  const id = a.route.id
  const other = b.route.id
  if (id !== other) return id < other ? -1 : 1
  return a.index - b.index
}

/** Neighbouring literals become one, empty ones go, and a pattern without wildcards is exact: the index then sees one form of each. */
function compilePath(pattern: PathPattern): PathPattern {
  if (pattern.kind !== 'pattern') return { kind: pattern.kind, text: toByteString(pattern.text) }
  const pieces: (typeof pattern.pieces)[number][] = []
  for (const piece of pattern.pieces) {
    const last = pieces[pieces.length - 1]
    if (typeof piece !== 'string') pieces.push(piece)
    else if (typeof last === 'string') pieces[pieces.length - 1] = last + toByteString(piece)
    else if (piece !== '') pieces.push(toByteString(piece))
  }
  const [first] = pieces
  if (first === undefined) return { kind: 'exact', text: '' }
  if (pieces.length === 1 && typeof first === 'string') return { kind: 'exact', text: first }
  return { kind: 'pattern', pieces }
}
