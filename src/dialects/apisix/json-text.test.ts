import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkValue } from '../../model/safe-json.ts'
import { parseJson } from './json-text.ts'

test('repeated keys are found wherever they stand, also spelt differently', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['{"a":1,"b":{"a":1}}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":1,"\\u0061":2,"a":3}', ['a', 'a']],
    ['[{"x":[1,{"k":1,"k":2}]}]', ['[0].x[1].k']],
    ['{"a":{"b":1},"c":["{\\"a\\":1,\\"a\\":1}"],"c":1}', ['c']],
    ['{"a":"a","b":"a"}', []],
    ['["a","a"]', []],
  ]
  for (const [text, expected] of cases) {
    const parsed = parseJson(text, 32)
    assert.deepEqual('error' in parsed ? parsed.error : parsed.repeated, expected, text)
  }
})

test('keys that reach the prototype are refused as keys and harmless as values', () => {
  for (const text of [
    '{"__proto__":1}',
    '{"a":{"constructor":1}}',
    '[{"prototype":1}]',
    '{"\\u005f_proto__":1}',
  ]) {
    assert.ok('error' in parseJson(text, 32), text)
  }
  assert.ok(!('error' in parseJson('{"a":"__proto__","b":["constructor"]}', 32)))
})

test('nesting is counted in objects and lists', () => {
  const nest = (depth: number): string => '[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2)
  assert.ok(!('error' in parseJson(nest(32), 32)))
  assert.deepEqual(parseJson(nest(34), 32), { error: 'nested more than 32 deep (maxJsonDepth)' })
  assert.ok('error' in parseJson('['.repeat(500_000) + ']'.repeat(500_000), 32))
  assert.ok(!('error' in parseJson('[[],[],[[]],{},{}]', 3)))
})

test('numbers that JSON could not write again are refused', () => {
  assert.deepEqual(parseJson('{"a":-1e400}', 32), { error: 'a number is out of range' })
  assert.ok(!('error' in parseJson('[1e308,-0.5e-400,12345678901234567890,"1e999"]', 32)))
})

test('text that is no JSON is refused with a short reason', () => {
  for (const text of ['{', '', '{a:1}', `{"a":${'x'.repeat(100_000)}`, '[1,]', 'nul']) {
    const parsed = parseJson(text, 32)
    assert.ok('error' in parsed && parsed.error.length <= 201, text.slice(0, 20))
  }
})

test('every JSON text gives the value that it is, whatever blanks it has', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const parsed = parseJson(text, 32)
      // The names below are the only ones that a generated object may not have.
      if (/"(?:__proto__|constructor|prototype)"/.test(text)) return
      assert.ok(!('error' in parsed))
      assert.deepEqual(parsed.value, JSON.parse(text))
      assert.deepEqual(parsed.repeated, [])
    }),
  )
})

test('values from elsewhere are held to the same rules', () => {
  assert.equal(checkValue({ a: [{ b: 1 }] }, 3), null)
  assert.match(checkValue({ a: [{ b: 1 }] }, 2) ?? '', /maxJsonDepth/)
  assert.match(checkValue(JSON.parse('{"a":{"__proto__":1}}'), 9) ?? '', /__proto__/)
  assert.match(checkValue({ a: Number.NaN }, 9) ?? '', /out of range/)
})
