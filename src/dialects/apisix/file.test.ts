import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readApisixFile } from './file.ts'

test('a file is taken for APISIX by its collections alone', () => {
  for (const root of [null, 7, 'routes', [], {}, { type: 'Mesh' }, { listeners: [] }]) {
    assert.equal(readApisixFile(root), null)
  }
  assert.deepEqual(readApisixFile({ routes: [] }), { documents: [], faults: [] })
  assert.deepEqual(readApisixFile({ upstreams: null }), { documents: [], faults: [] })
})

test('documents come with their place, referenced collections first', () => {
  const file = readApisixFile({
    routes: [{ id: 'r', uri: '/a' }],
    upstreams: [
      { id: 1, nodes: {} },
      { id: '2', nodes: {} },
    ],
    plugin_configs: [{ id: 'p', plugins: {} }],
    services: [{ id: 's' }],
  })
  assert.deepEqual(
    file?.documents.map(({ kind, id, path }) => `${kind}/${id} ${path}`),
    [
      'upstreams/1 upstreams[0]',
      'upstreams/2 upstreams[1]',
      'services/s services[0]',
      'plugin_configs/p plugin_configs[0]',
      'routes/r routes[0]',
    ],
  )
  assert.deepEqual(file?.documents[0]?.value, { id: 1, nodes: {} })
  assert.deepEqual(file?.faults, [])
})

test('an object without id is called by its place', () => {
  const file = readApisixFile({ routes: [{ id: 'a', uri: '/' }, { uri: '/b' }] })
  assert.deepEqual(
    file?.documents.map(({ id }) => id),
    ['a', 'arr_2'],
  )
})

test('each fault of the file is reported, and the rest is read', () => {
  const file = readApisixFile({
    upstreams: { a: 1 },
    routes: [
      'x',
      { id: 'a b', uri: '/' },
      { id: 'ok', uri: '/' },
      { id: 'ok', uri: '/2' },
      { id: 0 },
      { id: null },
    ],
    protos: [{ id: 1 }],
    consumers: [],
    upstream: [{}],
  })
  assert.deepEqual(
    file?.faults.map(({ path }) => path),
    [
      'upstreams',
      'routes[0]',
      'routes[1].id',
      'routes[3]',
      'routes[4].id',
      'routes[5].id',
      'protos',
      'upstream',
    ],
  )
  assert.deepEqual(
    file?.documents.map(({ id }) => id),
    ['ok'],
  )
})

test('the numbers 1 and the text "1" are one id', () => {
  const file = readApisixFile({ upstreams: [{ id: 1 }, { id: '1' }] })
  assert.deepEqual(
    file?.faults.map(({ path, message }) => [path, message]),
    [['upstreams[1]', 'id 1 stands in upstreams[0] already']],
  )
})
