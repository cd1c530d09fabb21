import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findDialect } from '../dialects/index.ts'
import { isDeepEqual } from '../gateway/deep-equal.ts'
import type { JsonObject } from '../model/json.ts'
import { alignDocument } from './align.ts'

const dialect = findDialect('apisix')
assert.ok(dialect)

function align(before: JsonObject, after: JsonObject): string {
  const normal = (value: JsonObject): JsonObject => dialect?.normalize('routes', value) ?? value
  return JSON.stringify(alignDocument(before, after, normal(before), normal(after)))
}

test('keeps the old form where both mean the same: order, defaults on either side, ids as text or number', () => {
  const before = {
    id: 1,
    uri: '/a',
    priority: 0,
    upstream: { nodes: { 'a:1': 1 }, type: 'roundrobin' },
    upstream_id: 5,
  }
  const after = {
    upstream_id: '5',
    upstream: { scheme: 'http', nodes: { 'a:1': 2 } },
    status: 1,
    uri: '/a',
    id: '1',
  }
  assert.equal(
    align(before, after),
    '{"id":1,"uri":"/a","priority":0,"upstream":{"nodes":{"a:1":2},"type":"roundrobin"},"upstream_id":5}',
  )
})

test('shows what is new, what is gone and lists that grew', () => {
  assert.equal(align({ a: 1, b: { c: 1 } }, { b: { d: 2 } }), '{"b":{"d":2}}')
  assert.equal(align({ uris: ['/a', '/b'] }, { uris: ['/a', '/c', '/d'] }), '{"uris":["/a","/c","/d"]}')
})

test('never changes what the document means', () => {
  const value = fc.record(
    {
      id: fc.constantFrom(1, '1'),
      uri: fc.constantFrom('/a', '/b'),
      priority: fc.constantFrom(0, 1),
      status: fc.constantFrom(0, 1),
      upstream: fc.record(
        {
          type: fc.constant('roundrobin'),
          retries: fc.nat(1),
          nodes: fc.constantFrom<JsonObject>({ 'a:1': 1 }, { 'a:1': 2 }),
        },
        { requiredKeys: ['nodes'], noNullPrototype: true },
      ),
    },
    { requiredKeys: ['id'], noNullPrototype: true },
  ) as fc.Arbitrary<JsonObject>
  fc.assert(
    fc.property(value, value, (before, after) => {
      const aligned = JSON.parse(align(before, after)) as JsonObject
      assert.ok(isDeepEqual(dialect?.normalize('routes', aligned), dialect?.normalize('routes', after)))
    }),
    { numRuns: 2_000 },
  )
})
