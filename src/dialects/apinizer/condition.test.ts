import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePredicate } from '../../expression/compile.ts'
import type { JsonObject } from '../../model/json.ts'
import { makeView } from '../../routing/test-fixtures.ts'
import { checkCondition } from './check-condition.ts'
import { translateCondition } from './condition.ts'
import type { ConditionFacts } from './condition-values.ts'
import { Faults } from './shape.ts'

const FACTS: ConditionFacts = {
  variables: { REGION: 'eu', LIMIT: '10', BAD: 'x', SINCE: '2026-01-31' },
  environment: 'production',
  proxy: 'orders',
  rootContext: '/gw',
}

function faultsOf(condition: JsonObject): string {
  const faults = new Faults()
  checkCondition(condition, 'condition', faults)
  return faults.list.map(({ path, message, hint }) => `${path}: ${message} ${hint ?? ''}`).join('\n')
}

function holds(condition: JsonObject, parts: Parameters<typeof makeView>[0]): boolean {
  assert.equal(faultsOf(condition), '')
  return compilePredicate(translateCondition(condition, FACTS).when).test(
    makeView({ body: null, ...parts }),
    null,
  )
}

const header = { source: 'HEADER', name: 'X-Tier' }
const of = (operator: string, secondValue?: string | number, more: JsonObject = {}): JsonObject => ({
  firstValue: header,
  operator,
  ...(secondValue === undefined ? {} : { secondValue }),
  ...more,
})
const tier = (value: string) => ({ headers: { 'x-tier': value } })

test('texts: every operator, against a value that fits, one that does not, and none', () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['EQ', 'gold', 'gold', 'Gold'],
    ['EQ_IGNORE_CASE', 'gold', 'GOLD', 'silver'],
    ['CONTAINS', 'o.l', 'xo.lx', 'xoalx'],
    ['CONTAINS_IGNORE_CASE', 'OL', 'gold', 'silver'],
    ['STARTS_WITH', 'go', 'gold', 'ago'],
    ['STARTS_WITH_IGNORE_CASE', 'GO', 'gold', 'ago'],
    ['ENDS_WITH', 'ld', 'gold', 'goldy'],
    ['ENDS_WITH_IGNORE_CASE', 'LD', 'gold', 'goldy'],
    ['IN', 'gold#silver', 'silver', 'bronze'],
    ['IN_IGNORE_CASE', 'gold#silver', 'SILVER', 'bronze'],
    ['LT', 'm', 'gold', 'silver'],
    ['LE', 'm', 'm', 'n'],
    ['GT', 'm', 'silver', 'gold'],
    ['GE', 'm', 'm', 'l'],
  ]
  for (const [operator, second, fits, other] of rows) {
    assert.equal(holds(of(operator, second), tier(fits)), true, operator)
    assert.equal(holds(of(operator, second), tier(other)), false, operator)
    assert.equal(holds(of(operator, second), {}), false, `${operator}, absent`)
    if (['LT', 'LE', 'GT', 'GE'].includes(operator)) continue
    const negative = operator.startsWith('EQ') ? operator.replace('EQ', 'NE') : `NOT_${operator}`
    assert.equal(holds(of(negative, second), tier(fits)), false, negative)
    assert.equal(holds(of(negative, second), tier(other)), true, negative)
    assert.equal(holds(of(negative, second), {}), true, `${negative}, absent`)
  }
})

test('presence', () => {
  const table = {
    IS_EXISTS: [true, true, false],
    IS_NOT_EXISTS: [false, false, true],
    IS_EMPTY: [false, true, true],
    IS_NOT_EMPTY: [true, false, false],
    EXISTS_AND_EMPTY: [false, true, false],
  }
  for (const [operator, [value, empty, absent]] of Object.entries(table)) {
    assert.equal(holds(of(operator), tier('a')), value, operator)
    assert.equal(holds(of(operator), tier('')), empty, operator)
    assert.equal(holds(of(operator), {}), absent, operator)
  }
})

