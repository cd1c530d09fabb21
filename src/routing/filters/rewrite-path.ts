import { compilePattern, type Pattern, replaceEvery } from '../../expression/pattern.ts'
import type { RequestView } from '../../expression/request-view.ts'
import { compileTemplate } from '../../expression/template.ts'
import type { PathRewrite } from '../../model/filter.ts'
import type { Template, TemplatePart } from '../../model/template.ts'
import type { RewriteGroups } from '../table.ts'
import { encodePath, encodeQuery, encodeText } from './encode-path.ts'

/** Makes the target sent upstream; undefined: BAD_REWRITE. */
export type TargetRewrite = (view: RequestView, groups: RewriteGroups) => string | undefined

/** Rules: spec/apisix.md 9.1 proxy-rewrite. What comes out is in origin form and holds only bytes that may go on the wire. */
export function compilePathRewrite(rewrite: PathRewrite): {
  readonly target: TargetRewrite
  readonly needsBody: boolean
} {
  switch (rewrite.kind) {
    case 'keep':
      return {
        target:
          rewrite.source === 'path'
            ? (view) => checkTarget(joinQuery(encodePath(view.path), view.query))
            : (view) => checkTarget(view.target),
        needsBody: false,
      }
    case 'prefix':
      return compilePrefix(rewrite)
    case 'template':
      return rewrite.source === 'path'
        ? compileEncodedTemplate(rewrite.template)
        : compileRawTemplate(rewrite.template)
    case 'patterns':
      return compilePatterns(rewrite)
  }
}

function compilePrefix({ cut, replacement, query }: PathRewrite & { kind: 'prefix' }): {
  target: TargetRewrite
  needsBody: boolean
} {
  const tail = query === '' ? '' : `?${query}`
  const pieces = compilePieces(replacement)
  return {
    target: (view) => {
      const draft = new TargetDraft()
      pieces.write(draft, view, null)
      const isDouble = draft.endsWithSlash && view.path.charCodeAt(cut) === 0x2f
      draft.add(view.path.slice(isDouble ? cut + 1 : cut), 'path')
      if (tail !== '') draft.add(tail, 'author')
      return draft.finish(view.query)
    },
    needsBody: pieces.needsBody,
  }
}

function compileEncodedTemplate(template: Template): { target: TargetRewrite; needsBody: boolean } {
  const pieces = compilePieces(template)
  return {
    target: (view) => {
      const draft = new TargetDraft()
      pieces.write(draft, view, null)
      return draft.finish(view.query)
    },
    needsBody: pieces.needsBody,
  }
}

function compileRawTemplate(template: Template): { target: TargetRewrite; needsBody: boolean } {
  const { render, needsBody } = compileTemplate(template)
  return { target: (view) => checkTarget(joinQuery(withSlash(render(view, null)), view.query)), needsBody }
}

/** The first pattern that hits has its first hit replaced, and its captures go to header templates. No hit: as `keep`. */
function compilePatterns(rewrite: PathRewrite & { kind: 'patterns' }): {
  target: TargetRewrite
  needsBody: boolean
} {
  const isEncoded = rewrite.source === 'path'
  const rules = rewrite.rules.map(({ pattern, replacement }) => ({
    pattern: compilePattern(pattern, { ignoreCase: false }),
    pieces: compilePieces(replacement),
    template: compileTemplate(replacement),
  }))
  return {
    target: (view, groups) => {
      if (rewrite.every === true) return replaceHits(rules, view, groups)
      const subject = isEncoded ? view.path : view.target
      for (let i = 0; i < rules.length; i++) {
        const rule = rules[i] as { pattern: Pattern; pieces: Pieces; template: { render: Render } }
        const hit = rule.pattern.exec(subject)
        if (hit === null) continue
        groups.captures = hit.captures
        const { index, end, captures } = hit
        if (!isEncoded) {
          const text = rule.template.render(view, captures)
          return checkTarget(withSlash(subject.slice(0, index) + text + subject.slice(end)))
        }
        const draft = new TargetDraft()
        draft.add(subject.slice(0, index), 'path')
        rule.pieces.write(draft, view, captures)
        draft.add(subject.slice(end), 'path')
        return draft.finish(view.query)
      }
      return isEncoded ? checkTarget(joinQuery(encodePath(view.path), view.query)) : checkTarget(view.target)
    },
    needsBody: rules.some((rule) => rule.template.needsBody),
  }
}

