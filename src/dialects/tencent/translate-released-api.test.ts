import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumers } from '../../routing/consumers.ts'
import { compileRequestFilter } from '../../routing/filters/request-filter.ts'
import { chooseRule, compileRules } from '../../routing/rules.ts'
import { NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeView } from '../../routing/test-fixtures.ts'
import { apisFile, readText, routesOf, settingsWith, showFault, translateAll } from './testing/translate.ts'

test('path in a condition is that behind the environment, and behind the prefix of a custom domain', () => {
  const more = `  plugins:
    - PluginId: plugin-aaaaaaaa
      PluginName: routing
      PluginType: Routing
      PluginData: [{ strategy_name: a, condition: "path = '/orders'", backend_type: MOCK, backend_config: { ServiceType: MOCK, ServiceMockReturnMessage: yes } }]
  attachments:
    - { ServiceId: service-aaaaaaaa, EnvironmentName: release, ApiId: api-00000000, PluginId: plugin-aaaaaaaa }
`
  const file = apisFile(['ANY /'], more).replace(
    'Protocol: http&https }',
    'Protocol: http&https, CustomDomains: [{ Domain: shop.example.com, PathMappings: [{ Path: /v1/shop, Environment: release }] }] }',
  )
  const { documents, faults } = readText(file)
  assert.deepEqual(faults.map(showFault), [])
  const routes = routesOf(translateAll(documents).objects)
  const holds = (host: string, path: string): boolean => {
    const route = routes.find(({ entries }) =>
      entries.some((entry) => entry.host.kind === 'exact' && entry.host.text === host),
    )
    assert.ok(route, host)
    const rule = chooseRule(
      compileRules(route.rules, makeEnvironment(), false),
      makeView({ host, path }),
      null,
    )
    assert.ok(rule !== null && rule !== NEEDS_BODY)
    return rule.index < route.rules.length - 1
  }
  assert.ok(holds('service-aaaaaaaa.apigw.localhost', '/release/orders'))
  assert.ok(!holds('service-aaaaaaaa.apigw.localhost', '/release/release/orders'))
  assert.ok(holds('shop.example.com', '/v1/shop/orders'))
  assert.ok(!holds('shop.example.com', '/v1/shop/v1/shop/orders'))
})

test('426 where the service is not offered over the scheme, before 403 where a required parameter is missing', () => {
  const parameters =
    'ServiceMockReturnMessage: "0"\n      RequestParameters: [{ Name: a, Position: QUERY, Required: true }]'
  const statusOf = (protocol: string, scheme: 'http' | 'https', query: string | null) => {
    const file = apisFile(['ANY /']).replace('ServiceMockReturnMessage: "0"', parameters)
    const { documents } = readText(file.replace('Protocol: http&https', `Protocol: ${protocol}`))
    const [route] = routesOf(translateAll(documents).objects)
    const rules = compileRules(route?.rules ?? [], makeEnvironment(), false)
    const rule = chooseRule(rules, makeView({ path: '/release/', scheme, query }), null)
    assert.ok(rule !== null && rule !== NEEDS_BODY)
    const target = rule.model.split.targets[0]
    return target?.kind === 'respond' ? target.status : null
  }
  for (const [protocol, http, https] of [
    ['http', 200, 426],
    ['https', 426, 200],
    ['http&https', 200, 200],
  ] as const) {
    assert.equal(statusOf(protocol, 'http', 'a=1'), http, protocol)
    assert.equal(statusOf(protocol, 'https', 'a=1'), https, protocol)
    assert.equal(statusOf(protocol, 'http', null), http === 200 ? 403 : http, protocol)
    assert.equal(statusOf(protocol, 'https', 'b=1'), https === 200 ? 403 : https, protocol)
  }
})

test('parameters and constants of an API without an HTTP backend bring a warning', () => {
  const parameters =
    'ServiceMockReturnMessage: "0"\n      ConstantParameters: [{ Name: X-A, Position: HEADER, DefaultValue: a }]'
  const file = apisFile(['ANY /']).replace('ServiceMockReturnMessage: "0"', parameters)
  const warningsOf = (more: string) => translateAll(readText(file + more).documents).warnings
  assert.deepEqual(warningsOf(''), [
    'released_apis/service-aaaaaaaa.release.api-00000000 Api.ConstantParameters: ConstantParameters is for HTTP backends: this one gets none of them',
  ])
  const bound = `  plugins:
    - PluginId: plugin-aaaaaaaa
      PluginName: routing
      PluginType: Routing
      PluginData: [{ strategy_name: a, condition: "path = '/a'", backend_type: HTTP, backend_config: { ServiceType: HTTP, Url: "http://10.0.0.1", Path: / } }]
  attachments:
    - { ServiceId: service-aaaaaaaa, EnvironmentName: release, ApiId: api-00000000, PluginId: plugin-aaaaaaaa }
`
  assert.deepEqual(warningsOf(bound), [], 'the backend of a policy gets them')
})

