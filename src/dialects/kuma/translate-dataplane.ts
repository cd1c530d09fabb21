import type { StoredDocument, Warning } from '../../model/document.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Lookup, Search, Translation } from '../dialect.ts'
import { listInstances, type ServiceInstance } from './endpoints.ts'
import { destinationKeyword } from './keywords.ts'
import { translateOutboundOnce } from './outbound-memo.ts'
import { readDataplane } from './read-dataplane.ts'
import { readMesh } from './read-mesh.ts'
import { readTrafficRoute } from './read-traffic-route.ts'
import {
  type Dataplane,
  type Inbound,
  type Outbound,
  SERVICE,
  type Tags,
  type TrafficRoute,
  ZONE,
} from './resources.ts'
import { byName, selectRoute } from './selection.ts'
import { translateInbound } from './translate-inbound.ts'

/** Everything that one proxy serves, of its own document and of those of its mesh. */
export function translateDataplane(document: StoredDocument, lookup: Lookup, search: Search): Translation {
  const dataplane = readDataplane(document.value)
  const { id } = document.key
  const { mesh } = dataplane
  const meshDocument = lookup('meshes', mesh)
  if (meshDocument === undefined)
    return {
      objects: [],
      warnings: [{ path: 'mesh', message: `there is no mesh ${mesh}: the proxy serves nothing` }],
    }
  const tagSets = tagSetsOf(dataplane)
  const isLocal = readMesh(meshDocument.value).localityAware
  const zone = isLocal ? zoneOf(tagSets) : null
  const known = new Map<string, readonly ServiceInstance[]>()
  const instances = (service: string): readonly ServiceInstance[] => {
    let list = known.get(service)
    if (list === undefined) {
      list = listInstances(search, mesh, service)
      known.set(service, list)
    }
    return list
  }
  const objects: ModelObject[] = []
  /** Of those that several outbounds lead to the first stands: they are the same. */
  const upstreams = new Map<string, ModelObject>()
  const leftOut = new Set<string>()
  const warnings: Omit<Warning, 'key'>[] = []
  const places = new Map<string, string>()
  /** Whether nothing else of the proxy listens there. */
  const isFree = ({ address, port, path }: Inbound | Outbound): boolean => {
    const place = `${address}:${port}`
    const other = places.get(place)
    if (other === undefined) places.set(place, path)
    else warnings.push({ path, message: `${other} has the same address and port: this one is not served` })
    return other === undefined
  }
  for (const inbound of dataplane.inbounds)
    if (isFree(inbound)) objects.push(...translateInboundOnce(id, inbound))
  for (const outbound of dataplane.outbounds) {
    if (!isFree(outbound)) continue
    const routes = listRoutes(search, mesh, outbound.tags[SERVICE] ?? '')
    const route = selectRoute(routes, tagSets, outbound.tags[SERVICE] ?? '')
    const made = translateOutboundOnce({ dataplane: id, outbound, route, zone, instances })
    objects.push(...made.objects)
    for (const upstream of made.upstreams)
      if (!upstreams.has(upstream.id)) upstreams.set(upstream.id, upstream)
    for (const message of made.leftOut) leftOut.add(message)
    if (made.warning !== null) warnings.push({ path: outbound.path, message: made.warning })
  }
  objects.push(...upstreams.values())
  warnings.push(...[...leftOut].map((message) => ({ path: '', message })))
  return { objects, warnings }
}

const INBOUNDS = new WeakMap<Inbound, { readonly id: string; readonly objects: readonly ModelObject[] }>()

/** An inbound depends on nothing but itself: what was made of it stays. */
function translateInboundOnce(id: string, inbound: Inbound): readonly ModelObject[] {
  const known = INBOUNDS.get(inbound)
  if (known?.id === id) return known.objects
  const objects = translateInbound(id, inbound)
  INBOUNDS.set(inbound, { id, objects })
  return objects
}

/** Tags by which sources select the proxy, one set for each inbound, or those of a gateway. */
export function tagSetsOf({ inbounds, gateway }: Dataplane): readonly Tags[] {
  return gateway === null ? inbounds.map(({ tags }) => tags) : [gateway.tags]
}

function zoneOf(tagSets: readonly Tags[]): string | null {
  return tagSets.find((tags) => tags[ZONE] !== undefined)?.[ZONE] ?? null
}

/** Those of the mesh that may apply to a service, in the order of their names. */
export function listRoutes(search: Search, mesh: string, service: string): readonly TrafficRoute[] {
  const named = search('traffic-routes', destinationKeyword(mesh, service))
  const open = search('traffic-routes', destinationKeyword(mesh, '*'))
  const documents = new Map([...named, ...open].map((document) => [document.key.id, document]))
  return [...documents.values()].map(({ value }) => readTrafficRoute(value)).sort(byName)
}
