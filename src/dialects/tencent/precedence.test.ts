import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RoutingTable } from '../../routing/routing-table.ts'
import { type CompiledRoute, NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeSection, makeView } from '../../routing/test-fixtures.ts'
import { apisFile, readText, showFault, translateAll } from './testing/translate.ts'

const HOST = 'service-aaaaaaaa.apigw.localhost'

function tableOf(text: string): RoutingTable {
  const { documents, faults } = readText(text)
  assert.deepEqual(faults.map(showFault), [])
  const table = new RoutingTable([makeSection('tencent')], makeEnvironment())
  const edit = table.begin()
  for (const object of translateAll(documents).objects) if (object.kind === 'route') edit.upsert(object)
  edit.commit(1)
  return table
}

/** Place of the API that takes the request, 405, or 404. */
function ask(table: RoutingTable, path: string, { method = 'GET', host = HOST } = {}): number {
  const found = table.find(makeView({ host, path, method }), null)
  if (found === null || found === NEEDS_BODY) return 404
  return answerOf(found)
}

function answerOf({ model }: CompiledRoute): number {
  const target = model.rules.at(-1)?.split.targets[0]
  assert.ok(target?.kind === 'respond')
  return target.status === 200 ? Number(target.body) : target.status
}

test('exact goes before ^~, that before patterns, those before plain prefixes, whatever their lengths', () => {
  const table = tableOf(apisFile(['ANY /user/a', 'ANY /{x}/a', 'ANY ^~/us', 'ANY =/user/a']))
  assert.equal(ask(table, '/release/user/a'), 3)
  assert.equal(ask(table, '/release/user/ab'), 2)
  assert.equal(ask(table, '/release/order/a'), 1)
  assert.equal(ask(tableOf(apisFile(['ANY /user/a', 'ANY /{x}/a'])), '/release/user/a'), 1)
})

test('a plain prefix is a text: it ends inside a segment as well, and the longest one wins', () => {
  const table = tableOf(apisFile(['ANY /user', 'ANY /user/test', 'ANY /']))
  for (const path of ['/user', '/usertest', '/user/tes', '/user/x/a'])
    assert.equal(ask(table, `/release${path}`), 0, path)
  assert.equal(ask(table, '/release/user/test/a'), 1)
  assert.equal(ask(table, '/release/use'), 2)
  assert.equal(ask(table, '/release/'), 2)
  assert.equal(ask(table, '/release'), 2)
})

test('of several ^~ the longest wins, of several patterns the one that was made first', () => {
  const prefixes = tableOf(apisFile(['ANY ^~/a', 'ANY ^~/a/b']))
  assert.equal(ask(prefixes, '/release/a/bc'), 1)
  const patterns = tableOf(apisFile(['ANY /{x}', 'ANY /a/{x}', 'ANY ~/a/[0-9]+']))
  assert.equal(ask(patterns, '/release/a/7'), 0)
  const regular = tableOf(apisFile(['ANY ~/a/[0-9]+', 'ANY /a/{x}']))
  assert.equal(ask(regular, '/release/a/7b'), 0)
  assert.equal(ask(regular, '/release/a/b7'), 1)
  assert.equal(ask(regular, '/release/a/'), 404)
  // without ~ what is special in a pattern makes it one, held against the beginning; a dot does not
  const unmarked = tableOf(apisFile(['ANY /v[0-9]', 'ANY /v1.x', 'ANY /v']))
  assert.equal(ask(unmarked, '/release/v1.x'), 0)
  assert.equal(ask(unmarked, '/release/a/v1'), 404)
  assert.equal(ask(unmarked, '/release/v'), 2)
  assert.equal(ask(tableOf(apisFile(['ANY /v1.x', 'ANY /v'])), '/release/v1yx'), 1)
})

test('only environments to which the service is released are there, and only under its names', () => {
  const table = tableOf(apisFile(['ANY /a']))
  assert.equal(ask(table, '/release/a'), 0)
  assert.equal(ask(table, '/test/a'), 404)
  assert.equal(ask(table, '/a'), 404)
  assert.equal(ask(table, '/releases/a'), 404)
  assert.equal(ask(table, '/release/a', { host: 'service-bbbbbbbb.apigw.localhost' }), 404)
})

test('each of the three environments is the first part of the path of what is released there', () => {
  for (const environment of ['release', 'prepub', 'test']) {
    const file = apisFile(['ANY /a']).replace('EnvironmentName: release', `EnvironmentName: ${environment}`)
    const answers = ['release', 'prepub', 'test'].map((first) => ask(tableOf(file), `/${first}/a`))
    assert.deepEqual(
      answers,
      ['release', 'prepub', 'test'].map((first) => (first === environment ? 0 : 404)),
    )
  }
})

