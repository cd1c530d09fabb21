import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '../expression/pattern.ts'
import type { Comparison, Operator, Predicate, PredicateValue } from '../model/predicate.ts'
import type { PathPattern } from '../model/route.ts'
import { makeRoute } from '../routing/test-fixtures.ts'
import { makeExample } from './example-request.ts'
import { patternExample } from './pattern-example.ts'

function exampleFor(predicate: Predicate | null, path: PathPattern = { kind: 'prefix', text: '/' }) {
  const entry = { host: { kind: 'any' } as const, path, key: [0] }
  return makeExample(makeRoute('r', [entry], { predicate }), entry)
}

function is(variable: string, operator: Operator, value: PredicateValue): Comparison {
  return { kind: 'test', variable, operator, value }
}

test('a text is made up that a pattern matches, or none', () => {
  for (const source of [
    '^a[0-9]+$',
    'x|y',
    '(?:ab){2,3}',
    '[^a-z]\\d{3}',
    '^/users/(?P<id>\\w+)$',
    'a.c',
    '[]x]',
    '\\.',
    'a*?b+?',
  ])
    assert.ok(compilePattern(source, { ignoreCase: false }).test(patternExample(source) ?? 'none'), source)
  for (const source of ['(?i)a', '[[:alpha:]]', 'a)', '(', '*'])
    assert.equal(patternExample(source), null, source)
})

test('a request meets comparisons on arguments, headers, cookies, forms, method and client', () => {
  const example = exampleFor({
    kind: 'all',
    of: [
      is('arg_v', 'greater', 3),
      is('arg_v', 'less', 5),
      is('http_x_env', 'in', ['dev', 'test']),
      is('cookie_c', 'matches', '^u[0-9]$'),
      is('post_arg_k', 'equal', 'a b'),
      is('request_method', 'equal', 'PUT'),
      is('remote_addr', 'inNetwork', ['10.1.0.0/16']),
      { kind: 'not', of: is('arg_gone', 'equal', 'x') },
    ],
  })
  assert.deepEqual(example, {
    method: 'PUT',
    target: '/?v=4',
    host: null,
    headers: [
      ['x-env', 'dev'],
      ['cookie', 'c=u0'],
      ['content-type', 'application/x-www-form-urlencoded'],
    ],
    clientAddress: '10.1.0.0',
    listener: null,
    body: 'k=a%20b',
  })
})

test('a request meets comparisons with rules, on exact names and on the path behind a base', () => {
  const typed = (variable: string, operator: Operator, value: PredicateValue): Comparison => ({
    ...is(variable, operator, value),
    rules: 'typed',
  })
  const predicate: Predicate = {
    kind: 'all',
    of: [
      typed('header:X-Env', 'like', 'dev%'),
      typed('query:n', 'greater', { decimal: '1234567890123456789' }),
      typed('query:n', 'notEqual', 'x'),
      typed('query:flag', 'equal', true),
      typed('path:8', 'equal', '/orders'),
    ],
  }
  const example = exampleFor(predicate, { kind: 'prefix', text: '/release' })
  assert.ok('target' in example, JSON.stringify(example))
  assert.match(example.target, /^\/release\/orders\?n=[0-9]+&flag=true$/)
  assert.deepEqual(example.headers, [['X-Env', 'dev']])
})

test('of two variables, and of draws, nothing is made up', () => {
  const pair: Predicate = { ...is('query:a', 'equal', { variable: 'query:b' }), rules: 'typed' }
  assert.match(JSON.stringify(exampleFor(pair)), /no value was found for which query:a == query:b/)
  const draw: Predicate = { ...is('random()', 'less', 0.5), rules: 'typed' }
  assert.match(JSON.stringify(exampleFor(draw)), /no value can be made up for the variable random\(\)/)
})

test('of alternatives the first that can be met is met', () => {
  const example = exampleFor({ kind: 'any', of: [is('hostname', 'equal', 'x'), is('arg_a', 'equal', '1')] })
  assert.equal('target' in example && example.target, '/?a=1')
})

test('where nothing can be made up, the reason names the variable or the comparisons', () => {
  const reasonOf = (predicate: Predicate) => {
    const example = exampleFor(predicate)
    return 'reason' in example ? example.reason : ''
  }
  assert.match(reasonOf(is('hostname', 'equal', 'x')), /the variable hostname/)
  assert.match(
    reasonOf({ kind: 'all', of: [is('arg_v', 'equal', '1'), is('arg_v', 'equal', '2')] }),
    /arg_v == "1" and arg_v == "2"/,
  )
  assert.match(reasonOf({ kind: 'any', of: [] }), /no request can meet never/)
})

test('a path is encoded so that routes see it as it is in the document', () => {
  const target = (text: string) => {
    const example = exampleFor(null, { kind: 'exact', text })
    return 'target' in example ? example.target : null
  }
  assert.deepEqual(
    [target('/ü x'), target('/a?b#c'), target('/100%'), target('/a%2Fb')],
    ['/%C3%BC%20x', '/a%3Fb%23c', '/100%25', '/a%2Fb'],
  )
})
