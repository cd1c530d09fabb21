import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { idOf, recognizeKinds, toKubernetes, toUniversal } from './envelope.ts'
import { documentId, type Kind, KUMA } from './kinds.ts'
import { concealClientKey, editableValue, normaliseValue, prepareValue } from './own-form.ts'
import { routeWith, yaml } from './testing.ts'

const IN_CLUSTER = `
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: prod
metadata: {name: cart-canary, namespace: x, labels: {a: b}}
spec:
  sources: [{match: {kuma.io/service: site}}]
  conf: {destination: {kuma.io/service: cart}}
`

function stored(kind: Kind, value: JsonObject): StoredDocument {
  const key = { dialect: KUMA, kind, id: idOf(kind, value) ?? '' }
  return { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
}

test('both forms are one resource, and it is stored in the Universal one', () => {
  const value = yaml(IN_CLUSTER)
  const universal = {
    type: 'TrafficRoute',
    mesh: 'prod',
    name: 'cart-canary',
    sources: [{ match: { 'kuma.io/service': 'site' } }],
    conf: { destination: { 'kuma.io/service': 'cart' } },
  }
  assert.equal(idOf('traffic-routes', value), documentId('traffic-routes', 'prod', 'cart-canary'))
  assert.deepEqual(toUniversal('traffic-routes', value), universal)
  const made = prepareValue('traffic-routes', 'prod:cart-canary', value, undefined, 0)
  assert.deepEqual(editableValue('traffic-routes', made), universal)
  const { metadata: _, ...rest } = value
  assert.deepEqual(toKubernetes('traffic-routes', made), { ...rest, metadata: { name: 'cart-canary' } })
  assert.equal(toUniversal('traffic-routes', universal), universal)
})

test('a mesh is in no mesh, and others are in the default one where they say nothing', () => {
  const mesh = yaml('{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}, spec: {routing: {}}}')
  assert.deepEqual(toUniversal('meshes', mesh), { type: 'Mesh', name: 'm', routing: {} })
  assert.equal(idOf('meshes', mesh), 'm')
  assert.deepEqual(toKubernetes('meshes', { type: 'Mesh', name: 'm', routing: {} }), mesh)
  const plain = yaml('{apiVersion: kuma.io/v1alpha1, kind: Dataplane, metadata: {name: d}}')
  assert.deepEqual(toUniversal('dataplanes', plain), { type: 'Dataplane', mesh: 'default', name: 'd' })
  assert.equal(idOf('dataplanes', { type: 'Dataplane', name: 'd' }), 'default:d')
  assert.equal(idOf('dataplanes', { type: 'Dataplane', mesh: 'm' }), null)
  assert.equal(idOf('zones', { name: 'z' }), null)
})

test('creationTime survives what is written later, and times of the author are not read', () => {
  const value = { ...routeWith('{}'), creationTime: '1999-01-01T00:00:00Z', modificationTime: 'x' }
  const first = prepareValue('traffic-routes', 'default:r', value, undefined, 1_000)
  assert.equal(first.creationTime, '1970-01-01T00:00:01.000Z')
  assert.equal(first.modificationTime, '1970-01-01T00:00:01.000Z')
  const second = prepareValue('traffic-routes', 'default:r', value, stored('traffic-routes', first), 2_000)
  assert.equal(second.creationTime, '1970-01-01T00:00:01.000Z')
  assert.equal(second.modificationTime, '1970-01-01T00:00:02.000Z')
  assert.deepEqual(Object.keys(editableValue('traffic-routes', second)), Object.keys(routeWith('{}')))
})

test('what the id says stands in front where it lacks, and nothing that was written moves', () => {
  const made = prepareValue('traffic-routes', 'm:r', { conf: {}, mesh: '', name: 'r' }, undefined, 0)
  assert.deepEqual(Object.entries(editableValue('traffic-routes', made)), [
    ['type', 'TrafficRoute'],
    ['mesh', 'm'],
    ['conf', {}],
    ['name', 'r'],
  ])
  assert.deepEqual(Object.keys(prepareValue('meshes', 'm', {}, undefined, 0)), [
    'type',
    'name',
    'creationTime',
    'modificationTime',
  ])
})

test('a private key is shown to nobody, and stays when what was shown is written again', () => {
  for (const name of ['clientKey', 'client_key']) {
    const tls = { enabled: true, clientCert: { inlineString: 'c' }, [name]: { inlineString: 'k' } }
    const value = { type: 'ExternalService', name: 'e', mesh: 'default', networking: { address: 'a:1', tls } }
    const first = prepareValue('external-services', 'default:e', value, undefined, 0)
    const shown = concealClientKey(editableValue('external-services', first))
    assert.doesNotMatch(JSON.stringify(shown), /"k"/)
    assert.match(JSON.stringify(shown), /"c"/)
    const previous = stored('external-services', first)
    const again = prepareValue('external-services', 'default:e', shown, previous, 0)
    assert.deepEqual(editableValue('external-services', again), value)
    const without = { ...value, networking: { address: 'a:1', tls: { enabled: true } } }
    const bare = prepareValue('external-services', 'default:e', without, previous, 0)
    assert.deepEqual(editableValue('external-services', bare), without)
    const other = { ...tls, [name]: { inlineString: 'new' } }
    const replaced = { ...value, networking: { address: 'a:1', tls: other } }
    const kept = prepareValue('external-services', 'default:e', replaced, previous, 0)
    assert.deepEqual(editableValue('external-services', kept), replaced)
  }
  const plain = { networking: { address: 'a:1' } }
  assert.equal(concealClientKey(plain), plain)
})

test('two ways to write one resource are the same document, and two resources are not', () => {
  const same = (kind: Kind, one: string, other: string): void =>
    assert.deepEqual(normaliseValue(kind, yaml(one)), normaliseValue(kind, yaml(other)))
  same(
    'traffic-routes',
    IN_CLUSTER,
    '{type: TrafficRoute, name: cart-canary, mesh: prod, creationTime: x, destinations: [], sources: [{match: {kuma.io/service: site}}], conf: {destination: {kuma.io/service: cart}, load_balancer: {round_robin: {}}, split: null}}',
  )
  same('traffic-routes', '{name: a}', '{name: a, mesh: default}')
  same(
    'traffic-routes',
    '{conf: {loadBalancer: {ringHash: {}}, timeout: {connectTimeout: 1m30s}}}',
    '{conf: {loadBalancer: {ring_hash: {hash_function: XX_HASH, minringsize: "1024", maxRingSize: 0}}, timeout: {connectTimeout: 90s}}}',
  )
  same(
    'dataplanes',
    '{networking: {inbound: [{port: 1, health: {ready: true}, state: Ready, address: ""}]}}',
    '{networking: {inbound: [{port: "1", health: {}}]}}',
  )
  const differ = (one: string, other: string): void =>
    assert.notDeepEqual(
      normaliseValue('traffic-routes', yaml(one)),
      normaliseValue('traffic-routes', yaml(other)),
    )
  differ('{conf: {split: [{weight: 1}]}}', '{conf: {split: [{weight: 2}]}}')
  differ('{conf: {loadBalancer: {random: {}}}}', '{conf: {loadBalancer: {maglev: {}}}}')
  differ('{conf: {}}', '{conf: {odd: 1}}')
  differ('{mesh: a}', '{mesh: b}')
})

test('a resource alone is known by what it says, or by fields that only its kind has', () => {
  const rows: readonly (readonly [text: string, ...kinds: readonly string[]])[] = [
    [IN_CLUSTER, 'traffic-routes'],
    ['{type: Mesh, name: m}', 'meshes'],
    ['{sources: [], destinations: [], conf: {}}', 'traffic-routes'],
    ['{networking: {inbound: []}}', 'dataplanes'],
    ['{networking: {gateway: {}}}', 'dataplanes'],
    ['{tags: {}, networking: {address: a}}', 'external-services'],
    ['{networking: {address: a}}'],
    ['{type: Zone, name: z}'],
    ['{}'],
    ['{apiVersion: v1, kind: Secret}'],
    ['{apiVersion: networking.k8s.io/v1, kind: Mesh}'],
  ]
  for (const [text, ...kinds] of rows) assert.deepEqual(recognizeKinds(yaml(text)), kinds, text)
})
