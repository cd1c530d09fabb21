import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { objectField } from '../../../model/json-fields.ts'
import { decode } from '../decode.ts'
import { toKubernetes } from '../envelope.ts'
import { type Kind, partsOfId, TYPES } from '../kinds.ts'
import { concealClientKey } from '../own-form.ts'
import type { Call } from './call.ts'
import { badParameter } from './call-error.ts'

/** Resources as answers show them. */

/** Names of 64-bit integers of a ring; the JSON rules of protobuf write these as texts. */
const RING_SIZES = ['minRingSize', 'maxRingSize'] as const

/** What stands in front of every resource: no mesh in a mesh. */
export function headOf(kind: Kind, { key, value }: StoredDocument): Record<string, JsonValue> {
  const { mesh, name } = partsOfId(kind, key.id)
  return {
    type: TYPES[kind],
    ...(kind === 'meshes' ? {} : { mesh }),
    name,
    creationTime: value.creationTime ?? null,
    modificationTime: value.modificationTime ?? null,
  }
}

/** A resource in the Universal form, whichever spelling its author has used; a private key is never shown. */
export function showResource(kind: Kind, document: StoredDocument): JsonObject {
  return { ...headOf(kind, document), ...specOf(kind, document) }
}

/** The fields of a resource beside its head. */
export function specOf(kind: Kind, { value }: StoredDocument): JsonObject {
  const open = kind === 'external-services' ? concealClientKey(value) : value
  const {
    type: _,
    mesh: __,
    name: ___,
    creationTime: ____,
    modificationTime: _____,
    ...spec
  } = decode(kind, open).value
  return kind === 'traffic-routes' ? withTextSizes(spec) : spec
}

function withTextSizes(spec: JsonObject): JsonObject {
  const conf = objectField(spec, 'conf')
  const balancer = conf === null ? null : objectField(conf, 'loadBalancer')
  const ring = balancer === null ? null : objectField(balancer, 'ringHash')
  if (ring === null) return spec
  const ringHash = Object.fromEntries(
    Object.entries(ring).map(([name, value]) =>
      RING_SIZES.some((size) => size === name) ? [name, String(value)] : [name, value],
    ),
  )
  return { ...spec, conf: { ...conf, loadBalancer: { ...balancer, ringHash } } }
}

export type Format = 'universal' | 'kubernetes'

/** `?format=`. Throws 400. */
export function readFormat(call: Call, title: string): Format {
  const format = call.query.get('format') ?? ''
  if (format === '' || format === 'universal') return 'universal'
  if (format === 'k8s' || format === 'kubernetes') return 'kubernetes'
  throw badParameter(title, 'Invalid format', 'format', `must be universal, k8s or kubernetes, not ${format}`)
}

export function showIn(format: Format, kind: Kind, document: StoredDocument): JsonObject {
  const shown = showResource(kind, document)
  return format === 'universal' ? shown : toKubernetes(kind, shown)
}
