import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { connectRaw } from '../../support/raw-client.ts'
import { findFreePorts } from '../../support/tools.ts'
import { clear, type Json, openStage, type Stage } from './stage.ts'

/** spec/apisix.md 2 and 3: which route takes a request, seen from outside. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(async () => {
  await clear(stage)
  stage.forget()
})

/** Routes by letter: each is served by the backend of that letter. */
async function routes(set: Readonly<Record<string, Json>>): Promise<void> {
  for (const [letter, conditions] of Object.entries(set)) {
    await stage.put(`/routes/${letter}`, { ...conditions, upstream: stage.upstream(letter) })
  }
}

/** The letter that answers, or the status. */
async function ask(
  target: string,
  options: {
    readonly host?: string
    readonly method?: string
    readonly headers?: readonly string[]
    readonly body?: string
  } = {},
): Promise<string> {
  const answer = await stage.send(target, {
    method: options.method ?? 'GET',
    headers: [`Host: ${options.host ?? 't'}`, ...(options.headers ?? [])],
    ...(options.body === undefined ? {} : { body: options.body }),
  })
  if (options.method === 'HEAD' && answer.status === 200) return 'ok'
  return answer.status === 200 ? answer.body : String(answer.status)
}

/** `target[ @host]` → letter or status. */
async function expectAll(table: Readonly<Record<string, string>>): Promise<void> {
  for (const [written, expected] of Object.entries(table)) {
    const [target = '', host] = written.split(' @')
    assert.equal(await ask(target, host === undefined ? {} : { host }), expected, written)
  }
}

test('a path without a star is literal, and a trailing slash makes another path', async () => {
  await routes({ a: { uri: '/a' }, b: { uri: '/b/' }, c: { uris: ['/c1', '/c2'] } })
  await expectAll({
    '/a': 'a',
    '/a/': '404',
    '/A': '404',
    '/aa': '404',
    '/b/': 'b',
    '/b': '404',
    '/c1': 'c',
    '/c2': 'c',
    '/c': '404',
    '/a?x=/b/': 'a',
  })
})

test('a star at the end is a prefix, with or without a slash before it', async () => {
  await routes({ a: { uri: '/a*' }, b: { uri: '/b/*' }, c: { uri: '/*' } })
  await expectAll({
    '/a': 'a',
    '/ab': 'a',
    '/a/b': 'a',
    '/b/': 'b',
    '/b/c/d': 'b',
    '/b': 'c',
    '/': 'c',
    '/zzz/y': 'c',
  })
})

test('a star segment in the middle takes any text, slashes included, and the whole path must match', async () => {
  await routes({ a: { uri: '/a/*/z' }, b: { uri: '/name/*/id/*' } })
  await expectAll({
    '/a/1/z': 'a',
    '/a/1/2/z': 'a',
    '/a/1/z/': '404',
    '/a/1/zz': '404',
    '/name/json/id/1': 'b',
    '/name/a/b/id/1/2': 'b',
    '/name/json': '404',
  })
})

test('a colon is an ordinary character of a path here', async () => {
  await routes({ a: { uri: '/file:listReputationHistories' }, b: { uri: '/user/:name' } })
  await expectAll({ '/file:listReputationHistories': 'a', '/user/:name': 'b', '/user/jack': '404' })
})

test('matching sees the path decoded, resolved and with slashes merged; the backend sees it as it was sent', async () => {
  await routes({ a: { uri: '/hello' }, b: { uri: '/b c' }, c: { uri: '/caf\u00e9' } })
  for (const [target, letter] of [
    ['/%68ello', 'a'],
    ['/x/../hello', 'a'],
    ['/./hello', 'a'],
    ['//hello', 'a'],
    ['/x/%2e%2e/hello', 'a'],
    ['/b%20c', 'b'],
    ['/caf%C3%A9', 'c'],
  ] as const) {
    assert.equal(await ask(target), letter, target)
    assert.equal(stage.last(letter).target, target)
  }
  await expectAll({ '/hello%2f': '404', '/%2fhello': '404', '/hello/.': '404', '/../hello': '400' })
})

