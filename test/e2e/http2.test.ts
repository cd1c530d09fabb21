import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { countDescriptors, readRss } from '../faults/support.ts'
import { answerText, startBackend } from '../support/backends.ts'
import { block, FrameClient, frame, request, TYPE, uint32 } from '../support/frames.ts'
import { startGateway } from '../support/gateway.ts'
import { runTool, skipWithout, waitFor } from '../support/tools.ts'

/** HTTP/2 with prior knowledge at a plain listener, to endpoints that speak HTTP/1.1 and HTTP/2. */

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
  readonly informed: readonly number[]
}

function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body: Buffer | string | null = null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers }, { endStream: body === null })
    const parts: Buffer[] = []
    const informed: number[] = []
    let head: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    stream.on('headers', (interim) => informed.push(Number(interim[':status'])))
    stream.on('response', (fields) => {
      head = fields
    })
    stream.on('trailers', (fields) => {
      trailers = fields
    })
    stream.on('data', (chunk: Buffer) => parts.push(chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      if (stream.rstCode !== 0) reject(new Error(`reset ${stream.rstCode}`))
      else
        resolve({
          status: Number(head[':status']),
          headers: head,
          trailers,
          body: Buffer.concat(parts),
          informed,
        })
    })
    if (body !== null) stream.end(body)
  })
}

async function setUp(t: TestContext, flags: readonly string[] = []) {
  const gateway = await startGateway(['--workers', '1', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => {}) // each request tells its own
  t.after(() => session.destroy())
  return { gateway, put, session }
}

/** A backend that speaks HTTP/2 in plain text. */
async function startHttp2Backend(
  t: TestContext,
  onStream: (stream: http2.ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
) {
  // what a slow client holds up waits in the server's session
  const server = http2.createServer({ maxSessionMemory: 100 })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', onStream)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, sessions, server }
}

test('a request of HTTP/2 is served by an endpoint of HTTP/1.1, fields and body whole', async (t) => {
  const { put, session } = await setUp(t)
  const backend = await startBackend((request) =>
    answerText(`${request.method} ${request.body.length}`, { headers: ['X-Up: a'] }),
  )
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', upstream: { nodes: { [`127.0.0.1:${backend.port}`]: 1 } } })
  const answer = await ask(session, {
    ':path': '/a?b=1',
    ':authority': 'shop.test:81',
    'x-one': ['1', '2'],
    cookie: ['a=1', 'b=2'],
    te: 'trailers',
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.body.toString(), 'GET 0')
  assert.equal(answer.headers['x-up'], 'a')
  const seen = backend.requests.at(-1)
  assert.ok(seen)
  assert.equal(seen.target, '/a?b=1')
  const lines = (name: string): string[] =>
    seen.fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  assert.deepEqual(
    [lines('host'), lines('cookie'), lines('x-one')],
    [['shop.test:81'], ['a=1; b=2'], ['1', '2']],
  )
  assert.deepEqual(
    [lines('x-forwarded-proto'), lines('x-forwarded-host'), lines('x-forwarded-port')],
    [['http'], ['shop.test:81'], ['81']],
  )

  const posted = await ask(session, { ':method': 'POST' }, Buffer.alloc(300_000, 'x'))
  assert.equal(posted.body.toString(), 'POST 300000')
  const small = await ask(session, { ':method': 'POST', 'content-length': '3' }, 'abc')
  assert.equal(small.body.toString(), 'POST 3')
  const missing = await ask(session, { ':method': 'HEAD' })
  assert.deepEqual([missing.status, missing.body.length], [200, 0])
})

test('a hundred requests at once over one connection get each its own answer', async (t) => {
  const { put, session } = await setUp(t)
  const backend = await startBackend((request) => answerText(request.target.repeat(200)))
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', upstream: { nodes: { [`127.0.0.1:${backend.port}`]: 1 } } })
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => ask(session, { ':path': `/${round}-${i}` })),
    )
    for (const [i, answer] of answers.entries())
      assert.equal(answer.body.toString(), `/${round}-${i}`.repeat(200))
  }
})

