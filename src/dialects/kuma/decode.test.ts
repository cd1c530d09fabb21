import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import { decode } from './decode.ts'
import type { Kind } from './kinds.ts'
import { routeWith, yaml } from './testing.ts'
import { fieldWarnings, unknownFields } from './validate.ts'

const conf = (text: string): unknown => decode('traffic-routes', routeWith(text)).value.conf

function faults(kind: Kind, value: JsonObject): readonly string[] {
  return decode(kind, value).faults.map(
    ({ path, message, hint }) => `${path}: ${message}${hint === null ? '' : ` (${hint})`}`,
  )
}

function warnings(text: string): readonly string[] {
  return fieldWarnings('traffic-routes', routeWith(text)).map(({ path, message }) => `${path}: ${message}`)
}

test('fields are read by the name of the message too, and by their own first', () => {
  assert.deepEqual(conf('{load_balancer: {ring_hash: {hash_function: MURMUR_HASH_2, min_ring_size: 2}}}'), {
    loadBalancer: { ringHash: { hashFunction: 'MURMUR_HASH_2', minRingSize: 2 } },
  })
  const both = '{loadBalancer: {random: {}}, load_balancer: {maglev: {}}}'
  const turned = '{load_balancer: {maglev: {}}, loadBalancer: {random: {}}}'
  for (const text of [both, turned]) {
    assert.deepEqual(conf(text), { loadBalancer: { random: {} } })
    assert.deepEqual(warnings(text), [
      'conf.load_balancer: load_balancer has no effect beside loadBalancer, which is the same field',
    ])
  }
  assert.deepEqual(conf('{loadBalancer: null, load_balancer: {maglev: {}}}'), {
    loadBalancer: { maglev: {} },
  })
  assert.deepEqual(warnings('{load_balancer: {maglev: {}}}'), [])
})

test('the names that only the documentation has are read with a warning', () => {
  const text = '{loadBalancer: {ringHash: {minringsize: "128", maxringsize: 4096}}}'
  assert.deepEqual(conf(text), { loadBalancer: { ringHash: { minRingSize: 128, maxRingSize: 4096 } } })
  assert.deepEqual(warnings(text), [
    'conf.loadBalancer.ringHash.minringsize: minringsize is read as minRingSize',
    'conf.loadBalancer.ringHash.maxringsize: maxringsize is read as maxRingSize',
  ])
  assert.deepEqual(conf('{loadBalancer: {ringHash: {minringsize: 3, min_ring_size: 4}}}'), {
    loadBalancer: { ringHash: { minRingSize: 4 } },
  })
})

test('the modify fields have one name only, and what is nearly that is told', () => {
  const text = '{http: [{modify: {requestHeader: {}, request_headers: {}, path: {rewrite_prefix: /a}}}]}'
  assert.deepEqual(
    unknownFields('traffic-routes', routeWith(text)).map(({ path }) => path),
    [
      'conf.http[0].modify.requestHeader',
      'conf.http[0].modify.request_headers',
      'conf.http[0].modify.path.rewrite_prefix',
    ],
  )
  assert.deepEqual(warnings('{http: [{modify: {requestHeader: {}}}]}'), [
    'conf.http[0].modify.requestHeader: there is no field requestHeader, it has no effect: did you mean requestHeaders?',
  ])
})

test('unknown fields are found everywhere, and nothing else is one', () => {
  const value = yaml(`
type: TrafficRoute
name: a
mesh: b
creationTime: x
modificationTime: y
labels: {a: b}
sources: [{match: {anything: goes}, mach: {}}]
conf:
  split: [{weigth: 1}]
  http: [{match: {headers: {anything: {exat: a}}}}]
  loadBalancer: {random: {a: 1}}
`)
  const paths = unknownFields('traffic-routes', value).map(({ path }) => path)
  assert.deepEqual(paths, [
    'labels',
    'sources[0].mach',
    'conf.split[0].weigth',
    'conf.http[0].match.headers["anything"].exat',
    'conf.loadBalancer.random.a',
  ])
  assert.deepEqual(
    unknownFields('meshes', yaml('{type: Mesh, name: m, mesh: m}')).map(({ path }) => path),
    ['mesh'],
  )
})

