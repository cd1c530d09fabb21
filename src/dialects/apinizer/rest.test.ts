import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { EndpointView } from '../../model/endpoint-view.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject } from '../../model/json.ts'
import type { DialectSettings, Refusal } from '../dialect.ts'
import { ENDPOINT_VIEW, FakeClient } from './rest/testing.ts'
import { proxyOf } from './testing.ts'

/** What golden cases (cases-rest/) do not show: who may call, other writers, workers that disagree, and the state of targets. */

const PROXIES = '/apiops/projects/shop/apiProxies'
const TRACE = 'POST /apiops/projects/shop/route-trace/'
const DEPLOY = { deploy: true, deployTargetEnvironmentNameList: ['production'] }
const HEALTH = `GET ${PROXIES}/orders/environments/production/route-health/`

async function withProxies(
  settings: DialectSettings,
  ...proxies: readonly JsonObject[]
): Promise<FakeClient> {
  const client = new FakeClient(settings)
  for (const proxy of proxies) await client.done(`POST ${PROXIES}/url/`, { ...proxy, ...DEPLOY })
  return client
}

const withOrders = (more: JsonObject = {}, settings: DialectSettings = DEFAULT_SETTINGS) =>
  withProxies(settings, proxyOf('orders', { relativePathList: ['/orders'] }, more))

// ================= who may call =================

test('only the trace is a question, and no path that hides a slash passes for it', () => {
  const { rest } = new FakeClient()
  const asks = (method: string, path: string): boolean =>
    rest.isQuestion?.({ method, path, query: new Map(), headers: {} }) === true
  assert.ok(asks('POST', '/apiops/projects/shop/route-trace/'))
  assert.ok(asks('POST', '/apiops/projects/shop/route-trace'))
  assert.ok(!asks('POST', `${PROXIES}/url/`))
  assert.ok(!asks('PATCH', `${PROXIES}/orders/settings/connection/`))
  assert.ok(!asks('DELETE', `${PROXIES}/orders/`))
  // decoded it deploys to an environment of that name
  assert.ok(!asks('POST', '/apiops/projects/shop%2FapiProxies%2Forders%2Fenvironments/route-trace'))
  assert.equal(rest.isWrite?.('POST', '/apiops/projects/shop/route-trace/'), false)
  assert.equal(rest.isWrite?.('POST', `${PROXIES}/orders/environments/route-trace`), true)
  assert.equal(rest.isWrite?.('HEAD', `${PROXIES}/`), false)
  assert.equal(rest.isWrite?.('PUT', '/apiops/nothing'), true)
})

test('what the server refuses has the shape of the system and says what to do', () => {
  const { rest } = new FakeClient()
  const told = (refusal: Refusal): string => {
    const { status, body } = rest.refuse(refusal)
    const answer = JSON.parse(body) as JsonObject
    assert.equal(answer.status, 'FAILURE')
    return `${status} ${answer.resultMessage}`
  }
  assert.match(told({ kind: 'missingKey' }), /^401 .*Authorization: Bearer/)
  assert.match(told({ kind: 'wrongKey' }), /^401 /)
  assert.match(told({ kind: 'viewerMayNotWrite' }), /^403 .*may only read/)
  assert.match(told({ kind: 'addressNotAllowed' }), /^403 .*admin\.allow/)
  assert.match(told({ kind: 'badOrigin' }), /^403 /)
  assert.match(told({ kind: 'bodyTooLarge', bytes: 2, limit: 1 }), /^413 .*2 bytes, the limit is 1/)
  assert.match(told({ kind: 'readOnly', reason: 'change apis.yaml instead' }), /^409 change apis.yaml/)
  const locked = rest.refuse({ kind: 'tooManyWrongKeys', retryAfterSeconds: 9 })
  assert.deepEqual([locked.status, locked.headers['Retry-After']], [429, '9'])
})

test('OPTIONS and HEAD are answered, and calls that are not there say what is', async () => {
  const client = await withOrders()
  assert.equal((await client.send(`OPTIONS ${PROXIES}/`)).status, 200)
  assert.equal((await client.send(`HEAD ${PROXIES}/orders/`)).status, 200)
  assert.match(await client.fault(`PUT ${PROXIES}/orders/`), /^405 .*takes GET, DELETE, not PUT/)
  assert.match(await client.fault('GET /apiops/projects/shop/nothing'), /^404 there is no call/)
})

