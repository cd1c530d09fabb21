import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import { toYaml } from '../../model/yaml-text.ts'
import { faultsOf } from './testing/translate.ts'

/** Backends of APIs and policies, key by key (spec/tencent.md 4.1, 4.2). */

const VPC = 'vpc-aaaa1111'
const HTTP = { ServiceType: 'HTTP', ServiceConfig: { Url: 'http://a.example.com', Path: '/', Method: 'ANY' } }
const UPSTREAM_CONFIG = {
  Path: '/',
  Method: 'ANY',
  Product: 'upstream',
  UniqVpcId: VPC,
  UpstreamId: 'upstream-bbbb2222',
}

/** Faults of the ServiceConfig of an API. */
function configFaults(config: JsonObject): readonly string[] {
  const api = {
    ApiId: 'api-aaaaaaaa',
    ServiceId: 'service-aaaaaaaa',
    Protocol: 'HTTP',
    RequestConfig: { Path: '/u/{id}', Method: 'ANY' },
    ServiceType: 'HTTP',
    ServiceTimeout: 15,
    ServiceConfig: config,
  }
  return faultsOf('apis', toYaml(api)).map((fault) => fault.replace(/^ServiceConfig\./, ''))
}

/** Faults of a plugin with one policy. */
function policyFaults(backend_type: string, backend_config: JsonObject | string): readonly string[] {
  const policy = { strategy_name: 'a', condition: "path = '/a'", backend_type, backend_config }
  const plugin = {
    PluginId: 'plugin-aaaaaaaa',
    PluginName: 'routing',
    PluginType: 'Routing',
    PluginData: [policy],
  }
  return faultsOf('plugins', toYaml(plugin)).map((fault) => fault.replace(/^PluginData\[0\]\./, ''))
}

test('a Url is http or https, a host and perhaps a port, and no path', () => {
  for (const Url of ['http://a.example.com', 'https://10.0.0.1:8443', 'http://[::1]:80', 'http://a:65535'])
    assert.deepEqual(configFaults({ Url, Path: '/' }), [], Url)
  for (const [Url, reason] of [
    ['ftp://a.example.com', /Url must be http:\/\/host\[:port\] or https:\/\/host\[:port\]/],
    ['a.example.com', /Url must be/],
    ['http://', /Url must be/],
    ['http://u:p@a.example.com', /Url must be/],
    ['http://a.example.com/', /Url has no path: .*; the path stands in Path/],
    ['http://a.example.com/orders', /Url has no path/],
    ['http://a.example.com?x=1', /Url must be/],
    ['http://a.example.com:0', /port of Url must be a number from 1 to 65535/],
    ['http://a.example.com:65536', /port of Url must be a number from 1 to 65535/],
  ] as const) {
    const [fault = '', ...others] = configFaults({ Url, Path: '/' })
    assert.match(fault, /^Url: \[InvalidParameterValue\.InvalidUrl\] /, Url)
    assert.match(fault, reason, Url)
    assert.deepEqual(others, [], Url)
  }
})

test('a Url is required for HTTP and VPC resources, and beside an upstream it is a placeholder', () => {
  for (const config of [
    {},
    { Url: '' },
    { Product: 'clb', UniqVpcId: VPC },
    { Product: 'cvm', UniqVpcId: VPC },
  ])
    assert.deepEqual(configFaults(config), ['Url: [MissingParameter] Url is required'], toYaml(config))
  for (const Url of ['', 'http://127.0.0.1', 'no address at all'])
    assert.deepEqual(configFaults({ ...UPSTREAM_CONFIG, Url }), [], Url)
})

test('a Path begins with / and may hold variables of the front-end path', () => {
  const pathFaults = (Path: string) => configFaults({ Url: 'http://a.example.com', Path })
  for (const Path of ['', '/', '/v2/', '/{id}/x']) assert.deepEqual(pathFaults(Path), [], Path)
  for (const Path of ['v2', '{id}', '/a b', '/a?x=1', '/a#b', '/a/../b', '/{other}'])
    assert.match(pathFaults(Path)[0] ?? '', /^Path: \[InvalidParameterValue\.InvalidBackendPath\] /, Path)
})

test('every method that the control plane takes may stand there, and none else', () => {
  const methodFaults = (Method: string) => configFaults({ Url: 'http://a.example.com', Path: '/', Method })
  for (const method of 'ANY GET POST PUT DELETE HEAD OPTIONS TRACE PATCH'.split(' '))
    assert.deepEqual(methodFaults(method), [], method)
  assert.match(methodFaults('CONNECT')[0] ?? '', /^Method: \[InvalidParameterValue\.InvalidMethod\]/)
})

