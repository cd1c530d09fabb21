import { toByteString } from '../model/byte-string.ts'
import type { Comparison, Predicate, PredicateValue, Scalar } from '../model/predicate.ts'
import { compileNetworks } from './network.ts'
import { toNumber } from './number.ts'
import { compilePattern } from './pattern.ts'
import type { RequestView } from './request-view.ts'
import type { ComparisonTrace } from './trace.ts'
import { compileVariable, type VariableValue } from './variables.ts'

export { type EqualityKey, equalityKey, equalityKeys } from './equality-keys.ts'

/** A predicate, ready to run. Semantics: model/predicate.ts and spec/apisix.md 7.3. */
export interface CompiledPredicate {
  /** Never throws. If `needsBody`, `view.body` must not be undefined. */
  test(view: RequestView, trace: ComparisonTrace | null): boolean
  readonly needsBody: boolean
}

type Test = CompiledPredicate['test']
type Check = (actual: VariableValue) => boolean

const always: Test = () => true
const never: Test = () => false
const neverHolds: Check = () => false

/**
 * One closure a node. `all` and `any` stop at the first part that decides, so the variables behind it are not read. A pattern that does
 * not compile never matches: documents are refused for it before they come here (`checkPattern`).
 */
export function compilePredicate(predicate: Predicate): CompiledPredicate {
  switch (predicate.kind) {
    case 'all':
      return compileList(predicate.of, allOf)
    case 'any':
      return compileList(predicate.of, anyOf)
    case 'not': {
      const { test, needsBody } = compilePredicate(predicate.of)
      return { test: (view, trace) => !test(view, trace), needsBody }
    }
    case 'test':
      return compileComparison(predicate)
  }
}

function compileList(parts: readonly Predicate[], join: (tests: readonly Test[]) => Test): CompiledPredicate {
  const compiled = parts.map(compilePredicate)
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

function compileComparison(comparison: Comparison): CompiledPredicate {
  const { read, needsBody } = compileVariable(comparison.variable)
  const text = comparison.operator === 'equal' ? comparison.value : null
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
  const check = compileCheck(comparison)
  const test: Test = (view, trace) => {
    const actual = read(view)
    const held = check(actual)
    if (trace !== null) trace.comparison(comparison, actual, held)
    return held
  }
  return { test, needsBody }
}

function compileCheck({ operator, value }: Comparison): Check {
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
  const items = value.filter((item) => item !== null).map(constantOf)
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