// ================= writing =================

test('a call is one write, with its author and message, and a refused one is none', async () => {
  const client = new FakeClient()
  const proxy = { ...proxyOf('orders', { relativePathList: ['/orders'] }), ...DEPLOY }
  await client.send(`POST ${PROXIES}/url/`, proxy, { 'x-headgate-message': 'first orders' })
  assert.deepEqual(client.store.notes, [{ author: 'test', message: 'first orders' }])
  assert.deepEqual(client.store.writes, [2])
  const before = client.store.dump()
  const settings = `PATCH ${PROXIES}/orders/settings/connection/`
  assert.match(await client.fault(settings, { readTimeout: 0 }), /^400 /)
  assert.match(
    await client.fault(settings, { readTimeout: 3, deploy: true, deployTargetEnvironmentNameList: ['x'] }),
    /^400 /,
  )
  assert.equal(client.store.dump(), before)
  await client.done(`DELETE ${PROXIES}/orders/`)
  assert.deepEqual(client.store.writes, [2, 2])
  assert.equal(client.store.dump(), '[]')
})

test('changes act with the deployment', async () => {
  const client = await withOrders()
  const deployed = async () =>
    (await client.store.get({ dialect: 'apinizer', kind: 'deployments', id: 'shop.orders.production' }))
      ?.value.Proxy as JsonObject
  await client.done(`PATCH ${PROXIES}/orders/settings/connection/`, { readTimeout: 3 })
  assert.equal((await deployed()).connection, undefined)
  await client.done(`POST ${PROXIES}/orders/environments/production/`)
  assert.deepEqual((await deployed()).connection, { readTimeout: 3 })
})

test('each group of settings keeps what a call leaves out, and is deployed in the same call', async () => {
  const client = await withOrders()
  await client.done(`POST ${PROXIES}/url/`, {
    ...proxyOf('calls', { relativePathList: ['/shop.Orders'] }),
    routingInfo: { routingAddressList: [{ address: 'grpc://a.test:1' }] },
  })
  const deployed = async (name: string) => {
    const id = `shop.${name}.production`
    const found = await client.store.get({ dialect: 'apinizer', kind: 'deployments', id })
    return found?.value.Proxy as JsonObject
  }
  const groups: readonly (readonly [string, string, string, JsonObject, JsonObject])[] = [
    ['orders', 'connection', 'connection', { readTimeout: 3 }, { connectTimeout: 2 }],
    ['orders', 'circuit-breaker', 'circuitBreaker', { errorWindow: 5 }, { sleepWindow: 6 }],
    [
      'orders',
      'error-handling',
      'errorHandling',
      { ignoreRoutingError: true },
      { errorHandlingType: 'DEFAULT' },
    ],
    ['orders', 'mtls', 'mtls', { disableSslValidation: true }, { hostnameVerifierType: 'NOOP' }],
    ['orders', 'websocket', 'websocket', { connectTimeout: 3 }, { maxRetries: 1 }],
    ['calls', 'grpc', 'grpc', { keepAliveTime: 9 }, { maxInboundMessageSize: 8 }],
  ]
  for (const [name, call, group, first, second] of groups) {
    const path = `PATCH ${PROXIES}/${name}/settings/${call}/`
    assert.deepEqual(await client.done(path, first), { success: true }, call)
    const { success, deploymentResult } = await client.done(path, { ...second, ...DEPLOY })
    assert.deepEqual([success, (deploymentResult as JsonObject).success], [true, true], call)
    assert.deepEqual((await deployed(name))[group], { ...first, ...second }, call)
  }
  const status = `PATCH ${PROXIES}/orders/settings/routing-status/`
  await client.done(status, { routingEnabled: false, ...DEPLOY })
  await client.done(status, { echoEnabled: true, ...DEPLOY })
  const { routingAddressList, ...routing } = (await deployed('orders')).routingInfo as JsonObject
  assert.deepEqual(routing, { routingEnabled: false, echoEnabled: true })
  assert.ok(Array.isArray(routingAddressList))
  const addresses = [{ address: 'http://b.test' }]
  await client.done(`PATCH ${PROXIES}/orders/settings/addresses/`, {
    routingAddressList: addresses,
    ...DEPLOY,
  })
  assert.deepEqual((await deployed('orders')).routingInfo, { ...routing, routingAddressList: addresses })
  const clientRoute = { hostList: ['a.test'] }
  await client.done(`PATCH ${PROXIES}/orders/settings/client-route/`, { ...clientRoute, ...DEPLOY })
  assert.deepEqual((await deployed('orders')).clientRoute, clientRoute)
})

