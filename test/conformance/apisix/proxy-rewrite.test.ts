// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { clear, type Json, openStage, type SendOptions, type Stage } from './stage.ts'

/** spec/apisix.md 9.1, proxy-rewrite: what the backend gets. */

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
    plugins: { 'proxy-rewrite': config },
    upstream: stage.upstream('a'),
    ...more,
  })
}

/** The request as the backend gets it. */
async function sent(target: string, options: SendOptions = {}) {
  const answer = await stage.send(target, options)
  assert.equal(answer.status, 200, `${target}: ${answer.body}`)
  return stage.last()
}

const header = (...headers: string[]): SendOptions => ({ headers: ['Host: client.example:81', ...headers] })

test('uri: a fixed path, with the client’s query behind it', async () => {
  for (const [uri, target, expected] of [
    ['/new', '/hello', '/new'],
    ['/new', '/hello?x=1&y=%20', '/new?x=1&y=%20'],
    ['/new?q=1', '/a?x=1', '/new?q=1&x=1'],
    ['/new?q=1', '/a', '/new?q=1'],
    ['/new?', '/a?x=1', '/new?x=1'],
    ['/new', '/a?', '/new'],
    ['/test/add$arg_id', '/a?id=7', '/test/add7?id=7'],
    ['/t/${arg_id}/x', '/a?id=7', '/t/7/x?id=7'],
    ['/t/${arg_no ?? none}/x', '/a', '/t/none/x'],
    ['/t/$arg_no/x', '/a', '/t//x'],
    ['$uri', '/a', null],
    ['/$uri.html', '/a', '/'],
    ['/p${uri}.html', '/a/b', '/p/a/b.html'],
    ['/with space', '/a', '/with%20space'],
    ['/\u00fc', '/a', '/%C3%BC'],
    ['/100%', '/a', '/100%25'],
    ['/x/$http_x_id', '/a', '/x/a%3Fb'],
    ['/\\$uri', '/a', '/%5C$uri'],
  ] as const) {
    if (expected === null) {
      assert.match(
        await stage.refused('/routes/1', { uri: '/*', plugins: { 'proxy-rewrite': { uri } } }),
        /failed to match pattern/,
      )
      continue
    }
    await rewrite({ uri })
    assert.equal((await sent(target, header('X-Id: a?b'))).target, expected, uri)
  }
})

