import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadPool } from './head-pool.ts'

test('gives a head that was given back before it makes another, and never the one of idle connections', () => {
  const pool = new HeadPool(10)
  const one = pool.take()
  const two = pool.take()
  assert.notEqual(one, two)
  assert.notEqual(one, pool.idle)
  pool.give(one)
  assert.equal(pool.take(), one)
  assert.notEqual(pool.take(), one)
})

test('keeps no more than it may need again', () => {
  const pool = new HeadPool(1)
  const heads = Array.from({ length: 1000 }, () => pool.take())
  for (const head of heads) pool.give(head)
  const again = new Set(Array.from({ length: 1000 }, () => pool.take()))
  assert.equal(heads.filter((head) => again.has(head)).length, 256)
})