test('another writer in between, and what the store cannot do, are failures of the call', async () => {
  const client = await withOrders()
  const call = `PATCH ${PROXIES}/orders/settings/connection/`
  const { store } = client
  store.beforeWrite = async () => {
    const key = { dialect: 'apinizer', kind: 'proxies', id: 'shop.orders' }
    const value = (await store.get(key))?.value ?? {}
    await store.write([{ op: 'put', key, value, expiresAtMs: null, expectedRevision: null }], {
      author: 'other',
      message: null,
    })
  }
  assert.match(await client.fault(call, { readTimeout: 3 }), /^409 /)
  store.nextFault = new GatewayError('READ_ONLY')
  assert.match(await client.fault(call, { readTimeout: 3 }), /^409 /)
  store.nextFault = new GatewayError('STORE_UNAVAILABLE')
  assert.match(await client.fault(call, { readTimeout: 3 }), /^503 /)
  store.nextFault = new GatewayError('INTERNAL')
  await assert.rejects(client.send(call, { readTimeout: 3 }), GatewayError)
  await client.done(call, { readTimeout: 3 })
})

test('warnings of what was deployed stand in a header field', async () => {
  const client = new FakeClient({ ...DEFAULT_SETTINGS, listen: ['127.0.0.1:9080'], listenTls: [] })
  const proxy = proxyOf('orders', { relativePathList: ['/orders'], port: 81 })
  const answer = await client.send(`POST ${PROXIES}/url/`, { ...proxy, ...DEPLOY })
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['X-Headgate-Warning']), /clientRoute\.port: no listener has port 81/)
})

test('no answer shows the secret of sticky cookies, and changing other settings keeps it', async () => {
  const sticky = {
    type: 'COOKIE_ONLY',
    cookieName: 'node',
    hashSecret: 'secret-of-the-tests-0123456789abcdef',
  }
  const routingAddressList = [{ address: 'http://a.test' }]
  const client = await withOrders({ routingInfo: { routingAddressList, stickySession: sticky } })
  await client.done(`PATCH ${PROXIES}/orders/settings/addresses/`, { routingAddressList, ...DEPLOY })
  const shown = await client.send(`GET ${PROXIES}/orders/`)
  assert.match(shown.body, /COOKIE_ONLY/)
  assert.doesNotMatch(shown.body, /secret-of-the-tests/)
  assert.match(client.store.dump(), /"shop\.orders\.production".*secret-of-the-tests/)
})

// ================= trace and route health =================

test('a trace names the winner of each worker, and says where they disagree', async () => {
  const client = await withOrders()
  client.workers = ['shop.orders.production', null, new Error('worker 3 has gone')]
  const trace = await client.done(TRACE, { path: '/orders/1?a=b' })
  assert.equal(trace.route, 'shop.orders.production')
  assert.equal(trace.inconsistent, true)
  assert.deepEqual(trace.workers, [
    { worker: 1, route: 'shop.orders.production', revision: 7 },
    { worker: 2, route: null, revision: 7 },
    { worker: 3, route: null, error: 'worker 3 has gone' },
  ])
  assert.deepEqual(trace.losing, [])
  client.workers = ['shop.orders.production', 'shop.orders.production']
  assert.equal((await client.done(TRACE, { path: '/orders' })).inconsistent, false)
})

test('a trace fails where nobody can tell: no worker, no answer, no such listener', async () => {
  const client = await withOrders()
  client.workers = [new Error('no worker answered within 2 s')]
  assert.match(await client.fault(TRACE, { path: '/orders' }), /^503 .*within 2 s/)
  client.failure = Object.assign(new Error('no listener of the gateway stands at port 1'), {
    reason: 'noListener',
  })
  assert.match(await client.fault(TRACE, { path: '/orders', port: 1 }), /^400 no listener/)
  client.failure = Object.assign(new Error('ask again'), { reason: 'noAnswer' })
  assert.match(await client.fault(TRACE, { path: '/orders' }), /^503 ask again/)
  client.failure = new Error('a bug')
  await assert.rejects(client.send(TRACE, { path: '/orders' }), /a bug/)
})

