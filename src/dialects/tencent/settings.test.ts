import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelObject } from '../../model/model.ts'
import type { TencentSettings } from '../../model/settings.ts'
import type { Target } from '../../model/split.ts'
import { faultsOf, readText, routesOf, settingsWith, showFault, translateAll } from './testing/translate.ts'

const FILE = `
tencent:
  upstreams:
    - { UpstreamId: upstream-aaaaaaaa, Scheme: HTTP, Algorithm: ROUND-ROBIN, UniqVpcId: vpc-far, Nodes: [{ Host: a.test, Port: 80, Weight: 1 }] }
  services:
    - { ServiceId: service-aaaaaaaa, ServiceName: own, Protocol: http&https, InstanceId: instance-1 }
    - { ServiceId: service-bbbbbbbb, ServiceName: shared, Protocol: http&https }
  apis:
    - ApiId: api-aaaaaaaa
      ServiceId: service-aaaaaaaa
      Protocol: HTTP
      RequestConfig: { Path: /, Method: ANY }
      ServiceType: HTTP
      ServiceTimeout: 5
      ServiceConfig: { Product: upstream, UniqVpcId: vpc-far, UpstreamId: upstream-aaaaaaaa, Path: / }
    - ApiId: api-bbbbbbbb
      ServiceId: service-bbbbbbbb
      Protocol: HTTP
      RequestConfig: { Path: /, Method: ANY }
      ServiceType: HTTP
      ServiceTimeout: 5
      ServiceConfig: { Product: upstream, UniqVpcId: vpc-far, UpstreamId: upstream-aaaaaaaa, Path: / }
    - { ApiId: api-cccccccc, ServiceId: service-aaaaaaaa, Protocol: HTTP, RequestConfig: { Path: "/f/{x}", Method: ANY }, ServiceType: SCF, ServiceScfFunctionName: resize, ServiceScfFunctionType: HTTP }
    - ApiId: api-dddddddd
      ServiceId: service-aaaaaaaa
      Protocol: HTTP
      RequestConfig: { Path: /billing, Method: ANY }
      ServiceType: TSF
      ServiceTimeout: 5
      X-MicroService-Name: billing
      X-NameSpace-Code: prod
      MicroServices: [{ ClusterId: cls-cccc3333, NamespaceId: namespace-dddd4444, MicroServiceName: billing }]
      ServiceConfig: { Url: "", Path: /v1, Method: ANY }
      ServiceTsfHealthCheckConf: { IsHealthCheck: true, ErrorThresholdPercentage: 40 }
      ServiceTsfLoadBalanceConf: { IsLoadBalance: true, Method: RoundRobinRule, SessionStickRequired: false }
  releases:
    - { ServiceId: service-aaaaaaaa, EnvironmentName: release }
    - { ServiceId: service-bbbbbbbb, EnvironmentName: release }
`

function translate(own: Partial<TencentSettings>) {
  const settings = settingsWith(own)
  const { documents, faults } = readText(FILE, settings)
  return { faults: faults.map(showFault), ...translateAll(documents, settings) }
}

/** The default target of an API. */
function targetOf(objects: readonly ModelObject[], api: string): Target {
  const route = routesOf(objects).find(({ id }) => id.endsWith(api))
  const target = route?.rules.at(-1)?.split.targets[0]
  assert.ok(target)
  return target
}

test('the domain, the retries of upstreams that name none, and the host and path of functions', () => {
  const { objects, faults } = translate({
    domain: 'api.example.com',
    api_default_retries: 3,
    functions: { 'default/resize/$LATEST': 'http://127.0.0.1:9000' },
  })
  assert.deepEqual(faults, [])
  const hosts = new Set(
    routesOf(objects).flatMap(({ entries }) => entries.map(({ host }) => JSON.stringify(host))),
  )
  assert.ok(hosts.has('{"kind":"exact","text":"service-aaaaaaaa.api.example.com"}'), [...hosts].join())
  const upstreams = objects.filter((object) => object.kind === 'upstream')
  assert.equal(upstreams.find(({ id }) => id.endsWith('upstream-aaaaaaaa'))?.retry.count, 3)
  const target = targetOf(objects, 'api-cccccccc')
  assert.ok(target.kind === 'upstream')
  const { endpoints, upstreamHost } = upstreams.find(({ id }) => id === target.upstreamId) ?? {}
  assert.deepEqual([endpoints?.[0]?.port, upstreamHost], [9000, '127.0.0.1:9000'])
  const [filter] = target.requestFilters
  assert.ok(filter?.kind === 'rewriteRequest')
  assert.deepEqual(filter.path, { kind: 'prefix', cut: '/release'.length, replacement: ['/'], query: '' })
})

