import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { EndpointCondition, EndpointView } from '../../model/endpoint-view.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { Refusal } from '../dialect.ts'
import { ACTIONS } from './rest/actions.ts'
import { API_FIELDS, PLUGIN_FIELDS, SERVICE_FIELDS, UPSTREAM_FIELDS } from './rest/document-shapes.ts'
import { describeRest } from './rest/openapi.ts'
import type { Shape } from './rest/shape.ts'
import {
  FakeClient,
  mockApi,
  type Response,
  routingTo,
  SERVICE,
  UPSTREAM,
  upstreamApi,
} from './rest/testing.ts'
import { validate } from './validate.ts'

async function makeService(client: FakeClient): Promise<string> {
  return String((await client.done('CreateService', SERVICE)).ServiceId)
}

async function makeUpstream(client: FakeClient, fields: JsonObject = {}): Promise<string> {
  return String((await client.done('CreateUpstream', { ...UPSTREAM, ...fields })).UpstreamId)
}

async function makeApi(client: FakeClient, ServiceId: string, fields: JsonObject): Promise<string> {
  return (await client.result<{ ApiId: string }>('CreateApi', { ServiceId, ...fields })).ApiId
}

async function makePlugin(client: FakeClient, PluginData: string): Promise<string> {
  const fields = { PluginName: 'routing', PluginType: 'Routing', PluginData }
  return (await client.result<{ PluginId: string }>('CreatePlugin', fields)).PluginId
}

async function release(client: FakeClient, ServiceId: string, EnvironmentName = 'release'): Promise<void> {
  await client.done('ReleaseService', { ServiceId, EnvironmentName, ReleaseDesc: 'a release' })
}

test('every answer has the envelope, a RequestId of its own and status 200', async () => {
  const client = new FakeClient()
  const good = await client.send('POST /tencent', '{}', { 'x-tc-action': 'DescribeServicesStatus' })
  const bad = await client.send('POST /tencent', '{}', { 'x-tc-action': 'DescribeService' })
  assert.deepEqual([good.status, bad.status], [200, 200])
  assert.equal(good.headers['Content-Type'], 'application/json')
  assert.deepEqual(JSON.parse(good.body), {
    Response: { Result: { TotalCount: 0, ServiceSet: [] }, RequestId: 'request-1' },
  })
  assert.deepEqual(JSON.parse(bad.body), {
    Response: {
      Error: { Code: 'MissingParameter', Message: 'ServiceId is missing: DescribeService needs it' },
      RequestId: 'request-2',
    },
  })
})

test("what the server refuses has the vendor's shape", () => {
  const { rest } = new FakeClient()
  const refused = (refusal: Refusal) => {
    const answer = rest.refuse(refusal)
    assert.equal(answer.status, 200)
    const { Error: error, RequestId } = (JSON.parse(answer.body) as { Response: Response }).Response
    assert.match(RequestId, /^request-\d+$/)
    assert.ok((error?.Message.length ?? 0) > 10)
    return error?.Code
  }
  assert.equal(refused({ kind: 'missingKey' }), 'AuthFailure.InvalidAuthorization')
  assert.equal(refused({ kind: 'wrongKey' }), 'AuthFailure.SecretIdNotFound')
  assert.equal(refused({ kind: 'viewerMayNotWrite' }), 'UnauthorizedOperation')
  assert.equal(refused({ kind: 'badOrigin' }), 'UnauthorizedOperation')
  assert.equal(refused({ kind: 'addressNotAllowed' }), 'IpNotInWhitelist')
  assert.equal(refused({ kind: 'bodyTooLarge', bytes: 11, limit: 10 }), 'RequestSizeLimitExceeded')
  assert.equal(refused({ kind: 'readOnly', reason: 'change conf/a.yaml instead' }), 'OperationDenied')
  const limited: Refusal = { kind: 'tooManyWrongKeys', retryAfterSeconds: 7 }
  assert.equal(refused(limited), 'RequestLimitExceeded')
  assert.equal(rest.refuse(limited).headers['Retry-After'], '7')
})

