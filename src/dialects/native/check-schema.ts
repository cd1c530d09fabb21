import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkFormat } from './formats.ts'
import type { Schema, SchemaType } from './json-schema.ts'
import { resolveSchema } from './schema.ts'

/** So many faults of one document are told; whoever made more has another problem. */
const MAX_FAULTS = 100

/**
 * Holds a value against a schema: all faults, each with its path and, where there is one, a hint. Our own, because a schema library would be a
 * quarter of the memory that an idle gateway may take, and because its messages would be worse.
 */
export function checkSchema(schema: Schema, value: JsonValue, settings: DialectSettings): readonly Fault[] {
  return findFaults(schema, value, settings).faults
}

export interface SchemaFaults {
  readonly faults: readonly Fault[]
  /** Keys of the value, at its top, below which something has another shape than the schema says; other faults are of mere texts and numbers. */
  readonly misshapen: ReadonlySet<string>
}

export function findFaults(schema: Schema, value: JsonValue, settings: DialectSettings): SchemaFaults {
  const checker = new Checker(settings)
  checker.check(schema, value, '', 0)
  return checker
}

class Checker implements SchemaFaults {
  readonly faults: Fault[] = []
  readonly misshapen = new Set<string>()
  readonly #settings: DialectSettings
  constructor(settings: DialectSettings) {
    this.#settings = settings
  }

  check(written: Schema, value: JsonValue, path: string, depth: number): void {
    if (this.faults.length >= MAX_FAULTS) return
    const { maxJsonDepth } = this.#settings.limits
    if (depth > maxJsonDepth) {
      this.#refuse(
        path,
        `is nested deeper than ${maxJsonDepth} levels`,
        'see the setting limits.maxJsonDepth',
      )
      return
    }
    const schema = formFor(written, value)
    if (schema === null) {
      this.#refuse(path, `must be ${wordsFor(written)}, got ${show(value)}`, hintForType(written, value))
      return
    }
    if (schema.const !== undefined && value !== schema.const) {
      this.#refuse(path, `must be ${JSON.stringify(schema.const)}, got ${show(value)}`, null)
    } else if (typeof value === 'string') this.#checkText(schema, value, path)
    else if (typeof value === 'number') this.#checkNumber(schema, value, path)
    else if (Array.isArray(value)) this.#checkList(schema, value as readonly JsonValue[], path, depth)
    else if (isJsonObject(value)) this.#checkObject(schema, value, path, depth)
  }

  #checkText(schema: Schema, value: string, path: string): void {
    if (schema.enum !== undefined && !schema.enum.includes(value)) {
      const near = suggest(value, schema.enum)
      const hint = near === null ? `known: ${list(schema.enum)}` : `did you mean ${near}?`
      this.#refuse(path, `${show(value)} is none of the words that can stand here`, hint)
      return
    }
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
    if (value.length < minLength) return this.#refuseValue(path, 'must not be empty', null)
    if (value.length > maxLength) {
      return this.#refuseValue(path, `has ${value.length} characters, at most ${maxLength} are allowed`, null)
    }
    if (schema.pattern !== undefined && !expressionOf(schema.pattern).test(value)) {
      return this.#refuseValue(
        path,
        `must be ${schema.patternWords ?? schema.pattern}, got ${show(value)}`,
        null,
      )
    }
    if (schema.format === undefined) return
    const fault = checkFormat(schema.format, value, this.#settings)
    if (fault !== null) this.#refuseValue(path, fault.message, fault.hint)
  }

  #checkNumber(schema: Schema, value: number, path: string): void {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
    if (value < minimum || value > maximum) {
      this.#refuseValue(path, `must be from ${minimum} to ${maximum}, got ${value}`, null)
    }
  }

  #checkList(schema: Schema, value: readonly JsonValue[], path: string, depth: number): void {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
    if (value.length < minItems) this.#refuse(path, 'must not be an empty list', 'leave it out instead')
    if (value.length > maxItems) {
      return this.#refuse(path, `has ${value.length} entries, at most ${maxItems} are allowed`, null)
    }
    const seen = new Map<JsonValue, number>()
    for (const [i, entry] of value.entries()) {
      const place = `${path}[${i}]`
      if (schema.uniqueItems === true) {
        const first = seen.get(entry)
        if (first !== undefined)
          this.#refuse(place, `${show(entry)} stands in ${path}[${first}] already`, null)
        else seen.set(entry, i)
      }
      if (schema.items !== undefined) this.check(schema.items, entry, place, depth + 1)
    }
  }

  #checkObject(schema: Schema, value: JsonObject, path: string, depth: number): void {
    const { properties = {}, additionalProperties, propertyNames, maxProperties } = schema
    const keys = Object.keys(value)
    if (maxProperties !== undefined && keys.length > maxProperties) {
      return this.#refuse(path, `has ${keys.length} keys, at most ${maxProperties} are allowed`, null)
    }
    for (const key of keys) {
      const place = path === '' ? key : `${path}.${key}`
      const inner = value[key] as JsonValue
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined
      if (property !== undefined) this.check(property, inner, place, depth + 1)
      else if (additionalProperties === false) this.#refuseKey(key, place, Object.keys(properties), value)
      else {
        if (propertyNames !== undefined) this.#checkText(propertyNames, key, place)
        if (additionalProperties !== undefined) this.check(additionalProperties, inner, place, depth + 1)
      }
    }
    this.#checkKeys(schema, value, path)
  }

  /** What the keywords between keys say. */
  #checkKeys(schema: Schema, value: JsonObject, path: string): void {
    const has = (key: string): boolean => Object.hasOwn(value, key)
    for (const key of schema.required ?? []) {
      if (!has(key)) this.#refuse(path, `needs ${key}`, null)
    }
    for (const { anyOf } of schema.allOf ?? []) {
      const keys = anyOf.flatMap(({ required }) => required)
      if (!keys.some(has))
        this.#refuse(path, `needs ${keys.length === 1 ? '' : 'at least one of '}${list(keys)}`, null)
    }
    if (schema.oneOf !== undefined) {
      const keys = schema.oneOf.flatMap(({ required }) => required)
      const found = keys.filter(has)
      if (found.length === 0) this.#refuse(path, `needs one of ${list(keys)}`, null)
      if (found.length > 1) this.#refuse(path, `may have only one of ${list(found)}`, null)
    }
    for (const [key, needed] of Object.entries(schema.dependentRequired ?? {})) {
      for (const other of needed) {
        if (has(key) && !has(other)) this.#refuse(path, `${key} needs ${other} beside it`, null)
      }
    }
    for (const { required } of schema.not?.anyOf ?? []) {
      const [one, two] = required
      if (has(one) && has(two)) this.#refuse(path, `may not have both ${one} and ${two}`, null)
    }
  }

  #refuseKey(key: string, place: string, known: readonly string[], value: JsonObject): void {
    const near = suggest(
      key,
      known.filter((other) => !Object.hasOwn(value, other)),
    )
    const hint = near === null ? `known: ${list(known)}` : `did you mean ${near}?`
    this.#refuse(place, `unknown key ${key}`, hint)
  }

  /** The shape is wrong: nothing below that key can be understood. */
  #refuse(path: string, message: string, hint: string | null): void {
    this.misshapen.add(/^[^.[]*/.exec(path)?.[0] ?? '')
    this.#refuseValue(path, message, hint)
  }

  #refuseValue(path: string, message: string, hint: string | null): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ path, message, hint })
  }
}

