import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grpcErrorLines, grpcStatusOf, isGrpcType, readGrpcTimeout } from './status.ts'

test('errors of the gateway are statuses of gRPC', () => {
  assert.equal(grpcStatusOf('ROUTE_NOT_FOUND'), 12)
  assert.equal(grpcStatusOf('NO_ENDPOINT'), 14)
  assert.equal(grpcStatusOf('NO_CANDIDATE'), 14)
  assert.equal(grpcStatusOf('UPSTREAM_CONNECT_FAILED'), 14)
  assert.equal(grpcStatusOf('UPSTREAM_HEAD_TIMEOUT'), 4)
  assert.equal(grpcStatusOf('OVERLOADED'), 8)
  assert.equal(grpcStatusOf('POOL_EXHAUSTED'), 8)
  assert.equal(grpcStatusOf('KEY_MISSING'), 16)
  assert.equal(grpcStatusOf('BAD_REQUEST'), 13)
  assert.match(grpcErrorLines('NO_ENDPOINT'), /^grpc-status: 14\r\ngrpc-message: NO_ENDPOINT: [ -~]+\r\n$/)
})

test('types of gRPC are told from others', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;charset=x'])
    assert.ok(isGrpcType(type))
  for (const type of [undefined, 'application/grpc-web', 'application/json', 'application/grpcx'])
    assert.ok(!isGrpcType(type))
})

test('a timeout is read in every unit, and none that is none', () => {
  assert.deepEqual(
    ['1H', '2M', '3S', '250m', '500u', '1000000n', '99999999n'].map((text) => readGrpcTimeout(text)),
    [3_600_000, 120_000, 3000, 250, 0.5, 1, 99.999999],
  )
  for (const text of [undefined, '', '1', 'S', '-1S', '1.5S', '999999999S', '1s'])
    assert.equal(readGrpcTimeout(text), null)
})
