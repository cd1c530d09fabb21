import { checkDateFormat, compileDateFormat } from '../../expression/date-format.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { listField, objectField, textField } from '../../model/json-fields.ts'
import { ALWAYS, type Comparison, NEVER, type Predicate } from '../../model/predicate.ts'
import { suggest } from '../../model/suggest.ts'
import { type Faults, joinPath } from './shape.ts'

/**
 * Conditions of addresses (spec/apinizer.md 3.3). Where a value is absent the negative operators are true and the positive ones false: each negative one is
 * the opposite of its positive one.
 */

const SOURCES = ['HEADER', 'QUERY', 'BODY_JSON', 'CLIENT_IP', 'ENVIRONMENT'] as const
const TYPES = ['STRING', 'NUMERIC', 'DATE'] as const
const GROUPS = ['AND', 'OR', 'NOT'] as const

const STRING_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH', 'IN'] as const
const NUMERIC_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE', 'IN'] as const
const DATE_OPERATORS = ['EQ', 'LT', 'LE', 'GT', 'GE'] as const
const PRESENCE = ['IS_EXISTS', 'IS_NOT_EXISTS', 'IS_EMPTY', 'IS_NOT_EMPTY', 'EXISTS_AND_EMPTY'] as const
const ORDER = { LT: 'less', LE: 'lessOrEqual', GT: 'greater', GE: 'greaterOrEqual' } as const

type Positive = (typeof STRING_OPERATORS)[number]

interface Operator {
  readonly of: Positive
  readonly isNegated: boolean
  readonly ignoresCase: boolean
}

const ALL_OPERATORS: ReadonlyMap<string, Operator> = new Map(
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

/** Digits, a sign, a fraction: what NUMERIC compares. */
const NUMBER = '^-?[0-9]+(\\.[0-9]*)?$'
const NUMBER_WORDS = /^-?[0-9]+(\.[0-9]*)?$/

/** Every fault of a condition as it is written. */
export function checkCondition(value: JsonValue, path: string, faults: Faults, depth = 0): void {
  if (!isJsonObject(value)) return faults.add(path, 'a condition must be an object')
  if (depth > 16) return faults.add(path, 'conditions nest at most 16 deep')
  if (Object.hasOwn(value, 'conditions')) return checkGroup(value, path, faults, depth)
  const first = objectField(value, 'firstValue')
  const known = ['firstValue', 'type', 'operator', 'secondValue', 'format']
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const near = suggest(key, known)
    faults.add(
      joinPath(path, key),
      `a condition has no field ${key}`,
      near === null ? null : `did you mean ${near}?`,
    )
  }
  if (first === null) faults.add(joinPath(path, 'firstValue'), 'firstValue is required: {source, name}')
  else checkFirst(first, joinPath(path, 'firstValue'), faults)
  const type = textField(value, 'type') ?? 'STRING'
  if (!(TYPES as readonly string[]).includes(type))
    return faults.add(joinPath(path, 'type'), `type must be ${TYPES.join(', ')}`)
  checkOperator(value, type, path, faults)
}

function checkGroup(value: JsonObject, path: string, faults: Faults, depth: number): void {
  const operator = textField(value, 'operator') ?? 'AND'
  if (!(GROUPS as readonly string[]).includes(operator))
    faults.add(joinPath(path, 'operator'), `the operator of a group must be ${GROUPS.join(', ')}`)
  const of = listField(value, 'conditions')
  if (of.length === 0)
    faults.add(joinPath(path, 'conditions'), 'conditions must be a list with one condition at least')
  for (const [i, entry] of of.entries())
    checkCondition(entry, `${joinPath(path, 'conditions')}[${i}]`, faults, depth + 1)
}

function checkFirst(first: JsonObject, path: string, faults: Faults): void {
  const source = textField(first, 'source') ?? ''
  if (source === 'BODY_XML' || source === 'CONTEXT')
    return faults.add(
      joinPath(path, 'source'),
      `source ${source} is not supported; there are ${SOURCES.join(', ')}`,
    )
  if (!(SOURCES as readonly string[]).includes(source))
    return faults.add(joinPath(path, 'source'), `source must be ${SOURCES.join(', ')}`)
  if (source !== 'CLIENT_IP' && (textField(first, 'name') ?? '') === '')
    faults.add(joinPath(path, 'name'), `name is required: which ${source} is meant`)
}

