import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callHttp } from '../../test/support/gateway.ts'
import { connectRaw } from '../../test/support/raw-client.ts'
import type { CallSignatures, SignatureVerdict, SignedCall } from '../dialects/dialect.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { ownEndpoints } from './own-api.ts'
import { buildAdminApp, startAdminServer } from './server.ts'
import { ADMIN_KEY, FakeControl, fakeOptions, VIEWER_KEY } from './testing.ts'

const KEY = { 'x-api-key': ADMIN_KEY }
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof METHODS)[number] | 'OPTIONS'

/** All that answers without a key (reliability.md A7). A new open route must be added here, in plain sight. */
const OPEN = new Set([
  'GET /livez',
  'HEAD /livez',
  'GET /healthz',
  'HEAD /healthz',
  'GET /readyz',
  'HEAD /readyz',
  'HEAD /fake/admin',
])

test('every route asks for a key, but for the listed exceptions', async () => {
  const options = fakeOptions()
  const { app, routes } = await buildAdminApp(options)
  let checks = 0
  const open: string[] = []
  for (const { method, url } of routes) {
    const path = url.replace('*', 'things/1')
    for (const headers of [{}, { 'x-api-key': '' }, { 'x-api-key': VIEWER_KEY.slice(1) }]) {
      options.clock.ms += 60_000
      const answer = await app.inject({ method: method as Method, url: path, headers })
      checks++
      if (method === 'OPTIONS') assert.ok(answer.statusCode < 300 && !answer.body.includes('value'))
      else if (OPEN.has(`${method} ${path}`)) open.push(`${method} ${path}`)
      else assert.equal(answer.statusCode, 401, `${method} ${path}`)
    }
  }
  assert.deepEqual(new Set(open), OPEN)
  assert.ok(routes.length > 30)
  const reached = options.rest.calls.filter((call) => call.method !== 'OPTIONS' && call.method !== 'HEAD')
  assert.deepEqual(reached, [])
  console.log(`admin matrix: ${checks} checks, ${open.length / 3 - OPEN.size} open`)
})

/** Signed with the name of whoever it is from, and the length of the body: `name 2`. */
function fakeSignatures(): { asked: (readonly [SignedCall, string | null])[] } & CallSignatures {
  const asked: (readonly [SignedCall, string | null])[] = []
  const wrong = (reason: string, isWrongKey: boolean): SignatureVerdict => ({
    kind: 'refused',
    answer: { status: 200, headers: {}, body: reason },
    reason,
    isWrongKey,
  })
  return {
    asked,
    isSigned: ({ headers }) => headers.authorization?.startsWith('Signed ') === true,
    verify(call, body) {
      asked.push([call, body])
      const [, name = '', length = ''] = (call.headers.authorization ?? '').split(' ')
      if (name === 'nobody') return wrong('unknown', true)
      if (body === null) return { kind: 'good', signer: null }
      if (Number(length) !== body.length) return wrong('forged', true)
      return { kind: 'good', signer: { name, role: name === 'reader' ? 'viewer' : 'admin' } }
    },
  }
}

