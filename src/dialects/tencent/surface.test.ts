import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts'
import { TENCENT_SURFACE } from './surface.ts'

test("errors have the vendor's statuses", () => {
  const vendor: Readonly<Record<number, readonly ErrorCode[]>> = {
    403: ['PARAMETER_MISSING', 'ADMIN_ADDRESS'],
    404: ['ROUTE_NOT_FOUND'],
    405: ['METHOD_NOT_TAKEN'],
    426: ['PROTOCOL_NOT_ALLOWED'],
    499: ['CLIENT_GONE'],
    500: ['INTERNAL'],
    502: [
      'UPSTREAM_CONNECT_FAILED',
      'UPSTREAM_TLS_FAILED',
      'UPSTREAM_NAME_UNRESOLVED',
      'UPSTREAM_REFUSED',
      'UPSTREAM_CLOSED',
      'UPSTREAM_STALE',
      'UPSTREAM_BAD_ANSWER',
      'UPSTREAM_RETRIES_OVER',
      'NO_ENDPOINT',
      'ENDPOINT_OUT',
    ],
    504: ['UPSTREAM_CONNECT_TIMEOUT', 'UPSTREAM_SEND_TIMEOUT', 'UPSTREAM_HEAD_TIMEOUT'],
  }
  for (const [status, codes] of Object.entries(vendor)) {
    for (const code of codes) {
      assert.equal(TENCENT_SURFACE.statuses[code] ?? ERROR_CODES[code].status, Number(status), code)
    }
  }
})