function checkOperator(value: JsonObject, type: string, path: string, faults: Faults): void {
  const name = textField(value, 'operator') ?? ''
  const place = joinPath(path, 'operator')
  if ((PRESENCE as readonly string[]).includes(name)) return
  const operator = ALL_OPERATORS.get(name)
  if (operator === undefined) {
    const near = suggest(name, [...ALL_OPERATORS.keys(), ...PRESENCE])
    return faults.add(place, `there is no operator ${name}`, near === null ? null : `did you mean ${near}?`)
  }
  if (type === 'DATE') return checkDate(value, operator, path, faults)
  const isNumeric = type === 'NUMERIC'
  if (isNumeric && (operator.ignoresCase || !(NUMERIC_OPERATORS as readonly string[]).includes(operator.of)))
    return faults.add(place, `${name} does not compare numbers`)
  const second = value.secondValue
  const where = joinPath(path, 'secondValue')
  if (typeof second !== 'string' && typeof second !== 'number')
    return faults.add(where, 'secondValue is required: a text or a number')
  if (!isNumeric) return
  const parts = operator.of === 'IN' ? String(second).split('#') : [String(second)]
  for (const part of parts) if (!NUMBER_WORDS.test(part)) faults.add(where, `${part} is no number`)
}

function checkDate(value: JsonObject, { of, ignoresCase }: Operator, path: string, faults: Faults): void {
  if (ignoresCase || !(DATE_OPERATORS as readonly string[]).includes(of))
    faults.add(joinPath(path, 'operator'), 'dates are compared by EQ, NE, LT, LE, GT, GE')
  if (textField(objectField(value, 'firstValue') ?? {}, 'source') === 'ENVIRONMENT')
    faults.add(
      joinPath(path, 'firstValue.source'),
      'variables of the environment are compared as texts and numbers',
    )
  const format = textField(value, 'format')
  if (format === null)
    return faults.add(joinPath(path, 'format'), 'format is required with DATE, as yyyy-MM-dd')
  const fault = checkDateFormat(format)
  if (fault !== null) return faults.add(joinPath(path, 'format'), fault)
  const second = textField(value, 'secondValue')
  if (second === null || Number.isNaN(compileDateFormat(format)(second)))
    faults.add(joinPath(path, 'secondValue'), `secondValue must be a date of the form ${format}`)
}

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
  variables: Readonly<Record<string, string>>,
): AddressCondition {
  const numeric = new Set<string>()
  const dates = new Map<string, string>()
  const reading = { numeric, dates, variables, readsBody: false }
  const when = translate(value, reading)
  const badDates = [...dates].map(
    ([variable, format]): Predicate => ({
      kind: 'all',
      of: [
        { kind: 'not', of: comparison(variable, 'equal', null) },
        { kind: 'not', of: comparison(variable, 'isDate', format) },
      ],
    }),
  )
  const bad = [...numeric].map(
    (variable): Predicate => ({
      kind: 'all',
      of: [
        { kind: 'not', of: comparison(variable, 'equal', null) },
        { kind: 'not', of: comparison(variable, 'matches', NUMBER) },
      ],
    }),
  )
  return {
    when,
    badNumber: bad.length === 0 ? null : { kind: 'any', of: bad },
    badDate: badDates.length === 0 ? null : { kind: 'any', of: badDates },
    readsBody: reading.readsBody,
  }
}

interface Reading {
  readonly numeric: Set<string>
  /** Formats by variable. */
  readonly dates: Map<string, string>
  readonly variables: Readonly<Record<string, string>>
  readsBody: boolean
}

function translate(value: JsonObject, reading: Reading): Predicate {
  if (Object.hasOwn(value, 'conditions')) {
    const of = listField(value, 'conditions')
      .filter(isJsonObject)
      .map((entry) => translate(entry, reading))
    const operator = textField(value, 'operator') ?? 'AND'
    if (operator === 'OR') return { kind: 'any', of }
    return operator === 'NOT' ? { kind: 'not', of: { kind: 'all', of } } : { kind: 'all', of }
  }
  const first = objectField(value, 'firstValue') ?? {}
  const source = textField(first, 'source') ?? ''
  const name = textField(first, 'name') ?? ''
  if (source === 'ENVIRONMENT') return ofConstant(value, reading.variables[name])
  const variable = variableOf(source, name)
  if (source === 'BODY_JSON') reading.readsBody = true
  return translateTest(value, variable, source, reading)
}

function variableOf(source: string, name: string): string {
  switch (source) {
    case 'HEADER':
      return `http_${name.toLowerCase().replaceAll('-', '_')}`
    case 'QUERY':
      return `query:${name}`
    case 'BODY_JSON':
      return `post_arg.${name.replace(/^\$\.?/, '')}`
    default:
      return 'remote_addr'
  }
}

