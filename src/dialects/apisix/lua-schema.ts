import { isIPv4, isIPv6 } from 'node:net'
import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'

/**
 * Checks values against schemas in JSON Schema form and words its faults as the reference's validator does, because people grep
 * for these texts (spec 1.7). Only the keywords below are known; defaults are documentation and are never filled in, since what is
 * stored is what was sent.
 *
 * Keywords are looked at in the reference's order: type, properties, items, text, number, enum, allOf, anyOf, oneOf, if, not.
 * Properties are checked in the order in which the schema names them (the reference has no order of its own there).
 */
export interface LuaSchema {
  readonly title?: string
  readonly description?: string
  readonly default?: JsonValue
  readonly type?: SchemaType
  readonly enum?: readonly (string | number | boolean)[]
  readonly properties?: Readonly<Record<string, LuaSchema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, LuaSchema>>
  readonly additionalProperties?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: LuaSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  /** Characters (code points), as the reference counts. */
  readonly minLength?: number
  readonly maxLength?: number
  /** Must be linear: it runs on what admin clients send. */
  readonly pattern?: string
  readonly format?: 'ipv4' | 'ipv6'
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly allOf?: readonly LuaSchema[]
  readonly anyOf?: readonly LuaSchema[]
  readonly oneOf?: readonly LuaSchema[]
  readonly not?: LuaSchema
  readonly if?: LuaSchema
  readonly then?: LuaSchema
  readonly else?: LuaSchema
}

export type SchemaType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'

/** The first fault in the reference's words, with its chain of prefixes; null if the value fits. */
export function checkSchema(schema: LuaSchema, value: JsonValue): string | null {
  const walk = new Walk(true)
  walk.visit(schema, value)
  return walk.first
}

/** All faults, each with its path below `root` (`nodes[0].weight`); empty if the value fits. */
export function collectSchemaFaults(schema: LuaSchema, value: JsonValue, root = ''): readonly Fault[] {
  const walk = new Walk(false)
  walk.root = root
  walk.visit(schema, value)
  return walk.faults
}

/** The word for a value's type in messages: Lua's, so a list or an object is a `table` and JSON null is `userdata`. */
export function luaType(value: JsonValue | undefined): string {
  if (value === undefined) return 'nil'
  if (value === null) return 'userdata'
  return typeof value === 'object' ? 'table' : typeof value
}

/** A text as Lua's `%q` writes it: in double quotes, with `\` and `"` escaped. */
export function luaQuote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/** `a` and `b` make `a.b`, `a` and 0 make `a[0]`. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return path === '' ? step : `${path}.${step}`
}

/** One step from the root to the value at hand. What it adds to path and message is only made when there is a fault. */
type Step =
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'pattern'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'item'; readonly index: number }
  | { readonly kind: 'allOf'; readonly index: number }

function prefixOf(step: Step): string {
  switch (step.kind) {
    case 'property':
      return `property ${luaQuote(step.name)} validation failed: `
    case 'pattern':
      return `failed to validate ${step.name} (matching ${luaQuote(step.pattern)}): `
    case 'item':
      return `failed to validate item ${step.index + 1}: `
    case 'allOf':
      return `allOf ${step.index + 1} failed: `
  }
}

class Walk {
  root = ''
  first: string | null = null
  readonly faults: Fault[] = []
  readonly #stopAtFirst: boolean
  readonly #steps: Step[] = []

  constructor(stopAtFirst: boolean) {
    this.#stopAtFirst = stopAtFirst
  }

