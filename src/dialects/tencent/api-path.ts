import type { PathPattern, PatternPiece } from '../../model/route.ts'

/**
 * The front-end path of an API (spec/tencent.md 1, "Choosing the API for a path"). The best of four tiers wins: exact, a prefix that begins with
 * `^~`, a regular expression or path with variables, a plain prefix. Prefixes are texts: they end inside a segment as well.
 */
export type ApiPath =
  | { readonly tier: 'exact' | 'prefix' | 'plain'; readonly text: string }
  | {
      readonly tier: 'pattern'
      /** RE2, to be held against the path behind the environment from its beginning on; `{name}` is a group. */
      readonly source: string
      /** Whether the text as written ends with a slash, which then stays with the rest. */
      readonly endsWithSlash: boolean
      /** Names of the variables, and the numbers of their groups. */
      readonly groups: ReadonlyMap<string, number>
      /** All groups of `source`. */
      readonly groupCount: number
      /** For the index and for variables in conditions; null: the text has regular expressions, any path may fit. */
      readonly pieces: readonly PatternPiece[] | null
    }

/** Why a path is refused. */
export interface PathFault {
  readonly error: string
}

const VARIABLE = /\{([A-Za-z_][A-Za-z0-9_-]*)\}/g
const REGULAR = /[()[\]*+?|\\^$]/

export function parseApiPath(written: string): ApiPath | PathFault {
  if (written.startsWith('=')) return parseLiteral('exact', written.slice(1), written)
  if (written.startsWith('^~')) {
    const text = written.slice(2).trimStart()
    if (REGULAR.test(text) || text.includes('{'))
      return {
        error: `${written}: behind ^~ stands a plain prefix, without a regular expression or variable`,
      }
    return parseLiteral('prefix', text, written)
  }
  const isMarked = written.startsWith('~')
  const text = isMarked ? written.slice(1).trimStart() : written
  const withoutVariables = text.replace(VARIABLE, '')
  const isRegular = isMarked || REGULAR.test(withoutVariables)
  if (!isRegular && withoutVariables === text) return parseLiteral('plain', text, written)
  return parsePattern(text, isRegular, written)
}

function parseLiteral(
  tier: 'exact' | 'prefix' | 'plain',
  text: string,
  written: string,
): ApiPath | PathFault {
  const path = text.trimStart()
  if (!path.startsWith('/')) return { error: `${written}: a path begins with /` }
  if (/[{}]/.test(path))
    return { error: `${written}: a variable is written {name}, with letters, digits, _ and -` }
  if (/[\s?#]/.test(path)) return { error: `${written}: a path has no blank, ? or #` }
  return { tier, text: path }
}

function parsePattern(text: string, isRegular: boolean, written: string): ApiPath | PathFault {
  const start = text.startsWith('^') ? text.slice(1) : text
  if (!start.startsWith('/')) return { error: `${written}: a path begins with /` }
  const names = [...start.matchAll(VARIABLE)].map(([, name = '']) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) return { error: `${written}: the variable {${twice}} stands twice` }
  const groups = new Map<string, number>()
  let source = ''
  let count = 0
  const pieces: PatternPiece[] = []
  let from = 0
  const literal = (part: string): void => {
    if (part === '') return
    if (isRegular) count += countGroups(part)
    source += isRegular ? part : quotePattern(part)
    pieces.push(part)
  }
  for (const found of start.matchAll(VARIABLE)) {
    literal(start.slice(from, found.index))
    from = found.index + found[0].length
    groups.set(found[1] ?? '', ++count)
    source += '(.+)'
    pieces.push({ kind: 'rest', name: found[1] ?? '' })
  }
  literal(start.slice(from))
  if (!isRegular && /[{}]/.test(start.replace(VARIABLE, '')))
    return { error: `${written}: a variable is written {name}, with letters, digits, _ and -` }
  return {
    tier: 'pattern',
    source,
    endsWithSlash: start.endsWith('/'),
    groups,
    groupCount: count,
    pieces: isRegular ? null : pieces,
  }
}

/** Capturing groups of a piece of a regular expression. */
function countGroups(source: string): number {
  let count = 0
  let isInClass = false
  for (let i = 0; i < source.length; i++) {
    const char = source[i]
    if (char === '\\') i++
    else if (isInClass) isInClass = char !== ']'
    else if (char === '[') isInClass = true
    else if (char === '(' && (source[i + 1] !== '?' || /^\?P?<[A-Za-z]/.test(source.slice(i + 1)))) count++
  }
  return count
}

/** A text that a pattern takes literally. */
export function quotePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** What takes paths of an API below a base (`/release`, or empty), and the pattern that has to fit as well; null: none. */
export function matchersOf(
  path: ApiPath,
  base: string,
): { readonly paths: readonly PathPattern[]; readonly pattern: string | null } {
  if (path.tier === 'exact') {
    const exact = { kind: 'exact', text: base + path.text } as const
    // the environment alone is its root
    return {
      paths: path.text === '/' && base !== '' ? [exact, { ...exact, text: base }] : [exact],
      pattern: null,
    }
  }
  if (path.tier !== 'pattern') {
    const prefix = { kind: 'prefix', text: base + path.text } as const
    const paths: PathPattern[] = [prefix]
    if (path.text === '/' && base !== '') paths.push({ kind: 'exact', text: base })
    return { paths, pattern: null }
  }
  const pattern = `^${quotePattern(base)}(?:${path.source})`
  if (path.pieces === null) return { paths: [{ kind: 'prefix', text: `${base}/` }], pattern }
  const pieces: PatternPiece[] = [base]
  for (const piece of path.pieces) {
    const last = pieces.length - 1
    if (typeof piece === 'string' && typeof pieces[last] === 'string')
      pieces[last] = `${pieces[last]}${piece}`
    else pieces.push(piece)
  }
  // what stands behind the match is the rest of the path
  if (typeof pieces.at(-1) === 'string') pieces.push({ kind: 'rest', name: null })
  return { paths: [{ kind: 'pattern', pieces }], pattern }
}