function translateTest(value: JsonObject, variable: string, source: string, reading: Reading): Predicate {
  const name = textField(value, 'operator') ?? ''
  const absent = comparison(variable, 'equal', null)
  const empty = comparison(variable, 'equal', '')
  switch (name) {
    case 'IS_EXISTS':
      return { kind: 'not', of: absent }
    case 'IS_NOT_EXISTS':
      return absent
    case 'IS_EMPTY':
      return { kind: 'any', of: [absent, empty] }
    case 'IS_NOT_EMPTY':
      return { kind: 'not', of: { kind: 'any', of: [absent, empty] } }
    case 'EXISTS_AND_EMPTY':
      return empty
    default:
  }
  const operator = ALL_OPERATORS.get(name)
  if (operator === undefined) return NEVER
  const type = textField(value, 'type')
  const format = textField(value, 'format')
  if (type === 'DATE' && format !== null) {
    reading.dates.set(variable, format)
    const rules = { date: format }
    const word = operator.of === 'EQ' ? 'equal' : ORDER[operator.of as keyof typeof ORDER]
    const positive: Predicate = {
      kind: 'test',
      variable,
      operator: word,
      value: String(value.secondValue),
      rules,
    }
    return operator.isNegated ? { kind: 'not', of: positive } : positive
  }
  const isNumeric = type === 'NUMERIC'
  if (isNumeric) reading.numeric.add(variable)
  const positive = compare(variable, operator, {
    second: String(value.secondValue),
    isNumeric,
    isAddress: source === 'CLIENT_IP',
  })
  return operator.isNegated ? { kind: 'not', of: positive } : positive
}

function compare(
  variable: string,
  { of, ignoresCase }: Operator,
  { second, isNumeric, isAddress }: { second: string; isNumeric: boolean; isAddress: boolean },
): Predicate {
  const rules = ignoresCase ? 'typedIgnoringCase' : 'typed'
  const read = (text: string) => (isNumeric ? { decimal: text } : text)
  if (of === 'EQ') return { kind: 'test', variable, operator: 'equal', value: read(second), rules }
  if (of === 'IN') {
    const parts = second.split('#')
    if (isAddress) return comparison(variable, 'inNetwork', parts)
    return { kind: 'test', variable, operator: 'in', value: parts.map(read), rules }
  }
  if (Object.hasOwn(ORDER, of))
    return { kind: 'test', variable, operator: ORDER[of as keyof typeof ORDER], value: read(second), rules }
  const quoted = second.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = of === 'STARTS_WITH' ? `^${quoted}` : of === 'ENDS_WITH' ? `${quoted}$` : quoted
  return comparison(variable, ignoresCase ? 'matchesIgnoringCase' : 'matches', pattern)
}

function comparison(
  variable: string,
  operator: Comparison['operator'],
  value: Comparison['value'],
): Comparison {
  return { kind: 'test', variable, operator, value }
}

/** A variable of the environment is known beforehand: so is the answer. */
function ofConstant(value: JsonObject, actual: string | undefined): Predicate {
  const name = textField(value, 'operator') ?? ''
  const is = (holds: boolean): Predicate => (holds ? ALWAYS : NEVER)
  switch (name) {
    case 'IS_EXISTS':
      return is(actual !== undefined)
    case 'IS_NOT_EXISTS':
      return is(actual === undefined)
    case 'IS_EMPTY':
      return is(actual === undefined || actual === '')
    case 'IS_NOT_EMPTY':
      return is(actual !== undefined && actual !== '')
    case 'EXISTS_AND_EMPTY':
      return is(actual === '')
    default:
  }
  const operator = ALL_OPERATORS.get(name)
  if (operator === undefined) return NEVER
  const holds =
    actual !== undefined &&
    holdsFor(operator, actual, String(value.secondValue), textField(value, 'type') === 'NUMERIC')
  return is(holds !== operator.isNegated)
}

function holdsFor({ of, ignoresCase }: Operator, one: string, two: string, isNumeric: boolean): boolean {
  const [a, b] = ignoresCase ? [one.toLowerCase(), two.toLowerCase()] : [one, two]
  const order = isNumeric ? Math.sign(Number(a) - Number(b)) : a < b ? -1 : a > b ? 1 : 0
  switch (of) {
    case 'EQ':
      return order === 0
    case 'LT':
      return order < 0
    case 'LE':
      return order <= 0
    case 'GT':
      return order > 0
    case 'GE':
      return order >= 0
    case 'CONTAINS':
      return a.includes(b)
    case 'STARTS_WITH':
      return a.startsWith(b)
    case 'ENDS_WITH':
      return a.endsWith(b)
    case 'IN':
      return b.split('#').some((part) => (isNumeric ? Number(part) === Number(a) : part === a))
  }
}
