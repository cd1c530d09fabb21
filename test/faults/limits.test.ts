import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawAnswer, type RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'
import { MIB, readGauge, waitForRest } from './support.ts'

/** The rows of reliability.md section 4 that HTTP/1.1 meets, with small numbers. */

const LIMITS = {
  maxTargetBytes: 200,
  maxHeadBytes: 1000,
  maxFields: 12,
  maxTrailerBytes: 256,
  maxTrailerFields: 3,
  maxResponseHeadBytes: 2000,
  maxResponseFields: 12,
  maxBodyBytes: 50_000_000,
  headerTimeoutMs: 600,
  keepAliveMs: 500,
  maxRequestsPerConnection: 5,
  bodyIdleMs: 500,
  minBodyRate: 1000,
  bodyRateGraceMs: 800,
  writeStallMs: 700,
  drainBytes: 20_000,
  drainMs: 400,
  maxInterimAnswers: 4,
}

let gateway: GatewayProcess
let backend: Backend
const folder = mkdtempSync(join(tmpdir(), 'headgate-limits-'))
let files = 0

function settingsFile(settings: object): string {
  const file = join(folder, `settings-${files++}.json`)
  writeFileSync(file, JSON.stringify(settings))
  return file
}

before(async () => {
  backend = await startBackend('ok')
  gateway = await startGateway(['--workers', '1', '--settings', settingsFile({ limits: LIMITS })])
  await route(backend.node)
})
after(async () => {
  await gateway.stop()
  await backend.close()
  rmSync(folder, { recursive: true, force: true })
})

async function route(node: string, more: object = {}, to = gateway): Promise<void> {
  const answer = await to.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [node]: 1 }, retries: 0, ...more },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** Sends and expects a refusal behind which the connection closes. */
async function expectRefusal(bytes: string, status: number, code: string): Promise<void> {
  const seen = backend.requests.length
  const client = await connectRaw(gateway.port)
  await client.write(bytes).catch(() => {})
  const answer = await client.readAnswer()
  assert.equal(answer.status, status)
  assert.equal(answer.field('x-headgate-error'), code)
  assert.equal(answer.field('connection'), 'close')
  await client.expectClosed()
  client.close()
  assert.equal(backend.requests.length, seen, 'something reached the backend')
}

async function timed<T>(action: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now()
  return [await action(), performance.now() - start]
}

const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n\r\n`
const SIMPLE = lines('GET / HTTP/1.1', 'Host: a')

test('a target at the limit passes, one byte more is 414', async () => {
  const client = await connectRaw(gateway.port)
  const target = `/${'t'.repeat(LIMITS.maxTargetBytes - 1)}`
  assert.equal((await client.exchange(lines(`GET ${target} HTTP/1.1`, 'Host: a'))).status, 200)
  client.close()
  await expectRefusal(lines(`GET ${target}t HTTP/1.1`, 'Host: a'), 414, 'TARGET_TOO_LONG')
})

test('a head at the limit passes, one byte more is 431, also when it comes byte by byte', async () => {
  const head = (size: number) => {
    const bare = lines('GET / HTTP/1.1', 'Host: a', 'X: ')
    return lines('GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(size - bare.length)}`)
  }
  const client = await connectRaw(gateway.port)
  assert.equal((await client.exchange(head(LIMITS.maxHeadBytes))).status, 200)
  await client.writeSplit(head(LIMITS.maxHeadBytes), 1)
  assert.equal((await client.readAnswer()).status, 200)
  client.close()
  await expectRefusal(head(LIMITS.maxHeadBytes + 1), 431, 'HEAD_TOO_LARGE')
  await expectRefusal(head(200_000), 431, 'HEAD_TOO_LARGE')
})

test('as many fields as allowed pass, one more is 431', async () => {
  const fields = (count: number) => Array.from({ length: count - 1 }, (_, i) => `x${i}: ${i}`)
  const client = await connectRaw(gateway.port)
  const full = lines('GET / HTTP/1.1', 'Host: a', ...fields(LIMITS.maxFields))
  assert.equal((await client.exchange(full)).status, 200)
  client.close()
  await expectRefusal(
    lines('GET / HTTP/1.1', 'Host: a', ...fields(LIMITS.maxFields + 1)),
    431,
    'HEAD_TOO_LARGE',
  )
})

