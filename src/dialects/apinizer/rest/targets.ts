import type { StoredDocument } from '../../../model/document.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { JsonObject } from '../../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../../model/json-fields.ts'
import { resolveAddress } from '../address.ts'
import { environmentOf } from '../environment.ts'
import { modelId } from '../kinds.ts'
import { type AddressType, addressType } from '../routing-facts.ts'
import { upstreamParts } from '../translate-routing.ts'
import type { Call } from './call.ts'
import { CallError } from './call-error.ts'

/**
 * How targets stand (spec/apinizer.md 9). `id` is a proxy (its name, or `<project>.<proxy>`), a deployment (`<project>.<proxy>.<environment>`) or an upstream of the
 * model, of whatever dialect.
 */
export async function targetStates(call: Call, [id]: readonly [string]): Promise<JsonObject> {
  const deployed = await call.list('deployments')
  const found = deployed.filter(
    ({ key, value }) =>
      key.id === id ||
      key.id.slice(0, key.id.lastIndexOf('.')) === id ||
      textField(value, 'apiProxyName') === id ||
      modelId(key.id) === id ||
      upstreamsOf(key.id, proxyOf(value)).some(({ primary, canary }) => primary === id || canary === id),
  )
  const resultList =
    found.length > 0
      ? found.flatMap((deployment) => statesOf(call, deployment, id))
      : call.options.endpoints(id)?.map((view) => ({ upstream: id, ...ofView(view) }))
  if (resultList === undefined)
    throw new CallError(
      404,
      `nothing that is deployed is called ${id}: write an API proxy as project.proxy, a deployment as project.proxy.environment, or an upstream as GET /headgate/v1/upstreams lists it`,
    )
  return { status: 'SUCCESS', resultList, resultCount: resultList.length }
}

function proxyOf(deployment: JsonObject): JsonObject {
  return objectField(deployment, 'Proxy') ?? {}
}

/** Upstreams of a deployment by their ids: one pair, or one for each forward proxy that requests may name. */
function upstreamsOf(id: string, proxy: JsonObject) {
  return upstreamParts(proxy).map(({ primary, canary }) => ({
    primary: modelId(id, primary),
    canary: modelId(id, canary),
  }))
}

/** A row for each address of the list and each upstream that it is in, in its order; a name that stands for several addresses has one for each of them. `id`: as in the call; that of an upstream means this one alone. */
function statesOf(call: Call, { key, value }: StoredDocument, id: string): readonly JsonObject[] {
  const name = textField(value, 'environmentName') ?? ''
  const variables = environmentOf(call.options.settings.apinizer, name)?.variables ?? {}
  const proxy = proxyOf(value)
  const pairs = upstreamsOf(key.id, proxy)
  const isOfUpstream = pairs.some(({ primary, canary }) => primary === id || canary === id)
  const rows: JsonObject[] = []
  for (const { entry } of objectsField(objectField(proxy, 'routingInfo') ?? {}, 'routingAddressList')) {
    const type = addressType(entry)
    const resolved = resolveAddress(entry, variables)
    const address = 'text' in resolved ? resolved.text : (textField(entry, 'address') ?? '')
    for (const { primary, canary } of pairs) {
      const upstream = type === 'CANARY' ? canary : primary
      if (isOfUpstream && upstream !== id) continue
      const base = {
        deployment: key.id,
        upstream,
        address,
        type,
        weight: numberField(entry, 'weight') ?? 1,
        enabled: entry.enabled !== false,
      }
      const views = entry.enabled === false || type === 'MIRROR' ? [] : viewsOf(call, upstream, address)
      if (views.length === 0) rows.push({ ...base, circuit: null, reason: whyNone(base, type) })
      for (const view of views) rows.push({ ...base, ...stateOf(view, type) })
    }
  }
  return rows
}

function viewsOf(call: Call, upstream: string, address: string): readonly EndpointView[] {
  const views = call.options.endpoints(upstream) ?? []
  return views.filter(({ label }) => label === address || label.startsWith(`${address}@`))
}

function whyNone({ enabled }: { readonly enabled: boolean }, type: AddressType): string {
  if (!enabled) return 'it is disabled'
  return type === 'MIRROR' ? 'it gets copies only, and has no circuit' : 'it takes no part in the routing'
}

/** A target of which only the model knows. */
function ofView(view: EndpointView): JsonObject {
  return {
    address: view.label,
    type: null,
    weight: view.weight,
    enabled: view.state !== 'drain' && view.state !== 'maint',
    ...stateOf(view, null),
  }
}

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

function stateOf(view: EndpointView, type: AddressType | null): JsonObject {
  const { lastProbe, state } = view
  const isOpen = state === 'ejected' || state === 'unhealthy'
  return {
    endpoint: view.label,
    circuit: isOpen ? 'OPEN' : state === 'trial' ? 'HALF_OPEN' : 'CLOSED',
    state,
    openedBy: view.openedBy === null ? null : view.openedBy === 'health' ? 'HEALTH_CHECK' : 'CIRCUIT_BREAKER',
    reason: view.reason,
    since: timeOf(view.sinceMs),
    consecutivePasses: view.consecutivePasses,
    consecutiveFailures: view.consecutiveFailures,
    lastCheckTime: timeOf(lastProbe?.atMs ?? null),
    lastCheckResult: lastProbe?.result ?? null,
    requestsInFlight: view.inFlight,
    windowErrors: view.windowErrors,
    windowTotal: view.windowTotal,
    requestsTotal: view.requests,
    errorsTotal: view.failures,
    ...(type === 'CANARY'
      ? { cooldownUntil: timeOf(view.returnsAtMs) }
      : { returnsAt: timeOf(view.returnsAtMs) }),
  }
}
