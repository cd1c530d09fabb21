import type { EndpointView } from '../../../model/endpoint-view.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { flagField, listField, numberField, objectField, textField } from '../../../model/json-fields.ts'
import { readPodServiceName } from '../../../model/pod-service.ts'
import { modelId } from '../kinds.ts'
import { servicesField } from '../validate-upstream.ts'
import type { CallOptions } from './call.ts'

/** Upstreams as answers show them: UpstreamInfo of spec/tencent.md 5.3, with defaults, and `K8sServices` in the plural. */
export function describeUpstream(
  upstream: JsonObject,
  options: Pick<CallOptions, 'settings' | 'endpoints'>,
): JsonObject {
  const id = textField(upstream, 'UpstreamId') ?? ''
  const isContainer = upstream.UpstreamType === 'K8S'
  const views = options.endpoints(modelId('upstreams', id))
  return {
    UpstreamId: id,
    UpstreamName: upstream.UpstreamName ?? id,
    UpstreamDescription: upstream.UpstreamDescription ?? '',
    Scheme: upstream.Scheme ?? '',
    Algorithm: 'ROUND_ROBIN',
    UniqVpcId: upstream.UniqVpcId ?? '',
    UpstreamType: isContainer ? 'K8S' : 'IP_PORT',
    Retries: upstream.Retries ?? options.settings.tencent.api_default_retries,
    UpstreamHost: upstream.UpstreamHost ?? null,
    Nodes: isContainer ? foundNodes(upstream, views) : ownNodes(upstream, views),
    K8sServices: isContainer ? listField(upstream, servicesField(upstream)) : null,
    HealthChecker: upstream.HealthChecker ?? null,
    Tags: listField(upstream, 'Tags'),
    CreatedTime: upstream.CreatedTime ?? '',
  }
}

function ownNodes(upstream: JsonObject, views: readonly EndpointView[] | undefined): JsonValue[] {
  return listField(upstream, 'Nodes')
    .filter(isJsonObject)
    .map((node) => ({ ...node, Healthy: healthOf(upstream, node, views) }))
}

/** What the cluster gave; nothing while nobody has asked it. */
function foundNodes(upstream: JsonObject, views: readonly EndpointView[] | undefined): JsonValue[] {
  return (views ?? []).map((view) => ({
    Host: view.host,
    Port: view.port,
    Weight: view.weight,
    Healthy: hasChecks(upstream) ? wordOf([view]) : 'OFF',
    Source: 'K8S',
    ...serviceOf(view),
  }))
}

/** Which Service a node is of; nothing where nobody knows. */
function serviceOf({ service }: EndpointView): JsonObject {
  const found = service === null ? null : readPodServiceName(service)
  if (service === null || found === null) return {}
  const { cluster, namespace, service: name } = found
  return { ServiceName: name, NameSpace: namespace, ClusterId: cluster, UniqueServiceName: service }
}

/** `OFF` without checks; `NO_DATA` for what gets no requests, or of which nothing is known. */
function healthOf(
  upstream: JsonObject,
  node: JsonObject,
  views: readonly EndpointView[] | undefined,
): string {
  if (!hasChecks(upstream)) return 'OFF'
  const host = textField(node, 'Host')
  const port = numberField(node, 'Port')
  return wordOf((views ?? []).filter((view) => view.host === host && view.port === port))
}

/** A name that stands for several addresses is healthy while one of them is. */
function wordOf(views: readonly EndpointView[]): string {
  if (views.length === 0 || views.every(({ state }) => state === 'unresolved')) return 'NO_DATA'
  const isOut = ({ state }: EndpointView): boolean => state === 'unhealthy' || state === 'ejected'
  return views.every(isOut) ? 'UNHEALTHY' : 'HEALTHY'
}

function hasChecks(upstream: JsonObject): boolean {
  const checker = objectField(upstream, 'HealthChecker')
  if (checker === null) return false
  return flagField(checker, 'EnableActiveCheck') || flagField(checker, 'EnablePassiveCheck')
}
