import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Comparison, Operator, Predicate, PredicateValue } from '../model/predicate.ts'
import { compilePredicate, equalityKey, equalityKeys } from './compile.ts'
import { sampleView } from './sample-view.ts'
import type { VariableValue } from './variables.ts'

/** A variable that can be absent, text, number, boolean or list: a field of a JSON body. */
const X = 'post_arg.x'
const Y = 'post_arg.y'

function compare(operator: Operator, value: PredicateValue, variable = X): Comparison {
  return { kind: 'test', variable, operator, value }
}
const not = (of: Predicate): Predicate => ({ kind: 'not', of })
const all = (...of: Predicate[]): Predicate => ({ kind: 'all', of })
const any = (...of: Predicate[]): Predicate => ({ kind: 'any', of })

function holds(predicate: Predicate, fields: Readonly<Record<string, unknown>>): boolean {
  const view = sampleView({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) })
  return compilePredicate(predicate).test(view, null)
}

const ABSENT = Symbol('absent')
type Row = readonly [name: string, predicate: Predicate, results: readonly (readonly [unknown, boolean])[]]

/** spec/apisix.md 7.5, row by row. */
const TRUTH_TABLE: readonly Row[] = [
  [
    'x == "a"',
    compare('equal', 'a'),
    [
      ['a', true],
      ['A', false],
      [ABSENT, false],
    ],
  ],
  [
    'x == 7',
    compare('equal', 7),
    [
      ['7', true],
      ['7.0', true],
      [' 7 ', true],
      ['0x7', true],
      ['7a', false],
      ['', false],
      [ABSENT, false],
      [7, true],
      [true, false],
    ],
  ],
  [
    'x == "7"',
    compare('equal', '7'),
    [
      ['7', true],
      ['7.0', false],
      [7, false],
    ],
  ],
  [
    'x ~= 7',
    compare('notEqual', 7),
    [
      ['7', false],
      ['8', true],
      ['abc', true],
      [ABSENT, true],
    ],
  ],
  [
    'x ~= "a"',
    compare('notEqual', 'a'),
    [
      ['a', false],
      ['b', true],
      [ABSENT, true],
    ],
  ],
  [
    'x > "9"',
    compare('greater', '9'),
    [
      ['10', true],
      ['9', false],
      ['abc', false],
      [ABSENT, false],
    ],
  ],
  [
    'x >= 9',
    compare('greaterOrEqual', 9),
    [
      ['9', true],
      ['8.9', false],
      [ABSENT, false],
    ],
  ],
  [
    'x < 9',
    compare('less', 9),
    [
      ['8', true],
      ['9', false],
      ['', false],
      [ABSENT, false],
    ],
  ],
  [
    'x <= 3',
    compare('lessOrEqual', 3),
    [
      ['3', true],
      ['3.01', false],
      ['-5', true],
    ],
  ],
  [
    'x > "abc"',
    compare('greater', 'abc'),
    [
      ['10', false],
      ['b', false],
    ],
  ],
  [
    'x > null',
    compare('greater', null),
    [
      ['1', false],
      [ABSENT, false],
    ],
  ],
  [
    'x ! > 3',
    not(compare('greater', 3)),
    [
      ['3', true],
      ['4', false],
      ['abc', true],
      [ABSENT, true],
    ],
  ],
  [
    'x in [a, b]',
    compare('in', ['a', 'b']),
    [
      ['b', true],
      ['c', false],
      [ABSENT, false],
    ],
  ],
  [
    'x in [1]',
    compare('in', [1]),
    [
      ['1', false],
      [1, true],
    ],
  ],
  [
    'x in [null]',
    compare('in', [null]),
    [
      [ABSENT, false],
      ['', false],
    ],
  ],
  [
    'x in "abc"',
    compare('in', 'abc'),
    [
      ['a', false],
      ['abc', false],
    ],
  ],
  [
    'x ! in [a]',
    not(compare('in', ['a'])),
    [
      ['a', false],
      ['b', true],
      [ABSENT, true],
    ],
  ],
  [
    'x has "a"',
    compare('has', 'a'),
    [
      [['a', 'b'], true],
      [[], false],
      ['a', false],
      [ABSENT, false],
    ],
  ],
  [
    'x has 1',
    compare('has', 1),
    [
      [['1'], false],
      [[1], true],
    ],
  ],
  [
    'x ! has "a"',
    not(compare('has', 'a')),
    [
      [['b'], true],
      [ABSENT, true],
    ],
  ],
  [
    'x ~~ ^v[12]$',
    compare('matches', '^v[12]$'),
    [
      ['v1', true],
      ['V1', false],
      ['v12', false],
      [ABSENT, false],
      [true, false],
    ],
  ],
  ['x ~~ v1', compare('matches', 'v1'), [['xv10', true]]],
  [
    'x ~* beta',
    compare('matchesIgnoringCase', 'beta'),
    [
      ['BETA-2', true],
      [ABSENT, false],
    ],
  ],
  [
    'x ! ~~ a',
    not(compare('matches', 'a')),
    [
      ['b', true],
      [ABSENT, true],
      ['a', false],
    ],
  ],
  [
    'x == null',
    compare('equal', null),
    [
      [ABSENT, true],
      ['', false],
      ['a', false],
    ],
  ],
  [
    'x ~= null',
    compare('notEqual', null),
    [
      [ABSENT, false],
      ['', true],
    ],
  ],
  [
    'x == true',
    compare('equal', true),
    [
      ['true', false],
      [true, true],
      [false, false],
    ],
  ],
  [
    'x == [a]',
    compare('equal', ['a']),
    [
      ['a', false],
      [['a'], false],
    ],
  ],
  [
    'x ~= [a]',
    compare('notEqual', ['a']),
    [
      ['a', true],
      [ABSENT, true],
    ],
  ],
  [
    'x ipmatch [10.0.0.0/8, ::1]',
    compare('inNetwork', ['10.0.0.0/8', '::1']),
    [
      ['10.9.9.9', true],
      ['::1', true],
      ['11.0.0.1', false],
      ['text', false],
      [ABSENT, false],
      [10, false],
    ],
  ],
  ['x ipmatch 10.0.0.0/8', compare('inNetwork', '10.0.0.0/8'), [['10.9.9.9', true]]],
  [
    'x > 1 and x < 5',
    all(compare('greater', 1), compare('less', 5)),
    [
      ['3', true],
      ['5', false],
    ],
  ],
  [
    'OR x == a, x == b',
    any(compare('equal', 'a'), compare('equal', 'b')),
    [
      ['a', true],
      ['b', true],
      ['c', false],
    ],
  ],
  [
    '!OR x == a, x == b',
    not(any(compare('equal', 'a'), compare('equal', 'b'))),
    [
      ['a', false],
      ['c', true],
      [ABSENT, true],
    ],
  ],
  [
    '[]',
    all(),
    [
      ['a', true],
      [ABSENT, true],
    ],
  ],
  ['no alternative', any(), [['a', false]]],
]

