import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OverloadMeter } from './overload.ts'

const limits = { overloadHeapPercent: 85, overloadRefusePercent: 95, overloadDelayMs: 500 }

test('memory ends keep-alive first and refuses requests then, and both are over a little later than they began', () => {
  const meter = new OverloadMeter(limits)
  const levels = [0.5, 0.84, 0.85, 0.9, 0.95, 0.94, 0.86, 0.85, 0.77, 0.76].map((memoryShare) =>
    meter.judge({ memoryShare, delayMs: 0 }),
  )
  assert.deepEqual(levels, [0, 0, 1, 1, 2, 2, 2, 1, 1, 0])
})

test('a loop that is late once is no overload, one that stays late is', () => {
  const meter = new OverloadMeter(limits)
  const judge = (delayMs: number) => meter.judge({ memoryShare: 0.1, delayMs })
  assert.deepEqual([900, 0, 600, 600, 600, 600].map(judge), [0, 0, 0, 0, 0, 0])
  assert.equal(judge(600), 2)
  assert.match(meter.reason, /600 ms late/)
  assert.equal(judge(460), 2, 'not over before it is a tenth better')
  assert.equal(judge(440), 0)
})

test('a limit of 0 is none', () => {
  const meter = new OverloadMeter({ overloadHeapPercent: 0, overloadRefusePercent: 0, overloadDelayMs: 0 })
  for (let i = 0; i < 10; i++) assert.equal(meter.judge({ memoryShare: 2, delayMs: 10_000 }), 0)
})