test('an exact host beats a wildcard, a longer wildcard a shorter one, and any of them no host', async () => {
  await routes({
    a: { uri: '/s', host: 'foo.com' },
    b: { uri: '/s', host: '*.foo.com' },
    c: { uri: '/s', host: '*.bar.foo.com' },
    d: { uri: '/s' },
  })
  await expectAll({
    '/s @foo.com': 'a',
    '/s @FOO.com': 'a',
    '/s @foo.com:8080': 'a',
    '/s @a.foo.com': 'b',
    '/s @a.b.foo.com': 'b',
    '/s @x.bar.foo.com': 'c',
    '/s @bar.foo.com': 'b',
    '/s @xfoo.com': 'd',
    '/s @foo.com.evil': 'd',
  })
})

test('a host star without a dot is a pure suffix, a lone star is any host', async () => {
  await routes({ a: { uri: '/s', host: '*foo.com' }, b: { uri: '/s', host: '*' } })
  await expectAll({ '/s @foo.com': 'a', '/s @xfoo.com': 'a', '/s @a.foo.com': 'a', '/s @other': 'b' })
})

test('hosts in upper case, addresses and several hosts match without regard to case and port', async () => {
  await routes({
    a: { uri: '/s', hosts: ['Foo.COM', '*.Bar.com'] },
    b: { uri: '/s', host: '[::1]' },
    c: { uri: '/s', host: '127.0.0.5' },
  })
  await expectAll({
    '/s @foo.com': 'a',
    '/s @x.bar.COM:9': 'a',
    '/s @[::1]': 'b',
    '/s @[::1]:9080': 'b',
    '/s @127.0.0.5:1': 'c',
    '/s @other': '404',
  })
})

test('the table of precedence: a priority never beats a more specific path or host', async () => {
  const rows: readonly [Readonly<Record<string, Json>>, Readonly<Record<string, string>>][] = [
    [{ a: { uri: '/api/*', priority: 100 }, b: { uri: '/api/v1', priority: 0 } }, { '/api/v1': 'b' }],
    [{ a: { uri: '/*', host: '*.t.com' }, b: { uri: '/x' } }, { '/x @www.t.com': 'a' }],
    [{ a: { uri: '/a', host: 't.com' }, b: { uri: '/b' } }, { '/b @t.com': 'b' }],
    [
      {
        a: { uri: '/x', vars: [['arg_v', '==', '1']] },
        b: { uri: '/x', vars: [['arg_v', '==', '2']] },
        c: { uri: '/x', priority: -1 },
      },
      { '/x?v=1': 'a', '/x?v=2': 'b', '/x?v=3': 'c', '/x': 'c' },
    ],
    [
      { a: { uri: '/s/*' }, b: { uri: '/s/a/*' }, c: { uri: '/s/a' } },
      { '/s/a/b': 'b', '/s/a': 'c', '/s/z': 'a' },
    ],
    [{ a: { uri: '/p', priority: 1 }, b: { uri: '/p', priority: 2 } }, { '/p': 'b' }],
    [{ a: { uri: '/p' }, b: { uri: '/p' } }, { '/p': 'a' }],
    [{ a: { uri: '/p', host: 't.com' }, b: { uri: '/p', host: '*.com', priority: 9 } }, { '/p @t.com': 'a' }],
  ]
  for (const [set, table] of rows) {
    await clear(stage)
    await routes(set)
    await expectAll(table)
  }
})

