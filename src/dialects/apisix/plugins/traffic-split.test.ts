import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { Route } from '../../../model/route.ts'
import type { Target } from '../../../model/split.ts'
import { document, routeOf, translateAll } from '../testing/translate.ts'

const OWN: JsonObject = { name: 'own', nodes: { '127.0.0.1:1980': 1 } }
const A: JsonObject = { name: 'A', nodes: { '127.0.0.1:1981': 1 } }

function splitRoute(
  config: JsonObject,
  others: Readonly<Record<string, JsonObject>> = {},
  upstream: JsonObject | null = OWN,
): Route {
  const plugins = { 'traffic-split': config }
  return routeOf(upstream === null ? { uri: '/', plugins } : { uri: '/', plugins, upstream }, others)
}

/** Each rule as `variant weight` for upstreams and `status weight` for answers. */
function shares(route: Route): string[][] {
  return route.rules.map((rule) => rule.split.targets.map(share))
}

function share(target: Target): string {
  return `${target.kind === 'respond' ? target.status : target.variant} ${target.weight}`
}

const vars = (name: string, value: JsonValue): JsonObject => ({ vars: [[name, '==', value]] })
const equal = (variable: string, value: string): object => ({
  kind: 'test',
  variable,
  operator: 'equal',
  value,
})

test('without rules everything goes to the own upstream', () => {
  for (const config of [{}, { rules: [] }, { rules: [{}] }, { rules: [{ match: [] }] }]) {
    const route = splitRoute(config)
    for (const rule of route.rules) {
      assert.equal(rule.predicate, null)
      assert.deepEqual(rule.split.targets.map(share), ['own 1'])
    }
  }
})

test('entries keep their weights and order, a bare one is the own upstream, a missing weight is 1', () => {
  const entries = [{ upstream: A, weight: 3 }, { weight: 2 }, { upstream_id: 2 }, {}]
  const route = splitRoute(
    { rules: [{ weighted_upstreams: entries }] },
    { 'upstreams/2': { name: 'B', nodes: {} } },
  )
  assert.deepEqual(shares(route), [['A 3', 'own 2', 'B 1', 'own 1'], ['own 1']])
})

test('items of match are alternatives, conditions in one item are joined, no match and an empty one always hold', () => {
  const route = splitRoute({
    rules: [
      { match: [vars('arg_a', '1'), vars('arg_b', '2')] },
      {
        match: [
          {
            vars: [
              ['arg_a', '==', '1'],
              ['arg_b', '==', '2'],
            ],
          },
        ],
      },
      { match: [vars('arg_a', '1'), { vars: [] }] },
      { match: [] },
      {},
    ],
  })
  assert.deepEqual(
    route.rules.map((rule) => rule.predicate),
    [
      { kind: 'any', of: [equal('arg_a', '1'), equal('arg_b', '2')] },
      { kind: 'all', of: [equal('arg_a', '1'), equal('arg_b', '2')] },
      null,
      null,
      null,
      null,
    ],
  )
})

test('with an upstream and an id the id wins', () => {
  const entries = [{ upstream: A, upstream_id: 'b' }]
  const others = { 'upstreams/b': { nodes: {} } }
  const route = splitRoute({ rules: [{ weighted_upstreams: entries }] }, others)
  assert.deepEqual(shares(route)[0], ['b 1'])
  const [target] = route.rules[0]?.split.targets ?? []
  assert.equal(target?.kind === 'upstream' && target.upstreamId, 'apisix/upstreams/b')
})

test('a missing upstream makes its rule answer 500 whether or not it would match, and only its rule', () => {
  const route = splitRoute({
    rules: [
      { match: [vars('arg_a', '1')], weighted_upstreams: [{ upstream: A }] },
      {
        match: [vars('arg_b', '1')],
        weighted_upstreams: [{ upstream: A }, { upstream_id: 9 }, { upstream_id: 8 }],
      },
      { weighted_upstreams: [{ weight: 1 }] },
    ],
  })
  assert.deepEqual(shares(route), [['A 1'], ['500 1'], ['own 1'], ['own 1']])
  assert.deepEqual(route.rules[0]?.predicate, equal('arg_a', '1'))
  assert.equal(route.rules[1]?.predicate, null)
  const [target] = route.rules[1]?.split.targets ?? []
  assert.equal(target?.kind, 'respond')
  if (target?.kind !== 'respond') return
  assert.equal(target.body, 'failed to fetch upstream info by upstream id: 9')
  assert.equal(target.page, false)
  assert.equal(target.errorCode, 'SPLIT_UPSTREAM_NOT_FOUND')
})

