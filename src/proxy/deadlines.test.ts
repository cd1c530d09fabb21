import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines, type Timed } from './deadlines.ts'

class Probe implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
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

test('what is forgotten never expires, and the others keep their times', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ delay: fc.integer({ min: 1, max: 60_000 }), moved: fc.nat(60_000), goes: fc.boolean() }),
        {
          minLength: 1,
          maxLength: 40,
        },
      ),
      (cases) => {
        const deadlines = new Deadlines()
        deadlines.sweep(start)
        const probes = cases.map(({ delay, moved, goes }) => {
          const probe = new Probe()
          deadlines.set(probe, start + delay)
          if (moved > 0) deadlines.set(probe, start + moved)
          return { probe, goes, due: start + (moved > 0 ? moved : delay) }
        })
        for (const { probe, goes } of probes) if (goes) deadlines.forget(probe)
        for (let now = start; now <= start + 60_200; now += 100) deadlines.sweep(now)
        for (const { probe, goes, due } of probes) {
          assert.equal(probe.expiredAt.length, goes ? 0 : 1)
          if (!goes)
            assert.ok((probe.expiredAt[0] as number) >= due && (probe.expiredAt[0] as number) <= due + 200)
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('one that expires may forget and set others of the same moment', () => {
  const deadlines = new Deadlines()
  deadlines.sweep(start)
  const [first, gone, moved, last] = [new Probe(), new Probe(), new Probe(), new Probe()]
  first.expire = (now) => {
    first.expiredAt.push(now)
    if (first.expiredAt.length > 1) return
    deadlines.forget(gone)
    deadlines.forget(moved)
    deadlines.set(moved, now + 300)
    deadlines.set(first, now + 200)
  }
  for (const probe of [first, gone, moved, last]) deadlines.set(probe, start + 100)
  deadlines.sweep(start + 100)
  assert.equal(first.expiredAt.length, 1)
  assert.equal(last.expiredAt.length, 1)
  for (let now = start + 200; now <= start + 500; now += 100) deadlines.sweep(now)
  assert.equal(first.expiredAt.length, 2)
  assert.equal(gone.expiredAt.length, 0)
  assert.equal(moved.expiredAt.length, 1)
})

test('a connection that is over is not held on to', async () => {
  const deadlines = new Deadlines()
  const probes = Array.from({ length: 100 }, () => new Probe())
  for (const [i, probe] of probes.entries()) deadlines.set(probe, performance.now() + 10_000 + i)
  const held = new WeakRef(probes[50] as Probe)
  for (const probe of probes.splice(0)) deadlines.forget(probe)
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  await new Promise((resolve) => setImmediate(resolve))
  runInNewContext('gc')()
  assert.equal(held.deref(), undefined)
  deadlines.stop()
})
