import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { JsonObject } from '../../model/json.ts'
import { readDataplane } from './read-dataplane.ts'
import { readExternalService } from './read-external-service.ts'
import { readMesh } from './read-mesh.ts'
import { readTrafficRoute } from './read-traffic-route.ts'

const HEAD = `
type: TrafficRoute
name: r
mesh: m
sources: [{match: {kuma.io/service: site}}]
destinations: [{match: {kuma.io/service: "*"}}]
`

function route(conf: string) {
  return readTrafficRoute(parse(`${HEAD}conf: ${conf}`) as JsonObject)
}

test('a destination is a split of one', () => {
  const read = route('{destination: {kuma.io/service: cart, version: "*"}}')
  assert.deepEqual(read, {
    mesh: 'm',
    name: 'r',
    sources: [{ 'kuma.io/service': 'site' }],
    destinations: [{ 'kuma.io/service': '*' }],
    conf: {
      legs: {
        path: 'conf.destination',
        legs: [
          {
            weight: 1,
            tags: { 'kuma.io/service': 'cart', version: '*' },
            path: 'conf.destination',
          },
        ],
      },
      loadBalancer: { kind: 'roundRobin' },
      http: [],
      timeout: null,
      retry: null,
    },
    createdMs: 1,
  })
})

test('a rule is read with everything that it may hold', () => {
  const { conf } = route(`
  destination: {kuma.io/service: cart}
  timeout: {connectTimeout: 250ms, idleTimeout: 1m30s, http: {requestTimeout: 0s}}
  retry: {numRetries: "3", perTryTimeout: 1.5s, retriableStatusCodes: [503, "429"]}
  http:
  - match:
      method: {regex: GET|HEAD}
      path: {prefix: /shop}
      headers: {x-tier: {exact: ""}, :authority: {prefix: a}}
      queryParameters: {v: {exact: "2"}}
    modify:
      path: {rewritePrefix: /gold}
      host: {fromPath: {pattern: ^/(x), substitution: '\\1'}}
      requestHeaders: {add: [{name: a, value: b, append: true}, {name: c, value: d}], remove: [{name: e}]}
      responseHeaders: {remove: [{name: server}]}
    mirror: {percentage: 12.5, destination: {kuma.io/service: cart, version: next}}
    split:
    - {weight: "90", destination: {kuma.io/service: cart, version: null}}
    - {weight: 0, destination: {kuma.io/service: other}}
  - match: {method: {exact: PUT}}
    modify: {path: {regex: {pattern: a, substitution: b}}, host: {value: h}}
    mirror: {destination: {kuma.io/service: cart}}
    split: []
    destination: {kuma.io/service: put}`)
  assert.deepEqual(conf.timeout, { connectMs: 250, idleMs: 90_000, requestMs: 0 })
  assert.deepEqual(conf.retry, { numRetries: 3, perTryTimeoutMs: 1500, retriableStatusCodes: [503, 429] })
  const [first, second] = conf.http
  assert.deepEqual(first, {
    path: 'conf.http[0]',
    match: {
      method: { kind: 'regex', text: 'GET|HEAD' },
      path: { kind: 'prefix', text: '/shop' },
      headers: [
        ['x-tier', { kind: 'exact', text: '' }],
        [':authority', { kind: 'prefix', text: 'a' }],
      ],
      query: [['v', { kind: 'exact', text: '2' }]],
    },
    modify: {
      path: { kind: 'rewritePrefix', text: '/gold' },
      host: { kind: 'fromPath', pattern: '^/(x)', substitution: '\\1' },
      requestHeaders: {
        add: [
          { name: 'a', value: 'b', append: true },
          { name: 'c', value: 'd', append: false },
        ],
        remove: ['e'],
      },
      responseHeaders: { add: [], remove: ['server'] },
    },
    legs: {
      path: 'conf.http[0].split',
      legs: [
        { weight: 90, tags: { 'kuma.io/service': 'cart', version: '' }, path: 'conf.http[0].split[0]' },
        { weight: 0, tags: { 'kuma.io/service': 'other' }, path: 'conf.http[0].split[1]' },
      ],
    },
    mirror: {
      percentage: 12.5,
      tags: { 'kuma.io/service': 'cart', version: 'next' },
      path: 'conf.http[0].mirror',
    },
  })
  assert.deepEqual(second?.modify?.path, { kind: 'regex', pattern: 'a', substitution: 'b' })
  assert.deepEqual(second?.modify?.host, { kind: 'value', text: 'h' })
  assert.equal(second?.mirror?.percentage, 100)
  assert.equal(second?.legs.path, 'conf.http[1].destination')
})

