import { toByteString } from '../model/byte-string.ts'
import type {
  DateRules,
  LongNumber,
  Operator,
  OtherVariable,
  PredicateValue,
  Scalar,
  ValueRules,
} from '../model/predicate.ts'
import { checkDateFormat, compileDateFormat, type DateReader } from './date-format.ts'
import { compileLike } from './like.ts'
import { lowerAscii } from './lower-ascii.ts'
import { toNumber } from './number.ts'
import { comparePlainDecimal, type PlainDecimal, parsePlainDecimal, plainNumber } from './plain-decimal.ts'
import type { VariableValue } from './variables.ts'

/** Comparisons with rules (ValueRules in model/predicate.ts): the value's kind says how a variable is read, and absence makes them false. */

export type TypedCheck = (actual: VariableValue) => boolean
export type TypedPair = (left: VariableValue, right: VariableValue) => boolean

/** null: the operator has no rules of its own for such a value. */
export function compileTypedCheck(
  operator: Operator,
  value: Exclude<PredicateValue, OtherVariable>,
  rules: ValueRules,
): TypedCheck | null {
  if (rules === 'number') return compileMeasured(operator, value, readNumber)
  if (typeof rules === 'object') return compileMeasured(operator, value, dateReaderOf(rules))
  if (rules === 'text' || rules === 'textIgnoringCase') return compileWritten(operator, value, rules)
  const isCaseIgnored = ignoresCase(rules)
  if (operator === 'in') return isList(value) ? compileIn(value, isCaseIgnored) : never
  if (operator === 'like') return typeof value === 'string' ? compileTextLike(value, isCaseIgnored) : never
  if (!isOrder(operator)) return null
  if (isList(value)) return never
  if (typeof value === 'string') return compileText(operator, value, isCaseIgnored)
  if (typeof value === 'boolean') return compileBoolean(operator, value)
  if (value === null) return operator === 'notEqual' ? isThere : never
  return compileNumber(operator, typeof value === 'number' ? String(value) : value.decimal)
}

/** The value is another variable. `separator`: of the list that it holds, for `in`. */
export function compileTypedPair(operator: Operator, rules: ValueRules, separator?: string): TypedPair {
  if (operator === 'in')
    return separator === undefined
      ? never
      : inItems(compileTypedPair('equal', rules), toByteString(separator))
  if (operator === 'contains' || operator === 'startsWith' || operator === 'endsWith')
    return findPair(operator, ignoresCase(rules))
  if (!isOrder(operator)) return never
  if (rules === 'number') return pairOf(operator, readNumber)
  if (typeof rules === 'object') return pairOf(operator, dateReaderOf(rules))
  const isCaseIgnored = ignoresCase(rules)
  const isWritten = rules === 'text' || rules === 'textIgnoringCase'
  const holds = HOLDS[operator]
  return (left, right) => {
    const a = isWritten ? writtenText(left) : left
    const b = isWritten ? writtenText(right) : right
    return a !== undefined && b !== undefined && holds(orderOf(a, b, isCaseIgnored))
  }
}

/** Whether one of the items on the right is equal. */
function inItems(isEqual: TypedPair, separator: string): TypedPair {
  return (left, right) => {
    const text = writtenText(right)
    if (left === undefined || text === undefined) return false
    return text.split(separator).some((item) => isEqual(left, item))
  }
}

function findPair(operator: 'contains' | 'startsWith' | 'endsWith', isCaseIgnored: boolean): TypedPair {
  return (left, right) => {
    const a = writtenText(left)
    const b = writtenText(right)
    if (a === undefined || b === undefined) return false
    const text = isCaseIgnored ? lowerAscii(a) : a
    const part = isCaseIgnored ? lowerAscii(b) : b
    if (operator === 'contains') return text.includes(part)
    return operator === 'startsWith' ? text.startsWith(part) : text.endsWith(part)
  }
}

export function ignoresCase(rules: ValueRules | undefined): boolean {
  return rules === 'typedIgnoringCase' || rules === 'textIgnoringCase'
}

// ---- both sides as text ----

/** Numbers and booleans by nature as they are written; undefined: absent, or a list. */
export function writtenText(actual: VariableValue): string | undefined {
  if (typeof actual === 'string') return actual
  return typeof actual === 'number' || typeof actual === 'boolean' ? String(actual) : undefined
}

