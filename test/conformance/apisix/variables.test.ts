import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, before, test } from 'node:test'
import { connectRaw } from '../../support/raw-client.ts'
import { openStage, type SendOptions, type Stage } from './stage.ts'

/** spec/apisix.md 7 and 8: conditions of a route over every class of variables, on requests that really arrive. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())

type Case = readonly [target: string, expected: boolean, options?: SendOptions]

/** Stores the condition on one route and asks whether each request meets it. */
async function expectHolds(vars: unknown, cases: readonly Case[]): Promise<void> {
  await stage.put('/routes/1', { uri: '/*', vars, upstream: stage.upstream('a') })
  for (const [target, expected, options] of cases) {
    const { status } = await stage.send(target, { method: 'GET', ...options })
    assert.equal(
      status === 200,
      expected,
      `${JSON.stringify(vars)} on ${target} ${JSON.stringify(options ?? {})}`,
    )
  }
}

const header = (...headers: string[]): SendOptions => ({ headers: ['Host: t', ...headers] })
const form = (body: string, type = 'application/x-www-form-urlencoded'): SendOptions => ({
  method: 'POST',
  headers: ['Host: t', `Content-Type: ${type}`],
  body,
})
const json = (body: unknown, type = 'application/json') =>
  form(typeof body === 'string' ? body : JSON.stringify(body), type)

