import { SERVICE, type Tags, type TrafficRoute } from './resources.ts'

/** Which of the routes of a mesh an outbound has: exactly one, or none. spec/kuma.md 4. */

/** How well a selector fits: the number of its tags with a value, and of those with `*`. */
export interface Rank {
  readonly exact: number
  readonly wild: number
}

/** null: the selector does not fit. Every key must be among the tags, with that value or, for `*`, any. */
export function rankOf(selector: Tags, tags: Tags): Rank | null {
  let exact = 0
  let wild = 0
  for (const key of Object.keys(selector)) {
    if (!Object.hasOwn(tags, key)) return null
    const value = selector[key]
    if (value === '*') wild++
    else if (value === tags[key]) exact++
    else return null
  }
  return { exact, wild }
}

/** More tags first; of as many the one with more exact ones. > 0: a is better. */
function compareRanks(a: Rank, b: Rank): number {
  return tagsOf(a) - tagsOf(b) || a.exact - b.exact
}

function tagsOf({ exact, wild }: Rank): number {
  return exact + wild
}

/** The best of some selectors over some sets of tags, each of which must fit a selector as a whole; null: none fits. */
export function bestRank(selectors: readonly Tags[], tagSets: readonly Tags[]): Rank | null {
  let best: Rank | null = null
  for (const selector of selectors) {
    for (const tags of tagSets) {
      const rank = rankOf(selector, tags)
      if (rank !== null && (best === null || compareRanks(rank, best) > 0)) best = rank
    }
  }
  return best
}

export function rankRoute(
  route: Pick<TrafficRoute, 'sources' | 'destinations'>,
  tagSets: readonly Tags[],
  service: string,
): Rank | null {
  const source = bestRank(route.sources, tagSets)
  if (source === null) return null
  const wanted = { [SERVICE]: service }
  let best: Rank | null = null
  for (const selector of route.destinations) {
    const rank = rankOf(selector, wanted)
    if (rank === null) continue
    const sum = { exact: source.exact + rank.exact, wild: source.wild + rank.wild }
    if (best === null || compareRanks(sum, best) > 0) best = sum
  }
  return best
}

/** A route that applies to an outbound, and how well. */
export interface Candidate<T> {
  readonly route: T
  readonly rank: Rank
}

/** What the choice looks at. */
export type Selectable = Pick<TrafficRoute, 'sources' | 'destinations' | 'createdMs'>

/** The order in which `selectRoute` wants them. */
export function byName(a: Pick<TrafficRoute, 'name'>, b: Pick<TrafficRoute, 'name'>): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** What puts one before the other: more tags, more exact ones of as many, a later creation. null: nothing, or it is the other that stands before. */
export function advantageOf<T extends Selectable>(
  a: Candidate<T>,
  b: Candidate<T>,
): 'tags' | 'exact' | 'creation' | null {
  const order = compareRanks(a.rank, b.rank)
  if (order < 0) return null
  if (order > 0) return tagsOf(a.rank) > tagsOf(b.rank) ? 'tags' : 'exact'
  return a.route.createdMs > b.route.createdMs ? 'creation' : null
}

/**
 * The route of an outbound to `service` on a proxy whose inbounds (or gateway) have these tags: the best rank, then the later creation, then the first name. `routes`: of
 * its mesh, in the order of their names.
 */
export function selectRoute<T extends Selectable>(
  routes: readonly T[],
  tagSets: readonly Tags[],
  service: string,
): T | null {
  let chosen: Candidate<T> | null = null
  for (const route of routes) {
    const rank = rankRoute(route, tagSets, service)
    if (rank === null) continue
    const candidate = { route, rank }
    if (chosen === null || advantageOf(candidate, chosen) !== null) chosen = candidate
  }
  return chosen?.route ?? null
}

/** Tags of a leg for an outbound: `*` is taken from the outbound, or dropped, and every tag of the outbound that the leg does not name is inherited. */
export function resolveTags(leg: Tags, outbound: Tags): Tags {
  const resolved: Record<string, string> = {}
  for (const [key, value] of Object.entries(leg)) if (value !== '*') resolved[key] = value
  for (const [key, value] of Object.entries(outbound))
    if (!Object.hasOwn(resolved, key)) resolved[key] = value
  return resolved
}

/** Whether an endpoint with these tags belongs to a leg. */
export function hasTags(tags: Tags, wanted: Tags): boolean {
  for (const key of Object.keys(wanted)) if (tags[key] !== wanted[key]) return false
  return true
}