for (const [name, predicate, results] of TRUTH_TABLE) {
  test(`the truth table holds for ${name}`, () => {
    for (const [value, expected] of results) {
      const actual = holds(predicate, value === ABSENT ? {} : { x: value })
      assert.equal(actual, expected, String(value === ABSENT ? 'absent' : JSON.stringify(value)))
    }
  })
}

test('the rows of the truth table with two variables hold', () => {
  const notBoth = not(all(compare('equal', 'a'), compare('equal', 'b', Y)))
  assert.deepEqual(
    [holds(notBoth, { x: 'a', y: 'b' }), holds(notBoth, { x: 'a' }), holds(notBoth, {})],
    [false, true, true],
  )
  const nested = all(compare('equal', 'a'), any(compare('equal', '1', Y), compare('equal', '2', Y)))
  assert.deepEqual([holds(nested, { x: 'a', y: '2' }), holds(nested, { x: 'a' })], [true, false])
})

test('a query argument without = is the boolean true, not a text', () => {
  const view = sampleView({ query: 'a&b=true' })
  const run = (predicate: Predicate) => compilePredicate(predicate).test(view, null)
  assert.equal(run(compare('equal', true, 'arg_a')), true)
  assert.equal(run(compare('equal', 'true', 'arg_a')), false)
  assert.equal(run(compare('equal', true, 'arg_b')), false)
})

