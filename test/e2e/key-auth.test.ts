import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, startBackend } from '../support/backends.ts'
import { callHttp, startGateway } from '../support/gateway.ts'

/** Who requests are from: consumers and key-auth of APISIX, over two workers. */

async function setUp(t: TestContext, count = 1) {
  const backends = await Promise.all(
    Array.from({ length: count }, (_, i) => startBackend(() => answerText(`b${i}`))),
  )
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  const gateway = await startGateway(['--workers', '2'])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  const nodes = Object.fromEntries(backends.map((backend) => [`127.0.0.1:${backend.port}`, 1]))
  const get = (path: string, headers: Record<string, string> = {}, body?: string) =>
    callHttp({
      port: gateway.port,
      method: body === undefined ? 'GET' : 'POST',
      path,
      headers,
      ...(body === undefined ? {} : { body }),
    })
  const last = () => {
    const request = backends.flatMap(({ requests }) => requests).at(-1)
    assert.ok(request)
    const lines = (name: string) =>
      request.fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
    return { ...request, lines }
  }
  await put('consumers', {
    username: 'jack',
    plugins: { 'key-auth': { key: 'jack-key' } },
    labels: { custom_id: 'c-1' },
  })
  await put('consumers', { username: 'jill', plugins: { 'key-auth': { key: 'jill key' } } })
  return { gateway, backends, put, nodes, get, last }
}

test('a request without a good key is refused as APISIX does; one with it goes on, named', async (t) => {
  const { gateway, backends, put, nodes, get, last } = await setUp(t)
  await put('routes/1', { uri: '/*', plugins: { 'key-auth': {} }, upstream: { nodes } })
  const missing = await get('/a')
  assert.deepEqual(
    [missing.status, missing.text, missing.headers['www-authenticate'], missing.headers['x-headgate-error']],
    [401, '{"message":"Missing API key in request"}\n', 'apikey realm="key"', 'KEY_MISSING'],
  )
  const wrong = await get('/a', { apikey: 'x' })
  assert.deepEqual([wrong.status, wrong.text], [401, '{"message":"Invalid API key in request"}\n'])
  assert.equal((await get('/a?apikey=jack-key&apikey=jack-key')).status, 401)
  assert.equal(backends[0]?.requests.length, 0)

  const spoofed = { apikey: 'jack-key', 'x-consumer-username': 'root', 'x-credential-identifier': '1' }
  assert.equal((await get('/a?b=1', spoofed)).status, 200)
  assert.deepEqual(last().lines('x-consumer-username'), ['jack'])
  assert.deepEqual(last().lines('x-consumer-custom-id'), ['c-1'])
  assert.equal(last().field('x-credential-identifier'), undefined)
  assert.equal(last().field('apikey'), 'jack-key')
  assert.equal((await get('/a?apikey=jill+key&b=1')).status, 200)
  assert.equal(last().field('x-consumer-username'), 'jill')
  assert.equal(last().field('x-consumer-custom-id'), undefined)
  assert.equal(last().target, '/a?apikey=jill+key&b=1')

  const gone = await gateway.admin('DELETE', '/apisix/admin/consumers/jill')
  assert.equal(gone.status, 200)
  for (let i = 0; i < 8; i++) assert.equal((await get('/a?apikey=jill+key')).status, 401)
  await put('consumers', { username: 'jack', plugins: { 'key-auth': { key: 'new' } } })
  for (let i = 0; i < 8; i++) {
    assert.equal((await get('/a', { apikey: 'jack-key' })).status, 401)
    assert.equal((await get('/a', { apikey: 'new' })).status, 200)
  }
})

test('hidden credentials do not reach the upstream, also where the body is looked into first', async (t) => {
  const { put, nodes, get, last } = await setUp(t)
  await put('routes/1', {
    uri: '/*',
    plugins: {
      'key-auth': { hide_credentials: true, header: 'X-Key', query: 'k' },
      'traffic-split': {
        rules: [
          {
            match: [{ vars: [['post_arg_a', '==', '1']] }],
            weighted_upstreams: [{ upstream: { nodes }, weight: 1 }],
          },
        ],
      },
    },
    upstream: { nodes },
  })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  assert.equal((await get('/a?b=%2F&k=jack-key&c', form, 'a=1')).status, 200)
  assert.equal(last().target, '/a?b=%2F&c')
  assert.equal(last().field('x-consumer-username'), 'jack')
  assert.equal((await get('/a?k=jack-key')).status, 200)
  assert.equal(last().target, '/a')
  assert.equal((await get('/a?k=1', { 'x-key': 'jack-key' })).status, 200)
  assert.equal(last().field('x-key'), undefined)
  assert.equal(last().target, '/a?k=1')
})

