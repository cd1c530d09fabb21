import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { objectField } from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { SERVER_FIELDS, toUniversal } from './envelope.ts'
import { DEFAULT_MESH, isKind, type Kind, partsOfId, TYPES } from './kinds.ts'

/** What is stored, what its author sees of it, and by what two versions are the same. */

/**
 * The value that is stored. creationTime stays over writes, since it decides between routes of one rank; what an author writes as a time is not read.
 */
export function prepareValue(
  kind: string,
  id: string,
  value: JsonObject,
  previous: StoredDocument | undefined,
  nowMs: number,
): JsonObject {
  if (!isKind(kind)) return value
  const now = new Date(nowMs).toISOString()
  const stored = {
    ...ownValue(kind, id, value),
    creationTime: previous?.value.creationTime ?? now,
    modificationTime: now,
  }
  return kind === 'external-services' ? withKey(stored, previous?.value) : stored
}

/**
 * What an author wrote, in the Universal form and without times; where it lacked what says which resource it is that
 * stands in front, behind its type.
 */
export function ownValue(kind: Kind, id: string, value: JsonObject): JsonObject {
  const own = withoutTimes(toUniversal(kind, value))
  const { mesh, name } = partsOfId(kind, id)
  const head: JsonObject = kind === 'meshes' ? { type: TYPES[kind], name } : { type: TYPES[kind], mesh, name }
  const missing = Object.keys(head).filter((key) => isMissing(own, key))
  if (missing.length === 0) return own
  const written = Object.entries(own).filter(([key]) => !missing.includes(key))
  const first = written[0]?.[0] === 'type' ? 1 : 0
  const added = missing.map((key): [string, JsonValue] => [key, head[key] as JsonValue])
  return Object.fromEntries(written.toSpliced(first, 0, ...added))
}

/** Null is as good as absent, and so is an empty text. */
function isMissing(value: JsonObject, key: string): boolean {
  const field = value[key]
  return field === undefined || field === null || field === ''
}

function withoutTimes(value: JsonObject): JsonObject {
  if (!Object.keys(value).some((key) => SERVER_FIELDS.has(key))) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !SERVER_FIELDS.has(key)))
}

/** What the author wrote. */
export function editableValue(_kind: string, value: JsonObject): JsonObject {
  return withoutTimes(value)
}

const KEY_NAMES = ['clientKey', 'client_key'] as const

/** An ExternalService without the private key that its TLS has. */
export function concealClientKey(value: JsonObject): JsonObject {
  const networking = objectField(value, 'networking')
  const tls = networking === null ? null : objectField(networking, 'tls')
  if (networking === null || tls === null || !KEY_NAMES.some((name) => Object.hasOwn(tls, name))) return value
  const { clientKey: _, client_key: __, ...shown } = tls
  return { ...value, networking: { ...networking, tls: shown } }
}

/** The key that was stored, where the service was shown without it. One without a certificate has lost its key with it. */
function withKey(value: JsonObject, previous: JsonObject | undefined): JsonObject {
  const networking = objectField(value, 'networking')
  const tls = networking === null ? null : objectField(networking, 'tls')
  const before = previous === undefined ? null : objectField(objectField(previous, 'networking') ?? {}, 'tls')
  if (networking === null || tls === null || before === null) return value
  if (KEY_NAMES.some((name) => Object.hasOwn(tls, name))) return value
  if (!Object.hasOwn(tls, 'clientCert') && !Object.hasOwn(tls, 'client_cert')) return value
  const name = KEY_NAMES.find((one) => Object.hasOwn(before, one))
  if (name === undefined) return value
  return { ...value, networking: { ...networking, tls: { ...tls, [name]: before[name] as JsonValue } } }
}

/** As decode.ts reads it, with its mesh; the balancer that holds where none is written is left out. */
export function normaliseValue(kind: string, value: JsonObject): JsonObject {
  if (!isKind(kind)) return value
  const own: Record<string, JsonValue> = { ...withoutTimes(decode(kind, value).value) }
  if (kind !== 'meshes' && isMissing(own, 'mesh')) own.mesh = DEFAULT_MESH
  const conf = kind === 'traffic-routes' ? objectField(own, 'conf') : null
  if (conf !== null && isRoundRobin(conf.loadBalancer)) {
    const { loadBalancer: _, ...rest } = conf
    own.conf = rest
  }
  return own
}

function isRoundRobin(balancer: JsonValue | undefined): boolean {
  if (typeof balancer !== 'object' || balancer === null || Array.isArray(balancer)) return false
  const keys = Object.keys(balancer)
  return keys.length === 0 || (keys.length === 1 && keys[0] === 'roundRobin')
}
