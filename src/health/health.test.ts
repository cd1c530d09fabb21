import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  HEALTH,
  HEALTH_CELL,
  HEALTH_LINE_CELLS,
  type HealthLine,
  type OutlierDetection,
  UPSTREAM_CELL,
} from '../model/health.ts'
import { countFailure, countSuccess, endedBy, setState, stateOf } from './health-line.ts'
import { OutlierJudge, returnTrial, takeTrial } from './outlier.ts'
import { PassiveJudge } from './passive.ts'

/** Lines of an upstream with so many endpoints. */
function lines(count: number): HealthLine[] {
  const cells = new Int32Array(new SharedArrayBuffer((count + 1) * HEALTH_LINE_CELLS * 4))
  return Array.from({ length: count }, (_, i) => ({ cells, at: (i + 1) * HEALTH_LINE_CELLS, upstreamAt: 0 }))
}
const epoch = ({ cells }: HealthLine): number => cells[UPSTREAM_CELL.EPOCH] as number

describe('counts of checks (apisix.md 5.5)', () => {
  it('a success between failures starts the count anew, and kinds count apart', () => {
    const [line] = lines(1) as [HealthLine]
    assert.equal(countFailure(line, 'http', 3), false)
    assert.equal(countFailure(line, 'http', 3), false)
    countSuccess(line, 2)
    assert.equal(countFailure(line, 'http', 3), false)
    assert.equal(countFailure(line, 'tcp', 2), false)
    assert.equal(countFailure(line, 'http', 3), false)
    assert.equal(countFailure(line, 'tcp', 2), true)
    assert.equal(stateOf(line), HEALTH.UNHEALTHY)
    assert.equal(epoch(line), 1)
  })

  it('an unhealthy one returns after successes in a row', () => {
    const [line] = lines(1) as [HealthLine]
    countFailure(line, 'timeout', 1)
    assert.equal(countSuccess(line, 3), false)
    assert.equal(countSuccess(line, 3), false)
    countFailure(line, 'timeout', 1)
    assert.equal(countSuccess(line, 3), false)
    assert.equal(countSuccess(line, 3), false)
    assert.equal(countSuccess(line, 3), true)
    assert.equal(stateOf(line), 0)
  })

  it('a threshold of 0 switches its kind off', () => {
    const [line] = lines(1) as [HealthLine]
    for (let i = 0; i < 300; i++) assert.equal(countFailure(line, 'http', 0), false)
    setState(line, HEALTH.UNHEALTHY)
    for (let i = 0; i < 300; i++) assert.equal(countSuccess(line, 0), false)
  })

  it('successes end ejections and trials only where the check says so, and only those in a row since then', () => {
    const [one, two] = lines(2) as [HealthLine, HealthLine]
    const judge = new OutlierJudge({ ...POLICY, mayEjectAll: true, maxEjectionPercent: 100 }, 2)
    const ends = endedBy({ endsEjection: true })
    for (const line of [one, two]) for (let i = 0; i < 3; i++) judge.judgeFailure(line, true, 0)
    assert.equal(one.cells[UPSTREAM_CELL.EJECTED], 2)
    for (let i = 0; i < 5; i++) assert.equal(countSuccess(one, 2, endedBy({})), false)
    assert.equal(stateOf(one), HEALTH.EJECTED)
    assert.equal(countSuccess(one, 2, ends), false)
    countFailure(one, 'http', 3)
    assert.equal(countSuccess(one, 2, ends), false)
    const before = epoch(one)
    assert.equal(countSuccess(one, 2, ends), true)
    assert.equal(stateOf(one), 0)
    assert.equal(epoch(one), before + 1)
    assert.equal(one.cells[UPSTREAM_CELL.EJECTED], 1)
    // one success of before does not count towards the next ejection
    judge.readmit(two)
    assert.equal(takeTrial(two), true)
    assert.equal(countSuccess(two, 2, ends), false)
    assert.equal(judge.judgeFailure(two, true, 0), true)
    assert.equal(countSuccess(two, 2, ends), false)
    assert.equal(stateOf(two), HEALTH.EJECTED)
    // a trial that is called off leaves no trial request behind
    judge.readmit(two)
    assert.equal(takeTrial(two), true)
    assert.equal(countSuccess(two, 2, ends), true)
    assert.equal(stateOf(two), 0)
    assert.equal(two.cells[two.at + HEALTH_CELL.TRIAL_OUT], 0)
    assert.equal(one.cells[UPSTREAM_CELL.EJECTED], 0)
  })

  it('what checks and live traffic both found ends together', () => {
    const [line] = lines(1) as [HealthLine]
    const judge = new OutlierJudge({ ...POLICY, mayEjectAll: true, maxEjectionPercent: 100 }, 1)
    for (let i = 0; i < 3; i++) judge.judgeFailure(line, true, 0)
    countFailure(line, 'tcp', 1)
    assert.equal(stateOf(line), HEALTH.EJECTED | HEALTH.UNHEALTHY)
    assert.equal(countSuccess(line, 1, endedBy({ endsEjection: true })), true)
    assert.equal(stateOf(line), 0)
    assert.equal(line.cells[UPSTREAM_CELL.EJECTED], 0)
  })

  it('statuses in neither list say nothing', () => {
    const [line] = lines(1) as [HealthLine]
    const judge = new PassiveJudge({
      returnsAfterMs: null,
      healthy: { statuses: [200], successes: 1 },
      unhealthy: { statuses: [500], httpFailures: 2, tcpFailures: 1, timeouts: 0 },
    })
    judge.judgeStatus(line, 500)
    judge.judgeStatus(line, 404)
    assert.equal(judge.judgeStatus(line, 500), true)
    judge.judgeStatus(line, 200)
    assert.equal(stateOf(line), 0)
    assert.equal(judge.judgeFailure(line, 'timeout'), false)
    assert.equal(judge.judgeFailure(line, 'tcp'), true)
  })
})

