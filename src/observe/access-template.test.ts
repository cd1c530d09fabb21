// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of a log are written like that

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AccessRecord } from '../model/access-record.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { createFormat } from './access-log.ts'
import { checkLogFormat, checkLogTemplate } from './access-template.ts'
import { sampleRecord } from './testing.ts'

function write(settings: Partial<AccessLogSettings>, record: Partial<AccessRecord> = {}): string {
  return createFormat({ ...DEFAULT_SETTINGS.accessLog, ...settings })({ ...sampleRecord(), ...record })
}

const headers = (fields: Record<string, string>): Partial<AccessRecord> => ({
  header: (name) => fields[name],
})

test('writes the default line of APISIX', () => {
  const record = headers({ host: 'example.com:9080', 'user-agent': 'curl/8', referer: 'http://a/' })
  assert.equal(
    write({ format: 'apisix' }, record),
    '127.0.0.1 - - [25/Nov/2026:22:50:25 +0000] example.com:9080 "GET /a/../b?x=1 HTTP/1.1" 200 12 0.001 ' +
      '"http://a/" "curl/8" 127.0.0.1:1979, 127.0.0.1:1980 502, 200 0.012 "http://example.com/b?x=1" "r-1"\n',
  )
})

test('fills a template, with - for what there is not', () => {
  assert.equal(
    write(
      { format: '$status ${method} $$5 [$route_id|$route_name] $arg_x $arg_y $cookie_b $http_x_tenant' },
      headers({ cookie: 'a=1; b=2', 'x-tenant': 'blue' }),
    ),
    '200 GET $5 [1|-] 1 - *** blue\n',
  )
})

test('fills a JSON template so that it stays JSON', () => {
  const line = write(
    { format: '{"agent":"$http_user_agent","id":"$request_id","none":"$referer"}', escape: 'json' },
    headers({ 'user-agent': 'a "quoted" \\ \u0001 agent' }),
  )
  assert.deepEqual(JSON.parse(line), { agent: 'a "quoted" \\ \u0001 agent', id: 'r-1', none: '' })
})

test('adds fields of the operator to the JSON line', () => {
  const line = write(
    { fields: { tenant: '$http_x_tenant', where: '$route_id/$variant', none: '$http_x_none' } },
    headers({ 'x-tenant': 'blue' }),
  )
  const { tenant, where, none, status } = JSON.parse(line)
  assert.deepEqual(
    { tenant, where, none, status },
    { tenant: 'blue', where: '1/canary', none: null, status: 200 },
  )
})

test('hides values of secret fields and query parameters in every form', () => {
  const record: Partial<AccessRecord> = {
    target: '/b?x=1&access_token=S1&To%6ben=S2&q=token',
    upstreamTarget: '/b?token=S3',
    referer: 'https://a/?password=S4&b=2',
    ...headers({
      authorization: 'Bearer S5',
      cookie: 'session=S6',
      referer: 'https://a/?password=S4&b=2',
    }),
  }
  const template =
    '$request $request_uri $args $arg_access_token $upstream_uri $http_authorization $http_cookie $cookie_session $http_referer $referer'
  for (const format of ['json', 'combined', 'apisix', template]) {
    const line = write({ format, fields: { auth: '$http_authorization' } }, record)
    assert.doesNotMatch(line, /S[1-6]/, format)
    assert.match(line, /x=1&access_token=\*\*\*&To%6ben=\*\*\*&q=token/, format)
    assert.match(line, /password=\*\*\*&b=2/, format)
  }
  const open = { redactHeaders: [], redactQuery: [] }
  assert.match(write({ format: template, ...open }, record), /S1.*S2.*S3.*S5.*S6.*S4/)
})

test('further attempts are told apart: at the endpoint of the one before, and at another one', () => {
  const format = '$retry_count $failover_count'
  for (const [upstreamAddress, expected] of [
    ['', '0 0'],
    ['a:1', '0 0'],
    ['a:1, a:1, a:1', '2 0'],
    ['a:1, b:1', '0 1'],
    ['a:1, a:1, b:1, c:1, c:1', '2 2'],
  ] as const)
    assert.equal(write({ format }, { upstreamAddress }), `${expected}\n`, upstreamAddress)
})

test('the parts of a duration add up to it; what there is not is left out', () => {
  const format = '$request_pipeline_ms $routing_ms $response_pipeline_ms $duration_ms'
  const parts = (firstAttemptMs: number, answerMs: number): string =>
    write({ format }, { firstAttemptMs, answerMs, durationMs: 10 })
  assert.equal(parts(1.5, 4), '1.500 2.500 6.000 10.000\n')
  // an answer of the gateway's own
  assert.equal(parts(-1, 4), '4.000 - 6.000 10.000\n')
  // the client went away before there was an answer: while an endpoint was asked, and before
  assert.equal(parts(1.5, -1), '1.500 8.500 - 10.000\n')
  assert.equal(parts(-1, -1), '- - - 10.000\n')
})

test('a field that did not come is not shown as hidden', () => {
  assert.equal(
    write({ format: '$http_authorization $referer', redactHeaders: ['referer', 'authorization'] }),
    '- -\n',
  )
})

test('no bytes of a client break out of a template', () => {
  const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 })
  fc.assert(
    fc.property(bytes, bytes, (target, agent) => {
      const record = { target, path: '', ...headers({ 'user-agent': agent }) }
      assert.match(write({ format: '<$request> "$http_user_agent"' }, record), /^<[ !#-~]+> "[ !#-~]+"\n$/)
      const json = write({ format: '{"t":"$request","a":"$http_user_agent"}', escape: 'json' }, record)
      assert.deepEqual(Object.keys(JSON.parse(Buffer.from(json, 'latin1').toString('utf8'))), ['t', 'a'])
    }),
    { numRuns: 300 },
  )
})

test('says what is wrong with a format, and what may have been meant', () => {
  assert.equal(checkLogFormat('json'), null)
  assert.equal(checkLogFormat('$remote_addr $http_x_anything ${arg_a}'), null)
  assert.match(checkLogFormat('jsn') ?? '', /did you mean json\?/)
  assert.match(
    checkLogFormat('$remote_adr') ?? '',
    /unknown variable \$remote_adr: did you mean \$remote_addr\?/,
  )
  assert.match(checkLogFormat('$sent_http_etag') ?? '', /fields of the answer are not kept/)
  assert.match(checkLogFormat('$constructor') ?? '', /unknown variable/)
  assert.match(checkLogTemplate('costs 5$') ?? '', /a name must follow the \$ at character 8/)
  assert.match(checkLogTemplate('${status') ?? '', /a name must follow/)
  assert.match(checkLogTemplate('$status\n$method') ?? '', /one line/)
  assert.match(checkLogTemplate('x'.repeat(8193)) ?? '', /longer than 8192/)
})
