import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatheredBody } from './gathered-body.ts'

test('what is gathered is a copy, and what is over the limit is kept and told', () => {
  const body = new GatheredBody(4)
  const bytes = Buffer.from('..abcd')
  body.add(bytes, 2, 4)
  body.add(bytes, 4, 6)
  bytes.fill(0)
  assert.equal(body.whole().toString(), 'abcd')
  assert.equal(body.isTooLong, false)
  body.add(Buffer.from('e'), 0, 1)
  assert.equal(body.isTooLong, true)
  assert.equal(body.whole().toString(), 'abcde')
})