test('constants reach backends over HTTP, upstreams and microservices, and no function', () => {
  const name = 'cls-1/namespace-1/billing'
  const settings = settingsWith({
    microservices: { [name]: 'billing.internal:8080' },
    functions: { 'default/resize/$LATEST': 'http://127.0.0.1:9000' },
  })
  const backends: Readonly<Record<string, string>> = {
    url: 'ServiceType: HTTP\n      ServiceConfig: { Url: "http://10.0.0.1", Path: / }',
    upstream:
      'ServiceType: HTTP\n      ServiceConfig: { Path: /, Product: upstream, UniqVpcId: vpc-aaaa1111, UpstreamId: upstream-aaaaaaaa }',
    microservice:
      'ServiceType: TSF\n      MicroServices: [{ ClusterId: cls-1, NamespaceId: namespace-1, MicroServiceName: billing }]',
    function: 'ServiceType: SCF\n      ServiceScfFunctionName: resize\n      ServiceScfFunctionType: HTTP',
  }
  const upstreams =
    '  upstreams: [{ UpstreamId: upstream-aaaaaaaa, Scheme: HTTP, Algorithm: ROUND-ROBIN, UniqVpcId: vpc-aaaa1111, Nodes: [{ Host: 10.0.0.1, Port: 80, Weight: 1 }] }]\n'
  for (const [kind, backend] of Object.entries(backends)) {
    const constants = 'ConstantParameters: [{ Name: X-A, Position: HEADER, DefaultValue: a }]'
    const file = apisFile(['ANY /'], upstreams)
      .replace('ServiceType: MOCK', backend)
      .replace('ServiceMockReturnMessage: "0"', constants)
    const { documents, faults } = readText(file, settings)
    assert.deepEqual(faults.map(showFault), [], kind)
    const [route] = routesOf(translateAll(documents, settings).objects)
    const target = route?.rules.at(-1)?.split.targets[0]
    assert.equal(target?.kind, 'upstream', kind)
    const sets = target?.requestFilters.flatMap((filter) =>
      filter.kind === 'rewriteRequest' ? (filter.headers?.set ?? []).map((field) => field.name) : [],
    )
    assert.deepEqual(sets, kind === 'function' ? [] : ['X-A'], kind)
  }
})

test('parameters reach the query under other names, and their defaults where they are absent', () => {
  const parameters = `ServiceType: HTTP
      ServiceConfig: { Url: "http://10.0.0.1", Path: /b }
      RequestParameters:
        - { Name: lang, Position: QUERY, DefaultValue: "e n" }
        - { Name: X-User, Position: HEADER, DefaultValue: nobody }
        - { Name: id, Position: PATH }
      ServiceParameters:
        - { Name: l, Position: QUERY, RelevantRequestParameterName: lang, RelevantRequestParameterPosition: QUERY }
        - { Name: user, Position: QUERY, RelevantRequestParameterName: x-user, RelevantRequestParameterPosition: HEADER }
        - { Name: item, Position: QUERY, RelevantRequestParameterName: id, RelevantRequestParameterPosition: PATH }
        - { Name: page, Position: QUERY, RelevantRequestParameterName: page, RelevantRequestParameterPosition: QUERY, DefaultValue: "1" }
        - { Name: sort, Position: QUERY, RelevantRequestParameterName: order, RelevantRequestParameterPosition: QUERY }
      ConstantParameters: [{ Name: from, Position: QUERY, DefaultValue: gateway }]`
  const file = apisFile(['ANY /i/{id}'])
    .replace('ServiceType: MOCK', parameters)
    .replace('      ServiceMockReturnMessage: "0"\n', '')
  const { documents, faults } = readText(file)
  assert.deepEqual(faults.map(showFault), [])
  const [route] = routesOf(translateAll(documents).objects)
  const target = route?.rules.at(-1)?.split.targets[0]
  const environment = { consumers: new Consumers(), upstream: (id: string) => ({ id, isOut: false }) }
  const filter = target?.requestFilters.at(-1)
  assert.ok(filter?.kind === 'rewriteRequest')
  const sent = (query: string | null, headers: Record<string, string> = {}) =>
    compileRequestFilter(filter, environment).target?.(
      makeView({ path: '/release/i/7', query, headers, pathParams: new Map([['id', '7']]) }),
      { captures: null },
    )
  assert.equal(sent(null), '/b?lang=e%20n&l=e%20n&user=nobody&item=7&page=1&from=gateway')
  assert.equal(
    sent('lang=tr&page=2&order=up%26down', { 'x-user': 'jack' }),
    '/b?l=tr&user=jack&item=7&sort=up%26down&from=gateway&lang=tr&page=2&order=up%26down',
  )
  assert.equal(
    sent(null, { x_user: 'jack' }),
    sent(null),
    'a field with underscores is not the one with dashes',
  )
  assert.equal(sent('lang'), '/b?user=nobody&item=7&page=1&from=gateway&lang', 'present and empty')
})
