import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonValue } from '../../model/json.ts'
import type { DialectSettings, FileDocument } from '../dialect.ts'
import { apinizer } from './index.ts'
import { translateFile } from './testing.ts'

const TWO: DialectSettings = {
  ...DEFAULT_SETTINGS,
  apinizer: { root_context: '', environments: { production: {}, test: { ports: [9081] } } },
}

function read(text: string, settings: DialectSettings = DEFAULT_SETTINGS): FileDocument[] {
  const found = apinizer.readFile(parse(text) as JsonValue, settings)
  assert.deepEqual(found?.faults, [])
  return (found?.documents ?? []).map(({ kind, id, value }) => ({ kind, id, value }))
}

const names = (documents: readonly FileDocument[]): string[] =>
  documents.map(({ kind, id }) => `${kind}/${id}`)

const faultsOf = (text: string): string[] =>
  (apinizer.readFile(parse(text) as JsonValue, DEFAULT_SETTINGS)?.faults ?? []).map(
    ({ path, message, hint }) => `${path}: ${message} (${hint})`,
  )

const LONG = `
apinizer:
  proxies:
    - apiProxyName: orders
      projectName: shop
      clientRoute: { relativePathList: [/orders] }
      routingInfo: { routingAddressList: [{ address: "http://127.0.0.1:1980" }] }
    - apiProxyName: books
      clientRoute: { relativePathList: [/books] }
      routingInfo: { routingAddressList: [{ address: "http://127.0.0.1:1981" }] }
`

test('proxies of a file are deployed to every environment', () => {
  assert.deepEqual(names(read(LONG, TWO)), [
    'proxies/shop.orders',
    'proxies/default.books',
    'deployments/shop.orders.production',
    'deployments/default.books.production',
    'deployments/shop.orders.test',
    'deployments/default.books.test',
  ])
})

test('a list of deployments says instead what is served, also an empty one', () => {
  const first = read(LONG).filter(({ id }) => id !== 'default.books.production')
  const text = apinizer.writeFile(first)
  assert.match(text, /deployments:/)
  assert.deepEqual(names(read(text)), [
    'proxies/default.books',
    'proxies/shop.orders',
    'deployments/shop.orders.production',
  ])
  const none = apinizer.writeFile(first.filter(({ kind }) => kind === 'proxies'))
  assert.match(none, /deployments: \[\]/)
  assert.deepEqual(names(read(none)), ['proxies/default.books', 'proxies/shop.orders'])
})

test('what the proxies say already is not written, and a proxy that was changed after it was deployed is', () => {
  const documents = read(LONG)
  const text = apinizer.writeFile(documents)
  assert.doesNotMatch(text, /deployments/)
  assert.deepEqual(names(read(text)).toSorted(), names(documents).toSorted())
  const edited = documents.map((one) =>
    one.kind === 'proxies' && one.id === 'shop.orders'
      ? { ...one, value: { ...one.value, apiProxyDescription: 'not deployed yet' } }
      : one,
  )
  const again = read(apinizer.writeFile(edited))
  const byName = (list: readonly FileDocument[]) =>
    new Map(list.map(({ kind, id, value }) => [`${kind}/${id}`, value]))
  assert.deepEqual(byName(again), byName(edited))
})

test('a file of several environments is written with what each of them serves', () => {
  const documents = read(LONG, TWO)
  const again = read(apinizer.writeFile(documents), TWO)
  assert.deepEqual(names(again).toSorted(), names(documents).toSorted())
})

test('the short form: a target, with its protocol before the address or beside it', () => {
  const one = read(`
client_route: { path: /api/products, method: GET, protocol: HTTP, port: 9080 }
upstream_target: { url: product-service:8080/api, protocol: http }
`)
  assert.deepEqual(names(one), [
    'proxies/default.api-products',
    'deployments/default.api-products.production',
  ])
  assert.deepEqual(one[0]?.value, {
    apiProxyName: 'api-products',
    apiProxyCreationType: 'REVERSE_PROXY',
    clientRoute: { relativePathList: ['/api/products'], methodList: ['GET'], protocol: 'http', port: 9080 },
    routingInfo: { routingAddressList: [{ address: 'http://product-service:8080/api' }] },
  })
  assert.deepEqual(one[1]?.value.Proxy, one[0]?.value)
})

test('the short form: a name of its own, or one made of the path that names may be', () => {
  const name = (route: string): JsonValue =>
    read(`{${route}, upstream_target: {url: "http://a"}}`)[0]?.value.apiProxyName ?? null
  assert.equal(name('name: shop, client_route: {path: /a}'), 'shop')
  assert.equal(name('client_route: {path: "/_v1/{id}/*"}'), 'v1-id')
  assert.equal(name('client_route: {host: "*.shop.test"}'), 'shop-test')
  assert.equal(name('client_route: {method: GET}'), 'proxy')
})

test('the short form: several targets are balanced, by their weights where they have some', () => {
  const targets = (list: string): JsonValue =>
    read(`{client_route: {path: /a, method: [get, put]}, upstream: {targets: ${list}}}`)[0]?.value ?? null
  assert.deepEqual(targets('[{url: "http://a:1", weight: 3}, {url: "http://b:1"}]'), {
    apiProxyName: 'a',
    apiProxyCreationType: 'REVERSE_PROXY',
    clientRoute: { relativePathList: ['/a'], methodList: ['GET', 'PUT'] },
    routingInfo: {
      routingAddressList: [{ address: 'http://a:1', weight: 3 }, { address: 'http://b:1' }],
      loadBalanceAlgorithm: 'WEIGHTED',
    },
  })
  const { objects } = translateFile({
    client_route: { path: '/a' },
    upstream: { algorithm: 'least connections', targets: [{ url: 'ws://a:1' }, { url: 'ws://b:1' }] },
  })
  const upstream = objects.find((object) => object.kind === 'upstream')
  assert.equal(upstream?.balancer.kind, 'leastConnections')
  assert.deepEqual(
    upstream?.endpoints.map(({ host }) => host),
    ['a', 'b'],
  )
})

test('faults of a file name the place and what is known', () => {
  assert.equal(apinizer.readFile(parse('routes: []') as JsonValue, DEFAULT_SETTINGS), null)
  assert.match(faultsOf('apinizer: 1')[0] ?? '', /^apinizer: apinizer must be an object/)
  assert.match(
    faultsOf('{apinizer: {}, routes: []}')[0] ?? '',
    /^routes: routes may not stand beside apinizer/,
  )
  assert.match(faultsOf('apinizer: {proxy: []}')[0] ?? '', /did you mean proxies\?|known: key_stores/)
  assert.match(faultsOf('apinizer: {proxies: {}}')[0] ?? '', /^apinizer\.proxies: proxies must be a list/)
  assert.match(
    faultsOf('apinizer: {proxies: [1, {}]}').join('\n'),
    /must be an object[\s\S]*proxies\[1\]: needs apiProxyName/,
  )
  assert.match(
    faultsOf('apinizer: {trust_stores: [{name: a}, {name: a}]}')[0] ?? '',
    /a stands in apinizer\.trust_stores\[0\] already/,
  )
  assert.match(
    faultsOf('{client_route: {path: /a}, upstream_target: {ulr: "http://a"}}').join('\n'),
    /upstream_target\.ulr: a target has no field ulr \(known: url, protocol, weight\)[\s\S]*url is required/,
  )
})
