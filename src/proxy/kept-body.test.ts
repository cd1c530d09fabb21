import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { KeptBody } from './kept-body.ts'
import type { Plane } from './plane.ts'

function planeOf(replayBytes: number): Plane {
  const settings = { ...DEFAULT_SETTINGS, limits: { ...DEFAULT_SETTINGS.limits, replayBytes } }
  return { options: { settings, share: 1 }, replayBytes: 0 } as unknown as Plane
}

test('whatever the pieces, an attempt is handed the bytes in order, and so is the next one', () => {
  const step = fc.record({ size: fc.nat(700), endsRead: fc.boolean(), sends: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const plane = planeOf(Number.MAX_SAFE_INTEGER)
      const kept = new KeptBody(plane)
      const came: Buffer[] = []
      const sent: Buffer[] = []
      let value = 0
      for (const { size, endsRead, sends } of steps) {
        const bytes = Buffer.from(Array.from({ length: size + 3 }, () => value++ & 0xff))
        if (size > 0) kept.add(bytes, 2, 2 + size)
        came.push(bytes.subarray(2, 2 + size))
        if (endsRead) kept.closePart()
        if (endsRead && sends && kept.hasUnsent) sent.push(kept.takeUnsent())
        kept.trim()
      }
      kept.closePart()
      while (kept.hasUnsent) sent.push(kept.takeUnsent())
      const all = Buffer.concat(came)
      assert.deepEqual(Buffer.concat(sent), all)
      assert.equal(kept.bytes, all.length)
      assert.equal(plane.replayBytes, all.length)
      kept.rewind()
      const again: Buffer[] = []
      while (kept.hasUnsent) again.push(kept.takeUnsent())
      assert.deepEqual(Buffer.concat(again), all)
      kept.reset()
      assert.equal(plane.replayBytes, 0)
    }),
  )
})

test('over the replay limit what was sent goes, and what was not stays', () => {
  const plane = planeOf(1000)
  const kept = new KeptBody(plane)
  kept.add(Buffer.alloc(900, 1), 0, 900)
  kept.takeUnsent()
  kept.trim()
  assert.equal(kept.isWhole, true)
  kept.add(Buffer.alloc(900, 2), 0, 900)
  kept.trim()
  assert.equal(kept.isWhole, true, 'unsent bytes are never let go')
  assert.deepEqual(kept.takeUnsent(), Buffer.alloc(900, 2))
  kept.trim()
  assert.equal(kept.isWhole, false)
  assert.equal(plane.replayBytes, 0)
})

test('small pieces are copied, so the buffer they came in can be used again', () => {
  const kept = new KeptBody(planeOf(1000))
  const input = Buffer.from('abc')
  kept.add(input, 0, 1)
  kept.add(input, 1, 3)
  assert.equal(kept.sharesInput, false)
  input.fill('x')
  kept.closePart()
  assert.equal(kept.toText(), 'abc')
  kept.add(Buffer.alloc(300), 0, 300)
  assert.equal(kept.sharesInput, true)
})

test('small pieces of bodies that come in turns are kept apart', () => {
  const step = fc.record({ body: fc.nat(2), size: fc.integer({ min: 1, max: 600 }), endsRead: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 300 }), (steps) => {
      const plane = planeOf(Number.MAX_SAFE_INTEGER)
      const bodies = [0, 1, 2].map(() => ({ kept: new KeptBody(plane), came: [] as Buffer[] }))
      let value = 0
      for (const { body, size, endsRead } of steps) {
        const { kept, came } = bodies[body] as (typeof bodies)[number]
        const bytes = Buffer.from(Array.from({ length: size }, () => value++ & 0xff))
        kept.add(bytes, 0, size)
        came.push(bytes)
        if (endsRead) kept.closePart()
      }
      for (const { kept, came } of bodies) {
        kept.closePart()
        const got: Buffer[] = []
        while (kept.hasUnsent) got.push(kept.takeUnsent())
        assert.deepEqual(Buffer.concat(got), Buffer.concat(came))
      }
    }),
  )
})

test('limits of a request’s own go before those of all requests, until the next one', () => {
  const keptOf = (bytes: number, ownReplayBytes: number): boolean => {
    const kept = new KeptBody(planeOf(1000))
    kept.ownReplayBytes = ownReplayBytes
    kept.add(Buffer.alloc(bytes), 0, bytes)
    kept.closePart()
    kept.takeUnsent()
    kept.trim()
    return kept.isWhole
  }
  assert.deepEqual([keptOf(1000, -1), keptOf(1001, -1)], [true, false])
  assert.deepEqual([keptOf(2000, 2000), keptOf(2001, 2000)], [true, false])
  assert.deepEqual([keptOf(300, 300), keptOf(301, 300), keptOf(1, 0)], [true, false, false])
  const kept = new KeptBody(planeOf(1000))
  kept.ownReplayBytes = 0
  kept.reset()
  assert.equal(kept.ownReplayBytes, -1)
})

test('once no other attempt will be made, what was sent is let go of, and what was not is sent', () => {
  const plane = planeOf(1000)
  const kept = new KeptBody(plane)
  kept.add(Buffer.alloc(500, 1), 0, 500)
  kept.closePart()
  kept.takeUnsent()
  kept.commit()
  assert.deepEqual([kept.isWhole, kept.bytes, plane.replayBytes], [false, 0, 0])
  kept.add(Buffer.alloc(400, 2), 0, 400)
  kept.closePart()
  kept.commit()
  assert.equal(kept.takeUnsent().length, 400)
  kept.trim()
  assert.deepEqual([kept.hasUnsent, kept.bytes, plane.replayBytes], [false, 0, 0])
})
