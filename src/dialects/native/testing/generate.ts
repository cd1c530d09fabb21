// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are what is made
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../../model/json.ts'

/** Native documents at random, every key of them now and then. Nothing else but tests imports this file. */

const opt = { requiredKeys: [] as [] }
const id = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/)
const label = fc.constantFrom('team', 'a/b', 'x.y-z', 'T1')
const upstreamId = fc.constantFrom('blue', 'green', 'gone')
const word = fc.stringMatching(/^[a-zA-Z0-9 _.-]{1,8}$/)
const fieldName = fc.constantFrom('X-A', 'x-b', 'Accept', 'X_C')
const duration = fc.constantFrom('500ms', '30s', '1m30s', '2h', '1.5s')
const network = fc.constantFrom('10.0.0.0/8', '127.0.0.1', '::1', '2001:db8::/32')
const method = fc.constantFrom('GET', 'POST', 'PURGE')
const pattern = fc.constantFrom('^/a', '[0-9]+', '(a|b)c?', '^(.*)$')
const path = fc.constantFrom(
  '/',
  '/a',
  '/a/*',
  '/a*',
  '/a/:id',
  '/:a/:b',
  '/*/b',
  '/a/**/b',
  '/f/**rest',
  '*',
)
const host = fc.constantFrom('a.example.com', '*.example.com', '*.com', 'a.*', '*', 'B.test')
const text = fc.constantFrom(
  '',
  'plain',
  '${path}',
  '${header.x-a ?? none}',
  '$$5 $x',
  '${client}:${clientPort}',
)

const named = fc.constantFrom('header', 'query', 'cookie', 'form', 'body')
const comparison: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.oneof(
      fc.tuple(named, fc.constantFrom('x-a', 'b', 'c')).map(([part, name]): JsonObject => ({ [part]: name })),
      fc.constantFrom<JsonObject>(
        { request: 'path' },
        { request: 'client' },
        { param: 'id' },
        { variable: 'msec' },
      ),
    ),
    fc.oneof(
      fc.boolean().map((exists): JsonObject => ({ exists })),
      fc
        .oneof(word, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
        .map((equals): JsonObject => ({ equals })),
      word.map((notEquals): JsonObject => ({ notEquals })),
      fc.array(word, { minLength: 1, maxLength: 9 }).map((list): JsonObject => ({ in: list })),
      pattern.map((matches): JsonObject => ({ matches })),
      pattern.map((matchesIgnoringCase): JsonObject => ({ matchesIgnoringCase })),
      fc.record({ greater: fc.integer(), lessOrEqual: fc.integer() }).map((range): JsonObject => range),
      fc.record({ greaterOrEqual: fc.integer(), less: fc.integer() }).map((range): JsonObject => range),
      fc.array(network, { minLength: 1, maxLength: 3 }).map((inNetwork): JsonObject => ({ inNetwork })),
    ),
  )
  .map(([subject, operator]) => ({ ...subject, ...operator }))

export const conditions: fc.Arbitrary<JsonValue> = fc.letrec<{ when: JsonValue }>((tie) => ({
  when: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    comparison,
    fc.array(tie('when'), { minLength: 1, maxLength: 3 }),
    fc.array(tie('when'), { minLength: 1, maxLength: 3 }).map((all): JsonValue => ({ all })),
    fc.array(tie('when'), { minLength: 1, maxLength: 3 }).map((any): JsonValue => ({ any })),
    tie('when').map((not): JsonValue => ({ not })),
  ),
})).when

const values = fc.dictionary(
  fieldName,
  fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { minLength: 1, maxLength: 2 })),
  {
    minKeys: 1,
    maxKeys: 3,
  },
)
const edits = fc.oneof(
  fc
    .record({ set: values, add: values, remove: fc.array(fieldName, { minLength: 1 }) }, opt)
    .filter(isFilled),
)
const requestChange = fc
  .record(
    {
      path: fc.oneof(
        text.map((rest) => `/${rest}`),
        fc.constant({ set: '/x' }),
        fc.constant({ set: '/x', raw: true }),
        fc.constant({ replacePrefix: '/api' }),
        fc.constant({ replacePrefix: '/api/', with: '/v2', raw: true }),
        fc.constant({ keep: true }),
        fc.constant({ patterns: [{ match: '^/a/(.*)', replace: '/b/${1}' }] }),
      ),
      method,
      host: fc.constantFrom('x.internal', 'x.internal:8080'),
      headers: edits,
    },
    opt,
  )
  .filter(isFilled)
const responseChange = fc
  .record({ status: fc.integer({ min: 200, max: 598 }), body: word, headers: edits }, opt)
  .filter(isFilled)
const filter = fc
  .record({ when: conditions, request: requestChange, response: responseChange }, opt)
  .filter((value) => value.request !== undefined || value.response !== undefined)
const filters = fc.oneof(filter, fc.array(filter, { minLength: 1, maxLength: 3 }))

