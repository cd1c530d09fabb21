import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import { groupByKind } from '../../model/kind-lists.ts'
import { suggest } from '../../model/suggest.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { FileDocument, FileDocuments } from '../dialect.ts'
import { idOf, isKubernetes, kindOf } from './envelope.ts'
import { KINDS, TYPES } from './kinds.ts'
import { ownValue } from './own-form.ts'

/**
 * Files as `kumactl apply` and `kubectl apply` take them: one resource in each YAML document, in either form, or a list of them under `items`. A resource of the system
 * that is not stored here is a fault; whatever is no resource of it belongs to somebody else.
 */
export function readKumaFile(root: JsonValue): FileDocuments | null {
  if (!isJsonObject(root)) return null
  if (!isListOfOurs(root)) {
    const entry = readEntry(root, '')
    if (entry === null) return null
    return 'fault' in entry ? { documents: [], faults: [entry.fault] } : { documents: [entry], faults: [] }
  }
  const documents: FileDocuments['documents'][number][] = []
  const faults: Fault[] = []
  for (const [i, item] of (root.items as readonly JsonValue[]).entries()) {
    const path = `items[${i}]`
    const entry = isJsonObject(item) ? readEntry(item, path) : null
    if (entry === null) faults.push({ path, message: 'is no resource of a mesh', hint: KNOWN })
    else if ('fault' in entry) faults.push(entry.fault)
    else documents.push(entry)
  }
  return { documents, faults }
}

const KNOWN = `known: ${Object.values(TYPES).join(', ')}`

/** `kubectl get -o yaml` and `kumactl get -o yaml` give such. An empty one is nobody's. */
function isListOfOurs(root: JsonObject): boolean {
  const { items } = root
  if (!Array.isArray(items)) return false
  return (items as readonly JsonValue[]).some((item) => isJsonObject(item) && readEntry(item, '') !== null)
}

type Entry = FileDocuments['documents'][number] | { readonly fault: Fault }

/** null: it is no resource of this system. */
function readEntry(value: JsonObject, path: string): Entry | null {
  const isInCluster = isKubernetes(value)
  const kind = kindOf(value)
  if (kind === null) {
    const fault = faultOfType(value, isInCluster)
    return fault === null ? null : { fault: { ...fault, path: joinPath(path, fault.path) } }
  }
  const id = idOf(kind, value)
  if (id === null) {
    const place = joinPath(path, isInCluster ? 'metadata.name' : 'name')
    return {
      fault: {
        path: place,
        message: 'needs a name',
        hint: 'write name: and lower-case letters, digits, - and .',
      },
    }
  }
  return { kind, id, value: ownValue(kind, id, value), path: isInCluster ? joinPath(path, 'spec') : path }
}

/** Resources of the system that are not stored here, and what does their work. */
const OTHER_TYPES: Readonly<Record<string, string | null>> = {
  CircuitBreaker: null,
  FaultInjection: null,
  GlobalSecret: null,
  HealthCheck: null,
  MeshAccessLog: null,
  MeshCircuitBreaker: null,
  MeshFaultInjection: null,
  MeshGateway: null,
  MeshGatewayInstance: null,
  MeshGatewayRoute: null,
  MeshHealthCheck: null,
  MeshHTTPRoute: 'write a TrafficRoute with conf.http',
  MeshLoadBalancingStrategy: 'write conf.loadBalancer of a TrafficRoute; it takes hashPolicies too',
  MeshProxyPatch: null,
  MeshRateLimit: null,
  MeshRetry: 'write conf.retry of a TrafficRoute',
  MeshTCPRoute: 'write a TrafficRoute with conf.split',
  MeshTimeout: 'write conf.timeout of a TrafficRoute',
  MeshTrace: null,
  MeshTrafficPermission: null,
  ProxyTemplate: null,
  RateLimit: null,
  Retry: 'write conf.retry of a TrafficRoute',
  Secret: null,
  Timeout: 'write conf.timeout of a TrafficRoute',
  TrafficLog: null,
  TrafficPermission: null,
  TrafficTrace: null,
  VirtualOutbound: null,
  Zone: null,
  ZoneEgress: null,
  ZoneIngress: null,
}

/** Whether somebody meant a resource of this system; in the Universal form only names that it has, or nearly, are taken for such. */
function faultOfType(value: JsonObject, isInCluster: boolean): Fault | null {
  const field = isInCluster ? 'kind' : 'type'
  const type = textField(value, field)
  if (
    type === null ||
    (!isInCluster && (textField(value, 'name') === null || Object.hasOwn(value, 'apiVersion')))
  )
    return null
  if (Object.hasOwn(OTHER_TYPES, type))
    return { path: field, message: `${type} is not served here`, hint: OTHER_TYPES[type] ?? KNOWN }
  const near = suggest(type, Object.values(TYPES))
  if (near === null && !isInCluster) return null
  return {
    path: field,
    message: `${type} is no resource of a mesh`,
    hint: near === null ? KNOWN : `did you mean ${near}?`,
  }
}

function joinPath(outer: string, inner: string): string {
  return outer === '' ? inner : `${outer}.${inner}`
}

/** One resource in each YAML document, in the Universal form. */
export function writeKumaFile(documents: readonly FileDocument[]): string {
  const byKind = groupByKind(documents)
  const texts = KINDS.flatMap((kind) =>
    (byKind.get(kind) ?? []).map(({ id, value }) => toYaml(ownValue(kind, id, value))),
  )
  return texts.length === 0 ? '# no resources of a mesh\n' : texts.join('---\n')
}
