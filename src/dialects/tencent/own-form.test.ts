import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import { normaliseValue } from './normalise.ts'
import { editableValue, prepareValue } from './own-form.ts'
import { inOrder, policiesOf } from './policies.ts'
import { document } from './testing/translate.ts'

const policy = (strategy_name: string, more: JsonObject = {}): JsonObject => ({
  strategy_name,
  condition: "path = '/'",
  backend_type: 'MOCK',
  backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: strategy_name },
  ...more,
})

const names = (value: JsonObject): string[] => inOrder(policiesOf(value)).map(({ name }) => name)

test('a policy whose name survives keeps its time, and a new one is the newest', () => {
  const id = 'plugin-aaaaaaaa'
  const first = prepareValue('plugins', id, { PluginData: [policy('a'), policy('b')] }, undefined, 1_000_000)
  assert.deepEqual(names(first), ['b', 'a'])
  const previous = document('plugins', id, first)
  const second = prepareValue(
    'plugins',
    id,
    { PluginData: JSON.stringify([policy('c'), policy('b'), policy('a')]) },
    previous,
    1_000_250,
  )
  // a and b are of one time: the later place is newer
  assert.deepEqual(names(second), ['c', 'a', 'b'])
  assert.deepEqual(second.PolicyTimes, {
    c: '1970-01-01T00:16:40.250Z',
    b: '1970-01-01T00:16:40.000Z',
    a: '1970-01-01T00:16:40.000Z',
  })
  assert.equal(second.CreatedTime, first.CreatedTime)
  const third = prepareValue(
    'plugins',
    id,
    { PluginData: [policy('a', { strategy_weight: 1 }), policy('d')] },
    document('plugins', id, second),
    2_000_000,
  )
  assert.deepEqual(names(third), ['a', 'd'])
})

test('ids come first and times last, and what the author wrote is given back', () => {
  const stored = prepareValue(
    'services',
    'service-aaaaaaaa',
    { ServiceName: 's', Protocol: 'http' },
    undefined,
    0,
  )
  assert.deepEqual(Object.keys(stored), [
    'ServiceId',
    'ServiceName',
    'Protocol',
    'CreatedTime',
    'ModifiedTime',
  ])
  assert.deepEqual(editableValue('services', stored), {
    ServiceId: 'service-aaaaaaaa',
    ServiceName: 's',
    Protocol: 'http',
  })
  const attachment = prepareValue(
    'attachments',
    'service-aaaaaaaa.test.api-bbbbbbbb.routing',
    { PluginId: 'plugin-cccccccc' },
    undefined,
    0,
  )
  assert.deepEqual(attachment, {
    ServiceId: 'service-aaaaaaaa',
    EnvironmentName: 'test',
    ApiId: 'api-bbbbbbbb',
    PluginId: 'plugin-cccccccc',
    AttachedTime: '1970-01-01T00:00:00Z',
  })
})

test('two ways to write the same plugin, upstream or API are the same document', () => {
  const same = (kind: string, one: JsonObject, other: JsonObject): void =>
    assert.deepEqual(normaliseValue(kind, one), normaliseValue(kind, other))
  const flat =
    "ServiceType: HTTP\nUrl: ''\nPath: /\nMethod: ANY\nProduct: upstream\nUniqVpcId: vpc-1\nUpstreamId: upstream-aaaaaaaa\n"
  const nested = {
    ServiceType: 'HTTP',
    ServiceConfig: { Path: '/', Product: 'upstream', UniqVpcId: 'vpc-1', UpstreamId: 'upstream-aaaaaaaa' },
  }
  same(
    'plugins',
    { PluginData: JSON.stringify([policy('a', { backend_config: flat })]) },
    { PluginData: [policy('a', { backend_config: nested, strategy_weight: 0 })] },
  )
  const node = { Host: '127.0.0.1', Port: 80, Weight: 1 }
  same(
    'upstreams',
    { Algorithm: 'ROUND-ROBIN', Nodes: [{ ...node, Healthy: 'OFF' }], UpstreamHost: '' },
    { Algorithm: 'ROUND_ROBIN', Nodes: [node], UpstreamType: 'IP_PORT' },
  )
  const services = [{ ClusterId: 'cls-1', Namespace: 'a', ServiceName: 'b', Port: 80, Weight: 1 }]
  same(
    'upstreams',
    { UpstreamType: 'K8S', K8sServices: services, Nodes: [{ ...node, Source: 'K8S' }] },
    { UpstreamType: 'K8S', K8sService: services },
  )
  same('apis', { ServiceConfig: { Path: '/', Method: 'ANY' } }, { ServiceConfig: { Path: '/' } })
})
