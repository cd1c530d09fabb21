import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import type { Upstream } from '../../model/upstream.ts'
import { proxyOf, translateFile } from './testing.ts'
import { readSticky } from './translate-upstream.ts'

/** The upstreams of a proxy, by the end of their ids. */
function upstreamsOf(routing: JsonObject): ReadonlyMap<string, Upstream> {
  const proxy = { ...proxyOf('one', { relativePathList: ['/a'] }), routingInfo: routing }
  const { objects } = translateFile({ apinizer: { proxies: [proxy] } })
  return new Map(
    objects.flatMap((one) => (one.kind === 'upstream' ? [[one.id.replace(/^.*#/, ''), one] as const] : [])),
  )
}

test('each algorithm by its names, and what there is without one', () => {
  const rows: readonly (readonly [string | null, Upstream['balancer']])[] = [
    [null, { kind: 'roundRobin', order: 'list' }],
    ['ROUND_ROBIN', { kind: 'roundRobin', order: 'list' }],
    ['WEIGHTED', { kind: 'weightedOrder' }],
    ['WEIGHTED_ROUND_ROBIN', { kind: 'weightedOrder' }],
    ['LRU', { kind: 'leastRecentlyUsed' }],
    ['RANDOM', { kind: 'random' }],
    ['LEAST_CONNECTIONS', { kind: 'leastConnections', ties: 'list' }],
    ['IP_HASH', { kind: 'hashModulo' }],
    ['URL_HASH', { kind: 'hashModulo' }],
    ['PICK_FIRST', { kind: 'pickFirst' }],
  ]
  const routingAddressList = [{ address: 'http://a' }, { address: 'http://b', weight: 5 }]
  for (const [name, balancer] of rows) {
    const routing = name === null ? {} : { loadBalanceAlgorithm: name }
    for (const type of [{}, { loadBalancingType: 'SIMPLE' }]) {
      const upstream = upstreamsOf({ routingAddressList, ...routing, ...type }).get('primary')
      assert.deepEqual(upstream?.balancer, balancer, String(name))
      // weights are for the weighted algorithm alone; 1 is what stands nowhere
      const isWeighted = balancer.kind === 'weightedOrder'
      assert.deepEqual(
        upstream?.endpoints.map(({ weight }) => weight),
        [1, isWeighted ? 5 : 1],
      )
    }
  }
})

test('hashes: of the client’s address, or of path and query; a session goes by the address, whatever the algorithm', () => {
  const routingAddressList = [{ address: 'http://a' }, { address: 'http://b' }]
  const hashOf = (more: JsonObject) => {
    const upstream = upstreamsOf({ routingAddressList, ...more }).get('primary')
    return [
      upstream?.balancer.kind,
      upstream?.hashKey?.hash,
      upstream?.hashKey?.fallback,
      upstream?.hashKey?.sources,
    ]
  }
  const byAddress = ['hashModulo', 'javaString', 'address', []]
  assert.deepEqual(hashOf({ loadBalanceAlgorithm: 'IP_HASH' }), byAddress)
  assert.deepEqual(hashOf({ loadBalanceAlgorithm: 'URL_HASH' }), [
    'hashModulo',
    'javaString',
    'none',
    [{ template: [{ variable: 'request_uri', fallback: '' }], isTerminal: true }],
  ])
  const secret = { cookieName: 'node', hashSecret: 'a secret of some length' }
  for (const stickySession of [
    { type: 'IP_HASH' },
    { type: 'COOKIE_ONLY', ...secret },
    { type: 'HYBRID', ...secret },
  ])
    assert.deepEqual(hashOf({ loadBalanceAlgorithm: 'LRU', stickySession }), byAddress)
})

test('addresses by their types: where each goes, and which are checked', () => {
  const upstreams = upstreamsOf({
    routingAddressList: [
      { address: 'http://a/x', description: 'the first', healthCheckPath: '/health' },
      { address: 'http://b', addressType: 'PRIMARY', healthCheckPath: 'https://c:81/ok?a=1' },
      { address: 'http://d', healthCheckPath: '/health', healthMonitoringEnabled: false },
      { address: 'http://e', healthCheckPath: '' },
      { address: 'http://off', enabled: false },
      { address: 'http://f', addressType: 'FAILOVER' },
      { address: 'http://g', addressType: 'FAILOVER_ONLY' },
      { address: 'http://h', addressType: 'CANARY' },
      { address: 'http://i', addressType: 'MIRROR' },
    ],
    failoverOnlyEnabled: true,
    canary: { percentage: 10 },
  })
  const hosts = (name: string) => upstreams.get(name)?.endpoints.map(({ host }) => host)
  assert.deepEqual(hosts('primary'), ['a', 'b', 'd', 'e', 'f', 'g'])
  assert.deepEqual(hosts('canary'), ['h'])
  assert.deepEqual(hosts('mirror.0'), ['i'])
  const primary = upstreams.get('primary')?.endpoints ?? []
  assert.deepEqual(
    primary.map(({ failoverOnly }) => failoverOnly),
    [false, false, false, false, true, true],
  )
  assert.deepEqual(
    primary.map(({ own }) => own?.probe),
    [
      { isSecure: false, host: 'a', port: 80, path: '/x/health' },
      { isSecure: true, host: 'c', port: 81, path: '/ok?a=1' },
      ...[null, null, null, null],
    ],
  )
})

test('a cookie of a sticky session lives as long as is said, and without it or with 0 as long as the browser', () => {
  const ageOf = (more: object): number | null | undefined => {
    const stickySession = {
      type: 'HYBRID',
      cookieName: 'node',
      hashSecret: 'a secret of some length',
      ...more,
    }
    return readSticky({ routingInfo: { stickySession } } as never).sticky?.maxAgeSeconds
  }
  assert.deepEqual([ageOf({}), ageOf({ cookieTtl: 0 }), ageOf({ cookieTtl: 60 })], [null, null, 60])
  assert.deepEqual(readSticky({ routingInfo: { stickySession: { type: 'IP_HASH' } } } as never), {})
})