test('numbers, and what tells that one is none', () => {
  const numeric = { type: 'NUMERIC' }
  assert.equal(holds(of('GE', 18, numeric), tier('9')), false)
  assert.equal(holds(of('GE', 18, numeric), tier('018.0')), true)
  assert.equal(holds(of('EQ', '5', numeric), tier('5.0')), true)
  assert.equal(holds(of('IN', '1#2.5', numeric), tier('2.50')), true)
  assert.equal(holds(of('NOT_IN', '1#2', numeric), tier('3')), true)
  assert.equal(holds(of('NE', 5, numeric), {}), true)
  const { badNumber } = translateCondition(of('LT', 5, numeric), FACTS)
  assert.ok(badNumber)
  const isBad = (parts: Parameters<typeof makeView>[0]) =>
    compilePredicate(badNumber).test(makeView(parts), null)
  assert.deepEqual(
    [isBad(tier('x')), isBad(tier('4')), isBad(tier('-4.5')), isBad({})],
    [true, false, false, false],
  )
  assert.equal(translateCondition(of('LT', 'm'), FACTS).badNumber, null)
})

test('numbers and dates: every operator, below, at and above the second value', () => {
  const table = {
    EQ: [false, true, false],
    NE: [true, false, true],
    LT: [true, false, false],
    LE: [true, true, false],
    GT: [false, false, true],
    GE: [false, true, true],
  }
  const kinds = [
    { more: { type: 'NUMERIC' }, second: '10', values: ['9.99', '10.0', '100'] },
    {
      more: { type: 'DATE', format: 'dd.MM.yyyy' },
      second: '01.02.2026',
      values: ['31.01.2026', '01.02.2026', '01.01.2027'],
    },
  ]
  for (const { more, second, values } of kinds)
    for (const [operator, expected] of Object.entries(table)) {
      const held = values.map((value) => holds(of(operator, second, more), tier(value)))
      assert.deepEqual(held, expected, `${more.type} ${operator}`)
      assert.equal(holds(of(operator, second, more), {}), operator === 'NE', `${operator}, absent`)
    }
})

test('dates of a format, and what tells that one is none', () => {
  const dated = { type: 'DATE', format: 'dd/MM/yyyy' }
  assert.equal(holds(of('LT', '01/02/2026', dated), tier('31/01/2026')), true)
  assert.equal(holds(of('LT', '01/02/2026', dated), tier('02/02/2025')), true)
  assert.equal(holds(of('GE', '01/02/2026', dated), tier('31/01/2026')), false)
  assert.equal(holds(of('NE', '01/02/2026', dated), tier('01/02/2026')), false)
  assert.equal(holds(of('NE', '01/02/2026', dated), {}), true)
  const { badDate } = translateCondition(of('LT', '01/02/2026', dated), FACTS)
  assert.ok(badDate)
  const isBad = (parts: Parameters<typeof makeView>[0]) =>
    compilePredicate(badDate).test(makeView(parts), null)
  assert.deepEqual([isBad(tier('x')), isBad(tier('31/01/2026')), isBad({})], [true, false, false])
})

test('other sources: query, client address, body, the environment', () => {
  const first = (source: string, name?: string) => ({
    firstValue: name === undefined ? { source } : { source, name },
  })
  assert.equal(holds({ ...of('EQ', 'b'), ...first('QUERY', 'a') }, { query: 'x=1&a=b' }), true)
  assert.equal(holds({ ...of('EXISTS_AND_EMPTY'), ...first('QUERY', 'a') }, { query: 'a' }), true)
  const address = { ...of('IN', '10.0.0.0/8#192.168.1.7'), ...first('CLIENT_IP') }
  assert.equal(holds(address, { clientAddress: '10.2.3.4' }), true)
  assert.equal(holds(address, { clientAddress: '192.168.1.8' }), false)
  const body = { ...of('EQ', 'acme'), ...first('BODY_JSON', '$.customer.name') }
  const json = { 'content-type': 'application/json' }
  assert.equal(holds(body, { headers: json, body: '{"customer":{"name":"acme"}}' }), true)
  assert.equal(translateCondition(body, FACTS).readsBody, true)
  assert.equal(holds({ ...of('EQ', 'eu'), ...first('ENVIRONMENT', 'REGION') }, {}), true)
  assert.equal(holds({ ...of('NE', 'eu'), ...first('ENVIRONMENT', 'OTHER') }, {}), true)
})

