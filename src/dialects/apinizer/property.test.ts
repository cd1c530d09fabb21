import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { compilePredicate } from '../../expression/compile.ts'
import { compileTemplate } from '../../expression/template.ts'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { ModelObject } from '../../model/model.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import type { CompiledRoute } from '../../routing/table.ts'
import { makeEnvironment, makeSection, makeView } from '../../routing/test-fixtures.ts'
import type { DialectSettings } from '../dialect.ts'
import { apinizer } from './index.ts'

const SETTINGS: DialectSettings = {
  ...DEFAULT_SETTINGS,
  apinizer: { root_context: '/gw', environments: { production: { variables: { HOST: 'a.test' } } } },
}

/** A proxy in which most of the fields stand. */
const FULL = `
apinizer:
  proxies:
    - projectName: shop
      apiProxyName: full
      apiProxyCreationType: EMPTY_API
      clientRoute:
        relativePathList: [/api/*, "/v1/{tenant}"]
        hostList: ["*.shop.test"]
        headerList: [{ name: X-Partner, value: acme }]
        methodList: [GET, POST]
        protocol: http
        port: 9080
      endpoints:
        - { name: "/{id}", httpMethod: GET, backendResourceUrl: "/item/{id}", backendHttpMethod: POST, enabled: true }
        - { name: /all, httpMethod: ALL, backendResourceUrl: "", sampleResponse: { contentType: text/plain, body: a } }
      routingInfo:
        routingAddressList:
          - address: "http://\${HOST}:8080/x"
            weight: 2
            condition:
              operator: OR
              conditions:
                - { firstValue: { source: HEADER, name: X-Tier }, type: NUMERIC, operator: GE, secondValue: 3 }
                - { firstValue: { source: CLIENT_IP }, operator: IN, secondValue: 10.0.0.0/8#::1 }
                - { firstValue: { source: BODY_JSON, name: $.user.name }, operator: NOT_CONTAINS, secondValue: x }
          - { address: "https://b.test", healthCheckPath: /health, pathRewrite: "/{tenant}/{rest}" }
          - { address: "http://c.test", addressType: FAILOVER_ONLY }
          - { address: "http://d.test", addressType: CANARY }
        loadBalanceAlgorithm: WEIGHTED
        retryCount: 2
        retryDelayType: EXPONENTIAL_BACKOFF
        retryInitialDelay: 10
        failoverOnlyEnabled: true
        failoverRetryCount: 1
        canary: { percentage: 33, cooldown: 10 }
        healthCheck: { interval: 5, timeout: 1, failThreshold: 1, passThreshold: 1 }
      connection:
        connectTimeout: 1
        connectionPoolManagementType: CUSTOM
        customConnectionPoolSize: 5
        queryEncodingMode: RFC3986
        httpVersion: HTTP/1.1
        hopByHopHeaders: [X-Hop]
      circuitBreaker: { circuitBreakerEnabled: true, enumErrorThresholdType: PERCENT, errorThresholdValue: 50, halfOpenEnabled: true }
      errorHandling:
        errorHandlingType: STATUS_CODE_LIST
        errorStatusCodeList: [500, 503]
        customizeErrorMessageEnabled: true
        errorMessageList: [{ statusCode: 503, newStatusCode: 502, errorCode: E-1, errorMessage: gone }]
`
const EXAMPLE = readFileSync(new URL('../../../examples/apinizer-routing.yaml', import.meta.url), 'utf8')

const DOCUMENTS: readonly StoredDocument[] = [FULL, EXAMPLE]
  .flatMap((text) => apinizer.readFile(parse(text) as JsonValue, SETTINGS)?.documents ?? [])
  .map(({ kind, id, value }, i) => ({
    key: { dialect: 'apinizer', kind, id },
    value,
    createdRevision: i + 1,
    modifiedRevision: i + 1,
    expiresAtMs: null,
  }))

