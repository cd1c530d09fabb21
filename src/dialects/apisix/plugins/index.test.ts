// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { checkPlugins, findPlugin, PLUGINS } from './index.ts'

function errorOf(plugins: JsonObject): string | null {
  return checkPlugins(plugins, DEFAULT_SETTINGS).error
}

/** What stands behind `err: `. */
function faultOf(name: string, config: JsonObject): string | null {
  const error = errorOf({ [name]: config })
  const start = `failed to check the configuration of plugin ${name} err: `
  if (error === null) return null
  assert.equal(error.startsWith(start), true, error)
  return error.slice(start.length)
}

test('the plugins are listed by priority', () => {
  assert.deepEqual(
    PLUGINS.map(({ name, priority }) => [name, priority]),
    [
      ['key-auth', 2500],
      ['proxy-rewrite', 1008],
      ['traffic-split', 966],
      ['redirect', 900],
      ['response-rewrite', 899],
    ],
  )
  assert.equal(findPlugin('redirect')?.name, 'redirect')
  assert.equal(findPlugin('constructor'), undefined)
})

test('what is no plugin, and what is no configuration, is refused in the words of the reference', () => {
  assert.equal(errorOf({ 'no-such': {} }), 'unknown plugin [no-such]')
  assert.equal(errorOf({ constructor: {} }), 'unknown plugin [constructor]')
  assert.equal(errorOf({ redirect: 'x' }), 'invalid plugin conf "x" for plugin [redirect]')
  assert.equal(errorOf({ redirect: 7 }), 'invalid plugin conf 7 for plugin [redirect]')
  assert.equal(errorOf({}), null)
})

test('a plugin that is switched off may hold anything', () => {
  assert.equal(errorOf({ redirect: { uri: 7, _meta: { disable: true } } }), null)
  assert.notEqual(errorOf({ redirect: { uri: 7, _meta: { disable: false } } }), null)
  assert.equal(errorOf({ 'no-such': { _meta: { disable: true } } }), 'unknown plugin [no-such]')
})

test('_meta is checked for every plugin', () => {
  const cases: [JsonValue, RegExp | null][] = [
    [{ priority: 1, filter: [['arg_a', '==', '1']], error_response: { a: 1 } }, null],
    ['x', /^property "_meta" validation failed: wrong type: expected object, got string$/],
    [{ disable: 1 }, /property "disable" validation failed: wrong type: expected boolean, got number$/],
    [{ priority: 1.5 }, /property "priority" validation failed: wrong type: expected integer, got number$/],
    [{ filter: [['arg_a', '=', '1']] }, /^failed to validate the 'vars' expression: invalid operator '='$/],
    [{ error_response: 7 }, /value should match only one schema, but matches none$/],
    [{ pre_function: 'return' }, /pre_function/],
  ]
  for (const [meta, expected] of cases) {
    for (const [name, config] of [
      ['traffic-split', {}],
      ['proxy-rewrite', {}],
      ['redirect', { uri: '/x' }],
      ['response-rewrite', {}],
    ] as const) {
      const fault = faultOf(name, { ...config, _meta: meta })
      if (expected === null) assert.equal(fault, null)
      else assert.match(fault ?? '', expected, `${name} ${JSON.stringify(meta)}`)
    }
  }
})

test('values that refer to secrets are refused with the name of the field', () => {
  assert.match(
    faultOf('proxy-rewrite', { headers: { set: { 'X-A': '$secret://vault/a' } } }) ?? '',
    /property "headers\.set\.X-A"/,
  )
  assert.match(faultOf('redirect', { uri: '$ENV://HOME' }) ?? '', /property "uri"/)
})

