import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from './json.ts'
import { makePatch, mergePatch } from './merge-patch.ts'

test('a patch says only what differs; lists go whole and what is gone becomes null', () => {
  const before = { a: 1, gone: true, plugins: { x: { rules: [{ weight: 1 }] }, y: 2 } }
  const after = { a: 1, plugins: { x: { rules: [{ weight: 3 }] }, y: 2 } }
  assert.deepEqual(makePatch(before, after), { gone: null, plugins: { x: { rules: [{ weight: 3 }] } } })
  assert.deepEqual(makePatch(before, before), {})
})

const KEY = fc.constantFrom('a', 'b', 'c')
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: 0, max: 2 }),
    fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    fc.dictionary(KEY, tie('tree'), { noNullPrototype: true }) as fc.Arbitrary<JsonValue>,
  ),
}))
const object = fc.dictionary(KEY, tree, { noNullPrototype: true }) as fc.Arbitrary<JsonObject>

test('merging the made patch gives the other value, for any two without null', () => {
  fc.assert(
    fc.property(object, object, (before, after) => {
      assert.deepEqual(mergePatch(before, makePatch(before, after)), after)
    }),
    { numRuns: 2_000 },
  )
})
