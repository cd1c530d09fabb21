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
