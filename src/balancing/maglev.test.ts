import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildMaglev } from './maglev.ts'

const keys = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `127.0.0.1:${from + i}`)
const ones = (count: number): number[] => Array.from({ length: count }, () => 1)
const count = (table: Uint32Array, owners: number): number[] => {
  const counts = Array.from({ length: owners }, () => 0)
  for (const owner of table) counts[owner] = (counts[owner] as number) + 1
  return counts
}

describe('maglev (vectors of spec/kuma.md 11)', () => {
  it('fills small tables as Envoy does', () => {
    assert.deepEqual(
      [...buildMaglev(keys(90, 6), ones(6), 7)].map((owner) => 90 + owner),
      [92, 94, 90, 91, 95, 90, 93],
    )
    const weighted = buildMaglev(keys(90, 2), [1, 2], 17)
    assert.deepEqual(count(weighted, 2), [6, 11])
    assert.deepEqual([...weighted.slice(0, 3)], [1, 0, 0])
  })

  it('shares the whole table evenly', () => {
    assert.deepEqual(count(buildMaglev(keys(90, 3), ones(3)), 3), [21846, 21846, 21845])
  })

  it('does not depend on the order of the list', () => {
    const one = buildMaglev(keys(90, 5), [1, 2, 3, 4, 5])
    const other = buildMaglev(keys(90, 5).reverse(), [5, 4, 3, 2, 1])
    assert.deepEqual(
      one,
      other.map((owner) => 4 - owner),
    )
  })

  it('moves little when one of a hundred goes', () => {
    const all = buildMaglev(keys(1000, 100), ones(100))
    const less = buildMaglev(keys(1000, 99), ones(99))
    let moved = 0
    for (let slot = 0; slot < all.length; slot++) if (all[slot] !== 99 && all[slot] !== less[slot]) moved++
    assert.ok(moved / all.length < 0.03, `${moved} slots of others moved`)
  })

  it('is empty without endpoints or weights', () => {
    assert.equal(buildMaglev([], []).length, 0)
    assert.equal(buildMaglev(keys(1, 1), [0]).length, 0)
  })
})
