import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PatternPiece } from '../model/route.ts'
import { PathMatcher } from './path-pattern.ts'

const segment = (name: string | null): PatternPiece => ({ kind: 'segment', name })
const rest = (name: string | null): PatternPiece => ({ kind: 'rest', name })

describe('a path pattern', () => {
  it('lets a wildcard in the middle take slashes, and wants the whole path', () => {
    const pattern = new PathMatcher(['/a/', rest(null), '/z'])
    assert.ok(pattern.test('/a/b/z'))
    assert.ok(pattern.test('/a/b/c/z'))
    assert.ok(pattern.test('/a//z'))
    assert.ok(!pattern.test('/a/z'))
    assert.ok(!pattern.test('/a/b/z/'))
  })

  it('captures named segments, which hold no slash and are not empty', () => {
    const pattern = new PathMatcher(['/user/', segment('name'), '/file/', rest('path')])
    assert.deepEqual(Object.fromEntries(pattern.captures('/user/jo/file/a/b') ?? []), {
      name: 'jo',
      path: 'a/b',
    })
    assert.equal(pattern.captures('/user//file/a'), null)
    assert.equal(pattern.captures('/user/a/b/file/a'), null)
  })

  it('has no captures when nothing is named', () => {
    assert.equal(new PathMatcher(['/', rest(null)]).captures('/a'), null)
  })

  it('matches names beyond ASCII by their bytes', () => {
    assert.ok(new PathMatcher(['/é/', segment(null)]).test('/\xc3\xa9/x'))
  })

  it('agrees with the same pattern as a regular expression, captures included', () => {
    const piece = fc.oneof(
      fc.constantFrom<PatternPiece>('/', 'a', 'b', '/a', 'a/', '/b/'),
      fc.constantFrom('x', 'y', null).map(segment),
      fc.constantFrom('x', 'y', null).map(rest),
    )
    const path = fc.array(fc.constantFrom('/', 'a', 'b'), { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), path, (pieces, text) => {
        const source = pieces
          .map((part) => (typeof part === 'string' ? part : part.kind === 'segment' ? '([^/]+)' : '(.*)'))
          .join('')
        const hit = new RegExp(`^${source}$`, 's').exec(text)
        const matcher = new PathMatcher(pieces)
        assert.equal(matcher.test(text), hit !== null)
        const names = pieces.flatMap((part) => (typeof part === 'string' ? [] : [part.name]))
        const expected = new Map<string, string>()
        for (const [i, name] of names.entries()) if (name !== null) expected.set(name, hit?.[i + 1] ?? '')
        assert.deepEqual(matcher.captures(text), hit === null || expected.size === 0 ? null : expected)
      }),
      { numRuns: 1000 },
    )
  })
})
