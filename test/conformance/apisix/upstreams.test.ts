import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { answerText, startBackend, startRawBackend } from '../../support/backends.ts'
import { clear, type Json, openStage, type Stage, tally } from './stage.ts'

/** spec/apisix.md 4 and 5: upstream objects, what is stored and what is done with it. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(async () => {
  await clear(stage)
  stage.forget()
})

const serve = (upstream: Json, more: Json = {}) => stage.put('/routes/1', { uri: '/*', upstream, ...more })
const DEAD = '127.0.0.1:1'

test('fields are checked as the reference does', async () => {
  const nodes = { '127.0.0.1:8080': 1 }
  for (const [value, message] of [
    [{}, 'value should match only one schema, but matches none'],
    [
      { nodes, service_name: 'x', discovery_type: 'dns' },
      'value should match only one schema, but matches both schemas 1 and 2',
    ],
    [{ service_name: 'x' }, 'value should match only one schema, but matches none'],
    [{ nodes: 'x' }, 'property "nodes" validation failed: object matches none of the required'],
    [{ nodes: { 'a:1': 1.5 } }, 'property "nodes" validation failed: object matches none of the required'],
    [{ nodes: { 'a:1': '1' } }, 'property "nodes" validation failed: object matches none of the required'],
    [{ nodes: [{ host: 'a' }] }, 'property "nodes" validation failed: object matches none of the required'],
    [
      { nodes: [{ host: 'a', port: 0, weight: 1 }] },
      'property "nodes" validation failed: object matches none of the required',
    ],
    [
      { nodes: [{ host: 'a', port: 65536, weight: 1 }] },
      'property "nodes" validation failed: object matches none of the required',
    ],
    [{ nodes, type: 'xxx' }, 'property "type" validation failed: matches none of the enum values'],
    [{ nodes, retries: -1 }, 'property "retries" validation failed: expected -1 to be at least 0'],
    [
      { nodes, retries: 1.5 },
      'property "retries" validation failed: wrong type: expected integer, got number',
    ],
    [
      { nodes, retry_timeout: -1 },
      'property "retry_timeout" validation failed: expected -1 to be at least 0',
    ],
    [
      { nodes, pass_host: 'other' },
      'property "pass_host" validation failed: matches none of the enum values',
    ],
    [{ nodes, scheme: 'gopher' }, 'property "scheme" validation failed: matches none of the enum values'],
    [
      { nodes, timeout: { connect: 1, send: 1 } },
      'property "timeout" validation failed: property "read" is required',
    ],
    [
      { nodes, keepalive_pool: { size: 0 } },
      'property "keepalive_pool" validation failed: property "size" validation failed: expected 0 to be at least 1',
    ],
    [
      { nodes, keepalive_pool: { idle_timeout: -1 } },
      'property "keepalive_pool" validation failed: property "idle_timeout" validation failed: expected -1 to be at least 0',
    ],
    [
      { nodes, keepalive_pool: { requests: 0 } },
      'property "keepalive_pool" validation failed: property "requests" validation failed: expected 0 to be at least 1',
    ],
    [{ nodes, name: '' }, 'property "name" validation failed: string too short, expected at least 1, got 0'],
    [{ nodes, invalid_property: 1 }, 'additional properties forbidden, found invalid_property'],
  ] as const) {
    assert.equal(await stage.refused('/upstreams/1', value), `invalid configuration: ${message}`)
  }
  for (const [value, message] of [
    [{ nodes: { '127.0.0.1:65536': 1 } }, 'invalid port 65536'],
    [{ nodes: { '127.0.0.1:0': 1 } }, 'invalid port 0'],
    [
      { nodes: [{ host: '::1', port: 80, weight: 1 }] },
      "invalid configuration: IPv6 address must be enclosed with '[' and ']'",
    ],
    [{ nodes, pass_host: 'rewrite' }, "`upstream_host` can't be empty when `pass_host` is `rewrite`"],
    [{ nodes, type: 'chash' }, 'missing key'],
    [
      { nodes, pass_host: 'rewrite', upstream_host: '*.foo' },
      'invalid configuration: invalid upstream_host *.foo',
    ],
    [{ nodes, upstream_host: 'a:b:c[' }, 'invalid configuration: invalid upstream_host a:b:c['],
  ] as const) {
    assert.equal(await stage.refused('/upstreams/1', value), message)
    assert.equal(await stage.refused('/routes/1', { uri: '/a', upstream: value }), message)
    assert.equal(await stage.refused('/services/1', { upstream: value }), message)
  }
})

test('what later versions bring is refused by name, after its own faults', async () => {
  const nodes = { '127.0.0.1:8080': 1 }
  for (const [more, name] of [
    [{ scheme: 'kafka' }, 'kafka'],
    [{ tls: { client_cert_id: '1' } }, 'failed to fetch ssl info by ssl id .1., response code: 404'],
    [{ type: 'chash' }, 'missing key'],
  ] as const) {
    assert.match(await stage.refused('/upstreams/1', { nodes, ...more }), new RegExp(name))
  }
  assert.match(
    await stage.refused('/upstreams/1', { nodes, checks: { passive: {} } }),
    /object matches none of the required/,
  )
  assert.match(
    await stage.refused('/upstreams/1', { nodes, type: 'chash', key: 'not_a_var' }),
    /failed to match pattern ".*" with "not_a_var"$/,
  )
})

test('nodes as a map and as a list, by name, by IPv6 address', async () => {
  const six = await startBackend('six', { host: '::1' })
  const { a, b } = stage.backends
  for (const [nodes, expected] of [
    [{ [a.node]: 1 }, 'a'],
    [{ [`localhost:${a.port}`]: 1 }, 'a'],
    [[{ host: '127.0.0.1', port: b.port, weight: 1, priority: -5, metadata: { x: 1 } }], 'b'],
    [[{ host: 'localhost', port: b.port, weight: 1 }], 'b'],
    [{ [`[::1]:${six.port}`]: 1 }, 'six'],
    [[{ host: '[::1]', port: six.port, weight: 1 }], 'six'],
  ] as const) {
    await serve({ nodes })
    assert.equal((await stage.send('/')).body, expected, JSON.stringify(nodes))
  }
  await six.close()
})

test('exact shares over a period, whatever the order of the nodes', async () => {
  const { a, b, c } = stage.backends
  await serve({ type: 'roundrobin', nodes: { [a.node]: 3, [b.node]: 2, [c.node]: 1 } })
  assert.deepEqual(tally(await stage.letters('/', 12)), { a: 6, b: 4, c: 2 })
  await serve({ nodes: { [a.node]: 100, [b.node]: 50 } })
  assert.deepEqual(tally(await stage.letters('/', 9)), { a: 6, b: 3 })
  await serve({ nodes: { [a.node]: 1, [b.node]: 0 } })
  assert.equal(await stage.letters('/', 4), 'aaaa')
})

test('empty nodes are stored and answer 503 with the standard page, all names unresolvable too', async () => {
  for (const nodes of [{}, []]) {
    await serve({ nodes })
    const answer = await stage.send('/')
    assert.equal(answer.status, 503)
    assert.match(answer.body, /<title>503 Service Temporarily Unavailable<\/title>/)
    assert.match(answer.field('content-type') ?? '', /^text\/html/)
  }
  await serve({ nodes: { 'no-such-name.invalid:80': 1 } })
  assert.equal((await stage.send('/')).status, 503)
})

test('a name that cannot be resolved is left out while others are there', async () => {
  await serve({ nodes: { 'no-such-name.invalid:80': 1, [stage.backends.a.node]: 1 } })
  assert.equal(await stage.letters('/', 4), 'aaaa')
})

test('a registry that is not there: stored, 503', async () => {
  await serve({
    service_name: 'svc',
    discovery_type: 'nacos',
    discovery_args: { namespace_id: 'n', group_name: 'g' },
  })
  assert.equal((await stage.send('/')).status, 503)
})

test('no upstream at all is 503, a forced-away one 502, a refused node 502, each with its page', async () => {
  await stage.put('/routes/1', { uri: '/*', plugins: {} })
  assert.equal((await stage.send('/')).status, 503)
  await stage.put('/upstreams/1', stage.upstream('a'))
  await stage.put('/routes/1', { uri: '/*', upstream_id: '1' })
  await stage.remove('/upstreams/1')
  const gone = await stage.send('/')
  assert.equal(gone.status, 502)
  assert.match(gone.body, /<title>502 Bad Gateway<\/title>/)
  await serve({ nodes: { [DEAD]: 1 } })
  const refused = await stage.send('/')
  assert.equal(refused.status, 502)
  assert.match(refused.body, /<center><h1>502 Bad Gateway<\/h1><\/center>/)
  assert.equal(refused.field('x-apisix-upstream-status'), '502')
})

test('upstream statuses are told when the last one is 5xx', async () => {
  const { a } = stage.backends
  await serve({ nodes: { [a.node]: 1 } })
  a.answer = () => answerText('own', { status: '503 Busy' })
  const own = await stage.send('/')
  assert.deepEqual([own.status, own.body, own.field('x-apisix-upstream-status')], [503, 'own', '503'])
  a.answer = () => answerText('no', { status: '404 Not Found' })
  assert.equal((await stage.send('/')).field('x-apisix-upstream-status'), undefined)
  await serve({ nodes: { [DEAD]: 1, [a.node]: 1 } })
  a.answer = () => answerText('fine')
  for (let i = 0; i < 4; i++) {
    const answer = await stage.send('/')
    assert.deepEqual([answer.status, answer.field('x-apisix-upstream-status')], [200, undefined])
  }
  await serve({ nodes: { [DEAD]: 1, '127.0.0.1:2': 1, '127.0.0.1:3': 1 } })
  assert.equal((await stage.send('/')).field('x-apisix-upstream-status'), '502, 502, 502')
  await serve({ nodes: { [DEAD]: 1, '127.0.0.1:2': 1 }, retries: 0 })
  assert.equal((await stage.send('/')).field('x-apisix-upstream-status'), '502')
  await serve({ nodes: { [DEAD]: 1 }, retries: 2 })
  assert.equal((await stage.send('/')).field('x-apisix-upstream-status'), '502, 502, 502')
})

test('read and connect timeouts are 504 with the page; the route’s own timeout wins', async () => {
  const { a } = stage.backends
  a.answer = () => null
  const timeout = { connect: 1, send: 1, read: 0.2 }
  await serve({ nodes: { [a.node]: 1 }, timeout })
  const answer = await stage.send('/')
  assert.equal(answer.status, 504)
  assert.match(answer.body, /<title>504 Gateway Time-out<\/title>/)
  assert.equal(answer.field('x-apisix-upstream-status'), '504')
  a.answer = (_request, socket) => {
    setTimeout(() => socket.write(answerText('late')), 400)
    return null
  }
  await serve({ nodes: { [a.node]: 1 }, timeout }, { timeout: { connect: 3, send: 3, read: 3 } })
  assert.equal((await stage.send('/')).body, 'late')
})

test('a timed-out GET goes to the next node, a POST does not', async () => {
  const silent = await startRawBackend(() => {})
  const { b } = stage.backends
  const nodes = [
    { host: '127.0.0.1', port: silent.port, weight: 1, priority: 1 },
    { host: '127.0.0.1', port: b.port, weight: 1 },
  ]
  await serve({ nodes, timeout: { connect: 1, send: 1, read: 0.2 } })
  assert.equal((await stage.send('/')).body, 'b')
  const post = await stage.send('/', { method: 'POST', body: 'x' })
  assert.equal(post.status, 504)
  assert.equal(b.requests.length, 1)
  await silent.close()
})

test('priorities: a lower group serves only when all of the higher one failed in this request', async () => {
  const { a, b, c } = stage.backends
  const node = (port: number, priority: number) => ({ host: '127.0.0.1', port, weight: 1, priority })
  await serve({ nodes: [node(a.port, 2), node(b.port, 2), node(c.port, -1)] })
  assert.deepEqual(tally(await stage.letters('/', 8)), { a: 4, b: 4 })
  await serve({ nodes: [node(1, 2), node(2, 2), node(c.port, -1)] })
  assert.equal(await stage.letters('/', 3), 'ccc')
  await serve({ nodes: [node(1, 2), node(2, 2), node(c.port, -1)], retries: 1 })
  assert.equal(await stage.letters('/', 2), '<502><502>')
})

test('Host to the upstream: pass, node, rewrite, with and without port', async () => {
  const { a } = stage.backends
  const hostOf = async (upstream: Json) => {
    await serve(upstream)
    assert.equal((await stage.send('/', { headers: ['Host: Client.Example:81'] })).status, 200)
    return stage.last().field('host')
  }
  const named = { [`localhost:${a.port}`]: 1 }
  assert.equal(await hostOf({ nodes: named }), 'Client.Example:81')
  assert.equal(
    await hostOf({ nodes: named, pass_host: 'pass', upstream_host: 'ignored' }),
    'Client.Example:81',
  )
  assert.equal(await hostOf({ nodes: named, pass_host: 'node' }), `localhost:${a.port}`)
  assert.equal(
    await hostOf({ nodes: [{ host: 'LocalHost', port: a.port, weight: 1 }], pass_host: 'node' }),
    `LocalHost:${a.port}`,
  )
  assert.equal(
    await hostOf({ nodes: named, pass_host: 'rewrite', upstream_host: 'Up.example:99' }),
    'Up.example:99',
  )
})

test('with retries the host follows the node in use', async () => {
  const { a } = stage.backends
  const nodes = [
    { host: '127.0.0.1', port: 1, weight: 1, priority: 1 },
    { host: 'localhost', port: a.port, weight: 1 },
  ]
  await serve({ nodes, pass_host: 'node' })
  assert.equal((await stage.send('/')).body, 'a')
  assert.equal(stage.last().field('host'), `localhost:${a.port}`)
})

test('upstream_id wins over upstream, the route over the service, and changes act at once', async () => {
  await stage.put('/upstreams/1', stage.upstream('a'))
  await stage.put('/services/1', { upstream: stage.upstream('c') })
  await stage.put('/routes/1', { uri: '/*', service_id: '1' })
  assert.equal(await stage.letters('/', 1), 'c')
  await stage.put('/routes/1', { uri: '/*', service_id: '1', upstream: stage.upstream('b') })
  assert.equal(await stage.letters('/', 1), 'b')
  await stage.put('/routes/1', {
    uri: '/*',
    service_id: '1',
    upstream: stage.upstream('b'),
    upstream_id: '1',
  })
  assert.equal(await stage.letters('/', 1), 'a')
  await stage.put('/upstreams/1', stage.upstream('d'))
  assert.equal(await stage.letters('/', 1), 'd')
  await stage.put('/services/1', { upstream: stage.upstream('c'), upstream_id: '1' })
  await stage.put('/routes/1', { uri: '/*', service_id: 1 })
  assert.equal(await stage.letters('/', 1), 'd')
})

test('connections are kept, and a pool of one request per connection opens one each', async () => {
  const { a } = stage.backends
  await serve({ nodes: { [a.node]: 1 } })
  await stage.letters('/', 1)
  const before = a.connections.accepted
  await stage.letters('/', 5)
  assert.ok(a.connections.accepted - before <= 1)
  await serve({ nodes: { [a.node]: 1 }, keepalive_pool: { size: 1, idle_timeout: 0, requests: 1 } })
  // a connection of before the change may serve once more
  await stage.letters('/', 1)
  const start = a.connections.accepted
  await stage.letters('/', 5)
  assert.equal(a.connections.accepted - start, 5)
})

test('an IPv6 node stands in brackets in Host, with its port, and without it inside traffic-split', async () => {
  const six = await startBackend('six', { host: '::1' })
  const upstream = { nodes: { [`[::1]:${six.port}`]: 1 }, pass_host: 'node' }
  await serve(upstream)
  assert.equal((await stage.send('/')).body, 'six')
  assert.equal(six.requests.at(-1)?.field('host'), `[::1]:${six.port}`)
  await serve(stage.upstream('a'), {
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream }] }] } },
  })
  assert.equal((await stage.send('/')).body, 'six')
  assert.equal(six.requests.at(-1)?.field('host'), '[::1]')
  await six.close()
})
