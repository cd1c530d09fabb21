import type { JsonValue } from '../../model/json.ts'
import { isForbiddenKey } from '../../model/safe-json.ts'
import { joinPath } from './lua-schema.ts'

/**
 * Request bodies as JSON. Beside the syntax it refuses what a gateway should never hold: nesting without end, numbers that JSON cannot
 * write again, and the keys that reach an object's prototype in JavaScript (reliability.md A8). A key that stands twice in one object
 * is accepted, the last one counts, and its path is reported (spec/apisix.md 13.7).
 */
export type ParsedJson =
  | { readonly value: JsonValue; readonly repeated: readonly string[] }
  | { readonly error: string }

/** `maxDepth`: objects and lists inside each other, >= 1. */
export function parseJson(text: string, maxDepth: number): ParsedJson {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (fault) {
    return { error: shorten(fault instanceof Error ? fault.message : String(fault)) }
  }
  const scan = scanText(text, maxDepth)
  if (scan.error !== null) return { error: scan.error }
  return { value, repeated: scan.repeated }
}

/** A container that is open at the character at hand. */
interface Frame {
  readonly keys: Set<string> | null
  key: string
  index: number
  /** In an object: the next text is a key. */
  isKeyNext: boolean
}

interface Scan {
  readonly error: string | null
  readonly repeated: readonly string[]
}

/** One pass over a text that is known to be JSON, since the parsed value no longer shows repeated keys. */
function scanText(text: string, maxDepth: number): Scan {
  const frames: Frame[] = []
  const repeated: string[] = []
  const fail = (error: string): Scan => ({ error, repeated })
  let i = 0
  while (i < text.length) {
    const frame = frames.at(-1)
    switch (text[i]) {
      case '{':
      case '[': {
        if (frames.length === maxDepth) return fail(`nested more than ${maxDepth} deep (maxJsonDepth)`)
        const isObject = text[i] === '{'
        frames.push({ keys: isObject ? new Set() : null, key: '', index: 0, isKeyNext: isObject })
        break
      }
      case '}':
      case ']':
        frames.pop()
        break
      case ',':
        if (frame?.keys === null) frame.index++
        else if (frame !== undefined) frame.isKeyNext = true
        break
      case '"': {
        const end = endOfText(text, i)
        if (frame !== undefined && frame.keys !== null && frame.isKeyNext) {
          const key = JSON.parse(text.slice(i, end)) as string
          if (isForbiddenKey(key)) return fail(`the key ${key} is not allowed`)
          frame.key = key
          frame.isKeyNext = false
          if (frame.keys.has(key)) repeated.push(pathOf(frames))
          else frame.keys.add(key)
        }
        i = end - 1
        break
      }
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        const end = endOfNumber(text, i)
        if (!Number.isFinite(Number(text.slice(i, end)))) return fail('a number is out of range')
        i = end - 1
        break
      }
    }
    i++
  }
  return { error: null, repeated }
}

/** The index behind the closing quote. */
function endOfText(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function endOfNumber(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && '0123456789.eE+-'.includes(text[i] as string)) i++
  return i
}

function pathOf(frames: readonly Frame[]): string {
  let path = ''
  for (const frame of frames) path = joinPath(path, frame.keys === null ? frame.index : frame.key)
  return path
}

/** The parser's messages quote the text; the answer carries all of it anyway. */
function shorten(message: string): string {
  return message.length <= 200 ? message : `${message.slice(0, 200)}…`
}
