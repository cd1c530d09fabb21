import type { LongNumber, Operator, Predicate, PredicateValue, Scalar } from './predicate.ts'

/** Signs of comparisons, for people. */
export const OPERATOR_TEXTS: Readonly<Record<Operator, string>> = {
  equal: '==',
  notEqual: '!=',
  greater: '>',
  greaterOrEqual: '>=',
  less: '<',
  lessOrEqual: '<=',
  matches: '~',
  matchesIgnoringCase: '~*',
  in: 'in',
  has: 'has',
  inNetwork: 'in network',
  like: 'like',
}

/** Values of a list that are shown; the rest is counted. */
const SHOWN_VALUES = 8

/** A predicate in one line: `http_x_env == "dev" and (arg_v > 3 or not (uri ~ "^/x"))`. */
export function predicateText(predicate: Predicate): string {
  return render(predicate, false)
}

export function valueText(value: PredicateValue): string {
  if (!isList(value)) return scalarText(value)
  const shown = value.slice(0, SHOWN_VALUES).map(scalarText)
  if (value.length > SHOWN_VALUES) shown.push(`… ${value.length - SHOWN_VALUES} more`)
  return `[${shown.join(', ')}]`
}

function isList(value: PredicateValue): value is Extract<PredicateValue, readonly unknown[]> {
  return Array.isArray(value)
}

function scalarText(value: Scalar | LongNumber | { readonly variable: string }): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return 'decimal' in value ? value.decimal : value.variable
}

function render(predicate: Predicate, isInner: boolean): string {
  switch (predicate.kind) {
    case 'all':
      return list(predicate.of, ' and ', 'always', isInner)
    case 'any':
      return list(predicate.of, ' or ', 'never', isInner)
    case 'not':
      return `not (${render(predicate.of, false)})`
    case 'test': {
      const { variable, operator, value, rules } = predicate
      if (value === null && operator === 'equal') return `${variable} is absent`
      if (value === null && operator === 'notEqual') return `${variable} is there`
      const text = `${variable} ${OPERATOR_TEXTS[operator]} ${valueText(value)}`
      return rules === 'typedIgnoringCase' ? `${text} ignoring case` : text
    }
  }
}

function list(parts: readonly Predicate[], joint: string, none: string, isInner: boolean): string {
  const [first] = parts
  if (first === undefined) return none
  if (parts.length === 1) return render(first, isInner)
  const text = parts.map((part) => render(part, true)).join(joint)
  return isInner ? `(${text})` : text
}
