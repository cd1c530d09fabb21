import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { explanationText } from '../../src/cli/explain-text.ts'
import { ENDPOINT, LINE } from '../../src/model/counters.ts'
import { endpointIdentity } from '../../src/model/endpoint.ts'
import type { Upstream, WebSocketOpening } from '../../src/model/upstream.ts'
import { makeUpstreamTarget } from '../../src/routing/test-fixtures.ts'
import { startBackend, startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'
import { KEY, openUpgrade, startUpgradeEcho } from '../support/upgrades.ts'

/** How handshakes of WebSocket are opened (model/upstream.ts WebSocketOpening): asked again until an endpoint can be reached, and never once a byte went out. */

const OPENING: WebSocketOpening = { connectMs: 5000, retries: 0, retryDelayMs: 1 }

let plane: TestPlane
before(async () => {
  plane = await startPlane({ routes: [], upstreams: [] })
})
after(() => plane.close())

/** Puts the upstream in force; tells how many connections to its first endpoint have failed. */
function serve(
  nodes: readonly string[],
  opening: Partial<WebSocketOpening> | null,
  parts: Partial<Upstream> = {},
): () => number {
  const upstream = makeTestUpstream('main', nodes, {
    retry: { ...TEST_RETRY, count: nodes.length - 1 },
    ...(opening === null ? {} : { opening: { ...OPENING, ...opening } }),
    ...parts,
  })
  plane.apply([routeTo([makeUpstreamTarget('main', 1)], { upgrades: ['websocket'] })], [upstream])
  const [first] = upstream.endpoints
  assert.ok(first !== undefined)
  const at = plane.slot(endpointIdentity('main', first)) * LINE + ENDPOINT.CONNECT_FAILED
  return () => plane.lane[at] as number
}

/** Status of a handshake. */
async function shake(): Promise<string> {
  const { socket, head } = await openUpgrade(plane.port)
  socket.destroy()
  return head.slice(9, 12)
}

const dead = async (count: number) => (await findFreePorts(count)).map((port) => `127.0.0.1:${port}`)
const attempts = () => plane.records.at(-1)?.attempts

test('all endpoints are asked again as often as retries says, and then the client hears why', async () => {
  const nodes = await dead(2)
  serve(nodes, { retries: 0 })
  assert.equal(await shake(), '502')
  assert.equal(attempts(), 2)
  serve(nodes, { retries: 3 })
  assert.equal(await shake(), '502')
  assert.equal(attempts(), 8)
  assert.equal(plane.records.at(-1)?.upstreamAddress, [...nodes, ...nodes, ...nodes, ...nodes].join(', '))
  assert.equal(plane.records.at(-1)?.errorCode, 'UPSTREAM_CONNECT_FAILED')
  serve(nodes.slice(1), { retries: 2 })
  assert.equal(await shake(), '502')
  assert.equal(attempts(), 3)
})

test('requests that are no handshakes are not asked again', async () => {
  serve(await dead(1), { retries: 5 })
  assert.equal((await requestOnce(plane.port, '/')).status, 502)
  assert.equal(attempts(), 1)
})

test('retryDelayMs is waited before endpoints are asked again', async () => {
  serve(await dead(1), { retries: 2, retryDelayMs: 200 })
  const begin = performance.now()
  assert.equal(await shake(), '502')
  const took = performance.now() - begin
  assert.ok(took >= 395, `it took ${took} ms`)
})

test('a handshake finds the endpoint that comes up while it is asked again', async (t) => {
  const [node] = (await dead(1)) as [string]
  const failed = serve([node], { retries: 1000, retryDelayMs: 1 })
  const answer = shake()
  await waitFor('two attempts', () => (failed() >= 2 ? true : undefined))
  const echo = await startUpgradeEcho(t, { port: Number(node.split(':')[1]) })
  assert.equal(await answer, '101')
  assert.equal(echo.heads.length, 1)
})

test('nothing is sent again once a byte went out, as with requests it is', async (t) => {
  const rude = await startRawBackend((socket) => socket.once('data', () => socket.destroy()))
  t.after(() => rude.close())
  const echo = await startUpgradeEcho(t)
  serve([rude.node, echo.node], { retries: 5 })
  assert.equal(await shake(), '502')
  assert.equal(echo.heads.length, 0)
  assert.equal(attempts(), 1)
  serve([rude.node, echo.node], null)
  assert.equal(await shake(), '101')
})

test('nor is a handshake repeated at the same endpoint, or for an answer that requests are repeated for', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  backend.answer = () => 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'
  const sameEndpoint = { count: 2, delayMs: 0, multiplier: 1, maxMs: 0, onStatuses: [503] }
  serve([backend.node], {}, { retry: { ...TEST_RETRY, sameEndpoint } })
  assert.equal(await shake(), '503')
  assert.equal(backend.requests.length, 1)
  assert.equal((await requestOnce(plane.port, '/')).status, 503)
  assert.equal(backend.requests.length, 4)
  serve(await dead(1), {}, { retry: { ...TEST_RETRY, sameEndpoint } })
  assert.equal(await shake(), '502')
  assert.equal(attempts(), 1)
  assert.equal((await requestOnce(plane.port, '/')).status, 502)
  assert.equal(attempts(), 3)
  const echo = await startUpgradeEcho(t)
  serve([backend.node, echo.node], {}, { retry: { ...TEST_RETRY, count: 1, onStatuses: [503] } })
  assert.equal(await shake(), '503')
  assert.equal(echo.heads.length, 0)
})