/**
 * Every hit of the first rule that hits, in the resolved path. What stands between hits is the client's, what is put in is the author's and the client's: both are
 * encoded where they have to be.
 */
function replaceHits(
  rules: readonly { readonly pattern: Pattern; readonly template: { readonly render: Render } }[],
  view: RequestView,
  groups: RewriteGroups,
): string | undefined {
  for (const { pattern, template } of rules) {
    const first = pattern.exec(view.path)
    if (first === null) continue
    groups.captures = first.captures
    const path = replaceEvery(pattern, view.path, (hit) => template.render(view, hit.captures))
    return path.includes('\0') ? undefined : checkTarget(joinQuery(encodePath(withSlash(path)), view.query))
  }
  return checkTarget(joinQuery(encodePath(view.path), view.query))
}

type Captures = readonly (string | undefined)[] | null
type Render = (view: RequestView, captures: Captures) => string

interface Pieces {
  write(draft: TargetDraft, view: RequestView, captures: Captures): void
  readonly needsBody: boolean
}

/** Where a piece of a target comes from: the template's own text, the resolved path (also a capture of it), or another variable. */
type Source = 'author' | 'path' | 'variable'

/** Template parts one by one, since only what the author wrote may start a query, and only the path has escapes that stay. */
function compilePieces(template: Template): Pieces {
  const parts = template.map((part) => {
    const { render, needsBody } = compileTemplate([part])
    return { render, needsBody, source: sourceOf(part) }
  })
  return {
    write: (draft, view, captures) => {
      for (const { render, source } of parts) draft.add(render(view, captures), source)
    },
    needsBody: parts.some((part) => part.needsBody),
  }
}

function sourceOf(part: TemplatePart): Source {
  if (typeof part === 'string') return 'author'
  if ('group' in part) return 'path'
  return part.variable === 'uri' || part.variable.startsWith('uri_param_') ? 'path' : 'variable'
}

/**
 * A target in the making, encoded piece by piece: path text until the author writes `?`, query text behind it. A `?` out of a variable, a
 * capture or the client's path is written `%3F`.
 */
class TargetDraft {
  #path = ''
  #query: string | null = null
  #isBad = false

  add(text: string, source: Source): void {
    if (this.#query !== null) {
      this.#addToQuery(source === 'author' ? text : text.replaceAll('?', '%3F'))
      return
    }
    const mark = source === 'author' ? text.indexOf('?') : -1
    const path = mark === -1 ? text : text.slice(0, mark)
    if (path.includes('\0')) this.#isBad = true
    this.#path += source === 'path' ? encodePath(path) : encodeText(path)
    if (mark === -1) return
    this.#query = ''
    this.#addToQuery(text.slice(mark + 1))
  }

  get endsWithSlash(): boolean {
    return this.#query === null && this.#path.endsWith('/')
  }

  /** Line breaks are encoded with the path, as the client's own are; in a query they are refused, and NUL everywhere. */
  finish(clientQuery: string | null): string | undefined {
    if (this.#isBad) return undefined
    const path = withSlash(this.#path)
    return checkTarget(joinQuery(this.#query === null ? path : `${path}?${this.#query}`, clientQuery))
  }

  #addToQuery(text: string): void {
    if (/[\r\n\0]/.test(text)) this.#isBad = true
    this.#query += encodeQuery(text)
  }
}

function withSlash(path: string): string {
  return path.charCodeAt(0) === 0x2f ? path : `/${path}`
}

/** Puts the client's query behind `?`, or behind `&` where there is a query already. An empty query adds nothing. */
export function joinQuery(target: string, query: string | null): string {
  if (query === null || query === '') return target
  if (!target.includes('?')) return `${target}?${query}`
  return target.endsWith('?') || target.endsWith('&') ? target + query : `${target}&${query}`
}

/** spec/reliability.md section 3: origin form, visible ASCII, no fragment, and no way above the root. */
function checkTarget(target: string): string | undefined {
  return target.charCodeAt(0) === 0x2f && !/[^!-~]|#/.test(target) && !leavesRoot(target) ? target : undefined
}

function leavesRoot(target: string): boolean {
  if (!target.includes('/..')) return false
  const mark = target.indexOf('?')
  let depth = 0
  for (const segment of (mark === -1 ? target : target.slice(0, mark)).slice(1).split('/')) {
    if (segment === '..') depth--
    else if (segment !== '.' && segment !== '') depth++
    if (depth < 0) return true
  }
  return false
}
