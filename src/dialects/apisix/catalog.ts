import type { JsonObject, JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import type { DialectSettings, RestRequest, RestResponse } from '../dialect.ts'
import { answerError, answerJson, answerText } from './errors.ts'
import { idFieldOf } from './ids.ts'
import { checkSchema, type LuaSchema } from './lua-schema.ts'
import { KEY_AUTH_OF_CONSUMER } from './plugin-schemas.ts'
import { findPlugin, PLUGINS, type Plugin } from './plugins/index.ts'
import { SCHEMAS } from './schema.ts'
import { checkContents, checkShape } from './validate.ts'

/** The read-only corner of the Admin API: plugins, schemas, validation without storing (spec/apisix.md 1.2). */

/** `/schema/{name}` has singular names. */
const SCHEMA_NAMES: ReadonlyMap<string, string> = new Map([
  ['route', 'routes'],
  ['service', 'services'],
  ['upstream', 'upstreams'],
  ['plugin_config', 'plugin_configs'],
  ['ssl', 'ssls'],
  ['consumer', 'consumers'],
  ['stream_route', 'stream_routes'],
])

/** `/plugins/…`; `path` is what stands behind it. */
export function answerPlugins(request: RestRequest, path: readonly string[]): RestResponse {
  const [name, ...rest] = path
  if (name === 'reload') {
    // Nothing to load: the answer is the reference's.
    return request.method === 'PUT'
      ? answerText(200, 'done')
      : answerError(
          405,
          `please use PUT method to reload the plugins, ${request.method} method is not allowed.`,
        )
  }
  if (request.method !== 'GET' || rest.length > 0) return answerError(404, 'not found')
  const subsystem = request.query.get('subsystem')
  if (subsystem !== undefined && subsystem !== 'http' && subsystem !== 'stream') {
    return answerError(400, `unsupported subsystem: ${subsystem}`)
  }
  const known = subsystem === 'stream' ? PLUGINS.filter(({ name }) => name === 'traffic-split') : PLUGINS
  if (name === undefined) {
    if (request.query.get('all') !== 'true') return answerError(400, 'not found plugin name')
    const all: Record<string, JsonValue> = {}
    for (const plugin of known) {
      const { version, priority } = plugin
      all[plugin.name] = { version, priority, schema: toJson(plugin.schema) }
    }
    return answerJson(200, all)
  }
  if (name === 'list') {
    return answerJson(
      200,
      known.map((plugin) => plugin.name),
    )
  }
  const plugin = known.find((candidate) => candidate.name === name)
  return plugin === undefined
    ? answerError(404, `plugin not found in subsystem ${subsystem === 'stream' ? 'stream' : 'http'}`)
    : answerPluginSchema(request, plugin)
}

/** `schema_type=consumer` asks for what a consumer holds, which only plugins of authentication have. */
function answerPluginSchema(request: RestRequest, plugin: Plugin): RestResponse {
  if (request.query.get('schema_type') !== 'consumer') return answerJson(200, toJson(plugin.schema))
  return plugin.name === 'key-auth'
    ? answerJson(200, toJson(KEY_AUTH_OF_CONSUMER))
    : answerError(400, 'not found schema')
}

/** `/schema/…` but for `/schema/validate`. */
export function answerSchema(request: RestRequest, path: readonly string[]): RestResponse {
  const [name, pluginName, ...rest] = path
  if (request.method !== 'GET' || rest.length > 0) return answerError(404, 'not found')
  if (name === 'plugins' && pluginName !== undefined) {
    const plugin = findPlugin(pluginName)
    return plugin === undefined
      ? answerError(404, `not found schema of plugin ${pluginName}`)
      : answerPluginSchema(request, plugin)
  }
  const kind = name === undefined || pluginName !== undefined ? undefined : SCHEMA_NAMES.get(name)
  const schema = kind === undefined ? undefined : SCHEMAS[kind]
  return schema === undefined
    ? answerError(400, `not found schema: ${path.join('/')}`)
    : answerJson(200, toJson(schema))
}

/** `POST /schema/validate/{collection}`: the schema alone. */
export function answerSchemaValidation(kind: string | undefined, body: JsonValue | undefined): RestResponse {
  const schema = kind === undefined ? undefined : SCHEMAS[kind]
  if (schema === undefined)
    return answerError(404, `Unsupported resource type: ${kind === undefined ? '' : kind}`)
  if (body === undefined) return answerError(400, 'missing configurations')
  const fault = checkSchema(schema, body)
  if (fault !== null) return answerError(400, fault)
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: '' }
}

/** `POST /configs/validate`: lists by collection; every fault of every object, and nothing is stored. References are not followed. */
export function answerConfigsValidation(
  body: JsonValue | undefined,
  settings: DialectSettings,
): RestResponse {
  if (body === undefined) return answerError(400, 'invalid request body: empty request body')
  if (!isJsonObject(body)) return answerError(400, 'invalid request body: an object of lists is expected')
  const errors: JsonObject[] = []
  for (const [kind, items] of Object.entries(body)) {
    if (SCHEMAS[kind] === undefined) {
      errors.push({ resource_type: kind, resource_id: '', error: `Unsupported resource type: ${kind}` })
      continue
    }
    if (!Array.isArray(items)) {
      errors.push({ resource_type: kind, resource_id: '', error: 'a list is expected' })
      continue
    }
    collectErrors(kind, items as readonly JsonValue[], settings, errors)
  }
  return errors.length === 0
    ? answerJson(200, {})
    : answerJson(400, { error_msg: 'Configuration validation failed', errors })
}

function collectErrors(
  kind: string,
  items: readonly JsonValue[],
  settings: DialectSettings,
  errors: JsonObject[],
): void {
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const own = isJsonObject(item) ? item[idFieldOf(kind)] : undefined
    const id = own === undefined ? '' : own
    const add = (error: string): void => {
      errors.push({ resource_type: kind, index, resource_id: id, error })
    }
    const shape = checkShape(kind, item, settings)
    const error = shape ?? (isJsonObject(item) ? checkContents(kind, item, settings) : null)
    if (error !== null) add(error)
    if (id === '') continue
    if (seen.has(String(id))) add(`found duplicate id ${String(id)} in ${kind}`)
    seen.add(String(id))
  }
}

/** A schema holds JSON alone; its type just does not say so. */
function toJson(schema: LuaSchema): JsonValue {
  return schema as unknown as JsonObject
}
