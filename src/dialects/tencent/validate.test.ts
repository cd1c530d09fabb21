import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DialectSettings } from '../dialect.ts'
import { faultsOf, settingsWith } from './testing/translate.ts'

/** Ranges and choices of fields (spec/tencent.md 1 and 2.1), at their edges. What else is refused: cases/faults-*.case. */

type Value = Record<string, unknown>

const api = (more: Value = {}): Value => ({
  ApiId: 'api-aaaaaaaa',
  ServiceId: 'service-aaaaaaaa',
  Protocol: 'HTTP',
  RequestConfig: { Path: '/', Method: 'ANY' },
  ServiceType: 'MOCK',
  ServiceTimeout: 15,
  ServiceMockReturnMessage: 'x',
  ...more,
})

const service = (more: Value = {}): Value => ({
  ServiceId: 'service-aaaaaaaa',
  ServiceName: 'shop',
  Protocol: 'http',
  ...more,
})

const mock = { ServiceType: 'MOCK', ServiceMockReturnMessage: 'x' }

const policy = (more: Value = {}): Value => ({
  strategy_name: 'a',
  condition: "path = '/a'",
  backend_type: 'MOCK',
  backend_config: mock,
  ...more,
})

const plugin = (more: Value = {}): Value => ({
  PluginId: 'plugin-aaaaaaaa',
  PluginName: 'routing',
  PluginType: 'Routing',
  PluginData: JSON.stringify([policy()]),
  ...more,
})

const withPolicy = (more: Value): Value => plugin({ PluginData: JSON.stringify([policy(more)]) })

function check(kind: string, value: Value, settings: DialectSettings = settingsWith()): readonly string[] {
  return faultsOf(kind, JSON.stringify(value), settings)
}

function accepts(kind: string, ...values: readonly Value[]): void {
  for (const value of values) assert.deepEqual(check(kind, value), [], JSON.stringify(value))
}

/** One fault, which names the place and the code. */
function refuses(kind: string, value: Value, place: string, code: string): void {
  const faults = check(kind, value)
  assert.equal(faults.length, 1, `${JSON.stringify(value)}: ${faults.join('\n')}`)
  assert.ok(faults[0]?.startsWith(`${place}: [${code}] `), faults[0])
}

const LENGTH = 'InvalidParameterValue.LengthExceeded'
const RANGE = 'InvalidParameterValue.RangeExceeded'
const OPTION = 'InvalidParameterValue.NotInOptions'
const VALUE = 'InvalidParameterValue'

test('a service: names of 50 characters, three protocols, two kinds of networks, both IP versions', () => {
  accepts(
    'services',
    service({ ServiceName: 'a' }),
    service({ ServiceName: 'A9_'.padEnd(50, 'x') }),
    ...['http', 'https', 'http&https'].map((Protocol) => service({ Protocol })),
    service({ NetTypes: [] }),
    service({ NetTypes: ['OUTER', 'INNER'] }),
    ...['IPv4', 'IPv6'].map((IpVersion) => service({ IpVersion })),
  )
  refuses('services', service({ ServiceName: 'a'.repeat(51) }), 'ServiceName', LENGTH)
  refuses('services', service({ ServiceName: 'a.b' }), 'ServiceName', VALUE)
  refuses('services', service({ Protocol: 'HTTP' }), 'Protocol', OPTION)
  refuses('services', service({ NetTypes: ['OUTER', 'outer'] }), 'NetTypes[1]', OPTION)
})

test('a custom domain: three rows, of environments that exist', () => {
  const rows = ['/a', '/b', '/c', '/d'].map((Path) => ({ Path, Environment: 'prepub' }))
  const domain = (PathMappings: unknown) =>
    service({ CustomDomains: [{ Domain: 'shop.example.com', PathMappings }] })
  accepts('services', domain(rows.slice(0, 1)), domain(rows.slice(0, 3)))
  const place = 'CustomDomains[0].PathMappings'
  refuses('services', domain(rows), place, 'InvalidParameterValue.ParameterValueLimitExceeded')
  refuses(
    'services',
    domain([{ Path: '/', Environment: 'live' }]),
    `${place}[0].Environment`,
    'InvalidParameterValue.InvalidEnv',
  )
})