test('a trailer section beyond its limits is 400', async () => {
  const chunked = (trailers: string) =>
    `${lines('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Trailer: t')}1\r\nx\r\n0\r\n${trailers}\r\n`
  const client = await connectRaw(gateway.port)
  assert.equal((await client.exchange(chunked('a: 1\r\nb: 2\r\nc: 3\r\n'))).status, 200)
  client.close()
  await expectRefusal(chunked('a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n'), 400, 'BAD_TRAILER')
  await expectRefusal(chunked(`a: ${'x'.repeat(300)}\r\n`), 400, 'BAD_TRAILER')
})

test('a head that does not come in time is 408, whether nothing came or a part', async () => {
  for (const part of ['', 'GET / HT', 'GET / HTTP/1.1\r\nHost: a\r\nX']) {
    const [, ms] = await timed(() => expectRefusal(part, 408, 'REQUEST_TIMEOUT_HEAD'))
    assert.ok(ms >= LIMITS.headerTimeoutMs - 20 && ms < LIMITS.headerTimeoutMs + 1500, `after ${ms} ms`)
  }
})

test('a head that trickles in does not move its deadline', async () => {
  const client = await connectRaw(gateway.port)
  const start = performance.now()
  let open = true
  client.socket.once('close', () => {
    open = false
  })
  const reading = client.readAnswer()
  for (const byte of lines('GET / HTTP/1.1', 'Host: a', 'X-Long: aaaaaaaaaaaaaaaaaaaaaaaaa')) {
    if (!open || performance.now() - start > 3000) break
    await client.write(byte).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.equal((await reading).status, 408)
  client.close()
})

test('an idle connection closes without a word, and only after its last request', async () => {
  const client = await connectRaw(gateway.port)
  await client.exchange(SIMPLE)
  const [, ms] = await timed(() => client.expectClosed())
  assert.ok(ms >= LIMITS.keepAliveMs - 20 && ms < LIMITS.keepAliveMs + 1500, `after ${ms} ms`)
  client.close()
})

test('the last request that a connection may make says so', async () => {
  const client = await connectRaw(gateway.port)
  for (let i = 1; i < LIMITS.maxRequestsPerConnection; i++) {
    assert.equal((await client.exchange(SIMPLE)).field('connection'), undefined)
  }
  assert.equal((await client.exchange(SIMPLE)).field('connection'), 'close')
  await client.expectClosed()
  client.close()
})

test('a body that stops coming is 408', async () => {
  for (const head of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
    const [, ms] = await timed(() =>
      expectRefusal(
        `${lines('POST / HTTP/1.1', 'Host: a', head)}${head.startsWith('C') ? 'abc' : '3\r\nabc\r\n'}`,
        408,
        'REQUEST_TIMEOUT_BODY',
      ),
    )
    assert.ok(ms >= LIMITS.bodyIdleMs - 20 && ms < LIMITS.bodyIdleMs + 1500, `after ${ms} ms`)
  }
})

test('a body that comes too slowly is 408 after the grace time', async () => {
  const client = await connectRaw(gateway.port)
  const start = performance.now()
  await client.write(lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 100000'))
  const trickle = setInterval(() => client.socket.write('x'), 100)
  const answer = await client.readAnswer()
  clearInterval(trickle)
  assert.equal(answer.status, 408)
  assert.equal(answer.field('x-headgate-error'), 'REQUEST_TIMEOUT_BODY')
  assert.ok(performance.now() - start >= LIMITS.bodyRateGraceMs)
  client.close()
})

test('a body above the limit is 413 before any backend hears of it; chunked, when it gets there', async () => {
  const small = await startGateway([
    '--workers',
    '1',
    '--settings',
    settingsFile({ limits: { maxBodyBytes: 1000 } }),
  ])
  await route(backend.node, {}, small)
  const seen = backend.requests.length
  const accepted = backend.connections.accepted
  const declared = await connectRaw(small.port)
  await declared.write(lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1001', 'Expect: 100-continue'))
  const refused = await declared.readAnswer()
  assert.equal(refused.status, 413)
  assert.equal(refused.interim.length, 0)
  assert.equal(refused.field('x-headgate-error'), 'BODY_TOO_LARGE')
  await declared.expectClosed()
  declared.close()
  assert.equal(backend.connections.accepted, accepted)
  const chunked = await connectRaw(small.port)
  await chunked.write(lines('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'))
  for (let i = 0; i < 11; i++) await chunked.write(`64\r\n${'x'.repeat(100)}\r\n`)
  const cut = await chunked.readAnswer()
  assert.equal(cut.status, 413)
  await chunked.expectClosed()
  chunked.close()
  const fits = await connectRaw(small.port)
  const body = 'x'.repeat(1000)
  const sized = await fits.exchange(`${lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1000')}${body}`)
  assert.equal(sized.status, 200)
  fits.close()
  assert.equal(backend.requests.length, seen + 1)
  await small.stop()
})

test('a client that reads nothing is cut when its answer stands still, a slow but steady one is not', async () => {
  const big = 20 * MIB
  backend.answer = (_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${big}\r\n\r\n`)
    return Buffer.alloc(big, 'x')
  }
  const stuck = await connectRaw(gateway.port)
  stuck.socket.pause()
  await stuck.write(SIMPLE)
  await waitForRest(gateway, 10_000) // the gateway has let go of it
  stuck.close()
  const steady = await connectRaw(gateway.port)
  await steady.write(SIMPLE)
  const start = performance.now()
  const pacer = setInterval(() => {
    steady.socket.pause()
    setTimeout(() => steady.socket.resume(), 240)
  }, 250)
  const answer = await steady.readAnswer({ timeoutMs: 60_000 })
  clearInterval(pacer)
  assert.equal(answer.body.length, big)
  console.log(`steady reader of ${big} bytes: ${Math.round(performance.now() - start)} ms`)
  steady.close()
  backend.answer = () => answerText('ok')
})

test('an answer whose head is too large or has too many fields is 502', async () => {
  const client = await connectRaw(gateway.port)
  const answers: [string, number][] = [
    [lines('HTTP/1.1 200 OK', 'Content-Length: 0', `X: ${'x'.repeat(1900)}`), 200],
    [lines('HTTP/1.1 200 OK', 'Content-Length: 0', `X: ${'x'.repeat(2000)}`), 502],
    [lines('HTTP/1.1 200 OK', 'Content-Length: 0', ...Array.from({ length: 11 }, (_, i) => `x${i}: 1`)), 200],
    [lines('HTTP/1.1 200 OK', 'Content-Length: 0', ...Array.from({ length: 12 }, (_, i) => `x${i}: 1`)), 502],
  ]
  for (const [bytes, status] of answers) {
    backend.answer = () => bytes
    const answer = await client.exchange(SIMPLE)
    assert.equal(answer.status, status)
    if (status === 502) assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_BAD_ANSWER')
  }
  backend.answer = () => answerText('ok')
  client.close()
})

test('so many interim answers are relayed, one more is 502', async () => {
  for (const [count, status] of [
    [LIMITS.maxInterimAnswers, 200],
    [LIMITS.maxInterimAnswers + 1, 502],
  ] as const) {
    backend.answer = () => 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(count) + answerText('ok')
    const client = await connectRaw(gateway.port)
    const answer = await client.exchange(SIMPLE)
    assert.equal(answer.status, status)
    assert.equal(answer.interim.length, LIMITS.maxInterimAnswers)
    client.close()
  }
  backend.answer = () => answerText('ok')
})

/** A POST whose answer comes at once, while its body is still to come. */
async function answeredEarly(length: number): Promise<[RawClient, RawAnswer]> {
  const client = await connectRaw(gateway.port)
  await client.write(lines('POST / HTTP/1.1', 'Host: a', `Content-Length: ${length}`))
  return [client, await client.readAnswer()]
}

test('after an early answer the rest of the body is drained within its limits', async () => {
  const early = await startRawBackend((socket) => {
    socket.once('data', () => socket.write(answerText('early')))
  })
  await route(early.node)
  // fits: drained, and the next request is served
  const [kept, first] = await answeredEarly(LIMITS.drainBytes)
  assert.equal(first.field('connection'), undefined)
  // the next request in the same segment does not count as body
  assert.equal((await kept.exchange('x'.repeat(LIMITS.drainBytes) + SIMPLE, { method: 'GET' })).status, 200)
  kept.close()
  // too long: said so at once
  const [closed, second] = await answeredEarly(LIMITS.drainBytes + 1)
  assert.equal(second.field('connection'), 'close')
  await closed.expectClosed()
  closed.close()
  // fits, but does not come
  const [late] = await answeredEarly(LIMITS.drainBytes)
  const [, ms] = await timed(() => late.expectClosed())
  assert.ok(ms >= LIMITS.drainMs - 20 && ms < LIMITS.drainMs + 1500, `after ${ms} ms`)
  late.close()
  await early.close()
  await route(backend.node)
})

test('connections beyond those of the process, and of one address, are closed at accept and counted', async () => {
  const few = await startGateway([
    '--workers',
    '1',
    '--settings',
    settingsFile({ limits: { maxConnections: 8, maxConnectionsPerAddress: 3 } }),
  ])
  await route(backend.node, {}, few)
  const open: RawClient[] = []
  const connectFrom = async (localAddress: string, isTaken: boolean) => {
    const client = await connectRaw(few.port, { localAddress })
    if (isTaken) {
      assert.equal((await client.exchange(SIMPLE)).status, 200)
      open.push(client)
    } else {
      await client.expectClosed()
      client.close()
    }
  }
  for (const address of ['127.0.0.21', '127.0.0.22']) {
    for (let i = 0; i < 3; i++) await connectFrom(address, true)
    await connectFrom(address, false)
  }
  for (let i = 0; i < 2; i++) await connectFrom('127.0.0.23', true)
  await connectFrom('127.0.0.24', false)
  assert.equal(await readGauge(few, 'headgate_connections_refused_total'), 3)
  // one that goes makes room
  open.pop()?.close()
  await waitFor('room', async () => ((await readGauge(few, 'headgate_connections')) === 7 ? true : undefined))
  await connectFrom('127.0.0.21', false)
  await connectFrom('127.0.0.24', true)
  for (const client of open) client.close()
  await few.stop()
})

test('a node that does not take the connection costs its connect timeout: 504', async () => {
  // a listener whose backlog is full answers no handshake
  const held: Socket[] = []
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const server = createServer()
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
     })`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  for (let i = 0; i < 4; i++) held.push(connect(port, '127.0.0.1').on('error', () => {}))
  await waitFor('the backlog to be full', () =>
    held.filter((socket) => !socket.connecting).length >= 2 ? true : undefined,
  )
  await route(`127.0.0.1:${port}`, { timeout: { connect: 0.4, send: 5, read: 5 } })
  const client = await connectRaw(gateway.port)
  const [answer, ms] = await timed(() => client.exchange(SIMPLE))
  client.close()
  assert.equal(answer.status, 504)
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_CONNECT_TIMEOUT')
  assert.ok(ms >= 380 && ms < 2000, `after ${ms} ms`)
  for (const socket of held) socket.destroy()
  await worker.terminate()
  await route(backend.node)
})

test('a limit that was hit is counted under its name', async () => {
  const { text } = await gateway.status('/metrics')
  for (const code of [
    'TARGET_TOO_LONG',
    'HEAD_TOO_LARGE',
    'REQUEST_TIMEOUT_HEAD',
    'REQUEST_TIMEOUT_BODY',
    'UPSTREAM_BAD_ANSWER',
  ]) {
    assert.match(text, new RegExp(`^headgate_errors_total\\{[^}]*${code}[^}]*\\} [1-9]`, 'm'))
  }
  await waitForRest(gateway)
  const limits = Object.keys(LIMITS).length + 3
  console.log(`limits: ${limits} settings with small numbers enforced`)
})
