import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse, parseAllDocuments } from 'yaml'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { makeEnvironment, makeSection } from '../../routing/test-fixtures.ts'
import { tencent } from './index.ts'
import { document, settingsWith } from './testing/translate.ts'

const SETTINGS = settingsWith()
const example = readFileSync(new URL('../../../examples/tencent-routing.yaml', import.meta.url), 'utf8')
const clusters = readFileSync(new URL('../../../examples/tencent-tke.yaml', import.meta.url), 'utf8')
const DOCUMENTS: readonly StoredDocument[] = [
  parse(example),
  ...parseAllDocuments(clusters).map((part) => part.toJS()),
]
  .flatMap((root) => tencent.readFile(root as JsonValue, SETTINGS)?.documents ?? [])
  .map(({ kind, id, value }) => document(kind, id, value))

/** Every place in a value, as a list of keys. */
function placesIn(
  value: JsonValue,
  path: readonly (string | number)[] = [],
): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = isJsonObject(value) ? Object.keys(value) : (value as readonly JsonValue[]).map((_, i) => i)
  return [
    path,
    ...keys.flatMap((key) => placesIn((value as Record<string, JsonValue>)[key] ?? null, [...path, key])),
  ]
}

function replaceAt(
  value: JsonValue,
  path: readonly (string | number)[],
  by: JsonValue | undefined,
): JsonValue | undefined {
  const [key, ...rest] = path
  if (key === undefined) return by
  const inner = replaceAt((value as Record<string, JsonValue>)[key] ?? null, rest, by)
  if (Array.isArray(value)) {
    const list = value.slice() as (JsonValue | undefined)[]
    list[Number(key)] = inner
    return list.filter((item) => item !== undefined) as JsonValue
  }
  const copy = { ...(value as JsonObject), [key]: inner }
  if (inner === undefined) delete copy[key]
  return copy as JsonValue
}

const odd: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constantFrom<(JsonValue | undefined)[]>(
    undefined,
    null,
    '',
    0,
    -1,
    101,
    1.5,
    true,
    [],
    {},
    [null],
    'ANY',
    'MOCK',
    'SCF',
    'HTTP',
    'upstream',
    'WEBSOCKET',
    '/',
    '//',
    '/{a}',
    '=/x',
    '^~/x',
    '~/x(a|b)',
    '/a*',
    'http://127.0.0.1:80',
    'ws://[::1]:1',
    'ServiceType: MOCK\nServiceMockReturnMessage: "1"',
    '&a [*a]',
    "path = '/a'",
    'K8S',
    'gRPC',
  ),
  fc.string({ maxLength: 8 }),
)

test('whatever is accepted translates and compiles, and nothing throws for what is not', () => {
  let accepted = 0
  fc.assert(
    fc.property(
      fc.nat(DOCUMENTS.length - 1),
      fc.array(fc.tuple(fc.nat(10_000), odd), { minLength: 1, maxLength: 2 }),
      (at, edits) => {
        const { key, value } = DOCUMENTS[at] as StoredDocument
        let edited: JsonValue = value
        for (const [place, by] of edits) {
          const places = placesIn(edited)
          edited = replaceAt(edited, places[place % places.length] ?? [], by) ?? {}
        }
        const faults = tencent.validate(key.kind, edited, SETTINGS)
        if (!isJsonObject(edited)) return assert.ok(faults.length > 0)
        for (const { path, message } of faults) assert.ok(message !== '' && !path.includes('undefined'), path)
        const one = { ...(DOCUMENTS[at] as StoredDocument), value: edited }
        tencent.references(key.kind, edited)
        tencent.normalize(key.kind, edited)
        tencent.summarize?.(key.kind, edited)
        tencent.prepare(key.kind, key.id, edited, one, 0)
        if (faults.length > 0) return
        accepted++
        const all = DOCUMENTS.map((other, i) => (i === at ? one : other))
        const lookup = (kind: string, id: string) =>
          all.find((other) => other.key.kind === kind && other.key.id === id)
        const table = new RoutingTable([makeSection('tencent')], makeEnvironment())
        const edit = table.begin()
        for (const other of all)
          for (const object of tencent.translate(other, lookup, SETTINGS, () => []).objects)
            if (object.kind === 'route') edit.upsert(object)
        edit.commit(1)
      },
    ),
    { numRuns: 4000 },
  )
  assert.ok(accepted > 50, String(accepted))
})
