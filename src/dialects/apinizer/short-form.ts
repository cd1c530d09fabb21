import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { listField, numberField, objectField, textField } from '../../model/json-fields.ts'
import { Faults, integer, list, object, text } from './shape.ts'

/** The form that the concept page prints: `client_route` with `upstream_target` or `upstream` (spec/apinizer.md 10). */

const TARGET = object('a target', { url: text(), protocol: text(), weight: integer(1, 1_000_000) }, ['url'])

const SHAPE = object(
  'a proxy in short form',
  {
    name: text(),
    client_route: object('client_route', {
      path: text(),
      host: text(),
      method: (value, path, faults) => {
        if (typeof value === 'string') return
        list(text())(value, path, faults)
      },
      protocol: text(),
      port: integer(1, 65_535),
    }),
    upstream_target: TARGET,
    upstream: object('upstream', { algorithm: text(), targets: list(TARGET) }, ['targets']),
  },
  ['client_route'],
)

export function isShortForm(root: JsonObject): boolean {
  return (
    Object.hasOwn(root, 'client_route') &&
    (Object.hasOwn(root, 'upstream_target') || Object.hasOwn(root, 'upstream'))
  )
}

/** The proxy that it stands for; null: it has faults. */
export function readShortForm(root: JsonObject): {
  readonly value: JsonObject | null
  readonly faults: readonly Fault[]
} {
  const faults = new Faults()
  SHAPE(root, '', faults)
  if (faults.list.length > 0) return { value: null, faults: faults.list }
  const route = objectField(root, 'client_route') ?? {}
  const path = textField(route, 'path')
  const host = textField(route, 'host')
  const method = route.method
  const methods = typeof method === 'string' ? [method] : listField(route, 'method')
  const clientRoute: Record<string, JsonValue> = {}
  if (path !== null) clientRoute.relativePathList = [path]
  if (host !== null) clientRoute.hostList = [host]
  if (methods.length > 0) clientRoute.methodList = methods.map((one) => String(one).toUpperCase())
  const protocol = textField(route, 'protocol')
  if (protocol !== null) clientRoute.protocol = protocol.toLowerCase()
  const port = numberField(route, 'port')
  if (port !== null) clientRoute.port = port
  const upstream = objectField(root, 'upstream')
  const targets = upstream === null ? [root.upstream_target as JsonValue] : listField(upstream, 'targets')
  const entries = targets.filter(isJsonObject)
  const isWeighted = entries.some((entry) => numberField(entry, 'weight') !== null)
  const algorithm = upstream === null ? null : textField(upstream, 'algorithm')
  const balancer = algorithm?.toUpperCase().replaceAll(' ', '_') ?? (isWeighted ? 'WEIGHTED' : null)
  return {
    value: {
      apiProxyName: textField(root, 'name') ?? nameOf(path ?? host ?? 'proxy'),
      apiProxyCreationType: 'REVERSE_PROXY',
      clientRoute,
      routingInfo: {
        routingAddressList: entries.map(addressOf),
        ...(balancer === null ? {} : { loadBalanceAlgorithm: balancer }),
      },
    },
    faults: [],
  }
}

function addressOf(target: JsonObject): JsonObject {
  const url = textField(target, 'url') ?? ''
  const protocol = textField(target, 'protocol')?.toLowerCase() ?? null
  const weight = numberField(target, 'weight')
  const isPlain = !url.includes('://')
  return {
    address: isPlain && protocol !== null ? `${protocol}://${url}` : url,
    ...(weight === null ? {} : { weight }),
  }
}

/** A name made of a path: `/api/products` is api-products. */
function nameOf(path: string): string {
  const name = path.replace(/[^A-Za-z0-9_]+/g, '-').replace(/^[-_]+|-+$/g, '')
  return name === '' ? 'proxy' : name.slice(0, 100)
}
