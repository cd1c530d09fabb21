import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findFreePorts } from '../support/tools.ts'

/** The rows of reliability.md section 6, and what apisix.md 5.4 says of the answers at the end. */

let gateway: GatewayProcess
let good: Backend

before(async () => {
  good = await startBackend('good')
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway.stop()
  await good.close()
})

/** Nodes in a rotation whose first pick is the first one: priorities decide, so no test depends on the position. */
async function route(nodes: readonly string[], more: object = {}): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: {
      nodes: nodes.map((node, i) => {
        const [host, port] = node.split(':') as [string, string]
        return { host, port: Number(port), weight: 1, priority: -i }
      }),
      ...more,
    },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** A backend whose n-th connection (from 0) is treated by the n-th handler, the last one for all further ones. */
function scripted(...handlers: ((socket: Socket) => void)[]): ReturnType<typeof startRawBackend> {
  return startRawBackend((socket, index) =>
    (handlers[Math.min(index, handlers.length - 1)] as (s: Socket) => void)(socket),
  )
}

const ok = answerText('ok')
const answersOnce = (socket: Socket): void => {
  socket.once('data', () => socket.write(ok))
}
/** Answers the first request, and closes when the second one arrives. */
const closesOnSecond = (socket: Socket): void => {
  let count = 0
  socket.on('data', () => {
    if (++count === 1) socket.write(ok)
    else socket.resetAndDestroy()
  })
}
const closesOnRequest = (socket: Socket): void => {
  socket.once('data', () => socket.resetAndDestroy())
}

async function deadNode(): Promise<string> {
  const [port] = await findFreePorts(1)
  return `127.0.0.1:${port}`
}

test('a refused connection goes to the next node, for every method', async () => {
  await route([await deadNode(), good.node])
  for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
    const answer = await requestOnce(gateway.port, '/', { method, body: method === 'GET' ? '' : 'x' })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, 'good')
    assert.equal(answer.field('x-apisix-upstream-status'), undefined)
  }
})

test('refused everywhere: 502 with the status of each attempt', async () => {
  await route([await deadNode(), await deadNode()])
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-apisix-upstream-status'), '502, 502')
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_CONNECT_FAILED')
  assert.match(answer.body, /<title>502 Bad Gateway<\/title>/)
})

test('a single node is tried again as often as retries say, and no more', async () => {
  await route([await deadNode()], { retries: 2 })
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.field('x-apisix-upstream-status'), '502, 502, 502')
})

test('retries 0 means one attempt', async () => {
  await route([await deadNode(), good.node], { retries: 0 })
  assert.equal((await requestOnce(gateway.port, '/')).status, 502)
})

test('no node is tried twice, however many retries there are', async () => {
  await route([await deadNode(), await deadNode()], { retries: 9 })
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-apisix-upstream-status'), '502, 502')
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_RETRIES_OVER')
})

test('a received answer is final, whatever its status', async () => {
  const failing = await startBackend(() => answerText('broken', { status: '503 Service Unavailable' }))
  await route([failing.node, good.node])
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 503)
  assert.equal(answer.body, 'broken')
  assert.equal(answer.field('x-apisix-upstream-status'), '503')
  await failing.close()
})

test('a kept connection that closes when a GET arrives costs nothing: one fresh connection, same node', async () => {
  const backend = await scripted(closesOnSecond, answersOnce)
  await route([backend.node, good.node])
  const client = await connectRaw(gateway.port)
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body, 'ok')
  const second = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(second.status, 200)
  assert.equal(second.body, 'ok')
  client.close()
  await backend.close()
})

test('a kept connection that closes when a POST arrives is not repeated: 502', async () => {
  const backend = await scripted(closesOnSecond, answersOnce)
  await route([backend.node, good.node])
  const client = await connectRaw(gateway.port)
  await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = await client.exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_STALE')
  client.close()
  await backend.close()
})

test('a kept connection that the node closed while idle is never used', async () => {
  const backend = await startBackend()
  backend.answer = (_request, socket) => {
    socket.end(ok)
    return null
  }
  await route([backend.node])
  const client = await connectRaw(gateway.port)
  for (let i = 0; i < 10; i++) {
    const answer = await client.exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')
    assert.equal(answer.status, 200)
  }
  assert.equal(backend.connections.accepted, 10)
  client.close()
  await backend.close()
})

test('a fresh connection reset before the answer: GET goes to the next node, POST is 502', async () => {
  const backend = await scripted(closesOnRequest)
  await route([backend.node, good.node])
  assert.equal((await requestOnce(gateway.port, '/')).body, 'good')
  const put = await requestOnce(gateway.port, '/', { method: 'PUT', body: 'replayed' })
  assert.equal(put.body, 'good')
  assert.equal(good.requests.at(-1)?.body, 'replayed')
  const post = await requestOnce(gateway.port, '/', { method: 'POST', body: 'x' })
  assert.equal(post.status, 502)
  assert.equal(post.field('x-headgate-error'), 'UPSTREAM_CLOSED')
  await backend.close()
})

