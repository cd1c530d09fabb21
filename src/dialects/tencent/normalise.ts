import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { isEmpty, objectField } from '../../model/json-fields.ts'
import { nestBackend } from './backend.ts'
import { editableValue } from './own-form.ts'
import { readBackendConfig, readPluginData } from './policies.ts'
import { servicesField } from './validate-upstream.ts'

/**
 * The form by which two versions of a document are the same: without what the server adds, policies as a list whichever way they are written, bodies
 * nested, and with the defaults that do not depend on settings.
 */
export function normaliseValue(kind: string, value: JsonObject): JsonObject {
  const own = editableValue(kind, value)
  switch (kind) {
    case 'upstreams':
      return normaliseUpstream(own)
    case 'apis':
      return normaliseApi(own)
    case 'plugins':
      return normalisePlugin(own)
    case 'released_apis': {
      const api = objectField(own, 'Api')
      return api === null ? own : { ...own, Api: normaliseApi(api) }
    }
    default:
      return own
  }
}

function normaliseUpstream(value: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { UpstreamType: 'IP_PORT', ...withoutEmpty(value) }
  if (result.Algorithm === 'ROUND-ROBIN') result.Algorithm = 'ROUND_ROBIN'
  const { Nodes: nodes } = value
  if (result.UpstreamType === 'K8S') {
    // the list of Services has another name in answers, and nodes are the cluster's to say
    const field = servicesField(value)
    const services = value[field]
    delete result.Nodes
    delete result.K8sServices
    if (services !== undefined) result.K8sService = services
  } else if (Array.isArray(nodes)) {
    result.Nodes = (nodes as readonly JsonValue[]).map((node) => {
      if (!isJsonObject(node)) return node
      const { Healthy: _, ...own } = node
      return own
    })
  }
  return result
}

function normaliseApi(value: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...withoutEmpty(value) }
  const { ServiceConfig: config } = value
  if (isJsonObject(config)) result.ServiceConfig = normaliseConfig(config)
  return result
}

function normalisePlugin(value: JsonObject): JsonObject {
  const read = readPluginData(value.PluginData)
  if ('error' in read) return withoutEmpty(value)
  return { ...withoutEmpty(value), PluginData: read.list.map(normalisePolicy) }
}

function normalisePolicy(policy: JsonValue): JsonValue {
  if (!isJsonObject(policy)) return policy
  const read = readBackendConfig(policy.backend_config)
  const result: Record<string, JsonValue> = { strategy_weight: 0, ...policy }
  if ('error' in read) return result
  const { ServiceConfig: config } = read.body
  const body = nestBackend(read.body)
  result.backend_config = isJsonObject(config) ? { ...body, ServiceConfig: normaliseConfig(config) } : body
  return result
}

/** ANY and an absent method are the same, and the Url beside an upstream says nothing. */
function normaliseConfig(config: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...withoutEmpty(config) }
  if (result.Method === 'ANY') delete result.Method
  if (result.Product === 'upstream') delete result.Url
  return result
}

/** Forms of the vendor's console send empty texts for what nobody filled in. */
function withoutEmpty(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => !isEmpty(field)))
}
