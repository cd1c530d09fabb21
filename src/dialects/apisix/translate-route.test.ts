import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Route } from '../../model/route.ts'
import { apisix } from './index.ts'
import { document, routeOf, settingsWith, translateAll } from './testing/translate.ts'

const NODES: JsonObject = { nodes: { '127.0.0.1:1980': 1 } }

/** `answer` or `upstream id` of the rule that decides where none has a condition. */
function lastTarget(route: Route): string {
  const [target] = route.rules.at(-1)?.split.targets ?? []
  if (target?.kind === 'upstream') return target.upstreamId
  return target?.kind === 'respond' ? `${target.status} ${target.errorCode}` : 'none'
}

test('conditions that a route leaves out match everything', () => {
  const route = routeOf({ uri: '/a', plugins: {}, methods: [], vars: [] })
  assert.deepEqual(route.entries[0]?.host, { kind: 'any' })
  assert.equal(route.methods, null)
  assert.equal(route.clients, null)
  assert.equal(route.predicate, null)
  assert.equal(route.timeouts, null)
  assert.deepEqual(route.requestFilters, [])
  assert.deepEqual(route.responseFilters, [])
})

test('both forms of each condition arrive', () => {
  const one = routeOf({ uri: '/a', host: 'A.test', remote_addr: '10.0.0.1', methods: ['GET'], plugins: {} })
  assert.deepEqual(one.entries[0]?.host, { kind: 'exact', text: 'a.test' })
  assert.deepEqual(one.clients, ['10.0.0.1'])
  assert.deepEqual(one.methods, ['GET'])
  const many = routeOf({
    uris: ['/a', '/b'],
    hosts: ['a', 'b'],
    remote_addrs: ['::1', '10.0.0.0/8'],
    plugins: {},
  })
  assert.equal(many.entries.length, 4)
  assert.deepEqual(many.clients, ['::1', '10.0.0.0/8'])
})

test('a route that is switched off is not there, nor is anything it holds', () => {
  const { objects } = translateAll([document('routes/1', { uri: '/', status: 0, upstream: NODES })])
  assert.deepEqual(objects, [])
  assert.equal(routeOf({ uri: '/', status: 1, plugins: {} }).kind, 'route')
})

test('labels carry what variables and logs show, also when the service is gone', () => {
  const value = { name: 'shop', uri: '/', service_id: 7 }
  assert.deepEqual(routeOf(value, { 'services/7': { name: 'store' } }).labels, {
    routeId: '1',
    routeName: 'shop',
    serviceId: '7',
    serviceName: 'store',
  })
  assert.deepEqual(routeOf(value).labels, {
    routeId: '1',
    routeName: 'shop',
    serviceId: '7',
    serviceName: null,
  })
  assert.equal(routeOf({ uri: '/', plugins: {} }).name, '1')
})

test('the own upstream is the route id, its inline one, the service id, its inline one, in this order', () => {
  const service = { upstream: NODES }
  const serviceById = { upstream_id: 's', upstream: NODES }
  const others = { 'upstreams/r': NODES, 'upstreams/s': NODES }
  const ask = (route: JsonObject, held: JsonObject): string =>
    lastTarget(routeOf({ uri: '/', service_id: '1', ...route }, { ...others, 'services/1': held }))
  assert.equal(ask({ upstream_id: 'r', upstream: NODES }, serviceById), 'apisix/upstreams/r')
  assert.equal(ask({ upstream: NODES }, serviceById), 'apisix/routes/1#upstream')
  assert.equal(ask({}, serviceById), 'apisix/upstreams/s')
  assert.equal(ask({}, service), 'apisix/services/1#upstream')
  assert.equal(ask({}, {}), '503 NO_UPSTREAM')
})

