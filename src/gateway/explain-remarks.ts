import type { Dialect } from '../dialects/dialect.ts'
import type { DocumentKey, Warning } from '../model/document.ts'
import { EXPLAIN_LIMITS, type ExplainedRemark, type Explanation } from '../model/explanation.ts'
import type { Origin } from '../model/origin.ts'
import { keyOfOrigin } from './explain-places.ts'

/**
 * Adds what the gateway said of the documents that carry the request: of those that the route, the rule, the split and the upstream come from. Only the
 * control side knows it; a worker gives no remarks. Gives a copy.
 */
export function withRemarks(
  explanation: Explanation,
  dialects: readonly Dialect[],
  warningsOf: (key: DocumentKey) => readonly Warning[],
): Explanation {
  const remarks: ExplainedRemark[] = []
  const seen = new Set<string>()
  for (const origin of carriersOf(explanation)) {
    const { dialect, kind, id } = origin
    const name = `${dialect}/${kind}/${id}`
    const key = seen.has(name) ? null : keyOfOrigin(origin, dialects)
    seen.add(name)
    if (key === null) continue
    for (const { path, message } of warningsOf(key)) {
      if (remarks.length === EXPLAIN_LIMITS.remarks) break
      remarks.push({ origin: { dialect, kind, id, path }, message })
    }
  }
  return remarks.length === 0 ? explanation : { ...explanation, remarks }
}

function carriersOf({ route, rules, split, upstream }: Explanation): readonly Origin[] {
  const rule = rules.find(({ outcome }) => outcome === 'taken')
  const target = split?.targets.find(({ isNext }) => isNext)
  return [route, rule, split, target, upstream].flatMap((part) =>
    part === null || part === undefined ? [] : [part.origin],
  )
}
