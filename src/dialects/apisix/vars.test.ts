import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePredicate } from '../../expression/compile.ts'
import { sampleView } from '../../expression/sample-view.ts'
import type { JsonValue } from '../../model/json.ts'
import type { Predicate } from '../../model/predicate.ts'
import { parseVars } from './vars.ts'

function parse(expression: JsonValue): Predicate {
  const parsed = parseVars(expression)
  assert.ok(!('error' in parsed), `${JSON.stringify(expression)}: ${'error' in parsed ? parsed.error : ''}`)
  return parsed.predicate
}

function errorOf(expression: JsonValue): string {
  const parsed = parseVars(expression)
  assert.ok('error' in parsed, JSON.stringify(expression))
  return parsed.error
}

function warningsOf(expression: JsonValue): readonly string[] {
  const parsed = parseVars(expression, 'vars')
  assert.ok(!('error' in parsed))
  return parsed.warnings.map(({ path, message }) => `${path}: ${message}`)
}

const A: Predicate = { kind: 'test', variable: 'arg_a', operator: 'equal', value: '1' }
const B: Predicate = { kind: 'test', variable: 'arg_b', operator: 'equal', value: '2' }
const a = ['arg_a', '==', '1']
const b = ['arg_b', '==', '2']

test('an empty expression always holds, a list of conditions is their conjunction', () => {
  assert.deepEqual(parse([]), { kind: 'all', of: [] })
  assert.deepEqual(parse([a]), A)
  assert.deepEqual(parse([a, b]), { kind: 'all', of: [A, B] })
})

test('logical words join in any case and nest', () => {
  assert.deepEqual(parse(['OR', a, b]), { kind: 'any', of: [A, B] })
  assert.deepEqual(parse(['and', a, b]), { kind: 'all', of: [A, B] })
  assert.deepEqual(parse(['!AND', a, b]), { kind: 'not', of: { kind: 'all', of: [A, B] } })
  assert.deepEqual(parse(['!Or', a, b]), { kind: 'not', of: { kind: 'any', of: [A, B] } })
  assert.deepEqual(parse(['AND', a, ['OR', a, [b, a]]]), {
    kind: 'all',
    of: [A, { kind: 'any', of: [A, { kind: 'all', of: [B, A] }] }],
  })
  assert.deepEqual(parse([['OR', a, b], b]), { kind: 'all', of: [{ kind: 'any', of: [A, B] }, B] })
})

test('every operator has its own form in the model, its name in any case', () => {
  const cases: readonly (readonly [string, JsonValue, string])[] = [
    ['==', 7, 'equal'],
    ['~=', null, 'notEqual'],
    ['>', '9', 'greater'],
    ['>=', 1, 'greaterOrEqual'],
    ['<', 1, 'less'],
    ['<=', 1, 'lessOrEqual'],
    ['~~', '^v[12]$', 'matches'],
    ['~*', 'beta', 'matchesIgnoringCase'],
    ['IN', ['a'], 'in'],
    ['Has', 'a', 'has'],
  ]
  for (const [operator, value, expected] of cases) {
    assert.deepEqual(parse([['uri', operator, value]]), {
      kind: 'test',
      variable: 'uri',
      operator: expected,
      value,
    })
  }
  assert.deepEqual(parse([['remote_addr', 'ipMatch', '10.0.0.0/8']]), {
    kind: 'test',
    variable: 'remote_addr',
    operator: 'inNetwork',
    value: ['10.0.0.0/8'],
  })
})

test('an exclamation mark in second place inverts the operator', () => {
  const inner: Predicate = { kind: 'test', variable: 'arg_age', operator: 'less', value: 18 }
  assert.deepEqual(parse([['arg_age', '!', '<', 18]]), { kind: 'not', of: inner })
})

test('the old short form compares with lower-case text', () => {
  const shortForm = (value: string): Predicate => ({
    kind: 'test',
    variable: 'arg_a',
    operator: 'equal',
    value,
  })
  assert.deepEqual(parse([['arg_a', 'IOS']]), shortForm('ios'))
  assert.deepEqual(parse([['arg_a', 7]]), shortForm('7'))
  assert.deepEqual(parse([['arg_a', '==']]), {
    kind: 'test',
    variable: 'arg_a',
    operator: 'equal',
    value: null,
  })
  assert.deepEqual(warningsOf([['arg_a', 'ios']]), [])
  assert.deepEqual(warningsOf([['arg_a', 'IOS']]), [
    'vars[0]: the short form compares with the lower-case text "ios"',
  ])
})

