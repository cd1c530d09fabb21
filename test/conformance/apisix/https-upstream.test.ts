import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { startRawBackend } from '../../support/backends.ts'
import { runTool, skipWithout } from '../../support/tools.ts'
import { clear, type Json, openStage, type Stage } from './stage.ts'

/** `scheme: https` (spec/apisix.md 4.5, 6.4): TLS to the nodes, the name that is asked for, and the Host that is sent. */

const skip = skipWithout('openssl')

interface Seen {
  readonly host: string | undefined
  readonly serverName: string | false
  readonly method: string | undefined
  readonly target: string | undefined
  readonly body: Buffer
}

let stage: Stage
let server: Server
let port = 0
let connections = 0
const seen: Seen[] = []
const last = () => seen.at(-1) as Seen

before(async () => {
  if (skip !== false) return
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
  const made = await runTool('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=backend.example', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ])
  assert.equal(made.code, 0, made.stderr)
  const key = readFileSync(join(folder, 'key.pem'))
  const cert = readFileSync(join(folder, 'cert.pem'))
  rmSync(folder, { recursive: true })
  server = createServer({ key, cert }, (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      const serverName = (request.socket as TLSSocket & { servername?: string | false }).servername ?? false
      const { method, url: target } = request
      seen.push({ host: request.headers.host, serverName, method, target, body })
      response.end(target === '/large' ? Buffer.alloc(3_000_000, 'x') : `tls ${body.length}`)
    })
  })
  server.on('secureConnection', () => connections++)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  stage = await openStage()
})
after(async () => {
  if (skip !== false) return
  await stage.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
beforeEach(async () => {
  if (skip === false) await clear(stage)
})

const serve = (upstream: Json, plugins: Json = {}) =>
  stage.put('/routes/1', { uri: '/*', plugins, upstream: { scheme: 'https', ...upstream } })

const ask = (headers: readonly string[] = ['Host: Client.Example:81']) => stage.send('/x?y', { headers })

test('requests and answers pass, small and large, on connections that are kept', { skip }, async () => {
  await serve({ nodes: { [`127.0.0.1:${port}`]: 1 } })
  const answer = await stage.send('/a?b=1', { method: 'POST', body: 'payload' })
  assert.deepEqual([answer.status, answer.body], [200, 'tls 7'])
  assert.deepEqual([last().method, last().target, last().body.toString()], ['POST', '/a?b=1', 'payload'])
  const big = 'y'.repeat(2_000_000)
  assert.equal((await stage.send('/up', { method: 'PUT', body: big })).body, 'tls 2000000')
  assert.equal(last().body.toString(), big)
  assert.equal((await stage.send('/large')).body.length, 3_000_000)
  const before = connections
  for (let i = 0; i < 10; i++) assert.equal((await stage.send('/')).status, 200)
  assert.ok(connections - before <= 1, `${connections - before} new connections`)
})

test('the TLS server name is the host that is sent: pass, node, rewrite, and none for addresses', {
  skip,
}, async () => {
  const named = { nodes: { [`localhost:${port}`]: 1 } }
  await serve(named)
  await ask()
  assert.deepEqual([last().host, last().serverName], ['Client.Example:81', 'client.example'])
  await serve({ ...named, pass_host: 'node' })
  await ask()
  assert.deepEqual([last().host, last().serverName], [`localhost:${port}`, 'localhost'])
  await serve({ ...named, pass_host: 'rewrite', upstream_host: 'up.example' })
  await ask()
  assert.deepEqual([last().host, last().serverName], ['up.example', 'up.example'])
  await serve({ nodes: { [`127.0.0.1:${port}`]: 1 }, pass_host: 'node' })
  await ask()
  assert.deepEqual([last().host, last().serverName], [`127.0.0.1:${port}`, false])
  await serve(named)
  await ask(['Host: 127.0.0.1:9'])
  assert.deepEqual([last().host, last().serverName], ['127.0.0.1:9', false])
})

test('connections for different names are not mixed up', { skip }, async () => {
  await serve({ nodes: { [`localhost:${port}`]: 1 } })
  for (const name of ['one.example', 'two.example', 'one.example', 'two.example']) {
    await ask([`Host: ${name}`])
    assert.deepEqual([last().host, last().serverName], [name, name])
  }
})

test('the host of proxy-rewrite is the server name too', { skip }, async () => {
  await serve({ nodes: { [`localhost:${port}`]: 1 } }, { 'proxy-rewrite': { host: 'rewritten.example' } })
  await ask()
  assert.deepEqual([last().host, last().serverName], ['rewritten.example', 'rewritten.example'])
})

test('inside traffic-split https works, and pass_host node keeps the port there', { skip }, async () => {
  const upstream = { scheme: 'https', nodes: { [`localhost:${port}`]: 1 }, pass_host: 'node' }
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream }] }] } },
    upstream: stage.upstream('a'),
  })
  assert.equal((await ask()).body, 'tls 0')
  assert.deepEqual([last().host, last().serverName], [`localhost:${port}`, 'localhost'])
})

test('a node that speaks no TLS is a failed attempt: the next one is tried, else 502', { skip }, async () => {
  const plain = await startRawBackend((socket) => {
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'))
  })
  await serve({ nodes: { [plain.node]: 1 } })
  assert.equal((await ask()).status, 502)
  await serve({
    nodes: [
      { host: '127.0.0.1', port: plain.port, weight: 1, priority: 1 },
      { host: '127.0.0.1', port, weight: 1 },
    ],
  })
  assert.equal((await stage.send('/', { method: 'POST', body: 'x' })).body, 'tls 1')
  await plain.close()
})

test('the handshake counts as connecting: its timeout is 504', { skip }, async () => {
  const silent = await startRawBackend(() => {})
  await serve({ nodes: { [silent.node]: 1 }, timeout: { connect: 0.2, send: 5, read: 5 } })
  assert.equal((await ask()).status, 504)
  await silent.close()
})
