import assert from 'node:assert/strict'
import test from 'node:test'
import type { HashKey } from '../model/hash-key.ts'
import { compileHashKey } from './hash-key.ts'
import { sampleView } from './sample-view.ts'

const hashOf = (text: string): number => {
  const key: HashKey = { sources: [], fallback: 'address', hash: 'javaString' }
  const into = { high: 7, low: 7 }
  assert.equal(compileHashKey(key).read(sampleView({ clientAddress: text }), into), true)
  assert.equal(into.high, 0)
  return into.low
}

test('Java’s hash of a text, made positive, with the one that has no positive form', () => {
  // as `"…".hashCode()` gives them
  assert.equal(hashOf('a'), 97)
  assert.equal(hashOf('hello'), 99_162_322)
  assert.equal(hashOf('192.168.1.1'), 55_965_973)
  assert.equal(hashOf('abcdefg'), 1_206_291_356)
  assert.equal(hashOf('polygenelubricants'), 2 ** 31)
})
