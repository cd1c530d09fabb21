import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepEqual } from '../../gateway/deep-equal.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { writeApisixFile } from './file.ts'
import { normalizeValue } from './normalize.ts'
import { editableValue, prepareValue } from './own-form.ts'
import { listReferences } from './references.ts'
import { listSplits, recognizeKinds } from './splits.ts'
import { summarizeValue } from './summary.ts'

function stored(kind: string, id: string, value: JsonObject): StoredDocument {
  return {
    key: { dialect: 'apisix', kind, id },
    value,
    createdRevision: 1,
    modifiedRevision: 1,
    expiresAtMs: null,
  }
}

test('prepares a value as PUT stores it: id kept or added behind, times set, the first one kept', () => {
  const first = prepareValue('routes', '1', { uri: '/a', create_time: 1, update_time: 2 }, undefined, 7_999)
  assert.equal(JSON.stringify(first), '{"uri":"/a","id":"1","create_time":7,"update_time":7}')
  const later = prepareValue('routes', '1', { id: 1, uri: '/b' }, stored('routes', '1', first), 9_000)
  assert.equal(JSON.stringify(later), '{"id":1,"uri":"/b","create_time":7,"update_time":9}')
  assert.equal(JSON.stringify(editableValue(later)), '{"id":1,"uri":"/b"}')
})

test('two versions are the same over defaults, ids, times and the order of keys', () => {
  const same = (kind: string, a: JsonObject, b: JsonObject): boolean =>
    isDeepEqual(normalizeValue(kind, a), normalizeValue(kind, b))
  const nodes = { 'a:1': 1 }
  assert.ok(
    same(
      'routes',
      { id: 1, uri: '/a', service_id: 5 },
      { service_id: '5', uri: '/a', priority: 0, status: 1, id: '1' },
    ),
  )
  assert.ok(
    same(
      'upstreams',
      { nodes },
      { nodes, type: 'roundrobin', scheme: 'http', pass_host: 'pass', retry_timeout: 0, update_time: 3 },
    ),
  )
  assert.ok(
    same(
      'upstreams',
      { nodes: [{ host: 'a', weight: 1 }] },
      { nodes: [{ weight: 1, host: 'a', priority: 0 }] },
    ),
  )
  const split = (entry: JsonObject): JsonObject => ({
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [entry] }] } },
  })
  assert.ok(
    same(
      'services',
      split({ upstream: { nodes } }),
      split({ upstream: { nodes, type: 'roundrobin' }, weight: 1 }),
    ),
  )
  assert.ok(!same('services', split({ weight: 1 }), split({ weight: 2 })))
  assert.ok(!same('upstreams', { nodes }, { nodes, retries: 0 }))
})

test('a default that depends on its place is no default: an inline upstream times out otherwise', () => {
  const timeout = { connect: 60, send: 60, read: 60 }
  const normal = (value: JsonObject): JsonObject =>
    normalizeValue('routes', { upstream: { nodes: {}, ...value } })
  assert.ok(!isDeepEqual(normal({}), normal({ timeout })))
})

test('names every reference; only those that the reference looks at must lead somewhere', () => {
  const value = {
    upstream_id: 1,
    service_id: 's',
    plugins: {
      'traffic-split': { rules: [{ weighted_upstreams: [{ weight: 1 }, { upstream_id: 'u', weight: 1 }] }] },
    },
  }
  assert.deepEqual(listReferences(value), [
    { path: 'upstream_id', kind: 'upstreams', id: '1', mustExist: true },
    { path: 'service_id', kind: 'services', id: 's', mustExist: true },
    {
      path: 'plugins.traffic-split.rules[0].weighted_upstreams[1].upstream_id',
      kind: 'upstreams',
      id: 'u',
      mustExist: false,
    },
  ])
})

test('lists splits with every name of a target; what has one target is none', () => {
  const rules = [
    { weighted_upstreams: [{ upstream_id: 'u' }] },
    {
      match: [],
      weighted_upstreams: [
        { upstream_id: 'u', weight: 3 },
        { upstream: { name: 'in', nodes: { 'x:1': 1 } }, weight: 0 },
        {},
      ],
    },
  ]
  const value = { upstream: { nodes: { 'own:80': 1 } }, plugins: { 'traffic-split': { rules } } }
  const lookup = (kind: string, id: string) =>
    kind === 'upstreams' && id === 'u' ? stored('upstreams', 'u', { name: 'blue' }) : undefined
  const [split, ...others] = listSplits(stored('routes', 'r', value), lookup)
  assert.equal(others.length, 0)
  assert.deepEqual([split?.path, split?.condition], ['plugins.traffic-split.rules[1]', null])
  assert.deepEqual(
    split?.targets.map(({ names, weight }) => [names, weight]),
    [
      [['blue', 'u'], 3],
      [['in', 'x:1'], 0],
      [['own:80', 'default'], 1],
    ],
  )
  const [inherited] = listSplits(stored('services', 's', value), lookup)
  assert.deepEqual(inherited?.targets[2]?.names, ['default'])
})

test('recognises one object by its keys', () => {
  for (const [value, kinds] of [
    [{ uris: ['/'] }, ['routes']],
    [{ nodes: {} }, ['upstreams']],
    [{ upstream_id: 'u' }, ['services']],
    [{ plugins: {} }, ['services', 'plugin_configs']],
    [{ plugins: [] }, []],
    [{ routes: [] }, []],
  ] as [JsonObject, string[]][]) {
    assert.deepEqual(recognizeKinds(value), kinds)
  }
})

test('tells in a few words what an object does', () => {
  const upstream = {
    nodes: [
      { host: 'a', port: 1, weight: 1 },
      { host: 'b', weight: 1 },
    ],
  }
  for (const [kind, value, text] of [
    [
      'routes',
      { methods: ['GET', 'PUT'], hosts: ['x.com', 'y.com'], uri: '/a/*', upstream },
      'GET|PUT x.com (+1)/a/* to a:1 (+1)',
    ],
    [
      'routes',
      { status: 0, uri: '/', vars: [[]], service_id: 3, plugins: { redirect: {} } },
      'off: / if … to service 3; redirect',
    ],
    ['upstreams', { nodes: { 'c:80': 1 } }, 'c:80'],
    ['services', { hosts: ['x.com'], upstream_id: 'u' }, 'x.com to upstream u'],
    ['plugin_configs', { plugins: { redirect: {}, 'traffic-split': {} } }, 'redirect, traffic-split'],
  ] as [string, JsonObject, string][]) {
    assert.equal(summarizeValue(kind, value), text)
  }
})

test('writes a file with ids in front, kinds and ids in order, and its last line', () => {
  const documents = [
    { kind: 'routes', id: 'b', value: { uri: '/b', id: 'b' } },
    { kind: 'routes', id: 'a', value: { uri: '/a' } },
    { kind: 'upstreams', id: '1', value: { id: 1, nodes: {} } },
  ]
  assert.equal(
    writeApisixFile(documents),
    'upstreams:\n  - id: 1\n    nodes: {}\nroutes:\n  - id: a\n    uri: /a\n  - id: b\n    uri: /b\n#END\n',
  )
  assert.equal(writeApisixFile([]), 'routes: []\n#END\n')
})
