import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageMeter } from './message-meter.ts'

function message(bytes: number): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes, 1)
  return Buffer.concat([head, Buffer.alloc(bytes, 7)])
}

/** What goes on of `bytes` that come in pieces, and whether it stopped. */
function pass(bytes: Buffer, step: number, limit: number): { readonly passed: Buffer; isOver: boolean } {
  const parts: Buffer[] = []
  const sink = {
    passMessageBytes: (piece: Buffer, from: number, to: number) =>
      void parts.push(Buffer.from(piece.subarray(from, to))),
  }
  const meter = new MessageMeter(limit)
  for (let from = 0; from < bytes.length; from += step)
    if (!meter.pass(bytes, from, Math.min(bytes.length, from + step), sink))
      return { passed: Buffer.concat(parts), isOver: true }
  meter.flush(sink)
  return { passed: Buffer.concat(parts), isOver: false }
}

const STEPS = [1, 2, 3, 4, 5, 6, 7, 64, 4096]

test('messages up to the limit go on byte for byte, however they are cut', () => {
  const bytes = Buffer.concat([0, 1, 100, 0, 99, 100].map(message))
  for (const step of STEPS) {
    const { passed, isOver } = pass(bytes, step, 100)
    assert.equal(isOver, false, `by ${step}`)
    assert.ok(passed.equals(bytes), `by ${step}`)
  }
})

test('of a message over the limit not a byte goes on, and all before it does', () => {
  const before = Buffer.concat([3, 0, 100].map(message))
  const bytes = Buffer.concat([before, message(101), message(1)])
  for (const step of STEPS) {
    const { passed, isOver } = pass(bytes, step, 100)
    assert.equal(isOver, true, `by ${step}`)
    assert.ok(passed.equals(before), `by ${step}`)
  }
})

test('lengths are read without a sign: four gigabytes are over every limit', () => {
  const bytes = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])
  assert.deepEqual(pass(bytes, 6, 2 ** 31 - 1), { passed: Buffer.alloc(0), isOver: true })
})

test('a prefix that is never completed goes on at the end', () => {
  const bytes = Buffer.concat([message(2), Buffer.from([0, 0, 0])])
  for (const step of STEPS) assert.ok(pass(bytes, step, 10).passed.equals(bytes), `by ${step}`)
})
