import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { decode, type FieldWarning } from './decode.ts'
import { Faults } from './faults.ts'
import { isKind, type Kind, TYPES } from './kinds.ts'
import { checkDataplane } from './validate-dataplane.ts'
import { checkExternalService } from './validate-external-service.ts'
import { checkTrafficRoute } from './validate-traffic-route.ts'

/**
 * All violations of one resource, in the steps of Kuma's API (spec/kuma.md 3 and 9), each of which hides those behind it: what cannot be decoded; the spec; name, mesh
 * and type.
 */
export function validate(kind: string, value: JsonValue, settings: DialectSettings): readonly Fault[] {
  if (!isKind(kind)) return [{ path: '', message: `there is no kind ${kind}`, hint: null }]
  if (!isJsonObject(value)) return [{ path: '', message: 'a resource must be an object', hint: null }]
  const undecoded = decodingFaults(kind, value)
  if (undecoded.length > 0) return undecoded
  const found = contentFaults(kind, value, settings)
  return found.length > 0 ? found : nameFaults(kind, value)
}

/** Values of a type that their field cannot hold. Kuma's API answers them as a bad request, and not as violations. */
export function decodingFaults(kind: Kind, value: JsonObject): readonly Fault[] {
  return decode(kind, value).faults
}

/** Violations of the spec, and in strict mode what means nothing in it; for what can be decoded. */
export function contentFaults(kind: Kind, value: JsonObject, settings: DialectSettings): readonly Fault[] {
  const found = specFaults(kind, value, settings)
  return settings.kuma.strict ? [...found, ...strayFaults(kind, value)] : found
}

/** Violations of the spec; for what can be decoded. */
export function specFaults(kind: Kind, value: JsonObject, settings: DialectSettings): readonly Fault[] {
  const { value: own, refused } = decode(kind, value)
  const faults = new Faults()
  faults.list.push(...refused)
  switch (kind) {
    case 'traffic-routes':
      checkTrafficRoute(own, settings, faults)
      break
    case 'dataplanes':
      checkDataplane(own, faults)
      break
    case 'external-services':
      checkExternalService(own, faults)
      break
    case 'meshes': // nothing beside what is refused
  }
  return faults.list
}

const MAX_NAME_LENGTH = 253
const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const OLD_NAME = /^(?!\.+$)[a-z0-9._-]+$/

/** `isUpdate`: of a resource that is there already, whose name may be of the form that was allowed once. */
export function nameFaults(kind: Kind, value: JsonObject, isUpdate = false): readonly Fault[] {
  const own = decode(kind, value).value
  const faults = new Faults()
  const type = textField(own, 'type') ?? ''
  if (type !== '' && type !== TYPES[kind]) faults.add('type', `must be ${TYPES[kind]}, it is ${type}`)
  checkName(textField(own, 'name') ?? '', 'name', isUpdate || kind === 'meshes', faults)
  const mesh = kind === 'meshes' ? null : textField(own, 'mesh')
  if (mesh !== null) checkName(mesh, 'mesh', true, faults)
  return faults.list
}

function checkName(name: string, path: string, allowsUnderscore: boolean, faults: Faults): void {
  if (name === '') return faults.add(path, 'must not be empty')
  if (name.length > MAX_NAME_LENGTH)
    faults.add(path, `has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`)
  else if (!(allowsUnderscore ? OLD_NAME : NAME).test(name))
    faults.add(
      path,
      allowsUnderscore
        ? `${name} must have lower-case letters, digits and - . _ only`
        : `${name} must have lower-case letters, digits, - and . only, with a letter or digit at the ends of each part`,
    )
}

/** Fields of a resource that nobody knows: they have no effect. In strict mode they are refused. */
export function unknownFields(kind: string, value: JsonObject): readonly FieldWarning[] {
  return isKind(kind) ? decode(kind, value).unknown : []
}

/** With the setting kuma.strict: fields that mean nothing are refused. */
function strayFaults(kind: Kind, value: JsonObject): readonly Fault[] {
  return unknownFields(kind, value).map(({ path, message }) => ({
    path,
    message,
    hint: 'kuma.strict (--strict) refuses what has no effect',
  }))
}

/** What the author of a resource should know, unknown fields among it: other spellings, and what is not served. */
export function fieldWarnings(kind: string, value: JsonObject): readonly FieldWarning[] {
  if (!isKind(kind)) return []
  const { value: own, unknown, warnings } = decode(kind, value)
  return [...unknown, ...warnings, ...(kind === 'dataplanes' ? gatewayWarnings(own) : [])]
}

function gatewayWarnings(own: JsonObject): readonly FieldWarning[] {
  const networking = isJsonObject(own.networking) ? own.networking : {}
  const gateway = isJsonObject(networking.gateway) ? networking.gateway : {}
  if (gateway.type !== 'BUILTIN') return []
  const message = 'built-in gateways are not served: this proxy listens nowhere'
  return [{ path: 'networking.gateway.type', message }]
}