test('calls that only ask are known before the body is read, by header or query alone', async () => {
  const client = new FakeClient()
  const isQuestion = (headers: Record<string, string>, query: Record<string, string> = {}, method = 'POST') =>
    client.rest.isQuestion?.({ method, path: '/tencent', headers, query: new Map(Object.entries(query)) })
  assert.equal(isQuestion({ 'x-tc-action': 'DescribeUpstreams' }), true)
  assert.equal(isQuestion({}, { Action: 'DescribeUpstreams' }), true)
  assert.equal(isQuestion({ 'x-tc-action': 'DeleteUpstream' }, { Action: 'DescribeUpstreams' }), false)
  assert.equal(isQuestion({}), false)
  assert.equal(isQuestion({ 'x-tc-action': 'DescribeUpstreams' }, {}, 'DELETE'), false)
  // and what is taken for a question is answered as that one
  const id = await makeUpstream(client)
  const header = { 'x-tc-action': 'DescribeUpstreams' }
  for (const body of [
    `Action=DeleteUpstream&UpstreamId=${id}`,
    JSON.stringify({ Action: 'DeleteUpstream', UpstreamId: id }),
  ]) {
    const answer = await client.send('POST /tencent', body, header)
    assert.match(answer.body, /two actions are named/)
  }
  assert.equal(client.store.writes.length, 1)
})

test('the audit log learns what a call acted on and whether it went well', async () => {
  const client = new FakeClient()
  const send = async (action: string, params: JsonObject) =>
    (await client.send('POST /tencent', JSON.stringify(params), { 'x-tc-action': action })).audit
  assert.deepEqual(await send('CreateUpstream', UPSTREAM), {
    object: 'CreateUpstream upstreams/upstream-00000001',
    isDone: true,
  })
  assert.deepEqual(await send('DeleteUpstream', { UpstreamId: 'upstream-99999999' }), {
    object: 'DeleteUpstream',
    isDone: false,
  })
})

test('the history learns who called and why', async () => {
  const client = new FakeClient()
  await client.send('POST /tencent', JSON.stringify(SERVICE), {
    'x-tc-action': 'CreateService',
    'x-headgate-message': 'for the shop',
  })
  await client.call('DeleteService', { ServiceId: 'service-00000001' })
  assert.deepEqual(client.store.notes, [
    { author: 'test', message: 'for the shop' },
    { author: 'test', message: null },
  ])
})

test('a call that races with another writer fails and changes nothing', async () => {
  const client = new FakeClient()
  const id = await makeUpstream(client)
  const key = { dialect: 'tencent', kind: 'upstreams', id }
  const standing = await client.store.get(key)
  client.store.beforeWrite = () =>
    client.store.write(
      [
        {
          op: 'put',
          key,
          value: { ...standing?.value, Retries: 9 },
          expiresAtMs: null,
          expectedRevision: null,
        },
      ],
      { author: 'other', message: null },
    )
  assert.equal(await client.code('ModifyUpstream', { UpstreamId: id, Retries: 3 }), 'FailedOperation')
  assert.equal((await client.store.get(key))?.value.Retries, 9)
})

test('what the store refuses has a code of the vendor, and tells nothing of the store', async () => {
  const client = new FakeClient()
  for (const [code, expected] of [
    ['STORE_UNAVAILABLE', 'ResourceUnavailable'],
    ['READ_ONLY', 'OperationDenied'],
    ['LIMIT_OBJECTS', 'LimitExceeded'],
    ['WRITE_CONFLICT', 'FailedOperation'],
  ] as const) {
    client.store.nextFault = new GatewayError(code, `because SQLITE_FULL ${code}`)
    const { Error: error } = await client.call('CreateService', SERVICE)
    assert.equal(error?.Code, expected)
    if (code === 'STORE_UNAVAILABLE') assert.doesNotMatch(error?.Message ?? '', /SQLITE/)
  }
})

test('calls at the same time are taken one after the other', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const codes = await Promise.all(
    Array.from({ length: 10 }, () =>
      client.code('CreateApi', { ServiceId: service, ...mockApi('/a'), ApiName: 'one' }),
    ),
  )
  assert.equal(codes.filter((code) => code === '').length, 1)
  const { TotalCount } = await client.result('DescribeApisStatus', { ServiceId: service })
  assert.equal(TotalCount, 1)
})

