import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { PROXY_PREFIX } from '../model/proxy-link.ts'
import { readToken, signToken } from './dataplane-tokens.ts'
import { MeshControl } from './mesh-control.ts'
import { MeshHandler } from './mesh-handler.ts'
import { FakeDocuments, kuma, MESH, proxyValue, SETTINGS } from './testing.ts'

const KEY = Buffer.alloc(32, 7)
const SITE = `${PROXY_PREFIX}/default/site-1`

async function setUp(t: TestContext, isPrivate: boolean) {
  const documents = new FakeDocuments([MESH])
  const log = () => {}
  const control = new MeshControl({ dialect: kuma, settings: SETTINGS, documents, stored: [MESH], log })
  const handler = new MeshHandler({ control, tokenKey: KEY, log, isPrivate })
  const server = createServer((request, response) => void handler.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    control.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const call = (method: string, path: string, body?: unknown, token?: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      headers: token === undefined ? {} : { authorization: token },
    })
  const hello = (name = 'site-1') => ({ instance: 'one', dataplane: proxyValue(name, 'site') })
  return { call, hello, documents }
}

const bearer = (name: string, tags: Record<string, string[]> = {}, key = KEY) =>
  `Bearer ${signToken(key, { mesh: 'default', name, tags }, 60_000, Date.now())}`

test('beyond loopback a proxy shows a token: 401 without a good one, 403 with one for another proxy', async (t) => {
  const { call, hello, documents } = await setUp(t, false)
  const stream = async (token?: string) => {
    const answer = await call('POST', `${SITE}/stream`, hello(), token)
    return [answer.status, ((await answer.json()) as { detail: string }).detail] as const
  }
  const refusals: [string | undefined, number, RegExp][] = [
    [undefined, 401, /needs a token: headgate generate dataplane-token/],
    ['Basic abc', 401, /must be Bearer/],
    ['Bearer abc', 401, /no JSON Web Token/],
    [bearer('site-1', {}, Buffer.alloc(32, 8)), 401, /not signed by this control plane/],
    [bearer('site-2'), 403, /for the proxy site-2/],
    [bearer('site-1', { 'kuma.io/service': ['cart'] }), 403, /has site/],
  ]
  for (const [token, status, reason] of refusals) {
    const answer = await stream(token)
    assert.equal(answer[0], status)
    assert.match(answer[1], reason)
  }
  assert.equal(documents.valueOf('default:site-1'), undefined)
  const good = await call('POST', `${SITE}/stream`, hello(), bearer('site-1'))
  assert.equal(good.status, 200)
  assert.equal(good.headers.get('content-type'), 'application/x-ndjson')
  // who has no token for this proxy says nothing in its name either
  const report = { instance: 'one', revision: 1 }
  assert.equal((await call('PUT', `${SITE}/status`, report, bearer('site-2'))).status, 403)
  assert.equal((await call('DELETE', `${SITE}?instance=one`, undefined, bearer('site-2'))).status, 403)
  assert.equal((await call('PUT', `${SITE}/status`, report, bearer('site-1'))).status, 204)
  assert.equal((await call('DELETE', `${SITE}?instance=one`, undefined, bearer('site-1'))).status, 204)
  assert.equal(documents.valueOf('default:site-1'), undefined)
})

test('on loopback no token is needed, but one that is shown must be good', async (t) => {
  const { call, hello } = await setUp(t, true)
  const refused = await call('POST', `${SITE}/stream`, hello(), 'Bearer abc')
  assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer'])
  const { detail, ...failure } = (await refused.json()) as Record<string, unknown>
  assert.deepEqual(failure, { type: '/std-errors', status: 401, title: 'Unauthorized', details: detail })
  assert.equal((await call('POST', `${SITE}/stream`, hello())).status, 200)
})

test('refuses calls that are none, each with its status', async (t) => {
  const { call, hello } = await setUp(t, true)
  const calls: [string, string, unknown, number][] = [
    ['POST', `${SITE}/stream`, 'no json', 400],
    ['POST', `${SITE}/stream`, '[]', 400],
    ['POST', `${SITE}/stream`, { instance: 'a b' }, 400],
    ['POST', `${SITE}/stream`, { instance: 'a', dataplane: 7 }, 400],
    ['POST', `${SITE}/stream`, { instance: 'a' }, 404],
    ['POST', `${SITE}/stream`, hello('site-2'), 400],
    ['POST', `${SITE}/stream`, ' '.repeat(1_048_577), 413],
    ['PUT', `${SITE}/stream`, {}, 405],
    ['PUT', `${SITE}/status`, {}, 400],
    ['PUT', `${SITE}/status`, { instance: 'a', revision: 1 }, 404],
    ['DELETE', `${SITE}?instance=a`, undefined, 404],
    ['POST', `${SITE}/other`, {}, 404],
    ['POST', `${PROXY_PREFIX}/default`, {}, 404],
    ['POST', `${PROXY_PREFIX}/default/%zz/stream`, {}, 400],
  ]
  for (const [method, path, body, status] of calls) {
    const answer = await call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)?.slice(0, 60)}`)
    assert.equal(((await answer.json()) as { status: number }).status, status)
  }
})

test('makes tokens that are good here', async (t) => {
  const { call } = await setUp(t, true)
  const made = await call('POST', '/tokens/dataplane', { name: 'site-1', mesh: 'default', validFor: '1h' })
  assert.equal(made.headers.get('content-type'), 'text/plain')
  assert.deepEqual(readToken(KEY, await made.text(), Date.now()), {
    name: 'site-1',
    mesh: 'default',
    tags: {},
  })
  const refused = await call('POST', '/tokens/dataplane', { tags: { a: 1 } })
  assert.equal(refused.status, 400)
  const { invalid_parameters: faults } = (await refused.json()) as { invalid_parameters: { field: string }[] }
  assert.deepEqual(
    faults.map(({ field }) => field),
    ['validFor', 'tags["a"]'],
  )
  assert.equal((await call('GET', '/tokens/dataplane')).status, 405)
})
