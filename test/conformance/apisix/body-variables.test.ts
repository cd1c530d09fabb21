// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { clear, type Json, openStage, type SendOptions, type Stage } from './stage.ts'

/** Variables of the body (spec/apisix.md 8) in every place that may use one: filters of plugins, templates, conditions on the answer. */

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())
beforeEach(() => clear(stage))

const serve = (plugins: Json) => stage.put('/routes/1', { uri: '/*', plugins, upstream: stage.upstream('a') })

const post = (body: string, type = 'application/json'): SendOptions => ({
  method: 'POST',
  headers: ['Host: t', `Content-Type: ${type}`],
  body,
})
const form = (body: string) => post(body, 'application/x-www-form-urlencoded')

test('a filter of proxy-rewrite, redirect and traffic-split', async () => {
  const _meta = { filter: [['post_arg.k', '==', 'v']] }
  await serve({ 'proxy-rewrite': { uri: '/hit', headers: { add: { 'X-A': '1' } }, _meta } })
  for (const [body, target] of [
    ['{"k":"v"}', '/hit'],
    ['{"k":"w"}', '/x'],
    ['', '/x'],
  ] as const) {
    assert.equal((await stage.send('/x', post(body))).status, 200)
    assert.deepEqual([stage.last().target, stage.last().body], [target, body])
    assert.equal(stage.last().field('x-a'), target === '/hit' ? '1' : undefined)
  }
  await serve({ redirect: { uri: '/to', _meta } })
  assert.equal((await stage.send('/x', post('{"k":"v"}'))).status, 302)
  assert.equal((await stage.send('/x', post('{"k":"w"}'))).status, 200)
  const weighted_upstreams = [{ upstream: stage.upstream('b') }]
  await serve({ 'traffic-split': { rules: [{ weighted_upstreams }], _meta } })
  assert.equal((await stage.send('/x', post('{"k":"v"}'))).body, 'b')
  assert.equal((await stage.send('/x', post('{"k":"w"}'))).body, 'a')
})

test('templates of proxy-rewrite and redirect', async () => {
  await serve({
    'proxy-rewrite': {
      uri: '/p/$post_arg_name',
      headers: { set: { 'X-B': '${post_arg.a.b ?? none}', 'X-G': '$graphql_name' } },
    },
  })
  await stage.send('/x', form('name=n%20m&q=1'))
  assert.deepEqual([stage.last().target, stage.last().field('x-b')], ['/p/n%20m', 'none'])
  await stage.send('/x', post('{"a":{"b":"deep"},"query":"query q { f }"}'))
  assert.deepEqual(
    [stage.last().target, stage.last().field('x-b'), stage.last().field('x-g')],
    ['/p/', 'deep', 'q'],
  )
  await serve({ redirect: { uri: '/to/$post_arg_k' } })
  assert.equal((await stage.send('/x', form('k=1'))).field('location'), '/to/1')
  assert.equal((await stage.send('/x')).field('location'), '/to/')
})

test('vars and templates of response-rewrite, though the answer comes after the body went on', async () => {
  await serve({
    'response-rewrite': {
      body: 'new',
      vars: [
        ['post_arg.k', '==', 'v'],
        ['status', '==', 200],
      ],
    },
  })
  assert.equal((await stage.send('/x', post('{"k":"v"}'))).body, 'new')
  assert.equal(stage.last().body, '{"k":"v"}')
  assert.equal((await stage.send('/x', post('{"k":"w"}'))).body, 'a')
  assert.equal((await stage.send('/x')).body, 'a')
  await serve({ 'response-rewrite': { headers: { set: { 'X-K': '$post_arg_k' } } } })
  assert.equal((await stage.send('/x', form('k=1'))).field('x-k'), '1')
  assert.equal((await stage.send('/x')).field('x-k'), undefined)
})

test('edits made before the body was read are made once', async () => {
  await serve({
    'proxy-rewrite': { uri: '/once', headers: { add: { 'X-A': 'added' } } },
    'traffic-split': {
      rules: [{ match: [{ vars: [['post_arg.k', '==', 'v']] }], weighted_upstreams: [{ weight: 1 }] }],
    },
  })
  await stage.send('/x?y', post('{"k":"v"}'))
  assert.equal(stage.last().target, '/once?y')
  assert.equal(stage.last().field('x-a'), 'added')
})
