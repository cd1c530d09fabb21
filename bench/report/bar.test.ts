import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bar, holds, judge } from './bar.ts'

function bar(bound: Bar['bound'], low: number, median: number, high: number): Bar {
  return { what: 'x', bound, limit: 1.35, unit: '×', figure: { median, low, high, count: 20 } }
}

test('a bar holds when the median keeps it, the limit itself included', () => {
  assert.equal(judge(bar('at most', 1.2, 1.25, 1.3)), 'holds')
  assert.equal(judge(bar('at most', 1.35, 1.35, 1.35)), 'holds')
  assert.equal(judge(bar('at least', 1.4, 1.5, 1.6)), 'holds')
})

test('a bar fails when the median misses it', () => {
  assert.equal(judge(bar('at most', 1.4, 1.45, 1.5)), 'fails')
  assert.equal(judge(bar('at least', 1.1, 1.2, 1.3)), 'fails')
})

test('an interval with the limit inside straddles, whatever the median says', () => {
  assert.equal(judge(bar('at most', 1.2, 1.3, 1.4)), 'holds, straddles')
  assert.equal(judge(bar('at most', 1.3, 1.36, 1.4)), 'fails, straddles')
  assert.equal(judge(bar('at least', 1.3, 1.36, 1.4)), 'holds, straddles')
  assert.equal(judge(bar('at least', 1.3, 1.34, 1.4)), 'fails, straddles')
})

test('no loss is what an interval with the limit inside says, or one below it', () => {
  assert.equal(judge(bar('not surely above', 1.3, 1.36, 1.4)), 'holds')
  assert.equal(judge(bar('not surely above', 1.1, 1.2, 1.3)), 'holds')
  assert.equal(judge(bar('not surely above', 1.36, 1.4, 1.5)), 'fails')
})

test('what was not measured does not hold', () => {
  const missing: Bar = { what: 'x', bound: 'at most', limit: 1, unit: '', figure: null, reason: 'no haproxy' }
  assert.equal(judge(missing), 'not measured')
  assert.equal(holds(missing), false)
  assert.equal(holds(bar('at most', Number.NaN, Number.NaN, Number.NaN)), false)
  assert.equal(holds(bar('at most', 1.2, 1.3, 1.4)), true)
})
