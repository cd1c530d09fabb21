import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { JsonObject } from '../../model/json.ts'
import { native } from './index.ts'
import { document } from './testing/translate.ts'

const route = parse(`
id: shop
rules:
  - when: { header: x-env, equals: test }
    split:
      - { upstream: blue, weight: 3 }
      - { upstream: { name: Green, endpoints: ["127.0.0.1:1981"] } }
      - { respond: 503, weight: 0, name: closed }
  - when: { query: a, exists: true }
    upstream: blue
split:
  - { upstream: { endpoints: [{ address: "127.0.0.1:1982" }] } }
  - { redirect: /x }
`) as JsonObject

test('every place that names an upstream is a reference', () => {
  assert.deepEqual(
    native.references('routes', route).map(({ path, kind, id }) => `${path} ${kind}/${id}`),
    ['rules[0].split[0].upstream upstreams/blue', 'rules[1].upstream upstreams/blue'],
  )
  assert.deepEqual(native.references('upstreams', { upstream: 'x' }), [])
  assert.deepEqual(native.references('routes', { rules: [null, 5], split: 'x', upstream: 1 }), [])
})

test('splits are found with the names that their targets may be called by', () => {
  const blue = document('upstreams', 'blue', { id: 'blue', name: 'Blue', endpoints: [] })
  const splits = native.splits(document('routes', 'shop', route), (_kind, id) =>
    id === 'blue' ? blue : undefined,
  )
  assert.deepEqual(splits, [
    {
      path: 'rules[0].split',
      condition: { header: 'x-env', equals: 'test' },
      targets: [
        { path: 'rules[0].split[0]', names: ['Blue', 'blue'], weight: 3 },
        { path: 'rules[0].split[1]', names: ['Green', '127.0.0.1:1981'], weight: 1 },
        { path: 'rules[0].split[2]', names: ['closed', 'respond'], weight: 0 },
      ],
    },
    {
      path: 'split',
      condition: null,
      targets: [
        { path: 'split[0]', names: ['127.0.0.1:1982'], weight: 1 },
        { path: 'split[1]', names: ['redirect'], weight: 1 },
      ],
    },
  ])
})

test('the id is put in front where none stands, and nothing else is touched', () => {
  assert.deepEqual(Object.keys(native.prepare('routes', 'a', { respond: 200 }, undefined, 0)), [
    'id',
    'respond',
  ])
  assert.equal(native.prepare('routes', 'shop', route, undefined, 0), route)
  assert.equal(native.idOf('routes', route), 'shop')
  assert.equal(native.idOf('routes', { id: 5 }), null)
  assert.equal(native.editable('routes', route), route)
})

test('two versions that differ in written defaults alone are the same', () => {
  const short = { id: 'u', endpoints: ['10.0.0.1:80', { address: '10.0.0.2:80' }], pool: { size: 5 } }
  const long = parse(`
id: u
scheme: http
balance: roundRobin
sendHost: client
endpoints: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 1, priority: 0 }]
pool: { size: 5, idle: 60s, requests: 1000 }
`) as JsonObject
  assert.deepEqual(native.normalize('upstreams', short), native.normalize('upstreams', long))
  assert.notDeepEqual(
    native.normalize('upstreams', short),
    native.normalize('upstreams', { ...long, scheme: 'https' }),
  )
  assert.deepEqual(native.normalize('routes', { split: [{ upstream: 'u' }] }), {
    split: [{ upstream: 'u', weight: 1 }],
    priority: 0,
    rulesSee: 'original',
  })
  const odd = { rules: 5, split: [null], when: 'x' }
  assert.deepEqual(native.normalize('routes', odd), { ...odd, priority: 0, rulesSee: 'original' })
})

test('a document is told in a few words', () => {
  const say = (kind: string, text: string): string =>
    native.summarize?.(kind, parse(text) as JsonObject) ?? ''
  assert.equal(native.summarize?.('routes', route), '* to 2 rules, 127.0.0.1:1982|redirect')
  assert.equal(
    say('routes', '{methods: [GET, POST], hosts: [a.com, b.com], paths: [/x/*], when: {}, upstream: blue}'),
    'GET|POST a.com (+1)/x/* if … to blue',
  )
  assert.equal(
    say('routes', '{paths: [{prefix: /a}, {exact: /b}], respond: {status: 403}}'),
    '/a* (+1) to 403',
  )
  assert.equal(say('upstreams', '{endpoints: ["a:1", {address: "b:2"}, "c:3"]}'), 'a:1 (+2)')
  assert.equal(say('upstreams', '{endpoints: 5}'), '')
})
