import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepEqual } from '../gateway/deep-equal.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { StoredDocument } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import { parseFile } from '../store/files/parse-file.ts'
import type { Dialect, FileDocument } from './dialect.ts'
import { own } from './headgate/index.ts'
import { dialects } from './index.ts'

/** What every dialect promises to our own API and the command line, held over all example files. */

const EXAMPLES = resolve(fileURLToPath(import.meta.url), '../../../examples')

/** Documents of the parts of a file that are written in this dialect. */
function read(dialect: Dialect, text: string): FileDocument[] {
  const { roots, faults } = parseFile('x.yaml', text, { PORT: '1980' }, false)
  assert.deepEqual(faults, [])
  return roots.flatMap(({ value }) => {
    const first = dialects.find(({ readFile }) => readFile(value, DEFAULT_SETTINGS) !== null)
    const contents = first === dialect ? dialect.readFile(value, DEFAULT_SETTINGS) : null
    assert.deepEqual(contents?.faults ?? [], [])
    return (contents?.documents ?? []).map(({ kind, id, value: own }) => ({ kind, id, value: own }))
  })
}

/** Documents of the examples that are written in this dialect. Those whose id is only their place in a list are left out. */
function examplesOf(dialect: Dialect): FileDocument[] {
  const found = new Map<string, FileDocument>()
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
  for (const name of files.filter((file) => /\.(?:ya?ml|json)$/.test(file))) {
    const text = readFileSync(resolve(EXAMPLES, name), 'utf8')
    for (const document of read(dialect, text)) {
      if (dialect.idOf(document.kind, document.value) !== null)
        found.set(`${document.kind}/${document.id}`, document)
    }
  }
  return [...found.values()]
}

function store(
  dialect: Dialect,
  { kind, id, value }: FileDocument,
  nowMs: number,
  previous?: StoredDocument,
): StoredDocument {
  const stored = dialect.prepare(kind, id, value, previous, nowMs)
  return {
    key: { dialect: dialect.name, kind, id },
    value: stored,
    createdRevision: 1,
    modifiedRevision: 1,
    expiresAtMs: null,
  }
}

for (const dialect of dialects) {
  const examples = examplesOf(dialect)

  test(`${dialect.name}: what was written as a file reads back to the same documents, always in the same bytes`, () => {
    assert.ok(examples.length > 0)
    const text = dialect.writeFile(examples)
    const again = read(dialect, text)
    const byKind = (a: FileDocument, b: FileDocument): number =>
      dialect.kinds.indexOf(a.kind) - dialect.kinds.indexOf(b.kind) || (a.id < b.id ? -1 : 1)
    const plain = (list: readonly FileDocument[]): unknown =>
      JSON.parse(JSON.stringify([...list].sort(byKind)))
    assert.deepEqual(plain(again), plain(examples))
    assert.equal(dialect.writeFile([...examples].reverse()), text)
    assert.equal(dialect.writeFile(again), text)
    assert.deepEqual(read(dialect, dialect.writeFile([])), [])
  })

  test(`${dialect.name}: what is stored validates, and what its author sees is what was written`, () => {
    for (const example of examples) {
      const stored = store(dialect, example, 5_000)
      const { kind } = example
      assert.deepEqual(dialect.validate(kind, stored.value, DEFAULT_SETTINGS), [], `${kind}/${example.id}`)
      const editable = dialect.editable(kind, stored.value)
      assert.equal(JSON.stringify(editable), JSON.stringify(example.value))
      assert.equal(dialect.idOf(kind, stored.value), example.id)
      const later = store(dialect, { ...example, value: editable }, 9_000_000, stored)
      assert.equal(JSON.stringify(dialect.editable(kind, later.value)), JSON.stringify(editable))
      const withoutId = Object.fromEntries(
        Object.entries(example.value).filter(([key]) => key !== 'id'),
      ) as JsonObject
      assert.equal(dialect.idOf(kind, dialect.prepare(kind, example.id, withoutId, undefined, 0)), example.id)
    }
  })

  test(`${dialect.name}: normalising again changes nothing, and times and the order of keys play no part`, () => {
    for (const example of examples) {
      const { kind } = example
      const normal = dialect.normalize(kind, example.value)
      assert.ok(isDeepEqual(dialect.normalize(kind, normal), normal))
      const turned = Object.fromEntries(Object.entries(store(dialect, example, 7_000).value).reverse())
      assert.ok(isDeepEqual(dialect.normalize(kind, turned), normal))
    }
  })

  test(`${dialect.name}: references lead to documents of the examples, and splits to places with their weights`, () => {
    const known = new Map(
      examples.map((example) => [`${example.kind}/${example.id}`, store(dialect, example, 0)]),
    )
    let splits = 0
    for (const document of known.values()) {
      for (const reference of dialect.references(document.key.kind, document.value)) {
        assert.ok(known.has(`${reference.kind}/${reference.id}`), JSON.stringify(reference))
      }
      for (const { targets } of dialect.splits(document, (kind, id) => known.get(`${kind}/${id}`))) {
        splits++
        assert.ok(targets.length > 1)
        for (const { weight, names } of targets) {
          assert.ok(Number.isInteger(weight) && weight >= 0)
          assert.ok(names.length > 0 && !names.includes(''))
        }
      }
    }
    // the gateway's own documents and those of Tencent have no splits
    assert.ok(splits > 0 || dialect === own || ['tencent', 'apinizer'].includes(dialect.name))
  })

  test(`${dialect.name}: one document alone is recognised as what it is`, () => {
    for (const { kind, value } of examples)
      assert.ok(dialect.recognize(value).includes(kind), JSON.stringify(value))
    assert.deepEqual(dialect.recognize({}), [])
    assert.deepEqual(dialect.recognize({ apiVersion: 'v1', kind: 'Secret' }), [])
  })

  test(`${dialect.name}: nothing throws for a value that would not validate`, () => {
    for (const kind of dialect.kinds) {
      for (const value of [
        {},
        { id: {} },
        { id: 1, plugins: [], rules: 'x', split: [1, { weight: 'a' }], upstream: null, nodes: [null] },
      ] as JsonObject[]) {
        const stored = store(dialect, { kind, id: '1', value }, 0)
        dialect.editable(kind, value)
        dialect.normalize(kind, value)
        dialect.references(kind, value)
        dialect.splits(stored, () => undefined)
        dialect.recognize(value)
        dialect.summarize?.(kind, value)
      }
    }
  })
}
