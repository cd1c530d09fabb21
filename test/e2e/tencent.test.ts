import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Explanation } from '../../src/model/explanation.ts'
import type { JsonObject } from '../../src/model/json.ts'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { startNameServer } from '../support/name-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { findFreePorts, runTool, skipWithout, waitFor } from '../support/tools.ts'

/** Seeds 000 and 002 in their VPC form, and what else spec/tencent.md promises of documents, with traffic. */

const SERVICE = 'service-aaaaaaaa'
const API = 'api-aaaaaaaa'
const HOST = `${SERVICE}.apigw.localhost`
const VPC = 'vpc-s0g8gpo5'

async function startBackends(t: TestContext, count: number): Promise<Backend[]> {
  const started = await Promise.all(Array.from({ length: count }, (_, i) => startBackend(`${i}`)))
  t.after(() => Promise.all(started.map((backend) => backend.close())))
  return started
}

async function start(t: TestContext, flags: readonly string[] = []): Promise<GatewayProcess> {
  const gateway = await startGateway(['--workers', '2', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly localAddress?: string
}

const ask = (gateway: GatewayProcess, path: string, { method = 'GET', headers = {}, ...rest }: Ask = {}) =>
  callHttp({ port: gateway.port, method, path, headers: { host: HOST, ...headers }, ...rest })

type Value = Record<string, unknown>

const upstream = (
  id: string,
  nodes: readonly (readonly [port: number, weight: number])[],
  more: Value = {},
): Value => ({
  UpstreamId: id,
  Scheme: 'HTTP',
  Algorithm: 'ROUND-ROBIN',
  UniqVpcId: VPC,
  Nodes: nodes.map(([Port, Weight]) => ({ Host: '127.0.0.1', Port, Weight })),
  ...more,
})

const service = (more: Value = {}): Value => ({
  ServiceId: SERVICE,
  ServiceName: 'shop',
  Protocol: 'http&https',
  InstanceId: 'instance-1',
  ...more,
})

const toUpstream = (id: string, Path = '/'): Value => ({
  ServiceType: 'HTTP',
  ServiceConfig: { Url: '', Path, Method: 'ANY', Product: 'upstream', UniqVpcId: VPC, UpstreamId: id },
})

const api = (config: Value, more: Value = {}): Value => ({
  ApiId: API,
  ServiceId: SERVICE,
  Protocol: 'HTTP',
  RequestConfig: { Path: '/', Method: 'ANY' },
  ServiceTimeout: 10,
  ...config,
  ...more,
})

const policy = (name: string, condition: string, upstreamId: string, weight = 0): Value => ({
  strategy_name: name,
  strategy_weight: weight,
  condition,
  backend_type: 'UPSTREAM',
  backend_config: `ServiceType: HTTP\nMethod: ANY\nPath: /\nUrl: ''\nUniqVpcId: ${VPC}\nUpstreamId: ${upstreamId}\nProduct: upstream\n`,
})

const plugin = (policies: readonly Value[]): Value => ({
  PluginId: 'plugin-aaaaaaaa',
  PluginName: 'routing',
  PluginType: 'Routing',
  PluginData: JSON.stringify(policies),
})

const attachment: Value = {
  ServiceId: SERVICE,
  EnvironmentName: 'release',
  ApiId: API,
  PluginId: 'plugin-aaaaaaaa',
}
const release: Value = { ServiceId: SERVICE, EnvironmentName: 'release' }
const released = (value: Value): Value => ({ ...release, ApiId: API, Api: value })

const ID_FIELDS: Readonly<Record<string, string>> = {
  upstreams: 'UpstreamId',
  services: 'ServiceId',
  apis: 'ApiId',
  plugins: 'PluginId',
}
const PLACE = `${SERVICE}.release`
const PLACES: Readonly<Record<string, string>> = {
  attachments: `${PLACE}.${API}.routing`,
  releases: PLACE,
  released_apis: `${PLACE}.${API}`,
}

/** Writes documents, `[kind, value]`, as one change. */
async function write(gateway: GatewayProcess, documents: readonly (readonly [string, Value])[]) {
  return gateway.admin('POST', '/headgate/v1/apply', {
    documents: documents.map(([kind, value]) => {
      const id = PLACES[kind] ?? String(value[ID_FIELDS[kind] ?? ''])
      return { dialect: 'tencent', kind, id, value }
    }),
  })
}

async function apply(
  gateway: GatewayProcess,
  documents: readonly (readonly [string, Value])[],
): Promise<void> {
  const answer = await write(gateway, documents)
  assert.equal(answer.status, 200, answer.text)
}

const remove = (gateway: GatewayProcess, kind: string, id: string) =>
  gateway.admin('DELETE', `/headgate/v1/documents/tencent/${kind}/${id}`)

/** The messages of a refusal, each with its place. */
async function faultsOf(
  gateway: GatewayProcess,
  documents: readonly (readonly [string, Value])[],
): Promise<string[]> {
  const answer = await write(gateway, documents)
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
  const { faults } = answer.json as { faults: { path: string; message: string }[] }
  return faults.map(({ path, message }) => `${path}: ${message}`)
}

function count(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

test('seed 000: UserName: admin goes to one upstream, all else to the default; by client, by Host, by chance', async (t) => {
  const [one, other] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await start(t)
  const value = api(toUpstream('upstream-default0'))
  await apply(gateway, [
    ['upstreams', upstream('upstream-default0', [[one.port, 1]])],
    ['upstreams', upstream('upstream-1ca1d6yi', [[other.port, 1]])],
    [
      'services',
      service({
        CustomDomains: [{ Domain: 'blue.test', PathMappings: [{ Path: '/', Environment: 'release' }] }],
      }),
    ],
    ['apis', value],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  const text = async (options: Ask = {}, path = '/release/orders') => {
    const answer = await ask(gateway, path, options)
    assert.equal(answer.status, 200, answer.text)
    return answer.text
  }
  assert.equal(await text({ headers: { UserName: 'admin' } }), '0', 'no plugin is bound yet')
  // binding and edits of a plugin act at once
  await apply(gateway, [
    ['plugins', plugin([policy('admins', "header.UserName = 'admin'", 'upstream-1ca1d6yi')])],
    ['attachments', attachment],
  ])
  assert.equal(await text({ headers: { UserName: 'admin' } }), '1')
  assert.equal(other.requests.at(-1)?.target, '/orders')
  assert.equal(await text({ headers: { UserName: 'Admin' } }), '0')
  assert.equal(await text({ headers: { username: 'admin' } }), '0', 'names are case-sensitive')
  assert.equal(await text(), '0')
  const fields = one.requests.at(-1)
  assert.equal(fields?.field('x-client-proto'), 'http')
  assert.equal(fields?.field('x-client-proto-ver'), 'HTTP/1.1')
  assert.equal(fields?.field('x-api-scheme'), 'http')
  assert.equal(fields?.field('x-real-ip'), '127.0.0.1')
  assert.match(fields?.field('x-api-requestid') ?? '', /./)
  assert.equal(fields?.field('x-forwarded-for'), '127.0.0.1')
  assert.match(fields?.field('x-b3-traceid') ?? '', /^[0-9a-f]{32}$/)
  await text()
  assert.notEqual(one.requests.at(-1)?.field('x-b3-traceid'), fields?.field('x-b3-traceid'))
  await text({ headers: { 'X-B3-TraceId': '463ac35c9f6413ad' } })
  assert.equal(one.requests.at(-1)?.field('x-b3-traceid'), '463ac35c9f6413ad')
  // by client address
  await apply(gateway, [
    ['plugins', plugin([policy('office', "sysparam.clientIp = '127.0.0.2'", 'upstream-1ca1d6yi')])],
  ])
  assert.equal(await text({ localAddress: '127.0.0.2' }), '1')
  assert.equal(await text({ headers: { UserName: 'admin' } }), '0')
  // by Host
  await apply(gateway, [
    ['plugins', plugin([policy('blue', "header.Host = 'blue.test'", 'upstream-1ca1d6yi')])],
  ])
  assert.equal(await text({ headers: { host: 'blue.test' } }, '/orders'), '1')
  assert.equal(await text(), '0')
  // grayscale
  await apply(gateway, [['plugins', plugin([policy('gray', 'Random() < 0.5', 'upstream-1ca1d6yi')])]])
  const answers: string[] = []
  for (let i = 0; i < 200; i++) answers.push(await text())
  const share = (count(answers)['1'] ?? 0) / 200
  assert.ok(share > 0.33 && share < 0.67, String(share))
  // explain names the policy and its condition
  const question = { url: `http://${HOST}/release/orders` }
  const explained = await gateway.admin('POST', '/headgate/v1/explain', question)
  assert.match(explained.text, /plugin-aaaaaaaa/)
  await remove(gateway, 'attachments', PLACES.attachments as string)
  assert.equal(await text(), '0')
})

test('greater weight first, then the newest; a policy that keeps its name keeps its age', async (t) => {
  const backends = await startBackends(t, 4)
  const gateway = await start(t)
  const ids = ['upstream-00000000', 'upstream-11111111', 'upstream-22222222', 'upstream-33333333']
  const value = api(toUpstream(ids[0] as string))
  const to = (i: number, weight = 0) => policy(`p${i}`, 'exists(query.a)', ids[i] as string, weight)
  await apply(gateway, [
    ...ids.map((id, i) => ['upstreams', upstream(id, [[(backends[i] as Backend).port, 1]])] as const),
    ['services', service()],
    ['apis', value],
    ['plugins', plugin([to(1), to(2)])],
    ['attachments', attachment],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  const answer = async () => (await ask(gateway, '/release/?a')).text
  assert.equal(await answer(), '2', 'written together: the later one is newer')
  await apply(gateway, [['plugins', plugin([to(3), to(1), to(2)])]])
  assert.equal(await answer(), '3', 'the one that was added is the newest, wherever it stands')
  await apply(gateway, [['plugins', plugin([to(3), to(1, 1), to(2)])]])
  assert.equal(await answer(), '1', 'the greater weight goes before age')
  assert.equal((await ask(gateway, '/release/')).text, '0')
})

test('seed 002: 3:1 polling is exact, Host goes along, a dead node is passed over, weight 0 gets nothing', async (t) => {
  const [one, two, off] = (await startBackends(t, 3)) as [Backend, Backend, Backend]
  const [dead] = (await findFreePorts(1)) as [number]
  const gateway = await start(t)
  const id = 'upstream-aaaaaaaa'
  const value = api(toUpstream(id))
  await apply(gateway, [
    [
      'upstreams',
      upstream(
        id,
        [
          [one.port, 3],
          [two.port, 1],
          [off.port, 0],
        ],
        { UpstreamHost: 'shop.internal:8080' },
      ),
    ],
    ['services', service()],
    ['apis', value],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  const get = (path = '/release/a', options: Ask = {}) => ask(gateway, path, options)
  const answers: string[] = []
  for (let i = 0; i < 400; i++) answers.push((await get()).text)
  assert.deepEqual(count(answers), { 0: 300, 1: 100 })
  assert.equal(one.requests.at(-1)?.field('host'), 'shop.internal:8080')
  // a dead node, and one that resets before it answers: the request is repeated, a POST with a body too
  await apply(gateway, [
    [
      'upstreams',
      upstream(id, [
        [dead, 1],
        [one.port, 1],
        [two.port, 1],
      ]),
    ],
  ])
  two.answer = (_, socket) => {
    socket.resetAndDestroy()
    return null
  }
  for (let i = 0; i < 12; i++) {
    const answer = await callHttp({
      port: gateway.port,
      method: 'POST',
      path: '/release/a',
      headers: { host: HOST },
      body: 'x',
    })
    assert.deepEqual([answer.status, answer.text], [200, '0'])
  }
  assert.equal(
    one.requests.at(-1)?.field('host'),
    one.node,
    'without UpstreamHost nodes are called by their address',
  )
  // none is left: 502, also where all have weight 0
  await apply(gateway, [['upstreams', upstream(id, [[dead, 1]])]])
  assert.equal((await get()).status, 502)
  await apply(gateway, [['upstreams', upstream(id, [[one.port, 0]])]])
  assert.equal((await get()).status, 502)
  const question = { url: `http://${HOST}/release/a` }
  const { remarks } = (await gateway.admin('POST', '/headgate/v1/explain', question)).json as Explanation
  assert.deepEqual(
    remarks.map(({ origin, message }) => [origin.id, origin.path, /weight 0/.test(message)]),
    [[id, 'Nodes', true]],
  )
  // an error answer is no failure
  one.answer = () => answerText('down', { status: '503 Down' })
  await apply(gateway, [
    [
      'upstreams',
      upstream(id, [
        [one.port, 1],
        [off.port, 1],
      ]),
    ],
  ])
  const statuses = [await get(), await get()].map(({ status }) => status).sort()
  assert.deepEqual(statuses, [200, 503])
})

test('limits of upstreams are refused, nothing is half-applied, and one in use stays', async (t) => {
  const [one] = (await startBackends(t, 1)) as [Backend]
  const gateway = await start(t)
  const id = 'upstream-aaaaaaaa'
  const nodes = Array.from({ length: 201 }, (_, i) => [1 + i, 1] as const)
  const found = await faultsOf(gateway, [
    ['upstreams', upstream(id, nodes, { Retries: 0, UpstreamName: 'a-b' })],
    ['upstreams', upstream('upstream-bbbbbbbb', [[one.port, 1]], { Retries: 101 })],
    ['services', service()],
  ])
  assert.match(found.join('\n'), /Nodes: Nodes has 201 nodes, at most 200/)
  assert.match(found.join('\n'), /UpstreamName: .*a-z A-Z 0-9 and _/)
  assert.equal(found.filter((text) => /Retries must be an integer from 1 to 100/.test(text)).length, 2)
  const value = api(toUpstream(id))
  assert.match(
    (
      await faultsOf(gateway, [
        ['services', service()],
        ['apis', value],
      ])
    )[0] ?? '',
    /there is no tencent\/upstreams/,
  )
  const elsewhere = upstream(id, [[one.port, 1]], { UniqVpcId: 'vpc-other' })
  const wrong = await faultsOf(gateway, [
    ['upstreams', elsewhere],
    ['services', service()],
    ['apis', value],
  ])
  assert.match(wrong.join('\n'), /network vpc-other/)
  const list = await gateway.admin('GET', '/headgate/v1/documents?dialect=tencent')
  assert.deepEqual((list.json as { list: unknown[] }).list, [])
  await apply(gateway, [
    ['upstreams', upstream(id, [[one.port, 1]])],
    ['services', service()],
    ['apis', value],
    ['plugins', plugin([policy('all', 'exists(query.a)', id)])],
    ['releases', release],
    ['released_apis', released(value)],
    ['attachments', attachment],
  ])
  for (const [kind, name] of [
    ['upstreams', id],
    ['plugins', 'plugin-aaaaaaaa'],
    ['services', SERVICE],
    ['apis', API],
  ] as const)
    assert.equal((await remove(gateway, kind, name)).status, 409, kind)
  for (const [kind, name] of [
    ['attachments', PLACES.attachments],
    ['plugins', 'plugin-aaaaaaaa'],
    ['released_apis', PLACES.released_apis],
    ['apis', API],
    ['upstreams', id],
  ] as const)
    assert.ok((await remove(gateway, kind, name as string)).status < 300, kind)
})

test('an API shows its changes only when it is released; 404, 405, 403 and 426 as callers see them', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await start(t)
  const http = (backend: Backend, Path: string): Value => ({
    ServiceType: 'HTTP',
    ServiceConfig: { Url: `http://${backend.node}`, Path, Method: 'ANY' },
  })
  const config = { RequestConfig: { Path: '/product/', Method: 'GET' } }
  const value = api(http(one, ''), config)
  await apply(gateway, [
    ['services', service()],
    ['apis', value],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  assert.equal((await ask(gateway, '/release/product/apigw/document?a=1')).text, '0')
  assert.equal(one.requests.at(-1)?.target, '/apigw/document?a=1')
  assert.equal(one.requests.at(-1)?.field('host'), one.node)
  const other = api(http(two, '/tencent/'), {
    ...config,
    RequestParameters: [{ Name: 'X-Token', Position: 'HEADER', Type: 'string', Required: true }],
  })
  await apply(gateway, [['apis', other]])
  assert.equal((await ask(gateway, '/release/product/apigw/document')).text, '0', 'not released yet')
  await apply(gateway, [['released_apis', released(other)]])
  const missing = await ask(gateway, '/release/product/apigw/document')
  assert.deepEqual([missing.status, missing.headers['x-headgate-error']], [403, 'PARAMETER_MISSING'])
  assert.equal(
    (await ask(gateway, '/release/product/apigw/document', { headers: { 'X-Token': 'x' } })).text,
    '1',
  )
  assert.equal(two.requests.at(-1)?.target, '/tencent/apigw/document')
  for (const [path, method, status] of [
    ['/release/product/x', 'POST', 405],
    ['/release/other', 'GET', 404],
    ['/test/product/x', 'GET', 404],
    ['/product/x', 'GET', 404],
  ] as const)
    assert.equal((await ask(gateway, path, { method })).status, status, `${method} ${path}`)
  assert.equal(
    (await ask(gateway, '/release/product/x', { headers: { host: 'service-x.apigw.localhost' } })).status,
    404,
  )
  const forbidden = api({
    ServiceType: 'HTTP',
    ServiceConfig: { Url: `http://127.0.0.1:${gateway.adminPort}`, Path: '/', Method: 'ANY' },
  })
  await apply(gateway, [
    ['apis', forbidden],
    ['released_apis', released(forbidden)],
  ])
  const refused = await ask(gateway, '/release/')
  assert.deepEqual([refused.status, refused.headers['x-headgate-error']], [403, 'ADMIN_ADDRESS'])
  await apply(gateway, [['services', service({ Protocol: 'https' })]])
  const plain = await ask(gateway, '/release/')
  assert.deepEqual([plain.status, plain.headers['x-headgate-error']], [426, 'PROTOCOL_NOT_ALLOWED'])
})

test('a backend that does not answer within ServiceTimeout is 504, and is not asked again; a client that leaves is 499', async (t) => {
  const [slow, other] = (await startBackends(t, 2)) as [Backend, Backend]
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tencent-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'access.log')
  const gateway = await start(t, ['--access-log', log])
  const id = 'upstream-aaaaaaaa'
  const value = api(toUpstream(id), { ServiceTimeout: 1 })
  await apply(gateway, [
    ['upstreams', upstream(id, [[slow.port, 1]])],
    ['services', service()],
    ['apis', value],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  slow.answer = () => null
  const answer = await ask(gateway, '/release/')
  assert.deepEqual([answer.status, slow.requests.length, other.requests.length], [504, 1, 0])
  // one that leaves while the backend is asked
  await apply(gateway, [['released_apis', released(api(toUpstream(id), { ServiceTimeout: 60 }))]])
  const client = await connectRaw(gateway.port)
  await client.write(`GET /release/gone HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
  await waitFor('the backend to be asked', () => (slow.requests.length === 2 ? true : undefined))
  client.socket.resetAndDestroy()
  const line = await waitFor('the line of the access log', () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .find((text) => text.includes('/gone')),
  )
  const { status, error_code: code } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual([status, code], [499, 'CLIENT_GONE'])
})

test('passive checks take a node out for UnhealthyTimeout, without probes; with none left it is 502', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await start(t)
  const id = 'upstream-aaaaaaaa'
  const value = api(toUpstream(id))
  const HealthChecker = {
    EnableActiveCheck: false,
    EnablePassiveCheck: true,
    HealthyHttpStatus: '200',
    UnhealthyHttpStatus: '500,503',
    TcpFailureThreshold: 1,
    TimeoutThreshold: 1,
    HttpFailureThreshold: 2,
    UnhealthyTimeout: 1,
  }
  await apply(gateway, [
    [
      'upstreams',
      upstream(
        id,
        [
          [one.port, 1],
          [two.port, 1],
        ],
        { HealthChecker },
      ),
    ],
    ['services', service()],
    ['apis', value],
    ['releases', release],
    ['released_apis', released(value)],
  ])
  const get = () => ask(gateway, '/release/')
  one.answer = () => answerText('down', { status: '503 Down' })
  await waitFor('the node to be taken out', async () => {
    const { status } = await get()
    return status === 503 && one.requests.length >= 2 ? true : undefined
  })
  const before = one.requests.length
  for (let i = 0; i < 6; i++) assert.equal((await get()).text, '1')
  assert.equal(one.requests.length, before)
  two.answer = () => answerText('down', { status: '503 Down' })
  await waitFor('both to be out', async () => ((await get()).status === 502 ? true : undefined))
  one.answer = () => answerText('0')
  two.answer = () => answerText('1')
  await waitFor('both to be back', async () => {
    const answers = [(await get()).text, (await get()).text].sort()
    return answers.join() === '0,1' ? true : undefined
  })
})

test('MOCK answers as JSON or text; a pattern with variables fills the backend path, parameters the query', async (t) => {
  const [one] = (await startBackends(t, 1)) as [Backend]
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tencent-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'apis.yaml')
  const apis = [
    {
      ...api({ ServiceType: 'MOCK', ServiceMockReturnMessage: '{"a":1}' }),
      ApiId: 'api-00000001',
      RequestConfig: { Path: '/json', Method: 'ANY' },
    },
    {
      ...api({ ServiceType: 'MOCK', ServiceMockReturnMessage: 'closed: 维护' }),
      ApiId: 'api-00000002',
      RequestConfig: { Path: '/text', Method: 'ANY' },
    },
    {
      ...api({
        ServiceType: 'HTTP',
        ServiceConfig: { Url: `http://${one.node}`, Path: '/v2/{B}/{A}', Method: 'PUT' },
      }),
      ApiId: 'api-00000003',
      RequestConfig: { Path: '/u/{A}/{B}', Method: 'ANY' },
      RequestParameters: [{ Name: 'size', Position: 'QUERY', DefaultValue: '20' }],
      ServiceParameters: [
        {
          Name: 'letters',
          Position: 'QUERY',
          RelevantRequestParameterName: 'A',
          RelevantRequestParameterPosition: 'PATH',
        },
      ],
    },
  ]
  const root = { tencent: { services: [service({ Protocol: 'http' })], apis, releases: [release] } }
  writeFileSync(file, toYaml(root as never))
  const headgate = resolve(ROOT, 'bin/headgate.js')
  const checked = await runTool(process.execPath, [headgate, 'validate', '-f', file])
  assert.equal(checked.code, 0, checked.stdout)
  const gateway = await start(t, ['--config', file])
  const json = await ask(gateway, '/release/json')
  assert.deepEqual(
    [json.status, json.headers['content-type'], json.json],
    [200, 'application/json', { a: 1 }],
  )
  const text = await ask(gateway, '/release/text')
  assert.deepEqual([text.headers['content-type'], text.text], ['text/plain; charset=utf-8', 'closed: 维护'])
  assert.equal((await ask(gateway, '/release/u/x/y/z?q=1')).text, '0')
  assert.equal(one.requests.at(-1)?.requestLine, 'PUT /v2/z/x/y?size=20&letters=x%2Fy&q=1 HTTP/1.1')
})

test('the command line applies, shows, explains and deletes Tencent documents', async (t) => {
  const gateway = await start(t)
  const headgate = resolve(ROOT, 'bin/headgate.js')
  const server = ['--server', `http://127.0.0.1:${gateway.adminPort}`, '--admin-key', gateway.key]
  const run = (...args: string[]) => runTool(process.execPath, [headgate, ...args, ...server])
  const file = join(ROOT, 'examples/tencent-routing.yaml')
  const applied = await run('apply', '-f', file)
  assert.equal(applied.code, 0, applied.stdout + applied.stderr)
  const same = await run('diff', '-f', file)
  assert.equal(same.code, 0, same.stdout)
  const got = await run('get', 'tencent/upstreams')
  assert.match(got.stdout, /upstream-1ca1d6yi/)
  const described = await run('describe', 'plugin', 'plugin-tenant01')
  assert.match(described.stdout, /admins/)
  const explained = await run(
    'explain',
    'http://service-shop0001.apigw.localhost/release/orders/1',
    '-H',
    'UserName: admin',
  )
  assert.match(explained.stdout, /plugin-tenant01/, explained.stdout + explained.stderr)
  assert.match(explained.stdout, /connect 5 s send 15 s read 15 s, all attempts 15 s \(the route’s own\)/)
  const refused = await run('delete', 'tencent/upstream', 'upstream-1ca1d6yi', '--yes')
  assert.notEqual(refused.code, 0)
  assert.match(refused.stdout + refused.stderr, /still uses it/)
})

test('https: certificates behind a Url of the internet are verified, those of VPC resources and nodes are not', async (t) => {
  const skip = skipWithout('openssl')
  if (skip !== false) return t.skip(skip)
  const { cert, key } = makeCertificate(t, ['localhost'])
  const server = createServer({ cert, key }, (request, response) => response.end(request.headers.host))
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const gateway = await start(t)
  const Url = `https://127.0.0.1:${port}`
  const to = (config: Value): Value => ({
    ServiceType: 'HTTP',
    ServiceConfig: { Path: '/', Method: 'ANY', ...config },
  })
  const serve = async (config: Value): Promise<void> => {
    await apply(gateway, [
      ['upstreams', upstream('upstream-aaaaaaaa', [[port, 1]], { Scheme: 'HTTPS' })],
      ['services', service()],
      ['apis', api(to(config))],
      ['releases', release],
      ['released_apis', released(api(to(config)))],
    ])
  }
  await serve({ Url, Product: 'cvm', UniqVpcId: VPC })
  const own = await ask(gateway, '/release/')
  assert.deepEqual([own.status, own.text], [200, `127.0.0.1:${port}`])
  await serve({ Product: 'upstream', UniqVpcId: VPC, UpstreamId: 'upstream-aaaaaaaa' })
  assert.equal((await ask(gateway, '/release/')).status, 200)
  await serve({ Url })
  const refused = await ask(gateway, '/release/')
  assert.deepEqual([refused.status, refused.headers['x-headgate-error']], [502, 'UPSTREAM_TLS_FAILED'])
})

/** A gateway with these settings beside its flags. */
async function startWith(
  t: TestContext,
  settings: Value,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tencent-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'settings.yaml'), toYaml(settings as JsonObject))
  const gateway = await startGateway(['--workers', '1', '--settings', join(folder, 'settings.yaml')], env)
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

/** APIs of one service, released: paths to the rest of each. */
async function serveApis(gateway: GatewayProcess, apis: Readonly<Record<string, Value>>): Promise<void> {
  const values = Object.entries(apis).map(([Path, value], i): Value & { readonly ApiId: string } => ({
    ...api(value, { RequestConfig: { Path, Method: 'ANY' } }),
    ApiId: `api-0000000${i}`,
  }))
  const documents = values.map((value) => ({
    dialect: 'tencent',
    kind: 'released_apis',
    id: `${PLACE}.${value.ApiId}`,
    value: { ...release, ApiId: value.ApiId, Api: value },
  }))
  const answer = await gateway.admin('POST', '/headgate/v1/apply', {
    documents: [
      { dialect: 'tencent', kind: 'services', id: SERVICE, value: service() },
      ...values.map((value) => ({ dialect: 'tencent', kind: 'apis', id: value.ApiId, value })),
      { dialect: 'tencent', kind: 'releases', id: PLACE, value: release },
      ...documents,
    ],
  })
  assert.equal(answer.status, 200, answer.text)
}

test('functions of type EVENT are told of requests, and say what the client gets', async (t) => {
  const [fn] = (await startBackends(t, 1)) as [Backend]
  const gateway = await startWith(t, {
    tencent: {
      functions: {
        'default/whole/$LATEST': `http://127.0.0.1:${fn.port}/2015/invoke`,
        'default/plain/$LATEST': `http://127.0.0.1:${fn.port}`,
      },
    },
  })
  const to = (name: string, more: Value = {}) => ({
    ServiceType: 'SCF',
    ServiceScfFunctionName: name,
    ...more,
  })
  await serveApis(gateway, {
    '/whole/{id}': to('whole', {
      ServiceScfIsIntegratedResponse: true,
      ServiceTimeout: 1,
      RequestParameters: [
        { Name: 'id', Position: 'PATH' },
        { Name: 'size', Position: 'QUERY' },
      ],
    }),
    '/plain': to('plain', { IsBase64Encoded: true }),
  })
  const json = (value: unknown) =>
    answerText(JSON.stringify(value), { headers: ['Content-Type: application/json'] })
  const call = (path: string, body?: string, headers: Readonly<Record<string, string>> = {}) =>
    callHttp({ port: gateway.port, method: 'POST', path, body, headers: { host: HOST, ...headers } })
  fn.answer = () =>
    json({
      isBase64Encoded: true,
      statusCode: 418,
      headers: { 'X-Fn': '1' },
      body: Buffer.from('tea').toString('base64'),
    })
  const integrated = await call('/release/whole/7?size=2&x=1&x=2', '{"a":"\u00fc"}', {
    'x-own': 'a',
    'content-type': 'application/x-own',
    connection: 'close',
  })
  assert.deepEqual([integrated.status, integrated.text, integrated.headers['x-fn']], [418, 'tea', '1'])
  const sent = fn.requests.at(-1)
  assert.equal(sent?.requestLine, 'POST /2015/invoke HTTP/1.1')
  assert.equal(sent?.field('content-type'), 'application/json')
  assert.equal(sent?.field('x-own'), undefined, 'what the client sent stands in the event')
  const event = JSON.parse(Buffer.from(sent?.body ?? '', 'latin1').toString('utf8'))
  const { requestContext, headers, ...rest } = event
  assert.match(requestContext.requestId, /./)
  assert.deepEqual(
    { ...requestContext, requestId: '' },
    {
      serviceId: SERVICE,
      path: '/whole/{id}',
      httpMethod: 'ANY',
      requestId: '',
      identity: {},
      sourceIp: '127.0.0.1',
      stage: 'release',
    },
  )
  assert.deepEqual(
    [headers.host, headers['x-own'], headers['content-type'], headers['x-forwarded-for'], headers.connection],
    [HOST, 'a', 'application/x-own', '127.0.0.1', undefined],
  )
  assert.deepEqual(rest, {
    body: '{"a":"\u00fc"}',
    pathParameters: { id: '7' },
    queryStringParameters: { size: '2' },
    headerParameters: {},
    stageVariables: { stage: 'release' },
    path: '/whole/7',
    queryString: { size: '2', x: ['1', '2'] },
    httpMethod: 'POST',
    isBase64Encoded: false,
  })

  // an answer that says nothing of the kind, one that is cut, one that is too long, none
  fn.answer = () => json({ status: 200 })
  const malformed = await call('/release/whole/7')
  assert.deepEqual([malformed.status, malformed.headers['x-headgate-error']], [403, 'UPSTREAM_BAD_ANSWER'])
  const { errno, error } = malformed.json as { errno: number; error: string }
  assert.deepEqual([errno, error], [403, 'statusCode must be an integer from 200 to 599'])
  fn.answer = (_, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"statusCode"')
    return null
  }
  const cut = await call('/release/whole/7')
  assert.deepEqual([cut.status, cut.headers['x-headgate-error']], [502, 'UPSTREAM_CUT'])
  fn.answer = () => json({ statusCode: 200, body: 'x'.repeat(1_048_577) })
  const long = await call('/release/whole/7')
  assert.deepEqual(
    [long.status, long.headers['x-headgate-error'], long.headers['x-headgate-limit']],
    [502, 'UPSTREAM_BAD_ANSWER', 'maxInspectedBodyBytes'],
  )
  fn.answer = () => null
  assert.equal((await call('/release/whole/7')).status, 504)
  // a kept connection that is gone: the event is sent again
  fn.answer = () => json({ statusCode: 200, body: 'again' })
  assert.equal((await call('/release/whole/7')).text, 'again')
  fn.answer = (request, socket) => {
    if (request.index === 0) return json({ statusCode: 200, body: 'fresh' })
    socket.resetAndDestroy()
    return null
  }
  assert.equal((await call('/release/whole/7', 'x'.repeat(100_000))).text, 'fresh')

  // not integrated: the function's JSON goes out as it came; bodies as base64 where the API says so
  fn.answer = () => json({ any: 'thing' })
  const plain = await call('/release/plain/x', '\u00ff')
  assert.deepEqual([plain.status, plain.json], [200, { any: 'thing' }])
  const told = JSON.parse(fn.requests.at(-1)?.body ?? '')
  assert.deepEqual([fn.requests.at(-1)?.target, told.body, told.isBase64Encoded], ['/', 'w78=', true])
  const before = fn.requests.length
  const large = await call('/release/plain', 'x'.repeat(1_048_577))
  assert.deepEqual([large.status, large.headers['x-headgate-limit']], [413, 'maxInspectedBodyBytes'])
  assert.equal(fn.requests.length, before)
  // explain shows the event
  const question = { url: `http://${HOST}/release/whole/7?size=3`, method: 'PUT', body: 'b' }
  const explained = (await gateway.admin('POST', '/headgate/v1/explain', question)).json as Value
  const { method, target, event: shown } = explained.sending as Record<string, string>
  assert.deepEqual([method, target], ['POST', '/2015/invoke'])
  assert.match(shown ?? '', /"serviceId":"service-aaaaaaaa","path":"\/whole\/\{id\}"/)
  assert.equal(fn.requests.length, before)
})

test('microservices: the request names one, sessions stick to an instance, and a breaker keeps off what fails', async (t) => {
  const skip = skipWithout('dnsmasq')
  if (skip !== false) return t.skip(skip)
  const one = await startBackend('one', { host: '127.0.0.2' })
  const two = await startBackend('two', { host: '127.0.0.3', port: one.port })
  const stock = await startBackend('stock')
  t.after(() => Promise.all([one, two, stock].map((backend) => backend.close())))
  const names = await startNameServer({ hosts: { 'billing.test': ['127.0.0.2', '127.0.0.3'] } })
  t.after(() => names.close())
  const gateway = await startWith(t, {
    dns: { servers: [names.address] },
    tencent: {
      microservices: {
        'cls-1/namespace-1/billing': `billing.test:${one.port}`,
        'cls-1/namespace-2/stock': stock.node,
      },
      namespace_codes: { 'namespace-1': 'prod' },
    },
  })
  const MicroServices = [
    { ClusterId: 'cls-1', NamespaceId: 'namespace-1', MicroServiceName: 'billing' },
    { ClusterId: 'cls-1', NamespaceId: 'namespace-2', MicroServiceName: 'stock' },
  ]
  await serveApis(gateway, {
    '/m': {
      ServiceType: 'TSF',
      MicroServices,
      ServiceConfig: { Url: '', Path: '/v1', Method: 'ANY' },
      ServiceTsfLoadBalanceConf: { SessionStickRequired: true, SessionStickTimeout: 60 },
      ServiceTsfHealthCheckConf: {
        IsHealthCheck: true,
        RequestVolumeThreshold: 3,
        ErrorThresholdPercentage: 50,
        SleepWindowInMilliseconds: 300,
      },
    },
  })
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(gateway, path, { headers })
  const billing = { 'X-NameSpace-Code': 'prod', 'x-microservice-name': 'billing' }
  await waitFor('the name to be known', async () =>
    (await get('/release/m', billing)).status === 200 ? true : undefined,
  )
  // without a cookie in turn, with it where it says
  const first = await get('/release/m/a?b', billing)
  const cookie = String(first.headers['set-cookie'])
  assert.match(cookie, /^apigw_[0-9a-f]{12}=[\w-]+; Path=\/; Max-Age=60; HttpOnly$/)
  const kept = first.text === 'one' ? one : two
  assert.equal(kept.requests.at(-1)?.target, '/v1/a?b')
  const other = kept === one ? 'two' : 'one'
  const turns = count([(await get('/release/m', billing)).text, (await get('/release/m', billing)).text])
  assert.deepEqual(turns, { one: 1, two: 1 })
  for (let i = 0; i < 4; i++) {
    const answer = await get('/release/m', { ...billing, cookie: cookie.split(';')[0] as string })
    assert.deepEqual([answer.text, answer.headers['set-cookie']], [first.text, undefined])
  }
  const moved = await (async () => {
    await kept.close()
    return get('/release/m', { ...billing, cookie: cookie.split(';')[0] as string })
  })()
  assert.equal(moved.text, other, 'an instance that is gone loses its clients')
  assert.match(String(moved.headers['set-cookie']), /^apigw_/)
  // in the query as well, by the id of a namespace without a code; none of them: 404
  const toStock = '/release/m?X-NameSpace-Code=namespace-2&X-MicroService-Name=stock'
  assert.equal((await get(toStock)).text, 'stock')
  for (const path of ['/release/m', '/release/m?X-NameSpace-Code=prod&X-MicroService-Name=stock']) {
    const none = await get(path)
    assert.deepEqual([none.status, none.headers['x-headgate-error']], [404, 'MICROSERVICE_NOT_NAMED'])
  }
  // three requests, two of them failures: the circuit is open, and closes when one goes well
  stock.answer = () => answerText('down', { status: '500 Down' })
  assert.deepEqual([(await get(toStock)).status, (await get(toStock)).status], [500, 500])
  const asked = stock.requests.length
  assert.equal((await get(toStock)).status, 502)
  assert.equal(stock.requests.length, asked)
  stock.answer = () => answerText('up')
  await waitFor('the circuit to close', async () => ((await get(toStock)).text === 'up' ? true : undefined))
})

/** A call as the vendor's clients sign it. */
function signedCall(
  gateway: GatewayProcess,
  action: string,
  params: Value,
  { secretId, secretKey }: { readonly secretId: string; readonly secretKey: string },
) {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const body = JSON.stringify(params)
  const host = `127.0.0.1:${gateway.adminPort}`
  const seconds = Math.floor(Date.now() / 1000)
  const date = new Date(seconds * 1000).toISOString().slice(0, 10)
  const fields = `content-type:application/json\nhost:${host}\nx-tc-action:${action.toLowerCase()}\n`
  const canonical = `POST\n/\n\n${fields}\ncontent-type;host;x-tc-action\n${hash(body)}`
  const scope = `${date}/apigateway/tc3_request`
  const key = hmac(hmac(hmac(`TC3${secretKey}`, date), 'apigateway'), 'tc3_request')
  const signature = hmac(key, `TC3-HMAC-SHA256\n${seconds}\n${scope}\n${hash(canonical)}`).toString('hex')
  return callHttp({
    port: gateway.adminPort,
    method: 'POST',
    path: '/tencent',
    body,
    headers: {
      host,
      'content-type': 'application/json',
      'x-tc-action': action,
      'x-tc-version': '2018-08-08',
      'x-tc-timestamp': String(seconds),
      authorization: `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=content-type;host;x-tc-action, Signature=${signature}`,
    },
  })
}

test('calls that are signed with a known SecretId need no key, and do what its role may', async (t) => {
  const secretKey = 'secret-key-of-the-tests-00000001'
  const gateway = await startWith(
    t,
    {
      tencent: {
        credentials: {
          AKIDwriter: { SecretKey: `\${{TENCENT_SECRET}}` },
          AKIDreader: { SecretKey: `${secretKey}-r`, role: 'viewer' },
        },
      },
    },
    { TENCENT_SECRET: secretKey },
  )
  const codeOf = async (action: string, params: Value, secretId: string, key = secretKey) => {
    const { json } = await signedCall(gateway, action, params, { secretId, secretKey: key })
    return (json as { Response: { Error?: { Code: string } } }).Response.Error?.Code ?? 'done'
  }
  const create = { ServiceName: 'signed', Protocol: 'http' }
  assert.equal(await codeOf('CreateService', create, 'AKIDwriter'), 'done')
  assert.equal(await codeOf('DescribeServicesStatus', {}, 'AKIDreader', `${secretKey}-r`), 'done')
  assert.equal(await codeOf('CreateService', create, 'AKIDreader', `${secretKey}-r`), 'UnauthorizedOperation')
  assert.equal(await codeOf('CreateService', create, 'AKIDwriter', 'x'), 'AuthFailure.SignatureFailure')
  assert.equal(await codeOf('CreateService', create, 'AKIDnobody'), 'AuthFailure.SecretIdNotFound')
  const history = await gateway.admin('GET', '/headgate/v1/history')
  assert.match(history.text, /"author":"AKIDwriter"/)
})
