import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** Fields of values that nobody has checked yet: of the wrong type is as good as absent. */

export function textField(value: JsonObject, name: string): string | null {
  const field = own(value, name)
  return typeof field === 'string' ? field : null
}

export function numberField(value: JsonObject, name: string): number | null {
  const field = own(value, name)
  return typeof field === 'number' ? field : null
}

export function flagField(value: JsonObject, name: string): boolean {
  return own(value, name) === true
}

export function objectField(value: JsonObject, name: string): JsonObject | null {
  const field = own(value, name)
  return isJsonObject(field) ? field : null
}

export function listField(value: JsonObject, name: string): readonly JsonValue[] {
  const field = own(value, name)
  return Array.isArray(field) ? (field as readonly JsonValue[]) : []
}

/** The objects of a list, each with its place. */
export function objectsField(
  value: JsonObject,
  name: string,
): readonly { readonly at: number; readonly entry: JsonObject }[] {
  return listField(value, name).flatMap((entry, at) => (isJsonObject(entry) ? [{ at, entry }] : []))
}

/** Keys that say nothing: absent, null or an empty text. */
export function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === ''
}

function own(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