test('groups nest', () => {
  const group = (operator: string, ...conditions: JsonObject[]) => ({ operator, conditions })
  const gold = of('EQ', 'gold')
  const long = { ...of('CONTAINS', 'x'), firstValue: { source: 'QUERY', name: 'q' } }
  const both = group('AND', gold, group('NOT', long))
  assert.equal(holds(both, { ...tier('gold'), query: 'q=abc' }), true)
  assert.equal(holds(both, { ...tier('gold'), query: 'q=x' }), false)
  assert.equal(holds(group('OR', gold, long), { query: 'q=x' }), true)
})

test('refused: unknown words and fields, dates and numbers that are none, what says nothing', () => {
  assert.match(faultsOf(of('EQUALS', 'a')), /condition\.operator: there is no operator EQUALS/)
  assert.match(faultsOf(of('EQ_IGNORE_CSE', 'a')), /did you mean EQ_IGNORE_CASE/)
  assert.match(faultsOf(of('EQ', '2026-01-01', { type: 'DATE' })), /format is required with DATE/)
  assert.match(
    faultsOf(of('EQ', 'a', { type: 'DATE', format: 'yyyy-MM-dd' })),
    /must be a date of the form yyyy-MM-dd/,
  )
  assert.match(
    faultsOf(of('IN', '2026-01-01', { type: 'DATE', format: 'yyyy-MM-dd' })),
    /dates are compared by/,
  )
  assert.match(faultsOf(of('LT', 'a', { type: 'NUMERIC' })), /secondValue: a is no number/)
  assert.match(faultsOf(of('CONTAINS', '1', { type: 'NUMERIC' })), /CONTAINS does not compare numbers/)
  assert.match(faultsOf({ ...of('EQ', 'a'), firstValue: { source: 'HEADER' } }), /name is required/)
  assert.match(faultsOf(of('EQ')), /secondValue is required/)
  assert.match(faultsOf({ operator: 'XOR', conditions: [of('IS_EXISTS')] }), /must be AND, OR, NOT/)
  assert.match(faultsOf({ operator: 'AND', conditions: [] }), /one condition at least/)
  assert.match(
    faultsOf({ operator: 'AND', condition: [], conditions: [of('IS_EXISTS')] }),
    /no field condition /,
  )
  assert.match(faultsOf(of('IS_EXISTS', 'a')), /secondValue says nothing with IS_EXISTS/)
  assert.match(faultsOf(of('EQ', 'a', { format: 'yyyy' })), /format is for the type DATE/)
  assert.match(faultsOf(of('EQ', 'a', { firstValue: { ...header, path: '/' } })), /a value has no field path/)
  assert.match(
    faultsOf(of('IN', '10.0.0.0/8#office', { firstValue: { source: 'CLIENT_IP' } })),
    /secondValue: office is no address and no network/,
  )
  assert.match(
    faultsOf(of('EQ', 'a', { firstValue: { source: 'CLIENT_IP', name: 'x' } })),
    /name says nothing with CLIENT_IP/,
  )
})

/** A value against a variable. */
const against = (
  operator: string,
  firstValue: JsonObject,
  secondValue: JsonObject,
  more: JsonObject = {},
): JsonObject => ({ firstValue, operator, secondValue, ...more })
const query = { source: 'QUERY', name: 'q' }

