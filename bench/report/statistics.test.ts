import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  median,
  quantile,
  ratioOf,
  seededRandom,
  single,
  summarize,
  summarizeQuantile,
} from './statistics.ts'

test('the median of an even number of rounds is the mean of the middle two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([9, 1, 5]), 5)
  assert.ok(Number.isNaN(median([])))
})

test('quantiles lie between neighbours', () => {
  assert.equal(quantile([0, 10], 0.25), 2.5)
  assert.equal(quantile([1, 2, 3], 1), 3)
  assert.equal(quantile([1, 2, 3], 0), 1)
})

test('the random numbers are the same for a seed, and spread evenly', () => {
  const random = seededRandom(7)
  const again = seededRandom(7)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) {
    const value = random()
    assert.equal(value, again())
    counts[Math.floor(value * 10)]!++
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`)
})

test('the interval has the true median inside in about 95 of 100 experiments', () => {
  const random = seededRandom(1)
  let hits = 0
  for (let experiment = 0; experiment < 200; experiment++) {
    const rounds = Array.from({ length: 20 }, () => 1 + (random() + random() + random() - 1.5) / 10)
    const { low, high } = summarize(rounds)
    if (low <= 1 && 1 <= high) hits++
  }
  assert.ok(hits >= 180 && hits <= 199, `${hits} of 200`)
})

test('the same rounds give the same interval', () => {
  const rounds = [1.31, 1.36, 1.29, 1.4, 1.33]
  assert.deepEqual(summarize(rounds), summarize(rounds))
  const { low, median: middle, high, count } = summarize(rounds)
  assert.equal(middle, 1.33)
  assert.equal(count, 5)
  assert.ok(low >= 1.29 && low < middle && high > middle && high <= 1.4)
})

test('one odd round moves neither the median nor, much, the interval', () => {
  const calm = Array.from({ length: 20 }, (_, i) => 1.3 + (i % 5) / 100)
  const odd = [...calm.slice(1), 40]
  assert.ok(summarize(odd).high < 1.36)
})

test('one or two rounds have their span as interval, none is an error', () => {
  assert.deepEqual(single(3), { median: 3, low: 3, high: 3, count: 1 })
  assert.deepEqual(summarize([4, 2]), { median: 3, low: 2, high: 4, count: 2 })
  assert.throws(() => summarize([]), /no round/)
})

test('ratios are taken round by round, so that a slow spell of the machine cancels out', () => {
  const figure = ratioOf([20, 40, 60], [10, 20, 30])
  assert.deepEqual(figure, { median: 2, low: 2, high: 2, count: 3 })
  assert.throws(() => ratioOf([1, 2], [1]), /no pairs/)
})

test('a quantile of many measurements has an interval around it', () => {
  const times = Array.from({ length: 600 }, (_, i) => i / 10)
  const { low, median: p99, high, count } = summarizeQuantile(times, 0.99)
  assert.ok(Math.abs(p99 - 59.3) < 0.05, `${p99}`)
  assert.ok(low < p99 && low > 57 && high > p99 && high < 60, `${low} ${high}`)
  assert.equal(count, 600)
})
