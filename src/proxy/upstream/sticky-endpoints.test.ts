import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { Endpoint } from '../../model/endpoint.ts'
import type { StickyEndpoint } from '../../model/upstream.ts'
import { StickyEndpoints } from './sticky-endpoints.ts'

const STICKY: StickyEndpoint = {
  cookie: 'node',
  maxAgeSeconds: null,
  isHttpOnly: false,
  isSecure: false,
  secret: 'secret-of-these-tests',
}

const endpoint = (host: string, port: number, name: string | null = null): Endpoint => ({
  host,
  port,
  weight: 1,
  priority: 0,
  address: null,
  zone: null,
  failoverOnly: false,
  state: 'ready',
  ...(name === null
    ? {}
    : { own: { name, scheme: 'http', when: null, basePath: '', path: null, probe: null } }),
})

const ENDPOINTS = [endpoint('h', 80), endpoint('h', 81, 'http://h:81/a'), endpoint('::1', 80)]

/** As another program would make it. */
const signed = (name: string, secret = STICKY.secret): string =>
  Buffer.from(`${name}:${createHmac('sha256', secret).update(name).digest('hex')}`).toString('base64url')

test('a cookie holds the name of its endpoint, its own one or host and port, with colons or without', () => {
  const endpoints = new StickyEndpoints(STICKY, ENDPOINTS)
  for (const [index, name] of ['h:80', 'http://h:81/a', '[::1]:80'].entries()) {
    assert.equal(endpoints.find(`a=b; node=${signed(name)}; c=d`), index)
    assert.equal(endpoints.lineFor(index), `Set-Cookie: node=${signed(name)}; Path=/\r\n`)
  }
})

test('no other value names an endpoint', () => {
  const endpoints = new StickyEndpoints(STICKY, ENDPOINTS)
  const good = signed('h:80')
  const values = {
    'of another secret': signed('h:80', 'secret-of-another-gateway'),
    'of an endpoint that is not there': signed('h:82'),
    'with the signature of another endpoint': Buffer.from(
      `h:80:${Buffer.from(signed('[::1]:80'), 'base64url').toString().split(':').at(-1)}`,
    ).toString('base64url'),
    'without a signature': Buffer.from('h:80').toString('base64url'),
    cut: good.slice(0, -1),
    longer: `${good}A`,
    empty: '',
    'not encoded': 'h:80',
  }
  for (const [what, value] of Object.entries(values)) assert.equal(endpoints.find(`node=${value}`), -1, what)
  assert.equal(endpoints.find(`Node=${good}`), -1)
  assert.equal(endpoints.find(undefined), -1)
})

test('the attributes are those that are written, and 0 seconds are not none', () => {
  const line = (parts: Partial<StickyEndpoint>): string =>
    new StickyEndpoints({ ...STICKY, ...parts }, ENDPOINTS).lineFor(0)
  const plain = `Set-Cookie: node=${signed('h:80')}; Path=/`
  assert.equal(line({ maxAgeSeconds: 0 }), `${plain}; Max-Age=0\r\n`)
  assert.equal(
    line({ maxAgeSeconds: 86_400, isSecure: true, isHttpOnly: true }),
    `${plain}; Max-Age=86400; Secure; HttpOnly\r\n`,
  )
})
