import { compilePredicate } from '../expression/compile.ts'
import type { RequestView } from '../expression/request-view.ts'
import { toByteString } from '../model/byte-string.ts'
import type { ExplainRequest } from '../model/explanation.ts'
import type { Comparison, Operator, Predicate, PredicateValue } from '../model/predicate.ts'
import { predicateText } from '../model/predicate-text.ts'
import type { HostPattern, PathPattern, Route, RouteEntry } from '../model/route.ts'
import { patternExample } from './pattern-example.ts'

/**
 * A request made up to meet all conditions of a route by one of its entries; or why none could be. Whether it does is for explain to say: this
 * only proposes.
 */
export function makeExample(route: Route, entry: RouteEntry): ExplainRequest | { readonly reason: string } {
  const draft: Draft = {
    method: route.methods?.[0] ?? 'GET',
    path: examplePath(entry.path),
    hasFreePath: entry.path.kind === 'prefix',
    host: exampleHost(entry.host),
    clientAddress: route.clients?.[0]?.split('/')[0] ?? '127.0.0.1',
    query: [],
    headers: [],
    cookies: [],
    form: [],
  }
  if (route.predicate !== null) {
    const choices = choose(route.predicate, true)
    if (choices === null)
      return { reason: `no request can meet ${predicateText(route.predicate).slice(0, 200)}` }
    const reason = fill(draft, choices)
    if (reason !== null) return { reason }
  }
  return toRequest(draft)
}

interface Draft {
  method: string
  path: string
  readonly hasFreePath: boolean
  host: string | null
  clientAddress: string
  readonly query: [string, string][]
  readonly headers: [string, string][]
  readonly cookies: [string, string][]
  readonly form: [string, string][]
}

function examplePath(pattern: PathPattern): string {
  if (pattern.kind !== 'pattern') return pattern.text === '' ? '/' : pattern.text
  const text = pattern.pieces
    .map((piece) => (typeof piece === 'string' ? piece : piece.kind === 'segment' ? 'x' : 'x'))
    .join('')
  return text.startsWith('/') ? text : `/${text}`
}

function exampleHost(host: HostPattern): string | null {
  switch (host.kind) {
    case 'any':
      return null
    case 'exact':
      return host.text
    case 'suffix':
      return host.text.startsWith('.') ? `www${host.text}` : host.text
    case 'prefix':
      return `${host.text}${host.text.endsWith('.') ? '' : '.'}example`
  }
}

/** A comparison that must come out so. */
interface Wish {
  readonly comparison: Comparison
  readonly held: boolean
}

/** The comparisons that make the predicate come out as wanted, by the first way there is; null: there is none. */
function choose(predicate: Predicate, held: boolean): readonly Wish[] | null {
  switch (predicate.kind) {
    case 'test':
      return [{ comparison: predicate, held }]
    case 'not':
      return choose(predicate.of, !held)
    case 'all':
    case 'any': {
      if ((predicate.kind === 'all') === held) {
        const all = predicate.of.map((part) => choose(part, held))
        return all.includes(null) ? null : all.flatMap((wishes) => wishes ?? [])
      }
      for (const part of predicate.of) {
        const wishes = choose(part, held)
        if (wishes?.every(({ comparison }) => placeOf(comparison.variable) !== null)) return wishes
      }
      const [first] = predicate.of
      return first === undefined ? null : choose(first, held)
    }
  }
}

/** Puts values into the draft. A text: why it cannot be done. */
function fill(draft: Draft, wishes: readonly Wish[]): string | null {
  const byVariable = new Map<string, Wish[]>()
  for (const wish of wishes) {
    const { variable } = wish.comparison
    byVariable.set(variable, [...(byVariable.get(variable) ?? []), wish])
  }
  for (const [variable, own] of byVariable) {
    const place = placeOf(variable)
    if (place === null) return `no value can be made up for the variable ${variable}`
    const present = place.read(draft)
    const value = [present, ...own.flatMap(proposals)].find((candidate) => meets(own, candidate))
    if (value === undefined) {
      const text = own.map(({ comparison, held }) =>
        predicateText(held ? comparison : { kind: 'not', of: comparison }),
      )
      return `no value was found for which ${text.join(' and ').slice(0, 200)}`
    }
    if (value === present) continue
    if (value === null || !place.write(draft, value))
      return `${variable} cannot be ${JSON.stringify(value)} here`
  }
  return null
}

/** Values that are worth a try; null is absence. */
function proposals({ comparison, held }: Wish): readonly (string | null)[] {
  const { operator, value } = comparison
  const texts = (isList(value) ? value : [value]).flatMap((item) => around(item, operator))
  const others = ['x', '0', '1', 'other', '10.0.0.1', '']
  if (held) return value === null ? [null, 'x'] : [...texts, null]
  return [null, ...others, ...texts]
}

function isList(value: PredicateValue): value is Extract<PredicateValue, readonly unknown[]> {
  return Array.isArray(value)
}