test('variables are text where the list of variables does not say otherwise', () => {
  const view = sampleView({ localPort: 9080, answer: { status: 500, upstreamStatus: 500 } })
  const run = (predicate: Predicate) => compilePredicate(predicate).test(view, null)
  assert.equal(run(compare('equal', 9080, 'server_port')), true)
  assert.equal(run(compare('equal', '9080', 'server_port')), true)
  assert.equal(run(compare('equal', 500, 'status')), true)
  assert.equal(run(compare('equal', '500', 'status')), false)
  assert.equal(run(compare('equal', '500', 'upstream_status')), true)
})

test('constants are compared as UTF-8 bytes', () => {
  const field = Buffer.from('şehir', 'utf8').toString('latin1')
  const view = sampleView({ headers: { 'x-city': field } })
  for (const predicate of [
    compare('equal', 'şehir', 'http_x_city'),
    compare('in', ['a', 'şehir'], 'http_x_city'),
    compare('matches', '^ş', 'http_x_city'),
    not(compare('notEqual', 'şehir', 'http_x_city')),
  ]) {
    assert.equal(compilePredicate(predicate).test(view, null), true)
  }
})

test('long lists are searched like short ones, without conversion', () => {
  const list = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? `k${i}` : i))
  assert.equal(holds(compare('in', list), { x: 'k48' }), true)
  assert.equal(holds(compare('in', list), { x: '49' }), false)
  assert.equal(holds(compare('in', list), { x: 49 }), true)
  assert.equal(holds(compare('in', [...list, null]), {}), false)
})

test('variables behind the deciding part are not read, and the trace sees what was compared', () => {
  const read: string[] = []
  const header = (name: string) => {
    read.push(name)
    return 'v'
  }
  const view = { ...sampleView(), header }
  const predicate = all(
    any(compare('equal', 'v', 'http_one'), compare('equal', 'v', 'http_two')),
    compare('equal', 'w', 'http_three'),
    compare('equal', 'v', 'http_four'),
  )
  const seen: (readonly [string, VariableValue, boolean])[] = []
  const trace = {
    comparison: (at: Comparison, actual: VariableValue, held: boolean) =>
      void seen.push([at.variable, actual, held]),
  }
  assert.equal(compilePredicate(predicate).test(view, trace), false)
  assert.deepEqual(read, ['one', 'three'])
  assert.deepEqual(seen, [
    ['http_one', 'v', true],
    ['http_three', 'v', false],
  ])
})

test('a predicate needs the body as soon as one of its variables does', () => {
  const plain = compare('equal', 'a', 'uri')
  assert.equal(compilePredicate(all(plain, not(any(plain)))).needsBody, false)
  assert.equal(compilePredicate(all(plain, not(any(plain, compare('equal', 'a'))))).needsBody, true)
  assert.equal(compilePredicate(compare('has', 'a', 'graphql_root_fields')).needsBody, true)
})

test('a body that was refused leaves its variables absent', () => {
  const view = sampleView({ body: null, headers: { 'content-type': 'application/json' } })
  assert.equal(compilePredicate(compare('equal', null)).test(view, null), true)
})

test('a pattern that does not compile never matches', () => {
  assert.equal(holds(compare('matches', '('), { x: '(' }), false)
  assert.equal(holds(compare('matches', '(?=a)'), { x: 'a' }), false)
})

