import { compileLike } from '../../../expression/like.ts'
import { compileNetworks } from '../../../expression/network.ts'
import {
  comparePlainDecimal,
  type PlainDecimal,
  parsePlainDecimal,
} from '../../../expression/plain-decimal.ts'
import { toByteString } from '../../../model/byte-string.ts'
import type { CompareOperator, Literal } from './condition.ts'

/** Comparisons of constants, made once: two literals beside an operator are always or never true. */

/** Same types compare, mixed ones are unequal and have no order (spec/tencent.md 3.3). */
export function compareLiterals(operator: CompareOperator, left: Literal, right: Literal): boolean {
  if (left.kind === 'boolean' && right.kind === 'boolean') {
    if (operator === '=') return left.value === right.value
    return operator === '!=' && left.value !== right.value
  }
  return holds(operator, orderOf(left, right))
}

export function isInLiterals(value: Literal, list: readonly Literal[]): boolean {
  return list.some((one) => compareLiterals('=', value, one))
}

export function isLiteralLike(value: Literal, pattern: string): boolean {
  return value.kind === 'text' && compileLike(toByteString(pattern), false)(toByteString(value.value))
}

export function isLiteralInNetworks(value: Literal, networks: readonly string[]): boolean {
  return value.kind === 'text' && compileNetworks(networks)(value.value)
}

/** Below 0, 0 or above 0; NaN where there is no order. */
function orderOf(left: Literal, right: Literal): number {
  if (left.kind === 'text' && right.kind === 'text') {
    const [a, b] = [toByteString(left.value), toByteString(right.value)]
    return a < b ? -1 : a > b ? 1 : 0
  }
  if (left.kind === 'number' && right.kind === 'number') {
    return comparePlainDecimal(left.digits, parsePlainDecimal(right.digits) as PlainDecimal)
  }
  return Number.NaN
}

function holds(operator: CompareOperator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}
