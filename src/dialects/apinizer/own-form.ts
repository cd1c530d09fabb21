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

/** Secrets of a proxy, as the groups they stand in and their names. */
const SECRETS = [
  { groups: ['routingInfo', 'stickySession'], name: 'hashSecret' },
  { groups: ['proxyServer'], name: 'proxyPassword' },
] as const

/** The secrets of the former version, where the proxy was shown without them. */
function withSecret(proxy: JsonObject, before: JsonObject | undefined): JsonObject {
  if (before === undefined) return proxy
  let whole = proxy
  for (const { groups, name } of SECRETS) {
    const secret = groupOf(before, groups)?.[name]
    const own = groupOf(whole, groups)
    if (secret === undefined || own === null || own[name] !== undefined) continue
    whole = withGroup(whole, groups, { ...own, [name]: secret })
  }
  return whole
}

function groupOf(proxy: JsonObject, groups: readonly string[]): JsonObject | null {
  let group: JsonObject | null = proxy
  for (const name of groups) group = group === null ? null : objectField(group, name)
  return group
}

function withGroup(
  proxy: JsonObject,
  [first = '', ...rest]: readonly string[],
  group: JsonObject,
): JsonObject {
  const inner = rest.length === 0 ? group : withGroup(objectField(proxy, first) ?? {}, rest, group)
  return { ...proxy, [first]: inner }
}

export function concealSecret(proxy: JsonObject): JsonObject {
  let shown = proxy
  for (const { groups, name } of SECRETS) {
    const own = groupOf(shown, groups)
    if (own?.[name] === undefined) continue
    const { [name]: _, ...rest } = own
    shown = withGroup(shown, groups, rest)
  }
  return shown
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