test('an anonymous consumer takes what has no good key; `_meta` says when, and what a refusal says', async (t) => {
  const { put, nodes, get, last } = await setUp(t)
  const upstream = { nodes }
  await put('routes/1', {
    uri: '/anonymous',
    plugins: { 'key-auth': { anonymous_consumer: 'jill' } },
    upstream,
  })
  await put('routes/4', {
    uri: '/hidden',
    plugins: { 'key-auth': { anonymous_consumer: 'jill', hide_credentials: true } },
    upstream,
  })
  assert.equal((await get('/hidden?apikey=wrong&a=1', { apikey: 'wrong' })).status, 200)
  assert.equal(last().target, '/hidden?a=1')
  assert.equal(last().field('apikey'), undefined)
  await put('routes/2', { uri: '/nobody', plugins: { 'key-auth': { anonymous_consumer: 'joe' } }, upstream })
  const _meta = { filter: [['http_x_free', '~=', '1']], error_response: { message: 'who are you?' } }
  await put('routes/3', { uri: '/meta', plugins: { 'key-auth': { _meta, realm: 'shop' } }, upstream })
  assert.equal((await get('/anonymous', { apikey: 'wrong' })).status, 200)
  assert.equal(last().field('x-consumer-username'), 'jill')
  assert.equal((await get('/anonymous', { apikey: 'jack-key' })).status, 200)
  assert.equal(last().field('x-consumer-username'), 'jack')
  const nobody = await get('/nobody')
  assert.deepEqual([nobody.status, nobody.text], [401, '{"message":"Invalid user authorization"}\n'])
  const refused = await get('/meta')
  assert.deepEqual(
    [refused.status, refused.text, refused.headers['www-authenticate']],
    [401, '{"message":"who are you?"}\n', 'apikey realm="shop"'],
  )
  assert.equal((await get('/meta', { 'x-free': '1' })).status, 200)
  assert.equal(last().field('x-consumer-username'), undefined)
})

test('chash on the consumer keeps each on one node, whatever address it comes from; explain says who it is', async (t) => {
  const { gateway, put, nodes, get } = await setUp(t, 4)
  for (let i = 0; i < 20; i++)
    await put('consumers', { username: `c${i}`, plugins: { 'key-auth': { key: `k${i}` } } })
  await put('upstreams/1', { type: 'chash', hash_on: 'consumer', nodes })
  await put('routes/1', { uri: '/*', plugins: { 'key-auth': {} }, upstream_id: '1' })
  const used = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const first = await get('/', { apikey: `k${i}` })
    used.add(first.text)
    for (let again = 0; again < 3; again++)
      assert.equal((await get('/', { apikey: `k${i}`, 'x-real-ip': `10.0.0.${again}` })).text, first.text)
  }
  assert.ok(used.size > 1, [...used].join(' '))
  const explain = async (headers: Record<string, string>) =>
    (await gateway.admin('POST', '/headgate/v1/explain', { url: 'http://a/', headers })).json
  const known = (await explain({ apikey: 'k3' })) as {
    filters: { changes: { what: string; after: string }[] }[]
    outcome: { kind: string }
  }
  assert.equal(known.outcome.kind, 'upstream')
  const change = known.filters[0]?.changes.find(({ what }) => what === 'field x-consumer-username')
  assert.equal(change?.after, 'c3')
  const unknown = (await explain({})) as { outcome: { errorCode: string; status: number } }
  assert.deepEqual([unknown.outcome.errorCode, unknown.outcome.status], ['KEY_MISSING', 401])
})

test('consumers stand in files as well, and each has a name of its own', async (t) => {
  const backend = await startBackend(() => answerText('b'))
  t.after(() => backend.close())
  const folder = mkdtempSync(join(tmpdir(), 'headgate-consumers-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'apisix.yaml')
  const consumers = 'consumers:\n  - username: jack\n    plugins: { key-auth: { key: one } }\n'
  const routes = `routes:\n  - id: 1\n    uri: /*\n    plugins: { key-auth: {} }\n    upstream: { nodes: { "127.0.0.1:${backend.port}": 1 } }\n`
  writeFileSync(file, `${consumers}${routes}#END\n`)
  const gateway = await startGateway(['--config', file])
  t.after(() => gateway.stop('SIGKILL'))
  const get = (key: string) =>
    callHttp({ port: gateway.port, method: 'GET', path: '/', headers: { apikey: key } })
  assert.equal((await get('one')).status, 200)
  assert.equal((await get('two')).status, 401)
})
