import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { splitIdentity } from '../model/split.ts'
import { RuleEntry } from './rules.ts'
import type { CompiledSplit, CompileEnvironment } from './table.ts'
import { makeEnvironment, makeRule, makeSplit, makeUpstreamTarget, TestPositions } from './test-fixtures.ts'

function compile(weights: readonly number[], env: CompileEnvironment): CompiledSplit {
  const targets = weights.map((weight, index) => makeUpstreamTarget(`u${index}`, weight))
  return new RuleEntry(makeRule(makeSplit('s', targets)), 0, env).split
}

describe('a split', () => {
  it('gives 3:2 as A B A B A', () => {
    const split = compile([3, 2], makeEnvironment())
    const picks = Array.from({ length: 5 }, () => split.pick()?.index)
    assert.deepEqual(picks, [0, 1, 0, 1, 0])
  })

  it('is exact over every cycle when several workers take positions in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(12), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat(3)),
        (weights, turns) => {
          const sum = weights.reduce((a, b) => a + b)
          fc.pre(sum > 0)
          const env = makeEnvironment(new TestPositions())
          const workers = [0, 1, 2, 3].map(() => compile(weights, env))
          const counts = weights.map(() => 0)
          for (let i = 0; i < sum; i++) {
            const index = workers[turns.next().value ?? 0]?.pick()?.index ?? -1
            counts[index] = (counts[index] ?? 0) + 1
          }
          assert.deepEqual(counts, weights)
        },
      ),
    )
  })

  it('peeks at what the next pick gives, without taking a position', () => {
    const split = compile([5, 3, 2], makeEnvironment())
    for (let i = 0; i < 30; i++) {
      const next = split.peek()
      assert.equal(split.peek(), next)
      assert.equal(split.pick(), next)
    }
  })

  it('asks for no slot and takes no position when one target has all the weight', () => {
    const positions = new TestPositions()
    const env = makeEnvironment(positions)
    const split = compile([0, 4, 0], env)
    for (let i = 0; i < 3; i++) assert.equal(split.pick()?.index, 1)
    assert.equal(split.peek()?.index, 1)
    assert.equal(positions.taken.size, 0)
    assert.equal(env.slots.has(splitIdentity(split.model)), false)
  })

  it('gives nothing when all weights are 0', () => {
    const split = compile([0, 0], makeEnvironment())
    assert.equal(split.pick(), null)
    assert.equal(split.peek(), null)
  })

  it('goes on with a position of its own when no slot was given out', () => {
    const positions = new TestPositions()
    const split = compile([3, 2], { ...makeEnvironment(positions), slot: () => 0 })
    assert.deepEqual(
      Array.from({ length: 5 }, () => split.pick()?.index),
      [0, 1, 0, 1, 0],
    )
    assert.equal(positions.taken.size, 0)
  })

  it('of a late phase gives the second target its n-th choice when floor(n x p / 100) grows, for every p', () => {
    for (let p = 0; p <= 100; p++) {
      const targets = [100 - p, p].map((weight, index) => makeUpstreamTarget(`u${index}`, weight))
      const late = { ...makeSplit('s', targets), phase: 'late' as const }
      const { split } = new RuleEntry(makeRule(late), 0, makeEnvironment(new TestPositions()))
      for (let n = 1; n <= 250; n++) {
        const isSecond = Math.floor((n * p) / 100) !== Math.floor(((n - 1) * p) / 100)
        assert.equal(split.peek()?.index, isSecond ? 1 : 0, `${p} %, ${n}`)
        assert.equal(split.pick()?.index, isSecond ? 1 : 0, `${p} %, ${n}`)
      }
    }
  })
})
