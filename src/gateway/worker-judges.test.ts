import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutlierJudge } from '../health/outlier.ts'
import {
  HEALTH,
  HEALTH_LINE_CELLS,
  type HealthLine,
  type OutcomeJudge,
  type OutlierDetection,
} from '../model/health.ts'
import type { Upstream } from '../model/upstream.ts'
import { WorkerJudges } from './worker-judges.ts'

const POLICY: OutlierDetection = {
  consecutiveFailures: 0,
  errors: {
    windowMs: 60_000,
    minRequests: 1,
    threshold: { kind: 'count', value: 2 },
    countsServerErrors: true,
    statuses: [404, 500],
  },
  latency: null,
  baseEjectionMs: 10_000,
  maxEjectionMs: 10_000,
  maxEjectionPercent: 100,
  mayEjectAll: true,
  trial: true,
}

/** The judge of an upstream with one endpoint, its line, and what it told. All happens in one window. */
function judgeBy(outlier: OutlierDetection) {
  const cells = new Int32Array(new SharedArrayBuffer(2 * HEALTH_LINE_CELLS * 4))
  const line: HealthLine = { cells, at: HEALTH_LINE_CELLS, upstreamAt: 0 }
  const told: string[] = []
  const upstream = {
    id: 'u',
    endpoints: [{ host: 'a', port: 80, priority: 0, address: null }],
    health: { active: null, passive: null, outlier },
  } as unknown as Upstream
  const judges = new WorkerJudges(
    ({ change, reason }) => told.push(`${change}: ${reason}`),
    performance.timeOrigin,
  )
  const judge = judges.make(upstream, [line]) as OutcomeJudge
  const answer = (...statuses: number[]): void => {
    for (const status of statuses) judge.answered(0, status, 1, 1000)
  }
  return { line, told, judge, answer, state: () => cells[line.at] as number }
}

test('listed statuses count as failures, others do not, not even those of gateways', () => {
  const { told, answer, state } = judgeBy(POLICY)
  answer(502, 503, 504, 501, 403, 404)
  assert.deepEqual([state(), told], [0, []])
  answer(500)
  assert.deepEqual([state(), told], [HEALTH.EJECTED, ['ejected: status 500']])
})

test('without a list server errors count, and client errors do not', () => {
  const { statuses: _, ...errors } = POLICY.errors as NonNullable<OutlierDetection['errors']>
  const { answer, state } = judgeBy({ ...POLICY, errors })
  answer(404, 404, 404, 501)
  assert.equal(state(), 0)
  answer(500)
  assert.equal(state(), HEALTH.EJECTED)
})

test('attempts without an answer count, whatever is listed', () => {
  const { told, judge, state } = judgeBy(POLICY)
  judge.failed(0, 'timeout', 1, 1000)
  assert.equal(state(), 0)
  judge.failed(0, 'tcp', 1, 1000)
  assert.deepEqual([state(), told], [HEALTH.EJECTED, ['ejected: connection failed']])
})

test('a trial that is answered with a listed status ejects again at once; another status ends it well', () => {
  const { line, told, answer, judge, state } = judgeBy(POLICY)
  const control = new OutlierJudge(POLICY, 1)
  answer(404, 404)
  control.readmit(line)
  assert.equal(state(), HEALTH.TRIAL)
  assert.equal(judge.takeTrial(0), true)
  answer(404)
  assert.equal(state(), HEALTH.EJECTED)
  control.readmit(line)
  assert.equal(judge.takeTrial(0), true)
  answer(503)
  assert.equal(state(), 0)
  assert.deepEqual(told, ['ejected: status 404', 'ejected: status 404', 'readmitted: status 503'])
})

test('a trial that is answered with 500 ends: badly where server errors count, else well', () => {
  const trialBy = (outlier: OutlierDetection): number => {
    const { line, answer, judge, state } = judgeBy(outlier)
    const control = new OutlierJudge(outlier, 1)
    control.eject(line)
    control.readmit(line)
    assert.equal(judge.takeTrial(0), true)
    answer(500)
    return state()
  }
  const errors = { windowMs: 60_000, minRequests: 20, threshold: { kind: 'ratio', value: 0.5 } } as const
  assert.equal(trialBy({ ...POLICY, errors: { ...errors, countsServerErrors: true } }), HEALTH.EJECTED)
  assert.equal(trialBy({ ...POLICY, errors: { ...errors, countsServerErrors: false } }), 0)
  assert.equal(trialBy({ ...POLICY, consecutiveFailures: 5, errors: null }), 0)
})

test('a share of failures is judged by all requests of the window', () => {
  const errors = { ...POLICY.errors, threshold: { kind: 'ratio', value: 0.5 } }
  const { answer, state } = judgeBy({ ...POLICY, errors } as OutlierDetection)
  answer(200, 200, 200, 404, 404)
  assert.equal(state(), 0)
  answer(404)
  assert.equal(state(), HEALTH.EJECTED)
})
