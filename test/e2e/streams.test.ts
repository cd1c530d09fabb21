import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { composeProxyHeader } from '../../src/proxy/stream/proxy-protocol.ts'
import { writeSettings } from '../faults/support.ts'
import { answerText, startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { startGateway } from '../support/gateway.ts'
import { expectNothingLeft } from '../support/leftovers.ts'
import { startNamed, startPeer, startTcpEcho } from '../support/stream-peers.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'
import { startInspected } from '../support/worker-heaps.ts'

/** TCP, TLS and UDP streams: routes, splits, relays, on real sockets of both sides. */

async function setUp(
  t: TestContext,
  flags: (port: number) => readonly string[] = (port) => ['--listen-tcp', `127.0.0.1:${port}`],
) {
  const [port] = (await findFreePorts(1)) as [number]
  const gateway = await startGateway(['--workers', '2', ...flags(port)])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  return { gateway, port, put }
}

/** All that a connection gives until it ends; `reset` where it broke off. */
async function readAll(port: number, send: Buffer | string = '', host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host, allowHalfOpen: true })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => resolve('reset'))
    socket.on('end', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
  socket.end(send)
  const result = await ended
  socket.destroy()
  return result
}

test('a split gives connections their exact shares, over all workers', async (t) => {
  const { port, put } = await setUp(t)
  const [blue, green] = [await startNamed(t, 'blue'), await startNamed(t, 'green')]
  await put('upstreams/green', { scheme: 'tcp', nodes: { [green.node]: 1 } })
  await put('stream_routes/1', {
    server_port: port,
    upstream: { nodes: { [blue.node]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [{ weighted_upstreams: [{ upstream_id: 'green', weight: 2 }, { weight: 3 }] }],
      },
    },
  })
  const counts: Record<string, number> = { blue: 0, green: 0 }
  for (let i = 0; i < 50; i++) {
    const name = await readAll(port)
    counts[name] = (counts[name] ?? 0) + 1
  }
  assert.deepEqual(counts, { blue: 30, green: 20 })
})

test('conditions on port, client and address choose the route; what fits none is closed', async (t) => {
  const [port, other] = (await findFreePorts(2)) as [number, number]
  const gateway = await startGateway([
    '--workers',
    '1',
    '--listen-tcp',
    `127.0.0.1:${port}`,
    '--listen-tcp',
    `127.0.0.1:${other}`,
  ])
  t.after(() => gateway.stop('SIGKILL'))
  const [one, two] = [await startNamed(t, 'one'), await startNamed(t, 'two')]
  const put = (id: string, value: object) => gateway.admin('PUT', `/apisix/admin/stream_routes/${id}`, value)
  await put('1', { server_port: port, remote_addr: '10.0.0.0/8', upstream: { nodes: { [two.node]: 1 } } })
  await put('2', {
    server_port: port,
    remote_addr: '127.0.0.0/8',
    server_addr: '127.0.0.1',
    upstream: { nodes: { [one.node]: 1 } },
  })
  assert.equal(await readAll(port), 'one')
  assert.equal(await readAll(other), '')
  await put('3', { upstream: { nodes: { [two.node]: 1 } } })
  assert.deepEqual([await readAll(port), await readAll(other)], ['one', 'two'])
})

