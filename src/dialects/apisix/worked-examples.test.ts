// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestView } from '../../expression/request-view.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { ApisixSettings } from '../../model/settings.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeSection, makeView } from '../../routing/test-fixtures.ts'
import { apisix } from './index.ts'
import { document, settingsWith, translateAll } from './testing/translate.ts'

/** From documents to chosen targets through the table that serves: spec/apisix.md 6.2, 6.3 and 6.6. */

const R: JsonObject = { name: 'R', nodes: { '127.0.0.1:1980': 1 } }
const A = { upstream: { name: 'A', nodes: { '127.0.0.1:1981': 1 } } }
const B = { upstream: { name: 'B', nodes: { '127.0.0.1:1982': 1 } } }

type Ask = (view?: Parameters<typeof makeView>[0]) => string

/** Answers with the variant that a request takes. */
function serve(split: JsonObject, parts: JsonObject = { upstream: R }): Ask {
  const route = document('routes/1', { uri: '/*', plugins: { 'traffic-split': split }, ...parts })
  const table = new RoutingTable([makeSection('apisix')], makeEnvironment())
  const edit = table.begin()
  for (const object of translateAll([route], settingsWith({})).objects) {
    if (object.kind === 'route') edit.upsert(object)
  }
  edit.commit(1)
  return (parts = {}) => choose(table, makeView(parts))
}

function choose(table: RoutingTable, view: RequestView): string {
  const route = table.find(view, null)
  if (route === null || route === NEEDS_BODY) return 'no route'
  const rule = route.chooseRule(view, null)
  if (rule === null || rule === NEEDS_BODY) return 'no rule'
  const target = rule.split.pick()
  if (target === null) return '503'
  return target.kind === 'respond' ? String(target.model.status) : target.model.variant
}

function count(ask: Ask, times: number, view?: Parameters<typeof makeView>[0]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < times; i++) {
    const variant = ask(view)
    counts[variant] = (counts[variant] ?? 0) + 1
  }
  return counts
}

const when = (...conditions: string[][]): JsonObject => ({
  match: conditions.map((one) => ({ vars: [one] })),
})
const x = (value: string): string[] => ['arg_x', '==', value]
const asks = (query: string): { query: string } => ({ query })

test('one rule without match, A 2 and the route 1: six requests are 4 and 2', () => {
  const ask = serve({ rules: [{ weighted_upstreams: [{ ...A, weight: 2 }, { weight: 1 }] }] })
  assert.deepEqual(count(ask, 6), { A: 4, R: 2 })
})

test('2:2:1 is exact in every five requests, 3:2 in every five, 95:5 in every twenty', () => {
  const run = (weights: number[], times: number): Record<string, number>[] => {
    const variants = [A, B, {}]
    const entries = weights.map((weight, index) => ({ ...variants[index], weight }))
    const ask = serve({ rules: [{ weighted_upstreams: entries }] })
    return [count(ask, times), count(ask, times)]
  }
  assert.deepEqual(run([2, 2, 1], 5), [
    { A: 2, B: 2, R: 1 },
    { A: 2, B: 2, R: 1 },
  ])
  assert.deepEqual(run([3, 2], 5), [
    { A: 3, B: 2 },
    { A: 3, B: 2 },
  ])
  assert.deepEqual(run([95, 5], 20), [
    { A: 19, B: 1 },
    { A: 19, B: 1 },
  ])
})

test('either of two match items makes the rule decide', () => {
  const ask = serve({ rules: [{ ...when(x('1'), x('2')), weighted_upstreams: [{ ...A, weight: 1 }] }] })
  assert.equal(ask(asks('x=1')), 'A')
  assert.equal(ask(asks('x=2')), 'A')
  assert.equal(ask(asks('x=3')), 'R')
})