const timeouts = fc.oneof(duration, fc.record({ connect: duration, send: duration, read: duration }, opt))
const fullTimeouts = fc.oneof(duration, fc.record({ connect: duration, send: duration, read: duration }))
const endpoints = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom('10.0.0.1:80', '10.0.0.2', 'app.internal:8080', '[::1]:81'),
    fc.record(
      {
        address: fc.constantFrom('10.0.1.1:80', '10.0.1.2:80'),
        weight: fc.integer({ min: 0, max: 9 }),
        priority: fc.integer({ min: -2, max: 2 }),
      },
      { requiredKeys: ['address'] },
    ),
  ),
  { maxLength: 4, selector: (entry) => (typeof entry === 'string' ? entry : entry.address) },
)
const upstreamParts = {
  name: word,
  description: word,
  labels: fc.dictionary(label, word, { maxKeys: 2 }),
  scheme: fc.constantFrom('http', 'https'),
  endpoints,
  balance: fc.constant('roundRobin'),
  sendHost: fc.constantFrom('client', 'endpoint', 'endpointWithoutPort'),
  timeouts,
  retries: fc.oneof(
    fc.integer({ min: 0, max: 9 }),
    fc.record(
      {
        count: fc.nat(9),
        timeout: duration,
        onHeadTimeout: fc.boolean(),
        sameEndpointWhenAlone: fc.boolean(),
      },
      opt,
    ),
  ),
  pool: fc.record(
    {
      size: fc.integer({ min: 1, max: 9 }),
      idle: fc.constantFrom('0s', '5s'),
      requests: fc.integer({ min: 1, max: 9 }),
    },
    opt,
  ),
}
const inlineUpstream = fc.record(upstreamParts, { requiredKeys: ['endpoints'] })

const upstreamPlace = fc.oneof({ weight: 4, arbitrary: upstreamId }, { weight: 1, arbitrary: inlineUpstream })
const respond = fc.oneof(
  fc.integer({ min: 200, max: 599 }),
  fc.record(
    {
      status: fc.constantFrom(200, 403, 503),
      body: word,
      headers: fc.dictionary(
        fieldName,
        fc.oneof(word, fc.integer(), fc.array(word, { minLength: 1, maxLength: 2 })),
        { maxKeys: 2 },
      ),
      errorCode: fc.constantFrom('NO_ENDPOINT', 'OVERLOADED'),
    },
    opt,
  ),
)
const redirect = fc.oneof(
  fc.constant('https://new.example.com${path}'),
  fc.constant({ match: '^/a/(.*)', replace: '/b/${1}', status: 301, encode: true }),
  fc.constant({ https: true, port: 8443 }),
  fc.record(
    { to: fc.constant('/x'), status: fc.constantFrom(302, 307, 'byMethod'), appendQuery: fc.boolean() },
    { requiredKeys: ['to'] },
  ),
)
const outcome = fc.oneof(
  fc.record({ upstream: upstreamPlace }),
  fc.record({ respond }),
  fc.record({ redirect }),
)
const target = fc
  .tuple(outcome, fc.record({ weight: fc.integer({ min: 0, max: 9 }), name: word, filters }, opt))
  .map(([way, rest]) => ({ ...way, ...rest }))
const anyOutcome = fc.oneof(outcome, fc.record({ split: fc.array(target, { minLength: 1, maxLength: 4 }) }))
/** Rules have conditions here: one without is right only at the end. */
const rule = fc.tuple(conditions, anyOutcome).map(([when, way]) => ({ when, ...way }))

const route = fc
  .tuple(
    id,
    fc.record(
      {
        name: word,
        description: word,
        labels: fc.dictionary(label, word, { maxKeys: 2 }),
        hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
        paths: fc.array(fc.oneof(path, fc.constant({ exact: '/a*b' }), fc.constant({ prefix: '/:' })), {
          minLength: 1,
          maxLength: 3,
        }),
        methods: fc.uniqueArray(method, { minLength: 1, maxLength: 2 }),
        clients: fc.array(network, { minLength: 1, maxLength: 2 }),
        when: conditions,
        priority: fc.integer({ min: -3, max: 3 }),
        service: word,
        filters,
        rulesSee: fc.constantFrom('original', 'rewritten'),
        timeouts: fullTimeouts,
        rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
      },
      opt,
    ),
    fc.option(anyOutcome, { nil: {} }),
  )
  .map(([name, parts, way]) => ({ id: name, ...parts, ...way }))
  .filter((value) =>
    Object.keys(value).some((key) => ['rules', 'split', 'upstream', 'respond', 'redirect'].includes(key)),
  )

const upstream = fc
  .tuple(fc.constantFrom('blue', 'green'), inlineUpstream)
  .map(([name, parts]) => ({ id: name, ...parts }))

/** Whole files. Templates, patterns and references in them are good; `gone` names an upstream that is never there. */
export const nativeFiles: fc.Arbitrary<JsonObject> = fc
  .record({
    headgate: fc.constant(1),
    upstreams: fc.uniqueArray(upstream, { maxLength: 2, selector: ({ id: name }) => name }),
    routes: fc.uniqueArray(route, { maxLength: 4, selector: ({ id: name }) => name }),
  })
  .map((file) => JSON.parse(JSON.stringify(file)) as JsonObject)

function isFilled(value: object): boolean {
  return Object.keys(value).length > 0
}