test('numbers may be texts', () => {
  assert.deepEqual(conf('{split: [{weight: "90"}, {weight: 10.0}]}'), {
    split: [{ weight: 90 }, { weight: 10 }],
  })
  const weight = (text: string): readonly string[] =>
    faults('traffic-routes', routeWith(`{split: [{weight: ${text}}]}`))
  for (const text of ['-1', '1.5', '"1.5"', '""', '" 1"', '4294967296', '"4294967296"', 'true', '{}', 'x'])
    assert.equal(weight(text).length, 1, text)
  assert.deepEqual(weight('-1'), ['conf.split[0].weight: must be an integer from 0 to 4294967295, it is -1'])
  assert.deepEqual(weight('4294967295'), [])
  const size = (text: string): readonly string[] =>
    faults('traffic-routes', routeWith(`{loadBalancer: {ringHash: {minRingSize: ${text}}}}`))
  assert.deepEqual(size('"4294967296"'), [])
  assert.equal(size('"99999999999999999999"').length, 1)
})

test('the value of a tag is a text, and the fault shows how it is written', () => {
  assert.deepEqual(faults('traffic-routes', routeWith('{destination: {kuma.io/service: a, version: 1.0}}')), [
    'conf.destination["version"]: the value of a tag must be a text, it is 1 (put it in quotes: version: "1" or "1.0")',
  ])
  assert.deepEqual(
    faults('traffic-routes', yaml('sources: [{match: {a: 1.5, b: true, c: [], d: null, e: ""}}]')),
    [
      'sources[0].match["a"]: the value of a tag must be a text, it is 1.5 (put it in quotes: a: "1.5")',
      'sources[0].match["b"]: the value of a tag must be a text, it is true (put it in quotes: b: "true")',
      'sources[0].match["c"]: the value of a tag must be a text, it is a list',
    ],
  )
})

test('null is as good as absent, and so is an empty list; empty objects are there', () => {
  assert.deepEqual(conf('{split: [], destination: null, http: [], loadBalancer: null}'), {})
  assert.deepEqual(conf('{destination: {}, http: [{match: {headers: {}}}]}'), {
    destination: {},
    http: [{ match: { headers: {} } }],
  })
  assert.deepEqual(conf('{destination: {kuma.io/service: null}}'), { destination: { 'kuma.io/service': '' } })
  assert.deepEqual(faults('traffic-routes', yaml('{sources: null, conf: null, type: null, name: null}')), [])
})

test('values of another type are all told, and nothing throws', () => {
  assert.deepEqual(
    faults(
      'traffic-routes',
      yaml(`
name: 1
sources: {}
destinations: [null, 1]
conf:
  destination: [a]
  http: {}
  loadBalancer: random
  timeout: {connectTimeout: 5, idleTimeout: 5 s}
`),
    ).map((line) => line.slice(0, line.indexOf(', it is'))),
    [
      'name: must be a text',
      'sources: must be a list',
      'destinations[0]: must be an object',
      'destinations[1]: must be an object',
      'conf.destination: must be an object',
      'conf.http: must be a list',
      'conf.loadBalancer: must be an object',
      'conf.timeout.connectTimeout: must be a duration',
      'conf.timeout.idleTimeout: must be a duration',
    ],
  )
  assert.deepEqual(
    faults(
      'dataplanes',
      yaml('networking: {inbound: [{state: ready, health: {ready: 1}}], gateway: {type: 2}}'),
    ),
    [
      'networking.inbound[0].state: must be one of Ready, NotReady, Ignored, it is "ready" (did you mean Ready?)',
      'networking.inbound[0].health.ready: must be true or false, it is 1',
      'networking.gateway.type: must be one of DELEGATED, BUILTIN, it is 2',
    ],
  )
  const mirror = '{http: [{mirror: {percentage: many}}]}'
  assert.deepEqual(faults('traffic-routes', routeWith(mirror)), [
    'conf.http[0].mirror.percentage: must be a number, it is "many"',
  ])
})

test('one value is decoded once, and for each kind by itself', () => {
  const value = yaml('{type: Mesh, name: m}')
  assert.equal(decode('meshes', value), decode('meshes', value))
  assert.notEqual(decode('dataplanes', value), decode('meshes', value))
})