test('a request that fails the first rule goes on to the second, whose rotation nobody disturbs', () => {
  const ask = serve({
    rules: [
      { ...when(x('1')), weighted_upstreams: [A] },
      { weighted_upstreams: [{ ...B, weight: 1 }, { weight: 1 }] },
    ],
  })
  const first = [ask(asks('x=1')), ask(asks('x=2')), ask(asks('x=1')), ask(asks('x=2'))]
  assert.deepEqual([first[0], first[2]], ['A', 'A'])
  assert.deepEqual([first[1], first[3]].sort(), ['B', 'R'])
})

test('of two rules with one condition the first always decides', () => {
  const rule = when(x('1'))
  const ask = serve({
    rules: [
      { ...rule, weighted_upstreams: [A] },
      { ...rule, weighted_upstreams: [B] },
    ],
  })
  assert.deepEqual(count(ask, 4, asks('x=1')), { A: 4 })
})

test('a negated comparison holds without the argument', () => {
  const ask = serve({
    rules: [{ match: [{ vars: [['arg_age', '!', '<', 18]] }], weighted_upstreams: [A] }],
  })
  assert.equal(ask(), 'A')
  assert.equal(ask(asks('age=17')), 'R')
  assert.equal(ask(asks('age=18')), 'A')
})

test('no rules, an empty rule and an empty list all mean the own upstream', () => {
  for (const split of [{}, { rules: [] }, { rules: [{}] }]) assert.equal(serve(split)(), 'R')
})

test('weight 0 gets nothing beside a positive one, and only zeros get 503', () => {
  const beside = serve({ rules: [{ weighted_upstreams: [{ ...A, weight: 0 }, { weight: 1 }] }] })
  assert.deepEqual(count(beside, 7), { R: 7 })
  assert.equal(serve({ rules: [{ weighted_upstreams: [{ ...A, weight: 0 }] }] })(), '503')
})

test('entries that are alike get the sum of their weights', () => {
  const ask = serve({ rules: [{ weighted_upstreams: [{ weight: 1 }, { ...A, weight: 1 }, { weight: 3 }] }] })
  assert.deepEqual(count(ask, 5), { R: 4, A: 1 })
})

test('a missing upstream stops the search at its rule, not before', () => {
  const ask = serve({
    rules: [
      { ...when(x('1')), weighted_upstreams: [A] },
      { ...when(x('2')), weighted_upstreams: [{ upstream_id: 'gone' }] },
    ],
  })
  assert.equal(ask(asks('x=1')), 'A')
  assert.equal(ask(asks('x=2')), '500')
  assert.equal(ask(), '500')
})

test('a filter that does not hold leaves the whole plugin out', () => {
  const ask = serve({
    _meta: { filter: [['http_x_on', '==', 'yes']] },
    rules: [{ weighted_upstreams: [{ upstream_id: 'gone' }] }],
  })
  assert.equal(ask(), 'R')
  assert.equal(ask({ headers: { 'x-on': 'yes' } }), '500')
})

test('a redirect answers before a split is looked at', () => {
  const split = { rules: [{ weighted_upstreams: [A] }] }
  const ask = serve(split, {
    upstream: R,
    plugins: { redirect: { regex_uri: ['^/old', '/new'] }, 'traffic-split': split },
  })
  assert.equal(ask({ path: '/old/a' }), 'redirect')
  assert.equal(ask({ path: '/new/a' }), 'A')
})

test('the conditions of the custom release on the traffic-split page are joined by AND', () => {
  const vars = [
    ['arg_name', '==', 'jack'],
    ['http_user-id', '>', '23'],
    ['http_apisix-key', '~~', '[a-z]+'],
  ]
  const ask = serve({
    rules: [{ match: [{ vars }], weighted_upstreams: [{ ...A, weight: 3 }, { weight: 2 }] }],
  })
  const headers = { 'user-id': '30', 'apisix-key': 'hello' }
  assert.deepEqual(count(ask, 10, { query: 'name=jack', headers }), { A: 6, R: 4 })
  assert.deepEqual(count(ask, 5, { query: 'name=jack', headers: { ...headers, 'user-id': '22' } }), { R: 5 })
  assert.deepEqual(count(ask, 5, { query: 'name=rose', headers }), { R: 5 })
})