test('a release is one commit: every copy, the release itself, and what is gone', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const first = await makeApi(client, service, mockApi('/a'))
  await makeApi(client, service, mockApi('/b'))
  await release(client, service)
  assert.deepEqual(client.store.writes.slice(-1), [3])
  const copies = await client.store.list('tencent', 'released_apis')
  assert.deepEqual(
    copies.map(({ key }) => key.id),
    [`${service}.release.${first}`, `${service}.release.api-00000003`],
  )
  // an edit shows with the next release alone, and only what changed is written
  await client.done('ModifyApi', {
    ServiceId: service,
    ApiId: first,
    ServiceType: 'MOCK',
    RequestConfig: { Path: '/a2', Method: 'GET' },
  })
  const pathOf = async () => {
    const copy = await client.store.get({
      dialect: 'tencent',
      kind: 'released_apis',
      id: `${service}.release.${first}`,
    })
    const api = copy?.value.Api as JsonObject | undefined
    return (api?.RequestConfig as JsonObject | undefined)?.Path
  }
  assert.equal(await pathOf(), '/a')
  await release(client, service)
  assert.equal(await pathOf(), '/a2')
  assert.deepEqual(client.store.writes.slice(-1), [2])
  // a copy whose API is gone in another way than by DeleteApi goes with the next release
  await client.store.write(
    [{ op: 'delete', key: { dialect: 'tencent', kind: 'apis', id: first }, expectedRevision: null }],
    { author: 'other', message: null },
  )
  await release(client, service)
  assert.equal((await client.store.list('tencent', 'released_apis')).length, 1)
})

test('a release of what does not fit any more is refused as a whole', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const upstream = await makeUpstream(client)
  await makeApi(client, service, mockApi('/a'))
  const api = await makeApi(client, service, upstreamApi('/b', upstream))
  await client.store.write(
    [{ op: 'delete', key: { dialect: 'tencent', kind: 'upstreams', id: upstream }, expectedRevision: null }],
    { author: 'other', message: null },
  )
  const before = client.store.dump()
  const { Error: error } = await client.call('ReleaseService', {
    ServiceId: service,
    EnvironmentName: 'release',
    ReleaseDesc: 'x',
  })
  assert.equal(error?.Code, 'InvalidParameterValue.InvalidUpstream')
  assert.ok(error?.Message.startsWith(`${api} `), error?.Message)
  assert.equal(client.store.dump(), before)
})

test('each release has a version of its own', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const versions = new Set<unknown>()
  for (const EnvironmentName of ['test', 'release', 'test']) {
    client.nowMs -= 1000
    const fields = { ServiceId: service, EnvironmentName, ReleaseDesc: 'x' }
    versions.add((await client.result('ReleaseService', fields)).ReleaseVersion)
  }
  assert.equal(versions.size, 3)
})

test('deleting an API takes its copies and bindings with it in one commit', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const upstream = await makeUpstream(client)
  const api = await makeApi(client, service, upstreamApi('/a', upstream))
  const plugin = await makePlugin(client, routingTo(upstream))
  await release(client, service)
  await release(client, service, 'test')
  for (const EnvironmentName of ['release', 'test']) {
    const place = { PluginId: plugin, ServiceId: service, EnvironmentName }
    await client.done('AttachPlugin', { ...place, ApiIds: [api] })
  }
  assert.equal(
    await client.code('DeleteUpstream', { UpstreamId: upstream }),
    'UnsupportedOperation.ResourceAssociated',
  )
  await client.done('DeleteApi', { ServiceId: service, ApiId: api })
  assert.deepEqual(client.store.writes.slice(-1), [5])
  assert.equal(
    await client.code('DeleteUpstream', { UpstreamId: upstream }),
    'UnsupportedOperation.ResourceAssociated',
  )
  await client.done('DeletePlugin', { PluginId: plugin })
  await client.done('DeleteUpstream', { UpstreamId: upstream })
})

test('custom domains of a service are shown, and a change of the service keeps them', async () => {
  const client = new FakeClient()
  const ServiceId = await makeService(client)
  const key = { dialect: 'tencent', kind: 'services', id: ServiceId }
  const CustomDomains = [
    { Domain: 'shop.example.com', PathMappings: [{ Path: '/', Environment: 'release' }] },
  ]
  const standing = await client.store.get(key)
  await client.store.write(
    [
      {
        op: 'put',
        key,
        value: { ...standing?.value, CustomDomains },
        expiresAtMs: null,
        expectedRevision: null,
      },
    ],
    { author: 'other', message: null },
  )
  await client.done('ModifyService', { ServiceId, ServiceDesc: 'x' })
  const shown = await client.done('DescribeService', { ServiceId })
  assert.deepEqual([shown.ServiceDesc, shown.CustomDomains], ['x', CustomDomains])
})

