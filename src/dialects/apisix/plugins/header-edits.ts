import { parseTemplate, type TemplateOptions } from '../../../expression/template.ts'
import { TOKEN } from '../../../model/field-syntax.ts'
import type { HeaderEdits, HeaderValue } from '../../../model/filter.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { listField, objectField } from '../fields.ts'
import type { TranslationWarning } from '../holder.ts'
import { warnOfTemplate } from './plugin.ts'

/**
 * `headers` of proxy-rewrite and response-rewrite (spec/apisix.md 9.1). New form: `add`, `set`, `remove`; it is the new form as soon as one
 * of them holds an object or a list, so `{"set": "v"}` is the old form and names a field. Old form: `{name: value}`, the same as `set`.
 */
export const EDIT_KINDS = new Set(['add', 'set', 'remove'])

/** Fields that belong to the connection or to framing; the gateway alone writes them (RFC 9110 7.6.1, spec/reliability.md section 3). */
export const HOP_FIELDS: ReadonlySet<string> = new Set([
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
])

export function isNewForm(headers: JsonObject): boolean {
  for (const kind of EDIT_KINDS) {
    const edits = Object.hasOwn(headers, kind) ? headers[kind] : undefined
    if (typeof edits === 'object' && edits !== null) return true
  }
  return false
}

export interface EditLine {
  readonly name: string
  readonly value: string
  /** Place in the plugin's configuration. */
  readonly path: string
}

export interface EditLines {
  readonly add: readonly EditLine[]
  readonly set: readonly EditLine[]
  /** Their values are empty. */
  readonly remove: readonly EditLine[]
}

/** All lines of either form. A list of values is one line each; `add` may be a list of `Name: value` texts (response-rewrite). */
export function readEdits(headers: JsonObject): EditLines {
  if (!isNewForm(headers)) return { add: [], set: readPairs(headers, 'headers'), remove: [] }
  const add = Object.hasOwn(headers, 'add') ? headers.add : undefined
  const set = objectField(headers, 'set')
  return {
    add: isJsonObject(add) ? readPairs(add, 'headers.add') : readLines(listField(headers, 'add')),
    set: set === null ? [] : readPairs(set, 'headers.set'),
    remove: readNames(listField(headers, 'remove')),
  }
}

/** Turns lines into the model's edits. `keep` says which names may be edited at all. null: nothing is left to do. */
export function translateEdits(
  lines: EditLines,
  options: TemplateOptions,
  keep: (name: string) => boolean,
): HeaderEdits | null {
  const toValues = (some: readonly EditLine[]): HeaderValue[] =>
    some
      .filter((line) => keep(line.name))
      .map((line) => ({ name: line.name, value: parseTemplate(line.value, options) }))
  const add = toValues(lines.add)
  const set = toValues(lines.set)
  const remove = lines.remove.map((line) => line.name).filter(keep)
  return add.length + set.length + remove.length === 0 ? null : { add, set, remove }
}

/** Warnings about the variables in values. */
export function warnOfValues(lines: EditLines, options: TemplateOptions): TranslationWarning[] {
  return [...lines.add, ...lines.set].flatMap((line) =>
    warnOfTemplate(parseTemplate(line.value, options), line.path),
  )
}

/** Everything that would be written or removed. */
export function allEdits(lines: EditLines): readonly EditLine[] {
  return [...lines.add, ...lines.set, ...lines.remove]
}

export function isToken(name: string): boolean {
  return TOKEN.test(name)
}

function readPairs(pairs: JsonObject, prefix: string): EditLine[] {
  const lines: EditLine[] = []
  for (const [name, value] of Object.entries(pairs)) {
    for (const one of Array.isArray(value) ? (value as readonly JsonValue[]) : [value]) {
      if (typeof one !== 'string' && typeof one !== 'number') continue
      lines.push({ name, value: String(one), path: `${prefix}.${name}` })
    }
  }
  return lines
}

/** `Name: value`; blanks around the first colon do not count. */
function readLines(texts: readonly JsonValue[] | null): EditLine[] {
  const lines: EditLine[] = []
  for (const [index, text] of (texts ?? []).entries()) {
    if (typeof text !== 'string') continue
    const colon = text.indexOf(':')
    if (colon < 1) continue
    const name = text.slice(0, colon).trim()
    lines.push({ name, value: text.slice(colon + 1).trim(), path: `headers.add[${index}]` })
  }
  return lines
}

function readNames(names: readonly JsonValue[] | null): EditLine[] {
  const lines: EditLine[] = []
  for (const [index, name] of (names ?? []).entries()) {
    if (typeof name === 'string') lines.push({ name, value: '', path: `headers.remove[${index}]` })
  }
  return lines
}