function compileWritten(
  operator: Operator,
  value: Exclude<PredicateValue, OtherVariable>,
  rules: 'text' | 'textIgnoringCase',
): TypedCheck | null {
  if (operator !== 'in' && operator !== 'like' && !isOrder(operator)) return null
  const written = isList(value) ? value.flatMap((item) => constantText(item) ?? []) : constantText(value)
  if (written === null) return operator === 'notEqual' ? (actual) => writtenText(actual) !== undefined : never
  const typed = rules === 'text' ? 'typed' : 'typedIgnoringCase'
  const check = compileTypedCheck(operator, written, typed) ?? never
  return (actual) => check(writtenText(actual))
}

function constantText(value: Scalar | LongNumber): string | null {
  if (value === null) return null
  return typeof value === 'object' ? value.decimal : String(value)
}

// ---- both sides as numbers, or as moments ----

/** NaN: cannot be read so. */
type Measure = (actual: VariableValue) => number

function readNumber(actual: VariableValue): number {
  if (typeof actual === 'string') return toNumber(actual) ?? Number.NaN
  return typeof actual === 'number' ? actual : Number.NaN
}

/** A number by nature is read as it is written: `20240131` may well be a date. */
export function readDate(read: DateReader, actual: VariableValue): number {
  if (typeof actual === 'string') return read(actual)
  return typeof actual === 'number' ? read(String(actual)) : Number.NaN
}

/** A format that is none reads nothing: documents are refused for it before they come here (`checkDateFormat`). */
function dateReaderOf({ date }: DateRules): Measure {
  if (checkDateFormat(date) !== null) return () => Number.NaN
  const read = compileDateFormat(date)
  return (actual) => readDate(read, actual)
}

function compileMeasured(
  operator: Operator,
  value: Exclude<PredicateValue, OtherVariable>,
  measure: Measure,
): TypedCheck | null {
  const boundOf = (item: Scalar | LongNumber): number => {
    const text = constantText(item)
    return text === null ? Number.NaN : measure(toByteString(text))
  }
  if (operator === 'in') {
    if (!isList(value)) return never
    const bounds = new Set(value.map(boundOf).filter((bound) => !Number.isNaN(bound)))
    return (actual) => bounds.has(measure(actual))
  }
  if (!isOrder(operator)) return null
  const bound = isList(value) ? Number.NaN : boundOf(value)
  if (Number.isNaN(bound)) return never
  const holds = HOLDS[operator]
  return (actual) => {
    const order = orderOfNumbers(measure(actual), bound)
    return !Number.isNaN(order) && holds(order)
  }
}

function pairOf(operator: OrderOperator, measure: Measure): TypedPair {
  const holds = HOLDS[operator]
  return (left, right) => {
    const order = orderOfNumbers(measure(left), measure(right))
    return !Number.isNaN(order) && holds(order)
  }
}

/** Not the difference: that of two infinite ones is none. */
function orderOfNumbers(left: number, right: number): number {
  if (left === right) return 0
  return left < right ? -1 : left > right ? 1 : Number.NaN
}

/** Whether `typed` rules read it as a number. */
export const isPlainNumber: TypedCheck = (actual) => !Number.isNaN(asNumber(actual))

type OrderOperator = 'equal' | 'notEqual' | 'greater' | 'greaterOrEqual' | 'less' | 'lessOrEqual'

const never = () => false
const isThere: TypedCheck = (actual) => actual !== undefined

/** Of an order below 0, 0, above 0, or NaN: there is none. */
const HOLDS: Readonly<Record<OrderOperator, (order: number) => boolean>> = {
  equal: (order) => order === 0,
  notEqual: (order) => order !== 0,
  greater: (order) => order > 0,
  greaterOrEqual: (order) => order >= 0,
  less: (order) => order < 0,
  lessOrEqual: (order) => order <= 0,
}

function isOrder(operator: Operator): operator is OrderOperator {
  return Object.hasOwn(HOLDS, operator)
}

function isList(value: PredicateValue): value is readonly (Scalar | LongNumber)[] {
  return Array.isArray(value)
}

function compileText(operator: OrderOperator, value: string, ignoresCase: boolean): TypedCheck {
  const bytes = toByteString(value)
  if (!ignoresCase) return compileBytes(operator, bytes)
  const check = compileBytes(operator, lowerAscii(bytes))
  return (actual) => check(typeof actual === 'string' ? lowerAscii(actual) : actual)
}

