import type { JsonValue } from '../model/json.ts'
import type { VariableValue } from './variables.ts'

/** One step of a path into a body: a field, an item (negative: from the end), all children, or a field at any depth. */
type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'item'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'deep'; readonly name: string | null }

/** A path behind `post_arg.`: `user.name`, or the subset `[*]`, `[n]`, `['name']`, `.*`, `..name` of JSONPath, which yields a list. */
export interface BodyPath {
  readonly text: string
  readonly steps: readonly Step[]
  readonly isList: boolean
}

/** Values that a list path may look at and yield; deeper or wider bodies are cut there. */
const MAX_VISITS = 100_000

/** null: no path. */
export function parseBodyPath(text: string): BodyPath | null {
  const steps: Step[] = []
  let i = 0
  while (i < text.length) {
    if (text[i] === '[') {
      const end = text.indexOf(']', i)
      if (end < 0) return null
      const step = parseBracket(text.slice(i + 1, end))
      if (step === null) return null
      steps.push(step)
      i = end + 1
      continue
    }
    let isDeep = false
    if (text[i] === '.') {
      // the dot behind `post_arg` is not part of the text, so one in front makes two
      isDeep = i === 0 || text[i + 1] === '.'
      i += i > 0 && isDeep ? 2 : 1
    } else if (i > 0) {
      return null
    }
    const end = nameEnd(text, i)
    const name = text.slice(i, end)
    if (name === '') return null
    if (isDeep) steps.push({ kind: 'deep', name: name === '*' ? null : name })
    else steps.push(name === '*' ? { kind: 'all' } : { kind: 'field', name: name })
    i = end
  }
  if (steps.length === 0) return null
  return { text: text, steps, isList: /\[|^\.|\.\.|(?:^|\.)\*(?:\.|$)/.test(text) }
}

/** The same with the `$` of JSONPath in front, or without. null: no path, or one with what is not served (filters, slices, scripts). */
export function parseJsonPath(text: string): BodyPath | null {
  if (!text.startsWith('$')) return parseBodyPath(text)
  const rest = text.slice(1)
  if (rest.startsWith('[')) return parseBodyPath(rest)
  // what is left of two dots leads to any depth, as at the beginning of a body path
  return rest.startsWith('.') ? parseBodyPath(rest.slice(1)) : null
}

function nameEnd(text: string, from: number): number {
  let i = from
  while (i < text.length && text[i] !== '.' && text[i] !== '[' && text[i] !== ']') i++
  return i
}

function parseBracket(inside: string): Step | null {
  if (inside === '*') return { kind: 'all' }
  if (/^-?[0-9]{1,9}$/.test(inside)) return { kind: 'item', index: Number(inside) }
  const quote = inside[0]
  if (inside.length >= 3 && (quote === "'" || quote === '"') && inside.endsWith(quote)) {
    return { kind: 'field', name: inside.slice(1, -1) }
  }
  return null
}

/**
 * What the path leads to. A plain path gives a text, number or boolean, for a list its scalars, and for an object an empty list, which is
 * present but equal to nothing. A JSON null is absent. A list path gives the scalars it reaches, absent if there are none.
 * Texts come out as they stand in `root`; the names of the path are Unicode.
 */
export function readBodyPath(root: JsonValue, path: BodyPath): VariableValue {
  if (!path.isList) {
    let value: JsonValue | undefined = root
    for (const step of path.steps) {
      value = step.kind === 'field' ? fieldOf(value, step.name) : undefined
      if (value === undefined) return undefined
    }
    if (value === null || value === undefined) return undefined
    if (typeof value !== 'object') return value
    return Array.isArray(value) ? value.filter(isScalar) : []
  }
  const found = findBodyValues(root, path).filter(isScalar)
  return found.length === 0 ? undefined : found
}

/** All values that the steps lead to, in the order of the body. */
export function findBodyValues(root: JsonValue, path: BodyPath): readonly JsonValue[] {
  let values: JsonValue[] = [root]
  for (const step of path.steps) values = takeStep(values, step)
  return values
}

function takeStep(values: readonly JsonValue[], step: Step): JsonValue[] {
  const next: JsonValue[] = []
  for (const value of values) {
    if (next.length >= MAX_VISITS) break
    if (step.kind === 'field') {
      const field = fieldOf(value, step.name)
      if (field !== undefined) next.push(field)
    } else if (step.kind === 'item') {
      const item = Array.isArray(value) ? value.at(step.index) : undefined
      if (item !== undefined) next.push(item)
    } else if (step.kind === 'all') {
      for (const child of childrenOf(value)) next.push(child)
    }
  }
  return step.kind === 'deep' ? descend(values, step.name) : next
}

/** All fields of that name (null: all values) at any depth, parents before children. Each value is visited once, so time is linear. */
function descend(values: readonly JsonValue[], name: string | null): JsonValue[] {
  const found: JsonValue[] = []
  const seen = new Set<JsonValue>()
  const open: JsonValue[] = [...values].reverse()
  while (open.length > 0 && seen.size < MAX_VISITS) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    const children = childrenOf(value)
    if (name === null) for (const child of children) found.push(child)
    else {
      const field = fieldOf(value, name)
      if (field !== undefined) found.push(field)
    }
    for (let i = children.length - 1; i >= 0; i--) open.push(children[i] as JsonValue)
  }
  return found
}

function childrenOf(value: JsonValue): readonly JsonValue[] {
  if (typeof value !== 'object' || value === null) return []
  return Array.isArray(value) ? value : Object.values(value)
}

/** Own fields only: `__proto__` and `constructor` are names like any other. */
function fieldOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, name) ? (value as Record<string, JsonValue>)[name] : undefined
}

function isScalar(value: JsonValue): value is string | number | boolean {
  return typeof value !== 'object'
}
