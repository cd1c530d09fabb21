import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { CERT_A, CERT_B, KEY_A, KEY_B } from '../../src/dialects/apisix/testing/certificates.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'

/** `ssls` of APISIX on real sockets: what nodes are shown, and that private keys never come back. Tests run in order. */

let gateway: GatewayProcess
let backend: Server
let node = ''
let folder = ''

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-ssls-'))
  backend = createServer(
    { cert: CERT_B, key: KEY_B, ca: [CERT_A, CERT_B], requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      response.end(`from ${subject.CN}`)
    },
  )
  await new Promise<void>((done) => void backend.listen(0, '127.0.0.1', done))
  node = `127.0.0.1:${(backend.address() as AddressInfo).port}`
  gateway = await startGateway(['--workers', '2', '--store', join(folder, 'data')])
})
after(async () => {
  await gateway?.stop()
  backend?.close()
  backend?.closeAllConnections()
  rmSync(folder, { recursive: true, force: true })
})

const admin = (method: string, path: string, body?: unknown) =>
  gateway.admin(method, `/apisix/admin${path}`, body)

async function put(path: string, body: unknown): Promise<void> {
  const answer = await admin('PUT', path, body)
  assert.ok(answer.status === 200 || answer.status === 201, `${path}: ${answer.text}`)
}

/** What the backend says, or the status. */
async function ask(path = '/'): Promise<string | number> {
  const { status, body } = await requestOnce(gateway.port, path)
  return status === 200 ? body : status
}

async function headgate(...args: string[]): Promise<{ status: number | null; text: string }> {
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:HEADGATE|NODE)_/.test(name))
  const server = { HEADGATE_SERVER: `127.0.0.1:${gateway.adminPort}`, HEADGATE_ADMIN_KEY: gateway.key }
  const child = spawn(process.execPath, [resolve(ROOT, 'bin/headgate.js'), ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(clean), ...server },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const status = await new Promise<number | null>((done) => child.once('close', done))
  return { status, text }
}

const CLIENT_A = { type: 'client', cert: CERT_A, key: KEY_A }
const CLIENT_B = { type: 'client', cert: CERT_B, key: KEY_B }
const tls = { client_cert_id: 'ours' }

test('an upstream shows the certificate that it names, wherever the upstream stands', async () => {
  await put('/ssls/ours', CLIENT_A)
  await put('/upstreams/1', { scheme: 'https', nodes: { [node]: 1 }, tls })
  await put('/routes/1', { uri: '/', upstream_id: '1' })
  await put('/routes/2', { uri: '/inline', upstream: { scheme: 'https', nodes: { [node]: 1 }, tls } })
  await put('/services/1', { upstream: { scheme: 'https', nodes: { [node]: 1 }, tls } })
  await put('/routes/3', { uri: '/service', service_id: '1' })
  const inSplit = { scheme: 'https', type: 'roundrobin', nodes: { [node]: 1 }, tls }
  await put('/routes/4', {
    uri: '/split',
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream: inSplit, weight: 1 }] }] } },
    upstream: { nodes: { '127.0.0.1:1': 1 } },
  })
  await put('/routes/5', { uri: '/without', upstream: { scheme: 'https', nodes: { [node]: 1 } } })
  for (const path of ['/', '/inline', '/service', '/split']) assert.equal(await ask(path), 'from a.internal')
  assert.equal(await ask('/without'), 502, 'the backend wants a certificate')
})

test('another certificate acts at once, also where connections of the former wait', async () => {
  for (let round = 0; round < 4; round++) {
    const [value, name] = round % 2 === 0 ? [CLIENT_B, 'b.internal'] : [CLIENT_A, 'a.internal']
    await put('/ssls/ours', value)
    for (const path of ['/', '/inline', '/service', '/split', '/', '/'])
      assert.equal(await ask(path), `from ${name}`)
  }
  const patched = await admin('PATCH', '/ssls/ours', { desc: 'the key stays' })
  assert.equal(patched.status, 200, patched.text)
  assert.equal(await ask(), 'from a.internal')
})

test('a certificate that is named stays, and without it nobody is asked', async () => {
  const refused = await admin('DELETE', '/ssls/ours')
  assert.deepEqual(
    [refused.status, refused.json],
    [400, { error_msg: 'can not delete this ssl, upstream [1] is still using it now' }],
  )
  const own = await gateway.admin('DELETE', '/headgate/v1/documents/apisix/ssls/ours')
  assert.equal(own.status, 409, own.text)
  const forced = await admin('DELETE', '/ssls/ours?force=true')
  assert.equal(forced.status, 200)
  const upstream = (await gateway.admin('GET', '/headgate/v1/documents/apisix/upstreams/1')).json as {
    state: string
    warnings: object[]
  }
  assert.equal(upstream.state, 'degraded')
  assert.deepEqual(upstream.warnings, [
    { path: 'tls.client_cert_id', message: 'ssl ours does not exist: requests get 503' },
  ])
  for (const path of ['/', '/inline', '/service', '/split']) assert.equal(await ask(path), 503)
  await put('/ssls/ours', CLIENT_A)
  for (const path of ['/', '/inline', '/service', '/split']) assert.equal(await ask(path), 'from a.internal')

  await put('/ssls/ours', { ...CLIENT_A, type: 'server', sni: 'a.test' })
  assert.equal(await ask(), 503, 'it is no longer for upstreams')
  await put('/ssls/ours', CLIENT_A)
  assert.equal(await ask(), 'from a.internal')
})