test('SkipVerification deletes a service with its APIs, what is released and its bindings in one commit', async () => {
  const client = new FakeClient()
  const kept = await makeService(client)
  await makeApi(client, kept, mockApi('/a'))
  await release(client, kept)
  const service = await makeService(client)
  const upstream = await makeUpstream(client)
  const api = await makeApi(client, service, mockApi('/a'))
  await makeApi(client, service, mockApi('/b'))
  const plugin = await makePlugin(client, routingTo(upstream))
  await release(client, service)
  const place = { PluginId: plugin, ServiceId: service, EnvironmentName: 'release' }
  await client.done('AttachPlugin', { ...place, ApiIds: [api] })
  await client.done('DeleteService', { ServiceId: service, SkipVerification: 1 })
  assert.deepEqual(client.store.writes.slice(-1), [7], 'service, release, two APIs and copies, a binding')
  for (const kind of ['services', 'apis', 'released_apis', 'releases']) {
    const left = await client.store.list('tencent', kind)
    assert.deepEqual(
      left.map(({ value }) => value.ServiceId),
      [kept],
      kind,
    )
  }
  assert.equal(await client.code('DeletePlugin', { PluginId: plugin }), '')
})

test('attaching to several APIs is all or nothing, and a second time changes nothing', async () => {
  const client = new FakeClient()
  const service = await makeService(client)
  const upstream = await makeUpstream(client)
  const plugin = await makePlugin(client, routingTo(upstream))
  const first = await makeApi(client, service, mockApi('/a'))
  await release(client, service)
  const later = await makeApi(client, service, mockApi('/b'))
  const place = { PluginId: plugin, ServiceId: service, EnvironmentName: 'release' }
  const before = client.store.dump()
  assert.equal(
    await client.code('AttachPlugin', { ...place, ApiIds: [first, later] }),
    'InvalidParameterValue.InvalidEnvStatus',
  )
  assert.equal(client.store.dump(), before)
  await client.done('AttachPlugin', { ...place, ApiIds: [first, first] })
  const after = client.store.dump()
  await client.done('AttachPlugin', { ...place, ApiIds: [first] })
  assert.equal(client.store.dump(), after)
})

test('a policy keeps its time while its name stays', async () => {
  const client = new FakeClient()
  const policy = (strategy_name: string) => ({
    strategy_name,
    condition: "path = '/a'",
    backend_type: 'MOCK',
    backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: strategy_name },
  })
  const id = await makePlugin(client, JSON.stringify([policy('a'), policy('b')]))
  const times = async () =>
    (await client.store.get({ dialect: 'tencent', kind: 'plugins', id }))?.value.PolicyTimes as Record<
      string,
      string
    >
  const before = await times()
  await client.done('ModifyPlugin', { PluginId: id, PluginData: JSON.stringify([policy('c'), policy('b')]) })
  const after = await times()
  assert.deepEqual(Object.keys(after).sort(), ['b', 'c'])
  assert.equal(after.b, before.b)
  assert.ok(String(after.c) > String(after.b))
  // it is the gateway's own, and not shown
  assert.ok(!('PolicyTimes' in (await client.result('DescribePlugin', { PluginId: id }))))
})

test('a list of 201 nodes, and of 200', async () => {
  const client = new FakeClient()
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ Host: `10.0.0.${i}`, Port: 80, Weight: 1 }))
  assert.equal(
    await client.code('CreateUpstream', { ...UPSTREAM, Nodes: nodes(201) }),
    'InvalidParameterValue.ParameterValueLimitExceeded',
  )
  const id = await makeUpstream(client, { Nodes: nodes(200) })
  assert.equal(
    await client.code('ModifyUpstream', { UpstreamId: id, Nodes: nodes(201) }),
    'InvalidParameterValue.ParameterValueLimitExceeded',
  )
})

