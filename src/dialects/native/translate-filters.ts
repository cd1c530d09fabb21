import type {
  HeaderEdits,
  HeaderValue,
  PathRewrite,
  RequestFilter,
  ResponseFilter,
} from '../../model/filter.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import { literal, type Template } from '../../model/template.ts'
import { translateWhen } from './conditions.ts'
import { joinPath, type Sink } from './sink.ts'
import { parseNativeTemplate, type TemplateRules, templateOf } from './template.ts'
import type * as Native from './types.ts'

/** Fields that the gateway alone writes: those of the connection and of framing (RFC 9110 7.6.1), and those that say who the client is. */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-real-ip',
])

export interface TranslatedFilters {
  readonly requestFilters: readonly RequestFilter[]
  readonly responseFilters: readonly ResponseFilter[]
}

const NO_FILTERS: TranslatedFilters = { requestFilters: [], responseFilters: [] }

/** `filters` of a route or target; `path` is that of the object they stand in. */
export function translateFilters(
  filters: Native.Filter | readonly Native.Filter[] | undefined,
  path: string,
  origin: Origin,
  sink: Sink,
): TranslatedFilters {
  if (filters === undefined) return NO_FILTERS
  const requestFilters: RequestFilter[] = []
  const responseFilters: ResponseFilter[] = []
  const place = joinPath(path, 'filters')
  const list = isList(filters) ? filters : [filters]
  for (const [i, { when, request, response }] of list.entries()) {
    const at = isList(filters) ? `${place}[${i}]` : place
    const hasAnswer = request === undefined
    const predicate =
      when === undefined ? null : translateWhen(when, joinPath(at, 'when'), { hasAnswer, sink })
    if (request !== undefined) {
      const here = joinPath(at, 'request')
      requestFilters.push({
        kind: 'rewriteRequest',
        origin: originAt(origin, here),
        when: predicate,
        path: request.path === undefined ? null : translatePath(request.path, joinPath(here, 'path'), sink),
        method: request.method ?? null,
        host: request.host ?? null,
        headers: translateEdits(request.headers, here, hasPatterns(request.path), false, sink),
      })
    }
    if (response !== undefined) {
      const here = joinPath(at, 'response')
      responseFilters.push({
        kind: 'rewriteResponse',
        origin: originAt(origin, here),
        when: predicate,
        status: response.status ?? null,
        bodyBase64: bodyOf(response),
        headers: translateEdits(response.headers, here, false, true, sink),
      })
    }
  }
  return { requestFilters, responseFilters }
}

function isList(filters: Native.Filter | readonly Native.Filter[]): filters is readonly Native.Filter[] {
  return Array.isArray(filters)
}

function bodyOf({ body, bodyBase64 }: Native.ResponseChange): string | null {
  return bodyBase64 ?? (body === undefined ? null : Buffer.from(body).toString('base64'))
}

function hasPatterns(change: Native.PathChange | undefined): boolean {
  return typeof change === 'object' && change.patterns !== undefined
}

function translatePath(change: Native.PathChange, path: string, sink: Sink): PathRewrite {
  if (typeof change === 'string') {
    checkTemplate(change, path, IN_REQUEST, sink)
    return { kind: 'template', source: 'path', template: templateOf(change) }
  }
  const source = change.raw === true ? 'target' : 'path'
  if (change.set !== undefined) {
    checkTemplate(change.set, joinPath(path, 'set'), IN_REQUEST, sink)
    return { kind: 'template', source, template: templateOf(change.set) }
  }
  if (change.replacePrefix !== undefined) {
    return {
      kind: 'patterns',
      source,
      rules: [replacePrefix(change.replacePrefix, change.with ?? '', source)],
    }
  }
  if (change.patterns === undefined) return { kind: 'keep', source }
  return {
    kind: 'patterns',
    source,
    rules: change.patterns.map(({ match, replace }, i) => {
      checkTemplate(replace, `${path}.patterns[${i}].replace`, BEHIND_PATTERN, sink)
      return { pattern: match, replacement: templateOf(replace) }
    }),
  }
}

/**
 * Whole parts of the path: the prefix must be followed by a slash or nothing (in the raw target also by the query), which is kept. A slash at the end of either text
 * plays no part, so that `/api/` and `/` mean what `/api` and nothing do.
 */
function replacePrefix(
  prefix: string,
  by: string,
  source: 'path' | 'target',
): { pattern: string; replacement: Template } {
  const trimmed = prefix.replace(/\/+$/, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const behind = by.replace(/\/+$/, '')
  const end = source === 'path' ? '(/|$)' : '(/|\\?|$)'
  return { pattern: `^${trimmed}${end}`, replacement: [...literal(behind), { group: 1 }] }
}

/** `hasGroups`: a pattern of the same filter comes before; `hasAnswer`: they are fields of the answer. */
function translateEdits(
  edits: Native.HeaderEdits | undefined,
  filter: string,
  hasGroups: boolean,
  hasAnswer: boolean,
  sink: Sink,
): HeaderEdits | null {
  if (edits === undefined) return null
  const rules = { hasGroups, hasAnswer }
  const path = joinPath(filter, 'headers')
  for (const [i, name] of (edits.remove ?? []).entries())
    refuseReserved(name, `${path}.remove[${i}]`, hasAnswer, sink)
  return {
    add: translateValues(edits.add, joinPath(path, 'add'), rules, sink),
    set: translateValues(edits.set, joinPath(path, 'set'), rules, sink),
    remove: edits.remove ?? [],
  }
}

function translateValues(
  values: Native.HeaderEdits['set'],
  path: string,
  rules: TemplateRules,
  sink: Sink,
): HeaderValue[] {
  const lines: HeaderValue[] = []
  for (const [name, value] of Object.entries(values ?? {})) {
    const place = joinPath(path, name)
    refuseReserved(name, place, rules.hasAnswer, sink)
    const isMany = Array.isArray(value)
    for (const [i, one] of (isMany ? value : [value]).entries()) {
      checkTemplate(String(one), isMany ? `${place}[${i}]` : place, rules, sink)
      lines.push({ name, value: templateOf(String(one)) })
    }
  }
  return lines
}

/** Field names that no filter and no answer of the gateway may have. */
export function refuseReserved(name: string, path: string, isAnswer: boolean, sink: Sink): void {
  const lower = name.toLowerCase()
  if (lower === 'host' && !isAnswer) {
    sink.refuse(path, 'Host is not changed among the header fields', 'write host: NAME beside headers')
  } else if (RESERVED.has(lower) && !(isAnswer && lower === 'x-real-ip')) {
    sink.refuse(path, `${name} is written by the gateway alone`)
  }
}

const IN_REQUEST: TemplateRules = { hasGroups: false, hasAnswer: false }
const BEHIND_PATTERN: TemplateRules = { hasGroups: true, hasAnswer: false }

/** What the schema's check, which knows nothing of the place, lets through. */
export function checkTemplate(text: string, path: string, rules: TemplateRules, sink: Sink): void {
  const parsed = parseNativeTemplate(text, rules)
  if ('error' in parsed) sink.refuse(path, parsed.error, parsed.hint)
}
