import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { waitFor } from '../support/tools.ts'

/** The management calls of Apinizer, with traffic (spec/apinizer.md 9, 10). */

const VIEWER_KEY = 'viewer-key-of-the-end-to-end-tests-01'
const BASE = '/apiops/projects/shop/apiProxies'

async function setUp(t: TestContext, count = 2, flags: readonly string[] = []) {
  const backends = await Promise.all(Array.from({ length: count }, () => startBackend()))
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  const gateway = await startGateway(['--workers', '2', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  return { gateway, backends: backends as [Backend, Backend] }
}

const ask = (gateway: GatewayProcess, path: string, headers: Readonly<Record<string, string>> = {}) =>
  callHttp({ port: gateway.port, method: 'GET', path, headers })

type Answer = Record<string, unknown>

async function done(gateway: GatewayProcess, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await gateway.admin(method, path, body)
  assert.equal(answer.status, 200, answer.text)
  return answer.json as Answer
}

async function fails(
  gateway: GatewayProcess,
  method: string,
  path: string,
  body: object | string | undefined,
  status: number,
  message: RegExp,
): Promise<void> {
  const answer = await gateway.admin(method, path, body)
  assert.equal(answer.status, status, answer.text)
  const { status: word, resultMessage } = answer.json as Answer
  assert.equal(word, 'FAILURE')
  assert.match(String(resultMessage), message)
}

const orders = (address: string, more: object = {}): object => ({
  apiProxyName: 'orders',
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: ['/orders'] },
  routingInfo: { routingAddressList: [{ address }] },
  ...more,
})

test('a proxy is made, deployed, changed, taken out and deleted; changes act with the deployment', async (t) => {
  const { gateway, backends } = await setUp(t)
  const [one, two] = backends
  assert.deepEqual(await done(gateway, 'POST', `${BASE}/url/`, orders(`http://${one.node}`)), {
    success: true,
  })
  assert.equal((await ask(gateway, '/orders/1')).status, 404)
  const deployed = await done(gateway, 'POST', `${BASE}/orders/environments/production/`)
  assert.deepEqual(deployed.deploymentResult, {
    success: true,
    deploymentResults: [{ environmentName: 'production', success: true, message: 'deployed' }],
  })
  assert.equal((await ask(gateway, '/orders/1')).text, `backend ${one.port}\n`)
  const addresses = { routingAddressList: [{ address: `http://${two.node}/v2` }] }
  await done(gateway, 'PATCH', `${BASE}/orders/settings/addresses/`, addresses)
  assert.equal((await ask(gateway, '/orders/1')).text, `backend ${one.port}\n`)
  await done(gateway, 'PATCH', `${BASE}/orders/settings/connection`, {
    readTimeout: 5,
    deploy: true,
    deployTargetEnvironmentNameList: ['production'],
  })
  assert.equal((await ask(gateway, '/orders/1')).text, `backend ${two.port}\n`)
  assert.equal(two.requests.at(-1)?.target, '/v2/1')
  await done(gateway, 'PATCH', `${BASE}/orders/settings/connection/`, { connectTimeout: 2 })
  const shown = await done(gateway, 'GET', `${BASE}/orders/`)
  assert.deepEqual((shown.resultList as Answer[])[0]?.connection, { readTimeout: 5, connectTimeout: 2 })
  assert.deepEqual(await done(gateway, 'GET', `${BASE}/`), {
    status: 'SUCCESS',
    resultList: [{ name: 'orders', description: '', type: 'REVERSE_PROXY', relativePath: '/orders' }],
    resultCount: 1,
  })
  await done(gateway, 'DELETE', `${BASE}/orders/environments/production/`)
  assert.equal((await ask(gateway, '/orders/1')).status, 404)
  await done(gateway, 'DELETE', `${BASE}/orders/`)
  await fails(
    gateway,
    'GET',
    `${BASE}/orders/`,
    undefined,
    404,
    /there is no API proxy orders in the project shop/,
  )
})

test('keys: Bearer and X-API-KEY; without one 401 in the shape of the system', async (t) => {
  const { gateway } = await setUp(t, 0)
  const call = (headers: Readonly<Record<string, string>>, method = 'GET') =>
    callHttp({ port: gateway.adminPort, method, path: `${BASE}/`, headers })
  assert.equal((await call({ authorization: `Bearer ${gateway.key}` })).status, 200)
  assert.equal((await call({ 'x-api-key': gateway.key })).status, 200)
  const refused = await call({})
  assert.deepEqual([refused.status, (refused.json as Answer).status], [401, 'FAILURE'])
  assert.equal((await call({ authorization: 'Bearer wrong-key-wrong-key-wrong-key' })).status, 401)
})

test('a viewer may read and trace, and changes nothing', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-api-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const settings = join(folder, 'settings.yaml')
  writeFileSync(settings, `admin: { viewerKey: ${VIEWER_KEY} }\n`)
  const gateway = await startGateway(['--workers', '1', '--settings', settings])
  t.after(() => gateway.stop('SIGKILL'))
  await done(gateway, 'POST', `${BASE}/url/`, orders(`http://${backend.node}`))
  const call = (method: string, path: string, body: object = {}) =>
    callHttp({
      port: gateway.adminPort,
      method,
      path,
      headers: { authorization: `Bearer ${VIEWER_KEY}` },
      body: method === 'GET' ? '' : JSON.stringify(body),
    })
  assert.equal((await call('GET', `${BASE}/orders/`)).status, 200)
  assert.equal((await call('POST', '/apiops/projects/shop/route-trace/', { path: '/a' })).status, 200)
  const refused = await call('POST', `${BASE}/orders/environments/production/`)
  assert.deepEqual([refused.status, (refused.json as Answer).status], [403, 'FAILURE'])
  const hidden = '/apiops/projects/shop%2FapiProxies%2Forders%2Fenvironments/route-trace'
  assert.equal((await call('POST', hidden)).status, 403)
  assert.equal((await call('DELETE', `${BASE}/orders/`)).status, 403)
  const shown = await done(gateway, 'GET', `${BASE}/orders/`)
  assert.deepEqual(shown.deployedEnvironmentNameList, [])
})

