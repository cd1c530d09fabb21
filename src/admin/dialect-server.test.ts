import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildDialectApp, type DialectServerOptions, startDialectServer } from './dialect-server.ts'
import { ADMIN_KEY, fakeOptions, VIEWER_KEY } from './testing.ts'

type Given = ReturnType<typeof fakeOptions> & DialectServerOptions

function optionsFor(listen: string, settings: Parameters<typeof fakeOptions>[0] = {}): Given {
  const options = fakeOptions(settings)
  return { ...options, rest: Object.assign(options.rest, { prefix: '/', acceptsBearer: true }), listen }
}

test('on loopback no key is asked for, at whatever path', async () => {
  const options = optionsFor('127.0.0.1:0')
  const app = await buildDialectApp(options)
  for (const url of ['/', '/meshes', '/meshes/a/b/c?tag=a&tag=b'])
    assert.equal((await app.inject({ url })).statusCode, 200)
  const call = options.rest.calls.at(-1)
  assert.equal(call?.path, '/meshes/a/b/c')
  assert.equal(call?.search, 'tag=a&tag=b')
  assert.equal((await app.inject({ method: 'PUT', url: '/meshes/a', payload: '{}' })).statusCode, 200)
  assert.equal(options.rest.calls.at(-1)?.author, 'local')
  assert.match(options.lines.at(-1) ?? '', /"key_id":"local".*"path":"\/meshes\/a"/)
  await app.close()
})

test('on loopback a browser reads for every page and writes for none, and only under a name of the machine', async () => {
  const options = optionsFor('127.0.0.1:0')
  const app = await buildDialectApp(options)
  const origin = 'http://page.test'
  const read = await app.inject({ url: '/meshes', headers: { origin } })
  assert.equal(read.headers['access-control-allow-origin'], origin)
  assert.equal(read.headers['access-control-allow-credentials'], undefined)
  assert.equal(read.headers.vary, 'Origin')
  const asked = await app.inject({ method: 'OPTIONS', url: '/meshes', headers: { origin } })
  assert.equal(asked.headers['access-control-allow-methods'], 'GET, OPTIONS')
  const before = options.rest.calls.length
  const written = await app.inject({ method: 'PUT', url: '/meshes/a', headers: { origin } })
  assert.equal(written.statusCode, 403)
  assert.deepEqual(options.rest.refusals.at(-1), { kind: 'badOrigin' })
  assert.equal((await app.inject({ url: '/meshes', headers: { host: 'evil.test' } })).statusCode, 403)
  assert.equal(options.rest.calls.length, before)
  await app.close()
})

test('where origins are configured, they alone read and write', async () => {
  const app = await buildDialectApp(optionsFor('127.0.0.1:0', { cors: ['http://console.test'] }))
  const call = (method: 'GET' | 'PUT' | 'OPTIONS', origin: string) =>
    app.inject({ method, url: '/meshes/a', headers: { origin } })
  assert.equal((await call('PUT', 'http://console.test')).statusCode, 200)
  const asked = await call('OPTIONS', 'http://console.test')
  assert.match(String(asked.headers['access-control-allow-methods']), /PUT/)
  assert.equal(asked.headers['access-control-allow-credentials'], 'true')
  assert.equal((await call('GET', 'http://page.test')).headers['access-control-allow-origin'], undefined)
  await app.close()
})

test('elsewhere a key of the Admin API is asked for, from whatever address and by whatever name', async () => {
  const options = optionsFor('0.0.0.0:0', { allow: ['10.0.0.1/32'] })
  const app = await buildDialectApp(options)
  const call = (method: 'GET' | 'PUT', headers: Readonly<Record<string, string>>) =>
    app.inject({ method, url: '/meshes/a', headers: { host: 'cp.test:5681', ...headers } })
  assert.equal((await call('GET', {})).statusCode, 401)
  assert.equal((await call('GET', { 'x-api-key': 'wrong' })).statusCode, 401)
  assert.equal((await call('PUT', { 'x-api-key': VIEWER_KEY })).statusCode, 401)
  assert.equal(options.rest.calls.length, 0)
  assert.equal((await call('GET', { 'x-api-key': VIEWER_KEY })).statusCode, 200)
  assert.equal((await call('PUT', { 'x-api-key': ADMIN_KEY })).statusCode, 200)
  assert.equal((await call('PUT', { authorization: `Bearer ${ADMIN_KEY}` })).statusCode, 200)
  await app.close()
})

test('a listener beyond loopback does not open without keys', async () => {
  await assert.rejects(buildDialectApp({ ...optionsFor('0.0.0.0:0'), keys: null }), /needs keys/)
})

test('writes are refused where documents come from files, with the reason', async () => {
  const options = optionsFor('127.0.0.1:0')
  const app = await buildDialectApp({ ...options, readOnly: () => 'edit mesh.yaml' })
  assert.equal((await app.inject({ method: 'DELETE', url: '/meshes/a' })).statusCode, 409)
  assert.deepEqual(options.rest.refusals, [{ kind: 'readOnly', reason: 'edit mesh.yaml' }])
  assert.equal((await app.inject({ url: '/meshes/a' })).statusCode, 200)
  await app.close()
})

test('it answers on its own port, and a port in use is told', async () => {
  const server = await startDialectServer(optionsFor('127.0.0.1:0'))
  try {
    assert.equal((await fetch(`http://${server.address}/meshes`)).status, 200)
    await assert.rejects(startDialectServer(optionsFor(server.address)), /PORT_IN_USE|another program/)
  } finally {
    await server.close()
  }
})
