import type { HostPattern, PathPattern } from '../../model/route.ts'
import type { RouterMode } from './patterns.ts'

/** What decides which of several matching entries wins. */
export interface EntryRank {
  /** null: the route names no host, which is less than the pattern `*`. */
  readonly host: HostPattern | null
  readonly path: PathPattern
  /** Bytes before the first wildcard or parameter. */
  readonly literalLength: number
  /** Characters of the pattern as written. */
  readonly patternLength: number
  /** Higher wins, but only among entries that are equal in everything before it. */
  readonly priority: number
  /** The older wins at the very end; the reference leaves that open. */
  readonly createdRevision: number
}

const EXACT_HOST = 0
const WILDCARD_HOST = 1
const NO_HOST = 2
const EXACT_PATH = 0
const OPEN_PATH = 1

/**
 * The sort key of an entry: smaller wins, number by number (spec/apisix.md 3.2 and 3.3). Index order `radixtree_host_uri` puts the host
 * first: exact, then the longest wildcard, then none; the others leave the host out, so there it is a condition like any other. Then
 * the path: exact, then the longest literal prefix; a pattern with wildcards in the middle stands where its prefix stands. `priority`
 * therefore never beats a more specific host or path.
 */
export function rankEntry(rank: EntryRank, mode: RouterMode): readonly number[] {
  const key: number[] = mode === 'radixtree_host_uri' ? rankHost(rank.host) : []
  if (rank.path.kind === 'exact') key.push(EXACT_PATH, 0)
  else key.push(OPEN_PATH, 0 - rank.literalLength)
  key.push(0 - rank.priority, 0 - rank.patternLength, rank.createdRevision)
  return key
}

function rankHost(host: HostPattern | null): number[] {
  if (host === null) return [NO_HOST, 0]
  if (host.kind === 'any') return [WILDCARD_HOST, 0]
  return host.kind === 'exact' ? [EXACT_HOST, 0] : [WILDCARD_HOST, 0 - host.text.length]
}
