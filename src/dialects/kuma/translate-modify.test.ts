import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpMatch } from './resources.ts'
import { readSubstitution, translateHeaders, translateModify } from './translate-modify.ts'

const origin = { dialect: 'kuma', kind: 'traffic-route', id: 'default:cart', path: 'conf.http[0].modify' }
const under = (text: string): HttpMatch => ({
  method: null,
  path: { kind: 'prefix', text },
  headers: [],
  query: [],
})

test('groups of a substitution are numbered by one digit, and a backslash before anything else stands for itself', () => {
  assert.deepEqual(readSubstitution(String.raw`/\2/of/\1`), ['/', { group: 2 }, '/of/', { group: 1 }])
  assert.deepEqual(readSubstitution(String.raw`\0`), [{ group: 0 }])
  assert.deepEqual(readSubstitution(String.raw`\12`), [{ group: 1 }, '2'])
  assert.deepEqual(readSubstitution(String.raw`a\\1\n`), [String.raw`a\1\n`])
  assert.deepEqual(readSubstitution(''), [])
})

test('removals come before additions, and an addition without append replaces what is there by then', () => {
  const add = (name: string, value: string, append: boolean) => ({ name, value, append })
  assert.deepEqual(translateHeaders({ add: [add('x-a', '1', true)], remove: [] }), {
    add: [{ name: 'x-a', value: ['1'] }],
    set: [],
    remove: [],
  })
  assert.deepEqual(translateHeaders({ add: [add('x-a', '1', true)], remove: ['X-A', 'x-b'] }), {
    add: [],
    set: [{ name: 'x-a', value: ['1'] }],
    remove: ['x-b'],
  })
  const many = [add('x-a', '1', true), add('X-a', '2', false), add('x-A', '3', true)]
  assert.deepEqual(translateHeaders({ add: many, remove: [] }).set, [
    { name: 'X-a', value: ['2'] },
    { name: 'x-A', value: ['3'] },
  ])
})

test('nothing is made of what a rule does not change', () => {
  const none = { path: null, host: null, requestHeaders: null, responseHeaders: null }
  assert.deepEqual(translateModify(none, under('/a'), origin), { request: [], response: [] })
  const answer = translateModify(
    { ...none, responseHeaders: { add: [], remove: ['server'] } },
    under('/a'),
    origin,
  )
  assert.deepEqual([answer.request.length, answer.response[0]?.headers?.remove], [0, ['server']])
})

test('a host comes from the text, or from the path by its pattern', () => {
  const none = { path: null, requestHeaders: null, responseHeaders: null }
  const fixed = translateModify(
    { ...none, host: { kind: 'value', text: 'gold.internal' } },
    under('/'),
    origin,
  )
  assert.equal(fixed.request[0]?.host, 'gold.internal')
  const host = { kind: 'fromPath', pattern: '^/([^/]+)/.*$', substitution: String.raw`\1` } as const
  assert.deepEqual(translateModify({ ...none, host }, under('/'), origin).request[0]?.hostFrom, {
    pattern: host.pattern,
    replacement: [{ group: 1 }],
  })
})
