import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { answerText } from '../../support/backends.ts'
import { connectRaw } from '../../support/raw-client.ts'
import { openStage, type Stage } from './stage.ts'

/** spec/apisix.md 10: what goes out to backends and clients beside routing; and the start-up settings that change it. */

let stage: Stage
before(async () => {
  stage = await openStage()
  await stage.put('/routes/1', { uri: '/*', upstream: stage.upstream('a') })
})
after(() => stage.close())
beforeEach(() => stage.forget())

const forwarded = (name: string) => stage.last().field(name)

test('method, raw target, body and unusual fields go upstream unchanged', async () => {
  await stage.send('/%61//b/../c;p?q=%20&r', {
    method: 'REPORT',
    headers: [
      'Host: H.example:8000',
      'X_Under: 1',
      'x-lower: 2',
      'Accept-Encoding: br',
      'Authorization: Basic eA==',
    ],
    body: 'p\0q',
  })
  const request = stage.last()
  assert.equal(request.requestLine, 'REPORT /%61//b/../c;p?q=%20&r HTTP/1.1')
  assert.equal(request.body, 'p\0q')
  for (const [name, value] of [
    ['host', 'H.example:8000'],
    ['x_under', '1'],
    ['x-lower', '2'],
    ['accept-encoding', 'br'],
    ['authorization', 'Basic eA=='],
  ] as const) {
    assert.equal(request.field(name), value, name)
  }
})

test('X-Forwarded-*: For is appended to, Proto, Host and Port are written anew, Forwarded is dropped', async () => {
  await stage.send('/', { headers: ['Host: h.example'] })
  assert.equal(forwarded('x-forwarded-for'), '127.0.0.1')
  assert.equal(forwarded('x-forwarded-proto'), 'http')
  assert.equal(forwarded('x-forwarded-host'), 'h.example')
  assert.equal(forwarded('x-forwarded-port'), String(stage.gateway.port))
  assert.equal(forwarded('x-real-ip'), '127.0.0.1')
  await stage.send('/', {
    headers: [
      'Host: h.example:8080',
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2',
      'X-Forwarded-For: 3.3.3.3',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Port: 1',
      'Forwarded: for=9.9.9.9',
    ],
  })
  assert.equal(forwarded('x-forwarded-for'), '1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1')
  assert.equal(forwarded('x-forwarded-proto'), 'http')
  assert.equal(forwarded('x-forwarded-host'), 'h.example:8080')
  assert.equal(forwarded('x-forwarded-port'), '8080')
  assert.equal(forwarded('forwarded'), undefined)
})

test('a client on 127.0.0.1 may be named by X-Real-IP, which is then the address everywhere', async () => {
  await stage.send('/', { headers: ['Host: h', 'X-Real-IP: 203.0.113.7'] })
  assert.equal(forwarded('x-real-ip'), '203.0.113.7')
  assert.equal(forwarded('x-forwarded-for'), '203.0.113.7')
  await stage.send('/', { headers: ['Host: h', 'X-Real-IP: nonsense'] })
  assert.equal(forwarded('x-real-ip'), '127.0.0.1')
  const other = await connectRaw(stage.gateway.port, { localAddress: '127.0.0.77' })
  await other.exchange('GET / HTTP/1.1\r\nHost: h\r\nX-Real-IP: 203.0.113.7\r\n\r\n')
  other.close()
  assert.equal(forwarded('x-real-ip'), '127.0.0.77')
})

