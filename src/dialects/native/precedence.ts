import type { HostPattern, PathPattern } from '../../model/route.ts'

/** What decides which of several routes that take a request wins. */
export interface EntryRank {
  readonly host: HostPattern
  readonly path: PathPattern
  /** Higher first, before everything else. */
  readonly priority: number
  /** Methods, clients and comparisons: how many conditions beside host and path. */
  readonly conditions: number
}

const EXACT = 0
const OPEN = 1
const ANY = 2

/**
 * The sort key of an entry: smaller wins, number by number (docs/native.md has it in words).
 * 1. `priority`, higher first;
 * 2. host: exact, then wildcards, longer first, then any;
 * 3. path: exact, then by the text before the first wildcard, longer first; then by all literal text, more first; then patterns of which every
 *    wildcard is one part before those that take any number, and more parts first;
 * 4. conditions, more first.
 * What is equal in all of these is ordered by id.
 */
export function rankEntry({ host, path, priority, conditions }: EntryRank): readonly number[] {
  return [negate(priority), ...rankHost(host), ...rankPath(path), negate(conditions)]
}

function rankHost(host: HostPattern): readonly [number, number] {
  if (host.kind === 'any') return [ANY, 0]
  return host.kind === 'exact' ? [EXACT, 0] : [OPEN, negate(host.text.length)]
}

function rankPath(path: PathPattern): readonly number[] {
  if (path.kind !== 'pattern') {
    const length = negate(Buffer.byteLength(path.text))
    return path.kind === 'exact' ? [EXACT, 0, 0, 0, 0] : [OPEN, length, length, 1, 0]
  }
  const [first] = path.pieces
  let literal = 0
  let segments = 0
  let hasRest = 0
  for (const piece of path.pieces) {
    if (typeof piece === 'string') literal += Buffer.byteLength(piece)
    else if (piece.kind === 'segment') segments++
    else hasRest = 1
  }
  const lead = typeof first === 'string' ? Buffer.byteLength(first) : 0
  return [OPEN, negate(lead), negate(literal), hasRest, negate(segments)]
}

/** Without a negative zero, which would make equal keys differ for some comparisons. */
function negate(value: number): number {
  return 0 - value
}