test('a variable as the second value: every operator, and absence on either side', () => {
  const rows: readonly (readonly [operator: string, first: string, second: string, other: string])[] = [
    ['EQ', 'gold', 'gold', 'Gold'],
    ['EQ_IGNORE_CASE', 'gold', 'GOLD', 'silver'],
    ['CONTAINS', 'gold', 'ol', 'OL'],
    ['CONTAINS_IGNORE_CASE', 'gold', 'OL', 'x'],
    ['STARTS_WITH', 'gold', 'go', 'ld'],
    ['STARTS_WITH_IGNORE_CASE', 'gold', 'GO', 'LD'],
    ['ENDS_WITH', 'gold', 'ld', 'go'],
    ['ENDS_WITH_IGNORE_CASE', 'gold', 'LD', 'GO'],
    ['IN', 'gold', 'silver%23gold', 'silver%23golden'],
    ['IN_IGNORE_CASE', 'gold', 'silver%23GOLD', 'silver'],
    ['LT', 'gold', 'silver', 'bronze'],
    ['LE', 'gold', 'gold', 'bronze'],
    ['GT', 'gold', 'bronze', 'silver'],
    ['GE', 'gold', 'gold', 'silver'],
  ]
  for (const [operator, first, second, other] of rows) {
    const positive = against(operator, header, query)
    assert.equal(holds(positive, { ...tier(first), query: `q=${second}` }), true, operator)
    assert.equal(holds(positive, { ...tier(first), query: `q=${other}` }), false, operator)
    assert.equal(holds(positive, { query: `q=${second}` }), false, `${operator}, first absent`)
    assert.equal(holds(positive, tier(first)), false, `${operator}, second absent`)
    const isEqual = operator.startsWith('EQ')
    assert.equal(holds(positive, {}), isEqual, `${operator}, both absent`)
    if (['LT', 'LE', 'GT', 'GE'].includes(operator)) continue
    const negative = against(isEqual ? operator.replace('EQ', 'NE') : `NOT_${operator}`, header, query)
    assert.equal(holds(negative, { ...tier(first), query: `q=${second}` }), false, `not ${operator}`)
    assert.equal(holds(negative, tier(first)), true, `not ${operator}, second absent`)
    assert.equal(holds(negative, {}), !isEqual, `not ${operator}, both absent`)
  }
})

test('a variable as the second value: numbers and dates, and what tells that one is none', () => {
  const numeric = { type: 'NUMERIC' }
  assert.equal(holds(against('LT', header, query, numeric), { ...tier('9'), query: 'q=10' }), true)
  assert.equal(holds(against('EQ', header, query, numeric), { ...tier('9.0'), query: 'q=9' }), true)
  assert.equal(holds(against('IN', header, query, numeric), { ...tier('9'), query: 'q=8%239.0' }), true)
  assert.equal(holds(against('NOT_IN', header, query, numeric), { ...tier('9'), query: 'q=8' }), true)
  const dated = { type: 'DATE', format: 'yyyy-MM-dd' }
  const late = { ...tier('2026-02-01'), query: 'q=2026-01-31' }
  assert.equal(holds(against('GT', header, query, dated), late), true)
  assert.equal(holds(against('LE', header, query, dated), late), false)
  const bad = (condition: JsonObject, parts: Parameters<typeof makeView>[0]) => {
    const { badNumber, badDate } = translateCondition(condition, FACTS)
    const view = makeView({ body: null, ...parts })
    return [badNumber, badDate].map((one) => one !== null && compilePredicate(one).test(view, null))
  }
  const sent = { ...tier('9'), query: 'q=x' }
  assert.deepEqual(bad(against('LT', header, query, numeric), sent), [true, false])
  assert.deepEqual(bad(against('LT', header, query, dated), { ...late, query: 'q=x' }), [false, true])
  assert.deepEqual(bad(against('IN', header, query, numeric), { ...tier('9'), query: 'q=1%23x' }), [
    true,
    false,
  ])
  assert.deepEqual(bad(against('IN', header, query, numeric), { ...tier('9'), query: 'q=1%232.5' }), [
    false,
    false,
  ])
  assert.deepEqual(bad(against('LT', header, query, numeric), {}), [false, false])
  // a list of the client's networks is known beforehand
  assert.match(
    faultsOf(against('IN', { source: 'CLIENT_IP' }, header)),
    /secondValue: addresses and networks of a list are written out/,
  )
  assert.match(faultsOf(against('EQ', header, { source: 'HEADER' })), /secondValue\.name: name is required/)
})

test('one value that is read by two formats must be a date by both', () => {
  const both = {
    operator: 'OR',
    conditions: [
      of('LT', '2026', { type: 'DATE', format: 'yyyy' }),
      of('LT', '2026-01', { type: 'DATE', format: 'yyyy-MM' }),
    ],
  }
  const { badDate } = translateCondition(both, FACTS)
  assert.ok(badDate)
  for (const value of ['2025', '2025-01'])
    assert.equal(compilePredicate(badDate).test(makeView(tier(value)), null), true, value)
})

