import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredDocument } from '../model/document.ts'
import { MeshModels, type ObjectKey } from './mesh-models.ts'
import { ProxyStream } from './proxy-stream.ts'
import { edit, FakeSink, kuma, MESH, proxyDocument, routeDocument, SETTINGS, stored } from './testing.ts'

const V1 = { weight: 90, destination: { 'kuma.io/service': 'backend', version: '1' } }
const V2 = { weight: 10, destination: { 'kuma.io/service': 'backend', version: '2' } }

function setUp(documents: readonly StoredDocument[]) {
  const changes: [string, readonly ObjectKey[]][] = []
  const streams = new Map<string, ProxyStream>()
  const models = new MeshModels({
    dialect: kuma,
    settings: SETTINGS,
    documents,
    log: (_level, fields, message) => assert.fail(`${message}: ${JSON.stringify(fields)}`),
    onChange: (id, objects) => {
      changes.push([id, objects])
      streams.get(id)?.note(objects)
    },
    onDocument: () => {},
  })
  const follow = (id: string): FakeSink => {
    const sink = new FakeSink()
    const stream = new ProxyStream(models, id, sink)
    streams.set(id, stream)
    stream.begin([], [])
    return sink
  }
  /** Puts edits in force; the proxies that they touched. */
  const change = async (...edits: { key: StoredDocument['key']; document: StoredDocument | undefined }[]) => {
    changes.length = 0
    models.take(edits)
    await models.settle()
    return changes.map(([id]) => id).sort()
  }
  return { models, follow, change }
}

const BASE = [
  MESH,
  routeDocument('all', '*', [{ weight: 1, destination: { 'kuma.io/service': '*' } }]),
  proxyDocument('backend-1', 'backend'),
  proxyDocument('site-1', 'site', ['backend']),
  proxyDocument('cart-1', 'cart', ['offers']),
]

test('makes the model of each proxy, of its own document and those that it depends on', () => {
  const { models } = setUp(BASE)
  const kinds = (id: string) =>
    models
      .objectsOf(id)
      .map(({ kind }) => kind)
      .sort()
  assert.deepEqual(kinds('default:backend-1'), ['listener', 'route', 'upstream'])
  assert.equal(kinds('default:site-1').filter((kind) => kind === 'listener').length, 2)
  assert.deepEqual(kinds('default:nobody'), [])
})

test('touches the proxies that a change concerns, and no others', async () => {
  const { change } = setUp(BASE)
  // a second instance of a service concerns itself and those who call it
  assert.deepEqual(await change(edit(proxyDocument('backend-2', 'backend'))), [
    'default:backend-2',
    'default:site-1',
  ])
  assert.deepEqual(await change(edit(routeDocument('r', 'backend', [V1, V2]))), ['default:site-1'])
  assert.deepEqual(await change(edit(proxyDocument('offers-1', 'offers'))), [
    'default:cart-1',
    'default:offers-1',
  ])
  assert.deepEqual(await change({ key: MESH.key, document: MESH }), [])
})

test('takes what comes together as one change, of which the last form counts', async () => {
  const { change, follow } = setUp(BASE)
  const sink = follow('default:site-1')
  sink.take()
  await change(
    edit(routeDocument('r', 'backend', [V1])),
    edit(proxyDocument('backend-2', 'backend')),
    edit(routeDocument('r', 'backend', [V1, V2])),
  )
  const lines = sink.take()
  assert.equal(lines.length, 1)
  assert.match(JSON.stringify(lines[0]), /"weight":90.*"weight":10/)
})

test('sends the whole first, then what changed, with objects that go', async () => {
  const { change, follow, models } = setUp(BASE)
  const sink = follow('default:site-1')
  const [hello, probes, model] = sink.take()
  assert.equal(hello?.type, 'hello')
  assert.equal(probes?.type, 'probes')
  assert.ok(model?.type === 'model')
  assert.equal(model.upserts.length, models.objectsOf('default:site-1').length)
  assert.deepEqual(model.removals, [])
  await change(edit(proxyDocument('site-1', 'site', [])))
  const [patch] = sink.take()
  assert.ok(patch?.type === 'patch')
  assert.deepEqual(patch.upserts, [])
  assert.ok(patch.removals.some(({ kind, id }) => kind === 'listener' && id.includes(':10001')))
  assert.ok(patch.revision > model.revision)
  assert.ok(!models.objectsOf('default:site-1').some(({ id }) => id.includes(':10001')))
})

