import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { JsonObject } from '../model/json.ts'
import { createMemoryStore } from '../store/memory.ts'
import { type Gateway, type StartOverrides, startGateway } from './start.ts'

/** The gateway in this process, with real worker threads and sockets, and no control servers. */

interface Logged {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

async function setUp(t: TestContext, workers: number, overrides: StartOverrides = {}) {
  const logged: Logged[] = []
  const backends = await Promise.all(['A', 'B'].map((text) => startBackend(t, text)))
  const gateway = await startGateway(
    { ...DEFAULT_SETTINGS, store: 'memory', listen: ['127.0.0.1:0'], workers },
    {
      env: {},
      obeysFaults: true,
      log: (level, fields, message) =>
        logged.push({ level, fields: fields as Record<string, unknown>, message }),
      ...overrides,
    },
  )
  t.after(() => gateway.close())
  return { gateway, logged, backends }
}

async function startBackend(t: TestContext, text: string): Promise<number> {
  const server = createServer((_request, response) => response.end(text))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const keyOf = (id: string) => ({ dialect: 'apisix', kind: 'routes', id })

function put(gateway: Gateway, id: string, value: JsonObject) {
  const change = { op: 'put' as const, key: keyOf(id), value, expiresAtMs: null, expectedRevision: null }
  return gateway.documents.write([change], { author: 'test', message: null })
}

function canary(uri: string, backends: readonly number[], a: number, b: number): JsonObject {
  return {
    uri,
    plugins: {
      'traffic-split': {
        rules: [
          {
            weighted_upstreams: [
              { upstream: { type: 'roundrobin', nodes: { [`127.0.0.1:${backends[0]}`]: 1 } }, weight: a },
              { weight: b },
            ],
          },
        ],
      },
    },
    upstream: { type: 'roundrobin', nodes: { [`127.0.0.1:${backends[1]}`]: 1 } },
  }
}

/** One request on a connection of its own. */
function get(gateway: Gateway, path: string): Promise<{ status: number; text: string }> {
  const [host, port] = (gateway.addresses.listen[0] ?? '').split(':')
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('latin1').on('data', (part: string) => {
        text += part
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}

/** Polls until it holds; the test's own timeout ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('a write is served by every worker when it is answered, and its split is exact over all of them', async (t) => {
  const { gateway, backends } = await setUp(t, 2)
  assert.equal((await get(gateway, '/x')).status, 404)
  const { revision } = await put(gateway, '1', canary('/x', backends, 3, 2))
  assert.equal(revision, 1)
  let answers = ''
  for (let i = 0; i < 50; i++) answers += (await get(gateway, '/x')).text
  for (let i = 0; i + 5 <= answers.length; i++) {
    assert.equal(answers.slice(i, i + 5).replaceAll('B', '').length, 3, `${answers} at ${i}`)
  }
  for (let i = 0; i < 20; i++) {
    const uri = `/y${i}`
    await put(gateway, 'y', canary(uri, backends, 1, 1))
    assert.equal((await get(gateway, uri)).status, 200)
    assert.equal((await get(gateway, `/y${i - 1}`)).status, 404)
  }
})

test('a write that comes while the gateway starts is answered when its workers serve it', async (t) => {
  const backend = await startBackend(t, 'early')
  const probe = createTcpServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const value = { uri: '/early', upstream: { type: 'roundrobin', nodes: { [`127.0.0.1:${backend}`]: 1 } } }
  const change = {
    op: 'put' as const,
    key: keyOf('early'),
    value,
    expiresAtMs: null,
    expectedRevision: null,
  }
  let answer: Promise<number> = Promise.resolve(0)
  const gateway = await startGateway(
    { ...DEFAULT_SETTINGS, store: 'memory', listen: [`127.0.0.1:${port}`], workers: 2 },
    {
      env: {},
      // the place where the Admin API opens: before there is a worker
      fronts: async ({ documents }) => {
        answer = documents.write([change], { author: 'test', message: null }).then(async () => {
          const served = await fetch(`http://127.0.0.1:${port}/early`, { headers: { connection: 'close' } })
          return served.status
        })
        return { admin: null, status: null, apis: [], close: async () => {} }
      },
    },
  )
  t.after(() => gateway.close())
  assert.equal(await answer, 200)
})

test('a worker that dies, throws or hangs is replaced, and the new one serves what the old one did', async (t) => {
  const { gateway, backends, logged } = await setUp(t, 2)
  await put(gateway, '1', canary('/x', backends, 1, 1))
  await get(gateway, '/x')
  for (const [i, kind] of (['exit', 'throw', 'wedge'] as const).entries()) {
    gateway.injectFault(i % 2, kind)
    await until(() => gateway.status().workerRestarts === i + 1)
    await until(() => {
      const { workers } = gateway.status()
      return workers.length === 2 && workers.every((worker) => worker.state === 'serving')
    })
    assert.equal((await get(gateway, '/x')).status, 200)
  }
  assert.ok(logged.some(({ message }) => /fell silent/.test(message)))
  assert.ok(logged.some(({ fields }) => /injected fault/.test(String(fields.error))))
  assert.equal(gateway.readiness().isReady, true)
})

test('a stored document that does not validate is set aside, the rest serves', async (t) => {
  const store = createMemoryStore()
  const backend = await startBackend(t, 'good')
  const good = { uri: '/good', upstream: { type: 'roundrobin', nodes: { [`127.0.0.1:${backend}`]: 1 } } }
  await store.commit(
    [
      { op: 'put', key: keyOf('bad'), value: { uri: 5 }, expiresAtMs: null, expectedRevision: null },
      { op: 'put', key: keyOf('good'), value: good, expiresAtMs: null, expectedRevision: null },
    ],
    { author: 'test', message: null },
    0,
  )
  const { gateway } = await setUp(t, 1, { store })
  assert.equal((await get(gateway, '/good')).text, 'good')
  const states = gateway.status().documents.map(({ key, state }) => `${key.id} ${state}`)
  assert.deepEqual(states.sort(), ['bad rejected', 'good accepted'])
  assert.notEqual(await gateway.documents.get(keyOf('bad')), undefined) // still there to be mended
})

test('a write that cannot be served, or does not validate, stores nothing', async (t) => {
  const { gateway, backends } = await setUp(t, 1, {
    capacity: { positions: 2, counters: 1000, routes: 9, targets: 9, endpoints: 9, health: 100 },
  })
  await put(gateway, '1', canary('/1', backends, 1, 1))
  await assert.rejects(put(gateway, '2', canary('/2', backends, 1, 1)), { code: 'LIMIT_OBJECTS' })
  await assert.rejects(put(gateway, '3', { uri: 7 }), { code: 'INVALID_DOCUMENT' })
  assert.equal(gateway.documents.revision(), 1)
  assert.equal((await gateway.documents.list('apisix', 'routes')).length, 1)
  assert.equal((await get(gateway, '/1')).status, 200)
})

test('a document is gone when its time is over', async (t) => {
  const { gateway, backends } = await setUp(t, 1)
  const value = canary('/ttl', backends, 1, 1)
  const change = {
    op: 'put' as const,
    key: keyOf('1'),
    value,
    expiresAtMs: Date.now() + 1,
    expectedRevision: null,
  }
  await gateway.documents.write([change], { author: 'test', message: null })
  await until(() => gateway.documents.revision() === 2)
  assert.equal(await gateway.documents.get(keyOf('1')), undefined)
  const [entry] = await gateway.history({ limit: 1 })
  assert.equal(entry?.author, 'system')
})

test('a port that another program has is told in one line and nothing is left running', async (t) => {
  const blocker = createTcpServer()
  await new Promise<void>((resolve) =>
    blocker.listen({ host: '127.0.0.1', port: 0, reusePort: true }, resolve),
  )
  t.after(() => blocker.close())
  const { port } = blocker.address() as AddressInfo
  const settings = { ...DEFAULT_SETTINGS, store: 'memory', listen: [`127.0.0.1:${port}`], workers: 1 }
  await assert.rejects(startGateway(settings, { env: {} }), {
    code: 'PORT_IN_USE',
    message: `127.0.0.1:${port} is in use: another program listens there`,
  })
})

test('stopping lets a request in flight finish, and says not ready meanwhile', async (t) => {
  let answer: (() => void) | undefined
  const backend = createServer((_request, response) => {
    answer = () => response.end('late')
  })
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  t.after(() => backend.close())
  const { gateway } = await setUp(t, 1)
  const { port } = backend.address() as AddressInfo
  await put(gateway, '1', {
    uri: '/late',
    upstream: { type: 'roundrobin', nodes: { [`127.0.0.1:${port}`]: 1 } },
  })
  const late = get(gateway, '/late')
  await until(() => answer !== undefined)
  const closed = gateway.close()
  assert.match(gateway.readiness().reasons.join(), /stopping/)
  const [host, listenPort] = (gateway.addresses.listen[0] ?? '').split(':')
  await new Promise<void>((resolve) => {
    const tryAgain = (): void => {
      const socket = connect(Number(listenPort), host)
      socket.once('error', () => resolve())
      socket.once('connect', () => {
        socket.destroy()
        setImmediate(tryAgain)
      })
    }
    tryAgain()
  })
  answer?.()
  assert.equal((await late).text, 'late')
  assert.equal(await closed, 0)
})
