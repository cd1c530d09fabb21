import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { formFor } from './check-schema.ts'
import type { Schema } from './json-schema.ts'
import { DEFS, isKind, KINDS } from './schema.ts'

/** A document with the defaults of the schema filled in: the form by which two versions are the same. Never throws. */
export function normalizeDocument(kind: string, value: JsonObject): JsonObject {
  const schema = isKind(kind) ? DEFS[KINDS[kind]] : undefined
  return schema === undefined ? value : fillObject(schema, value)
}

/** Deeper nesting than any document that was accepted has is left as it is. */
const MAX_DEPTH = 200

function fillObject(schema: Schema, value: JsonObject, depth = 0): JsonObject {
  const { properties = {}, additionalProperties } = schema
  const filled: Record<string, JsonValue> = {}
  for (const [key, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key)
      ? properties[key]
      : typeof additionalProperties === 'object'
        ? additionalProperties
        : undefined
    filled[key] = property === undefined ? inner : fill(property, inner, depth + 1)
  }
  for (const [key, property] of Object.entries(properties)) {
    if (property.default !== undefined && !Object.hasOwn(value, key))
      filled[key] = property.default as JsonValue
  }
  return filled
}

function fill(written: Schema, value: JsonValue, depth: number): JsonValue {
  const schema = depth > MAX_DEPTH ? null : formFor(written, value)
  if (schema === null) return value
  if (isJsonObject(value)) return fillObject(schema, value, depth)
  const { items } = schema
  if (!Array.isArray(value) || items === undefined) return value
  return (value as readonly JsonValue[]).map((item) => fill(items, item, depth + 1))
}
