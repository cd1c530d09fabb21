import { toByteString } from '../model/byte-string.ts'
import type { Template, TemplatePart } from '../model/template.ts'
import type { RequestView } from './request-view.ts'
import { compileVariable, type VariableValue } from './variables.ts'

/** What a template's language knows; spec/apisix.md 9.1 says which plugin has what. */
export interface TemplateOptions {
  /** `${name ?? text}`. */
  readonly fallbacks: boolean
  /** A bare `$name` swallows dots: `$uri.html` is one name. */
  readonly dotsInNames: boolean
  /** `$1`, `${1}` are groups of the pattern that hit; without variables also `$$` for a dollar sign. */
  readonly groups: boolean
  /** `$name`, `${name}` are variables. */
  readonly variables: boolean
}

/**
 * Text to data. What has no meaning stays as it is written: a lone `$` (so `$$uri` is a dollar sign and the path), an unclosed `${`. Where
 * variables are known, a backslash before `$` keeps the text, the backslash included. One pass, never throws.
 */
export function parseTemplate(text: string, options: TemplateOptions): Template {
  const parts: TemplatePart[] = []
  let literal = ''
  let i = 0
  const add = (part: TemplatePart) => {
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(part)
  }
  // Once one `{` has no end, none behind it has.
  let lastBrace = text.lastIndexOf('}')
  if (!options.groups && !options.variables) lastBrace = -1
  while (i < text.length) {
    const dollar = text.indexOf('$', i)
    if (dollar < 0) break
    literal += text.slice(i, dollar)
    i = dollar + 1
    if (options.variables && dollar > 0 && text[dollar - 1] === '\\') {
      literal += '$'
      continue
    }
    if (options.groups && !options.variables && text[i] === '$') {
      literal += '$'
      i++
      continue
    }
    const isBraced = text[i] === '{' && i < lastBrace
    const end = isBraced ? text.indexOf('}', i) : nameEnd(text, i, options)
    const part = holeOf(isBraced ? text.slice(i + 1, end) : text.slice(i, end), isBraced, options)
    if (part === null) {
      literal += '$'
      continue
    }
    add(part)
    i = isBraced ? end + 1 : end
  }
  literal += text.slice(i)
  if (literal !== '') parts.push(literal)
  return parts
}

function nameEnd(text: string, start: number, options: TemplateOptions): number {
  let i = start
  if (options.groups && isDigit(text.charCodeAt(i))) {
    while (isDigit(text.charCodeAt(i))) i++
    return i
  }
  while (i < text.length && isNameCharacter(text.charCodeAt(i), options.dotsInNames)) i++
  return i
}

function holeOf(written: string, isBraced: boolean, options: TemplateOptions): TemplatePart | null {
  if (options.groups && /^[0-9]{1,3}$/.test(written)) return { group: Number(written) }
  if (!options.variables) return null
  const mark = isBraced && options.fallbacks ? written.indexOf('??') : -1
  const name = (mark < 0 ? written : written.slice(0, mark)).trim()
  if (name === '' || name.includes('{') || name.includes('$')) return null
  return { variable: name, fallback: mark < 0 ? '' : written.slice(mark + 2).trim() }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isNameCharacter(code: number, dots: boolean): boolean {
  const lower = code | 0x20
  return isDigit(code) || (lower >= 97 && lower <= 122) || code === 95 || (dots && code === 46)
}

/** A template, ready to run. */
export interface CompiledTemplate {
  /** The text as a byte string; `captures` as `Pattern.exec` gives them, null if nothing hit. Never throws. */
  render(view: RequestView, captures: readonly (string | undefined)[] | null): string
  readonly needsBody: boolean
  /** Without holes: `render` always gives the same. */
  readonly isLiteral: boolean
}

type Hole = (view: RequestView, captures: readonly (string | undefined)[] | null) => string

export function compileTemplate(template: Template): CompiledTemplate {
  const holes: Hole[] = []
  let needsBody = false
  let isLiteral = true
  for (const part of template) {
    if (typeof part === 'string') {
      const text = toByteString(part)
      holes.push(() => text)
    } else if ('group' in part) {
      isLiteral = false
      const { group } = part
      holes.push((_view, captures) => (captures === null ? '' : (captures[group] ?? '')))
    } else {
      isLiteral = false
      const variable = compileVariable(part.variable)
      needsBody ||= variable.needsBody
      const { read } = variable
      const fallback = toByteString(part.fallback)
      holes.push((view) => textOf(read(view), fallback))
    }
  }
  if (isLiteral) {
    const text = toByteString(template.join(''))
    return { render: () => text, needsBody, isLiteral }
  }
  const [only] = holes
  if (only !== undefined && holes.length === 1) return { render: only, needsBody, isLiteral }
  const render: Hole = (view, captures) => {
    let text = ''
    for (let i = 0; i < holes.length; i++) text += (holes[i] as Hole)(view, captures)
    return text
  }
  return { render, needsBody, isLiteral }
}

/** Lists are joined by commas; an absent variable gives the fallback. */
function textOf(value: VariableValue, fallback: string): string {
  if (typeof value === 'string') return value
  if (value === undefined) return fallback
  return typeof value === 'object' ? value.join(',') : String(value)
}
