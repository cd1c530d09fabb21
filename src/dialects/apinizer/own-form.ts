import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
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
  if (kind === 'proxies') return withSecret(stored, previous?.value)
  if (kind === 'deployments') {
    const proxy = objectField(stored, 'Proxy')
    const before = previous === undefined ? null : objectField(previous.value, 'Proxy')
    return proxy === null ? stored : { ...stored, Proxy: withSecret(proxy, before ?? undefined) }
  }
  if (kind === 'key_stores' && stored.key === undefined && previous?.value.key !== undefined)
    stored.key = previous.value.key
  return stored
}

/** The secret of sticky cookies, where the proxy was shown without it. */
function withSecret(proxy: JsonObject, before: JsonObject | undefined): JsonObject {
  const own = stickyOf(proxy)
  const secret = before === undefined ? undefined : stickyOf(before)?.hashSecret
  if (own === null || own.hashSecret !== undefined || secret === undefined) return proxy
  return withSticky(proxy, { ...own, hashSecret: secret })
}

function stickyOf(proxy: JsonObject): JsonObject | null {
  return objectField(objectField(proxy, 'routingInfo') ?? {}, 'stickySession')
}

function withSticky(proxy: JsonObject, stickySession: JsonObject): JsonObject {
  return { ...proxy, routingInfo: { ...(objectField(proxy, 'routingInfo') ?? {}), stickySession } }
}

export function concealSecret(proxy: JsonObject): JsonObject {
  const own = stickyOf(proxy)
  if (own?.hashSecret === undefined) return proxy
  const { hashSecret: _, ...shown } = own
  return withSticky(proxy, shown)
}

export function concealDeployedSecret(value: JsonObject): JsonObject {
  const proxy = objectField(value, 'Proxy')
  return proxy === null ? value : { ...value, Proxy: concealSecret(proxy) }
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