function compileBytes(operator: OrderOperator, bytes: string): TypedCheck {
  // Bytes of UTF-8 have the order of code points.
  switch (operator) {
    case 'equal':
      return (actual) => actual === bytes
    case 'notEqual':
      return (actual) => actual !== undefined && actual !== bytes
    case 'greater':
      return (actual) => typeof actual === 'string' && actual > bytes
    case 'greaterOrEqual':
      return (actual) => typeof actual === 'string' && actual >= bytes
    case 'less':
      return (actual) => typeof actual === 'string' && actual < bytes
    case 'lessOrEqual':
      return (actual) => typeof actual === 'string' && actual <= bytes
  }
}

function compileNumber(operator: OrderOperator, digits: string): TypedCheck {
  const bound = parsePlainDecimal(digits)
  // A number that JavaScript writes with an exponent: whoever means it says it as a LongNumber.
  if (bound === null) return operator === 'notEqual' ? isThere : never
  switch (operator) {
    case 'equal':
      return (actual) => numberOrder(actual, bound) === 0
    case 'notEqual':
      return (actual) => actual !== undefined && numberOrder(actual, bound) !== 0
    case 'greater':
      return (actual) => numberOrder(actual, bound) > 0
    case 'greaterOrEqual':
      return (actual) => numberOrder(actual, bound) >= 0
    case 'less':
      return (actual) => numberOrder(actual, bound) < 0
    case 'lessOrEqual':
      return (actual) => numberOrder(actual, bound) <= 0
  }
}

function numberOrder(actual: VariableValue, bound: PlainDecimal): number {
  if (typeof actual === 'string') return comparePlainDecimal(actual, bound)
  return typeof actual === 'number' ? actual - bound.number : Number.NaN
}

function compileBoolean(operator: OrderOperator, value: boolean): TypedCheck {
  if (operator === 'equal') return (actual) => booleanOf(actual) === value
  if (operator === 'notEqual') return (actual) => actual !== undefined && booleanOf(actual) !== value
  return never
}

function booleanOf(actual: VariableValue): boolean | undefined {
  if (typeof actual === 'boolean') return actual
  if (typeof actual !== 'string' || actual.length < 4 || actual.length > 5) return undefined
  const lower = lowerAscii(actual)
  if (lower === 'true') return true
  return lower === 'false' ? false : undefined
}

function compileTextLike(pattern: string, ignoresCase: boolean): TypedCheck {
  const isLike = compileLike(toByteString(pattern), ignoresCase)
  return (actual) => typeof actual === 'string' && isLike(actual)
}

/** Above this a set is quicker than a walk. */
const SHORT_LIST = 6

function compileIn(items: readonly (Scalar | LongNumber)[], ignoresCase: boolean): TypedCheck {
  const texts = items.filter((item) => typeof item === 'string')
  const isLong = texts.length > SHORT_LIST
  const single = isLong ? items.filter((item) => typeof item !== 'string') : items
  const checks = single
    .filter((item) => item !== null)
    .map((item) => compileTypedCheck('equal', item, ignoresCase ? 'typedIgnoringCase' : 'typed') ?? never)
  if (isLong) checks.unshift(compileSet(texts, ignoresCase))
  return (actual) => {
    for (let i = 0; i < checks.length; i++) if ((checks[i] as TypedCheck)(actual)) return true
    return false
  }
}

function compileSet(texts: readonly string[], ignoresCase: boolean): TypedCheck {
  const bytes = texts.map(toByteString)
  const set = new Set<VariableValue>(ignoresCase ? bytes.map(lowerAscii) : bytes)
  if (!ignoresCase) return (actual) => set.has(actual)
  return (actual) => set.has(typeof actual === 'string' ? lowerAscii(actual) : actual)
}

/** NaN: unequal, and no order. */
function orderOf(left: VariableValue, right: VariableValue, ignoresCase: boolean): number {
  if (typeof left === 'number' || typeof right === 'number') return asNumber(left) - asNumber(right)
  if (typeof left !== 'string' || typeof right !== 'string') return left === right ? 0 : Number.NaN
  const a = ignoresCase ? lowerAscii(left) : left
  const b = ignoresCase ? lowerAscii(right) : right
  return a < b ? -1 : a > b ? 1 : 0
}

function asNumber(value: VariableValue): number {
  if (typeof value === 'string') return plainNumber(value)
  return typeof value === 'number' ? value : Number.NaN
}
