import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAllDocuments } from 'yaml'
import type { JsonValue } from './json.ts'
import { toYaml } from './yaml-text.ts'

/** As files of the configuration are read (store/files/parse-file.ts). */
function readBack(text: string): unknown {
  const documents = [...parseAllDocuments(text, { version: '1.2', merge: true, uniqueKeys: true })]
  assert.equal(documents.length, 1, text)
  assert.deepEqual(documents[0]?.errors, [], text)
  return documents[0]?.toJS()
}

function holdsPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, inner]) => key === '__proto__' || holdsPrototypeKey(inner))
}

test('any JSON value reads back as it was, its keys in their order', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (drawn) => {
      const value = JSON.parse(JSON.stringify(drawn)) as JsonValue
      fc.pre(!holdsPrototypeKey(value))
      assert.equal(JSON.stringify(readBack(toYaml(value))), JSON.stringify(value))
    }),
    { numRuns: 2_000 },
  )
})

test('texts that YAML would take for something else are quoted', () => {
  const odd = [
    ...[
      '',
      ' ',
      'yes',
      'No',
      'null',
      '~',
      '1',
      '1.0',
      '0x1f',
      '1e3',
      '.5',
      '2001-01-01',
      '<<',
      '- a',
      'a: b',
      'a #b',
    ],
    ...[
      '#END',
      '---',
      '*',
      '&a',
      '!b',
      '%c',
      '@d',
      '`e',
      '{',
      '[',
      'a, b',
      'é',
      '\u2028',
      '\u0085',
      '\ud800',
      'a\nb',
      ' a',
      'a ',
    ],
    'k'.repeat(3000),
  ]
  for (const text of odd) {
    assert.equal(readBack(toYaml(text)), text)
    assert.deepEqual(readBack(toYaml({ [text]: { [text]: [text, { [text]: [[text]] }] } })), {
      [text]: { [text]: [text, { [text]: [[text]] }] },
    })
  }
})

test('reads as a person would write it', () => {
  const value = {
    routes: [
      {
        id: 'shop',
        uri: '/api/*',
        methods: ['GET', 'POST'],
        vars: [['arg_x', '==', '1']],
        plugins: {},
        upstream: { nodes: { '127.0.0.1:1980': 1 } },
      },
    ],
  }
  assert.equal(
    toYaml(value),
    `routes:
  - id: shop
    uri: /api/*
    methods: [GET, POST]
    vars:
      - [arg_x, "==", "1"]
    plugins: {}
    upstream:
      nodes:
        "127.0.0.1:1980": 1
`,
  )
})
