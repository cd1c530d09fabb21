import type { JsonObject } from '../../model/json.ts'
import { listField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import type { Reference } from '../dialect.ts'

/** What a document does in a few words, for lists. */
export function summarizeValue(kind: string, value: JsonObject): string {
  const proxy = kind === 'deployments' ? (objectField(value, 'Proxy') ?? {}) : value
  return kind === 'proxies' || kind === 'deployments' ? summarizeProxy(proxy) : ''
}

function summarizeProxy(proxy: JsonObject): string {
  const route = objectField(proxy, 'clientRoute') ?? {}
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const hosts = listField(route, 'hostList').map(String)
  const paths = listField(route, 'relativePathList').map(String)
  const addresses = objectsField(routing, 'routingAddressList').map(
    ({ entry }) => textField(entry, 'address') ?? '?',
  )
  const where = `${shorten(hosts)}${shorten(paths)}`
  return `${where === '' ? 'all paths' : where} to ${addresses.length === 0 ? 'nothing' : shorten(addresses)}`
}

/** The first of them, and how many more there are. */
function shorten(texts: readonly string[]): string {
  const [first = ''] = texts
  return texts.length > 1 ? `${first} (+${texts.length - 1})` : first
}

/** Every place in a document that names another one. */
export function listReferences(kind: string, value: JsonObject): readonly Reference[] {
  if (kind !== 'proxies' && kind !== 'deployments') return []
  const isCopy = kind === 'deployments'
  const proxy = isCopy ? (objectField(value, 'Proxy') ?? {}) : value
  const mtls = objectField(proxy, 'mtls') ?? {}
  const references: Reference[] = []
  for (const [field, named] of [
    ['keyStoreId', 'key_stores'],
    ['trustStoreId', 'trust_stores'],
  ] as const) {
    const id = textField(mtls, field)
    if (id !== null)
      references.push({ path: `${isCopy ? 'Proxy.' : ''}mtls.${field}`, kind: named, id, mustExist: true })
  }
  return references
}

/** Which kinds an object may be that stands alone. */
export function recognizeKinds(value: JsonObject): readonly string[] {
  const has = (...keys: string[]): boolean => keys.every((key) => Object.hasOwn(value, key))
  if (has('apiProxyName', 'environmentName', 'Proxy')) return ['deployments']
  if (has('apiProxyName') && (has('clientRoute') || has('routingInfo'))) return ['proxies']
  if (has('name', 'certificate', 'key') && Object.keys(value).length === 3) return ['key_stores']
  return has('name', 'ca') && Object.keys(value).length === 2 ? ['trust_stores'] : []
}
