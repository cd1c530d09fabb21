import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** Bounds on what an upstream is sent: who is over one hears its name, and who may wait gets his turn. */

let gateway: GatewayProcess
let slow: Backend
const held: { target: string; socket: Socket }[] = []

before(async () => {
  slow = await startBackend((request, socket) => {
    held.push({ target: request.target, socket })
    return null
  })
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway.stop()
  await slow.close()
})

async function limit(limits: object, nodes: object = { [slow.node]: 1 }): Promise<void> {
  held.length = 0
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    // no connection is kept, so that each test begins with none
    upstream: { nodes, keepalive_pool: { idle_timeout: 0 }, headgate: { limits } },
  })
  assert.ok(answer.status < 300, answer.text)
}

const release = (): void => {
  const next = held.shift()
  next?.socket.write(answerText(next.target))
}
const arrived = (count: number) =>
  waitFor(`${count} requests`, () => (held.length >= count ? true : undefined))

test('a request over max_requests is refused with the name of the limit', async () => {
  await limit({ max_requests: 2 })
  const first = [requestOnce(gateway.port, '/1'), requestOnce(gateway.port, '/2')]
  await arrived(2)
  const third = await requestOnce(gateway.port, '/3')
  assert.equal(third.status, 503)
  assert.equal(third.field('x-headgate-error'), 'POOL_EXHAUSTED')
  assert.equal(third.field('x-headgate-limit'), 'maxRequests')
  release()
  release()
  for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
  const later = requestOnce(gateway.port, '/4')
  await arrived(1)
  release()
  assert.equal((await later).status, 200)
})

test('requests wait for a connection in their order, and only so many', async () => {
  await limit({ max_connections: 1, max_pending: 2, pending_timeout: 20 })
  const order: string[] = []
  const ask = (target: string) =>
    requestOnce(gateway.port, target).then((answer) => {
      order.push(`${target} ${answer.status}`)
      return answer
    })
  const one = ask('/a')
  await arrived(1)
  const two = ask('/b')
  await waitFor('the second to wait', async () => ((await inFlight()) === 2 ? true : undefined))
  const three = ask('/c')
  await waitFor('the third to wait', async () => ((await inFlight()) === 3 ? true : undefined))
  const four = await ask('/d')
  assert.equal(four.field('x-headgate-limit'), 'maxPending')
  release()
  await one
  await arrived(1)
  assert.equal(held[0]?.target, '/b')
  release()
  await two
  await arrived(1)
  release()
  await three
  assert.deepEqual(order, ['/d 503', '/a 200', '/b 200', '/c 200'])
})

test('a request that waits too long is refused', async () => {
  await limit({ max_connections: 1, pending_timeout: 0.2 })
  const one = requestOnce(gateway.port, '/a')
  await arrived(1)
  const late = await requestOnce(gateway.port, '/b')
  assert.equal(late.status, 503)
  assert.equal(late.field('x-headgate-limit'), 'pendingMs')
  release()
  assert.equal((await one).status, 200)
})

test('a client that leaves gives its place in the queue away', async () => {
  await limit({ max_connections: 1, max_pending: 1, pending_timeout: 30 })
  const one = requestOnce(gateway.port, '/a')
  await arrived(1)
  const leaver = await connectRaw(gateway.port)
  leaver.socket.write('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor('it to wait', async () => ((await inFlight()) === 2 ? true : undefined))
  leaver.socket.resetAndDestroy()
  await waitFor('it to be gone', async () => ((await inFlight()) === 1 ? true : undefined))
  const two = requestOnce(gateway.port, '/b')
  await waitFor('the next to wait', async () => ((await inFlight()) === 2 ? true : undefined))
  release()
  await one
  await arrived(1)
  assert.equal(held[0]?.target, '/b')
  release()
  assert.equal((await two).status, 200)
})

test('an endpoint with as many requests as it may is passed over', async () => {
  const other = await startBackend('other')
  await limit({ max_requests_per_node: 1 }, { [slow.node]: 1, [other.node]: 1 })
  const waiting = requestOnce(gateway.port, '/x')
  const first = await Promise.race([waiting, arrived(1).then(() => null)])
  const stuck = first === null ? waiting : requestOnce(gateway.port, '/x')
  await arrived(1)
  for (let i = 0; i < 4; i++) assert.equal((await requestOnce(gateway.port, '/')).body, 'other')
  release()
  await stuck
  await other.close()
})

test('a connection is not used again when it is too old', async () => {
  const young = await startBackend('young')
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [young.node]: 1 }, headgate: { pool: { max_age: 0.4 } } },
  })
  assert.ok(answer.status < 300)
  await requestOnce(gateway.port, '/')
  await requestOnce(gateway.port, '/')
  assert.equal(young.connections.accepted, 1)
  await waitFor('it to be closed', () => (young.connections.open.size === 0 ? true : undefined))
  await requestOnce(gateway.port, '/')
  assert.equal(young.connections.accepted, 2)
  await young.close()
})

async function inFlight(): Promise<number> {
  const status = await gateway.admin('GET', '/headgate/v1/status')
  const { workers } = JSON.parse(status.text) as { workers: { inFlight: number }[] }
  return workers.reduce((sum, worker) => sum + worker.inFlight, 0)
}
