import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialect, Lookup, Search } from '../dialects/dialect.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import type { Upstream } from '../model/upstream.ts'
import { Mirror } from './mirror.ts'
import { type DocumentEdit, type Plan, Reconciler } from './reconcile.ts'

let translations: string[] = []

/**
 * A toy language: `items` become upstreams named after themselves and, where they have a `parent`, after its label, or after all that they see of it with `looksAt`. With
 * `seeks` they are named after the labels of all items that have this word among their `tags`.
 */
const toy = {
  name: 'toy',
  kinds: ['items'],
  validate: (_kind: string, value: JsonObject) =>
    value.bad === true ? [{ path: 'bad', message: 'is bad', hint: null }] : [],
  keywords: { items: ({ tags }: JsonObject) => (tags ?? []) as string[] },
  translate: (document: StoredDocument, lookup: Lookup, _settings: unknown, search: Search) => {
    const { id } = document.key
    translations.push(id)
    if (typeof document.value.seeks === 'string') {
      const found = search('items', document.value.seeks).map((one) => one.value.label)
      return { objects: [makeObject(id, found.join('+'))], warnings: [] }
    }
    if (document.value.throws === true) throw new Error('boom')
    const parent = document.value.parent
    const part = document.value.looksAt as string | undefined
    const found = typeof parent === 'string' ? lookup('items', parent, part) : undefined
    const seen = part === undefined ? found?.value.label : found && JSON.stringify(found.value)
    const label = typeof parent === 'string' ? (seen ?? 'none') : ''
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

test('a document that looked at one field of another is translated when that changes, or when the other comes or goes', () => {
  const { change } = setUp()
  const nameOf = (plan: Plan, id: string): string | undefined =>
    (plan.upserts.find((object) => object.id === `toy/items/${id}`) as Upstream | undefined)?.name
  const first = change({
    p: { label: 'one', other: { a: [1] } },
    field: { parent: 'p', looksAt: 'label' },
    deep: { parent: 'p', looksAt: 'other' },
    being: { parent: 'p', looksAt: '' },
    all: { parent: 'p' },
  })
  assert.equal(nameOf(first, 'field'), '/{"label":"one"}')
  assert.equal(nameOf(first, 'being'), '/{}')
  change({ p: { label: 'one', other: { a: [1] }, third: 3 } })
  assert.deepEqual(translations, ['p', 'all'])
  change({ p: { label: 'two', other: { a: [1] } } })
  assert.deepEqual(translations, ['p', 'all', 'field'])
  assert.equal(nameOf(change({ p: { label: 'two', other: { a: [2] } } }), 'deep'), '/{"other":{"a":[2]}}')
  assert.deepEqual(translations, ['p', 'all', 'deep'])
  // a field that goes is one that changes
  assert.equal(nameOf(change({ p: { label: 'two' } }), 'deep'), '/{}')
  const gone = change({ p: undefined })
  assert.deepEqual(translations.toSorted(), ['all', 'being', 'deep', 'field'])
  assert.equal(nameOf(gone, 'being'), '/none')
  const back = change({ p: {} })
  assert.deepEqual(translations.toSorted(), ['all', 'being', 'deep', 'field', 'p'])
  assert.equal(nameOf(back, 'field'), '/{}')
})

test('a search finds the documents that have a keyword, those of the change at hand too, and is repeated when one comes, goes or changes', () => {
  const { change, reconciler, mirror } = setUp()
  const nameOf = (plan: Plan): string | undefined =>
    plan.upserts.find((object) => object.id === 'toy/items/s')?.name
  const first = change({
    s: { seeks: 'red' },
    b: { label: 'B', tags: ['red'] },
    a: { label: 'A', tags: ['red', 'blue'] },
  })
  assert.equal(nameOf(first), 'A+B')
  change({ c: { label: 'C', tags: ['blue'] } })
  assert.deepEqual(translations, ['c'])
  assert.equal(nameOf(change({ c: { label: 'C', tags: ['red', 'blue'] } })), 'A+B+C')
  assert.equal(nameOf(change({ b: { label: 'B2', tags: ['red'] } })), 'A+B2+C')
  assert.equal(nameOf(change({ a: { label: 'A', tags: ['blue'] } })), 'B2+C')
  assert.equal(nameOf(change({ b: undefined, d: { label: 'D', tags: ['red'] } })), 'C+D')
  change({ e: { label: 'E' } })
  assert.deepEqual(translations, ['e'])
  // one that is set aside is not found, and is again when it is mended
  const [d] = [mirror.get(keyOf('d'))]
  reconciler.setAside(keyOf('d'), [])
  assert.equal(nameOf(change({ c: { label: 'C2', tags: ['red'] } })), 'C2')
  assert.equal(nameOf(change({ d: d?.value })), 'C2+D')
})

test('a document that was set aside is not there, for those that look at a part of it too', () => {
  const { mirror, reconciler, change } = setUp()
  const document = {
    key: keyOf('p'),
    value: { bad: true },
    createdRevision: 1,
    modifiedRevision: 1,
    expiresAtMs: null,
  }
  mirror.set(document)
  reconciler.setAside(document.key, [])
  const name = (plan: Plan) => (plan.upserts.find(({ id }) => id === 'toy/items/c') as Upstream).name
  assert.equal(name(change({ c: { parent: 'p', looksAt: 'label' } })), '/none')
  assert.equal(name(change({ p: { bad: false } })), '/{}')
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

test('takes an object that its dialect gives again for what it is in force as, and puts it in force anew once it was gone', () => {
  const made = new Map<string, ModelObject>()
  const keeping = {
    ...toy,
    keepsObjects: true,
    translate: ({ key, value }: StoredDocument) => {
      const name = `${key.id}/${String(value.label)}`
      const object = made.get(name) ?? makeObject(key.id, name)
      made.set(name, object)
      return { objects: [object], warnings: [] }
    },
  } as unknown as Dialect
  const mirror = new Mirror()
  const reconciler = new Reconciler([keeping], DEFAULT_SETTINGS, mirror, undefined, () => 1)
  const change = (label: string | null) => {
    const key = keyOf('a')
    const document =
      label === null
        ? undefined
        : {
            key,
            value: { label, at: Math.random() },
            createdRevision: 1,
            modifiedRevision: 1,
            expiresAtMs: null,
          }
    const plan = reconciler.plan([{ key, document }])
    if (document === undefined) mirror.delete(key)
    else mirror.set(document)
    plan.apply()
    const name = (object: ModelObject) => (object as Upstream).name
    return [plan.upserts.map(name), plan.replaced.map(name), plan.removals.map(({ id }) => id)]
  }
  assert.deepEqual(change('x'), [['a/x'], [], []])
  assert.deepEqual(change('x'), [[], [], []])
  assert.deepEqual(change('y'), [['a/y'], ['a/x'], []])
  assert.deepEqual(change('x'), [['a/x'], ['a/y'], []])
  assert.deepEqual(change(null), [[], ['a/x'], ['toy/items/a']])
  assert.deepEqual(change('x'), [['a/x'], [], []])
  assert.deepEqual(
    [...reconciler.objects()].map((object) => (object as Upstream).name),
    ['a/x'],
  )
})
