import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { block, FrameClient, frame, TYPE } from '../support/frames.ts'
import type { GatewayProcess } from '../support/gateway.ts'
import { startGrpcServer } from '../support/grpc-server.ts'
import { expectNothingLeft } from '../support/leftovers.ts'
import { findFreePorts, skipWithout } from '../support/tools.ts'
import { KEY } from '../support/upgrades.ts'
import { startInspected } from '../support/worker-heaps.ts'

/** Input that is none, by the ten thousand: each gets the answer that it should, and nothing stays behind. */

/** How a client goes on after its bytes: it waits, or sends FIN or RST. */
type Manner = 'waits' | 'ends' | 'resets'

/** One kind of garbage. `answer`: what must have come when the connection ends; null: nothing can be heard any more. */
interface Garbage {
  readonly name: string
  readonly bytes: (n: number) => Buffer | string
  readonly manner: Manner
  readonly answer: RegExp | null
}

async function setUp(t: TestContext, flags: readonly string[] = []) {
  const gateway = await startInspected(['--workers', '1', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  return { gateway, put }
}

/** Sends one and gives what came back until the connection ended. */
function send(port: number, { bytes, manner }: Garbage, n: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => {}) // a reset is an end too
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
    socket.write(bytes(n), () => {
      if (manner === 'ends') socket.end()
      if (manner === 'resets') socket.resetAndDestroy()
    })
  })
}

/** Garbage of all kinds in turn; at several ports, at one after the other. */
async function attack(
  gateway: GatewayProcess,
  ports: readonly number[],
  kinds: readonly Garbage[],
): Promise<void> {
  const once = async (n: number): Promise<void> => {
    const garbage = kinds[n % kinds.length] as Garbage
    const port = ports[Math.floor(n / kinds.length) % ports.length] as number
    const answer = await send(port, garbage, n)
    if (garbage.answer !== null) assert.match(answer, garbage.answer, garbage.name)
  }
  await expectNothingLeft(gateway, once)
}

/** A fatal alert of TLS and nothing else. */
const alert = (code: number): RegExp =>
  new RegExp(`^\\x15\\x03[\\x01-\\x03]\\x00\\x02\\x02\\x${code.toString(16).padStart(2, '0')}$`)
const NOTHING = /^$/
const NOTHING_OR_ALERT = /^(?:\x15\x03[\x00-\x03]\x00\x02\x02.)?$/s
/** A record of TLS with a handshake message in it. */
const record = (type: number, body: readonly number[]): Buffer =>
  Buffer.from([22, 3, 1, 0, 4 + body.length, type, 0, 0, body.length, ...body])
const RANDOM = [...Array(32).keys()]

/** Bytes that differ from one `n` to the next and are the same in each run. Some happen to look like the beginning of a record. */
function noise(n: number): Buffer {
  const bytes = Buffer.alloc(64 + (n % 64))
  let state = n + 1
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 24
  }
  bytes[0] = 128 + (n % 64)
  return bytes
}

