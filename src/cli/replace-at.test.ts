import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../model/json.ts'
import { replaceAt } from './replace-at.ts'

const value: JsonValue = {
  plugins: { 'traffic-split': { rules: [{ targets: [{ weight: 1 }, { weight: 2 }] }] } },
  'a.b': { 'c[0]': 1 },
}
const path = 'plugins.traffic-split.rules[0].targets[1]'

test('replaces what stands at a path and leaves the rest, the order of keys and the original alone', () => {
  const text = JSON.stringify(value)
  const changed = replaceAt(value, path, () => ({ weight: 9 }))
  assert.equal(JSON.stringify(changed), text.replace('"weight":2', '"weight":9'))
  assert.equal(JSON.stringify(value), text)
})

test('finds keys that hold dots and brackets', () => {
  assert.deepEqual(
    replaceAt(value, 'a.b.c[0]', () => 2),
    { ...value, 'a.b': { 'c[0]': 2 } },
  )
})

test('a path that leads nowhere is an error', () => {
  for (const wrong of ['plugins.x', `${path}.weight.x`, 'plugins.traffic-split.rules[7]', 'plugins[0]'])
    assert.throws(() => replaceAt(value, wrong, () => 1), /nothing stands at/)
})
