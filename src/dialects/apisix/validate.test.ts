import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonValue } from '../../model/json.ts'
import { checkContents, checkShape, validateDocument } from './validate.ts'

function faultsOf(kind: string, value: JsonValue): readonly string[] {
  return validateDocument(kind, value, DEFAULT_SETTINGS).map(({ path, message }) => `${path}: ${message}`)
}

test('all faults of a document are found at once, each with its place', () => {
  const route = {
    uris: ['/a', '/b*c', 7],
    host: 'a',
    hosts: ['b'],
    priority: 'high',
    remote_addrs: ['10.0.0.0/8', '::1/200'],
    upstream: { nodes: { 'a:70000': 1, 'b:80': 1 }, type: 'chash', pass_host: 'rewrite', scheme: 'kafka' },
    plugins: {
      'limit-count': {},
      'traffic-split': { rules: [{ match: [{ vars: [['x', '=', 1]] }] }] },
      redirect: { uri: '/x' },
    },
    vars: [['x', 'near', '1']],
    enable_websocket: true,
    script: 'local a = 1',
    methodes: ['GET'],
  }
  assert.deepEqual(faultsOf('routes', route), [
    'hosts: only one of host or hosts is allowed',
    'uris[2]: wrong type: expected string, got number',
    'priority: wrong type: expected integer, got string',
    'methodes: additional properties forbidden, found methodes',
    "upstream.pass_host: `upstream_host` can't be empty when `pass_host` is `rewrite`",
    'upstream.nodes.a:70000: invalid port 70000',
    'upstream.key: missing key',
    'upstream.scheme: scheme kafka is not supported by this version yet',
    'uris[1]: invalid configuration: a * in the middle of a segment is not supported: /b*c',
    'remote_addrs[1]: invalid remote_addr: ::1/200',
    'plugins.limit-count: unknown plugin [limit-count]',
    "plugins.traffic-split: failed to check the configuration of plugin traffic-split err: failed to validate the 'vars' expression: invalid operator '='",
    "vars: failed to validate the 'vars' expression: invalid operator 'near'",
    'script: script is not supported: it runs Lua code',
  ])
})

test('a stored document with id and times is valid', () => {
  const times = { create_time: 1, update_time: 2 }
  assert.deepEqual(faultsOf('routes', { id: 1, uri: '/a', plugins: {}, ...times }), [])
  assert.deepEqual(faultsOf('services', { id: 'a', ...times }), [])
  assert.deepEqual(faultsOf('upstreams', { id: 'a', nodes: [], ...times }), [])
  assert.deepEqual(faultsOf('plugin_configs', { id: 'a', plugins: {}, ...times }), [])
})

test('values that are no documents at all have one fault', () => {
  for (const value of [null, 7, 'x', [1]] as JsonValue[]) assert.equal(faultsOf('routes', value).length, 1)
  assert.deepEqual(faultsOf('secrets', {}), [': unknown resource type secrets'])
  let deep: JsonValue = 1
  for (let i = 0; i < 40; i++) deep = [deep]
  assert.match(faultsOf('routes', { uri: '/a', plugins: {}, vars: deep })[0] ?? '', /maxJsonDepth/)
})

test('an empty list and an empty object stand for each other, as in Lua', () => {
  const route = { uri: '/a', plugins: [], methods: {}, vars: {}, labels: [] }
  assert.deepEqual(faultsOf('routes', route), [])
  assert.deepEqual(faultsOf('routes', { uri: '/a', plugins: { 'traffic-split': { rules: {} } } }), [])
  assert.deepEqual(faultsOf('routes', { ...route, hosts: {} }), [
    'hosts: expect array to have at least 1 items',
  ])
})

test('a switched-off plugin may hold anything', () => {
  const plugins = { 'traffic-split': { _meta: { disable: true }, rules: 'nonsense' } }
  assert.deepEqual(faultsOf('routes', { uri: '/a', plugins }), [])
})

test('path patterns are judged by the router in force', () => {
  const value = { uri: '/a/:x*y', plugins: {} }
  const withParameters = {
    ...DEFAULT_SETTINGS,
    apisix: { ...DEFAULT_SETTINGS.apisix, router: 'radixtree_uri_with_parameter' as const },
  }
  assert.match(checkShape('routes', value, withParameters) ?? '', /in the middle of a segment/)
  assert.equal(checkShape('routes', { uri: '/a/:x/*rest', plugins: {} }, withParameters), null)
})

test("faults come in the reference's order", () => {
  const value = {
    uri: 7,
    host: 'a',
    hosts: ['b'],
    upstream: { nodes: { 'a:0': 1 } },
    vars: ['x'],
    plugins: { x: {} },
  }
  const settings = DEFAULT_SETTINGS
  assert.equal(checkShape('routes', value, settings), 'only one of host or hosts is allowed')
  const { hosts: _hosts, ...single } = value
  assert.match(checkShape('routes', single, settings) ?? '', /^invalid configuration: property "uri"/)
  assert.equal(checkShape('routes', { ...single, uri: '/a' }, settings), 'invalid port 0')
  assert.equal(checkContents('routes', { ...single, uri: '/a' }, settings), 'unknown plugin [x]')
  assert.match(
    checkContents('routes', { vars: ['x'] }, settings) ?? '',
    /^failed to validate the 'vars' expression: /,
  )
})
