import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EdfSchedule } from './edf.ts'

const picks = (weights: readonly number[], count: number, skip = 0): number[] => {
  const schedule = new EdfSchedule(weights.length, (place) => weights[place] as number, skip)
  return Array.from({ length: count }, () => schedule.pick())
}

describe('earliest deadline first (vectors of spec/kuma.md 11)', () => {
  it('gives the sequences of Envoy', () => {
    assert.deepEqual(picks([1, 2], 6), [1, 0, 1, 1, 0, 1])
    assert.deepEqual(picks([1, 4], 10), [1, 1, 1, 0, 1, 1, 1, 1, 0, 1])
    assert.deepEqual(picks([2, 1, 3], 12), [2, 0, 2, 1, 0, 2, 2, 0, 2, 1, 0, 2])
    assert.deepEqual(picks([1, 1, 1], 6), [0, 1, 2, 0, 1, 2])
  })

  it('is exact over each cycle, also after many', () => {
    const weights = [3, 7, 1, 5]
    const counts = [0, 0, 0, 0]
    for (const place of picks(weights, 16 * 1000)) counts[place] = (counts[place] as number) + 1
    assert.deepEqual(counts, [3000, 7000, 1000, 5000])
  })

  it('begins later when told to skip, and gives -1 when there is nothing', () => {
    assert.deepEqual(picks([2, 1, 3], 4, 2), [2, 1, 0, 2])
    assert.deepEqual(picks([], 1), [-1])
  })
})
