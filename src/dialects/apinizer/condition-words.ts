/** The words of conditions (spec/apinizer.md 3.3). */

export const TYPES = ['STRING', 'NUMERIC', 'DATE'] as const
export const GROUPS = ['AND', 'OR', 'NOT'] as const
export const PRESENCE = [
  'IS_EXISTS',
  'IS_NOT_EXISTS',
  'IS_EMPTY',
  'IS_NOT_EMPTY',
  'EXISTS_AND_EMPTY',
] as const

const STRING_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH', 'IN'] as const
const NUMERIC_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE', 'IN'] as const
const DATE_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE'] as const

export const ORDER = { LT: 'less', LE: 'lessOrEqual', GT: 'greater', GE: 'greaterOrEqual' } as const

export interface Operator {
  readonly of: (typeof STRING_OPERATORS)[number]
  readonly isNegated: boolean
  readonly ignoresCase: boolean
}

/** Each negative operator is the opposite of its positive one; orderings have neither negative forms nor such that ignore case. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  STRING_OPERATORS.flatMap((of): (readonly [string, Operator])[] => {
    const isOrder = Object.hasOwn(ORDER, of)
    const names: (readonly [string, boolean])[] = [[of, false]]
    if (!isOrder) names.push([of === 'EQ' ? 'NE' : `NOT_${of}`, true])
    return names.flatMap(([name, isNegated]): (readonly [string, Operator])[] => [
      [name, { of, isNegated, ignoresCase: false }],
      ...(isOrder ? [] : [[`${name}_IGNORE_CASE`, { of, isNegated, ignoresCase: true }] as const]),
    ])
  }),
)

export function comparesNumbers({ of, ignoresCase }: Operator): boolean {
  return !ignoresCase && (NUMERIC_OPERATORS as readonly string[]).includes(of)
}

export function comparesDates({ of, ignoresCase }: Operator): boolean {
  return !ignoresCase && (DATE_OPERATORS as readonly string[]).includes(of)
}

/** Joins the values of a list. */
export const SEPARATOR = '#'

/** Digits, a sign, a fraction: what NUMERIC compares. */
export const NUMBER = '-?[0-9]+(\\.[0-9]*)?'
