import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawAnswer, requestOnce } from '../support/raw-client.ts'
import { findFreePorts } from '../support/tools.ts'

/**
 * Tencent's API on a running gateway: the seed pages on VPC upstreams (002) and on conditional routing for upstreams (000), click by click as calls.
 * Where the page says TKE upstream the nodes are listed here; clusters have tests of their own.
 */

const VPC = 'vpc-s0g8gpo5'

let gateway: GatewayProcess
const backends: Backend[] = []

before(async () => {
  gateway = await startGateway(['--workers', '2'])
})
after(async () => {
  await gateway.stop()
  for (const backend of backends) await backend.close()
})

async function backend(body: string): Promise<Backend> {
  const made = await startBackend(() => answerText(body))
  backends.push(made)
  return made
}

interface Answer {
  readonly RequestId: string
  readonly Error?: { readonly Code: string; readonly Message: string }
  readonly [name: string]: unknown
}

async function call(action: string, params: object = {}): Promise<Answer> {
  const { status, json, text } = await gateway.admin('POST', '/tencent', params, {
    'x-tc-action': action,
    'x-tc-version': '2018-08-08',
    'content-type': 'application/json',
  })
  assert.equal(status, 200, text)
  return (json as { Response: Answer }).Response
}

/** A call that goes well; what stands in `Result`, or the whole answer where there is none. */
async function done<T = Record<string, string>>(action: string, params: object = {}): Promise<T> {
  const answer = await call(action, params)
  assert.equal(answer.Error, undefined, `${action}: ${JSON.stringify(answer.Error)}`)
  return (answer.Result ?? answer) as T
}

async function codeOf(action: string, params: object = {}): Promise<string> {
  const { Error: error } = await call(action, params)
  return error?.Code ?? 'none'
}

function node({ port }: Pick<Backend, 'port'>, Weight = 10) {
  return { Host: '127.0.0.1', Port: port, Weight }
}

async function makeUpstream(nodes: readonly object[], fields: object = {}): Promise<string> {
  const required = { Scheme: 'HTTP', Algorithm: 'ROUND-ROBIN', UniqVpcId: VPC }
  const { UpstreamId } = await done('CreateUpstream', { ...required, Nodes: nodes, ...fields })
  return UpstreamId as string
}

/** Backend Type *VPC resources*, Connection Mode *VPC Upstream*. */
function toUpstream(UpstreamId: string) {
  return { Url: '', Path: '/', Method: 'ANY', Product: 'upstream', UniqVpcId: VPC, UpstreamId }
}

async function makeApi(ServiceId: string, path: string, upstream: string): Promise<string> {
  const { ApiId } = await done('CreateApi', {
    ServiceId,
    ServiceType: 'HTTP',
    ServiceTimeout: 15,
    Protocol: 'HTTP',
    RequestConfig: { Path: path, Method: 'ANY' },
    ServiceConfig: toUpstream(upstream),
  })
  return ApiId as string
}

/** A service with one API on an upstream, released. */
async function publish(name: string, path: string, upstream: string) {
  const service = await done('CreateService', { ServiceName: name, Protocol: 'http&https' })
  const ServiceId = service.ServiceId as string
  const ApiId = await makeApi(ServiceId, path, upstream)
  await done('ReleaseService', { ServiceId, EnvironmentName: 'release', ReleaseDesc: 'first' })
  return { ServiceId, ApiId, host: service.OuterSubDomain as string }
}

function ask(host: string, path: string, fields: readonly string[] = []): Promise<RawAnswer> {
  return requestOnce(gateway.port, path, { headers: [`Host: ${host}`, ...fields] })
}

/** Bodies of so many requests, each on a connection of its own, so that both workers are asked. */
async function count(host: string, path: string, requests: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {}
  for (let i = 0; i < requests; i++) {
    const { status, body } = await ask(host, path)
    const word = status === 200 ? body : String(status)
    seen[word] = (seen[word] ?? 0) + 1
  }
  return seen
}

