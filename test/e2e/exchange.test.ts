import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** What goes in and out on the wire for ordinary requests (apisix.md section 10, reliability.md sections 2 and 3). */

let gateway: GatewayProcess
let backend: Backend
const fixed = answerText('fixed')

before(async () => {
  backend = await startBackend()
  gateway = await startGateway(['--workers', '1'])
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [backend.node]: 1 } },
  })
  assert.equal(answer.status, 201)
})
after(async () => {
  await gateway.stop()
  await backend.close()
})
beforeEach(() => {
  backend.answer = () => fixed
  backend.requests.length = 0
})

const last = () => backend.requests.at(-1) as (typeof backend.requests)[number]

test('a request goes upstream with its method, target and fields as they came', async () => {
  await requestOnce(gateway.port, '/a%20b/../c;x=1?q=%zz&q', {
    method: 'PATCH',
    headers: ['Host: Example.COM:81', 'X-One: 1', 'x-TWO:  spaced  ', 'X-One: again', 'X-Latin: caf\xe9'],
    body: 'payload',
  })
  assert.equal(last().requestLine, 'PATCH /a%20b/../c;x=1?q=%zz&q HTTP/1.1')
  assert.equal(last().field('host'), 'Example.COM:81')
  assert.deepEqual(
    last()
      .fields.filter(([name]) => /^x-(one|two|latin)$/i.test(name))
      .map(([name, value]) => `${name}=${value.trim()}`),
    ['X-One=1', 'x-TWO=spaced', 'X-One=again', 'X-Latin=caf\xe9'],
  )
  assert.equal(last().body, 'payload')
})

test('hop-by-hop fields and those named in Connection stay behind', async () => {
  const client = await connectRaw(gateway.port)
  await client.exchange(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: h2c\r\nX-Kept: 1\r\n\r\n',
  )
  client.close()
  assert.deepEqual(
    last()
      .fields.map(([name]) => name.toLowerCase())
      .sort(),
    [
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-proto',
      'x-kept',
      'x-real-ip',
    ],
  )
})

test('forwarding fields name the client; what it says itself is dropped but for X-Forwarded-For', async () => {
  await requestOnce(gateway.port, '/', {
    headers: [
      'Host: h:8443',
      'X-Forwarded-For: 9.9.9.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Port: 1',
      'Forwarded: for=1.1.1.1',
    ],
  })
  assert.equal(last().field('x-forwarded-for'), '9.9.9.9, 127.0.0.1')
  assert.equal(last().field('x-forwarded-proto'), 'http')
  assert.equal(last().field('x-forwarded-host'), 'h:8443')
  assert.equal(last().field('x-forwarded-port'), '8443')
  assert.equal(last().field('x-real-ip'), '127.0.0.1')
  assert.equal(last().field('forwarded'), undefined)
})

test('a peer on 127.0.0.1 may name the client in X-Real-IP, another loopback address may not', async () => {
  await requestOnce(gateway.port, '/', { headers: ['Host: h', 'X-Real-IP: 203.0.113.7'] })
  assert.equal(last().field('x-real-ip'), '203.0.113.7')
  const other = await connectRaw(gateway.port, { localAddress: '127.0.0.9' })
  await other.exchange('GET / HTTP/1.1\r\nHost: h\r\nX-Real-IP: 203.0.113.7\r\n\r\n')
  other.close()
  assert.equal(last().field('x-real-ip'), '127.0.0.9')
})