test('an eleventh policy is refused, and every fault of a plugin is named with its place', async () => {
  const client = new FakeClient()
  const policies = Array.from({ length: 11 }, (_, i) => ({
    strategy_name: `p${i}`,
    condition: i === 3 ? 'header.id = ' : "path = '/a'",
    backend_type: 'MOCK',
    backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: 'x' },
  }))
  const create = { PluginName: 'many', PluginType: 'Routing', PluginData: JSON.stringify(policies) }
  const { Error: error } = await client.call('CreatePlugin', create)
  assert.equal(error?.Code, 'InvalidParameterValue.ParameterValueLimitExceeded')
  assert.match(error?.Message ?? '', /PluginData\[3\]\.condition/)
  const { Error: condition } = await client.call('CreatePlugin', {
    ...create,
    PluginData: JSON.stringify(policies.slice(0, 10)),
  })
  assert.equal(condition?.Code, 'InvalidParameterValue.InvalidCondition')
  assert.match(condition?.Message ?? '', /line 1.*column \d+.*expected/)
})

test('nodes tell how they are: OFF without checks, NO_DATA where nobody knows, else what was found', async () => {
  const client = new FakeClient()
  const checker = {
    EnableActiveCheck: false,
    EnablePassiveCheck: true,
    HealthyHttpStatus: '200',
    UnhealthyHttpStatus: '500',
    TcpFailureThreshold: 1,
    TimeoutThreshold: 1,
    HttpFailureThreshold: 1,
  }
  const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'name.example.net', 'gone.example.net']
  const Nodes = hosts.map((Host) => ({ Host, Port: 80, Weight: 1 }))
  const plain = await makeUpstream(client, { Nodes })
  const checked = await makeUpstream(client, { Nodes, HealthChecker: checker })
  const view = (host: string, state: EndpointCondition) =>
    ({ host, port: 80, state, weight: 1 }) as unknown as EndpointView
  const views = [
    view('10.0.0.1', 'up'),
    view('10.0.0.2', 'ejected'),
    view('name.example.net', 'unhealthy'),
    view('name.example.net', 'up'),
    view('gone.example.net', 'unresolved'),
  ]
  client.views.set(`tencent/upstreams/${plain}`, views)
  client.views.set(`tencent/upstreams/${checked}`, views)
  const { UpstreamSet } = await client.result<{ UpstreamSet: { Nodes: { Healthy: string }[] }[] }>(
    'DescribeUpstreams',
    { Limit: 20, Offset: 0 },
  )
  const words = UpstreamSet.map(({ Nodes: own }) => own.map(({ Healthy }) => Healthy))
  assert.deepEqual(words[0], ['OFF', 'OFF', 'OFF', 'OFF', 'OFF'])
  assert.deepEqual(words[1], ['HEALTHY', 'UNHEALTHY', 'NO_DATA', 'HEALTHY', 'NO_DATA'])
  // what an answer says of health may be sent back and is not kept
  await client.done('ModifyUpstream', {
    UpstreamId: checked,
    Nodes: (UpstreamSet[1]?.Nodes ?? []) as JsonValue,
  })
  const stored = await client.store.get({ dialect: 'tencent', kind: 'upstreams', id: checked })
  assert.deepEqual(stored?.value.Nodes, Nodes)
})

test('nodes that a cluster gave tell of which Service they are', async () => {
  const client = new FakeClient()
  const id = await makeUpstream(client, {
    UpstreamType: 'K8S',
    Nodes: [],
    K8sService: [{ ClusterId: 'cls-1', Namespace: 'shop', ServiceName: 'orders', Port: 8000, Weight: 10 }],
  })
  const node = { host: '10.0.0.1', port: 80, state: 'up', weight: 10 }
  client.views.set(`tencent/upstreams/${id}`, [
    { ...node, service: 'cls-1/shop/orders:8000?track=canary' },
    { ...node, host: '10.0.0.2', service: null },
  ] as unknown as EndpointView[])
  const { UpstreamSet } = await client.result<{ UpstreamSet: { Nodes: JsonValue }[] }>('DescribeUpstreams', {
    Limit: 20,
    Offset: 0,
  })
  const common = { Port: 80, Weight: 10, Healthy: 'OFF', Source: 'K8S' }
  assert.deepEqual(UpstreamSet[0]?.Nodes, [
    {
      Host: '10.0.0.1',
      ...common,
      ServiceName: 'orders',
      NameSpace: 'shop',
      ClusterId: 'cls-1',
      UniqueServiceName: 'cls-1/shop/orders:8000?track=canary',
    },
    { Host: '10.0.0.2', ...common },
  ])
})

