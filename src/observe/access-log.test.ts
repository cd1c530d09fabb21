import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { AccessRecord } from '../model/access-record.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { createCombinedFormat, createJsonFormat, JSON_FIELDS } from './access-line.ts'
import { createAccessLog } from './access-log.ts'
import { sampleRecord } from './testing.ts'

const RECORD: AccessRecord = { ...sampleRecord(), upstreamMs: -1, userAgent: 'curl/8' }

const settings = (path: string): AccessLogSettings => ({ ...DEFAULT_SETTINGS.accessLog, path })

function temporaryFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'access.log')
}

test('writes one JSON object per exchange, with null where something does not apply', () => {
  const line = createJsonFormat()(RECORD)
  assert.equal(line.indexOf('\n'), line.length - 1)
  assert.deepEqual(JSON.parse(line), {
    ts: '2026-11-25T22:50:25.007Z',
    request_id: 'r-1',
    client_ip: '127.0.0.1',
    client_port: 40_000,
    method: 'GET',
    scheme: 'http',
    host: 'example.com',
    path: '/b',
    query: 'x=1',
    protocol: 'HTTP/1.1',
    status: 200,
    bytes_in: 0,
    bytes_out: 12,
    duration_ms: 1.235,
    upstream_ms: null,
    route_id: '1',
    route_name: null,
    service_id: null,
    split_rule: 0,
    variant: 'canary',
    split_reason: 'weight',
    upstream_id: 'apisix/upstreams/1',
    node: '127.0.0.1:1980',
    upstream_status: '502, 200',
    attempts: 2,
    flags: null,
    error_code: null,
    user_agent: 'curl/8',
    referer: null,
    trace_id: null,
    span_id: null,
  })
})

test('writes the combined format that log tools know', () => {
  assert.equal(
    createCombinedFormat()(RECORD),
    '127.0.0.1 - - [25/Nov/2026:22:50:25 +0000] "GET /a/../b?x=1 HTTP/1.1" 200 12 "-" "curl/8"\n',
  )
})

test('keeps UTF-8 readable and escapes what a terminal would act on', () => {
  const userAgent = Buffer.from('ümlaut \u001b[31m \u009b \u202e " \\', 'utf8').toString('latin1')
  const line = createJsonFormat()({ ...RECORD, userAgent })
  const text = Buffer.from(line, 'latin1').toString('utf8')
  assert.ok(text.includes('ümlaut \\u001b[31m \\u009b \\u202e \\" \\\\'))
  assert.equal(JSON.parse(text).user_agent, 'ümlaut \u001b[31m \u009b \u202e " \\')
})

test('names of documents are Unicode, and each line tells its own choice though most are kept', () => {
  const format = createJsonFormat()
  const read = (line: string) => JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))
  // One record filled anew each time, as the data plane does it; more combinations than are kept.
  const record = { ...RECORD }
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 50; i++) {
      Object.assign(record, {
        variant: `größe ${i % 40}`,
        routeName: '測試 "x"',
        rule: (i % 7) - 1,
        attempts: i,
        status: 200 + i,
      })
      const entry = read(format(record))
      assert.equal(entry.variant, `größe ${i % 40}`)
      assert.equal(entry.route_name, '測試 "x"')
      assert.equal(entry.split_rule, i % 7 === 0 ? null : (i % 7) - 1)
      assert.equal(entry.attempts, i)
      assert.equal(entry.status, 200 + i)
    }
  }
})

test('no bytes of a client break out of their field or their line', () => {
  const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 })
  const json = createJsonFormat()
  const combined = createCombinedFormat()
  fc.assert(
    fc.property(bytes, bytes, bytes, (target, userAgent, referer) => {
      const record = { ...RECORD, target, userAgent, referer, path: '' }
      const utf8 = Buffer.from(json(record), 'latin1')
      const text = utf8.toString('utf8')
      assert.deepEqual(Buffer.from(text, 'utf8'), utf8)
      assert.match(text, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\n$/)
      const parsed = JSON.parse(text)
      const read = (part: string) => (part === '' ? null : Buffer.from(part, 'latin1').toString('utf8'))
      assert.equal(parsed.user_agent, read(userAgent))
      assert.equal(parsed.referer, read(referer))
      assert.deepEqual(Object.keys(parsed), JSON_FIELDS)
      const line = combined(record)
      assert.match(line, /^127\.0\.0\.1 - - \[[^\]]+\] "[ !#-~]*" 200 12 "[ !#-~]+" "[ !#-~]+"\n$/)
    }),
    { numRuns: 500 },
  )
})

test('has every line in the file after close, also from several writers on one file', async (t) => {
  const path = temporaryFile(t)
  const logs = [0, 1, 2].map(() => createAccessLog(settings(path)))
  for (let i = 0; i < 3000; i++) logs[i % 3]?.write({ ...RECORD, requestId: `r-${i}` })
  await Promise.all(logs.map((log) => log.close()))
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const ids = new Set(lines.map((line) => JSON.parse(line).request_id))
  assert.equal(lines.length, 3000)
  assert.equal(ids.size, 3000)
})

test('writes within the flush time without being asked', async (t) => {
  const path = temporaryFile(t)
  const log = createAccessLog(settings(path), { flushMs: 1 })
  t.after(() => log.close())
  log.write(RECORD)
  while (readFileSync(path, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 1))
})

test('goes on in a new file after a rotation and loses no line', async (t) => {
  const path = temporaryFile(t)
  const log = createAccessLog(settings(path))
  for (let i = 0; i < 1000; i++) log.write({ ...RECORD, requestId: `r-${i}` })
  log.flush()
  renameSync(path, `${path}.1`)
  log.reopen()
  for (let i = 1000; i < 2000; i++) log.write({ ...RECORD, requestId: `r-${i}` })
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 1))
  log.write({ ...RECORD, requestId: 'last' })
  await log.close()
  const read = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const lines = [...read(`${path}.1`), ...read(path)]
  assert.equal(new Set(lines.map((line) => JSON.parse(line).request_id)).size, 2001)
  assert.ok(read(path).some((line) => JSON.parse(line).request_id === 'last'))
})

test('drops and counts lines that find no room, and never more than that', async (t) => {
  const path = temporaryFile(t)
  let reported = 0
  const log = createAccessLog(settings(path), {
    maxWaitingBytes: 10_000,
    onDrop: (lines) => {
      reported += lines
    },
  })
  for (let i = 0; i < 500; i++) log.write(RECORD)
  await log.close()
  const written = readFileSync(path, 'utf8').split('\n').length - 1
  assert.ok(written > 0 && log.dropped > 0)
  assert.equal(written + log.dropped, 500)
  assert.equal(reported, log.dropped)
  log.write(RECORD)
  assert.equal(log.dropped, reported)
})

test('a full disk costs lines, is reported once, and nothing throws', {
  skip: !existsSync('/dev/full'),
}, async () => {
  const faults: Error[] = []
  const log = createAccessLog(settings('/dev/full'), { onFault: (error) => faults.push(error) })
  for (let i = 0; i < 100; i++) log.write(RECORD)
  await log.close()
  assert.equal(log.dropped, 100)
  assert.match(faults[0]?.message ?? '', /ENOSPC/)
  assert.equal(faults.length, 1)
})

test('says at once, in one line, that a log cannot be opened', () => {
  assert.throws(
    () => createAccessLog(settings('/nonexistent/folder/access.log')),
    (error) => error instanceof GatewayError && error.code === 'BAD_SETTING' && !error.message.includes('\n'),
  )
})
