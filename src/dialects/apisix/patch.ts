import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/** PATCH of stored objects (spec/apisix.md 1.5). Both functions leave their arguments as they are. */

/**
 * Merges `change` into `value`: objects key by key, `null` deletes a key, everything else replaces, lists too. Keys keep their place, new
 * ones come last. A `null` in an object that is new goes as well: there is nothing to delete, and it would not validate.
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
 * Replaces what stands at the path (`['upstream', 'nodes']`, never empty) by `change`, whatever that is. Objects that are missing on the way
 * are made; null if the path leads through something that is no object.
 */
export function patchAt(value: JsonObject, path: readonly string[], change: JsonValue): JsonObject | null {
  const [key, ...rest] = path
  if (key === undefined) return null
  if (rest.length === 0) return { ...value, [key]: change }
  const inner = Object.hasOwn(value, key) ? value[key] : {}
  if (!isJsonObject(inner)) return null
  const patched = patchAt(inner, rest, change)
  return patched === null ? null : { ...value, [key]: patched }
}
