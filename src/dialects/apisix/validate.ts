import { checkNetwork } from '../../expression/network.ts'
import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { checkValue } from '../../model/safe-json.ts'
import type { DialectSettings } from '../dialect.ts'
import { collectConsumerFaults } from './consumers.ts'
import { objectField, textField, textListField } from './fields.ts'
import { checkSchema, collectSchemaFaults, joinPath } from './lua-schema.ts'
import { parsePath } from './patterns.ts'
import { checkPlugins } from './plugins/index.ts'
import { SCHEMAS } from './schema.ts'
import { collectSslFaults } from './ssls.ts'
import { collectStreamFaults } from './stream-routes.ts'
import { checkUpstreamRules, collectUnsupportedFields, collectUpstreamFaults } from './upstream-rules.ts'
import { parseVars } from './vars.ts'

/**
 * Whether a document may be stored, in the order of spec/apisix.md 1.7. References to other documents stand between `checkShape` and
 * `checkContents` there, so these are two steps; `validateDocument` finds all faults at once and knows no other document.
 */

/** Exclusive fields, schema, inline upstream, patterns: the first fault as the reference words it, or null. */
export function checkShape(kind: string, value: JsonValue, settings: DialectSettings): string | null {
  const schema = SCHEMAS[kind]
  if (schema === undefined) return `invalid configuration: unknown resource type ${kind}`
  const pair = isJsonObject(value) ? findPairs(value)[0] : undefined
  if (pair !== undefined) return pair.message
  const fault = checkSchema(schema, value)
  if (fault !== null) return `invalid configuration: ${fault}`
  if (!isJsonObject(value)) return null
  if (kind === 'ssls') return collectSslFaults(value)[0]?.message ?? null
  const stream = kind === 'stream_routes' ? collectStreamFaults(value)[0] : undefined
  if (stream !== undefined) return stream.message
  const upstream = kind === 'upstreams' ? value : objectField(value, 'upstream')
  return (
    (upstream === null ? null : checkUpstreamRules(upstream)) ??
    collectPatternFaults(value, settings)[0]?.message ??
    null
  )
}

/**
 * Plugins, vars, and what cannot be done: the first fault or null, for a value that has passed `checkShape`. Warnings come with the
 * translation, so that documents from files have them too.
 */
export function checkContents(kind: string, value: JsonObject, settings: DialectSettings): string | null {
  if (kind === 'consumers') return collectConsumerFaults(value)[0]?.message ?? null
  const plugins = objectField(value, 'plugins')
  const fault = plugins === null ? null : checkPlugins(plugins, settings).error
  if (fault !== null) return fault
  if (value.vars !== undefined) {
    const parsed = parseVars(value.vars)
    if ('error' in parsed) return describeVarsFault(parsed.error)
  }
  return collectUnsupportedFields(value)[0]?.message ?? null
}

/** All faults of a document that need no other document, each with its path; empty: it may be stored. */
export function validateDocument(
  kind: string,
  value: JsonValue,
  settings: DialectSettings,
): readonly Fault[] {
  const schema = SCHEMAS[kind]
  if (schema === undefined) return [{ path: '', message: `unknown resource type ${kind}`, hint: null }]
  // The steps below walk the value, so its depth comes first.
  const unsafe = checkValue(value, settings.limits.maxJsonDepth)
  if (unsafe !== null) return [{ path: '', message: unsafe, hint: null }]
  if (!isJsonObject(value)) return collectSchemaFaults(schema, value)
  const pairs = findPairs(value)
  const faults: Fault[] = [...pairs]
  for (const fault of collectSchemaFaults(schema, value)) {
    // The schema says the same of the two fields of a pair, less clearly.
    if (pairs.length > 0 && fault.path === '' && fault.message.includes('matches both schemas')) continue
    faults.push(fault)
  }
  if (kind === 'ssls') return [...faults, ...collectSslFaults(value)]
  if (kind === 'upstreams') faults.push(...collectUpstreamFaults(value, ''))
  const upstream = objectField(value, 'upstream')
  if (upstream !== null) faults.push(...collectUpstreamFaults(upstream, 'upstream'))
  faults.push(...collectPatternFaults(value, settings))
  if (kind === 'consumers') return [...faults, ...collectConsumerFaults(value)]
  if (kind === 'stream_routes') {
    const own = collectStreamFaults(value)
    const told = new Set(own.map(({ path }) => path))
    return [
      ...faults.filter(({ path }) => !told.has(path)),
      ...own,
      ...collectPluginFaults(value, settings).filter(({ path }) => !told.has(path)),
    ]
  }
  faults.push(...collectPluginFaults(value, settings))
  if (Array.isArray(value.vars)) {
    const parsed = parseVars(value.vars)
    if ('error' in parsed) {
      faults.push({ path: 'vars', message: describeVarsFault(parsed.error), hint: null })
    }
  }
  faults.push(...collectUnsupportedFields(value))
  return faults
}

/** The plugin checks stop at a plugin's first fault, so each plugin is asked alone. */
function collectPluginFaults(value: JsonObject, settings: DialectSettings): readonly Fault[] {
  const plugins = objectField(value, 'plugins')
  if (plugins === null) return []
  const faults: Fault[] = []
  for (const [name, config] of Object.entries(plugins)) {
    const { error } = checkPlugins({ [name]: config }, settings)
    if (error !== null) faults.push({ path: `plugins.${name}`, message: error, hint: null })
  }
  return faults
}

function describeVarsFault(error: string): string {
  return `failed to validate the 'vars' expression: ${error}`
}

/** Fields of which one is allowed. */
function findPairs(value: JsonObject): readonly Fault[] {
  const faults: Fault[] = []
  for (const [one, many] of [
    ['host', 'hosts'],
    ['remote_addr', 'remote_addrs'],
  ] as const) {
    if (Object.hasOwn(value, one) && Object.hasOwn(value, many)) {
      faults.push({ path: many, message: `only one of ${one} or ${many} is allowed`, hint: null })
    }
  }
  return faults
}

/** Paths and addresses that pass the schema and would still never do what their author means. */
function collectPatternFaults(value: JsonObject, settings: DialectSettings): readonly Fault[] {
  const faults: Fault[] = []
  for (const [path, uri] of textsOf(value, 'uri', 'uris')) {
    const parsed = parsePath(uri, settings.apisix.router)
    if ('error' in parsed) {
      faults.push({ path, message: `invalid configuration: ${parsed.error}`, hint: null })
    }
  }
  for (const [path, address] of textsOf(value, 'remote_addr', 'remote_addrs')) {
    if (checkNetwork(address) !== null) {
      faults.push({ path, message: `invalid remote_addr: ${address}`, hint: null })
    }
  }
  return faults
}

/** The texts of a field and of its list form, each with its path. */
function* textsOf(value: JsonObject, one: string, many: string): Generator<readonly [string, string]> {
  const single = textField(value, one)
  if (single !== null) yield [one, single]
  const list = textListField(value, many)
  if (list === null) return
  for (const [index, text] of list.entries()) yield [joinPath(many, index), text]
}
