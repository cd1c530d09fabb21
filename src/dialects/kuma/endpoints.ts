import type { Endpoint } from '../../model/endpoint.ts'
import type { Search } from '../dialect.ts'
import { serviceKeyword } from './keywords.ts'
import { readDataplane } from './read-dataplane.ts'
import { readExternalService } from './read-external-service.ts'
import { remember } from './reading.ts'
import { type ExternalService, PROTOCOL, SERVICE, type Tags, ZONE } from './resources.ts'

/** What stands behind a service: healthy inbounds of proxies, and services outside of the mesh. spec/kuma.md 5. */
export interface ServiceInstance {
  /** `backend-1` or the name of the external service. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly tags: Tags
  /** null: an inbound of a proxy. */
  readonly external: ExternalService | null
}

/** All instances of a service, whatever their other tags, in the order of their names; inbounds that are not ready or ignored are none. */
export function listInstances(search: Search, mesh: string, service: string): readonly ServiceInstance[] {
  const instances: ServiceInstance[] = []
  const keyword = serviceKeyword(mesh, service)
  for (const document of search('dataplanes', keyword)) {
    for (const instance of inboundsOf(document.value))
      if (instance.tags[SERVICE] === service) instances.push(instance)
  }
  for (const document of search('external-services', keyword)) instances.push(externalOf(document.value))
  return instances
}

// the same objects as long as a document stands: by them it is told whether anything changed (outbound-memo.ts)

const inboundsOf = remember((value): readonly ServiceInstance[] => {
  const { name, advertisedAddress, inbounds } = readDataplane(value)
  return inbounds
    .filter(({ isReady, isIgnored }) => isReady && !isIgnored)
    .map(({ address, port, tags }) => ({
      name,
      host: advertisedAddress ?? address,
      port,
      tags,
      external: null,
    }))
})

const externalOf = remember((value): ServiceInstance => {
  const external = readExternalService(value)
  const { name, host, port, tags } = external
  return { name, host, port, tags, external }
})

/** The endpoints of a leg. `zone`: where the proxy is, null where zones play no part: what is in another zone then comes a level later. */
export function endpointsOf(instances: readonly ServiceInstance[], zone: string | null): readonly Endpoint[] {
  const endpoints: Endpoint[] = []
  for (const { host, port, tags } of instances) {
    const own = tags[ZONE] ?? null
    endpoints.push({
      host,
      port,
      weight: 1,
      // a lower number comes later
      priority: zone === null || own === null || own === zone ? 1 : 0,
      address: null,
      zone: own,
      failoverOnly: false,
      state: 'ready',
    })
  }
  return endpoints
}

/** What an instance says it speaks, for people: `backend-1 says kuma.io/protocol: tcp`. */
export function protocolWords({ name, tags }: ServiceInstance): string {
  const said = tags[PROTOCOL]
  return said === undefined ? `${name} has no ${PROTOCOL}` : `${name} says ${PROTOCOL}: ${said}`
}
