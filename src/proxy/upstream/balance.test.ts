import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE_TRIED } from '../../balancing/picker.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import {
  HEALTH,
  HEALTH_CELL,
  HEALTH_LINE_CELLS,
  type OutcomeJudge,
  UPSTREAM_CELL,
} from '../../model/health.ts'
import type { Upstream } from '../../model/upstream.ts'
import { Balance } from './balance.ts'

const ENDPOINTS: readonly Endpoint[] = [1, 2, 3, 4].map((last) => ({
  host: `10.0.0.${last}`,
  port: 80,
  weight: 1,
  priority: 0,
  address: null,
  zone: null,
  failoverOnly: false,
  state: 'ready',
}))

test('with chash an endpoint that ramps up takes keys, and no others move', () => {
  const health = new Int32Array(HEALTH_LINE_CELLS * (ENDPOINTS.length + 2))
  const slots = new Map<string, number>()
  const balance = new Balance(
    {
      id: 'u',
      endpoints: ENDPOINTS,
      balancer: { kind: 'ketama' },
      levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
      health: null,
      slowStart: { windowMs: 1000, minPercent: 10, aggression: 1, intervalMs: 100, graceMs: 0 },
    } as unknown as Upstream,
    {
      positions: { advance: () => 0, peek: () => 0 },
      slot: (identity) => {
        const slot = slots.get(identity) ?? slots.size + 1
        slots.set(identity, slot)
        return slot
      },
      health,
      judge: () => null,
      zone: null,
      now: () => 0,
    },
    null,
  )
  const pickAll = (): number[] =>
    Array.from({ length: 2000 }, (_, i) =>
      balance.pick(NONE_TRIED, { high: Math.imul(i, 2_654_435_761) >>> 0, low: i }),
    )
  const settled = pickAll()
  // the upstream's line comes first, then those of its endpoints
  health[2 * HEALTH_LINE_CELLS + HEALTH_CELL.WEIGHT_PERCENT] = 10
  Atomics.add(health, HEALTH_LINE_CELLS + UPSTREAM_CELL.EPOCH, 1)
  const ramping = pickAll()
  const share = (picks: readonly number[]) => picks.filter((index) => index === 0).length / picks.length
  assert.ok(share(ramping) < share(settled) / 2, `${share(ramping)} of ${share(settled)}`)
  const moved = settled.filter((index, i) => index !== 0 && ramping[i] !== index).length
  assert.equal(moved, 0)
})

test('an endpoint on trial is taken once, whoever chose it, and one that is out not at all', () => {
  const health = new Int32Array(HEALTH_LINE_CELLS * (ENDPOINTS.length + 2))
  const slots = new Map<string, number>()
  const lineOf = (index: number): number => (index + 2) * HEALTH_LINE_CELLS
  const turn = (): void => void Atomics.add(health, HEALTH_LINE_CELLS + UPSTREAM_CELL.EPOCH, 1)
  const judge: Pick<OutcomeJudge, 'takeTrial'> = {
    takeTrial: (index) => {
      const isFirst = Atomics.exchange(health, lineOf(index) + HEALTH_CELL.TRIAL_OUT, 1) === 0
      if (isFirst) turn()
      return isFirst
    },
  }
  const balance = new Balance(
    {
      id: 'u',
      endpoints: ENDPOINTS,
      balancer: { kind: 'roundRobin' },
      levels: { mode: 'strict', factor: 1, panicPercent: null, prefersZone: false },
      health: null,
      slowStart: { windowMs: 1000, minPercent: 10, aggression: 1, intervalMs: 100, graceMs: 0 },
    } as unknown as Upstream,
    {
      positions: { advance: () => 0, peek: () => 0 },
      slot: (identity) => {
        const slot = slots.get(identity) ?? slots.size + 1
        slots.set(identity, slot)
        return slot
      },
      health,
      judge: () => judge as OutcomeJudge,
      zone: null,
      now: () => 0,
    },
    null,
  )
  health[lineOf(0) + HEALTH_CELL.STATE] = HEALTH.TRIAL
  health[lineOf(1) + HEALTH_CELL.STATE] = HEALTH.EJECTED
  turn()
  assert.deepEqual([balance.take(0), balance.take(0)], [true, false])
  assert.equal(balance.take(1), false)
  assert.deepEqual([balance.take(2), balance.take(2)], [true, true])
})
