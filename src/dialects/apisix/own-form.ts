import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { idFieldOf } from './ids.ts'
import { keepKeys } from './ssls.ts'

/** What the server adds to a document and takes off again: the id behind the rest and the times (spec/apisix.md 1.4, 1.5). */

const TIMES: ReadonlySet<string> = new Set(['create_time', 'update_time'])

/**
 * As PUT stores it: an id of the body keeps its type and place, a missing one comes last as text; times in seconds stand behind everything.
 */
export function prepareValue(
  kind: string,
  id: string,
  value: JsonObject,
  previous: StoredDocument | undefined,
  nowMs: number,
): JsonObject {
  const now = Math.floor(nowMs / 1000)
  const created = previous?.value.create_time
  const own = editableValue(kind === 'ssls' ? keepKeys(value, previous?.value) : value)
  const field = idFieldOf(kind)
  const named = Object.hasOwn(own, field) ? own : { ...own, [field]: id }
  return { ...named, create_time: created === undefined ? now : created, update_time: now }
}

export function editableValue(value: JsonObject): JsonObject {
  if (!Object.hasOwn(value, 'create_time') && !Object.hasOwn(value, 'update_time')) return value
  const own: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) if (!TIMES.has(key)) own[key] = value[key] as JsonValue
  return own
}
