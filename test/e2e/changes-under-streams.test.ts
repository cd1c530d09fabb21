import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { makeCertificate } from '../support/certificates.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { GrpcClient, startGrpcServer } from '../support/grpc-server.ts'
import { RawClient } from '../support/raw-client.ts'
import { startTcpEcho } from '../support/stream-peers.ts'
import { findFreePorts, skipWithout, waitFor } from '../support/tools.ts'
import { openUpgrade, startUpgradeEcho } from '../support/upgrades.ts'

/** Promise L1 for what lives long: a change of the configuration ends no stream, of whatever protocol. */

const EVERY_MS = 50
const CHANGES = 80
/** Of each protocol: they spread over both workers. */
const STREAMS = 3

interface Ports {
  readonly plain: number
  readonly secure: number
  readonly tcp: number
  readonly tcpTls: number
  readonly udp: number
}

/** What is open from before the first change until after the last one. */
interface Live {
  readonly name: string
  /** Sends the `n`th message. */
  send(n: number): void
  /** All that came back so far, each message with `;` behind it. */
  readonly echoed: () => string
  close(): void
}

/** Tells of ends that nobody asked for. */
type Lost = (name: string, why: unknown) => void

function watch(socket: Socket | http2.Http2Stream | http2.Http2Session, name: string, lost: Lost): void {
  for (const event of ['error', 'end', 'close', 'goaway'])
    socket.on(event, (why) => lost(`${name} ${event}`, why))
}

function liveSocket(name: string, socket: Socket, lost: Lost, rest = ''): Live {
  let text = rest
  socket.on('data', (bytes: Buffer | string) => {
    text += String(bytes)
  })
  watch(socket, name, lost)
  return {
    name,
    send: (n) => void socket.write(`${n};`),
    echoed: () => text,
    close: () => socket.destroy(),
  }
}

async function openTcp(port: number, lost: Lost): Promise<Live> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return liveSocket('TCP', socket, lost)
}

async function openTls(port: number, protocol?: string): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'a.test',
    rejectUnauthorized: false,
    ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
  })
  await once(socket, 'secureConnect')
  return socket
}

function openUdp(port: number, lost: Lost): Live {
  const socket = createSocket('udp4')
  let text = ''
  socket.on('message', (bytes) => {
    text += String(bytes)
  })
  socket.on('error', (error) => lost('UDP error', error))
  return {
    name: 'UDP',
    send: (n) => socket.send(`${n};`, port, '127.0.0.1'),
    echoed: () => text,
    close: () => socket.close(),
  }
}

async function openWebSocket(port: number, lost: Lost): Promise<Live> {
  const { socket, rest } = await openUpgrade(port, [], '', '/ws')
  const live = liveSocket('WebSocket', socket, lost, rest.toString())
  socket.resume()
  return live
}

async function openWebSocketOverHttp2(port: number, lost: Lost): Promise<Live> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  await once(session, 'remoteSettings')
  const head = { ':protocol': 'websocket', ':scheme': 'http', ':authority': 'a', ':path': '/ws' }
  const stream = session.request(
    { ':method': 'CONNECT', ...head, 'sec-websocket-version': '13' },
    { endStream: false },
  )
  const [fields] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  assert.equal(fields[':status'], 200)
  let text = ''
  stream.on('data', (bytes: Buffer) => {
    text += String(bytes)
  })
  const name = 'WebSocket over HTTP/2'
  watch(stream, name, lost)
  watch(session, name, lost)
  return {
    name,
    send: (n) => void stream.write(`${n};`),
    echoed: () => text,
    close: () => session.destroy(),
  }
}

async function openChat(port: number, lost: Lost): Promise<Live> {
  const client = new GrpcClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    // a connection of its own
    'grpc.use_local_subchannel_pool': 1,
  })
  const chat = (client as unknown as { chat(): grpc.ClientDuplexStream<Buffer, Buffer> }).chat()
  let text = ''
  chat.on('data', (bytes: Buffer) => {
    text += String(bytes).slice('re '.length)
  })
  chat.on('status', (status) => lost('gRPC status', status.details))
  chat.on('error', (error) => lost('gRPC error', error))
  return {
    name: 'gRPC',
    send: (n) => void chat.write(Buffer.from(`${n};`)),
    echoed: () => text,
    close: () => {
      chat.cancel()
      client.close()
    },
  }
}

/** Requests one after the other on one connection. */
async function openKeptHttp1(port: number, lost: Lost): Promise<Live> {
  const socket = await openTls(port, 'http/1.1')
  watch(socket, 'HTTP/1.1', lost)
  const client = new RawClient(socket)
  let text = ''
  let last = Promise.resolve()
  return {
    name: 'HTTP/1.1',
    send: (n) => {
      last = last
        .then(() => client.exchange(`GET /http/${n} HTTP/1.1\r\nHost: a.test\r\n\r\n`))
        .then(({ status, body }) => {
          text += status === 200 ? body : `${status};`
        })
        .catch((error: unknown) => lost('HTTP/1.1 request', error))
    },
    echoed: () => text,
    close: () => socket.destroy(),
  }
}

