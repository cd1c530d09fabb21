import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import { fieldsOfId, type Kind } from './kinds.ts'
import { readPluginData } from './policies.ts'

/** What the server adds to a document and takes off again: ids and times (spec/tencent.md 1, 2.1). */

/** Fields of the server by kind: when it was made, and when it was last written. */
const TIMES: Readonly<Record<Kind, { readonly created: string | null; readonly modified: string | null }>> = {
  upstreams: { created: 'CreatedTime', modified: null },
  services: { created: 'CreatedTime', modified: 'ModifiedTime' },
  apis: { created: 'CreatedTime', modified: 'ModifiedTime' },
  plugins: { created: 'CreatedTime', modified: 'ModifiedTime' },
  attachments: { created: null, modified: 'AttachedTime' },
  releases: { created: null, modified: 'ReleasedTime' },
  released_apis: { created: null, modified: null },
}

const POLICY_TIMES = 'PolicyTimes'
const SERVER_FIELDS: ReadonlySet<string> = new Set([
  'CreatedTime',
  'ModifiedTime',
  'AttachedTime',
  'ReleasedTime',
  POLICY_TIMES,
])

/** The value that is stored: ids of a document that lacks them in front, times behind everything. */
export function prepareValue(
  kind: string,
  id: string,
  value: JsonObject,
  previous: StoredDocument | undefined,
  nowMs: number,
): JsonObject {
  const own = editableValue(kind, value)
  const fields = Object.entries(fieldsOfId(kind, id)).filter(([name]) => !Object.hasOwn(own, name))
  const stored: Record<string, JsonValue> = { ...Object.fromEntries(fields), ...own }
  const now = formatTime(nowMs)
  const times = Object.hasOwn(TIMES, kind) ? TIMES[kind as Kind] : TIMES.released_apis
  if (kind === 'plugins') stored[POLICY_TIMES] = policyTimes(own, previous?.value, nowMs)
  if (times.created !== null) stored[times.created] = previous?.value[times.created] ?? now
  if (times.modified !== null) stored[times.modified] = now
  if (kind === 'released_apis') {
    // a copy: its times are those of the API when it was released
    const api = objectField(value, 'Api')
    if (api !== null) stored.Api = api
  }
  return stored
}

/** What the author wrote, in that order. */
export function editableValue(kind: string, value: JsonObject): JsonObject {
  const own = withoutServerFields(value)
  const api = objectField(own, 'Api')
  if (kind !== 'released_apis' || api === null) return own
  const inner = withoutServerFields(api)
  return inner === api ? own : { ...own, Api: inner }
}

function withoutServerFields(value: JsonObject): JsonObject {
  const keys = Object.keys(value)
  if (!keys.some((key) => SERVER_FIELDS.has(key))) return value
  const own: Record<string, JsonValue> = {}
  for (const key of keys) if (!SERVER_FIELDS.has(key)) own[key] = value[key] as JsonValue
  return own
}

/** A policy whose name stays keeps its time (spec/tencent.md 2.1), to the millisecond: of two edits in one second the later one is newer. */
function policyTimes(value: JsonObject, previous: JsonObject | undefined, nowMs: number): JsonObject {
  const before = previous === undefined ? null : objectField(previous, POLICY_TIMES)
  const now = new Date(nowMs).toISOString()
  const times: Record<string, JsonValue> = {}
  const read = readPluginData(value.PluginData)
  if ('error' in read) return times
  for (const policy of read.list) {
    const name = isJsonObject(policy) ? textField(policy, 'strategy_name') : null
    if (name === null || name === '__proto__') continue
    times[name] = (before === null ? null : textField(before, name)) ?? now
  }
  return times
}

/** ISO 8601 in UTC, to the second. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
