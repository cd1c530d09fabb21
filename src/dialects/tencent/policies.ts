import { createRequire } from 'node:module'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { numberField, objectField, textField } from '../../model/json-fields.ts'
import { checkValue } from '../../model/safe-json.ts'
import { nestBackend } from './backend.ts'

/** Policies of a Routing plugin, in the forms in which they are written (spec/tencent.md 2.1). */

/** A list of policies, or why there is none. */
export type ReadList =
  | { readonly list: readonly JsonValue[] }
  | { readonly error: string; readonly isMissing: boolean }

/** `PluginData` is a text that holds JSON; documents may have the list itself. */
export function readPluginData(data: JsonValue | undefined): ReadList {
  if (data === undefined || data === null || data === '')
    return { error: 'PluginData is required', isMissing: true }
  if (Array.isArray(data)) return { list: data as readonly JsonValue[] }
  if (typeof data !== 'string')
    return {
      error: 'PluginData must be a list of policies, or a text that holds one as JSON',
      isMissing: false,
    }
  let parsed: unknown
  try {
    parsed = JSON.parse(data)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { error: `PluginData is no JSON: ${reason}`, isMissing: false }
  }
  if (!Array.isArray(parsed))
    return { error: 'PluginData must hold a JSON list of policies', isMissing: false }
  const unsafe = checkValue(parsed as JsonValue, MAX_DEPTH)
  return unsafe === null
    ? { list: parsed as JsonValue[] }
    : { error: `PluginData: ${unsafe}`, isMissing: false }
}

/** As deep as any document is read. */
const MAX_DEPTH = 32
const MAX_BODY = 65_536

export type ReadBody = { readonly body: JsonObject } | { readonly error: string }

/** `backend_config`: an object, or a text in YAML as the console takes it. Comes out nested. */
export function readBackendConfig(config: JsonValue | undefined): ReadBody {
  if (isJsonObject(config)) return { body: nestBackend(config) }
  if (typeof config !== 'string') return { error: 'backend_config must be an object, or a text in YAML' }
  if (config.length > MAX_BODY) return { error: `backend_config has more than ${MAX_BODY} characters` }
  const known = bodies.get(config)
  if (known !== undefined) return known
  const read = parseYaml(config)
  if (bodies.size >= MOST_BODIES) bodies.clear()
  bodies.set(config, read)
  return read
}

/** The same text is read for the check, for references and for each API that has the plugin. */
const bodies = new Map<string, ReadBody>()
const MOST_BODIES = 4096

function parseYaml(text: string): ReadBody {
  const { parseAllDocuments } = yaml()
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents) || documents.length === 0) return { error: 'backend_config is empty' }
  const [only] = documents
  if (only === undefined || documents.length > 1)
    return { error: 'backend_config holds more than one YAML document' }
  const fault = only.errors[0]
  if (fault !== undefined)
    return { error: `backend_config is no YAML: ${fault.message.split('\n')[0] ?? ''}` }
  let value: unknown
  try {
    value = only.toJS({ maxAliasCount: 10 })
  } catch {
    return { error: 'backend_config is no YAML: its aliases unfold to too much' }
  }
  if (!isJsonObject(value)) return { error: 'backend_config must be an object with keys such as ServiceType' }
  const unsafe = checkValue(value, MAX_DEPTH)
  return unsafe === null ? { body: nestBackend(value) } : { error: `backend_config: ${unsafe}` }
}

let loaded: typeof import('yaml') | null = null

/** Loaded with the first text that needs it. */
function yaml(): typeof import('yaml') {
  loaded ??= createRequire(import.meta.url)('yaml') as typeof import('yaml')
  return loaded
}

/** A policy that was accepted. */
export interface Policy {
  /** Place in the list. */
  readonly index: number
  readonly name: string
  /** 0-100, greater first. */
  readonly weight: number
  readonly condition: string
  /** Nested. */
  readonly body: JsonObject
  /** When it came into the plugin, ISO 8601; empty: with the others that have none. */
  readonly createdAt: string
}

/** The policies of a plugin as they were written; what is no policy is left out. */
export function policiesOf(plugin: JsonObject): readonly Policy[] {
  const read = readPluginData(plugin.PluginData)
  if ('error' in read) return []
  const times = objectField(plugin, 'PolicyTimes') ?? {}
  return read.list.flatMap((entry, index) => {
    if (!isJsonObject(entry)) return []
    const config = readBackendConfig(entry.backend_config)
    const name = textField(entry, 'strategy_name')
    if (name === null || 'error' in config) return []
    return [
      {
        index,
        name,
        weight: numberField(entry, 'strategy_weight') ?? 0,
        condition: textField(entry, 'condition') ?? '',
        body: config.body,
        createdAt: textField(times, name) ?? '',
      },
    ]
  })
}

/** In the order in which they are asked (spec/tencent.md 2.2): greater weight first, then the newest, of one time the later place. */
export function inOrder(policies: readonly Policy[]): readonly Policy[] {
  return [...policies].sort(
    (a, b) =>
      b.weight - a.weight ||
      (a.createdAt === b.createdAt ? 0 : a.createdAt < b.createdAt ? 1 : -1) ||
      b.index - a.index,
  )
}
