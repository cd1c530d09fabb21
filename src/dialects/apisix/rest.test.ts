import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { MAX_BODY_BYTES } from './errors.ts'
import { FakeClient, START_SECONDS } from './testing.ts'
import { validateDocument } from './validate.ts'

const ROUTE = { uri: '/index.html', upstream: { nodes: { '127.0.0.1:1980': 1 } } }

test('every answer names the server, and those of the API its version, but a refused key does not', async () => {
  const client = new FakeClient()
  const answer = await client.send('GET /apisix/admin/routes')
  assert.equal(answer.headers['X-API-VERSION'], 'v3')
  assert.equal(answer.headers['Content-Type'], 'application/json')
  assert.equal(answer.headers.Server, 'APISIX/3.18.0')
  assert.ok(answer.body.endsWith('}\n'))
  const refused = client.rest.refuse({ kind: 'missingKey' })
  assert.equal(refused.headers['X-API-VERSION'], undefined)
  assert.equal(refused.headers.Server, 'APISIX/3.18.0')
})

test("what the server refuses has the reference's shape", () => {
  const { rest } = new FakeClient()
  const token = (description: string): string =>
    `{"error_msg":"failed to check token","description":"${description}"}\n`
  assert.deepEqual(
    [rest.refuse({ kind: 'missingKey' }).status, rest.refuse({ kind: 'missingKey' }).body],
    [401, token('missing apikey')],
  )
  assert.equal(rest.refuse({ kind: 'wrongKey' }).body, token('wrong apikey'))
  assert.equal(rest.refuse({ kind: 'viewerMayNotWrite' }).body, token('invalid method for role viewer'))
  assert.equal(rest.refuse({ kind: 'viewerMayNotWrite' }).status, 401)
  assert.equal(rest.refuse({ kind: 'addressNotAllowed' }).status, 403)
  assert.equal(rest.refuse({ kind: 'badOrigin' }).status, 403)
  const limited = rest.refuse({ kind: 'tooManyWrongKeys', retryAfterSeconds: 7 })
  assert.deepEqual([limited.status, limited.headers['Retry-After']], [429, '7'])
  const reason = 'the configuration comes from conf/apisix.yaml; change the file instead'
  const readOnly = rest.refuse({ kind: 'readOnly', reason })
  assert.equal(readOnly.status, 409)
  assert.deepEqual(JSON.parse(readOnly.body), { error_msg: reason })
})

test('OPTIONS anywhere and HEAD of the root need no key, all else does', async () => {
  const client = new FakeClient()
  const { rest } = client
  assert.ok(rest.isOpen('OPTIONS', '/apisix/admin/routes/1'))
  assert.ok(rest.isOpen('HEAD', '/apisix/admin'))
  assert.ok(rest.isOpen('HEAD', '/apisix/admin/'))
  for (const [method, path] of [
    ['GET', '/apisix/admin'],
    ['HEAD', '/apisix/admin/routes'],
    ['GET', '/apisix/admin/plugins/list'],
    ['options', '/apisix/admin/routes'],
  ] as const) {
    assert.ok(!rest.isOpen(method, path), `${method} ${path}`)
  }
  assert.equal((await client.send('HEAD /apisix/admin')).status, 200)
})

test('OPTIONS names methods only to a browser that asks, and never an origin', async () => {
  const client = new FakeClient()
  const plain = await client.send('OPTIONS /apisix/admin/nothing')
  assert.deepEqual([plain.status, plain.body], [200, ''])
  assert.equal(plain.headers['Access-Control-Allow-Methods'], undefined)
  const asked = await client.send('OPTIONS /apisix/admin/routes/1', '', { origin: 'http://a' })
  assert.equal(asked.headers['Access-Control-Allow-Methods'], 'POST, GET, PUT, OPTIONS, DELETE, PATCH')
  assert.equal(asked.headers['Access-Control-Allow-Headers'], '*')
  assert.equal(asked.headers['Access-Control-Max-Age'], '3600')
  assert.equal(asked.headers['Access-Control-Allow-Origin'], undefined)
})

