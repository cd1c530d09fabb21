import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { callHttp, type HttpAnswer } from '../../support/gateway.ts'
import { connectRaw } from '../../support/raw-client.ts'
import { waitFor } from '../../support/tools.ts'
import { clear, openStage, type Stage } from './stage.ts'

/** spec/apisix.md 1 over real connections: verbs, shapes, statuses, texts. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(() => clear(stage))

const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  stage.gateway.admin(method, `/apisix/admin${path}`, body, headers)

const route = (more: object = {}) => ({ uri: '/hello', upstream: stage.upstream('a'), ...more })

const messageOf = (answer: HttpAnswer) => (answer.json as { error_msg?: string } | undefined)?.error_msg

/** The stored value without what the server adds. */
function storedIn(answer: HttpAnswer): Record<string, unknown> {
  const { create_time, update_time, ...rest } = (answer.json as { value: Record<string, unknown> }).value
  assert.ok(Number.isInteger(create_time) && Number.isInteger(update_time), answer.text)
  return rest
}

test('PUT creates with 201 and replaces with 200, and gives back what was sent with id and times alone', async () => {
  const sent = route({ methods: ['GET'], desc: 'new route' })
  const created = await api('PUT', '/routes/1', sent)
  assert.equal(created.status, 201)
  assert.deepEqual(Object.keys(created.json as object).sort(), ['key', 'value'])
  assert.equal((created.json as { key: string }).key, '/apisix/routes/1')
  assert.deepEqual(storedIn(created), { ...sent, id: '1' })
  assert.ok(created.text.endsWith('}\n'))
  const replaced = await api('PUT', '/routes/1', route({ desc: 'changed' }))
  assert.equal(replaced.status, 200)
  assert.deepEqual(storedIn(replaced), { ...route({ desc: 'changed' }), id: '1' })
})

test('GET of one object has the two indexes, and only a write moves the second', async () => {
  await api('PUT', '/routes/1', route())
  const first = (await api('GET', '/routes/1')).json as Record<string, number>
  assert.deepEqual(Object.keys(first).sort(), ['createdIndex', 'key', 'modifiedIndex', 'value'])
  assert.equal(first.createdIndex, first.modifiedIndex)
  await api('PUT', '/routes/1', route({ desc: 'x' }))
  const second = (await api('GET', '/routes/1')).json as Record<string, number>
  assert.equal(second.createdIndex, first.createdIndex)
  assert.ok((second.modifiedIndex as number) > (first.modifiedIndex as number))
})

test('DELETE names what it deleted as text, and a second one finds nothing', async () => {
  await api('PUT', '/routes', route({ id: 7 }))
  const deleted = await api('DELETE', '/routes/7')
  assert.equal(deleted.status, 200)
  assert.deepEqual(deleted.json, { deleted: '7', key: '/apisix/routes/7' })
  for (const method of ['DELETE', 'GET', 'PATCH']) {
    const answer = await api(method, '/routes/7', method === 'PATCH' ? { desc: 'x' } : undefined)
    assert.equal(answer.status, 404, method)
    assert.deepEqual(answer.json, { message: 'Key not found' }, method)
  }
})

test('POST makes an id of twenty digits and wants none', async () => {
  const created = await api('POST', '/routes', route())
  assert.equal(created.status, 201)
  const { id } = storedIn(created) as { id: string }
  assert.match(id, /^\d{20}$/)
  assert.equal((created.json as { key: string }).key, `/apisix/routes/${id}`)
  assert.equal((await api('GET', `/routes/${id}`)).status, 200)
  for (const [path, body] of [
    ['/routes/1', route()],
    ['/routes', route({ id: 1 })],
  ] as const) {
    const refused = await api('POST', path, body)
    assert.equal(refused.status, 400)
    assert.equal(messageOf(refused), 'wrong route id, do not need it')
  }
})