test('bytes go both ways whole, with half-closes, also past slow readers', async (t) => {
  const { port, put } = await setUp(t)
  const peer = await startTcpEcho(t)
  await put('stream_routes/1', { upstream: { nodes: { [peer.node]: 1 } } })
  const run = async (seed: number): Promise<void> => {
    const sent = Buffer.alloc(6 * 1_048_576)
    for (let i = 0; i < sent.length; i++) sent[i] = (i * (seed * 2 + 3) + (i >> 12)) % 256
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.pause()
    socket.end(sent) // the echo's end comes after it
    const parts: Buffer[] = []
    let size = 0
    for await (const chunk of socket) {
      parts.push(chunk as Buffer)
      size += (chunk as Buffer).length
      if (seed % 2 === 0 && size % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(Buffer.concat(parts).equals(sent), `connection ${seed}`)
  }
  await Promise.all(Array.from({ length: 6 }, (_, i) => run(i)))
})

test('a reset stays a reset, in both directions', async (t) => {
  const { port, put } = await setUp(t)
  const peer = await startPeer(t, () => {})
  await put('stream_routes/1', { upstream: { nodes: { [peer.node]: 1 } } })
  const open = async (): Promise<[Socket, Socket]> => {
    const before = peer.sockets.length
    const client = connect({ port, host: '127.0.0.1' })
    client.on('error', () => {})
    await waitFor('the endpoint to be reached', async () => peer.sockets[before])
    client.write('x')
    await once(peer.sockets[before] as Socket, 'data')
    return [client, peer.sockets[before] as Socket]
  }
  const [client, server] = await open()
  const failed = once(server, 'error')
  client.resetAndDestroy()
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
  const [client2, server2] = await open()
  const failed2 = new Promise<NodeJS.ErrnoException>((resolve) => client2.once('error', resolve))
  server2.resetAndDestroy()
  assert.equal((await failed2).code, 'ECONNRESET')
})

test('a reset by the endpoint stays one where the gateway ends TLS', async (t) => {
  const { port, put } = await setUp(t, (port) => ['--listen-tcp', `tls://127.0.0.1:${port}`])
  const pair = makeCertificate(t, ['a.test'])
  await put('ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  const peer = await startPeer(t, () => {})
  await put('stream_routes/1', { upstream: { nodes: { [peer.node]: 1 } } })
  const client = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve))
  client.once('end', () => client.destroy(new Error('an end')))
  client.write('x')
  const server = await waitFor('the endpoint to be reached', async () => peer.sockets[0])
  await once(server, 'data')
  server.resetAndDestroy()
  assert.equal((await failed).code, 'ECONNRESET')
})

test('a dead endpoint loses no connection; with all of them dead it is closed', async (t) => {
  const { gateway, port, put } = await setUp(t)
  const [good, dead] = [await startNamed(t, 'good'), await startNamed(t, 'dead')]
  await dead.close()
  await put('stream_routes/1', { upstream: { nodes: { [good.node]: 1, [dead.node]: 1 } } })
  for (let i = 0; i < 20; i++) assert.equal(await readAll(port, 'hello'), 'good')
  await put('stream_routes/1', { upstream: { nodes: { [dead.node]: 1 } } })
  assert.equal(await readAll(port), '')
  assert.match((await gateway.status('/metrics')).text, /UPSTREAM_CONNECT_FAILED/)
})

test('an upstream that streams alone use is probed: a dead endpoint is out before a stream meets it, and comes back', async (t) => {
  const { gateway, port, put } = await setUp(t)
  const [good, dead] = [await startNamed(t, 'good'), await startNamed(t, 'dead')]
  await dead.close()
  const told = (type: string) =>
    waitFor(type, async () => {
      const answer = await gateway.admin('GET', `/headgate/v1/events?types=${type}&follow=false`)
      const { list } = JSON.parse(answer.text) as { list: { data: { endpoint: string; reason: string } }[] }
      return list.find(({ data }) => data.endpoint === dead.node)
    })
  const intervals = { healthy: { interval: 1, successes: 1 }, unhealthy: { interval: 1, tcp_failures: 1 } }
  const checks = { active: { type: 'tcp', ...intervals } }
  await put('upstreams/pool', { scheme: 'tcp', nodes: { [good.node]: 1, [dead.node]: 1 }, checks })
  await put('stream_routes/1', { upstream_id: 'pool' })
  assert.match((await told('endpoint-unhealthy')).data.reason, /probe/)
  for (let i = 0; i < 20; i++) assert.equal(await readAll(port), 'good')
  const failed = (await gateway.status('/metrics')).text
    .split('\n')
    .filter((line) => line.includes('connect_failed') && line.includes(dead.node) && !line.endsWith(' 0'))
  assert.deepEqual(failed, [])
  await startNamed(t, 'back', dead.port)
  await told('endpoint-healthy')
  const seen = { good: 0, back: 0 }
  for (let i = 0; i < 20; i++) seen[(await readAll(port)) as 'good' | 'back']++
  assert.deepEqual(seen, { good: 10, back: 10 })
})

test('what a client sends before its endpoint is connected is not lost', async (t) => {
  const { port, put } = await setUp(t)
  const peer = await startTcpEcho(t)
  await put('stream_routes/1', { upstream: { nodes: { [peer.node]: 1 } } })
  const early = 'early'.repeat(20_000)
  assert.equal(await readAll(port, early), early)
})

test('TLS passes through by the name in the ClientHello, however it is cut', async (t) => {
  const { port, put } = await setUp(t)
  const pair = makeCertificate(t, ['a.test', 'b.test'])
  const secure = async (name: string) => {
    const server = tls.createServer(
      pair,
      (socket) => void socket.end(`${name} ${(socket as tls.TLSSocket & { servername: string }).servername}`),
    )
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    return `127.0.0.1:${(server.address() as { port: number }).port}`
  }
  const plain = await startNamed(t, 'plain')
  await put('stream_routes/a', { sni: 'a.test', upstream: { nodes: { [await secure('one')]: 1 } } })
  await put('stream_routes/b', { sni: '*.b.test', upstream: { nodes: { [await secure('two')]: 1 } } })
  await put('stream_routes/c', { sni: '*C.test', upstream: { nodes: { [await secure('three')]: 1 } } })
  await put('stream_routes/rest', { upstream: { nodes: { [plain.node]: 1 } } })
  const ask = async (servername: string): Promise<string> => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }
  assert.equal(await ask('a.test'), 'one a.test')
  assert.equal(await ask('x.y.b.test'), 'two x.y.b.test')
  for (const name of ['c.test', 'abc.test', 'a.bc.test']) assert.equal(await ask(name), `three ${name}`)
  assert.equal(await readAll(port, 'no TLS at all'), 'plain')
  await put('stream_routes/c', { sni: '*', upstream: { nodes: { [await secure('any')]: 1 } } })
  assert.equal(await ask('c.example'), 'any c.example')
  assert.equal(await readAll(port, 'no TLS at all'), 'plain')
  // a hello in single bytes
  const hello: Buffer = await new Promise((resolve) => {
    const catcher = createServer((socket) => socket.once('data', (bytes) => void resolve(bytes))).listen(
      0,
      '127.0.0.1',
      () => {
        const probe = tls.connect({
          port: (catcher.address() as { port: number }).port,
          host: '127.0.0.1',
          servername: 'a.test',
        })
        probe.on('error', () => {})
        t.after(() => {
          probe.destroy()
          catcher.close()
        })
      },
    )
  })
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  const answered = once(socket, 'data') as Promise<[Buffer]>
  for (const byte of hello) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
  assert.equal((await answered)[0][0], 22, 'a handshake record of the endpoint')
  socket.destroy()
  // what looks like TLS and is none
  assert.equal(await readAll(port, Buffer.from([22, 3, 1, 0, 2, 1, 0, 22, 3, 1, 0, 4, 9, 9, 9, 9])), '')
})