test('a failing condition goes on to a shorter prefix and to a less specific host', async () => {
  await routes({
    a: { uri: '/x', methods: ['GET'] },
    b: { uri: '/*', methods: ['POST'] },
    c: { uri: '/only', host: 'h.com', vars: [['arg_go', '==', '1']] },
    d: { uri: '/o*', host: '*.com' },
  })
  assert.equal(await ask('/x', { method: 'POST' }), 'b')
  assert.equal(await ask('/x'), 'a')
  assert.equal(await ask('/x', { method: 'DELETE' }), '404')
  await expectAll({ '/only?go=1 @h.com': 'c', '/only @h.com': 'd', '/only @h.org': '404' })
})

test('a method that no route takes is the same 404, and GET does not stand for HEAD', async () => {
  await routes({
    a: { uri: '/m', methods: ['GET', 'PURGE'] },
    b: { uri: '/all' },
    c: { uri: '/empty', methods: [] },
  })
  assert.equal(await ask('/m', { method: 'PURGE' }), 'a')
  assert.equal(await ask('/m', { method: 'HEAD' }), '404')
  assert.equal(await ask('/all', { method: 'HEAD' }), 'ok')
  assert.equal(await ask('/all', { method: 'PROPFIND' }), 'b')
  assert.equal(await ask('/empty', { method: 'DELETE' }), 'c')
  const answer = await stage.send('/m', { method: 'POST' })
  assert.equal(answer.status, 404)
  assert.equal(answer.body, '{"error_msg":"404 Route Not Found"}\n')
})

test('status 0 takes a route out of matching, and PATCH brings it back', async () => {
  await routes({ a: { uri: '/s', status: 0 }, b: { uri: '/*' } })
  assert.equal(await ask('/s'), 'b')
  await stage.gateway.admin('PATCH', '/apisix/admin/routes/a/status', '1')
  assert.equal(await ask('/s'), 'a')
})

test('client addresses: single ones, networks, IPv6 forms, several', async () => {
  const from = async (localAddress: string) => {
    const client = await connectRaw(stage.gateway.port, { localAddress })
    const answer = await client.exchange('GET /ip HTTP/1.1\r\nHost: t\r\n\r\n')
    client.close()
    return answer.status === 200 ? answer.body : String(answer.status)
  }
  await routes({
    a: { uri: '/ip', remote_addr: '127.0.0.2' },
    b: { uri: '/ip', remote_addrs: ['127.3.0.0/16', '127.0.0.8/31', '::1'] },
    c: { uri: '/ip', remote_addr: '127.0.0.0/8', priority: -1 },
  })
  assert.equal(await from('127.0.0.2'), 'a')
  assert.equal(await from('127.3.4.5'), 'b')
  assert.equal(await from('127.0.0.9'), 'b')
  assert.equal(await from('127.0.0.10'), 'c')
  // 127.0.0.1 may name the client itself
  assert.equal(await ask('/ip', { headers: ['X-Real-IP: 127.0.0.2'] }), 'a')
  assert.equal(await ask('/ip', { headers: ['X-Real-IP: ::1'] }), 'b')
  assert.equal(await ask('/ip', { headers: ['X-Real-IP: 203.0.113.1'] }), '404')
  assert.equal(await ask('/ip', { headers: ['X-Forwarded-For: 127.0.0.2'] }), 'c')
})

test('malformed addresses are refused', async () => {
  for (const remote_addr of ['127.0.0.', '127.0.0.256', '::g', '10.0.0.0/33', '']) {
    assert.match(
      await stage.refused('/routes/1', { uri: '/a', plugins: {}, remote_addr }),
      /^invalid configuration: property "remote_addr" validation failed: object matches none of the required$/,
    )
  }
  assert.match(
    await stage.refused('/routes/1', { uri: '/a', plugins: {}, remote_addr: '::1/129' }),
    /remote_addr/,
  )
})

