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
 *
 * The other rules read both sides alike, whatever the kind of the value, and make a comparison false, `notEqual` included, where a side is absent or cannot be read so:
 * - `text`, `textIgnoringCase`: as text, numbers and booleans by nature as they are written; in the order of code points.
 * - `number`: as `greater` reads texts without rules.
 * - `date`: as dates of that format (expression/date-format.ts), by their moment.
 */
export type ValueRules = 'typed' | 'typedIgnoringCase' | 'text' | 'textIgnoringCase' | 'number' | DateRules

export interface DateRules {
  /** In the letters of Java: `yyyy-MM-dd'T'HH:mm:ssXXX`. */
  readonly date: string
}

export type Scalar = string | number | boolean | null
/** With rules a value may also be a number that is written out because no double holds it, or the name of another variable. */
export type PredicateValue = Scalar | LongNumber | OtherVariable | readonly (Scalar | LongNumber)[]

export interface OtherVariable {
  readonly variable: string
  /** For `in`: what stands between the items of the list that the variable's text is. Not empty. */
  readonly separator?: string
}

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
 * - `contains`, `startsWith`, `endsWith`: the value, a text, stands in the variable's text (that of a number or boolean as it is written).
 * - `isNumber`: the variable can be read as a number: as `greater` reads it, or with `typed` rules as those say. The value is null.
 * - `isDate`: the variable can be read as a date of the format that the value is.
 *
 * An absent variable makes all of them false but `notEqual`, and `equal` to null.
 * With rules (`typed`): `equal` to `lessOrEqual`, `in` and `like`; with those that ignore case also `contains` to `endsWith`.
 * Against another variable: `equal` to `lessOrEqual`, `contains` to `endsWith`, and `in` where it has a separator.
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
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | 'isNumber'
  | 'isDate'

export const ALWAYS: Predicate = { kind: 'all', of: [] }
export const NEVER: Predicate = { kind: 'any', of: [] }
