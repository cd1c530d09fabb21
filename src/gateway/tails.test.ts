import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleRecord } from '../observe/testing.ts'
import type { ToWorker } from './messages.ts'
import { EVERYTHING } from './tail-filter.ts'
import { MAX_TAILS, Tails } from './tails.ts'
import { MAX_WAITING_LINES, type TailBatch, WorkerTails } from './worker-tails.ts'

function startWorker() {
  const sent: TailBatch[] = []
  const clock = { ms: 0 }
  let formatted = 0
  const tails = new WorkerTails(
    (record) => {
      formatted++
      return `${record.requestId}\n`
    },
    (batch) => sent.push(batch),
    () => clock.ms,
  )
  return { tails, sent, clock, formatted: () => formatted }
}

test('sends what passes, in batches, and formats nothing else', (t) => {
  const { tails, sent, formatted } = startWorker()
  t.after(() => tails.close(1))
  assert.ok(tails.isEmpty)
  tails.open(1, { ...EVERYTHING, statuses: [[500, 599]] }, 100)
  assert.ok(!tails.isEmpty)
  for (const status of [200, 503, 404, 500])
    tails.take({ ...sampleRecord(), status, requestId: `r-${status}` })
  assert.deepEqual(sent, [])
  tails.flush()
  assert.deepEqual(sent, [{ id: 1, lines: ['r-503', 'r-500'], leftOut: 0 }])
  assert.equal(formatted(), 2)
  tails.flush()
  assert.equal(sent.length, 1, 'nothing new, nothing sent')
})

test('leaves out what is over the rate of a second, and counts it', (t) => {
  const { tails, sent, clock } = startWorker()
  t.after(() => tails.close(1))
  tails.open(1, EVERYTHING, 3)
  for (let i = 0; i < 10; i++) tails.take(sampleRecord())
  clock.ms = 1000
  tails.take(sampleRecord())
  tails.flush()
  assert.deepEqual([sent[0]?.lines.length, sent[0]?.leftOut], [4, 7])
})

test('while main has not taken a batch, waits with a bounded number of lines', (t) => {
  const { tails, sent, clock } = startWorker()
  t.after(() => tails.close(1))
  tails.open(1, EVERYTHING, 5000)
  tails.take(sampleRecord())
  tails.flush()
  for (let second = 0; second < 10; second++) {
    clock.ms += 1000
    for (let i = 0; i < 1000; i++) tails.take(sampleRecord())
    tails.flush()
  }
  assert.equal(sent.length, 1)
  tails.acknowledge(1)
  tails.flush()
  assert.deepEqual([sent[1]?.lines.length, sent[1]?.leftOut], [MAX_WAITING_LINES, 10_000 - MAX_WAITING_LINES])
})

test('main hands filters to workers that are there and to those that come, and ends them everywhere', () => {
  const inbox: ToWorker[][] = [[], []]
  const [first, second] = inbox.map((box) => ({ send: (message: ToWorker) => void box.push(message) }))
  assert.ok(first !== undefined && second !== undefined)
  const workers = [first]
  const tails = new Tails(() => workers)
  const lines: string[] = []
  let leftOut = 0
  const close = tails.open(EVERYTHING, 7, {
    line: (line) => lines.push(line),
    leftOut: (requests) => {
      leftOut += requests
    },
  })
  workers.push(second)
  tails.attach(second)
  const opened: ToWorker = { type: 'tail', id: 1, filter: EVERYTHING, perSecond: 7 }
  assert.deepEqual(inbox, [[opened], [opened]])

  tails.receive(second, { id: 1, lines: [Buffer.from('{"a":"ü"}').toString('latin1')], leftOut: 2 })
  assert.deepEqual([lines, leftOut], [['{"a":"ü"}'], 2])
  assert.deepEqual(inbox[1]?.[1], { type: 'tailTaken', id: 1 })

  close?.()
  close?.()
  assert.deepEqual(
    inbox.map((box) => box.at(-1)),
    Array(2).fill({ type: 'untail', id: 1 }),
  )
  tails.receive(first, { id: 1, lines: ['late'], leftOut: 0 })
  assert.equal(lines.length, 1)
})

test('there are at most MAX_TAILS tails at one time', () => {
  const tails = new Tails(() => [])
  const reader = { line: () => {}, leftOut: () => {} }
  const closes = Array.from({ length: MAX_TAILS }, () => tails.open(EVERYTHING, 1, reader))
  assert.ok(tails.isFull)
  assert.equal(tails.open(EVERYTHING, 1, reader), null)
  closes[0]?.()
  assert.notEqual(tails.open(EVERYTHING, 1, reader), null)
})
