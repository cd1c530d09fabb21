import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RequestView } from '../../expression/request-view.ts'
import type { HeaderEdits, PathRewrite } from '../../model/filter.ts'
import type { RedirectLocation } from '../../model/split.ts'
import { literal, type Template } from '../../model/template.ts'
import type { RewriteGroups } from '../table.ts'
import { makeEnvironment, makeView, ORIGIN } from '../test-fixtures.ts'
import { encodePath } from './encode-path.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { compileLocation, compileRedirectStatus } from './redirect-location.ts'
import { compileRequestFilter } from './request-filter.ts'
import { compileResponseFilter } from './response-filter.ts'
import { compilePathRewrite } from './rewrite-path.ts'

const variable = (name: string, fallback = '') => ({ variable: name, fallback })

function rewrite(path: PathRewrite, view: RequestView, groups: RewriteGroups = { captures: null }) {
  return compilePathRewrite(path).target(view, groups)
}

function uri(template: Template, view: RequestView) {
  return rewrite({ kind: 'template', source: 'path', template }, view)
}

function regexUri(pattern: string, replacement: Template, view: RequestView, groups?: RewriteGroups) {
  return rewrite({ kind: 'patterns', source: 'path', rules: [{ pattern, replacement }] }, view, groups)
}

describe('encoding of a path', () => {
  it('escapes blanks, controls, delimiters and bytes from 0x7F on, and leaves slashes', () => {
    assert.equal(
      encodePath('/a b/"#%<>?\\^{|}`\x7f\xe9/~!$&'),
      '/a%20b/%22%23%25%3C%3E%3F%5C%5E%7B%7C%7D%60%7F%E9/~!$&',
    )
  })

  it('leaves what resolving keeps encoded, however often it was', () => {
    assert.equal(encodePath('/a%2fb%5C%252F%3b;%41'), '/a%2fb%5C%252F%3b;%2541')
  })

  it('gives visible ASCII without delimiters for any bytes', () => {
    const bytes = fc.array(fc.nat(255)).map((codes) => String.fromCharCode(...codes))
    fc.assert(fc.property(bytes, (text) => assert.match(encodePath(text), /^[!$&-;=@-Z[\]_a-z~%]*$/)))
  })
})

