import { isDeepEqual } from '../gateway/deep-equal.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'

/** A value beside its normalised form. */
interface Pair {
  readonly value: JsonValue | undefined
  readonly normal: JsonValue | undefined
}

/**
 * The new version of a document in the form of the old one wherever the two mean the same: keys stand in the old order, a default that only
 * one of them spells out is left as the old one has it, 1 stays "1". What is left to differ is what really differs. `normal…`: the
 * dialect's normalised forms.
 */
export function alignDocument(
  before: JsonObject,
  after: JsonObject,
  normalBefore: JsonObject,
  normalAfter: JsonObject,
): JsonObject {
  const aligned = align({ value: before, normal: normalBefore }, { value: after, normal: normalAfter })
  return isJsonObject(aligned) ? aligned : after
}

function align(before: Pair, after: Pair): JsonValue | undefined {
  if (before.normal !== undefined && isDeepEqual(before.normal, after.normal)) return before.value
  if (isJsonObject(before.value) && isJsonObject(after.value)) return alignObjects(before, after)
  if (Array.isArray(before.value) && Array.isArray(after.value)) return alignLists(before, after)
  return after.value
}

function alignObjects(before: Pair, after: Pair): JsonObject {
  const result: Record<string, JsonValue> = {}
  const old = before.value as JsonObject
  const fresh = after.value as JsonObject
  for (const key of new Set([...Object.keys(old), ...Object.keys(fresh)])) {
    const value = align(
      { value: at(old, key), normal: at(before.normal, key) },
      { value: at(fresh, key), normal: at(after.normal, key) },
    )
    if (value !== undefined) result[key] = value
  }
  return result
}

/** Element by element: one that was put in before others moves them all, and what is the same in them is told by the lines. */
function alignLists(before: Pair, after: Pair): JsonValue {
  const old = before.value as readonly JsonValue[]
  const fresh = after.value as readonly JsonValue[]
  return fresh.map((value, i) => {
    const aligned = align(
      { value: old[i], normal: item(before.normal, i) },
      { value, normal: item(after.normal, i) },
    )
    return aligned === undefined ? value : aligned
  })
}

function at(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function item(value: JsonValue | undefined, index: number): JsonValue | undefined {
  return Array.isArray(value) ? (value as readonly JsonValue[])[index] : undefined
}