/** Two in one: an answer that goes on and on, which `tell` continues, and requests beside it on the same connection. */
async function openHttp2(port: number, lost: Lost, tell: (n: number) => void): Promise<readonly Live[]> {
  const socket = await openTls(port, 'h2')
  const session = http2.connect('https://a.test', { createConnection: () => socket })
  await once(session, 'remoteSettings')
  watch(session, 'HTTP/2', lost)
  const long = session.request({ ':path': '/http/long' })
  watch(long, 'long answer', lost)
  let pieces = ''
  long.on('data', (bytes: Buffer) => {
    pieces += String(bytes)
  })
  await once(long, 'response')
  const answers: string[] = []
  const send = (n: number): void => {
    const stream = session.request({ ':path': `/http/${n}` })
    answers[n] = ''
    stream.on('response', (fields) => {
      if (fields[':status'] !== 200) lost('HTTP/2 request', fields[':status'])
    })
    stream.on('data', (bytes: Buffer) => {
      answers[n] += String(bytes)
    })
    stream.on('error', (error) => lost('HTTP/2 request', error))
  }
  return [
    { name: 'HTTP/2', send, echoed: () => answers.join(''), close: () => session.destroy() },
    { name: 'long answer', send: tell, echoed: () => pieces, close: () => {} },
  ]
}

async function startHttpEcho(t: TestContext) {
  const long = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    if (request.url === '/http/long') {
      long.add(response)
      response.on('close', () => long.delete(response))
      response.flushHeaders()
    } else response.end(`${request.url?.slice('/http/'.length)};`)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { node: `127.0.0.1:${(server.address() as { port: number }).port}`, long }
}

async function startUdpEcho(t: TestContext): Promise<{ node: string }> {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, peer) => socket.send(bytes, peer.port, peer.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { node: `127.0.0.1:${socket.address().port}` }
}

/** Its id, its scheme and the two that it may lead to. */
type NamedUpstream = readonly [string, string, readonly { readonly node: string }[]]

/** Changes, each of which makes something different from what it was: weights, endpoints, routes and stream routes. */
class Changes {
  readonly #gateway: GatewayProcess
  readonly #upstreams: readonly NamedUpstream[]
  /** Routes that are there and may go again. */
  readonly #added: string[] = []
  readonly faults: string[] = []
  readonly made = { weights: 0, endpoints: 0, added: 0, removed: 0 }

  constructor(gateway: GatewayProcess, upstreams: readonly NamedUpstream[]) {
    this.#gateway = gateway
    this.#upstreams = upstreams
  }

  async make(n: number): Promise<void> {
    const [id, scheme, nodes] = this.#upstreams[(n >> 2) % this.#upstreams.length] as NamedUpstream
    const round = Math.floor(n / 4 / this.#upstreams.length)
    const [first, second] = nodes.map(({ node }) => node) as [string, string]
    if (n % 4 === 0) {
      this.made.weights++
      return this.#put(`upstreams/${id}`, { scheme, nodes: { [first]: 2 + round, [second]: 1 } })
    }
    if (n % 4 === 1) {
      // one of them goes, then the other; each comes back with the next change of weights
      this.made.endpoints++
      return this.#put(`upstreams/${id}`, { scheme, nodes: { [round % 2 === 0 ? first : second]: 1 } })
    }
    const gone = n % 4 === 3 ? this.#added.shift() : undefined
    if (gone !== undefined) {
      this.made.removed++
      return this.#expect(`DELETE ${gone}`, await this.#gateway.admin('DELETE', `/apisix/admin/${gone}`))
    }
    this.made.added++
    const isStream = (n >> 2) % 2 === 0
    const path = `${isStream ? 'stream_routes' : 'routes'}/more-${n}`
    // in the way of nothing
    const route = isStream ? { remote_addr: `10.0.0.${n}` } : { uri: `/more/${n}` }
    await this.#put(path, { ...route, upstream_id: isStream ? 'tcp' : 'http' })
    this.#added.push(path)
  }

  async #put(path: string, value: object): Promise<void> {
    this.#expect(`PUT ${path}`, await this.#gateway.admin('PUT', `/apisix/admin/${path}`, value))
  }

  #expect(what: string, { status, text }: { status: number; text: string }): void {
    if (status >= 300 || /warning/.test(text)) this.faults.push(`${what}: ${status} ${text}`)
  }
}

async function revisionOf(gateway: GatewayProcess): Promise<number> {
  const { json } = await gateway.admin('GET', '/headgate/v1/status')
  return (json as { revision: number }).revision
}

