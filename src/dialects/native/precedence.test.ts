import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { RoutingTable } from '../../routing/routing-table.ts'
import { NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeSection, makeView } from '../../routing/test-fixtures.ts'
import { document, faultsOf, translateAll } from './testing/translate.ts'

interface Ask {
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** The route that takes the request, of routes by id (each with an outcome of no interest). */
function find(routes: Readonly<Record<string, string>>, ask: Ask): string | null {
  const documents = Object.entries(routes).map(([id, text]) => {
    const value = { id, respond: 200, ...(parse(text) as object) }
    assert.deepEqual(faultsOf('routes', JSON.stringify(value)), [])
    return document('routes', id, value)
  })
  const table = new RoutingTable([makeSection('native')], makeEnvironment())
  const edit = table.begin()
  for (const object of translateAll(documents).objects) if (object.kind === 'route') edit.upsert(object)
  edit.commit(1)
  const found = table.find(makeView({ host: 'a.example.com', path: '/', ...ask }), null)
  return found === null || found === NEEDS_BODY ? null : found.model.origin.id
}

/** Whichever order they are given in, the first one wins, and the second takes what the first does not. */
function assertOrder(first: string, second: string, ask: Ask): void {
  // ids are the last word, so each has to win with either
  assert.equal(find({ a: first, b: second }, ask), 'a')
  assert.equal(find({ b: first, a: second }, ask), 'b')
}

test('priority comes before everything else', () => {
  assertOrder('priority: 1', '{hosts: [a.example.com], paths: [/x]}', { path: '/x' })
  assertOrder('{}', '{priority: -1, hosts: [a.example.com]}', {})
})

test('hosts: exact, then the longer wildcard, then any, whatever the path', () => {
  const ask = { path: '/x' }
  assertOrder('hosts: [a.example.com]', '{hosts: ["*.example.com"], paths: [/x]}', ask)
  assertOrder('hosts: ["*.example.com"]', '{hosts: ["*.com"], paths: [/x]}', ask)
  assertOrder('hosts: ["*.com"]', 'paths: [/x]', ask)
  assertOrder('hosts: ["a.example.*"]', 'hosts: ["*.com"]', ask)
})

test('paths: exact, then the longer text before the first wildcard', () => {
  assertOrder('paths: [/api/x]', 'paths: [/api/*]', { path: '/api/x' })
  assertOrder('paths: [/api/*]', 'paths: [/a*]', { path: '/api/x' })
  assertOrder('paths: [/api/*]', '{}', { path: '/api/x' })
  assertOrder('paths: ["/api/:x"]', 'paths: [/a*]', { path: '/api/x' })
})

test('of patterns with the same beginning the one with more text, then the stricter one wins', () => {
  assertOrder('paths: ["/a/:x/b"]', 'paths: ["/a/:x/*"]', { path: '/a/1/b' })
  assertOrder('paths: ["/a/:x"]', 'paths: [/a/*]', { path: '/a/1' })
  assertOrder('paths: ["/a/:x/:y"]', 'paths: ["/a/**y"]', { path: '/a/1/2' })
  assertOrder('paths: ["/:x/b"]', 'paths: ["/:x/:y"]', { path: '/1/b' })
})

test('then the one with more conditions wins', () => {
  const ask = { headers: { 'x-a': '1', 'x-b': '1' }, method: 'GET' }
  assertOrder('when: {header: x-a, equals: "1"}', '{}', ask)
  assertOrder('{methods: [GET], when: {header: x-a, equals: "1"}}', 'when: {header: x-b, equals: "1"}', ask)
  assertOrder('clients: [127.0.0.0/8]', '{}', ask)
})

test('what is equal in all of these is ordered by id', () => {
  assert.equal(find({ b: 'paths: [/x]', a: 'paths: [/x]' }, { path: '/x' }), 'a')
})
