import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import { readClientRoute } from './client-route.ts'
import { eliminatedBy, findConflicts } from './conflicts.ts'

const named = (id: string, clientRoute: JsonObject) => ({ id, route: readClientRoute(clientRoute) })
const labels = (...routes: ReturnType<typeof named>[]) =>
  Object.fromEntries(findConflicts(routes).map(({ id, label, others }) => [id, [label, ...others].join(' ')]))

test('the same sets are exact matches, however they are written; a path below another one is a prefix conflict', () => {
  assert.deepEqual(
    labels(
      named('a', { relativePathList: ['/x/*', '/y'], methodList: ['get'], hostList: ['Shop.test'] }),
      named('b', { relativePathList: ['/y', '/x'], methodList: ['GET'], hostList: ['shop.test'] }),
      named('c', { relativePathList: ['/x/deep'] }),
      named('d', { relativePathList: ['/xx'] }),
      named('e', { methodList: ['GET'] }),
    ),
    { a: 'Exact Match b', b: 'Exact Match a', c: 'No Conflict', d: 'No Conflict', e: 'No Conflict' },
  )
  assert.deepEqual(
    labels(named('a', { relativePathList: ['/x'] }), named('b', { relativePathList: ['/x/y'] })),
    { a: 'Prefix Conflict b', b: 'No Conflict' },
  )
  assert.deepEqual(
    labels(
      named('a', { relativePathList: ['/x'], headerList: [{ name: 'H', value: '1' }] }),
      named('b', { relativePathList: ['/x'], headerList: [{ name: 'h', value: '2' }] }),
    ),
    { a: 'No Conflict', b: 'No Conflict' },
  )
})

test('the first rule that fails eliminates a route', () => {
  const route = readClientRoute({
    relativePathList: ['/a', '/p/{id}'],
    hostList: ['*.shop.test'],
    headerList: [{ name: 'X-Mode', value: 'test' }],
    methodList: ['GET'],
  })
  const request = {
    method: 'get',
    path: '/a/b',
    host: 'de.shop.test',
    headers: new Map([['x-mode', 'test']]),
    scheme: 'http' as const,
    port: 80,
  }
  assert.equal(eliminatedBy(route, request), null)
  assert.equal(eliminatedBy(route, { ...request, path: '/p/7/8' }), null)
  assert.equal(eliminatedBy(route, { ...request, path: '/ab' }), 'path')
  assert.equal(eliminatedBy(route, { ...request, path: '/p' }), 'path')
  assert.equal(eliminatedBy(route, { ...request, host: 'shop.test' }), 'host')
  assert.equal(eliminatedBy(route, { ...request, headers: new Map([['x-mode', 'Test']]) }), 'headers')
  assert.equal(eliminatedBy(route, { ...request, method: 'POST' }), 'method')
})

test('protocol and port are looked at before all else', () => {
  const request = {
    method: 'GET',
    path: '/b',
    host: '',
    headers: new Map<string, string>(),
    scheme: 'http' as const,
    port: 80,
  }
  const by = (clientRoute: JsonObject, more: Partial<Parameters<typeof eliminatedBy>[1]> = {}) =>
    eliminatedBy(readClientRoute({ relativePathList: ['/a'], ...clientRoute }), { ...request, ...more })
  assert.equal(by({}), 'path')
  assert.equal(by({ port: 81 }), 'port')
  assert.equal(by({ protocol: 'https', port: 81 }), 'protocol')
  assert.equal(by({ protocol: 'http' }), 'path')
  assert.equal(by({ protocol: 'https' }, { scheme: 'https', path: '/a' }), null)
  assert.equal(by({ protocol: 'ws' }, { path: '/a' }), 'protocol')
  const upgrade = new Map([['upgrade', 'WebSocket']])
  assert.equal(by({ protocol: 'ws' }, { path: '/a', headers: upgrade }), null)
  assert.equal(by({ protocol: 'wss' }, { path: '/a', headers: upgrade }), 'protocol')
  const grpc = new Map([['content-type', 'application/grpc+proto']])
  assert.equal(by({ protocol: 'grpc' }, { path: '/a', headers: grpc }), null)
  assert.equal(by({ protocol: 'grpc' }, { path: '/a' }), 'protocol')
})

test('a thousand routes are compared at once', () => {
  const routes = Array.from({ length: 1000 }, (_, i) => named(`r${i}`, { relativePathList: [`/a/b${i}`] }))
  assert.equal(
    findConflicts([...routes, named('top', { relativePathList: ['/a'] })]).at(-1)?.others.length,
    1000,
  )
})
