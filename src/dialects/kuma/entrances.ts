import type { StoredDocument } from '../../model/document.ts'
import { hostPort } from '../../model/endpoint.ts'
import { EXPLAIN_LIMITS, type ExplainedChoice, type ExplainedEntrance } from '../../model/explanation.ts'
import type { Settings } from '../../model/settings.ts'
import type { Lookup, Search } from '../dialect.ts'
import { listInstances } from './endpoints.ts'
import { meshKeyword } from './keywords.ts'
import { originOf } from './kinds.ts'
import { isHttp } from './protocol.ts'
import { readDataplane } from './read-dataplane.ts'
import { readTrafficRoute } from './read-traffic-route.ts'
import { type Outbound, SERVICE, type Tags, type TrafficRoute } from './resources.ts'
import { advantageOf, bestRank, byName, type Candidate, rankRoute, selectRoute } from './selection.ts'
import { tagSetsOf } from './translate-dataplane.ts'
import { judgeProtocol } from './translate-outbound.ts'

/** For explain: why an outbound of a proxy has its traffic route, and why requests are looked at there or are not. The choice itself is that of selection.ts. */
export function listEntrances(
  document: StoredDocument,
  lookup: Lookup,
  search: Search,
): readonly ExplainedEntrance[] {
  const dataplane = readDataplane(document.value)
  const { mesh } = dataplane
  const hasMesh = lookup('meshes', mesh) !== undefined
  const routes = search('traffic-routes', meshKeyword(mesh))
    .map(({ value }) => readTrafficRoute(value))
    .sort(byName)
  const tagSets = tagSetsOf(dataplane)
  return dataplane.outbounds.map((outbound) => {
    const service = outbound.tags[SERVICE] ?? ''
    const chosen = hasMesh ? selectRoute(routes, tagSets, service) : null
    const choices = chosenFirst(routes, chosen).map((route) => choiceOf(route, chosen, tagSets, service))
    const shown = choices.slice(0, EXPLAIN_LIMITS.candidates)
    const where = hostPort({ host: outbound.address, port: outbound.port })
    const judged = hasMesh
      ? carriedAs(outbound, chosen, (name) => listInstances(search, mesh, name))
      : { protocol: 'tcp' as const, reason: `there is no mesh ${mesh}: the proxy serves nothing` }
    return {
      name: `outbound ${where} to ${service}`,
      address: where,
      service,
      ...judged,
      origin: originOf('dataplanes', document.key.id, outbound.path),
      choices: shown,
      omitted: choices.length - shown.length,
    }
  })
}

/** Settings by which this proxy alone runs here. */
export function runAlone(id: string, settings: Settings): Settings {
  return { ...settings, kuma: { ...settings.kuma, dataplanes: [id] } }
}

function carriedAs(
  outbound: Outbound,
  route: TrafficRoute | null,
  instances: Parameters<typeof judgeProtocol>[0]['instances'],
): Pick<ExplainedEntrance, 'protocol' | 'reason'> {
  if (route === null)
    return { protocol: 'tcp', reason: 'no traffic route of the mesh applies: what comes in is closed' }
  const { protocol, reason } = judgeProtocol({ outbound, instances }, route)
  const rules = route.conf.http.length
  if (isHttp(protocol)) return { protocol: 'http', reason }
  const idle =
    rules === 0
      ? ''
      : rules === 1
        ? '; the http rule of its route does not act'
        : `; the ${rules} http rules of its route do not act`
  return { protocol: 'tcp', reason: `${reason}${idle}` }
}

function chosenFirst(routes: readonly TrafficRoute[], chosen: TrafficRoute | null): readonly TrafficRoute[] {
  return chosen === null ? routes : [chosen, ...routes.filter((route) => route !== chosen)]
}

function choiceOf(
  route: TrafficRoute,
  chosen: TrafficRoute | null,
  tagSets: readonly Tags[],
  service: string,
): ExplainedChoice {
  const rank = rankRoute(route, tagSets, service)
  const told = {
    name: route.name,
    origin: originOf('traffic-routes', `${route.mesh}:${route.name}`),
  }
  if (rank === null) return { ...told, outcome: 'unfit', reason: unfitReason(route, tagSets, service) }
  const candidate = { route, rank }
  const best = chosen === null ? null : rankRoute(chosen, tagSets, service)
  if (chosen === null || best === null)
    return {
      ...told,
      outcome: 'unfit',
      reason: `${rankWords(candidate)}, but there is no mesh ${route.mesh}`,
    }
  if (route === chosen) return { ...told, outcome: 'chosen', reason: rankWords(candidate) }
  return {
    ...told,
    outcome: 'outranked',
    reason: `${rankWords(candidate)}: ${defeat(candidate, { route: chosen, rank: best })}`,
  }
}

function unfitReason(route: TrafficRoute, tagSets: readonly Tags[], service: string): string {
  if (bestRank(route.sources, tagSets) !== null) return `none of its destinations is ${service}`
  const own = tagSets.map(tagsText).join(' or ')
  return `none of its sources (${route.sources.map(tagsText).join(' or ')}) selects the tags of the proxy (${own === '' ? 'none' : own})`
}

function tagsText(tags: Tags): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/** `2 tags select it, 1 of them exact` */
function rankWords({ rank: { exact, wild } }: Candidate<TrafficRoute>): string {
  const count = exact + wild
  const sort = wild === 0 ? 'all exact' : exact === 0 ? 'all *' : `${exact} exact and ${wild} *`
  return `${count} ${count === 1 ? 'tag fits' : 'tags fit'}, ${sort}`
}

function defeat(loser: Candidate<TrafficRoute>, winner: Candidate<TrafficRoute>): string {
  const { name, createdMs } = winner.route
  switch (advantageOf(winner, loser)) {
    case 'tags':
      return `${name} has more tags`
    case 'exact':
      return `${name} has as many tags, and more exact ones`
    case 'creation':
      return `${name} has the same rank and was made later (${timeOf(createdMs)}, this one ${timeOf(loser.route.createdMs)})`
    case null:
      return `${name} has the same rank and time, and its name comes first`
  }
}

/** Times of documents in files are not known. */
function timeOf(ms: number): string {
  return ms <= 1 ? 'not known' : new Date(ms).toISOString()
}