test('an API: a name of 60 characters, HTTP or WEBSOCKET, half an hour at most', () => {
  accepts(
    'apis',
    api({ ApiName: 'a'.repeat(60) }),
    api({ Protocol: 'WEBSOCKET' }),
    api({ ServiceTimeout: 1800 }),
  )
  refuses('apis', api({ ApiName: 'a'.repeat(61) }), 'ApiName', LENGTH)
  refuses('apis', api({ Protocol: 'WS' }), 'Protocol', OPTION)
  refuses('apis', api({ ServiceTimeout: 1801 }), 'ServiceTimeout', RANGE)
  refuses('apis', api({ ServiceTimeout: null }), 'ServiceTimeout', 'MissingParameter')
})

test('an API takes each of nine methods, and no other', () => {
  const methods = ['ANY', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PATCH']
  const of = (Method: string) => api({ RequestConfig: { Path: '/', Method } })
  accepts('apis', ...methods.map(of))
  for (const method of ['get', 'CONNECT', 'LINK', '*'])
    refuses('apis', of(method), 'RequestConfig.Method', 'InvalidParameterValue.InvalidMethod')
})

test('parameters: three positions, required or not, with types and remarks', () => {
  const parameter = { Name: 'id', Type: 'string', DefaultValue: '', Required: true, Desc: 'which one' }
  const of = (Position: string) =>
    api({
      RequestConfig: { Path: '/{id}', Method: 'GET' },
      RequestParameters: [{ ...parameter, Position }],
    })
  accepts('apis', of('header'), of('query'), of('path'))
  refuses('apis', of('body'), 'RequestParameters[0].Position', OPTION)
})

test('types of backends: what a newer ServiceType says Product says too, and what is not served is refused by name', () => {
  const Url = 'http://10.0.0.1'
  const to = (ServiceType: string, config: Value) =>
    api({ ServiceType, ServiceConfig: { Path: '/', Method: 'ANY', ...config } })
  const vpc = { UniqVpcId: 'vpc-aaaa1111' }
  const upstream = { ...vpc, UpstreamId: 'upstream-aaaaaaaa' }
  accepts(
    'apis',
    to('HTTP', { Url }),
    to('VPC', { Url, ...vpc, Product: 'clb' }),
    to('VPC', { Url, ...vpc, Product: 'cvm' }),
    to('UPSTREAM', { ...upstream, Product: 'upstream' }),
  )
  const product = 'ServiceConfig.Product'
  refuses('apis', to('VPC', { Url, ...vpc }), product, 'MissingParameter')
  refuses('apis', to('UPSTREAM', upstream), product, 'MissingParameter')
  refuses('apis', to('UPSTREAM', { ...vpc, Url, Product: 'clb' }), product, VALUE)
  refuses('apis', to('VPC', { Url, ...upstream, Product: 'upstream' }), product, VALUE)
  for (const type of ['GRPC', 'EB', 'COS', 'mock']) refuses('apis', to(type, { Url }), 'ServiceType', OPTION)
  refuses('apis', to('TARGET', { Url }), 'ServiceType', 'UnsupportedOperation')
})

test('what an API may ask for beside routing is refused by name', () => {
  const Code = { Code: 401, Msg: 'no', Desc: '', ConvertedCode: 404 }
  accepts('apis', api({ AuthType: 'NONE', ApiType: 'NORMAL', ApiBusinessType: 'NORMAL', EnableCORS: false }))
  accepts('apis', api({ ResponseErrorCodes: [{ ...Code, NeedConvert: false }] }))
  for (const [field, value] of [
    ['AuthType', 'SECRET'],
    ['ApiBusinessType', 'OAUTH'],
    ['EnableCORS', true],
  ] as const)
    refuses('apis', api({ [field]: value }), field, 'UnsupportedOperation')
  const MicroServices = [{ ClusterId: 'cls-1', NamespaceId: 'namespace-1', MicroServiceName: 'billing' }]
  accepts('apis', api({ ApiType: 'TSF', ServiceType: 'TSF', MicroServices, ServiceConfig: {} }))
  refuses('apis', api({ ApiType: 'TSF' }), 'ApiType', VALUE)
  refuses('apis', api({ ApiType: 'OTHER' }), 'ApiType', OPTION)
  refuses(
    'apis',
    api({ ResponseErrorCodes: [{ ...Code, NeedConvert: true }] }),
    'ResponseErrorCodes[0].NeedConvert',
    'UnsupportedOperation',
  )
})

test('a plugin: a name of 2 to 50 characters between a letter and a letter or digit, 200 characters of description', () => {
  for (const PluginName of ['ab', 'a_9', 'Z'.repeat(50)]) accepts('plugins', plugin({ PluginName }))
  for (const PluginName of ['a', 'a_', '_a', '9a', 'a-b', 'a b', 'aä'])
    refuses('plugins', plugin({ PluginName }), 'PluginName', VALUE)
  refuses('plugins', plugin({ PluginName: 'a'.repeat(51) }), 'PluginName', LENGTH)
  accepts('plugins', plugin({ Description: 'd'.repeat(200) }))
  refuses('plugins', plugin({ Description: 'd'.repeat(201) }), 'Description', LENGTH)
  refuses('plugins', plugin({ PluginType: 'routing' }), 'PluginType', OPTION)
})

test('a plugin has one to ten policies', () => {
  const list = (length: number) =>
    plugin({
      PluginData: JSON.stringify(Array.from({ length }, (_, i) => policy({ strategy_name: `p${i}` }))),
    })
  accepts('plugins', list(1), list(10))
  refuses('plugins', list(0), 'PluginData', 'MissingParameter.PluginConfig')
  refuses('plugins', list(11), 'PluginData', 'InvalidParameterValue.ParameterValueLimitExceeded')
})

test('a policy: a name of 50 characters, a weight of 0 to 100, of a type that fits its backend', () => {
  const place = (name: string) => `PluginData[0].${name}`
  accepts(
    'plugins',
    withPolicy({ strategy_name: 'n'.repeat(50) }),
    withPolicy({ strategy_weight: 0 }),
    withPolicy({ strategy_weight: 100 }),
  )
  refuses('plugins', withPolicy({ strategy_name: 'n'.repeat(51) }), place('strategy_name'), LENGTH)
  refuses('plugins', withPolicy({ strategy_name: '' }), place('strategy_name'), 'MissingParameter')
  for (const weight of [-1, 101])
    refuses('plugins', withPolicy({ strategy_weight: weight }), place('strategy_weight'), RANGE)
  for (const weight of [0.5, '5', true])
    refuses('plugins', withPolicy({ strategy_weight: weight }), place('strategy_weight'), VALUE)
  const http = (ServiceConfig: Value): Value => ({ ServiceType: 'HTTP', ServiceConfig })
  const Url = 'http://10.0.0.1'
  const vpc = { UniqVpcId: 'vpc-aaaa1111' }
  const bodies: Readonly<Record<string, Value>> = {
    HTTP: http({ Url }),
    VPC: http({ Url, ...vpc, Product: 'clb' }),
    UPSTREAM: http({ ...vpc, Product: 'upstream', UpstreamId: 'upstream-aaaaaaaa' }),
    SCF: { ServiceType: 'SCF', ServiceScfFunctionName: 'resize', ServiceScfFunctionType: 'HTTP' },
    MOCK: mock,
    TSF: {
      ServiceType: 'TSF',
      MicroServices: [{ ClusterId: 'c', NamespaceId: 'n', MicroServiceName: 'm' }],
      ServiceConfig: { Path: '/' },
    },
  }
  for (const backend_type of Object.keys(bodies)) {
    for (const [type, backend_config] of Object.entries(bodies)) {
      const value = withPolicy({ backend_type, backend_config })
      if (type === backend_type) accepts('plugins', value)
      else refuses('plugins', value, place('backend_type'), 'InvalidParameterValue.InvalidPluginConfig')
    }
  }
})

test("strict names have only the characters of the vendor's JSON reference; else any printable text is one", () => {
  const strict = settingsWith({ strict_names: true })
  for (const name of ['gray-1', 'a.b_c~d%{e}?f&g=h', 'back\\slash']) {
    assert.deepEqual(check('plugins', withPolicy({ strategy_name: name }), strict), [], name)
  }
  for (const name of ['灰度', 'a b', 'a/b', 'a+b', "a'b"]) {
    accepts('plugins', withPolicy({ strategy_name: name }))
    const faults = check('plugins', withPolicy({ strategy_name: name }), strict)
    assert.match(
      faults.join('\n'),
      /^PluginData\[0\]\.strategy_name: \[InvalidParameterValue\] .*strict_names/,
      name,
    )
  }
  refuses('plugins', withPolicy({ strategy_name: 'a\nb' }), 'PluginData[0].strategy_name', VALUE)
})
