import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumers } from '../consumers.ts'
import { makeView, ORIGIN } from '../test-fixtures.ts'
import { compileAuthentication } from './authentication.ts'

const compiled = compileAuthentication(
  {
    kind: 'authenticate',
    origin: ORIGIN,
    section: 'main',
    when: null,
    header: 'X-Key',
    argument: 'key',
    hidesKey: true,
    anonymous: null,
    realm: 'a "b"',
    refusalBody: null,
  },
  new Consumers(),
)

test('the field goes before the argument, also an empty one', () => {
  assert.deepEqual(compiled.read(makeView({ headers: { 'x-key': 'a' }, query: 'key=b' })), {
    key: 'a',
    restOfQuery: undefined,
  })
  assert.equal(compiled.read(makeView({ headers: { 'x-key': '' }, query: 'key=b' }))?.key, '')
  assert.equal(compiled.read(makeView({})), null)
  assert.equal(compiled.read(makeView({ query: 'keys=b&' })), null)
})

test('an argument is decoded, and what is left of the query stays as it was', () => {
  for (const [query, key, restOfQuery] of [
    ['key=a', 'a', null],
    ['a=1&key=a%20b+c&b=%2f', 'a b c', 'a=1&b=%2f'],
    ['%6bey=a&&x', 'a', '&x'],
    ['key=', '', null],
    ['key', '', null],
    ['key=a&key=a', '', null],
  ] as const)
    assert.deepEqual(compiled.read(makeView({ query })), { key, restOfQuery }, query)
})

test('the challenge quotes its realm', () => {
  assert.equal(compiled.challenge, 'apikey realm="a \\"b\\""')
})
