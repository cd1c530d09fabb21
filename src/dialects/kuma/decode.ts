import type { Fault } from '../../model/document.ts'
import { formatDuration, parseDuration } from '../../model/duration.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'
import { toUniversal } from './envelope.ts'
import { fieldPath, keyPath } from './field-path.ts'
import type { Kind } from './kinds.ts'
import type { Field, Message } from './message.ts'
import { MESSAGES } from './messages.ts'

/**
 * A resource as the JSON rules of protobuf decode it (spec/kuma.md 1): fields under their camelCase names whichever way they were written, numbers as numbers,
 * durations in one form; fields that are null, empty lists and values that say the same as nothing are left out. What cannot be decoded and what nobody knows stand
 * in it as they were written.
 */
export interface Decoded {
  readonly value: JsonObject
  /** What cannot be decoded: values of another type. While there are any, nothing else is looked at. */
  readonly faults: readonly Fault[]
  /** Fields that the system knows and that are not served, where leaving them out would betray their author. */
  readonly refused: readonly Fault[]
  /** Fields that nobody knows: they have no effect. */
  readonly unknown: readonly FieldWarning[]
  /** Whatever else has no effect, or another one than it seems. */
  readonly warnings: readonly FieldWarning[]
}

export interface FieldWarning {
  readonly path: string
  readonly message: string
}

const decoded = new WeakMap<JsonObject, { readonly kind: Kind; readonly result: Decoded }>()

/** Takes any object in either envelope and never throws; remembers what it made of it. */
export function decode(kind: Kind, value: JsonObject): Decoded {
  const before = decoded.get(value)
  if (before?.kind === kind) return before.result
  const decoder = new Decoder()
  const result: Decoded = {
    value: decoder.message(toUniversal(kind, value), MESSAGES[kind], '') as JsonObject,
    faults: decoder.faults,
    refused: decoder.refused,
    unknown: decoder.unknown,
    warnings: decoder.warnings,
  }
  decoded.set(value, { kind, result })
  return result
}

const BITS = { 32: 2 ** 32 - 1, 64: 2 ** 64 } as const

class Decoder {
  readonly faults: Fault[] = []
  readonly refused: Fault[] = []
  readonly unknown: FieldWarning[] = []
  readonly warnings: FieldWarning[] = []

  message(value: JsonValue, of: Message, path: string): JsonValue {
    if (!isJsonObject(value)) return this.#fault(value, path, 'must be an object')
    const names = namesOf(of)
    const result: Record<string, JsonValue> = {}
    for (const [key, inner] of Object.entries(value)) {
      const name = names.get(key)
      const field = name === undefined ? undefined : of.fields[name]
      if (name === undefined || field === undefined) {
        const near = suggest(key, Object.keys(of.fields))
        const hint = near === null ? '' : `: did you mean ${near}?`
        this.unknown.push({
          path: fieldPath(path, key),
          message: `there is no field ${key}, it has no effect${hint}`,
        })
        result[key] = inner
        continue
      }
      if (isAbsent(inner)) continue
      const winner = spellings(name, field).find((one) => Object.hasOwn(value, one) && !isAbsent(value[one]))
      if (winner !== undefined && winner !== key) {
        this.warnings.push({
          path: fieldPath(path, key),
          message: `${key} has no effect beside ${winner}, which is the same field`,
        })
        continue
      }
      if (field.misprints?.includes(key))
        this.warnings.push({ path: fieldPath(path, key), message: `${key} is read as ${name}` })
      const own = this.#field(inner, field, fieldPath(path, name))
      const isEmptyList = Array.isArray(own) && own.length === 0
      if (!isEmptyList && !field.same?.includes(own)) result[name] = own
    }
    return result
  }

