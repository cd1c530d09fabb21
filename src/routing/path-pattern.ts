import { toByteString } from '../model/byte-string.ts'
import type { PatternPiece } from '../model/route.ts'

/** Of the match at hand, per piece: where it ended, and from where on a `rest` that began there did not lead to a match. Matching is synchronous. */
const ends: number[] = []
const failedFrom: number[] = []

/**
 * Matches a path against the pieces of a PathPattern (model/route.ts), the whole path, in linear time for the patterns that dialects write:
 * wildcards stand at the start of a segment. `segment` and `rest` take as much as they can (as `([^/]+)` and `(.*)` would in the reference).
 */
export class PathMatcher {
  /** Whether a piece has a name, so that `captures` can give something. */
  readonly isNamed: boolean
  readonly #pieces: readonly PatternPiece[]
  /** Bytes that the pieces behind a piece need at least: cuts hopeless tries short. */
  readonly #needed: readonly number[]
  readonly #hasRest: boolean

  constructor(pieces: readonly PatternPiece[]) {
    this.#pieces = pieces.map((piece) => (typeof piece === 'string' ? toByteString(piece) : piece))
    this.isNamed = pieces.some((piece) => typeof piece !== 'string' && piece.name !== null)
    this.#hasRest = pieces.some((piece) => typeof piece !== 'string' && piece.kind === 'rest')
    const needed: number[] = []
    let behind = 0
    for (const piece of this.#pieces.toReversed()) {
      needed.push(behind)
      behind += typeof piece === 'string' ? piece.length : piece.kind === 'segment' ? 1 : 0
    }
    this.#needed = needed.reverse()
    while (ends.length < pieces.length) {
      ends.push(0)
      failedFrom.push(0)
    }
  }

  test(path: string): boolean {
    if (this.#hasRest) for (let i = 0; i < this.#pieces.length; i++) failedFrom[i] = 0x3fffffff
    return this.#match(path, 0, 0)
  }

  /** Texts of the named pieces; null if the path does not match or nothing has a name. Of two equal names the later one counts. */
  captures(path: string): ReadonlyMap<string, string> | null {
    if (!this.isNamed || !this.test(path)) return null
    const found = new Map<string, string>()
    let start = 0
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i] as PatternPiece
      const end = ends[i] as number
      if (typeof piece !== 'string' && piece.name !== null) found.set(piece.name, path.slice(start, end))
      start = end
    }
    return found
  }

  #match(path: string, index: number, start: number): boolean {
    if (index === this.#pieces.length) return start === path.length
    const piece = this.#pieces[index] as PatternPiece
    if (typeof piece === 'string') {
      if (!path.startsWith(piece, start)) return false
      ends[index] = start + piece.length
      return this.#match(path, index + 1, start + piece.length)
    }
    const latest = path.length - (this.#needed[index] as number)
    if (piece.kind === 'segment') {
      const slash = path.indexOf('/', start)
      for (let end = Math.min(latest, slash === -1 ? path.length : slash); end > start; end--) {
        if (this.#match(path, index + 1, end)) {
          ends[index] = end
          return true
        }
      }
      return false
    }
    const failed = failedFrom[index] as number
    for (let end = Math.min(latest, failed - 1); end >= start; end--) {
      if (this.#match(path, index + 1, end)) {
        ends[index] = end
        return true
      }
    }
    if (start < failed) failedFrom[index] = start
    return false
  }
}
