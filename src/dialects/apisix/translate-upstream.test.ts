import assert from 'node:assert/strict'
import { test } from 'node:test'
import { document, settingsWith, translateAll, upstreamOf } from './testing/translate.ts'

/** What a node says nothing of. */
const PLAIN_NODE = { address: null, zone: null, failoverOnly: false, state: 'ready' } as const
/** How attempts are repeated where only their number and time are written. */
const PLAIN_RETRY = {
  attemptMs: 0,
  onHeadTimeout: true,
  onStatuses: [],
  nonIdempotent: false,
  sameEndpointWhenAlone: true,
  triesAgain: false,
  sameEndpoint: null,
  failoverTries: 0,
  budget: null,
}

test('an upstream that says only its nodes has the defaults of the reference', () => {
  assert.deepEqual(upstreamOf({ nodes: { 'a.test:81': 1, 'b.test': 2, 'c.test': 3 } }), {
    kind: 'upstream',
    id: 'apisix/upstreams/1',
    name: '1',
    origin: { dialect: 'apisix', kind: 'upstream', id: '1', path: '' },
    scheme: 'http',
    http2: 'never',
    endpoints: [
      { host: 'a.test', port: 81, weight: 1, priority: 0, ...PLAIN_NODE },
      { host: 'b.test', port: 80, weight: 2, priority: 0, ...PLAIN_NODE },
      { host: 'c.test', port: 80, weight: 3, priority: 0, ...PLAIN_NODE },
    ],
    discovery: null,
    balancer: { kind: 'roundRobin' },
    hashKey: null,
    levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
    health: null,
    slowStart: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 60_000, sendMs: 60_000, readMs: 60_000 },
    retry: { count: 2, timeoutMs: 0, ...PLAIN_RETRY },
    pool: { size: 320, idleMs: 60_000, requests: 1000, maxAgeMs: 0 },
    limits: null,
    tls: null,
  })
})

test('every field that is written wins over its default, 0 included', () => {
  const upstream = upstreamOf({
    name: 'blue',
    type: 'roundrobin',
    scheme: 'https',
    nodes: [{ host: 'a.test', weight: 1, priority: 2 }],
    retries: 0,
    retry_timeout: 1.5,
    timeout: { connect: 0.5, send: 2, read: 0.0001 },
    pass_host: 'rewrite',
    upstream_host: 'Inner.test:8443',
    keepalive_pool: { size: 1, idle_timeout: 0, requests: 7 },
  })
  assert.equal(upstream.name, 'blue')
  assert.equal(upstream.scheme, 'https')
  assert.deepEqual(upstream.endpoints, [{ host: 'a.test', port: 443, weight: 1, priority: 2, ...PLAIN_NODE }])
  assert.deepEqual(upstream.retry, {
    count: 0,
    timeoutMs: 1500,
    ...PLAIN_RETRY,
  })
  // A timeout is never rounded down to "none".
  assert.deepEqual(upstream.timeouts, { connectMs: 500, sendMs: 2000, readMs: 1 })
  assert.equal(upstream.passHost, 'rewrite')
  assert.equal(upstream.upstreamHost, 'Inner.test:8443')
  assert.deepEqual(upstream.pool, { size: 1, idleMs: 0, requests: 7, maxAgeMs: 0 })
})

test('a pool that is written in part keeps the defaults of the rest', () => {
  const { pool } = upstreamOf({ nodes: {}, keepalive_pool: { size: 5 } })
  assert.deepEqual(pool, { size: 5, idleMs: 60_000, requests: 1000, maxAgeMs: 0 })
})

test('upstream_host counts with pass_host rewrite alone', () => {
  const { passHost, upstreamHost } = upstreamOf({ nodes: {}, upstream_host: 'x.test', pass_host: 'node' })
  assert.equal(passHost, 'node')
  assert.equal(upstreamHost, null)
})

