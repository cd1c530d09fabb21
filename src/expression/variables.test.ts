import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import test from 'node:test'
import fc from 'fast-check'
import { toByteString } from '../model/byte-string.ts'
import { type SampleRequest, sampleView } from './sample-view.ts'
import {
  canonicalVariable,
  checkVariable,
  compileVariable,
  documentedVariable,
  isKnownVariable,
  type VariableValue,
} from './variables.ts'

const json = { 'content-type': 'application/json; charset=utf-8' }
const form = { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }
const multipart = { 'content-type': 'multipart/form-data; boundary="b-1"' }
const parts =
  '--b-1\r\nContent-Disposition: form-data; name="env"\r\n\r\nbeta\r\n--b-1\r\ncontent-disposition: form-data; name=file; filename="x"\r\nContent-Type: text/plain\r\n\r\nline\r\n\r\nend\r\n--b-1--\r\n'
const body = JSON.stringify({
  model: 'gpt',
  n: 3,
  ok: true,
  none: null,
  user: { name: 'şu', tags: ['a', 2] },
  items: [{ id: 'x' }, { id: 'y', __proto__x: 1 }],
})
const post = { method: 'POST', headers: json, body: toByteString(body) } as const
const labels = { routeId: '1', routeName: 'ş', serviceId: null, serviceName: null }
const gql = 'query Q($a: Int = 1) @d { alias: hero(id: "}") { name } ...F other } fragment F on T { x }'

