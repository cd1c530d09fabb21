import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { assignDescriptors, checkAddress, inheritedDescriptors, parseAddress } from './sockets.ts'

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

test('a client that connects while an address is tried does not hold up the start', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  let isDone = false
  let met = 0
  const knock = (): void => {
    if (isDone) return
    const client = connect(port, '127.0.0.1', () => met++)
    client.on('error', () => {})
    client.on('close', knock)
  }
  for (let i = 0; i < 20; i++) knock()
  while (met < 20) await checkAddress('127.0.0.1', port)
  isDone = true
})
