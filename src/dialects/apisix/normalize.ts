import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { LuaSchema } from './lua-schema.ts'
import { editableValue } from './own-form.ts'
import { findPlugin } from './plugins/index.ts'
import { SCHEMAS } from './schema.ts'

/**
 * The form by which two versions of a document are the same: without times, ids as text, and with the defaults of the schemas, since the
 * reference stores them and people copy documents over from there.
 */
export function normalizeValue(kind: string, value: JsonObject): JsonObject {
  const schema = SCHEMAS[kind]
  const own = editableValue(value)
  return schema === undefined ? own : normalizeObject(own, schema)
}

/** References and ids: 1 and "1" are the same object. */
const IDS: ReadonlySet<string> = new Set([
  'id',
  'upstream_id',
  'service_id',
  'plugin_config_id',
  'client_cert_id',
])
/** What an absent one means depends on where it stands (inline timeouts are a setting; redirects differ by their kind). */
const NO_PLAIN_DEFAULT: ReadonlySet<string> = new Set(['timeout', 'ret_code'])

function normalizeObject(value: JsonObject, schema: LuaSchema): JsonObject {
  const result: Record<string, JsonValue> = {}
  const properties = schema.properties === undefined ? {} : schema.properties
  for (const key of Object.keys(value)) {
    const inner = value[key] as JsonValue
    if (IDS.has(key) && typeof inner === 'number') result[key] = String(inner)
    else if (key === 'plugins' && isJsonObject(inner)) result[key] = normalizePlugins(inner)
    else if (Object.hasOwn(properties, key)) result[key] = normalize(inner, properties[key] as LuaSchema)
    else result[key] = inner
  }
  for (const key of Object.keys(properties)) {
    const fallback = properties[key]?.default
    if (fallback === undefined || Object.hasOwn(value, key) || NO_PLAIN_DEFAULT.has(key)) continue
    result[key] = fallback
  }
  return result
}

function normalize(value: JsonValue, schema: LuaSchema): JsonValue {
  if (isJsonObject(value)) return normalizeObject(value, schemaFor(schema, 'object'))
  if (!Array.isArray(value)) return value
  const { items } = schemaFor(schema, 'array')
  return items === undefined
    ? (value as JsonValue)
    : (value as readonly JsonValue[]).map((item) => normalize(item, items))
}

function normalizePlugins(plugins: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = {}
  for (const name of Object.keys(plugins)) {
    const config = plugins[name] as JsonValue
    const schema = findPlugin(name)?.schema
    result[name] = schema !== undefined && isJsonObject(config) ? normalizeObject(config, schema) : config
  }
  return result
}

/** Of alternatives the one for this type of value. */
function schemaFor(schema: LuaSchema, type: 'object' | 'array'): LuaSchema {
  if (schema.type === type) return schema
  const alternatives = schema.anyOf ?? schema.oneOf ?? []
  return alternatives.find((alternative) => alternative.type === type) ?? schema
}