test('a connection serves many requests, and so does the one to the endpoint', async () => {
  const client = await connectRaw(gateway.port)
  const accepted = backend.connections.accepted
  for (let i = 0; i < 20; i++) {
    const answer = await client.exchange(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`)
    assert.equal(answer.body, 'fixed')
  }
  client.close()
  assert.ok(backend.connections.accepted - accepted <= 1)
})

test('pipelined requests are answered in order, also when the first is slow and the last is refused', async () => {
  let release: () => void = () => {}
  backend.answer = (request, socket) => {
    if (request.target === '/slow') {
      release = () => socket.write(answerText('slow'))
      return null
    }
    return answerText(request.target)
  }
  const client = await connectRaw(gateway.port)
  await client.write(
    'GET /slow HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: a\r\n\r\nGET bad HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  await waitFor('the slow request', () => (backend.requests.length > 0 ? true : undefined))
  assert.deepEqual(
    backend.requests.map((request) => request.target),
    ['/slow'],
  )
  release()
  const bodies = [await client.readAnswer(), await client.readAnswer(), await client.readAnswer()].map(
    (a) => a.body,
  )
  assert.deepEqual(bodies, ['slow', '/b', '/c'])
  const refused = await client.readAnswer()
  assert.equal(refused.status, 400)
  assert.equal(refused.field('connection'), 'close')
  await client.expectClosed()
  client.close()
})

test('chunked bodies pass both ways, with announced trailers', async () => {
  backend.answer = () =>
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n'
  const client = await connectRaw(gateway.port)
  const answer = await client.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n3\r\nabc\r\n2;q="x"\r\nde\r\n0\r\nX-In: 1\r\nHost: evil\r\n\r\n',
  )
  client.close()
  assert.equal(answer.body, 'hello world')
  assert.deepEqual(answer.trailers, [['X-Sum', '7']])
  assert.equal(last().body, 'abcde')
  assert.match(last().raw, /0\r\nX-In: 1\r\n\r\n$/)
})

test('an answer that ends with the connection is sent on as chunks', async () => {
  backend.answer = (_request, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end')
    return null
  }
  const client = await connectRaw(gateway.port)
  const answer = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(answer.field('transfer-encoding'), 'chunked')
  assert.equal(answer.body, 'until the end')
  backend.answer = () => fixed
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body, 'fixed')
  client.close()
})

test('HEAD, 204 and 304 have no body, whatever the backend sends', async () => {
  const client = await connectRaw(gateway.port)
  const head = await client.exchange('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(head.field('content-length'), '5')
  for (const status of ['204 No Content', '304 Not Modified']) {
    backend.answer = () => `HTTP/1.1 ${status}\r\nX-Is: ${status}\r\n\r\n`
    const answer = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(answer.status, Number(status.slice(0, 3)))
  }
  backend.answer = () => fixed
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body, 'fixed')
  client.close()
})

test('HTTP/1.0 clients get bodies that end with the connection, or with their length when they ask to keep it', async () => {
  backend.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  const old = await connectRaw(gateway.port)
  await old.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  const text = await old.readToEnd()
  assert.match(text, /\r\n\r\nabc$/)
  assert.doesNotMatch(text, /transfer-encoding/i)
  backend.answer = () => fixed
  const kept = await connectRaw(gateway.port)
  for (let i = 0; i < 2; i++) {
    const answer = await kept.exchange('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
    assert.equal(answer.field('connection'), 'keep-alive')
    assert.equal(answer.body, 'fixed')
  }
  kept.close()
})

test('Expect: 100-continue is answered before the body, and the body reaches the endpoint', async () => {
  const client = await connectRaw(gateway.port)
  await client.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
  assert.match(await client.readBytes(25), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  await client.write('body')
  assert.equal((await client.readAnswer()).body, 'fixed')
  assert.equal(last().body, 'body')
  assert.equal(last().field('expect'), undefined)
  client.close()
})

test('a final answer instead of 100 closes the connection, and nothing of the body is read as a request', async () => {
  const client = await connectRaw(gateway.port)
  await client.write(
    'PUT http://a/%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n',
  )
  const answer = await client.readAnswer()
  assert.equal(answer.status, 400)
  assert.equal(answer.field('connection'), 'close')
  await client.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n').catch(() => {})
  await client.expectClosed()
  assert.equal(backend.requests.length, 0)
  client.close()
})

test('interim answers are relayed to HTTP/1.1 clients', async () => {
  backend.answer = () => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${fixed}`
  const client = await connectRaw(gateway.port)
  const answer = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(answer.interim.length, 1)
  assert.match(answer.interim[0] as string, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a.css>\r\n\r\n$/)
  assert.equal(answer.body, 'fixed')
  client.close()
})

test('an answer that comes before the body is relayed at once', async () => {
  backend.answer = () => fixed
  const early = await startBackend()
  early.answer = () => null
  const raw = await import('../support/backends.ts').then((m) =>
    m.startRawBackend((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'))
    }),
  )
  await gateway.admin('PUT', '/apisix/admin/routes/2', {
    uri: '/early',
    upstream: { nodes: { [raw.node]: 1 } },
  })
  const client = await connectRaw(gateway.port)
  await client.write('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart')
  const answer = await client.readAnswer()
  assert.equal(answer.status, 413)
  assert.equal(answer.body, 'no')
  // the rest of the body is read and dropped, the next request is served
  await client.write('x'.repeat(996))
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body, 'fixed')
  client.close()
  await raw.close()
  await early.close()
})

test('a client that closes its half still gets its answer', async () => {
  const client = await connectRaw(gateway.port)
  await client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  client.end()
  assert.equal((await client.readAnswer()).body, 'fixed')
  await client.expectClosed()
  client.close()
})

test('a body cut by the client never completes at the endpoint', async () => {
  const before = backend.requests.length
  const client = await connectRaw(gateway.port)
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
  await waitFor('the part to arrive', () => (backend.received.at(-1)?.endsWith('abc') ? true : undefined))
  client.end()
  assert.equal((await client.readAnswer()).status, 400)
  await client.expectClosed()
  assert.equal(backend.requests.length, before)
  client.close()
})

test('a client that goes away cancels the request at the endpoint', async () => {
  let open: import('node:net').Socket | undefined
  backend.answer = (_request, socket) => {
    open = socket
    return null
  }
  const client = await connectRaw(gateway.port)
  await client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const socket = await waitFor('the request', () => open)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  client.socket.resetAndDestroy()
  await closed
})

test('gateway-made answers name their cause and carry the surface of the dialect', async () => {
  const miss = await connectRaw(gateway.port)
  await gateway.admin('DELETE', '/apisix/admin/routes/1')
  const answer = await miss.exchange('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(answer.status, 404)
  assert.equal(answer.body, '{"error_msg":"404 Route Not Found"}\n')
  assert.match(answer.field('content-type') ?? '', /^text\/plain/)
  assert.equal(answer.field('x-headgate-error'), 'ROUTE_NOT_FOUND')
  assert.match(answer.field('server') ?? '', /^APISIX\//)
  miss.close()
  await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [backend.node]: 1 } },
  })
})