const NO_HANDSHAKES: readonly Garbage[] = [
  // illegal lengths, an unknown message, a cipher that nobody has, a record that is too long
  { name: 'a cut hello', bytes: (n) => record(1, [1, 2, 3, n % 256, 5]), manner: 'waits', answer: alert(50) },
  { name: 'no hello', bytes: (n) => record(9, [n % 256]), manner: 'waits', answer: alert(10) },
  {
    name: 'no cipher',
    bytes: () => record(1, [3, 3, ...RANDOM, 0, 0, 2, 0xaa, 0xaa, 1, 0]),
    manner: 'waits',
    answer: alert(40),
  },
  {
    name: 'a long record',
    bytes: (n) => Buffer.from([22, 3, 1, 255, 255, n % 256]),
    manner: 'waits',
    answer: alert(22),
  },
  {
    name: 'plain HTTP',
    bytes: (n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
    manner: 'waits',
    answer: NOTHING,
  },
  { name: 'noise', bytes: noise, manner: 'ends', answer: NOTHING_OR_ALERT },
  {
    name: 'half a hello',
    bytes: () => record(1, [3, 3, ...RANDOM]).subarray(0, 20),
    manner: 'ends',
    answer: NOTHING,
  },
  {
    name: 'half a hello, reset',
    bytes: () => record(1, [3, 3, ...RANDOM]).subarray(0, 20),
    manner: 'resets',
    answer: null,
  },
]

test('ten thousand handshakes of TLS that are none leave nothing behind, where requests and where streams come in', {
  skip: skipWithout('openssl'),
  timeout: 90_000,
}, async (t) => {
  const [web, stream] = (await findFreePorts(2)) as [number, number]
  const listeners = ['--listen-tls', `127.0.0.1:${web}`, '--listen-tcp', `tls://127.0.0.1:${stream}`]
  const { gateway, put } = await setUp(t, listeners)
  const pair = makeCertificate(t, ['a.test'])
  await put('ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  await attack(gateway, [web, stream], NO_HANDSHAKES)
  const options = { host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false }
  for (const port of [web, stream]) {
    const good = tls.connect({ port, ...options })
    await once(good, 'secureConnect')
    good.destroy()
  }
})

const upgrade = (lines: readonly string[], method = 'GET'): string =>
  [`${method} /chat HTTP/1.1`, 'Host: a', 'Upgrade: websocket', ...lines, '', ''].join('\r\n')
const VERSION = 'Sec-WebSocket-Version: 13'
const refusal = (status: number): RegExp => new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close\r\n`, 'i')

const NO_UPGRADES: readonly Garbage[] = [
  {
    name: 'no key',
    bytes: () => upgrade(['Connection: Upgrade, close', VERSION]),
    manner: 'waits',
    answer: refusal(400),
  },
  {
    name: 'a bad key',
    bytes: (n) => upgrade(['Connection: Upgrade, close', VERSION, `Sec-WebSocket-Key: ${n}`]),
    manner: 'waits',
    answer: refusal(400),
  },
  {
    name: 'another method',
    bytes: () => upgrade(['Connection: Upgrade, close', VERSION, `Sec-WebSocket-Key: ${KEY}`], 'POST'),
    manner: 'waits',
    answer: refusal(400),
  },
  {
    name: 'another version',
    bytes: () =>
      upgrade(['Connection: Upgrade, close', 'Sec-WebSocket-Version: 8', `Sec-WebSocket-Key: ${KEY}`]),
    manner: 'waits',
    answer: refusal(426),
  },
  // an ordinary request then
  {
    name: 'no Connection: upgrade',
    bytes: () => upgrade(['Connection: close', VERSION, `Sec-WebSocket-Key: ${KEY}`]),
    manner: 'waits',
    answer: refusal(200),
  },
  {
    name: 'half a handshake',
    bytes: () => upgrade(['Connection: Upgrade']).slice(0, -9),
    manner: 'ends',
    answer: NOTHING,
  },
  {
    name: 'half a handshake, reset',
    bytes: () => upgrade(['Connection: Upgrade']).slice(0, -9),
    manner: 'resets',
    answer: null,
  },
]

test('ten thousand handshakes of WebSocket that are none leave nothing behind', {
  timeout: 90_000,
}, async (t) => {
  const { gateway, put } = await setUp(t)
  const backend = await startBackend('plain')
  t.after(() => backend.close())
  await put('routes/1', { uri: '/*', enable_websocket: true, upstream: { nodes: { [backend.node]: 1 } } })
  await attack(gateway, [gateway.port], NO_UPGRADES)
  assert.ok(backend.requests.every((request) => request.field('upgrade') === undefined))
})

const call = (contentType = 'application/grpc', path = '/echo.Echo/Unary'): Buffer =>
  block([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
    ['content-type', contentType],
    ['te', 'trailers'],
  ])
const message = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)])

interface BadCall {
  readonly name: string
  readonly frames: (n: number) => readonly Buffer[]
  /** The code of GOAWAY; part of the answer's last header block; 'reset': the client ends it, nothing comes. */
  readonly answer: number | string
}

const BAD_CALLS: readonly BadCall[] = [
  { name: 'an even stream', frames: () => [frame(TYPE.HEADERS, 4, 2, call())], answer: 1 },
  {
    name: 'no HPACK',
    frames: (n) => [frame(TYPE.HEADERS, 4, 1, Buffer.from([255, 255, 255, 255, 255, 255, n % 256]))],
    answer: 9,
  },
  {
    name: 'a frame too large',
    frames: (n) => [Buffer.from([255, 255, n % 256, 0, 0, 0, 0, 0, 1])],
    answer: 6,
  },
  { name: 'DATA of no stream', frames: () => [frame(TYPE.DATA, 0, 0, 'x')], answer: 1 },
  {
    name: 'no gRPC',
    frames: () => [frame(TYPE.HEADERS, 4, 1, call('text/plain')), frame(TYPE.DATA, 1, 1, 'hello')],
    answer: '415',
  },
  {
    name: 'no message',
    frames: () => [frame(TYPE.HEADERS, 4, 1, call()), frame(TYPE.DATA, 1, 1, 'nonsense')],
    answer: 'grpc-status\u00018',
  },
  {
    name: 'half a message',
    frames: () => [frame(TYPE.HEADERS, 4, 1, call()), frame(TYPE.DATA, 1, 1, message('half').subarray(0, 6))],
    answer: 'grpc-status\u000212',
  },
  {
    name: 'no such method',
    frames: () => [
      frame(TYPE.HEADERS, 4, 1, call(undefined, '/echo.Echo/Nothing')),
      frame(TYPE.DATA, 1, 1, message('x')),
    ],
    answer: 'grpc-status\u000212',
  },
  {
    name: 'a call that is reset',
    frames: () => [
      frame(TYPE.HEADERS, 4, 1, call()),
      frame(TYPE.DATA, 1, 1, message('hang')),
      frame(TYPE.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])),
    ],
    answer: 'reset',
  },
]

async function badCall(port: number, { name, frames, answer }: BadCall, n: number): Promise<void> {
  const client = await FrameClient.open(port)
  client.write(...frames(n))
  if (answer === 'reset') {
    // what is before it has been taken when this is answered
    client.write(frame(TYPE.PING, 0, 0, Buffer.alloc(8)))
    await client.wait(({ type, flags }) => type === TYPE.PING && flags === 1)
    assert.ok(
      client.frames.every(({ stream }) => stream === 0),
      name,
    )
  } else if (typeof answer === 'number') assert.equal(await client.goaway(), answer, name)
  else {
    const last = await client.wait(({ type, flags }) => type === TYPE.HEADERS && (flags & 1) === 1)
    assert.ok(
      last?.payload.toString('latin1').includes(answer),
      `${name}: ${last?.payload.toString('latin1')}`,
    )
  }
  const closed = once(client.socket, 'close')
  if (answer === 'reset') client.socket.resetAndDestroy()
  else client.close()
  await closed
}

test('ten thousand calls of gRPC that are none leave nothing behind', { timeout: 90_000 }, async (t) => {
  const { gateway, put } = await setUp(t)
  const server = await startGrpcServer(t, 'a')
  await put('routes/1', { uri: '/echo.Echo/*', upstream: { scheme: 'grpc', nodes: { [server.node]: 1 } } })
  await expectNothingLeft(gateway, (n) =>
    badCall(gateway.port, BAD_CALLS[n % BAD_CALLS.length] as BadCall, n),
  )
})
