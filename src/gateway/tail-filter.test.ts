import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessRecord } from '../model/access-record.ts'
import { sampleRecord } from '../observe/testing.ts'
import { compileTailFilter, EVERYTHING, readTailFilter } from './tail-filter.ts'

function passes(query: Record<string, string>, record: Partial<AccessRecord> = {}): boolean {
  const filter = readTailFilter(new Map(Object.entries(query)))
  if (typeof filter === 'string') throw new Error(filter)
  return compileTailFilter(structuredClone(filter))({ ...sampleRecord(), ...record })
}

test('an empty query is every request', () => {
  assert.deepEqual(readTailFilter(new Map()), EVERYTHING)
  assert.ok(passes({}))
})

test('each filter lets through what it names and nothing else', () => {
  const cases: readonly [Record<string, string>, Partial<AccessRecord>, Partial<AccessRecord>][] = [
    [{ route: '1,shop-*' }, { routeId: '1' }, { routeId: '2' }],
    [{ route: 'shop-*' }, { routeId: '2', routeName: 'shop-eu' }, { routeId: '2', routeName: 'shop' }],
    [{ variant: 'canary' }, { variant: 'canary' }, { variant: 'stable' }],
    [{ status: '404,5xx' }, { status: 503 }, { status: 403 }],
    [{ method: 'post,put' }, { method: 'PUT' }, { method: 'GET' }],
    [{ path: '/api/*' }, { path: '/api/x' }, { path: '/api' }],
    [{ path: '/ä' }, { path: Buffer.from('/ä').toString('latin1') }, { path: '/a' }],
    [{ host: 'EXAMPLE.com' }, { host: 'example.com' }, { host: 'a.example.com' }],
    [{ client: '10.0.0.0/8,::1' }, { clientAddress: '10.1.2.3' }, { clientAddress: '11.1.2.3' }],
    [{ error: 'any' }, { errorCode: 'NO_ENDPOINT' }, { errorCode: '' }],
    [{ error: 'no_endpoint' }, { errorCode: 'NO_ENDPOINT' }, { errorCode: 'NO_TARGET' }],
    [{ min_duration_ms: '2.5' }, { durationMs: 2.5 }, { durationMs: 2.4 }],
    [{ sample: '0' }, { status: 500 }, { status: 200 }],
    [
      { status: '2xx', method: 'GET' },
      { status: 200, method: 'GET' },
      { status: 200, method: 'POST' },
    ],
  ]
  for (const [query, good, bad] of cases) {
    assert.equal(passes(query, good), true, JSON.stringify([query, good]))
    assert.equal(passes(query, bad), false, JSON.stringify([query, bad]))
  }
})

test('says which value of a filter is wrong, and what may have been meant', () => {
  const fault = (name: string, value: string): string => {
    const read = readTailFilter(new Map([[name, value]]))
    assert.equal(typeof read, 'string', `${name}=${value}`)
    return read as string
  }
  assert.match(fault('status', '404,9xx'), /"9xx" is none; write 404, 5xx or 500-503/)
  assert.match(fault('path', 'api'), /does not begin with \//)
  assert.match(fault('client', '10.0.0'), /no address or CIDR block/)
  assert.match(fault('error', 'NO_ENDPOINTS'), /did you mean NO_ENDPOINT\?/)
  assert.match(fault('min_duration_ms', '-1'), /milliseconds/)
  assert.match(fault('sample', '1.5'), /from 0 to 1/)
  assert.match(fault('route', Array(51).fill('a').join(',')), /at most 50/)
})
