import type { JsonObject, JsonValue } from '../../../model/json.ts'

/**
 * What values of the API look like: enough to read flattened keys as what they stand for, to check the parameters of a call and to describe both
 * ways in the API's description. Documents themselves are checked by the dialect.
 */
export type Shape = ShapeOfValue & {
  readonly description?: string
  /** In answers: the vendor gives null where there is nothing. */
  readonly isNullable?: boolean
}

type ShapeOfValue =
  | { readonly kind: 'text'; readonly options?: readonly string[] }
  | { readonly kind: 'integer'; readonly least?: number; readonly most?: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'object'; readonly fields: Fields }

export type Fields = Readonly<Record<string, Shape>>

export function text(description?: string): Shape {
  return describe({ kind: 'text' }, description)
}

export function option(options: readonly string[], description?: string): Shape {
  return describe({ kind: 'text', options }, description)
}

export function integer(description?: string, least?: number, most?: number): Shape {
  const bounds = { ...(least === undefined ? {} : { least }), ...(most === undefined ? {} : { most }) }
  return describe({ kind: 'integer', ...bounds }, description)
}

export function flag(description?: string): Shape {
  return describe({ kind: 'flag' }, description)
}

export function list(of: Shape, description?: string): Shape {
  return describe({ kind: 'list', of }, description)
}

export function object(fields: Fields, description?: string): Shape {
  return describe({ kind: 'object', fields }, description)
}

export function nullable(shape: Shape): Shape {
  return { ...shape, isNullable: true }
}

function describe(shape: Shape, description: string | undefined): Shape {
  return description === undefined ? shape : { ...shape, description }
}

/** A value of flattened keys, all texts, as its shape has it. A text that does not fit stays: whoever checks it says so. */
export function readTexts(value: JsonValue, shape: Shape | undefined): JsonValue {
  if (shape === undefined) return value
  switch (shape.kind) {
    case 'text':
      return value
    case 'integer':
      return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
    case 'flag':
      if (value === 'true') return true
      return value === 'false' ? false : value
    case 'list':
      return Array.isArray(value)
        ? (value as readonly JsonValue[]).map((entry) => readTexts(entry, shape.of))
        : value
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
      const entries = Object.entries(value as JsonObject)
      return Object.fromEntries(
        entries.map(([key, inner]) => [key, readTexts(inner, fieldOf(shape.fields, key))]),
      )
    }
  }
}

/** Why a value is not of a shape, with the place; null: it is. Keys that the shape does not have are a fault. */
export function findMisfit(value: JsonValue, shape: Shape, path: string): string | null {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? null : `${path} must be a string`
    case 'integer':
      return Number.isSafeInteger(value) ? null : `${path} must be an integer`
    case 'flag':
      return typeof value === 'boolean' ? null : `${path} must be true or false`
    case 'list': {
      if (!Array.isArray(value)) return `${path} must be a list`
      for (const [at, entry] of (value as readonly JsonValue[]).entries()) {
        const misfit = findMisfit(entry, shape.of, `${path}[${at}]`)
        if (misfit !== null) return misfit
      }
      return null
    }
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return `${path} must be an object`
      }
      for (const [key, inner] of Object.entries(value as JsonObject)) {
        const known = fieldOf(shape.fields, key)
        if (known === undefined) return `${path}.${key} is not known`
        const misfit = findMisfit(inner, known, `${path}.${key}`)
        if (misfit !== null) return misfit
      }
      return null
    }
  }
}

/** A shape as JSON Schema (2020-12). */
export function schemaOf(shape: Shape): JsonObject {
  const described = shape.description === undefined ? {} : { description: shape.description }
  const typed = (type: string): JsonObject => ({ type: shape.isNullable === true ? [type, 'null'] : type })
  switch (shape.kind) {
    case 'text':
      return {
        ...typed('string'),
        ...described,
        ...(shape.options === undefined ? {} : { enum: [...shape.options] }),
      }
    case 'integer':
      return {
        ...typed('integer'),
        ...described,
        ...(shape.least === undefined ? {} : { minimum: shape.least }),
        ...(shape.most === undefined ? {} : { maximum: shape.most }),
      }
    case 'flag':
      return { ...typed('boolean'), ...described }
    case 'list':
      return { ...typed('array'), ...described, items: schemaOf(shape.of) }
    case 'object':
      return {
        ...typed('object'),
        ...described,
        properties: Object.fromEntries(
          Object.entries(shape.fields).map(([name, inner]) => [name, schemaOf(inner)]),
        ),
        additionalProperties: false,
      }
  }
}

function fieldOf(fields: Fields, name: string): Shape | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
