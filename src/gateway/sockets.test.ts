import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignDescriptors, holdAddress, inheritedDescriptors, parseAddress } from './sockets.ts'

test('addresses are read in every form that flags take', () => {
  assert.deepEqual(parseAddress('127.0.0.1:9080'), { host: '127.0.0.1', port: 9080 })
  assert.deepEqual(parseAddress('[::1]:0'), { host: '::1', port: 0 })
  assert.deepEqual(parseAddress(':80'), { host: '0.0.0.0', port: 80 })
  assert.deepEqual(parseAddress('*:80'), { host: '0.0.0.0', port: 80 })
  assert.deepEqual(parseAddress('localhost:1'), { host: '127.0.0.1', port: 1 })
  for (const bad of ['', 'a', '1:2:3', 'host:70000', 'host:', '::1:80']) {
    assert.throws(() => parseAddress(bad), { code: 'BAD_SETTING' }, bad)
  }
})

test('inherited descriptors count only for the process they are meant for, and are not passed on', () => {
  const env = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b' }
  assert.deepEqual(inheritedDescriptors({ ...env }, 8), [])
  const own: NodeJS.ProcessEnv = { ...env }
  assert.deepEqual(inheritedDescriptors(own, 7), [3, 4])
  assert.deepEqual(own, {})
  assert.deepEqual(inheritedDescriptors({ LISTEN_FDS: 'x' }, 7), [])
  assert.deepEqual(inheritedDescriptors({}, 7), [])
})

test('each worker gets one descriptor a listener, never one that another has', () => {
  assert.deepEqual(assignDescriptors([3, 4, 5, 6], 2), [
    [3, 4],
    [5, 6],
  ])
  assert.deepEqual(assignDescriptors([3, 4, 5], 2), [[3, 4]])
  assert.deepEqual(assignDescriptors([], 1), [])
})

test('an address is held against other gateways until it is let go', async () => {
  if (process.platform !== 'linux') return
  const letGo = await holdAddress('127.0.0.1', 65_000)
  await assert.rejects(holdAddress('127.0.0.1', 65_000), { code: 'PORT_IN_USE' })
  const letOtherGo = await holdAddress('127.0.0.2', 65_000)
  await letGo()
  const letAgainGo = await holdAddress('127.0.0.1', 65_000)
  await letAgainGo()
  await letOtherGo()
})
