import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForbidden, type Plane } from './plane.ts'

const plane = (...forbidden: string[]): Plane => ({ forbidden: new Set(forbidden) }) as unknown as Plane

test('no way to write an address leads to what only the machine itself may ask', () => {
  for (const address of [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:FFFF:A9FE:A9FE',
  ])
    assert.equal(isForbidden(plane(), address, 80), true, address)
  for (const address of ['169.25.4.1', '10.0.0.1', '::1', 'fe80::1', 'metadata', 'a:b'])
    assert.equal(isForbidden(plane(), address, 80), false, address)
})

test('a server of the gateway is not reached by any form of its address, and other ports of it are', () => {
  const forms = ['127.0.0.1', '0.0.0.0', '::ffff:127.0.0.1', '::ffff:7f00:1']
  for (const address of forms) {
    assert.equal(isForbidden(plane('127.0.0.1:9180'), address, 9180), true, address)
    assert.equal(isForbidden(plane('127.0.0.1:9180'), address, 9181), false, address)
  }
  for (const address of [...forms, '127.9.9.9', '::', '::1', '0:0:0:0:0:0:0:1'])
    assert.equal(isForbidden(plane('*:9180'), address, 9180), true, address)
  assert.equal(isForbidden(plane('*:9180'), '10.0.0.1', 9180), false)
})
