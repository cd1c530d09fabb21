import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { answerText, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'
import { readGauge, waitForRest } from './support.ts'

/** Endpoints with `scheme: https`: the same promises over TLS. */

const skip = skipWithout('openssl')
const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
let gateway: GatewayProcess
let key: Buffer
let cert: Buffer

before(async () => {
  if (skip !== false) return
  const { code, stderr } = await runTool(findTool('openssl') as string, [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=backend.example'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ])
  assert.equal(code, 0, stderr)
  key = readFileSync(join(folder, 'key.pem'))
  cert = readFileSync(join(folder, 'cert.pem'))
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface TlsBackend {
  readonly node: string
  readonly names: (string | false)[]
  close(): Promise<void>
}

/** Hands each TLS connection to `onConnection`, and notes the names that clients ask for. */
async function startTls(onConnection: (socket: TLSSocket) => void): Promise<TlsBackend> {
  const open = new Set<TLSSocket>()
  const names: (string | false)[] = []
  const server: Server = createServer({ key, cert, ALPNProtocols: ['http/1.1'] }, (socket) => {
    open.add(socket)
    names.push(socket.servername ?? false)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    onConnection(socket)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    node: `127.0.0.1:${address.port}`,
    names,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Answers each request with its body, or with the target where it has none. */
function echo(socket: TLSSocket): void {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => {
    text += part
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      const target = /^\S+ (\S+)/.exec(text)?.[1] ?? ''
      const body = length > 0 ? text.slice(end + 4, end + 4 + length) : target
      text = text.slice(end + 4 + length)
      socket.write(answerText(body), 'latin1')
    }
  })
}

async function route(nodes: readonly string[], more: object = {}): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: {
      scheme: 'https',
      nodes: nodes.map((node, i) => {
        const [host, port] = node.split(':') as [string, string]
        return { host, port: Number(port), weight: 1, priority: -i }
      }),
      ...more,
    },
  })
  assert.ok(answer.status < 300, answer.text)
}

test('requests with and without bodies pass over one kept TLS connection, which asks for the host by name', {
  skip,
}, async () => {
  const backend = await startTls(echo)
  await route([backend.node])
  const client = await connectRaw(gateway.port)
  for (let i = 0; i < 5; i++) {
    const get = await client.exchange(`GET /${i} HTTP/1.1\r\nHost: Backend.example:81\r\n\r\n`)
    assert.equal(get.body, `/${i}`)
    const post = await client.exchange(
      'POST / HTTP/1.1\r\nHost: backend.example\r\nContent-Length: 5\r\n\r\nhello',
    )
    assert.equal(post.body, 'hello')
  }
  const big = Array.from({ length: 40_000 }, (_, i) => `${i}-${(i * 7919) % 104_729};`).join('')
  const echoed = await client.exchange(
    `PUT / HTTP/1.1\r\nHost: backend.example\r\nContent-Length: ${big.length}\r\n\r\n${big}`,
  )
  assert.ok(echoed.body === big, 'a large body came back changed')
  client.close()
  assert.deepEqual(backend.names, ['backend.example'])
  await backend.close()
  await waitForRest(gateway)
})

test('a Host that a rewrite gives a port is asked for by its name', { skip }, async (t) => {
  const backend = await startTls(echo)
  t.after(() => backend.close())
  await route([backend.node])
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/2', {
    uri: '/rewritten',
    plugins: { 'proxy-rewrite': { host: 'Other.example:8443' } },
    upstream: { scheme: 'https', nodes: { [backend.node]: 1 } },
  })
  assert.ok(answer.status < 300, answer.text)
  assert.equal((await requestOnce(gateway.port, '/rewritten')).status, 200)
  await gateway.admin('DELETE', '/apisix/admin/routes/2')
  assert.deepEqual(backend.names, ['other.example'])
})

test('limits hold for all names of a node together, and who waits hears of a connection that is free', {
  skip,
}, async (t) => {
  const held: (() => void)[] = []
  const backend = await startTls((socket) => {
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const target = /^\S+ (\S+)/.exec(text)?.[1] ?? ''
      held.push(() => socket.write(answerText(target)))
    })
  })
  t.after(() => backend.close())
  const ask = (name: string) => requestOnce(gateway.port, `/${name}`, { headers: [`Host: ${name}.example`] })
  const next = () => waitFor('a request', () => held.shift())
  for (const limits of [{ max_connections: 1 }, { max_connections_per_node: 1 }]) {
    await route([backend.node], { headgate: { limits: { ...limits, pending_timeout: 20 } } })
    const from = backend.names.length
    const one = ask('a')
    const first = await next()
    const two = ask('a')
    const three = ask('b')
    await waitFor('two to wait', async () =>
      (await readGauge(gateway, 'headgate_requests_in_flight')) === 3 ? true : undefined,
    )
    assert.equal(backend.names.length, from + 1)
    first()
    assert.equal((await one).body, '/a')
    // they came at once over connections of their own, so either may be the first to wait
    for (let i = 0; i < 2; i++) (await next())()
    assert.deepEqual([(await two).body, (await three).body], ['/a', '/b'])
    assert.equal(backend.names.length, from + 2, 'one connection for each name')
  }
  await waitForRest(gateway)
})

test('a node that speaks no TLS, or does not end its handshake, is passed over', { skip }, async () => {
  const backend = await startTls(echo)
  const plain = await startRawBackend((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'))
  })
  await route([plain.node, backend.node])
  assert.equal((await requestOnce(gateway.port, '/next', { method: 'POST', body: 'x' })).body, 'x')
  const silent = await startRawBackend((socket) => socket.resume())
  const timeout = { connect: 0.4, send: 2, read: 2 }
  await route([silent.node, backend.node], { timeout })
  assert.equal((await requestOnce(gateway.port, '/next')).body, '/next')
  await route([silent.node], { timeout, retries: 0 })
  const late = await requestOnce(gateway.port, '/')
  assert.equal(late.status, 504)
  assert.equal(late.field('x-headgate-error'), 'UPSTREAM_CONNECT_TIMEOUT')
  await route([plain.node], { retries: 0 })
  const refused = await requestOnce(gateway.port, '/')
  assert.equal(refused.status, 502)
  assert.equal(refused.field('x-headgate-error'), 'UPSTREAM_TLS_FAILED')
  await plain.close()
  await silent.close()
  await backend.close()
  await waitForRest(gateway)
})

test('a TLS connection that breaks off behaves as a plain one: retried before the head, cut behind it', {
  skip,
}, async () => {
  const backend = await startTls(echo)
  const early = await startTls((socket) => socket.once('data', () => socket.destroy()))
  await route([early.node, backend.node])
  assert.equal((await requestOnce(gateway.port, '/again')).body, '/again')
  assert.equal((await requestOnce(gateway.port, '/', { method: 'POST', body: 'x' })).status, 502)
  const cut = await startTls((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'))
  })
  await route([cut.node, backend.node])
  await assert.rejects(requestOnce(gateway.port, '/'), /before .* was complete/)
  // kept, and closed by the backend while idle
  const impatient = await startTls((socket) => {
    echo(socket)
    setTimeout(() => socket.end(), 100).unref()
  })
  await route([impatient.node])
  const client = await connectRaw(gateway.port)
  for (let i = 0; i < 20; i++) {
    assert.equal((await client.exchange(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`)).body, `/${i}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  client.close()
  for (const each of [backend, early, cut, impatient]) await each.close()
  await waitForRest(gateway)
})