test('gives one who has not read for long a single patch, as things are then', async () => {
  const { change, follow } = setUp(BASE)
  const sink = follow('default:site-1')
  sink.take()
  sink.isFull = true
  await change(edit(routeDocument('r', 'backend', [V1, V2])))
  assert.equal(sink.take().length, 1)
  const before = sink.bytes
  for (const weight of [1, 2, 3, 4, 5])
    await change(edit(routeDocument('r', 'backend', [{ ...V1, weight }, V2])))
  await change(edit(proxyDocument('site-1', 'site', ['backend', 'offers'])))
  await change(edit(proxyDocument('site-1', 'site', ['backend'])))
  assert.equal(sink.bytes, before)
  sink.drain()
  const [patch, ...more] = sink.take()
  assert.deepEqual(more, [])
  assert.ok(patch?.type === 'patch')
  assert.match(JSON.stringify(patch.upserts), /"weight":5\b/)
  assert.doesNotMatch(JSON.stringify(patch.upserts), /"weight":4\b/)
  // what came and went meanwhile was never there: to remove it does no harm
  assert.ok(patch.removals.every(({ id }) => id.includes(':10002') || id.includes('offers')))
  assert.ok(patch.upserts.every(({ id }) => !id.includes(':10002')))
})

test('leaves out documents that do not validate, and serves the rest', () => {
  const bad = { ...proxyDocument('bad', 'bad'), value: { type: 'Dataplane', mesh: 'default', name: 'bad' } }
  const { models } = setUp([...BASE, bad])
  assert.deepEqual(models.objectsOf('default:bad'), [])
  assert.notDeepEqual(models.objectsOf('default:site-1'), [])
})

test('after changes of all kinds the models are those that would be made anew of all documents', async () => {
  const { change, models } = setUp(BASE)
  const documents = new Map(BASE.map((document) => [`${document.key.kind}/${document.key.id}`, document]))
  const put = async (document: StoredDocument) => {
    documents.set(`${document.key.kind}/${document.key.id}`, document)
    await change(edit(document))
  }
  const drop = async (kind: string, id: string) => {
    documents.delete(`${kind}/${id}`)
    await change({ key: { dialect: 'kuma', kind, id }, document: undefined })
  }
  const isAsNew = () => {
    // clones, so that nothing is known of them
    const fresh = setUp([...documents.values()].map((document) => structuredClone(document)))
    const objectsOf = (of: MeshModels, id: string) =>
      Object.fromEntries(of.objectsOf(id).map((object) => [`${object.kind}:${object.id}`, object.read()]))
    for (const { key } of documents.values())
      if (key.kind === 'dataplanes')
        assert.deepEqual(objectsOf(models, key.id), objectsOf(fresh.models, key.id), key.id)
  }
  const tagged = (version: string) => ({
    tags: { 'kuma.io/service': 'backend', 'kuma.io/protocol': 'http', version },
  })
  await put(proxyDocument('backend-1', 'backend', [], tagged('1')))
  isAsNew()
  await put(proxyDocument('backend-2', 'backend', [], tagged('2')))
  await put(routeDocument('r', 'backend', [V1, V2]))
  isAsNew()
  // not all instances speak HTTP any more, and none of version 2 is ready
  await put(proxyDocument('backend-3', 'backend', [], { tags: { 'kuma.io/service': 'backend' } }))
  await put(proxyDocument('backend-2', 'backend', [], { ...tagged('2'), health: { ready: false } }))
  isAsNew()
  await drop('dataplanes', 'default:backend-3')
  await put(proxyDocument('site-1', 'site', ['offers', 'backend']))
  isAsNew()
  // two outbounds that lead to the same upstreams, of which one goes
  await put(routeDocument('to-backend', 'offers', [V1]))
  await put(proxyDocument('site-1', 'site', ['backend', 'offers', 'backend']))
  isAsNew()
  await put(proxyDocument('site-1', 'site', ['backend', 'offers']))
  isAsNew()
  await drop('traffic-routes', 'default:r')
  await drop('traffic-routes', 'default:all')
  isAsNew()
  await put(
    stored('meshes', 'default', {
      type: 'Mesh',
      name: 'default',
      routing: { localityAwareLoadBalancing: true },
    }),
  )
  await put(
    proxyDocument('site-1', 'site', ['backend'], {
      tags: { 'kuma.io/service': 'site', 'kuma.io/zone': 'a' },
    }),
  )
  await put(routeDocument('r', 'backend', [V1, V2]))
  await put(stored('meshes', 'default', { type: 'Mesh', name: 'default' }))
  isAsNew()
})
