import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { startRawBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { GrpcClient, startGrpcServer } from '../support/grpc-server.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** gRPC with a client and servers that are not ours. Messages are bytes: what is in them is nobody's business here. */

type Unary = (
  message: Buffer,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  done: (error: grpc.ServiceError | null, answer: Buffer) => void,
) => grpc.ClientUnaryCall

async function setUp(t: TestContext, nodes: readonly string[], upstream: object = {}) {
  const gateway = await startGateway(['--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  await put('routes/1', {
    uri: '/echo.Echo/*',
    upstream: { scheme: 'grpc', nodes: Object.fromEntries(nodes.map((node) => [node, 1])), ...upstream },
  })
  const client = new GrpcClient(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure())
  t.after(() => client.close())
  const call = (text: string, options: grpc.CallOptions = {}, metadata = new grpc.Metadata()) =>
    new Promise<{
      answer: string
      head: grpc.Metadata
      trailers: grpc.Metadata
      code: number
      details: string
    }>((resolve) => {
      let head = new grpc.Metadata()
      let answer = ''
      const running = (client.unary as unknown as Unary).call(
        client,
        Buffer.from(text),
        metadata,
        options,
        (_error, reply) => {
          answer = reply === undefined ? '' : reply.toString()
        },
      )
      running.on('metadata', (found: grpc.Metadata) => {
        head = found
      })
      running.on('status', (status: grpc.StatusObject) =>
        setImmediate(() =>
          resolve({ answer, head, trailers: status.metadata, code: status.code, details: status.details }),
        ),
      )
    })
  return { gateway, put, client, call }
}

test('a unary call carries metadata, trailers and statuses', async (t) => {
  const server = await startGrpcServer(t, 'a')
  const { call } = await setUp(t, [server.node])
  const metadata = new grpc.Metadata()
  metadata.set('x-client', 'c1')
  const good = await call('hello', {}, metadata)
  assert.deepEqual(
    [good.answer, good.head.get('x-saw'), good.trailers.get('x-trailer'), good.code],
    ['a:hello', ['c1'], ['a'], 0],
  )
  const bad = await call('fail')
  assert.deepEqual([bad.code, bad.details], [grpc.status.NOT_FOUND, 'nothing here'])
})

test('a server behind TLS is reached over HTTP/2, and its certificate verified where asked', async (t) => {
  const server = await startGrpcServer(t, 'a', 0, makeCertificate(t, ['a.test']))
  const { call, put } = await setUp(t, [server.node], { scheme: 'grpcs' })
  const good = await call('hello')
  assert.deepEqual([good.answer, good.trailers.get('x-trailer'), good.code], ['a:hello', ['a'], 0])
  assert.equal((await call('fail')).code, grpc.status.NOT_FOUND)
  const nodes = { [server.node]: 1 }
  await put('routes/1', {
    uri: '/echo.Echo/*',
    upstream: { scheme: 'grpcs', nodes, tls: { verify: true } },
  })
  assert.equal((await call('hello')).code, grpc.status.UNAVAILABLE)
  assert.equal(server.calls.count, 2)
})

test('client, server and two-way streams run whole, with backpressure', async (t) => {
  const server = await startGrpcServer(t, 'a')
  const { client } = await setUp(t, [server.node])
  const streams = client as unknown as {
    collect(done: (error: Error | null, answer: Buffer) => void): grpc.ClientWritableStream<Buffer>
    spread(message: Buffer): grpc.ClientReadableStream<Buffer>
    chat(): grpc.ClientDuplexStream<Buffer, Buffer>
  }
  const collected = new Promise<string>((resolve, reject) => {
    const call = streams.collect((error, answer) =>
      error === null ? resolve(answer.toString()) : reject(error),
    )
    for (let i = 0; i < 200; i++) call.write(Buffer.alloc(10_000, i))
    call.end()
  })
  assert.equal(await collected, '2000000')
  let expected = 0
  for await (const part of streams.spread(Buffer.from('5000'))) assert.equal(String(part), String(expected++))
  assert.equal(expected, 5000)
  const chat = streams.chat()
  for (let i = 0; i < 50; i++) {
    chat.write(Buffer.from(String(i)))
    const [answer] = (await once(chat, 'data')) as [Buffer]
    assert.equal(answer.toString(), `re ${i}`)
  }
  chat.end()
  await once(chat, 'status')
})

test('calls are balanced one by one over few connections', async (t) => {
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => startGrpcServer(t, name)))
  const { gateway, call } = await setUp(
    t,
    servers.map(({ node }) => node),
  )
  await Promise.all(Array.from({ length: 90 }, () => call('x')))
  assert.deepEqual(
    servers.map(({ calls }) => calls.count),
    [30, 30, 30],
  )
  const metrics = (await gateway.status('/metrics')).text
  assert.match(metrics, /headgate_upstream_connections\{?[^}]*\}? 3\n/)
})

test('a deadline ends the call with its status, and cancels it at the server', async (t) => {
  const server = await startGrpcServer(t, 'a')
  const { call } = await setUp(t, [server.node])
  const ended = await call('hang', { deadline: Date.now() + 300 })
  assert.equal(ended.code, grpc.status.DEADLINE_EXCEEDED)
  await waitFor('the server to hear of it', async () => (server.calls.cancelled === 1 ? true : undefined))
})

test('errors of the gateway are statuses of gRPC', async (t) => {
  const [dead] = (await findFreePorts(1)) as [number]
  const { gateway, call, put } = await setUp(t, [`127.0.0.1:${dead}`])
  const down = await call('x')
  assert.equal(down.code, grpc.status.UNAVAILABLE)
  assert.match(down.details, /UPSTREAM_CONNECT_FAILED/)
  await gateway.admin('DELETE', '/apisix/admin/routes/1')
  assert.equal((await call('x')).code, grpc.status.UNIMPLEMENTED)
  // a peer that speaks no HTTP/2
  const raw = await startRawBackend((socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
  })
  t.after(() => raw.close())
  await put('routes/1', { uri: '/*', upstream: { scheme: 'grpc', nodes: { [raw.node]: 1 } } })
  assert.equal((await call('x')).code, grpc.status.UNAVAILABLE)
})

test('a dead server costs no call, and one that goes away politely neither', async (t) => {
  const [one, two] = [await startGrpcServer(t, 'a'), await startGrpcServer(t, 'b')]
  const [dead] = (await findFreePorts(1)) as [number]
  const { call } = await setUp(t, [one.node, two.node, `127.0.0.1:${dead}`], { retries: 2 })
  for (let i = 0; i < 12; i++) assert.equal((await call(String(i))).code, 0)
  const calls = Array.from({ length: 40 }, (_, i) => call(String(i)))
  one.server.tryShutdown(() => {})
  for (const each of await Promise.all(calls)) assert.equal(each.code, 0)
  for (let i = 0; i < 12; i++) assert.equal((await call(String(i))).code, 0)
})