test('an entry of weight 0 needs no upstream to exist', () => {
  const entries = [{ upstream_id: 'gone', weight: 0 }, { weight: 1 }]
  assert.deepEqual(shares(splitRoute({ rules: [{ weighted_upstreams: entries }] }))[0], ['gone 0', 'own 1'])
})

test('a bare entry without own upstream answers 503 for its share, with a dangling one 502', () => {
  const rules = [{ weighted_upstreams: [{ upstream: A, weight: 2 }, { weight: 1 }] }]
  assert.deepEqual(shares(splitRoute({ rules }, {}, null)), [['A 2', '503 1'], ['503 1']])
  const dangling = routeOf({ uri: '/', plugins: { 'traffic-split': { rules } }, upstream_id: 'x' })
  assert.deepEqual(shares(dangling), [['A 2', '502 1'], ['502 1']])
})

test('entries that are alike stay apart, so their weights add up', () => {
  const entries = [
    { upstream_id: 1, weight: 2 },
    { upstream_id: '1', weight: 3 },
    { weight: 1 },
    { weight: 4 },
  ]
  const route = splitRoute({ rules: [{ weighted_upstreams: entries }] }, { 'upstreams/1': { nodes: {} } })
  assert.deepEqual(shares(route)[0], ['1 2', '1 3', 'own 1', 'own 4'])
})

test('each rule has a split of its own, named by its place', () => {
  const route = splitRoute({ rules: [{}, {}] })
  assert.deepEqual(
    route.rules.map((rule) => [rule.split.id, rule.origin.path]),
    [
      ['apisix/routes/1#plugins/traffic-split/rules/0', 'plugins.traffic-split.rules[0]'],
      ['apisix/routes/1#plugins/traffic-split/rules/1', 'plugins.traffic-split.rules[1]'],
      ['apisix/routes/1#upstream', 'upstream'],
    ],
  )
})

test('a filter holds for every rule, also for one that answers 500', () => {
  const route = splitRoute({
    _meta: { filter: [['arg_f', '==', '1']] },
    rules: [
      { match: [vars('arg_a', '1')] },
      { match: [vars('arg_b', '1')], weighted_upstreams: [{ upstream_id: 9 }] },
      {},
    ],
  })
  const filter = equal('arg_f', '1')
  assert.deepEqual(
    route.rules.map((rule) => rule.predicate),
    [{ kind: 'all', of: [filter, equal('arg_a', '1')] }, filter, filter, null],
  )
})

test('a plugin that is switched off has no rules and no upstreams', () => {
  const config = { _meta: { disable: true }, rules: [{ weighted_upstreams: [{ upstream: A }] }] }
  const route = document('routes/1', { uri: '/', upstream: OWN, plugins: { 'traffic-split': config } })
  const { objects } = translateAll([route])
  assert.deepEqual(
    objects.map((object) => object.id),
    ['apisix/routes/1', 'apisix/routes/1#upstream'],
  )
})

test('error_response replaces the body of the 500, an object as JSON', () => {
  const bodyOf = (response: JsonValue): string | null => {
    const [target] =
      splitRoute({
        _meta: { error_response: response },
        rules: [{ weighted_upstreams: [{ upstream_id: 9 }] }],
      }).rules[0]?.split.targets ?? []
    return target?.kind === 'respond' ? target.body : null
  }
  assert.equal(bodyOf('sorry'), 'sorry')
  assert.equal(bodyOf({ message: 'sorry' }), '{"message":"sorry"}\n')
})

test('routes that inherit the plugin share its upstreams and have rotations of their own', () => {
  const service = document('services/s', {
    upstream: OWN,
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream: A }, { weight: 1 }] }] } },
  })
  const routes = ['a', 'b'].map((id) => document(`routes/${id}`, { uri: `/${id}`, service_id: 's' }))
  const { objects } = translateAll([service, ...routes])
  const splits = objects.flatMap((object) =>
    object.kind === 'route' ? object.rules.map((rule) => rule.split.id) : [],
  )
  assert.equal(new Set(splits).size, 4)
  assert.deepEqual(
    objects.flatMap((object) => (object.kind === 'upstream' ? [object.id] : [])),
    ['apisix/services/s#upstream', 'apisix/services/s#plugins/traffic-split/rules/0/weighted_upstreams/0'],
  )
})

