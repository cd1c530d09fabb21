import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { CERT_A, KEY_A } from '../../src/dialects/apisix/testing/certificates.ts'
import { startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { findFreePorts } from '../support/tools.ts'

/** What the description says, as far as this test reads it. */
interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

interface Operation {
  readonly operationId: string
  /** Of what is answered at another listener than the rest. */
  readonly servers?: readonly unknown[]
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required?: boolean
  readonly schema: { readonly type?: string; readonly default?: unknown; readonly enum?: readonly unknown[] }
}

/** Named parts of paths and query parameters for which a call needs a value that exists: by operation and name, or by name alone. */
const VALUES: Readonly<Record<string, string>> = {
  id: '1',
  dialect: 'apisix',
  kind: 'routes',
  name: 'traffic-split',
  resource: 'route',
  revision: '1',
  all: 'true',
  follow: 'false',
  'getSchemaDialect.dialect': 'native',
  'apisixGetService.id': 's1',
  'apisixGetUpstream.id': 'u1',
  'getUpstreamsIdEndpoints.id': 'u1',
  'apisixGetSsl.id': 'c1',
  'apisixGetConsumer.id': 'jack',
  'getV1HealthcheckKindId.kind': 'upstreams',
  'getV1HealthcheckKindId.id': 'u1',
  'apisixGetPluginConfig.id': 'p1',
  project: 'shop',
  proxy: 'orders',
  environment: 'production',
  'apinizerTargets.id': 'shop.orders',
  mesh: 'default',
}
/** What is called so at the control plane of a mesh, by what stands before the name. */
const MESH_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\/dataplanes[^/]*\/\{name\}/, 'site-1'],
  [/\/external-services\/\{name\}/, 'pay'],
  [/\/traffic-routes\/\{name\}/, 'route-all-default'],
  [/\/service-insights\/\{name\}/, 'site'],
]
/** Query parameters that calls go with, beside those that are required. */
const ASKED = new Set(['all', 'follow'])

async function fill(gateway: GatewayProcess, node: string): Promise<void> {
  const documents = {
    'consumers/jack': { username: 'jack', plugins: { 'key-auth': { key: 'one' } } },
    'ssls/c1': { type: 'client', cert: CERT_A, key: KEY_A },
    'upstreams/u1': {
      nodes: { [node]: 1 },
      labels: { team: 'a' },
      checks: { active: { type: 'tcp' } },
    },
    'services/s1': { upstream_id: 'u1', name: 'shop' },
    'plugin_configs/p1': { plugins: { 'response-rewrite': { headers: { set: { 'X-A': 'b' } } } } },
    'routes/1': {
      uri: '/shop/*',
      host: 'shop.example',
      methods: ['GET'],
      vars: [['arg_a', '==', '1']],
      remote_addrs: ['127.0.0.0/8', '::1'],
      plugins: {
        'traffic-split': {
          rules: [
            {
              match: [{ vars: [['http_x', '==', 'y']] }],
              weighted_upstreams: [
                { upstream: { nodes: [{ host: '127.0.0.1', port: 1, weight: 3 }] }, weight: 2 },
              ],
            },
          ],
        },
        redirect: { bad: 1, _meta: { disable: true } },
      },
      plugin_config_id: 'p1',
      service_id: 's1',
      timeout: { connect: 1, send: 2, read: 3 },
    },
    'routes/2': { uris: ['/a', '/b'], upstream: { nodes: { [node]: 1 }, retries: 1 }, priority: 3 },
    'stream_routes/1': { server_port: 9100, upstream: { nodes: { [node]: 1 } } },
  }
  for (const [key, value] of Object.entries(documents)) {
    const answer = await gateway.admin('PUT', `/apisix/admin/${key}`, value)
    assert.equal(answer.status, 201, `${key}: ${answer.text}`)
  }
  const proxy = {
    apiProxyName: 'orders',
    apiProxyCreationType: 'REVERSE_PROXY',
    clientRoute: { relativePathList: ['/orders'] },
    routingInfo: { routingAddressList: [{ address: `http://${node}` }] },
    deploy: true,
    deployTargetEnvironmentNameList: ['production'],
  }
  const made = await gateway.admin('POST', '/apiops/projects/shop/apiProxies/url/', proxy)
  assert.equal(made.status, 200, made.text)
}