test('every pairing with HTTP/1.1 carries bodies, trailers and interim answers', async (t) => {
  const { gateway, put, session } = await setUp(t)
  const backend = await startHttp2Backend(t, (stream, headers) => {
    const parts: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => parts.push(chunk))
    stream.on('end', () => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' })
      stream.respond(
        { ':status': 200, 'x-path': String(headers[':path']), 'x-authority': String(headers[':authority']) },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'x-sum': String(Buffer.concat(parts).length), 'x-forwarded-for': '1.2.3.4' }),
      )
      stream.end(Buffer.concat(parts))
    })
  })
  await put('routes/1', {
    uri: '/*',
    upstream: { scheme: 'grpc', nodes: { [`127.0.0.1:${backend.port}`]: 1 } },
  })
  const body = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251))
  const answer = await ask(session, { ':method': 'POST', ':path': '/x?y', ':authority': 'a.test' }, body)
  assert.deepEqual(
    [answer.status, answer.headers['x-path'], answer.headers['x-authority']],
    [200, '/x?y', 'a.test'],
  )
  assert.ok(answer.body.equals(body))
  assert.deepEqual([answer.trailers['x-sum'], answer.trailers['x-forwarded-for']], ['700000', undefined])
  assert.deepEqual(answer.informed, [103])
  // over HTTP/1.1 toward the client
  const plain = await fetch(`http://127.0.0.1:${gateway.port}/q`, { method: 'POST', body })
  assert.equal(plain.headers.get('x-path'), '/q')
  assert.ok(Buffer.from(await plain.arrayBuffer()).equals(body))
  assert.equal(backend.sessions.size, 1, 'requests share one connection')
})

test('a slow reader holds up its own stream and no other; memory is bounded, bytes are whole', async (t) => {
  const { gateway, put } = await setUp(t)
  const size = 20 * 1_048_576
  const body = Buffer.alloc(size)
  for (let i = 0; i < size; i++) body[i] = (i * 31 + (i >> 13)) % 256
  const backend = await startHttp2Backend(t, (stream, headers) => {
    stream.on('error', () => {})
    stream.respond({ ':status': 200 })
    stream.end(headers[':path'] === '/big' ? body : 'small')
  })
  await put('routes/1', {
    uri: '/*',
    upstream: { scheme: 'grpc', nodes: { [`127.0.0.1:${backend.port}`]: 1 } },
  })
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  const big = session.request({ ':path': '/big' })
  await once(big, 'response')
  big.pause()
  for (let i = 0; i < 20; i++) {
    const answer = await ask(session, { ':path': '/small' })
    assert.deepEqual([answer.headers['x-headgate-error'], answer.body.toString()], [undefined, 'small'])
  }
  const parts: Buffer[] = []
  big.on('data', (chunk: Buffer) => parts.push(chunk))
  big.resume()
  await once(big, 'end')
  assert.ok(Buffer.concat(parts).equals(body))
})

test('uploads stop when the endpoint does not read, and go on when it does', async (t) => {
  const { gateway, put, session } = await setUp(t)
  const arrived: http2.ServerHttp2Stream[] = []
  let tell: () => void = () => {}
  const here = new Promise<void>((resolve) => {
    tell = resolve
  })
  const backend = await startHttp2Backend(t, (stream) => {
    stream.on('error', () => {})
    arrived.push(stream)
    tell()
  })
  await put('routes/1', {
    uri: '/*',
    upstream: { scheme: 'grpc', nodes: { [`127.0.0.1:${backend.port}`]: 1 } },
  })
  const body = Buffer.alloc(50 * 1_048_576, 1)
  const before = readRss(gateway.pid)
  const answer = ask(session, { ':method': 'POST', ':path': '/' }, body)
  await here
  // nothing is read: what the windows hold is all that has left the client
  const [stream] = arrived as [http2.ServerHttp2Stream]
  const roundTrip = () => new Promise((resolve) => session.ping((...reply) => resolve(reply)))
  let window = -1
  for (let same = 0; same < 3; ) {
    await roundTrip()
    const now = session.state.remoteWindowSize ?? 0
    same = now === window ? same + 1 : 0
    window = now
  }
  assert.ok(readRss(gateway.pid) - before < 64 * 1_048_576)
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
  })
  stream.on('end', () => {
    stream.respond({ ':status': 200 })
    stream.end(String(size))
  })
  assert.equal((await answer).body.toString(), String(body.length))
})