test('ids: path and body must agree as text, one of them is needed, and shapes are checked', async () => {
  for (const [method, path, body, message] of [
    ['PUT', '/routes/1', route({ id: '2' }), 'wrong route id'],
    ['PUT', '/routes/1', route({ id: 2 }), 'wrong route id'],
    ['PUT', '/routes', route(), 'missing route id'],
    ['DELETE', '/routes', undefined, 'missing route id'],
    ['PATCH', '/routes', { desc: 'x' }, 'missing route id'],
    ['PUT', '/upstreams', { nodes: {} }, 'missing upstream id'],
    ['PUT', '/services', {}, 'missing service id'],
    ['PUT', '/services/a', { id: 'b' }, 'wrong service id'],
  ] as const) {
    const answer = await api(method, path, body)
    assert.equal(answer.status, 400, `${method} ${path}`)
    assert.equal(messageOf(answer), message, `${method} ${path}`)
  }
  assert.equal((await api('PUT', '/routes/1', route({ id: 1 }))).status, 201)
  for (const id of ['*invalid', 'a b', '', 0, -1, 1.5, 'x'.repeat(65), true, {}]) {
    const answer = await api('PUT', '/routes', route({ id }))
    assert.equal(answer.status, 400, String(id))
    assert.match(
      messageOf(answer) ?? '',
      /property "id" validation failed: object matches none of the required$/,
    )
  }
  for (const id of ['a-b_c.D1', 'x'.repeat(64), '.', 2, 12345678901]) {
    assert.equal((await api('PUT', '/routes', route({ id }))).status, 201, String(id))
  }
  const inPath = await api('PUT', '/routes/not%20good', route())
  assert.equal(inPath.status, 400)
  assert.match(messageOf(inPath) ?? '', /property "id"/)
})

test('an id from the path is stored as text, one from the body keeps its type until a PATCH', async () => {
  assert.equal(storedIn(await api('PUT', '/routes/5', route())).id, '5')
  assert.equal(storedIn(await api('PUT', '/routes', route({ id: 6 }))).id, 6)
  assert.equal(storedIn(await api('GET', '/routes/6')).id, 6)
  assert.equal(storedIn(await api('PATCH', '/routes/6', { desc: 'x' })).id, '6')
})

test('references compare as text', async () => {
  await api('PUT', '/upstreams', { id: 1, ...stage.upstream('a') })
  for (const upstream_id of [1, '1']) {
    assert.equal((await api('PUT', '/routes/1', { uri: '/hello', upstream_id })).status < 300, true)
    assert.equal((await stage.send('/hello')).body, 'a')
  }
})

test('a list has its members by key as text and their number; an empty one is an empty list', async () => {
  const empty = await api('GET', '/routes')
  assert.deepEqual(empty.json, { list: [], total: 0 })
  for (const id of ['2', '11', '1', '10']) await api('PUT', `/routes/${id}`, route())
  const { list, total } = (await api('GET', '/routes/')).json as { list: { key: string }[]; total: number }
  assert.equal(total, 4)
  assert.deepEqual(
    list.map(({ key }) => key),
    ['1', '10', '11', '2'].map((id) => `/apisix/routes/${id}`),
  )
  assert.deepEqual(Object.keys(list[0] as object).sort(), ['createdIndex', 'key', 'modifiedIndex', 'value'])
})

test('a trailing slash on a collection or an object is ignored', async () => {
  assert.equal((await api('PUT', '/routes/1/', route())).status, 201)
  assert.equal((await api('GET', '/routes/1/')).status, 200)
  assert.equal((await api('POST', '/routes/', route())).status, 201)
  assert.equal((await api('PATCH', '/routes/1/', { desc: 'whole' })).status, 200)
  assert.equal((await api('DELETE', '/routes/1/')).status, 200)
})

test('defaults are not written back', async () => {
  await api('PUT', '/upstreams/1', { nodes: { '127.0.0.1:1': 1 } })
  assert.deepEqual(storedIn(await api('GET', '/upstreams/1')), { nodes: { '127.0.0.1:1': 1 }, id: '1' })
  await api('PUT', '/routes/1', {
    uri: '/a',
    plugins: { 'proxy-rewrite': {}, 'traffic-split': { rules: [{}] } },
  })
  assert.deepEqual(storedIn(await api('GET', '/routes/1')), {
    uri: '/a',
    plugins: { 'proxy-rewrite': {}, 'traffic-split': { rules: [{}] } },
    id: '1',
  })
})