test('the state of targets counts what the circuit breaker counts', async (t) => {
  const { gateway, backends } = await setUp(t)
  const [one, two] = backends
  one.answer = () => answerText('broken', { status: '500 Internal Server Error' })
  await done(gateway, 'POST', `${BASE}/url/`, {
    ...orders('http://a.test'),
    routingInfo: {
      routingAddressList: [{ address: `http://${one.node}` }, { address: `http://${two.node}` }],
      failoverRetryCount: 0,
    },
    circuitBreaker: {
      circuitBreakerEnabled: true,
      errorThresholdValue: 2,
      errorWindow: 3600,
      sleepWindow: 3600,
    },
    deploy: true,
    deployTargetEnvironmentNameList: ['production'],
  })
  const states = async () =>
    (await done(gateway, 'GET', '/admin/upstreams/shop.orders.production/targets')).resultList as Answer[]
  for (let i = 0; i < 2; i++) await ask(gateway, '/orders')
  const [before, other] = await states()
  assert.deepEqual([before?.circuit, before?.windowErrors, before?.windowTotal], ['CLOSED', 1, 1])
  assert.deepEqual([other?.circuit, other?.windowErrors, other?.windowTotal], ['CLOSED', 0, 1])
  for (let i = 0; i < 2; i++) await ask(gateway, '/orders')
  const [after] = await states()
  assert.deepEqual([after?.circuit, after?.openedBy], ['OPEN', 'CIRCUIT_BREAKER'])
  assert.ok(Date.parse(String(after?.returnsAt)) > Date.now())
  // and metrics tell of the proxy, and of each target: two errors of the first, two answers of the second
  const sample = (metrics: string, name: string, ...labels: readonly string[]): string | undefined =>
    metrics
      .split('\n')
      .find((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
      ?.split(' ')[1]
  const route = 'route="apinizer/deployments/shop.orders.production"'
  const metrics = await waitFor('the requests to be counted', async () => {
    const { text } = await gateway.status('/metrics')
    const errors = sample(text, 'headgate_http_requests_total', route, 'code="500"')
    return errors === '2' ? text : undefined
  })
  assert.equal(sample(metrics, 'headgate_http_requests_total', route, 'code="200"'), '2')
  assert.ok(Number(sample(metrics, 'headgate_http_response_bytes_total', route)) > 0)
  for (const phase of ['total', 'upstream', 'gateway'])
    assert.equal(
      sample(metrics, 'headgate_http_request_duration_seconds_count', route, `phase="${phase}"`),
      '4',
      phase,
    )
  for (const [node, outcome] of [
    [one.node, '5xx'],
    [two.node, '2xx'],
  ] as const) {
    const target = `node="http://${node}"`
    assert.equal(sample(metrics, 'headgate_upstream_requests_total', target, `outcome="${outcome}"`), '2')
    assert.ok(Number(sample(metrics, 'headgate_upstream_response_seconds_total', target)) > 0)
  }
  // a deployment keeps the state of addresses that stay, adds new ones, and drops those that are gone
  const deploy = { deploy: true, deployTargetEnvironmentNameList: ['production'] }
  const circuits = async () => (await states()).map(({ address, circuit }) => [address, circuit])
  const [first, second, third] = [one.node, two.node, '127.0.0.1:1'].map((node) => `http://${node}`)
  const addresses = (...list: readonly (string | undefined)[]) =>
    done(gateway, 'PATCH', `${BASE}/orders/settings/addresses/`, {
      routingAddressList: list.map((address) => ({ address })),
      ...deploy,
    })
  await addresses(third, first, second)
  assert.deepEqual(await circuits(), [
    [third, 'CLOSED'],
    [first, 'OPEN'],
    [second, 'CLOSED'],
  ])
  await addresses(second, third)
  assert.deepEqual(await circuits(), [
    [second, 'CLOSED'],
    [third, 'CLOSED'],
  ])
  // what was gone begins anew, and so does all of it once it was taken out
  await addresses(first, second)
  assert.deepEqual((await circuits())[0], [first, 'CLOSED'])
  for (let i = 0; i < 4; i++) await ask(gateway, '/orders')
  assert.deepEqual((await circuits())[0], [first, 'OPEN'])
  const place = `${BASE}/orders/environments/production/`
  await done(gateway, 'DELETE', place)
  await done(gateway, 'POST', place)
  assert.deepEqual((await circuits())[0], [first, 'CLOSED'])
})

test('refusals change nothing', async (t) => {
  const { gateway, backends } = await setUp(t, 1)
  const [one] = backends
  const good = orders(`http://${one.node}`, { deploy: true, deployTargetEnvironmentNameList: ['production'] })
  await done(gateway, 'POST', `${BASE}/url/`, good)
  const cases: readonly (readonly [string, string, object | string | undefined, number, RegExp])[] = [
    ['POST', `${BASE}/url/`, good, 400, /called orders already/],
    ['POST', `${BASE}/url/`, { ...good, apiProxyName: 'a b' }, 400, /apiProxyName must be/],
    [
      'POST',
      `${BASE}/url/`,
      { ...good, apiProxyName: 'x', apiProxyCreationType: 'WSDL' },
      400,
      /WSDL is not read here/,
    ],
    [
      'POST',
      `${BASE}/url/`,
      { ...good, apiProxyName: 'x', clientRoute: {} },
      400,
      /needs one of relativePathList/,
    ],
    ['POST', `${BASE}/url/`, '{', 400, /the body is no JSON/],
    [
      'PATCH',
      `${BASE}/orders/settings/addresses/`,
      { routingAddressList: [{ address: 'ftp://a' }] },
      400,
      /protocol must be one of/,
    ],
    ['PATCH', `${BASE}/orders/settings/addresses/`, {}, 400, /routingAddressList is required/],
    ['PATCH', `${BASE}/orders/settings/grpc/`, { channelIdleTimeout: 5 }, 400, /grpc settings are for/],
    [
      'PATCH',
      `${BASE}/orders/settings/circuit-breaker/`,
      { circuitBreakerEnabled: true },
      400,
      /needs at least two addresses/,
    ],
    [
      'PATCH',
      `${BASE}/orders/settings/connection/`,
      { conectTimeout: 5 },
      400,
      /connection has no field conectTimeout.*did you mean connectTimeout/,
    ],
    [
      'PATCH',
      `${BASE}/orders/settings/connection/`,
      { connectTimeout: 0 },
      400,
      /integer from 1 to 3600 seconds/,
    ],
    [
      'PATCH',
      `${BASE}/orders/settings/connection/`,
      { connectTimeout: 5, deploy: true },
      400,
      /deployTargetEnvironmentNameList is required/,
    ],
    ['PATCH', `${BASE}/orders/settings/conection/`, {}, 404, /did you mean connection/],
    ['PATCH', `${BASE}/nobody/settings/connection/`, {}, 404, /there is no API proxy nobody/],
    ['POST', `${BASE}/orders/environments/test/`, undefined, 404, /there is no environment test/],
    ['PUT', `${BASE}/orders/`, {}, 405, /takes GET, DELETE, not PUT/],
    ['GET', '/apiops/nothing', undefined, 404, /there is no call/],
  ]
  for (const [method, path, body, status, message] of cases)
    await fails(gateway, method, path, body, status, message)
  assert.equal((await ask(gateway, '/orders/1')).text, `backend ${one.port}\n`)
  const shown = await done(gateway, 'GET', `${BASE}/orders/`)
  assert.equal((shown.resultList as Answer[])[0]?.connection, undefined)
})

test('endpoints, the conflicts report, the route trace, route health and the state of targets', async (t) => {
  const { gateway, backends } = await setUp(t)
  const [one, two] = backends
  const deploy = { deploy: true, deployTargetEnvironmentNameList: ['production'] }
  await done(gateway, 'POST', `${BASE}/url/`, orders(`http://${one.node}`, deploy))
  await done(gateway, 'POST', `${BASE}/url/`, {
    ...orders(`http://${two.node}`),
    apiProxyName: 'partners',
    clientRoute: {
      relativePathList: ['/orders/partners'],
      headerList: [{ name: 'X-Partner', value: 'secret' }],
    },
    ...deploy,
  })
  await done(gateway, 'POST', `${BASE}/url/`, {
    apiProxyName: 'books',
    apiProxyCreationType: 'EMPTY_API',
    clientRoute: { relativePathList: ['/books'] },
    routingInfo: { routingAddressList: [{ address: `http://${two.node}` }] },
  })
  await done(gateway, 'POST', `${BASE}/books/endpoints/`, {
    name: '/{id}',
    httpMethod: 'GET',
    backendResourceUrl: '/item/{id}',
    backendHttpMethod: 'GET',
    ...deploy,
  })
  assert.equal((await ask(gateway, '/books/7')).text, `backend ${two.port}\n`)
  assert.equal(two.requests.at(-1)?.target, '/item/7')
  const report = await done(gateway, 'GET', '/apiops/projects/shop/client-route-conflicts/')
  assert.deepEqual(report.resultList, [
    { apiProxy: 'shop.books', conflict: 'No Conflict', with: [] },
    { apiProxy: 'shop.orders', conflict: 'Prefix Conflict', with: ['shop.partners'] },
    { apiProxy: 'shop.partners', conflict: 'No Conflict', with: [] },
  ])
  const asked = one.requests.length
  const trace = await done(gateway, 'POST', '/apiops/projects/shop/route-trace/', {
    path: '/orders/partners/1',
    headers: { 'X-Partner': 'other-secret' },
  })
  assert.equal(trace.route, 'shop.orders.production')
  assert.equal(trace.inconsistent, false)
  const told = trace.workers as Answer[]
  assert.deepEqual(
    told.map(({ route }) => route),
    ['shop.orders.production', 'shop.orders.production'],
  )
  assert.deepEqual(trace.losing, [
    { deployment: 'shop.books.production', eliminatedBy: 'path' },
    { deployment: 'shop.partners.production', eliminatedBy: 'headers' },
  ])
  assert.doesNotMatch(JSON.stringify(trace), /secret/)
  assert.equal(one.requests.length, asked)
  const health = await done(gateway, 'GET', `${BASE}/orders/environments/production/route-health/`)
  assert.deepEqual(
    [health.routeActive, health.servedPath, health.deployedInManager, health.inconsistent],
    [true, '/orders', true, false],
  )
  assert.deepEqual(
    (health.workers as Answer[]).map(({ routeActive }) => routeActive),
    [true, true],
  )
  assert.equal(one.requests.length, asked)
  const spec = await done(gateway, 'GET', `${BASE}/partners/environments/production/route-health/`)
  assert.deepEqual([spec.routeActive, spec.servedPath], [true, '/orders/partners'])
  const absent = await gateway.admin('GET', `${BASE}/orders/environments/test/route-health/`)
  assert.equal(absent.status, 404)
  const states = await done(gateway, 'GET', '/admin/upstreams/shop.orders/targets')
  const [target] = states.resultList as Answer[]
  assert.deepEqual(
    [target?.address, target?.type, target?.weight, target?.enabled, target?.circuit, target?.openedBy],
    [`http://${one.node}`, 'PRIMARY', 1, true, 'CLOSED', null],
  )
  await fails(gateway, 'GET', '/admin/upstreams/nobody/targets', undefined, 404, /nothing that is deployed/)
})
