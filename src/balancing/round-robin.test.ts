import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Positions } from '../model/model.ts'
import { describePickerContract, endpoint } from './picker.contract.ts'
import { NONE_TRIED } from './picker.ts'
import { createRoundRobin } from './round-robin.ts'

class CountingPositions implements Positions {
  readonly steps = new Map<number, number>()
  advance(slot: number, limit: number): number {
    const position = this.peek(slot, limit)
    this.steps.set(slot, position + 1)
    return position
  }
  peek(slot: number, limit: number): number {
    return (this.steps.get(slot) ?? 0) % limit
  }
}

function roundRobin(weights: readonly number[], positions: Positions = new CountingPositions()) {
  return createRoundRobin(
    weights.map((weight, index) => endpoint(index, weight, 0)),
    () => 5,
    positions,
  )
}

describePickerContract('round robin', (endpoints, usable) =>
  createRoundRobin(endpoints, (priority) => priority + 10, new CountingPositions(), usable),
)

describe('round robin', () => {
  it('gives 3:2:1 as 6, 4 and 2 of 12 requests', () => {
    const picker = roundRobin([3, 2, 1])
    const counts = [0, 0, 0]
    for (let i = 0; i < 12; i++) {
      const index = picker.pick(NONE_TRIED, null)
      counts[index] = (counts[index] ?? 0) + 1
    }
    assert.deepEqual(counts, [6, 4, 2])
  })

  it('alternates between endpoints of equal weight', () => {
    const picker = roundRobin([3, 3])
    const picks = Array.from({ length: 12 }, () => picker.pick(NONE_TRIED, null))
    for (let i = 1; i < picks.length; i++) assert.notEqual(picks[i], picks[i - 1])
  })

  it('is exact over all pickers that share a position, in whatever order they are asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 }),
        fc.infiniteStream(fc.nat(2)),
        (weights, turns) => {
          const positions = new CountingPositions()
          const pickers = [0, 1, 2].map(() => roundRobin(weights, positions))
          const counts = weights.map(() => 0)
          const sum = weights.reduce((a, b) => a + b)
          for (let i = 0; i < sum; i++) {
            const index = pickers[turns.next().value ?? 0]?.pick(NONE_TRIED, null) ?? -1
            counts[index] = (counts[index] ?? 0) + 1
          }
          assert.deepEqual(counts, weights)
        },
      ),
    )
  })

  it('leaves the share of a failing endpoint to the others by their weights', () => {
    for (const weights of [
      [1, 1, 1],
      [5, 3, 1],
      [1, 2, 4],
    ]) {
      const picker = roundRobin(weights)
      const counts = [0, 0, 0]
      for (let i = 0; i < 9000; i++) {
        let index = picker.pick(NONE_TRIED, null)
        if (index === 0) index = picker.pick(Uint8Array.of(1, 0, 0), null)
        counts[index] = (counts[index] ?? 0) + 1
      }
      const [, one = 0, two = 1] = counts
      const ideal = (weights[1] as number) / (weights[2] as number)
      assert.ok(Math.abs(one / two - ideal) < 0.02 * ideal, `${weights}: ${counts}`)
    }
  })

  it('takes no shared position for a single endpoint and none for retries', () => {
    const positions = new CountingPositions()
    const single = roundRobin([4], positions)
    single.pick(NONE_TRIED, null)
    assert.equal(positions.steps.size, 0)
    const picker = roundRobin([1, 1, 1], positions)
    picker.pick(NONE_TRIED, null)
    picker.pick(Uint8Array.of(1, 0, 0), null)
    picker.pick(Uint8Array.of(1, 1, 0), null)
    assert.equal(positions.steps.get(5), 1)
  })

  it('rotates by a position of its own where no slot was given out', () => {
    const shared: Positions = {
      advance: () => assert.fail('a shared position was taken'),
      peek: () => assert.fail('a shared position was read'),
    }
    const picker = createRoundRobin([endpoint(0, 1, 0), endpoint(1, 1, 0)], () => 0, shared)
    assert.notEqual(picker.pick(NONE_TRIED, null), picker.pick(NONE_TRIED, null))
  })

  it('asks for the slot of a level by all of its endpoints, so that its identity does not hang on health', () => {
    const asked: string[][] = []
    const endpoints = [endpoint(0, 1, 0), endpoint(1, 0, 0), endpoint(2, 1, 0), endpoint(3, 1, 0)]
    const slot = (_priority: number, members: readonly { host: string }[]) => {
      asked.push(members.map(({ host }) => host))
      return 5
    }
    createRoundRobin(endpoints, slot, new CountingPositions(), Uint8Array.of(1, 1, 0, 1))
    assert.deepEqual(asked, [endpoints.map(({ host }) => host)])
  })
})
