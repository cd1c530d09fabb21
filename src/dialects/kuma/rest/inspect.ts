import type { StoredDocument } from '../../../model/document.ts'
import { hostPort } from '../../../model/endpoint.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { partsOfId, TYPES } from '../kinds.ts'
import { readDataplane } from '../read-dataplane.ts'
import { readTrafficRoute } from '../read-traffic-route.ts'
import { type Outbound, SERVICE, type Tags, type TrafficRoute } from '../resources.ts'
import { rankOf, selectRoute } from '../selection.ts'
import { tagSetsOf } from '../translate-dataplane.ts'
import type { Call } from './call.ts'
import { TITLES } from './call-error.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { need } from './resources.ts'
import { headOf } from './shown.ts'

/** Which proxies a route touches, and which routes a proxy has: by the same choice as those that serve. */

const SIDECAR = 'SidecarDataplane'

/** Proxies that have at least one outbound for which this route was chosen. */
export async function routeDataplanes(call: Call, mesh: string, name: string): Promise<JsonObject> {
  await need(call, { kind: 'traffic-routes', mesh, name }, TITLES.find)
  const routes = await routesOf(call, mesh)
  const items: JsonValue[] = []
  for (const document of await call.list('dataplanes', mesh)) {
    const chosen = choicesOf(document, routes).filter(
      ({ route }) => route?.document.key.id === `${mesh}:${name}`,
    )
    if (chosen.length === 0) continue
    const dataplane = { mesh, name: partsOfId('dataplanes', document.key.id).name }
    items.push({ kind: SIDECAR, dataplane, attachments: chosen.map(({ outbound }) => attachment(outbound)) })
  }
  return { total: items.length, items }
}

/** Proxies that a source or a destination of the route selects, whether or not it is chosen. */
export async function matchedDataplanes(call: Call, mesh: string, name: string): Promise<JsonObject> {
  const route = await need(call, { kind: 'traffic-routes', mesh, name }, TITLES.find)
  const { sources, destinations } = readTrafficRoute(route.value)
  const selectors = [...sources, ...destinations]
  const wanted = call.query.get('name') ?? ''
  const matched = (await call.list('dataplanes', mesh)).filter(
    ({ key, value }) =>
      partsOfId('dataplanes', key.id).name.includes(wanted) &&
      isSelected(selectors, tagSetsOf(readDataplane(value))),
  )
  const page = pageOf(matched, call, TITLES.find)
  const items = page.items.map(({ key }) => ({
    type: TYPES.dataplanes,
    mesh,
    name: partsOfId('dataplanes', key.id).name,
  }))
  const { next, ...rest } = pageAnswer({ ...page, items })
  return next === null ? rest : { ...rest, next }
}

function isSelected(selectors: readonly Tags[], tagSets: readonly Tags[]): boolean {
  return selectors.some((selector) => tagSets.some((tags) => rankOf(selector, tags) !== null))
}

/** The route of each outbound of a proxy. */
export async function dataplanePolicies(call: Call, mesh: string, name: string): Promise<JsonObject> {
  const document = await need(call, { kind: 'dataplanes', mesh, name }, TITLES.find)
  const items: JsonValue[] = []
  for (const { outbound, route } of choicesOf(document, await routesOf(call, mesh))) {
    if (route === null) continue
    items.push({
      ...attachment(outbound),
      matchedPolicies: { [TYPES['traffic-routes']]: [headOf('traffic-routes', route.document)] },
    })
  }
  return { kind: SIDECAR, total: items.length, items }
}

type KnownRoute = Pick<TrafficRoute, 'sources' | 'destinations' | 'createdMs'> & {
  readonly document: StoredDocument
}

/** In the order of their names, which the choice asks for. */
async function routesOf(call: Call, mesh: string): Promise<readonly KnownRoute[]> {
  return (await call.list('traffic-routes', mesh)).map((document) => ({
    ...readTrafficRoute(document.value),
    document,
  }))
}

function choicesOf(
  document: StoredDocument,
  routes: readonly KnownRoute[],
): readonly { readonly outbound: Outbound; readonly route: KnownRoute | null }[] {
  const dataplane = readDataplane(document.value)
  const tagSets = tagSetsOf(dataplane)
  return dataplane.outbounds.map((outbound) => ({
    outbound,
    route: selectRoute(routes, tagSets, outbound.tags[SERVICE] ?? ''),
  }))
}

function attachment({ address, port, tags }: Outbound): JsonObject {
  return { type: 'outbound', name: hostPort({ host: address, port }), service: tags[SERVICE] ?? '' }
}
