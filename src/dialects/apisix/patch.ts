import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/** PATCH of a place inside a stored object (spec/apisix.md 1.5); without a place it is a merge patch (model/merge-patch.ts). */

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
