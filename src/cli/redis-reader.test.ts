import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RedisReader } from './redis-reader.ts'

test('commands are arrays or lines, in whatever pieces they come', () => {
  const text = '*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\nPING\r\n\r\nget  x\n'
  const wanted = [['GET', 'a\r\nb'], ['PING'], ['get', 'x']]
  assert.deepEqual(new RedisReader().read(text), wanted)
  for (let at = 1; at < text.length; at++) {
    const reader = new RedisReader()
    const both = [reader.read(text.slice(0, at)), reader.read(text.slice(at))]
    assert.deepEqual(both.flat(), wanted, String(at))
  }
})

test('a command that never ends is not kept', () => {
  const reader = new RedisReader()
  assert.deepEqual(reader.read(`*1\r\n$70000\r\n${'a'.repeat(60_000)}`), [])
  assert.equal(reader.read('a'.repeat(9_000)), null)
})
