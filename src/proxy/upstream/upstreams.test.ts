import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { Upstream } from '../../model/upstream.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { StreamTable } from '../../routing/stream-table.ts'
import { makeEnvironment, makeSection } from '../../routing/test-fixtures.ts'
import { Deadlines } from '../deadlines.ts'
import type { ProxyOptions } from '../proxy-contract.ts'
import { Upstreams } from './upstreams.ts'

const UPSTREAM: Upstream = {
  kind: 'upstream',
  id: 'u',
  name: 'u',
  origin: { dialect: 'apisix', kind: 'upstream', id: 'u', path: '' },
  scheme: 'http',
  http2: 'never',
  endpoints: [
    {
      host: '127.0.0.1',
      port: 1,
      weight: 1,
      priority: 0,
      address: null,
      zone: null,
      failoverOnly: false,
      state: 'ready',
    },
  ],
  balancer: { kind: 'roundRobin' },
  discovery: null,
  hashKey: null,
  levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
  health: null,
  slowStart: null,
  limits: null,
  tls: null,
  passHost: 'pass',
  upstreamHost: null,
  nodeHostWithoutPort: false,
  timeouts: { connectMs: 1000, sendMs: 1000, readMs: 1000 },
  retry: {
    count: 1,
    timeoutMs: 0,
    onHeadTimeout: true,
    sameEndpointWhenAlone: true,
    triesAgain: false,
    attemptMs: 0,
    onStatuses: [],
    nonIdempotent: false,
    sameEndpoint: null,
    failoverTries: 0,
    budget: null,
  },
  pool: { size: 1, idleMs: 1000, requests: 1, maxAgeMs: 0 },
}

function optionsOf(share: number): ProxyOptions {
  return {
    settings: {
      ...DEFAULT_SETTINGS,
      limits: { ...DEFAULT_SETTINGS.limits, retryBudgetRatio: 0, retryBudgetPerSecond: 4 },
    },
    share,
    table: new RoutingTable([makeSection('test')], makeEnvironment()),
    streams: new StreamTable([], makeEnvironment()),
    sections: [],
    positions: { advance: () => 0, peek: () => 0 },
    lane: new Float64Array(64),
    health: new Int32Array(0),
    judge: () => null,
    slot: () => 0,
    accessLog: null,
    log: () => {},
    forbidden: new Set(),
  }
}

/** Retries that the budget of a worker with this share of the process lets through in one second. */
function budgetOf(share: number): number {
  const upstreams = new Upstreams(optionsOf(share), new Deadlines())
  upstreams.prepare([UPSTREAM], [])()
  const budget = upstreams.cell('u').current?.budget
  assert.ok(budget)
  let taken = 0
  while (taken < 1000 && budget.take(1000)) taken++
  return taken
}

test('the retries allowed per second are shared out over the workers', () => {
  const alone = budgetOf(1)
  assert.equal(alone, 40, 'ten seconds of 4')
  assert.equal(budgetOf(0.25) * 4, alone)
})

test('one of many upstreams is compiled when it is first asked for, once, and not before it is in force', () => {
  const upstreams = new Upstreams(optionsOf(1), new Deadlines())
  let reads = 0
  const read = () => {
    reads++
    return UPSTREAM
  }
  const switchOn = upstreams.prepareLater([{ id: 'u', read }])
  const cell = upstreams.cell('u')
  assert.equal(upstreams.cell('u').current, null)
  switchOn()
  assert.equal(reads, 0)
  const first = cell.current
  assert.equal(first?.model.id, 'u')
  assert.equal(cell.current, first)
  assert.equal(reads, 1)
  upstreams.prepare([], ['u'])()
  assert.equal(cell.current, null)
})

test('an upstream that was asked for before is compiled with its new form, so that its pool is kept', () => {
  const upstreams = new Upstreams(optionsOf(1), new Deadlines())
  upstreams.prepare([UPSTREAM], [])()
  const pool = upstreams.cell('u').current?.endpoints[0]?.pool
  let reads = 0
  const read = () => {
    reads++
    return { ...UPSTREAM, name: 'new' }
  }
  upstreams.prepareLater([{ id: 'u', read }])()
  assert.equal(reads, 1)
  const { current } = upstreams.cell('u')
  assert.equal(current?.model.name, 'new')
  assert.equal(current?.endpoints[0]?.pool, pool)
  assert.equal(pool?.users, 1)
})

test('an upstream that cannot be compiled when it is asked for is logged and not there', () => {
  const lines: string[] = []
  const log = (_level: string, fields: object, message: string) => {
    lines.push(`${message}: ${JSON.stringify(fields)}`)
  }
  const upstreams = new Upstreams({ ...optionsOf(1), log }, new Deadlines())
  const read = () => {
    throw new Error('unreadable')
  }
  upstreams.prepareLater([{ id: 'u', read }])()
  assert.equal(upstreams.cell('u').current, null)
  assert.equal(upstreams.cell('u').current, null)
  assert.deepEqual(lines, ['an upstream could not be compiled: {"upstream":"u","error":"unreadable"}'])
})

test('HTTP/2 that is offered in the handshake is none for an endpoint without TLS', () => {
  const upstreams = new Upstreams(optionsOf(1), new Deadlines())
  const speaks = (scheme: 'http' | 'https', http2: Upstream['http2']): string | undefined => {
    upstreams.prepare([{ ...UPSTREAM, scheme, http2 }], [])()
    return upstreams.cell('u').current?.endpoints[0]?.pool.identity.http2
  }
  assert.deepEqual(
    [
      speaks('http', 'offered'),
      speaks('http', 'always'),
      speaks('https', 'offered'),
      speaks('https', 'never'),
    ],
    ['never', 'always', 'offered', 'never'],
  )
})