test('balancers are read by every name, with their defaults', () => {
  const balancer = (text: string) =>
    route(`{destination: {kuma.io/service: a}, loadBalancer: ${text}}`).conf.loadBalancer
  assert.deepEqual(balancer('{}'), { kind: 'roundRobin' })
  assert.deepEqual(balancer('{roundRobin: {}}'), { kind: 'roundRobin' })
  assert.deepEqual(balancer('{random: {}}'), { kind: 'random' })
  assert.deepEqual(balancer('{leastRequest: {}}'), { kind: 'leastRequest', choiceCount: 2 })
  assert.deepEqual(balancer('{leastRequest: {choiceCount: 0}}'), { kind: 'leastRequest', choiceCount: 2 })
  assert.deepEqual(balancer('{least_request: {choice_count: "4"}}'), { kind: 'leastRequest', choiceCount: 4 })
  const ring = {
    kind: 'ringHash',
    hashFunction: 'XX_HASH',
    minRingSize: 1024,
    maxRingSize: 8_388_608,
    hashPolicies: [],
  }
  assert.deepEqual(balancer('{ringHash: {}}'), ring)
  assert.deepEqual(balancer('{ringHash: {minRingSize: 0, maxRingSize: "0"}}'), ring)
  const murmur = { ...ring, hashFunction: 'MURMUR_HASH_2', minRingSize: 128, maxRingSize: 4096 }
  assert.deepEqual(
    balancer('{ring_hash: {hash_function: MURMUR_HASH_2, min_ring_size: "128", maxringsize: 4096}}'),
    murmur,
  )
  const read = route('{destination: {kuma.io/service: a}, load_balancer: {random: {}}}')
  assert.deepEqual(read.conf.loadBalancer, { kind: 'random' })
})

test('hash policies are read in order', () => {
  const { loadBalancer } = route(`
  destination: {kuma.io/service: a}
  loadBalancer:
    maglev:
      hashPolicies:
      - {type: Header, terminal: true, header: {name: x-user}}
      - {type: Cookie, cookie: {name: c, ttl: 1h, path: /a}}
      - {type: Cookie, cookie: {name: d}}
      - {type: QueryParameter, queryParameter: {name: q}}
      - {type: Connection, connection: {sourceIP: true}}
      - {type: SourceIP}`).conf
  assert.deepEqual(loadBalancer, {
    kind: 'maglev',
    hashPolicies: [
      { terminal: true, source: { kind: 'header', name: 'x-user' } },
      { terminal: false, source: { kind: 'cookie', name: 'c', ttlMs: 3_600_000, path: '/a' } },
      { terminal: false, source: { kind: 'cookie', name: 'd', ttlMs: null, path: '/' } },
      { terminal: false, source: { kind: 'queryParameter', name: 'q' } },
      { terminal: false, source: { kind: 'sourceIP' } },
      { terminal: false, source: { kind: 'sourceIP' } },
    ],
  })
})

