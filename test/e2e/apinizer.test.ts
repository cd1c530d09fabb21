import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { GrpcClient, startGrpcServer } from '../support/grpc-server.ts'
import { findFreePorts } from '../support/tools.ts'
import { accept, KEY, openUpgrade, readBytes, startUpgradeEcho } from '../support/upgrades.ts'

/** The scenario of the page "Routing and Upstream" (seed 004): its diagram, path rewriting, and a target of each of its four URL forms. */

type Value = Record<string, unknown>

async function startBackends(t: TestContext, count: number): Promise<Backend[]> {
  const started = await Promise.all(Array.from({ length: count }, () => startBackend()))
  t.after(() => Promise.all(started.map((backend) => backend.close())))
  return started
}

/** A gateway with these proxies in a file. */
async function start(t: TestContext, body: Value, flags: readonly string[] = []): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'proxies.yaml')
  writeFileSync(file, toYaml({ apinizer: body } as never))
  const gateway = await startGateway(['--workers', '2', '--config', file, ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

const proxy = (
  name: string,
  path: string,
  addresses: readonly (string | Value)[],
  routing: Value = {},
  more: Value = {},
): Value => ({
  apiProxyName: name,
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: [path] },
  routingInfo: {
    routingAddressList: addresses.map((address) => (typeof address === 'string' ? { address } : address)),
    ...routing,
  },
  ...more,
})

const get = (gateway: GatewayProcess, path: string, headers: Readonly<Record<string, string>> = {}) =>
  callHttp({ port: gateway.port, method: 'GET', path, headers })

test('the diagram: requests are balanced, and answers come back', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await start(t, {
    proxies: [proxy('products', '/api/products/*', [`http://${one.node}/api`, `http://${two.node}/api`])],
  })
  const answers: string[] = []
  for (let i = 0; i < 10; i++) {
    const answer = await get(gateway, `/api/products/${i}?full=1`)
    assert.equal(answer.status, 200, answer.text)
    answers.push(answer.text.trim())
  }
  const order = [`backend ${one.port}`, `backend ${two.port}`]
  assert.deepEqual(
    answers,
    answers.map((_, i) => order[i % 2]),
  )
  assert.equal(one.requests[0]?.target, '/api/0?full=1')
  assert.equal(two.requests[0]?.target, '/api/1?full=1')
})

test('the diagram: Backend 1 times out and then errs, the client gets the answer of Backend 2', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await start(t, {
    proxies: [
      proxy('products', '/api/products', [`http://${one.node}`, `http://${two.node}`], { readTimeout: 1 }),
    ],
  })
  const ask = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      const answer = await get(gateway, '/api/products/1')
      assert.deepEqual([answer.status, answer.text], [200, `backend ${two.port}\n`])
    }
  }
  one.answer = () => null
  await ask()
  assert.equal(one.requests.length, 1)
  one.answer = () => answerText('broken', { status: '503 Service Unavailable' })
  await ask()
  assert.equal(one.requests.length, 2)
  await one.close()
  await ask()
  assert.equal(two.requests.length, 6)
})

test('without failover, written out, the error goes to the client', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  one.answer = () => answerText('broken', { status: '503 Service Unavailable' })
  const gateway = await start(t, {
    proxies: [
      proxy('strict', '/strict', [`http://${one.node}`, `http://${two.node}`], { failoverRetryCount: 0 }),
      proxy('shown', '/shown', [`http://${one.node}`], { ignoreRoutingError: true }),
    ],
  })
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await get(gateway, '/strict')).status)
  assert.deepEqual(statuses.toSorted(), [200, 200, 503, 503])
  const shown = await get(gateway, '/shown')
  assert.deepEqual([shown.status, shown.text], [503, 'broken'])
  const replaced = (await Promise.all([get(gateway, '/strict'), get(gateway, '/strict')])).find(
    ({ status }) => status === 503,
  )
  assert.match(replaced?.text ?? '', /ERR-070/)
})