test('malformed requests are refused and reach no endpoint', async (t) => {
  const { gateway, put } = await setUp(t)
  const backend = await startBackend(() => answerText('ok'))
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', upstream: { nodes: { [`127.0.0.1:${backend.port}`]: 1 } } })
  const base: [string, string][] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  ]
  const without = (name: string) => base.filter(([other]) => other !== name)
  const bad: readonly (readonly [string, Buffer])[] = [
    ['no method', block(without(':method'))],
    ['no path', block(without(':path'))],
    ['no scheme', block(without(':scheme'))],
    ['path twice', block([...base, [':path', '/b']])],
    ['pseudo behind a field', block([...without(':path'), ['a', 'b'], [':path', '/']])],
    ['unknown pseudo', block([...base, [':x', 'y']])],
    ['status', block([...base, [':status', '200']])],
    ['upper case', block([...base, ['X-A', 'b']])],
    ['connection', block([...base, ['connection', 'close']])],
    ['transfer-encoding', block([...base, ['transfer-encoding', 'chunked']])],
    ['upgrade', block([...base, ['upgrade', 'h2c']])],
    ['te', block([...base, ['te', 'gzip']])],
    ['CRLF in a value', block([...base, ['a', 'b\r\nx: y']])],
    ['LF in a path', block([...without(':path'), [':path', '/a\nb']])],
    ['space in a path', block([...without(':path'), [':path', '/a b']])],
    ['NUL in a value', block([...base, ['a', 'b\0c']])],
    ['authority is not Host', block([...base, ['host', 'b.test']])],
    ['no origin form', block([...without(':path'), [':path', 'a/b']])],
    ['absolute form', block([...without(':path'), [':path', 'http://a.test/']])],
    ['protocol without CONNECT', block([...base, [':protocol', 'websocket']])],
    [
      'CONNECT',
      block([
        [':method', 'CONNECT'],
        [':authority', 'a.test:443'],
      ]),
    ],
    ['a length without a body', block([...base, ['content-length', '3']])],
    ['a length that is none', block([...base, ['content-length', 'x']])],
    ['two lengths', block([...base, ['content-length', '0'], ['content-length', '1']])],
  ]
  for (const [what, fields] of bad) {
    const client = await FrameClient.open(gateway.port)
    client.write(frame(TYPE.HEADERS, 5, 1, fields))
    const found = await client.wait(
      ({ type, stream, flags }) =>
        stream === 1 && (type === TYPE.RST_STREAM || (type === TYPE.HEADERS && (flags & 4) !== 0)),
    )
    assert.ok(found, what)
    if (found.type === TYPE.RST_STREAM) assert.equal(found.payload.readUInt32BE(), 1, what)
    client.close()
  }
  const short = await FrameClient.open(gateway.port)
  short.write(
    frame(TYPE.HEADERS, 4, 1, request('/', [['content-length', '5']], 'POST')),
    frame(TYPE.DATA, 1, 1, 'abc'),
  )
  assert.ok(await short.wait(({ type }) => type === TYPE.RST_STREAM))
  short.close()
  const long = await FrameClient.open(gateway.port)
  long.write(
    frame(TYPE.HEADERS, 4, 1, request('/', [['content-length', '2']], 'POST')),
    frame(TYPE.DATA, 1, 1, 'abc'),
  )
  assert.ok(await long.wait(({ type }) => type === TYPE.RST_STREAM))
  long.close()
  assert.equal(backend.requests.filter(({ method }) => method === 'GET').length, 0)
})

