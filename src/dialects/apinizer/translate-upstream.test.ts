import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSticky } from './translate-upstream.ts'

test('a cookie of a sticky session lives as long as is said, and without it or with 0 as long as the browser', () => {
  const ageOf = (more: object): number | null | undefined => {
    const stickySession = {
      type: 'HYBRID',
      cookieName: 'node',
      hashSecret: 'a secret of some length',
      ...more,
    }
    return readSticky({ routingInfo: { stickySession } } as never).sticky?.maxAgeSeconds
  }
  assert.deepEqual([ageOf({}), ageOf({ cookieTtl: 0 }), ageOf({ cookieTtl: 60 })], [null, null, 60])
  assert.deepEqual(readSticky({ routingInfo: { stickySession: { type: 'IP_HASH' } } } as never), {})
})
