import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bar } from './bar.ts'
import { barsOf, formatReport, isGood, machineVerdict, type Outcome, type Run } from './report.ts'
import type { Figure } from './statistics.ts'

const even: Figure = { median: 1.002, low: 0.99, high: 1.01, count: 20 }
const good: Bar = {
  what: '(b) CPU per request beside nginx',
  bound: 'at most',
  limit: 1.35,
  unit: '×',
  figure: { median: 1.25, low: 1.2, high: 1.3, count: 20 },
}

function outcome(id: string, bars: readonly Bar[], machine?: Figure): Outcome {
  const result = {
    tables: [{ caption: 'Flat out, 20 rounds', columns: ['', 'a|b'], rows: [['nginx', '1']] }],
    bars,
    notes: ['One note.'],
    ...(machine === undefined ? {} : { machine }),
  }
  return { scenario: { id, title: `title of ${id}`, about: `about ${id}` }, result, failure: null }
}

function run(...outcomes: Outcome[]): Run {
  return {
    startedAt: new Date('2026-11-26T08:00:00Z'),
    minutes: 34.2,
    machine: {
      processor: 'A processor',
      processors: 2,
      memoryGiB: 23.5,
      system: 'Linux 6.1',
      versions: [
        ['nginx', '1.22.1'],
        ['Node', 'v24.0.0'],
      ],
      commit: 'abc',
    },
    plan: { pairs: 20, seconds: 4, warmUpRequests: 60_000, settleMs: 10_000, rateShare: 1 },
    command: 'npm run bench',
    outcomes,
  }
}

test('the report says on what it was made, and every bar with its interval and verdict', () => {
  const text = formatReport(run(outcome('machine', [], even), outcome('b', [good])))
  assert.match(text, /\| processor \| A processor, 2 of them \|/)
  assert.match(text, /nginx 1\.22\.1, Node v24\.0\.0/)
  assert.match(text, /2026-11-26 08:00/)
  assert.match(text, /`npm run bench`: 20 pairs of 4 s, 34 minutes/)
  assert.match(text, /nginx beside itself: 1\.00 \[0\.99, 1\.01\]\. The machine is even\./)
  assert.match(text, /1 of 1 bars hold\./)
  assert.match(
    text,
    /\| \(b\) CPU per request beside nginx \| at most 1\.35 × \| 1\.25 \[1\.20, 1\.30\] × \| holds \|/,
  )
  assert.match(text, /## title of b\n\nabout b\n\nFlat out, 20 rounds:\n\n\| {2}\| a\\\|b \|/)
  assert.match(text, /One note\./)
})

test('a run is good when the machine is even and all bars hold', () => {
  assert.equal(isGood(run(outcome('machine', [], even), outcome('b', [good]))), true)
  const bad = { ...good, limit: 1.1 }
  const failing = run(outcome('machine', [], even), outcome('b', [good, bad]))
  assert.equal(isGood(failing), false)
  assert.deepEqual(barsOf(failing), [good, bad])
  assert.match(formatReport(failing), /1 of 2 bars hold\./)
  assert.match(formatReport(failing), /\| \*\*fails\*\* \|/)
})

test('what straddles is said in the table and counted above it', () => {
  const near = { ...good, figure: { median: 1.34, low: 1.3, high: 1.38, count: 20 } }
  const text = formatReport(run(outcome('b', [near, good])))
  assert.match(text, /\| holds, straddles \|/)
  assert.match(text, /2 of 2 bars hold; the interval of 1 straddles the limit/)
  assert.equal(isGood(run(outcome('b', [near]))), true)
})

test('a machine on which nginx is not as fast as itself voids the run', () => {
  const uneven = run(
    outcome('machine', [], { median: 1.05, low: 1.02, high: 1.08, count: 20 }),
    outcome('b', [good]),
  )
  assert.equal(machineVerdict(uneven), 'void')
  assert.equal(isGood(uneven), false)
  assert.match(formatReport(uneven), /\*\*Void\*\*: nginx beside itself is 1\.05 \[1\.02, 1\.08\]/)
})

test('1.00 is meant as it is printed: an interval that ends at 0.996 does not miss it', () => {
  const close = { median: 0.993, low: 0.99, high: 0.996, count: 20 }
  assert.equal(machineVerdict(run(outcome('machine', [], close))), 'even')
  assert.equal(machineVerdict(run(outcome('machine', [], { ...close, high: 0.994 }))), 'void')
})

test('without the check, or with a handful of rounds of it, the report says so and judges nothing by it', () => {
  assert.equal(machineVerdict(run(outcome('b', [good]))), null)
  assert.match(formatReport(run(outcome('b', [good]))), /was not measured beside itself/)
  const short = run(outcome('machine', [], { ...even, low: 1.1, high: 1.2, count: 2 }))
  assert.equal(machineVerdict(short), null)
  assert.match(formatReport(short), /in 2 rounds only/)
  assert.equal(isGood(short), true)
})

test('a scenario that did not finish is in the report, and the run is not good', () => {
  const broken: Outcome = { ...outcome('c', []), result: null, failure: 'the machine is too busy' }
  const text = formatReport(run(outcome('b', [good]), broken))
  assert.match(text, /\*\*Not finished\*\*: title of c: the machine is too busy/)
  assert.match(text, /## title of c\n\nabout c\n\n\*\*Not finished\*\*/)
  assert.equal(isGood(run(outcome('b', [good]), broken)), false)
})

test('a bar without a figure says why', () => {
  const missing: Bar = { ...good, figure: null, reason: 'no rounds' }
  assert.match(formatReport(run(outcome('b', [missing]))), /\| no rounds \| \*\*not measured\*\* \|/)
})