test('TLS ends at a listener that is written so, and goes on plain or as TLS', async (t) => {
  const pair = makeCertificate(t, ['a.test'])
  const { port, put, gateway } = await setUp(t, (port) => ['--listen-tcp', `tls://127.0.0.1:${port}`])
  await put('ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  const peer = await startTcpEcho(t)
  await put('stream_routes/1', { sni: 'a.test', upstream: { nodes: { [peer.node]: 1 } } })
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false })
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => {
        socket.destroy()
        resolve(chunk.toString())
      })
      socket.write('ping')
    })
  assert.equal(await ask(), 'ping')
  const server = tls.createServer(pair, (socket) => void socket.pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  await put('stream_routes/1', {
    sni: 'a.test',
    upstream: { scheme: 'tls', nodes: { [`127.0.0.1:${(server.address() as { port: number }).port}`]: 1 } },
  })
  assert.equal(await ask(), 'ping')
  assert.equal((await gateway.status('/readyz')).status, 200)
})

test('a PROXY protocol header says who the client is, from trusted peers only', async (t) => {
  const settings = (port: number) => [
    '--listen-tcp',
    `127.0.0.1:${port}`,
    '--proxy-protocol',
    `127.0.0.1:${port}`,
  ]
  const { port, put } = await setUp(t, settings)
  const peer = await startTcpEcho(t)
  await put('stream_routes/1', { remote_addr: '192.0.2.7', upstream: { nodes: { [peer.node]: 1 } } })
  // nobody is trusted by default
  assert.notEqual(await readAll(port, 'PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\nhello'), 'hello')

  const [own, web] = (await findFreePorts(2)) as [number, number]
  const file = writeSettings({ trustedPeers: ['127.0.0.0/8'] })
  t.after(() => file.remove())
  const flags = [...settings(own), '--listen', `127.0.0.1:${web}`, '--proxy-protocol', `127.0.0.1:${web}`]
  const gateway = await startGateway(['--workers', '1', '--settings', file.file, ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const route = { remote_addr: '192.0.2.7', upstream: { nodes: { [peer.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/stream_routes/1', route)).status, 201)
  assert.equal(await readAll(own, 'PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\nhello'), 'hello')
  assert.equal(
    await readAll(
      own,
      composeProxyHeader(
        2,
        { address: '192.0.2.7', port: 1 },
        { address: '192.0.2.1', port: 2 },
        'a.test',
      ).toString('latin1'),
    ),
    '',
  )
  assert.equal(await readAll(own, 'PROXY TCP4 192.0.2.8 192.0.2.1 40000 443\r\nhello'), '')
  assert.equal(await readAll(own, 'hello, no header'), '')
  // requests too
  const backend = await startBackend((request) => answerText(request.field('x-real-ip') ?? ''))
  t.after(() => backend.close())
  await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [backend.node]: 1 } },
  })
  const answer = await readAll(
    web,
    'PROXY TCP4 192.0.2.9 192.0.2.1 40000 80\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(answer, /\r\n\r\n192\.0\.2\.9$/)
})

test('native documents carry streams, and tell endpoints who the client is', async (t) => {
  const { gateway, port } = await setUp(t)
  const seen = await startPeer(t, (socket) => {
    socket.once('data', (bytes: Buffer) => socket.end(bytes.toString('latin1', 0, 10)))
  })
  const other = await startNamed(t, 'other')
  const put = async (id: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/headgate/v1/documents/native/streams/${id}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  await put('db', {
    ports: [port],
    clients: ['127.0.0.0/8'],
    proxyProtocol: 'v1',
    upstream: { scheme: 'tcp', endpoints: [seen.node] },
  })
  await put('rest', { priority: -1, upstream: { scheme: 'tcp', endpoints: [other.node] } })
  assert.equal(await readAll(port, 'hello'), 'PROXY TCP4')
  await put('db', {
    ports: [port],
    clients: ['10.0.0.0/8'],
    upstream: { scheme: 'tcp', endpoints: [seen.node] },
  })
  assert.equal(await readAll(port, 'hello'), 'other')
})

test('datagrams of one client go to one endpoint and come back; clients are split', async (t) => {
  const { port, put } = await setUp(t, (port) => ['--listen-udp', `127.0.0.1:${port}`])
  const start = async (name: string): Promise<string> => {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, peer) => socket.send(`${name} ${bytes}`, peer.port, peer.address))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.after(() => socket.close())
    return `127.0.0.1:${socket.address().port}`
  }
  await put('stream_routes/1', {
    upstream: { scheme: 'udp', nodes: { [await start('one')]: 1, [await start('two')]: 1 } },
  })
  const seen: string[] = []
  for (let i = 0; i < 10; i++) {
    const client = createSocket('udp4')
    const names = new Set<string>()
    for (let turn = 0; turn < 3; turn++) {
      client.send(`${i}.${turn}`, port, '127.0.0.1')
      const [bytes] = (await once(client, 'message')) as [Buffer]
      const [name, text] = bytes.toString().split(' ')
      assert.equal(text, `${i}.${turn}`)
      names.add(name as string)
    }
    assert.equal(names.size, 1)
    seen.push(...names)
    client.close()
  }
  assert.deepEqual([seen.filter((name) => name === 'one').length, seen.length], [5, 10])
})

test('twenty changes in a row drop no stream, and a drain lets them finish', async (t) => {
  const { gateway, port, put } = await setUp(t)
  const peer = await startTcpEcho(t)
  await put('stream_routes/1', { upstream: { nodes: { [peer.node]: 1 } } })
  const clients = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect({ port, host: '127.0.0.1' })
      await once(socket, 'connect')
      return socket
    }),
  )
  for (let i = 0; i < 20; i++) {
    await put('stream_routes/1', { desc: String(i), upstream: { nodes: { [peer.node]: 1 + (i % 5) } } })
    await Promise.all(
      clients.map(async (socket) => {
        socket.write(`${i};`)
        const [bytes] = (await once(socket, 'data')) as [Buffer]
        assert.equal(bytes.toString(), `${i};`)
      }),
    )
  }
  const stopped = gateway.stop()
  for (const socket of clients) {
    socket.resume()
    socket.end()
  }
  assert.equal(await stopped, 0)
})

test('ten thousand connections of garbage leave nothing behind', { timeout: 60_000 }, async (t) => {
  const [port] = (await findFreePorts(1)) as [number]
  const gateway = await startInspected(['--workers', '2', '--listen-tcp', `127.0.0.1:${port}`])
  t.after(() => gateway.stop('SIGKILL'))
  const peer = await startNamed(t, 'x')
  const route = { sni: 'a.test', upstream: { nodes: { [peer.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/stream_routes/1', route)).status, 201)
  await expectNothingLeft(gateway, async (n) => {
    assert.equal(await readAll(port, Buffer.from([22, 3, n % 256, n % 100, (n >> 8) % 256, 1, 2, 3])), '')
  })
})

test('stream routes are refused where nothing listens for streams', async (t) => {
  const gateway = await startGateway(['--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  const answer = await gateway.admin('PUT', '/apisix/admin/stream_routes/1', {
    upstream: { nodes: { '127.0.0.1:1': 1 } },
  })
  assert.deepEqual(
    [answer.status, answer.json],
    [400, { error_msg: 'stream mode is disabled, can not add stream routes' }],
  )
})
