import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePredicate } from '../../expression/compile.ts'
import type { JsonObject } from '../../model/json.ts'
import { makeView } from '../../routing/test-fixtures.ts'
import { checkCondition, translateCondition } from './condition.ts'
import { Faults } from './shape.ts'

function faultsOf(condition: JsonObject): string {
  const faults = new Faults()
  checkCondition(condition, 'condition', faults)
  return faults.list.map(({ path, message, hint }) => `${path}: ${message} ${hint ?? ''}`).join('\n')
}

function holds(condition: JsonObject, parts: Parameters<typeof makeView>[0]): boolean {
  assert.equal(faultsOf(condition), '')
  return compilePredicate(translateCondition(condition, { REGION: 'eu' }).when).test(
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
  const { badNumber } = translateCondition(of('LT', 5, numeric), {})
  assert.ok(badNumber)
  const isBad = (parts: Parameters<typeof makeView>[0]) =>
    compilePredicate(badNumber).test(makeView(parts), null)
  assert.deepEqual(
    [isBad(tier('x')), isBad(tier('4')), isBad(tier('-4.5')), isBad({})],
    [true, false, false, false],
  )
  assert.equal(translateCondition(of('LT', 'm'), {}).badNumber, null)
})

test('dates of a format, and what tells that one is none', () => {
  const dated = { type: 'DATE', format: 'dd/MM/yyyy' }
  assert.equal(holds(of('LT', '01/02/2026', dated), tier('31/01/2026')), true)
  assert.equal(holds(of('LT', '01/02/2026', dated), tier('02/02/2025')), true)
  assert.equal(holds(of('GE', '01/02/2026', dated), tier('31/01/2026')), false)
  assert.equal(holds(of('NE', '01/02/2026', dated), tier('01/02/2026')), false)
  assert.equal(holds(of('NE', '01/02/2026', dated), {}), true)
  const { badDate } = translateCondition(of('LT', '01/02/2026', dated), {})
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
  assert.equal(translateCondition(body, {}).readsBody, true)
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

test('refused: unknown words, DATE, XPath, a number that is none', () => {
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
  assert.match(
    faultsOf({ ...of('EQ', 'a'), firstValue: { source: 'BODY_XML', name: '/a' } }),
    /source BODY_XML is not supported/,
  )
  assert.match(faultsOf({ ...of('EQ', 'a'), firstValue: { source: 'HEADER' } }), /name is required/)
  assert.match(faultsOf(of('EQ')), /secondValue is required/)
  assert.match(faultsOf({ operator: 'XOR', conditions: [of('IS_EXISTS')] }), /must be AND, OR, NOT/)
  assert.match(faultsOf({ operator: 'AND', conditions: [] }), /one condition at least/)
})
