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
  /** How the two sides are read; without, as the operator says. */
  readonly rules?: ValueRules
}

/**
 * The kind of the value says how the variable's text is read, and an absent variable makes the comparison false, whatever its operator:
 * - text: as text, in the order of its code points.
 * - number: digits, with a `-` before and a fraction behind them or not, of any length; other text is no number and unequal to all.
 * - boolean: `true` or `false` in any case; other text is unequal to both, and none is less or greater.
 * - another variable: as text, or as numbers where one of them is a number by nature. Absence of either makes it false.
 * - list: each element as above.
 *
 * `typedIgnoringCase`: ASCII letters of texts are the same in both cases. Operators that are not named under `typed` below read as they do without.
 */
export type ValueRules = 'typed' | 'typedIgnoringCase'

export type Scalar = string | number | boolean | null
/** With rules a value may also be a number that is written out because no double holds it, or the name of another variable. */
export type PredicateValue =
  | Scalar
  | LongNumber
  | { readonly variable: string }
  | readonly (Scalar | LongNumber)[]

/** A number by its digits: `-` or none, digits, and `.` with digits or none. For what has more than 15 of them, or an exponent in JavaScript. */
export interface LongNumber {
  readonly decimal: string
}

/**
 * - `equal`, `notEqual`: against a number the variable is converted to one (decimal, sign, exponent, 0x, blanks around);
 *   against anything else type and content must be identical. `notEqual` is true for an absent variable (unless value is null).
 * - `greater` … `lessOrEqual`: both sides convert to numbers, else false.
 * - `matches`, `matchesIgnoringCase`: RE2 pattern found anywhere.
 * - `in`: the value is a list holding an identical element; `has`: the variable is a list holding an identical element.
 * - `inNetwork`: the variable is an address in one of the addresses or CIDR blocks.
 * - `like`: the whole text, in which `%` stands for any run of characters.
 *
 * With rules (`typed`): `equal` to `lessOrEqual`, `in` and `like`.
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
  | 'like'

export const ALWAYS: Predicate = { kind: 'all', of: [] }
export const NEVER: Predicate = { kind: 'any', of: [] }