test('a route without hosts takes those of its service, and follows them at once', async () => {
  await stage.put('/services/1', { hosts: ['foo.com'] })
  await stage.put('/routes/a', { uri: '/h', service_id: '1', upstream: stage.upstream('a') })
  await stage.put('/routes/b', { uri: '/h', service_id: '1', host: 'own.com', upstream: stage.upstream('b') })
  await expectAll({ '/h @foo.com': 'a', '/h @own.com': 'b', '/h @bar.com': '404' })
  await stage.put('/services/1', { hosts: ['*.bar.com', 'new.com'] })
  await expectAll({ '/h @foo.com': '404', '/h @x.bar.com': 'a', '/h @new.com': 'a' })
  await stage.put('/services/1', {})
  await expectAll({ '/h @anything': 'a' })
})

test('a service that was forced away leaves 404 with the standard page', async () => {
  await stage.put('/services/1', { upstream: stage.upstream('a') })
  await stage.put('/routes/1', { uri: '/h', service_id: '1' })
  assert.equal(await ask('/h'), 'a')
  await stage.remove('/services/1')
  const answer = await stage.send('/h')
  assert.equal(answer.status, 404)
  assert.match(answer.field('content-type') ?? '', /^text\/html/)
  assert.match(answer.body, /<title>404 Not Found<\/title>/)
  await stage.put('/services/1', { upstream: stage.upstream('b') })
  assert.equal(await ask('/h'), 'b')
})

test('a deleted route is gone, a replaced one leaves no trace of its old conditions', async () => {
  await routes({ a: { uri: '/old', host: 'h.com' } })
  await stage.put('/routes/a', { uri: '/new', upstream: stage.upstream('b') })
  await expectAll({ '/old @h.com': '404', '/new': 'b' })
  await stage.remove('/routes/a')
  await expectAll({ '/new': '404' })
})

test('the body of a route miss is the reference’s, as text with a newline', async () => {
  const answer = await stage.send('/none')
  assert.equal(answer.status, 404)
  assert.equal(answer.body, '{"error_msg":"404 Route Not Found"}\n')
  assert.match(answer.field('content-type') ?? '', /^text\/plain/)
  assert.match(answer.field('server') ?? '', /^APISIX\/\d/)
})

test('several hosts and paths of one route are all pairs of them', async () => {
  await routes({ a: { uris: ['/1', '/2*'], hosts: ['x.com', '*.y.com'] } })
  await expectAll({
    '/1 @x.com': 'a',
    '/2/3 @x.com': 'a',
    '/1 @z.y.com': 'a',
    '/2 @z.y.com': 'a',
    '/1 @y.com': '404',
    '/3 @x.com': '404',
  })
})

test('route fields are checked as the reference does', async () => {
  const base = { uri: '/a', plugins: {} }
  for (const [more, text] of [
    [{ uri: 'x'.repeat(4097) }, /string too long, expected at most 4096, got 4097/],
    [{ name: '' }, /"name" validation failed: string too short, expected at least 1, got 0/],
    [{ desc: 'x'.repeat(257) }, /"desc" validation failed: string too long, expected at most 256, got 257/],
    [{ methods: ['GET', 'GET'] }, /expected unique items but items 1 and 2 are equal/],
    [{ methods: ['GETS'] }, /failed to validate item 1: matches none of the enum values/],
    [{ methods: 'GET' }, /"methods" validation failed: wrong type: expected array, got string/],
    [{ priority: '1' }, /"priority" validation failed: wrong type: expected integer, got string/],
    [{ status: true }, /"status" validation failed: wrong type: expected integer, got boolean/],
    [{ host: 'a_b!' }, /"host" validation failed: failed to match pattern/],
    [{ hosts: ['a', 'a'] }, /expected unique items but items 1 and 2 are equal/],
    [{ vars: 'x' }, /"vars" validation failed: wrong type: expected array, got string/],
    [{ labels: { env: '' } }, /string too short/],
    [{ labels: { env: 1 } }, /wrong type: expected string, got number/],
    [{ timeout: { connect: 1, send: 1, read: -1 } }, /expected -1 to be greater than 0/],
    [{ upstream_id: {} }, /"upstream_id" validation failed: object matches none of the required/],
    [{ plugins: [1] }, /"plugins" validation failed: wrong type: expected object, got table/],
    [{ enable_websocket: 'yes' }, /wrong type: expected boolean, got string/],
    [{ what: 1 }, /additional properties forbidden, found what/],
  ] as const) {
    const message = await stage.refused('/routes/1', { ...base, ...more })
    assert.match(message, /^invalid configuration: /)
    assert.match(message, text)
  }
})

