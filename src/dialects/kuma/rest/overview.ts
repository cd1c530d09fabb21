import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { ProxyView } from '../../dialect.ts'
import { readDataplane } from '../read-dataplane.ts'
import { runsHere } from '../runs-here.ts'
import type { Call } from './call.ts'
import { TITLES } from './call-error.ts'
import { filterDocuments } from './filters.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { need } from './resources.ts'
import { headOf, specOf } from './shown.ts'

/** Dataplanes with what is known of their proxies: `_overview`, and `dataplanes+insights` as it was called before. */

/** `mesh` null: over all meshes. */
export async function listOverviews(call: Call, mesh: string | null): Promise<JsonObject> {
  const found = filterDocuments('dataplanes', await call.list('dataplanes', mesh), call)
  const page = pageOf(found, call, TITLES.list)
  const proxies = proxiesOf(call)
  return pageAnswer({ ...page, items: page.items.map((document) => overviewOf(document, proxies)) })
}

export async function showOverview(call: Call, mesh: string, name: string): Promise<JsonObject> {
  return overviewOf(await need(call, { kind: 'dataplanes', mesh, name }, TITLES.find), proxiesOf(call))
}

/** A proxy by the id of its document; undefined: it was never here. */
export type FindProxy = (id: string) => ProxyView | undefined

export function proxiesOf({ options: { view, settings, startedAtMs } }: Call): FindProxy {
  const connected = view?.proxies?.()
  return (id) => {
    const found = connected?.get(id)
    if (found !== undefined || !runsHere(id, settings)) return found
    // what runs in this process has no connection to lose
    return {
      id: `in-process:${id}`,
      connectedAtMs: startedAtMs,
      disconnectedAtMs: null,
      sent: 0,
      acknowledged: 0,
      version: null,
    }
  }
}

function overviewOf(document: StoredDocument, find: FindProxy): JsonObject {
  const proxy = find(document.key.id)
  return {
    ...headOf('dataplanes', document),
    type: 'DataplaneOverview',
    status: statusOf(document, proxy),
    dataplane: specOf('dataplanes', document),
    dataplaneInsight: { subscriptions: proxy === undefined ? [] : [subscriptionOf(proxy)] },
  }
}

export function isOnline(proxy: ProxyView | undefined): boolean {
  return proxy !== undefined && proxy.disconnectedAtMs === null
}

/** As the reference works it out from the same fields. Ours is only that it is said. */
export function statusOf(
  document: StoredDocument,
  proxy: ProxyView | undefined,
): 'Online' | 'Partially degraded' | 'Offline' {
  const { inbounds } = readDataplane(document.value)
  const ready = inbounds.filter(({ isReady, isIgnored }) => isReady || isIgnored).length
  if (!isOnline(proxy)) return 'Offline'
  if (ready === inbounds.length) return 'Online'
  return ready === 0 ? 'Offline' : 'Partially degraded'
}

function subscriptionOf(proxy: ProxyView): JsonObject {
  const { id, connectedAtMs, disconnectedAtMs, sent, acknowledged, version } = proxy
  const fields: Record<string, JsonValue> = { id, connectTime: new Date(connectedAtMs).toISOString() }
  if (disconnectedAtMs !== null) fields.disconnectTime = new Date(disconnectedAtMs).toISOString()
  // counts are 64-bit integers, which the JSON rules of protobuf write as texts
  fields.status = { total: { responsesSent: String(sent), responsesAcknowledged: String(acknowledged) } }
  if (version !== null) fields.version = { kumaDp: { version } }
  return fields
}
