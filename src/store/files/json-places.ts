import { readQuotedKey } from './quoted-key.ts'

/** One pass over a text that is known to be JSON, for what parsing alone does not tell; and the way back from a path to a place in it. */

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/** Whether nothing in a JSON text needs a closer look: no key twice in one object, none that reaches a prototype, no number out of range. */
export function isPlainJson(text: string): boolean {
  const frames: (Set<string> | null)[] = []
  let isKeyNext = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      const end = endOfText(text, i)
      const keys = frames.at(-1)
      if (isKeyNext && keys instanceof Set) {
        const key = readText(text, i, end)
        if (keys.has(key) || FORBIDDEN_KEYS.has(key)) return false
        keys.add(key)
        isKeyNext = false
      }
      i = end - 1
    } else if (code === OPEN_OBJECT) {
      frames.push(new Set())
      isKeyNext = true
    } else if (code === OPEN_LIST) {
      frames.push(null)
      isKeyNext = false
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) frames.pop()
    else if (code === COMMA) isKeyNext = frames.at(-1) instanceof Set
    else if (isNumberStart(code)) {
      const end = endOfPlain(text, i)
      // only an exponent or very many digits lead out of range
      if (end - i > 15 && !Number.isFinite(Number(text.slice(i, end)))) return false
      if (end - i > 3 && /[eE]/.test(text.slice(i, end)) && !Number.isFinite(Number(text.slice(i, end))))
        return false
      i = end - 1
    }
  }
  return true
}

/** Something inside an object or a list: where its key stands (a list's items have none) and where its value begins. */
interface Child {
  readonly key: string | null
  readonly keyAt: number
  readonly valueAt: number
}

/**
 * Offsets of paths (as in Origin) in a JSON text. An object or list is shown at its key, a plain value at itself; where a path leads on to
 * nothing, the deepest part that is there is named; of keys that fit, the longest is taken. What was looked into is remembered.
 */
export class JsonPlaces {
  readonly #text: string
  readonly #children = new Map<number, readonly Child[]>()

  constructor(text: string) {
    this.#text = text
  }

  offsetOf(path: string): number {
    let valueAt = skipBlanks(this.#text, 0)
    let offset = valueAt
    let rest = path
    while (rest !== '') {
      const code = this.#text.charCodeAt(valueAt)
      if (code === OPEN_LIST) {
        const index = /^\[(\d+)\]\.?/.exec(rest)
        const item = index === null ? undefined : this.#look(valueAt)[Number(index[1])]
        if (index === null || item === undefined) break
        valueAt = item.valueAt
        offset = valueAt
        rest = rest.slice(index[0].length)
        continue
      }
      if (code !== OPEN_OBJECT) break
      const found = this.#longestKey(valueAt, rest)
      if (found === null) break
      const { child, length } = found
      valueAt = child.valueAt
      const next = this.#text.charCodeAt(valueAt)
      offset = next === OPEN_OBJECT || next === OPEN_LIST ? child.keyAt : valueAt
      rest = rest.slice(length).replace(/^\./, '')
    }
    return offset
  }

  #longestKey(valueAt: number, rest: string): { child: Child; length: number } | null {
    let best: { child: Child; length: number } | null = null
    const quoted = readQuotedKey(rest)
    for (const child of this.#look(valueAt)) {
      const { key } = child
      if (key !== null && key === quoted?.key) return { child, length: quoted.length }
      if (key === null || !rest.startsWith(key)) continue
      const next = rest[key.length]
      if (next !== undefined && next !== '.' && next !== '[') continue
      if (best === null || key.length > best.length) best = { child, length: key.length }
    }
    return best
  }

  /** What stands directly in the object or list that begins at `start`. */
  #look(start: number): readonly Child[] {
    const known = this.#children.get(start)
    if (known !== undefined) return known
    const text = this.#text
    const children: Child[] = []
    const isObject = text.charCodeAt(start) === OPEN_OBJECT
    let i = skipBlanks(text, start + 1)
    while (i < text.length && text.charCodeAt(i) !== CLOSE_OBJECT && text.charCodeAt(i) !== CLOSE_LIST) {
      const keyAt = i
      let key: string | null = null
      if (isObject) {
        const end = endOfText(text, i)
        key = readText(text, i, end)
        i = skipBlanks(text, end)
        if (text.charCodeAt(i) === COLON) i = skipBlanks(text, i + 1)
      }
      children.push({ key, keyAt, valueAt: i })
      i = skipBlanks(text, endOfValue(text, i))
      if (text.charCodeAt(i) === COMMA) i = skipBlanks(text, i + 1)
    }
    this.#children.set(start, children)
    return children
  }
}

function readText(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner
}

/** The index behind the closing quote. */
function endOfText(text: string, start: number): number {
  let i = start + 1
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    i += code === BACKSLASH ? 2 : 1
  }
  return text.length
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfText(text, start)
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) return endOfPlain(text, start)
  let depth = 0
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfText(text, i) - 1
    else if (code === OPEN_OBJECT || code === OPEN_LIST) depth++
    else if ((code === CLOSE_OBJECT || code === CLOSE_LIST) && --depth === 0) return i + 1
  }
  return text.length
}

/** Behind a number, true, false or null. */
function endOfPlain(text: string, start: number): number {
  let i = start + 1
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === COMMA || code === CLOSE_OBJECT || code === CLOSE_LIST || code <= 32) break
    i++
  }
  return i
}

function skipBlanks(text: string, start: number): number {
  let i = start
  while (i < text.length && text.charCodeAt(i) <= 32) i++
  return i
}

function isNumberStart(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 45
}