test('Retries is 5 where it is omitted, or what the settings say', async () => {
  const retries = async (client: FakeClient) => {
    await makeUpstream(client)
    const { UpstreamSet } = await client.result<{ UpstreamSet: { Retries: number }[] }>('DescribeUpstreams', {
      Limit: 1,
      Offset: 0,
    })
    return UpstreamSet[0]?.Retries
  }
  assert.equal(await retries(new FakeClient()), 5)
  const settings = { ...DEFAULT_SETTINGS, tencent: { ...DEFAULT_SETTINGS.tencent, api_default_retries: 3 } }
  assert.equal(await retries(new FakeClient(settings)), 3)
})

test('pages go through everything once, in an order that new entries do not change', async () => {
  const client = new FakeClient()
  for (let i = 0; i < 45; i++) await makeUpstream(client, { UpstreamName: `u${i}` })
  const seen: string[] = []
  for (let Offset = 0; ; Offset += 20) {
    const { TotalCount, UpstreamSet } = await client.result<{
      TotalCount: number
      UpstreamSet: { UpstreamName: string }[]
    }>('DescribeUpstreams', { Limit: 20, Offset })
    assert.equal(TotalCount, 45)
    if (UpstreamSet.length === 0) break
    seen.push(...UpstreamSet.map(({ UpstreamName }) => UpstreamName))
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 45 }, (_, i) => `u${i}`),
  )
  for (let i = 0; i < 25; i++) await makeService(client)
  const { ServiceSet } = await client.result<{ ServiceSet: unknown[] }>('DescribeServicesStatus')
  assert.equal(ServiceSet.length, 20)
})

test('warnings of an accepted call stand in a header field', async () => {
  const client = new FakeClient()
  const params = { ...UPSTREAM, Nodes: [{ Host: '10.0.0.1', Port: 80, Weight: 0 }] }
  const answer = await client.send('POST /tencent', JSON.stringify(params), {
    'x-tc-action': 'CreateUpstream',
  })
  assert.match(
    String(answer.headers['X-Headgate-Warning']),
    /^upstream-00000001 Nodes: all nodes have weight 0/,
  )
})

test('every answer is as the description says', async () => {
  const { schemas } = describeRest()
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  const api = JSON.parse(JSON.stringify({ components: { schemas } })) as object
  ajv.addSchema(api, 'api')
  const client = new FakeClient()
  const asked = new Set<string>()
  const call = async (action: string, params: JsonObject = {}): Promise<Response> => {
    const request = ajv.compile({ $ref: `api#/components/schemas/Tencent${action}Request` })
    assert.ok(request(params), `${action}: ${ajv.errorsText(request.errors)}`)
    const response = await client.done(action, params)
    const answer = ajv.compile({ $ref: `api#/components/schemas/Tencent${action}Response` })
    assert.ok(
      answer({ Response: response }),
      `${action}: ${ajv.errorsText(answer.errors)}\n${JSON.stringify(response)}`,
    )
    asked.add(action)
    return response
  }
  const page = { Limit: 20, Offset: 0 }
  const { ServiceId } = (await call('CreateService', SERVICE)) as unknown as { ServiceId: string }
  const { UpstreamId } = (await call('CreateUpstream', UPSTREAM)) as unknown as { UpstreamId: string }
  const api1 = (await call('CreateApi', { ServiceId, ...upstreamApi('/a', UpstreamId) })).Result as {
    ApiId: string
  }
  const { ApiId } = api1
  const plugin = (
    await call('CreatePlugin', {
      PluginName: 'routing',
      PluginType: 'Routing',
      PluginData: routingTo(UpstreamId),
    })
  ).Result as { PluginId: string }
  const { PluginId } = plugin
  const place = { ServiceId, EnvironmentName: 'release' }
  await call('ReleaseService', { ...place, ReleaseDesc: 'x' })
  await call('AttachPlugin', { ...place, PluginId, ApiIds: [ApiId] })
  await call('ModifyService', { ServiceId, ServiceDesc: 'x' })
  await call('ModifyUpstream', { UpstreamId, Retries: 2 })
  await call('ModifyApi', { ServiceId, ApiId, ...upstreamApi('/b', UpstreamId) })
  await call('ModifyPlugin', { PluginId, Description: 'x' })
  await call('DescribeService', { ServiceId })
  await call('DescribeServicesStatus')
  await call('DescribeApi', { ServiceId, ApiId })
  await call('DescribeApisStatus', { ServiceId })
  await call('DescribeUpstreams', page)
  await call('DescribeUpstreamBindApis', { UpstreamId, ...page })
  await call('DescribePlugin', { PluginId })
  await call('DescribePlugins')
  await call('DescribePluginApis', { PluginId })
  await call('DescribePluginsByApi', { ServiceId, ApiId })
  await call('DescribeAllPluginApis', { PluginId, ...place })
  await call('DetachPlugin', { ...place, PluginId, ApiId })
  await call('UnReleaseService', place)
  await call('DeletePlugin', { PluginId })
  await call('DeleteApi', { ServiceId, ApiId })
  await call('DeleteService', { ServiceId })
  await call('DeleteUpstream', { UpstreamId })
  assert.deepEqual([...asked].sort(), [...ACTIONS.keys()].sort())
})

