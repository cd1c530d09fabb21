import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

test('durations are read as Go and protobuf write them', () => {
  const rows: readonly (readonly [text: string, ms: number])[] = [
    ['5s', 5000],
    ['250ms', 250],
    ['1m30s', 90_000],
    ['0', 0],
    ['0s', 0],
    ['0.250s', 250],
    ['.5s', 500],
    ['1.s', 1000],
    ['1h', 3_600_000],
    ['1500us', 1.5],
    ['1500µs', 1.5],
    ['2000ns', 0.002],
    ['+1s', 1000],
    ['-1s', -1000],
    ['0.1s0.2s', 300],
  ]
  for (const [text, ms] of rows) {
    assert.equal(parseDuration(text), ms, text)
    assert.equal(parseDuration(formatDuration(ms)), ms, text)
  }
  for (const text of ['', '5', 's', '5 s', '5d', '1s ', '1m30', '--1s', '.s'])
    assert.ok(Number.isNaN(parseDuration(text)), text)
})

test('a text that is too long is none, whatever it says', () => {
  assert.equal(parseDuration('1s'.repeat(50)), 50_000)
  assert.ok(Number.isNaN(parseDuration('1s'.repeat(51))))
  assert.ok(Number.isNaN(parseDuration('9'.repeat(200_000))))
})
