import type { Predicate } from '../model/predicate.ts'
import type { Route } from '../model/route.ts'
import type { Rule } from '../model/rule.ts'
import type { Split, Target } from '../model/split.ts'
import type { Trace, TraceFailure } from './table.ts'

/** What a search looked at, in order, as plain data: it can be sent between threads. */
export type TraceStep =
  | { readonly kind: 'route'; readonly route: Route; readonly outcome: 'passed' | TraceFailure }
  | { readonly kind: 'rule'; readonly rule: Rule; readonly index: number; readonly held: boolean }
  | {
      readonly kind: 'comparison'
      readonly predicate: Predicate
      readonly actual: unknown
      readonly held: boolean
    }
  | { readonly kind: 'split'; readonly split: Split; readonly target: Target | null }

/** A trace that keeps all it is told. Comparisons stand before the route or rule they belong to. */
export function collectTrace(): Trace & { readonly steps: readonly TraceStep[] } {
  const steps: TraceStep[] = []
  return {
    steps,
    route: (route, outcome) => {
      steps.push({ kind: 'route', route, outcome })
    },
    rule: (rule, index, held) => {
      steps.push({ kind: 'rule', rule, index, held })
    },
    comparison: (predicate, actual, held) => {
      steps.push({ kind: 'comparison', predicate, actual, held })
    },
    split: (split, target) => {
      steps.push({ kind: 'split', split, target })
    },
  }
}
