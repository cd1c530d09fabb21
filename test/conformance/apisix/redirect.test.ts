// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { clear, type Json, openStage, type SendOptions, type Stage } from './stage.ts'

/** spec/apisix.md 9.1, redirect: what the client gets. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(async () => {
  await clear(stage)
  stage.forget()
})

async function redirect(config: Json, more: Json = {}): Promise<void> {
  await stage.put('/routes/1', { uri: '/*', plugins: { redirect: config }, ...more })
}

async function location(target: string, options: SendOptions = {}): Promise<string> {
  const answer = await stage.send(target, { headers: ['Host: foo.com'], ...options })
  return `${answer.status} ${answer.field('location') ?? answer.body}`
}

test('uri: a template, 302 by default, relative places stay relative, no upstream needed', async () => {
  for (const [config, target, expected] of [
    [{ uri: '/test/add' }, '/hello', '302 /test/add'],
    [{ uri: '/test/add', ret_code: 301 }, '/hello?x=1', '301 /test/add'],
    [{ uri: '$uri/test/add', ret_code: 301 }, '/hello', '301 /hello/test/add'],
    [{ uri: '${uri}b$host', ret_code: 308 }, '/a', '308 /abfoo.com'],
    [{ uri: 'https://$host$request_uri' }, '/a%20b?x=%20', '302 https://foo.com/a b?x=%20'],
    [{ uri: '/x/$arg_none/y' }, '/a', '302 /x//y'],
    [{ uri: '$$uri/x' }, '/a', '302 $/a/x'],
    [{ uri: '\\$uri' }, '/a', '302 \\$uri'],
    [{ uri: '$uri.html' }, '/a', '302 /a.html'],
    [{ uri: '/test${uri ?? x}' }, '/a', '302 /test'],
    [{ uri: '/a', ret_code: 200 }, '/a', '200 /a'],
    [{ uri: '/a%20b' }, '/a', '302 /a%20b'],
    [{ uri: '/a%20b', encode_uri: true }, '/a', '302 /a%2520b'],
    [{ uri: '/test?a=b c', encode_uri: true }, '/a', '302 /test?a=b c'],
    [{ uri: '/hello$uri', encode_uri: true }, '/%20%22', '302 /hello/%20%22'],
    [{ uri: '/new', append_query_string: true }, '/a?x=1&y', '302 /new?x=1&y'],
    [{ uri: '/new?q=0', append_query_string: true }, '/a?x=1', '302 /new?q=0&x=1'],
    [{ uri: '/new', append_query_string: true }, '/a', '302 /new'],
    [{ uri: '/new', append_query_string: true }, '/a?', '302 /new'],
  ] as const) {
    await redirect(config)
    assert.equal(await location(target), expected, JSON.stringify(config))
  }
})

test('the answer has the page of its status, and none where the status has none', async () => {
  await redirect({ uri: '/x', ret_code: 301 })
  const moved = await stage.send('/a')
  assert.match(moved.body, /<title>301 Moved Permanently<\/title>/)
  assert.match(moved.field('content-type') ?? '', /^text\/html/)
  const head = await stage.send('/a', { method: 'HEAD' })
  assert.deepEqual([head.status, head.body], [301, ''])
  await redirect({ uri: '/x', ret_code: 304 })
  assert.equal((await stage.send('/a')).body, '')
})

test('regex_uri: a hit makes the place, a miss goes on to the upstream', async () => {
  await redirect({ regex_uri: ['^/test/(.*)/(.*)', '/$1/$2'] }, { upstream: stage.upstream('a') })
  assert.equal(await location('/test/one/two?x=1'), '302 /one/two')
  assert.equal(await location('/none'), '200 a')
  await redirect({
    regex_uri: ['^/test/(.*)', 'http://test.com/${1}/${1}'],
    ret_code: 301,
    append_query_string: true,
  })
  assert.equal(await location('/test/one?x=1'), '301 http://test.com/one/one?x=1')
  assert.equal((await stage.send('/none')).status, 503)
  await redirect({ regex_uri: ['^/e(.*)', '/new$1'], encode_uri: true })
  assert.equal(await location('/e%20x'), '302 /new%20x')
})

test('http_to_https: host, target and query stay, the status goes by the method', async () => {
  await redirect({ http_to_https: true, ret_code: 307 })
  assert.equal(await location('/hello?a=%20'), '301 https://foo.com/hello?a=%20')
  assert.equal(await location('/hello', { headers: ['Host: foo.com:9080'] }), '301 https://foo.com/hello')
  assert.equal((await stage.send('/hello', { method: 'HEAD', headers: ['Host: foo.com'] })).status, 301)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    assert.equal(await location('/hello', { method }), '308 https://foo.com/hello', method)
  }
  // nobody is trusted, so what a client says about its scheme does not count
  assert.equal(
    await location('/hello', { headers: ['Host: foo.com', 'X-Forwarded-Proto: https'] }),
    '301 https://foo.com/hello',
  )
  await redirect({ http_to_https: false }, { upstream: stage.upstream('a') })
  assert.equal(await location('/hello'), '200 a')
})

test('a trusted peer decides by X-Forwarded-Proto, and the setting names the port', async (t) => {
  const other = await openStage({ trustedPeers: ['127.0.0.1'], apisix: { httpsPort: 9443 } })
  t.after(() => other.close())
  await other.put('/routes/1', {
    uri: '/*',
    plugins: { redirect: { http_to_https: true } },
    upstream: other.upstream('a'),
  })
  const ask = async (...headers: string[]) => {
    const answer = await other.send('/x', { headers: ['Host: foo.com', ...headers] })
    return `${answer.status} ${answer.field('location') ?? answer.body}`
  }
  assert.equal(await ask(), '301 https://foo.com:9443/x')
  assert.equal(await ask('X-Forwarded-Proto: https'), '200 a')
  assert.equal(await ask('X-Forwarded-Proto: http'), '301 https://foo.com:9443/x')
  assert.equal(await ask('X-Forwarded-Proto: '), '301 https://foo.com:9443/x')
})

test('line breaks never leave as such', async () => {
  await redirect({ uri: '/x$arg_v' })
  const answer = await stage.send('/a?v=%0d%0aSet-Cookie:%20x=1')
  assert.equal(answer.field('set-cookie'), undefined)
  assert.match(answer.field('location') ?? '', /^\/x%0D%0A/)
})

test('a redirect answers before a split is looked at, and its conditions see what proxy-rewrite set', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    upstream: stage.upstream('a'),
    plugins: {
      'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id: 'missing' }] }] },
      redirect: { uri: '/there', _meta: { filter: [['http_x_go', '==', '1']] } },
      'proxy-rewrite': { headers: { set: { 'X-Go': '$arg_go' } } },
    },
  })
  assert.equal(await location('/a?go=1'), '302 /there')
  assert.match(await location('/a?go=2'), /^500 failed to fetch upstream info by upstream id: missing/)
})

test('wrong configurations are refused in the reference’s words', async () => {
  const head = 'failed to check the configuration of plugin redirect err: '
  for (const [config, message] of [
    [{}, 'value should match only one schema, but matches none'],
    [{ ret_code: 302 }, 'value should match only one schema, but matches none'],
    [
      { uri: '/a', http_to_https: true },
      'value should match only one schema, but matches both schemas 1 and 3',
    ],
    [
      { uri: '/a', http_to_https: false },
      'value should match only one schema, but matches both schemas 1 and 3',
    ],
    [
      { uri: '/a', regex_uri: ['a', 'b'] },
      'value should match only one schema, but matches both schemas 1 and 2',
    ],
    [{ uri: 7 }, 'property "uri" validation failed: wrong type: expected string, got number'],
    [{ uri: 'x' }, 'property "uri" validation failed: string too short, expected at least 2, got 1'],
    [{ uri: '/a', ret_code: 199 }, 'property "ret_code" validation failed: expected 199 to be at least 200'],
    [
      { uri: '/a', ret_code: '301' },
      'property "ret_code" validation failed: wrong type: expected integer, got string',
    ],
    [{ regex_uri: ['a'] }, 'property "regex_uri" validation failed: expect array to have at least 2 items'],
    [
      { regex_uri: ['a', 'b', 'c'] },
      'property "regex_uri" validation failed: expect array to have at most 2 items',
    ],
    [{ regex_uri: ['^/a(', '/b'] }, /^invalid regex_uri \(\^\/a\(, \/b\), err:./],
    [
      { http_to_https: true, append_query_string: true },
      'only one of `http_to_https` and `append_query_string` can be configured.',
    ],
  ] as const) {
    const error = await stage.refused('/routes/1', { uri: '/*', plugins: { redirect: config } })
    assert.ok(error.startsWith(head), error)
    const rest = error.slice(head.length)
    if (typeof message === 'string') assert.equal(rest, message)
    else assert.match(rest, message)
  }
})
