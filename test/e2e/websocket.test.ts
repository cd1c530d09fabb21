import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startRawBackend } from '../support/backends.ts'
import { startGateway } from '../support/gateway.ts'
import { accept, KEY, openUpgrade, readBytes, readHead, startUpgradeEcho } from '../support/upgrades.ts'

/** WebSocket and other upgrades, on raw sockets of both sides. */

async function setUp(
  t: TestContext,
  backend: { node: string },
  route: object = { enable_websocket: true },
  flags: readonly string[] = [],
) {
  const gateway = await startGateway(['--workers', '1', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  await put('routes/1', { uri: '/*', upstream: { nodes: { [backend.node]: 1 } }, ...route })
  return { gateway, put }
}

test('a handshake goes through, and bytes go both ways as they are', async (t) => {
  const backend = await startUpgradeEcho(t, { early: 'hello' })
  const { gateway } = await setUp(t, backend)
  const client = await openUpgrade(gateway.port, [], 'early bytes')
  t.after(() => client.socket.destroy())
  assert.match(client.head, /^HTTP\/1.1 101 Switching Protocols\r\n/)
  assert.match(client.head, new RegExp(`Sec-WebSocket-Accept: ${accept(KEY).replace(/[+/]/g, '\\$&')}\r\n`))
  assert.match(client.head, /X-Backend: echo\r\n/)
  assert.match(client.head, /Upgrade: websocket\r\nConnection: Upgrade\r\n/)
  const upstream = backend.heads[0] as string
  assert.match(upstream, /\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/)
  assert.doesNotMatch(upstream, /Content-Length|Transfer-Encoding/)
  assert.equal((await readBytes(client.socket, 16, client.rest)).toString(), 'helloearly bytes')
  const sent = Buffer.from(Array.from({ length: 5 * 1_048_576 }, (_, i) => (i * 7 + (i >> 11)) % 256))
  client.socket.write(sent)
  assert.ok((await readBytes(client.socket, sent.length)).equals(sent))
  client.socket.end()
  await once(client.socket, 'close')
})

test('without leave Upgrade is taken out and the request is an ordinary one', async (t) => {
  const backend = await startUpgradeEcho(t, {
    answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  })
  const { gateway, put } = await setUp(t, backend, { enable_websocket: false })
  const plain = await openUpgrade(gateway.port)
  plain.socket.destroy()
  assert.match(plain.head, /^HTTP\/1.1 200 OK/)
  assert.doesNotMatch(backend.heads[0] as string, /upgrade/i)
  // a service may give leave, and the route take it back
  await put('services/1', { enable_websocket: true, upstream: { nodes: { [backend.node]: 1 } } })
  await put('routes/2', { uri: '/of-service', service_id: '1' })
  await put('routes/3', { uri: '/not', service_id: '1', enable_websocket: false })
  for (const [path, passes] of [
    ['/of-service', true],
    ['/not', false],
  ] as const) {
    const client = await openUpgrade(gateway.port, [], '', path)
    client.socket.destroy()
    assert.equal(/\r\nupgrade: websocket/i.test(backend.heads.at(-1) as string), passes, path)
  }
  // never, whatever a route says
  for (const protocol of ['h2c', 'TLS/1.0']) {
    const client = await openUpgrade(
      gateway.port,
      [`Upgrade: ${protocol}`, 'Connection: Upgrade'],
      '',
      '/of-service',
    )
    client.socket.destroy()
    assert.doesNotMatch(backend.heads.at(-1) as string, /upgrade/i)
  }
})

test('a handshake that lacks something is refused, with what would do', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway } = await setUp(t, backend)
  const base = ['Upgrade: websocket', 'Connection: Upgrade']
  const cases: readonly (readonly [number, readonly string[], RegExp])[] = [
    [400, [...base, 'Sec-WebSocket-Version: 13'], /X-Headgate-Error: BAD_UPGRADE/],
    [400, [...base, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short'], /BAD_UPGRADE/],
    [426, [...base, `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 8'], /Sec-WebSocket-Version: 13/],
    [
      400,
      [...base, `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13', 'Content-Length: 3'],
      /BAD_UPGRADE/,
    ],
  ]
  for (const [status, lines, expected] of cases) {
    const { head, socket } = await openUpgrade(gateway.port, lines)
    socket.destroy()
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), lines.join())
    assert.match(head, expected)
  }
  assert.equal(backend.heads.length, 0)
})

test('an answer that is no change, or a wrong one, does not open a tunnel', async (t) => {
  const answers = [
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', 403],
    [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n',
      502,
    ],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n', 502],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 502],
  ] as const
  let at = 0
  const backend = await startUpgradeEcho(t, { answer: () => (answers[at] as (typeof answers)[number])[0] })
  const { gateway } = await setUp(t, backend)
  for (const [i, [, status]] of answers.entries()) {
    at = i
    const { head, socket } = await openUpgrade(gateway.port)
    socket.destroy()
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), String(i))
  }
})