test('the truth table, with a query argument as x', async () => {
  const q = (value: string | null) => (value === null ? '/' : `/?x=${encodeURIComponent(value)}`)
  const table: readonly [unknown, readonly [string | null, boolean][]][] = [
    [
      [['arg_x', '==', 'a']],
      [
        ['a', true],
        ['A', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', '==', 7]],
      [
        ['7', true],
        ['7.0', true],
        [' 7 ', true],
        ['0x7', true],
        ['7e0', true],
        ['7a', false],
        ['', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', '==', '7']],
      [
        ['7', true],
        ['7.0', false],
      ],
    ],
    [
      [['arg_x', '~=', 7]],
      [
        ['7', false],
        ['8', true],
        ['abc', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', '~=', 'a']],
      [
        ['a', false],
        ['b', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', '>', '9']],
      [
        ['10', true],
        ['9', false],
        ['abc', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', '>=', 9]],
      [
        ['9', true],
        ['8.99', false],
      ],
    ],
    [
      [['arg_x', '<=', 3]],
      [
        ['3', true],
        ['3.01', false],
        ['-5', true],
      ],
    ],
    [
      [['arg_x', '<', 18]],
      [
        ['17', true],
        ['18', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', '!', '>', 3]],
      [
        ['3', true],
        ['4', false],
        ['abc', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', '!', '<', 18]],
      [
        ['17', false],
        [null, true],
      ],
    ],
    [
      [['arg_x', 'in', ['a', 'b']]],
      [
        ['b', true],
        ['c', false],
        [null, false],
      ],
    ],
    [[['arg_x', 'IN', ['a']]], [['a', true]]],
    [[['arg_x', 'in', [1]]], [['1', false]]],
    [[['arg_x', 'in', 'abc']], [['a', false]]],
    [
      [['arg_x', '!', 'in', ['a']]],
      [
        ['a', false],
        ['b', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', 'has', 'a']],
      [
        ['a', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', '!', 'has', 'a']],
      [
        ['a', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', '~~', '^v[12]$']],
      [
        ['v1', true],
        ['V1', false],
        ['v12', false],
        [null, false],
      ],
    ],
    [[['arg_x', '~~', 'v1']], [['xv10', true]]],
    [
      [['arg_x', '~~', '[a-z]+']],
      [
        ['1', false],
        ['1a', true],
      ],
    ],
    [
      [['arg_x', '~*', 'beta']],
      [
        ['BETA-2', true],
        [null, false],
      ],
    ],
    [
      [['arg_x', '!', '~~', 'a']],
      [
        ['b', true],
        ['a', false],
        [null, true],
      ],
    ],
    [
      [['arg_x', '!', '~*', 'a']],
      [
        ['A', false],
        ['b', true],
      ],
    ],
    [
      [['arg_x', '==', null]],
      [
        [null, true],
        ['', false],
        ['a', false],
      ],
    ],
    [
      [['arg_x', '~=', null]],
      [
        [null, false],
        ['', true],
      ],
    ],
    [
      [['arg_x', '==', '']],
      [
        ['', true],
        [null, false],
      ],
    ],
    [[['arg_x', '==', true]], [['true', false]]],
    [
      [['arg_x', 'ipmatch', ['10.0.0.0/8', '::1']]],
      [
        ['10.9.9.9', true],
        ['::1', true],
        ['11.0.0.1', false],
        ['text', false],
        [null, false],
      ],
    ],
    [
      [['arg_x', 'IPMATCH', '10.0.0.0/8']],
      [
        ['10.1.1.1', true],
        ['11.1.1.1', false],
      ],
    ],
    [
      [['arg_x', '!', 'ipmatch', '10.0.0.0/8']],
      [
        ['11.0.0.1', true],
        ['10.0.0.1', false],
        [null, true],
      ],
    ],
    [
      [
        ['arg_x', '>', 1],
        ['arg_x', '<', 5],
      ],
      [
        ['3', true],
        ['5', false],
      ],
    ],
    [
      ['OR', ['arg_x', '==', 'a'], ['arg_x', '==', 'b']],
      [
        ['a', true],
        ['b', true],
        ['c', false],
      ],
    ],
    [
      ['or', ['arg_x', '==', 'a'], ['arg_x', '==', 'b']],
      [
        ['b', true],
        ['c', false],
      ],
    ],
    [
      ['!OR', ['arg_x', '==', 'a'], ['arg_x', '==', 'b']],
      [
        ['a', false],
        ['c', true],
        [null, true],
      ],
    ],
    [
      ['!AND', ['arg_x', '==', 'a'], ['arg_y', '==', 'b']],
      [
        ['a', true],
        [null, true],
      ],
    ],
    [
      [],
      [
        ['anything', true],
        [null, true],
      ],
    ],
    [
      [['arg_x', 'IOS']],
      [
        ['ios', true],
        ['IOS', false],
      ],
    ],
    [
      [['arg_x', '==']],
      [
        [null, true],
        ['a', false],
      ],
    ],
    [
      [
        [
          ['arg_x', '==', 'a'],
          ['arg_x', '~=', 'b'],
        ],
      ],
      [
        ['a', true],
        ['b', false],
      ],
    ],
  ]
  for (const [vars, cases] of table) {
    await expectHolds(
      vars,
      cases.map(([value, expected]) => [q(value), expected] as const),
    )
  }
})

test('nesting: lists in lists, words inside words', async () => {
  await expectHolds(
    ['AND', ['arg_x', '==', 'a'], ['OR', ['arg_y', '==', '1'], ['arg_y', '==', '2']]],
    [
      ['/?x=a&y=2', true],
      ['/?x=a', false],
      ['/?x=b&y=1', false],
    ],
  )
  await expectHolds(
    [
      ['OR', ['arg_x', '==', 'a'], ['!AND', ['arg_y', '==', '1'], ['arg_z', '==', '1']]],
      ['arg_q', '~=', 'no'],
    ],
    [
      ['/?x=a&y=1&z=1', true],
      ['/?x=b&y=1&z=1', false],
      ['/?x=b&y=1', true],
      ['/?x=a&q=no', false],
    ],
  )
  await expectHolds(
    ['!AND', ['arg_x', '==', 'a'], ['arg_y', '==', 'b']],
    [
      ['/?x=a&y=b', false],
      ['/?x=a', true],
      ['/', true],
    ],
  )
})

test('arguments: case, dashes, decoding, the first of several, no value, no sign', async () => {
  await expectHolds(
    [['arg_Name', '==', 'a b']],
    [
      ['/?Name=a%20b', true],
      ['/?Name=a+b', true],
      ['/?name=a%20b', false],
      ['/?Name=a%20b&Name=c', true],
      ['/?Name=c&Name=a%20b', false],
    ],
  )
  await expectHolds(
    [['arg_k-1', '==', '1']],
    [
      ['/?k-1=1', true],
      ['/?k_1=1', false],
    ],
  )
  await expectHolds(
    [['arg_a', '==', true]],
    [
      ['/?a', true],
      ['/?b&a', true],
      ['/?a=', false],
      ['/?a=true', false],
      ['/', false],
    ],
  )
  await expectHolds(
    [['arg_a', '==', '']],
    [
      ['/?a=', true],
      ['/?a', false],
    ],
  )
  await expectHolds(
    [['arg_a', '~=', null]],
    [
      ['/?a', true],
      ['/?a=', true],
      ['/?b=1', false],
    ],
  )
  await expectHolds(
    [['args', '==', 'a=1&b=%20']],
    [
      ['/?a=1&b=%20', true],
      ['/?b=%20&a=1', false],
    ],
  )
  await expectHolds(
    [['query_string', '==', null]],
    [
      ['/', true],
      ['/?', true],
      ['/?a', false],
    ],
  )
  await expectHolds(
    [['is_args', '==', '?']],
    [
      ['/?a', true],
      ['/', false],
    ],
  )
})

test('headers: any case, dashes and underscores alike, repeated ones joined', async () => {
  for (const name of ['http_x-api-key', 'http_x_api_key', 'http_X-Api_KEY']) {
    await expectHolds(
      [[name, '==', 'jack']],
      [
        ['/', true, header('X-API-Key: jack')],
        ['/', true, header('x_api_key: jack')],
        ['/', false, header('X-API-Key: Jack')],
        ['/', false],
      ],
    )
  }
  await expectHolds(
    [['http_x_list', '==', 'a, b']],
    [
      ['/', true, header('X-List: a', 'X-List: b')],
      ['/', true, header('X-List: a, b')],
      ['/', false, header('X-List: a')],
    ],
  )
  await expectHolds(
    [['http_apisix_key', '~~', '[a-z]+']],
    [
      ['/', true, header('apisix-key: hello')],
      ['/', false, header('apisix-key: 123')],
    ],
  )
  await expectHolds([['http_user_agent', '~*', 'iphone']], [['/', true, header('User-Agent: My IPHONE')]])
  await expectHolds([['http_referer', '==', 'http://x/']], [['/', true, header('Referer: http://x/')]])
  await expectHolds(
    [['http_host', '==', 'T.com:81']],
    [
      ['/', true, { headers: ['Host: T.com:81'] }],
      ['/', false, { headers: ['Host: t.com:81'] }],
    ],
  )
  await expectHolds(
    [['host', '==', 't.com']],
    [
      ['/', true, { headers: ['Host: T.com:81'] }],
      ['/', true, { headers: ['Host: t.com'] }],
    ],
  )
})

test('cookies: case, dashes, brackets, odd blanks, several Cookie fields', async () => {
  await expectHolds(
    [['cookie_k', '==', 'v']],
    [
      ['/', true, header('Cookie: k=v; kkk=vvv')],
      ['/', true, header('Cookie: a=1;k=v')],
      ['/', true, header('Cookie: a=1', 'Cookie: k=v')],
      ['/', false, header('Cookie: K=v')],
      ['/', false, header('Cookie: kk=v')],
      ['/', false, header('Cookie: k=v2')],
      ['/', false],
    ],
  )
  await expectHolds(
    [['cookie_my-cookie.x[1]', '==', 'v=w']],
    [['/', true, header('Cookie: my-cookie.x[1]=v=w')]],
  )
  await expectHolds([['cookie_orderNo', '==', 'F30']], [['/', true, header('Cookie: OnlyHttp;orderNo=F30')]])
  await expectHolds(
    [['cookie_k', '==', null]],
    [
      ['/', true],
      ['/', false, header('Cookie: k=')],
    ],
  )
})

test('request line and connection', async () => {
  const { port } = stage.gateway
  await expectHolds(
    [['uri', '==', '/a b/c']],
    [
      ['/a%20b/x/../c', true],
      ['/a%20b//c?x=1', true],
      ['/a/c', false],
    ],
  )
  await expectHolds([['request_uri', '==', '/a b?x=%20']], [['/a%20b?x=%20', true]])
  await expectHolds(
    [['real_request_uri', '==', '/%61?x']],
    [
      ['/%61?x', true],
      ['/a?x', false],
    ],
  )
  await expectHolds(
    [['request_method', '==', 'POST']],
    [
      ['/', true, { method: 'POST' }],
      ['/', false],
    ],
  )
  await expectHolds([['method', 'in', ['PUT', 'POST']]], [['/', true, { method: 'PUT' }]])
  await expectHolds([['scheme', '==', 'http']], [['/', true]])
  await expectHolds([['server_protocol', '==', 'HTTP/1.1']], [['/', true]])
  await expectHolds([['server_port', '==', port]], [['/', true]])
  await expectHolds([['server_port', '==', String(port)]], [['/', true]])
  await expectHolds([['server_addr', '==', '127.0.0.1']], [['/', true]])
  await expectHolds([['server_name', '==', '_']], [['/', true]])
  await expectHolds([['hostname', '==', hostname()]], [['/', true]])
  await expectHolds(
    [['remote_addr', 'ipmatch', '127.0.0.0/8']],
    [
      ['/', true],
      ['/', false, header('X-Real-IP: 10.0.0.1')],
    ],
  )
  await expectHolds([['realip_remote_addr', '==', '127.0.0.1']], [['/', true, header('X-Real-IP: 10.0.0.1')]])
  await expectHolds([['remote_port', '>', 0]], [['/', true]])
  await expectHolds([['content_length', '==', 3]], [['/', true, { method: 'POST', body: 'abc' }]])
  await expectHolds([['content_type', '~~', '^text']], [['/', true, header('Content-Type: text/plain')]])
  await expectHolds([['request_id', '~~', '.']], [['/', true]])
  await expectHolds([['msec', '>', 1000]], [['/', true]])
  await expectHolds([['time_iso8601', '~~', '^[0-9]{4}-']], [['/', true]])
  // not known yet while routes are matched
  await expectHolds([['route_id', '==', '1']], [['/', false]])
  await expectHolds([['no_such_thing', '==', null]], [['/', true]])
})

test('form fields: the type decides, the first of a name, decoded', async () => {
  for (const name of ['post_arg_name', 'post_arg.name']) {
    await expectHolds(
      [[name, '==', 'a b']],
      [
        ['/', true, form('name=a+b&x=1')],
        ['/', true, form('x=1&name=a%20b', 'application/x-www-form-urlencoded; charset=utf-8')],
        ['/', false, form('name=b')],
        ['/', false, form('name=a+b', 'text/plain')],
        ['/', false],
      ],
    )
  }
  // a repeated field is its first value by the one name and a list by the other
  await expectHolds([['post_arg_name', '==', 'a b']], [['/', true, form('name=a%20b&name=c')]])
  await expectHolds([['post_arg.name', 'has', 'c']], [['/', true, form('name=a%20b&name=c')]])
})

test('JSON fields keep their types, walk objects and lists, and are absent in what does not parse', async () => {
  await expectHolds(
    [['post_arg.model', '==', 'deepseek']],
    [
      ['/', true, json({ model: 'deepseek' })],
      ['/', true, json({ model: 'deepseek' }, 'application/json; charset=utf-8')],
      ['/', false, json({ model: 'x' })],
      ['/', false, json('{"model":"deepseek"')],
      ['/', false, json({ model: 'deepseek' }, 'text/plain')],
    ],
  )
  await expectHolds(
    [['post_arg.user.age', '==', 18]],
    [
      ['/', true, json({ user: { age: 18 } })],
      ['/', true, json({ user: { age: '18' } })],
      ['/', false, json({ 'user.age': 18 })],
    ],
  )
  await expectHolds(
    [['post_arg.user.age', '==', '18']],
    [
      ['/', true, json({ user: { age: '18' } })],
      ['/', false, json({ user: { age: 18 } })],
    ],
  )
  await expectHolds(
    [['post_arg.on', '==', true]],
    [
      ['/', true, json({ on: true })],
      ['/', false, json({ on: 'true' })],
    ],
  )
  await expectHolds(
    [['post_arg.n', 'in', [1, 2]]],
    [
      ['/', true, json({ n: 2 })],
      ['/', false, json({ n: '2' })],
    ],
  )
  await expectHolds(
    [['post_arg.gone', '==', null]],
    [
      ['/', true, json({ gone: null })],
      ['/', true, json({})],
      ['/', false, json({ gone: '' })],
    ],
  )
  await expectHolds(
    [['post_arg.messages[*].content[*].type', 'has', 'image_url']],
    [
      ['/', true, json({ messages: [{ content: [{ type: 'text' }, { type: 'image_url' }] }] })],
      ['/', false, json({ messages: [{ content: [{ type: 'text' }] }] })],
      ['/', false, json({ messages: [] })],
    ],
  )
  await expectHolds(
    [['post_arg..type', 'has', 'deep']],
    [['/', true, json({ a: { b: [{ type: 'deep' }] } })]],
  )
  await expectHolds(
    [['post_arg.list[0]', 'has', 'x']],
    [
      ['/', true, json({ list: ['x', 'y'] })],
      ['/', false, json({ list: ['y', 'x'] })],
    ],
  )
  await expectHolds(
    [['post_arg.name', '==', 'jürgen']],
    [['/', true, form(Buffer.from('{"name":"jürgen"}').toString('latin1'), 'application/json')]],
  )
})

test('multipart fields', async () => {
  const body = ['--XX', 'Content-Disposition: form-data; name="model"', '', 'gpt', '--XX--', ''].join('\r\n')
  await expectHolds(
    [['post_arg.model', '==', 'gpt']],
    [
      ['/', true, form(body, 'multipart/form-data; boundary=XX')],
      ['/', true, form(body, 'multipart/form-data; boundary="XX"')],
      ['/', false, form(body, 'multipart/form-data; boundary=YY')],
    ],
  )
})

test('a body that a condition looked at still reaches the backend whole', async () => {
  await expectHolds([['post_arg.k', '==', 'v']], [])
  const filler = 'x'.repeat(200_000)
  const body = JSON.stringify({ k: 'v', filler })
  assert.equal((await stage.send('/body', json(body))).status, 200)
  assert.equal(stage.last().body, body)
  assert.equal(stage.last().target, '/body')
})

test('GraphQL: operation, name, root fields, by POST and GET', async () => {
  const query = 'query getRepo { owner { name } repo { created } }'
  const inJson = (text: string) => json({ query: text })
  await expectHolds(
    [['graphql_operation', '==', 'query']],
    [
      ['/', true, { method: 'POST', headers: ['Host: t'], body: query }],
      ['/', true, inJson(query)],
      ['/', true, inJson('{ owner { name } }')],
      ['/', false, inJson('mutation { a }')],
      ['/', false, inJson('not graphql {{')],
      [`/?query=${encodeURIComponent(query)}`, true],
      [`/?query=${encodeURIComponent('mutation { a }')}&query=${encodeURIComponent(query)}`, false],
      ['/', false],
    ],
  )
  // JSON is looked into only under exactly that type; under any other the body itself is the source
  await expectHolds(
    [['graphql_operation', '==', 'query']],
    [
      ['/', false, json({ query }, 'application/json; charset=utf-8')],
      ['/', true, form(query, 'application/graphql')],
      ['/', false, { method: 'PUT', headers: ['Host: t'], body: query }],
      ['/', false, inJson(`{ ${'a '.repeat(600_000)} }`)],
    ],
  )
  await expectHolds(
    [['graphql_name', '==', 'getRepo']],
    [
      ['/', true, inJson(query)],
      ['/', false, inJson('query other { a }')],
    ],
  )
  await expectHolds([['graphql_name', '==', '']], [['/', true, inJson('query { a }')]])
  await expectHolds(
    [['graphql_root_fields', 'has', 'owner']],
    [
      ['/', true, inJson(query)],
      ['/', false, inJson('query { repo { owner } }')],
      ['/', true, inJson(`${query} query second { zzz }`)],
    ],
  )
  await expectHolds(
    [['graphql_root_fields', 'has', 'zzz']],
    [['/', false, inJson(`${query} query second { zzz }`)]],
  )
})

test('what cannot be an expression is refused with its text, in routes as in plugins', async () => {
  const cases: readonly [unknown, RegExp][] = [
    [['x', '==', '1'], /rule should be wrapped inside brackets$/],
    [[['x', '=', '1']], /invalid operator '='$/],
    [[['x', '=~', '1']], /invalid operator '=~'$/],
    [[['x', 7, '1']], /invalid operator '7'$/],
    [[['x', '!', 'in']], /invalid operator '!'$/],
    [[['x']], /invalid expression$/],
    [[[]], /rule too short$/],
    [['OR', ['x', '==', '1']], /rule too short$/],
    [['AND'], /rule too short$/],
    [[['x', 'no', '==', '1']], /bad 'not' expression$/],
    [[['x', 'ipmatch', '']], /invalid ip address$/],
    [[['x', 'ipmatch', []]], /invalid ip address$/],
    [[['x', 'ipmatch', 'bad']], /invalid ip address: bad$/],
    [[['x', 'ipmatch', ['127.0.0.1', 'bad']]], /invalid ip address: bad$/],
    [[['post_arg.a[', '==', '1']], /invalid expression/],
    [[[1, '==', '1']], /./],
    [[['x', '==', '1'], 'and'], /./],
    [[['x', '~~', '(']], /./],
    [[['x', '==', '1', '2', '3']], /./],
  ]
  for (const [vars, text] of cases) {
    const inRoute = await stage.refused('/routes/2', { uri: '/v', vars, plugins: {} })
    assert.match(inRoute, /^failed to validate the 'vars' expression: /, JSON.stringify(vars))
    assert.match(inRoute, text, JSON.stringify(vars))
    const inPlugin = await stage.refused('/routes/2', {
      uri: '/v',
      plugins: { 'traffic-split': { rules: [{ match: [{ vars }] }] } },
    })
    assert.equal(inPlugin, `failed to check the configuration of plugin traffic-split err: ${inRoute}`)
  }
})

test('a condition on the body works with chunks, with Expect and with a request right behind', async () => {
  await expectHolds([['post_arg.k', '==', 'v']], [])
  const body = '{"k":"v"}'
  const head = 'POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n'
  const client = await connectRaw(stage.gateway.port)
  const chunked = await client.exchange(
    `${head}Transfer-Encoding: chunked\r\n\r\n4\r\n${body.slice(0, 4)}\r\n5\r\n${body.slice(4)}\r\n0\r\n\r\n`,
  )
  assert.equal(chunked.status, 200)
  assert.equal(stage.last().body, body)
  await client.write(`${head}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`)
  assert.match(await client.readBytes(25), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  await client.write(body)
  assert.equal((await client.readAnswer()).status, 200)
  assert.equal(stage.last().body, body)
  await client.write(
    `${head}Content-Length: 9\r\n\r\n${body}${head}Content-Length: 9\r\n\r\n{"k":"w"}${head}Content-Length: 9\r\n\r\n${body}`,
  )
  const statuses = [await client.readAnswer(), await client.readAnswer(), await client.readAnswer()]
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [200, 404, 200],
  )
  client.close()
})

test('a body above the limit has no fields and still goes to the next route whole', async (t) => {
  const small = await openStage({ limits: { maxInspectedBodyBytes: 1000 } })
  t.after(() => small.close())
  await small.put('/routes/1', {
    uri: '/*',
    vars: [['post_arg.k', '==', 'v']],
    upstream: small.upstream('a'),
  })
  await small.put('/routes/2', {
    uri: '/*',
    vars: [['post_arg.k', '==', null]],
    upstream: small.upstream('b'),
  })
  const options = (filler: number) => json({ k: 'v', filler: 'x'.repeat(filler) })
  assert.equal((await small.send('/', options(10))).body, 'a')
  const large = options(300_000)
  assert.equal((await small.send('/', large)).body, 'b')
  assert.equal(small.last('b').body, large.body)
})