test('a body beyond the replay buffer is not sent again', async () => {
  const backend = await startRawBackend((socket) => {
    let bytes = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
      if (bytes > 100_000) socket.resetAndDestroy()
    })
  })
  await route([backend.node, good.node])
  const answer = await requestOnce(gateway.port, '/', { method: 'PUT', body: 'x'.repeat(120_000) }).catch(
    (e) => e,
  )
  assert.equal(answer.status, 502)
  await backend.close()
})

test('an answer cut inside its head is tried elsewhere for GET', async () => {
  const backend = await scripted((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Le'))
  })
  await route([backend.node, good.node])
  assert.equal((await requestOnce(gateway.port, '/')).body, 'good')
  await backend.close()
})

test('a malformed answer is 502 and not repeated', async () => {
  const before = good.requests.length
  for (const bytes of [
    'HTTP/1.1 20 OK\r\n\r\n',
    'SSH-2.0\r\n\r\n',
    'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  ]) {
    const backend = await scripted((socket) => {
      socket.once('data', () => socket.write(bytes))
    })
    await route([backend.node, good.node])
    const answer = await requestOnce(gateway.port, '/')
    assert.equal(answer.status, 502)
    assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_BAD_ANSWER')
    await backend.close()
  }
  assert.equal(good.requests.length, before)
})

test('an answer cut inside its body ends the connection, never a whole-looking answer', async () => {
  for (const bytes of [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
  ]) {
    const backend = await scripted((socket) => {
      socket.once('data', () => socket.end(bytes))
    })
    await route([backend.node, good.node])
    await assert.rejects(requestOnce(gateway.port, '/'), /before .* was complete/)
    await backend.close()
  }
})

test('a node that does not answer in time: the next one for GET, 504 when it was the last, 504 at once for POST', async () => {
  const silent = await startRawBackend(() => {})
  const timeout = { connect: 1, send: 1, read: 0.3 }
  await route([silent.node, good.node], { timeout })
  assert.equal((await requestOnce(gateway.port, '/')).body, 'good')
  const post = await requestOnce(gateway.port, '/', { method: 'POST', body: 'x' })
  assert.equal(post.status, 504)
  assert.equal(post.field('x-headgate-error'), 'UPSTREAM_HEAD_TIMEOUT')
  await route([silent.node], { timeout, retries: 0 })
  const last = await requestOnce(gateway.port, '/')
  assert.equal(last.status, 504)
  assert.equal(last.field('x-apisix-upstream-status'), '504')
  assert.match(last.body, /<title>504 Gateway Time-out<\/title>/)
  await silent.close()
})

test('retry_timeout ends the attempts with 502', async () => {
  const silent = await startRawBackend(() => {})
  await route([silent.node, good.node], { timeout: { connect: 1, send: 1, read: 0.4 }, retry_timeout: 0.2 })
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_RETRIES_OVER')
  await silent.close()
})

test('an upstream without nodes, or with zero weights only, is 503 at once', async () => {
  await route([])
  assert.equal((await requestOnce(gateway.port, '/')).status, 503)
  await gateway.admin('PUT', '/apisix/admin/routes/1', { uri: '/*', upstream: { nodes: { [good.node]: 0 } } })
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 503)
  assert.match(answer.body, /503 Service Temporarily Unavailable/)
})

test('no endpoint leads to the admin listener or to link-local addresses', async () => {
  for (const node of [
    `127.0.0.1:${gateway.adminPort}`,
    `localhost:${gateway.adminPort}`,
    `0.0.0.0:${gateway.adminPort}`,
    '169.254.169.254:80',
  ]) {
    await route([node])
    const answer = await requestOnce(gateway.port, '/apisix/admin/routes')
    assert.equal(answer.status, 502)
    assert.equal(answer.field('x-headgate-error'), 'ADMIN_ADDRESS')
  }
})

test('retries cannot become a storm: attempts after bytes went out draw on a budget', async () => {
  const closing = await scripted(closesOnRequest)
  let attempts = 0
  const counting = await startRawBackend((socket) => {
    attempts++
    closesOnRequest(socket)
  })
  await route([closing.node, counting.node])
  const requests = 400
  const client = await connectRaw(gateway.port)
  for (let i = 0; i < requests; i++) {
    assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status, 502)
  }
  client.close()
  const load = 1 + attempts / requests
  console.log(
    `retry load: x${load.toFixed(2)} (${attempts} retries of ${requests} requests; budget 20 % and 30 in ten seconds)`,
  )
  assert.ok(attempts <= requests * 0.2 + 31)
  assert.ok(attempts >= 30)
  await closing.close()
  await counting.close()
})
