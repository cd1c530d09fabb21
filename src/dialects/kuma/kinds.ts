import type { Origin } from '../../model/origin.ts'

/** Names and ids of what this dialect stores. */

export const KUMA = 'kuma'

/** In load order: what others name comes first. They are called as in the paths of the system's own API. */
export const KINDS = ['meshes', 'external-services', 'dataplanes', 'traffic-routes'] as const

export type Kind = (typeof KINDS)[number]

export function isKind(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind)
}

/** The `type` of a resource, which is also the `kind` of its Kubernetes form. */
export const TYPES: Readonly<Record<Kind, string>> = {
  meshes: 'Mesh',
  'external-services': 'ExternalService',
  dataplanes: 'Dataplane',
  'traffic-routes': 'TrafficRoute',
}

/** Where a resource names no mesh. */
export const DEFAULT_MESH = 'default'

/** Id of a document: a mesh's name, or `mesh:name`, since neither name may hold a colon. */
export function documentId(kind: Kind, mesh: string, name: string): string {
  return kind === 'meshes' ? name : `${mesh}:${name}`
}

export function partsOfId(kind: Kind, id: string): { readonly mesh: string; readonly name: string } {
  if (kind === 'meshes') return { mesh: id, name: id }
  const colon = id.indexOf(':')
  return colon < 0
    ? { mesh: DEFAULT_MESH, name: id }
    : { mesh: id.slice(0, colon), name: id.slice(colon + 1) }
}

/** What origins call one document of a kind. */
const WORDS: Readonly<Record<Kind, string>> = {
  meshes: 'mesh',
  'external-services': 'external-service',
  dataplanes: 'dataplane',
  'traffic-routes': 'traffic-route',
}

export function originOf(kind: Kind, id: string, path = ''): Origin {
  return { dialect: KUMA, kind: WORDS[kind], id, path }
}

/** Id in the model; `part` sets apart what one document becomes. */
export function modelId(kind: Kind, id: string, part: string | null = null): string {
  const base = `${KUMA}/${kind}/${id}`
  return part === null ? base : `${base}#${part}`
}
