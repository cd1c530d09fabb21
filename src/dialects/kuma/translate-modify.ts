import { escapePattern } from '../../expression/pattern.ts'
import type { HeaderEdits, HeaderValue, RequestRewrite, ResponseFilter } from '../../model/filter.ts'
import type { Origin } from '../../model/origin.ts'
import { literal, type Template, type TemplatePart } from '../../model/template.ts'
import type { HeaderChanges, HttpMatch, HttpModify } from './resources.ts'

/** What a rule changes, as filters of its targets: fields first, then the host, then the path, and the host is made of the path as it came (spec/kuma.md 6). */
export function translateModify(
  modify: HttpModify,
  match: HttpMatch,
  origin: Origin,
): { readonly request: readonly RequestRewrite[]; readonly response: readonly ResponseFilter[] } {
  const { path, host, requestHeaders, responseHeaders } = modify
  const request: RequestRewrite[] = []
  if (path !== null || host !== null || requestHeaders !== null) {
    request.push({
      kind: 'rewriteRequest',
      origin,
      when: null,
      path: path === null ? null : translatePath(path, match),
      method: null,
      host: host?.kind === 'value' ? host.text : null,
      ...(host?.kind === 'fromPath'
        ? { hostFrom: { pattern: host.pattern, replacement: readSubstitution(host.substitution) } }
        : {}),
      headers: requestHeaders === null ? null : translateHeaders(requestHeaders),
    })
  }
  const response: ResponseFilter[] =
    responseHeaders === null
      ? []
      : [
          {
            kind: 'rewriteResponse',
            origin,
            when: null,
            status: null,
            bodyBase64: null,
            headers: translateHeaders(responseHeaders),
          },
        ]
  return { request, response }
}

/** `rewritePrefix` takes the place of the matched prefix, text for text, without a look at segments. */
function translatePath(path: NonNullable<HttpModify['path']>, match: HttpMatch): RequestRewrite['path'] {
  if (path.kind === 'regex') {
    const rule = { pattern: path.pattern, replacement: readSubstitution(path.substitution) }
    return { kind: 'patterns', source: 'path', every: true, rules: [rule] }
  }
  const prefix = match.path?.kind === 'prefix' ? match.path.text : ''
  const rule = { pattern: `\\A${escapePattern(prefix)}`, replacement: literal(path.text) }
  return { kind: 'patterns', source: 'path', every: true, rules: [rule] }
}

/** `\0` to `\9` are groups, `\\` is a backslash; a backslash before anything else stands for itself. */
export function readSubstitution(text: string): Template {
  const parts: TemplatePart[] = []
  let plain = ''
  for (let i = 0; i < text.length; i++) {
    const sign = text[i] as string
    const next = text[i + 1] ?? ''
    if (sign === '\\' && next === '\\') {
      plain += sign
      i++
    } else if (sign === '\\' && next >= '0' && next <= '9') {
      if (plain !== '') parts.push(plain)
      plain = ''
      parts.push({ group: Number(next) })
      i++
    } else plain += sign
  }
  if (plain !== '') parts.push(plain)
  return parts
}

/**
 * Removals come before additions, so a field in both is made anew; an addition without `append` replaces what stands there by then, those before it in the list
 * included.
 */
export function translateHeaders({ add, remove }: HeaderChanges): HeaderEdits {
  const fields = new Map<string, { isNew: boolean; lines: HeaderValue[] }>()
  const gone = new Map(remove.map((name) => [name.toLowerCase(), name]))
  for (const name of gone.keys()) fields.set(name, { isNew: true, lines: [] })
  for (const { name, value, append } of add) {
    const lower = name.toLowerCase()
    let field = fields.get(lower)
    if (field === undefined) {
      field = { isNew: false, lines: [] }
      fields.set(lower, field)
    }
    if (!append) {
      field.isNew = true
      field.lines = []
    }
    field.lines.push({ name, value: literal(value) })
  }
  const edits = { add: [] as HeaderValue[], set: [] as HeaderValue[], remove: [] as string[] }
  for (const [lower, { isNew, lines }] of fields) {
    if (lines.length === 0) edits.remove.push(gone.get(lower) ?? lower)
    else if (isNew) edits.set.push(...lines)
    else edits.add.push(...lines)
  }
  return edits
}