test('a missing upstream of an inherited plugin is warned about with the place that names it', () => {
  const { warnings } = translateAll([
    document('services/s', {
      plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id: 9 }] }] } },
    }),
    document('routes/1', { uri: '/', service_id: 's', upstream: OWN }),
  ])
  assert.deepEqual(warnings, [
    'routes/1 service_id: service s, plugins.traffic-split.rules[0]: upstream 9 does not exist: requests that reach this rule get 500',
  ])
})

function warningsOf(config: JsonObject): string[] {
  const route = document('routes/1', { uri: '/', upstream: OWN, plugins: { 'traffic-split': config } })
  return translateAll([route]).warnings.map((line) => line.replace('routes/1 plugins.traffic-split.', ''))
}

test('configuration that sits one level too deep, or at the wrong place, is accepted with a warning', () => {
  const rules = [{ weighted_upstreams: [{ weight: 1 }] }]
  const deep =
    'has no effect: the configuration is nested one level too deep; rules belongs directly in traffic-split'
  assert.deepEqual(warningsOf({ 'traffic-split': { rules } }), [`traffic-split: ${deep}`])
  assert.deepEqual(warningsOf({ rules: [{ rules }] }), [
    'rules[0].rules: has no effect here; it belongs directly in traffic-split',
  ])
  assert.deepEqual(warningsOf({ weighted_upstreams: [] }), [
    'weighted_upstreams: has no effect here; it belongs in an element of rules',
  ])
  assert.deepEqual(warningsOf({ rules: [{ matches: [{ vars: [] }] }] }), [
    'rules[0].matches: has no effect: the configuration is nested one level too deep; vars belongs in an element of match',
  ])
  assert.deepEqual(warningsOf({ rules: [{ note: 'x', weighted_upstreams: [{ wieght: 1 }] }] }), [
    'rules[0].note: this property is not known here and has no effect',
    'rules[0].weighted_upstreams[0].wieght: this property is not known here and has no effect',
  ])
})

test('rules behind one without condition, only zeros and repeated entries are warned about', () => {
  const [unreached, ...none] = warningsOf({ rules: [{}, { match: [vars('arg_a', '1')] }] })
  assert.match(unreached ?? '', /^rules\[1\]: never reached/)
  assert.deepEqual(none, [])
  const [zeros] = warningsOf({ rules: [{ weighted_upstreams: [{ weight: 0 }] }] })
  assert.match(zeros ?? '', /^rules\[0\]\.weighted_upstreams: all weights are 0/)
  const [twice] = warningsOf({ rules: [{ weighted_upstreams: [{ weight: 1 }, { weight: 2 }] }] })
  assert.match(
    twice ?? '',
    /^rules\[0\]\.weighted_upstreams\[1\]: the route itself stands here more than once/,
  )
  const [wide] = warningsOf({ rules: [{ weighted_upstreams: [{ weight: 2 ** 26 }, { upstream: A }] }] })
  assert.match(wide ?? '', /scaled down/)
})

test('fields of an inline upstream that the reference ignores are warned about, those that work here are said to', () => {
  const upstream = { ...A, retries: 2, keepalive_pool: { size: 1 }, desc: 'x', labels: {} }
  const warnings = warningsOf({ rules: [{ weighted_upstreams: [{ upstream }] }] })
  const place = 'rules[0].weighted_upstreams[0].upstream'
  assert.deepEqual(
    warnings.map((line) => line.replace(/[,;].*/, '')),
    [
      `${place}.retries: works here`,
      `${place}.keepalive_pool: works here`,
      `${place}.desc: has no effect inside traffic-split`,
      `${place}.labels: has no effect inside traffic-split`,
    ],
  )
  for (const line of warnings) assert.match(line, /create an Upstream object and name it by upstream_id$/)
  const { objects } = translateAll([
    document('routes/1', {
      uri: '/',
      plugins: { 'traffic-split': { rules: [{ weighted_upstreams: [{ upstream }] }] } },
    }),
  ])
  const inline = objects.find((object) => object.kind === 'upstream')
  assert.equal(inline?.kind === 'upstream' && inline.retry.count, 2)
  assert.equal(inline?.kind === 'upstream' && inline.pool.size, 1)
})