function around(value: Exclude<PredicateValue, readonly unknown[]>, operator: Operator): readonly string[] {
  if (value === null || (typeof value === 'object' && 'variable' in value)) return []
  const text = typeof value === 'object' ? value.decimal : String(value)
  if (operator === 'like') return [text.replaceAll('%', '')]
  if (operator === 'matches' || operator === 'matchesIgnoringCase') {
    const example = patternExample(text)
    return example === null ? [] : [example]
  }
  if (operator === 'inNetwork') return [text.split('/')[0] as string]
  const number = Number(text)
  const near = Number.isFinite(number) ? [String(number + 1), String(number - 1), String(number)] : []
  return [text, ...near, `${text}-x`]
}

/** Whether a value makes all comparisons come out as wanted, by the very tests that serve. */
function meets(wishes: readonly Wish[], value: string | null): boolean {
  const bytes = value === null ? undefined : toByteString(value)
  // a comparison of two variables reads its other side here: an empty request
  const view = {
    header: () => bytes,
    firstField: () => undefined,
    random: Math.random,
    query: null,
    path: '/',
  }
  const request = view as unknown as RequestView
  return wishes.every(
    ({ comparison, held }) =>
      compilePredicate({ ...comparison, variable: 'http_probe' }).test(request, null) === held,
  )
}

/** Where a variable's value stands in a request. */
interface Place {
  read(draft: Draft): string | null
  /** False: the value cannot stand there. */
  write(draft: Draft, value: string): boolean
}

function placeOf(variable: string): Place | null {
  switch (variable) {
    case 'request_method':
    case 'method':
      return {
        read: (draft) => draft.method,
        write: (draft, value) => {
          draft.method = value
          return /^[A-Z]+$/.test(value)
        },
      }
    case 'uri':
      return {
        read: (draft) => draft.path,
        write: (draft, value) => {
          if (!draft.hasFreePath || !value.startsWith(draft.path)) return false
          draft.path = value
          return true
        },
      }
    case 'host':
      return {
        read: (draft) => draft.host,
        write: (draft, value) => {
          if (draft.host !== null) return false
          draft.host = value
          return /^[a-z0-9.-]+$/.test(value)
        },
      }
    case 'remote_addr':
      return {
        read: (draft) => draft.clientAddress,
        write: (draft, value) => {
          draft.clientAddress = value
          return /^[0-9a-f.:]+$/.test(value)
        },
      }
  }
  if (variable.startsWith('path:')) return restPlace(Number(variable.slice(5)))
  if (variable.startsWith('arg_')) return listPlace('query', variable.slice(4))
  if (variable.startsWith('query:')) return listPlace('query', variable.slice(6))
  if (variable.startsWith('header:')) return listPlace('headers', variable.slice(7))
  if (variable.startsWith('anyHeader:')) return listPlace('headers', variable.slice(10))
  if (variable.startsWith('cookie_')) return listPlace('cookies', variable.slice(7))
  if (variable.startsWith('http_')) return listPlace('headers', variable.slice(5).replaceAll('_', '-'))
  if (variable.startsWith('post_arg_')) return listPlace('form', variable.slice(9))
  return null
}

/** The path without its first `length` bytes, which stay. */
function restPlace(length: number): Place {
  return {
    read: (draft) => (draft.path.length > length ? draft.path.slice(length) : '/'),
    write: (draft, value) => {
      const path = draft.path.slice(0, length) + value
      if (!draft.hasFreePath || !path.startsWith(draft.path)) return false
      draft.path = path
      return true
    },
  }
}

function listPlace(list: 'query' | 'headers' | 'cookies' | 'form', name: string): Place {
  return {
    read: (draft) => draft[list].find(([other]) => other === name)?.[1] ?? null,
    write: (draft, value) => {
      draft[list].push([name, value])
      if (list === 'headers')
        return name.toLowerCase() !== 'host' && !/[\r\n\0]/.test(value) && value.trim() === value
      return list !== 'cookies' || /^[^;,\s]*$/.test(value)
    },
  }
}

function toRequest(draft: Draft): ExplainRequest {
  const pair = ([name, value]: readonly [string, string]): string =>
    `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  const query = draft.query.map(pair).join('&')
  const headers: (readonly [string, string])[] = draft.headers.map(([name, value]) => [name, value] as const)
  if (draft.cookies.length > 0)
    headers.push(['cookie', draft.cookies.map(([name, value]) => `${name}=${value}`).join('; ')])
  if (draft.form.length > 0) headers.push(['content-type', 'application/x-www-form-urlencoded'])
  return {
    method: draft.method,
    target: `${encodePath(draft.path)}${query === '' ? '' : `?${query}`}`,
    host: draft.host,
    headers,
    clientAddress: draft.clientAddress,
    listener: null,
    body: draft.form.length === 0 ? null : draft.form.map(pair).join('&'),
  }
}

/** What routes see as this path. `%2F`, `%5C` and `%3B` are seen as they were written. */
function encodePath(path: string): string {
  return encodeURI(path.replace(/[\uD800-\uDFFF]/gu, '?'))
    .replace(/%25(2f|5c|3b)/gi, '%$1')
    .replace(/\?/g, '%3F')
    .replace(/#/g, '%23')
}