test('names that lead nowhere answer as the reference does', () => {
  assert.equal(lastTarget(routeOf({ uri: '/', upstream_id: 9 })), '502 UPSTREAM_NOT_FOUND')
  assert.equal(
    lastTarget(routeOf({ uri: '/', service_id: 's' }, { 'services/s': { upstream_id: 9 } })),
    '502 UPSTREAM_NOT_FOUND',
  )
  assert.equal(lastTarget(routeOf({ uri: '/', service_id: 9, upstream: NODES })), '404 SERVICE_NOT_FOUND')
  assert.equal(lastTarget(routeOf({ uri: '/', plugin_config_id: 9, upstream: NODES })), '503 NO_UPSTREAM')
})

test('without its service a route answers its page and runs no plugin', () => {
  const plugins = { 'response-rewrite': { status_code: 200 }, redirect: { uri: '/x' }, 'proxy-rewrite': {} }
  const route = routeOf({ uri: '/', service_id: 9, plugins })
  assert.equal(route.rules.length, 1)
  assert.deepEqual(route.requestFilters, [])
  assert.deepEqual(route.responseFilters, [])
})

test('a plugin of the route replaces that of plugin_config, which replaces that of the service, as a whole', () => {
  const plugin = (status: number): JsonObject => ({ 'response-rewrite': { status_code: status } })
  const service = { plugins: { ...plugin(201), redirect: { uri: '/from-service' } } }
  const ask = (route: JsonObject, config: JsonObject | null): (number | null)[] => {
    const others = {
      'services/s': service,
      ...(config === null ? {} : { 'plugin_configs/p': { plugins: config } }),
    }
    const ids = config === null ? { service_id: 's' } : { service_id: 's', plugin_config_id: 'p' }
    const { responseFilters, rules } = routeOf({ uri: '/', plugins: route, ...ids }, others)
    return [...responseFilters.map((filter) => filter.status), rules.length]
  }
  // The second number counts rules: the redirect of the service stays in all of them.
  assert.deepEqual(ask({}, null), [201, 2])
  assert.deepEqual(ask({}, plugin(202)), [202, 2])
  assert.deepEqual(ask(plugin(203), plugin(202)), [203, 2])
  assert.deepEqual(ask({ 'response-rewrite': { body: 'x' } }, plugin(202)), [null, 2])
  assert.deepEqual(ask({ 'response-rewrite': { _meta: { disable: true } } }, plugin(202)), [2])
  // One that is switched off in plugin_config does not come back from the service.
  assert.deepEqual(ask({}, { redirect: { uri: '/x', _meta: { disable: true } } }), [201, 1])
})

test('hosts of the service count only where the route has none', () => {
  const others = { 'services/s': { hosts: ['s.test'] } }
  const hostOf = (route: JsonObject): unknown =>
    routeOf({ uri: '/', service_id: 's', ...route }, others).entries[0]?.host
  assert.deepEqual(hostOf({}), { kind: 'exact', text: 's.test' })
  assert.deepEqual(hostOf({ host: 'r.test' }), { kind: 'exact', text: 'r.test' })
  assert.deepEqual(hostOf({ hosts: ['r.test'] }), { kind: 'exact', text: 'r.test' })
})

test('everything that a route names is looked up, whether it is there or not', () => {
  const asked: string[] = []
  const value = {
    uri: '/',
    service_id: 's',
    plugin_config_id: 'p',
    upstream_id: 1,
    plugins: {
      'traffic-split': {
        rules: [
          { weighted_upstreams: [{ upstream_id: 'a' }, { upstream_id: 'b', weight: 0 }] },
          { weighted_upstreams: [{ upstream_id: 'c' }] },
        ],
      },
    },
  }
  const service = document('services/s', { upstream_id: 't' })
  const ask = (route: JsonObject): string[] => {
    asked.length = 0
    apisix.translate(
      document('routes/1', route),
      (kind, id) => {
        asked.push(`${kind}/${id}`)
        return kind === 'services' ? service : undefined
      },
      DEFAULT_SETTINGS,
      () => [],
    )
    return [...new Set(asked)].sort()
  }
  assert.deepEqual(ask(value), ['plugin_configs/p', 'services/s', 'upstreams/1'])
  const { plugin_config_id: _, ...rest } = value
  assert.deepEqual(ask(rest), ['services/s', 'upstreams/1', 'upstreams/a', 'upstreams/b', 'upstreams/c'])
  assert.deepEqual(ask({ uri: '/', service_id: 's' }), ['services/s', 'upstreams/t'])
})