const POLICY: OutlierDetection = {
  consecutiveFailures: 3,
  errors: null,
  latency: null,
  baseEjectionMs: 30_000,
  maxEjectionMs: 70_000,
  maxEjectionPercent: 50,
  trial: true,
}

describe('outlier detection', () => {
  const fail = (judge: OutlierJudge, line: HealthLine, times: number): boolean[] =>
    Array.from({ length: times }, () => judge.judgeFailure(line, true, 0))

  it('ejects after failures in a row, longer each time, up to the maximum', () => {
    const [one] = lines(4) as [HealthLine]
    const judge = new OutlierJudge(POLICY, 4)
    const lengths: number[] = []
    for (let time = 0; time < 4; time++) {
      assert.equal(fail(judge, one, 3).at(-1) || time > 0, true)
      lengths.push(judge.ejectionMs(one))
      judge.readmit(one)
      assert.equal(stateOf(one), HEALTH.TRIAL)
      judge.judgeSuccess(one, 1, 0)
      assert.equal(stateOf(one), 0)
    }
    assert.deepEqual(lengths, [30_000, 60_000, 70_000, 70_000])
    judge.forgive(one)
    fail(judge, one, 3)
    assert.equal(judge.ejectionMs(one), 30_000)
  })

  it('a success between starts the row anew', () => {
    const [one] = lines(2) as [HealthLine]
    const judge = new OutlierJudge(POLICY, 2)
    fail(judge, one, 2)
    judge.judgeSuccess(one, 1, 0)
    assert.deepEqual(fail(judge, one, 3), [false, false, true])
  })

  it('a failed trial ejects at once', () => {
    const [one] = lines(2) as [HealthLine]
    const judge = new OutlierJudge(POLICY, 2)
    fail(judge, one, 3)
    judge.readmit(one)
    assert.equal(takeTrial(one), true)
    assert.equal(takeTrial(one), false)
    returnTrial(one)
    assert.equal(takeTrial(one), true)
    assert.deepEqual(fail(judge, one, 1), [true])
    assert.equal(stateOf(one), HEALTH.EJECTED)
  })

  it('never ejects more than its share, and one always stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 100 }), (count, percent) => {
        const all = lines(count)
        const judge = new OutlierJudge({ ...POLICY, maxEjectionPercent: percent }, count)
        for (const line of all) fail(judge, line, 5)
        const out = all.filter((line) => stateOf(line) === HEALTH.EJECTED).length
        assert.equal(out, Math.min(count - 1, Math.max(1, Math.floor((count * percent) / 100))))
        assert.equal(all[0]?.cells[UPSTREAM_CELL.EJECTED], out)
      }),
    )
  })

  it('ejects the last one only where all may go', () => {
    const eject = (mayEjectAll: boolean, count: number): number => {
      const all = lines(count)
      const judge = new OutlierJudge({ ...POLICY, maxEjectionPercent: 100, mayEjectAll }, count)
      for (const line of all) fail(judge, line, 3)
      return all.filter((line) => stateOf(line) === HEALTH.EJECTED).length
    }
    assert.deepEqual([eject(false, 3), eject(true, 3), eject(false, 1), eject(true, 1)], [2, 3, 0, 1])
  })

  it('ejects by the share of errors in a window with enough requests', () => {
    const [one] = lines(2) as [HealthLine]
    const errors = {
      windowMs: 10_000,
      minRequests: 10,
      threshold: { kind: 'ratio', value: 0.5 },
      countsServerErrors: true,
    } as const
    const judge = new OutlierJudge({ ...POLICY, consecutiveFailures: 0, errors }, 2)
    for (let i = 0; i < 5; i++) judge.judgeSuccess(one, 1, 100)
    for (let i = 0; i < 4; i++) assert.equal(judge.judgeFailure(one, false, 100), false)
    // another window
    assert.equal(judge.judgeFailure(one, false, 10_100), false)
    assert.equal(one.cells[one.at + HEALTH_CELL.REQUESTS], 1)
    for (let i = 0; i < 5; i++) judge.judgeSuccess(one, 1, 10_200)
    for (let i = 0; i < 3; i++) assert.equal(judge.judgeFailure(one, false, 10_300), false)
    assert.equal(judge.judgeFailure(one, false, 10_300), true)
  })
})
