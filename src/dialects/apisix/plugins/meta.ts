import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import { numberField, objectField } from '../fields.ts'
import type { LuaSchema } from '../lua-schema.ts'
import { parseVars } from '../vars.ts'
import { checkVars, PASSED, type PluginCheck, refuse, simplify, warnOfExtras } from './plugin.ts'

/** `_meta`, which every plugin may carry (spec/apisix.md section 9). */

/** What `_meta` may hold; part of every plugin's schema. */
export const META_SCHEMA: LuaSchema = {
  description: 'How the plugin is run; the same for every plugin.',
  type: 'object',
  properties: {
    disable: {
      description:
        'Switches the plugin off, an inherited one of that name too. The rest is then not checked.',
      type: 'boolean',
      default: false,
    },
    priority: {
      description: 'Order of execution among plugins of one phase: higher runs first.',
      type: 'integer',
    },
    filter: {
      description: 'An expression as in vars: the plugin runs only where it holds.',
      type: 'array',
    },
    error_response: {
      description: "Body in place of the plugin's own when it answers with 400 or above.",
      oneOf: [{ type: 'string' }, { type: 'object' }],
    },
  },
}

const KNOWN = new Set(Object.keys(META_SCHEMA.properties ?? {}))

/** `_meta.filter`: the plugin runs only where it holds. null: always. */
export function readFilter(config: JsonObject): Predicate | null {
  const filter = objectField(config, '_meta')?.filter
  if (filter === undefined) return null
  const parsed = parseVars(filter)
  // A stored document has passed checkMeta; one that has not must not widen what the plugin does.
  return 'error' in parsed ? { kind: 'any', of: [] } : simplify(parsed.predicate)
}

/** `_meta.error_response`: the body in place of the plugin's own when it answers with 400 or above; null: its own. */
export function readErrorBody(config: JsonObject): string | null {
  const response = objectField(config, '_meta')?.error_response
  if (typeof response === 'string') return response
  return isJsonObject(response) ? `${JSON.stringify(response)}\n` : null
}

/** `_meta.priority`, or the plugin's own: higher runs first, among plugins of one phase. */
export function readPriority(config: JsonObject, standard: number): number {
  const meta = objectField(config, '_meta')
  const priority = meta === null ? null : numberField(meta, 'priority')
  return priority === null ? standard : priority
}

/** What the schema of `_meta` cannot say; `disable` has been looked at before. */
export function checkMeta(config: JsonObject): PluginCheck {
  const meta = objectField(config, '_meta')
  if (meta === null) return PASSED
  if (meta.pre_function !== undefined) {
    return refuse('property "_meta" validation failed: pre_function is not supported: it is Lua')
  }
  const warnings = warnOfExtras(Object.keys(meta), KNOWN, '_meta', () => null)
  if (meta.filter === undefined) return { error: null, warnings }
  const vars = checkVars(meta.filter, '_meta.filter')
  return { error: vars.error, warnings: [...warnings, ...vars.warnings] }
}
