/** A condition on a request, as data. `expression/compile.ts` turns it into a test; it is never evaluated from this form. */
export type Predicate =
  | { readonly kind: 'all'; readonly of: readonly Predicate[] } // empty: true
  | { readonly kind: 'any'; readonly of: readonly Predicate[] } // empty: false
  | { readonly kind: 'not'; readonly of: Predicate }
  | Comparison

export interface Comparison {
  readonly kind: 'test'
  /** Variable by its nginx-style name without `$`: `uri`, `arg_name`, `http_x_env`, `cookie_id` … (expression/variables.ts). */
  readonly variable: string
  readonly operator: Operator
  /** Scalar, or a list for `in` and `inNetwork`. Absent variable is `null`: `equal null` means "is absent". */
  readonly value: PredicateValue
}

export type Scalar = string | number | boolean | null
export type PredicateValue = Scalar | readonly Scalar[]

/**
 * - `equal`, `notEqual`: against a number the variable is converted to one (decimal, sign, exponent, 0x, blanks around);
 *   against anything else type and content must be identical. `notEqual` is true for an absent variable (unless value is null).
 * - `greater` … `lessOrEqual`: both sides convert to numbers, else false.
 * - `matches`, `matchesIgnoringCase`: RE2 pattern found anywhere.
 * - `in`: the value is a list holding an identical element; `has`: the variable is a list holding an identical element.
 * - `inNetwork`: the variable is an address in one of the addresses or CIDR blocks.
 */
export type Operator =
  | 'equal'
  | 'notEqual'
  | 'greater'
  | 'greaterOrEqual'
  | 'less'
  | 'lessOrEqual'
  | 'matches'
  | 'matchesIgnoringCase'
  | 'in'
  | 'has'
  | 'inNetwork'

export const ALWAYS: Predicate = { kind: 'all', of: [] }