test('Product is clb, cvm or upstream, with a network; an UpstreamId stands beside upstream only', () => {
  const url = { Url: 'http://10.20.0.8:8080', Path: '/' }
  for (const Product of ['clb', 'cvm'])
    assert.deepEqual(configFaults({ ...url, Product, UniqVpcId: VPC }), [], Product)
  assert.deepEqual(configFaults({ ...url, Product: 'vpc', UniqVpcId: VPC }), [
    'Product: [InvalidParameterValue.NotInOptions] Product must be clb, cvm, upstream',
  ])
  for (const Product of ['clb', 'cvm', 'upstream'])
    assert.match(
      configFaults({ ...url, Product, UpstreamId: 'upstream-bbbb2222' })[0] ?? '',
      /^UniqVpcId: \[MissingParameter\] UniqVpcId is required with Product/,
    )
  assert.match(
    configFaults({ ...url, Product: 'upstream', UniqVpcId: VPC })[0] ?? '',
    /^UpstreamId: \[MissingParameter\]/,
  )
  assert.match(
    configFaults({ ...url, Product: 'clb', UniqVpcId: VPC, UpstreamId: 'upstream-bbbb2222' })[0] ?? '',
    /^UpstreamId: \[InvalidParameterValue\] UpstreamId counts only with Product upstream/,
  )
  assert.match(configFaults({ ...url, UniqVpcId: 'aaaa1111' })[0] ?? '', /^UniqVpcId: .* such as vpc-/)
})

/** One body of each type, as the examples of the specification have them. */
const BODIES: Readonly<Record<string, JsonObject>> = {
  HTTP,
  VPC: {
    ServiceType: 'HTTP',
    ServiceConfig: { Url: 'http://10.20.0.8:8080', Path: '/', Product: 'clb', UniqVpcId: VPC },
  },
  UPSTREAM: { ServiceType: 'HTTP', ServiceConfig: { Url: '', ...UPSTREAM_CONFIG } },
  SCF: {
    ServiceType: 'SCF',
    ServiceScfFunctionName: 'resize',
    ServiceScfFunctionNamespace: 'default',
    ServiceScfFunctionQualifier: '$DEFAULT',
    ServiceScfFunctionType: 'HTTP',
  },
  MOCK: { ServiceType: 'MOCK', ServiceMockReturnMessage: 'maintenance window' },
  TSF: {
    ServiceType: 'TSF',
    'X-MicroService-Name': 'billing',
    'X-NameSpace-Code': 'prod',
    MicroServices: [
      { ClusterId: 'cls-cccc3333', NamespaceId: 'namespace-dddd4444', MicroServiceName: 'billing' },
    ],
    ServiceConfig: { Url: '', Path: '/v1', Method: 'ANY' },
    ServiceTsfHealthCheckConf: { IsHealthCheck: true },
    ServiceTsfLoadBalanceConf: { IsLoadBalance: true, Method: 'RoundRobinRule', SessionStickRequired: false },
  },
}

test('backend_type agrees with the body, whichever of the six it is; in YAML as well', () => {
  for (const type of Object.keys(BODIES)) {
    for (const [actual, body] of Object.entries(BODIES)) {
      const expected =
        type === actual
          ? []
          : [
              `backend_type: [InvalidParameterValue.InvalidPluginConfig] backend_type is ${type}, but backend_config describes a backend of type ${actual}`,
            ]
      assert.deepEqual(policyFaults(type, body), expected, `${type} with ${actual}`)
      assert.deepEqual(policyFaults(type, toYaml(body)), expected, `${type} with ${actual} as text`)
    }
  }
  const cvm = {
    ServiceType: 'HTTP',
    ServiceConfig: { Url: 'http://10.0.0.1', Product: 'cvm', UniqVpcId: VPC },
  }
  assert.deepEqual(policyFaults('VPC', cvm), [])
})

test('the flat form of a body is taken as the nested one, and its faults stand at the nested place', () => {
  assert.deepEqual(policyFaults('UPSTREAM', { ServiceType: 'HTTP', Url: '', ...UPSTREAM_CONFIG }), [])
  assert.deepEqual(policyFaults('HTTP', { ServiceType: 'HTTP', Url: 'http://a.example.com', Path: 'x' }), [
    'backend_config.ServiceConfig.Path: [InvalidParameterValue.InvalidBackendPath] Path must be a path that begins with /, in visible ASCII',
  ])
})

test('what MOCK, SCF and TSF need is named where it is missing', () => {
  assert.deepEqual(policyFaults('MOCK', { ServiceType: 'MOCK' }), [
    'backend_config.ServiceMockReturnMessage: [MissingParameter] ServiceMockReturnMessage is required',
  ])
  assert.deepEqual(policyFaults('SCF', { ServiceType: 'SCF', ServiceScfFunctionType: 'HTTP' }), [
    'backend_config.ServiceScfFunctionName: [MissingParameter] ServiceScfFunctionName is required',
  ])
  assert.match(
    policyFaults('TSF', { ServiceType: 'TSF' })[0] ?? '',
    /^backend_config\.MicroServices: \[MissingParameter\]/,
  )
})