test('a dot at the end of Host does not count, so a host written with one never matches and is warned about', async () => {
  await routes({ a: { uri: '/s', host: 'foo.com' } })
  await expectAll({ '/s @foo.com.': 'a', '/s @FOO.com.:80': 'a', '/s @foo.com..': '400' })
  const answer = await stage.put('/routes/b', { uri: '/t', hosts: ['bar.com.'], plugins: {} })
  assert.match(String(answer.headers['x-headgate-warning']), /^hosts: bar\.com\. never matches/)
})

test('an absolute target names the host, and names that are properties of objects are names like any other', async () => {
  await routes({
    a: { uri: '/s', host: 'foo.com' },
    b: { uri: '/p', vars: [['http___proto__', '==', '1']] },
    c: { uri: '/p', vars: [['cookie_constructor', '==', '1']] },
  })
  const client = await connectRaw(stage.gateway.port)
  const answer = await client.exchange('GET http://FOO.com:80/s?x HTTP/1.1\r\nHost: bar\r\n\r\n')
  client.close()
  assert.equal(answer.body, 'a')
  assert.deepEqual([stage.last().target, stage.last().field('host')], ['/s?x', 'FOO.com:80'])
  assert.equal(await ask('/p', { headers: ['__proto__: 1'] }), 'b')
  assert.equal(await ask('/p', { headers: ['Cookie: constructor=1'] }), 'c')
  assert.equal(await ask('/p'), '404')
  for (const id of ['__proto__', 'constructor', 'toString', '..']) {
    await stage.put(`/routes/${id}`, { uri: '/id', upstream: stage.upstream('d') })
    assert.equal(await ask('/id'), 'd')
    await stage.remove(`/routes/${id}`)
    assert.equal(await ask('/id'), '404')
  }
})

test('hosts that differ in case alone are one, and go as one', async () => {
  await routes({ a: { uri: '/s', hosts: ['Foo.com', 'foo.com', 'FOO.com'] } })
  assert.equal(await ask('/s', { host: 'foo.com' }), 'a')
  await routes({ a: { uri: '/t', hosts: ['Foo.com', 'foo.com'] } })
  await expectAll({ '/s @foo.com': '404', '/t @foo.com': 'a' })
  await stage.remove('/routes/a')
  await expectAll({ '/t @foo.com': '404' })
})

test('a listener for both families tells IPv4 and IPv6 clients apart', async (t) => {
  const [port = 0] = await findFreePorts(1)
  const other = await openStage({}, ['--listen', `[::]:${port}`])
  t.after(() => other.close())
  await other.put('/routes/1', { uri: '/*', remote_addr: '::1/128', upstream: other.upstream('a') })
  await other.put('/routes/2', { uri: '/*', remote_addr: '127.0.0.0/8', upstream: other.upstream('b') })
  for (const [host, letter] of [
    ['::1', 'a'],
    ['127.0.0.1', 'b'],
  ] as const) {
    const client = await connectRaw(port, { host })
    assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n')).body, letter)
    client.close()
    assert.equal(other.last(letter).field('x-real-ip'), host)
    assert.equal(other.last(letter).field('x-forwarded-port'), '8080')
  }
})

test('a request without Host, as HTTP/1.0 may send it, meets routes without host alone', async () => {
  await routes({ a: { uri: '/*', host: '*.com' }, b: { uri: '/*' } })
  const client = await connectRaw(stage.gateway.port)
  assert.equal((await client.exchange('GET /x HTTP/1.0\r\n\r\n')).body, 'b')
  client.close()
})
