import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HEALTH } from '../model/health.ts'
import { findUsable } from './usable.ts'

describe('usable endpoints', () => {
  it('are all where nothing is wrong', () => {
    assert.equal(findUsable(new Int32Array(3), 50), null)
    assert.equal(findUsable(Int32Array.of(HEALTH.TRIAL, 0), 50), null)
  })

  it('leave out the unhealthy until too many are, and those switched off always', () => {
    const { UNHEALTHY, EJECTED, OFF } = HEALTH
    assert.deepEqual(findUsable(Int32Array.of(0, UNHEALTHY, 0), 50), Uint8Array.of(1, 0, 1))
    assert.deepEqual(findUsable(Int32Array.of(0, UNHEALTHY, EJECTED), 50), Uint8Array.of(1, 1, 1))
    assert.deepEqual(findUsable(Int32Array.of(0, UNHEALTHY, EJECTED), 0), Uint8Array.of(1, 0, 0))
    assert.deepEqual(findUsable(Int32Array.of(UNHEALTHY, OFF, EJECTED), 0), Uint8Array.of(1, 0, 1))
    assert.deepEqual(findUsable(Int32Array.of(UNHEALTHY, EJECTED), null), Uint8Array.of(0, 0))
    assert.deepEqual(findUsable(Int32Array.of(0, OFF, OFF), 50), Uint8Array.of(1, 0, 0))
    assert.deepEqual(findUsable(Int32Array.of(OFF, OFF), 50), Uint8Array.of(0, 0))
  })
})
