import type { Comparison, Predicate } from '../model/predicate.ts'
import type { Route } from '../model/route.ts'
import type { Rule } from '../model/rule.ts'
import type { CompiledRequestFilter, ScannedEntry, Trace, TraceFailure } from './table.ts'

/** A comparison as it was made. `actual`: what the variable gave (undefined: absent), texts as byte strings. */
export interface TracedComparison {
  readonly predicate: Comparison
  readonly actual: unknown
  readonly held: boolean
  /** Where the value is the name of another variable, what that one gave. */
  readonly other: unknown
}

export interface TracedCandidate {
  readonly route: Route
  readonly entry: ScannedEntry
  readonly outcome: 'passed' | TraceFailure
  /** Those of the route's predicate. */
  readonly comparisons: readonly TracedComparison[]
}

export interface TracedRule {
  readonly rule: Rule
  readonly index: number
  readonly held: boolean
  readonly comparisons: readonly TracedComparison[]
}

export interface TracedFilter {
  readonly filter: CompiledRequestFilter
  readonly applied: boolean
  readonly comparisons: readonly TracedComparison[]
}

/** How much a trace keeps. */
export interface TraceLimits {
  readonly candidates: number
  readonly entries: number
  readonly comparisons: number
}

const NO_LIMITS: TraceLimits = {
  candidates: Number.POSITIVE_INFINITY,
  entries: Number.POSITIVE_INFINITY,
  comparisons: Number.POSITIVE_INFINITY,
}

/** Keeps what it is told, within limits; what is over them is counted. */
export class ChoiceTrace implements Trace {
  readonly maxEntries: number
  candidates: TracedCandidate[] = []
  rules: TracedRule[] = []
  filters: TracedFilter[] = []
  /** Candidates that were not kept, by the condition that failed; `index`: those that were not even looked at. */
  omitted: Partial<Record<TraceFailure['condition'] | 'index', number>> = {}
  readonly #limits: TraceLimits
  readonly #onFilter: (filter: TracedFilter) => void
  /** Of the predicate at hand. */
  #comparisons: TracedComparison[] = []

  /** `onFilter` is called when a filter has worked, before anything else happens. */
  constructor(limits: TraceLimits = NO_LIMITS, onFilter: (filter: TracedFilter) => void = () => {}) {
    this.maxEntries = limits.entries
    this.#limits = limits
    this.#onFilter = onFilter
  }

  /** For a search that starts anew. */
  reset(): void {
    this.candidates = []
    this.rules = []
    this.filters = []
    this.omitted = {}
    this.#comparisons = []
  }

  passedOver(entries: number): void {
    this.omitted.index = (this.omitted.index ?? 0) + entries
  }

  route(route: Route, entry: ScannedEntry, outcome: 'passed' | TraceFailure): void {
    const comparisons = this.#take()
    if (outcome === 'passed' || this.candidates.length < this.#limits.candidates) {
      this.candidates.push({ route, entry, outcome, comparisons })
    } else this.omitted[outcome.condition] = (this.omitted[outcome.condition] ?? 0) + 1
  }

  rule(rule: Rule, index: number, held: boolean): void {
    this.rules.push({ rule, index, held, comparisons: this.#take() })
  }

  comparison(predicate: Predicate, actual: unknown, held: boolean, other?: unknown): void {
    if (this.#comparisons.length >= this.#limits.comparisons || predicate.kind !== 'test') return
    this.#comparisons.push({ predicate, actual, held, other })
  }

  filter(filter: CompiledRequestFilter, applied: boolean): void {
    const traced = { filter, applied, comparisons: this.#take() }
    this.filters.push(traced)
    this.#onFilter(traced)
  }

  #take(): readonly TracedComparison[] {
    const comparisons = this.#comparisons
    if (comparisons.length > 0) this.#comparisons = []
    return comparisons
  }
}
