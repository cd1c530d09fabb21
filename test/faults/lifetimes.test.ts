import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'
import { MIB, readGauge, readQueues, readRss, waitForRest, waitForStill } from './support.ts'

/** When connections, deadlines and buffers begin and end: each test here is a way in which one of them outlived its request, or did not. */

const DRAIN_MS = 100

let gateway: GatewayProcess
let backend: Backend
const folder = mkdtempSync(join(tmpdir(), 'headgate-lifetimes-'))

before(async () => {
  backend = await startBackend()
  const settings = join(folder, 'settings.json')
  writeFileSync(
    settings,
    JSON.stringify({ limits: { drainMs: DRAIN_MS, maxRequestsPerConnection: 1_000_000 } }),
  )
  gateway = await startGateway(['--workers', '1', '--settings', settings])
})
after(async () => {
  await gateway.stop()
  await backend.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  backend.answer = () => answerText('ok')
  backend.requests.length = 0
})

async function route(more: object, uri = '/*'): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', { uri, ...more })
  assert.ok(answer.status < 300, answer.text)
}
const toBackend = (more: object = {}) => route({ upstream: { nodes: { [backend.node]: 1 }, ...more } })

/**
 * Answers of many sizes to clients that read nothing at first: for some of them the last bytes find the system's buffers full, wherever
 * that is on this machine. `last` is sent behind each.
 */
async function readLate(last: string): Promise<void> {
  backend.answer = (request, socket) => {
    if (request.target === '/small') return answerText('small')
    const size = Number(request.target.slice(1))
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
    return Buffer.alloc(size, 'x')
  }
  await toBackend({ timeout: { connect: 5, send: 20, read: 20 } })
  const sizes = Array.from({ length: 120 }, (_, i) => Math.round((1.2 + i * 0.03) * MIB))
  const clients = await Promise.all(
    sizes.map(async (size) => {
      const client = await connectRaw(gateway.port)
      client.socket.pause()
      await client.write(`GET /${size} HTTP/1.1\r\nHost: a\r\n${last}\r\n`)
      return client
    }),
  )
  await waitFor('the endpoint to answer', () => (backend.requests.length === sizes.length ? true : undefined))
  // several times as long as a connection that ends is drained
  assert.ok((await waitForStill('the answers', () => readQueues(gateway.port), 5 * DRAIN_MS)) > 0)
  await Promise.all(
    clients.map(async (client, i) => {
      const size = sizes[i]
      client.socket.resume()
      const answer = await client.readAnswer({ timeoutMs: 30_000 })
      assert.equal(answer.status, 200, answer.raw.slice(0, 300))
      assert.equal(answer.body.length, size)
      if (last === '') {
        const next = await client.exchange('GET /small HTTP/1.1\r\nHost: a\r\n\r\n')
        assert.equal(next.body, 'small')
      } else await client.expectClosed()
      client.close()
    }),
  )
}

test('a connection whose last bytes waited for a slow client serves the next request', async () => {
  await readLate('')
})

test('a slow reader gets the whole of the last answer on its connection, however long it takes', async () => {
  await readLate('Connection: close\r\n')
})