test('no nodes means no endpoints and no retries, not a negative number of them', () => {
  for (const nodes of [{}, []]) {
    const upstream = upstreamOf({ nodes })
    assert.deepEqual(upstream.endpoints, [])
    assert.equal(upstream.retry.count, 0)
  }
})

test('an upstream whose nodes come from another registry than DNS has none, and says so', () => {
  const { objects, warnings } = translateAll([
    document('upstreams/1', { service_name: 'shop', discovery_type: 'nacos' }),
    document('upstreams/2', { service_name: 'shop.internal:8080', discovery_type: 'dns' }),
  ])
  assert.deepEqual(
    objects.map((object) => (object.kind === 'upstream' ? object.discovery : null)),
    [null, { kind: 'dns', name: 'shop.internal', port: 8080, weight: 1, priority: 0 }],
  )
  assert.deepEqual(warnings, [
    'upstreams/1 discovery_type: there is no registry nacos, only dns: requests get 503',
  ])
})

test('nodes that only have weight 0, and nodes that stand there twice, are warned about', () => {
  const { warnings } = translateAll([
    document('upstreams/1', { nodes: { 'a.test': 0, 'b.test': 0 } }),
    document('upstreams/2', { nodes: { 'a.test': 1, 'a.test:80': 2 } }),
    document('upstreams/3', { nodes: { 'a.test': 1, 'b.test': 0 } }),
  ])
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /^upstreams\/1 nodes: all nodes have weight 0/)
  assert.match(warnings[1] ?? '', /^upstreams\/2 nodes: a\.test:80 stands here more than once/)
})

test('weights of nodes that are scaled down are warned about, by priority', () => {
  const big = 2 ** 25
  const node = (port: number, weight: number, priority: number) => ({
    host: 'a.test',
    port,
    weight,
    priority,
  })
  const { warnings } = translateAll([
    document('upstreams/1', { nodes: { 'a.test:1': big, 'a.test:2': 7 } }),
    document('upstreams/2', { nodes: { 'a.test:1': big, 'a.test:2': big } }), // the same as 1:1
    document('upstreams/3', { nodes: [node(1, big, 1), node(2, 7, 0)] }),
  ])
  assert.deepEqual(warnings, [
    'upstreams/1 nodes: the weights add up to more than 33554432; they are scaled down and shares are no longer exact',
  ])
})

test('an inline upstream of a route has 60 s, one of traffic-split the start-up setting', () => {
  const inline = { nodes: { 'a.test': 1 } }
  const route = document('routes/1', {
    uri: '/',
    upstream: inline,
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream: inline }] }] } },
  })
  const timeouts = (inlineTimeout: number): (readonly [string, number])[] =>
    translateAll([route], settingsWith({ inlineTimeout })).objects.flatMap((object) =>
      object.kind === 'upstream' ? [[object.id, object.timeouts.readMs] as const] : [],
    )
  const inSplit = 'apisix/routes/1#plugins/traffic-split/rules/0/weighted_upstreams/0'
  assert.deepEqual(timeouts(15), [
    ['apisix/routes/1#upstream', 60_000],
    [inSplit, 15_000],
  ])
  assert.deepEqual(timeouts(60), [
    ['apisix/routes/1#upstream', 60_000],
    [inSplit, 60_000],
  ])
})

test('only inside traffic-split over http does pass_host node leave the port out', () => {
  const node = { nodes: { 'a.test:81': 1 }, pass_host: 'node' }
  const secure = { ...node, scheme: 'https' }
  const passing = { nodes: { 'a.test:81': 1 } }
  const entries = [{ upstream: node }, { upstream: secure }, { upstream: passing }]
  const { objects } = translateAll([
    document('upstreams/1', node),
    document('routes/1', {
      uri: '/',
      upstream: node,
      plugins: { 'traffic-split': { rules: [{ weighted_upstreams: entries }] } },
    }),
  ])
  const flags = objects.flatMap((object) => (object.kind === 'upstream' ? [object.nodeHostWithoutPort] : []))
  assert.deepEqual(flags, [false, false, true, false, false])
})
