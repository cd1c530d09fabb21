import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryBudget } from './retry-budget.ts'

function takeAll(budget: RetryBudget, nowMs: number): number {
  let taken = 0
  while (taken < 10_000 && budget.take(nowMs)) taken++
  return taken
}

test('without traffic it allows three retries a second over ten seconds', () => {
  assert.equal(takeAll(new RetryBudget(0.2, 3), 5_000), 30)
})

test('a fifth of the requests of the last ten seconds may be retried beside them', () => {
  const budget = new RetryBudget(0.2, 3)
  for (let i = 0; i < 1000; i++) budget.countRequest(5_000 + i)
  assert.equal(takeAll(budget, 6_000), 230)
})

test('what was spent comes back after ten seconds', () => {
  const budget = new RetryBudget(0.2, 3)
  assert.equal(takeAll(budget, 5_000), 30)
  assert.equal(takeAll(budget, 14_900), 0)
  assert.equal(takeAll(budget, 15_100), 30)
})

test('requests older than ten seconds no longer count', () => {
  const budget = new RetryBudget(0.2, 0)
  for (let i = 0; i < 100; i++) budget.countRequest(5_000)
  assert.equal(takeAll(budget, 30_000), 0)
})

test('a request that began earlier than the last one takes nothing from the count', () => {
  const budget = new RetryBudget(0, 1)
  let taken = 0
  for (let i = 0; i < 30; i++) {
    budget.countRequest(100_000 - (i % 2) * 9_000)
    if (budget.take(100_000)) taken++
  }
  assert.equal(taken, 10)
})
