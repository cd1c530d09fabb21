import type { JsonObject } from '../../model/json.ts'
import type { FileDocument } from '../dialect.ts'
import { DEFAULT_MESH, documentId, type Kind, TYPES } from './kinds.ts'
import { readMesh } from './read-mesh.ts'
import { SERVICE } from './resources.ts'

/**
 * What is made beside a new document, unless it is there: the route that lets all traffic of a mesh through, with each mesh; and the default mesh, with the first
 * resource in it. spec/kuma.md 4. Who deletes the route later is left without it.
 */
export function listCompanions(kind: Kind, value: JsonObject): readonly FileDocument[] {
  if (kind !== 'meshes') {
    const mesh = value.mesh ?? DEFAULT_MESH
    return mesh === DEFAULT_MESH ? [{ kind: 'meshes', id: DEFAULT_MESH, value: defaultMesh() }] : []
  }
  const { name, skipCreatingInitialPolicies: skipped } = readMesh(value)
  if (skipped.includes('*') || skipped.includes(TYPES['traffic-routes'])) return []
  const route = initialRoute(name)
  return [{ kind: 'traffic-routes', id: documentId('traffic-routes', name, route.name), value: route }]
}

export function defaultMesh(): JsonObject {
  return { type: TYPES.meshes, name: DEFAULT_MESH }
}

/** Its time is the earliest there is, so that every route of equal rank is newer. */
function initialRoute(mesh: string): JsonObject & { readonly name: string } {
  return {
    type: TYPES['traffic-routes'],
    mesh,
    name: `route-all-${mesh}`,
    creationTime: new Date(0).toISOString(),
    sources: [{ match: { [SERVICE]: '*' } }],
    destinations: [{ match: { [SERVICE]: '*' } }],
    conf: { loadBalancer: { roundRobin: {} }, destination: { [SERVICE]: '*' } },
  }
}
