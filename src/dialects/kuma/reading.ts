import { parseDuration } from '../../model/duration.ts'
import type { JsonObject } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import type { Tags } from './resources.ts'

/** What readers share. They take values that decode.ts made of documents that validate. */

/** Reads each value once; stored values are never changed in place. */
export function remember<T>(read: (value: JsonObject) => T): (value: JsonObject) => T {
  const known = new WeakMap<JsonObject, { readonly made: T }>()
  return (value) => {
    const before = known.get(value)
    if (before !== undefined) return before.made
    const made = read(value)
    known.set(value, { made })
    return made
  }
}

export function readTags(holder: JsonObject, name: string): Tags {
  return (objectField(holder, name) ?? {}) as Tags
}

/** Milliseconds; null: it is not written. */
export function readDuration(value: JsonObject, name: string): number | null {
  const text = textField(value, name)
  return text === null ? null : parseDuration(text)
}
