import type { PathRewrite } from '../../model/filter.ts'
import { literal, type Template, type TemplatePart } from '../../model/template.ts'
import { type ApiPath, quotePattern } from './api-path.ts'

export interface Combination {
  readonly front: ApiPath
  /** `/release`, the prefix of a custom domain, or empty. */
  readonly base: string
  /** Backend path as written; may hold `{name}`. */
  readonly backend: string
  /** Values of `{name}` that are no variables of the front-end path (parameter mapping). */
  readonly mapped: ReadonlyMap<string, TemplatePart>
  /** `a=1&b=2`, encoded; empty: none. It comes before the client's own query. */
  readonly query: string
}

/**
 * How backend path and rest make the path that is sent (spec/tencent.md 4.3). Front-end path P, request R = base + P + rest, backend path B:
 * B + rest, one of two slashes at the seam left out, and an empty B as good as `/`. A slash that ends P belongs to the rest. Null: the path stays
 * as it is.
 */
export function combinePath(combination: Combination): PathRewrite | null {
  const { front, base, backend, query } = combination
  const tail = query === '' ? '' : `?${query}`
  const head = backend === '' ? '/' : backend
  if (front.tier === 'exact')
    return { kind: 'template', source: 'path', template: fill(head, combination, tail) }
  if (front.tier === 'pattern') return combinePattern(front, combination, tail)
  if (base === '' && tail === '' && isSame(front.text, backend)) return null
  const own = front.text.endsWith('/') ? front.text.slice(0, -1) : front.text
  return {
    kind: 'prefix',
    cut: Buffer.byteLength(base + own),
    replacement: fill(head, combination, ''),
    query,
  }
}

/** As with prefixes, but what is cut off is what the pattern takes. */
function combinePattern(
  { source, endsWithSlash, groupCount }: ApiPath & { tier: 'pattern' },
  combination: Combination,
  tail: string,
): PathRewrite {
  const { base, backend } = combination
  const written = `(?:${endsWithSlash ? source.slice(0, -1) : source})`
  const opensRest = backend === '' || backend.endsWith('/')
  let rest: string
  if (opensRest) rest = endsWithSlash ? '/(.*)' : '/?(.*)'
  else rest = endsWithSlash ? '(/.*)' : '(.*)'
  const replacement: TemplatePart[] = [
    ...fill(backend === '' ? '/' : backend, combination, ''),
    { group: groupCount + 1 },
  ]
  if (tail !== '') replacement.push(tail)
  return {
    kind: 'patterns',
    source: 'path',
    rules: [{ pattern: `(?s)^${quotePattern(base)}${written}${rest}$`, replacement }],
  }
}

/** The path without the base and nothing else. Null: the path stays as it is. */
export function stripBase(base: string): PathRewrite | null {
  if (base === '') return null
  return { kind: 'prefix', cut: Buffer.byteLength(base), replacement: ['/'], query: '' }
}

/** Whether what is sent is what came: P and B are both the root, or the same text. */
function isSame(front: string, backend: string): boolean {
  return front === backend || (front === '/' && backend === '')
}

/** The backend path with its `{name}`: groups of the front-end path, or mapped parameters. */
function fill(backend: string, { front, mapped }: Combination, tail: string): Template {
  const groups = front.tier === 'pattern' ? front.groups : new Map<string, number>()
  const parts: TemplatePart[] = []
  let from = 0
  const add = (text: string): void => {
    if (text !== '') parts.push(text)
  }
  for (const found of backend.matchAll(/\{([^{}]+)\}/g)) {
    const name = found[1] ?? ''
    const value = mapped.get(name)
    const group = groups.get(name)
    if (value === undefined && group === undefined) continue
    add(backend.slice(from, found.index))
    parts.push(value === undefined ? { group: group as number } : value)
    from = found.index + found[0].length
  }
  add(backend.slice(from))
  add(tail)
  return parts.length === 0 ? literal('/') : parts
}

/** Names in a backend path: `{name}`. */
export function namesIn(backend: string): readonly string[] {
  return [...backend.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)
}
