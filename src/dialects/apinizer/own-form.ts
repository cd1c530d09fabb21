import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import { DEFAULT_PROJECT, fieldsOfId } from './kinds.ts'

/** The value that is stored: names that the id stands for in front of what lacks them; the key of a store that was shown without it is kept. */
export function prepareValue(
  kind: string,
  id: string,
  value: JsonObject,
  previous: StoredDocument | undefined,
): JsonObject {
  const fields = Object.entries(fieldsOfId(kind, id)).filter(
    ([name, text]) => !Object.hasOwn(value, name) && !(name === 'projectName' && text === DEFAULT_PROJECT),
  )
  const stored: Record<string, JsonValue> = { ...Object.fromEntries(fields), ...value }
  if (kind === 'key_stores' && stored.key === undefined && previous?.value.key !== undefined)
    stored.key = previous.value.key
  return stored
}

/** Nothing is the server's own. */
export function editableValue(_kind: string, value: JsonObject): JsonObject {
  return value
}

export function concealKey(value: JsonObject): JsonObject {
  const { key: _, ...shown } = value
  return shown
}

/** The form by which two versions of a document are the same: fields that are null are absent, and a proxy has its project. */
export function normaliseValue(kind: string, value: JsonObject): JsonObject {
  const own = withoutNull(value) as JsonObject
  return kind === 'proxies' ? { ...own, projectName: textField(own, 'projectName') ?? DEFAULT_PROJECT } : own
}

function withoutNull(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(withoutNull)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNull(field)]),
  )
}