test('other protocols change where a route allows any', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway } = await setUp(t, backend)
  const client = await openUpgrade(gateway.port, ['Upgrade: chat/2', 'Connection: upgrade'])
  t.after(() => client.socket.destroy())
  assert.match(client.head, /^HTTP\/1.1 101 /)
  client.socket.write('ping')
  assert.equal((await readBytes(client.socket, 4, client.rest)).toString(), 'ping')
})

test('either side that ends or resets ends both within a second', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway } = await setUp(t, backend)
  const within = async (what: string, act: (client: Socket, server: Socket) => void): Promise<void> => {
    const client = await openUpgrade(gateway.port)
    const server = backend.sockets.at(-1) as Socket
    const begun = performance.now()
    const both = Promise.all([once(client.socket, 'close'), once(server, 'close')])
    client.socket.resume()
    act(client.socket, server)
    await both
    assert.ok(performance.now() - begun < 2000, what)
  }
  await within('client ends', (client) => client.end())
  await within('client resets', (client) => client.resetAndDestroy())
  await within('endpoint ends', (_client, server) => server.end())
  await within('endpoint resets', (_client, server) => server.resetAndDestroy())
})

test('an endpoint that stays silent after the client ended is cut', async (t) => {
  const sockets: Socket[] = []
  const backend = await startRawBackend((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    void readHead(socket).then(({ head }) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? ''
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n\r\n`,
      )
      socket.resume()
    })
  })
  t.after(() => backend.close())
  const { gateway } = await setUp(t, backend)
  const client = await openUpgrade(gateway.port)
  client.socket.resume()
  client.socket.end()
  // it was never answered: the gateway has let go of both
  await once(client.socket, 'close')
  assert.equal(sockets.length, 1)
})

test('open tunnels survive changes of their route, and its end', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway, put } = await setUp(t, backend)
  const clients = await Promise.all(Array.from({ length: 20 }, () => openUpgrade(gateway.port)))
  for (let i = 0; i < 20; i++) {
    await put('routes/1', {
      uri: '/*',
      enable_websocket: true,
      desc: String(i),
      upstream: { nodes: { [backend.node]: 1 + (i % 3) } },
    })
    for (const { socket } of clients) socket.write(`m${i % 10}`)
  }
  assert.equal((await gateway.admin('DELETE', '/apisix/admin/routes/1')).status, 200)
  for (const { socket, rest } of clients) {
    assert.equal(
      (await readBytes(socket, 40, rest)).toString(),
      Array.from({ length: 20 }, (_, i) => `m${i % 10}`).join(''),
    )
    socket.destroy()
  }
})

test('a drain closes WebSockets with 1001, and ends with 0', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway } = await setUp(t, backend)
  const clients = await Promise.all(Array.from({ length: 10 }, () => openUpgrade(gateway.port)))
  const closes = clients.map(async ({ socket, rest }) => {
    const frame = await readBytes(socket, 4, rest)
    // as clients do: a Close of one's own, then the end
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]))
    socket.end()
    socket.resume()
    return frame.subarray(0, 4)
  })
  const stopped = gateway.stop()
  for (const frame of await Promise.all(closes)) assert.deepEqual([...frame], [0x88, 2, 0x03, 0xe9])
  assert.equal(await stopped, 0)
})

test('WebSocket over a stream of HTTP/2 (RFC 8441) reaches an endpoint of HTTP/1.1', async (t) => {
  const backend = await startUpgradeEcho(t)
  const { gateway, put } = await setUp(t, backend)
  await put('routes/2', { uri: '/plain', upstream: { nodes: { [backend.node]: 1 } } })
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`)
  t.after(() => session.destroy())
  const settings = await new Promise<http2.Settings>((resolve) => session.once('remoteSettings', resolve))
  assert.equal(settings.enableConnectProtocol, true)
  const head = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':authority': 'a.test',
    'sec-websocket-version': '13',
  }
  const stream = session.request({ ...head, ':path': '/chat' }, { endStream: false })
  const [fields] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  assert.deepEqual(
    [fields[':status'], fields.upgrade, fields['sec-websocket-accept']],
    [200, undefined, undefined],
  )
  assert.match(backend.heads[0] as string, /^GET \/chat HTTP\/1.1\r\n/)
  const sent = Buffer.alloc(3 * 1_048_576, 'w')
  stream.write(sent)
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size === sent.length) stream.end()
  })
  await once(stream, 'close')
  assert.equal(size, sent.length)
  const refused = session.request({ ...head, ':path': '/plain' }, { endStream: false })
  const [answer] = (await once(refused, 'response')) as [http2.IncomingHttpHeaders]
  assert.equal(answer[':status'], 501)
})