test('path rewriting: a prefix removed, a version changed, a path simplified', async (t) => {
  const [backend] = (await startBackends(t, 1)) as [Backend]
  const to = (pathRewrite: string): Value => ({ address: `http://${backend.node}/ignored`, pathRewrite })
  const gateway = await start(t, {
    proxies: [
      proxy('prefix', '/api/v1', [to('/{rest}')]),
      proxy('version', '/v1', [to('/v2/{rest}')]),
      proxy('simple', '/shop/products/{id}', [to('/products/{id}')]),
      proxy('plain', '/service', [`http://${backend.node}/inner`]),
    ],
  })
  const cases = [
    ['/api/v1/products?a=1&b=2', '/products?a=1&b=2'],
    ['/v1/orders/7', '/v2/orders/7'],
    ['/shop/products/42', '/products/42'],
    ['/shop/products/a%20b', '/products/a%20b'],
    ['/service/users', '/inner/users'],
    ['/service', '/inner/'],
  ] as const
  for (const [path, sent] of cases) {
    const answer = await get(gateway, path)
    assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    assert.equal(backend.requests.at(-1)?.target, sent, path)
  }
})

test('one target of each of the four URL forms', async (t) => {
  const plain = await startBackend()
  t.after(() => plain.close())
  const pair = makeCertificate(t, ['localhost'], { isAuthority: true })
  const secure = createServer({ cert: pair.cert, key: pair.key }, (request, response) =>
    response.end(`secure ${request.url}`),
  )
  secure.on('upgrade', (request, stream) =>
    stream.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(KEY)}\r\n\r\nsecure ${request.url}`,
    ),
  )
  secure.listen(0, '127.0.0.1')
  await once(secure, 'listening')
  t.after(() => secure.close())
  const calls = await startGrpcServer(t, 'echo')
  const socket = await startUpgradeEcho(t, {
    answer: (head) =>
      /\r\nupgrade: /i.test(head)
        ? null
        : answerText(`plain ${head.split(' ')[1]}`, { headers: ['Connection: close'] }),
  })
  const [dead] = await findFreePorts(1)
  const gateway = await start(t, {
    trust_stores: [{ name: 'own', ca: pair.cert }],
    proxies: [
      proxy('http', '/http', [`http://${plain.node}`]),
      proxy(
        'https',
        '/https',
        [`https://localhost:${(secure.address() as AddressInfo).port}/v1`],
        {},
        {
          mtls: { trustStoreId: 'own' },
        },
      ),
      proxy('untrusted', '/untrusted', [`https://localhost:${(secure.address() as AddressInfo).port}`]),
      proxy('grpc', '/echo.Echo', [`grpc://127.0.0.1:${dead}`, `127.0.0.1:${calls.port}`]),
      proxy('nobody', '/nobody.Service', [{ address: `grpc://127.0.0.1:${calls.port}`, enabled: false }]),
      proxy('ws', '/rooms/*', [`ws://127.0.0.1:${dead}`, `ws://${socket.node}/ws/chat`]),
      proxy('both', '/api/websocket/*', [`http://${socket.node}/ws/chat`]),
    ],
  })
  assert.equal((await get(gateway, '/http/a')).text, `backend ${plain.port}\n`)
  assert.equal((await get(gateway, '/https/a?b=c')).text, 'secure /v1/a?b=c')
  const untrusted = await get(gateway, '/untrusted')
  assert.deepEqual([untrusted.status, /ERR-114/.test(untrusted.text)], [500, true])
  const client = new GrpcClient(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure())
  t.after(() => client.close())
  const reply = await new Promise<string>((resolve, reject) =>
    (
      client.unary as unknown as (
        message: Buffer,
        done: (error: Error | null, answer: Buffer) => void,
      ) => void
    ).call(client, Buffer.from('hello'), (error, answer) =>
      error === null ? resolve(String(answer)) : reject(error),
    ),
  )
  assert.equal(reply, 'echo:hello')
  const statusOf = (path: string): Promise<number> =>
    new Promise((resolve) =>
      client.makeUnaryRequest(
        path,
        (value: Buffer) => value,
        (value: Buffer) => value,
        Buffer.alloc(0),
        (error) => resolve(error?.code ?? 0),
      ),
    )
  assert.equal(await statusOf('/nobody.Service/Get'), grpc.status.UNAVAILABLE)
  assert.equal(await statusOf('/unknown.Service/Get'), grpc.status.UNIMPLEMENTED)
  const tunnel = await openUpgrade(gateway.port, [], 'ping', '/rooms/7?user=john')
  t.after(() => tunnel.socket.destroy())
  assert.match(tunnel.head, /^HTTP\/1.1 101 /)
  assert.match(socket.heads[0] as string, /^GET \/ws\/chat\/7\?user=john HTTP\/1.1\r\n/)
  assert.equal((await readBytes(tunnel.socket, 4, tunnel.rest)).toString(), 'ping')
  // one proxy for both: requests, and the handshake of the vendor's example with its subprotocols
  assert.equal((await get(gateway, '/api/websocket/negotiate')).text, 'plain /ws/chat/negotiate')
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  const both = await openUpgrade(
    gateway.port,
    [...lines, `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Protocol: chat, superchat'],
    'both',
    '/api/websocket/rooms/123?user=john',
  )
  t.after(() => both.socket.destroy())
  assert.match(socket.heads.at(-1) as string, /^GET \/ws\/chat\/rooms\/123\?user=john HTTP\/1.1\r\n/)
  assert.match(socket.heads.at(-1) as string, /\r\nSec-WebSocket-Protocol: chat, superchat\r\n/)
  assert.equal((await readBytes(both.socket, 4, both.rest)).toString(), 'both')
  const overTls = await openUpgrade(gateway.port, [], '', '/https/live?x=1')
  t.after(() => overTls.socket.destroy())
  assert.equal((await readBytes(overTls.socket, 19, overTls.rest)).toString(), 'secure /v1/live?x=1')
})

test('what matches no proxy, no endpoint or no address', async (t) => {
  const [backend] = (await startBackends(t, 1)) as [Backend]
  const [closed] = (await findFreePorts(1)) as [number]
  const gateway = await start(t, {
    proxies: [
      proxy('off', '/off', [{ address: `http://${backend.node}`, enabled: false }]),
      proxy('empty', '/empty', []),
      proxy('refused', '/refused', [`http://127.0.0.1:${closed}`]),
      {
        ...proxy('books', '/books', [`http://${backend.node}/library`]),
        apiProxyCreationType: 'EMPTY_API',
        endpoints: [
          { name: '/all', httpMethod: 'GET', backendResourceUrl: '/list', backendHttpMethod: 'POST' },
          { name: '/{id}', httpMethod: 'GET', backendResourceUrl: '/item/{id}', backendHttpMethod: 'GET' },
          { name: '/old/list', httpMethod: 'GET', backendResourceUrl: '/old', enabled: false },
        ],
      },
    ],
  })
  const expect = async (path: string, status: number, code: RegExp): Promise<void> => {
    const answer = await get(gateway, path)
    assert.equal(answer.status, status, `${path}: ${answer.text}`)
    assert.match(answer.text, code, path)
  }
  await expect('/nothing', 404, /ERR-002/)
  await expect('/books/a/b', 404, /ERR-006/)
  await expect('/books/old/list', 404, /ERR-006/)
  const posted = await callHttp({ port: gateway.port, method: 'POST', path: '/books/all' })
  assert.deepEqual([posted.status, /ERR-006/.test(posted.text)], [404, true])
  await expect('/off', 404, /ERR-003/)
  await expect('/empty', 404, /ERR-003/)
  await expect('/refused', 503, /ERR-069/)
  assert.equal((await get(gateway, '/books/all')).status, 200)
  assert.deepEqual(
    [backend.requests.at(-1)?.method, backend.requests.at(-1)?.target],
    ['POST', '/library/list'],
  )
  assert.equal((await get(gateway, '/books/9')).status, 200)
  assert.equal(backend.requests.at(-1)?.target, '/library/item/9')
})
