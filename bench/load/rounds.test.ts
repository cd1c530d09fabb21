import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Side } from '../support/site.ts'
import { startWriting } from './changes.ts'
import { type Contender, measureRounds } from './rounds.ts'
import type { Bench } from './scenario.ts'

const side: Side = { name: 'x', port: 0, program: { pid: process.pid, stop: async () => {} } }
const contenders: readonly Contender[] = [
  { name: 'nginx', side },
  { name: 'Headgate', side },
]
const work = { connections: 10, ratePerConnection: 100 }
const options = { rounds: 4, seconds: 1 }

function makeBench(): Bench & { notes: string[] } {
  const notes: string[] = []
  const plan = { pairs: 4, seconds: 1, warmUpRequests: 0, settleMs: 0, rateShare: 1 }
  return { plan, notes, note: (text) => notes.push(text) }
}

function reading(cpuMicros: number, requests: number) {
  return { sample: { cpuMicros, perSecond: requests, p50Ms: 1, p99Ms: 2 }, load: { requests } }
}

test('sides are measured in turn, every other round the other way round', async () => {
  const order: string[] = []
  await measureRounds(makeBench(), contenders, work, options, async ({ name }) => {
    order.push(name)
    return reading(10, 1000)
  })
  assert.deepEqual(order, [
    'nginx',
    'Headgate',
    'Headgate',
    'nginx',
    'nginx',
    'Headgate',
    'Headgate',
    'nginx',
  ])
})

test('a round in which one side did not reach the rate counts for none', async () => {
  const bench = makeBench()
  let calls = 0
  const rounds = await measureRounds(bench, contenders, work, options, async ({ name }) => {
    const isDisturbed = ++calls === 3
    return reading(name === 'nginx' ? 10 : isDisturbed ? 99 : 13, isDisturbed ? 960 : 1000)
  })
  assert.equal(rounds.count, 4)
  assert.equal(rounds.dropped, 1)
  assert.deepEqual(rounds.values('Headgate', 'cpuMicros'), [13, 13, 13, 13])
  assert.equal(rounds.ratio('Headgate', 'nginx', 'cpuMicros').median, 1.3)
  assert.match(bench.notes[1] as string, /^round 1\/4: nginx 10\.0 µs, Headgate 99\.0 µs \(not counted/)
})

test('a machine too busy to reach the rate fails the scenario, after a bounded number of tries', async () => {
  let calls = 0
  const failed = measureRounds(makeBench(), contenders, work, options, async () => {
    calls++
    return reading(10, 100)
  })
  await assert.rejects(failed, /only 0 of 11 rounds reached the rate: the machine is too busy/)
  assert.equal(calls, 22)
})

test('flat out every round counts', async () => {
  const flatOut = { ...work, ratePerConnection: null }
  const rounds = await measureRounds(makeBench(), contenders, flatOut, options, async () => reading(10, 1))
  assert.equal(rounds.count, 4)
  assert.ok(rounds.resident('nginx') > 1_000_000)
  assert.throws(() => rounds.values('HAProxy', 'cpuMicros'), /no rounds of HAProxy/)
})

test('writes go on at their rate whether the last is acknowledged or not, and all are waited for', async () => {
  const waiting: (() => void)[] = []
  const full = Promise.withResolvers<void>()
  const writer = startWriting(1000, async (n) => {
    if (n === 4) full.resolve()
    await new Promise<void>((resolve) => waiting.push(resolve))
    return n
  })
  await full.promise
  const stopped = writer.stop()
  for (const release of waiting) release()
  const { tookMs } = await stopped
  assert.deepEqual(
    tookMs,
    waiting.map((_, n) => n),
  )
})

test('a write that is refused is told at the end', async () => {
  const failed = Promise.withResolvers<void>()
  const writer = startWriting(1000, async () => {
    failed.resolve()
    throw new Error('routes/r1 was not taken: 400')
  })
  await failed.promise
  await assert.rejects(writer.stop(), /routes\/r1 was not taken/)
})
