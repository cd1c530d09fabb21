import type { Origin } from './origin.ts'
import type { Predicate } from './predicate.ts'
import type { Split } from './split.ts'

/** The first rule in order whose predicate holds decides; null always holds. */
export interface Rule {
  readonly origin: Origin
  readonly predicate: Predicate | null
  readonly split: Split
}
