import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import { KUMA } from './kinds.ts'
import { listReferences } from './references.ts'
import { listSplits } from './splits.ts'
import { summarizeValue } from './summary.ts'
import { routeWith, yaml } from './testing.ts'

function splitsOf(value: JsonObject) {
  const key = { dialect: KUMA, kind: 'traffic-routes', id: 'default:r' }
  return listSplits({ key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null })
}

const ROUTE = `
  split:
  - {weight: "90", destination: {kuma.io/service: cart, version: "1.0"}}
  - {weight: 10, destination: {kuma.io/service: cart, version: "2.0", tier: gold}}
  http:
  - match: {path: {prefix: /a}}
    destination: {kuma.io/service: a}
  - match: {path: {prefix: /b}}
    split: [{weight: 1, destination: {kuma.io/service: b}}]
  - match: {path: {prefix: /c}}
    split: [{weight: 0, destination: {kuma.io/service: c}}, {weight: 3, destination: {kuma.io/service: d}}]`

test('splits are where their author finds them, with names for every target', () => {
  assert.deepEqual(splitsOf(routeWith(ROUTE)), [
    {
      path: 'conf.http[2].split',
      condition: { path: { prefix: '/c' } },
      targets: [
        { path: 'conf.http[2].split[0]', names: ['c'], weight: 0 },
        { path: 'conf.http[2].split[1]', names: ['d'], weight: 3 },
      ],
    },
    {
      path: 'conf.split',
      condition: null,
      targets: [
        { path: 'conf.split[0]', names: ['cart{version=1.0}', '1.0', 'version=1.0', 'cart'], weight: 90 },
        {
          path: 'conf.split[1]',
          names: ['cart{tier=gold,version=2.0}', '2.0', 'gold', 'version=2.0', 'tier=gold', 'cart'],
          weight: 10,
        },
      ],
    },
  ])
  const odd = splitsOf(routeWith('{split: [{weight: -1}, {weight: a, destination: {kuma.io/service: 1}}]}'))
  assert.deepEqual(
    odd[0]?.targets.map(({ weight }) => weight),
    [0, 0],
  )
  assert.deepEqual(splitsOf({ conf: 1 }), [])
})

test('a resource names its mesh, and the default one need not be there', () => {
  const reference = (value: JsonObject) => listReferences('dataplanes', value)
  assert.deepEqual(reference({ mesh: 'm' }), [{ path: 'mesh', kind: 'meshes', id: 'm', mustExist: true }])
  assert.deepEqual(reference({}), [{ path: 'mesh', kind: 'meshes', id: 'default', mustExist: false }])
  assert.deepEqual(reference({ mesh: 1 }), [])
  assert.deepEqual(listReferences('meshes', { name: 'm' }), [])
})

test('a resource is summed up in a few words', () => {
  const rows: readonly (readonly [kind: string, value: JsonObject, text: string])[] = [
    ['traffic-routes', routeWith(ROUTE), 'site to cart: 90 cart{version=1.0} (+1), 3 rules'],
    [
      'traffic-routes',
      routeWith('{destination: {kuma.io/service: "*"}, http: [{}]}'),
      'site to cart: *, 1 rule',
    ],
    ['traffic-routes', {}, ' to : '],
    [
      'dataplanes',
      yaml('{networking: {address: 10.0.0.1, inbound: [{port: 1, tags: {kuma.io/service: a}}, {port: 2}]}}'),
      'a at 10.0.0.1:1 (+1)',
    ],
    [
      'dataplanes',
      yaml('{networking: {address: b, gateway: {tags: {kuma.io/service: e}}}}'),
      'gateway e at b',
    ],
    [
      'external-services',
      yaml('{tags: {kuma.io/service: h}, networking: {address: "h.org:443"}}'),
      'h at h.org:443',
    ],
    ['meshes', yaml('{routing: {localityAwareLoadBalancing: true}}'), 'locality aware'],
    ['meshes', {}, ''],
  ]
  for (const [kind, value, text] of rows) assert.equal(summarizeValue(kind, value), text)
})
