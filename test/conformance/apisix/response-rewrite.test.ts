// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { answerText } from '../../support/backends.ts'
import { clear, type Json, openStage, type Stage } from './stage.ts'

/** spec/apisix.md 9.1, response-rewrite: what the client gets, also when the gateway itself answers. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(async () => {
  await clear(stage)
  stage.forget()
})

async function rewrite(config: Json, more: Json = {}): Promise<void> {
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: { 'response-rewrite': config },
    upstream: stage.upstream('a'),
    ...more,
  })
}

test('an empty configuration does nothing, a status alone changes the status alone', async () => {
  await rewrite({})
  assert.equal((await stage.send('/')).body, 'a')
  await rewrite({ status_code: 201 })
  const answer = await stage.send('/')
  assert.equal(answer.statusLine, 'HTTP/1.1 201 Created')
  assert.equal(answer.body, 'a')
  await rewrite({ status_code: 204 })
  const empty = await stage.send('/')
  assert.deepEqual([empty.status, empty.body, empty.field('content-length')], [204, '', undefined])
})

test('a body takes the place of the backend’s, with its own length and without what described the old one', async () => {
  stage.backends.a.answer = () =>
    answerText('old body', {
      headers: [
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        'ETag: "1"',
        'Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT',
        'X-Kept: 1',
      ],
    })
  await rewrite({ body: 'new body\n', status_code: 503 })
  const answer = await stage.send('/')
  assert.deepEqual([answer.status, answer.body, answer.field('content-length')], [503, 'new body\n', '9'])
  for (const name of ['content-encoding', 'etag', 'last-modified'])
    assert.equal(answer.field(name), undefined, name)
  assert.equal(answer.field('content-type'), 'application/json')
  assert.equal(answer.field('x-kept'), '1')
  const head = await stage.send('/', { method: 'HEAD' })
  assert.deepEqual([head.status, head.body], [503, ''])
  await rewrite({ body: '' })
  const empty = await stage.send('/')
  assert.deepEqual([empty.body, empty.field('content-length')], ['', '0'])
})

test('a body in base64, also with bytes that are no text, in place of chunks', async () => {
  stage.backends.a.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  await rewrite({ body: Buffer.from([0, 255, 10, 1]).toString('base64'), body_base64: true })
  const answer = await stage.send('/')
  assert.equal(answer.body, '\0\xff\n\x01')
  assert.equal(answer.field('content-length'), '4')
  assert.equal(answer.field('transfer-encoding'), undefined)
})

test('a large body of the backend is dropped and the connection goes on', async () => {
  stage.backends.a.answer = () => answerText('x'.repeat(100_000))
  await rewrite({ body: 'short' })
  for (let i = 0; i < 3; i++) assert.equal((await stage.send('/')).body, 'short')
})

test('headers: add behind, set instead of all, remove; numbers, variables, empty', async () => {
  stage.backends.a.answer = () =>
    answerText('a', {
      headers: ['Set-Cookie: one=1', 'Set-Cookie: two=2', 'X-A: old', 'X-R: 1', 'X-E: 1', 'X-T: 1'],
    })
  await rewrite({
    headers: {
      add: ['X-A:  new ', 'Set-Cookie: three=3', 'X-L: http://x:1/'],
      set: { 'X-T': '$status-$remote_addr-${arg_q ?? none}', 'X-N': 7, 'X-E': '', 'X-U': '$upstream_status' },
      remove: ['X-R', 'Server'],
    },
  })
  const answer = await stage.send('/')
  assert.deepEqual(answer.all('set-cookie'), ['one=1', 'two=2', 'three=3'])
  assert.deepEqual(answer.all('x-a'), ['old', 'new'])
  assert.deepEqual(answer.all('x-l'), ['http://x:1/'])
  assert.deepEqual(answer.all('x-t'), ['200-127.0.0.1-none'])
  assert.deepEqual(answer.all('x-n'), ['7'])
  assert.deepEqual(answer.all('x-u'), ['200'])
  for (const name of ['x-r', 'x-e', 'server']) assert.equal(answer.field(name), undefined, name)
  await rewrite({ headers: { 'Set-Cookie': 'only=1', Server: 'mine', 'Content-Type': '' } })
  const old = await stage.send('/')
  assert.deepEqual(old.all('set-cookie'), ['only=1'])
  assert.equal(old.field('server'), 'mine')
  assert.equal(old.field('content-type'), undefined)
})

test('vars see the answer: its status as a number, its fields, the chosen node', async () => {
  const { a } = stage.backends
  a.answer = ({ target }) =>
    answerText('old', {
      status: target.startsWith('/500') ? '500 Error' : '200 OK',
      headers: ['X-Kind: canary'],
    })
  for (const [vars, target, expected] of [
    [[['status', '==', 500]], '/500', 'new'],
    [[['status', '==', 500]], '/', 'old'],
    [[['status', '==', '500']], '/500', 'old'],
    [[['status', '>=', 500]], '/500', 'new'],
    [[['upstream_status', '==', '200']], '/', 'new'],
    [[['upstream_http_x_kind', '==', 'canary']], '/', 'new'],
    [[['sent_http_x-kind', '==', 'canary']], '/', 'new'],
    [
      [
        ['balancer_ip', '==', '127.0.0.1'],
        ['balancer_port', '==', a.port],
      ],
      '/',
      'new',
    ],
    [[['arg_go', '==', '1']], '/?go=1', 'new'],
    [[['arg_go', '==', '1']], '/', 'old'],
    [[['uri', '==', '/x']], '/x', 'new'],
    [[], '/', 'new'],
  ] as const) {
    await rewrite({ body: 'new', vars })
    assert.equal((await stage.send(target)).body, expected, `${JSON.stringify(vars)} ${target}`)
  }
  await rewrite({ status_code: 210, headers: { 'X-Was': '$status' }, vars: [['status', '==', 200]] })
  const answer = await stage.send('/')
  assert.deepEqual([answer.status, answer.field('x-was')], [210, '200'])
})

test('gateway-made answers of a matched route are rewritten too, the 404 without a route is not', async () => {
  const config = { headers: { set: { 'X-By': 'gateway-$status' } }, body: 'ours' }
  await rewrite(config, { upstream: { nodes: { '127.0.0.1:1': 1 } } })
  const refused = await stage.send('/')
  assert.deepEqual([refused.status, refused.field('x-by'), refused.body], [502, 'gateway-502', 'ours'])
  assert.equal(refused.field('x-apisix-upstream-status'), '502')
  await rewrite(config, { upstream: { nodes: {} } })
  const none = await stage.send('/')
  assert.deepEqual([none.status, none.field('x-by'), none.body], [503, 'gateway-503', 'ours'])
  await rewrite(
    { status_code: 200, body: 'fallback', vars: [['status', '==', 503]] },
    { upstream: { nodes: {} } },
  )
  const healed = await stage.send('/')
  assert.deepEqual([healed.status, healed.body], [200, 'fallback'])
  await stage.put('/routes/1', {
    uri: '/only',
    plugins: { redirect: { uri: '/there' }, 'response-rewrite': config },
  })
  const moved = await stage.send('/only')
  assert.deepEqual(
    [moved.status, moved.field('x-by'), moved.field('location'), moved.body],
    [302, 'gateway-302', '/there', 'ours'],
  )
  const missed = await stage.send('/none')
  assert.deepEqual([missed.status, missed.field('x-by')], [404, undefined])
})

test('a missing upstream_id of traffic-split is an answer like any other to it', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: {
      'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id: 'gone' }] }] },
      'response-rewrite': { headers: { set: { 'X-By': '$status' } } },
    },
  })
  const answer = await stage.send('/')
  assert.deepEqual([answer.status, answer.field('x-by')], [500, '500'])
})

test('_meta.filter decides before vars', async () => {
  await rewrite({ body: 'new', _meta: { filter: [['arg_go', '==', '1']] } })
  assert.equal((await stage.send('/?go=1')).body, 'new')
  assert.equal((await stage.send('/')).body, 'a')
})

test('wrong configurations are refused in the reference’s words', async () => {
  const head = 'failed to check the configuration of plugin response-rewrite err: '
  for (const [config, message] of [
    [{ status_code: 199 }, 'property "status_code" validation failed: expected 199 to be at least 200'],
    [{ status_code: 599 }, 'property "status_code" validation failed: expected 599 to be at most 598'],
    [{ body: 2 }, 'property "body" validation failed: wrong type: expected string, got number'],
    [{ body: '1', body_base64: true }, 'invalid base64 content'],
    [{ body: '', body_base64: true }, 'invalid base64 content'],
    [{ body_base64: true }, 'invalid base64 content'],
    [{ vars: [['status', '===', 200]] }, "failed to validate the 'vars' expression: invalid operator '==='"],
    [{ body: 'x', filters: [{ regex: 'a', replace: 'b' }] }, "value wasn't supposed to match schema"],
    [{ filters: [{ regex: 'a' }] }, /property "replace" is required/],
    [{ filters: [] }, /expect array to have at least 1 items/],
    [{ filters: [{ regex: 'a', replace: 'b' }] }, /filters/],
    [{ headers: { '': 'x' } }, 'invalid field length in header'],
    [{ headers: { add: 'x', set: 1, remove: [] } }, /object matches none of the required/],
    [{ headers: { add: ['no colon'] } }, /object matches none of the required/],
    [{ headers: { remove: [''] } }, /object matches none of the required/],
    [{ headers: { 'X-A': true } }, 'invalid type as header value'],
    [{ headers: { set: { 'Content-Length': 1 } } }, /./],
    [{ headers: { 'Transfer-Encoding': 'x' } }, /./],
  ] as const) {
    const error = await stage.refused('/routes/1', { uri: '/*', plugins: { 'response-rewrite': config } })
    assert.ok(error.startsWith(head), `${JSON.stringify(config)}: ${error}`)
    const rest = error.slice(head.length)
    if (typeof message === 'string') assert.equal(rest, message)
    else assert.match(rest, message)
  }
})

test('variables of the request are the client’s, whatever proxy-rewrite sent', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    upstream: stage.upstream('a'),
    plugins: {
      'proxy-rewrite': { uri: '/new?b=2', method: 'PUT', headers: { set: { 'X-In': 'changed' } } },
      'response-rewrite': {
        headers: { set: { 'X-Seen': '$request_method $uri $arg_a$arg_b $http_x_in $route_id' } },
      },
    },
  })
  const answer = await stage.send('/old?a=1', { headers: ['Host: t', 'X-In: original'] })
  assert.equal(answer.field('x-seen'), 'GET /old 1 changed 1')
  assert.equal(stage.last().requestLine, 'PUT /new?b=2&a=1 HTTP/1.1')
})

test('fields that the gateway adds can be taken away and asked for like any other', async () => {
  const dead = { upstream: { nodes: { '127.0.0.1:1': 1 } } }
  await rewrite(
    { headers: { remove: ['X-APISIX-Upstream-Status', 'Server', 'X-Headgate-Error', 'Date'] } },
    dead,
  )
  const bare = await stage.send('/')
  assert.equal(bare.status, 502)
  for (const name of ['x-apisix-upstream-status', 'server', 'x-headgate-error', 'date']) {
    assert.equal(bare.field(name), undefined, name)
  }
  await rewrite({ body: 'seen', vars: [['sent_http_x_apisix_upstream_status', '==', '502']] }, dead)
  const seen = await stage.send('/')
  assert.deepEqual([seen.body, seen.all('x-apisix-upstream-status')], ['seen', ['502']])
})

test('the chosen node: its address, its port and its name as configured', async () => {
  const { port } = stage.backends.a
  await rewrite(
    { headers: { set: { 'X-Node': '$balancer_ip:$balancer_port $upstream_unresolved_host' } } },
    { upstream: { nodes: { [`localhost:${port}`]: 1 } } },
  )
  assert.equal((await stage.send('/')).field('x-node'), `127.0.0.1:${port} localhost`)
})
