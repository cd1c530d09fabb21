import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainAddress, readAddress, walkForwardedFor } from './forwarded.ts'

const trusted = (address: string): boolean => address.startsWith('10.')

test('the forwarded list is walked from the right over trusted peers', () => {
  assert.equal(walkForwardedFor('1.1.1.1, 2.2.2.2, 10.0.0.2', '10.0.0.1', trusted), '2.2.2.2')
  assert.equal(walkForwardedFor('10.0.0.3, 10.0.0.2', '10.0.0.1', trusted), '10.0.0.3')
})

test('a walk ends at what is no address, with the last good one', () => {
  assert.equal(walkForwardedFor('1.1.1.1, unknown, 10.0.0.2', '10.0.0.1', trusted), '10.0.0.2')
  assert.equal(walkForwardedFor('', '10.0.0.1', trusted), '10.0.0.1')
})

test('addresses are read with brackets and ports', () => {
  assert.equal(readAddress('[2001:db8::1]:443'), '2001:db8::1')
  assert.equal(readAddress('192.0.2.1:80'), '192.0.2.1')
  assert.equal(readAddress('::ffff:192.0.2.1'), '192.0.2.1')
  for (const bad of ['', 'localhost', '1.2.3', 'a'.repeat(80), '_hidden'])
    assert.equal(readAddress(bad), null)
})

test('IPv4-mapped IPv6 is written as IPv4', () => {
  assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1')
  assert.equal(plainAddress('::1'), '::1')
})
