import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Http2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import type { CallSettings, Upstream } from '../../src/model/upstream.ts'
import { makeUpstreamTarget } from '../../src/routing/test-fixtures.ts'
import { startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { frame, readFrames, TYPE, uint32 } from '../support/frames.ts'
import { GrpcClient, startGrpcServer } from '../support/grpc-server.ts'

/** What an upstream says of calls of gRPC (model/upstream.ts CallSettings): sizes, calls that are sent again, and connections that lead nowhere. */

const SETTINGS: CallSettings = {
  maxMessageBytes: 16_777_216,
  maxMetadataBytes: 8192,
  replayBytes: 1_048_576,
  pingMs: 60_000,
  pongMs: 60_000,
  pingsIdle: false,
}

let plane: TestPlane
before(async () => {
  plane = await startPlane({ routes: [], upstreams: [] })
})
after(() => plane.close())

function serve(nodes: readonly string[], calls: Partial<CallSettings>, parts: Partial<Upstream> = {}): void {
  const upstream = makeTestUpstream('main', nodes, {
    scheme: 'grpc',
    http2: 'always',
    timeouts: { connectMs: 5000, sendMs: 60_000, readMs: 60_000 },
    calls: { ...SETTINGS, ...calls },
    ...parts,
  })
  plane.apply([routeTo([makeUpstreamTarget('main', 1)])], [upstream])
}

interface Client extends grpc.Client {
  unary(
    message: Buffer,
    metadata: grpc.Metadata,
    done: (error: grpc.ServiceError | null, answer?: Buffer) => void,
  ): grpc.ClientUnaryCall
  collect(done: (error: grpc.ServiceError | null, answer?: Buffer) => void): grpc.ClientWritableStream<Buffer>
  chat(): grpc.ClientDuplexStream<Buffer, Buffer>
}

function open(t: TestContext): Client {
  const client = new GrpcClient(
    `127.0.0.1:${plane.port}`,
    grpc.credentials.createInsecure(),
  ) as unknown as Client
  t.after(() => client.close())
  return client
}

/** Status and answer of a call. */
function call(client: Client, text: string, field = ''): Promise<readonly [number, string]> {
  const metadata = new grpc.Metadata()
  if (field !== '') metadata.set('x-client', field)
  return new Promise((resolve) =>
    client.unary(Buffer.from(text), metadata, (error, answer) =>
      resolve([error?.code ?? 0, error === null ? String(answer) : error.details]),
    ),
  )
}

test('a message over maxMessageBytes ends its call with RESOURCE_EXHAUSTED; those before it came whole', async (t) => {
  const server = await startGrpcServer(t, 'a')
  serve([server.node], { maxMessageBytes: 100 })
  const client = open(t)
  // the server puts `a:` before what it gets, and `re ` in a chat
  assert.deepEqual(await call(client, 'x'.repeat(98)), [0, `a:${'x'.repeat(98)}`])
  const [code, details] = await call(client, 'x'.repeat(99))
  assert.equal(code, grpc.status.RESOURCE_EXHAUSTED)
  assert.match(details, /MESSAGE_TOO_LARGE/)
  assert.equal(plane.records.at(-1)?.errorCode, 'MESSAGE_TOO_LARGE')
  const chat = client.chat()
  const got: string[] = []
  chat.on('data', (part: Buffer) => got.push(part.toString()))
  const ended = once(chat, 'error') as Promise<[grpc.ServiceError]>
  chat.write(Buffer.from('one'))
  chat.write(Buffer.from('two'))
  chat.write(Buffer.alloc(100_000))
  const [error] = await ended
  assert.equal(error.code, grpc.status.RESOURCE_EXHAUSTED)
  assert.deepEqual(got, ['re one', 're two'])
  // the connection serves further calls
  assert.deepEqual(await call(client, 'x'), [0, 'a:x'])
})

test('requests may be larger than maxMessageBytes: it is for what comes from endpoints', async (t) => {
  const server = await startGrpcServer(t, 'a')
  serve([server.node], { maxMessageBytes: 100 })
  const collect = new Promise<string>((resolve) => {
    const stream = open(t).collect((error, answer) =>
      resolve(error === null ? String(answer) : error.message),
    )
    stream.write(Buffer.alloc(10_000))
    stream.end()
  })
  assert.equal(await collect, '10000')
})

test('metadata over maxMetadataBytes is a bad answer', async (t) => {
  const server = await startGrpcServer(t, 'a')
  serve([server.node], { maxMetadataBytes: 500 })
  const client = open(t)
  assert.equal((await call(client, 'x', 'short'))[0], 0)
  const [code, details] = await call(client, 'x', 'y'.repeat(500))
  assert.equal(code, grpc.status.UNAVAILABLE)
  assert.match(details, /UPSTREAM_BAD_ANSWER/)
})

/** Refuses each call once it has so many bytes of it, as an endpoint does that did not begin with it. */
async function startRefuser(t: TestContext, bytes: number): Promise<string> {
  const server = createServer()
  server.on('stream', (stream) => {
    let come = 0
    stream.on('error', () => {})
    stream.on('data', (part: Buffer) => {
      come += part.length
      if (come >= bytes) stream.close(7) // REFUSED_STREAM
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a call that was refused goes to another endpoint as long as replayBytes has it whole', async (t) => {
  const size = 200_000
  const refuser = await startRefuser(t, size)
  const server = await startGrpcServer(t, 'a')
  const collect = () =>
    new Promise<number | string>((resolve) => {
      const stream = open(t).collect((error, answer) => resolve(error === null ? String(answer) : error.code))
      for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(size / 20))
      stream.end()
    })
  const retry = { ...TEST_RETRY, count: 1 }
  serve([refuser, server.node], { replayBytes: 1_048_576 }, { retry })
  assert.equal(await collect(), String(size))
  serve([refuser, server.node], { replayBytes: 100_000 }, { retry })
  assert.equal(await collect(), grpc.status.UNAVAILABLE)
})

test('a connection without calls is closed after the idle time of its upstream', async (t) => {
  const server = createServer()
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
      { endStream: true },
    )
  })
  const opened = once(server, 'session') as Promise<[Http2Session]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const node = `127.0.0.1:${(server.address() as AddressInfo).port}`
  serve([node], {}, { pool: { size: 16, idleMs: 300, requests: 1000, maxAgeMs: 0 } })
  const begin = performance.now()
  assert.equal((await call(open(t), 'x'))[0], grpc.status.NOT_FOUND)
  const [session] = await opened
  if (!session.closed) await once(session, 'close')
  const took = performance.now() - begin
  assert.ok(took >= 290 && took < 30_000, `it was closed after ${took} ms`)
})

