import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  compileRotation,
  errorBound,
  MAX_CYCLE,
  type Rotation,
  rotate,
  scaleWeights,
  splitAt,
} from './weighted-rotation.ts'

const fewWeights = fc.array(fc.nat(40), { minLength: 1, maxLength: 4 })
const manyWeights = fc.array(fc.oneof(fc.nat(9), fc.nat(200)), { minLength: 1, maxLength: 24 })

describe('a weighted rotation', () => {
  it('gives 3:2 as A B A B A', () => {
    const picks = Array.from({ length: 10 }, (_, position) => splitAt([3, 2], position))
    assert.deepEqual(picks, [0, 1, 0, 1, 0, 0, 1, 0, 1, 0])
  })

  it('never gives one side of 3:2 three times in a row', () => {
    for (let position = 2; position < 200; position++) {
      const last = [position - 2, position - 1, position].map((p) => splitAt([3, 2], p))
      assert.ok(new Set(last).size > 1)
    }
  })

  it('is exact over any cycle of consecutive positions, wherever it begins', () => {
    fc.assert(
      fc.property(manyWeights, fc.nat(5000), (weights, start) => {
        const rotation = compileRotation(weights)
        const counts = weights.map(() => 0)
        for (let p = start; p < start + rotation.cycle; p++) count(counts, rotate(rotation, p))
        assert.deepEqual(counts, scaleWeights(weights).weights)
      }),
    )
  })

  it('is never further than one from the ideal share with up to four weights', () => {
    fc.assert(
      fc.property(fewWeights, (weights) => assert.ok(worstError(compileRotation(weights)) <= 1 + 1e-9)),
    )
  })

  it('keeps to its error bound with any number of weights, and that stays below two', () => {
    fc.assert(
      fc.property(manyWeights, (weights) => {
        const rotation = compileRotation(weights)
        assert.ok(worstError(rotation) <= errorBound(rotation) + 1e-9)
        assert.ok(errorBound(rotation) < 2)
      }),
    )
  })

  it('gives -1 when no weight is positive, and the only positive one without positions', () => {
    assert.equal(splitAt([], 0), -1)
    assert.equal(splitAt([0, 0], 3), -1)
    assert.equal(compileRotation([0, 7, 0]).only, 1)
    assert.equal(compileRotation([0, 7, 0]).limit % 1, 0)
    assert.equal(splitAt([0, 7, 0], 99), 1)
  })

  it('wraps shared positions at the largest multiple of its cycle below 2^30', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 30), { minLength: 2, maxLength: 5 }), (weights) => {
        const { cycle, limit } = compileRotation(weights)
        if (cycle === 0) return
        assert.equal(limit % cycle, 0)
        assert.ok(limit < 2 ** 30 && limit + cycle >= 2 ** 30)
      }),
    )
  })

  it('scales weights whose cycle is above the maximum, and keeps every positive one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 40), { minLength: 2, maxLength: 9 }), (weights) => {
        const { weights: scaled } = scaleWeights(weights)
        assert.ok(scaled.reduce((a, b) => a + b) <= MAX_CYCLE)
        for (const [i, weight] of weights.entries()) assert.equal((scaled[i] ?? 0) > 0, weight > 0)
      }),
    )
    assert.deepEqual(scaleWeights([20, 30]), { weights: [2, 3], scaled: false })
    assert.equal(scaleWeights([2 ** 30, 1]).scaled, true)
  })

  it('cuts exactly at the largest cycle', () => {
    const rotation = compileRotation([MAX_CYCLE - 1, 1])
    let rare = 0
    for (let p = 0; p < MAX_CYCLE; p += 1) if (p % 65536 < 8 || p > MAX_CYCLE - 9) rare += rotate(rotation, p)
    const middle = MAX_CYCLE / 2
    let near = 0
    for (let p = middle - 4; p <= middle + 4; p++) near += rotate(rotation, p)
    assert.equal(near, 1)
    assert.ok(rare <= 1)
  })
})

function count(counts: number[], index: number): void {
  if (index >= 0) counts[index] = (counts[index] ?? 0) + 1
}

/** The largest distance between a count and its ideal over all beginnings of a cycle. */
function worstError(rotation: Rotation): number {
  const { cycle } = rotation
  const totals: number[] = []
  for (let p = 0; p < cycle; p++) {
    const index = rotate(rotation, p)
    totals[index] = (totals[index] ?? 0) + 1
  }
  const counts = totals.map(() => 0)
  let worst = 0
  for (let p = 0; p < cycle; p++) {
    count(counts, rotate(rotation, p))
    for (const [index, total] of totals.entries()) {
      if (total === undefined) continue
      worst = Math.max(worst, Math.abs((counts[index] ?? 0) - ((p + 1) * total) / cycle))
    }
  }
  return worst
}