test('a connection that breaks the protocol ends with the code that says why', async (t) => {
  const { gateway, put } = await setUp(t)
  await put('routes/1', { uri: '/*', plugins: { redirect: { uri: '/x' } } })
  const cases: readonly (readonly [string, number, readonly Buffer[]])[] = [
    ['DATA on stream 0', 1, [frame(TYPE.DATA, 0, 0, 'a')]],
    ['DATA on an idle stream', 1, [frame(TYPE.DATA, 0, 3, 'a')]],
    ['HEADERS on an even stream', 1, [frame(TYPE.HEADERS, 5, 2, request())]],
    [
      'stream numbers that fall',
      5,
      [frame(TYPE.HEADERS, 5, 5, request()), frame(TYPE.HEADERS, 4, 3, request())],
    ],
    ['CONTINUATION alone', 1, [frame(TYPE.CONTINUATION, 4, 1, '')]],
    [
      'a frame between HEADERS and CONTINUATION',
      1,
      [frame(TYPE.HEADERS, 0, 1, request()), frame(TYPE.PING, 0, 0, Buffer.alloc(8))],
    ],
    ['SETTINGS of a wrong length', 6, [frame(TYPE.SETTINGS, 0, 0, 'abc')]],
    ['SETTINGS on a stream', 1, [frame(TYPE.SETTINGS, 0, 1, '')]],
    ['an ACK with content', 6, [frame(TYPE.SETTINGS, 1, 0, 'abcdef')]],
    [
      'a window over 2^31-1',
      3,
      [frame(TYPE.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(2 ** 31)]))],
    ],
    [
      'a frame size below the least',
      1,
      [frame(TYPE.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 5]), uint32(100)]))],
    ],
    ['PING of a wrong length', 6, [frame(TYPE.PING, 0, 0, 'abc')]],
    ['PING on a stream', 1, [frame(TYPE.PING, 0, 1, Buffer.alloc(8))]],
    ['WINDOW_UPDATE of 0', 1, [frame(TYPE.WINDOW, 0, 0, uint32(0))]],
    ['WINDOW_UPDATE over the top', 3, [frame(TYPE.WINDOW, 0, 0, uint32(2 ** 31 - 1))]],
    ['RST_STREAM on an idle stream', 1, [frame(TYPE.RST_STREAM, 0, 9, uint32(8))]],
    ['PUSH_PROMISE', 1, [frame(TYPE.PUSH, 4, 1, Buffer.concat([uint32(2), request()]))]],
    ['a frame that is too long', 6, [frame(TYPE.DATA, 0, 1, Buffer.alloc(16_385))]],
    [
      'padding longer than the frame',
      1,
      [frame(TYPE.HEADERS, 5 | 8, 1, Buffer.concat([Buffer.from([255]), request()]))],
    ],
    [
      'a block that is none',
      9,
      [frame(TYPE.HEADERS, 5, 1, Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80, 0x01]))],
    ],
  ]
  for (const [what, code, frames] of cases) {
    const client = await FrameClient.open(gateway.port)
    client.write(...frames)
    assert.equal(await client.goaway(), code, what)
    await client.closed()
  }
})