test('traffic-split checks its expressions and its inline upstreams', () => {
  const rule = (value: JsonObject): string | null => faultOf('traffic-split', { rules: [value] })
  const entry = (upstream: JsonObject): string | null => rule({ weighted_upstreams: [{ upstream }] })
  assert.equal(
    rule({ match: [{ vars: [['x', '=~', '1']] }] }),
    "failed to validate the 'vars' expression: invalid operator '=~'",
  )
  assert.equal(rule({ match: [{}] }), "failed to validate the 'vars' expression: missing argument rule")
  assert.match(rule({ weighted_upstreams: [] }) ?? '', /expect array to have at least 1 items/)
  assert.match(rule({ weighted_upstreams: Array(21).fill({}) }) ?? '', /at most 20 items/)
  assert.match(rule({ weighted_upstreams: [{ weight: -1 }] }) ?? '', /expected -1 to be at least 0/)
  assert.match(entry({ nodes: {}, pass_host: 'rewrite' }) ?? '', /upstream_host/)
  assert.match(entry({ nodes: { 'a:65536': 1 } }) ?? '', /^invalid port 65536$/)
  assert.equal(entry({ nodes: {}, type: 'chash', key: 'uri' }), null)
  assert.equal(entry({ nodes: {}, type: 'chash', key: 'nothing' })?.includes('failed to match pattern'), true)
  assert.equal(entry({ nodes: {}, checks: { active: {} } }), null)
  assert.match(entry({ nodes: {}, checks: { passive: {} } }) ?? '', /object matches none of the required/)
  assert.equal(entry({ nodes: {}, tls: { verify: true } }), null)
  assert.match(entry({ nodes: {}, tls: { client_cert: 'x'.repeat(200) } }) ?? '', /need each other/)
  assert.equal(entry({ nodes: { 'a:1': 1 }, scheme: 'https' }), null)
})

test('what traffic-split is given beside its weights is checked', () => {
  const policy = (headgate: JsonObject): string | null =>
    faultOf('traffic-split', { rules: [{ headgate, weighted_upstreams: [{ weight: 1 }] }] })
  assert.equal(
    policy({ sticky: { cookie: 'lane' }, forced: { headers: ['X-Lane'] }, when_out: 'spill' }),
    null,
  )
  assert.equal(policy({ sticky: { hash_on: 'header', key: 'user' } }), null)
  assert.match(policy({ sticky: {} }) ?? '', /needs either cookie, or hash_on and key/)
  assert.match(policy({ sticky: { cookie: 'a', key: 'b' } }) ?? '', /needs either cookie, or hash_on and key/)
  assert.match(
    policy({ sticky: { hash_on: 'vars', key: 'nothing' } }) ?? '',
    /sticky\.key: .*failed to match pattern/,
  )
  assert.match(
    policy({ sticky: { hash_on: 'vars', key: 'uri', secure: true } }) ?? '',
    /sticky\.secure is for a cookie/,
  )
  assert.match(policy({ forced: {} }) ?? '', /forced needs headers or cookies/)
  assert.match(policy({ stiky: {} }) ?? '', /additional properties forbidden, found stiky/)
})

