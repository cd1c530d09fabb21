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

test('a cookie that a request lacks is made of the addresses of its connection, and hashed as if it had come', () => {
  const source = (name: string, more: object = {}) => ({
    template: [{ variable: `cookie_${name}`, fallback: '' }],
    isTerminal: false,
    ...more,
  })
  const newCookie = { name: 'a', maxAgeSeconds: 60, path: '/x' }
  const key = (sources: HashKey['sources']): HashKey => ({ sources, fallback: 'none', hash: 'xxHash' })
  const compiled = compileHashKey(key([source('a', { newCookie })]))
  const lines = compiled.cookieLines(sampleView())
  const value = /^Set-Cookie: a=([0-9a-f]{16}); Max-Age=60; Path=\/x; HttpOnly\r\n$/.exec(lines)?.[1]
  assert.notEqual(value, undefined, lines)
  const [made, came] = [
    { high: 0, low: 0 },
    { high: 0, low: 0 },
  ]
  assert.equal(compiled.read(sampleView(), made), true)
  assert.equal(compiled.read(sampleView({ cookies: `b=1; a=${value}` }), came), true)
  assert.deepEqual(made, came)
  assert.equal(compiled.cookieLines(sampleView({ cookies: `a=${value}` })), '')
  // another connection, another value; that of one is always the same
  assert.equal(compiled.cookieLines(sampleView()), lines)
  for (const other of [{ clientPort: 1 }, { clientAddress: '192.0.2.8' }, { localPort: 1 }])
    assert.notEqual(compiled.cookieLines(sampleView(other)), lines)

  const session = compileHashKey(key([source('a', { newCookie: { ...newCookie, maxAgeSeconds: 0 } })]))
  assert.match(session.cookieLines(sampleView()), /^Set-Cookie: a=[0-9a-f]{16}; Path=\/x; HttpOnly\r\n$/)
  // what a terminal source ends is not made
  const behind = compileHashKey(key([source('b', { isTerminal: true }), source('a', { newCookie })]))
  assert.equal(behind.cookieLines(sampleView({ cookies: 'b=1' })), '')
  assert.notEqual(behind.cookieLines(sampleView()), '')
})
