import type { Comparison } from '../model/predicate.ts'
import type { VariableValue } from './variables.ts'

/** Told of every comparison that was made, in order; those behind a deciding one are never made. */
export interface ComparisonTrace {
  /** `actual` is what the variable gave (undefined: absent), texts as byte strings; `other` the same of a variable that stands as the value. */
  comparison(predicate: Comparison, actual: VariableValue, held: boolean, other?: VariableValue): void
}
