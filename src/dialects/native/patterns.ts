import type { HostPattern, PathPattern, PatternPiece } from '../../model/route.ts'

/** How hosts and paths are written, and what they become. Texts with faults give `error` and, maybe, a hint. */

export interface PatternFault {
  readonly error: string
  readonly hint: string | null
}

const HOST_TEXT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/

/** `*` any, `*.x` and `*x` suffixes, `x.*` and `x*` prefixes, everything else exact. Lower case. */
export function parseHost(written: string): HostPattern | PatternFault {
  const text = written.toLowerCase()
  if (text === '*') return { kind: 'any' }
  const isSuffix = text.startsWith('*')
  const isPrefix = text.endsWith('*')
  const body = isSuffix ? text.slice(1) : isPrefix ? text.slice(0, -1) : text
  if (body.includes('*')) {
    return { error: `${written}: a * may stand at one end only`, hint: 'write *.example.com or shop.*' }
  }
  if (/:\d+$/.test(body) && !body.startsWith('[')) {
    return {
      error: `${written}: hosts are compared without port`,
      hint: `write ${written.replace(/:\d+$/, '')}`,
    }
  }
  if (body.includes('/')) {
    return { error: `${written} is no host`, hint: 'write the host alone; the path belongs in paths' }
  }
  if (!HOST_TEXT.test(body)) return { error: `${written} is no host`, hint: null }
  if (!isPrefix && body.endsWith('.')) {
    return { error: `${written}: a dot at the end does not count`, hint: `write ${written.slice(0, -1)}` }
  }
  if (isSuffix) return { kind: 'suffix', text: body }
  return { kind: isPrefix ? 'prefix' : 'exact', text: body }
}

const PARAM = /^:([A-Za-z_][A-Za-z0-9_]*)/
const REST = /^\*\*([A-Za-z_][A-Za-z0-9_]*)?$/

/**
 * - `*` as the last sign: any text behind what stands before it, also none, slashes included;
 * - `**` as a whole part: the same, in the middle too; `**name` gives it a name;
 * - `*` as a whole part in the middle: one part;
 * - `:name` at the beginning of a part: one part (or what of it stands before the text behind the name), with a name;
 * - everything else: itself.
 */
export function parsePath(written: string): PathPattern | PatternFault {
  if (!written.startsWith('/') && written !== '*') {
    return { error: `${written}: paths begin with a slash`, hint: `write /${written}` }
  }
  if (/[?#]/.test(written)) {
    return {
      error: `${written}: a path has no ${written.includes('?') ? 'query' : 'fragment'}`,
      hint: 'conditions on arguments stand in when: {query: NAME, equals: VALUE}',
    }
  }
  const names = new Set<string>()
  const pieces: PatternPiece[] = []
  let literal = ''
  const put = (piece: Exclude<PatternPiece, string>): void => {
    if (literal !== '') pieces.push(literal)
    literal = ''
    pieces.push(piece)
  }
  const segments = written.split('/')
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (index > 0) literal += '/'
    const param = PARAM.exec(segment)
    const rest = REST.exec(segment)
    const name = param?.[1] ?? rest?.[1] ?? null
    if (name !== null && names.has(name))
      return { error: `${written}: the name ${name} stands there twice`, hint: null }
    if (name !== null) names.add(name)
    let behind = segment
    if (param !== null) {
      put({ kind: 'segment', name })
      behind = segment.slice(param[0].length)
    } else if (rest !== null) {
      put({ kind: 'rest', name })
      continue
    } else if (segment === '*' && !isLast) {
      put({ kind: 'segment', name: null })
      continue
    }
    const star = behind.indexOf('*')
    if (star < 0) literal += behind
    else if (isLast && param === null && star === behind.length - 1) {
      literal += behind.slice(0, -1)
      put({ kind: 'rest', name: null })
    } else {
      return {
        error: `${written}: a * stands for whole parts, or at the very end`,
        hint: 'a path with a plain * in it is written {exact: TEXT}',
      }
    }
  }
  if (literal !== '') pieces.push(literal)
  return simplify(pieces)
}

/** Patterns without wildcards are exact, those with a nameless rest at the end alone are prefixes. */
function simplify(pieces: readonly PatternPiece[]): PathPattern {
  const [first, second] = pieces
  if (pieces.length === 1) {
    if (typeof first === 'string') return { kind: 'exact', text: first }
    if (first?.kind === 'rest' && first.name === null) return { kind: 'prefix', text: '' }
  }
  if (pieces.length === 2 && typeof first === 'string' && typeof second === 'object') {
    if (second.kind === 'rest' && second.name === null) return { kind: 'prefix', text: first }
  }
  return { kind: 'pattern', pieces }
}

/** `host:port`, `host`, `[v6]:port`, `[v6]`. port null: the scheme's own. */
export function parseAddress(
  text: string,
): { readonly host: string; readonly port: number | null } | PatternFault {
  if (text.includes('://')) {
    return { error: `${text} is no address`, hint: 'write host:port; https is scheme: https of the upstream' }
  }
  if (text.includes('/')) return { error: `${text} is no address`, hint: 'write host:port, without a path' }
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) {
    const isBareV6 = /^[0-9A-Fa-f:.]+$/.test(text) && text.split(':').length > 2
    return { error: `${text} is no address`, hint: isBareV6 ? `write [${text}]` : 'write host:port' }
  }
  if (bracketed === undefined && !/^[A-Za-z0-9._-]+$/.test(host)) {
    return { error: `${text} is no address`, hint: 'write host:port' }
  }
  const port = digits === undefined ? null : Number(digits)
  if (port !== null && (port < 1 || port > 65_535)) {
    return { error: `${text}: a port is a number from 1 to 65535`, hint: null }
  }
  return { host, port }
}