test('streams over the limit are refused, and may come again', async (t) => {
  const { gateway, put } = await setUp(t)
  let answerAll: () => void = () => {}
  const waiting: (() => void)[] = []
  const backend = await startHttp2Backend(t, (stream) => {
    stream.on('error', () => {})
    waiting.push(() => {
      stream.respond({ ':status': 200 })
      stream.end('ok')
    })
    if (waiting.length === 100) answerAll()
  })
  await put('routes/1', {
    uri: '/*',
    upstream: { scheme: 'grpc', nodes: { [`127.0.0.1:${backend.port}`]: 1 } },
  })
  const full = new Promise<void>((resolve) => {
    answerAll = resolve
  })
  const client = await FrameClient.open(gateway.port)
  t.after(() => client.close())
  for (let i = 0; i < 101; i++) client.write(frame(TYPE.HEADERS, 5, 2 * i + 1, request(`/${i}`)))
  assert.equal(await client.refusal(201), 'reset 7')
  await full
  for (const answer of waiting) answer()
  await client.wait(({ type, stream, flags }) => type === TYPE.DATA && stream === 199 && (flags & 1) === 1)
})

test('floods end the connection and cost others nothing', async (t) => {
  const { gateway, put, session } = await setUp(t)
  const backend = await startBackend(() => answerText('ok'))
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', upstream: { nodes: { [`127.0.0.1:${backend.port}`]: 1 } } })
  const many = (count: number, make: (i: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
  const floods: readonly (readonly [string, (client: FrameClient) => void])[] = [
    [
      'rapid reset',
      (client) =>
        client.write(
          many(400, (i) =>
            Buffer.concat([
              frame(TYPE.HEADERS, 5, 2 * i + 1, request()),
              frame(TYPE.RST_STREAM, 0, 2 * i + 1, uint32(8)),
            ]),
          ),
        ),
    ],
    [
      'resets that we make',
      (client) =>
        client.write(many(400, (i) => frame(TYPE.HEADERS, 5, 2 * i + 1, block([[':method', 'GET']])))),
    ],
    ['PING', (client) => client.write(many(2000, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8))))],
    ['SETTINGS', (client) => client.write(many(2000, () => frame(TYPE.SETTINGS, 0, 0)))],
    [
      'PRIORITY',
      (client) => client.write(many(2000, () => frame(TYPE.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1])))),
    ],
    ['WINDOW_UPDATE', (client) => client.write(many(2000, () => frame(TYPE.WINDOW, 0, 0, uint32(1))))],
    [
      'empty DATA',
      (client) =>
        client.write(
          frame(TYPE.HEADERS, 4, 1, request('/', [], 'POST')),
          many(2000, () => frame(TYPE.DATA, 0, 1)),
        ),
    ],
    [
      'CONTINUATION',
      (client) =>
        client.write(
          frame(TYPE.HEADERS, 0, 1, request()),
          many(20, () => frame(TYPE.CONTINUATION, 0, 1, Buffer.alloc(16_000, 0x40))),
        ),
    ],
    [
      'empty CONTINUATION',
      (client) =>
        client.write(
          frame(TYPE.HEADERS, 0, 1, request()),
          many(2000, () => frame(TYPE.CONTINUATION, 0, 1)),
        ),
    ],
    // one large field in the table, then named again and again
    [
      'an HPACK bomb',
      (client) =>
        client.write(
          frame(
            TYPE.HEADERS,
            0,
            1,
            Buffer.concat([Buffer.from([0x40, 1, 0x61, 127, 0x80 + 33, 0x1e]), Buffer.alloc(4000, 0x62)]),
          ),
          frame(TYPE.CONTINUATION, 4, 1, Buffer.alloc(12_000, 0xbe)),
        ),
    ],
  ]
  for (const [what, attack] of floods) {
    const client = await FrameClient.open(gateway.port)
    attack(client)
    const code = await client.goaway()
    assert.ok(code === 11 || code === 9 || code === null, `${what}: ${code}`)
    await client.closed()
    assert.equal((await ask(session, { ':path': '/after' })).status, 200, what)
  }
})

