import type { HostPattern, PathPattern, PatternPiece } from '../../model/route.ts'
import type { ApisixSettings } from '../../model/settings.ts'

export type RouterMode = ApisixSettings['router']

/** How path and host patterns are written (spec/apisix.md 3.1), turned into the model's forms. */

/** Lower case, because hosts match without regard to case. `*` is any host, one leading `*` a suffix, everything else exact. */
export function parseHost(pattern: string): HostPattern {
  const text = pattern.toLowerCase()
  if (text === '*') return { kind: 'any' }
  return text.startsWith('*') ? { kind: 'suffix', text: text.slice(1) } : { kind: 'exact', text }
}

export type ParsedPath =
  | {
      readonly path: PathPattern
      /** Bytes before the first wildcard or parameter; of the whole path where there is none. */
      readonly literalLength: number
    }
  | { readonly error: string }

/**
 * - no `*`: the path itself. `*` as the last character behind anything: a prefix.
 * - a segment that starts with `*` takes any text, slashes included; a name behind it counts only in the parameter router.
 * - `:name` segments are parameters in the parameter router alone, elsewhere `:` is an ordinary character.
 * - a `*` elsewhere is refused: the reference would only compare what stands before it, which nobody means.
 */
export function parsePath(pattern: string, mode: RouterMode): ParsedPath {
  const hasParameters = mode === 'radixtree_uri_with_parameter'
  const star = pattern.indexOf('*')
  if (star < 0 && !(hasParameters && pattern.includes('/:'))) {
    return { path: { kind: 'exact', text: pattern }, literalLength: Buffer.byteLength(pattern) }
  }
  if (star === pattern.length - 1 && !(hasParameters && pattern.includes('/:'))) {
    const text = pattern.slice(0, -1)
    return { path: { kind: 'prefix', text }, literalLength: Buffer.byteLength(text) }
  }
  return parseSegments(pattern, hasParameters)
}

function parseSegments(pattern: string, hasParameters: boolean): ParsedPath {
  const pieces: PatternPiece[] = []
  let literal = ''
  const flush = (): void => {
    if (literal !== '') pieces.push(literal)
    literal = ''
  }
  const segments = pattern.split('/')
  for (const [index, segment] of segments.entries()) {
    if (index > 0) literal += '/'
    if (segment.startsWith('*')) {
      flush()
      const name = segment.slice(1)
      pieces.push({ kind: 'rest', name: hasParameters && name !== '' && name !== '*' ? name : null })
    } else if (segment.includes('*')) {
      return { error: `a * in the middle of a segment is not supported: ${pattern}` }
    } else if (hasParameters && segment.startsWith(':')) {
      flush()
      pieces.push({ kind: 'segment', name: segment.length > 1 ? segment.slice(1) : null })
    } else literal += segment
  }
  flush()
  const first = pieces[0]
  return {
    path: { kind: 'pattern', pieces },
    literalLength: typeof first === 'string' ? Buffer.byteLength(first) : 0,
  }
}
