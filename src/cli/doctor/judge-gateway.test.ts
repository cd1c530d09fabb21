import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check } from './check.ts'
import {
  type GatewayFacts,
  judgeDocuments,
  judgeDropped,
  judgeGateway,
  judgeLastChange,
  judgeReadiness,
  judgeRestarts,
  judgeServerFiles,
  judgeSkew,
  judgeStore,
  judgeVersion,
  judgeWorkers,
  type StatusFacts,
} from './judge-gateway.ts'
import { sumMetrics } from './sum-metrics.ts'

const STATUS: StatusFacts = {
  version: '1.2.3',
  readiness: { isReady: true, reasons: [] },
  revision: 7,
  store: { name: 'memory', readOnly: null, faults: [] },
  lastChange: null,
  workers: [
    { index: 0, state: 'serving', revision: 7 },
    { index: 1, state: 'serving', revision: 7 },
  ],
  workerRestarts: 0,
  documents: { total: 3, rejected: 0, degraded: 0, items: [] },
}
const FACTS: GatewayFacts = {
  server: 'http://127.0.0.1:9180',
  ownVersion: '1.2.3',
  nowMs: 10_000,
  serverNowMs: 9_000,
  status: STATUS,
  metrics: new Map(),
  metricsFault: null,
}

function expect(check: Check, level: Check['level'], value: RegExp): void {
  assert.equal(check.level, level, JSON.stringify(check))
  assert.match(check.value, value)
  assert.equal(check.advice === null, level === 'ok')
}

test('a gateway that is well has no line that is not ok', () => {
  const checks = judgeGateway(FACTS)
  assert.deepEqual(
    checks.filter(({ level }) => level !== 'ok'),
    [],
  )
  assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length)
})

test('a gateway that is not ready fails with its reasons', () => {
  const readiness = { isReady: false, reasons: ['the gateway is stopping', 'worker 1 lags'] }
  expect(judgeReadiness({ ...FACTS, status: { ...STATUS, readiness } }), 'fail', /stopping; worker 1 lags/)
})

test('another version than ours is warned of', () => {
  expect(judgeVersion({ ...FACTS, ownVersion: '1.3.0' }), 'warn', /1\.2\.3, this command is 1\.3\.0/)
})

test('workers that do not serve, or serve an old revision, are named', () => {
  const workers = (second: object): StatusFacts => ({
    ...STATUS,
    workers: [STATUS.workers[0] as never, { ...STATUS.workers[1], ...second } as never],
  })
  expect(judgeWorkers(workers({ state: 'starting' })), 'warn', /1 of 2 serve \(1 starting\)/)
  expect(judgeWorkers(workers({ revision: 5 })), 'warn', /behind revision 7: 1 at 5/)
  expect(judgeWorkers({ ...STATUS, workers: [] }), 'fail', /none/)
  expect(judgeRestarts({ ...STATUS, workerRestarts: 2 }), 'warn', /2/)
})

test('faults of the store fail, read-only alone does not', () => {
  const store = (change: object, metrics = new Map<string, number>()): Check =>
    judgeStore({ status: { ...STATUS, store: { ...STATUS.store, ...change } }, metrics })
  const faults = [{ place: 'a.yaml:3:1', message: 'no such field' }]
  expect(store({ faults }), 'fail', /a\.yaml:3:1: no such field/)
  expect(store({ faults: [...faults, ...faults] }), 'fail', /and 1 more/)
  expect(store({}, new Map([['headgate_store_reachable', 0]])), 'fail', /took no write/)
  expect(store({ readOnly: 'files' }), 'ok', /read-only/)
})

test('a last change without effect is warned of', () => {
  expect(judgeLastChange({ ...STATUS, lastChange: { isGood: true, revision: 7 } }), 'ok', /7/)
  expect(judgeLastChange({ ...STATUS, lastChange: { isGood: false, revision: 7 } }), 'warn', /effect/)
})

test('documents that are set aside are named, the first three with their reasons', () => {
  const item = (id: string, state: string) => ({
    key: { dialect: 'apisix', kind: 'routes', id },
    state,
    reasons: state === 'rejected' ? [{ message: 'bad' }] : [],
    warnings: [{ message: 'odd' }],
  })
  const documents = (rejected: number, degraded: number, items: ReturnType<typeof item>[]): StatusFacts => ({
    ...STATUS,
    documents: { total: 10, rejected, degraded, items },
  })
  const bad = ['1', '2', '3', '4'].map((id) => item(id, 'rejected'))
  expect(
    judgeDocuments(documents(5, 1, [...bad, item('9', 'degraded')])),
    'warn',
    /^5 of 10 .*routes\/1 \(bad\), routes\/2 \(bad\), routes\/3 \(bad\) and 2 more$/,
  )
  expect(judgeDocuments(documents(0, 1, [item('9', 'degraded')])), 'warn', /routes\/9 \(odd\)$/)
})

test('lost log lines and files in use are read from the metrics', () => {
  const metrics = sumMetrics(
    '# HELP x\nheadgate_access_log_dropped_total 3\nheadgate_http_requests_total{route="a b",code="2xx"} 4\nheadgate_http_requests_total{route="c"} 1 1700000000\nprocess_open_fds 970\nprocess_max_fds 1000\nbroken\n',
  )
  assert.equal(metrics.get('headgate_http_requests_total'), 5)
  expect(judgeDropped(metrics), 'warn', /^3$/)
  expect(judgeServerFiles(metrics), 'fail', /970 of 1000/)
  expect(judgeServerFiles(new Map([...metrics, ['process_open_fds', 850]])), 'warn', /850/)
  expect(judgeServerFiles(new Map([...metrics, ['process_open_fds', 20]])), 'ok', /20/)
  expect(judgeServerFiles(new Map()), 'ok', /not told/)
})

test('metrics that cannot be read are a line of their own', () => {
  const checks = judgeGateway({ ...FACTS, metricsFault: 'refused with 500' })
  const failed = checks.filter(({ level }) => level !== 'ok')
  assert.deepEqual(
    failed.map(({ name, level }) => [name, level]),
    [['metrics', 'fail']],
  )
})

test('a clock that differs from ours is warned of', () => {
  expect(judgeSkew({ nowMs: 60_000, serverNowMs: 10_000 }), 'warn', /50 s behind/)
  expect(judgeSkew({ nowMs: 10_000, serverNowMs: 60_000 }), 'warn', /50 s ahead/)
  expect(judgeSkew({ nowMs: 10_000, serverNowMs: null }), 'ok', /not told/)
})