test('texts come back byte for byte, also those outside ASCII', async () => {
  const desc = 'grüße "\\" 日本 😀'
  await api('PUT', '/routes/1', route({ desc, name: 'ü' }))
  assert.equal(storedIn(await api('GET', '/routes/1')).desc, desc)
})

test('without a body: missing configurations, missing new configuration', async () => {
  await api('PUT', '/routes/1', route())
  for (const [method, path, message] of [
    ['PUT', '/routes/1', 'missing configurations'],
    ['POST', '/routes', 'missing configurations'],
    ['PATCH', '/routes/1', 'missing new configuration'],
    ['PATCH', '/routes/1/desc', 'missing new configuration'],
  ] as const) {
    const answer = await api(method, path)
    assert.equal(answer.status, 400, `${method} ${path}`)
    assert.equal(messageOf(answer), message, `${method} ${path}`)
  }
})

test('a body that is no JSON is given back with the reason', async () => {
  const answer = await api('PUT', '/routes/1', '{"uri": "/hello", ')
  assert.equal(answer.status, 400)
  const { error_msg, req_body } = answer.json as Record<string, string>
  assert.match(error_msg as string, /^invalid request body: ./)
  assert.equal(req_body, '{"uri": "/hello", ')
})

test('a body over 1.5 MiB is refused with its size, one of exactly that size is read', async () => {
  const limit = 1_572_864
  const large = 'x'.repeat(limit + 1)
  const answer = await api('PUT', '/routes/1', large)
  assert.equal(answer.status, 400)
  assert.equal(
    messageOf(answer),
    `invalid request body: request size ${limit + 1} is greater than the maximum size 1572864 allowed`,
  )
  const head = JSON.stringify(route())
  const fitting = await api('PUT', '/routes/1', head + ' '.repeat(limit - head.length))
  assert.equal(fitting.status, 201)
})

test('an unknown resource comes before its body, an unknown verb is not found', async () => {
  const unknown = await api('PUT', '/apples/1', 'no json')
  assert.equal(unknown.status, 404)
  assert.equal(messageOf(unknown), 'Unsupported resource type: apples')
  const verb = await api('COPY', '/routes/1')
  assert.equal(verb.status, 404)
  assert.equal(messageOf(verb), 'not found')
})

test('ttl must be a number, and ends the object', async () => {
  const bad = await api('PUT', '/routes/1?ttl=abc', route())
  assert.equal(bad.status, 400)
  assert.equal(messageOf(bad), 'invalid argument ttl: should be a number')
  assert.equal((await api('PUT', '/routes/1?ttl=1', route())).status, 201)
  assert.equal((await stage.send('/hello')).status, 200)
  await waitFor('the object to end', async () =>
    (await api('GET', '/routes/1')).status === 404 ? true : undefined,
  )
  await waitFor('the route to end', async () =>
    (await stage.send('/hello')).status === 404 ? true : undefined,
  )
})

test('times are the server’s in PUT and POST, also inside upstream and plugins', async () => {
  for (const [more, name] of [
    [{ create_time: 1 }, 'create_time'],
    [{ update_time: 1 }, 'update_time'],
    [{ upstream: { ...stage.upstream('a'), create_time: 1 } }, 'upstream.create_time'],
    [{ upstream: { ...stage.upstream('a'), update_time: 1 } }, 'upstream.update_time'],
    [{ plugins: { create_time: 1 } }, 'plugins.create_time'],
  ] as const) {
    for (const [method, path] of [
      ['PUT', '/routes/1'],
      ['POST', '/routes'],
    ] as const) {
      const answer = await api(method, path, route(more))
      assert.equal(answer.status, 400)
      assert.equal(messageOf(answer), `the property is forbidden:  ${name}`)
    }
  }
})

test('PUT keeps create_time, and PATCH may set both times', async () => {
  await api('PUT', '/routes/1', route())
  const patched = await api('PATCH', '/routes/1', { create_time: 1705252779, update_time: 1705252780 })
  const { value } = patched.json as { value: Record<string, number> }
  assert.deepEqual([value.create_time, value.update_time], [1705252779, 1705252780])
  const again = (await api('PUT', '/routes/1', route())).json as { value: Record<string, number> }
  assert.equal(again.value.create_time, 1705252779)
  assert.ok((again.value.update_time as number) > 1705252780)
  const moved = (await api('PATCH', '/routes/1', { desc: 'x' })).json as { value: Record<string, number> }
  assert.ok((moved.value.update_time as number) >= (again.value.update_time as number))
})

