import type { Predicate } from '../../model/predicate.ts'
import type { HttpMatch, StringMatcher } from './resources.ts'

/** All given parts must hold: spec/kuma.md 6. A rule without any is refused before. */
export function translateMatch({ method, path, headers, query }: HttpMatch): Predicate {
  const of: Predicate[] = []
  if (path !== null) of.push(translateMatcher('uri', path))
  if (method !== null) of.push(translateMatcher('request_method', method))
  for (const [name, matcher] of headers) of.push(translateMatcher(headerVariable(name), matcher))
  for (const [name, matcher] of query) of.push(translateMatcher(`query:${name}`, matcher))
  return of.length === 1 ? (of[0] as Predicate) : { kind: 'all', of }
}

/** An absent value never fits. */
function translateMatcher(variable: string, { kind, text }: StringMatcher): Predicate {
  switch (kind) {
    case 'exact':
      return { kind: 'test', variable, operator: 'equal', value: text }
    case 'prefix':
      return { kind: 'test', variable, operator: 'startsWith', value: text }
    case 'regex':
      return { kind: 'test', variable, operator: 'matches', value: wholePattern(text) }
  }
}

/** Patterns fit the whole text. */
function wholePattern(pattern: string): string {
  return `\\A(?:${pattern})\\z`
}

/** Pseudo fields of HTTP/2 can be named over HTTP/1.1 too. Lines of one field are joined by a comma alone. */
const PSEUDO: ReadonlyMap<string, string> = new Map([
  [':authority', 'joined:host'],
  [':method', 'request_method'],
  [':path', 'real_request_uri'],
  [':scheme', 'scheme'],
])

function headerVariable(name: string): string {
  const lower = name.toLowerCase()
  return PSEUDO.get(lower) ?? `joined:${lower}`
}
