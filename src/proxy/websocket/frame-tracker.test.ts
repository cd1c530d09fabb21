import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFrame, FrameTracker } from './frame-tracker.ts'

function frame(payload: number, isMasked = false): Buffer {
  const mask = isMasked ? 0x80 : 0
  const head =
    payload < 126
      ? Buffer.from([0x82, mask | payload])
      : payload < 65_536
        ? Buffer.from([0x82, mask | 126, payload >> 8, payload & 0xff])
        : Buffer.from([
            0x82,
            mask | 127,
            0,
            0,
            0,
            0,
            (payload >>> 24) & 0xff,
            (payload >>> 16) & 0xff,
            (payload >>> 8) & 0xff,
            payload & 0xff,
          ])
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0), Buffer.alloc(payload)])
}

test('frames of every size are followed, however they are cut', () => {
  const sizes = [0, 1, 125, 126, 200, 65_535, 65_536, 70_000]
  const bytes = Buffer.concat(sizes.map((size, i) => frame(size, i % 2 === 1)))
  const ends = new Set<number>()
  let at = 0
  for (const [i, size] of sizes.entries()) {
    at += frame(size, i % 2 === 1).length
    ends.add(at)
  }
  for (const step of [1, 7, 4096, bytes.length]) {
    const tracker = new FrameTracker()
    assert.ok(tracker.isBetweenFrames)
    for (let from = 0; from < bytes.length; from += step) {
      const to = Math.min(bytes.length, from + step)
      tracker.pass(bytes, from, to)
      assert.equal(tracker.isBetweenFrames, ends.has(to), `${to} by ${step}`)
    }
  }
})

test('a Close frame is what RFC 6455 has it', () => {
  assert.deepEqual(Buffer.from(closeFrame(1001), 'latin1'), Buffer.from([0x88, 2, 0x03, 0xe9]))
})
