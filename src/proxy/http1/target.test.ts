import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodePath } from '../../routing/filters/encode-path.ts'
import { resolveTarget } from './target.ts'

function resolve(target: string): string | null {
  const out = { path: '', query: null as string | null }
  if (!resolveTarget(target, out)) return null
  return out.query === null ? out.path : `${out.path}?${out.query}`
}

describe('resolveTarget', () => {
  it('decodes once, resolves dot segments and merges slashes', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['/', '/'],
      ['/?', '/?'],
      ['/a/b?c=/../%zz?d', '/a/b?c=/../%zz?d'],
      ['/a//b///c', '/a/b/c'],
      ['//', '/'],
      ['//a', '/a'],
      ['/a/', '/a/'],
      ['/a/./b', '/a/b'],
      ['/a/.', '/a/'],
      ['/a/..', '/'],
      ['/a/b/..', '/a/'],
      ['/a/b/../', '/a/'],
      ['/a//../b', '/b'],
      ['/.well-known/x', '/.well-known/x'],
      ['/...', '/...'],
      ['/%61%2Fb', '/a%2Fb'],
      ['/a/%2e%2E/b', '/b'],
      ['/a/.%2e/b', '/b'],
      ['/a%20b%c3%a4', '/a b\xc3\xa4'],
      ['/a%3fb', '/a?b'],
      ['/a%5cb\\c', '/a%5cb\\c'],
      ['/a;x=1/b%3By', '/a;x=1/b%3By'],
      ['/100%25', '/100%'],
      ['/%2541', '/%41'],
      ['/%252f', '/%252f'],
      ['/%252525%32F', '/%2525252F'],
      ['/%25%32%46', '/%252F'],
    ]
    for (const [target, path] of cases) assert.equal(resolve(target), path, target)
  })

  it('refuses bad triplets, NUL and paths that leave the root', () => {
    for (const target of [
      '/%',
      '/%2',
      '/%zz',
      '/%4g',
      '/a%?b',
      '/%00',
      '/a%00b',
      '/..',
      '/../a',
      '/a/../..',
      '/%2e%2e',
    ]) {
      assert.equal(resolve(target), null, target)
    }
    for (const target of ['', 'a', '*', '?', 'http://h/']) assert.equal(resolve(target), null, target)
  })

  it('refuses dot segments that hide beside another separator', () => {
    for (const target of [
      '/a/..%2fb',
      '/a/..%2Fb',
      '/a%2f..',
      '/a%2f../b',
      '/a%2f.%2fb',
      '/a/..\\b',
      '/a\\..\\b',
      '/a/..%5cb',
      '/a%5C%2e%2e',
      '/a/..;/b',
      '/a/..;x=y/b',
      '/a/%2e%2e%3b/b',
      '/.;/a',
    ]) {
      assert.equal(resolve(target), null, target)
    }
    for (const target of ['/a..%2fb', '/a%2f...%2fb', '/a;.b', '/..a;b', '/a%2f.b']) {
      assert.equal(resolve(target), target, target)
    }
  })

  it('gives a path without dot segments and doubled slashes for every target it accepts', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2f',
      '%25',
      '%5c',
      '\\',
      ';',
      'a',
      '2f',
      '%32',
      'F',
      '?',
      '%',
      '%41',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const out = { path: '', query: null as string | null }
        if (!resolveTarget(`/${pieces.join('')}`, out)) return
        assert.ok(out.path.startsWith('/'))
        const segments = out.path.slice(1).split('/')
        for (const [i, segment] of segments.entries()) {
          assert.ok(segment !== '.' && segment !== '..', out.path)
          assert.ok(segment !== '' || i === segments.length - 1, out.path)
        }
      }),
    )
  })

  it('agrees on a path and on its encoded form: resolving what encodePath wrote changes nothing', () => {
    const piece = fc.constantFrom(
      '/',
      '%2e',
      '%2f',
      '%25',
      '%5C',
      ';',
      'a',
      '2f',
      '25',
      '%32',
      '%46',
      '3b',
      ' ',
      '\xff',
      '%3f',
      '%23',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const first = { path: '', query: null as string | null }
        if (!resolveTarget(`/${pieces.join('')}`, first)) return
        const second = { path: '', query: null as string | null }
        assert.ok(resolveTarget(encodePath(first.path), second), encodePath(first.path))
        assert.equal(second.path, first.path)
        assert.equal(second.query, null)
      }),
    )
  })
})

describe('encodePath', () => {
  it('encodes what may not stand in a target and leaves the rest', () => {
    assert.equal(encodePath('/plain/path;x=1'), '/plain/path;x=1')
    assert.equal(encodePath('/a b"#%<>?\\^{|}`'), '/a%20b%22%23%25%3C%3E%3F%5C%5E%7B%7C%7D%60')
    assert.equal(encodePath('/\x00\x1f\x7f\x80\xff'), '/%00%1F%7F%80%FF')
  })

  it('does not encode again what the resolution kept', () => {
    assert.equal(encodePath('/a%2Fb%5c%3B'), '/a%2Fb%5c%3B')
    assert.equal(encodePath('/a%252Fb%25255C'), '/a%252Fb%25255C')
    assert.equal(encodePath('/100%/%41%2'), '/100%25/%2541%252')
  })
})
