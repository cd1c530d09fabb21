import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setState, stateOf } from '../../health/health-line.ts'
import { OutlierJudge } from '../../health/outlier.ts'
import { type Endpoint, identityOf } from '../../model/endpoint.ts'
import { HEALTH, HEALTH_LINE_CELLS, type HealthLine, type OutlierDetection } from '../../model/health.ts'
import type { Upstream } from '../../model/upstream.ts'
import { ModelArchive } from '../model-archive.ts'
import { HealthControl } from './health-control.ts'

const POLICY: OutlierDetection = {
  consecutiveFailures: 1,
  errors: null,
  latency: null,
  baseEjectionMs: 10_000,
  maxEjectionMs: 10_000,
  maxEjectionPercent: 100,
  mayEjectAll: true,
  trial: true,
}
const ENDPOINT: Endpoint = {
  host: '127.0.0.1',
  port: 80,
  weight: 1,
  priority: 0,
  address: null,
  zone: null,
  failoverOnly: false,
  state: 'ready',
}

/** The control of an upstream with one endpoint; time is the test's. */
function watch(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const health = new Int32Array(new SharedArrayBuffer(3 * HEALTH_LINE_CELLS * 4))
  const states: string[] = []
  const control = new HealthControl({
    archive: new ModelArchive(),
    shared: { health, slot: (identity) => (identity.startsWith('upstream-') ? 1 : 2) },
    settle: () => Promise.resolve(),
    log: () => {},
    emit: (_type, _text, data) => states.push(String((data as { state: string }).state)),
  })
  t.after(() => control.close())
  const upstream = {
    kind: 'upstream',
    id: 'u',
    name: 'u',
    endpoints: [ENDPOINT],
    health: { active: null, passive: null, outlier: POLICY },
    slowStart: null,
    balancer: { kind: 'roundRobin' },
  } as unknown as Upstream
  control.change({ upserts: [upstream], replaced: [], removals: [] })
  const line: HealthLine = {
    cells: health,
    at: 2 * HEALTH_LINE_CELLS,
    upstreamAt: HEALTH_LINE_CELLS,
  }
  const tellEjected = (): void =>
    control.note({
      upstreamId: 'u',
      endpoint: identityOf('u', ENDPOINT),
      change: 'ejected',
      reason: 'status 500',
    })
  return { control, line, states, tellEjected, judge: new OutlierJudge(POLICY, 1) }
}

/** Lets what waits for `settle` go on. */
const turn = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await Promise.resolve()
}

test('an ejection that is over before its news came is counted, and neither told nor ended again', async (t) => {
  const { control, states, tellEjected } = watch(t)
  tellEjected()
  t.mock.timers.tick(POLICY.maxEjectionMs)
  await turn()
  assert.deepEqual(states, [])
  const [standing] = control.standings('u') ?? []
  assert.deepEqual([standing?.condition, standing?.returnsAtMs, standing?.ejections], ['up', null, 1])
})

test('an ejection ends in a trial; where checks failed meanwhile it is told as unhealthy', async (t) => {
  const { line, states, tellEjected, judge } = watch(t)
  judge.eject(line)
  tellEjected()
  t.mock.timers.tick(POLICY.baseEjectionMs)
  await turn()
  assert.deepEqual([states, stateOf(line)], [['ejected', 'trial'], HEALTH.TRIAL])
  judge.eject(line)
  tellEjected()
  setState(line, HEALTH.UNHEALTHY)
  t.mock.timers.tick(POLICY.baseEjectionMs)
  await turn()
  assert.deepEqual(states, ['ejected', 'trial', 'ejected', 'unhealthy'])
})