describe('the API on the admin listener', () => {
  test('asks for the key, and says so in its own shape', async () => {
    const { status, json } = await callHttp({
      port: gateway.adminPort,
      method: 'POST',
      path: '/tencent',
      body: {},
      headers: { 'x-tc-action': 'DescribeServicesStatus' },
    })
    assert.equal(status, 200)
    const { Error: error, RequestId } = (json as { Response: Answer }).Response
    assert.equal(error?.Code, 'AuthFailure.InvalidAuthorization')
    assert.match(RequestId, /^[0-9a-f-]{36}$/)
    const wrong = await gateway.admin('POST', '/tencent', {}, { 'x-api-key': 'not-a-key-of-the-gateway' })
    assert.equal((wrong.json as { Response: Answer }).Response.Error?.Code, 'AuthFailure.SecretIdNotFound')
  })

  test('takes flattened keys as well, and names an action that is near', async () => {
    const { json } = await gateway.admin('GET', '/tencent?Action=DescribeUpstreams&Limit=1&Offset=0')
    assert.ok('Result' in (json as { Response: Answer }).Response)
    const { Error: error } = await call('CreateUpstreams')
    assert.deepEqual(error, {
      Code: 'UnsupportedOperation',
      Message: 'there is no action CreateUpstreams; did you mean CreateUpstream?',
    })
  })

  test('lets a viewer ask and not change', async (t) => {
    const viewer = 'viewer-key-of-the-end-to-end-tests-01'
    const folder = mkdtempSync(join(tmpdir(), 'headgate-tencent-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const settings = join(folder, 'settings.yaml')
    writeFileSync(settings, `admin: {viewerKey: ${viewer}}\n`)
    const own = await startGateway(['--workers', '1', '--settings', settings])
    t.after(() => own.stop())
    const say = async (action: string, body: object) => {
      const headers = { 'x-tc-action': action, 'x-api-key': viewer }
      const { json } = await own.admin('POST', '/tencent', body, headers)
      return (json as { Response: Answer }).Response.Error?.Code ?? 'none'
    }
    assert.equal(await say('DescribeServicesStatus', {}), 'none')
    assert.equal(await say('CreateService', { ServiceName: 'a', Protocol: 'http' }), 'UnauthorizedOperation')
  })

  test('shows what files hold, and names the file to change instead', async (t) => {
    const file = join(ROOT, 'examples/tencent-routing.yaml')
    const own = await startGateway(['--workers', '1', '--config', file])
    t.after(() => own.stop())
    const say = async (action: string, body: object) => {
      const { json } = await own.admin('POST', '/tencent', body, { 'x-tc-action': action })
      return (json as { Response: Answer }).Response
    }
    const { Result: services } = await say('DescribeServicesStatus', {})
    assert.ok((services as { TotalCount: number }).TotalCount > 0)
    const { Result: upstreams } = await say('DescribeUpstreams', { Limit: 20, Offset: 0 })
    assert.ok((upstreams as { TotalCount: number }).TotalCount > 0)
    const { Error: error } = await say('CreateService', { ServiceName: 'a', Protocol: 'http' })
    assert.equal(error?.Code, 'OperationDenied')
    assert.match(error?.Message ?? '', /tencent-routing\.yaml/)
  })
})

describe('VPC upstreams (seed 002)', () => {
  test('a node list, 3:1, is polled by weight exactly, with the Host header of the upstream', async () => {
    const one = await backend('one')
    const two = await backend('two')
    const upstream = await makeUpstream([node(one, 3), node(two, 1)], {
      UpstreamName: 'orders_nodes',
      UpstreamHost: 'orders.internal:8080',
    })
    const { host } = await publish('seed_002', '/orders', upstream)
    assert.deepEqual(await count(host, '/release/orders', 40), { one: 30, two: 10 })
    assert.equal(one.requests[0]?.field('host'), 'orders.internal:8080')
    assert.equal(one.requests[0]?.target, '/')
    const { UpstreamSet } = await done<{ UpstreamSet: Record<string, unknown>[] }>('DescribeUpstreams', {
      Limit: 20,
      Offset: 0,
      Filters: [{ Name: 'UpstreamName', Values: ['orders_nodes'] }],
    })
    const [info] = UpstreamSet
    assert.deepEqual(
      [info?.Retries, info?.Algorithm, info?.UpstreamType, info?.K8sServices, info?.UpstreamId],
      [5, 'ROUND_ROBIN', 'IP_PORT', null, upstream],
    )
    assert.deepEqual(info?.Nodes, [
      { ...node(one, 3), Healthy: 'OFF' },
      { ...node(two, 1), Healthy: 'OFF' },
    ])
  })

  test('a request to a dead node is tried again on another one', async () => {
    const good = await backend('good')
    const [deadPort] = (await findFreePorts(1)) as [number]
    const upstream = await makeUpstream([node({ port: deadPort }), node(good)])
    const { host } = await publish('seed_002_dead', '/', upstream)
    assert.deepEqual(await count(host, '/release/', 20), { good: 20 })
  })

  test('node 201 and retries 0 and 101 are refused, and nothing is made', async () => {
    const nodes = Array.from({ length: 201 }, (_, i) => ({ Host: `10.1.0.${i}`, Port: 80, Weight: 1 }))
    const fields = { Scheme: 'HTTP', Algorithm: 'ROUND-ROBIN', UniqVpcId: VPC }
    const page = { Limit: 1, Offset: 0 }
    const before = (await done<{ TotalCount: number }>('DescribeUpstreams', page)).TotalCount
    assert.equal(
      await codeOf('CreateUpstream', { ...fields, Nodes: nodes }),
      'InvalidParameterValue.ParameterValueLimitExceeded',
    )
    for (const Retries of [0, 101]) {
      assert.equal(
        await codeOf('CreateUpstream', { ...fields, Nodes: nodes.slice(0, 1), Retries }),
        'InvalidParameterValue.RangeExceeded',
      )
    }
    assert.equal(
      await codeOf('CreateUpstream', { ...fields, Nodes: nodes.slice(0, 1), UpstreamName: 'with-dash' }),
      'InvalidParameterValue',
    )
    assert.equal((await done<{ TotalCount: number }>('DescribeUpstreams', page)).TotalCount, before)
    const kept = await makeUpstream(nodes.slice(0, 200), { Retries: 100 })
    await done('DeleteUpstream', { UpstreamId: kept })
  })

  test('associated APIs are listed; they are to be deleted before the upstream', async () => {
    const one = await backend('one')
    const upstream = await makeUpstream([node(one)])
    const { ServiceId, ApiId, host } = await publish('seed_002_bound', '/a', upstream)
    const { TotalCount, BindApiSet } = await done<{
      TotalCount: number
      BindApiSet: Record<string, string>[]
    }>('DescribeUpstreamBindApis', { UpstreamId: upstream, Limit: 20, Offset: 0 })
    assert.equal(TotalCount, 1)
    assert.deepEqual(
      [BindApiSet[0]?.ApiId, BindApiSet[0]?.ServiceId, BindApiSet[0]?.ServiceName],
      [ApiId, ServiceId, 'seed_002_bound'],
    )
    assert.equal(
      await codeOf('DeleteUpstream', { UpstreamId: upstream }),
      'UnsupportedOperation.ResourceAssociated',
    )
    assert.equal((await ask(host, '/release/a')).body, 'one')
    await done('DeleteApi', { ServiceId, ApiId })
    assert.equal((await ask(host, '/release/a')).status, 404)
    await done('DeleteUpstream', { UpstreamId: upstream })
    await done('DeleteService', { ServiceId, SkipVerification: 1 })
  })

  test('passive checks take a failing node out, and DescribeUpstreams says so', async () => {
    const good = await backend('good')
    const [deadPort] = (await findFreePorts(1)) as [number]
    const upstream = await makeUpstream([node({ port: deadPort }), node(good)], {
      HealthChecker: {
        EnableActiveCheck: false,
        EnablePassiveCheck: true,
        HealthyHttpStatus: '200',
        UnhealthyHttpStatus: '500',
        TcpFailureThreshold: 2,
        TimeoutThreshold: 0,
        HttpFailureThreshold: 0,
        UnhealthyTimeout: 3600,
      },
    })
    const { host } = await publish('seed_002_checks', '/', upstream)
    assert.deepEqual(await count(host, '/release/', 10), { good: 10 })
    const { UpstreamSet } = await done<{ UpstreamSet: { Nodes: { Healthy: string }[] }[] }>(
      'DescribeUpstreams',
      {
        Limit: 20,
        Offset: 0,
        Filters: [{ Name: 'UpstreamId', Values: [upstream] }],
      },
    )
    assert.deepEqual(
      UpstreamSet[0]?.Nodes.map(({ Healthy }) => Healthy),
      ['UNHEALTHY', 'HEALTHY'],
    )
  })
})

describe('conditional routing (seed 000)', () => {
  let stable: Backend
  let gray: Backend
  let other: Backend
  let upstreams: { stable: string; gray: string }
  let service: { ServiceId: string; ApiId: string; host: string }
  let plugin = ''

  before(async () => {
    stable = await backend('stable')
    gray = await backend('gray')
    other = await backend('other')
    upstreams = { stable: await makeUpstream([node(stable)]), gray: await makeUpstream([node(gray)]) }
    service = await publish('seed_000', '/', upstreams.stable)
  })

  /** The policy as the page prints it. */
  function policies(condition: string): string {
    const backend_config = [
      'ServiceType: HTTP',
      'Method: ANY',
      'Path: /',
      "Url: ''",
      `UniqVpcId: ${VPC}`,
      `UpstreamId: ${upstreams.gray}`,
      'Product: upstream',
    ].join('\n')
    return JSON.stringify([{ strategy_name: 'admins', condition, backend_type: 'UPSTREAM', backend_config }])
  }

  const place = () => ({ ServiceId: service.ServiceId, EnvironmentName: 'release' })
  const admin = async (path = '/release/orders') => (await ask(service.host, path, ['UserName: admin'])).body
  const anybody = async (path = '/release/orders') => (await ask(service.host, path)).body

  test('a plugin acts once it is bound: the header decides, all else goes to the default', async () => {
    const made = await done<{ PluginId: string }>('CreatePlugin', {
      PluginName: 'by_user',
      PluginType: 'Routing',
      PluginData: policies("header.UserName = 'admin'"),
    })
    plugin = made.PluginId
    assert.equal(await admin(), 'stable')
    await done('AttachPlugin', { ...place(), PluginId: plugin, ApiIds: [service.ApiId] })
    assert.equal(await admin(), 'gray')
    assert.equal(await anybody(), 'stable')
    assert.equal((await ask(service.host, '/release/orders', ['username: admin'])).body, 'stable')
    assert.equal((await ask(service.host, '/release/orders', ['UserName: Admin'])).body, 'stable')
    assert.equal(gray.requests.at(-1)?.target, '/orders')
  })

  test('a condition that does not parse is refused with its place, and the one in force stays', async () => {
    const { Error: error } = await call('ModifyPlugin', {
      PluginId: plugin,
      PluginData: policies('regex(header.UserName, ^adm)'),
    })
    assert.equal(error?.Code, 'InvalidParameterValue.InvalidCondition')
    assert.match(error?.Message ?? '', /PluginData\[0\]\.condition.*line 1.*column 24/s)
    assert.equal(await admin(), 'gray')
  })

  test('an edit of the plugin acts at once', async () => {
    await done('ModifyPlugin', { PluginId: plugin, PluginData: policies("sysparam.clientIp = '127.0.0.1'") })
    assert.equal(await anybody(), 'gray')
    await done('ModifyPlugin', { PluginId: plugin, PluginData: policies(`header.Host = '${service.host}'`) })
    assert.equal(await anybody(), 'gray')
    await done('ModifyPlugin', { PluginId: plugin, PluginData: policies('Random() < 0.5') })
    const seen = await count(service.host, '/release/', 200)
    assert.ok((seen.gray ?? 0) > 50 && (seen.stable ?? 0) > 50, JSON.stringify(seen))
    await done('ModifyPlugin', { PluginId: plugin, PluginData: policies("header.UserName = 'admin'") })
    assert.deepEqual([await admin(), await anybody()], ['gray', 'stable'])
  })

  test('an edit of the API acts with the next release', async () => {
    await done('ModifyApi', {
      ServiceId: service.ServiceId,
      ApiId: service.ApiId,
      ServiceType: 'MOCK',
      ServiceMockReturnMessage: 'maintenance window',
      RequestConfig: { Path: '/', Method: 'ANY' },
    })
    assert.equal(await anybody(), 'stable')
    await done('ReleaseService', { ...place(), ReleaseDesc: 'second' })
    assert.deepEqual([await admin(), await anybody()], ['gray', 'maintenance window'])
    await done('ModifyApi', {
      ServiceId: service.ServiceId,
      ApiId: service.ApiId,
      ServiceType: 'HTTP',
      ServiceConfig: toUpstream(upstreams.stable),
      RequestConfig: { Path: '/', Method: 'ANY' },
    })
    await done('ReleaseService', { ...place(), ReleaseDesc: 'third' })
    assert.equal(await anybody(), 'stable')
  })

  test('node lists change under load without a failed request', async () => {
    let isOver = false
    const bad: string[] = []
    let good = 0
    const load = async (fields: string): Promise<void> => {
      const client = await connectRaw(gateway.port)
      const head = `GET /release/orders HTTP/1.1\r\nHost: ${service.host}\r\n${fields}\r\n`
      while (!isOver) {
        const answer = await client.exchange(head)
        if (answer.status === 200) good++
        else bad.push(answer.statusLine)
      }
      client.close()
    }
    const running = [load(''), load(''), load('UserName: admin\r\n'), load('UserName: admin\r\n')]
    const lists = [[node(gray), node(other)], [node(other)], [node(gray)], [node(other, 1), node(gray, 100)]]
    for (let i = 0; i < 40; i++) {
      await done('ModifyUpstream', { UpstreamId: upstreams.gray, Nodes: lists[i % lists.length] })
      await done('ModifyUpstream', {
        UpstreamId: upstreams.stable,
        Nodes: i % 2 === 0 ? [node(stable), node(other)] : [node(stable)],
      })
    }
    isOver = true
    await Promise.all(running)
    assert.deepEqual(bad, [])
    assert.ok(good > 100, `${good} requests`)
    assert.ok(other.requests.length > 0)
    // and who is asked now is who stands in the list now
    await done('ModifyUpstream', { UpstreamId: upstreams.gray, Nodes: [node(other)] })
    assert.equal(await admin(), 'other')
  })

  test('taking it offline keeps the binding, and a new release finds it there', async () => {
    await done('UnReleaseService', place())
    assert.equal((await ask(service.host, '/release/orders')).status, 404)
    assert.equal(
      await codeOf('DeletePlugin', { PluginId: plugin }),
      'UnsupportedOperation.ResourceAssociated',
    )
    await done('ReleaseService', { ...place(), ReleaseDesc: 'again' })
    assert.equal(await admin(), 'other')
  })

  test('unbinding acts at once, and then plugin and upstream can be deleted', async () => {
    await done('DetachPlugin', { ...place(), PluginId: plugin, ApiId: service.ApiId })
    assert.equal(await admin(), 'stable')
    assert.equal(
      await codeOf('DeleteUpstream', { UpstreamId: upstreams.gray }),
      'UnsupportedOperation.ResourceAssociated',
    )
    await done('DeletePlugin', { PluginId: plugin })
    await done('DeleteUpstream', { UpstreamId: upstreams.gray })
  })
})
