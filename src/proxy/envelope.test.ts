import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../model/json.ts'
import { readEnvelope } from './envelope.ts'

const read = (value: JsonObject) => readEnvelope(JSON.stringify(value))

test('an envelope is status, fields and body, as text or base64', () => {
  assert.deepEqual(
    read({
      isBase64Encoded: false,
      statusCode: 201,
      headers: { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'], 'X-Count': 2, 'X-None': null },
      body: 'ä',
    }),
    {
      status: 201,
      fields: 'Content-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Count: 2\r\n',
      body: '\xc3\xa4',
    },
  )
  assert.deepEqual(read({ isBase64Encoded: true, statusCode: 200, body: '/wA=' }), {
    status: 200,
    fields: '',
    body: '\xff\x00',
  })
  assert.deepEqual(read({ statusCode: 204, headers: null, body: null, isBase64Encoded: null, more: 1 }), {
    status: 204,
    fields: '',
    body: '',
  })
})

test('it does not say how the message is delimited, nor anything of the connection', () => {
  const headers = {
    'Content-Length': '99',
    'transfer-encoding': 'chunked',
    Connection: 'close',
    Upgrade: 'h2c',
    Date: 'now',
    'X-A': '1',
  }
  assert.deepEqual(read({ statusCode: 200, headers, body: 'x' }), {
    status: 200,
    fields: 'X-A: 1\r\n',
    body: 'x',
  })
})

test('what is no envelope says why', () => {
  const fault = (answer: ReturnType<typeof readEnvelope>) => ('fault' in answer ? answer.fault : 'none')
  assert.equal(fault(readEnvelope('')), 'it is no JSON')
  assert.equal(fault(readEnvelope('"ok"')), 'it is no JSON object')
  for (const statusCode of ['200', 199, 600, 200.5, null])
    assert.match(fault(read({ statusCode })), /^statusCode must be/)
  assert.match(fault(read({ body: 'x' })), /^statusCode must be/)
  assert.match(fault(read({ statusCode: 200, isBase64Encoded: 'no' })), /^isBase64Encoded must be/)
  assert.match(fault(read({ statusCode: 200, body: { a: 1 } })), /^body must be a text/)
  assert.match(fault(read({ statusCode: 200, isBase64Encoded: true, body: 'ä' })), /^body must be base64/)
  assert.match(fault(read({ statusCode: 200, headers: ['a'] })), /^headers must be an object/)
  assert.match(fault(read({ statusCode: 200, headers: { 'a b': '1' } })), /"a b" is no name of a field/)
  assert.match(fault(read({ statusCode: 200, headers: { a: { b: 1 } } })), /^headers.a must be a text/)
  for (const bad of ['1\r\nSet-Cookie: x', '\u0000', '\u007f'])
    assert.match(fault(read({ statusCode: 200, headers: { a: bad } })), /^headers.a has a control character/)
})
