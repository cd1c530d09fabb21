import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Template } from '../model/template.ts'
import { sampleView } from './sample-view.ts'
import { compileTemplate, parseTemplate } from './template.ts'

const REWRITE = { fallbacks: true, dotsInNames: true, groups: false, variables: true }
const HEADERS = { fallbacks: true, dotsInNames: true, groups: true, variables: true }
const REDIRECT = { fallbacks: false, dotsInNames: false, groups: false, variables: true }
const PATTERN = { fallbacks: false, dotsInNames: false, groups: true, variables: false }
const variable = (name: string, fallback = '') => ({ variable: name, fallback })

const CASES: readonly (readonly [string, typeof REWRITE, Template])[] = [
  ['', REWRITE, []],
  ['/plain', REWRITE, ['/plain']],
  ['/a$uri', REWRITE, ['/a', variable('uri')]],
  [`/a\${uri}.html`, REWRITE, ['/a', variable('uri'), '.html']],
  ['$uri.html', REWRITE, [variable('uri.html')]],
  ['$uri.html', REDIRECT, [variable('uri'), '.html']],
  ['$uri/x', REWRITE, [variable('uri'), '/x']],
  [`\${arg_a ?? none}`, REWRITE, [variable('arg_a', 'none')]],
  [`\${arg_a??}`, REWRITE, [variable('arg_a')]],
  [`\${arg_a ?? none}`, REDIRECT, [variable('arg_a ?? none')]],
  ['\\$uri', REWRITE, ['\\$uri']],
  [`\\\${uri}`, REDIRECT, [`\\\${uri}`]],
  ['$$uri', REDIRECT, ['$', variable('uri')]],
  ['$', REWRITE, ['$']],
  ['a$ b', REWRITE, ['a$ b']],
  [`\${uri`, REWRITE, [`\${uri`]],
  [`\${}`, REWRITE, [`\${}`]],
  [`\${http_x-y}`, REWRITE, [variable('http_x-y')]],
  ['$1', REWRITE, [variable('1')]],
  ['$1', HEADERS, [{ group: 1 }]],
  [`\${1}0$uri`, HEADERS, [{ group: 1 }, '0', variable('uri')]],
  ['/$1/$2x', PATTERN, ['/', { group: 1 }, '/', { group: 2 }, 'x']],
  ['$0', PATTERN, [{ group: 0 }]],
  ['$12', PATTERN, [{ group: 12 }]],
  ['$$1', PATTERN, ['$1']],
  ['\\$1', PATTERN, ['\\', { group: 1 }]],
  ['$uri', PATTERN, ['$uri']],
  ['$__proto__', REWRITE, [variable('__proto__')]],
]

for (const [text, options, expected] of CASES) {
  test(`${JSON.stringify(text)} is parsed as ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseTemplate(text, options), expected)
  })
}

test('holes are filled from the request and from the hit', () => {
  const template = compileTemplate(parseTemplate(`ş/$1\${arg_a ?? ü}$2-$uri$nope`, HEADERS))
  assert.equal(template.isLiteral, false)
  const view = sampleView({ path: '/p', query: 'b' })
  assert.equal(template.render(view, ['hit', 'one', undefined]), '\xc5\x9f/one\xc3\xbc-/p')
  assert.equal(template.render(view, null), '\xc5\x9f/\xc3\xbc-/p')
  assert.equal(compileTemplate([variable('arg_b')]).render(view, null), 'true')
})

test('a template without holes is literal and in UTF-8 bytes', () => {
  const template = compileTemplate(['ş', 'x'])
  assert.deepEqual(
    [template.isLiteral, template.needsBody, template.render(sampleView(), null)],
    [true, false, '\xc5\x9fx'],
  )
  assert.equal(compileTemplate([]).render(sampleView(), null), '')
})

test('a template needs the body if one of its variables does', () => {
  assert.equal(compileTemplate(parseTemplate('$uri', REWRITE)).needsBody, false)
  assert.equal(compileTemplate(parseTemplate('$uri$post_arg.a', REWRITE)).needsBody, true)
})

test('text without a dollar sign is kept, and nothing throws', () => {
  const unit = fc.constantFrom('a', '$', '{', '}', '1', '.', '\\', '?', ' ', '\xff')
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 20 }),
      fc.constantFrom(REWRITE, HEADERS, REDIRECT, PATTERN),
      (text, options) => {
        const template = compileTemplate(parseTemplate(text, options))
        template.render(sampleView(), null)
        if (!text.includes('$')) assert.deepEqual(parseTemplate(text, options).join(''), text)
      },
    ),
    { numRuns: 2000 },
  )
})