  /** True: stop, the first fault is found and nobody wants more. */
  visit(schema: LuaSchema, value: JsonValue): boolean {
    if (schema.type !== undefined && !isOfType(schema.type, value)) {
      // What follows assumes the type, so there is nothing more to say about this value.
      return this.#report(`wrong type: expected ${schema.type}, got ${luaType(value)}`)
    }
    if (isJsonObject(value)) {
      if (this.#visitObject(schema, value)) return true
      if (schema.type === 'array' && this.#visitList(schema, NO_ITEMS)) return true
    } else if (Array.isArray(value)) {
      // Without a type `required` still speaks about an empty list, which Lua cannot tell from an empty object.
      const isObject = schema.type === 'object' || (schema.type === undefined && value.length === 0)
      if (isObject && this.#visitObject(schema, NO_FIELDS)) return true
      if (schema.type !== 'object' && this.#visitList(schema, value)) return true
    }
    if (typeof value === 'string' && this.#visitText(schema, value)) return true
    if (typeof value === 'number' && this.#visitNumber(schema, value)) return true
    if (schema.enum !== undefined && !schema.enum.some((allowed) => allowed === value)) {
      const hint = `one of ${schema.enum.join(', ')}`
      if (this.#report('matches none of the enum values', hint)) return true
    }
    return this.#visitCompound(schema, value)
  }

  #visitObject(schema: LuaSchema, value: JsonObject): boolean {
    const properties = schema.properties
    const required = schema.required
    for (const name in properties) {
      const inner = properties[name]
      const held = Object.hasOwn(value, name) ? value[name] : undefined
      if (held !== undefined && inner !== undefined) {
        if (this.#descend({ kind: 'property', name }, inner, held)) return true
      } else if (required?.includes(name) === true) {
        if (this.#report(`property ${luaQuote(name)} is required`)) return true
      }
    }
    for (const name of required ?? []) {
      if (properties !== undefined && Object.hasOwn(properties, name)) continue
      if (!Object.hasOwn(value, name) && this.#report(`property ${luaQuote(name)} is required`)) return true
    }
    if (schema.patternProperties !== undefined || schema.additionalProperties === false) {
      for (const name in value) {
        if (this.#visitProperty(schema, name, value[name] as JsonValue)) return true
      }
    }
    const { minProperties, maxProperties } = schema
    if (minProperties !== undefined || maxProperties !== undefined) {
      const count = Object.keys(value).length
      if (minProperties !== undefined && count < minProperties) {
        if (this.#report(`expect object to have at least ${minProperties} properties`)) return true
      }
      if (maxProperties !== undefined && count > maxProperties) {
        if (this.#report(`expect object to have at most ${maxProperties} properties`)) return true
      }
    }
    return false
  }

  #visitProperty(schema: LuaSchema, name: string, value: JsonValue): boolean {
    let isKnown = schema.properties !== undefined && Object.hasOwn(schema.properties, name)
    for (const pattern in schema.patternProperties) {
      const inner = schema.patternProperties[pattern]
      if (inner === undefined || !regExpOf(pattern).test(name)) continue
      isKnown = true
      if (this.#descend({ kind: 'pattern', name, pattern }, inner, value)) return true
    }
    if (isKnown || schema.additionalProperties !== false) return false
    const near = schema.properties === undefined ? null : suggest(name, Object.keys(schema.properties))
    const hint = near === null ? null : `did you mean ${near}?`
    return this.#report(`additional properties forbidden, found ${name}`, hint, name)
  }

  #visitList(schema: LuaSchema, value: readonly JsonValue[]): boolean {
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      if (this.#report(`expect array to have at least ${schema.minItems} items`)) return true
    }
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      if (this.#report(`expect array to have at most ${schema.maxItems} items`)) return true
    }
    if (schema.items !== undefined) {
      for (let i = 0; i < value.length; i++) {
        const item = value[i] as JsonValue
        if (this.#descend({ kind: 'item', index: i }, schema.items, item)) return true
      }
    }
    if (schema.uniqueItems === true) {
      const seen = new Map<string, number>()
      for (let i = 0; i < value.length; i++) {
        const key = canonicalText(value[i] as JsonValue)
        const earlier = seen.get(key)
        if (earlier === undefined) seen.set(key, i)
        else {
          return this.#report(`expected unique items but items ${earlier + 1} and ${i + 1} are equal`)
        }
      }
    }
    return false
  }

  #visitText(schema: LuaSchema, value: string): boolean {
    const { minLength, maxLength } = schema
    if (minLength !== undefined || maxLength !== undefined) {
      const length = countCharacters(value)
      if (minLength !== undefined && length < minLength) {
        if (this.#report(`string too short, expected at least ${minLength}, got ${length}`)) return true
      }
      if (maxLength !== undefined && length > maxLength) {
        if (this.#report(`string too long, expected at most ${maxLength}, got ${length}`)) return true
      }
    }
    if (schema.pattern !== undefined && !regExpOf(schema.pattern).test(value)) {
      const message = `failed to match pattern ${luaQuote(schema.pattern)} with ${luaQuote(value)}`
      if (this.#report(message)) return true
    }
    if (schema.format !== undefined) {
      const isValid = schema.format === 'ipv4' ? isIPv4(value) : isIPv6(value)
      if (!isValid && this.#report(`expect valid ${schema.format} address but got: ${value}`)) return true
    }
    return false
  }

  #visitNumber(schema: LuaSchema, value: number): boolean {
    if (schema.minimum !== undefined && value < schema.minimum) {
      if (this.#report(`expected ${value} to be at least ${schema.minimum}`)) return true
    }
    if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) {
      if (this.#report(`expected ${value} to be greater than ${schema.exclusiveMinimum}`)) return true
    }
    if (schema.maximum !== undefined && value > schema.maximum) {
      if (this.#report(`expected ${value} to be at most ${schema.maximum}`)) return true
    }
    return false
  }

  #visitCompound(schema: LuaSchema, value: JsonValue): boolean {
    const { allOf, anyOf, oneOf } = schema
    if (allOf !== undefined) {
      for (let i = 0; i < allOf.length; i++) {
        const inner = allOf[i]
        if (inner !== undefined && this.#descend({ kind: 'allOf', index: i }, inner, value)) return true
      }
    }
    if (anyOf !== undefined && !anyOf.some((inner) => fits(inner, value))) {
      if (
        this.#report(
          'object matches none of the required',
          this.#hint(() => explainAnyOf(anyOf, value)),
        )
      )
        return true
    }
    if (oneOf !== undefined) {
      let matched = 0
      for (let i = 0; i < oneOf.length; i++) {
        const inner = oneOf[i]
        if (inner === undefined || !fits(inner, value)) continue
        if (matched > 0) {
          const message = `value should match only one schema, but matches both schemas ${matched} and ${i + 1}`
          return this.#report(
            message,
            this.#hint(() => explainOneOf(oneOf)),
          )
        }
        matched = i + 1
      }
      if (matched === 0) {
        const message = 'value should match only one schema, but matches none'
        if (
          this.#report(
            message,
            this.#hint(() => explainOneOf(oneOf)),
          )
        )
          return true
      }
    }
    if (schema.if !== undefined) {
      const branch = fits(schema.if, value) ? 'then' : 'else'
      const inner = schema[branch]
      if (inner !== undefined && !fits(inner, value)) {
        const hint = this.#hint(() => explainOneOf(inner.oneOf ?? [inner]))
        if (this.#report(`${branch} clause did not match`, hint)) return true
      }
    }
    if (schema.not !== undefined && fits(schema.not, value)) {
      return this.#report("value wasn't supposed to match schema")
    }
    return false
  }

  #descend(step: Step, schema: LuaSchema, value: JsonValue): boolean {
    this.#steps.push(step)
    const isDone = this.visit(schema, value)
    this.#steps.pop()
    return isDone
  }

  /** Nobody sees the hint of a first fault, and most of those are of alternatives that were tried. */
  #hint(explain: () => string | null): string | null {
    return this.#stopAtFirst ? null : explain()
  }

  #report(message: string, hint: string | null = null, child: string | null = null): boolean {
    if (this.#stopAtFirst) {
      let text = ''
      for (const step of this.#steps) text += prefixOf(step)
      this.first = text + message
      return true
    }
    let path = this.root
    for (const step of this.#steps) {
      if (step.kind !== 'allOf') path = joinPath(path, step.kind === 'item' ? step.index : step.name)
    }
    if (child !== null) path = joinPath(path, child)
    this.faults.push({ path, message, hint })
    return false
  }
}

/** Whether the value fits; alternatives are asked often and their faults are not told. */
function fits(schema: LuaSchema, value: JsonValue): boolean {
  const { required } = schema
  if (required !== undefined && schema.type === undefined && schema.properties === undefined) {
    // Most alternatives are nothing but a list of names.
    if (isJsonObject(value)) for (const name of required) if (!Object.hasOwn(value, name)) return false
  }
  return checkSchema(schema, value) === null
}

const NO_ITEMS: readonly JsonValue[] = []
const NO_FIELDS: JsonObject = {}

/**
 * Lua has one empty table, so `{}` is also a list and `[]` also an object. Documents that went through the reference's own encoder hold
 * such values; readers take them for absent.
 */
function isOfType(type: SchemaType, value: JsonValue): boolean {
  switch (type) {
    case 'object':
      return isJsonObject(value) || (Array.isArray(value) && value.length === 0)
    case 'array':
      return Array.isArray(value) || isEmptyObject(value)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    default:
      return typeof value === type
  }
}

export function isEmptyObject(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0
}

/** Why the alternative of the value's own type does not fit, for people; the reference leaves that out. */
function explainAnyOf(anyOf: readonly LuaSchema[], value: JsonValue): string | null {
  for (const inner of anyOf) {
    if (inner.type !== undefined && isOfType(inner.type, value)) return checkSchema(inner, value)
  }
  return explainOneOf(anyOf)
}

function explainOneOf(alternatives: readonly LuaSchema[]): string | null {
  const groups: string[] = []
  for (const inner of alternatives)
    if (inner.required !== undefined) groups.push(inner.required.join(' and '))
  return groups.length === 0 ? null : `one of: ${groups.join('; ')}`
}

/** Equal for equal values, whatever the order of an object's keys. */
function canonicalText(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (isJsonObject(value)) {
    const keys = Object.keys(value).sort()
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] as JsonValue)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

function countCharacters(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--
  }
  return count
}

const regExps = new Map<string, RegExp>()

function regExpOf(pattern: string): RegExp {
  let found = regExps.get(pattern)
  if (found === undefined) {
    found = new RegExp(pattern)
    regExps.set(pattern, found)
  }
  return found
}
