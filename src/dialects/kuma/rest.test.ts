import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject } from '../../model/json.ts'
import { describeRest } from './rest/openapi.ts'
import { FakeClient } from './rest/testing.ts'
import { routeWith, yaml } from './testing.ts'

/** What golden cases do not show: races, what the server refuses, the connection of proxies, and the description. */

const PLACE = '/meshes/default/traffic-routes/r'
const ROUTE = routeWith('{destination: {kuma.io/service: cart}}')

async function started(settings = DEFAULT_SETTINGS): Promise<FakeClient> {
  const client = new FakeClient(settings)
  await client.rest.start?.()
  return client
}

function bodyOf({ body }: { readonly body: string }): JsonObject {
  return JSON.parse(body) as JsonObject
}

test('the mesh default comes with the start, but not where a mesh is already', async () => {
  const client = await started()
  await client.send('PUT /meshes/other', {})
  await client.send('DELETE /meshes/default')
  await client.rest.start?.()
  const { items } = bodyOf(await client.send('GET /meshes')) as unknown as { items: { name: string }[] }
  assert.deepEqual(
    items.map(({ name }) => name),
    ['other'],
  )
  assert.equal((await client.send(`PUT ${PLACE}`, ROUTE)).status, 400)
})

test('a call that races with another writer is a conflict and changes nothing', async () => {
  const client = await started()
  await client.send(`PUT ${PLACE}`, ROUTE)
  for (const method of ['PUT', 'DELETE']) {
    const key = { dialect: 'kuma', kind: 'traffic-routes', id: 'default:r' }
    const before = await client.store.get(key)
    client.store.beforeWrite = () =>
      client.store.write(
        [{ op: 'put', key, value: before?.value ?? {}, expiresAtMs: null, expectedRevision: null }],
        { author: 'other', message: null },
      )
    const answer = await client.send(`${method} ${PLACE}`, method === 'PUT' ? ROUTE : '')
    assert.equal(answer.status, 409)
    assert.equal(bodyOf(answer).title, 'Conflict')
    assert.deepEqual((await client.store.get(key))?.value, before?.value)
  }
})

test('what the store refuses has the shape of the system', async () => {
  const client = await started()
  for (const [error, status, title] of [
    [new GatewayError('READ_ONLY', 'edit mesh.yaml'), 405, 'Method not Allowed'],
    [new GatewayError('STORE_UNAVAILABLE', 'no space'), 503, 'Service Unavailable'],
    [new GatewayError('LIMIT_OBJECTS', 'too many'), 400, 'Could not create a resource'],
    [new GatewayError('INVALID_DOCUMENT', 'conf: is required'), 400, 'Could not process a resource'],
  ] as const) {
    client.store.nextFault = error
    const answer = await client.send(`PUT ${PLACE}`, ROUTE)
    assert.equal(answer.status, status)
    assert.equal(bodyOf(answer).title, title)
  }
  client.store.nextFault = new GatewayError('INTERNAL', 'a bug')
  await assert.rejects(client.send(`PUT ${PLACE}`, ROUTE), /a bug/)
})

test('where documents come from files writes are not allowed, and policies say so', async () => {
  const client = await started()
  client.readOnly = 'edit mesh.yaml'
  const refused = client.rest.refuse({ kind: 'readOnly', reason: 'edit mesh.yaml' })
  assert.equal(refused.status, 405)
  assert.deepEqual(bodyOf(refused), {
    type: '/std-errors',
    status: 405,
    title: 'Method not Allowed',
    detail: 'Method not allowed',
    hint: 'edit mesh.yaml',
    details: 'Method not allowed',
  })
  assert.match((await client.send('GET /policies')).body, /"readOnly":true/)
})