test('ten thousand connections of garbage leave nothing behind', { timeout: 60_000 }, async (t) => {
  const { gateway } = await setUp(t)
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const spoil = (garbage: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(gateway.port, '127.0.0.1')
      socket.on('error', () => {}) // a reset is an answer too
      socket.on('close', () => resolve())
      socket.resume()
      socket.write(Buffer.concat([preface, frame(TYPE.SETTINGS, 0, 0, Buffer.alloc(0)), garbage]))
    })
  const storm = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++)
      await Promise.all(
        Array.from({ length: 100 }, (_, j) =>
          // an even stream id, a header block of nonsense, a frame that is too large
          spoil(
            [
              frame(TYPE.HEADERS, 4, 2, Buffer.from([j])),
              frame(TYPE.HEADERS, 4, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, i, j])),
              Buffer.from([0xff, 0xff, 0xff, j, 0, 0, 0, 0, 1]),
            ][j % 3] as Buffer,
          ),
        ),
      )
  }
  await storm(10)
  const descriptors = countDescriptors(gateway.pid)
  const rss = readRss(gateway.pid)
  await storm(100)
  await waitFor('the descriptors to be free', async () =>
    countDescriptors(gateway.pid) <= descriptors + 2 ? true : undefined,
  )
  // an idle worker gives back what a burst took
  await waitFor(
    'the memory to be given back',
    async () => (readRss(gateway.pid) - rss < 40 * 1024 * 1024 ? true : undefined),
    20_000,
  )
})

test('a head over the limit gets 431', async (t) => {
  const { gateway, put } = await setUp(t)
  await put('routes/1', { uri: '/*', plugins: { redirect: { uri: '/x' } } })
  const client = await FrameClient.open(gateway.port)
  t.after(() => client.close())
  const big = request('/', [['x-big', 'a'.repeat(33_000)]])
  client.write(
    frame(TYPE.HEADERS, 1, 1, big.subarray(0, 16_000)),
    frame(TYPE.CONTINUATION, 0, 1, big.subarray(16_000, 32_000)),
    frame(TYPE.CONTINUATION, 4, 1, big.subarray(32_000)),
  )
  const head = await client.wait(({ type }) => type === TYPE.HEADERS)
  assert.ok(head?.payload.includes('431', 0, 'latin1'))
  // the connection goes on
  client.write(frame(TYPE.HEADERS, 5, 3, request()))
  assert.ok(await client.wait(({ type, stream }) => type === TYPE.HEADERS && stream === 3))
})

test('a drain lets streams finish and takes no new ones', async (t) => {
  const { gateway, put, session } = await setUp(t)
  let answer: () => void = () => {}
  const backend = await startHttp2Backend(t, (stream) => {
    stream.on('error', () => {})
    answer = () => {
      stream.respond({ ':status': 200 })
      stream.end('done')
    }
    arrived()
  })
  let arrived: () => void = () => {}
  const here = new Promise<void>((resolve) => {
    arrived = resolve
  })
  await put('routes/1', {
    uri: '/*',
    upstream: { scheme: 'grpc', nodes: { [`127.0.0.1:${backend.port}`]: 1 } },
  })
  const first = ask(session, { ':path': '/slow' })
  await here
  const leaving = once(session, 'goaway')
  const stopped = gateway.stop()
  await leaving
  answer()
  assert.equal((await first).body.toString(), 'done')
  assert.equal(await stopped, 0)
})

test('curl and h2load are served', { skip: skipWithout('curl', 'h2load') }, async (t) => {
  const { gateway, put } = await setUp(t)
  const backend = await startBackend(() => answerText('hello'))
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', upstream: { nodes: { [`127.0.0.1:${backend.port}`]: 1 } } })
  const curl = await runTool('curl', [
    '-sS',
    '--http2-prior-knowledge',
    '-w',
    '%{http_version} %{http_code}',
    `http://127.0.0.1:${gateway.port}/`,
  ])
  assert.equal(curl.stdout, 'hello2 200')
  const load = await runTool('h2load', [
    '-n',
    '5000',
    '-c',
    '4',
    '-m',
    '32',
    `http://127.0.0.1:${gateway.port}/`,
  ])
  assert.match(load.stdout, /5000 succeeded, 0 failed, 0 errored/)
})
