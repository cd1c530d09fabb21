import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './bar.ts'
import { searchBars } from './search-bars.ts'

test('the time is judged with a thousand requests, the ratio with ten on both sides', () => {
  const bars = searchBars([
    { shape: 'a path each', routes: 10, requests: 10, ns: [100, 110, 105] },
    { shape: 'a path each', routes: 10, requests: 1000, ns: [120, 120, 120] },
    { shape: 'a path each', routes: 10_000, requests: 10, ns: [110, 121, 115.5] },
    { shape: 'a path each', routes: 10_000, requests: 1000, ns: [600, 590, 610] },
  ])
  assert.deepEqual(
    bars.map((bar) => [bar.figure?.median.toFixed(3), bar.unit, judge(bar)]),
    [
      ['0.600', 'µs', 'fails'],
      ['1.100', '×', 'holds'],
    ],
  )
})

test('a shape that lacks a size is an error', () => {
  assert.throws(
    () => searchBars([{ shape: 'x', routes: 10, requests: 10, ns: [1] }]),
    /x was not measured with 10000/,
  )
})