test('PATCH of the whole object merges maps, deletes by null and replaces lists', async () => {
  await api('PUT', '/routes/1', route({ methods: ['GET', 'POST'], labels: { a: '1', b: '2' }, desc: 'd' }))
  const { a, b } = stage.backends
  const answer = await api('PATCH', '/routes/1', {
    methods: ['PUT'],
    desc: null,
    labels: { a: null, c: '3' },
    upstream: { nodes: { [a.node]: null, [b.node]: 3 } },
  })
  assert.equal(answer.status, 200)
  assert.deepEqual(storedIn(answer), {
    uri: '/hello',
    id: '1',
    methods: ['PUT'],
    labels: { b: '2', c: '3' },
    upstream: { type: 'roundrobin', nodes: { [b.node]: 3 } },
  })
  assert.equal((await stage.send('/hello', { method: 'PUT' })).body, 'b')
})

test('PATCH switches nodes between map and list and back, and traffic follows at once', async () => {
  const { a, b, c } = stage.backends
  await api('PUT', '/upstreams/1', stage.upstream('a'))
  await api('PUT', '/routes/1', { uri: '/hello', upstream_id: '1' })
  const list = [{ host: '127.0.0.1', port: b.port, weight: 1 }]
  assert.deepEqual(storedIn(await api('PATCH', '/upstreams/1', { nodes: list })).nodes, list)
  assert.equal(await stage.letters('/hello', 3), 'bbb')
  const back = await api('PATCH', '/upstreams/1', { nodes: { [c.node]: 1 } })
  assert.deepEqual(storedIn(back).nodes, { [c.node]: 1 })
  assert.equal(await stage.letters('/hello', 3), 'ccc')
  await api('PATCH', '/upstreams/1/nodes', { [a.node]: 1 })
  assert.equal(await stage.letters('/hello', 3), 'aaa')
})

test('PATCH of a sub path takes any value, makes what is missing on the way and refuses scalars on it', async () => {
  await api('PUT', '/routes/1', route())
  const { b } = stage.backends
  const cases: readonly [string, unknown, (value: Record<string, unknown>) => unknown, unknown][] = [
    ['/desc', '"text"', (value) => value.desc, 'text'],
    ['/priority', '3', (value) => value.priority, 3],
    ['/status', '0', (value) => value.status, 0],
    ['/enable_websocket', 'false', (value) => value.enable_websocket, false],
    ['/methods', ['GET'], (value) => value.methods, ['GET']],
    ['/labels/team', '"x"', (value) => value.labels, { team: 'x' }],
    [
      '/upstream/nodes',
      { [b.node]: 1 },
      (value) => (value.upstream as { nodes: unknown }).nodes,
      { [b.node]: 1 },
    ],
    ['/upstream/retries', '2', (value) => (value.upstream as { retries: unknown }).retries, 2],
    ['/plugins/proxy-rewrite/uri', '"/x"', (value) => value.plugins, { 'proxy-rewrite': { uri: '/x' } }],
  ]
  for (const [path, body, pick, expected] of cases) {
    const answer = await api('PATCH', `/routes/1${path}`, body)
    assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    assert.deepEqual(pick(storedIn(answer)), expected, path)
  }
  const through = await api('PATCH', '/routes/1/uri/deeper', '"x"')
  assert.equal(through.status, 400)
  assert.equal(messageOf(through), 'invalid sub-path: /uri/deeper')
})

test('a PATCH whose result does not validate changes nothing', async () => {
  await api('PUT', '/routes/1', route())
  const before = (await api('GET', '/routes/1')).text
  for (const [path, body, text] of [
    ['', { methods: ['GETS'] }, /property "methods" validation failed/],
    ['', { uri: null }, /value should match only one schema, but matches none/],
    ['', { upstream: { type: 'nope' } }, /property "upstream" validation failed: property "type"/],
    ['/priority', '"x"', /property "priority" validation failed: wrong type: expected integer, got string/],
    ['/methods', 'false', /property "methods" validation failed: wrong type: expected array, got boolean/],
    ['/id', '"2"', /wrong route id/],
    ['/upstream_id', '"nope"', /failed to fetch upstream info by upstream id \[nope\], response code: 404/],
  ] as const) {
    const answer = await api('PATCH', `/routes/1${path}`, body)
    assert.equal(answer.status, 400, path)
    assert.match(messageOf(answer) ?? '', text, path)
  }
  for (const body of ['3', '"text"', 'false', '[]', 'null']) {
    const answer = await api('PATCH', '/routes/1', body)
    assert.equal(answer.status, 400, body)
    assert.equal(messageOf(answer), 'invalid configuration', body)
  }
  assert.equal((await api('GET', '/routes/1')).text, before)
})

