import { toByteString } from '../model/byte-string.ts'
import type { Comparison, OtherVariable, Predicate, PredicateValue, Scalar } from '../model/predicate.ts'
import { compileDateFormat, type DateReader } from './date-format.ts'
import { compileLike } from './like.ts'
import { lowerAscii } from './lower-ascii.ts'
import { compileNetworks } from './network.ts'
import { toNumber } from './number.ts'
import { compilePattern } from './pattern.ts'
import type { RequestView } from './request-view.ts'
import { SharedReads } from './shared-reads.ts'
import type { ComparisonTrace } from './trace.ts'
import {
  compileTypedCheck,
  compileTypedPair,
  ignoresCase,
  isPlainNumber,
  readDate,
  writtenText,
} from './typed-comparison.ts'
import type { VariableValue } from './variables.ts'

export { type EqualityKey, equalityKey, equalityKeys } from './equality-keys.ts'

/** A predicate, ready to run. Semantics: model/predicate.ts and spec/apisix.md 7.3. */
export interface CompiledPredicate {
  /** Never throws. If `needsBody`, `view.body` must not be undefined. */
  test(view: RequestView, trace: ComparisonTrace | null): boolean
  readonly needsBody: boolean
}

type Test = CompiledPredicate['test']
type Check = (actual: VariableValue) => boolean

const NOTHING_SHARED = new SharedReads([])
const always: Test = () => true
const never: Test = () => false
const neverHolds: Check = () => false

/**
 * One closure a node. `all` and `any` stop at the first part that decides, so the variables behind it are not read. A pattern that does
 * not compile never matches: documents are refused for it before they come here (`checkPattern`). `reads`: what other predicates read as well.
 */
export function compilePredicate(
  predicate: Predicate,
  reads: SharedReads = NOTHING_SHARED,
): CompiledPredicate {
  switch (predicate.kind) {
    case 'all':
      return compileList(predicate.of, allOf, reads)
    case 'any':
      return compileList(predicate.of, anyOf, reads)
    case 'not': {
      const { test, needsBody } = compilePredicate(predicate.of, reads)
      return { test: (view, trace) => !test(view, trace), needsBody }
    }
    case 'test':
      return compileComparison(predicate, reads)
  }
}

function compileList(
  parts: readonly Predicate[],
  join: (tests: readonly Test[]) => Test,
  reads: SharedReads,
): CompiledPredicate {
  const compiled = parts.map((part) => compilePredicate(part, reads))
  return {
    test: join(compiled.map((part) => part.test)),
    needsBody: compiled.some((part) => part.needsBody),
  }
}

function allOf(tests: readonly Test[]): Test {
  const [first, second] = tests
  if (first === undefined) return always
  if (second === undefined) return first
  if (tests.length === 2) return (view, trace) => first(view, trace) && second(view, trace)
  return (view, trace) => {
    for (let i = 0; i < tests.length; i++) if (!(tests[i] as Test)(view, trace)) return false
    return true
  }
}

function anyOf(tests: readonly Test[]): Test {
  const [first, second] = tests
  if (first === undefined) return never
  if (second === undefined) return first
  if (tests.length === 2) return (view, trace) => first(view, trace) || second(view, trace)
  return (view, trace) => {
    for (let i = 0; i < tests.length; i++) if ((tests[i] as Test)(view, trace)) return true
    return false
  }
}

function compileComparison(comparison: Comparison, reads: SharedReads): CompiledPredicate {
  const { read, needsBody } = reads.variable(comparison.variable)
  const { operator, rules } = comparison
  const isExact = operator === 'equal' && (rules === undefined || rules === 'typed')
  const text = isExact ? comparison.value : null
  if (typeof text === 'string') {
    // By far the commonest test: one field against one text.
    const bytes = toByteString(text)
    const test: Test = (view, trace) => {
      const actual = read(view)
      const held = actual === bytes
      if (trace !== null) trace.comparison(comparison, actual, held)
      return held
    }
    return { test, needsBody }
  }
  const { value } = comparison
  if (isVariable(value)) return compilePair(comparison, value, reads)
  const typed = rules === undefined ? null : compileTypedCheck(operator, value, rules)
  const check = typed ?? compileCheck(comparison)
  const test: Test = (view, trace) => {
    const actual = read(view)
    const held = check(actual)
    if (trace !== null) trace.comparison(comparison, actual, held)
    return held
  }
  return { test, needsBody }
}

/** Two variables. Without rules there is no such comparison: it never holds. */
function compilePair(
  comparison: Comparison,
  { variable, separator }: OtherVariable,
  reads: SharedReads,
): CompiledPredicate {
  const left = reads.variable(comparison.variable)
  const right = reads.variable(variable)
  const { operator, rules = null } = comparison
  const holds = rules === null ? neverHolds : compileTypedPair(operator, rules, separator)
  const test: Test = (view, trace) => {
    const actual = left.read(view)
    const other = right.read(view)
    const held = holds(actual, other)
    if (trace !== null) trace.comparison(comparison, actual, held, other)
    return held
  }
  return { test, needsBody: left.needsBody || right.needsBody }
}

function isVariable(value: PredicateValue): value is OtherVariable {
  return typeof value === 'object' && value !== null && 'variable' in value
}

