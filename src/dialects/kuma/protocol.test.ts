import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonProtocol, isHttp, type Protocol, readProtocol } from './protocol.ts'

test('the tag is read in any case, and what is no protocol is unknown', () => {
  assert.equal(readProtocol('HTTP2'), 'http2')
  assert.equal(readProtocol('Kafka'), 'kafka')
  assert.equal(readProtocol('mysql'), 'unknown')
  assert.equal(readProtocol('unknown'), 'unknown')
  assert.equal(readProtocol('constructor'), 'unknown')
  assert.equal(readProtocol(undefined), 'unknown')
})

test('what several have in common is the first layer that they share', () => {
  const table: readonly (readonly [readonly Protocol[], Protocol])[] = [
    [['http', 'http'], 'http'],
    [['http', 'tcp'], 'tcp'],
    [['http', 'unknown'], 'unknown'],
    [['unknown', 'http'], 'unknown'],
    [['grpc', 'http2'], 'http2'],
    [['http2', 'grpc'], 'http2'],
    [['grpc', 'http'], 'tcp'],
    [['http', 'http2'], 'tcp'],
    [['kafka', 'tcp'], 'tcp'],
    [['kafka', 'kafka'], 'kafka'],
    [['grpc', 'grpc', 'grpc'], 'grpc'],
    [['grpc', 'http2', 'http'], 'tcp'],
    [['tcp'], 'tcp'],
    [[], 'unknown'],
  ]
  for (const [given, expected] of table) assert.equal(commonProtocol(given), expected, given.join(', '))
  assert.deepEqual((['http', 'http2', 'grpc', 'tcp', 'kafka', 'unknown'] as const).map(isHttp), [
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