test('filters and pages: name, uri, label, references, all at once', async () => {
  await api('PUT', '/upstreams/u1', stage.upstream('a'))
  await api('PUT', '/services/s1', {})
  for (let i = 1; i <= 12; i++) {
    await api('PUT', `/routes/${i}`, {
      uri: `/r${i}`,
      name: i === 12 ? 'other' : `route-${i}`,
      upstream: stage.upstream('a'),
      ...(i % 2 === 0 ? { labels: { even: 'yes' } } : {}),
      ...(i === 3 ? { service_id: 's1', upstream_id: 'u1' } : {}),
    })
  }
  await api('PUT', '/routes/multi', { uris: ['/one', '/two'], plugins: {} })
  const keys = async (query: string) => {
    const answer = await api('GET', `/routes?${query}`)
    const { list, total } = answer.json as { list: { key: string }[]; total: number }
    return [total, ...list.map(({ key }) => key.replace('/apisix/routes/', ''))]
  }
  assert.deepEqual(await keys('name=route-1'), [3, '1', '10', '11'])
  assert.deepEqual(await keys('name=%5Eroute-1%24'), [1, '1'])
  assert.deepEqual(await keys('name=ROUTE'), [0])
  assert.deepEqual(await keys('uri=two'), [1, 'multi'])
  assert.deepEqual(await keys('uri=%2Fr1%5B01%5D'), [2, '10', '11'])
  assert.deepEqual(await keys('label=even&name=route'), [5, '10', '2', '4', '6', '8'])
  assert.deepEqual(await keys('label='), [0])
  assert.deepEqual(await keys('label=odd'), [0])
  assert.deepEqual(await keys(`filter=${encodeURIComponent('service_id=s1')}`), [1, '3'])
  assert.deepEqual(await keys(`filter=${encodeURIComponent('service_id=s1&upstream_id=u1')}`), [1, '3'])
  assert.deepEqual(await keys(`filter=${encodeURIComponent('upstream_id=zz')}`), [0])
  assert.equal((await keys(`filter=${encodeURIComponent('colour=red')}`))[0], 13)
  assert.deepEqual(await keys('page=1&page_size=10'), [
    13,
    ...Array.from({ length: 10 }, (_, i) => String(i + 1)),
  ])
  assert.deepEqual(await keys('page=2&page_size=10'), [13, '11', '12', 'multi'])
  assert.deepEqual(await keys('page=9&page_size=10'), [13])
  assert.deepEqual(await keys('page=-3&page_size=10'), await keys('page=1&page_size=10'))
  assert.equal((await keys('page=2')).length, 14)
  assert.equal((await keys('page_size=10')).length, 14)
  assert.deepEqual(await keys('page=1&page_size=10&name=route-1'), [3, '1', '10', '11'])
  for (const size of [9, 501, 0, -1]) {
    const answer = await api('GET', `/routes?page=1&page_size=${size}`)
    assert.equal(answer.status, 400)
    assert.equal(answer.text.trim(), 'page_size must be between 10 and 500')
    assert.match(String(answer.headers['content-type']), /^text\/plain/)
  }
  assert.equal((await api('GET', '/upstreams?name=zz')).text.includes('"total":0'), true)
})

