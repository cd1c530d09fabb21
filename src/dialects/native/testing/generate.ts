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
        zone: fc.constantFrom('a', 'b'),
        failoverOnly: fc.boolean(),
      },
      { requiredKeys: ['address'] },
    ),
    fc.record(
      {
        srv: fc.constant('_http._tcp.shop.internal'),
        weight: fc.nat(3),
        priority: fc.integer({ min: -1, max: 1 }),
      },
      { requiredKeys: ['srv'] },
    ),
  ),
  {
    maxLength: 4,
    selector: (entry) => (typeof entry === 'string' ? entry : 'srv' in entry ? entry.srv : entry.address),
  },
)
const percent = fc.integer({ min: 1, max: 100 }).map((number) => `${number}%`)
const hashSource: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom<JsonObject>(
      { header: 'X-A' },
      { query: 'b' },
      { cookie: 'c' },
      { variable: 'uri' },
      { address: true },
      { template: '${path}/${header.x-a}' },
    ),
    fc.record({ terminal: fc.boolean() }, opt),
  )
  .map(([source, rest]) => ({ ...source, ...rest }))
const hashOn = fc.oneof(hashSource, fc.array(hashSource, { minLength: 1, maxLength: 3 }))
/** What has a key, and what has none. */
const balancing: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record(
    {
      balance: fc.constantFrom<JsonValue>(
        'roundRobin',
        'edf',
        'random',
        'leastRequest',
        'leastConnections',
        'ewma',
        'weightedOrder',
        'leastRecentlyUsed',
        'pickFirst',
        { leastRequest: {} },
        { leastRequest: { choices: 4 } },
      ),
    },
    opt,
  ) as fc.Arbitrary<JsonObject>,
  fc
    .tuple(
      fc.constantFrom<JsonValue>(
        'ringHash',
        'maglev',
        'consistentHash',
        'hashModulo',
        { maglev: { tableSize: 251 } },
        {
          ringHash: { hash: 'murmurHash2', minSize: 8 },
        },
      ),
      fc.option(
        fc.record({ hashOn, hashFallback: fc.constantFrom('address', 'none') }, { requiredKeys: ['hashOn'] }),
        { nil: {} },
      ),
    )
    .map(([balance, rest]) => ({ balance, ...rest }) as JsonObject),
)
const failures = fc.oneof(
  fc.integer({ min: 1, max: 254 }),
  fc.record(
    { statuses: fc.integer({ min: 1, max: 254 }), connections: fc.nat(254), timeouts: fc.nat(254) },
    opt,
  ),
)
const checkParts = {
  up: fc.integer({ min: 1, max: 254 }),
  down: failures,
  upStatuses: fc.constant([200, 302]),
  downStatuses: fc.constant([500, 503]),
}
const active = fc.record(
  {
    kind: fc.constantFrom('http', 'https'),
    path: fc.constant('/healthz'),
    method: fc.constant('HEAD'),
    headers: fc.dictionary(fieldName, word, { maxKeys: 2 }),
    body: word,
    host: fc.constant('probe.internal'),
    port: fc.integer({ min: 1, max: 65_535 }),
    verify: fc.boolean(),
    timeout: duration,
    interval: duration,
    downInterval: duration,
    concurrency: fc.integer({ min: 1, max: 9 }),
    ...checkParts,
  },
  opt,
)
const outlier = fc.record(
  {
    failures: fc.integer({ min: 1, max: 9 }),
    errors: fc
      .tuple(
        fc.oneof(fc.record({ ratio: percent }), fc.record({ count: fc.integer({ min: 1, max: 9 }) })),
        fc.record(
          {
            window: fc.constant('5s'),
            minRequests: fc.integer({ min: 1, max: 9 }),
            serverErrors: fc.boolean(),
          },
          opt,
        ),
      )
      .map(([threshold, rest]) => ({ ...threshold, ...rest })),
    latency: fc.record(
      { factor: fc.constantFrom(1.5, 3), window: fc.constant('5s') },
      { requiredKeys: ['factor'] },
    ),
    ejection: fc.constantFrom('1s', '5s'),
    maxEjection: fc.constantFrom('30s', '1m'),
    maxEjected: percent,
    trial: fc.boolean(),
  },
  opt,
)
const health = fc.oneof(
  fc.record({ active, outlier }, opt),
  fc.record({ active, passive: fc.record(checkParts, opt) }),
  fc.constant({ active: { kind: 'grpc', service: 'shop.Cart' } }),
  fc.constant({ active: { kind: 'tcp' } }),
)
const slowStart = fc.oneof(
  duration,
  fc.record(
    {
      window: duration,
      min: percent,
      aggression: fc.constantFrom(0.5, 1, 2),
      interval: fc.constant('1s'),
      grace: duration,
    },
    { requiredKeys: ['window'] },
  ),
)
const count = fc.nat(9)
const limits = fc.record(
  {
    connections: count,
    connectionsPerEndpoint: count,
    requests: count,
    requestsPerEndpoint: count,
    pending: count,
    pendingTimeout: duration,
    retries: count,
  },
  opt,
)
const levels = fc.record(
  {
    mode: fc.constantFrom('strict', 'overprovisioned'),
    factor: fc.constantFrom(1, 1.4),
    panicBelow: percent,
    preferZone: fc.boolean(),
  },
  opt,
)
const tls = fc.record({ verify: fc.boolean(), serverName: fc.constant('app.internal') }, opt)
const upstreamParts = {
  name: word,
  description: word,
  labels: fc.dictionary(label, word, { maxKeys: 2 }),
  scheme: fc.constantFrom('http', 'https'),
  endpoints,
  levels,
  health,
  slowStart,
  limits,
  sendHost: fc.constantFrom('client', 'endpoint', 'endpointWithoutPort'),
  timeouts,
  retries: fc.oneof(
    fc.integer({ min: 0, max: 9 }),
    fc.record(
      {
        count: fc.nat(9),
        timeout: duration,
        onHeadTimeout: fc.boolean(),
        attemptTimeout: duration,
        onStatuses: fc.constantFrom([502], [502, 429]),
        nonIdempotent: fc.boolean(),
        sameEndpoint: fc.record({ count: fc.constant(2), delay: duration }, { requiredKeys: ['count'] }),
        failoverTries: fc.nat(2),
        budget: fc.record({ ratio: percent, perSecond: fc.constantFrom(0, 1.5) }, opt),
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
      maxAge: duration,
    },
    opt,
  ),
}
const inlineUpstream: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.record(upstreamParts, { requiredKeys: ['endpoints'] }), balancing, fc.option(tls, { nil: null }))
  // TLS is of https alone
  .map(
    ([parts, way, ofTls]) =>
      ({
        ...parts,
        ...way,
        ...(ofTls === null || parts.scheme !== 'https' ? {} : { tls: ofTls }),
      }) as JsonObject,
  )

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
const sticky: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ hashOn }) as fc.Arbitrary<JsonObject>,
  fc.record(
    {
      cookie: fc.constant('variant'),
      maxAge: fc.nat(99),
      path: fc.constant('/shop'),
      secure: fc.boolean(),
      httpOnly: fc.boolean(),
      sameSite: fc.constantFrom('lax', 'strict'),
      keepZeroWeight: fc.boolean(),
    },
    { requiredKeys: ['cookie'] },
  ) as fc.Arbitrary<JsonObject>,
)
const forcedSource = fc.constantFrom({ header: 'X-Variant' }, { cookie: 'variant' })
const anyOutcome: fc.Arbitrary<JsonObject> = fc.oneof(
  outcome as fc.Arbitrary<JsonObject>,
  fc.record(
    {
      split: fc.array(target, { minLength: 1, maxLength: 4 }),
      sticky,
      forced: fc.oneof(forcedSource, fc.array(forcedSource, { minLength: 1, maxLength: 2 })),
      whenOut: fc.constantFrom('error', 'spill'),
    },
    { requiredKeys: ['split'] },
  ) as fc.Arbitrary<JsonObject>,
)
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
