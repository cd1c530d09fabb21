import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import { DEFAULT_MESH, isKind, KINDS, type Kind, TYPES } from './kinds.ts'

/**
 * The two forms of a resource (spec/kuma.md 1): Universal has the keys of the spec beside `type`, `mesh` and `name`; Kubernetes has them under `spec`, and `mesh`
 * beside `metadata`. Both are read, and Universal is what is stored.
 */

const API_GROUP = 'kuma.io/'
const API_VERSION = `${API_GROUP}v1alpha1`

/** What the server owns in the Universal form. */
export const SERVER_FIELDS: ReadonlySet<string> = new Set(['creationTime', 'modificationTime'])

/** Whether an object is in the Kubernetes form of this system, whatever its kind. */
export function isKubernetes(value: JsonObject): boolean {
  return textField(value, 'apiVersion')?.startsWith(API_GROUP) === true && textField(value, 'kind') !== null
}

/** `TrafficRoute` as `traffic-routes`; null: it is no resource that is stored. */
export function kindOfType(type: string): Kind | null {
  return KINDS.find((kind) => TYPES[kind] === type) ?? null
}

/** By its `type`, or `kind` in the Kubernetes form; null: neither says so. */
export function kindOf(value: JsonObject): Kind | null {
  const type = textField(value, isKubernetes(value) ? 'kind' : 'type')
  return type === null ? null : kindOfType(type)
}

/** Never throws; what is in the Universal form stays as it is. */
export function toUniversal(kind: Kind, value: JsonObject): JsonObject {
  if (!isKubernetes(value)) return value
  const { type: _, mesh: __, name: ___, ...spec } = objectField(value, 'spec') ?? {}
  const name = objectField(value, 'metadata')?.name
  return {
    type: textField(value, 'kind') ?? '',
    ...(kind === 'meshes' ? {} : { mesh: value.mesh ?? DEFAULT_MESH }),
    ...(name === undefined ? {} : { name }),
    ...spec,
  }
}

/** As `kubectl apply` takes it: times are left out, which a cluster sets itself. */
export function toKubernetes(kind: Kind, value: JsonObject): JsonObject {
  const spec: Record<string, JsonValue> = {}
  for (const [key, inner] of Object.entries(value))
    if (key !== 'type' && key !== 'mesh' && key !== 'name' && !SERVER_FIELDS.has(key)) spec[key] = inner
  return {
    apiVersion: API_VERSION,
    kind: TYPES[kind],
    ...(kind === 'meshes' ? {} : { mesh: value.mesh ?? DEFAULT_MESH }),
    metadata: { name: value.name ?? '' },
    spec,
  }
}

/** Which kinds an object may be that stands alone: by what it says, else by the fields that only that kind has. */
export function recognizeKinds(value: JsonObject): readonly Kind[] {
  const kind = kindOf(value)
  if (kind !== null) return [kind]
  if (Object.hasOwn(value, 'type') || Object.hasOwn(value, 'apiVersion')) return []
  const has = (...keys: string[]): boolean => keys.every((key) => Object.hasOwn(value, key))
  if (has('sources', 'destinations', 'conf')) return ['traffic-routes']
  const networking = isJsonObject(value.networking) ? value.networking : null
  if (networking === null) return []
  if (['inbound', 'outbound', 'gateway'].some((key) => Object.hasOwn(networking, key))) return ['dataplanes']
  return has('tags') ? ['external-services'] : []
}

/** The id of a resource in either form; null: it has no name. */
export function idOf(kind: string, value: JsonObject): string | null {
  if (!isKind(kind)) return null
  const own = toUniversal(kind, value)
  const name = textField(own, 'name')
  if (name === null || name === '') return null
  if (kind === 'meshes') return name
  return `${textField(own, 'mesh') ?? DEFAULT_MESH}:${name}`
}