test('a signature stands in for a key where the dialect takes it: asked for before the body is read, and with it', async () => {
  const options = fakeOptions()
  const { app } = await buildAdminApp(options)
  const url = '/fake/admin/things?a=%20'
  const put = (authorization: string, more: Record<string, string> = {}) =>
    app.inject({
      method: 'PUT',
      url,
      headers: { authorization, 'content-type': 'text/plain', ...more },
      payload: '{}',
    })
  assert.equal((await put('Signed writer 2')).statusCode, 401, 'no dialect that takes signatures')
  const signatures = fakeSignatures()
  options.rest.signatures = signatures
  const good = await put('Signed writer 2')
  assert.equal(good.statusCode, 200)
  assert.equal(options.rest.calls.at(-1)?.author, 'writer')
  const [first, second] = signatures.asked
  assert.deepEqual([first?.[1], second?.[1]], [null, '{}'])
  const { method, path, query, headers } = first?.[0] ?? {}
  assert.deepEqual(
    [method, path, query, headers?.['content-type']],
    ['PUT', '/fake/admin/things', 'a=%20', 'text/plain'],
  )
  assert.match(options.lines.at(-1) ?? '', /"key_id":"writer","role":"admin".*"result":"done"/)

  const served = options.rest.calls.length
  assert.equal((await put('Signed writer 3')).body, 'forged')
  assert.match(options.lines.at(-1) ?? '', /"key_id":null.*"result":"forged"/)
  assert.equal((await put('Signed nobody 2')).body, 'unknown')
  assert.deepEqual(signatures.asked.at(-1)?.[1], null, 'its body is not read')
  assert.equal((await put('Signed reader 2')).statusCode, 401)
  assert.equal(options.rest.refusals.at(-1)?.kind, 'viewerMayNotWrite')
  assert.equal((await put('Signed writer 2', { 'x-api-key': 'wrong' })).statusCode, 401, 'a key goes first')
  assert.equal(options.rest.calls.length, served)

  for (let i = 0; i < 7; i++) await put('Signed writer 3')
  assert.equal((await put('Signed writer 2')).statusCode, 429, 'forged and unknown ones count as wrong keys')
})

test('a read-only gateway tells its reason to known signers only', async () => {
  const options = { ...fakeOptions(), readOnly: () => 'change /etc/a.yaml' }
  options.rest.signatures = fakeSignatures()
  const { app } = await buildAdminApp(options)
  const put = async (authorization: string) =>
    (
      await app.inject({
        method: 'PUT',
        url: '/fake/admin/things',
        headers: { authorization },
        payload: '{}',
      })
    ).body
  assert.equal(await put('Signed writer 3'), 'forged')
  assert.match(await put('Signed writer 2'), /a.yaml/)
})

test('what is no route asks for a key first and says nothing without one', async () => {
  const { app } = await buildAdminApp(fakeOptions())
  for (const method of METHODS) {
    assert.equal((await app.inject({ method, url: '/nowhere' })).statusCode, 401)
    assert.equal((await app.inject({ method, url: '/nowhere', headers: KEY })).statusCode, 404)
  }
  assert.equal((await app.inject({ method: 'GET', url: '/fake/adminx', headers: KEY })).statusCode, 404)
})

test('a viewer reads everything and writes nothing', async () => {
  const options = fakeOptions()
  const { app, routes } = await buildAdminApp(options)
  const headers = { 'x-api-key': VIEWER_KEY }
  // streams do not end, so they cannot be asked without a socket: routes/streams.test.ts has them
  const streams = new Set(
    ownEndpoints(new FakeControl(), '1.2.3', [])
      .filter(({ answerType }) => answerType === 'text/event-stream')
      .map(({ path }) => path),
  )
  for (const { method, url } of routes) {
    if (method === 'GET' && streams.has(url)) continue
    const answer = await app.inject({ method: method as Method, url: url.replace('*', 'things/1'), headers })
    const isRead = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
    const { statusCode } = answer
    // what a read names may not be there, or be missing in the query; that it may be asked for is what counts
    const isAllowed = statusCode < 400 || (isRead && [400, 404, 405].includes(statusCode))
    assert.equal(isAllowed, isRead, `${method} ${url}: ${statusCode}`)
  }
  assert.ok(options.rest.calls.every((call) => ['GET', 'HEAD', 'OPTIONS'].includes(call.method)))
})

