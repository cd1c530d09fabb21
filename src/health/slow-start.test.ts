import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shareAfter } from './slow-start.ts'

const policy = (windowMs: number, minPercent: number, aggression = 1) => ({
  windowMs,
  minPercent,
  aggression,
  intervalMs: 1000,
  graceMs: 0,
})

test('a share grows evenly with an aggression of 1, from the first second on', () => {
  const ten = policy(10_000, 1)
  assert.deepEqual(
    [0, 1000, 2500, 5000, 9999, 10_000].map((age) => shareAfter(ten, age)),
    [10, 10, 25, 50, 99, 100],
  )
  assert.equal(shareAfter(policy(300_000, 10), 0), 10)
})

test('more aggression gives more at first', () => {
  assert.equal(shareAfter(policy(100_000, 1, 2), 25_000), 50)
  assert.equal(shareAfter(policy(100_000, 1, 0.5), 50_000), 25)
})

test('a share never falls, and ends at 100', () => {
  const policies = fc.record({
    windowMs: fc.integer({ min: 1, max: 1_000_000 }),
    minPercent: fc.integer({ min: 0, max: 100 }),
    aggression: fc.double({ min: 0.01, max: 100, noNaN: true }),
    intervalMs: fc.constant(1000),
    graceMs: fc.constant(0),
  })
  fc.assert(
    fc.property(policies, fc.array(fc.nat(1_200_000), { minLength: 2 }), (one, ages) => {
      const shares = ages.sort((a, b) => a - b).map((age) => shareAfter(one, age))
      for (const [i, share] of shares.entries()) {
        assert.ok(share >= Math.max(1, one.minPercent) && share <= 100)
        if (i > 0) assert.ok(share >= (shares[i - 1] as number))
      }
      assert.equal(shareAfter(one, one.windowMs), 100)
    }),
  )
})
