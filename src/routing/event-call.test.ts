import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SampleRequest, sampleView } from '../expression/sample-view.ts'
import { toByteString } from '../model/byte-string.ts'
import type { BodyForm, EventValue } from '../model/event-call.ts'
import { compileEventCall } from './event-call.ts'

const object = (members: Record<string, EventValue>): EventValue => ({
  kind: 'object',
  members: Object.entries(members).map(([name, value]) => ({ name, value })),
})

/** What is sent of a request, parsed. */
function compose(event: EventValue, request: SampleRequest = {}, fieldLines = ''): unknown {
  const call = compileEventCall({ target: '/', event, envelope: null })
  const text = call.compose({ ...sampleView(request), fieldLines })
  return JSON.parse(Buffer.from(text, 'latin1').toString('utf8'))
}

test('an event has literals and variables; what the request does not have is left out, or its fallback', () => {
  const event = object({
    id: { kind: 'literal', value: 'ä' },
    flag: { kind: 'literal', value: true },
    inner: object({
      client: { kind: 'variable', variable: 'remote_addr', fallback: null },
      token: { kind: 'variable', variable: 'http_x_token', fallback: null },
      mode: { kind: 'variable', variable: 'arg_mode', fallback: 'plain' },
    }),
  })
  assert.deepEqual(compose(event), {
    id: 'ä',
    flag: true,
    inner: { client: '192.0.2.7', mode: 'plain' },
  })
  assert.deepEqual(
    compose(event, { query: 'mode=%C3%BC', headers: { 'x-token': 'a"b' } }),
    { id: 'ä', flag: true, inner: { client: '192.0.2.7', token: 'a"b', mode: 'ü' } },
    'bytes of the request are read as UTF-8',
  )
})

test('fields and the query are told whole, whatever their names are', () => {
  const event = object({ headers: { kind: 'fields' }, query: { kind: 'query' } })
  const lines = 'Host: a.test\r\nX-A: 1\r\nx-a:2\r\nCookie: a=1\r\nCookie: b=2\r\n__proto__: x\r\n'
  const told = compose(event, { query: 'a=1&b&a=2&__proto__=x&a=3' }, lines) as Record<string, object>
  assert.deepEqual(Object.entries(told.headers ?? {}), [
    ['host', 'a.test'],
    ['x-a', '1, 2'],
    ['cookie', 'a=1; b=2'],
    ['__proto__', 'x'],
  ])
  assert.deepEqual(Object.entries(told.query ?? {}), [
    ['a', ['1', '2', '3']],
    ['b', ''],
    ['__proto__', 'x'],
  ])
  assert.deepEqual(compose(event), { headers: {}, query: {} })
})

test('a body is told as text, and as base64 where it is none or is to be', () => {
  const told = (body: string | null, base64: BodyForm) =>
    compose(object({ body: { kind: 'body', base64 }, is: { kind: 'isBase64', base64 } }), { body })
  assert.deepEqual(told(toByteString('{"ä":1}'), 'whenBinary'), { body: '{"ä":1}', is: false })
  assert.deepEqual(told('\xff\x00', 'whenBinary'), { body: '/wA=', is: true })
  assert.deepEqual(told('abc', 'always'), { body: 'YWJj', is: true })
  assert.deepEqual(told(null, 'whenBinary'), { body: '', is: false })
})

test('the answer for what is no envelope says why', () => {
  const { malformed } = compileEventCall({
    target: '/',
    event: object({}),
    envelope: { malformed: { status: 403, body: object({ error: { kind: 'fault' } }) } },
  })
  assert.equal(malformed?.status, 403)
  assert.equal(
    malformed?.compose({ ...sampleView(), fieldLines: '' }, 'it is "no" JSON'),
    '{"error":"it is \\"no\\" JSON"}',
  )
})
