import { isKnownVariable } from '../../expression/variables.ts'
import { suggest } from '../../model/suggest.ts'
import type { Template, TemplatePart } from '../../model/template.ts'
import { NAMED_PARTS, type NamedPart, REQUEST_PARTS, RESPONSE_PARTS } from './words.ts'

/**
 * Templates: `${word}`, `${word ?? text}` where it is absent, `${1}` a group of the pattern that hit, `$$` a dollar sign. A word is one of
 * words.ts, or the name of any variable. Everything else stays as it is; a `$` before anything but `{` and `$` is a dollar sign.
 */
export interface TemplateRules {
  /** Whether a pattern comes before it, so that `${1}` means something. */
  readonly hasGroups: boolean
  /** Whether there is an answer to look at. */
  readonly hasAnswer: boolean
}

export type ParsedTemplate =
  | { readonly template: Template }
  | { readonly error: string; readonly hint: string | null }

export function parseNativeTemplate(text: string, rules: TemplateRules): ParsedTemplate {
  const parts: TemplatePart[] = []
  let literal = ''
  let i = 0
  while (i < text.length) {
    const dollar = text.indexOf('$', i)
    if (dollar < 0) break
    literal += text.slice(i, dollar)
    const next = text[dollar + 1]
    if (next !== '{') {
      literal += '$'
      i = dollar + (next === '$' ? 2 : 1)
      continue
    }
    const end = text.indexOf('}', dollar)
    if (end < 0) return { error: `a \${ has no } behind it`, hint: 'write $$ for a dollar sign' }
    const part = parseHole(text.slice(dollar + 2, end), rules)
    if ('error' in part) return part
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(part)
    i = end + 1
  }
  literal += text.slice(i)
  if (literal !== '') parts.push(literal)
  return { template: parts }
}

/** Of a text that was accepted; a faulty one is taken word for word. */
export function templateOf(text: string): Template {
  const parsed = parseNativeTemplate(text, { hasGroups: true, hasAnswer: true })
  return 'template' in parsed ? parsed.template : [text]
}

type Hole = Exclude<TemplatePart, string> | { readonly error: string; readonly hint: string | null }

function parseHole(inside: string, rules: TemplateRules): Hole {
  const mark = inside.indexOf('??')
  const word = (mark < 0 ? inside : inside.slice(0, mark)).trim()
  if (/^\d{1,3}$/.test(word) && mark < 0) {
    if (rules.hasGroups) return { group: Number(word) }
    return { error: `\${${word}} is a group of a pattern, and none stands before it`, hint: null }
  }
  const found = findVariable(word, rules.hasAnswer)
  if ('error' in found) return found
  return { variable: found.variable, fallback: mark < 0 ? '' : inside.slice(mark + 2).trim() }
}

export type FoundVariable =
  | { readonly variable: string }
  | { readonly error: string; readonly hint: string | null }

/** The variable behind a word of a template. */
export function findVariable(word: string, hasAnswer: boolean): FoundVariable {
  const dot = word.indexOf('.')
  const family = dot < 0 ? '' : word.slice(0, dot)
  if (Object.hasOwn(NAMED_PARTS, family) && dot < word.length - 1) {
    if (family === 'responseHeader' && !hasAnswer) return tooEarly(word)
    return checked(NAMED_PARTS[family as NamedPart](word.slice(dot + 1)), word)
  }
  if (Object.hasOwn(REQUEST_PARTS, word)) {
    return { variable: REQUEST_PARTS[word as keyof typeof REQUEST_PARTS].variable }
  }
  if (Object.hasOwn(RESPONSE_PARTS, word)) {
    if (!hasAnswer) return tooEarly(word)
    return { variable: RESPONSE_PARTS[word as keyof typeof RESPONSE_PARTS].variable }
  }
  return checked(word, word)
}

function checked(variable: string, word: string): FoundVariable {
  if (isKnownVariable(variable)) return { variable }
  const words = [...Object.keys(REQUEST_PARTS), ...Object.keys(RESPONSE_PARTS)]
  const near = suggest(word, words)
  const error = `\${${word}} is no variable`
  if (near !== null) return { error, hint: `did you mean \${${near}}?` }
  return { error, hint: `fields are \${header.NAME}, arguments \${query.NAME}, cookies \${cookie.NAME}` }
}

function tooEarly(word: string): FoundVariable {
  return { error: `\${${word}} is of the answer, which is not there yet`, hint: null }
}
