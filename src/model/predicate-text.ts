import type {
  LongNumber,
  Operator,
  OtherVariable,
  Predicate,
  PredicateValue,
  Scalar,
  ValueRules,
} from './predicate.ts'

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
  contains: 'contains',
  startsWith: 'starts with',
  endsWith: 'ends with',
  isNumber: 'is a number',
  isDate: 'is a date',
}

/** Values of a list that are shown; the rest is counted. */
const SHOWN_VALUES = 8

/** A predicate in one line: `http_x_env == "dev" and (arg_v > 3 or not (uri ~ "^/x"))`. */
export function predicateText(predicate: Predicate): string {
  return render(predicate, false)
}

/** What a comparison asks of its variable: `== "dev" ignoring case`, `is absent`. */
export function askedText(operator: Operator, value: PredicateValue, rules?: ValueRules): string {
  if (value === null && operator === 'equal') return 'is absent'
  if (value === null && operator === 'notEqual') return 'is there'
  const sign = OPERATOR_TEXTS[operator]
  if (operator === 'isNumber') return sign
  const text = `${sign} ${valueText(value)}`
  if (rules === 'typedIgnoringCase' || rules === 'textIgnoringCase') return `${text} ignoring case`
  if (typeof rules === 'object') return `${text} as dates ${JSON.stringify(rules.date)}`
  return text
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

function scalarText(value: Scalar | LongNumber | OtherVariable): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('decimal' in value) return value.decimal
  const { variable, separator } = value
  return separator === undefined ? variable : `${variable} split at ${JSON.stringify(separator)}`
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
      return `${variable} ${askedText(operator, value, rules)}`
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
