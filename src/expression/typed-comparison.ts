import { toByteString } from '../model/byte-string.ts'
import type { LongNumber, Operator, PredicateValue, Scalar, ValueRules } from '../model/predicate.ts'
import { compileLike } from './like.ts'
import { lowerAscii } from './lower-ascii.ts'
import { comparePlainDecimal, type PlainDecimal, parsePlainDecimal, plainNumber } from './plain-decimal.ts'
import type { VariableValue } from './variables.ts'

/** Comparisons with rules (ValueRules in model/predicate.ts): the value's kind says how a variable is read, and absence makes them false. */

export type TypedCheck = (actual: VariableValue) => boolean
export type TypedPair = (left: VariableValue, right: VariableValue) => boolean

/** null: the operator has no rules of its own for such a value. */
export function compileTypedCheck(
  operator: Operator,
  value: Exclude<PredicateValue, { readonly variable: string }>,
  rules: ValueRules,
): TypedCheck | null {
  const ignoresCase = rules === 'typedIgnoringCase'
  if (operator === 'in') return isList(value) ? compileIn(value, ignoresCase) : never
  if (operator === 'like') return typeof value === 'string' ? compileTextLike(value, ignoresCase) : never
  if (!isOrder(operator)) return null
  if (isList(value)) return never
  if (typeof value === 'string') return compileText(operator, value, ignoresCase)
  if (typeof value === 'boolean') return compileBoolean(operator, value)
  if (value === null) return operator === 'notEqual' ? isThere : never
  return compileNumber(operator, typeof value === 'number' ? String(value) : value.decimal)
}

/** The value is another variable. */
export function compileTypedPair(operator: Operator, rules: ValueRules): TypedPair {
  if (!isOrder(operator)) return never
  const ignoresCase = rules === 'typedIgnoringCase'
  const holds = HOLDS[operator]
  return (left, right) =>
    left !== undefined && right !== undefined && holds(orderOf(left, right, ignoresCase))
}

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
