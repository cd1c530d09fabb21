import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callHttp } from '../../test/support/gateway.ts'
import { connectRaw } from '../../test/support/raw-client.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { startStatusServer } from './status-server.ts'
import { FakeControl } from './testing.ts'

async function start(t: TestContext) {
  const control = new FakeControl()
  const server = await startStatusServer({ listen: '127.0.0.1:0', control, log: () => {} })
  t.after(() => server.close())
  const port = Number(server.address.split(':')[1])
  const get = (path: string, method = 'GET') => callHttp({ port, method, path })
  return { control, server, port, get }
}

test('answers probes and scrapers without a key', async (t) => {
  const { control, get } = await start(t)
  assert.equal((await get('/livez')).text, 'ok\n')
  assert.equal((await get('/healthz')).status, 404)
  assert.equal((await get('/readyz')).status, 200)
  assert.equal((await get('/metrics')).text, 'headgate_workers 1\n')
  control.isReady = false
  assert.equal((await get('/readyz')).text, 'not ready\n')
  const verbose = await get('/readyz?verbose')
  assert.equal(verbose.status, 503)
  assert.equal(verbose.text, 'not ready\n- worker 1 lags\n')
  assert.equal((await get('/livez')).status, 200)
})

test('has nothing else', async (t) => {
  const { get } = await start(t)
  const paths = [
    '/',
    '/apisix/admin/routes',
    '/headgate/v1/status',
    '/metrics/',
    '/livez/x',
    '/METRICS',
    '//livez',
    '/%2flivez',
  ]
  for (const path of paths) assert.equal((await get(path)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await get('/livez', method)).status, 405)
  const head = await get('/metrics', 'HEAD')
  assert.equal(head.status, 200)
  assert.equal(head.text, '')
})

test('an error while answering costs one 500 and no connection', async (t) => {
  const { control, port } = await start(t)
  const client = await connectRaw(port)
  t.after(() => client.close())
  control.metrics = () => {
    throw new Error('broken at /some/file.ts')
  }
  const answer = await client.exchange('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal(answer.status, 500)
  assert.equal(answer.body, '')
  assert.equal((await client.exchange('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')).status, 200)
})

test('a port in use is one clear error, and close does not wait for idle connections', async (t) => {
  const { server, port } = await start(t)
  const again = startStatusServer({ listen: server.address, control: new FakeControl(), log: () => {} })
  await assert.rejects(again, (error) => error instanceof GatewayError && error.code === 'PORT_IN_USE')
  const idle = await connectRaw(port)
  t.after(() => idle.close())
  await idle.exchange('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await server.close()
  await idle.expectClosed()
})