test('the time of creation is read, and a value is read once', () => {
  const value = parse(`${HEAD}creationTime: "2026-01-02T03:04:05.678Z"\nconf: {}`) as JsonObject
  assert.equal(readTrafficRoute(value).createdMs, Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  assert.equal(readTrafficRoute(value), readTrafficRoute(value))
})

test('a dataplane is read with its defaults', () => {
  const read = readDataplane(
    parse(`
type: Dataplane
name: site-1
networking:
  address: 10.1.0.7
  inbound:
  - {port: 9000, tags: {kuma.io/service: a}}
  - {port: 9001, servicePort: 8080, address: 10.1.0.8, tags: {kuma.io/service: b}}
  - {port: 9002, serviceAddress: 127.0.0.1, servicePort: 0, tags: {kuma.io/service: c}}
  outbound:
  - {port: 10001, tags: {kuma.io/service: cart}}
  - {port: 10002, address: 127.0.0.2, tags: {kuma.io/service: deals}}
`) as JsonObject,
  )
  assert.equal(read.mesh, 'default')
  assert.equal(read.advertisedAddress, null)
  assert.equal(read.gateway, null)
  const listeners = read.inbounds.map((one) => [
    one.address,
    one.port,
    one.serviceAddress,
    one.servicePort,
    one.path,
  ])
  assert.deepEqual(listeners, [
    ['10.1.0.7', 9000, '10.1.0.7', 9000, 'networking.inbound[0]'],
    ['10.1.0.8', 9001, '10.1.0.8', 8080, 'networking.inbound[1]'],
    ['10.1.0.7', 9002, '127.0.0.1', 9002, 'networking.inbound[2]'],
  ])
  assert.deepEqual(read.outbounds, [
    {
      path: 'networking.outbound[0]',
      address: '127.0.0.1',
      port: 10_001,
      tags: { 'kuma.io/service': 'cart' },
    },
    {
      path: 'networking.outbound[1]',
      address: '127.0.0.2',
      port: 10_002,
      tags: { 'kuma.io/service': 'deals' },
    },
  ])
})

test('an inbound is ready unless its health or its state says otherwise', () => {
  const state = (text: string): readonly boolean[] => {
    const value = parse(`{networking: {address: 127.0.0.1, inbound: [{port: 1, ${text}}]}}`) as JsonObject
    return readDataplane(value).inbounds.flatMap(({ isReady, isIgnored }) => [isReady, isIgnored])
  }
  assert.deepEqual(state('health: {ready: true}, state: Ready'), [true, false])
  assert.deepEqual(state('health: {}'), [true, false])
  assert.deepEqual(state('health: {ready: false}'), [false, false])
  assert.deepEqual(state('state: NotReady'), [false, false])
  assert.deepEqual(state('health: {ready: true}, state: 1'), [false, false])
  assert.deepEqual(state('state: Ignored'), [false, true])
})

test('probes, gateways and the admin port of a dataplane are read', () => {
  const read = (text: string) => readDataplane(parse(`networking: ${text}`) as JsonObject)
  const probe = (text: string) =>
    read(`{address: a, inbound: [{port: 1, serviceProbe: ${text}}]}`).inbounds[0]?.probe
  assert.deepEqual(probe('{tcp: {}}'), {
    intervalMs: 1000,
    timeoutMs: 2000,
    healthyThreshold: 1,
    unhealthyThreshold: 1,
  })
  assert.deepEqual(probe('{interval: 5s, timeout: 0.5s, healthyThreshold: 2, unhealthy_threshold: 3}'), {
    intervalMs: 5000,
    timeoutMs: 500,
    healthyThreshold: 2,
    unhealthyThreshold: 3,
  })
  const tags = { 'kuma.io/service': 'edge' }
  const gateway = read('{address: a, advertisedAddress: b, gateway: {tags: {kuma.io/service: edge}}}')
  assert.deepEqual(gateway.gateway, { type: 'DELEGATED', tags })
  assert.equal(gateway.advertisedAddress, 'b')
  assert.equal(read('{gateway: {type: BUILTIN}}').gateway?.type, 'BUILTIN')
})

test('an external service is read with its TLS, where that is on', () => {
  const read = (networking: string) =>
    readExternalService(
      parse(`{name: e, tags: {kuma.io/service: e}, networking: ${networking}}`) as JsonObject,
    )
  assert.deepEqual(read('{address: "[::1]:443", tls: {serverName: x}}'), {
    mesh: 'default',
    name: 'e',
    tags: { 'kuma.io/service': 'e' },
    host: '::1',
    port: 443,
    tls: null,
  })
  const { host, tls } = read(
    '{address: "a.example:80", tls: {enabled: true, serverName: x, caCert: {inline: Q0E=}, clientCert: {inlineString: CERT}, client_key: {inlineString: KEY}, skipHostnameVerification: true}}',
  )
  assert.equal(host, 'a.example')
  assert.deepEqual(tls, {
    serverName: 'x',
    caCert: 'CA',
    clientCert: 'CERT',
    clientKey: 'KEY',
    skipHostnameVerification: true,
  })
  assert.deepEqual(read('{address: "a:1", tls: {enabled: true}}').tls, {
    serverName: null,
    caCert: null,
    clientCert: null,
    clientKey: null,
    skipHostnameVerification: false,
  })
})

test('a mesh is read, in the Kubernetes form too', () => {
  const text =
    '{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}, spec: {routing: {localityAwareLoadBalancing: true}, skipCreatingInitialPolicies: ["*"]}}'
  assert.deepEqual(readMesh(parse(text) as JsonObject), {
    name: 'm',
    localityAware: true,
    skipCreatingInitialPolicies: ['*'],
  })
  assert.deepEqual(readMesh({ type: 'Mesh', name: 'n' }), {
    name: 'n',
    localityAware: false,
    skipCreatingInitialPolicies: [],
  })
})