test('variables of the environment: on either side, as numbers and dates, and absent ones', () => {
  const environment = (name: string) => ({ source: 'ENVIRONMENT', name })
  assert.equal(holds(against('EQ', environment('REGION'), header), tier('eu')), true)
  assert.equal(holds(against('EQ', header, environment('REGION')), tier('us')), false)
  assert.equal(holds(against('CONTAINS', environment('REGION'), header), tier('e')), true)
  assert.equal(holds(against('GE', header, environment('LIMIT'), { type: 'NUMERIC' }), tier('9')), false)
  const dated = { type: 'DATE', format: 'yyyy-MM-dd' }
  assert.equal(holds(against('GT', header, environment('SINCE'), dated), tier('2026-02-01')), true)
  assert.equal(holds({ ...of('EQ', ''), firstValue: environment('NONE') }, {}), false)
  assert.equal(holds({ ...of('IS_NOT_EXISTS'), firstValue: environment('NONE') }, {}), true)
  assert.equal(holds({ ...of('IS_NOT_EXISTS'), firstValue: environment('toString') }, {}), true)
  const { badNumber } = translateCondition(
    against('GE', header, environment('BAD'), { type: 'NUMERIC' }),
    FACTS,
  )
  assert.ok(badNumber)
  assert.equal(compilePredicate(badNumber).test(makeView(tier('9')), null), true)
  assert.match(
    faultsOf({ ...of('EQ', ''), firstValue: environment('A=B') }),
    /firstValue\.name: the name of a variable has no =/,
  )
})

test('bodies in JSON: values as they are written, paths with items, and what is no single value', () => {
  const json = { 'content-type': 'application/json' }
  const body = '{"n":5,"on":true,"none":null,"items":[{"id":"a"},{"id":"b"}],"user":{"name":"Ada"}}'
  const value = (operator: string, name: string, second?: string, more: JsonObject = {}) =>
    holds(of(operator, second, { firstValue: { source: 'BODY_JSON', name }, ...more }), {
      headers: json,
      body,
    })
  assert.equal(value('EQ', '$.n', '5'), true)
  assert.equal(value('EQ', '$.on', 'true'), true)
  assert.equal(value('NE', '$.on', 'true'), false)
  assert.equal(value('IN', '$.n', '4#5'), true)
  assert.equal(value('STARTS_WITH_IGNORE_CASE', '$.user.name', 'aD'), true)
  assert.equal(value('GE', '$.n', '5', { type: 'NUMERIC' }), true)
  assert.equal(value('EQ', '$.items[0].id', 'a'), true)
  assert.equal(value('EQ', "$['user']['name']", 'Ada'), true)
  assert.equal(value('EQ', '$..name', 'Ada'), true)
  assert.equal(value('EQ', '$.items[*].id', '["a","b"]'), true)
  assert.equal(value('CONTAINS', '$.user', '"Ada"'), true)
  assert.equal(value('IS_NOT_EXISTS', '$.none'), true)
  assert.equal(value('IS_NOT_EXISTS', '$.items[9].id'), true)
  const first = { source: 'BODY_JSON', name: '$.a' }
  const sent = (type: string) => ({ headers: { 'content-type': type }, body: '{"a":"1"}' })
  assert.equal(
    holds(of('EQ', '1', { firstValue: first }), sent('application/problem+json; charset=utf-8')),
    true,
  )
  assert.equal(holds(of('EQ', '1', { firstValue: first }), sent('text/plain')), false)
  const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' }
  assert.equal(holds(of('EQ', '1', { firstValue: first }), form), false)
  for (const name of ['$', '$a', '$.items[?(@.id)]', '$.items[0:2]'])
    assert.match(faultsOf(of('EQ', '1', { firstValue: { ...first, name } })), /is no JSONPath that is served/)
})