test('hands a call on with decoded path, query, body and author, and without anything a key stands in', async () => {
  const options = fakeOptions({ keySources: ['header', 'query', 'cookie'] })
  const { app } = await buildAdminApp(options)
  const answer = await app.inject({
    method: 'PUT',
    url: '/fake/admin/things/a%20b?force=true&force=false&api_key=x&ttl=5'.replace(
      'api_key=x',
      `api_key=${ADMIN_KEY}`,
    ),
    headers: { 'content-type': 'garbage', 'x-api-key': 'ignored', cookie: 'a=b', 'if-match': '"3"' },
    payload: '{"a":"ü"}',
  })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers.server, 'FAKE')
  assert.equal(answer.headers['content-type'], 'application/json')
  const [call] = options.rest.calls
  assert.ok(call)
  assert.equal(call.path, '/fake/admin/things/a b')
  assert.deepEqual(
    [...call.query],
    [
      ['force', 'true'],
      ['ttl', '5'],
    ],
  )
  assert.equal(call.body, '{"a":"ü"}')
  assert.equal(call.author, 'admin')
  assert.equal(call.headers['if-match'], '"3"')
  assert.ok(!JSON.stringify(call.headers).includes(ADMIN_KEY))
  assert.equal(call.headers.cookie, undefined)
})

test('takes bodies of any declared type, on DELETE too, and none at all', async () => {
  const options = fakeOptions()
  const { app } = await buildAdminApp(options)
  for (const type of [
    '',
    'application/json',
    'text/plain; charset=x',
    'application/x-www-form-urlencoded',
    '//',
  ]) {
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'] as const) {
      const headers = { ...KEY, ...(type === '' ? {} : { 'content-type': type }) }
      const full = await app.inject({ method, url: '/fake/admin/things/1', headers, payload: '{}' })
      assert.equal(full.statusCode, 200, `${method} ${type}`)
      assert.equal(options.rest.calls.at(-1)?.body, '{}')
      await app.inject({ method, url: '/fake/admin/things/1', headers })
      assert.equal(options.rest.calls.at(-1)?.body, '')
    }
  }
})

