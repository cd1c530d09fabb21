import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Route } from '../../model/route.ts'
import { type Split, splitIdentity } from '../../model/split.ts'
import type { Upstream } from '../../model/upstream.ts'
import { apinizer } from './index.ts'
import { proxyOf, translateFile } from './testing.ts'

/** What each setting of failure handling, canary, copies and connections becomes (spec/apinizer.md 5 to 7): ranges, defaults, and which of two holds. */

const ADDRESS = 'http://127.0.0.1:8080'

function proxyWith({ routingInfo = {}, ...more }: JsonObject): JsonObject {
  const base = proxyOf('p', { relativePathList: ['/p'] }, more)
  return { ...base, routingInfo: { ...(base.routingInfo as JsonObject), ...(routingInfo as JsonObject) } }
}

/** The model of one proxy: its upstreams by the end of their ids. */
function translate(more: JsonObject) {
  const { objects } = translateFile({ apinizer: { proxies: [proxyWith(more)] } })
  const upstreams = new Map(
    objects
      .filter((object): object is Upstream => object.kind === 'upstream')
      .map((upstream) => [upstream.id.replace(/^.*#/, ''), upstream]),
  )
  const route = objects.find((object): object is Route => object.kind === 'route')
  return { upstreams, route: route as Route, primary: upstreams.get('primary') as Upstream }
}

const addresses = (...types: readonly string[]): JsonObject => ({
  routingAddressList: types.map((addressType, n) => ({
    address: `http://127.0.0.1:${8080 + n}`,
    addressType,
    healthCheckPath: '/live',
  })),
})

test('numbers have the ranges of the vendor, and no others', () => {
  const inside = (path: string, value: JsonValue): JsonObject => {
    const [name = '', ...rest] = path.split('.')
    const field = rest.length === 0 ? value : inside(rest.join('.'), value)
    return { [name]: field }
  }
  const faultsOf = (path: string, value: JsonValue): readonly string[] => {
    const given = inside(path, value)
    const [group = ''] = Object.keys(given)
    const own = given[group] as JsonObject
    const proxy = proxyWith({ [group]: isJsonObject(own) ? own : {} })
    return apinizer.validate('proxies', proxy, DEFAULT_SETTINGS).map((fault) => fault.path)
  }
  const ranges = {
    'routingInfo.retryCount': [0, 100],
    'routingInfo.failoverRetryCount': [0, 100],
    'routingInfo.healthCheck.interval': [5, 3600],
    'routingInfo.healthCheck.timeout': [1, 60],
    'routingInfo.healthCheck.failThreshold': [1, 20],
    'routingInfo.healthCheck.passThreshold': [1, 20],
    'routingInfo.canary.percentage': [0, 100],
    'routingInfo.mirror.percentage': [0, 100],
    'connection.connectTimeout': [1, 3600],
    'connection.readTimeout': [1, 3600],
    'connection.connectionRequestTimeout': [1, 300],
    'connection.maxRedirects': [0, 100],
  } as const
  for (const [path, [least, most]] of Object.entries(ranges)) {
    for (const value of [least, most]) assert.deepEqual(faultsOf(path, value), [], `${path} ${value}`)
    for (const value of [least - 1, most + 1, least + 0.5])
      assert.deepEqual(faultsOf(path, value), [path], `${path} ${value}`)
  }
})

test('the waits before repeats: none, fixed, growing, with the vendor’s values where none stand', () => {
  const repeatOf = (routingInfo: JsonObject) => {
    const repeat = translate({ routingInfo: { retryCount: 3, ...routingInfo } }).primary.retry.sameEndpoint
    return [repeat?.count, repeat?.delayMs, repeat?.multiplier, repeat?.maxMs]
  }
  assert.equal(translate({}).primary.retry.sameEndpoint, null)
  assert.deepEqual(repeatOf({}), [3, 0, 1, 0])
  assert.deepEqual(repeatOf({ retryDelayType: 'NO_DELAY', retryFixedDelay: 7 }), [3, 0, 1, 0])
  for (const retryDelayType of ['FIXED_DELAY', 'FIXED']) {
    assert.deepEqual(repeatOf({ retryDelayType }), [3, 500, 1, 500])
    assert.deepEqual(repeatOf({ retryDelayType, retryFixedDelayMs: 7 }), [3, 7, 1, 7])
  }
  const growing = { retryDelayType: 'EXPONENTIAL_BACKOFF' }
  assert.deepEqual(repeatOf(growing), [3, 500, 2, 10_000])
  const own = { retryInitialDelayMs: 1, retryBackoffMultiplier: 1.5, retryMaxDelayMs: 9 }
  assert.deepEqual(repeatOf({ ...growing, ...own }), [3, 1, 1.5, 9])
})

test('failover: who takes part, how often, and for which answers', () => {
  const of = (routingInfo: JsonObject) => {
    const { primary } = translate({ routingInfo })
    const { count, failoverTries, onStatuses, nonIdempotent } = primary.retry
    const spare = primary.endpoints.filter(({ failoverOnly }) => failoverOnly).length
    return { count, failoverTries, from: onStatuses[0] ?? null, spare, nonIdempotent }
  }
  const two = addresses('PRIMARY', 'PRIMARY')
  const three = addresses('PRIMARY', 'PRIMARY', 'PRIMARY')
  const none = { count: 0, failoverTries: 0, from: null, spare: 0, nonIdempotent: false }
  // where nothing is written: each other one, once, for 500 and above, and only what may be sent twice
  assert.deepEqual(of(three), { ...none, count: 2, from: 500 })
  assert.deepEqual(of(addresses('PRIMARY')), none)
  assert.deepEqual(of(addresses('PRIMARY', 'PRIMARY', 'CANARY', 'MIRROR')), { ...none, count: 1, from: 500 })
  assert.deepEqual(of({ ...three, errorHandlingType: 'DEFAULT' }), { ...none, count: 2, from: 400 })
  assert.deepEqual(of({ ...three, errorHandlingType: 'STATUS_CODE_LIST', statusCodeList: [503] }), {
    ...none,
    count: 2,
    from: 503,
  })
  assert.deepEqual(of({ ...two, failoverRetryCount: 0 }), none)
  assert.deepEqual(of({ ...two, failoverOnlyEnabled: false }), none)
  // a spare one without its flag: the strict reading
  const spared = addresses('PRIMARY', 'PRIMARY', 'FAILOVER', 'FAILOVER_ONLY', 'CANARY', 'MIRROR')
  assert.deepEqual(of(spared), none)
  const flagged = { ...none, nonIdempotent: true, spare: 2, from: 400 }
  assert.deepEqual(of({ ...spared, failoverOnlyEnabled: true }), { ...flagged, failoverTries: 1 })
  assert.deepEqual(of({ ...spared, failoverOnlyEnabled: true, failoverRetryCount: 0 }), {
    ...flagged,
    failoverTries: 1,
  })
  assert.deepEqual(of({ ...spared, failoverOnlyEnabled: true, failoverRetryCount: 3 }), {
    ...flagged,
    failoverTries: 3,
  })
  assert.deepEqual(of({ ...three, failoverMode: 'any', failoverRetryCount: 1 }), {
    ...none,
    count: 1,
    from: 400,
    nonIdempotent: true,
  })
})

test('checks: who is checked, with the vendor’s values where none stand', () => {
  const all = addresses('PRIMARY', 'FAILOVER_ONLY', 'CANARY', 'MIRROR')
  const on = translate({ routingInfo: { ...all, failoverOnlyEnabled: true, canary: { percentage: 1 } } })
  const checkedOf = (upstreams: ReadonlyMap<string, Upstream>) =>
    [...upstreams].flatMap(([name, { health, endpoints }]) =>
      health?.active == null
        ? []
        : endpoints.filter(({ own }) => own?.probe != null).map(({ port }) => `${name} ${port}`),
    )
  assert.deepEqual(checkedOf(on.upstreams), ['primary 8080', 'primary 8081', 'canary 8082'])
  // without failover and canary nobody else is
  assert.deepEqual(checkedOf(translate({ routingInfo: all }).upstreams), ['primary 8080'])
  const check = on.primary.health?.active
  assert.deepEqual(
    [check?.timeoutMs, check?.healthy.intervalMs, check?.healthy.successes, check?.method, check?.kind],
    [5000, 30_000, 2, 'GET', 'http'],
  )
  const { httpFailures, tcpFailures, timeouts, intervalMs } = check?.unhealthy ?? {}
  assert.deepEqual([httpFailures, tcpFailures, timeouts, intervalMs], [3, 3, 3, 30_000])
  const own = { interval: 7, timeout: 2, failThreshold: 4, passThreshold: 5 }
  const written = translate({ routingInfo: { ...all, healthCheck: own } }).primary.health?.active
  assert.deepEqual(
    [
      written?.healthy.intervalMs,
      written?.timeoutMs,
      written?.unhealthy.timeouts,
      written?.healthy.successes,
    ],
    [7000, 2000, 4, 5],
  )
  const off = {
    ...all,
    routingAddressList: [{ address: ADDRESS, healthCheckPath: '/live', healthMonitoringEnabled: false }],
  }
  assert.equal(translate({ routingInfo: off }).primary.health, null)
  const one = {
    ...off,
    routingAddressList: [...off.routingAddressList, { address: 'http://127.0.0.1:81', healthCheckPath: '/' }],
  }
  assert.deepEqual(checkedOf(translate({ routingInfo: one }).upstreams), ['primary 81'])
})

test('the circuit breaker has the vendor’s values where none stand, and counts what errorHandlingType says', () => {
  const of = (circuitBreaker: JsonObject, errorHandling: JsonObject = {}) =>
    translate({
      routingInfo: addresses('PRIMARY', 'PRIMARY'),
      circuitBreaker,
      errorHandling,
    }).primary.health?.outlier
  const plain = of({ circuitBreakerEnabled: true })
  assert.deepEqual(
    [
      plain?.errors?.windowMs,
      plain?.errors?.threshold,
      plain?.baseEjectionMs,
      plain?.maxEjectionMs,
      plain?.trial,
    ],
    [10_000, { kind: 'count', value: 1 }, 10_000, 10_000, false],
  )
  assert.equal(plain?.errors?.statuses?.[0], 400)
  const percent = of({
    circuitBreakerEnabled: true,
    enumErrorThresholdType: 'PERCENT',
    errorThresholdValue: 40,
  })
  assert.deepEqual(percent?.errors?.threshold, { kind: 'ratio', value: 0.4 })
  const listed = of(
    { circuitBreakerEnabled: true },
    { errorHandlingType: 'STATUS_CODE_LIST', statusCodeList: [302] },
  )
  assert.deepEqual(listed?.errors?.statuses, [302])
  assert.equal(of({ circuitBreakerEnabled: false })?.errors, undefined)
})

test('canary and copies: their shares, the cooldown, and that nothing else changes them', () => {
  const routed = {
    routingAddressList: ['PRIMARY', 'CANARY', 'MIRROR'].map((addressType) => ({
      address: ADDRESS,
      addressType,
    })),
  }
  const { upstreams, route } = translate({
    routingInfo: { ...routed, canary: { percentage: 33 } },
    connection: { httpVersion: 'h2c prior knowledge' },
  })
  const split = route.rules.at(-1)?.split
  assert.deepEqual(
    split?.targets.map(({ weight, variant }) => [variant, weight]),
    [
      ['primary', 67],
      ['canary', 33],
    ],
  )
  assert.equal(upstreams.get('canary')?.health?.outlier?.baseEjectionMs, 300_000)
  assert.equal(upstreams.get('canary')?.health?.outlier?.errors?.threshold.value, 1)
  const mirror = route.requestFilters.find(({ kind }) => kind === 'mirror')
  assert.equal(mirror?.kind === 'mirror' && mirror.percent, 10)
  // copies are HTTP/1.1 whatever requests are
  assert.deepEqual(
    [...upstreams].map(([name, { http2 }]) => [name, http2]),
    [
      ['primary', 'always'],
      ['canary', 'always'],
      ['mirror.0', 'never'],
    ],
  )
})

test('the canary’s counter begins anew with each deployment', () => {
  const routingInfo = { ...addresses('PRIMARY', 'CANARY'), canary: { percentage: 50 } }
  const deployed = (modifiedRevision: number) => {
    const value = { environmentName: 'production', Proxy: proxyWith({ routingInfo }) }
    const key = { dialect: 'apinizer', kind: 'deployments', id: 'p' }
    const stored = { key, value, createdRevision: 1, modifiedRevision, expiresAtMs: null }
    const [route] = apinizer.translate(
      stored,
      () => undefined,
      DEFAULT_SETTINGS,
      () => [],
    ).objects
    return route?.kind === 'route' ? route.rules.at(-1)?.split : undefined
  }
  const [first, second] = [deployed(1), deployed(2)]
  assert.ok(first !== undefined && second !== undefined)
  assert.notEqual(splitIdentity(first), splitIdentity(second))
  assert.equal(splitIdentity(first), splitIdentity(deployed(1) as Split))
})

test('timeouts: those of connection before those the proxy was made with, 30 seconds where none stand', () => {
  const of = (more: JsonObject) => {
    const { connectMs, sendMs, readMs } = translate(more).primary.timeouts
    return [connectMs, sendMs, readMs]
  }
  assert.deepEqual(of({}), [30_000, 30_000, 30_000])
  assert.deepEqual(of({ routingInfo: { connectTimeout: 1, readTimeout: 2 } }), [1000, 2000, 2000])
  const both = { routingInfo: { connectTimeout: 1, readTimeout: 2 }, connection: { readTimeout: 3 } }
  assert.deepEqual(of(both), [1000, 3000, 3000])
})

test('pools: shared, of their own size, or none; idle time and size count for one of their own only', () => {
  const of = (connection: JsonObject) => {
    const { pool, limits } = translate({ connection }).primary
    const { size, idleMs, maxAgeMs } = pool
    return [size, idleMs, maxAgeMs, limits?.maxConnectionsPerEndpoint ?? null, limits?.pendingMs ?? null]
  }
  const shared = [1024, 30_000, 300_000, null, null]
  assert.deepEqual(of({}), shared)
  assert.deepEqual(of({ connectionPoolManagementType: 'GENERAL' }), shared)
  assert.deepEqual(of({ idleConnectionTimeout: 7, customConnectionPoolSize: 5 }), shared)
  const own = { connectionPoolManagementType: 'CUSTOM', customConnectionPoolSize: 5 }
  assert.deepEqual(of(own), [5, 30_000, 300_000, 5, 3000])
  assert.deepEqual(
    of({ ...own, idleConnectionTimeout: 7, connectionRequestTimeout: 9 }),
    [5, 7000, 300_000, 5, 9000],
  )
  assert.deepEqual(of({ connectionRequestTimeout: 9 }), [1024, 30_000, 300_000, 1024, 9000])
  assert.deepEqual(of({ connectionPoolManagementType: 'NONE' }), [1024, 0, 300_000, null, null])
})

test('streaming switches the pool and repeats off', () => {
  const { primary } = translate({
    routingInfo: { ...addresses('PRIMARY', 'PRIMARY'), retryCount: 2 },
    connection: { enableStreaming: true },
  })
  assert.equal(primary.retry.sameEndpoint, null)
  assert.equal(primary.pool.idleMs, 0)
})

test('versions of HTTP, by their names', () => {
  const of = (httpVersion: string) => translate({ connection: { httpVersion } }).primary.http2
  assert.deepEqual(['HTTP/1.1', 'HTTP/2 by ALPN', 'h2c prior knowledge'].map(of), [
    'never',
    'offered',
    'always',
  ])
  assert.equal(translate({}).primary.http2, 'never')
})

test('TLS: stores, versions, names, and what switches all of it off', () => {
  const stores: Readonly<Record<string, JsonObject>> = {
    'key_stores/k': { certificate: 'C', key: 'K' },
    'trust_stores/t': { ca: 'A' },
  }
  const of = (mtls: JsonObject) => {
    const value = { environmentName: 'production', Proxy: proxyWith({ mtls }) }
    const stored = { value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
    const keyOf = (kind: string, id: string) => ({ dialect: 'apinizer', kind, id })
    const lookup = (kind: string, id: string) => {
      const store = stores[`${kind}/${id}`]
      return store === undefined ? undefined : { ...stored, key: keyOf(kind, id), value: store }
    }
    const { objects } = apinizer.translate(
      { ...stored, key: keyOf('deployments', 'p') },
      lookup,
      DEFAULT_SETTINGS,
      () => [],
    )
    const upstream = objects.find((object) => object.kind === 'upstream')
    return upstream?.kind === 'upstream' ? upstream.tls : null
  }
  const plain = {
    verifies: true,
    ca: null,
    certificate: null,
    key: null,
    serverName: null,
    verifiesName: true,
  }
  assert.deepEqual(of({}), plain)
  assert.deepEqual(of({ mtlsEnabled: true, keyStoreId: 'k', trustStoreId: 't' }), {
    ...plain,
    ca: 'A',
    certificate: 'C',
    key: 'K',
  })
  // a key store that is not switched on is not shown
  assert.deepEqual(of({ keyStoreId: 'k' }), plain)
  assert.deepEqual(of({ hostnameVerifierType: 'NOOP' }), { ...plain, verifiesName: false })
  assert.deepEqual(of({ hostnameVerifierType: 'STRICT' }), { ...plain, exactName: true })
  for (const hostnameVerifierType of ['DEFAULT', 'BROWSER_COMPAT'])
    assert.deepEqual(of({ hostnameVerifierType }), plain)
  assert.deepEqual(of({ disableSslValidation: true }), { ...plain, verifies: false })
  assert.deepEqual(of({ supportedProtocolList: ['TLS_1_3'] }), { ...plain, minVersion: 'TLSv1.3' })
  assert.deepEqual(of({ supportedProtocolList: ['TLS_1_2'] }), { ...plain, maxVersion: 'TLSv1.2' })
  for (const supportedProtocolList of [[], ['TLS_1_2', 'TLS_1_3']])
    assert.deepEqual(of({ supportedProtocolList }), plain)
})

test('what is refused over several fields says so', () => {
  const of = (more: JsonObject): readonly string[] =>
    apinizer
      .validate('proxies', proxyWith(more), DEFAULT_SETTINGS)
      .map(({ path, message }) => `${path}: ${message}`)
  const secured = { routingAddressList: [{ address: 'https://a.test' }] }
  const connection = { httpVersion: 'h2c prior knowledge' }
  assert.deepEqual(of({ connection, routingInfo: secured }), [
    'routingInfo.routingAddressList[0].address: h2c is for http: an https address takes HTTP/2 by ALPN',
  ])
  assert.deepEqual(of({ connection, routingInfo: addresses('PRIMARY') }), [
    'routingInfo.routingAddressList[0].healthCheckPath: addresses of h2c are not checked: checks use HTTP/1.1',
  ])
  assert.deepEqual(of({ circuitBreaker: { circuitBreakerEnabled: true } }), [
    'circuitBreaker.circuitBreakerEnabled: a circuit breaker needs at least two addresses',
  ])
  assert.deepEqual(of({ mtls: { mtlsEnabled: true } }), [
    'mtls.keyStoreId: keyStoreId is required with mtlsEnabled',
  ])
  assert.deepEqual(of({ connection: { connectionPoolManagementType: 'CUSTOM' } }), [
    'connection.customConnectionPoolSize: customConnectionPoolSize is required with a CUSTOM pool',
  ])
  for (const address of ['ws://a.test', 'grpc://a.test:1'])
    assert.deepEqual(of({ routingInfo: { routingAddressList: [{ address }], canary: { percentage: 1 } } }), [
      'routingInfo.canary: canary is for HTTP only',
    ])
})

test('what the error pipeline makes of answers', () => {
  const of = (errorHandling: JsonObject) =>
    translate({ errorHandling }).route.responseFilters.map((filter) => {
      if (filter.kind !== 'rewriteResponse' || filter.when?.kind !== 'test') return null
      const values = filter.when.value as readonly string[]
      const body = JSON.parse(Buffer.from(filter.bodyBase64 ?? '', 'base64').toString())
      return [`${values[0]} to ${values.at(-1)}`, filter.status, body.error.code]
    })
  const template = ['400 to 599', null, 'ERR-070']
  assert.deepEqual(of({}), [template])
  assert.deepEqual(of({ ignoreRoutingError: true }), [])
  const errorMessageList = [
    { httpStatusCode: 599, customizedHttpStatusCode: 500, customizedErrorCode: 'E', customizedMessage: 'm' },
  ]
  assert.deepEqual(of({ errorMessageList }), [template])
  const custom = { customizeErrorMessageEnabled: true, errorMessageList }
  assert.deepEqual(of(custom), [
    ['599 to 599', 500, 'E'],
    ['400 to 598', null, 'ERR-070'],
  ])
  assert.deepEqual(of({ ...custom, ignoreRoutingError: true }), [['599 to 599', 500, 'E']])
  assert.deepEqual(of({ errorHandlingType: 'STATUS_CODE_LIST', statusCodeList: [302, 500] }), [
    ['500 to 500', null, 'ERR-070'],
    ['302 to 302', 503, 'ERR-070'],
  ])
})

test('with routing off the request comes back, or the sample, under either name of the switch', () => {
  const of = (more: JsonObject) => {
    const { route, upstreams } = translate({ routingInfo: { routingEnabled: false, ...more } })
    assert.equal(upstreams.size, 0)
    const [target] = route.rules[0]?.split.targets ?? []
    return [target?.kind, target?.kind === 'echo' || target?.kind === 'respond' ? target.loggedAs : null]
  }
  const echo = ['echo', 'apinizer://mirror.routing']
  assert.deepEqual(of({ echoEnabled: true }), echo)
  assert.deepEqual(of({ mirrorEnabled: true }), echo)
  assert.deepEqual(of({}), ['respond', undefined])
})

test('faults and origins of error settings name the object that has them', () => {
  const faultPaths = (more: JsonObject) =>
    apinizer.validate('proxies', proxyWith(more), DEFAULT_SETTINGS).map((fault) => fault.path)
  const written: readonly (readonly [settings: JsonObject, path: string])[] = [
    [{ errorHandlingType: 'STATUS_CODE_LIST' }, 'statusCodeList'],
    [{ errorHandlingType: 'ADVANCED' }, 'errorCondition'],
    [{ errorMessageList: [{ customizedMessage: 'x' }] }, 'errorMessageList[0].httpStatusCode'],
  ]
  for (const [settings, path] of written)
    for (const name of ['routingInfo', 'errorHandling'])
      assert.deepEqual(faultPaths({ [name]: settings }), [`${name}.${path}`])
  assert.deepEqual(
    faultPaths({
      routingInfo: { errorHandlingType: 'STATUS_CODE_LIST', errorStatusCodeList: [] },
      errorHandling: { errorHandlingType: 'ADVANCED' },
    }),
    ['errorHandling.errorCondition'],
  )
  const rows = { customizeErrorMessageEnabled: true, errorMessageList: [{ httpStatusCode: 404 }] }
  const originsOf = (more: JsonObject) =>
    translate(more).route.responseFilters.map(({ origin }) => origin.path.replace('Proxy.', ''))
  assert.deepEqual(originsOf({ routingInfo: rows }), ['routingInfo.errorMessageList[0]', 'errorHandling'])
  assert.deepEqual(
    originsOf({ routingInfo: { ...rows, errorHandlingType: 'DEFAULT' }, errorHandling: rows }),
    ['errorHandling.errorMessageList[0]', 'routingInfo'],
  )
})

test('compression that the gateway would ask for itself, and a condition on bodies that go on as a stream, bring a warning', () => {
  const warningsOf = (more: JsonObject) =>
    translateFile({ apinizer: { proxies: [proxyWith(more)] } }).warnings
  assert.deepEqual(warningsOf({ connection: { disableContentCompression: true } }), [])
  assert.deepEqual(warningsOf({ connection: { disableContentCompression: false } }), [
    'Proxy.connection.disableContentCompression: it has no effect: Accept-Encoding goes on as the client sends it, and answers come back as the target has coded them',
  ])
  const onBody = {
    errorHandlingType: 'ADVANCED',
    errorCondition: { firstValue: { source: 'BODY' }, operator: 'CONTAINS', secondValue: 'fault' },
  }
  const warning =
    'errorCondition: with enableStreaming bodies are not looked at: what the condition takes of them is absent'
  const connection = { enableStreaming: true }
  assert.deepEqual(warningsOf({ errorHandling: onBody }), [])
  assert.deepEqual(warningsOf({ errorHandling: onBody, connection }), [`Proxy.errorHandling.${warning}`])
  assert.deepEqual(warningsOf({ routingInfo: onBody, connection }), [`Proxy.routingInfo.${warning}`])
  const onStatus = {
    ...onBody,
    errorCondition: { firstValue: { source: 'STATUS' }, operator: 'EQ', secondValue: '500' },
  }
  assert.deepEqual(warningsOf({ errorHandling: onStatus, connection }), [])
})