describe('a path rewrite', () => {
  it('keeps the resolved path, encoded again, or the raw target', () => {
    const view = makeView({ path: '/a b', target: '/x/../a%20b?q=%20', query: 'q=%20' })
    assert.equal(rewrite({ kind: 'keep', source: 'path' }, view), '/a%20b?q=%20')
    assert.equal(rewrite({ kind: 'keep', source: 'target' }, view), '/x/../a%20b?q=%20')
  })

  it('puts the client query behind ?, or behind & where the new path has one', () => {
    assert.equal(uri(literal('/new'), makeView({ query: 'x=1' })), '/new?x=1')
    assert.equal(uri(literal('/new?q=1'), makeView({ query: 'x=1' })), '/new?q=1&x=1')
    assert.equal(uri(literal('/new?q=1'), makeView({})), '/new?q=1')
    assert.equal(uri(literal('/new?'), makeView({ query: 'x=1' })), '/new?x=1')
    assert.equal(uri(literal('/new'), makeView({ query: '' })), '/new')
  })

  it('never lets a variable or a client escape start a query', () => {
    assert.equal(uri(['/n/', variable('arg_a')], makeView({ query: 'a=x%3Fy' })), '/n/x%3Fy?a=x%3Fy')
    assert.equal(uri(['/n', variable('uri')], makeView({ path: '/a?b' })), '/n/a%3Fb')
    assert.equal(regexUri('^/a', literal('/b'), makeView({ path: '/a?c' })), '/b%3Fc')
  })

  it('encodes what it inserts, so that nothing of it is decoded twice', () => {
    assert.equal(uri(['/n/', variable('arg_a')], makeView({ query: 'a=%252f' })), '/n/%252f?a=%252f')
    assert.equal(uri(['/n', variable('uri')], makeView({ path: '/a%2fb' })), '/n/a%2fb')
    assert.equal(uri(literal('/é%20'), makeView({})), '/%C3%A9%2520')
  })

  it('replaces the first hit of the first pattern that hits, and keeps its captures for header values', () => {
    const groups: RewriteGroups = { captures: null }
    const path: PathRewrite = {
      kind: 'patterns',
      source: 'path',
      rules: [
        { pattern: '^/none', replacement: literal('/x') },
        { pattern: '/u/([a-z]+)', replacement: ['/user/', { group: 1 }, '?n=', { group: 1 }] },
        { pattern: '/', replacement: literal('/never') },
      ],
    }
    assert.equal(rewrite(path, makeView({ path: '/u/jo', query: 'q=1' }), groups), '/user/jo?n=jo&q=1')
    assert.deepEqual(groups.captures, ['/u/jo', 'jo'])
  })

  it('keeps the path when no pattern hits', () => {
    assert.equal(regexUri('^/zzz', literal('/x'), makeView({ path: '/a b', query: 'q' })), '/a%20b?q')
  })

  it('replaces a prefix by its length, with one slash at the seam and constants before the query', () => {
    const cut = (path: string, replacement: Template, query = '', own: string | null = null) =>
      rewrite({ kind: 'prefix', cut: 2, replacement, query }, makeView({ path, query: own }))
    assert.equal(cut('/a/b c', literal('/v')), '/v/b%20c')
    assert.equal(cut('/a/b', literal('/v/')), '/v/b')
    assert.equal(cut('/ab', literal('/v')), '/vb')
    assert.equal(cut('/a', literal('/')), '/')
    assert.equal(cut('/a/b%2fc?d', literal('/'), 'x=1&y', 'q=2'), '/b%2fc%3Fd?x=1&y&q=2')
    assert.equal(cut('/a', ['/', variable('arg_b'), '/'], '', 'b=x%3Fy'), '/x%3Fy/?b=x%3Fy')
    assert.equal(cut('/a/../../x', literal('/')), undefined)
  })

  it('puts a missing slash in front', () => {
    assert.equal(regexUri('^/a/', literal(''), makeView({ path: '/a/b' })), '/b')
  })

  it('encodes line breaks with the path, and refuses them in a query', () => {
    assert.equal(uri(['/n/', variable('arg_a')], makeView({ query: 'a=%0d%0a' })), '/n/%0D%0A?a=%0d%0a')
    assert.equal(uri(['/n?x=', variable('arg_a')], makeView({ query: 'a=%0d%0ab' })), undefined)
    assert.equal(uri(['/n/', variable('arg_a')], makeView({ query: 'a=%00' })), undefined)
  })

  it('refuses a way above the root', () => {
    assert.equal(uri(['/n/', variable('arg_a')], makeView({ query: 'a=../../x' })), undefined)
    assert.equal(uri(literal('/n/a..b'), makeView({})), '/n/a..b')
  })

  it('works on the raw target without encoding in the unsafe mode, and refuses what may not go out', () => {
    const view = makeView({ path: '/a/b', target: '/a%2Fb/../?q=1', query: 'q=1' })
    const patterns = (replacement: Template): PathRewrite => ({
      kind: 'patterns',
      source: 'target',
      rules: [{ pattern: '^/a', replacement }],
    })
    assert.equal(rewrite(patterns(literal('/z')), view), '/z%2Fb/../?q=1')
    assert.equal(rewrite(patterns(literal('/z y')), view), undefined)
    assert.equal(
      rewrite(patterns(['/', variable('arg_c')]), makeView({ target: '/a', query: 'c=%0a' })),
      undefined,
    )
    const template: PathRewrite = { kind: 'template', source: 'target', template: literal('/n%20m') }
    assert.equal(rewrite(template, view), '/n%20m?q=1')
  })

  it('gives only origin-form targets of visible ASCII, whatever the request', () => {
    const text = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) })
    const path: PathRewrite = {
      kind: 'patterns',
      source: 'path',
      rules: [
        { pattern: '/(.)', replacement: [{ group: 1 }, variable('http_v'), '?a=', variable('http_v')] },
      ],
    }
    const { target } = compilePathRewrite(path)
    fc.assert(
      fc.property(text, text, (rest, v) => {
        const result = target(makeView({ path: `/${rest}`, headers: { v } }), { captures: null })
        if (result !== undefined) assert.match(result, /^\/[!"$-~]*$/)
      }),
    )
  })
})

describe('header edits', () => {
  const edits = (parts: Partial<HeaderEdits>): HeaderEdits => ({ add: [], set: [], remove: [], ...parts })
  const line = (name: string, ...value: Template) => ({ name, value })

  it('let set win over add and remove over both', () => {
    const { headers } = compileHeaderEdits(
      edits({
        add: [line('A', '1'), line('B', '1'), line('C', '1')],
        set: [line('b', '2'), line('D', '2'), line('E', '2'), line('e', '3')],
        remove: ['c', 'd', 'F'],
      }),
    )
    assert.deepEqual([...headers.dropped].sort(), ['b', 'c', 'd', 'e', 'f'])
    assert.deepEqual(headers.lines(makeView({}), null), [
      ['A', '1'],
      ['b', '2'],
      ['E', '2'],
      ['e', '3'],
    ])
  })

  it('send an empty field for add, and take the field away for set', () => {
    const { headers } = compileHeaderEdits(
      edits({ add: [line('A', variable('arg_no'))], set: [line('B', variable('arg_no'))] }),
    )
    assert.deepEqual(headers.lines(makeView({}), null), [['A', '']])
    assert.ok(headers.dropped.has('b'))
  })

  it('fill in captures of the path pattern, or nothing without a hit', () => {
    const { headers } = compileHeaderEdits(edits({ add: [line('A', 'x-', { group: 1 })] }))
    assert.deepEqual(headers.lines(makeView({}), { captures: ['h', 'one'] }), [['A', 'x-one']])
    assert.deepEqual(headers.lines(makeView({}), null), [['A', 'x-']])
  })

  it('refuse line breaks, NUL and other controls in a value, and a name that is no token', () => {
    const { headers } = compileHeaderEdits(edits({ set: [line('A', variable('arg_a'))] }))
    for (const bad of ['%0d', '%0a', '%00', '%7f']) {
      assert.equal(headers.lines(makeView({ query: `a=x${bad}` }), null), undefined)
    }
    assert.deepEqual(headers.lines(makeView({ query: 'a=%09x' }), null), [['A', '\tx']])
    assert.equal(
      compileHeaderEdits(edits({ set: [line('a b', 'x')] })).headers.lines(makeView({}), null),
      undefined,
    )
  })

  it('evaluate literal values once', () => {
    const { headers } = compileHeaderEdits(edits({ set: [line('A', 'é')] }))
    assert.deepEqual(headers.lines(makeView({}), null), [['A', '\xc3\xa9']])
    assert.equal(headers.lines(makeView({}), null), headers.lines(makeView({}), null))
  })
})

