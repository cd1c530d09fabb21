import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findLevelLoads, SharedLevels } from './level-loads.ts'
import { NONE_TRIED, type Picker } from './picker.ts'

test('levels are loaded as Envoy loads them (spec/kuma.md 11)', () => {
  const table: [number[], number[], number[], boolean[]][] = [
    [
      [1, 1],
      [1, 1],
      [100, 0],
      [false, false],
    ],
    [
      [1, 1],
      [2, 2],
      [70, 30],
      [false, false],
    ],
    [
      [1, 2],
      [4, 2],
      [35, 65],
      [false, false],
    ],
    [
      [1, 1],
      [4, 4],
      [50, 50],
      [true, true],
    ],
    [
      [0, 0],
      [1, 2],
      [34, 66],
      [true, true],
    ],
    [
      [1, 1, 1],
      [5, 5, 5],
      [34, 33, 33],
      [true, true, true],
    ],
  ]
  for (const [healthy, totals, loads, panics] of table)
    assert.deepEqual(findLevelLoads(healthy, totals, 1.4, 50), { loads, panics }, `${healthy} of ${totals}`)
})

test('a level without endpoints gets nothing, and all loads are 100 together', () => {
  assert.deepEqual(findLevelLoads([0, 1], [0, 1], 1.4, 50).loads, [0, 100])
  const level = fc
    .integer({ min: 0, max: 20 })
    .chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)))
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), (levels) => {
      const healthy = levels.map(([one]) => one)
      const totals = levels.map(([, all]) => all)
      const { loads } = findLevelLoads(healthy, totals, 1.4, 50)
      const sum = loads.reduce((a, b) => a + b, 0)
      assert.equal(sum, totals.some((total) => total > 0) ? 100 : 0)
      for (const [i, total] of totals.entries()) if (total === 0) assert.equal(loads[i], 0)
    }),
  )
})

test('a level is drawn by its load, and the next one takes what it has not', () => {
  const only = (index: number): Picker => ({
    needsKey: false,
    pick: (tried) => (tried[index] === 1 ? -1 : index),
    peek: () => index,
  })
  let draw = 0
  const levels = new SharedLevels([only(0), only(1)], [70, 30], () => (draw++ % 100) / 100)
  const counts = [0, 0]
  for (let i = 0; i < 100; i++) {
    const index = levels.pick(NONE_TRIED, null)
    counts[index] = (counts[index] as number) + 1
  }
  assert.deepEqual(counts, [70, 30])
  assert.equal(levels.pick(Uint8Array.of(1, 0), null), 1)
  assert.equal(levels.pick(Uint8Array.of(1, 1), null), -1)
})