/** Speaks HTTP/2 as far as it must, answers no call, and PINGs where it is told to. What comes is told with the time. */
async function startSilent(t: TestContext, onPing: (socket: Socket, pings: number) => void) {
  const seen: { readonly type: number; readonly connection: number; readonly atMs: number }[] = []
  const backend = await startRawBackend((socket, connection) => {
    let pings = 0
    socket.write(frame(TYPE.SETTINGS, 0, 0))
    readFrames(socket, 24, ({ type, flags }) => {
      seen.push({ type, connection, atMs: performance.now() })
      if (type === TYPE.PING && flags === 0) onPing(socket, ++pings)
    })
  })
  t.after(() => backend.close())
  const timeOf = (type: number, connection: number): number =>
    seen.find((one) => one.type === type && one.connection === connection)?.atMs ?? Number.NaN
  return { node: backend.node, seen, timeOf }
}

test('a connection whose endpoint answers no PING is lost, long before its calls time out', async (t) => {
  const silent = await startSilent(t, () => {})
  serve([silent.node], { pingMs: 200, pongMs: 200 })
  const [code, details] = await call(open(t), 'x')
  assert.equal(code, grpc.status.UNAVAILABLE)
  assert.match(details, /UPSTREAM_CLOSED/)
  assert.ok(silent.timeOf(TYPE.PING, 0) - silent.timeOf(TYPE.HEADERS, 0) >= 190)
})

test('an endpoint that says too many PINGs is asked half as often', async (t) => {
  const silent = await startSilent(t, (socket) =>
    socket.end(frame(TYPE.GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(11)]))),
  )
  serve([silent.node], { pingMs: 200, pongMs: 60_000 })
  const client = open(t)
  assert.equal((await call(client, 'x'))[0], grpc.status.UNAVAILABLE)
  assert.equal((await call(client, 'x'))[0], grpc.status.UNAVAILABLE)
  assert.ok(silent.timeOf(TYPE.PING, 0) > 0, 'the first connection was asked')
  const waited = silent.timeOf(TYPE.PING, 1) - silent.timeOf(TYPE.HEADERS, 1)
  assert.ok(waited >= 390, `the second one was asked after ${waited} ms`)
})

test('the wait of a stream for its client does not end its connection while PINGs are answered', async (t) => {
  const silent = await startSilent(t, (socket, pings) => {
    socket.write(frame(TYPE.PING, 1, 0, Buffer.alloc(8)))
    // the third time the call ends well
    if (pings === 3) socket.write(frame(TYPE.RST_STREAM, 0, 1, uint32(2)))
  })
  serve([silent.node], { pingMs: 100, pongMs: 60_000 })
  const [code] = await call(open(t), 'x')
  assert.equal(code, grpc.status.UNAVAILABLE)
  assert.equal(silent.seen.filter(({ type }) => type === TYPE.PING).length, 3)
})
