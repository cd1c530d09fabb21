import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { listField, objectField, textField } from '../../model/json-fields.ts'
import { type Comparison, NEVER, type Predicate, type ValueRules } from '../../model/predicate.ts'
import {
  type ConditionFacts,
  isClientAddress,
  readsBody,
  type Subject,
  variableOf,
} from './condition-values.ts'
import { NUMBER, OPERATORS, type Operator, ORDER, SEPARATOR } from './condition-words.ts'

/**
 * Conditions of addresses (spec/apinizer.md 3.3). Where a value is absent the negative operators are true and the positive ones false: each negative one is
 * the opposite of its positive one.
 */

/** What a condition that `checkCondition` accepts becomes, and which of its values must be numbers. */
export interface AddressCondition {
  readonly when: Predicate
  /** Holds where a value that is compared as a number is there and is none: ERR-020. */
  readonly badNumber: Predicate | null
  /** The same of dates: ERR-021. */
  readonly badDate: Predicate | null
  readonly readsBody: boolean
}

export function translateCondition(
  value: JsonObject,
  facts: ConditionFacts,
  subject: Subject = 'request',
): AddressCondition {
  const reading: Reading = { facts, subject, numbers: [], dates: [], readsBody: false }
  const when = translate(value, reading)
  return {
    when,
    badNumber: anyBad(reading.numbers),
    badDate: anyBad(reading.dates),
    readsBody: reading.readsBody,
  }
}

interface Reading {
  readonly facts: ConditionFacts
  readonly subject: Subject
  /** What each value that is there must be. */
  readonly numbers: Comparison[]
  readonly dates: Comparison[]
  readsBody: boolean
}

function anyBad(tests: readonly Comparison[]): Predicate | null {
  const known = new Map(tests.map((one) => [JSON.stringify(one), one]))
  if (known.size === 0) return null
  return {
    kind: 'any',
    of: [...known.values()].map(
      (test): Predicate => ({ kind: 'all', of: [not(isAbsent(test.variable)), not(test)] }),
    ),
  }
}

function translate(value: JsonObject, reading: Reading): Predicate {
  if (Object.hasOwn(value, 'conditions')) {
    const of = listField(value, 'conditions')
      .filter(isJsonObject)
      .map((entry) => translate(entry, reading))
    const operator = textField(value, 'operator') ?? 'AND'
    if (operator === 'OR') return { kind: 'any', of }
    return operator === 'NOT' ? not({ kind: 'all', of }) : { kind: 'all', of }
  }
  const first = objectField(value, 'firstValue') ?? {}
  if (readsBody(first)) reading.readsBody = true
  const variable = variableOf(first, reading.facts, reading.subject)
  const name = textField(value, 'operator') ?? ''
  const operator = OPERATORS.get(name)
  if (operator === undefined) return presence(name, variable)
  const second = isJsonObject(value.secondValue) ? value.secondValue : null
  if (second !== null && readsBody(second)) reading.readsBody = true
  const other = second === null ? null : variableOf(second, reading.facts, reading.subject)
  const rules = rulesOf(value, operator, { hasOther: other !== null, isBody: readsBody(first) })
  mustBe(value, operator, [variable, other], reading)
  const positive =
    other === null
      ? compareConstant(variable, operator, {
          text: String(value.secondValue),
          rules,
          isNumeric: textField(value, 'type') === 'NUMERIC',
          isAddress: isClientAddress(first),
        })
      : compareVariable(variable, other, operator, rules)
  return operator.isNegated ? not(positive) : positive
}

function presence(name: string, variable: string): Predicate {
  const empty: Predicate = { kind: 'test', variable, operator: 'equal', value: '' }
  const isEmpty: Predicate = { kind: 'any', of: [isAbsent(variable), empty] }
  switch (name) {
    case 'IS_EXISTS':
      return not(isAbsent(variable))
    case 'IS_NOT_EXISTS':
      return isAbsent(variable)
    case 'IS_EMPTY':
      return isEmpty
    case 'IS_NOT_EMPTY':
      return not(isEmpty)
    case 'EXISTS_AND_EMPTY':
      return empty
    default:
      return NEVER
  }
}

/** How both sides are read. Numbers and booleans of bodies are compared with texts as they are written. */
function rulesOf(
  value: JsonObject,
  { ignoresCase }: Operator,
  { hasOther, isBody }: { readonly hasOther: boolean; readonly isBody: boolean },
): ValueRules {
  const type = textField(value, 'type')
  if (type === 'DATE') return { date: textField(value, 'format') ?? '' }
  if (type === 'NUMERIC') return hasOther ? 'number' : 'typed'
  if (hasOther || isBody) return ignoresCase ? 'textIgnoringCase' : 'text'
  return ignoresCase ? 'typedIgnoringCase' : 'typed'
}

/** What the variables of a comparison of numbers, or of dates, must be where they are there. */
function mustBe(
  value: JsonObject,
  operator: Operator,
  [variable, other]: readonly [variable: string, other: string | null],
  reading: Reading,
): void {
  const both = other === null ? [variable] : [variable, other]
  const type = textField(value, 'type')
  if (type === 'NUMERIC') {
    const isList = (name: string): boolean => operator.of === 'IN' && name === other
    const pattern = (name: string): string =>
      isList(name) ? `^${NUMBER}(${SEPARATOR}${NUMBER})*$` : `^${NUMBER}$`
    for (const name of both)
      reading.numbers.push({ kind: 'test', variable: name, operator: 'matches', value: pattern(name) })
  }
  if (type === 'DATE')
    for (const name of both)
      reading.dates.push({
        kind: 'test',
        variable: name,
        operator: 'isDate',
        value: textField(value, 'format') ?? '',
      })
}

function compareConstant(
  variable: string,
  { of }: Operator,
  {
    text,
    rules,
    isNumeric,
    isAddress,
  }: {
    readonly text: string
    readonly rules: ValueRules
    readonly isNumeric: boolean
    readonly isAddress: boolean
  },
): Predicate {
  const parts = of === 'IN' ? text.split(SEPARATOR) : []
  if (of === 'IN' && isAddress) return { kind: 'test', variable, operator: 'inNetwork', value: parts }
  const read = (part: string) => (isNumeric ? { decimal: part } : part)
  const value = of === 'IN' ? parts.map(read) : read(text)
  return { kind: 'test', variable, operator: wordOf(of), value, rules }
}

/** Two values that are both absent are equal. */
function compareVariable(variable: string, other: string, { of }: Operator, rules: ValueRules): Predicate {
  const value = of === 'IN' ? { variable: other, separator: SEPARATOR } : { variable: other }
  const compared: Predicate = { kind: 'test', variable, operator: wordOf(of), value, rules }
  if (of !== 'EQ') return compared
  return { kind: 'any', of: [compared, { kind: 'all', of: [isAbsent(variable), isAbsent(other)] }] }
}

function wordOf(of: Operator['of']): Comparison['operator'] {
  switch (of) {
    case 'EQ':
      return 'equal'
    case 'IN':
      return 'in'
    case 'CONTAINS':
      return 'contains'
    case 'STARTS_WITH':
      return 'startsWith'
    case 'ENDS_WITH':
      return 'endsWith'
    default:
      return ORDER[of]
  }
}

function isAbsent(variable: string): Comparison {
  return { kind: 'test', variable, operator: 'equal', value: null }
}

function not(of: Predicate): Predicate {
  return { kind: 'not', of }
}
