import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineReader } from './line-reader.ts'

test('gives whole lines, however they come in pieces', () => {
  const text = '{"a":"ä€"}\n\n{"b":2}\n{"c"'
  for (const size of [1, 2, 3, 7, 100]) {
    const lines: string[] = []
    const reader = new LineReader((line) => lines.push(line))
    const bytes = Buffer.from(text)
    for (let i = 0; i < bytes.length; i += size) reader.take(bytes.subarray(i, i + size))
    assert.deepEqual(lines, ['{"a":"ä€"}', '{"b":2}'], `pieces of ${size}`)
  }
})

test('refuses a line over the limit, and counts each line for itself', () => {
  const reader = new LineReader(() => {}, 10)
  for (let i = 0; i < 5; i++) reader.take(Buffer.from('12345678\n1234'))
  reader.take(Buffer.from('\n123456'))
  assert.throws(() => reader.take(Buffer.from('789012')), /longer than 10 bytes/)
})
