import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePathRewrite } from '../../routing/filters/rewrite-path.ts'
import { PathMatcher } from '../../routing/path-pattern.ts'
import { makeView } from '../../routing/test-fixtures.ts'
import { matchersOf, parseApiPath } from './api-path.ts'
import { combinePath } from './combine-path.ts'

/** What is sent for `base` + `request`, with front-end path `front` and backend path `backend`. */
function sent(
  front: string,
  request: string,
  backend: string,
  base = '/release',
  query = '',
): string | undefined {
  const parsed = parseApiPath(front)
  assert.ok(!('error' in parsed), front)
  const path = base + request
  const { paths, pattern } = matchersOf(parsed, base)
  const isTaken = paths.some((one) => {
    if (one.kind === 'pattern') return new PathMatcher(one.pieces).test(path)
    return one.kind === 'exact' ? path === one.text : path.startsWith(one.text)
  })
  assert.ok(isTaken, `${front} takes ${path}`)
  if (pattern !== null) assert.match(path, new RegExp(pattern))
  const rewrite = combinePath({ front: parsed, base, backend, mapped: new Map(), query })
  if (rewrite === null) return path
  return compilePathRewrite(rewrite).target(makeView({ path }), { captures: null })
}

test('front-end path, request and backend path give what the specification says', () => {
  const rows: readonly (readonly [front: string, request: string, backend: string, result: string])[] = [
    // 2: B empty: the rest, with a leading slash
    ['/product/', '/product/apigw/document', '', '/apigw/document'],
    // 3: B + rest, one slash at the seam
    ['/product/', '/product/apigw/document', '/tencent/', '/tencent/apigw/document'],
    ['/svc', '/svc/a', '/', '/a'],
    ['/svc', '/svc', '/', '/'],
    ['/svc', '/svc', '', '/'],
    ['/svc', '/svc/', '/b', '/b/'],
    ['/svc/', '/svc/a', '/b', '/b/a'],
    ['/svc/', '/svc/', '/b/', '/b/'],
    // 4: no slash is invented
    ['/user', '/usertest', '/v2', '/v2test'],
    ['/user', '/usertest', '/v2/', '/v2/test'],
    ['/user', '/usertest', '', '/test'],
    ['/user', '/user', '/v2', '/v2'],
    ['/', '/a/b', '/', '/a/b'],
    ['/', '/a/b', '', '/a/b'],
    ['/', '/a/b', '/v2', '/v2/a/b'],
    ['/', '', '/v2', '/v2'],
    ['/', '', '/', '/'],
    ['^~/a', '/a/b', '/c', '/c/b'],
    // 5: exact leaves no rest; captures are greedy across slashes
    ['=/x', '/x', '/y', '/y'],
    ['=/x', '/x', '', '/'],
    ['/{A}/{B}', '/x/y/z', '/{B}/{A}', '/z/x/y'],
    ['/{A}/product/{B}', '/x/product/y/z', '/p/{B}', '/p/y/z'],
    ['/u/{id}/x', '/u/7/x/rest', '/v/{id}', '/v/7/rest'],
    ['/u/{id}/x', '/u/7/x/rest', '/v/{id}/', '/v/7/rest'],
    ['/u/{id}/', '/u/7/8/', '/v/{id}', '/v/7/8/'],
    ['/u/{id}', '/u/7/8', '/v', '/v'],
    ['~/u/[0-9]+', '/u/77/x', '/v', '/v/x'],
    ['~/(a|b)/{id}', '/b/7', '/{id}/c', '/7/c'],
  ]
  for (const [front, request, backend, result] of rows) {
    const row = `${front} ${request} ${backend}`
    assert.equal(sent(front, request, backend), result, row)
    if (request !== '') assert.equal(sent(front, request, backend, ''), result, `${row} without a base`)
  }
})

test('constants stand before the query of the client, and what is special in a path stays text', () => {
  assert.equal(sent('/a', '/a/b', '/c', '/release', 'x=1'), '/c/b?x=1')
  assert.equal(sent('=/a', '/a', '/c', '', 'x=1'), '/c?x=1')
  assert.equal(sent('/a.b', '/a.b/c', '/$1', '/v1.0'), '/$1/c')
  const front = parseApiPath('/a.b')
  assert.ok(!('error' in front))
  assert.deepEqual(matchersOf(front, '').paths, [{ kind: 'prefix', text: '/a.b' }])
})

test('paths that cannot be meant are refused with the reason', () => {
  for (const [path, reason] of [
    ['orders', /begins with \//],
    ['=orders', /begins with \//],
    ['^~/a/{b}', /plain prefix/],
    ['^~/a(b)', /plain prefix/],
    ['/a/{', /variable is written/],
    ['/a/{b c}', /variable is written/],
    ['/{a}/{a}', /stands twice/],
    ['/a b', /no blank/],
    ['~a', /begins with \//],
  ] as const) {
    const parsed = parseApiPath(path)
    assert.ok('error' in parsed, path)
    assert.match(parsed.error, reason)
  }
})
