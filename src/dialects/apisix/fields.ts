import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/**
 * Reading a stored document. It has passed the schema when it was stored, but translation must not throw even for one that came from
 * an older version or another node, so every reader answers `null` for what is absent or of another type.
 */
export function textField(value: JsonObject, name: string): string | null {
  const field = own(value, name)
  return typeof field === 'string' ? field : null
}

export function numberField(value: JsonObject, name: string): number | null {
  const field = own(value, name)
  return typeof field === 'number' && Number.isFinite(field) ? field : null
}

export function flagField(value: JsonObject, name: string): boolean | null {
  const field = own(value, name)
  return typeof field === 'boolean' ? field : null
}

export function objectField(value: JsonObject, name: string): JsonObject | null {
  const field = own(value, name)
  return isJsonObject(field) ? field : null
}

export function listField(value: JsonObject, name: string): readonly JsonValue[] | null {
  const field = own(value, name)
  return Array.isArray(field) ? (field as readonly JsonValue[]) : null
}

/** A list's texts; other elements are left out. `null` if there is no list. */
export function textListField(value: JsonObject, name: string): readonly string[] | null {
  return listField(value, name)?.filter((element) => typeof element === 'string') ?? null
}

/** A reference or id: text or an integer, compared as text (spec/apisix.md 1.4: 1 and "1" are the same object). */
export function idField(value: JsonObject, name: string): string | null {
  const field = own(value, name)
  if (typeof field === 'string') return field
  return typeof field === 'number' ? String(field) : null
}

/** Seconds, fractions allowed, as whole milliseconds; at least 1 unless the document says exactly 0. */
export function toMilliseconds(seconds: number): number {
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000))
}

/** Own properties only, so that a document cannot reach Object.prototype. */
function own(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
