import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { toByteString } from '../model/byte-string.ts'
import type { Comparison, Operator, PredicateValue, ValueRules } from '../model/predicate.ts'
import { predicateText } from '../model/predicate-text.ts'
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

const DAY = { date: 'yyyy-MM-dd' }

test('dates of a format are compared by their moment', () => {
  const results = (
    value: PredicateValue,
    actual: unknown,
    rules: ValueRules = DAY,
    other: unknown = ABSENT,
  ) => ORDERS.map((operator) => holds(operator, value, actual, rules, other))
  const [same, less, greater] = [
    [true, false, false, true, false, true],
    [false, true, true, true, false, false],
    [false, true, false, false, true, true],
  ]
  assert.deepEqual(results('2024-01-31', '2024-01-31'), same)
  assert.deepEqual(results('2024-01-31', '2023-12-31'), less)
  assert.deepEqual(results('2024-01-31', '2024-02-01'), greater)
  const moment = { date: "yyyy-MM-dd'T'HH:mmXXX" }
  assert.deepEqual(results('2024-01-31T10:00Z', '2024-01-31T11:00+01:00', moment), same)
  assert.deepEqual(results({ variable: 'post_arg.y' }, '2024-01-31', DAY, '2024-02-01'), less)
  assert.deepEqual(results(20_240_131, 20_240_131, { date: 'yyyyMMdd' }), same)
  assert.equal(holds('in', ['2024-01-31', '2024-02-01'], '2024-02-01', DAY), true)
  assert.equal(holds('in', ['2024-01-31', 'x'], 'x', DAY), false)
})

test('what is no date or no number makes comparisons as such false, notEqual too', () => {
  for (const operator of ORDERS) {
    for (const [value, actual] of [
      ['2024-01-31', 'soon'],
      ['2024-01-31', ABSENT],
      ['2024-01-31', true],
      ['soon', '2024-01-31'],
      [null, '2024-01-31'],
      [{ variable: 'post_arg.y' }, '2024-01-31'],
    ] as const) {
      assert.equal(holds(operator, value, actual, DAY), false, `${operator} ${JSON.stringify(value)}`)
      assert.equal(holds(operator, value, actual, 'number'), false, `${operator} ${JSON.stringify(value)}`)
    }
    assert.equal(holds(operator, '2024-01-31', '2024-01-31', { date: 'what' }), false)
  }
})

test('by number both sides are read as greater reads texts', () => {
  assert.equal(holds('equal', '10', '1e1', 'number'), true)
  assert.equal(holds('equal', 10, '10.0', 'number'), true)
  assert.equal(holds('less', { variable: 'post_arg.y' }, '9', 'number', '10'), true)
  assert.equal(holds('notEqual', { decimal: '2' }, 3, 'number'), true)
  assert.equal(holds('in', ['1', 2], '2.0', 'number'), true)
  assert.equal(holds('in', [1], 'x', 'number'), false)
})

test('by text numbers and booleans are as they are written', () => {
  assert.equal(holds('equal', '5', 5, 'text'), true)
  assert.equal(holds('equal', 'true', true, 'text'), true)
  assert.equal(holds('equal', 5, '5', 'text'), true)
  assert.equal(holds('notEqual', '5', ['5'], 'text'), false)
  assert.equal(holds('notEqual', '5', ABSENT, 'text'), false)
  assert.equal(holds('less', '9', 10, 'text'), true)
  assert.equal(holds('in', ['a', '5'], 5, 'text'), true)
  assert.equal(holds('in', ['A'], 'a', 'textIgnoringCase'), true)
  assert.equal(holds('equal', 'TRUE', true, 'textIgnoringCase'), true)
  assert.equal(holds('equal', { variable: 'post_arg.y' }, '5', 'text', 5), true)
  assert.equal(holds('equal', { variable: 'post_arg.y' }, 'a', 'text', 'A'), false)
  assert.equal(holds('equal', { variable: 'post_arg.y' }, 'a', 'textIgnoringCase', 'A'), true)
})