test('each losing route names the rule that eliminated it', async () => {
  const settings: DialectSettings = {
    ...DEFAULT_SETTINGS,
    listen: ['127.0.0.1:9080', '127.0.0.1:9081'],
    listenTls: ['127.0.0.1:9443'],
    apinizer: {
      root_context: '/gw',
      environments: { production: {}, test: { ports: [9081] } },
    },
  }
  const route = (more: JsonObject) => ({ relativePathList: ['/a'], ...more })
  const client = await withProxies(
    settings,
    proxyOf('deeper', { relativePathList: ['/a/b/c'] }),
    proxyOf('get', route({ methodList: ['GET'] })),
    proxyOf('header', route({ headerList: [{ name: 'X-A', value: '1' }] })),
    proxyOf('host', route({ hostList: ['*.shop.test'] })),
    proxyOf('later', route({})),
    proxyOf('port', route({ port: 9081 })),
    proxyOf('tls', route({ protocol: 'https' })),
    proxyOf('winner', route({ methodList: ['POST'] })),
  )
  await client.done(`POST ${PROXIES}/later/environments/test/`)
  client.workers = ['shop.winner.production']
  const losing = async (body: JsonObject) => {
    const trace = await client.done(TRACE, body)
    const rows = trace.losing as readonly { deployment: string; eliminatedBy: string }[]
    return rows.map(({ deployment, eliminatedBy }) => `${deployment.slice(5)} ${eliminatedBy}`)
  }
  const asked = { path: '/gw/a/b', method: 'POST', host: 'shop.test', port: 9080 }
  assert.deepEqual(await losing(asked), [
    'deeper.production path',
    'get.production method',
    'header.production headers',
    'host.production host',
    'later.production priority',
    'later.test port',
    'port.production port',
    'tls.production protocol',
  ])
  const tls = await losing({ ...asked, port: 9443 })
  assert.ok(tls.includes('tls.production priority'), tls.join())
  const outside = await client.done(TRACE, { ...asked, path: '/a/b' })
  assert.equal(outside.pathAfterRootContext, null)
  assert.ok((await losing({ ...asked, path: '/a/b' })).includes('get.production path'))
})

test('a route is active where every worker that answers serves it', async () => {
  const client = await withOrders()
  const health = async () => {
    const { routeActive, deployedInManager, inconsistent } = await client.done(HEALTH)
    return [routeActive, deployedInManager, inconsistent]
  }
  client.workers = ['shop.orders.production', 'shop.orders.production']
  assert.deepEqual(await health(), [true, true, false])
  client.workers = ['shop.orders.production', new Error('worker 2 has gone')]
  assert.deepEqual(await health(), [true, true, false])
  client.workers = ['shop.orders.production', null]
  assert.deepEqual(await health(), [false, true, true])
  client.workers = [new Error('worker 1 has gone')]
  assert.deepEqual(await health(), [false, true, true])
  await client.done(`DELETE ${PROXIES}/orders/environments/production/`)
  client.workers = [null]
  assert.deepEqual(await health(), [false, false, false])
  client.workers = ['shop.orders.production']
  assert.deepEqual(await health(), [true, false, true])
})

test('a worker says who takes the requests instead, and a listener that is not there is a reason', async () => {
  const client = await withOrders()
  client.workers = ['shop.other.production']
  const [worker] = (await client.done(HEALTH)).workers as JsonObject[]
  assert.deepEqual(worker, {
    worker: 1,
    routeActive: false,
    reason: 'shop.other.production takes its requests',
    servedPath: '/orders',
    methods: ['ALL'],
  })
  client.failure = Object.assign(new Error('no listener stands at port 81'), { reason: 'noListener' })
  const told = await client.done(HEALTH)
  assert.deepEqual([told.routeActive, told.reason], [false, 'no listener stands at port 81'])
})

