import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NameView } from '../discovery/discovery.ts'
import { RestartPace } from './restart-pace.ts'
import { judgeReadiness, noteSources, type ReadinessFacts, sourcesOf } from './status.ts'

const good: ReadinessFacts = {
  phase: 'serving',
  workers: [
    { index: 0, state: 'serving', revision: 4 },
    { index: 1, state: 'serving', revision: 4 },
  ],
  expectedWorkers: 2,
  revision: 4,
  publishedMsAgo: 9_999,
  notes: [],
}

test('ready means: started, served by workers that have the configuration, not stopping', () => {
  assert.deepEqual(judgeReadiness(good), { isReady: true, reasons: [], notes: [] })
  assert.match(judgeReadiness({ ...good, phase: 'starting' }).reasons.join(), /starting/)
  assert.match(judgeReadiness({ ...good, phase: 'draining' }).reasons.join(), /stopping/)
})

test('one worker that is being replaced does not make it unready, no worker at all does', () => {
  const [first] = good.workers
  assert.ok(first !== undefined)
  assert.equal(judgeReadiness({ ...good, workers: [first] }).isReady, true)
  const { reasons } = judgeReadiness({ ...good, workers: [{ ...first, state: 'loading' }] })
  assert.match(reasons.join(), /no worker serves \(worker 0: loading, 1 to be started\)/)
})

test('a worker that lags is named once its time is over', () => {
  const workers = [
    { index: 0, state: 'serving', revision: 4 },
    { index: 1, state: 'serving', revision: 3 },
  ]
  assert.match(
    judgeReadiness({ ...good, workers }).reasons.join(),
    /worker 1 lags: it serves revision 3 of 4/,
  )
  assert.equal(judgeReadiness({ ...good, workers, publishedMsAgo: 100 }).isReady, true)
})

test('restarts come at once, then ever later up to a bound, and after a quiet minute at once again', () => {
  const pace = new RestartPace()
  const delays = Array.from({ length: 12 }, () => pace.next(0).delayMs)
  assert.equal(delays[0], 0)
  assert.deepEqual(
    delays,
    [...delays].sort((a, b) => a - b),
  )
  assert.equal(delays.at(-1), 5_000)
  assert.equal(pace.next(60_001).delayMs, 0)
})

test('Services whose pods may be old, or that have none, are noted; the gateway stays ready', () => {
  const host = { host: '10.0.0.1', port: 80, rank: 0, weight: 1, addresses: ['10.0.0.1'] }
  const view = (kind: NameView['question']['kind'], name: string, rest: Partial<NameView>): NameView => ({
    question: { kind, name },
    state: 'good',
    hosts: [host],
    answeredAtMs: 1000,
    nextAskMs: null,
    isAnswered: true,
    asked: 1,
    failures: 0,
    reason: '',
    ...rest,
  })
  const sources = sourcesOf([
    view('addresses', 'shop.test', { isAnswered: false, hosts: [] }),
    view('pods', 'c/a/good:80', {}),
    view('pods', 'c/a/old:80', { isAnswered: false, reason: 'ECONNREFUSED' }),
    view('pods', 'c/a/empty:80', { hosts: [], reason: 'the Service has no pods' }),
  ])
  assert.deepEqual(
    sources.map(({ service, isCurrent, nodes, answeredAtMs }) => [service, isCurrent, nodes, answeredAtMs]),
    [
      ['c/a/good:80', true, 1, 1000],
      ['c/a/old:80', false, 1, 1000],
      ['c/a/empty:80', true, 0, 1000],
    ],
  )
  const notes = noteSources(sources)
  assert.deepEqual(notes, [
    'c/a/old:80 may be old: its last 1 nodes serve (ECONNREFUSED)',
    'c/a/empty:80 has no nodes (the Service has no pods)',
  ])
  assert.deepEqual(judgeReadiness({ ...good, notes }), { isReady: true, reasons: [], notes })
})
