import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Predicate } from '../model/predicate.ts'

import { compareEntries, type IndexEntry } from './entry.ts'
import { EntryList } from './entry-list.ts'
import type { IndexedRoute } from './indexed-route.ts'
import { indexRoute, makeRoute, makeView } from './test-fixtures.ts'

type Entry = IndexEntry<IndexedRoute>

function makeEntry(i: number, predicate: Predicate | null): Entry {
  const model = makeRoute(
    `r${i}`,
    [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [i] }],
    {
      predicate,
    },
  )
  return indexRoute(model).entries[0] as Entry
}

const isTenant = (i: number): Predicate => ({
  kind: 'test',
  variable: 'http_x_tenant',
  operator: 'equal',
  value: `t${i}`,
})

function proposed(list: EntryList<Entry>, tenant: string, isTraced = false): string[] {
  const found: string[] = []
  list.collect(makeView({ headers: { 'x-tenant': tenant } }), isTraced, {
    add: (entries) => {
      found.push(...entries.map((entry) => entry.route.id))
    },
  })
  return found.sort()
}

describe('a list of entries', () => {
  it('proposes all of a short list, and of a long one those that the common variable allows', () => {
    const list = new EntryList<Entry>()
    for (let i = 0; i < 16; i++) list.insert(makeEntry(i, isTenant(i)))
    assert.equal(proposed(list, 't3').length, 16)
    list.insert(makeEntry(16, null))
    assert.deepEqual(proposed(list, 't3'), ['r16', 'r3'])
    assert.deepEqual(proposed(list, 'none'), ['r16'])
  })

  it('keeps its sub-index right over inserts and removals', () => {
    const list = new EntryList<Entry>()
    const entries = Array.from({ length: 100 }, (_, i) => makeEntry(i, isTenant(i % 10)))
    for (const entry of entries) list.insert(entry)
    assert.equal(proposed(list, 't3').length, 10)
    for (const [i, entry] of entries.entries()) if (i >= 30) assert.equal(list.remove(entry), true)
    assert.deepEqual(proposed(list, 't3'), ['r13', 'r23', 'r3'])
    assert.equal(list.remove(entries[99] as Entry), false)
    for (const entry of entries.slice(0, 25)) list.remove(entry)
    assert.equal(proposed(list, 't3').length, 5)
  })

  it('shows the whole list to a trace', () => {
    const list = new EntryList<Entry>()
    for (let i = 0; i < 40; i++) list.insert(makeEntry(i, isTenant(i)))
    assert.equal(proposed(list, 't3', true).length, 40)
    assert.equal(proposed(list, 't3').length, 1)
  })

  it('puts what was appended in order and builds its sub-index in small steps', () => {
    const list = new EntryList<Entry>()
    list.insert(makeEntry(20, isTenant(20)))
    for (let i = 1999; i >= 0; i--) if (i !== 20) list.append(makeEntry(i, isTenant(i % 100)))
    const steps = list.settleInSteps()
    let count = 0
    while (steps.next().done !== true) count++
    assert.ok(count > 2000, `${count}`)
    assert.deepEqual(proposed(list, 't3').length, 20)
    assert.equal(list.entries.length, 2000)
    for (let i = 1; i < 2000; i++)
      assert.ok(compareEntries(list.entries[i - 1] as Entry, list.entries[i] as Entry) < 0)
    list.insert(makeEntry(2000, isTenant(3)))
    assert.equal(proposed(list, 't3').length, 21)
  })
})