test('proxy-rewrite checks pairs, patterns, replacements and field characters', () => {
  const fault = (config: JsonObject): string | null => faultOf('proxy-rewrite', config)
  assert.equal(fault({}), null)
  assert.equal(fault({ regex_uri: ['a', 'b', 'c'] }), 'The length of regex_uri should be an even number')
  assert.match(fault({ regex_uri: ['(', 'b'] }) ?? '', /^invalid regex_uri\(\(, b\): /)
  assert.match(fault({ regex_uri: ['a(?=b)', 'b'] }) ?? '', /^invalid regex_uri\(a\(\?=b\), b\): .*lookahead/)
  assert.match(fault({ regex_uri: ['a', '/$uri'] }) ?? '', /^invalid regex_uri\(a, \/\$uri\): .*\$uri/)
  assert.equal(fault({ regex_uri: ['a', '/$1${2}$$uri'] }), null)
  assert.match(fault({ uri: 'x' }) ?? '', /^property "uri" validation failed: failed to match pattern/)
  assert.match(fault({ method: 'CONNECT' }) ?? '', /matches none of the enum values/)
  assert.match(fault({ host: '$host' }) ?? '', /^property "host" validation failed/)
  assert.equal(fault({ headers: { 'X A': 'v' } }), 'invalid field character in header')
  assert.equal(fault({ headers: { 'X-A': 'v\n' } }), 'invalid value character in header')
  assert.equal(fault({ headers: { set: { 'X-A': 'ü' } } }), 'invalid value character in header')
  assert.equal(fault({ headers: { remove: ['X(A'] } }), 'invalid field character in header')
  for (const headers of [{}, { add: {} }, { set: [] }, { set: { 'X:A': 'v' } }, { 'X-A': [] }]) {
    assert.equal(
      fault({ headers }),
      'property "headers" validation failed: value should match only one schema, but matches none',
      JSON.stringify(headers),
    )
  }
})

test('redirect wants exactly one target, a status that exists and a pattern that compiles', () => {
  const fault = (config: JsonObject): string | null => faultOf('redirect', config)
  assert.equal(fault({}), 'value should match only one schema, but matches none')
  assert.equal(
    fault({ uri: '/x', http_to_https: false }),
    'value should match only one schema, but matches both schemas 1 and 3',
  )
  assert.equal(
    fault({ uri: '/x', regex_uri: ['a', 'b'] }),
    'value should match only one schema, but matches both schemas 1 and 2',
  )
  assert.equal(
    fault({ http_to_https: true, append_query_string: true }),
    'only one of `http_to_https` and `append_query_string` can be configured.',
  )
  assert.match(fault({ uri: '/x', ret_code: 1000 }) ?? '', /expected 1000 to be at most 599/)
  assert.match(fault({ uri: '/x', ret_code: 199 }) ?? '', /expected 199 to be at least 200/)
  assert.match(fault({ uri: '/' }) ?? '', /string too short/)
  assert.match(fault({ regex_uri: ['(', 'b'] }) ?? '', /^invalid regex_uri \(\(, b\), err:/)
  assert.match(fault({ regex_uri: ['a'] }) ?? '', /at least 2 items/)
})

test('response-rewrite checks body, vars and fields, and refuses changes inside the body', () => {
  const fault = (config: JsonObject): string | null => faultOf('response-rewrite', config)
  assert.equal(fault({}), null)
  for (const body of [undefined, '', '1', 'a===', 'aGVsbG8', '!!!!']) {
    const config = body === undefined ? { body_base64: true } : { body, body_base64: true }
    assert.equal(fault(config), 'invalid base64 content', String(body))
  }
  assert.equal(fault({ body: 'aGVsbG8=', body_base64: true }), null)
  assert.equal(
    fault({ vars: [['status', '=', 1]] }),
    "failed to validate the 'vars' expression: invalid operator '='",
  )
  assert.match(fault({ filters: [{ regex: 'a', replace: 'b' }] }) ?? '', /"filters"/)
  assert.match(fault({ max_resp_body_size: 1 }) ?? '', /"max_resp_body_size"/)
  assert.match(
    fault({ body: 'x', filters: [{ regex: 'a', replace: 'b' }] }) ?? '',
    /wasn't supposed to match schema$/,
  )
  assert.match(fault({ status_code: 599 }) ?? '', /expected 599 to be at most 598/)
  assert.equal(fault({ headers: { add: ['X-Time: 10:20/'] } }), null)
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection', 'Keep-Alive', 'Upgrade']) {
    assert.match(fault({ headers: { set: { [name]: 'x' } } }) ?? '', new RegExp(name))
    assert.match(fault({ headers: { remove: [name] } }) ?? '', new RegExp(name))
  }
  assert.equal(fault({ headers: { 'X-A': 'v\r\nB: c' } }), 'invalid value character in header')
})

test('misspelt variables and properties are accepted with a warning', () => {
  const { error, warnings } = checkPlugins(
    {
      'proxy-rewrite': { uri: '/$uri.html', scheme: 'https', headers: { 'X-A': '$nope' } },
      redirect: { uri: '/$http_x$what', code: 301 },
      'response-rewrite': { headers: { set: { 'X-B': '${gone}' } } },
    },
    DEFAULT_SETTINGS,
  )
  assert.equal(error, null)
  assert.deepEqual(
    warnings.map(({ path }) => path),
    [
      'plugins.proxy-rewrite.scheme',
      'plugins.proxy-rewrite.uri',
      'plugins.proxy-rewrite.headers.X-A',
      'plugins.redirect.code',
      'plugins.redirect.uri',
      'plugins.response-rewrite.headers.set.X-B',
    ],
  )
})