test('calls that change nothing are no writes, so read-only mode lets them pass', () => {
  const { rest } = new FakeClient()
  const isWrite = (method: string, path: string): boolean | undefined =>
    rest.isWrite?.(method, `/apisix/admin${path}`)
  assert.equal(isWrite('PUT', '/routes/1'), true)
  assert.equal(isWrite('POST', '/services'), true)
  assert.equal(isWrite('DELETE', '/routes/plugins'), true)
  assert.equal(isWrite('GET', '/routes'), false)
  assert.equal(isWrite('POST', '/configs/validate'), false)
  assert.equal(isWrite('POST', '/schema/validate/routes'), false)
  assert.equal(isWrite('PUT', '/plugins/reload'), false)
})

test('a body over 1.5 MiB is refused by its size in bytes', async () => {
  const client = new FakeClient()
  const text = `{"uri":"/a","plugins":{},"desc":"${'ä'.repeat(MAX_BODY_BYTES / 2)}"}`
  const bytes = Buffer.byteLength(text)
  const expected = `invalid request body: request size ${bytes} is greater than the maximum size 1572864 allowed`
  assert.equal((await client.send('PUT /apisix/admin/routes/1', text)).body, `{"error_msg":"${expected}"}\n`)
  assert.equal(client.rest.maxBodyBytes, 1_572_864)
  const refused = client.rest.refuse({ kind: 'bodyTooLarge', bytes, limit: MAX_BODY_BYTES })
  assert.deepEqual([refused.status, refused.body], [400, `{"error_msg":"${expected}"}\n`])
  const fits = `{"uri":"/a","plugins":{}}${' '.repeat(MAX_BODY_BYTES - 25)}`
  assert.equal(Buffer.byteLength(fits), MAX_BODY_BYTES)
  assert.equal((await client.send('PUT /apisix/admin/routes/1', fits)).status, 201)
})

test('ttl sets when the object goes, and a write without it keeps the object', async () => {
  const client = new FakeClient()
  const key = { dialect: 'apisix', kind: 'routes', id: '1' }
  await client.send('PUT /apisix/admin/routes/1?ttl=1.5', ROUTE)
  assert.equal((await client.store.get(key))?.expiresAtMs, (START_SECONDS + 1) * 1000 + 1500)
  await client.send('PATCH /apisix/admin/routes/1?ttl=10', { name: 'x' })
  assert.equal((await client.store.get(key))?.expiresAtMs, (START_SECONDS + 2) * 1000 + 10_000)
  await client.send('PUT /apisix/admin/routes/1', ROUTE)
  assert.equal((await client.store.get(key))?.expiresAtMs, null)
})

test('the history learns who wrote and why', async () => {
  const client = new FakeClient()
  await client.send('PUT /apisix/admin/routes/1', ROUTE, { 'x-headgate-message': 'first canary' })
  await client.send('DELETE /apisix/admin/routes/1')
  assert.deepEqual(client.store.notes, [
    { author: 'test', message: 'first canary' },
    { author: 'test', message: null },
  ])
})

test('a write that races with another one is a conflict and changes nothing', async () => {
  const client = new FakeClient()
  const { store } = client
  await client.send('PUT /apisix/admin/routes/1', ROUTE)
  const key = { dialect: 'apisix', kind: 'routes', id: '1' }
  // As another node of a cluster would: it does not wait for our exclusive work.
  store.beforeWrite = () =>
    store.write(
      [
        {
          op: 'put',
          key,
          value: { ...ROUTE, id: '1', name: 'other' },
          expiresAtMs: null,
          expectedRevision: null,
        },
      ],
      { author: 'other', message: null },
    )
  const answer = await client.send('PATCH /apisix/admin/routes/1', { name: 'mine' })
  assert.deepEqual([answer.status, answer.body], [409, '{"error_msg":"value changed before overwritten"}\n'])
  assert.equal((await store.get(key))?.value.name, 'other')
})

test('what the store refuses has its own status and no stack', async () => {
  const client = new FakeClient()
  for (const [code, status] of [
    ['STORE_UNAVAILABLE', 503],
    ['READ_ONLY', 409],
    ['LIMIT_OBJECTS', 400],
    ['WRITE_CONFLICT', 409],
  ] as const) {
    client.store.nextFault = new GatewayError(code, code === 'WRITE_CONFLICT' ? undefined : `because ${code}`)
    const answer = await client.send('PUT /apisix/admin/routes/1', ROUTE)
    assert.equal(answer.status, status)
    assert.deepEqual(Object.keys(JSON.parse(answer.body) as object), ['error_msg'])
  }
})

