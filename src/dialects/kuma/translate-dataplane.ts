import type { StoredDocument, Warning } from '../../model/document.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Lookup, Search, Translation } from '../dialect.ts'
import { listInstances, type ServiceInstance } from './endpoints.ts'
import { destinationKeyword } from './keywords.ts'
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
import { selectRoute } from './selection.ts'
import { translateInbound } from './translate-inbound.ts'
import { translateOutbound } from './translate-outbound.ts'
import { UpstreamSet } from './upstreams.ts'

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
  const upstreams = new UpstreamSet(id, isLocal ? zoneOf(tagSets) : null)
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
    if (isFree(inbound)) objects.push(...translateInbound(id, inbound))
  for (const outbound of dataplane.outbounds) {
    if (!isFree(outbound)) continue
    const routes = listRoutes(search, mesh, outbound.tags[SERVICE] ?? '')
    const route = selectRoute(routes, tagSets, outbound.tags[SERVICE] ?? '')
    const made = translateOutbound({ dataplane: id, outbound, route, upstreams, instances })
    objects.push(...made.objects)
    if (made.warning !== null) warnings.push({ path: outbound.path, message: made.warning })
  }
  objects.push(...upstreams.list())
  warnings.push(...upstreams.warnings().map((message) => ({ path: '', message })))
  return { objects, warnings }
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
  return [...documents.values()]
    .map(({ value }) => readTrafficRoute(value))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
