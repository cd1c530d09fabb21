import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueryArgument } from '../../model/filter.ts'
import { literal } from '../../model/template.ts'
import { Consumers } from '../consumers.ts'
import { makeView, ORIGIN } from '../test-fixtures.ts'
import { compileQueryArguments } from './query-arguments.ts'
import { compileRequestFilter } from './request-filter.ts'

const constant: QueryArgument = { name: 'a', value: literal('1'), when: null }
const mapped: QueryArgument = {
  name: 'b',
  value: [{ variable: 'query:x', fallback: '' }],
  when: null,
}

test('arguments come in front of the query, in their order', () => {
  const { addTo } = compileQueryArguments([constant, mapped])
  const view = makeView({ query: 'x=2' })
  assert.equal(addTo('/p?x=2', view), '/p?a=1&b=2&x=2')
  assert.equal(addTo('/p', view), '/p?a=1&b=2')
  assert.equal(addTo('/p?', view), '/p?a=1&b=2')
})

test('an empty value adds nothing, and so does one whose condition does not hold', () => {
  const when = { kind: 'test', variable: 'query:x', operator: 'equal', value: null } as const
  const { addTo } = compileQueryArguments([mapped, { ...constant, when }])
  assert.equal(addTo('/p', makeView({})), '/p?a=1')
  assert.equal(addTo('/p?x', makeView({ query: 'x' })), '/p?x')
  assert.equal(addTo('/p?x=', makeView({ query: 'x=' })), '/p?x=')
})

test('no value ends its argument, begins another one or leaves the line', () => {
  const { addTo } = compileQueryArguments([{ ...mapped, name: 'ü&' }])
  const query = 'x=%26admin%3D1%0d%0a%00%23+%2B%E2%82%AC~'
  assert.equal(addTo('/p', makeView({ query })), '/p?%C3%BC%26=%26admin%3D1%0D%0A%00%23%20%2B%E2%82%AC~')
})

test('a rewrite of the path adds them to the target that it makes', () => {
  const compiled = compileRequestFilter(
    {
      kind: 'rewriteRequest',
      origin: ORIGIN,
      when: null,
      path: { kind: 'prefix', cut: 2, replacement: ['/b'], query: 'c=1' },
      arguments: [constant],
      method: null,
      host: null,
      headers: null,
    },
    { consumers: new Consumers(), upstream: (id) => ({ id, isOut: false }) },
  )
  const target = compiled.target?.(makeView({ path: '/a/x', query: 'y=2' }), { captures: null })
  assert.equal(target, '/b/x?a=1&c=1&y=2')
})