/** A schema has a handful of patterns, and a file many texts. */
const expressions = new Map<string, RegExp>()

function expressionOf(pattern: string): RegExp {
  let expression = expressions.get(pattern)
  if (expression === undefined) {
    expression = new RegExp(pattern)
    expressions.set(pattern, expression)
  }
  return expression
}

/** The form of a schema that a value's type picks, references followed; null: the value has none of its types. */
export function formFor(written: Schema, value: JsonValue): Schema | null {
  const schema = resolveSchema(written)
  if (schema.anyOf !== undefined && schema.type === undefined) {
    for (const form of schema.anyOf) {
      const found = formFor(form, value)
      if (found !== null) return found
    }
    return null
  }
  return schema.type === undefined || isOfType(value, schema.type) ? schema : null
}

function isOfType(value: JsonValue, type: SchemaType): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type
    case 'number':
      return typeof value === 'number'
    case 'integer':
      return Number.isSafeInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isJsonObject(value)
  }
}

const TYPE_WORDS: Readonly<Record<SchemaType, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  integer: 'a whole number',
  array: 'a list',
  object: 'an object',
}

/** What a schema takes, in words. */
export function wordsFor(written: Schema): string {
  return [...new Set(typesOf(written).map((type) => TYPE_WORDS[type]))].join(' or ')
}

export function typesOf(written: Schema): readonly SchemaType[] {
  const schema = resolveSchema(written)
  if (schema.anyOf !== undefined && schema.type === undefined) return schema.anyOf.flatMap(typesOf)
  return schema.type === undefined ? [] : [schema.type]
}

/** YAML reads 1 as a number and true as a boolean where people mean texts; and a list of one is forgotten. */
function hintForType(schema: Schema, value: JsonValue): string | null {
  const types = typesOf(schema)
  if (value === null) return 'nothing stands behind the colon; leave the key out'
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    const form = formFor(schema, '')
    if (form?.patternWords?.startsWith('a percentage') === true) return `write it with its sign: ${value}%`
    return form?.format === 'durationMs' ? `write ${value}s or ${value}ms` : `write it in quotes: "${value}"`
  }
  if (types.includes('array') && typeof value !== 'object') return `write it as a list: [${show(value)}]`
  return null
}

const LONGEST_SHOWN = 60

/** A value as it is shown in a message. */
function show(value: JsonValue): string {
  if (Array.isArray(value)) return 'a list'
  if (isJsonObject(value)) return 'an object'
  if (value === null) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}

function list(keys: readonly string[]): string {
  return keys.join(', ')
}