/** Ours, which the list of section 8 does not have. */
const OWN_ROWS: readonly (readonly [string, SampleRequest, VariableValue])[] = [
  ['query:a', { query: 'b=2&a=1&a=3' }, '1'],
  ['query:a', { query: 'a' }, ''],
  ['query:a', { query: 'a=' }, ''],
  ['query:a', { query: 'A=1' }, undefined],
  ['query:a', {}, undefined],
  [
    'header:X-A',
    {
      lines: [
        ['x-a', '1'],
        ['X-A', '2'],
        ['X-A', '3'],
      ],
    },
    '2',
  ],
  ['header:X-A', { lines: [['x-a', '1']], protocol: 'HTTP/2.0' }, '1'],
  ['header:X-A', { lines: [['X_A', '1']] }, undefined],
  [
    'anyHeader:x-a',
    {
      lines: [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
    },
    '1',
  ],
  ['anyHeader:X-A', { lines: [['X_A', '1']] }, undefined],
  ['anyHeader:hOST', { lines: [['Host', 'a:1']] }, 'a:1'],
  ['header:Host', { lines: [['hOST', 'a:1']] }, 'a:1'],
  ['path:2', { path: '/ab/c' }, 'b/c'],
  ['path:3', { path: '/ab' }, '/'],
  ['path:x', { path: '/ab' }, undefined],
  [
    'field:x-a',
    {
      lines: [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
    },
    '1, 2',
  ],
  ['field:x-a', { lines: [['X_A', '1']] }, undefined],
  [
    'field:x_a',
    {
      lines: [
        ['X_A', '1'],
        ['x-a', '2'],
      ],
    },
    '1',
  ],
  [
    'field:Cookie',
    {
      cookies: 'a=1; b=2',
      lines: [
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ],
    },
    'a=1; b=2',
  ],
  ['fixed:A=b=c', {}, 'b=c'],
  ['fixed:A=', {}, ''],
  ['fixed:A', {}, undefined],
  ['json:$.user.tags[0]', post, 'a'],
  ['json:$.user', post, toByteString('{"name":"şu","tags":["a",2]}')],
  ['json:$[', post, undefined],
  ['json:n', { ...post, headers: form }, undefined],
  ['xpath:/a/b', { headers: { 'content-type': 'text/xml' }, body: '<a><b>1</b></a>' }, '1'],
  ['xpath:/a/c', { headers: { 'content-type': 'text/xml' }, body: '<a><b>1</b></a>' }, undefined],
  ['random()', { random: () => 0.25 }, 0.25],
  ['unknown:header.x', { lines: [['x', '1']] }, undefined],
]

/** spec/apisix.md section 8: variable, request, value. */
const ROWS: readonly (readonly [string, SampleRequest, VariableValue])[] = [
  ['uri', { path: '/a b', target: '/a%20b?x' }, '/a b'],
  ['request_uri', { path: '/a b', query: 'x=%20' }, '/a b?x=%20'],
  ['request_uri', { path: '/a', query: '' }, '/a'],
  ['real_request_uri', { target: '/a/../b?x' }, '/a/../b?x'],
  ['args', { query: 'a=1&b' }, 'a=1&b'],
  ['args', { query: '' }, undefined],
  ['args', {}, undefined],
  ['query_string', { query: 'a=1' }, 'a=1'],
  ['is_args', { query: 'a' }, '?'],
  ['is_args', {}, ''],
  ['arg_a', { query: 'b=2&a=1&a=3' }, '1'],
  ['arg_A', { query: 'a=1' }, undefined],
  ['arg_a-b', { query: 'a-b=1' }, '1'],
  ['arg_a', { query: 'a=x+y%20z%C3%A9%zz%4' }, 'x y z\xc3\xa9%zz%4'],
  ['arg_a b', { query: 'a+b=1' }, '1'],
  ['arg_ab', { query: '%61b=1' }, '1'],
  ['arg_a+', { query: 'a+=1&a%2b=2' }, '2'],
  ['arg_ş', { query: '%C5%9F=1' }, '1'],
  ['arg_a', { query: 'a' }, true],
  ['arg_a', { query: 'a=' }, ''],
  ['arg_a', { query: 'aa=1&b=a' }, undefined],
  ['arg___proto__', { query: '__proto__=1' }, '1'],
  ['arg_constructor', { query: 'a=1' }, undefined],
  ['http_x_api_key', { headers: { 'x-api-key': 'k' } }, 'k'],
  ['http_X-Api-Key', { headers: { 'x-api-key': 'k' } }, 'k'],
  ['http_a_b', { headers: { 'a-b': 'dash', a_b: 'low' } }, 'dash'],
  ['http_a-b', { headers: { a_b: 'low' } }, 'low'],
  ['http_x', { headers: { x: '' } }, ''],
  ['http_host', { headers: { host: 'Example.com:80' } }, 'Example.com:80'],
  ['http_user_agent', { headers: { 'user-agent': 'curl' } }, 'curl'],
  ['http_referer', {}, undefined],
  ['http_cookie', { cookies: 'a=1; b=2' }, 'a=1; b=2'],
  ['cookie_a', { cookies: 'b=2; a=1; a=3' }, '1'],
  ['cookie_orderNo', { cookies: 'OnlyHttp;orderNo=F30' }, 'F30'],
  ['cookie_A', { cookies: 'a=1' }, undefined],
  ['cookie_x.y[0]-z', { cookies: 'x.y[0]-z= v ;' }, 'v'],
  ['cookie_a', { cookies: 'a; xa=1; a=b=c' }, 'b=c'],
  ['cookie_a', {}, undefined],
  ['post_arg_a', { headers: form, body: 'b=1&a=x%20y+z&a=2' }, 'x y z'],
  ['post_arg_a', { headers: form, body: 'a' }, true],
  ['post_arg_a', { headers: json, body: 'a=1' }, undefined],
  [
    'post_arg_a',
    { headers: { 'content-type': 'application/x-www-form-urlencodedx' }, body: 'a=1' },
    undefined,
  ],
  ['post_arg.model', post, 'gpt'],
  ['post_arg.n', post, 3],
  ['post_arg.ok', post, true],
  ['post_arg.none', post, undefined],
  ['post_arg.user.name', post, '\xc5\x9fu'],
  ['post_arg.user', post, []],
  ['post_arg.user.tags', post, ['a', 2]],
  ['post_arg.user.tags[1]', post, [2]],
  ['post_arg.items[*].id', post, ['x', 'y']],
  ['post_arg.items[-1].id', post, ['y']],
  ['post_arg.items[7].id', post, undefined],
  ['post_arg..id', post, ['x', 'y']],
  ["post_arg.user['name']", post, ['\xc5\x9fu']],
  ['post_arg.__proto__', post, undefined],
  ['post_arg.constructor.name', post, undefined],
  ['post_arg.model.length', post, undefined],
  ['post_arg.a.b', { headers: form, body: 'a.b=1' }, '1'],
  ['post_arg.__proto__', { headers: form, body: '__proto__=1' }, '1'],
  ['post_arg.a[*]', { headers: form, body: 'a=1&a=2' }, ['1', '2']],
  ['post_arg.env', { headers: multipart, body: parts }, 'beta'],
  ['post_arg.file', { headers: multipart, body: parts }, 'line\r\n\r\nend'],
  ['post_arg.x', { headers: multipart, body: 'nothing of the kind' }, undefined],
  ['post_arg.a', { headers: json, body: '{"a":' }, undefined],
  ['post_arg.a', { headers: json, body: `${'['.repeat(1_000_000)}` }, undefined],
  ['post_arg.a', { headers: { 'content-type': 'text/plain' }, body: '{"a":1}' }, undefined],
  ['post_arg.a[', post, undefined],
  ['uri_param_id', { pathParams: new Map([['id', '7']]) }, '7'],
  ['uri_param_id', {}, undefined],
  ['graphql_operation', { method: 'POST', body: gql }, 'query'],
  ['graphql_name', { method: 'POST', body: gql }, 'Q'],
  ['graphql_root_fields', { method: 'POST', body: gql }, ['hero', 'other']],
  ['graphql_name', { query: 'query=mutation%20M{a}' }, 'M'],
  [
    'graphql_operation',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'subscription{a}' }),
    },
    'subscription',
  ],
  ['graphql_operation', { method: 'POST', headers: json, body: JSON.stringify({ query: '{a}' }) }, undefined],
  ['graphql_name', { method: 'POST', body: '{a}' }, ''],
  ['graphql_name', { method: 'POST', body: '{a' }, undefined],
  ['graphql_name', { method: 'PUT', body: '{a}' }, undefined],
  ['host', { host: 'a.b' }, 'a.b'],
  ['host', { host: '' }, undefined],
  ['remote_addr', {}, '192.0.2.7'],
  ['remote_port', {}, '40001'],
  ['realip_remote_addr', {}, '127.0.0.9'],
  ['server_addr', {}, '127.0.0.1'],
  ['server_port', {}, '9080'],
  ['server_name', {}, '_'],
  ['hostname', {}, hostname()],
  ['scheme', {}, 'http'],
  ['request_method', { method: 'PURGE' }, 'PURGE'],
  ['method', { method: 'PURGE' }, 'PURGE'],
  ['server_protocol', {}, 'HTTP/1.1'],
  ['content_type', { headers: json }, 'application/json; charset=utf-8'],
  ['content_length', { headers: { 'content-length': '3' } }, '3'],
  ['route_id', { labels }, '1'],
  ['route_name', { labels }, '\xc5\x9f'],
  ['service_id', { labels }, undefined],
  ['service_name', {}, undefined],
  ['consumer_name', {}, undefined],
  ['consumer_group_id', {}, undefined],
  ['balancer_ip', { answer: {} }, '127.0.0.1'],
  ['balancer_port', { answer: {} }, '1980'],
  ['balancer_port', {}, undefined],
  ['upstream_unresolved_host', { answer: { endpointHost: 'svc' } }, 'svc'],
  ['request_id', {}, 'r-1'],
  ['ssl_protocol', {}, undefined],
  ['status', { answer: { status: 404 } }, 404],
  ['status', {}, undefined],
  ['upstream_status', { answer: { upstreamStatus: 502 } }, '502'],
  ['upstream_status', { answer: { upstreamStatus: undefined } }, undefined],
  ['upstream_http_x_a', { answer: { headers: { 'x-a': '1' } } }, '1'],
  ['upstream_http_x_a', { answer: { upstreamStatus: undefined, headers: { 'x-a': '1' } } }, undefined],
  ['sent_http_X-A', { answer: { upstreamStatus: undefined, headers: { 'x-a': '1' } } }, '1'],
  ['sent_http_x', {}, undefined],
]