test('another method is 405, also where a shorter path or a worse tier would take it', () => {
  const table = tableOf(
    apisFile(['GET /a/b', 'POST /a/b', 'ANY /a', 'GET =/a/c', 'GET /one/{x}', 'PUT /one/{x}']),
  )
  assert.equal(ask(table, '/release/a/b', { method: 'GET' }), 0)
  assert.equal(ask(table, '/release/a/b', { method: 'POST' }), 1)
  assert.equal(ask(table, '/release/a/b', { method: 'PUT' }), 405)
  assert.equal(ask(table, '/release/a', { method: 'PUT' }), 2)
  assert.equal(ask(table, '/release/a/c', { method: 'POST' }), 405)
  assert.equal(ask(table, '/release/one/1', { method: 'GET' }), 4)
  assert.equal(ask(table, '/release/one/1', { method: 'PUT' }), 5)
  assert.equal(ask(table, '/release/one/1', { method: 'POST' }), 405)
})

test('ANY of the same path takes what no other API of it takes', () => {
  const table = tableOf(apisFile(['ANY /a', 'GET /a']))
  assert.equal(ask(table, '/release/a', { method: 'GET' }), 1)
  assert.equal(ask(table, '/release/a', { method: 'PUT' }), 0)
})

test('rows of a custom domain: the longer prefix says which environment is meant, and keeps what it has no API for', () => {
  const domains = `
    - ServiceId: service-aaaaaaaa
      ServiceName: s
      Protocol: http&https
      CustomDomains:
        - Domain: shop.example.com
          PathMappings: [{ Path: /, Environment: release }, { Path: /t, Environment: test }]`
  const file = apisFile(['ANY /a', 'ANY /']).replace(
    /\n {4}- \{ ServiceId: service-aaaaaaaa, ServiceName.*/,
    domains,
  )
  const host = 'shop.example.com'
  const table = tableOf(file)
  assert.equal(ask(table, '/a/1', { host }), 0)
  assert.equal(ask(table, '/x', { host }), 1)
  assert.equal(ask(table, '/tx', { host }), 1)
  assert.equal(ask(table, '/t/a', { host }), 404)
  assert.equal(ask(table, '/t', { host }), 404)
})

// ---- a plain reading of the rules, beside which the index is held ----

interface Written {
  readonly method: string
  readonly path: string
}

function tierOf(path: string): number {
  if (path.startsWith('=')) return 1
  if (path.startsWith('^~')) return 2
  return path.includes('{') ? 3 : 4
}

function takes(path: string, asked: string): boolean {
  const tier = tierOf(path)
  if (tier === 1) return asked === path.slice(1)
  if (tier === 2) return asked.startsWith(path.slice(2))
  if (tier === 4) return asked.startsWith(path)
  return new RegExp(`^${path.replace(/\{[a-z]\}/g, '.+')}`).test(asked)
}

/** As section 1 of the specification says it. Patterns: by age, and 405 only where no pattern takes the method. */
function read(apis: readonly Written[], path: string, method: string): number {
  const hits = apis.map((api, at) => ({ ...api, at })).filter((api) => takes(api.path, path))
  const best = Math.min(...hits.map((api) => tierOf(api.path)))
  const tier = hits.filter((api) => tierOf(api.path) === best)
  if (tier.length === 0) return 404
  const longest = Math.max(...tier.map((api) => api.path.length))
  const same = best === 3 ? tier : tier.filter((api) => api.path.length === longest)
  const own = same.filter((api) => api.method === method)
  const any = same.filter((api) => api.method === 'ANY')
  if (best === 3) return [...own, ...any].sort((a, b) => a.at - b.at)[0]?.at ?? 405
  return (own[0] ?? any[0])?.at ?? 405
}

test('any set of APIs is chosen from as the rules say, read plainly', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '/', 'ab'), { maxLength: 4 })
    .map((parts) => `/${parts.join('')}`.replace(/\/+/g, '/'))
  const written = fc.oneof(
    text,
    text.map((path) => `=${path}`),
    text.map((path) => `^~${path}`),
    text.map((path) => `${path}/{x}`.replace('//', '/')),
    text.map((path) => `/{x}${path}`),
  )
  const api = fc.record({ method: fc.constantFrom('ANY', 'GET', 'POST'), path: written })
  const asks = fc.array(fc.tuple(text, fc.constantFrom('GET', 'POST', 'PUT')), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(api, { minLength: 1, maxLength: 6 }), asks, (apis, asked) => {
      const table = tableOf(apisFile(apis.map(({ method, path }) => `${method} ${path}`)))
      for (const [path, method] of asked)
        assert.equal(ask(table, `/release${path}`, { method }), read(apis, path, method), `${method} ${path}`)
    }),
    { numRuns: 150 },
  )
})
