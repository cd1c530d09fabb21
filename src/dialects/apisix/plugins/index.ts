import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import type { DialectSettings } from '../../dialect.ts'
import type { TranslationWarning } from '../holder.ts'
import { checkSchema, type LuaSchema } from '../lua-schema.ts'
import { isSwitchedOff } from '../merge.ts'
import { KEY_AUTH, PROXY_REWRITE, REDIRECT, RESPONSE_REWRITE, TRAFFIC_SPLIT } from '../plugin-schemas.ts'
import { checkKeyAuth, PRIORITY as KEY_AUTH_PRIORITY } from './key-auth.ts'
import { checkMeta } from './meta.ts'
import { type PluginCheck, refuse, warnOfExtras } from './plugin.ts'
import { checkProxyRewrite, PRIORITY as PROXY_REWRITE_PRIORITY } from './proxy-rewrite.ts'
import { checkRedirect, PRIORITY as REDIRECT_PRIORITY } from './redirect.ts'
import { checkResponseRewrite, PRIORITY as RESPONSE_REWRITE_PRIORITY } from './response-rewrite.ts'
import { PRIORITY as TRAFFIC_SPLIT_PRIORITY } from './traffic-split.ts'
import { checkTrafficSplit } from './traffic-split-check.ts'

export interface Plugin {
  readonly name: string
  readonly version: number
  /** Higher runs first, among plugins of one phase. */
  readonly priority: number
  readonly schema: LuaSchema
  /** What the schema cannot say. Paths of warnings begin in the plugin's configuration. */
  check(config: JsonObject, settings: DialectSettings): PluginCheck
}

/** Highest priority first, as the reference lists them. */
export const PLUGINS: readonly Plugin[] = [
  {
    name: 'key-auth',
    version: 0.1,
    priority: KEY_AUTH_PRIORITY,
    schema: KEY_AUTH,
    check: (config) => checkKeyAuth(config),
  },
  {
    name: 'proxy-rewrite',
    version: 0.1,
    priority: PROXY_REWRITE_PRIORITY,
    schema: PROXY_REWRITE,
    check: (config, settings) => checkProxyRewrite(config, settings),
  },
  {
    name: 'traffic-split',
    version: 0.1,
    priority: TRAFFIC_SPLIT_PRIORITY,
    schema: TRAFFIC_SPLIT,
    check: (config) => checkTrafficSplit(config),
  },
  {
    name: 'redirect',
    version: 0.1,
    priority: REDIRECT_PRIORITY,
    schema: REDIRECT,
    check: (config, settings) => checkRedirect(config, settings),
  },
  {
    name: 'response-rewrite',
    version: 0.1,
    priority: RESPONSE_REWRITE_PRIORITY,
    schema: RESPONSE_REWRITE,
    check: (config) => checkResponseRewrite(config),
  },
]

const BY_NAME: ReadonlyMap<string, Plugin> = new Map(PLUGINS.map((plugin) => [plugin.name, plugin]))

export function findPlugin(name: string): Plugin | undefined {
  return BY_NAME.get(name)
}

/**
 * Checks the `plugins` object of a route, service or plugin_config. `error` is the reference's text for the first fault (spec/apisix.md
 * 1.7), or null; paths of warnings begin at the document (`plugins.traffic-split.…`).
 */
export function checkPlugins(plugins: JsonObject, settings: DialectSettings): PluginCheck {
  const warnings: TranslationWarning[] = []
  for (const [name, config] of Object.entries(plugins)) {
    if (!isJsonObject(config)) {
      return refuse(`invalid plugin conf ${JSON.stringify(config)} for plugin [${name}]`)
    }
    const plugin = BY_NAME.get(name)
    if (plugin === undefined) return refuse(`unknown plugin [${name}]`)
    // Switched off, even a bad configuration is accepted (section 9).
    if (isSwitchedOff(config)) continue
    const checked = checkConfig(plugin, config, settings)
    if (checked.error !== null) {
      return refuse(`failed to check the configuration of plugin ${name} err: ${checked.error}`)
    }
    for (const { path, message } of checked.warnings) {
      warnings.push({ path: `plugins.${name}.${path}`, message })
    }
  }
  return { error: null, warnings }
}

function checkConfig(plugin: Plugin, config: JsonObject, settings: DialectSettings): PluginCheck {
  const error = checkSchema(plugin.schema, config) ?? findSecretReference(config, '')
  if (error !== null) return refuse(error)
  const meta = checkMeta(config)
  if (meta.error !== null) return meta
  const own = plugin.check(config, settings)
  if (own.error !== null) return own
  // traffic-split says more about its extra properties, on every level.
  const extras =
    plugin.name === 'traffic-split'
      ? []
      : warnOfExtras(
          Object.keys(config),
          new Set(Object.keys(plugin.schema.properties ?? {})),
          '',
          () => null,
        )
  return { error: null, warnings: [...extras, ...meta.warnings, ...own.warnings] }
}

/** References to secrets are values that the reference would fetch from a vault or its environment; there is neither here. */
function findSecretReference(value: unknown, path: string): string | null {
  if (typeof value === 'string') {
    return /^\$(?:secret|env):\/\//i.test(value)
      ? `property "${path}" is not supported: references to secrets are not resolved`
      : null
  }
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const found = findSecretReference(inner, place)
    if (found !== null) return found
  }
  return null
}