test('what the reference refuses is refused in its words', () => {
  const cases: readonly (readonly [JsonValue, string])[] = [
    [['x', '==', '1'], 'rule should be wrapped inside brackets'],
    ['x', 'rule should be wrapped inside brackets'],
    [{ a: 1 }, 'rule should be wrapped inside brackets'],
    [[['x', '=', '1']], "invalid operator '='"],
    [[['x', '=~', '1']], "invalid operator '=~'"],
    [[['x', 7, '1']], "invalid operator '7'"],
    [[['x', '!', 'in']], "invalid operator '!'"],
    [[['x', '!']], "invalid operator '!'"],
    [[['x', '!', 'near', '1']], "invalid operator 'near'"],
    [[['x']], 'invalid expression'],
    [[[]], 'rule too short'],
    [['OR', ['x', '==', '1']], 'rule too short'],
    [['AND'], 'rule too short'],
    [[a, ['or', a]], 'rule too short'],
    [[['x', '==', '1', '2']], "bad 'not' expression"],
    [[['x', 'ipmatch', '']], 'invalid ip address'],
    [[['x', 'ipmatch', []]], 'invalid ip address'],
    [[['x', 'ipmatch', 7]], 'invalid ip address'],
    [[['x', 'ipmatch', 'bad']], 'invalid ip address: bad'],
    [[['x', 'ipmatch', ['10.0.0.0/8', '10.0.0.0/33']]], 'invalid ip address: 10.0.0.0/33'],
  ]
  for (const [expression, expected] of cases) {
    assert.equal(errorOf(expression), expected, JSON.stringify(expression))
  }
})

test('what crashes the reference is refused', () => {
  for (const expression of [
    [[7, '==', '1']],
    [[null, '==', '1']],
    [['', '==', '1']],
    [['x', null, '1']],
    [['x', ['=='], '1']],
    [['x', '!', {}, '1']],
    [['x', {}]],
    [['x', true]],
    [a, 'AND', b],
    [a, 7],
    ['OR', a, 'x'],
    [['x', '==', '1', '2', '3']],
    [['post_arg.a[', '==', '1']],
  ] as JsonValue[]) {
    assert.match(errorOf(expression), /^invalid (expression|operator)/, JSON.stringify(expression))
  }
})

test('a pattern that does not compile, or needs more than linear time, is refused with a reason', () => {
  assert.match(errorOf([['uri', '~~', '(']]), /^invalid regular expression "\(": ./)
  assert.match(errorOf([['uri', '~*', '(?=a)']]), /^invalid regular expression /)
  assert.match(errorOf([['uri', '!', '~~', '(a)\\1']]), /^invalid regular expression /)
})

test('what can never hold is accepted with a warning, and does not hold', () => {
  const never: Predicate = { kind: 'any', of: [] }
  assert.deepEqual(parse([['uri', '~~', ['a']]]), never)
  assert.deepEqual(parse([['uri', '==', ['a']]]), never)
  assert.deepEqual(parse([['uri', '!', '==', { a: 1 }]]), { kind: 'not', of: never })
  assert.deepEqual(parse([['uri', '~=', ['a']]]), { kind: 'all', of: [] })
  for (const condition of [
    ['uri', '==', true],
    ['uri', 'in', 'abc'],
    ['uri', 'in', [1, 2]],
    ['uri', 'in', []],
    ['uri', 'has', 'a'],
    ['graphql_root_fields', 'has', ['a']],
    ['uri', '>', 'abc'],
    ['uri', '<', null],
    ['uri', '~~', null],
    ['status', '==', '500'],
    ['_v', '==', '1'],
    ['http_', '==', '1'],
  ]) {
    assert.equal(warningsOf([condition]).length, 1, JSON.stringify(condition))
    assert.match(warningsOf([a, condition])[0] ?? '', /^vars\[1\]: /)
  }
})

test('ordinary conditions bring no warning', () => {
  for (const condition of [
    ['http_X-Env', '==', 'beta'],
    ['arg_flag', '==', true],
    ['post_arg.user.age', 'in', [1, 2]],
    ['post_arg.tags[*]', 'has', 'a'],
    ['graphql_root_fields', 'has', 'user'],
    ['status', '==', 500],
    ['server_port', '==', 9080],
    ['cookie_a.b', '~=', null],
    ['arg_n', '>', '0x10'],
  ]) {
    assert.deepEqual(warningsOf([condition]), [], JSON.stringify(condition))
  }
})

test('whatever is sent is parsed or refused, and what is parsed compiles', () => {
  const word = fc.constantFrom(
    'uri',
    'arg_a',
    'AND',
    '!OR',
    '==',
    '~=',
    '!',
    'in',
    'has',
    '~~',
    'ipmatch',
    '10.0.0.1',
    '(',
    '',
  )
  const { node } = fc.letrec<{ node: JsonValue }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      word,
      fc.constantFrom(null, true, 7, {}),
      fc.array(tie('node'), { maxLength: 5 }),
    ),
  }))
  fc.assert(
    fc.property(node, (expression) => {
      const parsed = parseVars(expression)
      if ('error' in parsed) assert.ok(parsed.error.length > 0)
      else assert.equal(typeof compilePredicate(parsed.predicate).test, 'function')
    }),
    { numRuns: 2000 },
  )
})

test('names of variables that other dialects have are as unknown as any other', () => {
  for (const name of ['header:X-Env', 'query:a', 'path:1', 'random()']) {
    const { test: holds } = compilePredicate(parse([[name, '!', '==', null]]))
    const view = sampleView({ path: '/ab', query: 'a=1', lines: [['X-Env', 'dev']] })
    assert.equal(holds(view, null), false, name)
    assert.match(
      warningsOf([[name, '==', 'x']]).join(),
      new RegExp(`unknown variable ${name.replace('()', '\\(\\)')}, always absent`),
    )
  }
})
