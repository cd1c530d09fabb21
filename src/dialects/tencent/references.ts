import type { JsonObject } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import type { Reference } from '../dialect.ts'
import { readBackend } from './backend.ts'
import { policiesOf } from './policies.ts'

/** The field of an upstream by which one that exists may still not be named. */
export const NETWORK = 'UniqVpcId'

/** Every place in a document that names another one (spec/tencent.md 5.3 "Delete", 2.3). */
export function listReferences(kind: string, value: JsonObject): readonly Reference[] {
  switch (kind) {
    case 'apis':
      return [...toService(value), ...toUpstream(value, '')]
    case 'plugins':
      return policiesOf(value).flatMap(({ index, body }) =>
        toUpstream(body, `PluginData[${index}].backend_config`),
      )
    case 'attachments':
      return [...toService(value), ...named(value, 'ApiId', 'apis'), ...named(value, 'PluginId', 'plugins')]
    case 'releases':
      return toService(value)
    case 'released_apis': {
      const api = objectField(value, 'Api')
      return [
        ...toService(value),
        ...named(value, 'ApiId', 'apis'),
        ...(api === null ? [] : toUpstream(api, 'Api')),
      ]
    }
    default:
      return []
  }
}

function toService(value: JsonObject): readonly Reference[] {
  return named(value, 'ServiceId', 'services')
}

function named(value: JsonObject, path: string, kind: string): readonly Reference[] {
  const id = textField(value, path)
  return id === null || id === '' ? [] : [{ path, kind, id, mustExist: true }]
}

/** The upstream of a backend, which must be in the network that the backend names. */
function toUpstream(body: JsonObject, path: string): readonly Reference[] {
  const backend = readBackend(body)
  if (backend?.kind !== 'upstream') return []
  const { upstreamId, vpcId } = backend
  const place = path === '' ? 'ServiceConfig.UpstreamId' : `${path}.ServiceConfig.UpstreamId`
  const refuse = (upstream: JsonObject): string | null => {
    const own = textField(upstream, NETWORK)
    if (vpcId === null || vpcId === '' || own === null || own === vpcId) return null
    return `it is in the network ${own}, and not in ${vpcId}`
  }
  return [{ path: place, kind: 'upstreams', id: upstreamId, mustExist: true, refuse }]
}
