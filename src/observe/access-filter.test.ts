import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessRecord } from '../model/access-record.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { checkStatusRange, parseStatusRange } from '../model/status-range.ts'
import { createAccessFilter, isInSample } from './access-filter.ts'
import { sampleRecord } from './testing.ts'

function passes(settings: Partial<AccessLogSettings>, record: Partial<AccessRecord>): boolean {
  const filter = createAccessFilter({ ...DEFAULT_SETTINGS.accessLog, ...settings })
  assert.ok(filter !== null)
  return filter({ ...sampleRecord(), ...record })
}

test('is no filter at all where nothing is asked for', () => {
  assert.equal(createAccessFilter(DEFAULT_SETTINGS.accessLog), null)
})

test('reads statuses, groups and ranges, and nothing else', () => {
  assert.deepEqual(parseStatusRange('404'), [404, 404])
  assert.deepEqual(parseStatusRange('5xx'), [500, 599])
  assert.deepEqual(parseStatusRange('499-503'), [499, 503])
  for (const text of ['', '6xx', '99', '600', '503-500', '5x', '2xx-3xx', '0200']) {
    assert.equal(parseStatusRange(text), null, text)
    assert.match(checkStatusRange(text) ?? '', /write 404, 5xx or 500-503/)
  }
})

test('keeps lines by status, duration, path and route', () => {
  const statuses = ['404', '5xx']
  assert.deepEqual(
    [404, 503, 200, 400].map((status) => passes({ statuses }, { status })),
    [true, true, false, false],
  )
  assert.equal(passes({ minDurationMs: 10 }, { durationMs: 9.99 }), false)
  assert.equal(passes({ minDurationMs: 10 }, { durationMs: 10 }), true)
  const skipPaths = ['/healthz', '/probe/*']
  const paths = ['/healthz', '/healthz/x', '/probe/1', '/probe']
  assert.deepEqual(
    paths.map((path) => passes({ skipPaths }, { path })),
    [false, true, false, true],
  )
  const skipRoutes = ['1', 'quiet-*']
  assert.equal(passes({ skipRoutes }, { routeId: '1' }), false)
  assert.equal(passes({ skipRoutes }, { routeId: '2', routeName: 'quiet-one' }), false)
  assert.equal(passes({ skipRoutes }, { routeId: '2', routeName: 'loud' }), true)
  assert.equal(passes({ skipRoutes: ['*'] }, { routeId: '', routeName: '' }), true, 'no route matched')
})

test('samples successes by their id, and keeps every failure', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => `3f2a9c0d1e2b4a5f-${i.toString(36)}`)
  const kept = ids.filter((requestId) => passes({ sampleRatio: 0.1 }, { requestId }))
  assert.ok(kept.length > 1800 && kept.length < 2200, `${kept.length} of 20000`)
  assert.ok(kept.every((requestId) => passes({ sampleRatio: 0.1 }, { requestId })))
  assert.ok(
    kept.every((requestId) => isInSample(requestId, 0.5)),
    'a larger share holds the smaller one',
  )
  assert.ok(ids.every((requestId) => passes({ sampleRatio: 0 }, { requestId, status: 404 })))
  assert.ok(passes({ sampleRatio: 0 }, { status: 200, errorCode: 'UPSTREAM_CLOSED' }))
  assert.equal(passes({ sampleRatio: 0 }, { status: 302 }), false)
})