test('our own API wants the certificate to be there and for clients', async () => {
  await put('/ssls/server', { cert: CERT_A, key: KEY_A, sni: 'a.test' })
  for (const [id, message] of [
    ['none', /there is no apisix\/ssls\/none/],
    ['server', /apisix\/ssls\/server: wrong ssl type/],
  ] as const) {
    const value = { scheme: 'https', nodes: { [node]: 1 }, tls: { client_cert_id: id } }
    const answer = await gateway.admin('PUT', '/headgate/v1/documents/apisix/upstreams/2', value)
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
    assert.match(answer.text, message)
  }
})

test('what is shown can be written again without its key', async () => {
  const path = '/headgate/v1/documents/apisix/ssls/ours'
  const { value } = (await gateway.admin('GET', path)).json as { value: object }
  assert.ok(!('key' in value))
  const same = await gateway.admin('PUT', path, value)
  assert.equal((same.json as { change: { result: string } }).change.result, 'unchanged')
  const edited = await gateway.admin('PUT', path, { ...value, desc: 'edited' })
  assert.equal(edited.status, 200, edited.text)
  assert.equal((await gateway.admin('PATCH', path, { labels: { team: 'a' } })).status, 200)
  assert.equal(await ask(), 'from a.internal')

  const exported = await headgate('export')
  assert.equal(exported.status, 0, exported.text)
  writeFileSync(join(folder, 'exported.yaml'), exported.text)
  const applied = await headgate('apply', '-f', 'exported.yaml')
  assert.equal(applied.status, 0, applied.text)
  assert.match(applied.text, /^9 documents: 9 unchanged/m)
})

test('a private key that went in comes out nowhere', async () => {
  const revision = (
    (await gateway.admin('GET', '/headgate/v1/history')).json as { list: { revision: number }[] }
  ).list[0]?.revision
  const file = { ssls: [{ id: 'ours', ...CLIENT_B }] }
  writeFileSync(join(folder, 'b.yaml'), `${JSON.stringify(file)}\n#END\n`)
  const diff = await headgate('diff', '-f', 'b.yaml')
  assert.equal(diff.status, 2, diff.text)
  const texts = [diff.text]
  const applied = await headgate('apply', '-f', 'b.yaml')
  assert.equal(applied.status, 0, applied.text)
  assert.equal(await ask(), 'from b.internal')
  for (const args of [
    ['get', 'ssls'],
    ['get', 'ssls', '-o', 'yaml'],
    ['get', 'ssls', '-o', 'json'],
    ['describe', 'ssl', 'ours'],
    ['describe', 'ssl', 'ours', '-o', 'json'],
    ['history', '-o', 'json'],
    ['history', String(revision)],
    ['history', String((revision ?? 0) + 1)],
    ['export'],
    ['rollback', String(revision), '--dry-run'],
    ['explain', 'http://a.test/'],
  ]) {
    const run = await headgate(...args)
    assert.equal(run.status, 0, `${args.join(' ')}: ${run.text}`)
    texts.push(run.text)
  }
  const back = await headgate('rollback', String(revision), '--yes')
  assert.equal(back.status, 0, back.text)
  assert.equal(await ask(), 'from a.internal', 'a rollback brings the key back, too')
  for (const path of [
    '/apisix/admin/ssls',
    '/apisix/admin/ssls/ours',
    '/headgate/v1/documents',
    '/headgate/v1/documents/apisix/ssls/ours',
    '/headgate/v1/history?limit=1000',
    '/headgate/v1/history?kind=ssls',
    '/headgate/v1/export',
    '/headgate/v1/events?follow=false',
    '/headgate/v1/status',
  ])
    texts.push((await gateway.admin('GET', path)).text)
  texts.push(gateway.stderr(), gateway.stdout())
  assert.match(texts.join(), /BEGIN CERTIFICATE/)
  for (const text of texts) {
    assert.doesNotMatch(text, /PRIVATE KEY/)
    for (const key of [KEY_A, KEY_B]) assert.ok(!text.includes(key.split('\n')[1] as string))
  }
})