test('without uri the decoded, resolved path is encoded again; without the plugin the target stays raw', async () => {
  await rewrite({ host: 'other.example' })
  for (const [target, expected] of [
    ['/a/b', '/a/b'],
    ['/a/../b?x=/../', '/b?x=/../'],
    ['//a///b', '/a/b'],
    ['/%61%20%22', '/a%20%22'],
    ['/a%2fb', '/a%2fb'],
    ['/a%3Fb', '/a%3Fb'],
    ['/a%25b', '/a%25b'],
    ["/a'(b)!*,;:@&=+$~", "/a'(b)!*,;:@&=+$~"],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/%7B%7d%5b', '/%7B%7D['],
  ] as const) {
    assert.equal((await sent(target)).target, expected, target)
  }
  await rewrite({})
  assert.equal((await sent('/a/../b')).target, '/b')
  await stage.put('/routes/1', { uri: '/*', upstream: stage.upstream('a') })
  assert.equal((await sent('/x/../%61//?a=%zz')).target, '/x/../%61//?a=%zz')
})

test('regex_uri: the first pattern that hits, its first hit alone, groups, and the query along', async () => {
  for (const [regex_uri, target, expected] of [
    [['^/test/(.*)/(.*)/(.*)', '/$1_$2_$3'], '/test/plugin/proxy/rewrite', '/plugin_proxy_rewrite'],
    [
      ['^/test/(.*)/(.*)/(.*)', '/$1_$2_$3'],
      '/test/plugin/proxy/rewrite?a=iresty',
      '/plugin_proxy_rewrite?a=iresty',
    ],
    [['^/test/(.*)', '/$1_a'], '/hello', '/hello'],
    [['/test/(.*)', '/x/${1}y'], '/test/1', '/x/1y'],
    [['a', 'b'], '/aaa', '/baa'],
    [['^/a/(.*)', '/new/$1?k=v'], '/a/b?x=1', '/new/b?k=v&x=1'],
    [['^/old', '/new', '^/other', '/else'], '/other/x', '/else/x'],
    [['^/old', '/new', '^/old', '/never'], '/old/x', '/new/x'],
    [['^/(x)?(.*)', '/[$1]$2'], '/abc', '/[]abc'],
    [['^/h', 'h'], '/hello', '/hello'],
    [['^.*$', '/$0/again'], '/a', '//a/again'],
    [['^/pay/(.*)', '/$$$1'], '/pay/x', '/$x'],
    [['(?i)^/UP', '/down'], '/up/x', '/down/x'],
    [['^/d/(.*)$', '/$1'], '/d/%3Fx', '/%3Fx'],
  ] as const) {
    await rewrite({ regex_uri })
    assert.equal((await sent(target)).target, expected, `${regex_uri} on ${target}`)
  }
  await rewrite({ uri: '/wins', regex_uri: ['^/a', '/b'] })
  assert.equal((await sent('/a')).target, '/wins')
})

test('unsafe: the raw target goes out, or into the patterns, and nothing is encoded', async () => {
  await rewrite({ use_real_request_uri_unsafe: true })
  assert.equal((await sent('/print%20uri/./%61?a=1')).target, '/print%20uri/./%61?a=1')
  await rewrite({ use_real_request_uri_unsafe: true, regex_uri: ['^/test/(.*)', '/$1'] })
  assert.equal((await sent('/test/a%20b/%2e?x=1')).target, '/a%20b/%2e?x=1')
  await rewrite({ use_real_request_uri_unsafe: true, uri: '/fixed%20' })
  assert.equal((await sent('/a?x=%20')).target, '/fixed%20?x=%20')
  await rewrite({ use_real_request_uri_unsafe: true, uri: '/has blank' })
  assert.equal((await stage.send('/a')).status, 500)
})

test('host: sent upstream with pass_host pass, with a port, and beaten by node and rewrite', async () => {
  await rewrite({ host: 'apisix.iresty.com:6443' })
  assert.equal((await sent('/', header())).field('host'), 'apisix.iresty.com:6443')
  assert.equal(stage.last().field('x-forwarded-host'), 'client.example:81')
  await rewrite({ host: 'x.example' }, { upstream: stage.upstream('a', { pass_host: 'node' }) })
  assert.equal((await sent('/')).field('host'), stage.backends.a.node)
  await rewrite(
    { host: 'x.example' },
    { upstream: stage.upstream('a', { pass_host: 'rewrite', upstream_host: 'u.example' }) },
  )
  assert.equal((await sent('/')).field('host'), 'u.example')
})

test('method: changed alone, body and length stay, HEAD for GET gives an empty body', async () => {
  await rewrite({ method: 'POST' })
  const request = await sent('/', { method: 'PUT', body: 'payload' })
  assert.deepEqual([request.method, request.body, request.field('content-length')], ['POST', 'payload', '7'])
  await rewrite({ method: 'HEAD' })
  stage.backends.a.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
  const answer = await stage.send('/')
  assert.deepEqual([answer.status, answer.body], [200, ''])
  assert.equal(stage.last().method, 'HEAD')
  for (const method of ['MKCOL', 'PROPFIND', 'UNLOCK', 'TRACE']) {
    await rewrite({ method })
    stage.forget()
    assert.equal((await sent('/')).method, method)
  }
})

test('headers, old form: set, number, variable, empty removes', async () => {
  await rewrite({
    headers: {
      'X-Api-Version': 'v2',
      'X-Number': 7,
      'X-From': '$remote_addr-$arg_q',
      'X-Gone': '',
      'x-multi': 'one',
    },
  })
  const request = await sent('/?q=1', header('x-api-version: v1', 'X-Gone: 1', 'X-Multi: a', 'X-Multi: b'))
  const lines = request.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
  for (const line of ['x-api-version: v2', 'x-number: 7', 'x-from: 127.0.0.1-1', 'x-multi: one']) {
    assert.equal(lines.filter((other) => other === line).length, 1, line)
  }
  assert.equal(lines.filter((line) => /^x-(gone|api-version: v1|multi: [ab])/.test(line)).length, 0)
  await rewrite({ headers: { set: 'v' } })
  assert.equal((await sent('/')).field('set'), 'v')
})

test('headers, new form: add behind, set instead, remove in the end', async () => {
  await rewrite({
    headers: {
      add: { 'X-A': 'added', 'X-B': '$no_such', 'X-Both': 'added' },
      set: { 'X-S': ['one', 2], 'X-E': '$arg_none', 'X-Both': 'set' },
      remove: ['X-R', 'x-s2'],
    },
  })
  const request = await sent(
    '/',
    header('X-A: old', 'X-S: old', 'X-S: older', 'X-E: old', 'X-R: old', 'X-S2: old'),
  )
  const all = (name: string) =>
    request.fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  assert.deepEqual(all('x-a'), ['old', 'added'])
  assert.deepEqual(all('x-b'), [''])
  assert.deepEqual(all('x-s'), ['one', '2'])
  assert.deepEqual(all('x-e'), [])
  assert.deepEqual(all('x-r'), [])
  assert.deepEqual(all('x-s2'), [])
  assert.deepEqual(all('x-both'), ['set'])
  await rewrite({ headers: { add: { 'X-R': '1' }, set: { 'X-Q': '1' }, remove: ['x-r', 'X-q'] } })
  const removed = await sent('/')
  assert.equal(removed.field('x-r'), undefined)
  assert.equal(removed.field('x-q'), undefined)
})

test('header values take groups of the pattern that hit, empty without a hit', async () => {
  await rewrite({
    regex_uri: ['^/test/(.*)/(.*)', '/$1'],
    headers: { set: { 'X-Group': '$2-${1}', 'X-Mixed': '${1}x$remote_addr' } },
  })
  assert.equal((await sent('/test/one/two')).field('x-group'), 'two-one')
  assert.equal(stage.last().field('x-mixed'), 'onex127.0.0.1')
  const miss = await sent('/none')
  assert.equal(miss.field('x-group'), '-')
  assert.equal(miss.field('x-mixed'), 'x127.0.0.1')
})

test('Host and X-Real-IP are not for headers; forwarding fields are', async () => {
  await rewrite({
    headers: {
      set: {
        Host: 'evil',
        'X-Real-IP': '9.9.9.9',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'fh',
        'X-Forwarded-Port': 444,
        'X-Forwarded-For': '1.2.3.4',
      },
    },
  })
  const request = await sent('/', header())
  assert.equal(request.field('host'), 'client.example:81')
  assert.equal(request.field('x-real-ip'), '127.0.0.1')
  assert.equal(request.field('x-forwarded-proto'), 'https')
  assert.equal(request.field('x-forwarded-host'), 'fh')
  assert.equal(request.field('x-forwarded-port'), '444')
  assert.equal(request.field('x-forwarded-for'), '1.2.3.4, 127.0.0.1')
  await rewrite({ headers: { remove: ['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port'] } })
  const bare = await sent('/', header())
  for (const name of ['proto', 'host', 'port'])
    assert.equal(bare.field(`x-forwarded-${name}`), undefined, name)
})

test('a variable that holds what no field may hold is never written on the wire', async () => {
  await rewrite({ headers: { set: { 'X-Arg': '$arg_v' } } })
  assert.equal((await stage.send('/?v=a%0d%0aX-Evil:%201')).status, 500)
  assert.equal(stage.backends.a.requests.length, 0)
})

test('wrong configurations are refused in the reference’s words', async () => {
  const head = 'failed to check the configuration of plugin proxy-rewrite err: '
  for (const [config, message] of [
    [
      { uri: 'no-slash' },
      'property "uri" validation failed: failed to match pattern "^\\\\/.*" with "no-slash"',
    ],
    [{ uri: '' }, 'property "uri" validation failed: string too short, expected at least 1, got 0'],
    [{ uri: 7 }, 'property "uri" validation failed: wrong type: expected string, got number'],
    [{ method: 'get' }, 'property "method" validation failed: matches none of the enum values'],
    [{ method: 'CONNECT' }, 'property "method" validation failed: matches none of the enum values'],
    [{ host: 'a/b' }, /^property "host" validation failed: failed to match pattern/],
    [{ host: '$http_x' }, /^property "host" validation failed: failed to match pattern/],
    [
      { headers: {} },
      'property "headers" validation failed: value should match only one schema, but matches none',
    ],
    [{ headers: { add: {} } }, /^property "headers" validation failed: value should match only one schema/],
    [
      { headers: { set: { a: true } } },
      'property "headers" validation failed: value should match only one schema, but matches none',
    ],
    [
      { headers: { set: { a: '1' }, other: '2' } },
      'property "headers" validation failed: value should match only one schema, but matches none',
    ],
    [
      { headers: { 'a:b': '1' } },
      'property "headers" validation failed: value should match only one schema, but matches none',
    ],
    [{ headers: { 'a b': '1' } }, 'invalid field character in header'],
    [{ headers: { a: 'x\ny' } }, 'invalid value character in header'],
    [{ regex_uri: ['^/a'] }, 'property "regex_uri" validation failed: expect array to have at least 2 items'],
    [{ regex_uri: ['^/a', '/b', '^/c'] }, 'The length of regex_uri should be an even number'],
    [{ regex_uri: ['^/a(', '/b'] }, /^invalid regex_uri\(\^\/a\(, \/b\): ./],
    [{ regex_uri: ['^/a', '/$name'] }, /^invalid regex_uri\(\^\/a, \/\$name\): ./],
    [{ use_real_request_uri_unsafe: 'yes' }, /wrong type: expected boolean, got string/],
  ] as const) {
    const error = await stage.refused('/routes/1', { uri: '/*', plugins: { 'proxy-rewrite': config } })
    assert.ok(error.startsWith(head), error)
    const rest = error.slice(head.length)
    if (typeof message === 'string') assert.equal(rest, message)
    else assert.match(rest, message)
  }
})

test('_meta.filter decides whether anything is rewritten at all', async () => {
  await rewrite({ uri: '/new', _meta: { filter: [['arg_go', '==', '1']] } })
  assert.equal((await sent('/x/../a?go=1')).target, '/new?go=1')
  assert.equal((await sent('/x/../a?go=2')).target, '/x/../a?go=2')
})

test('the plugin on a service is replaced as a whole by the route’s', async () => {
  await stage.put('/services/1', {
    plugins: { 'proxy-rewrite': { uri: '/service', headers: { set: { 'X-S': '1' } } } },
    upstream: stage.upstream('a'),
  })
  await stage.put('/routes/1', { uri: '/*', service_id: '1' })
  assert.equal((await sent('/')).target, '/service')
  await stage.put('/routes/1', {
    uri: '/*',
    service_id: '1',
    plugins: { 'proxy-rewrite': { uri: '/route' } },
  })
  const request = await sent('/')
  assert.deepEqual([request.target, request.field('x-s')], ['/route', undefined])
})

test('X-Forwarded-For may be added to and removed, and the client address always comes last', async () => {
  const client = header('X-Forwarded-For: 1.1.1.1')
  await rewrite({ headers: { add: { 'X-Forwarded-For': '2.2.2.2' } } })
  assert.equal((await sent('/', client)).field('x-forwarded-for'), '1.1.1.1, 2.2.2.2, 127.0.0.1')
  await rewrite({ headers: { remove: ['X-Forwarded-For', 'Host', 'X-Real-IP', 'User-Agent'] } })
  const request = await sent('/', header('X-Forwarded-For: 1.1.1.1', 'User-Agent: x'))
  assert.equal(request.field('x-forwarded-for'), '127.0.0.1')
  assert.equal(request.field('host'), 'client.example:81')
  assert.equal(request.field('x-real-ip'), '127.0.0.1')
  assert.equal(request.field('user-agent'), undefined)
})

test('what is rewritten is sent again with each attempt', async () => {
  const nodes = [
    { host: '127.0.0.1', port: 1, weight: 1, priority: 1 },
    { host: 'localhost', port: stage.backends.a.port, weight: 1 },
  ]
  await rewrite(
    { regex_uri: ['^/old/(.*)', '/new/$1'], method: 'PUT', headers: { set: { 'X-Group': '$1' } } },
    { upstream: { nodes, pass_host: 'node' } },
  )
  const request = await sent('/old/x?y', { method: 'POST', body: 'abc' })
  assert.equal(request.requestLine, 'PUT /new/x?y HTTP/1.1')
  assert.equal(request.field('x-group'), 'x')
  assert.equal(request.field('host'), `localhost:${stage.backends.a.port}`)
  assert.equal(request.body, 'abc')
})

test('fields that frame the message are not for rewriting, and a warning says so', async () => {
  const answer = await stage.put('/routes/1', {
    uri: '/*',
    plugins: {
      'proxy-rewrite': {
        headers: { set: { 'Content-Length': 1, Connection: 'close', 'Transfer-Encoding': 'chunked' } },
      },
    },
    upstream: stage.upstream('a'),
  })
  assert.match(String(answer.headers['x-headgate-warning']), /Content-Length/)
  const request = await sent('/', { method: 'POST', body: 'payload' })
  assert.deepEqual([request.body, request.field('content-length')], ['payload', '7'])
  assert.equal(request.field('transfer-encoding'), undefined)
})
