import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TracingSettings } from '../model/settings.ts'
import type { HeadFields } from './http1/head-fields.ts'
import { parseRequestHead, RequestHead } from './http1/request-head.ts'
import { isTraceState, parseTraceParent, Trace } from './trace-context.ts'

/** Cases from https://www.w3.org/TR/trace-context/ and its test suite (w3c/trace-context, test/test.py). */

const ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const GOOD = `00-${ID}-${SPAN}-01`

function fieldsOf(...lines: string[]): HeadFields {
  const head = new RequestHead(100)
  const text = `GET / HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  const end = parseRequestHead(head, text, 0, { maxTargetBytes: 100, maxHeadBytes: 10_000, maxFields: 100 })
  assert.equal(end, text.length)
  return head.fields
}

function begin(fields: HeadFields, settings: Partial<TracingSettings> = {}, isTrusted = true): Trace {
  const trace = new Trace()
  trace.begin(fields, { mode: 'pass', trustIncoming: true, sampleRatio: 1, ...settings }, isTrusted)
  return trace
}

test('reads a traceparent, and later versions by the parts they share with the first', () => {
  const parts = { traceId: ID, parentId: SPAN, isSampled: true }
  assert.deepEqual(parseTraceParent(GOOD), parts)
  assert.deepEqual(parseTraceParent(`00-${ID}-${SPAN}-00`), { ...parts, isSampled: false })
  assert.deepEqual(parseTraceParent(`00-${ID}-${SPAN}-ff`), parts, 'flags that nobody knows')
  assert.deepEqual(parseTraceParent(`cc-${ID}-${SPAN}-01`), parts)
  assert.deepEqual(parseTraceParent(`cc-${ID}-${SPAN}-01-what-the-future-will-be-like`), parts)
})

test('refuses what is no traceparent', () => {
  for (const text of [
    '',
    'zz',
    `ff-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-01-extra`,
    `00-${ID}-${SPAN}-01.`,
    `cc-${ID}-${SPAN}-01.what-the-future-will-not-be-like`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${SPAN}-01`,
    `00-${ID}-${SPAN.toUpperCase()}-01`,
    `00-.${ID.slice(1)}-${SPAN}-01`,
    `00-${ID}-${SPAN}-.1`,
    `0x-${ID}-${SPAN}-01`,
    `.0-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-1`,
    `00-${ID}-${SPAN.slice(1)}-01`,
    `00-${ID.slice(1)}-${SPAN}-01`,
    `00_${ID}_${SPAN}_01`,
  ])
    assert.equal(parseTraceParent(text), null, text)
})

test('knows a tracestate from what is none', () => {
  const members = (count: number): string => Array.from({ length: count }, (_, i) => `bar${i}=${i}`).join(',')
  for (const text of [
    '',
    'foo=1',
    'foo=1,bar=2',
    'foo=1 \t , \t bar=2, \t baz=3',
    'foo=1,,bar=2,',
    'fw529a3039@dt=1,bar=2',
    'foo= 1',
    `${'z'.repeat(256)}=1`,
    `${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
    `a=${'x'.repeat(256)}`,
    members(32),
    'foo-_*/bar=1',
  ])
    assert.equal(isTraceState(text), true, text)
  for (const text of [
    'foo',
    'foo=',
    '=1',
    'foo=1;bar=2',
    'foo=1,foo=2',
    'Foo=1',
    'foo =1',
    'foo@=1',
    '@foo=1',
    'foo@@bar=1',
    'foo@bar@baz=1',
    'foo=bar=baz',
    'foo=\u0001',
    `${'z'.repeat(257)}=1`,
    `${'t'.repeat(242)}@v=1`,
    `t@${'v'.repeat(15)}=1`,
    `a=${'x'.repeat(257)}`,
    members(33),
  ])
    assert.equal(isTraceState(text), false, text)
})

test('passes what is valid untouched, and knows its ids', () => {
  const fields = fieldsOf(`TraceParent: ${GOOD}`, 'tracestate: a=1', 'TraceState: b=2')
  const trace = begin(fields)
  assert.deepEqual([trace.traceId, trace.spanId], [ID, SPAN])
  assert.equal(trace.attemptLine(), '')
  assert.equal(fields.get('traceparent'), GOOD)
  assert.equal(fields.get('tracestate'), 'a=1, b=2')
})

test('drops what is not valid: both fields, or the tracestate alone', () => {
  for (const lines of [
    ['traceparent: zz', 'tracestate: a=1'],
    [`traceparent: ${GOOD}`, `traceparent: ${GOOD}`, 'tracestate: a=1'],
    ['tracestate: a=1'],
    [`traceparent: ${GOOD}, ${GOOD}`, 'tracestate: a=1'],
  ]) {
    const fields = fieldsOf(...lines)
    const trace = begin(fields)
    assert.deepEqual([trace.traceId, trace.spanId], ['', ''])
    assert.deepEqual([fields.get('traceparent'), fields.get('tracestate')], [undefined, undefined])
  }
  const fields = fieldsOf(`traceparent: ${GOOD}`, 'tracestate: a=1', 'tracestate: a=2')
  begin(fields)
  assert.deepEqual([fields.get('traceparent'), fields.get('tracestate')], [GOOD, undefined])
})

test('ignores the fields of whoever is not trusted', () => {
  const fields = fieldsOf(`traceparent: ${GOOD}`, 'tracestate: a=1')
  assert.equal(begin(fields, {}, false).traceId, '')
  assert.equal(fields.get('traceparent'), undefined)
  assert.equal(fields.get('tracestate'), undefined)
})

test('begins a trace where none came, with a span id for each attempt', () => {
  const trace = begin(fieldsOf(), { mode: 'start' })
  const first = /^traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-01\r\n$/.exec(trace.attemptLine())
  assert.ok(first !== null)
  assert.deepEqual([trace.traceId, trace.spanId], [first[1], first[2]])
  assert.notEqual(parseTraceParent(first[0].slice(13, -2)), null)
  const second = trace.attemptLine()
  assert.ok(second.includes(trace.traceId) && !second.includes(first[2] as string))
  assert.match(begin(fieldsOf(), { mode: 'start', sampleRatio: 0 }).attemptLine(), /-00\r\n$/)
})

test('continues a trace that came, keeps its sampled flag and its tracestate', () => {
  for (const flags of ['00', '01', '03', 'fe']) {
    const fields = fieldsOf(`traceparent: 01-${ID}-${SPAN}-${flags}-more`, 'tracestate: a=1')
    const trace = begin(fields, { mode: 'start', sampleRatio: flags === '00' ? 1 : 0 })
    const line = trace.attemptLine()
    assert.ok(line.startsWith(`traceparent: 00-${ID}-`) && !line.includes(SPAN), line)
    assert.equal(line.slice(-4, -2), Number.parseInt(flags, 16) & 1 ? '01' : '00')
    assert.equal(fields.get('tracestate'), 'a=1')
  }
  const fields = fieldsOf('traceparent: zz', 'tracestate: a=1')
  begin(fields, { mode: 'start' })
  assert.equal(fields.get('tracestate'), undefined, 'a trace begun anew does not take over a state')
})
