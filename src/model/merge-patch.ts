import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/**
 * JSON Merge Patch (RFC 7396): objects key by key, `null` deletes a key, everything else replaces, lists too. Keys keep their place, new
 * ones come last. A `null` in an object that is new goes as well. Leaves its arguments as they are.
 */
export function mergePatch(value: JsonObject, change: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = {}
  for (const [key, old] of Object.entries(value)) {
    const next = Object.hasOwn(change, key) ? change[key] : undefined
    if (next === undefined) merged[key] = old
    else if (next !== null) merged[key] = mergeValue(old, next)
  }
  for (const [key, next] of Object.entries(change)) {
    if (next !== null && !Object.hasOwn(value, key)) merged[key] = mergeValue(null, next)
  }
  return merged
}

function mergeValue(old: JsonValue, next: JsonValue): JsonValue {
  if (!isJsonObject(next)) return next
  return mergePatch(isJsonObject(old) ? old : {}, next)
}

/**
 * The patch that leads from one value to another, as small as a merge patch can be (a list that differs is sent whole). A key that is `null`
 * in `after` cannot be said by a merge patch and is deleted by it.
 */
export function makePatch(before: JsonObject, after: JsonObject): JsonObject {
  const patch: Record<string, JsonValue> = {}
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null
  for (const [key, next] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (old !== undefined && JSON.stringify(old) === JSON.stringify(next)) continue
    patch[key] = isJsonObject(old) && isJsonObject(next) ? makePatch(old, next) : next
  }
  return patch
}
