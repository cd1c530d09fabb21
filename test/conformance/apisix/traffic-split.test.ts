import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { answerText } from '../../support/backends.ts'
import { clear, type Json, openStage, type Stage, tally } from './stage.ts'

/** spec/apisix.md 6: the plugin on a running gateway. The route's own upstream is backend d unless a test says otherwise. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(async () => {
  await clear(stage)
  stage.forget()
})

const split = (rules: unknown, more: Json = {}) => ({ 'traffic-split': { ...more, rules } })
const inline = (letters: string, weight?: number, more: Json = {}) => ({
  upstream: stage.upstream(letters, more),
  ...(weight === undefined ? {} : { weight }),
})
const when = (...vars: unknown[]) => [{ vars }]

async function route(rules: unknown, more: Json = {}): Promise<void> {
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: split(rules),
    upstream: stage.upstream('d'),
    ...more,
  })
}

test('two to two to one: every five requests are 2, 2, 1, also from the middle of a period', async () => {
  await route([{ weighted_upstreams: [inline('a', 2), inline('b', 2), { weight: 1 }] }])
  assert.deepEqual(tally(await stage.letters('/', 5)), { a: 2, b: 2, d: 1 })
  const served = await stage.letters('/', 43)
  for (let i = 0; i + 5 <= served.length; i++) {
    assert.deepEqual(tally(served.slice(i, i + 5)), { a: 2, b: 2, d: 1 }, `from ${i} of ${served}`)
  }
})

test('three to two and 95 to 5 are exact over their periods, with no run of three in a 3:2', async () => {
  await route([{ weighted_upstreams: [inline('a', 3), { weight: 2 }] }])
  const served = await stage.letters('/', 50)
  for (let i = 0; i + 5 <= served.length; i++) {
    assert.deepEqual(tally(served.slice(i, i + 5)), { a: 3, d: 2 })
  }
  assert.doesNotMatch(served, /aaa|ddd/)
  await route([{ weighted_upstreams: [inline('a', 95), { weight: 5 }] }])
  const long = await stage.letters('/', 60)
  for (let i = 0; i + 20 <= long.length; i++) {
    assert.deepEqual(tally(long.slice(i, i + 20)), { a: 19, d: 1 })
  }
})

test('edits of other objects do not move a rotation', async () => {
  await route([{ weighted_upstreams: [inline('a', 1), inline('b', 1), inline('c', 1), { weight: 1 }] }])
  let served = ''
  for (let i = 0; i < 16; i++) {
    served += await stage.letters('/', 1)
    await stage.put('/routes/other', { uri: `/other${i}`, upstream: stage.upstream('a') })
    await stage.put('/upstreams/other', stage.upstream('abc'.slice(0, 1 + (i % 3))))
  }
  for (let i = 0; i + 4 <= served.length; i += 4) {
    assert.deepEqual(tally(served.slice(i, i + 4)), { a: 1, b: 1, c: 1, d: 1 }, served)
  }
})

test('the worked examples: bare entries, alternatives, fall-through, no own upstream needed', async () => {
  await route([{ weighted_upstreams: [inline('a', 2), { weight: 1 }] }])
  assert.deepEqual(tally(await stage.letters('/', 6)), { a: 4, d: 2 })
  await route([
    {
      match: [{ vars: [['arg_v', '==', '1']] }, { vars: [['arg_v', '==', '2']] }],
      weighted_upstreams: [inline('a', 1)],
    },
  ])
  assert.equal((await stage.letters('/?v=1', 2)) + (await stage.letters('/?v=2', 2)), 'aaaa')
  assert.equal(await stage.letters('/?v=3', 2), 'dd')
  await route([
    { match: when(['arg_x', '==', '1']), weighted_upstreams: [inline('a')] },
    { weighted_upstreams: [inline('b', 1), { weight: 1 }] },
  ])
  assert.equal(await stage.letters('/?x=1', 2), 'aa')
  assert.deepEqual(tally(await stage.letters('/?x=2', 2)), { b: 1, d: 1 })
  await route([
    { match: when(['arg_x', '==', '1']), weighted_upstreams: [inline('a')] },
    { match: when(['arg_x', '==', '1']), weighted_upstreams: [inline('b')] },
  ])
  assert.equal(await stage.letters('/?x=1', 4), 'aaaa')
  await route([{ match: when(['arg_age', '!', '<', 18]), weighted_upstreams: [inline('a')] }])
  assert.equal(await stage.letters('/', 1), 'a')
  assert.equal(await stage.letters('/?age=17', 1), 'd')
  await route([{ weighted_upstreams: [inline('a', 0), { weight: 1 }] }])
  assert.equal(await stage.letters('/', 5), 'ddddd')
})

test('no rules, an empty object, a rule without entries: the route’s own upstream', async () => {
  for (const config of [
    {},
    { rules: [] },
    { rules: [{}] },
    { rules: [{ match: [] }] },
    { rules: [{ match: when(['uri', '==', '/']) }] },
  ]) {
    await stage.put('/routes/1', {
      uri: '/*',
      plugins: { 'traffic-split': config },
      upstream: stage.upstream('d'),
    })
    assert.equal(await stage.letters('/', 2), 'dd', JSON.stringify(config))
  }
})

test('conditions in one list are joined, an empty list of conditions and an empty match always hold', async () => {
  await route([
    {
      match: when(
        ['arg_name', '==', 'jack'],
        ['http_user-id', '>', '23'],
        ['http_apisix-key', '~~', '[a-z]+'],
      ),
      weighted_upstreams: [inline('a')],
    },
  ])
  const full = ['Host: t', 'user-id: 30', 'apisix-key: hello']
  assert.equal(await stage.letters('/?name=jack', 1, full), 'a')
  assert.equal(await stage.letters('/?name=rose', 1, full), 'd')
  assert.equal(await stage.letters('/?name=jack', 1, ['Host: t', 'user-id: 22', 'apisix-key: hello']), 'd')
  assert.equal(await stage.letters('/?name=jack', 1, ['Host: t', 'user-id: 30', 'apisix-key: 123']), 'd')
  for (const match of [[], [{ vars: [] }]]) {
    await route([{ match, weighted_upstreams: [inline('a')] }])
    assert.equal(await stage.letters('/', 1), 'a')
  }
  await route([
    {
      match: [{ vars: ['OR', ['arg_x', '==', '1'], ['arg_y', '==', '1']] }],
      weighted_upstreams: [inline('a')],
    },
  ])
  assert.equal(await stage.letters('/?y=1', 1), 'a')
  assert.equal(await stage.letters('/?y=2', 1), 'd')
})

test('each rule has a rotation of its own, however requests of several rules mix', async () => {
  const rule = (value: string, one: string, other: string) => ({
    match: when(['arg_id', '==', value]),
    weighted_upstreams: [inline(one, 1), inline(other, 1)],
  })
  await route([
    rule('1', 'a', 'b'),
    rule('2', 'c', 'd'),
    { weighted_upstreams: [inline('b', 1), inline('c', 1)] },
  ])
  const served: Record<string, string> = { '1': '', '2': '', '3': '' }
  for (let i = 0; i < 18; i++) {
    const id = String(1 + ((i * i + i) % 3))
    served[id] += await stage.letters(`/?id=${id}`, 1)
    served['2'] += await stage.letters('/?id=2', 1)
  }
  for (const text of Object.values(served)) assert.doesNotMatch(text, /(.)\1/)
})

test('a missing weight is one, weight 0 gets nothing, and only zeros are 503', async () => {
  await route([{ weighted_upstreams: [inline('a'), inline('b')] }])
  assert.deepEqual(tally(await stage.letters('/', 10)), { a: 5, b: 5 })
  await route([{ weighted_upstreams: [inline('a', 0), inline('b', 3)] }])
  assert.equal(await stage.letters('/', 6), 'bbbbbb')
  await route([{ weighted_upstreams: [inline('a', 0)] }])
  assert.equal(await stage.letters('/', 2), '<503><503>')
})

test('the rotation over nodes inside an entry is exact as well', async () => {
  const { a, b } = stage.backends
  await route([
    {
      weighted_upstreams: [
        { upstream: { type: 'roundrobin', nodes: { [a.node]: 2, [b.node]: 1 } }, weight: 3 },
        { weight: 1 },
      ],
    },
  ])
  assert.deepEqual(tally(await stage.letters('/', 12)), { a: 6, b: 3, d: 3 })
})

test('upstream_id as text and as integer, changed under way, and mixed with inline ones', async () => {
  await stage.put('/upstreams/1', stage.upstream('a'))
  await stage.put('/upstreams/2', stage.upstream('b'))
  await route([
    {
      weighted_upstreams: [
        { upstream_id: 1, weight: 1 },
        { upstream_id: '2', weight: 1 },
        inline('c', 1),
        { weight: 1 },
      ],
    },
  ])
  assert.deepEqual(tally(await stage.letters('/', 8)), { a: 2, b: 2, c: 2, d: 2 })
  await stage.gateway.admin('PATCH', '/apisix/admin/upstreams/1', {
    nodes: { [stage.backends.a.node]: null, [stage.backends.c.node]: 1 },
  })
  assert.deepEqual(tally(await stage.letters('/', 8)), { b: 2, c: 4, d: 2 })
})

test('with upstream and upstream_id the id wins; the route may use the same id', async () => {
  await stage.put('/upstreams/1', stage.upstream('a'))
  await stage.put('/routes/1', {
    uri: '/*',
    upstream_id: '1',
    plugins: split([
      { weighted_upstreams: [{ ...inline('b'), upstream_id: '1', weight: 1 }, inline('c', 1)] },
    ]),
  })
  assert.deepEqual(tally(await stage.letters('/', 4)), { a: 2, c: 2 })
})

test('a missing upstream_id is stored, answers 500 for its whole rule and never for one behind the deciding rule', async () => {
  await route([
    { match: when(['arg_x', '==', '1']), weighted_upstreams: [inline('a')] },
    {
      match: when(['arg_x', '==', '2']),
      weighted_upstreams: [{ upstream_id: 'none', weight: 1 }, inline('b', 1)],
    },
    { weighted_upstreams: [inline('c')] },
  ])
  assert.equal(await stage.letters('/?x=1', 2), 'aa')
  for (const target of ['/?x=2', '/?x=3']) {
    const answer = await stage.send(target)
    assert.equal(answer.status, 500)
    assert.equal(answer.body.trim(), 'failed to fetch upstream info by upstream id: none')
  }
  await stage.put('/upstreams/none', stage.upstream('d'))
  assert.deepEqual(tally(await stage.letters('/?x=2', 4)), { b: 2, d: 2 })
  assert.equal(await stage.letters('/?x=3', 2), 'cc')
  await stage.remove('/upstreams/none')
  assert.equal((await stage.send('/?x=2')).status, 500)
})

test('no own upstream: bare entries are 503, plugin upstreams work', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: split([
      { match: when(['arg_x', '==', '1']), weighted_upstreams: [inline('a', 1), { weight: 1 }] },
    ]),
  })
  assert.deepEqual(tally((await stage.letters('/?x=1', 4)).replaceAll('<503>', 'x')), { a: 2, x: 2 })
  assert.equal(await stage.letters('/', 1), '<503>')
})

test('a dead or empty entry gets its share, and there is no failover to another', async () => {
  const dead = { upstream: { type: 'roundrobin', nodes: { '127.0.0.1:1': 1 } }, weight: 1 }
  const empty = { upstream: { type: 'roundrobin', nodes: {} }, weight: 1 }
  await route([{ weighted_upstreams: [dead, empty, inline('a', 1)] }])
  const served = (await stage.letters('/', 6)).replaceAll('<502>', 'x').replaceAll('<503>', 'y')
  assert.deepEqual(tally(served), { x: 2, y: 2, a: 2 })
})

test('retries stay inside the chosen upstream', async () => {
  await route([
    { weighted_upstreams: [{ upstream: { nodes: { '127.0.0.1:1': 1, [stage.backends.a.node]: 1 } } }] },
  ])
  assert.equal(await stage.letters('/', 6), 'aaaaaa')
})

test('the plugin on a service, on a plugin config, and on the route over both', async () => {
  await stage.put('/services/1', {
    plugins: split([{ weighted_upstreams: [inline('a', 1), { weight: 1 }] }]),
    upstream: stage.upstream('d'),
  })
  await stage.put('/routes/1', { uri: '/*', service_id: '1' })
  assert.deepEqual(tally(await stage.letters('/', 4)), { a: 2, d: 2 })
  await stage.put('/plugin_configs/1', { plugins: split([{ weighted_upstreams: [inline('b')] }]) })
  await stage.put('/routes/1', { uri: '/*', service_id: '1', plugin_config_id: '1' })
  assert.equal(await stage.letters('/', 2), 'bb')
  await stage.put('/routes/1', {
    uri: '/*',
    service_id: '1',
    plugin_config_id: '1',
    plugins: split([{ weighted_upstreams: [inline('c')] }]),
  })
  assert.equal(await stage.letters('/', 2), 'cc')
  await stage.put('/routes/1', { uri: '/*', service_id: '1', plugins: {}, upstream: stage.upstream('c') })
  assert.deepEqual(tally(await stage.letters('/', 4)), { a: 2, c: 2 })
  await stage.put('/routes/1', {
    uri: '/*',
    service_id: '1',
    plugins: { 'traffic-split': { _meta: { disable: true } } },
  })
  assert.equal(await stage.letters('/', 2), 'dd')
  await stage.put('/services/1', {
    plugins: split([{ weighted_upstreams: [inline('b')] }]),
    upstream: stage.upstream('d'),
  })
  await stage.put('/routes/1', { uri: '/*', service_id: '1' })
  assert.equal(await stage.letters('/', 2), 'bb')
})

test('_meta: a switched-off plugin may hold anything, a filter narrows it, error_response replaces its 500', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: { 'traffic-split': { _meta: { disable: true }, rules: 'nonsense' } },
    upstream: stage.upstream('d'),
  })
  assert.equal(await stage.letters('/', 1), 'd')
  await stage.put('/routes/1', {
    uri: '/*',
    plugins: split([{ weighted_upstreams: [inline('a')] }], { _meta: { filter: [['arg_v', '==', '2']] } }),
    upstream: stage.upstream('d'),
  })
  assert.equal((await stage.letters('/?v=2', 1)) + (await stage.letters('/', 1)), 'ad')
  for (const [error_response, body] of [
    ['plain text', 'plain text'],
    [{ message: 'none' }, '{"message":"none"}'],
  ] as const) {
    await stage.put('/routes/1', {
      uri: '/*',
      plugins: split([{ weighted_upstreams: [{ upstream_id: 'gone' }] }], { _meta: { error_response } }),
      upstream: stage.upstream('d'),
    })
    const answer = await stage.send('/')
    assert.equal(answer.status, 500)
    assert.equal(answer.body.trim(), body)
  }
})

test('wrong configurations are refused in the reference’s words', async () => {
  const head = 'failed to check the configuration of plugin traffic-split err: '
  const inRule = `${head}property "rules" validation failed: failed to validate item 1: `
  const inEntry = `${inRule}property "weighted_upstreams" validation failed: failed to validate item 1: `
  for (const [rules, message] of [
    ['x', `${head}property "rules" validation failed: wrong type: expected array, got string`],
    [[7], `${inRule}wrong type: expected object, got number`],
    [[{ match: 'x' }], `${inRule}property "match" validation failed: wrong type: expected array, got string`],
    [[{ match: [{}] }], `${head}failed to validate the 'vars' expression: missing argument rule`],
    [
      [{ weighted_upstreams: [] }],
      `${inRule}property "weighted_upstreams" validation failed: expect array to have at least 1 items`,
    ],
    [
      [{ weighted_upstreams: Array.from({ length: 21 }, () => ({ weight: 1 })) }],
      `${inRule}property "weighted_upstreams" validation failed: expect array to have at most 20 items`,
    ],
    [
      [{ weighted_upstreams: [{ weight: 'x' }] }],
      `${inEntry}property "weight" validation failed: wrong type: expected integer, got string`,
    ],
    [
      [{ weighted_upstreams: [{ weight: -1 }] }],
      `${inEntry}property "weight" validation failed: expected -1 to be at least 0`,
    ],
    [
      [{ weighted_upstreams: [{ upstream_id: [] }] }],
      `${inEntry}property "upstream_id" validation failed: object matches none of the required`,
    ],
    [
      [{ weighted_upstreams: [{ upstream: {} }] }],
      `${inEntry}property "upstream" validation failed: value should match only one schema, but matches none`,
    ],
    [
      [{ weighted_upstreams: [{ upstream: { nodes: {}, type: 'nope' } }] }],
      `${inEntry}property "upstream" validation failed: property "type" validation failed: matches none of the enum values`,
    ],
    [
      [{ weighted_upstreams: [{ upstream: { nodes: {}, extra: 1 } }] }],
      `${inEntry}property "upstream" validation failed: additional properties forbidden, found extra`,
    ],
  ] as const) {
    assert.equal(await stage.refused('/routes/1', { uri: '/*', plugins: split(rules) }), message)
  }
})

test('a configuration one level too deep is stored, has no effect and is warned about', async () => {
  const answer = await stage.put('/routes/1', {
    uri: '/*',
    plugins: { 'traffic-split': { rules: [{ rules: [{ weighted_upstreams: [inline('a')] }] }] } },
    upstream: stage.upstream('d'),
  })
  assert.match(String(answer.headers['x-headgate-warning']), /rules\[0\]\.rules: has no effect/)
  assert.equal(await stage.letters('/', 2), 'dd')
})

test('pass_host: over http an inline node loses its port, through upstream_id it keeps it', async () => {
  const { a } = stage.backends
  const nodes = { [`localhost:${a.port}`]: 1 }
  const host = async () => {
    const answer = await stage.send('/', { headers: ['Host: Client.example:81'] })
    assert.equal(answer.status, 200)
    return stage.last().field('host')
  }
  await route([{ weighted_upstreams: [{ upstream: { nodes, pass_host: 'node' } }] }])
  assert.equal(await host(), 'localhost')
  await route([{ weighted_upstreams: [{ upstream: { nodes, pass_host: 'pass' } }] }])
  assert.equal(await host(), 'Client.example:81')
  await route([{ weighted_upstreams: [{ upstream: { nodes } }] }])
  assert.equal(await host(), 'Client.example:81')
  await route([
    { weighted_upstreams: [{ upstream: { nodes, pass_host: 'rewrite', upstream_host: 'New.example' } }] },
  ])
  assert.equal(await host(), 'New.example')
  await stage.put('/upstreams/1', { nodes, pass_host: 'node' })
  await route([{ weighted_upstreams: [{ upstream_id: '1' }] }])
  assert.equal(await host(), `localhost:${a.port}`)
  await route([{ weighted_upstreams: [{ weight: 1 }] }], { upstream: { nodes, pass_host: 'node' } })
  assert.equal(await host(), `localhost:${a.port}`)
})

test('the timeout of an entry counts, and that of the route wins over it', async () => {
  const { a } = stage.backends
  a.answer = () => null
  const slow = { nodes: { [a.node]: 1 }, timeout: { connect: 1, send: 1, read: 0.2 } }
  await route([{ weighted_upstreams: [{ upstream: slow }] }])
  const first = await stage.send('/')
  assert.equal(first.status, 504)
  await route(
    [{ weighted_upstreams: [{ upstream: { ...slow, timeout: { connect: 9, send: 9, read: 9 } } }] }],
    {
      timeout: { connect: 1, send: 1, read: 0.2 },
    },
  )
  assert.equal((await stage.send('/')).status, 504)
  a.answer = (_request, socket) => {
    setTimeout(() => socket.write(answerText('late')), 400)
    return null
  }
  await route([{ weighted_upstreams: [{ upstream: slow }] }], { timeout: { connect: 2, send: 2, read: 2 } })
  assert.equal((await stage.send('/')).body, 'late')
})

test('the plugin sees fields that proxy-rewrite changed, but the client’s path, query and method', async () => {
  await stage.put('/routes/1', {
    uri: '/*',
    upstream: stage.upstream('d'),
    plugins: {
      'proxy-rewrite': { uri: '/rewritten?new=1', method: 'PUT', headers: { set: { 'X-Tag': 'canary' } } },
      ...split([
        {
          match: when(
            ['http_x_tag', '==', 'canary'],
            ['uri', '==', '/client'],
            ['arg_old', '==', '1'],
            ['request_method', '==', 'GET'],
          ),
          weighted_upstreams: [inline('a')],
        },
      ]),
    },
  })
  assert.equal(await stage.letters('/client?old=1', 1), 'a')
  assert.equal(stage.last().requestLine, 'PUT /rewritten?new=1&old=1 HTTP/1.1')
  assert.equal(await stage.letters('/rewritten?old=1', 1), 'd')
})

test('with two workers a rotation is exact over both', async (t) => {
  const other = await openStage({}, ['--workers', '2'])
  t.after(() => other.close())
  await other.put('/routes/1', {
    uri: '/*',
    plugins: split([{ weighted_upstreams: [{ upstream: other.upstream('a'), weight: 3 }, { weight: 2 }] }]),
    upstream: other.upstream('d'),
  })
  let served = ''
  for (let i = 0; i < 100; i++) served += (await other.send('/')).body
  for (let i = 0; i + 5 <= served.length; i += 5)
    assert.deepEqual(tally(served.slice(i, i + 5)), { a: 3, d: 2 })
})

test('conditions may ask for the route and the service that were matched', async () => {
  await stage.put('/services/s1', { name: 'shop', upstream: stage.upstream('d') })
  for (const [variable, value] of [
    ['route_id', '1'],
    ['route_name', 'front'],
    ['service_id', 's1'],
    ['service_name', 'shop'],
  ]) {
    await stage.put('/routes/1', {
      uri: '/*',
      name: 'front',
      service_id: 's1',
      plugins: split([{ match: when([variable, '==', value]), weighted_upstreams: [inline('a')] }]),
    })
    assert.equal(await stage.letters('/', 1), 'a', variable)
  }
})

test('conditions may look into the body, and the chosen backend gets it whole', async () => {
  await route([
    { match: when(['post_arg.plan', '==', 'beta']), weighted_upstreams: [inline('a', 1), inline('b', 1)] },
  ])
  const body = JSON.stringify({ plan: 'beta', filler: 'x'.repeat(50_000) })
  let served = ''
  for (let i = 0; i < 4; i++) {
    const answer = await stage.send('/', {
      method: 'POST',
      headers: ['Host: t', 'Content-Type: application/json'],
      body,
    })
    served += answer.body
  }
  assert.deepEqual(tally(served), { a: 2, b: 2 })
  assert.equal(stage.last('a').body, body)
  assert.equal(stage.last('b').body, body)
  const other = await stage.send('/', {
    method: 'POST',
    headers: ['Host: t', 'Content-Type: application/json'],
    body: '{}',
  })
  assert.equal(other.body, 'd')
})

test('an inline upstream without timeout has that of the setting', async (t) => {
  const other = await openStage({ apisix: { inlineTimeout: 0.3 } })
  t.after(() => other.close())
  other.backends.a.answer = () => null
  await other.put('/routes/1', {
    uri: '/*',
    plugins: split([{ weighted_upstreams: [{ upstream: other.upstream('a') }] }]),
    upstream: other.upstream('d'),
  })
  assert.equal((await other.send('/')).status, 504)
})

test('the host of proxy-rewrite counts where an entry passes the host, and nowhere else', async () => {
  const { a } = stage.backends
  const host = async (more: Json) => {
    const upstream = { nodes: { [`localhost:${a.port}`]: 1 }, ...more }
    await stage.put('/routes/1', {
      uri: '/*',
      upstream: stage.upstream('d'),
      plugins: {
        'proxy-rewrite': { host: 'rewritten.example' },
        ...split([{ weighted_upstreams: [{ upstream }] }]),
      },
    })
    assert.equal((await stage.send('/')).body, 'a')
    return stage.last().field('host')
  }
  assert.equal(await host({}), 'rewritten.example')
  assert.equal(await host({ pass_host: 'node' }), 'localhost')
  assert.equal(await host({ pass_host: 'rewrite', upstream_host: 'up.example' }), 'up.example')
})

test('fields that proxy-rewrite changed are seen changed under each of their names', async () => {
  const rewritten = async (headers: Json, variable: unknown) => {
    await stage.put('/routes/1', {
      uri: '/*',
      upstream: stage.upstream('d'),
      plugins: {
        'proxy-rewrite': { headers },
        ...split([{ match: when(variable), weighted_upstreams: [inline('a')] }]),
      },
    })
    const options = { method: 'POST', headers: ['Host: t', 'Cookie: b=x; c=1', 'X-In: old'], body: 'f=v' }
    return (await stage.send('/', options)).body
  }
  const form = { set: { 'Content-Type': 'application/x-www-form-urlencoded' } }
  assert.equal(await rewritten({ set: { Cookie: 'a=$cookie_b' } }, ['cookie_a', '==', 'x']), 'a')
  assert.equal(await rewritten({ set: { Cookie: 'a=1' } }, ['http_cookie', '==', 'a=1']), 'a')
  assert.equal(await rewritten({ add: { Cookie: 'a=1' } }, ['cookie_a', '==', '1']), 'a')
  assert.equal(await rewritten({ add: { Cookie: 'a=1' } }, ['cookie_c', '==', '1']), 'a')
  assert.equal(await rewritten({ remove: ['Cookie'] }, ['cookie_b', '==', 'x']), 'd')
  assert.equal(await rewritten({ add: { 'X-In': 'new' } }, ['http_x_in', '==', 'old, new']), 'a')
  assert.equal(await rewritten({ set: { 'User-Agent': 'u' } }, ['http_user_agent', '==', 'u']), 'a')
  assert.equal(await rewritten(form, ['post_arg_f', '==', 'v']), 'a')
  assert.equal(await rewritten(form, ['content_type', '~~', 'form']), 'a')
})
