import type { RequestView } from '../expression/request-view.ts'
import { EXPLAIN_LIMITS, type ExplainedMiss } from '../model/explanation.ts'
import type { ScannedEntry, ScannedRoute, TableInspector } from '../routing/table.ts'
import { showRoute, showText } from './explain-view.ts'

interface Near {
  readonly route: ScannedRoute
  readonly entry: ScannedEntry
  readonly condition: 'host' | 'path'
  readonly score: number
}

/** A wrong host weighs less than any wrong path: the same address under another name is the commonest slip. */
const HOST_BONUS = 1_000
/** The path is right but for its case or a slash at its end. */
const SAME_WORDS_BONUS = 500
/** So much of a path must be the same. */
const LEAST_PATH = 2

/** Where no route was found: the routes whose path fits while their host does not, and those whose host fits and whose path is close. */
export function findMisses(
  inspector: TableInspector,
  view: RequestView,
  candidates: ReadonlySet<string>,
): readonly ExplainedMiss[] {
  let best: Near[] = []
  let looked = 0
  inspector.scan((route) => {
    for (const entry of route.entries) {
      looked++
      const near = candidates.has(route.id) ? null : rate(route, entry, view)
      if (near === null) continue
      best.push(near)
    }
    if (best.length > 10 * EXPLAIN_LIMITS.rivals) best = nearest(best)
    return looked < EXPLAIN_LIMITS.missEntries
  })
  return nearest(best).flatMap(({ route, entry, condition }) => {
    const compiled = route.compile()
    if (compiled === null) return []
    const isHost = condition === 'host'
    return [
      {
        ...showRoute(compiled.model),
        condition,
        expected: isHost ? entry.describeHost() : entry.describePath(),
        actual: showText(isHost ? view.host : view.path),
      },
    ]
  })
}

function nearest(all: readonly Near[]): Near[] {
  const byRoute = new Map<string, Near>()
  for (const near of [...all].sort((a, b) => b.score - a.score || (a.route.id < b.route.id ? -1 : 1))) {
    if (byRoute.size >= EXPLAIN_LIMITS.rivals) break
    if (!byRoute.has(near.route.id)) byRoute.set(near.route.id, near)
  }
  return [...byRoute.values()]
}

function rate(route: ScannedRoute, entry: ScannedEntry, view: RequestView): Near | null {
  const fitsHost = entry.testHost(view.host)
  const fitsPath = entry.testPath(view.path)
  if (fitsPath && !fitsHost)
    return { route, entry, condition: 'host', score: HOST_BONUS + entry.describePath().length }
  if (!fitsHost || fitsPath) return null
  const path = entry.describePath()
  const actual = showText(view.path)
  const isSame = plain(path) === plain(actual)
  const same = isSame ? SAME_WORDS_BONUS : sharedLength(path.toLowerCase(), actual.toLowerCase())
  return same < LEAST_PATH ? null : { route, entry, condition: 'path', score: same }
}

function plain(path: string): string {
  return path.toLowerCase().replace(/\/$/, '')
}

/** Characters at the beginning that are the same. */
function sharedLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let at = 0
  while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at++
  return at
}