for (const [name, request, expected] of ROWS) {
  test(`${name} of ${JSON.stringify(request).slice(0, 70)} is ${JSON.stringify(expected) ?? 'absent'}`, () => {
    assert.equal(isKnownVariable(name) || name.endsWith('['), true)
    assert.deepEqual(compileVariable(name).read(sampleView(request)), expected)
  })
}

for (const [name, request, expected] of OWN_ROWS) {
  test(`${name} of ${JSON.stringify(request).slice(0, 70)} is ${JSON.stringify(expected) ?? 'absent'}`, () => {
    assert.equal(isKnownVariable(name), false)
    assert.equal(canonicalVariable(name), name)
    assert.equal(compileVariable(documentedVariable(name)).read(sampleView(request)), undefined)
    assert.deepEqual(compileVariable(name).read(sampleView(request)), expected)
  })
}

test('the time has the form nginx gives it', () => {
  assert.match(
    String(compileVariable('time_iso8601').read(sampleView())),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/,
  )
  assert.match(String(compileVariable('msec').read(sampleView())), /^\d{10,}\.\d{3}$/)
})

test('unknown and hostile names are absent, never an error', () => {
  for (const name of [
    '',
    'nope',
    '__proto__',
    'constructor',
    'toString',
    'arg_',
    'http_',
    'cookie_',
    '_v',
    'post_arg.',
    'URI',
    '$uri',
  ]) {
    assert.equal(isKnownVariable(name), false, name)
    assert.equal(compileVariable(name).read(sampleView({ query: '', cookies: '' })), undefined, name)
  }
})

