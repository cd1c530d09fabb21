import {
  EXPLAIN_LIMITS,
  type ExplainedReach,
  type ExplainRequest,
  type Explanation,
  type RouteReach,
} from '../model/explanation.ts'
import { predicateText } from '../model/predicate-text.ts'
import type { Route } from '../model/route.ts'
import { describeHost, describePath } from '../routing/entry.ts'
import { makeExample } from './example-request.ts'

/**
 * Which requests reach the routes: for each host and path of theirs its conditions in words, a request made up to meet them, and what explaining
 * that one on the serving table says. At most EXPLAIN_LIMITS.examples entries.
 */
export async function explainReach(
  routes: readonly Route[],
  explain: (request: ExplainRequest) => Promise<Explanation>,
): Promise<RouteReach> {
  const all = routes.flatMap((route) => route.entries.map((entry) => ({ route, entry })))
  const entries: ExplainedReach[] = []
  let revision = 0
  for (const { route, entry } of all.slice(0, EXPLAIN_LIMITS.examples)) {
    const { id, name, section, origin } = route
    const base = {
      route: { id, name, section, origin },
      host: describeHost(entry.host),
      path: describePath(entry.path),
      methods: route.methods,
      clients: route.clients,
      predicate:
        route.predicate === null ? null : predicateText(route.predicate).slice(0, EXPLAIN_LIMITS.textChars),
    }
    const example = makeExample(route, entry)
    if ('reason' in example) {
      entries.push({ ...base, example: null, outcome: 'unknown', reason: example.reason, takenBy: null })
      continue
    }
    const explanation = await explain(example)
    revision = explanation.revision
    entries.push({ ...base, example, ...judge(route, explanation) })
  }
  return { revision, entries, omitted: Math.max(0, all.length - EXPLAIN_LIMITS.examples) }
}

function judge(
  route: Route,
  explanation: Explanation,
): Pick<ExplainedReach, 'outcome' | 'reason' | 'takenBy'> {
  const { route: taken, candidates, rivals, outcome } = explanation
  if (taken?.id === route.id) return { outcome: 'reaches', reason: null, takenBy: null }
  if (taken !== null && rivals.some(({ id }) => id === route.id))
    return { outcome: 'taken', reason: `${taken.id} stands before it and takes the request`, takenBy: taken }
  const failed = candidates.find(({ id }) => id === route.id)?.failed ?? null
  const why =
    failed !== null
      ? `the example fails its ${failed.condition}: ${failed.expected}, is ${failed.actual}`
      : outcome.kind === 'error'
        ? `the example gets ${outcome.status} ${outcome.errorCode}`
        : 'the example does not come to it'
  return {
    outcome: taken === null ? 'missed' : 'taken',
    reason: taken === null ? why : `${taken.id} takes the example`,
    takenBy: taken,
  }
}