describe('filters', () => {
  it('say that they need the body when their condition or a template reads it', () => {
    const base = {
      kind: 'rewriteRequest' as const,
      origin: ORIGIN,
      when: null,
      path: null,
      method: null,
      host: null,
      headers: null,
    }
    const env = makeEnvironment()
    assert.equal(compileRequestFilter(base, env).needsBody, false)
    const add = [{ name: 'A', value: [variable('post_arg_a')] }]
    assert.equal(
      compileRequestFilter({ ...base, headers: { add, set: [], remove: [] } }, env).needsBody,
      true,
    )
    const path: PathRewrite = { kind: 'template', source: 'path', template: ['/', variable('post_arg_a')] }
    assert.equal(compileRequestFilter({ ...base, path }, env).needsBody, true)
    const when = { kind: 'test', variable: 'post_arg_a', operator: 'equal', value: 'x' } as const
    assert.equal(compileRequestFilter({ ...base, when }, env).needsBody, true)
  })

  it('decode the new body of an answer, empty ones too', () => {
    const base = { kind: 'rewriteResponse' as const, origin: ORIGIN, when: null, status: 201, headers: null }
    assert.deepEqual(compileResponseFilter({ ...base, bodyBase64: 'AP8=' }).body, Buffer.from([0, 255]))
    assert.equal(compileResponseFilter({ ...base, bodyBase64: '' }).body?.length, 0)
    assert.equal(compileResponseFilter({ ...base, bodyBase64: null }).body, null)
  })
})

describe('a redirect', () => {
  const view = makeView({ path: '/a b', query: 'q=1', host: 'h.com', target: '/a%20b?q=1' })
  const locate = (location: RedirectLocation, request = view) => compileLocation(location)(request)

  it('fills a template, appends the query behind ? or &, and encodes only what stands before ?', () => {
    const options = { encode: false, appendQuery: false }
    const template: Template = ['/n', variable('uri'), '?x']
    assert.equal(locate({ kind: 'template', template, ...options }), '/n/a b?x')
    assert.equal(locate({ kind: 'template', template, ...options, encode: true }), '/n/a%20b?x')
    assert.equal(locate({ kind: 'template', template, ...options, appendQuery: true }), '/n/a b?x&q=1')
    assert.equal(
      locate({ kind: 'template', template: literal('/a%20b'), ...options, encode: true }),
      '/a%2520b',
    )
    const plain = { kind: 'template', template: literal('/n'), ...options, appendQuery: true } as const
    assert.equal(locate(plain), '/n?q=1')
    assert.equal(locate(plain, makeView({ query: '' })), '/n')
  })

  it('replaces the first hit in the decoded path', () => {
    const location: RedirectLocation = {
      kind: 'pattern',
      pattern: 'a (.)',
      replacement: ['z', { group: 1 }],
      encode: false,
      appendQuery: false,
    }
    assert.equal(locate(location, makeView({ path: '/a b/a b' })), '/zb/a b')
  })

  it('goes to https with the port left out when it is 443 or none', () => {
    assert.equal(locate({ kind: 'https', port: null }), 'https://h.com/a%20b?q=1')
    assert.equal(locate({ kind: 'https', port: 443 }), 'https://h.com/a%20b?q=1')
    assert.equal(locate({ kind: 'https', port: 9443 }), 'https://h.com:9443/a%20b?q=1')
  })

  it('never lets a line break out', () => {
    const template: Template = ['/', variable('arg_a')]
    const location: RedirectLocation = { kind: 'template', template, encode: false, appendQuery: false }
    assert.equal(locate(location, makeView({ query: 'a=%0d%0aX:1%00' })), '/%0D%0AX:1%00')
  })

  it('answers 301 to GET and HEAD and 308 to the rest where the method decides', () => {
    const status = compileRedirectStatus('byMethod')
    assert.deepEqual(
      ['GET', 'HEAD', 'POST'].map((method) => status(makeView({ method }))),
      [301, 301, 308],
    )
    assert.equal(compileRedirectStatus(307)(view), 307)
  })
})
