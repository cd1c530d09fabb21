import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { native } from './index.ts'
import { showFault } from './testing/translate.ts'

const read = (text: string): ReturnType<typeof native.readFile> =>
  native.readFile(parse(text) as JsonValue, DEFAULT_SETTINGS)

test('a file is native by its mark', () => {
  const found = read('headgate: 1\nroutes: [{id: a, respond: 200}]\nupstreams:')
  assert.deepEqual(found, {
    documents: [{ kind: 'routes', id: 'a', value: { id: 'a', respond: 200 }, path: 'routes[0]' }],
    faults: [],
  })
  for (const text of ['routes: [{id: a, uri: /x}]', '[]', '5', 'upstreams: [{id: a, nodes: {}}]', '{}']) {
    assert.equal(read(text), null, text)
  }
})

test('a file that forgot its mark, or has another version, is told so', () => {
  assert.deepEqual(read('routes: [{id: a, paths: [/x], respond: 200}]')?.faults.map(showFault), [
    ': the file does not say which version it is written in (write headgate: 1 at the top)',
  ])
  assert.deepEqual(read('headgate: 2')?.faults.map(showFault), ['headgate: must be 1, got 2'])
})

test('the place of the schema may stand in the file', () => {
  assert.deepEqual(read('{"$schema": "x.json", "headgate": 1}')?.faults, [])
})

test('what is written is read back, and equal documents give equal bytes', () => {
  const documents = [
    { kind: 'routes', id: 'b', value: { id: 'b', respond: 200 } },
    { kind: 'routes', id: 'a', value: { paths: ['/x', '/:id'], upstream: 'u' } },
    { kind: 'upstreams', id: 'u', value: { id: 'u', endpoints: ['10.0.0.1:80'] } },
  ]
  const text = native.writeFile(documents)
  assert.equal(text, native.writeFile(documents.toReversed()))
  const found = read(text)
  assert.deepEqual(found?.faults, [])
  assert.deepEqual(
    found?.documents.map(({ kind, id, value }) => ({ kind, id, value })),
    [documents[2], { kind: 'routes', id: 'a', value: { id: 'a', ...documents[1]?.value } }, documents[0]],
  )
  assert.deepEqual(read(native.writeFile([])), { documents: [], faults: [] })
})

test('bare documents are recognised by keys of their own', () => {
  const kinds = (text: string): readonly string[] => native.recognize(parse(text) as JsonObject)
  assert.deepEqual(kinds('{endpoints: []}'), ['upstreams'])
  assert.deepEqual(kinds('{paths: [/x], upstream: u}'), ['routes'])
  assert.deepEqual(kinds('{rules: []}'), ['routes'])
  assert.deepEqual(kinds('{upstream: u}'), ['routes'])
  assert.deepEqual(kinds('{upstream: u, states: {}}'), [])
  assert.deepEqual(kinds('{upstream: {nodes: {}}}'), [])
  assert.deepEqual(kinds('{uri: /x, upstream_id: u}'), [])
  assert.deepEqual(kinds('{nodes: {}}'), [])
})
