import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../../model/json.ts'
import { checkSchema, collectSchemaFaults, type LuaSchema, luaQuote } from './lua-schema.ts'
import { META, PROXY_REWRITE, REDIRECT, RESPONSE_REWRITE, TRAFFIC_SPLIT } from './plugin-schemas.ts'
import { SCHEMAS } from './schema.ts'

const LIST: LuaSchema = {
  type: 'array',
  minItems: 1,
  maxItems: 2,
  uniqueItems: true,
  items: { type: 'string' },
}
const EITHER: LuaSchema = { oneOf: [{ required: ['a'] }, { required: ['b'] }] }

const BRANCHES: LuaSchema = {
  if: { properties: { kind: { enum: ['x'] } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: EITHER,
  else: { required: ['c'] },
}

/** Schema, value, the reference's words. */
const WORDS: readonly (readonly [LuaSchema, JsonValue, string | null])[] = [
  [BRANCHES, { a: 1 }, null],
  [BRANCHES, { kind: 'x' }, 'then clause did not match'],
  [BRANCHES, { kind: 'y', c: 1 }, null],
  [BRANCHES, { kind: 'y', a: 1 }, 'else clause did not match'],
  [{ type: 'string' }, 1, 'wrong type: expected string, got number'],
  [{ type: 'string' }, [], 'wrong type: expected string, got table'],
  [{ type: 'string' }, {}, 'wrong type: expected string, got table'],
  [{ type: 'string' }, null, 'wrong type: expected string, got userdata'],
  [{ type: 'object' }, [1], 'wrong type: expected object, got table'],
  [{ type: 'object', required: ['a'] }, [], 'property "a" is required'],
  [{ type: 'array' }, { a: 1 }, 'wrong type: expected array, got table'],
  [{ type: 'array', maxItems: 1 }, {}, null],
  [{ type: 'array', minItems: 1 }, {}, 'expect array to have at least 1 items'],
  [{ type: 'integer' }, 1.5, 'wrong type: expected integer, got number'],
  [{ type: 'integer' }, 2, null],
  [{ type: 'boolean' }, 'true', 'wrong type: expected boolean, got string'],
  [{ enum: ['a', 'b'] }, 'c', 'matches none of the enum values'],
  [{ enum: [1, 0] }, true, 'matches none of the enum values'],
  [{ minimum: 0 }, -1, 'expected -1 to be at least 0'],
  [{ maximum: 65535 }, 65536, 'expected 65536 to be at most 65535'],
  [{ exclusiveMinimum: 0 }, 0, 'expected 0 to be greater than 0'],
  [{ maxLength: 256 }, 'x'.repeat(257), 'string too long, expected at most 256, got 257'],
  [{ minLength: 1 }, '', 'string too short, expected at least 1, got 0'],
  [{ maxLength: 1 }, '\u{1f600}', null],
  [{ pattern: '^\\d"$' }, 'a"', 'failed to match pattern "^\\\\d\\"$" with "a\\""'],
  [{ format: 'ipv4' }, '1.2.3', 'expect valid ipv4 address but got: 1.2.3'],
  [{ format: 'ipv6' }, '::1', null],
  [LIST, [], 'expect array to have at least 1 items'],
  [LIST, ['a', 'b', 'c'], 'expect array to have at most 2 items'],
  [LIST, ['a', 'a'], 'expected unique items but items 1 and 2 are equal'],
  [LIST, ['a', 7], 'failed to validate item 2: wrong type: expected string, got number'],
  [
    { uniqueItems: true },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    'expected unique items but items 1 and 2 are equal',
  ],
  [{ uniqueItems: true }, [1, '1'], null],
  [{ required: ['a'] }, {}, 'property "a" is required'],
  [{ properties: { a: {} }, required: ['a'] }, {}, 'property "a" is required'],
  [
    { properties: { a: {} }, additionalProperties: false },
    { x: 1 },
    'additional properties forbidden, found x',
  ],
  [{ minProperties: 1 }, {}, 'expect object to have at least 1 properties'],
  [{ maxProperties: 0 }, { a: 1 }, 'expect object to have at most 0 properties'],
  [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, true, 'object matches none of the required'],
  [EITHER, {}, 'value should match only one schema, but matches none'],
  [EITHER, { a: 1, b: 1 }, 'value should match only one schema, but matches both schemas 1 and 2'],
  [{ allOf: [{}, EITHER] }, {}, 'allOf 2 failed: value should match only one schema, but matches none'],
  [{ not: { type: 'string' } }, 'x', "value wasn't supposed to match schema"],
  [
    { patternProperties: { '^a': { type: 'string' } } },
    { ab: 1 },
    'failed to validate ab (matching "^a"): wrong type: expected string, got number',
  ],
  [
    { properties: { a: { properties: { b: LIST } } } },
    { a: { b: [1] } },
    'property "a" validation failed: property "b" validation failed: failed to validate item 1: wrong type: expected string, got number',
  ],
]

test('faults are worded as the reference words them', () => {
  for (const [schema, value, expected] of WORDS) {
    assert.equal(checkSchema(schema, value), expected, JSON.stringify([schema, value]))
  }
})

test('own properties alone count, so inherited names are absent', () => {
  const schema: LuaSchema = {
    properties: Object.fromEntries([['constructor', { type: 'string' as const }]]),
    required: ['toString'],
  }
  assert.equal(checkSchema(schema, {}), 'property "toString" is required')
  assert.equal(
    checkSchema({ additionalProperties: false }, JSON.parse('{"__proto__":1}')),
    'additional properties forbidden, found __proto__',
  )
})

test('all faults are collected with their places and hints', () => {
  const schema: LuaSchema = {
    type: 'object',
    properties: {
      retries: { type: 'integer', minimum: 0 },
      nodes: {
        anyOf: [
          { type: 'object', patternProperties: { '.*': { type: 'integer', minimum: 0 } } },
          { type: 'array' },
        ],
      },
      list: { type: 'array', items: { type: 'object', properties: { kind: { enum: ['x', 'y'] } } } },
    },
    additionalProperties: false,
  }
  const value = { retries: -1.5, nodes: { 'a:1': -1 }, list: [{}, { kind: 'z' }], retrys: 1 }
  assert.deepEqual(collectSchemaFaults(schema, value, 'upstream'), [
    { path: 'upstream.retries', message: 'wrong type: expected integer, got number', hint: null },
    {
      path: 'upstream.nodes',
      message: 'object matches none of the required',
      hint: 'failed to validate a:1 (matching ".*"): expected -1 to be at least 0',
    },
    { path: 'upstream.list[1].kind', message: 'matches none of the enum values', hint: 'one of x, y' },
    {
      path: 'upstream.retrys',
      message: 'additional properties forbidden, found retrys',
      hint: 'did you mean retries?',
    },
  ])
})

const everySchema: readonly LuaSchema[] = [
  ...Object.values(SCHEMAS),
  META,
  TRAFFIC_SPLIT,
  PROXY_REWRITE,
  REDIRECT,
  RESPONSE_REWRITE,
]

test('a value has a first fault exactly when it has faults at all', () => {
  const names = [
    'uri',
    'uris',
    'plugins',
    'upstream',
    'nodes',
    'host',
    'hosts',
    'rules',
    'headers',
    'name',
    'vars',
  ]
  const value = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.constant({}), fc.constant(['/a']))),
  ) as fc.Arbitrary<JsonValue>
  fc.assert(
    fc.property(fc.constantFrom(...everySchema), value, (schema, input) => {
      assert.equal(checkSchema(schema, input) === null, collectSchemaFaults(schema, input).length === 0)
    }),
    { numRuns: 500 },
  )
})

test('every property of every schema is described, for editors and the console', () => {
  const walk = (schema: LuaSchema, path: string): void => {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      assert.ok(inner.description !== undefined && inner.description.length > 3, `${path}.${name}`)
      walk(inner, `${path}.${name}`)
    }
    for (const inner of [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
      if (inner !== undefined) walk(inner, `${path}[]`)
    }
  }
  for (const [index, schema] of everySchema.entries()) walk(schema, String(index))
})

test('defaults in the schemas fit their own schemas', () => {
  let count = 0
  const walk = (schema: LuaSchema): void => {
    if (schema.default !== undefined) {
      assert.equal(checkSchema(schema, schema.default), null)
      count++
    }
    for (const inner of Object.values(schema.properties ?? {})) walk(inner)
    if (schema.items !== undefined) walk(schema.items)
  }
  for (const schema of everySchema) walk(schema)
  assert.ok(count > 20)
})

test('quoting escapes quotes and backslashes', () => {
  assert.equal(luaQuote('a"b\\c'), '"a\\"b\\\\c"')
})
