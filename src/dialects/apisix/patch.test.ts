import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { mergePatch } from '../../model/merge-patch.ts'
import { patchAt } from './patch.ts'

test('maps merge, lists replace, null deletes, keys keep their place', () => {
  const value = { a: 1, nodes: { x: 1, y: 2 }, list: [1, 2], z: true }
  const merged = mergePatch(value, {
    z: null,
    nodes: { x: null, n: 3 },
    list: [9],
    b: { c: null, d: [null] },
  })
  assert.equal(JSON.stringify(merged), '{"a":1,"nodes":{"y":2,"n":3},"list":[9],"b":{"d":[null]}}')
  assert.equal(JSON.stringify(value), '{"a":1,"nodes":{"x":1,"y":2},"list":[1,2],"z":true}')
})

test('a map over a list and a list over a map replace', () => {
  assert.deepEqual(mergePatch({ nodes: [1] }, { nodes: { a: 1 } }), { nodes: { a: 1 } })
  assert.deepEqual(mergePatch({ nodes: { a: 1 } }, { nodes: [] }), { nodes: [] })
  assert.deepEqual(mergePatch({ a: { b: 1 } }, { a: 'x' }), { a: 'x' })
})

test('names of the prototype are absent keys', () => {
  assert.deepEqual(mergePatch({}, { toString: { a: 1 } } as unknown as JsonObject), { toString: { a: 1 } })
  assert.deepEqual(patchAt({}, ['valueOf', 'x'], 1), { valueOf: { x: 1 } })
})

const object = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.jsonValue({ maxDepth: 3 }),
) as fc.Arbitrary<JsonObject>

test('merging the same change twice is merging it once', () => {
  fc.assert(
    fc.property(object, object, (value, change) => {
      const once = mergePatch(value, change)
      assert.deepEqual(mergePatch(once, change), once)
    }),
  )
})

test('an empty change leaves everything as it is', () => {
  fc.assert(
    fc.property(object, (value) => {
      assert.equal(JSON.stringify(mergePatch(value, {})), JSON.stringify(value))
    }),
  )
})

test('a path sets one attribute, makes what is missing on the way, and touches nothing else', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(object, path, fc.jsonValue() as fc.Arbitrary<JsonValue>, (value, steps, change) => {
      const before = JSON.stringify(value)
      const patched = patchAt(value, steps, change)
      assert.equal(JSON.stringify(value), before)
      if (patched === null) return
      let found: unknown = patched
      for (const step of steps) found = (found as Record<string, unknown>)[step]
      assert.deepEqual(found, change)
      const [first = ''] = steps
      for (const key of Object.keys(value)) if (key !== first) assert.equal(patched[key], value[key])
    }),
  )
})

test('a path leads through objects alone', () => {
  assert.equal(patchAt({ a: 1 }, ['a', 'b'], 1), null)
  assert.equal(patchAt({ a: [1] }, ['a', '0'], 1), null)
  assert.equal(patchAt({ a: null }, ['a', 'b'], 1), null)
  assert.equal(patchAt({}, [], 1), null)
})
