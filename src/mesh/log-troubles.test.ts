import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyReport } from '../model/proxy-link.ts'
import { logTroubles } from './log-troubles.ts'

const FINE: ProxyReport = {
  instance: 'a',
  revision: 1,
  faults: [],
  inbounds: [],
  closed: [],
  isDraining: false,
}
const CLOSED = { name: 'cart', address: '127.0.0.1:9000', reason: 'the port is in use' }
const PLACE = { mesh: 'default', name: 'site-1' }

function logged(before: ProxyReport | null, report: ProxyReport) {
  const lines: unknown[] = []
  logTroubles((...line) => lines.push(line), PLACE, before, report)
  return lines
}

test('says which listeners of a proxy are not open and what it could not take, each change once', () => {
  assert.deepEqual(logged(null, FINE), [])
  const troubled = { ...FINE, closed: [CLOSED], faults: ['upstream x: bad'] }
  assert.deepEqual(logged(null, troubled), [
    [
      'warn',
      { ...PLACE, count: 1, listeners: ['cart (127.0.0.1:9000): the port is in use'] },
      'listeners of a proxy are not open',
    ],
    [
      'warn',
      { ...PLACE, count: 1, faults: ['upstream x: bad'] },
      'a proxy could not take objects of its model',
    ],
  ])
  assert.deepEqual(logged(troubled, { ...troubled, closed: [{ ...CLOSED }], revision: 2 }), [])
  assert.deepEqual(logged(troubled, FINE), [
    ['info', PLACE, 'all listeners of a proxy are open again'],
    ['info', PLACE, 'a proxy takes all objects of its model again'],
  ])
})

test('names ten of many', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `fault ${i}`)
  const [line] = logged(FINE, { ...FINE, faults: many }) as [[string, { count: number; faults: string[] }]]
  assert.equal(line[1].count, 1_000)
  assert.deepEqual(line[1].faults, many.slice(0, 10))
})
