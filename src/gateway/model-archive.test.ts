import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelObject, ObjectSource } from '../model/model.ts'
import { makeRoute } from '../routing/test-fixtures.ts'
import {
  ModelArchive,
  PackedSearch,
  packObjects,
  textOf,
  unpackRoutes,
  unpackUpstreams,
} from './model-archive.ts'

function makeUpstream(id: string, size: number, name = id): ModelObject {
  return {
    kind: 'upstream',
    id,
    name,
    origin: { dialect: 'apisix', kind: 'upstream', id, path: '' },
    scheme: 'http',
    http2: 'never',
    endpoints: [
      {
        host: '127.0.0.1',
        port: 1,
        weight: 1,
        priority: 0,
        address: null,
        zone: null,
        failoverOnly: false,
        state: 'ready',
      },
    ],
    balancer: { kind: 'roundRobin' },
    discovery: null,
    hashKey: null,
    levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
    health: null,
    slowStart: null,
    limits: null,
    tls: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 1, sendMs: 1, readMs: 1 },
    retry: {
      count: 0,
      timeoutMs: 0,
      onHeadTimeout: true,
      sameEndpointWhenAlone: true,
      triesAgain: false,
      attemptMs: 0,
      onStatuses: [],
      nonIdempotent: false,
      sameEndpoint: null,
      failoverTries: 0,
      budget: null,
    },
    pool: { size, idleMs: 1, requests: 1, maxAgeMs: 0 },
  }
}

function put(archive: ModelArchive, object: ModelObject) {
  return archive.put(object.kind, object.id, textOf(object), 'owner')
}

const ANY = { kind: 'any' } as const

test('gives back what was put in, on the main side and packed for workers, whatever characters it has', () => {
  const archive = new ModelArchive()
  const route = makeRoute('é/1', [{ host: ANY, path: { kind: 'exact', text: '/ü€😀' }, key: [-1, 2] }], {
    name: 'ñ"\\',
    predicate: { kind: 'test', variable: 'arg_ä', operator: 'equal', value: 'ö' },
  })
  const objects: ModelObject[] = [
    route,
    makeUpstream('u1', 1, '名'),
    makeUpstream('u2', 1),
    makeUpstream('u3', 2),
  ]
  const stored = objects.map((object) => put(archive, object))
  assert.deepEqual(
    stored.map((object) => object.read()),
    objects,
  )
  const found: ObjectSource<ModelObject>[] = []
  for (const packed of packObjects(archive.all())) {
    const sent = structuredClone(packed)
    for (const source of unpackRoutes(sent)) {
      const { section, entries, predicate } = route
      assert.deepEqual(source.readHead(), { section, entries, predicate })
      found.push(source)
    }
    found.push(...unpackUpstreams(sent))
    const search = new PackedSearch(sent)
    for (const source of unpackUpstreams(sent))
      assert.deepEqual(search.find(source.id)?.read(), source.read())
    assert.equal(search.find('nobody'), undefined)
  }
  assert.deepEqual(found.map(({ id }) => id).sort(), ['u1', 'u2', 'u3', 'é/1'])
  for (const source of found) {
    assert.deepEqual(
      source.read(),
      objects.find(({ id }) => id === source.id),
    )
  }
})

test('takes objects larger than a segment, and more kinds of upstream than it shares the tails of', () => {
  const archive = new ModelArchive()
  const large = makeRoute('large', [
    { host: ANY, path: { kind: 'exact', text: `/${'x'.repeat(400_000)}` }, key: [0] },
  ])
  put(archive, makeUpstream('first', 0))
  put(archive, large)
  for (let i = 0; i < 600; i++) put(archive, makeUpstream(`u${i}`, i))
  assert.deepEqual(archive.find('route', 'large')?.read(), large)
  for (const i of [0, 255, 256, 599]) {
    assert.deepEqual(archive.find('upstream', `u${i}`)?.read(), makeUpstream(`u${i}`, i))
  }
  let count = 0
  for (const packed of packObjects(archive.all())) {
    for (const source of unpackUpstreams(packed)) {
      const size = source.id === 'first' ? 0 : Number(source.id.slice(1))
      assert.deepEqual(source.read(), makeUpstream(source.id, size))
      count++
    }
  }
  assert.equal(count, 601)
})

test('replaces and removes, lets go of memory that is mostly unused, and what was packed before stays readable', () => {
  const archive = new ModelArchive()
  const path = (i: number, round: number) => `/${round}/${i}/${'p'.repeat(1000)}`
  const make = (i: number, round: number) =>
    makeRoute(`r${i}`, [{ host: ANY, path: { kind: 'exact', text: path(i, round) }, key: [0] }])
  for (let i = 0; i < 1000; i++) put(archive, make(i, 0))
  const before = [...packObjects(archive.all())]
  for (let round = 1; round <= 20; round++) for (let i = 0; i < 1000; i++) put(archive, make(i, round))
  for (let i = 500; i < 1000; i++) archive.remove('route', `r${i}`)
  archive.remove('route', 'none')
  assert.equal(archive.size, 500)
  const after = [...packObjects(archive.all())]
  assert.ok(after.length <= 2 * before.length, `${after.length} segments, ${before.length} before`)
  for (let i = 0; i < 500; i++) assert.deepEqual(archive.find('route', `r${i}`)?.read(), make(i, 20))
  assert.equal(archive.find('route', 'r700'), undefined)
  let count = 0
  for (const packed of before) {
    for (const source of unpackRoutes(packed)) {
      assert.deepEqual(source.read(), make(Number(source.id.slice(1)), 0))
      count++
    }
  }
  assert.equal(count, 1000)
})