test('concurrent writes are taken one after the other, so none is lost', async () => {
  const client = new FakeClient()
  await client.send('PUT /apisix/admin/upstreams/1', { nodes: {} })
  const names = Array.from({ length: 20 }, (_, i) => `127.0.0.1:${2000 + i}`)
  const answers = await Promise.all(
    names.map((name) => client.send('PATCH /apisix/admin/upstreams/1', { nodes: { [name]: 1 } })),
  )
  assert.ok(answers.every(({ status }) => status === 200))
  const created = await Promise.all(
    names.map(() => client.send('POST /apisix/admin/upstreams', { nodes: {} })),
  )
  assert.equal(new Set(created.map(({ body }) => body)).size, names.length)
  const one = JSON.parse((await client.send('GET /apisix/admin/upstreams/1')).body) as {
    value: { nodes: object }
  }
  assert.deepEqual(Object.keys(one.value.nodes), names)
})

test('schemas are served, the same that validate', async () => {
  const client = new FakeClient()
  for (const name of ['route', 'service', 'upstream', 'plugin_config', 'plugins/traffic-split']) {
    const answer = await client.send(`GET /apisix/admin/schema/${name}`)
    assert.equal(answer.status, 200)
    assert.equal((JSON.parse(answer.body) as JsonObject).type, 'object', name)
  }
  const all = JSON.parse((await client.send('GET /apisix/admin/plugins?all=true')).body) as Record<
    string,
    JsonObject
  >
  assert.deepEqual(Object.keys(all), [
    'key-auth',
    'proxy-rewrite',
    'traffic-split',
    'redirect',
    'response-rewrite',
  ])
  assert.equal(all['traffic-split']?.priority, 966)
})

test('what is sent is given back in its own order with id and times behind it', async () => {
  const client = new FakeClient()
  const text =
    '{"upstream":{"nodes":{"127.0.0.1:1981":10,"127.0.0.1:1980":1}},"uri":"/ü","desc":"\\u0041 \\"b\\""}'
  const answer = await client.send('PUT /apisix/admin/routes/1', text)
  const value = `{"upstream":{"nodes":{"127.0.0.1:1981":10,"127.0.0.1:1980":1}},"uri":"/ü","desc":"A \\"b\\"","id":"1","create_time":1700000001,"update_time":1700000001}`
  assert.equal(answer.body, `{"key":"/apisix/routes/1","value":${value}}\n`)
})

test('no body makes the API throw, and what it stores validates', async () => {
  const field = fc.constantFrom(
    'uri',
    'uris',
    'plugins',
    'upstream',
    'nodes',
    'vars',
    'hosts',
    'id',
    'status',
    'labels',
  )
  const value: fc.Arbitrary<JsonValue> = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
    fc.constantFrom<JsonValue>(
      '/a',
      {},
      [],
      ['/a'],
      { nodes: { 'a:80': 1 } },
      { 'traffic-split': { rules: [{}] } },
    ),
  )
  const body = fc.oneof(value, fc.dictionary(field, value))
  const target = fc.constantFrom(
    'PUT routes/1',
    'PUT routes',
    'POST upstreams',
    'PATCH routes/1',
    'PATCH routes/1/upstream',
    'PUT services/1',
  )
  await fc.assert(
    fc.asyncProperty(target, body, async (call, sent) => {
      const client = new FakeClient()
      await client.send('PUT /apisix/admin/routes/1', ROUTE)
      const [method, path] = call.split(' ')
      const answer = await client.send(`${method} /apisix/admin/${path}`, JSON.stringify(sent))
      assert.ok([200, 201, 400].includes(answer.status), `${answer.status}`)
      for (const kind of ['routes', 'services', 'upstreams']) {
        for (const document of await client.store.list('apisix', kind)) {
          assert.deepEqual(validateDocument(kind, document.value, DEFAULT_SETTINGS), [])
        }
      }
    }),
    { numRuns: 500 },
  )
})