test('a client that pipelines without reading is not answered into memory', async () => {
  await route({ upstream: { nodes: { [backend.node]: 1 } } }, '/there')
  const count = 120_000
  const before = await readGauge(gateway, 'headgate_requests_total')
  const client = await connectRaw(gateway.port)
  client.socket.pause()
  client.socket.write('GET /not HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count), 'latin1')
  const countTaken = async () => (await readGauge(gateway, 'headgate_requests_total')) - before
  await waitFor('the first request to be taken', async () => ((await countTaken()) > 0 ? true : undefined))
  const taken = await waitForStill('the requests that are taken', countTaken, 300)
  assert.ok(taken < count, `all ${count} requests were answered to a client that reads nothing`)
  client.socket.resume()
  for (let i = 0; i < count; i++) assert.equal((await client.readAnswer()).status, 404)
  client.close()
})

test('a kept connection that breaks under a streamed PUT never delivers a body with a hole', async () => {
  const bodies: string[] = []
  let reset: () => void = () => {}
  backend.answer = (request, socket) => {
    if (request.method === 'PUT') bodies.push(request.body)
    reset = () => socket.resetAndDestroy()
    return answerText('ok')
  }
  await toBackend()
  const size = 100_000
  const head = 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  let answered = 0
  for (let round = 0; round < 150; round++) {
    const client = await connectRaw(gateway.port)
    await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const body = Buffer.alloc(size, 97 + (round % 26)).toString('latin1')
    const half = body.slice(size / 2)
    client.socket.write(`${head}${half.length.toString(16)}\r\n${half}\r\n`)
    reset()
    client.socket.write(`${half.length.toString(16)}\r\n${half}\r\n0\r\n\r\n`)
    const answer = await client.readAnswer()
    if (answer.status === 200) answered++
    client.close()
  }
  for (const body of bodies) assert.equal(body.length, size)
  assert.ok(answered > 0)
})

test('a request that waits for a name to resolve leaves no count behind when its client goes', async () => {
  await route({
    upstream: { nodes: { 'some-name.headgate.example:80': 1 }, timeout: { connect: 1, send: 1, read: 1 } },
  })
  for (let i = 0; i < 20; i++) {
    const client = await connectRaw(gateway.port)
    await client.write(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`)
    client.socket.resetAndDestroy()
  }
  await waitForRest(gateway)
})

test('a client that sends its body slowly does not use up the time of the answer', async () => {
  const timeout = { connect: 1, send: 0.4, read: 0.4 }
  await toBackend({ timeout })
  const silent = await startRawBackend((socket) => socket.resume())
  const made = await gateway.admin('PUT', '/apisix/admin/routes/2', {
    uri: '/silent',
    priority: 5,
    upstream: { nodes: { [silent.node]: 1 }, retries: 0, timeout },
  })
  assert.equal(made.status, 201, made.text)
  for (const framing of ['Content-Length: 9', 'Transfer-Encoding: chunked']) {
    const part = framing.startsWith('C') ? 'abc' : '3\r\nabc\r\n'
    const client = await connectRaw(gateway.port)
    await client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${part}`)
    for (let i = 0; i < 2; i++) {
      // a request behind it that waits for an endpoint: when its time is over, so would be that of the first
      assert.equal((await requestOnce(gateway.port, '/silent')).status, 504)
      await client.write(part)
    }
    if (!framing.startsWith('C')) await client.write('0\r\n\r\n')
    assert.equal((await client.readAnswer()).status, 200)
    client.close()
  }
  await gateway.admin('DELETE', '/apisix/admin/routes/2')
  await silent.close()
})

test('an endpoint that does not answer after a slow body still meets its timeout', async () => {
  let received = ''
  const silent = await startRawBackend((socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
  })
  await route({
    upstream: { nodes: { [silent.node]: 1 }, retries: 0, timeout: { connect: 1, send: 0.4, read: 0.4 } },
  })
  for (const [framing, parts] of [
    ['Content-Length: 6', ['abc', 'abc']],
    ['Transfer-Encoding: chunked', ['3\r\nabc\r\n', '0\r\n\r\n']],
  ] as const) {
    received = ''
    const client = await connectRaw(gateway.port)
    await client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${parts[0]}`)
    await waitFor('the first part', () => (received.includes('abc') ? true : undefined))
    await client.write(parts[1])
    assert.equal((await client.readAnswer({ timeoutMs: 3000 })).status, 504)
    client.close()
  }
  await silent.close()
})

test('an HTTP/1.0 client sees a reset, not an end, when the answer breaks off', async () => {
  let reset: () => void = () => {}
  const cut = await startRawBackend((socket) => {
    reset = () => socket.resetAndDestroy()
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    })
  })
  await route({ upstream: { nodes: { [cut.node]: 1 } } })
  const client = connect(gateway.port, '127.0.0.1')
  let error: NodeJS.ErrnoException | null = null
  client.on('error', (e) => {
    error = e
  })
  let answered = ''
  client.setEncoding('latin1').on('data', (text: string) => {
    answered += text
    if (answered.includes('hello')) reset()
  })
  client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => client.once('close', resolve))
  assert.equal((error as NodeJS.ErrnoException | null)?.code, 'ECONNRESET')
  await cut.close()
})

test('a body that a rule reads is read on, also when it came while the request before it was served', async () => {
  let release: () => void = () => {}
  backend.answer = (request, socket) => {
    if (request.target !== '/slow') return answerText(`got ${request.body.length}`)
    release = () => socket.write(answerText('slow'))
    return null
  }
  await toBackend()
  const made = await gateway.admin('PUT', '/apisix/admin/routes/2', {
    uri: '/read',
    priority: 5,
    vars: [['post_arg.a', '==', '1']],
    upstream: { nodes: { [backend.node]: 1 } },
  })
  assert.equal(made.status, 201, made.text)
  const body = `a=1&b=${'x'.repeat(300_000)}`
  const client = await connectRaw(gateway.port)
  client.socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  client.socket.write(
    `POST /read HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await waitFor('the slow request', () => (backend.requests.length > 0 ? true : undefined))
  // the held bytes fill up, and the gateway reads no more
  assert.ok((await waitForStill('what is not read', () => readQueues(gateway.port), 100)) > 0)
  release()
  assert.equal((await client.readAnswer()).body, 'slow')
  assert.equal((await client.readAnswer({ timeoutMs: 5000 })).body, `got ${body.length}`)
  client.close()
  await gateway.admin('DELETE', '/apisix/admin/routes/2')
})

test('bodies of one-byte chunks take no more memory than their bytes', async () => {
  const stalled = await startRawBackend((socket) => socket.pause())
  await route({ upstream: { nodes: { [stalled.node]: 1 } } })
  const before = readRss(gateway.pid)
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(20_000))
  const clients: Socket[] = []
  for (let i = 0; i < 40; i++) {
    const client = connect(gateway.port, '127.0.0.1')
    client.on('error', () => {})
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let k = 0; k < 40; k++) client.write(chunks)
    clients.push(client)
  }
  // until nobody gets rid of anything any more
  const countLeft = () => clients.reduce((sum, client) => sum + client.writableLength, 0)
  await waitForStill('the uploads', () => countLeft() + readQueues(gateway.port), 500)
  const grown = (readRss(gateway.pid) - before) / MIB
  console.log(`one-byte chunks to a stalled backend, 40 clients: RSS +${grown.toFixed(0)} MiB`)
  for (const client of clients) client.destroy()
  await stalled.close()
  await waitForRest(gateway)
  assert.ok(grown < 100, `RSS grew by ${grown} MiB`)
})
