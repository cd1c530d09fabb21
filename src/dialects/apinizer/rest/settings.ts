import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { listField, objectField } from '../../../model/json-fields.ts'
import { suggest } from '../../../model/suggest.ts'
import { readAddress } from '../address.ts'
import type { Call } from './call.ts'
import { CallError } from './call-error.ts'

/**
 * The settings calls by the last part of their path (spec/apinizer.md 10): what the body becomes in the proxy. `client-route` and `addresses` replace, the
 * others merge: a field that is absent keeps its value.
 */
const SETTINGS: Readonly<Record<string, (proxy: JsonObject, fields: JsonObject) => JsonObject>> = {
  'client-route': (proxy, fields) => ({ ...proxy, clientRoute: fields }),
  addresses: (proxy, fields) => {
    const { routingAddressList, ...rest } = fields
    if (routingAddressList === undefined) throw new CallError(400, 'routingAddressList is required')
    return withRouting(proxy, { ...rest, routingAddressList })
  },
  'routing-status': (proxy, fields) => withRouting(proxy, fields),
  connection: (proxy, fields) => {
    const isRouting = (name: string): boolean => ROUTING_FIELDS.has(name) || name.startsWith('retry')
    const own = Object.fromEntries(Object.entries(fields).filter(([name]) => !isRouting(name)))
    const routing = Object.fromEntries(Object.entries(fields).filter(([name]) => isRouting(name)))
    const routed = Object.keys(routing).length === 0 ? proxy : withRouting(proxy, routing)
    return merged(routed, 'connection', own)
  },
  'circuit-breaker': (proxy, fields) => merged(proxy, 'circuitBreaker', fields),
  'error-handling': (proxy, fields) => merged(proxy, 'errorHandling', fields),
  mtls: (proxy, fields) => merged(proxy, 'mtls', fields),
  'proxy-server': (proxy, fields) => merged(proxy, 'proxyServer', fields),
  grpc: (proxy, fields) => {
    if (!isOf(proxy, (scheme) => scheme.startsWith('grpc')))
      throw new CallError(400, 'grpc settings are for proxies whose addresses speak gRPC')
    return merged(proxy, 'grpc', fields)
  },
  websocket: (proxy, fields) => {
    if (isOf(proxy, (scheme) => scheme.startsWith('grpc')))
      throw new CallError(400, 'websocket settings are not for proxies whose addresses speak gRPC')
    return merged(proxy, 'websocket', fields)
  },
}

/** What the vendor's call for connections takes along of the routing. */
const ROUTING_FIELDS: ReadonlySet<string> = new Set(['failoverRetryCount', 'ignoreRoutingError'])

export const SETTING_NAMES = Object.keys(SETTINGS)

/** Writes one group of settings, and deploys where the body asks for it. */
export async function patchSettings(
  call: Call,
  [project, name, group]: readonly [string, string, string],
): Promise<JsonObject> {
  const change = Object.hasOwn(SETTINGS, group) ? SETTINGS[group] : undefined
  if (change === undefined) {
    const near = suggest(group, SETTING_NAMES)
    throw new CallError(
      404,
      `there are no settings ${group}${near === null ? `; there are ${SETTING_NAMES.join(', ')}` : `; did you mean ${near}?`}`,
    )
  }
  const { key, value } = await call.proxy(project, name)
  const proxy = change(value, call.fields())
  const put = await call.put('proxies', key.id, proxy)
  const { changes, answer } = await call.deployments(project, name, proxy)
  await call.write([put, ...changes])
  return { success: true, ...answer }
}

/** A field that is null goes back to its default, and a group without fields goes. */
function merged(proxy: JsonObject, group: string, fields: JsonObject): JsonObject {
  const before = objectField(proxy, group) ?? {}
  const after = Object.fromEntries(Object.entries({ ...before, ...fields }).filter(([, one]) => one !== null))
  if (Object.keys(after).length > 0) return { ...proxy, [group]: after }
  const { [group]: _, ...rest } = proxy
  return rest
}

function withRouting(proxy: JsonObject, fields: JsonObject): JsonObject {
  return merged(proxy, 'routingInfo', fields)
}

function isOf(proxy: JsonObject, test: (scheme: string) => boolean): boolean {
  const addresses = listField(objectField(proxy, 'routingInfo') ?? {}, 'routingAddressList')
  return addresses.some((address: JsonValue) => {
    const text = isJsonObject(address) && typeof address.address === 'string' ? address.address : ''
    const read = readAddress(text)
    return !('error' in read) && test(read.scheme)
  })
}
