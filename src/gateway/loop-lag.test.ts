import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoopLag } from './loop-lag.ts'

test('tells how late the last timer was, and the most of the last half to whole minute', () => {
  const lag = new LoopLag(100, 0)
  lag.beat(100)
  assert.equal(lag.last, 0)
  lag.beat(700)
  assert.equal(lag.last, 0.5)
  lag.beat(790)
  assert.equal(lag.last, 0, 'early is not late')
  assert.equal(lag.max, 0.5)
  for (let now = 890; now < 31_000; now += 100) lag.beat(now)
  assert.equal(lag.max, 0.5)
  for (let now = 31_000; now < 61_000; now += 100) lag.beat(now)
  assert.ok(lag.max < 0.2, `${lag.max}`)
})

test('a stall of minutes is shown, though it is longer than what is remembered', () => {
  const lag = new LoopLag(100, 0)
  lag.beat(120_000)
  assert.ok(lag.last > 119)
  assert.ok(lag.max > 119)
})
