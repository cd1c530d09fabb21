import assert from 'node:assert/strict'
import test from 'node:test'
import { parseGraphql } from './graphql.ts'

const CASES: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['{ a, b }', 'query', '', ['a', 'b']],
  ['query { a { b { c } } d }', 'query', '', ['a', 'd']],
  [
    'mutation M { x: create(input: {a: [1, "}"], b: $v}) @skip(if: true) { id } }',
    'mutation',
    'M',
    ['create'],
  ],
  ['subscription S($a: [Int!]! = [1] @d) @live { on }', 'subscription', 'S', ['on']],
  ['# { x }\n\ufeff{ a }'.replace('\ufeff', ''), 'query', '', ['a']],
  ['{ a(t: """ } "quoted" \\""" end""") b(s: "\\"}") }', 'query', '', ['a', 'b']],
  ['fragment F on T { x } query Q { ...F ... on T { y } ... @d { z } a }', 'query', 'Q', ['a']],
  ['query A { a } query B { b }', 'query', 'A', ['a']],
  ['{ query mutation fragment on }', 'query', '', ['query', 'mutation', 'fragment', 'on']],
  ['{ a(n: -1.5e3, e: ENUM, x: null) }', 'query', '', ['a']],
]

for (const [text, operation, name, rootFields] of CASES) {
  test(`reads ${text}`, () => assert.deepEqual(parseGraphql(text), { operation, name, rootFields }))
}

for (const text of [
  '',
  ' ',
  '{',
  '{}',
  '{ a',
  '{ a } }',
  '{ a { } }',
  'query',
  'query Q',
  'query Q(',
  'query Q() { a }',
  '{ a( }',
  '{ a: }',
  '{ a(x: [1) }',
  '{ ... }',
  '{ "a" }',
  '{ a(s: "x) }',
  '{ a(s: """x) }',
  'type T { a: Int }',
  'fragment on on T { a }',
  'fragment F on T { a }',
  '{ a } x',
  '{ % }',
  '{ a @ }',
  '{ 1 }',
]) {
  test(`has nothing to say about ${JSON.stringify(text)}`, () => assert.equal(parseGraphql(text), null))
}

test('neither size nor nesting stops it', () => {
  const deep = `${'{a'.repeat(200_000)}${'}'.repeat(200_000)}`
  assert.deepEqual(parseGraphql(deep)?.rootFields, ['a'])
  assert.equal(parseGraphql('{a'.repeat(200_000)), null)
  assert.equal(parseGraphql(`{a(x:${'['.repeat(400_000)})}`), null)
  assert.equal(parseGraphql(`{a(x:"""${'\\"""'.repeat(200_000)})}`), null)
  assert.equal(parseGraphql(`{a}#${' '.repeat(1_100_000)}`), null)
})
