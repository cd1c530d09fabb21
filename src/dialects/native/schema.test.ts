import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonValue } from '../../model/json.ts'
import { checkSchema } from './check-schema.ts'
import { checkFormat } from './formats.ts'
import type { Schema } from './json-schema.ts'
import { DEFS, NATIVE_SCHEMA, resolveSchema } from './schema.ts'
import { nativeFiles } from './testing/generate.ts'

const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: true, allErrors: true })
const accepts = ajv.compile(NATIVE_SCHEMA)

/** Every schema with its place. */
function* everySchema(): Generator<readonly [place: string, schema: Schema]> {
  const stack: [string, Schema][] = [['', NATIVE_SCHEMA], ...Object.entries(DEFS)]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next
    const [place, schema] = next
    for (const [key, inner] of Object.entries(schema.properties ?? {})) stack.push([`${place}.${key}`, inner])
    for (const inner of schema.anyOf ?? []) stack.push([`${place}|`, inner])
    if (schema.items !== undefined) stack.push([`${place}[]`, schema.items])
    if (schema.propertyNames !== undefined) stack.push([`${place}{}`, schema.propertyNames])
    if (typeof schema.additionalProperties === 'object')
      stack.push([`${place}{}`, schema.additionalProperties])
  }
}

test('it is a valid JSON Schema of the 2020-12 edition', () => {
  assert.equal(ajv.validateSchema(NATIVE_SCHEMA), true, JSON.stringify(ajv.errors))
})

test('every key has a description, every word its meaning, every object says what else it takes', () => {
  const lacking: string[] = []
  for (const [place, schema] of everySchema()) {
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      if (inner.description === undefined) lacking.push(`${place}.${key}: description`)
    }
    if (schema.enumDescriptions !== undefined && schema.enumDescriptions.length !== schema.enum?.length) {
      lacking.push(`${place}: enumDescriptions`)
    }
    const isOpen = place === '.gateway'
    if (schema.type === 'object' && schema.additionalProperties === undefined && !isOpen) {
      lacking.push(`${place}: additionalProperties`)
    }
    if (schema.pattern !== undefined && schema.patternWords === undefined)
      lacking.push(`${place}: patternWords`)
  }
  assert.deepEqual(lacking, [])
})

test('every name that it refers to is there, every format is known, and defaults and examples fit', () => {
  for (const [place, schema] of everySchema()) {
    resolveSchema(schema)
    if (schema.format !== undefined) checkFormat(schema.format, '/x', DEFAULT_SETTINGS)
    for (const example of [
      ...(schema.examples ?? []),
      ...(schema.default === undefined ? [] : [schema.default]),
    ]) {
      // an example of a fragment need not have the id that a document has
      const faults = checkSchema(schema, example as JsonValue, DEFAULT_SETTINGS)
      assert.deepEqual(faults, [], `${place}: ${JSON.stringify(example)}`)
    }
  }
})

test('forms of one value differ in their type, so that the type alone tells which is meant', () => {
  for (const [place, schema] of everySchema()) {
    if (schema.anyOf === undefined || schema.type !== undefined) continue
    const types = schema.anyOf.flatMap((form) => {
      const target = resolveSchema(form)
      return target.anyOf === undefined
        ? [target.type]
        : target.anyOf.map((inner) => resolveSchema(inner).type)
    })
    assert.equal(new Set(types).size, types.length, `${place}: ${types.join(', ')}`)
  }
})

test('files that are made by the rules are accepted by our checker and by ajv', () => {
  fc.assert(
    fc.property(nativeFiles, (file) => {
      assert.deepEqual(checkSchema(NATIVE_SCHEMA, file, DEFAULT_SETTINGS), [])
      assert.ok(accepts(file), JSON.stringify(accepts.errors))
    }),
    { numRuns: 300 },
  )
})

test('of files with something changed at random the two think the same, but for what formats say', () => {
  const junk = fc.constantFrom<JsonValue>(null, 5, -1, 1.5, '', 'x', true, [], {}, ['x'], { x: 1 })
  let refused = 0
  fc.assert(
    fc.property(nativeFiles, fc.nat(), fc.nat(2), junk, (file, where, how, value) => {
      const changed = damage(structuredClone(file) as JsonValue, where, how, value)
      const faults = findShapeFaults(changed)
      if (faults.length > 0) refused++
      assert.equal(
        faults.length === 0,
        accepts(changed),
        JSON.stringify({ changed, faults, ajv: accepts.errors }),
      )
    }),
    { numRuns: 1000 },
  )
  assert.ok(refused > 250, `only ${refused} were refused`)
})

/** Faults without those of formats, which ajv does not know. */
function findShapeFaults(value: JsonValue): readonly string[] {
  const faults = checkSchema(NATIVE_SCHEMA, value, DEFAULT_SETTINGS)
  return faults
    .filter(({ path }) => !isFormatFault(value, path))
    .map(({ path, message }) => `${path}: ${message}`)
}

/** Whether what stands at a path is a text that a schema without formats takes. */
function isFormatFault(root: JsonValue, path: string): boolean {
  let schema: Schema | null = NATIVE_SCHEMA
  let value: unknown = root
  for (const [step] of path.matchAll(/[^.[\]]+/g)) {
    const form: Schema | null = schema === null ? null : pick(schema, value as JsonValue)
    schema = form?.properties?.[step] ?? form?.items ?? (form?.additionalProperties || null) ?? null
    value = (value as Record<string, unknown> | undefined)?.[step]
  }
  if (schema === null || typeof value !== 'string') return false
  const form = pick(schema, value)
  if (form?.format === undefined) return false
  const { format: _, ...bare } = form
  return checkSchema(bare, value, DEFAULT_SETTINGS).length === 0
}

function pick(schema: Schema, value: JsonValue): Schema | null {
  const target = resolveSchema(schema)
  if (target.anyOf === undefined || target.type !== undefined) return target
  for (const form of target.anyOf) {
    const found = pick(form, value)
    const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
    if (found?.type === type || (found?.type === 'integer' && type === 'number')) return found
  }
  return null
}

/** Replaces, removes or adds something at one of the places of a value. */
function damage(root: JsonValue, where: number, how: number, value: JsonValue): JsonValue {
  const places: { holder: Record<string, JsonValue>; key: string }[] = []
  const visit = (at: JsonValue): void => {
    if (typeof at !== 'object' || at === null) return
    for (const key of Object.keys(at)) {
      places.push({ holder: at as Record<string, JsonValue>, key })
      visit((at as Record<string, JsonValue>)[key] as JsonValue)
    }
  }
  visit(root)
  const place = places[where % places.length]
  if (place === undefined) return root
  const { holder, key } = place
  if (how === 0 || Array.isArray(holder)) holder[key] = value
  else if (how === 1) delete holder[key]
  else holder[`${key}x`] = value
  return root
}
