import type { JsonObject } from '../../model/json.ts'
import { readDataplane } from './read-dataplane.ts'
import { readExternalService } from './read-external-service.ts'
import { readTrafficRoute } from './read-traffic-route.ts'
import { SERVICE } from './resources.ts'

/** Words under which documents are found (Dialect.keywords): what a service is made of, and what may apply to it. */

/** Of what belongs to a service. */
export function serviceKeyword(mesh: string, service: string): string {
  return `service:${mesh}/${service}`
}

/** Of routes that name a service among their destinations, or `*`. */
export function destinationKeyword(mesh: string, service: string): string {
  return `to:${mesh}/${service}`
}

/** Of everything in a mesh. */
export function meshKeyword(mesh: string): string {
  return `mesh:${mesh}`
}

export const KEYWORDS: Readonly<Record<string, (value: JsonObject) => readonly string[]>> = {
  dataplanes: (value) => {
    const { mesh, inbounds } = readDataplane(value)
    return unique([
      meshKeyword(mesh),
      ...inbounds.map(({ tags }) => serviceKeyword(mesh, tags[SERVICE] ?? '')),
    ])
  },
  'external-services': (value) => {
    const { mesh, tags } = readExternalService(value)
    return [meshKeyword(mesh), serviceKeyword(mesh, tags[SERVICE] ?? '')]
  },
  'traffic-routes': (value) => {
    const { mesh, destinations } = readTrafficRoute(value)
    return unique([
      meshKeyword(mesh),
      ...destinations.map((selector) => destinationKeyword(mesh, selector[SERVICE] ?? '')),
    ])
  },
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)]
}
