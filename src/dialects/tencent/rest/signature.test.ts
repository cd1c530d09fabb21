import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignedCall } from '../../dialect.ts'
import { settingsWith } from '../testing/translate.ts'
import { CallError } from './call-error.ts'
import { isSigned, Signatures } from './signature.ts'
import { FakeClient } from './testing.ts'

/** The signatures here were made with `openssl dgst`, step by step as the vendor's page on TC3-HMAC-SHA256 says. */

const SECRET_ID = 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE'
const CREDENTIALS = {
  [SECRET_ID]: { SecretKey: 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE' },
  viewer: { SecretKey: 'a-key-of-somebody-else-000000001', role: 'viewer' },
} as const
/** 2026-11-27T06:00:00Z. */
const SIGNED_AT = 1_795_759_200
const BODY = '{"Limit":1,"Offset":0,"Filters":[{"Name":"UpstreamName","Values":["ä"]}]}'

function authorization(
  signature: string,
  { fields = 'content-type;host', scope = `${SECRET_ID}/2026-11-27/apigateway/tc3_request` } = {},
): string {
  return `TC3-HMAC-SHA256 Credential=${scope}, SignedHeaders=${fields}, Signature=${signature}`
}

const POST_SIGNATURE = '6172d389c45a7b35e29e1cc4776bdfe868d21d53a5bd06cffc087957203a4f4b'
/** As a client of the vendor sends it: the signed path is `/`, whatever path it is sent to. */
const POST: SignedCall = {
  method: 'POST',
  path: '/tencent',
  query: '',
  headers: {
    'content-type': 'application/json; charset=utf-8',
    host: 'Gateway.test:9180',
    'x-tc-action': ' DescribeUpstreams',
    'x-tc-timestamp': String(SIGNED_AT),
    authorization: authorization(POST_SIGNATURE, { fields: 'content-type;host;x-tc-action' }),
  },
}
const GET: SignedCall = {
  method: 'GET',
  path: '/tencent',
  query: 'Action=DescribeServicesStatus&Limit=5',
  headers: {
    'content-type': 'application/x-www-form-urlencoded',
    host: 'gateway.test:9180',
    'x-tc-timestamp': String(SIGNED_AT),
    authorization: authorization('f6331bf45c40be5dfe8d275f96f2afe04f7d5e343dfd5f919d78ce15bda06605'),
  },
}

function signaturesAt(seconds: number): Signatures {
  return new Signatures(CREDENTIALS, () => seconds * 1000)
}

/** The code that a call fails with, before (`check`) and with its body. */
function codeOf(call: SignedCall, body = BODY, atSeconds = SIGNED_AT): string {
  try {
    return signaturesAt(atSeconds).verify(call, body).name
  } catch (error) {
    assert.ok(error instanceof CallError)
    return error.code
  }
}

function changed(call: SignedCall, headers: SignedCall['headers']): SignedCall {
  return { ...call, headers: { ...call.headers, ...headers } }
}

test('takes signatures of a JSON body and of a query, over the path that is asked for or over /', () => {
  assert.deepEqual(signaturesAt(SIGNED_AT).verify(POST, BODY), { name: SECRET_ID, role: 'admin' })
  assert.equal(codeOf(GET, ''), SECRET_ID)
  // the vendor's client for Node signs the host without its port, and calls the service by the first part of it
  const scope = `${SECRET_ID}/2026-11-27/gateway/tc3_request`
  const ofNode = changed(POST, {
    'content-type': 'application/json',
    authorization: authorization('55cdab55088f22a3071407cc94046eac741284d117fb01710ee98ffcf930d8a1', {
      scope,
    }),
  })
  assert.equal(codeOf(ofNode, '{}'), SECRET_ID)
  assert.equal(codeOf(changed(ofNode, { host: 'gateway.other:9180' }), '{}'), 'AuthFailure.SignatureFailure')
  assert.ok(isSigned(POST) && isSigned(GET))
  assert.ok(!isSigned(changed(GET, { authorization: 'Bearer x' })))
  assert.ok(!isSigned(changed(GET, { authorization: undefined })))
})

test('anything signed that changes on the way is a wrong signature', () => {
  const wrong = 'AuthFailure.SignatureFailure'
  assert.equal(codeOf(POST, BODY.replace('1', '2')), wrong)
  assert.equal(codeOf({ ...POST, method: 'PUT' }), wrong)
  assert.equal(codeOf({ ...POST, query: 'a=1' }), wrong)
  assert.equal(codeOf({ ...GET, path: '/other' }, ''), wrong)
  assert.equal(codeOf(changed(POST, { host: 'other.test:9180' })), wrong)
  assert.equal(codeOf(changed(POST, { 'x-tc-action': 'DeleteUpstream' })), wrong)
  assert.equal(codeOf(changed(POST, { 'x-tc-timestamp': String(SIGNED_AT + 1) })), wrong)
  const last = POST_SIGNATURE.endsWith('b') ? 'a' : 'b'
  const fields = 'content-type;host;x-tc-action'
  const forged = authorization(POST_SIGNATURE.slice(0, -1) + last, { fields })
  assert.equal(codeOf(changed(POST, { authorization: forged })), wrong)
  const other = authorization(POST_SIGNATURE, { fields, scope: 'viewer/2026-11-27/apigateway/tc3_request' })
  assert.equal(codeOf(changed(POST, { authorization: other })), wrong, 'the key of another')
})

test('a signature holds for five minutes, either way', () => {
  assert.equal(codeOf(POST, BODY, SIGNED_AT + 300), SECRET_ID)
  assert.equal(codeOf(POST, BODY, SIGNED_AT - 300), SECRET_ID)
  assert.equal(codeOf(POST, BODY, SIGNED_AT + 301), 'AuthFailure.SignatureExpire')
  assert.equal(codeOf(POST, BODY, SIGNED_AT - 301), 'AuthFailure.SignatureExpire')
})

test('what is no signature of this API says what is wrong with it', () => {
  const say = (headers: SignedCall['headers']): string => {
    try {
      signaturesAt(SIGNED_AT).check(changed(POST, headers))
    } catch (error) {
      assert.ok(error instanceof CallError)
      return `${error.code}: ${error.message}`
    }
    return 'good'
  }
  const scoped = (scope: string, fields?: string) => ({
    authorization: authorization(POST_SIGNATURE, { scope, ...(fields === undefined ? {} : { fields }) }),
  })
  const invalid = 'AuthFailure.InvalidAuthorization: '
  assert.equal(say({}), 'good')
  assert.match(say({ authorization: 'TC3-HMAC-SHA256 x' }), new RegExp(`^${invalid}Authorization must be`))
  assert.match(
    say(scoped(`${SECRET_ID}/2026-11-27/apigateway/other`)),
    new RegExp(`^${invalid}Authorization must be`),
  )
  assert.match(
    say(scoped(`${SECRET_ID}/2026-11-27//tc3_request`)),
    new RegExp(`^${invalid}Authorization must be`),
  )
  assert.match(say(scoped(`${SECRET_ID}/2026-11-26/apigateway/tc3_request`)), /in UTC, 2026-11-27/)
  assert.match(say({ 'x-tc-timestamp': undefined }), /X-TC-Timestamp must be seconds/)
  assert.match(say({ 'x-tc-token': 't' }), /^AuthFailure.TokenFailure: temporary credentials/)
  assert.match(say({ 'x-tc-content-sha256': 'UNSIGNED-PAYLOAD' }), /the body must be signed/)
  const scope = `${SECRET_ID}/2026-11-27/apigateway/tc3_request`
  assert.match(say(scoped(scope, 'content-type')), /SignedHeaders must name host/)
  assert.match(say(scoped(scope, 'host')), /SignedHeaders must name content-type/)
  assert.match(say(scoped(scope, 'content-type;host;x-not-there')), /the call has no x-not-there/)
  for (const unknown of ['AKIDnobody', 'constructor'])
    assert.match(
      say(scoped(`${unknown}/2026-11-27/apigateway/tc3_request`)),
      new RegExp(`^AuthFailure.SecretIdNotFound: there is no SecretId ${unknown}`),
    )
})

test('without credentials in the settings nobody looks at signatures; with some a refusal names both ways', () => {
  assert.equal(new FakeClient().rest.signatures, undefined)
  const { rest } = new FakeClient(settingsWith({ credentials: CREDENTIALS }))
  const refused = rest.signatures?.verify(changed(POST, { 'x-tc-timestamp': '1' }), null)
  assert.ok(refused?.kind === 'refused' && !refused.isWrongKey)
  assert.match(refused.answer.body, /"Code":"AuthFailure.SignatureExpire"/)
  assert.match(rest.refuse({ kind: 'missingKey' }).body, /nor a signature/)
})
