import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENDPOINT_OVERFLOW } from '../model/counters.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { HEALTH_CELL, HEALTH_LINE_CELLS, type OutlierDetection } from '../model/health.ts'
import type { Upstream } from '../model/upstream.ts'
import { EndpointViews } from './endpoint-views.ts'

const WINDOW_MS = 10_000

const ENDPOINT: Endpoint = {
  host: '127.0.0.1',
  port: 80,
  address: null,
  weight: 1,
  priority: 0,
  zone: null,
  failoverOnly: false,
  state: 'ready',
}

test('errors are those of the window that runs: what one counted that is over says nothing', () => {
  let now = 0
  const cells = new Int32Array(HEALTH_LINE_CELLS)
  const outlier = { errors: { windowMs: WINDOW_MS } } as OutlierDetection
  const upstream = {
    id: 'u',
    endpoints: [ENDPOINT],
    health: { active: null, passive: null, outlier },
  } as unknown as Upstream
  const views = new EndpointViews({
    upstream: () => upstream,
    health: {
      standings: () => [
        {
          endpoint: ENDPOINT,
          line: { cells, at: 0, upstreamAt: 0 },
          condition: 'up',
          reason: '',
          sinceMs: 0,
          returnsAtMs: null,
          ejections: 0,
        },
      ],
      prober: { lastProbe: () => null, nextProbeMs: () => null } as never,
    },
    shared: { slot: () => ENDPOINT_OVERFLOW, sum: () => 0 },
    said: () => undefined,
    startedAtMs: 0,
    now: () => now,
  })
  const counted = () => views.of('u')?.map(({ windowErrors, windowTotal }) => [windowErrors, windowTotal])
  // as a worker leaves it in the fourth window
  cells[HEALTH_CELL.WINDOW] = 3
  cells[HEALTH_CELL.ERRORS] = 2
  cells[HEALTH_CELL.REQUESTS] = 7
  now = 3 * WINDOW_MS
  assert.deepEqual(counted(), [[2, 7]])
  now = 4 * WINDOW_MS - 1
  assert.deepEqual(counted(), [[2, 7]])
  now = 4 * WINDOW_MS
  assert.deepEqual(counted(), [[0, 0]])
})
