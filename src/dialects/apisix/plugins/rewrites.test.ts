// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePredicate } from '../../../expression/compile.ts'
import type { RequestRewrite } from '../../../model/filter.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import type { Route } from '../../../model/route.ts'
import type { RedirectTarget } from '../../../model/split.ts'
import { makeView } from '../../../routing/test-fixtures.ts'
import type { DialectSettings } from '../../dialect.ts'
import { document, routeOf, settingsWith, translateAll } from '../testing/translate.ts'

const OWN: JsonObject = { nodes: { '127.0.0.1:1980': 1 } }

function routeWith(plugins: JsonObject, settings?: DialectSettings): Route {
  return routeOf({ uri: '/*', upstream: OWN, plugins }, {}, settings)
}

function requestFilter(config: JsonObject): RequestRewrite {
  const [filter] = routeWith({ 'proxy-rewrite': config }).requestFilters
  assert.ok(filter?.kind === 'rewriteRequest')
  return filter
}

function responseFilter(config: JsonObject): Route['responseFilters'][number] {
  const [filter] = routeWith({ 'response-rewrite': config }).responseFilters
  assert.ok(filter)
  return filter
}

test('proxy-rewrite sends the resolved path even where it changes nothing', () => {
  const filter = requestFilter({})
  assert.deepEqual(filter.path, { kind: 'keep', source: 'path' })
  assert.equal(filter.when, null)
  assert.equal(filter.method, null)
  assert.equal(filter.host, null)
  assert.equal(filter.headers, null)
})

test('proxy-rewrite works on the raw target when told so', () => {
  assert.deepEqual(requestFilter({ use_real_request_uri_unsafe: true }).path, {
    kind: 'keep',
    source: 'target',
  })
  assert.deepEqual(requestFilter({ use_real_request_uri_unsafe: true, uri: '/x' }).path, {
    kind: 'template',
    source: 'target',
    template: ['/x'],
  })
})

test('the uri of proxy-rewrite is a template with fallbacks, and a bare name swallows dots', () => {
  const template = (uri: string): unknown => {
    const { path } = requestFilter({ uri })
    return path?.kind === 'template' ? path.template : null
  }
  assert.deepEqual(template('/a/${arg_x ?? y}'), ['/a/', { variable: 'arg_x', fallback: 'y' }])
  assert.deepEqual(template('/$uri.html'), ['/', { variable: 'uri.html', fallback: '' }])
  assert.deepEqual(template('/${uri}.html'), ['/', { variable: 'uri', fallback: '' }, '.html'])
})

test('uri wins over regex_uri, which comes as pairs otherwise', () => {
  assert.equal(requestFilter({ uri: '/x', regex_uri: ['a', 'b'] }).path?.kind, 'template')
  assert.deepEqual(requestFilter({ regex_uri: ['^/a', '/$1${2}$$x', '^/b', '/c'] }).path, {
    kind: 'patterns',
    source: 'path',
    rules: [
      { pattern: '^/a', replacement: ['/', { group: 1 }, { group: 2 }, '$x'] },
      { pattern: '^/b', replacement: ['/c'] },
    ],
  })
})

test('headers of the old form are set, and a field may be called set', () => {
  assert.deepEqual(requestFilter({ headers: { 'X-A': 'v', set: 'w' } }).headers, {
    add: [],
    set: [
      { name: 'X-A', value: ['v'] },
      { name: 'set', value: ['w'] },
    ],
    remove: [],
  })
})

test('headers of the new form take lists, one line each, numbers and groups', () => {
  const { headers } = requestFilter({
    headers: { add: { 'X-A': ['1', 2] }, set: { 'X-B': 'x$1-${http_y}' }, remove: ['X-C'] },
  })
  assert.deepEqual(headers, {
    add: [
      { name: 'X-A', value: ['1'] },
      { name: 'X-A', value: ['2'] },
    ],
    set: [{ name: 'X-B', value: ['x', { group: 1 }, '-', { variable: 'http_y', fallback: '' }] }],
    remove: ['X-C'],
  })
})

test('Host, X-Real-IP and framing fields are left alone, with a warning', () => {
  const config = {
    headers: { set: { host: 'x', 'X-Real-IP': '1', 'Content-Length': '3' }, remove: ['Transfer-Encoding'] },
  }
  assert.equal(requestFilter(config).headers, null)
  const { warnings } = translateAll([
    document('routes/1', { uri: '/', plugins: { 'proxy-rewrite': config } }),
  ])
  assert.equal(warnings.length, 4)
})

test('a filter and vars become the condition of a rewrite', () => {
  const filter = [['arg_a', '==', '1']]
  const condition = { kind: 'test', variable: 'arg_a', operator: 'equal', value: '1' }
  assert.deepEqual(requestFilter({ _meta: { filter } }).when, condition)
  const both = responseFilter({ _meta: { filter }, vars: [['status', '>=', 500]] })
  assert.deepEqual(both.when, {
    kind: 'all',
    of: [condition, { kind: 'test', variable: 'status', operator: 'greaterOrEqual', value: 500 }],
  })
  assert.equal(responseFilter({ vars: [] }).when, null)
})

