// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of documents are written like that
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, openStage, type Stage } from './stage.ts'

/** spec/apisix.md 3.3: the router modes besides the default one. */

async function routes(stage: Stage, set: Readonly<Record<string, Json>>): Promise<void> {
  for (const [letter, conditions] of Object.entries(set)) {
    await stage.put(`/routes/${letter}`, { ...conditions, upstream: stage.upstream(letter) })
  }
}

async function expectAll(stage: Stage, table: Readonly<Record<string, string>>): Promise<void> {
  for (const [written, expected] of Object.entries(table)) {
    const [target = '', host = 't'] = written.split(' @')
    const answer = await stage.send(target, { headers: [`Host: ${host}`] })
    assert.equal(answer.status === 200 ? answer.body : String(answer.status), expected, written)
  }
}

async function clearRoutes(stage: Stage): Promise<void> {
  await stage.remove('/routes/a', '/routes/b', '/routes/c', '/routes/d')
}

test('radixtree_uri: the path comes first and the host is only a condition', async (t) => {
  const stage = await openStage({ apisix: { router: 'radixtree_uri' } })
  t.after(() => stage.close())
  await routes(stage, {
    a: { uri: '/*', host: 't.com' },
    b: { uri: '/x' },
    c: { uri: '/s/*', hosts: ['*.foo.com', 'bar.com'] },
    d: { uri: '/s/exact', host: 'bar.com', methods: ['GET'] },
  })
  await expectAll(stage, {
    '/x @t.com': 'b',
    '/y @t.com': 'a',
    '/y @u.com': '404',
    '/s/1 @a.foo.com': 'c',
    '/s/1 @foo.com': '404',
    '/s/exact @bar.com:80': 'd',
    '/s/exact @x.foo.com': 'c',
  })
  await clearRoutes(stage)
  await routes(stage, {
    a: { uri: '/p', host: 'foo.com:1980' },
    b: { uri: '/p', host: 'foo.com' },
    c: { uri: '/q', priority: 1 },
    d: { uri: '/q', priority: 2, host: 'h.com' },
  })
  await expectAll(stage, {
    '/p @foo.com:1980': 'a',
    '/p @foo.com': 'b',
    '/p @foo.com:81': 'b',
    '/q @h.com': 'd',
    '/q @i.com': 'c',
  })
})

test('radixtree_uri_with_parameter: segments by name, the rest by name, and their values as variables', async (t) => {
  const stage = await openStage({ apisix: { router: 'radixtree_uri_with_parameter' } })
  t.after(() => stage.close())
  await routes(stage, {
    a: { uri: '/name/:name/foo' },
    b: { uri: '/name/:name/bar', vars: [['uri_param_name', '==', 'json']] },
    c: {
      uri: '/name/:name/:other',
      vars: [
        ['uri_param_name', 'in', ['x', 'y']],
        ['uri_param_other', '~=', 'bar'],
      ],
    },
    d: { uri: '/files/*rest', vars: [['uri_param_rest', '==', 'a/b']] },
  })
  await expectAll(stage, {
    '/name/json/foo': 'a',
    '/name/json/bar': 'b',
    '/name/xml/bar': '404',
    '/name/json2/foo/': '404',
    '/name//foo': '404',
    '/name/a/b/foo': '404',
    '/name/x/zip': 'c',
    '/files/a/b': 'd',
    '/files/a': '404',
  })
  assert.equal(stage.last('d').target, '/files/a/b')
  await clearRoutes(stage)
  await routes(stage, { a: { uri: '/:user' }, b: { uri: '/me' }, c: { uri: '/:user/*' } })
  await expectAll(stage, { '/me': 'b', '/jack': 'a', '/jack/x/y': 'c', '/': '404' })
  await clearRoutes(stage)
  await stage.put('/routes/a', {
    uri: '/user/:id/*tail',
    plugins: { 'proxy-rewrite': { uri: '/u/$uri_param_id' } },
    upstream: stage.upstream('a'),
  })
  await stage.send('/user/7/x%2Fy')
  assert.equal(stage.last().target, '/u/7')
})

test('parameters are decoded, never empty, and a rest may be empty', async (t) => {
  const stage = await openStage({ apisix: { router: 'radixtree_uri_with_parameter' } })
  t.after(() => stage.close())
  await routes(stage, {
    a: { uri: '/p/:x/end', vars: [['uri_param_x', '==', 'a b']] },
    b: { uri: '/files/*rest', vars: [['uri_param_rest', '==', '']] },
    c: { uri: '/blog/:id', methods: ['GET'] },
    d: { uri: '/blog/*' },
  })
  await expectAll(stage, {
    '/p/a%20b/end': 'a',
    '/p/a+b/end': '404',
    '/p//end': '404',
    '/files/': 'b',
    '/files': '404',
    '/blog/7': 'c',
    '/blog/7/x': 'd',
    '/blog/': 'd',
  })
  await clearRoutes(stage)
  await routes(stage, {
    a: { uri: '/a:b/:id' },
    b: { uri: '/x/:one/y/:two' },
    c: { uri: '/x/:one/y/literal' },
  })
  await expectAll(stage, {
    '/a:b/1': 'a',
    '/aqb/1': '404',
    '/x/1/y/2': 'b',
    '/x/1/y/literal': 'c',
    '/x/1/z/2': '404',
  })
})

test('path parameters reach conditions and templates of every plugin, also when the body is read on the way', async (t) => {
  const stage = await openStage({ apisix: { router: 'radixtree_uri_with_parameter' } })
  t.after(() => stage.close())
  const weighted_upstreams = [{ upstream: stage.upstream('b') }]
  await stage.put('/routes/1', {
    uri: '/user/:id/*tail',
    upstream: stage.upstream('a'),
    plugins: {
      'proxy-rewrite': {
        uri: '/u/$uri_param_id/${uri_param_tail}',
        headers: { set: { 'X-Id': '$uri_param_id' } },
      },
      'traffic-split': {
        rules: [
          {
            match: [
              {
                vars: [
                  ['uri_param_id', '==', '7'],
                  ['post_arg_go', '==', '1'],
                ],
              },
            ],
            weighted_upstreams,
          },
        ],
      },
      'response-rewrite': {
        headers: { set: { 'X-Tail': '$uri_param_tail' } },
        vars: [['uri_param_id', '~=', '8']],
      },
    },
  })
  const ask = async (id: string, body: string) => {
    const headers = ['Host: t', 'Content-Type: application/x-www-form-urlencoded']
    const answer = await stage.send(`/user/${id}/a/b`, { method: 'POST', headers, body })
    return [answer.body, answer.field('x-tail')]
  }
  assert.deepEqual(await ask('7', 'go=1'), ['b', 'a/b'])
  assert.equal(stage.last('b').target, '/u/7/a/b')
  assert.equal(stage.last('b').field('x-id'), '7')
  assert.deepEqual(await ask('7', 'go=2'), ['a', 'a/b'])
  assert.deepEqual(await ask('8', 'go=1'), ['a', undefined])
  assert.equal(stage.last().target, '/u/8/a/b')
  await stage.put('/routes/1', {
    uri: '/user/:id/*tail',
    plugins: { redirect: { uri: '/to/$uri_param_id' } },
  })
  assert.equal((await stage.send('/user/9/x')).field('location'), '/to/9')
})
