import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import type { Endpoint } from '../../src/model/endpoint.ts'
import type { SplitPolicy } from '../../src/model/split.ts'
import type { StickyEndpoint, Upstream, UpstreamLimits } from '../../src/model/upstream.ts'
import type { Cell } from '../../src/proxy/upstream/upstreams.ts'
import { makeUpstreamTarget } from '../../src/routing/test-fixtures.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { type RawAnswer, requestOnce } from '../support/raw-client.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'
import { openUpgrade, startUpgradeEcho } from '../support/upgrades.ts'

/** Cookies that keep clients on an endpoint (model/upstream.ts StickyEndpoint), where attempts fail, targets change and the model is edited meanwhile. */

const STICKY: StickyEndpoint = {
  cookie: 'node',
  maxAgeSeconds: null,
  isHttpOnly: false,
  isSecure: false,
  secret: 'secret-of-these-tests',
}

let plane: TestPlane
let a: Backend
let b: Backend
let c: Backend
let dead: string

before(async () => {
  ;[a, b, c] = await Promise.all([startBackend('a'), startBackend('b'), startBackend('c')])
  dead = `127.0.0.1:${(await findFreePorts(1))[0]}`
  plane = await startPlane({ routes: [], upstreams: [] })
})
after(async () => {
  await plane.close()
  await Promise.all([a, b, c].map((backend) => backend.close()))
})

const signed = (name: string): string => {
  const signature = createHmac('sha256', STICKY.secret).update(name).digest('hex')
  return Buffer.from(`${name}:${signature}`).toString('base64url')
}
const cookieOf = (node: string): string => `node=${signed(node)}; Path=/`

/** Endpoints are asked in their order, so that whoever is not kept goes to the first one. */
const sticky = (nodes: readonly string[], parts: Partial<Upstream> = {}): Upstream =>
  makeTestUpstream('main', nodes, { sticky: STICKY, retry: { ...TEST_RETRY, count: 2 }, ...parts })

function serve(upstream: Upstream): void {
  plane.apply([routeTo([makeUpstreamTarget('main', 1)])], [upstream])
}

const get = (kept: string | null): Promise<RawAnswer> =>
  requestOnce(plane.port, '/', kept === null ? {} : { headers: [`Cookie: node=${signed(kept)}`] })

const seen = (answer: RawAnswer) => [answer.body, answer.field('set-cookie')]

test('a good cookie goes before the order of the endpoints and is not set again; without one the answer sets it', async () => {
  serve(sticky([a.node, b.node]))
  assert.deepEqual(seen(await get(null)), ['a', cookieOf(a.node)])
  assert.deepEqual(seen(await get(b.node)), ['b', undefined])
  // of an endpoint that is not of this upstream
  assert.deepEqual(seen(await get(c.node)), ['a', cookieOf(a.node)])
})

test('explain tells whether the cookie or the balancer chose', () => {
  serve(sticky([a.node, b.node]))
  const explain = (kept: string) =>
    plane.plane.explain(
      {
        method: 'GET',
        target: '/',
        host: null,
        headers: [['Cookie', `node=${signed(kept)}`]],
        clientAddress: '127.0.0.1',
        listener: null,
        body: null,
      },
      { address: '127.0.0.1', port: plane.port, scheme: 'http' },
    ).upstream
  const kept = explain(b.node)
  assert.deepEqual([kept?.next, kept?.sticky], [b.node, { cookie: 'node', isKept: true }])
  const free = explain(c.node)
  assert.deepEqual([free?.next, free?.sticky], [a.node, { cookie: 'node', isKept: false }])
})

test('an endpoint that is drained, that weighs nothing or is for failover only keeps nobody', async () => {
  const upstream = sticky([a.node, b.node])
  const out: Partial<Endpoint>[] = [{ state: 'drain' }, { weight: 0 }, { failoverOnly: true }]
  for (const parts of out) {
    const [first, second] = upstream.endpoints as [Endpoint, Endpoint]
    serve({ ...upstream, endpoints: [first, { ...second, ...parts }] })
    assert.deepEqual(seen(await get(b.node)), ['a', cookieOf(a.node)], JSON.stringify(parts))
  }
})

test('when the endpoint of the cookie refuses, the cookie follows the one that answers', async () => {
  serve(sticky([a.node, b.node, dead]))
  assert.deepEqual(seen(await get(dead)), ['a', cookieOf(a.node)])
})

test('a client keeps its endpoint when the canary fails it first', async () => {
  const policy: SplitPolicy = { forced: null, sticky: null, whenOut: { kind: 'error' }, whenFailed: 0 }
  const targets = [makeUpstreamTarget('main', 0), makeUpstreamTarget('canary', 1)]
  plane.apply(
    [routeTo(targets, { split: { policy } })],
    [sticky([a.node, b.node]), makeTestUpstream('canary', [dead])],
  )
  assert.deepEqual(seen(await get(b.node)), ['b', undefined])
})

test('a request that waited goes by the endpoints that are there by then', async () => {
  const limits: UpstreamLimits = {
    maxConnections: 1,
    maxConnectionsPerEndpoint: 0,
    maxRequests: 0,
    maxRequestsPerEndpoint: 0,
    maxPending: 10,
    pendingMs: 60_000,
    maxRetries: 0,
  }
  let held: Socket | undefined
  c.answer = (_, socket) => {
    held = socket
    return null
  }
  serve(sticky([a.node, b.node, c.node], { limits }))
  const first = get(c.node)
  await waitFor('the first request', () => held)
  const second = get(c.node)
  const { gate } = (plane.plane.upstream('main') as Cell).current ?? {}
  await waitFor('the second one to wait', () => (gate?.pending === 1 ? true : undefined))
  // the list is shorter and in another order, and the endpoint that keeps the client is drained
  const [one, three] = sticky([a.node, c.node]).endpoints as [Endpoint, Endpoint]
  serve({ ...sticky([]), limits, endpoints: [{ ...three, state: 'drain' }, one] })
  held?.write(answerText('c'))
  assert.deepEqual(seen(await first), ['c', undefined])
  assert.deepEqual(seen(await second), ['a', cookieOf(a.node)])
})

test('a change of protocol sets the cookie too', async (t) => {
  const echo = await startUpgradeEcho(t)
  const node = `127.0.0.1:${echo.port}`
  const route = routeTo([makeUpstreamTarget('main', 1)], { upgrades: ['websocket'] })
  plane.apply([route], [sticky([node])])
  const { head, socket } = await openUpgrade(plane.port)
  socket.destroy()
  assert.match(head, /^HTTP\/1\.1 101 /)
  assert.ok(head.includes(`\r\nSet-Cookie: ${cookieOf(node)}\r\n`), head)
})
