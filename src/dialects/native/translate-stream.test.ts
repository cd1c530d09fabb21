import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { native } from './index.ts'

const faultsOf = (value: JsonObject): string[] =>
  native.validate('streams', value, DEFAULT_SETTINGS).map(({ path, message }) => `${path}: ${message}`)

function translate(value: JsonObject) {
  const document: StoredDocument = {
    key: { dialect: 'native', kind: 'streams', id: 'db' },
    value,
    createdRevision: 7,
    modifiedRevision: 7,
    expiresAtMs: null,
  }
  return native.translate(
    document,
    () => undefined,
    DEFAULT_SETTINGS,
    () => [],
  )
}

test('a stream document becomes a stream route, with what it holds', () => {
  const value = {
    id: 'db',
    ports: [9100],
    clients: ['10.0.0.0/8'],
    serverNames: ['DB.example.com'],
    priority: 5,
    idle: '10m',
    proxyProtocol: 'v2',
    split: [
      { upstream: { scheme: 'tcp', endpoints: ['10.0.0.1:5432'] }, weight: 9, name: 'old' },
      { upstream: { scheme: 'tls', endpoints: ['10.0.0.2:5432'] }, name: 'new' },
    ],
  }
  assert.deepEqual(faultsOf(value), [])
  const [route, ...upstreams] = translate(value).objects
  assert.ok(route?.kind === 'streamRoute')
  assert.deepEqual(
    [
      route.id,
      route.key,
      route.serverPorts,
      route.clients,
      route.serverNames,
      route.idleMs,
      route.proxyProtocol,
    ],
    ['native/streams/db', [-5, 7], [9100], ['10.0.0.0/8'], ['db.example.com'], 600_000, 2],
  )
  const targets = route.rules[0]?.split.targets ?? []
  assert.deepEqual(
    targets.map(({ weight, variant }) => [weight, variant]),
    [
      [9, 'old'],
      [1, 'new'],
    ],
  )
  assert.deepEqual(
    upstreams.map((upstream) => (upstream.kind === 'upstream' ? [upstream.id, upstream.scheme] : null)),
    [
      ['native/streams/db#split[0].upstream', 'tcp'],
      ['native/streams/db#split[1].upstream', 'tls'],
    ],
  )
})

test('the shortest one takes every stream', () => {
  const [route] = translate({ id: 'db', upstream: 'postgres' }).objects
  assert.ok(route?.kind === 'streamRoute')
  assert.deepEqual(
    [route.protocols, route.serverPorts, route.clients, route.serverNames, route.idleMs, route.proxyProtocol],
    [null, null, null, null, 3_600_000, null],
  )
})

test('what makes no sense is refused, each with its place', () => {
  const upstream = { scheme: 'tcp', endpoints: ['10.0.0.1'] }
  assert.deepEqual(faultsOf({ id: 'db', upstream }), [
    'upstream.endpoints[0]: 10.0.0.1 has no port, and tcp has none of its own',
  ])
  const found = faultsOf({
    id: 'db',
    ports: [0],
    clients: ['x'],
    serverNames: ['*'],
    protocols: ['http'],
    split: [],
    sticky: {},
  })
  for (const path of ['ports[0]', 'clients[0]', 'serverNames[0]', 'protocols[0]', 'split', 'sticky'])
    assert.ok(
      found.some((fault) => fault.startsWith(`${path}: `)),
      `${path} in ${found.join('\n')}`,
    )
})