test('the body of response-rewrite travels as base64, an empty one too', () => {
  assert.equal(responseFilter({ body: 'ü' }).bodyBase64, 'w7w=')
  assert.equal(responseFilter({ body: '' }).bodyBase64, '')
  assert.equal(responseFilter({ body: 'aGVsbG8=', body_base64: true }).bodyBase64, 'aGVsbG8=')
  assert.equal(responseFilter({}).bodyBase64, null)
})

test('response-rewrite adds lines with colons in them and ignores keys beside the new form', () => {
  const { headers } = responseFilter({
    headers: { add: ['X-Time : 10:20', 'X-Path: /a/'], other: 'x', remove: ['Server'] },
  })
  assert.deepEqual(headers, {
    add: [
      { name: 'X-Time', value: ['10:20'] },
      { name: 'X-Path', value: ['/a/'] },
    ],
    set: [],
    remove: ['Server'],
  })
})

function redirectRule(config: JsonObject, settings?: DialectSettings): [unknown, RedirectTarget] {
  const rule = routeWith({ redirect: config }, settings).rules[0]
  const [target] = rule?.split.targets ?? []
  assert.ok(rule && target?.kind === 'redirect')
  return [rule.predicate, target]
}

test('a redirect to a uri answers every request with 302', () => {
  const [predicate, target] = redirectRule({ uri: '/new$uri' })
  assert.equal(predicate, null)
  assert.equal(target.status, 302)
  assert.deepEqual(target.location, {
    kind: 'template',
    template: ['/new', { variable: 'uri', fallback: '' }],
    encode: false,
    appendQuery: false,
  })
})

test('in a redirect two dollars are one and the path, and names hold no dots', () => {
  const template = (uri: string): unknown => {
    const { location } = redirectRule({ uri })[1]
    return location.kind === 'template' ? location.template : null
  }
  assert.deepEqual(template('/$$uri'), ['/$', { variable: 'uri', fallback: '' }])
  assert.deepEqual(template('$uri.html'), [{ variable: 'uri', fallback: '' }, '.html'])
})

test('a redirect by pattern leaves paths without a hit to the upstream', () => {
  const [predicate, target] = redirectRule({
    regex_uri: ['^/a/(.*)', '/b/$1'],
    ret_code: 308,
    encode_uri: true,
  })
  assert.deepEqual(predicate, { kind: 'test', variable: 'uri', operator: 'matches', value: '^/a/(.*)' })
  assert.equal(target.status, 308)
  assert.deepEqual(target.location, {
    kind: 'pattern',
    pattern: '^/a/(.*)',
    replacement: ['/b/', { group: 1 }],
    encode: true,
    appendQuery: false,
  })
})

test('http_to_https concerns plain requests alone, with the status by method whatever ret_code says', () => {
  const [predicate, target] = redirectRule(
    { http_to_https: true, ret_code: 307 },
    settingsWith({ httpsPort: 8443 }),
  )
  const isPlain = (view: Parameters<typeof makeView>[0]): boolean =>
    compilePredicate(predicate as Predicate).test(makeView(view), null)
  assert.equal(isPlain({}), true)
  assert.equal(isPlain({ scheme: 'https' }), false)
  // The forwarded scheme decides where there is one.
  assert.equal(isPlain({ headers: { 'x-forwarded-proto': 'https' } }), false)
  assert.equal(isPlain({ scheme: 'https', headers: { 'x-forwarded-proto': 'http' } }), true)
  assert.equal(isPlain({ scheme: 'https', headers: { 'x-forwarded-proto': '' } }), false)
  assert.equal(isPlain({ headers: { 'x-forwarded-proto': '' } }), true)
  assert.equal(target.status, 'byMethod')
  assert.deepEqual(target.location, { kind: 'https', port: 8443 })
  assert.equal(routeWith({ redirect: { http_to_https: false } }).rules.length, 1)
})

test('a redirect stands in front of traffic-split, whatever the order in the document', () => {
  const rules = [{ weighted_upstreams: [{ weight: 1 }] }]
  const route = routeWith({ 'traffic-split': { rules }, redirect: { uri: '/x' } })
  assert.deepEqual(
    route.rules.map((rule) => rule.origin.path),
    ['plugins.redirect', 'plugins.traffic-split.rules[0]', 'upstream'],
  )
})

test('rules see what proxy-rewrite changed, unless the priority of redirect puts it in front', () => {
  const redirect = { uri: '/x', _meta: { priority: 2000 } }
  assert.equal(routeWith({ 'proxy-rewrite': {}, redirect: { uri: '/x' } }).rulesSee, 'rewritten')
  assert.equal(routeWith({ 'proxy-rewrite': {}, redirect }).rulesSee, 'original')
  const lowered = { 'proxy-rewrite': { _meta: { priority: 10 } }, redirect: { uri: '/x' } }
  assert.equal(routeWith(lowered).rulesSee, 'original')
  const value = { uri: '/', plugins: { 'proxy-rewrite': {}, redirect, 'traffic-split': {} } }
  const { objects, warnings } = translateAll([document('routes/1', value)])
  const route = objects.find((object) => object.kind === 'route')
  assert.equal(route?.kind === 'route' && route.rulesSee, 'rewritten')
  assert.match(warnings[0] ?? '', /plugins\.redirect\._meta\.priority/)
})