test('a host with a port never matches in the default mode, which is said', () => {
  const value = { uri: '/', hosts: ['a.test:81', '[::1]:81', '[::1]', 'b.test'], plugins: {} }
  const warnings = (router: 'radixtree_host_uri' | 'radixtree_uri'): string[] => [
    ...translateAll([document('routes/1', value)], settingsWith({ router })).warnings,
  ]
  assert.deepEqual(
    warnings('radixtree_host_uri').map((line) => line.slice(0, line.indexOf(' has a port'))),
    ['routes/1 hosts: a.test:81', 'routes/1 hosts: [::1]:81'],
  )
  assert.deepEqual(warnings('radixtree_uri'), [])
})

test('a segment that looks like a parameter is warned about where it is none', () => {
  const route = document('routes/1', { uris: ['/u/:id', '/file:list'], plugins: {} })
  const count = (router: 'radixtree_uri' | 'radixtree_uri_with_parameter'): number =>
    translateAll([route], settingsWith({ router })).warnings.length
  assert.equal(count('radixtree_uri'), 1)
  assert.equal(count('radixtree_uri_with_parameter'), 0)
})

test('a host of * in a list takes every host in the path-first modes', () => {
  const route = routeOf(
    { uri: '/', hosts: ['a.test:81', '*'], plugins: {} },
    {},
    settingsWith({ router: 'radixtree_uri' }),
  )
  assert.equal(route.predicate, null)
  assert.deepEqual(route.entries[0]?.host, { kind: 'any' })
})

test('unknown variables in vars are warned about with their place', () => {
  const { warnings } = translateAll([
    document('routes/1', {
      uri: '/',
      plugins: {},
      vars: [
        ['arg_a', '==', '1'],
        ['_a', '==', '1'],
      ],
    }),
  ])
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^routes\/1 vars\[1\]/)
})

test('an entry whose path cannot be read is left out instead of failing the rest', () => {
  const { objects, warnings } = translateAll([document('routes/1', { uris: ['/a*z', '/b'], plugins: {} })])
  assert.deepEqual(
    objects.flatMap((object) => (object.kind === 'route' ? object.entries.map((entry) => entry.path) : [])),
    [{ kind: 'exact', text: '/b' }],
  )
  assert.equal(warnings.length, 1)
  assert.deepEqual(translateAll([document('routes/1', { uri: '/a*z', plugins: {} })]).objects, [])
})

test('translation never throws and never makes what cannot travel, whatever stands in a document', () => {
  const names = [
    'uri',
    'uris',
    'host',
    'hosts',
    'methods',
    'vars',
    'priority',
    'status',
    'timeout',
    'plugins',
    'upstream',
    'upstream_id',
    'service_id',
    'plugin_config_id',
    'nodes',
    'rules',
    'match',
    'weighted_upstreams',
    'weight',
    'traffic-split',
    'proxy-rewrite',
    'redirect',
    'response-rewrite',
    'regex_uri',
    'headers',
    'set',
    'add',
    'remove',
    '_meta',
    'filter',
    'keepalive_pool',
    'scheme',
    'connect',
    'send',
    'read',
    '__proto__',
    'constructor',
  ]
  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom<string | number | null>(null, '/a', '/*', '*', 's', 1, 0, '$uri', '(', 'a.test:81'),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      scalar,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 6 }),
    ),
  }))
  const value = fc.dictionary(fc.constantFrom(...names), tree, { maxKeys: 10 }) as fc.Arbitrary<JsonObject>
  fc.assert(
    fc.property(value, value, value, (route, service, upstream) => {
      const { objects } = translateAll([
        document('upstreams/s', upstream),
        document('services/s', service),
        document('plugin_configs/s', service),
        document('routes/1', route),
      ])
      assert.deepEqual(JSON.parse(JSON.stringify(objects)), structuredClone(objects))
    }),
    { numRuns: 500 },
  )
})