test('bodies in XML', () => {
  const body =
    '<?xml version="1.0"?><s:Envelope xmlns:s="urn:x"><s:Body id="7"><order total="12"><kind>new</kind></order></s:Body></s:Envelope>'
  const value = (operator: string, name: string, second?: string, more: JsonObject = {}) =>
    holds(of(operator, second, { firstValue: { source: 'BODY_XML', name }, ...more }), {
      headers: { 'content-type': 'application/soap+xml' },
      body,
    })
  assert.equal(value('EQ', '//order/kind', 'new'), true)
  assert.equal(value('NE', '/s:Envelope/s:Body/order/kind', 'new'), false)
  assert.equal(value('GT', '//order/@total', '9', { type: 'NUMERIC' }), true)
  assert.equal(value('EQ', 'count(//order)', '1'), true)
  assert.equal(value('EQ', "boolean(//order[kind='new'])", 'true'), true)
  assert.equal(value('IS_EXISTS', '//refund'), false)
  assert.equal(value('NOT_CONTAINS', '//refund', 'x'), true)
  const { readsBody } = translateCondition(
    against('EQ', header, { source: 'BODY_XML', name: '//order/kind' }),
    FACTS,
  )
  assert.equal(readsBody, true)
  assert.match(
    faultsOf(of('EQ', 'a', { firstValue: { source: 'BODY_XML', name: '//a[' } })),
    /firstValue\.name: \/\/a\[ is no XPath that is served: it is no expression of XPath 1\.0/,
  )
})

test('context variables: those that a request has here, and why the vendor’s others are refused', () => {
  const parts = {
    method: 'PUT',
    path: '/gw/orders/1',
    query: 'a=1',
    host: 'shop.test',
    scheme: 'https' as const,
    clientAddress: '10.1.2.3',
    clientPort: 4711,
    localAddress: '10.0.0.1',
    localPort: 9443,
    requestId: 'r-7',
    headers: { 'content-type': 'text/plain', 'content-length': '3', 'x-forwarded-for': '1.1.1.1' },
  }
  const expected = {
    REQUEST_REMOTE_ADDRESS: '10.1.2.3',
    REQUEST_REMOTE_PORT: '4711',
    REQUEST_LOCAL_ADDR: '10.0.0.1',
    REQUEST_LOCAL_PORT: '9443',
    REQUEST_SERVER_NAME: 'shop.test',
    REQUEST_HTTP_METHOD: 'PUT',
    REQUEST_SCHEME: 'https',
    REQUEST_PROTOCOL: 'HTTP/1.1',
    REQUEST_REQUEST_URI: '/gw/orders/1',
    REQUEST_QUERY_STRING: 'a=1',
    REQUEST_CONTENT_TYPE: 'text/plain',
    REQUEST_CONTENT_LENGTH: '3',
    REQUEST_XFORWARDED_FOR: '1.1.1.1',
    MESSAGE_CORRELATION_ID: 'r-7',
    REQUEST_CONTEXT_PATH: '/gw',
    REQUEST_PATH_INFO: '/orders/1',
    ENVIRONMENT_NAME: 'production',
    APIPROXY_NAME: 'orders',
  }
  const context = (name: string) => ({ source: 'CONTEXT', name })
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(holds(of('EQ', value, { firstValue: context(name) }), parts), true, name)
    assert.equal(holds(of('EQ', `${value}x`, { firstValue: context(name) }), parts), false, name)
  }
  const networks = of('IN', '10.0.0.0/8', { firstValue: context('REQUEST_REMOTE_ADDRESS') })
  assert.equal(holds(networks, parts), true)
  const refused = {
    RESPONSE_STATUS_CODE: /not supported: addresses are chosen before there is an answer/,
    CREDENTIAL_USERNAME: /not supported: callers are not authenticated/,
    DATETIME_HOUR: /not supported: conditions are about the request, not about the time/,
    APIMETHOD_NAME: /not supported: conditions belong to all endpoints/,
    REQUEST_GZIP: /not supported: use HEADER/,
    REQUEST_METHOD: /did you mean REQUEST_HTTP_METHOD|REQUEST_HTTP_METHOD/,
    NONE: /there is no context variable NONE/,
  }
  for (const [name, fault] of Object.entries(refused))
    assert.match(faultsOf(of('EQ', 'a', { firstValue: context(name) })), fault, name)
})
