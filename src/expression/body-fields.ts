import { fromByteString, toByteString } from '../model/byte-string.ts'
import type { JsonValue } from '../model/json.ts'
import { type BodyPath, findBodyValues, readBodyPath } from './body-path.ts'
import { findArgument, readArguments } from './percent.ts'
import type { RequestView } from './request-view.ts'
import type { VariableValue } from './variables.ts'

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const MULTIPART = 'multipart/form-data'
/** Parts of a multipart body that are looked at. */
const MAX_PARTS = 1000

/** `post_arg_NAME`: a field of an urlencoded form, the first of that name. */
export function readFormField(view: RequestView, name: string): string | true | undefined {
  const { body } = view
  if (typeof body !== 'string' || !hasType(view.header('content-type'), FORM)) return undefined
  return findArgument(body, name)
}

/**
 * `post_arg.PATH`: a value inside a JSON, urlencoded or multipart body, by its Content-Type. In forms the whole path is tried as a literal
 * field name first. A malformed body has no values.
 */
export function readBodyField(view: RequestView, path: BodyPath): VariableValue {
  const { body } = view
  if (typeof body !== 'string') return undefined
  const type = view.header('content-type')
  if (type === undefined) return undefined
  const isJson = hasType(type, JSON_TYPE)
  if (!isJson && !hasType(type, FORM) && !hasType(type, MULTIPART)) return undefined
  const root = parseBody(body, type, isJson)
  if (root === undefined) return undefined
  if (isJson) return toByteValue(readBodyPath(root, path))
  return readBodyPath(root, literalPath(path)) ?? readBodyPath(root, path)
}

/**
 * A value of a body in JSON (`application/json`, or a type whose subtype ends with `+json`): a single text, number or boolean as it is, all else (an object, a list,
 * several values) as its JSON. Absent: nothing is there, null, or the body is no JSON.
 */
export function readJsonField(view: RequestView, path: BodyPath): VariableValue {
  const { body } = view
  const type = view.header('content-type')
  if (typeof body !== 'string' || type === undefined) return undefined
  if (!hasType(type, JSON_TYPE) && !hasSuffix(type, 'json')) return undefined
  const root = parseBody(body, type, true)
  return root === undefined ? undefined : jsonValue(root, path)
}

/** A value of an answer's body, as `readJsonField` has it, whatever type the answer says it is; a body that is no JSON has none. */
export function readAnswerField(body: string | null | undefined, path: BodyPath): VariableValue {
  if (typeof body !== 'string') return undefined
  const root = parseBody(body, JSON_TYPE, true)
  return root === undefined ? undefined : jsonValue(root, path)
}

function jsonValue(root: JsonValue, path: BodyPath): VariableValue {
  const values = findBodyValues(root, path)
  const value = values.length > 1 ? values : values[0]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object') return toByteString(JSON.stringify(value))
  return typeof value === 'string' ? toByteString(value) : value
}

function literalPath(path: BodyPath): BodyPath {
  return { text: path.text, steps: [{ kind: 'field', name: path.text }], isList: false }
}

function toByteValue(value: VariableValue): VariableValue {
  if (typeof value === 'string') return toByteString(value)
  if (typeof value !== 'object') return value
  return value.map((item) => (typeof item === 'string' ? toByteString(item) : item))
}

/** Content-Type begins with the media type; what follows may be parameters. Any case, as media types are. */
export function hasType(contentType: string | undefined, type: string): boolean {
  if (contentType === undefined || contentType.length < type.length) return false
  if (contentType.slice(0, type.length).toLowerCase() !== type) return false
  const next = contentType[type.length]
  return next === undefined || next === ';' || next === ' ' || next === '\t' || next === ','
}

/** Whether the subtype ends with `+word`: `application/problem+json`. */
export function hasSuffix(contentType: string, word: string): boolean {
  const end = contentType.search(/[;, \t]/)
  return (end < 0 ? contentType : contentType.slice(0, end)).toLowerCase().endsWith(`+${word}`)
}

let lastBody = ''
let lastType = ''
let lastRoot: JsonValue | undefined

/**
 * Several rules look into the same body one after the other, so the last one is kept; at most one inspected body (maxInspectedBodyBytes)
 * stays in memory for that. Undefined: malformed.
 */
function parseBody(body: string, type: string, isJson: boolean): JsonValue | undefined {
  if (body === lastBody && type === lastType) return lastRoot
  const root = isJson
    ? parseJsonBody(body)
    : fieldsOf(hasType(type, FORM) ? readArguments(body) : readParts(body, boundaryOf(type)))
  lastBody = body
  lastType = type
  lastRoot = root
  return root
}

/** Undefined: no JSON, or nested deeper than MAX_DEPTH (half a million brackets alone take V8 a tenth of a second). */
export function parseJsonBody(body: string): JsonValue | undefined {
  if (isTooDeep(body)) return undefined
  try {
    return JSON.parse(fromByteString(body)) as JsonValue
  } catch {
    return undefined
  }
}

const MAX_DEPTH = 128

function isTooDeep(body: string): boolean {
  let depth = 0
  let isText = false
  for (let i = 0; i < body.length; i++) {
    const code = body.charCodeAt(i)
    if (isText) {
      if (code === 92) i++
      else if (code === 34) isText = false
    } else if (code === 34) isText = true
    else if (code === 91 || code === 123) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}

/** Names in Unicode like those of JSON, texts as the bytes that came; repeated names give a list. */
function fieldsOf(pairs: readonly (readonly [string, string | true])[]): JsonValue {
  const fields = new Map<string, JsonValue | JsonValue[]>()
  for (const [bytes, value] of pairs) {
    const name = fromByteString(bytes)
    const known = fields.get(name)
    if (known === undefined) fields.set(name, value)
    else if (Array.isArray(known)) known.push(value)
    else fields.set(name, [known as JsonValue, value])
  }
  // Not an assignment by name: `__proto__` is a field like any other.
  return Object.fromEntries(fields) as JsonValue
}

/** The `boundary` parameter, quoted or not; '' if there is none. */
function boundaryOf(type: string): string {
  const match = /;[ \t]*boundary=(?:"([^"]{1,70})"|([^;" \t]{1,70}))/i.exec(type)
  return match?.[1] ?? match?.[2] ?? ''
}

/** The named parts of a multipart body (RFC 7578), file parts included; a part without an end is left out. */
function readParts(body: string, boundary: string): readonly (readonly [string, string])[] {
  const parts: [string, string][] = []
  if (boundary === '') return parts
  const delimiter = `\r\n--${boundary}`
  let at = body.startsWith(delimiter.slice(2)) ? delimiter.length - 2 : afterFirst(body, delimiter)
  while (at >= 0 && parts.length < MAX_PARTS) {
    const end = body.indexOf(delimiter, at)
    if (end < 0 || body.startsWith('--', at)) break
    const blank = body.indexOf('\r\n\r\n', at)
    if (blank >= 0 && blank < end) {
      const name = partName(body.slice(at, blank))
      if (name !== undefined) parts.push([name, body.slice(blank + 4, end)])
    }
    at = end + delimiter.length
  }
  return parts
}

function afterFirst(body: string, delimiter: string): number {
  const at = body.indexOf(delimiter)
  return at < 0 ? -1 : at + delimiter.length
}

function partName(head: string): string | undefined {
  for (const line of head.split('\r\n')) {
    if (line.slice(0, 20).toLowerCase() !== 'content-disposition:') continue
    const match = /;[ \t]*name=(?:"([^"]*)"|([^;" \t]*))/i.exec(line)
    return match?.[1] ?? match?.[2]
  }
  return undefined
}