test('whatever the validation accepts, the table takes', () => {
  const vars = fc.constantFrom<JsonValue>(
    [],
    [['arg_a', '==', '1']],
    ['OR', ['http_x', '~~', '^a+$'], ['remote_addr', 'ipmatch', ['10.0.0.0/8']]],
    [
      ['cookie_c', '!', 'in', ['a', 'b']],
      ['post_arg.a.b', '==', 1],
    ],
  )
  const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const regexUri = fc.constantFrom(['^/a/(.*)', '/b/$1'], ['/(\\d+)', '/n/${1}?q=$$'])
  const headers = fc.constantFrom<JsonValue>(
    { 'X-A': '$uri' },
    { set: { 'X-A': 'b', 'X-B': '${http_x}' }, remove: ['X-C'] },
  )
  const plugins = fc.record({
    'traffic-split': some(
      fc.record({
        rules: fc.array(
          fc.record({
            match: fc.array(fc.record({ vars }), { maxLength: 2 }),
            weighted_upstreams: fc.array(
              fc.record({
                weight: fc.nat(5),
                upstream: some(fc.constant(R)),
                upstream_id: some(fc.constantFrom('s', 'gone')),
              }),
              { minLength: 1, maxLength: 4 },
            ),
          }),
          { maxLength: 3 },
        ),
      }),
    ),
    'proxy-rewrite': some(
      fc.record({ uri: some(fc.constant('/x$uri')), regex_uri: some(regexUri), headers: some(headers) }),
    ),
    redirect: some(
      fc.oneof(
        fc.record({ regex_uri: regexUri, ret_code: fc.constantFrom(200, 301, 599) }),
        fc.record({ http_to_https: fc.boolean() }),
        fc.record({ uri: fc.constantFrom('/x', 'https://$host$request_uri'), encode_uri: fc.boolean() }),
      ),
    ),
    'response-rewrite': some(
      fc.record({ headers: some(headers), vars: some(vars), body: some(fc.string()) }),
    ),
  })
  const route = fc.record({
    uris: fc.uniqueArray(fc.constantFrom('/', '/*', '/a/*/z', '/a/:id', '/a', '/ä*'), { minLength: 1 }),
    hosts: some(
      fc.uniqueArray(fc.constantFrom('a.test', '*.test', '*', '[::1]', 'a.test:81'), { minLength: 1 }),
    ),
    methods: some(fc.constant(['GET', 'HEAD'])),
    remote_addrs: some(fc.constant(['10.0.0.0/8', '::/0'])),
    priority: some(fc.integer({ min: -9, max: 9 })),
    vars: some(vars),
    plugins,
    service_id: some(fc.constantFrom('s', 'gone')),
    upstream: some(fc.constant(R)),
  })
  const router = fc.constantFrom('radixtree_host_uri', 'radixtree_uri', 'radixtree_uri_with_parameter')
  fc.assert(
    fc.property(route, router, (generated, mode) => {
      const settings = settingsWith({ router: mode as ApisixSettings['router'] })
      const value = JSON.parse(JSON.stringify(generated)) as JsonObject
      assert.deepEqual(apisix.validate('routes', value, settings), [])
      const documents = [
        document('upstreams/s', R),
        document('services/s', { hosts: ['s.test'], upstream: R }),
        document('routes/1', value),
      ]
      const table = new RoutingTable([makeSection('apisix')], makeEnvironment())
      const edit = table.begin()
      let routes = 0
      for (const object of translateAll(documents, settings).objects) {
        if (object.kind !== 'route') continue
        edit.upsert(object)
        routes++
      }
      edit.commit(1)
      assert.equal(routes, 1)
      assert.equal(table.size, 1)
    }),
    { numRuns: 300 },
  )
})
