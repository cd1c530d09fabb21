import assert from 'node:assert/strict'
import test from 'node:test'
import { toByteString } from '../model/byte-string.ts'
import type { Comparison, Operator, PredicateValue, ValueRules } from '../model/predicate.ts'
import { compilePredicate, equalityKeys } from './compile.ts'
import { sampleView } from './sample-view.ts'

const ABSENT = Symbol('absent')

function holds(
  operator: Operator,
  value: PredicateValue,
  actual: unknown,
  rules: ValueRules = 'typed',
  other: unknown = ABSENT,
): boolean {
  const fields = { ...(actual === ABSENT ? {} : { x: actual }), ...(other === ABSENT ? {} : { y: other }) }
  const view = sampleView({
    headers: { 'content-type': 'application/json' },
    body: toByteString(JSON.stringify(fields)),
  })
  const comparison: Comparison = { kind: 'test', variable: 'post_arg.x', operator, value, rules }
  return compilePredicate(comparison).test(view, null)
}

const ORDERS: readonly Operator[] = ['equal', 'notEqual', 'less', 'lessOrEqual', 'greater', 'greaterOrEqual']

test('an absent variable makes every comparison false', () => {
  const values: readonly PredicateValue[] = [
    '',
    'a',
    0,
    true,
    null,
    { decimal: '1' },
    { variable: 'post_arg.y' },
    ['a', 1],
  ]
  for (const operator of [...ORDERS, 'in', 'like', 'matches', 'inNetwork', 'has'] as const) {
    for (const value of values) {
      assert.equal(
        holds(operator, value, ABSENT, 'typed', 'a'),
        false,
        `${operator} ${JSON.stringify(value)}`,
      )
    }
    assert.equal(holds(operator, { variable: 'post_arg.y' }, 'a'), false, `${operator} an absent variable`)
  }
})

test('values of another kind are unequal and have no order', () => {
  for (const [value, actual] of [
    ['1', 1],
    [1, true],
    [true, 1],
    ['true', true],
    [1, ''],
    [true, 'yes'],
    [1, ['a']],
  ] as const) {
    const results = ORDERS.map((operator) => holds(operator, value, actual))
    assert.deepEqual(results, [false, true, false, false, false, false], JSON.stringify([value, actual]))
  }
})

test('variables that are numbers or booleans by nature are compared as such', () => {
  assert.equal(holds('less', 2.5, 2), true)
  assert.equal(holds('equal', { decimal: '2' }, 2), true)
  assert.equal(holds('equal', true, true), true)
  assert.equal(holds('less', { variable: 'post_arg.y' }, '2', 'typed', 10), true)
  assert.equal(holds('equal', { variable: 'post_arg.y' }, 'x', 'typed', 10), false)
  assert.equal(holds('notEqual', { variable: 'post_arg.y' }, 'x', 'typed', 10), true)
  assert.equal(holds('less', { variable: 'post_arg.y' }, '2', 'typed', '10'), false)
})

test('a number that JavaScript writes with an exponent is compared as a LongNumber alone', () => {
  assert.equal(holds('equal', 1e-7, '0.0000001'), false)
  assert.equal(holds('equal', { decimal: '0.0000001' }, '0.0000001'), true)
})

test('ignoring case, ASCII letters are the same and other bytes are not', () => {
  assert.equal(holds('equal', 'HTTPS', 'https', 'typedIgnoringCase'), true)
  assert.equal(holds('notEqual', 'HTTPS', 'https', 'typedIgnoringCase'), false)
  assert.equal(holds('equal', 'É', 'é', 'typedIgnoringCase'), false)
  assert.equal(holds('equal', 'ÉA', 'Éa', 'typedIgnoringCase'), true)
  assert.equal(holds('in', ['A', 1], 'a', 'typedIgnoringCase'), true)
  assert.equal(holds('in', ['A', 'B', 'C', 'D', 'E', 'F', 'G'], 'g', 'typedIgnoringCase'), true)
  assert.equal(holds('like', 'A%', 'abc', 'typedIgnoringCase'), true)
  assert.equal(holds('equal', { variable: 'post_arg.y' }, 'a', 'typedIgnoringCase', 'A'), true)
})

test('an index may use typed texts, but not those that ignore case', () => {
  const comparison: Comparison = {
    kind: 'test',
    variable: 'header:X',
    operator: 'equal',
    value: 'a',
    rules: 'typed',
  }
  assert.deepEqual(equalityKeys(comparison), [{ variable: 'header:X', values: ['a'] }])
  assert.deepEqual(equalityKeys({ ...comparison, rules: 'typedIgnoringCase' }), [])
  assert.deepEqual(equalityKeys({ ...comparison, operator: 'in', value: ['a', 1] }), [])
})
