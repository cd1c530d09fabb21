import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFigure, formatNumber } from './format.ts'

test('numbers show three digits or so, thousands apart', () => {
  assert.deepEqual([1.3456, 13.94, 139.4, 22_400.4, 1_234_567, 0, -3.2].map(formatNumber), [
    '1.35',
    '13.9',
    '139',
    '22 400',
    '1 234 567',
    '0.00',
    '-3.20',
  ])
  assert.equal(formatNumber(Number.NaN), '–')
})

test('a figure that was measured once has no interval', () => {
  assert.equal(formatFigure({ median: 2, low: 2, high: 2, count: 1 }), '2.00')
  assert.equal(formatFigure({ median: 2, low: 1.5, high: 2.5, count: 3 }), '2.00 [1.50, 2.50]')
})
