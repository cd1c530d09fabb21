import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress, parseHost, parsePath } from './patterns.ts'

test('hosts: exact, wildcards at either end, any; in lower case', () => {
  const cases: Record<string, unknown> = {
    'Shop.Example.com': { kind: 'exact', text: 'shop.example.com' },
    '*.example.com': { kind: 'suffix', text: '.example.com' },
    '*example.com': { kind: 'suffix', text: 'example.com' },
    'shop.*': { kind: 'prefix', text: 'shop.' },
    'shop*': { kind: 'prefix', text: 'shop' },
    '*': { kind: 'any' },
    '[2001:DB8::1]': { kind: 'exact', text: '[2001:db8::1]' },
  }
  for (const [written, expected] of Object.entries(cases)) assert.deepEqual(parseHost(written), expected)
})

test('hosts that can match nothing are refused', () => {
  for (const written of ['a*b', '*.a.*', 'x:80', 'http://x', 'x/', 'x.', 'a b', '**', '', '*:80', 'ä.de']) {
    assert.ok('error' in parseHost(written), written)
  }
})

test('paths: exact, prefixes, parts with and without a name, rests', () => {
  const segment = (name: string | null): object => ({ kind: 'segment', name })
  const rest = (name: string | null): object => ({ kind: 'rest', name })
  const pattern = (...pieces: unknown[]): object => ({ kind: 'pattern', pieces })
  const cases: Record<string, unknown> = {
    '/': { kind: 'exact', text: '/' },
    '/exact': { kind: 'exact', text: '/exact' },
    '/api/*': { kind: 'prefix', text: '/api/' },
    '/api*': { kind: 'prefix', text: '/api' },
    '/**': { kind: 'prefix', text: '/' },
    '*': { kind: 'prefix', text: '' },
    '/cart/:id': pattern('/cart/', segment('id')),
    '/:a/:b/': pattern('/', segment('a'), '/', segment('b'), '/'),
    '/v/:name.json': pattern('/v/', segment('name'), '.json'),
    '/*/edit': pattern('/', segment(null), '/edit'),
    '/files/**/raw': pattern('/files/', rest(null), '/raw'),
    '/files/**path': pattern('/files/', rest('path')),
    '/:id/*': pattern('/', segment('id'), '/', rest(null)),
    '/users/1:activate': { kind: 'exact', text: '/users/1:activate' },
    '/:1': { kind: 'exact', text: '/:1' },
  }
  for (const [written, expected] of Object.entries(cases))
    assert.deepEqual(parsePath(written), expected, written)
})

test('paths that mean something else than they seem to are refused', () => {
  for (const written of [
    'api',
    '',
    '/a*b',
    '/a*/b',
    '/x?y=1',
    '/x#y',
    '/:a/:a',
    '/:a*',
    '/**a/**a',
    '/***',
  ]) {
    assert.ok('error' in parsePath(written), written)
  }
})

test('addresses have a host and may have a port', () => {
  assert.deepEqual(parseAddress('10.0.0.1:80'), { host: '10.0.0.1', port: 80 })
  assert.deepEqual(parseAddress('app.internal'), { host: 'app.internal', port: null })
  assert.deepEqual(parseAddress('[::1]:8443'), { host: '::1', port: 8443 })
  assert.deepEqual(parseAddress('[::1]'), { host: '::1', port: null })
  for (const written of [
    '::1',
    'a:0',
    'a:65536',
    'a:b',
    'http://a',
    'a/b',
    'a b',
    '',
    ':80',
    '[::1',
    'a@b:80',
  ]) {
    assert.ok('error' in parseAddress(written), written)
  }
})
