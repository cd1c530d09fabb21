import type { JsonObject } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import type { DialectSettings } from '../../dialect.ts'
import type { Kind } from '../kinds.ts'
import type { Call } from './call.ts'
import { CallError } from './call-error.ts'

/** Services without an InstanceId are of a shared instance where the settings say so; those may not use upstreams (spec/tencent.md 1). */

export function isShared(service: JsonObject, settings: DialectSettings): boolean {
  return settings.tencent.shared_instances === 'enforce' && textField(service, 'InstanceId') === null
}

/** Refuses a document that serves a shared service and names an upstream. */
export function refuseUpstreams(call: Call, service: JsonObject, kind: Kind, value: JsonObject): void {
  const { language, settings } = call.options
  if (!isShared(service, settings)) return
  const named = language.references(kind, value).find((reference) => reference.kind === 'upstreams')
  if (named === undefined) return
  throw new CallError(
    'UnsupportedOperation',
    `${named.path}: upstreams are for services of a dedicated instance, and ${String(service.ServiceId)} has no InstanceId (tencent.shared_instances)`,
  )
}