test('refuses a body over the limit with its size, declared or not, and goes on serving the connection', async (t) => {
  const options = fakeOptions()
  const server = await startAdminServer(options)
  t.after(() => server.close())
  const client = await connectRaw(Number(server.address.split(':')[1]))
  t.after(() => client.close())
  const head = `PUT /fake/admin/things/1 HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: ${ADMIN_KEY}\r\n`
  const declared = await client.exchange(`${head}Content-Length: 101\r\n\r\n${'x'.repeat(101)}`)
  assert.equal(declared.status, 400)
  assert.deepEqual(JSON.parse(declared.body), { kind: 'bodyTooLarge', bytes: 101, limit: 100 })
  const chunk = `40\r\n${'y'.repeat(64)}\r\n`
  const chunked = await client.exchange(
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`,
  )
  assert.equal(chunked.status, 400)
  const exact = await client.exchange(`${head}Content-Length: 100\r\n\r\n${'x'.repeat(100)}`)
  assert.equal(exact.status, 200)
  assert.equal(options.rest.calls.length, 1)
})

test('refuses peers outside the allow list before anything else, whatever their fields claim', async () => {
  const options = fakeOptions({ allow: ['10.0.0.0/8', 'fd00::/8'] })
  const { app } = await buildAdminApp(options)
  const headers = {
    ...KEY,
    'x-forwarded-for': '10.0.0.1',
    'x-real-ip': '10.0.0.1',
    forwarded: 'for=10.0.0.1',
  }
  const ask = async (remoteAddress: string, url: string) =>
    (await app.inject({ method: 'GET', url, headers, remoteAddress })).statusCode
  assert.equal(await ask('127.0.0.1', '/fake/admin/things'), 403)
  assert.equal(await ask('127.0.0.1', '/livez'), 403)
  const plain = await app.inject({ method: 'GET', url: '/fake/admin/things', headers })
  assert.match(String(plain.headers['content-type']), /^text\/plain/)
  assert.equal(await ask('10.1.2.3', '/fake/admin/things'), 200)
  assert.equal(await ask('::ffff:10.1.2.3', '/fake/admin/things'), 200)
  assert.equal(await ask('fd00::7', '/headgate/v1/version'), 200)
  assert.equal(await ask('::ffff:11.1.2.3', '/headgate/v1/version'), 403)
})

test('refuses foreign Host values, against pages that rebind their name', async () => {
  const { app } = await buildAdminApp(fakeOptions())
  const ask = async (host: string) =>
    (await app.inject({ method: 'GET', url: '/headgate/v1/version', headers: { ...KEY, host } })).statusCode
  for (const host of ['localhost', 'LOCALHOST:9180', '127.0.0.1:1', '[::1]:9180'])
    assert.equal(await ask(host), 200)
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'localhost@evil',
    '127.0.0.1.',
    '[::1',
    'localhost:x',
  ]) {
    assert.equal(await ask(host), 403, host)
  }
})

test('refuses writes from pages of other origins and gives CORS fields only to configured ones', async () => {
  const options = fakeOptions({ cors: ['https://console.example'] })
  const { app } = await buildAdminApp(options)
  const ask = (method: Method, origin: string) =>
    app.inject({ method, url: '/fake/admin/things/1', headers: { ...KEY, host: 'localhost:9180', origin } })
  for (const origin of ['https://evil.example', 'null', 'http://localhost:9181', 'http://localhost']) {
    const write = await ask('PUT', origin)
    assert.equal(write.statusCode, 403, origin)
    assert.equal(write.headers['access-control-allow-origin'], undefined)
    const preflight = await ask('OPTIONS', origin)
    assert.deepEqual(
      Object.keys(preflight.headers).filter((name) => name.startsWith('access-control')),
      [],
    )
  }
  assert.equal((await ask('PUT', 'http://localhost:9180')).statusCode, 200)
  const allowed = await ask('PUT', 'https://console.example')
  assert.equal(allowed.statusCode, 200)
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://console.example')
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/headgate/v1/status',
    headers: { origin: 'https://console.example', 'access-control-request-headers': 'x-api-key' },
  })
  assert.equal(preflight.headers['access-control-allow-headers'], 'x-api-key')
  assert.match(String(preflight.headers['access-control-allow-methods']), /PATCH/)
})

test('after ten wrong keys in a minute a peer waits, and only that peer', async () => {
  const options = fakeOptions()
  const { app } = await buildAdminApp(options)
  const ask = (key: string, remoteAddress = '127.0.0.1') =>
    app.inject({ method: 'GET', url: '/headgate/v1/version', headers: { 'x-api-key': key }, remoteAddress })
  for (let i = 0; i < 10; i++) assert.equal((await ask('wrong')).statusCode, 401)
  const refused = await ask(ADMIN_KEY)
  assert.equal(refused.statusCode, 429)
  assert.equal(refused.headers['retry-after'], '60')
  assert.equal((await ask(ADMIN_KEY, '127.0.0.2')).statusCode, 200)
  options.clock.ms = 59_999
  assert.equal((await ask(ADMIN_KEY)).headers['retry-after'], '1')
  options.clock.ms = 60_000
  assert.equal((await ask(ADMIN_KEY)).statusCode, 200)
})

test('in read-only mode writes are 409 naming the file, and checks that store nothing still work', async () => {
  const options = { ...fakeOptions(), readOnly: () => '/etc/headgate/routes.yaml' }
  const { app } = await buildAdminApp(options)
  const ask = (method: Method, url: string) => app.inject({ method, url, headers: KEY, payload: '{}' })
  const refused = await ask('PUT', '/fake/admin/things/1')
  assert.equal(refused.statusCode, 409)
  assert.match(refused.body, /\/etc\/headgate\/routes\.yaml/)
  assert.equal((await ask('POST', '/fake/admin/schema/validate')).statusCode, 200)
  assert.equal((await app.inject({ method: 'GET', url: '/fake/admin/things', headers: KEY })).statusCode, 200)
})

test('audits each write and each refused write, and nothing that could carry a secret', async () => {
  const options = fakeOptions({ keySources: ['query', 'header'] })
  const { app } = await buildAdminApp(options)
  const secret = 'planted-secret'
  await app.inject({ method: 'GET', url: '/fake/admin/things/1', headers: KEY })
  assert.deepEqual(options.lines, [])
  await app.inject({
    method: 'POST',
    url: `/fake/admin/things?api_key=${ADMIN_KEY}&x=${secret}`,
    payload: `{"password":"${secret}"}`,
    headers: { 'user-agent': secret },
  })
  await app.inject({
    method: 'DELETE',
    url: '/fake/admin/things/%22%0a%1b[31m',
    headers: { 'x-api-key': secret },
  })
  options.rest.failure = new Error(secret)
  await app.inject({ method: 'PATCH', url: '/fake/admin/things/1', headers: KEY })
  const entries = options.lines.map((line) => JSON.parse(line))
  for (const entry of entries) assert.match(entry.time, /^\d{4}-.*Z$/)
  const { time: _time, ...first } = entries[0]
  assert.deepEqual(first, {
    audit: true,
    key_id: 'admin',
    role: 'admin',
    peer: '127.0.0.1',
    method: 'POST',
    path: '/fake/admin/things',
    object: '/fake/things/1',
    revision_before: 8,
    revision_after: 9,
    status: 200,
    result: 'done',
  })
  assert.deepEqual(
    entries.map((entry) => [entry.method, entry.key_id, entry.status, entry.result]),
    [
      ['POST', 'admin', 200, 'done'],
      ['DELETE', null, 401, 'wrongKey'],
      ['PATCH', 'admin', 500, 'INTERNAL'],
    ],
  )
  const all = options.lines.join('\n')
  assert.ok(!all.includes(secret) && !all.includes(ADMIN_KEY))
  assert.ok(options.lines.every((line) => /^[\u0020-\u007e]*$/.test(line)))
})

test('a question that a dialect knows by its header is asked by viewers and in read-only mode, and is not audited', async () => {
  const options = fakeOptions()
  const rest = Object.assign(options.rest, {
    isWrite: undefined,
    isQuestion: ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) =>
      headers['x-action'] === 'Describe',
  })
  const { app } = await buildAdminApp({ ...options, rests: [rest as never] })
  const post = (key: string, action: string) =>
    app.inject({ method: 'POST', url: '/fake/admin', headers: { 'x-api-key': key, 'x-action': action } })
  assert.equal((await post(VIEWER_KEY, 'Describe')).statusCode, 200)
  assert.equal((await post(VIEWER_KEY, 'Delete')).statusCode, 401)
  assert.deepEqual(
    options.lines.map((line) => (JSON.parse(line) as { result: string }).result),
    ['viewerMayNotWrite'],
  )
  const readOnly = await buildAdminApp({
    ...options,
    rests: [rest as never],
    readOnly: () => 'change a.yaml instead',
  })
  const inject = (action: string) =>
    readOnly.app.inject({ method: 'POST', url: '/fake/admin', headers: { ...KEY, 'x-action': action } })
  assert.equal((await inject('Describe')).statusCode, 200)
  assert.equal((await inject('Delete')).statusCode, 409)
})

test('the audit log takes from a dialect what its status and body do not say', async () => {
  const options = fakeOptions()
  const answer = { status: 200, headers: {}, body: '{}', audit: { object: 'things/7', isDone: false } }
  options.rest.handle = async () => answer
  const { app } = await buildAdminApp(options)
  await app.inject({ method: 'POST', url: '/fake/admin', headers: KEY })
  const [line = '{}'] = options.lines
  const { object, result, status } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual([object, result, status], ['things/7', 'failed', 200])
})

test('errors tell their code and no stack, and are logged', async () => {
  const logged: object[] = []
  const options = { ...fakeOptions(), log: (_level: string, fields: object) => logged.push(fields) }
  const { app } = await buildAdminApp(options)
  const ask = () => app.inject({ method: 'GET', url: '/fake/admin/things', headers: KEY })
  options.rest.failure = new Error('SELECT * FROM secrets at /some/file.ts:1')
  const broken = await ask()
  assert.equal(broken.statusCode, 500)
  assert.equal(broken.json().code, 'INTERNAL')
  assert.doesNotMatch(broken.body, /SELECT|file\.ts/)
  assert.match(JSON.stringify(logged), /SELECT/)
  options.rest.failure = new GatewayError('STORE_UNAVAILABLE', 'SQLITE_FULL at page 7')
  const full = await ask()
  assert.equal(full.statusCode, 503)
  assert.doesNotMatch(full.body, /SQLITE/)
  options.rest.failure = new GatewayError('WRITE_CONFLICT', 'route 1 is at revision 9')
  const conflict = await ask()
  assert.equal(conflict.statusCode, 409)
  assert.equal(conflict.headers['content-type'], 'application/problem+json')
  assert.match(conflict.json().detail, /revision 9/)
  for (const url of ['/%', '/fake/admin/%zz', '/headgate/v1/%c0']) {
    const malformed = await app.inject({ method: 'GET', url, headers: KEY })
    assert.ok(malformed.statusCode >= 400 && malformed.statusCode < 500, `${url}: ${malformed.statusCode}`)
    assert.doesNotMatch(malformed.body, /stack|at \//)
  }
})

test('health without detail is open; reasons need a key', async () => {
  const options = fakeOptions()
  const { app } = await buildAdminApp(options)
  const ask = (url: string, headers = {}) => app.inject({ method: 'GET', url, headers })
  assert.equal((await ask('/livez')).body, 'ok\n')
  options.control.isReady = false
  const ready = await ask('/readyz?verbose')
  assert.equal(ready.statusCode, 503)
  assert.equal(ready.body, 'not ready\n')
  const verbose = await ask('/headgate/v1/ready', KEY)
  assert.equal(verbose.statusCode, 503)
  assert.equal(verbose.body, 'not ready\n- worker 1 lags\n')
})

test('shows status, history and metrics', async () => {
  const { app } = await buildAdminApp(fakeOptions())
  const ask = (url: string, headers: Record<string, string> = KEY) =>
    app.inject({ method: 'GET', url, headers })
  const status = (await ask('/headgate/v1/status')).json()
  assert.equal(status.revision, 7)
  assert.deepEqual(
    { ...status.documents, items: status.documents.items.map((item: { state: string }) => item.state) },
    {
      total: 3,
      accepted: 1,
      degraded: 1,
      rejected: 1,
      matching: 2,
      items: ['rejected', 'degraded'],
    },
  )
  assert.equal((await ask('/headgate/v1/status?state=all&limit=1')).json().documents.matching, 3)
  assert.equal((await ask('/headgate/v1/status?limit=0')).statusCode, 400)
  assert.equal((await ask('/headgate/v1/status?state=odd')).json().code, 'BAD_QUERY')
  const history = (await ask('/headgate/v1/history?limit=1&before=5')).json()
  assert.equal(history.list[0].revision, 4)
  assert.equal(history.list[0].changes[0].after, '{"secret":1}')
  const seen = (await ask('/headgate/v1/history', { 'x-api-key': VIEWER_KEY })).body
  assert.doesNotMatch(seen, /secret/)
  const metrics = await ask('/metrics', { authorization: `Bearer ${ADMIN_KEY}` })
  assert.equal(metrics.body, 'headgate_workers 1\n')
  assert.match(String(metrics.headers['content-type']), /version=0\.0\.4/)
})

test('listens, names the port it got, and closes though a client keeps its connection', async (t) => {
  const server = await startAdminServer(fakeOptions())
  const port = Number(/^127\.0\.0\.1:(\d+)$/.exec(server.address)?.[1])
  const idle = await connectRaw(port)
  t.after(() => idle.close())
  assert.equal((await idle.exchange('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 200)
  const taken = startAdminServer({ ...fakeOptions(), listen: server.address })
  await assert.rejects(taken, (error) => error instanceof GatewayError && error.code === 'PORT_IN_USE')
  await server.close()
  await idle.expectClosed()
  await assert.rejects(callHttp({ port, method: 'GET', path: '/livez' }))
})