function compileCheck({ operator, value, rules }: Comparison): Check {
  switch (operator) {
    case 'equal':
      return compileEqual(value)
    case 'notEqual': {
      const isEqual = compileEqual(value)
      return (actual) => !isEqual(actual)
    }
    case 'greater':
    case 'greaterOrEqual':
    case 'less':
    case 'lessOrEqual':
      return compileOrder(operator, value)
    case 'matches':
      return compileMatch(value, false)
    case 'matchesIgnoringCase':
      return compileMatch(value, true)
    case 'in':
      return compileIn(value)
    case 'has':
      return compileHas(value)
    case 'inNetwork': {
      const list = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
      const isInside = compileNetworks(list)
      return (actual) => typeof actual === 'string' && isInside(actual)
    }
    case 'like': {
      if (typeof value !== 'string') return neverHolds
      const isLike = compileLike(toByteString(value), false)
      return (actual) => typeof actual === 'string' && isLike(actual)
    }
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return typeof value === 'string' ? compileFind(operator, value, ignoresCase(rules)) : neverHolds
    case 'isNumber':
      return rules === 'typed' || rules === 'typedIgnoringCase'
        ? isPlainNumber
        : (actual) => !Number.isNaN(numberOf(actual) ?? Number.NaN)
    case 'isDate': {
      const read = typeof value === 'string' ? tryDateFormat(value) : null
      return read === null ? neverHolds : (actual) => !Number.isNaN(readDate(read, actual))
    }
  }
}

/** A format that is none never reads anything: documents are refused for it before they come here (`checkDateFormat`). */
function tryDateFormat(format: string): DateReader | null {
  try {
    return compileDateFormat(format)
  } catch {
    return null
  }
}

function compileFind(
  operator: 'contains' | 'startsWith' | 'endsWith',
  value: string,
  isCaseIgnored: boolean,
): Check {
  const bytes = isCaseIgnored ? lowerAscii(toByteString(value)) : toByteString(value)
  const read = (actual: VariableValue): string | undefined => {
    const text = writtenText(actual)
    return isCaseIgnored && text !== undefined ? lowerAscii(text) : text
  }
  switch (operator) {
    case 'contains':
      return (actual) => read(actual)?.includes(bytes) === true
    case 'startsWith':
      return (actual) => read(actual)?.startsWith(bytes) === true
    case 'endsWith':
      return (actual) => read(actual)?.endsWith(bytes) === true
  }
}

/** A number is compared as a number, null with absence, all else without conversion. Two lists are never identical. */
function compileEqual(value: PredicateValue): Check {
  if (typeof value === 'number') return (actual) => numberOf(actual) === value
  if (value === null) return (actual) => actual === undefined
  if (typeof value === 'object') return neverHolds
  const constant = typeof value === 'string' ? toByteString(value) : value
  return (actual) => actual === constant
}

function compileOrder(
  operator: 'greater' | 'greaterOrEqual' | 'less' | 'lessOrEqual',
  value: PredicateValue,
): Check {
  const bound = typeof value === 'string' ? toNumber(value) : value
  if (typeof bound !== 'number') return neverHolds
  switch (operator) {
    case 'greater':
      return (actual) => (numberOf(actual) ?? Number.NaN) > bound
    case 'greaterOrEqual':
      return (actual) => (numberOf(actual) ?? Number.NaN) >= bound
    case 'less':
      return (actual) => (numberOf(actual) ?? Number.NaN) < bound
    case 'lessOrEqual':
      return (actual) => (numberOf(actual) ?? Number.NaN) <= bound
  }
}

/** Numbers (from JSON bodies) match as their text; booleans and lists do not match. */
function compileMatch(value: PredicateValue, ignoreCase: boolean): Check {
  if (typeof value !== 'string' && typeof value !== 'number') return neverHolds
  const pattern = tryPattern(String(value), ignoreCase)
  if (pattern === null) return neverHolds
  return (actual) => {
    if (typeof actual === 'string') return pattern.test(actual)
    return typeof actual === 'number' && pattern.test(String(actual))
  }
}

function tryPattern(source: string, ignoreCase: boolean) {
  try {
    return compilePattern(source, { ignoreCase })
  } catch {
    return null
  }
}

/** Above this a set is quicker than a walk. */
const SHORT_LIST = 6

function compileIn(value: PredicateValue): Check {
  if (!Array.isArray(value)) return neverHolds
  const items = value.filter((item) => item !== null && typeof item !== 'object').map(constantOf)
  if (items.length > SHORT_LIST) {
    const set = new Set<VariableValue>(items)
    return (actual) => set.has(actual)
  }
  return (actual) => {
    for (let i = 0; i < items.length; i++) if (items[i] === actual) return true
    return false
  }
}

function compileHas(value: PredicateValue): Check {
  if (value === null || typeof value === 'object') return neverHolds
  const wanted = constantOf(value)
  return (actual) => typeof actual === 'object' && actual.includes(wanted)
}

function constantOf(value: NonNullable<Scalar>): string | number | boolean {
  return typeof value === 'string' ? toByteString(value) : value
}

/** Lists and booleans are no numbers. */
function numberOf(actual: VariableValue): number | undefined {
  if (typeof actual === 'string') return toNumber(actual)
  return typeof actual === 'number' ? actual : undefined
}