test('no call makes the API throw, and what it stores validates', async () => {
  const name = fc.constantFrom(
    'ServiceId',
    'ApiId',
    'UpstreamId',
    'PluginId',
    'EnvironmentName',
    'Nodes',
    'Filters',
    'Limit',
    'PluginData',
    'RequestConfig',
    'ServiceConfig',
    'ApiIds',
    'ServiceType',
    'Tags',
  )
  const value: fc.Arbitrary<JsonValue> = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
    fc.constantFrom<JsonValue>(
      'service-00000001',
      'upstream-00000002',
      'api-00000003',
      'release',
      'MOCK',
      { Path: '/a', Method: 'GET' },
      [{ Name: 'ServiceId', Values: ['a'] }],
      ['api-00000003'],
      routingTo('upstream-00000002'),
    ),
  )
  const seed: Readonly<Record<string, JsonObject>> = {
    CreateService: SERVICE,
    CreateUpstream: UPSTREAM,
    CreateApi: { ServiceId: 'service-00000001', ...mockApi('/a') },
    ModifyApi: { ServiceId: 'service-00000001', ApiId: 'api-00000003', ...mockApi('/a') },
    ReleaseService: { ServiceId: 'service-00000001', EnvironmentName: 'release', ReleaseDesc: 'x' },
  }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ACTIONS.keys()),
      fc.dictionary(name, value, { maxKeys: 5 }),
      async (action, params) => {
        const client = new FakeClient()
        const service = await makeService(client)
        const upstream = await makeUpstream(client)
        await makeApi(client, service, upstreamApi('/a', upstream))
        await client.call(action, { ...seed[action], ...params })
        for (const kind of [
          'services',
          'upstreams',
          'apis',
          'plugins',
          'releases',
          'released_apis',
          'attachments',
        ]) {
          for (const document of await client.store.list('tencent', kind)) {
            assert.deepEqual(validate(kind, document.value, DEFAULT_SETTINGS), [])
          }
        }
      },
    ),
    { numRuns: 500 },
  )
})

/** A value with every key of a shape. */
function sample(shape: Shape): JsonValue {
  switch (shape.kind) {
    case 'text':
      return shape.options?.[0] ?? 'HTTP'
    case 'integer':
      return shape.least ?? 1
    case 'flag':
      return false
    case 'list':
      return [sample(shape.of)]
    case 'object':
      return Object.fromEntries(Object.entries(shape.fields).map(([name, inner]) => [name, sample(inner)]))
  }
}

test('every field that calls take is one that documents have', () => {
  for (const [kind, fields] of [
    ['services', SERVICE_FIELDS],
    ['apis', API_FIELDS],
    ['upstreams', UPSTREAM_FIELDS],
    ['plugins', PLUGIN_FIELDS],
  ] as const) {
    const value = sample({ kind: 'object', fields })
    const faults = validate(kind, value, DEFAULT_SETTINGS)
    const unknown = faults.filter(({ message }) => /has no field/.test(message)).map(({ path }) => path)
    assert.deepEqual(unknown, [], kind)
  }
})
