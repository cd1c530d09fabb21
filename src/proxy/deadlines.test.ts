import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines, type Timed } from './deadlines.ts'

class Probe implements Timed {
  deadlineMs = 0
  wheelTick = 0
  expiredAt: number[] = []
  expire(nowMs: number): void {
    this.expiredAt.push(nowMs)
  }
}

const start = Math.ceil(performance.now() / 100) * 100 + 1000

test('an object expires once, at most one tick late and never early', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 30 }), (delays) => {
      const deadlines = new Deadlines()
      deadlines.sweep(start)
      const probes = delays.map((delay) => {
        const probe = new Probe()
        deadlines.set(probe, start + delay)
        return { probe, due: start + delay }
      })
      for (let now = start; now <= start + 200_200; now += 100) deadlines.sweep(now)
      for (const { probe, due } of probes) {
        assert.equal(probe.expiredAt.length, 1)
        const at = probe.expiredAt[0] as number
        assert.ok(at >= due && at <= due + 200, `${at} for ${due}`)
      }
    }),
    { numRuns: 30 },
  )
})

test('a deadline that moves on does not fire at the old time', () => {
  const deadlines = new Deadlines()
  deadlines.sweep(start)
  const probe = new Probe()
  deadlines.set(probe, start + 500)
  deadlines.sweep(start + 400)
  deadlines.set(probe, start + 5000)
  deadlines.sweep(start + 4900)
  assert.deepEqual(probe.expiredAt, [])
  deadlines.sweep(start + 5100)
  assert.equal(probe.expiredAt.length, 1)
})

test('a deadline that moves closer fires at the new time, once', () => {
  const deadlines = new Deadlines()
  deadlines.sweep(start)
  const probe = new Probe()
  deadlines.set(probe, start + 40_000)
  deadlines.set(probe, start + 300)
  deadlines.sweep(start + 400)
  assert.equal(probe.expiredAt.length, 1)
  for (let now = start + 500; now < start + 60_000; now += 100) deadlines.sweep(now)
  assert.equal(probe.expiredAt.length, 1)
})

test('a disarmed object never expires', () => {
  const deadlines = new Deadlines()
  deadlines.sweep(start)
  const probe = new Probe()
  deadlines.set(probe, start + 300)
  probe.deadlineMs = 0
  deadlines.sweep(start + 10_000)
  assert.deepEqual(probe.expiredAt, [])
})

test('a stall of the loop longer than the wheel loses no deadline', () => {
  const deadlines = new Deadlines()
  deadlines.sweep(start)
  const probes = Array.from({ length: 600 }, (_, i) => {
    const probe = new Probe()
    deadlines.set(probe, start + i * 100)
    return probe
  })
  deadlines.sweep(start + 600_000)
  deadlines.sweep(start + 700_000)
  assert.ok(probes.every((probe) => probe.expiredAt.length === 1))
})