test('a text stands somewhere in, at the beginning or the end of another one', () => {
  for (const [operator, value, held] of [
    ['contains', 'ell', true],
    ['contains', 'elo', false],
    ['contains', '', true],
    ['startsWith', 'he', true],
    ['startsWith', 'el', false],
    ['endsWith', 'lo', true],
    ['endsWith', 'll', false],
    ['endsWith', 'hello', true],
  ] as const) {
    assert.equal(holds(operator, value, 'hello'), held, `${operator} ${value}`)
    assert.equal(holds(operator, value.toUpperCase(), 'Hello', 'textIgnoringCase'), held)
    assert.equal(holds(operator, value, 'HELLO', 'typedIgnoringCase'), held)
    assert.equal(holds(operator, value.toUpperCase(), 'hello'), value === '')
    assert.equal(holds(operator, value, ABSENT), false)
  }
  assert.equal(holds('contains', 'é', 'café'), true)
  assert.equal(holds('startsWith', '12', 123), true)
  assert.equal(holds('contains', 1, '1'), false, 'the value is a text')
})

test('whether a value is a number or a date of a format can be asked', () => {
  const asks = (
    operator: 'isNumber' | 'isDate',
    value: PredicateValue,
    actual: unknown,
    rules?: ValueRules,
  ) => holds(operator, value, actual, rules ?? 'number')
  for (const actual of ['1', '-1.5', '1e3', ' 2 ', 7]) assert.equal(asks('isNumber', null, actual), true)
  for (const actual of ['', 'x', '1x', true, ABSENT, ['1']])
    assert.equal(asks('isNumber', null, actual), false)
  assert.equal(asks('isNumber', null, '1e3', 'typed'), false)
  assert.equal(asks('isNumber', null, '10.5', 'typed'), true)
  assert.equal(asks('isDate', 'yyyy-MM-dd', '2024-02-29'), true)
  assert.equal(asks('isDate', 'yyyyMMdd', 20_240_229), true)
  for (const actual of ['2023-02-29', '', ABSENT, true])
    assert.equal(asks('isDate', 'yyyy-MM-dd', actual), false)
  assert.equal(asks('isDate', 'what', '2024-02-29'), false)
})

test('a number is what comparisons by number can use', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String)), (text) => {
      const isSome = holds('lessOrEqual', 0, text, 'number') || holds('greater', 0, text, 'number')
      assert.equal(holds('isNumber', null, text, 'number'), isSome)
    }),
  )
})

test('a variable that holds a list, or what stands in another one', () => {
  const list = { variable: 'post_arg.y', separator: '#' }
  assert.equal(holds('in', list, 'b', 'text', 'a#b'), true)
  assert.equal(holds('in', list, 'B', 'text', 'a#b'), false)
  assert.equal(holds('in', list, 'B', 'textIgnoringCase', 'a#b'), true)
  assert.equal(holds('in', list, 5, 'number', '4#5.0'), true)
  assert.equal(holds('in', list, 5, 'number', '4#x'), false)
  assert.equal(holds('in', { variable: 'post_arg.y' }, 'b', 'text', 'b'), false)
  assert.equal(holds('in', list, ABSENT, 'text', ''), false)
  for (const [operator, part] of [
    ['contains', 'ol'],
    ['startsWith', 'go'],
    ['endsWith', 'ld'],
  ] as const) {
    const other = { variable: 'post_arg.y' }
    assert.equal(holds(operator, other, 'gold', 'text', part), true)
    assert.equal(holds(operator, other, 'gold', 'text', part.toUpperCase()), false)
    assert.equal(holds(operator, other, 'gold', 'typedIgnoringCase', part.toUpperCase()), true)
    assert.equal(holds(operator, other, ABSENT, 'text', part), false)
  }
})

test('no index uses texts that are compared as dates, numbers or without case', () => {
  for (const rules of ['text', 'textIgnoringCase', 'number', DAY] as const) {
    const comparison: Comparison = {
      kind: 'test',
      variable: 'header:X',
      operator: 'equal',
      value: '1',
      rules,
    }
    assert.deepEqual(equalityKeys(comparison), [])
  }
})

test('what a comparison asks is said in words', () => {
  const ask = (operator: Operator, value: PredicateValue, rules: ValueRules) =>
    predicateText({ kind: 'test', variable: 'x', operator, value, rules })
  assert.equal(ask('less', '2024-01-31', DAY), 'x < "2024-01-31" as dates "yyyy-MM-dd"')
  assert.equal(ask('startsWith', 'a', 'textIgnoringCase'), 'x starts with "a" ignoring case')
  assert.equal(ask('in', { variable: 'y', separator: '#' }, 'text'), 'x in y split at "#"')
  assert.equal(ask('isNumber', null, 'number'), 'x is a number')
  assert.equal(ask('isDate', 'yyyy', 'text'), 'x is a date "yyyy"')
})
