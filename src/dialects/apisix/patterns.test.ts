import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHost, parsePath, type RouterMode } from './patterns.ts'

const DEFAULT: RouterMode = 'radixtree_host_uri'
const PARAMETERS: RouterMode = 'radixtree_uri_with_parameter'

test('hosts are lower case, with one leading star as a wildcard', () => {
  assert.deepEqual(parseHost('Foo.COM'), { kind: 'exact', text: 'foo.com' })
  assert.deepEqual(parseHost('*.Foo.com'), { kind: 'suffix', text: '.foo.com' })
  assert.deepEqual(parseHost('*foo.com'), { kind: 'suffix', text: 'foo.com' })
  assert.deepEqual(parseHost('*'), { kind: 'any' })
  assert.deepEqual(parseHost('[::1]'), { kind: 'exact', text: '[::1]' })
})

test('a path without wildcard is exact, one with a star at the end a prefix', () => {
  const cases: [string, string, string, number][] = [
    ['/a', 'exact', '/a', 2],
    ['/a/', 'exact', '/a/', 3],
    ['/file:list', 'exact', '/file:list', 10],
    ['/a*', 'prefix', '/a', 2],
    ['/a/*', 'prefix', '/a/', 3],
    ['/*', 'prefix', '/', 1],
    ['*', 'prefix', '', 0],
    ['/ä', 'exact', '/ä', 3],
  ]
  for (const [pattern, kind, text, literalLength] of cases) {
    assert.deepEqual(parsePath(pattern, DEFAULT), { path: { kind, text }, literalLength }, pattern)
  }
})

test('a segment that starts with a star takes any text', () => {
  const rest = { kind: 'rest', name: null }
  assert.deepEqual(parsePath('/a/*/z', DEFAULT), {
    path: { kind: 'pattern', pieces: ['/a/', rest, '/z'] },
    literalLength: 3,
  })
  assert.deepEqual(parsePath('/*/b/*', DEFAULT), {
    path: { kind: 'pattern', pieces: ['/', rest, '/b/', rest] },
    literalLength: 1,
  })
  // The name is for the parameter router; elsewhere only the star counts.
  assert.deepEqual(parsePath('/a/*tail', DEFAULT), {
    path: { kind: 'pattern', pieces: ['/a/', rest] },
    literalLength: 3,
  })
})

test('a star elsewhere in a segment is refused', () => {
  for (const pattern of ['/a*z', '/a*/z', '/a/*/b*', '/a*b*']) {
    assert.equal('error' in parsePath(pattern, DEFAULT), true, pattern)
    assert.equal('error' in parsePath(pattern, PARAMETERS), true, pattern)
  }
})

test('parameters exist in the parameter router alone', () => {
  assert.deepEqual(parsePath('/user/:id/posts', PARAMETERS), {
    path: { kind: 'pattern', pieces: ['/user/', { kind: 'segment', name: 'id' }, '/posts'] },
    literalLength: 6,
  })
  assert.deepEqual(parsePath('/u/:id/*tail', PARAMETERS), {
    path: {
      kind: 'pattern',
      pieces: ['/u/', { kind: 'segment', name: 'id' }, '/', { kind: 'rest', name: 'tail' }],
    },
    literalLength: 3,
  })
  assert.deepEqual(parsePath('/:a/*', PARAMETERS), {
    path: {
      kind: 'pattern',
      pieces: ['/', { kind: 'segment', name: 'a' }, '/', { kind: 'rest', name: null }],
    },
    literalLength: 1,
  })
  for (const mode of [DEFAULT, 'radixtree_uri'] as const) {
    assert.deepEqual(parsePath('/user/:id', mode), {
      path: { kind: 'exact', text: '/user/:id' },
      literalLength: 9,
    })
  }
  // A colon inside a segment starts no parameter.
  assert.deepEqual(parsePath('/file:list', PARAMETERS), {
    path: { kind: 'exact', text: '/file:list' },
    literalLength: 10,
  })
})