test('microservices stand behind a name, with a breaker; one that no setting knows is 481', () => {
  const name = 'cls-cccc3333/namespace-dddd4444/billing'
  const { objects, faults } = translate({ microservices: { [name]: 'billing.internal:8080' } })
  assert.deepEqual(faults, [])
  const target = targetOf(objects, 'api-dddddddd')
  assert.ok(target.kind === 'upstream')
  const upstream = objects.find(({ id }) => id === target.upstreamId)
  assert.ok(upstream?.kind === 'upstream')
  assert.deepEqual(upstream.discovery, {
    kind: 'dns',
    name: 'billing.internal',
    port: 8080,
    weight: 1,
    priority: 0,
  })
  assert.equal(upstream.upstreamHost, 'billing.internal:8080')
  const outlier = upstream.health?.outlier
  assert.deepEqual(
    [outlier?.errors?.threshold.value, outlier?.errors?.minRequests, outlier?.baseEjectionMs],
    [0.4, 20, 5000],
  )
  assert.deepEqual(
    [outlier?.maxEjectionPercent, outlier?.mayEjectAll, outlier?.trial],
    [100, true, true],
    'a service with one instance has a circuit as well',
  )
  const unknown = targetOf(translate({}).objects, 'api-dddddddd')
  assert.ok(unknown.kind === 'respond' && unknown.status === 481)
})

test('microservices whose namespaces and names have dots are upstreams of their own', () => {
  const one = '{ ClusterId: cls-1, NamespaceId: a, MicroServiceName: b.c }'
  const other = '{ ClusterId: cls-1, NamespaceId: a.b, MicroServiceName: c }'
  const text = FILE.replace(/MicroServices: .*/, `MicroServices: [${one}, ${other}]`)
    .replace('X-MicroService-Name: billing', '')
    .replace('X-NameSpace-Code: prod', '')
  const settings = settingsWith({
    microservices: { 'cls-1/a/b.c': 'one.test:80', 'cls-1/a.b/c': 'other.test:80' },
  })
  const { documents, faults } = readText(text, settings)
  assert.deepEqual(faults, [])
  const { objects } = translateAll(documents, settings)
  const ids = objects.map(({ id }) => id)
  assert.deepEqual(ids, [...new Set(ids)])
  const hosts = objects.flatMap((object) => (object.kind === 'upstream' ? [object.upstreamHost] : []))
  assert.ok(hosts.includes('one.test:80') && hosts.includes('other.test:80'), hosts.join())
})

test('enforced, a service without an InstanceId may not use upstreams: 481 and a warning', () => {
  const own = translate({})
  assert.equal(targetOf(own.objects, 'api-bbbbbbbb').kind, 'upstream')
  const { objects, warnings } = translate({ shared_instances: 'enforce' })
  const refused = targetOf(objects, 'api-bbbbbbbb')
  assert.ok(refused.kind === 'respond' && refused.status === 481)
  assert.equal(targetOf(objects, 'api-aaaaaaaa').kind, 'upstream')
  assert.match(warnings.join('\n'), /api-bbbbbbbb Api: the service has no InstanceId/)
})

test('an instance in another network than the upstream is told to be connected to it, and serves', () => {
  const { objects, warnings } = translate({ instances: { 'instance-1': { UniqVpcId: 'vpc-near' } } })
  assert.equal(targetOf(objects, 'api-aaaaaaaa').kind, 'upstream')
  assert.match(warnings.join('\n'), /runs in vpc-near and the upstream in vpc-far: .*Cloud Connect Network/)
  const same = translate({ instances: { 'instance-1': { UniqVpcId: 'vpc-far' } } })
  assert.doesNotMatch(same.warnings.join('\n'), /connected/)
})

test('strict conditions refuse what only we know', () => {
  const plugin = (condition: string): string =>
    JSON.stringify({
      PluginId: 'plugin-aaaaaaaa',
      PluginName: 'strict',
      PluginType: 'Routing',
      PluginData: [
        {
          strategy_name: 'a',
          condition,
          backend_type: 'MOCK',
          backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: 'x' },
        },
      ],
    })
  const strict = settingsWith({ strict_conditions: true })
  assert.deepEqual(faultsOf('plugins', plugin("header.a != 'x'")), [])
  assert.deepEqual(faultsOf('plugins', plugin("header.a = 'x'"), strict), [])
  assert.match(
    faultsOf('plugins', plugin("header.a != 'x'"), strict)[0] ?? '',
    /PluginData\[0\]\.condition: \[InvalidParameterValue\.InvalidCondition\] line 1, column 10/,
  )
})
