import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import { TYPES } from '../kinds.ts'
import { readDataplane } from '../read-dataplane.ts'
import { readExternalService } from '../read-external-service.ts'
import { SERVICE } from '../resources.ts'
import type { Call } from './call.ts'
import { notFound, TITLES } from './call-error.ts'
import { type FindProxy, isOnline, proxiesOf, statusOf } from './overview.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { need } from './resources.ts'
import { headOf } from './shown.ts'

/** How many proxies of a mesh, and of a service, are online: what `kumactl inspect meshes` and `inspect services` show. */

export async function listMeshInsights(call: Call): Promise<JsonObject> {
  const wanted = call.query.get('name') ?? ''
  const meshes = (await call.list('meshes', null)).filter(({ key }) => key.id.includes(wanted))
  const page = pageOf(meshes, call, TITLES.list)
  const items = await Promise.all(page.items.map((document) => meshInsight(call, document)))
  return pageAnswer({ ...page, items })
}

export async function showMeshInsight(call: Call, mesh: string): Promise<JsonObject> {
  return meshInsight(call, await need(call, { kind: 'meshes', mesh, name: mesh }, TITLES.find))
}

async function meshInsight(call: Call, document: StoredDocument): Promise<JsonObject> {
  const mesh = document.key.id
  const find = proxiesOf(call)
  const all = new Counts()
  const standard = new Counts()
  const gateway = new Counts()
  for (const one of await call.list('dataplanes', mesh)) {
    const status = statusOf(one, find(one.key.id))
    all.add(status)
    const { gateway: edge } = readDataplane(one.value)
    ;(edge === null ? standard : gateway).add(status)
  }
  const services = [...(await servicesOf(call, mesh, find)).values()]
  const external = services.filter(({ type }) => type === 'external').length
  return {
    ...headOf('meshes', document),
    type: 'MeshInsight',
    dataplanes: all.shown(),
    dataplanesByType: { standard: standard.shown(), gateway: gateway.shown() },
    policies: { [TYPES['traffic-routes']]: { total: (await call.list('traffic-routes', mesh)).length } },
    services: { total: services.length, internal: services.length - external, external },
  }
}

class Counts {
  #online = 0
  #degraded = 0
  #offline = 0

  add(status: ReturnType<typeof statusOf>): void {
    if (status === 'Online') this.#online++
    else if (status === 'Offline') this.#offline++
    else this.#degraded++
  }

  shown(): JsonObject {
    return {
      total: this.#online + this.#degraded + this.#offline,
      online: this.#online,
      partiallyDegraded: this.#degraded,
      offline: this.#offline,
    }
  }
}

/** `mesh` null: of all meshes. */
export async function listServiceInsights(call: Call, mesh: string | null): Promise<JsonObject> {
  const find = proxiesOf(call)
  const wanted = call.query.get('name') ?? ''
  const meshes = mesh === null ? (await call.list('meshes', null)).map(({ key }) => key.id) : [mesh]
  const found: JsonObject[] = []
  for (const one of meshes)
    for (const [name, service] of await servicesOf(call, one, find))
      if (name.includes(wanted)) found.push(serviceInsight(one, name, service))
  return pageAnswer(pageOf(found, call, TITLES.list))
}

export async function showServiceInsight(call: Call, mesh: string, name: string): Promise<JsonObject> {
  const service = (await servicesOf(call, mesh, proxiesOf(call))).get(name)
  if (service === undefined) throw notFound(TITLES.find)
  return serviceInsight(mesh, name, service)
}

interface Service {
  readonly type: 'internal' | 'external' | 'gateway_delegated' | 'gateway_builtin'
  online: number
  offline: number
  /** Of the oldest and the newest of its documents, as they stand in these. */
  created: string
  modified: string
}

/** In the order of their names. */
async function servicesOf(call: Call, mesh: string, find: FindProxy): Promise<ReadonlyMap<string, Service>> {
  const services = new Map<string, Service>()
  const add = (name: string, type: Service['type'], { value }: StoredDocument): Service => {
    const created = String(value.creationTime ?? '')
    const modified = String(value.modificationTime ?? '')
    const service = services.get(name) ?? { type, online: 0, offline: 0, created, modified }
    // times in ISO form are ordered as texts
    if (created < service.created) service.created = created
    if (modified > service.modified) service.modified = modified
    services.set(name, service)
    return service
  }
  for (const document of await call.list('dataplanes', mesh)) {
    const { inbounds, gateway } = readDataplane(document.value)
    const isHere = isOnline(find(document.key.id))
    if (gateway !== null) {
      const type = gateway.type === 'BUILTIN' ? 'gateway_builtin' : 'gateway_delegated'
      count(add(gateway.tags[SERVICE] ?? '', type, document), isHere)
    }
    for (const { tags, isReady, isIgnored } of inbounds)
      if (!isIgnored) count(add(tags[SERVICE] ?? '', 'internal', document), isHere && isReady)
  }
  for (const document of await call.list('external-services', mesh))
    add(readExternalService(document.value).tags[SERVICE] ?? '', 'external', document)
  return new Map([...services].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function count(service: Service, isUp: boolean): void {
  if (isUp) service.online++
  else service.offline++
}

function serviceInsight(mesh: string, name: string, service: Service): JsonObject {
  const { type, online, offline, created, modified } = service
  return {
    type: 'ServiceInsight',
    mesh,
    name,
    creationTime: created === '' ? null : created,
    modificationTime: modified === '' ? null : modified,
    serviceType: type,
    status: serviceStatus(service),
    dataplanes: { total: online + offline, online, offline },
  }
}

/** Nobody knows how services outside are. */
function serviceStatus({ type, online, offline }: Service): string {
  if (type === 'external') return 'not_available'
  if (offline === 0) return 'online'
  return online === 0 ? 'offline' : 'partially_degraded'
}