test('the request that is made up for a route meets what its client route asks for', async () => {
  const questions = async (clientRoute: JsonObject, apinizer = DEFAULT_SETTINGS.apinizer) => {
    const client = await withOrders(
      { clientRoute },
      { ...DEFAULT_SETTINGS, apinizer, listenTls: ['127.0.0.1:9443'] },
    )
    await client.done(HEALTH)
    return client.questions[0]
  }
  const plain = await questions({
    relativePathList: ['/a b/{id}'.replace(' ', '%20'), '/c'],
    hostList: ['*.shop.test:8080'],
    headerList: [{ name: 'X-A', value: '1' }],
    methodList: ['put', 'GET'],
    port: 9080,
  })
  assert.deepEqual(
    [plain?.method, plain?.target, plain?.host, plain?.headers, plain?.listener],
    ['PUT', '/a%20b/example', 'example.shop.test', [['X-A', '1']], '9080'],
  )
  const socket = await questions({ hostList: ['shop.*'], protocol: 'wss' })
  assert.deepEqual(
    [socket?.target, socket?.host, socket?.listener, socket?.headers.map(([name]) => name)],
    ['/', 'shop.example', '9443', ['upgrade', 'connection']],
  )
  const grpc = await questions({ relativePathList: ['/p.Service'], protocol: 'grpc' })
  assert.deepEqual([grpc?.method, grpc?.headers], ['POST', [['content-type', 'application/grpc']]])
  const elsewhere = await questions(
    { relativePathList: ['/a'] },
    { root_context: '/gw', environments: { production: { ports: [9081] } } },
  )
  assert.deepEqual([elsewhere?.target, elsewhere?.listener], ['/gw/a', '9081'])
})

// ================= targets =================

const ID = 'apinizer/deployments/shop.orders.production'

async function withTargets(): Promise<FakeClient> {
  const settings: DialectSettings = {
    ...DEFAULT_SETTINGS,
    apinizer: { root_context: '', environments: { production: { variables: { HOST: 'a.test' } } } },
  }
  const routingAddressList = [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables are written so
    { address: 'http://${HOST}', weight: 3 },
    { address: 'http://b.test/v2' },
    { address: 'http://c.test', enabled: false },
    { address: 'http://d.test', addressType: 'CANARY' },
    { address: 'http://e.test', addressType: 'FAILOVER' },
    { address: 'http://f.test', addressType: 'MIRROR' },
  ]
  const client = await withOrders(
    { routingInfo: { routingAddressList, canary: { percentage: 10 } } },
    settings,
  )
  const view = (part: string, label: string, more: Partial<EndpointView> = {}): EndpointView => ({
    ...ENDPOINT_VIEW,
    upstreamId: `${ID}#${part}`,
    label,
    ...more,
  })
  client.views.set(`${ID}#primary`, [
    view('primary', 'http://a.test@10.0.0.1', {
      state: 'ejected',
      reason: 'ejected after 3 errors',
      sinceMs: Date.UTC(2026, 0, 1),
      returnsAtMs: Date.UTC(2026, 0, 1, 0, 0, 10),
      openedBy: 'breaker',
      windowErrors: 2,
      windowTotal: 5,
      inFlight: 4,
    }),
    view('primary', 'http://a.test@10.0.0.2'),
    view('primary', 'http://b.test/v2', {
      state: 'unhealthy',
      openedBy: 'health',
      consecutiveFailures: 4,
      lastProbe: { atMs: Date.UTC(2026, 0, 2), isSuccess: false, result: 'status 500', tookMs: 3 },
    }),
  ])
  client.views.set(`${ID}#canary`, [
    view('canary', 'http://d.test', {
      state: 'trial',
      openedBy: 'breaker',
      returnsAtMs: Date.UTC(2026, 0, 3),
    }),
  ])
  return client
}

