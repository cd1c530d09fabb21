import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialect, Lookup } from '../dialects/dialect.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import type { Upstream } from '../model/upstream.ts'
import { Mirror } from './mirror.ts'
import { type DocumentEdit, type Plan, Reconciler } from './reconcile.ts'

let translations: string[] = []

/** A toy language: `items` become upstreams named after themselves and, where they have a `parent`, after its label. */
const toy = {
  name: 'toy',
  kinds: ['items'],
  validate: (_kind: string, value: JsonObject) =>
    value.bad === true ? [{ path: 'bad', message: 'is bad', hint: null }] : [],
  translate: (document: StoredDocument, lookup: Lookup) => {
    const { id } = document.key
    translations.push(id)
    if (document.value.throws === true) throw new Error('boom')
    const parent = document.value.parent
    const label = typeof parent === 'string' ? (lookup('items', parent)?.value.label ?? 'none') : ''
    const name = `${String(document.value.label ?? '')}/${String(label)}`
    return {
      objects: [makeObject(id, name)],
      warnings: parent === 'gone' ? [{ path: 'parent', message: 'not there' }] : [],
    }
  },
} as unknown as Dialect

function makeObject(id: string, name: string): ModelObject {
  return { kind: 'upstream', id: `toy/items/${id}`, name } as Upstream
}

const keyOf = (id: string): DocumentKey => ({ dialect: 'toy', kind: 'items', id })

function setUp() {
  const mirror = new Mirror()
  const reconciler = new Reconciler([toy], DEFAULT_SETTINGS, mirror, undefined, () => 1)
  const change = (values: Record<string, JsonObject | undefined>): Plan => {
    const edits = Object.entries(values).map(
      ([id, value]): DocumentEdit => ({
        key: keyOf(id),
        document:
          value === undefined
            ? undefined
            : { key: keyOf(id), value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null },
      }),
    )
    translations = []
    const plan = reconciler.plan(edits)
    plan.apply()
    for (const { key, document } of edits) {
      if (document === undefined) mirror.delete(key)
      else mirror.set(document)
    }
    return plan
  }
  return { mirror, reconciler, change }
}

test('a change translates the document and those that looked at it, nothing else', () => {
  const { change } = setUp()
  change({ p: { label: 'P' }, a: { label: 'A', parent: 'p' }, b: { label: 'B' } })
  const plan = change({ p: { label: 'Q' } })
  assert.deepEqual(translations.sort(), ['a', 'p'])
  assert.deepEqual(plan.upserts.map((object) => object.name).sort(), ['A/Q', 'Q/'])
})

test('a document that translates to what it was changes nothing', () => {
  const { change } = setUp()
  change({ p: { label: 'P' }, a: { label: 'A', parent: 'p' } })
  const plan = change({ p: { label: 'P', comment: 'no effect' } })
  assert.deepEqual([plan.upserts, plan.removals], [[], []])
})

test('the appearance and the end of a document that was looked for translate its dependents', () => {
  const { change, reconciler } = setUp()
  change({ a: { label: 'A', parent: 'gone' } })
  assert.equal(reconciler.status(keyOf('a'))?.state, 'degraded')
  assert.deepEqual(
    change({ gone: { label: 'G' } }).upserts.map((object) => object.name),
    ['G/', 'A/G'],
  )
  const plan = change({ gone: undefined })
  assert.deepEqual(
    plan.upserts.map((object) => object.name),
    ['A/none'],
  )
  assert.deepEqual(plan.removals, [{ kind: 'upstream', id: 'toy/items/gone' }])
  assert.equal(reconciler.status(keyOf('gone')), undefined)
})

test('a dependency that is given up is forgotten', () => {
  const { change } = setUp()
  change({ p: { label: 'P' }, a: { label: 'A', parent: 'p' } })
  change({ a: { label: 'A' } })
  change({ p: { label: 'Q' } })
  assert.deepEqual(translations, ['p'])
})

test('a plan that is not applied changes nothing', () => {
  const { reconciler, change } = setUp()
  change({ a: { label: 'A' } })
  const document = {
    key: keyOf('a'),
    value: { label: 'X' },
    createdRevision: 1,
    modifiedRevision: 2,
    expiresAtMs: null,
  }
  assert.equal(reconciler.plan([{ key: keyOf('a'), document }]).upserts.length, 1)
  assert.deepEqual(
    [...reconciler.objects()].map((object) => object.name),
    ['A/'],
  )
})

test('a translation that fails keeps what the document had, and says so', () => {
  const { change, reconciler } = setUp()
  change({ a: { label: 'A' }, b: { label: 'B' } })
  const plan = change({ a: { throws: true }, b: { label: 'C' } })
  assert.deepEqual(
    plan.upserts.map((object) => object.name),
    ['C/'],
  )
  assert.deepEqual(plan.removals, [])
  assert.equal(plan.failures[0]?.key.id, 'a')
  assert.equal(reconciler.status(keyOf('a'))?.state, 'rejected')
  assert.deepEqual([...reconciler.objects()].map((object) => object.name).sort(), ['A/', 'C/'])
})

test('a stored document that was set aside is found by nobody until it is mended', () => {
  const { mirror, reconciler, change } = setUp()
  const bad = {
    key: keyOf('p'),
    value: { bad: true, label: 'P' },
    createdRevision: 1,
    modifiedRevision: 1,
    expiresAtMs: null,
  }
  mirror.set(bad)
  reconciler.setAside(bad.key, reconciler.validate(bad))
  assert.equal(reconciler.status(bad.key)?.state, 'rejected')
  assert.deepEqual(
    change({ a: { label: 'A', parent: 'p' } }).upserts.map((object) => object.name),
    ['A/none'],
  )
  assert.deepEqual(
    change({ p: { label: 'P' } }).upserts.map((object) => object.name),
    ['P/', 'A/P'],
  )
  assert.equal(reconciler.status(bad.key)?.state, 'accepted')
})

test('an unknown dialect or kind is a fault', () => {
  const { reconciler } = setUp()
  const faults = reconciler.validate({ key: { dialect: 'toy', kind: 'things', id: '1' }, value: {} })
  assert.match(faults[0]?.message ?? '', /toy\/things/)
})