test('only body variables need the body, and an unread or refused one leaves them absent', () => {
  for (const name of ['uri', 'arg_a', 'http_a', 'status', 'nope'])
    assert.equal(compileVariable(name).needsBody, false)
  for (const name of ['post_arg_a', 'post_arg.a', 'graphql_name']) {
    const variable = compileVariable(name)
    assert.equal(variable.needsBody, true)
    for (const unread of [null, undefined]) {
      assert.equal(variable.read(sampleView({ method: 'POST', headers: json, body: unread })), undefined)
    }
  }
})

test('paths that are no JSONPath are told', () => {
  assert.equal(checkVariable('post_arg.a..b[*].c'), null)
  assert.equal(checkVariable('uri'), null)
  for (const bad of [
    'post_arg.',
    'post_arg.a[',
    'post_arg.a[x]',
    'post_arg.a.',
    'post_arg...a',
    'post_arg.[]',
    'post_arg.a]b',
  ]) {
    assert.match(checkVariable(bad) ?? '', /^invalid expression /, bad)
  }
})

test('names that mean the same have one spelling', () => {
  assert.equal(canonicalVariable('http_X-Env'), 'http_x_env')
  assert.equal(canonicalVariable('query_string'), 'args')
  assert.equal(canonicalVariable('arg_A-b'), 'arg_A-b')
})

test('two bodies one after the other are not mixed up', () => {
  const variable = compileVariable('post_arg.a')
  const read = (text: string) => variable.read(sampleView({ headers: json, body: text }))
  assert.deepEqual([read('{"a":1}'), read('{"a":2}'), read('{'), read('{"a":1}')], [1, 2, undefined, 1])
})

const bytes = fc.string({
  unit: fc.constantFrom(...'ab{}[]()":=&;%+.,@!$#\\-* \r\n0', '\xff'),
  maxLength: 60,
})

test('no variable throws, whatever the client sends', () => {
  const names = [
    'arg_a',
    'cookie_a',
    'post_arg_a',
    'post_arg.a',
    'post_arg..a',
    'post_arg[*]',
    'graphql_name',
    'graphql_root_fields',
  ]
  const variables = names.map(compileVariable)
  const types = fc.constantFrom(json, form, multipart, { 'content-type': 'application/json' })
  fc.assert(
    fc.property(bytes, types, fc.constantFrom('GET', 'POST'), (text, headers, method) => {
      const view = sampleView({ method, headers, body: text, query: text, cookies: text })
      for (const variable of variables) variable.read(view)
    }),
    { numRuns: 2000 },
  )
})

test('an argument is found as URLSearchParams finds it', () => {
  const unit = fc.constantFrom('a', 'b', '%61', '+', '%', '=', '&', '%2', 'c')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (query) => {
      const expected = new URLSearchParams(query).get('a')
      if (expected?.includes('\ufffd')) return // bytes that are no UTF-8 stay bytes with us
      const actual = compileVariable('arg_a').read(sampleView({ query }))
      assert.equal(actual === true ? '' : (actual ?? null), expected)
    }),
    { numRuns: 2000 },
  )
})

test('an id that is drawn has 32 hexadecimal digits, others with each reading', () => {
  const { read } = compileVariable('random_id()')
  const ids = Array.from({ length: 1000 }, () => String(read(sampleView())))
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
  assert.equal(new Set(ids).size, ids.length)
})