test('what the server refuses before the call has a status, a reason and no parameters', async () => {
  const { rest } = await started()
  for (const [refusal, status] of [
    [{ kind: 'missingKey' }, 401],
    [{ kind: 'wrongKey' }, 401],
    [{ kind: 'viewerMayNotWrite' }, 403],
    [{ kind: 'addressNotAllowed' }, 403],
    [{ kind: 'badOrigin' }, 403],
    [{ kind: 'bodyTooLarge', bytes: 9, limit: 8 }, 413],
    [{ kind: 'tooManyWrongKeys', retryAfterSeconds: 7 }, 429],
  ] as const) {
    const answer = rest.refuse(refusal)
    assert.equal(answer.status, status)
    const body = bodyOf(answer)
    assert.equal(body.status, status)
    assert.equal(body.detail, body.details)
    assert.ok(!('causes' in body))
    assert.equal(answer.headers['Retry-After'], status === 429 ? '7' : undefined)
  }
})

test('the private key of an external service is never shown', async () => {
  const client = await started()
  const place = '/meshes/default/external-services/bank'
  const key = { dialect: 'kuma', kind: 'external-services', id: 'default:bank' }
  const tls = { enabled: false, clientKey: { inlineString: 'SECRET' } }
  const value = {
    creationTime: '2026-11-27T06:00:00Z',
    tags: { 'kuma.io/service': 'bank' },
    networking: { address: 'bank.test:443', tls },
  }
  await client.store.write([{ op: 'put', key, value, expiresAtMs: null, expectedRevision: null }], {
    author: 'test',
    message: null,
  })
  for (const path of [place, `${place}?format=k8s`, '/external-services']) {
    const { body } = await client.send(`GET ${path}`)
    assert.ok(body.includes('bank.test') && !body.includes('SECRET'), body)
  }
})

test('HEAD asks as GET does, and who writes and why stands in the history', async () => {
  const client = await started()
  assert.equal((await client.send('HEAD /meshes/default')).status, 200)
  assert.equal((await client.send('HEAD /meshes/none')).status, 404)
  assert.equal((await client.send('OPTIONS /meshes')).status, 204)
  const answer = await client.send(`PUT ${PLACE}`, ROUTE, { 'x-headgate-message': 'first canary' })
  assert.deepEqual(client.store.notes.at(-1), { author: 'test', message: 'first canary' })
  assert.deepEqual(answer.audit, { object: PLACE.slice(1), isDone: true })
})

test('a mesh is deleted with what is in it by one write, and nothing of another mesh goes', async () => {
  const client = await started()
  await client.send('PUT /meshes/default2', {})
  await client.send(`PUT ${PLACE}`, ROUTE)
  await client.send('PUT /meshes/default/external-services/bank', {
    tags: { 'kuma.io/service': 'bank' },
    networking: { address: 'bank.test:443' },
  })
  assert.equal((await client.send('DELETE /meshes/default')).status, 200)
  // the mesh, its first route, ours and the external service
  assert.equal(client.store.writes.at(-1), 4)
  const { items } = bodyOf(await client.send('GET /traffic-routes')) as unknown as { items: JsonObject[] }
  assert.deepEqual(
    items.map(({ name }) => name),
    ['route-all-default2'],
  )
})

test('a mesh may come without its first route', async () => {
  const client = await started()
  await client.send('PUT /meshes/bare', { skipCreatingInitialPolicies: ['TrafficRoute'] })
  assert.equal(bodyOf(await client.send('GET /meshes/bare/traffic-routes')).total, 0)
})

test('an overview tells whether the proxy is online, and how many of its inbounds are ready', async () => {
  const client = await started()
  const inbound = (port: number, ready: boolean) =>
    `{port: ${port}, servicePort: 80, tags: {kuma.io/service: s}, health: {ready: ${ready}}}`
  const view = {
    id: 'c-1',
    connectedAtMs: Date.UTC(2026, 10, 27),
    disconnectedAtMs: null,
    sent: 3,
    acknowledged: 2,
    version: '1.2.3',
  }
  for (const [ready, proxy, status] of [
    [[true, true], view, 'Online'],
    [[true, false], view, 'Partially degraded'],
    [[false, false], view, 'Offline'],
    [[true, true], { ...view, disconnectedAtMs: Date.UTC(2026, 10, 28) }, 'Offline'],
    [[true, true], null, 'Offline'],
  ] as const) {
    const inbounds = ready.map((one, i) => inbound(9000 + i, one)).join(', ')
    const place = '/meshes/default/dataplanes/d'
    await client.send(`PUT ${place}`, yaml(`networking: {address: 10.0.0.1, inbound: [${inbounds}]}`))
    client.proxies.clear()
    if (proxy !== null) client.proxies.set('default:d', proxy)
    const overview = bodyOf(await client.send(`GET ${place}/_overview`)) as unknown as {
      status: string
      dataplaneInsight: { subscriptions: JsonObject[] }
    }
    assert.equal(overview.status, status)
    const [subscription] = overview.dataplaneInsight.subscriptions
    if (proxy === null) assert.equal(subscription, undefined)
    else
      assert.deepEqual(subscription, {
        id: 'c-1',
        connectTime: '2026-11-27T00:00:00.000Z',
        ...(proxy.disconnectedAtMs === null ? {} : { disconnectTime: '2026-11-28T00:00:00.000Z' }),
        status: { total: { responsesSent: '3', responsesAcknowledged: '2' } },
        version: { kumaDp: { version: '1.2.3' } },
      })
  }
})