/** Every place in a value, as a list of keys. */
function placesIn(
  value: JsonValue,
  path: readonly (string | number)[] = [],
): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = isJsonObject(value) ? Object.keys(value) : (value as readonly JsonValue[]).map((_, i) => i)
  return [
    path,
    ...keys.flatMap((key) => placesIn((value as Record<string, JsonValue>)[key] ?? null, [...path, key])),
  ]
}

function replaceAt(
  value: JsonValue,
  path: readonly (string | number)[],
  by: JsonValue | undefined,
): JsonValue | undefined {
  const [key, ...rest] = path
  if (key === undefined) return by
  const inner = replaceAt((value as Record<string, JsonValue>)[key] ?? null, rest, by)
  if (Array.isArray(value)) {
    const list = value.slice() as (JsonValue | undefined)[]
    list[Number(key)] = inner
    return list.filter((item) => item !== undefined) as JsonValue
  }
  const copy = { ...(value as JsonObject), [key]: inner }
  if (inner === undefined) delete copy[key]
  return copy as JsonValue
}

const odd: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constantFrom<(JsonValue | undefined)[]>(
    undefined,
    null,
    '',
    0,
    1,
    100,
    1.5,
    true,
    false,
    [],
    {},
    [null],
    'ALL',
    'EMPTY_API',
    'REVERSE_PROXY',
    '/',
    '//',
    '/*',
    '/{a}/b',
    '/{rest}',
    '{',
    '*.test',
    'a.*',
    'http://[::1]:1/a/',
    'ws://a',
    'a:1',
    'grpcs://a:1',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables are written so
    'http://${NONE}',
    'CANARY',
    'FAILOVER',
    'IP_HASH',
    'URL_HASH',
    'PICK_FIRST',
    'DEFAULT',
    'NUMERIC',
    'IS_EMPTY',
    'NOT_IN',
    'AND',
    'ENVIRONMENT',
  ),
  fc.string({ maxLength: 8 }),
  fc.constant(undefined),
)

/** All that is compiled of an object before it serves. */
function compile(objects: readonly ModelObject[]): void {
  const upstreams = new Set(
    objects.filter(({ kind }) => kind === 'upstream').map((one) => 'id' in one && one.id),
  )
  const table = new RoutingTable([makeSection('apinizer')], makeEnvironment())
  const edit = table.begin()
  const ids = new Set<string>()
  for (const object of objects) {
    if (object.kind === 'upstream') {
      assert.ok(object.endpoints.length > 0, object.id)
      for (const { own, host, port, weight } of object.endpoints) {
        assert.ok(host !== '' && port > 0 && port < 65_536 && Number.isInteger(weight), `${host}:${port}`)
        if (own?.when != null) compilePredicate(own.when).test(makeView({ body: null }), null)
        if (own?.path != null) compileTemplate(own.path)
      }
    }
    if (object.kind !== 'route') continue
    assert.ok(!ids.has(object.id), `${object.id} is there twice`)
    ids.add(object.id)
    assert.ok(object.entries.length > 0 && object.rules.length > 0, object.id)
    for (const { split } of object.rules)
      for (const target of split.targets)
        if (target.kind === 'upstream') assert.ok(upstreams.has(target.upstreamId), target.upstreamId)
    edit.upsert(object)
  }
  edit.commit(1)
}

test('the documents that are changed are accepted, and compile, as they stand', () => {
  for (const { key, value } of DOCUMENTS) assert.deepEqual(apinizer.validate(key.kind, value, SETTINGS), [])
  assert.ok(DOCUMENTS.some(({ key }) => key.id === 'shop.full.production'))
  compile(
    DOCUMENTS.flatMap(
      (one) =>
        apinizer.translate(
          one,
          () => undefined,
          SETTINGS,
          () => [],
        ).objects,
    ),
  )
})