test('the state of targets: a row for each address, and each address of a name', async () => {
  const client = await withTargets()
  const { resultList, resultCount } = await client.done('GET /admin/upstreams/shop.orders/targets')
  const rows = resultList as JsonObject[]
  assert.equal(resultCount, 7)
  assert.deepEqual(
    rows.map(({ address, type, weight, enabled, circuit, openedBy = null }) => [
      address,
      type,
      weight,
      enabled,
      circuit,
      openedBy,
    ]),
    [
      ['http://a.test', 'PRIMARY', 3, true, 'OPEN', 'CIRCUIT_BREAKER'],
      ['http://a.test', 'PRIMARY', 3, true, 'CLOSED', null],
      ['http://b.test/v2', 'PRIMARY', 1, true, 'OPEN', 'HEALTH_CHECK'],
      ['http://c.test', 'PRIMARY', 1, false, null, null],
      ['http://d.test', 'CANARY', 1, true, 'HALF_OPEN', 'CIRCUIT_BREAKER'],
      ['http://e.test', 'FAILOVER_ONLY', 1, true, null, null],
      ['http://f.test', 'MIRROR', 1, true, null, null],
    ],
  )
  assert.deepEqual(rows[0], {
    deployment: 'shop.orders.production',
    upstream: `${ID}#primary`,
    address: 'http://a.test',
    type: 'PRIMARY',
    weight: 3,
    enabled: true,
    endpoint: 'http://a.test@10.0.0.1',
    circuit: 'OPEN',
    state: 'ejected',
    openedBy: 'CIRCUIT_BREAKER',
    reason: 'ejected after 3 errors',
    since: '2026-01-01T00:00:00.000Z',
    consecutivePasses: 0,
    consecutiveFailures: 0,
    lastCheckTime: null,
    lastCheckResult: null,
    requestsInFlight: 4,
    windowErrors: 2,
    windowTotal: 5,
    requestsTotal: 0,
    errorsTotal: 0,
    returnsAt: '2026-01-01T00:00:10.000Z',
  })
  const { lastCheckTime, lastCheckResult, consecutiveFailures } = rows[2] ?? {}
  assert.deepEqual(
    [lastCheckTime, lastCheckResult, consecutiveFailures],
    ['2026-01-02T00:00:00.000Z', 'status 500', 4],
  )
  assert.equal(rows[4]?.cooldownUntil, '2026-01-03T00:00:00.000Z')
})

test('targets are found by proxy, deployment and upstream, also of other dialects', async () => {
  const client = await withTargets()
  const count = async (id: string) =>
    (await client.done(`GET /admin/upstreams/${encodeURIComponent(id)}/targets`)).resultCount
  assert.equal(await count('orders'), 7)
  assert.equal(await count('shop.orders'), 7)
  assert.equal(await count('shop.orders.production'), 7)
  assert.equal(await count(`${ID}#canary`), 1)
  assert.equal(await count(`${ID}#primary`), 6)
  client.views.set('apisix/upstreams/1', [{ ...ENDPOINT_VIEW, label: '10.0.0.1:80', state: 'drain' }])
  const { resultList } = await client.done('GET /admin/upstreams/apisix/upstreams/1/targets/')
  const [row] = resultList as JsonObject[]
  assert.deepEqual(
    [row?.upstream, row?.address, row?.type, row?.enabled, row?.circuit],
    ['apisix/upstreams/1', '10.0.0.1:80', null, false, 'CLOSED'],
  )
  for (const id of ['shop', 'shop.order', 'nobody'])
    assert.match(await client.fault(`GET /admin/upstreams/${id}/targets`), /^404 nothing that is deployed/)
})

test('targets behind forward proxies that requests name have a row for each of those', async () => {
  const client = await withOrders({
    routingInfo: {
      routingAddressList: [{ address: 'http://a.test' }, { address: 'http://d.test', addressType: 'CANARY' }],
      canary: { percentage: 10 },
    },
    proxyServer: {
      proxyEnabled: true,
      proxyFromHeaderEnabled: true,
      allowedProxyList: ['p0.test:3128', 'p1.test:3128'],
    },
  })
  for (const [part, label] of [
    ['proxy.0.primary', 'http://a.test'],
    ['proxy.1.primary', 'http://a.test'],
    ['proxy.1.canary', 'http://d.test'],
  ] as const)
    client.views.set(`${ID}#${part}`, [{ ...ENDPOINT_VIEW, upstreamId: `${ID}#${part}`, label }])
  const rowsOf = async (id: string) => {
    const { resultList } = await client.done(`GET /admin/upstreams/${encodeURIComponent(id)}/targets`)
    return (resultList as JsonObject[]).map(
      ({ upstream, address, circuit }) => `${String(upstream).slice(ID.length)} ${address} ${circuit}`,
    )
  }
  assert.deepEqual(await rowsOf('shop.orders'), [
    '#proxy.0.primary http://a.test CLOSED',
    '#proxy.1.primary http://a.test CLOSED',
    '#proxy.0.canary http://d.test null',
    '#proxy.1.canary http://d.test CLOSED',
  ])
  assert.deepEqual(await rowsOf(`${ID}#proxy.1.canary`), ['#proxy.1.canary http://d.test CLOSED'])
})