test('pages go through everything once, by the addresses that they give', async () => {
  const client = await started()
  for (let i = 0; i < 25; i++)
    await client.send(`PUT /meshes/default/traffic-routes/cart-${i}`, { ...ROUTE, name: `cart-${i}` })
  const seen: string[] = []
  let next: string | null = 'http://cp.test:5681/traffic-routes?name=cart&size=7&other=x%20y'
  while (next !== null) {
    const { pathname, search, searchParams, host }: URL = new URL(next)
    assert.equal(host, 'cp.test:5681')
    assert.equal(searchParams.get('other'), 'x y')
    const page = bodyOf(await client.send(`GET ${pathname}${search}`)) as unknown as {
      total: number
      items: { name: string }[]
      next: string | null
    }
    assert.equal(page.total, 25)
    seen.push(...page.items.map(({ name }) => name))
    next = page.next
  }
  assert.deepEqual(seen, Array.from({ length: 25 }, (_, i) => `cart-${i}`).sort())
})

test('every call of the description answers, and as it says', async () => {
  const { schemas, error, operations } = describeRest()
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  const api = JSON.parse(JSON.stringify({ components: { schemas }, error: error.schema })) as object
  ajv.addSchema(api, 'api')
  const client = await started()
  const bodies: Readonly<Record<string, JsonObject>> = {
    kumaPutMesh: {},
    kumaPutTrafficRoute: { ...ROUTE, mesh: 'm', name: 'n' },
    kumaPutDataplane:
      yaml(`networking: {address: 10.0.0.1, inbound: [{port: 1, servicePort: 2, tags: {kuma.io/service: n}}],
      outbound: [{port: 3, tags: {kuma.io/service: cart}}]}`),
    kumaPutExternalService: yaml('{tags: {kuma.io/service: bank}, networking: {address: "bank.test:443"}}'),
  }
  const check = (ref: JsonObject, body: string, what: string): void => {
    const isValid = ajv.compile(JSON.parse(JSON.stringify(ref).replaceAll('"#/', '"api#/')) as object)
    assert.ok(isValid(JSON.parse(body)), `${what}: ${ajv.errorsText(isValid.errors)}\n${body}`)
  }
  // first what makes, last what deletes; a mesh before, and behind, what is in it
  const rank = ({ id, method }: (typeof operations)[number]): number =>
    id === 'kumaPutMesh' ? 0 : method === 'PUT' ? 1 : method === 'GET' ? 2 : id === 'kumaDeleteMesh' ? 4 : 3
  for (const operation of [...operations].sort((a, b) => rank(a) - rank(b))) {
    const { method, id, answers } = operation
    const path = operation.path.replace('{mesh}', 'm').replace('{name}', 'n')
    const answer = await client.send(`${method} ${path}`, bodies[id] ?? '')
    assert.ok(answer.status in answers, `${id}: ${answer.status} ${answer.body}`)
    const { schema } = answers[String(answer.status)] ?? {}
    if (schema === undefined) assert.equal(answer.body, '')
    else check(schema, answer.body, id)
  }
  for (const call of ['GET /meshes/m', 'PUT /meshes/m', 'GET /meshes?size=0', 'PUT /meshes'])
    check({ $ref: '#/error' }, (await client.send(call)).body, call)
})
