import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDocument } from 'yaml'
import { isPlainJson, JsonPlaces } from './json-places.ts'
import { offsetOf } from './locate.ts'
import { parseFile } from './parse-file.ts'

const KEY = fc.constantFrom('a', 'b', 'a.b', 'c[0]', 'routes', '"', '\\', 'é')
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(1, -2.5, 1e21, true, null, '', 'text', '{"a":1}', '\\"]}', '\u2028'),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(KEY, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

/** Every path in a value, and some that lead nowhere. */
function pathsOf(value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    return [path, `${path}[9]`, ...value.flatMap((item, i) => pathsOf(item, `${path}[${i}]`))]
  }
  if (typeof value !== 'object' || value === null) return [path, `${path}.none`]
  const dot = path === '' ? '' : '.'
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, `${path}${dot}${key}`))]
}

test('shows paths at the places where the YAML parser shows them', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 3 }), fc.constantFrom(0, 1, 2), (list, indent) => {
      const value = { routes: list, a: { b: 1, 'a.b': [list] } }
      const text = JSON.stringify(value, null, indent)
      const document = parseDocument(text)
      const places = new JsonPlaces(text)
      for (const path of pathsOf(value, '')) {
        assert.equal(places.offsetOf(path), offsetOf(document, path), `${path} in ${text}`)
      }
    }),
    { numRuns: 400 },
  )
})

test('a key in quotes is itself, whatever stands in it', () => {
  const text = '{"match": {"kuma.io/service": {"x": 1},\n "a\\"b": 2, "a": 3}}'
  const places = new JsonPlaces(text)
  const document = parseDocument(text)
  for (const [path, at] of [
    ['match["kuma.io/service"]', '"kuma.io'],
    ['match["kuma.io/service"].x', '1}'],
    ['match["a\\"b"]', '2,'],
    ['match["a"]', '3}'],
    ['match["none"].x', '"match"'],
    ['match["\\z"]', '"match"'],
  ] as const) {
    assert.equal(places.offsetOf(path), text.indexOf(at), path)
    assert.equal(offsetOf(document, path), text.indexOf(at), path)
  }
})

test('sees keys that stand twice, that reach a prototype, and numbers out of range', () => {
  for (const [text, isPlain] of [
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', true],
    ['{"a":"a","b":["b","b"],"c":"\\"c\\":"}', true],
    ['{"a":1,"b":{},"a":2}', false],
    ['{"a":1,"\\u0061":2}', false],
    ['[{"x":{"__proto__":1}}]', false],
    ['{"a":1e999}', false],
    [`{"a":-${'9'.repeat(400)}}`, false],
    ['{"a":1e10,"b":123456789012345678}', true],
  ] as const) {
    JSON.parse(text)
    assert.equal(isPlainJson(text), isPlain, text)
  }
})

test('a JSON file is read to the same value and places as the YAML parser reads it', () => {
  const text = '{\n  "routes": [\n    {"id": 1,\n     "uri": "/a"}\n  ]\n}\n'
  const quick = parseFile('x.json', text, {}, false)
  const slow = parseFile('x.yaml', `${text}# a comment is no JSON\n`, {}, false)
  assert.deepEqual(quick.roots[0]?.value, slow.roots[0]?.value)
  for (const path of ['', 'routes', 'routes[0]', 'routes[0].uri', 'routes[0].none']) {
    const place = quick.roots[0]?.locate(path)
    assert.deepEqual(
      [place?.line, place?.column],
      [slow.roots[0]?.locate(path).line, slow.roots[0]?.locate(path).column],
      path,
    )
  }
  assert.deepEqual(quick.roots[0]?.locate('routes[0].uri'), { file: 'x.json', line: 4, column: 13 })
  const twice = parseFile('x.json', '{"routes": [],\n"routes": []}', {}, false)
  assert.equal(twice.faults.length, 1)
  const filled = parseFile('x.json', `{"routes": ["\${{A}}"]}`, { A: '5' }, false)
  assert.deepEqual(filled.roots[0]?.value, { routes: [5] })
})