test('Upgrade does not go upstream without enable_websocket', async () => {
  const client = await connectRaw(stage.gateway.port)
  const answer = await client.exchange(
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  client.close()
  assert.equal(answer.status, 200)
  assert.equal(forwarded('upgrade'), undefined)
  assert.equal(forwarded('connection'), undefined)
})

test('Server is ours, whatever the backend says; other fields of the answer pass', async () => {
  stage.backends.a.answer = () =>
    answerText('x', {
      headers: ['Server: nginx/1.22', 'X-Powered-By: php', 'Set-Cookie: a=1', 'Set-Cookie: b=2'],
    })
  const answer = await stage.send('/')
  assert.equal(answer.all('server').length, 1)
  assert.match(answer.field('server') ?? '', /^APISIX\/3\.\d+\.\d+$/)
  assert.equal(answer.field('x-powered-by'), 'php')
  assert.deepEqual(answer.all('set-cookie'), ['a=1', 'b=2'])
})

test('settings: no version in Server, upstream statuses on every answer, X-Real-IP from nobody', async (t) => {
  const other = await openStage({
    apisix: { serverTokens: false, showUpstreamStatus: true, realIpFrom: [] },
  })
  t.after(() => other.close())
  await other.put('/routes/1', { uri: '/*', upstream: other.upstream('a') })
  const answer = await other.send('/', { headers: ['Host: h', 'X-Real-IP: 203.0.113.7'] })
  assert.equal(answer.field('server'), 'APISIX')
  assert.equal(answer.field('x-apisix-upstream-status'), '200')
  assert.equal(other.last().field('x-real-ip'), '127.0.0.1')
  assert.equal((await other.gateway.admin('GET', '/apisix/admin/routes')).headers.server, 'APISIX')
})

test('trusted peers may set Proto, Host, Port and Forwarded; others then lose their X-Forwarded-For', async (t) => {
  const other = await openStage({ trustedPeers: ['127.0.0.1'] })
  t.after(() => other.close())
  await other.put('/routes/1', { uri: '/*', upstream: other.upstream('a') })
  const fields = [
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: outer.example',
    'X-Forwarded-Port: 8443',
    'X-Forwarded-For: 198.51.100.1',
    'Forwarded: for=198.51.100.1',
  ]
  await other.send('/', { headers: ['Host: h', ...fields] })
  const trusted = other.last()
  assert.equal(trusted.field('x-forwarded-proto'), 'https')
  assert.equal(trusted.field('x-forwarded-host'), 'outer.example')
  assert.equal(trusted.field('x-forwarded-port'), '8443')
  assert.equal(trusted.field('forwarded'), 'for=198.51.100.1')
  assert.match(trusted.field('x-forwarded-for') ?? '', /^198\.51\.100\.1, /)
  await other.send('/', {
    headers: ['Host: h:81', 'X-Forwarded-Proto: ', 'X-Forwarded-Host: ', 'X-Forwarded-Port: '],
  })
  const empty = other.last()
  assert.equal(empty.field('x-forwarded-proto'), 'http')
  assert.equal(empty.field('x-forwarded-host'), 'h:81')
  assert.equal(empty.field('x-forwarded-port'), '81')
  const stranger = await connectRaw(other.gateway.port, { localAddress: '127.0.0.9' })
  await stranger.exchange(['GET / HTTP/1.1', 'Host: h', ...fields, '', ''].join('\r\n'))
  stranger.close()
  const untrusted = other.last()
  assert.equal(untrusted.field('x-forwarded-for'), '127.0.0.9')
  assert.equal(untrusted.field('x-forwarded-proto'), 'http')
  assert.equal(untrusted.field('x-forwarded-host'), 'h')
  assert.equal(untrusted.field('forwarded'), undefined)
})

test('the Admin API takes its key from query and cookie where a setting says so, and viewers only read', async (t) => {
  const viewerKey = 'viewer-key-of-the-conformance-tests-1'
  const other = await openStage({
    admin: { keySources: ['query', 'header', 'cookie'], viewerKey, cors: ['http://localhost:9000'] },
  })
  t.after(() => other.close())
  const { key } = other.gateway
  const none = { 'x-api-key': '' }
  const get = (path: string, headers: Record<string, string>) =>
    other.gateway.admin('GET', `/apisix/admin${path}`, undefined, headers)
  assert.equal((await get(`/routes?api_key=${key}`, none)).status, 200)
  assert.equal((await get('/routes', { cookie: `x_api_key=${key}`, ...none })).status, 401)
  const read = await other.gateway.admin('GET', '/apisix/admin/routes', undefined, { 'x-api-key': viewerKey })
  assert.equal(read.status, 200)
  const write = await other.gateway.admin('PUT', '/apisix/admin/routes/1', {}, { 'x-api-key': viewerKey })
  assert.equal(write.status, 401)
  assert.deepEqual(write.json, {
    error_msg: 'failed to check token',
    description: 'invalid method for role viewer',
  })
  const cors = await get('/routes', { origin: 'http://localhost:9000' })
  assert.equal(cors.headers['access-control-allow-origin'], 'http://localhost:9000')
})