test('the log has every attempt, and the time until the first of them and until the answer', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  const nodes = await dead(1)
  serve(nodes, { retries: 1, retryDelayMs: 200 })
  assert.equal(await shake(), '502')
  const waited = plane.records.at(-1)
  assert.equal(waited?.upstreamAddress, `${nodes[0]}, ${nodes[0]}`)
  assert.ok(waited.firstAttemptMs >= 0 && waited.answerMs - waited.firstAttemptMs >= 195)
  assert.ok(waited.durationMs >= waited.answerMs)
  serve([...nodes, backend.node], {})
  assert.equal((await requestOnce(plane.port, '/')).status, 200)
  const moved = plane.records.at(-1)
  assert.equal(moved?.upstreamAddress, `${nodes[0]}, ${backend.node}`)
  assert.ok(moved.firstAttemptMs >= 0 && moved.answerMs >= moved.firstAttemptMs)
  plane.apply([routeTo([], { id: 'r' })], [])
  await requestOnce(plane.port, '/')
  assert.equal(plane.records.at(-1)?.firstAttemptMs, -1)
  assert.ok((plane.records.at(-1)?.answerMs ?? -1) >= 0)
})

test('connectMs is for handshakes, and the upstream’s own for requests', async (t) => {
  // it takes connections and begins no TLS
  const mute = await startRawBackend(() => {})
  t.after(() => mute.close())
  const parts: Partial<Upstream> = {
    scheme: 'https',
    timeouts: { connectMs: 60_000, sendMs: 5000, readMs: 5000 },
  }
  const begin = performance.now()
  serve([mute.node], { connectMs: 100 }, parts)
  assert.equal(await shake(), '504')
  assert.ok(performance.now() - begin < 30_000)
  assert.equal(plane.records.at(-1)?.errorCode, 'UPSTREAM_CONNECT_TIMEOUT')
  serve(
    [mute.node],
    { connectMs: 60_000 },
    { ...parts, timeouts: { connectMs: 100, sendMs: 5000, readMs: 5000 } },
  )
  assert.equal((await requestOnce(plane.port, '/')).status, 504)
})

test('explain tells how a handshake is opened, and nothing of that for other requests', async () => {
  const explain = (...headers: readonly (readonly [string, string])[]) =>
    plane.plane.explain(
      {
        method: 'GET',
        target: '/',
        host: null,
        headers,
        clientAddress: '127.0.0.1',
        listener: null,
        body: null,
      },
      { address: '127.0.0.1', port: plane.port, scheme: 'http' },
    )
  const asked = [
    ['Upgrade', 'websocket'],
    ['Connection', 'upgrade'],
  ] as const
  const io = { hasColor: false, environment: {} }
  const told = (): string => explanationText(explain(...asked), { io, isWhole: false })
  serve(await dead(1), { connectMs: 4000, retries: 3, retryDelayMs: 500 })
  assert.deepEqual(explain(...asked).upstream?.opening, { connectMs: 4000, retries: 3, retryDelayMs: 500 })
  assert.equal(explain().upstream?.opening, undefined)
  assert.match(
    told(),
    /WebSocket: connect 4 s; when no endpoint can be reached all are asked again after 500 ms, retries 3/,
  )
  serve(await dead(1), { retries: 0 })
  assert.match(told(), /when no endpoint can be reached they are not asked again/)
})

test('a client that goes away while its handshake waits ends it', async () => {
  const failed = serve(await dead(1), { retries: 1000, retryDelayMs: 5 })
  const finished = plane.records.length
  const socket = connect({ port: plane.port, host: '127.0.0.1' })
  socket.write(
    `GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  await waitFor('two attempts', () => (failed() >= 2 ? true : undefined))
  socket.resetAndDestroy()
  await waitFor('its end', () => (plane.records.length > finished ? true : undefined))
  assert.equal(plane.records.at(-1)?.status, 499)
})