test('equality keys stand in the top-level conjunction', () => {
  const tenant = compare('equal', 'ş', 'http_X-Tenant')
  const env = compare('in', ['a', 'b', 'a'], 'arg_env')
  assert.deepEqual(equalityKeys(all(compare('greater', 1, 'arg_n'), tenant, all(env))), [
    { variable: 'http_x_tenant', values: ['\xc5\x9f'] },
    { variable: 'arg_env', values: ['a', 'b'] },
  ])
  assert.equal(equalityKey(not(tenant)), null)
  assert.equal(equalityKey(compare('in', ['a', 1], 'arg_env')), null)
  assert.equal(equalityKey(compare('equal', 1, 'arg_env')), null)
  assert.equal(equalityKey(compare('equal', 'a')), null, 'would need the body')
  assert.equal(equalityKey(any()), null)
})

test('alternatives over one variable make one key', () => {
  const predicate = any(
    all(compare('equal', 'a', 'http_x'), compare('equal', '1', 'arg_y')),
    all(compare('in', ['b', 'c'], 'http_x')),
  )
  assert.deepEqual(equalityKeys(predicate), [{ variable: 'http_x', values: ['a', 'b', 'c'] }])
  assert.deepEqual(equalityKeys(any(compare('equal', 'a', 'http_x'), compare('greater', 1, 'http_x'))), [])
})

const leaf = fc.oneof(
  fc.record({
    kind: fc.constant('test' as const),
    variable: fc.constantFrom('arg_a', 'arg_b', 'http_c'),
    operator: fc.constantFrom<Operator>('equal', 'notEqual'),
    value: fc.constantFrom<PredicateValue>('1', '2', '3', null, 1),
  }),
  fc.record({
    kind: fc.constant('test' as const),
    variable: fc.constantFrom('arg_a', 'arg_b', 'http_c'),
    operator: fc.constant<Operator>('in'),
    value: fc.uniqueArray(fc.constantFrom('1', '2', '3'), { maxLength: 3 }),
  }),
)
const { predicate: anyPredicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('predicate').map(not),
    fc.array(tie('predicate'), { maxLength: 3 }).map((of) => all(...of)),
    fc.array(tie('predicate'), { maxLength: 3 }).map((of) => any(...of)),
  ),
}))
const anyFields = fc.record(
  { a: fc.constantFrom('1', '2', '3'), b: fc.constantFrom('1', '2'), c: fc.constantFrom('1', '2', '3') },
  { requiredKeys: [] },
)

test('a predicate holds only where all its equality keys fit, and equals its plain evaluation', () => {
  fc.assert(
    fc.property(anyPredicate, anyFields, (predicate, fields) => {
      const query = Object.entries({ a: fields.a, b: fields.b })
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${value}`)
        .join('&')
      const view = sampleView({ query, headers: fields.c === undefined ? {} : { c: fields.c } })
      const values: Record<string, string | undefined> = {
        arg_a: fields.a,
        arg_b: fields.b,
        http_c: fields.c,
      }
      const held = compilePredicate(predicate).test(view, null)
      assert.equal(held, evaluate(predicate, values))
      if (!held) return
      for (const key of equalityKeys(predicate)) {
        assert.equal(key.values.includes(values[key.variable] ?? 'absent'), true, key.variable)
      }
    }),
    { numRuns: 2000 },
  )
})

function evaluate(predicate: Predicate, values: Readonly<Record<string, string | undefined>>): boolean {
  switch (predicate.kind) {
    case 'all':
      return predicate.of.every((part) => evaluate(part, values))
    case 'any':
      return predicate.of.some((part) => evaluate(part, values))
    case 'not':
      return !evaluate(predicate.of, values)
    case 'test': {
      const actual = values[predicate.variable] ?? null
      const { value } = predicate
      if (predicate.operator === 'in') return Array.isArray(value) && value.includes(actual)
      const equal = typeof value === 'number' ? actual !== null && Number(actual) === value : actual === value
      return predicate.operator === 'equal' ? equal : !equal
    }
  }
}