test('what is in use cannot be deleted, and the message names who uses it', async () => {
  const split = (upstream_id: unknown) => ({
    'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id, weight: 1 }, { weight: 1 }] }] },
  })
  const remove = async (path: string) => {
    const answer = await api('DELETE', path)
    return answer.status === 200 ? 'deleted' : `${answer.status} ${messageOf(answer)}`
  }
  await api('PUT', '/upstreams/1', stage.upstream('a'))
  await api('PUT', '/plugin_configs/1', { plugins: split('1') })
  assert.equal(
    await remove('/upstreams/1'),
    '400 can not delete this upstream, plugin in plugin_config [1] is still using it now',
  )
  await api('PUT', '/services/2', { plugins: split(1) })
  assert.equal(
    await remove('/upstreams/1'),
    '400 can not delete this upstream, plugin in service [2] is still using it now',
  )
  await api('PUT', '/services/1', { upstream_id: '1' })
  assert.equal(
    await remove('/upstreams/1'),
    '400 can not delete this upstream, service [1] is still using it now',
  )
  await api('PUT', '/routes/5', { uri: '/x', upstream_id: 1 })
  assert.equal(
    await remove('/upstreams/1'),
    '400 can not delete this upstream, route [5] is still using it now',
  )
  await api('PUT', '/routes/5', { uri: '/x', upstream_id: 1, plugins: split('1') })
  assert.equal(
    await remove('/upstreams/1'),
    '400 can not delete this upstream, plugin in route [5] is still using it now',
  )
  await api('PUT', '/routes/6', { uri: '/y', service_id: '1' })
  assert.equal(
    await remove('/services/1'),
    '400 can not delete this service directly, route [6] is still using it now',
  )
  for (const force of ['1', 'TRUE', '']) {
    assert.match(await remove(`/services/1?force=${force}`), /^400/)
  }
  assert.equal(await remove('/services/1?force=true'), 'deleted')
  assert.equal(await remove('/upstreams/1?force=true'), 'deleted')
  assert.equal(await remove('/routes/6'), 'deleted')
})

test('dangling references are refused in the order upstream, service, plugin config', async () => {
  const all = { uri: '/a', upstream_id: 9, service_id: '8', plugin_config_id: 7, plugins: { nope: {} } }
  assert.equal(
    await stage.refused('/routes/1', all),
    'failed to fetch upstream info by upstream id [9], response code: 404',
  )
  const { upstream_id: _, ...second } = all
  assert.equal(
    await stage.refused('/routes/1', second),
    'failed to fetch service info by service id [8], response code: 404',
  )
  const { service_id: __, ...third } = second
  assert.equal(
    await stage.refused('/routes/1', third),
    'failed to fetch plugin config info by plugin config id [7], response code: 404',
  )
  assert.equal(
    await stage.refused('/routes/1', { uri: '/a', plugins: { nope: {} } }),
    'unknown plugin [nope]',
  )
  assert.equal(
    await stage.refused('/routes/1', { uri: '/a', plugins: { nope: { _meta: { disable: true } } } }),
    'unknown plugin [nope]',
  )
  assert.equal(
    await stage.refused('/routes/1', { uri: '/a', plugins: { nope: 'x' } }),
    'invalid plugin conf "x" for plugin [nope]',
  )
  assert.equal(
    await stage.refused('/services/1', { upstream_id: 'zz' }),
    'failed to fetch upstream info by upstream id [zz], response code: 404',
  )
})

test('plugins: their names by priority, their schemas, reload', async () => {
  const list = (await api('GET', '/plugins/list')).json as string[]
  assert.deepEqual(list, ['key-auth', 'proxy-rewrite', 'traffic-split', 'redirect', 'response-rewrite'])
  assert.equal((await api('GET', '/plugins/list?subsystem=http')).status, 200)
  assert.equal((await api('GET', '/plugins/list?subsystem=stream')).status, 200)
  assert.equal((await api('GET', '/plugins/list?subsystem=asdf')).status, 400)
  const schema = await api('GET', '/plugins/traffic-split')
  assert.equal(schema.status, 200)
  assert.equal((schema.json as { type: string }).type, 'object')
  const unknown = await api('GET', '/plugins/asdf')
  assert.equal(unknown.status, 404)
  assert.equal(messageOf(unknown), 'plugin not found in subsystem http')
  const all = (await api('GET', '/plugins?all=true')).json as Record<string, Record<string, unknown>>
  assert.deepEqual(Object.keys(all).sort(), [...list].sort())
  assert.equal(all['traffic-split']?.priority, 966)
  assert.ok(all['traffic-split']?.version !== undefined && all['traffic-split']?.schema !== undefined)
  const reload = await api('PUT', '/plugins/reload')
  assert.deepEqual([reload.status, reload.text.trim()], [200, 'done'])
  for (const method of ['GET', 'POST', 'DELETE']) {
    assert.equal((await api(method, '/plugins/reload')).status, 405, method)
  }
})