test('whatever is accepted translates and compiles, and nothing throws for what is not', () => {
  const accepted = { proxies: 0, deployments: 0 }
  fc.assert(
    fc.property(
      fc.noBias(fc.nat(DOCUMENTS.length - 1)),
      fc.array(fc.tuple(fc.noBias(fc.nat(10_000)), odd), { minLength: 1, maxLength: 2 }),
      (at, edits) => {
        const { key, value } = DOCUMENTS[at] as StoredDocument
        let edited: JsonValue = value
        for (const [place, by] of edits) {
          const places = placesIn(edited)
          edited = replaceAt(edited, places[place % places.length] ?? [], by) ?? {}
        }
        const faults = apinizer.validate(key.kind, edited, SETTINGS)
        if (!isJsonObject(edited)) return assert.ok(faults.length > 0)
        for (const { path, message } of faults)
          assert.ok(message !== '' && !path.includes('undefined'), `${path}: ${message}`)
        const one = { ...(DOCUMENTS[at] as StoredDocument), value: edited }
        apinizer.references(key.kind, edited)
        apinizer.normalize(key.kind, edited)
        apinizer.summarize?.(key.kind, edited)
        apinizer.prepare(key.kind, key.id, edited, one, 0)
        apinizer.readFile({ apinizer: { [key.kind]: [edited] } }, SETTINGS)
        if (faults.length > 0) return
        accepted[key.kind as keyof typeof accepted]++
        const all = DOCUMENTS.map((other, i) => (i === at ? one : other))
        const lookup = (kind: string, id: string) =>
          all.find((other) => other.key.kind === kind && other.key.id === id)
        compile(all.flatMap((other) => apinizer.translate(other, lookup, SETTINGS, () => []).objects))
      },
    ),
    { numRuns: 4000 },
  )
  assert.ok(accepted.proxies > 50 && accepted.deployments > 50, JSON.stringify(accepted))
})

test('a thousand proxies, and three hundred endpoints of one, are found without a scan', () => {
  const proxies = Array.from(
    { length: 1000 },
    (_, i): JsonObject => ({
      apiProxyName: `p${i}`,
      clientRoute: { relativePathList: [`/p${i}`] },
      routingInfo: { routingAddressList: [{ address: 'http://a.test' }] },
    }),
  )
  const endpoints = Array.from({ length: 300 }, (_, i) => ({
    name: `/e${i}/{id}`,
    httpMethod: 'GET',
    backendResourceUrl: `/b${i}/{id}`,
  }))
  const listed = { ...(proxies[0] as JsonObject), apiProxyCreationType: 'EMPTY_API', endpoints }
  const found = apinizer.readFile({ apinizer: { proxies: [listed, ...proxies.slice(1)] } }, SETTINGS)
  const table = new RoutingTable([makeSection('apinizer')], makeEnvironment())
  const edit = table.begin()
  for (const { kind, id, value } of found?.documents ?? []) {
    const key = { dialect: 'apinizer', kind, id }
    const document = { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
    for (const object of apinizer.translate(
      document,
      () => undefined,
      SETTINGS,
      () => [],
    ).objects)
      if (object.kind === 'route') edit.upsert(object)
  }
  edit.commit(1)
  // a view tells how much of it the search asks for: tests of entries read host and method
  let asked = 0
  const ask = (path: string): string | undefined => {
    const view = makeView({ path })
    const counted = new Proxy(view, {
      get(target, name) {
        if (name === 'method') asked++
        return target[name as keyof typeof target]
      },
    })
    return (table.find(counted, null) as CompiledRoute | null)?.model.id
  }
  assert.equal(ask('/gw/p0/e299/7'), 'apinizer/deployments/default.p0.production#endpoint.299')
  assert.equal(ask('/gw/p999/x'), 'apinizer/deployments/default.p999.production')
  assert.equal(ask('/gw/p0/none'), 'apinizer/deployments/default.p0.production#missing')
  assert.ok(asked < 30, String(asked))
})
