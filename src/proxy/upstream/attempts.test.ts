import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Failure, judgeFailure, type Verdict } from './attempts.ts'

const safe = { isSafe: true, isReplayable: true, hadFresh: false, retriesHeadTimeout: true }
const cut = { ...safe, isReplayable: false }
const post = { ...safe, isSafe: false }

/** reliability.md section 6, row by row: safe and replayable, safe only, other. */
const rows: readonly [Failure, Verdict, Verdict, Verdict][] = [
  ['connectFailed', 'next', 'next', 'next'],
  ['connectTimeout', 'next', 'next', 'next'],
  ['staleUnsent', 'fresh', 'fresh', 'fresh'],
  ['staleSent', 'fresh', 'give up', 'give up'],
  ['closed', 'next', 'give up', 'give up'],
  ['headCut', 'next', 'give up', 'give up'],
  ['headTimeout', 'next', 'give up', 'give up'],
  ['sendTimeout', 'next', 'give up', 'give up'],
  ['badAnswer', 'give up', 'give up', 'give up'],
  ['gatewayLimit', 'give up', 'give up', 'give up'],
]

for (const [failure, first, second, third] of rows) {
  test(`${failure}: safe ${first}, not replayable ${second}, POST ${third}`, () => {
    assert.equal(judgeFailure(failure, safe), first)
    assert.equal(judgeFailure(failure, cut), second)
    assert.equal(judgeFailure(failure, post), third)
  })
}

test('a second stale connection of one request counts as an attempt of its own', () => {
  assert.equal(judgeFailure('staleSent', { ...safe, hadFresh: true }), 'next')
})

test('a head timeout is final where the document does not say that it is retried', () => {
  assert.equal(judgeFailure('headTimeout', { ...safe, retriesHeadTimeout: false }), 'give up')
})