async function setUp(t: TestContext) {
  const [secure, tcp, tcpTls, udp] = (await findFreePorts(4)) as [number, number, number, number]
  const at = (port: number): string => `127.0.0.1:${port}`
  const listeners = [
    '--listen-tls',
    at(secure),
    '--listen-tcp',
    at(tcp),
    '--listen-tcp',
    `tls://${at(tcpTls)}`,
  ]
  const gateway = await startGateway(['--workers', '2', ...listeners, '--listen-udp', at(udp)])
  t.after(() => gateway.stop('SIGKILL'))
  const two = async <T>(start: () => Promise<T>): Promise<[T, T]> => [await start(), await start()]
  const http = await two(() => startHttpEcho(t))
  const upstreams = [
    ['tcp', 'tcp', await two(() => startTcpEcho(t))],
    ['udp', 'udp', await two(() => startUdpEcho(t))],
    ['http', 'http', http],
    ['ws', 'http', await two(() => startUpgradeEcho(t))],
    ['grpc', 'grpc', await two(() => startGrpcServer(t, 'a'))],
  ] as const
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  for (const [id, scheme, nodes] of upstreams)
    await put(`upstreams/${id}`, { scheme, nodes: Object.fromEntries(nodes.map(({ node }) => [node, 1])) })
  const pair = makeCertificate(t, ['a.test'])
  await put('ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  await put('routes/http', { uri: '/http/*', upstream_id: 'http' })
  await put('routes/ws', { uri: '/ws', upstream_id: 'ws', enable_websocket: true })
  await put('routes/grpc', { uri: '/echo.Echo/*', upstream_id: 'grpc' })
  await put('stream_routes/tcp', { server_port: tcp, upstream_id: 'tcp' })
  await put('stream_routes/tls', { server_port: tcpTls, sni: 'a.test', upstream_id: 'tcp' })
  await put('stream_routes/udp', { server_port: udp, upstream_id: 'udp' })
  const ports: Ports = { plain: gateway.port, secure, tcp, tcpTls, udp }
  return { gateway, ports, upstreams, http }
}

async function openAll(ports: Ports, lost: Lost, tell: (n: number) => void): Promise<Live[]> {
  const live: Live[] = []
  for (let i = 0; i < STREAMS; i++)
    live.push(
      await openTcp(ports.tcp, lost),
      liveSocket('TLS', await openTls(ports.tcpTls), lost),
      openUdp(ports.udp, lost),
      await openWebSocket(ports.plain, lost),
      await openWebSocketOverHttp2(ports.plain, lost),
      await openChat(ports.plain, lost),
      await openKeptHttp1(ports.secure, lost),
      // one tells them all
      ...(await openHttp2(ports.secure, lost, i === 0 ? tell : () => {})),
    )
  return live
}

test('a configuration change every 50 ms drops no stream of any protocol', {
  skip: skipWithout('openssl'),
  timeout: 60_000,
}, async (t) => {
  const { gateway, ports, upstreams, http } = await setUp(t)
  const losses: string[] = []
  let isOver = false
  const lost: Lost = (name, why) => {
    if (!isOver) losses.push(`${name}: ${why instanceof Error ? why.message : why}`)
  }
  const live = await openAll(ports, lost, (n) => {
    for (const { long } of http) for (const response of long) response.write(`${n};`)
  })
  t.after(() => {
    isOver = true
    for (const { close } of live) close()
  })
  let expected = ''
  let sent = 0
  const sendAll = (): void => {
    for (const { send } of live) send(sent)
    expected += `${sent++};`
  }
  const late = (): string[] => live.filter(({ echoed }) => echoed() !== expected).map(({ name }) => name)
  /** What went wrong; empty where every message has come back and nothing ended. */
  const settled = async (): Promise<string[]> => {
    const wait = waitFor('all', () => (late().length === 0 || losses.length > 0 ? true : undefined))
    await wait.catch(() => losses.push(`no echo: ${late().join(', ')}`))
    return losses
  }
  // all of them stand before anything changes
  sendAll()
  assert.deepEqual(await settled(), [])

  const changes = new Changes(gateway, upstreams)
  const before = await revisionOf(gateway)
  const begin = performance.now()
  const answers: Promise<void>[] = []
  for (let n = 0; n < CHANGES; n++) {
    const due = begin + n * EVERY_MS
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    answers.push(changes.make(n))
    sendAll()
  }
  await Promise.all(answers)
  sendAll()
  assert.deepEqual(await settled(), [])
  assert.deepEqual(changes.faults, [])
  assert.equal((await revisionOf(gateway)) - before, CHANGES)
  const { weights, endpoints, added, removed } = changes.made
  assert.deepEqual([weights, endpoints, added + removed], [CHANGES / 4, CHANGES / 4, CHANGES / 2])
  assert.ok(removed > 0)
})
