import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Surface } from '../model/surface.ts'
import { errorBody, statusBody } from './respond-error.ts'

const JSON_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {},
  statuses: {},
  answersEmpty: true,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}
const PAGE_SURFACE: Surface = {
  ...JSON_SURFACE,
  errorForm: 'page',
  bodies: { ROUTE_NOT_FOUND: { contentType: 'text/plain', body: 'none' } },
  serverField: 'Server/1',
}

test('a surface has its own answer for what no route matches, or the form of its other errors', () => {
  assert.deepEqual(
    errorBody(PAGE_SURFACE, 404, 'ROUTE_NOT_FOUND', 'r-1'),
    PAGE_SURFACE.bodies.ROUTE_NOT_FOUND,
  )
  assert.deepEqual(JSON.parse(errorBody(JSON_SURFACE, 404, 'ROUTE_NOT_FOUND', 'r-1').body), {
    error: {
      code: 'ROUTE_NOT_FOUND',
      status: 404,
      message: 'no route matches the request',
      request_id: 'r-1',
    },
  })
})

test('a fixed answer that asks for a page gets the one of its surface', () => {
  assert.match(
    statusBody(PAGE_SURFACE, 503, null, 'r-1').body,
    /<h1>503 Service Temporarily Unavailable<\/h1>.*Server/s,
  )
  assert.deepEqual(JSON.parse(statusBody(JSON_SURFACE, 502, 'UPSTREAM_NOT_FOUND', 'r-1').body).error, {
    code: 'UPSTREAM_NOT_FOUND',
    status: 502,
    message: 'the route names an upstream that does not exist',
    request_id: 'r-1',
  })
  const plain = statusBody(JSON_SURFACE, 403, null, 'r-1')
  assert.equal(plain.contentType, 'application/json')
  assert.deepEqual(JSON.parse(plain.body).error, {
    code: null,
    status: 403,
    message: 'Forbidden',
    request_id: 'r-1',
  })
  assert.deepEqual(statusBody(JSON_SURFACE, 204, null, 'r-1'), { contentType: '', body: '' })
  assert.deepEqual(statusBody(JSON_SURFACE, 302, null, 'r-1'), { contentType: '', body: '' })
})