test('schemas by singular name, and of plugins', async () => {
  for (const name of ['route', 'service', 'upstream', 'plugin_config']) {
    const answer = await api('GET', `/schema/${name}`)
    assert.equal(answer.status, 200, name)
    assert.equal((answer.json as { type: string }).type, 'object', name)
  }
  assert.equal((await api('GET', '/schema/routes')).status, 400)
  assert.equal((await api('GET', '/schema/noexits')).status, 400)
  assert.equal((await api('GET', '/schema/plugins/traffic-split')).status, 200)
  assert.equal((await api('GET', '/schema/plugins/no-such')).status, 404)
})

test('schema validation says only what the schema says and stores nothing', async () => {
  const validate = (kind: string, body: unknown) => api('POST', `/schema/validate/${kind}`, body)
  const good = await validate('routes', { uri: '/httpbin/*', upstream: { nodes: { 'httpbin.org': 1 } } })
  assert.deepEqual([good.status, good.text], [200, ''])
  assert.equal((await validate('routes', { uri: '/a', upstream_id: 'not-there' })).status, 200)
  for (const [kind, body, message] of [
    [
      'routes',
      { uri: 666, plugins: {} },
      'property "uri" validation failed: wrong type: expected string, got number',
    ],
    [
      'routes',
      { uri: '/a', plugins: {}, remote_addr: '127.0.0.' },
      'property "remote_addr" validation failed: object matches none of the required',
    ],
    [
      'routes',
      { uri: '/a', plugins: {}, labels: 'hello, world' },
      'property "labels" validation failed: wrong type: expected object, got string',
    ],
    [
      'routes',
      { uri: '/a', plugins: {}, filter_func: 'x'.repeat(12) },
      'property "filter_func" validation failed: failed to match pattern "^function" with "xxxxxxxxxxxx"',
    ],
    ['routes', { uri: '/a' }, 'object matches none of the required'],
    [
      'upstreams',
      { nodes: { 'a:1': -1 } },
      'property "nodes" validation failed: object matches none of the required',
    ],
    ['upstreams', { type: 'roundrobin' }, 'value should match only one schema, but matches none'],
    ['services', { hosts: [] }, 'property "hosts" validation failed: expect array to have at least 1 items'],
  ] as const) {
    const answer = await validate(kind, body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(messageOf(answer), message)
  }
  const unknown = await validate('apples', {})
  assert.equal(unknown.status, 404)
  assert.equal(messageOf(unknown), 'Unsupported resource type: apples')
  assert.equal(((await api('GET', '/routes')).json as { total: number }).total, 0)
})

test('validation of whole configurations names every fault by kind, index and id, and stores nothing', async () => {
  const good = await api('POST', '/configs/validate', {
    routes: [route({ id: 'r1' })],
    services: [{ id: 's' }],
  })
  assert.equal(good.status, 200)
  const bad = await api('POST', '/configs/validate', {
    routes: [
      route({ id: 'r1' }),
      { id: 'r2', uri: 1, plugins: {} },
      { id: 'r3', uri: '/a', plugins: { nope: {} } },
    ],
    upstreams: [{ id: 'u1', nodes: 7 }],
  })
  assert.equal(bad.status, 400)
  const { errors } = bad.json as { errors: Record<string, unknown>[] }
  assert.deepEqual(
    errors.map(({ resource_type, index, resource_id }) => [resource_type, index, resource_id]),
    [
      ['routes', 1, 'r2'],
      ['routes', 2, 'r3'],
      ['upstreams', 0, 'u1'],
    ],
  )
  for (const { error } of errors) assert.ok(typeof error === 'string' && error !== '')
  assert.equal(((await api('GET', '/routes')).json as { total: number }).total, 0)
})

test('stream routes say that their mode is off, and PATCH is none of their verbs', async () => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await api(method, '/stream_routes/1', method === 'PUT' ? {} : undefined)
    assert.equal(answer.status, 400, method)
    assert.equal(messageOf(answer), 'stream mode is disabled, can not add stream routes')
  }
})