async function fillMesh(port: number): Promise<void> {
  const documents = {
    'meshes/default': { type: 'Mesh', name: 'default' },
    'meshes/default/dataplanes/site-1': {
      type: 'Dataplane',
      mesh: 'default',
      name: 'site-1',
      networking: {
        address: '10.1.0.1',
        inbound: [{ port: 9000, servicePort: 8080, tags: { 'kuma.io/service': 'site' } }],
        outbound: [{ port: 10_001, tags: { 'kuma.io/service': 'site' } }],
      },
    },
    'meshes/default/external-services/pay': {
      type: 'ExternalService',
      mesh: 'default',
      name: 'pay',
      tags: { 'kuma.io/service': 'pay' },
      networking: { address: '10.1.0.9:443' },
    },
  }
  for (const [key, value] of Object.entries(documents)) {
    const answer = await fetch(`http://127.0.0.1:${port}/${key}`, {
      method: 'PUT',
      body: JSON.stringify(value),
    })
    assert.ok(answer.ok, `${key}: ${await answer.text()}`)
  }
}

/** Status, type and text; of a stream only its head. */
function read(
  gateway: GatewayProcess,
  path: string,
  port = gateway.adminPort,
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': gateway.key }
    const call = request({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
      const status = answer.statusCode ?? 0
      const type = (answer.headers['content-type'] ?? '').split(';')[0] as string
      if (type === 'text/event-stream') {
        call.on('error', () => {}) // what follows from our going away
        call.destroy()
        resolve({ status, type, text: '' })
        return
      }
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status, type, text }))
      answer.on('error', reject)
    })
    call.on('error', reject)
    call.end()
  })
}

/** The path of a call with every part that it must have. */
function callOf(path: string, { operationId, servers, parameters = [] }: Operation): string {
  let filled = path
  const query = new URLSearchParams()
  for (const { name, in: place, required, schema } of parameters) {
    if (place === 'query' && required !== true && !ASKED.has(name)) continue
    const inMesh = servers === undefined ? undefined : MESH_NAMES.find(([fits]) => fits.test(path))?.[1]
    const known = name === 'name' ? (inMesh ?? VALUES[name]) : VALUES[name]
    const value = VALUES[`${operationId}.${name}`] ?? known ?? schema.default ?? schema.enum?.[0]
    assert.ok(value !== undefined, `VALUES of this test needs a value for ${operationId}.${name}`)
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)))
    else query.set(name, String(value))
  }
  return query.size === 0 ? filled : `${filled}?${query}`
}

test('every GET of a running gateway answers as the description says', { timeout: 60_000 }, async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  // without a listener for streams their routes are refused
  const [meshPort = 0] = await findFreePorts(1)
  const gateway = await startGateway(['--listen-tcp', '127.0.0.1:0', '--kuma', `127.0.0.1:${meshPort}`])
  t.after(() => gateway.stop())
  await fill(gateway, `127.0.0.1:${backend.port}`)
  await fillMesh(meshPort)

  const served = await gateway.admin('GET', '/headgate/v1/openapi.json')
  assert.equal(served.status, 200)
  const api = served.json as Api
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(api, 'api')
  const escaped = (part: string): string =>
    encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))

  let calls = 0
  for (const [path, { get }] of Object.entries(api.paths)) {
    if (get === undefined) continue
    const target = callOf(path, get)
    const port = get.servers === undefined ? gateway.adminPort : meshPort
    const { status, type, text } = await read(gateway, target, port)
    assert.equal(status, 200, `${target}: ${text.slice(0, 300)}`)
    const described = get.responses[status]?.content ?? {}
    assert.ok(type in described, `${target}: ${type}, described: ${Object.keys(described)}`)
    if (type.endsWith('json')) {
      const pointer = ['paths', path, 'get', 'responses', '200', 'content', type, 'schema'].map(escaped)
      const validate = ajv.compile({ $ref: `api#/${pointer.join('/')}` })
      const isValid = validate(JSON.parse(text))
      assert.ok(isValid, `${target}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`)
    }
    calls++
  }
  assert.ok(calls >= 18, `${calls} calls`)
  t.diagnostic(`${calls} answers hold what is described`)

  // and a refusal has the described shape
  const problem = await gateway.admin('GET', '/headgate/v1/history?limit=0')
  assert.equal(problem.status, 400)
  const isProblem = ajv.compile({ $ref: 'api#/components/schemas/Problem' })
  assert.ok(isProblem(problem.json), ajv.errorsText(isProblem.errors))
})