  #field(value: JsonValue, field: Field, path: string): JsonValue {
    switch (field.kind) {
      case 'text':
        return typeof value === 'string' ? value : this.#fault(value, path, 'must be a text', quoted(value))
      case 'flag':
        return typeof value === 'boolean' ? value : this.#fault(value, path, 'must be true or false')
      case 'integer':
        return this.#integer(value, BITS[field.bits], path)
      case 'number': {
        const number = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
        return typeof number === 'number' ? number : this.#fault(value, path, 'must be a number')
      }
      case 'choice': {
        const word = typeof value === 'number' ? field.words[value] : value
        if (typeof word === 'string' && field.words.includes(word)) return word
        const near = typeof word === 'string' ? suggest(word, field.words) : null
        return this.#fault(
          value,
          path,
          `must be one of ${field.words.join(', ')}`,
          near === null ? null : `did you mean ${near}?`,
        )
      }
      case 'duration': {
        const ms = typeof value === 'string' ? parseDuration(value) : Number.NaN
        if (Number.isFinite(ms)) return formatDuration(ms)
        return this.#fault(value, path, 'must be a duration', 'write 5s, 250ms or 1m30s')
      }
      case 'tags':
        return this.#entries(value, path, (inner, at, key) => this.#tag(inner, at, key))
      case 'map':
        return this.#entries(value, path, (inner, at) => this.message(inner, field.of, at))
      case 'message':
        return this.message(value, field.of, path)
      case 'list':
        if (!Array.isArray(value))
          return this.#fault(value, path, 'must be a list', 'put a dash before each entry')
        return (value as readonly JsonValue[]).map((entry, i) =>
          this.#field(entry, field.of, `${path}[${i}]`),
        )
      case 'owned':
        return value
      case 'unserved':
        if (!asksForNothing(value, field.unless))
          this.warnings.push({ path, message: `has no effect: ${field.why}` })
        return value
      case 'refused':
        if (!asksForNothing(value, field.unless)) this.refused.push({ path, message: field.why, hint: null })
        return value
    }
  }

  #integer(value: JsonValue, most: number, path: string): JsonValue {
    const number = typeof value === 'string' && /^\d{1,20}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= most) return number
    return this.#fault(value, path, `must be an integer from 0 to ${most}`)
  }

  #entries(
    value: JsonValue,
    path: string,
    read: (inner: JsonValue, path: string, key: string) => JsonValue,
  ): JsonValue {
    if (!isJsonObject(value)) return this.#fault(value, path, 'must be an object')
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, read(inner, keyPath(path, key), key)]),
    )
  }

  #tag(value: JsonValue, path: string, key: string): JsonValue {
    if (typeof value === 'string') return value
    if (isAbsent(value)) return ''
    const hint = quoted(value)
    return this.#fault(
      value,
      path,
      'the value of a tag must be a text',
      hint === null ? null : `put it in quotes: ${key}: ${hint}`,
    )
  }

  #fault(value: JsonValue, path: string, message: string, hint: string | null = null): JsonValue {
    this.faults.push({ path, message: `${message}, it is ${describe(value)}`, hint })
    return value
  }
}

function isAbsent(value: JsonValue | undefined): boolean {
  return value === undefined || value === null
}

function asksForNothing(value: JsonValue, unless: readonly JsonValue[] = []): boolean {
  if (unless.includes(value)) return true
  return Array.isArray(value) && value.length === 0
}

/** The names of a field, the one that counts first. */
function spellings(name: string, { aliases = [], misprints = [] }: Field): readonly string[] {
  return [name, ...aliases, ...misprints]
}

const namesByMessage = new WeakMap<Message, ReadonlyMap<string, string>>()

/** Every name that a message's fields may have, to their own. */
function namesOf(message: Message): ReadonlyMap<string, string> {
  let names = namesByMessage.get(message)
  if (names === undefined) {
    names = new Map(
      Object.entries(message.fields).flatMap(([name, field]) =>
        spellings(name, field).map((one): [string, string] => [one, name]),
      ),
    )
    namesByMessage.set(message, names)
  }
  return names
}

/** YAML reads `1.0` as the number 1, so that the digits that were written are not known any more. */
function quoted(value: JsonValue): string | null {
  if (typeof value === 'number') return Number.isInteger(value) ? `"${value}" or "${value}.0"` : `"${value}"`
  return typeof value === 'boolean' ? `"${value}"` : null
}

function describe(value: JsonValue): string {
  if (Array.isArray(value)) return 'a list'
  if (isJsonObject(value)) return 'an object'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