test('every answer has the fields of the API; the version stands on those of resources, not on refusals', async () => {
  const answers = [
    await api('GET', '/routes'),
    await api('PUT', '/routes/1', {}),
    await api('GET', '/routes/zz'),
  ]
  for (const { headers } of answers) {
    assert.match(String(headers['content-type']), /^application\/json/)
    assert.match(String(headers.server), /^APISIX\//)
    assert.equal(headers['x-api-version'], 'v3')
  }
  const anonymous = await callHttp({
    port: stage.gateway.adminPort,
    method: 'GET',
    path: '/apisix/admin/routes',
  })
  assert.equal(anonymous.status, 401)
  assert.deepEqual(anonymous.json, { error_msg: 'failed to check token', description: 'missing apikey' })
  assert.equal(anonymous.headers['x-api-version'], undefined)
  assert.match(String(anonymous.headers.server), /^APISIX\//)
  const wrong = await api('GET', '/routes', undefined, { 'x-api-key': 'wrong-key-wrong-key-wrong-key' })
  assert.equal((wrong.json as { description: string }).description, 'wrong apikey')
  const head = await callHttp({ port: stage.gateway.adminPort, method: 'HEAD', path: '/apisix/admin' })
  assert.equal(head.status, 200)
  const options = await callHttp({
    port: stage.gateway.adminPort,
    method: 'OPTIONS',
    path: '/apisix/admin/routes/1',
    headers: { Origin: 'http://127.0.0.1:9000' },
  })
  assert.equal(options.status, 200)
})

test('a write is in force before it is answered', async () => {
  const client = await connectRaw(stage.gateway.port)
  for (let i = 0; i < 30; i++) {
    const letter = 'abc'[i % 3] as string
    await api('PUT', '/routes/1', { uri: '/now', upstream: stage.upstream(letter) })
    assert.equal((await client.exchange('GET /now HTTP/1.1\r\nHost: t\r\n\r\n')).body, letter)
  }
  client.close()
})

test('writes at the same time all count: none is lost, each has a place of its own', async () => {
  const created = await Promise.all(
    Array.from({ length: 30 }, (_, i) => api('PUT', `/routes/p${i}`, route({ uri: `/p${i}` }))),
  )
  assert.deepEqual(new Set(created.map(({ status }) => status)), new Set([201]))
  const { list } = (await api('GET', '/routes')).json as { list: { createdIndex: number }[] }
  assert.equal(new Set(list.map(({ createdIndex }) => createdIndex)).size, 30)
  const patched = await Promise.all(
    Array.from({ length: 20 }, (_, i) => api('PATCH', '/routes/p0', { labels: { [`k${i}`]: 'v' } })),
  )
  assert.deepEqual(new Set(patched.map(({ status }) => status)), new Set([200]))
  assert.equal(Object.keys(storedIn(await api('GET', '/routes/p0')).labels as object).length, 20)
  const posted = await Promise.all(Array.from({ length: 20 }, () => api('POST', '/routes', route())))
  assert.equal(new Set(posted.map(({ json }) => (json as { key: string }).key)).size, 20)
})

test('a later write without ttl keeps the object, POST and PATCH take one as well', async () => {
  await api('PUT', '/routes/kept?ttl=1', route({ uri: '/kept' }))
  await api('PUT', '/routes/kept', route({ uri: '/kept' }))
  await api('PUT', '/routes/patched', route({ uri: '/patched' }))
  await api('PATCH', '/routes/patched?ttl=1', { desc: 'x' })
  await api('POST', '/routes?ttl=1', route({ uri: '/posted' }))
  await api('PUT', '/upstreams/short?ttl=1', stage.upstream('a'))
  await api('PUT', '/routes/left', { uri: '/left', upstream_id: 'short' })
  for (const [target, status] of [
    ['/patched', 404],
    ['/posted', 404],
    ['/left', 502],
  ] as const) {
    await waitFor(`${target} to end`, async () =>
      (await stage.send(target)).status === status ? true : undefined,
    )
  }
  assert.equal((await stage.send('/kept')).status, 200)
})
