import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import type { RequestFilter } from '../../src/model/filter.ts'
import type { SplitPolicy, Target } from '../../src/model/split.ts'
import type { Upstream } from '../../src/model/upstream.ts'
import { makeUpstreamTarget, ORIGIN } from '../../src/routing/test-fixtures.ts'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { type RawAnswer, requestOnce } from '../support/raw-client.ts'
import { findFreePorts } from '../support/tools.ts'

/** A request that failed at the canary goes on to the primary (model/split.ts whenFailed), as far as it may be sent again. */

let plane: TestPlane
let primary: Backend
let deadNode: string
const closers: (() => Promise<void>)[] = []

const FALLBACK: SplitPolicy = { forced: null, sticky: null, whenOut: { kind: 'error' }, whenFailed: 0 }

before(async () => {
  primary = await startBackend('primary')
  plane = await startPlane({ routes: [], upstreams: [] })
  deadNode = `127.0.0.1:${(await findFreePorts(1))[0]}`
})
after(async () => {
  await plane.close()
  await primary.close()
  for (const close of closers) await close()
})

/** All requests are the canary's, and what it fails at is the primary's. */
function serve(
  canary: { readonly node: string } & Partial<Upstream>,
  options: {
    readonly canaryFilters?: readonly RequestFilter[]
    readonly primaryFilters?: readonly RequestFilter[]
    readonly routeFilters?: readonly RequestFilter[]
    readonly policy?: SplitPolicy
    readonly weights?: readonly [number, number]
    readonly primaryNode?: string
  } = {},
): void {
  const { node, ...parts } = canary
  const [primaryWeight, canaryWeight] = options.weights ?? [0, 1]
  const targets: Target[] = [
    { ...makeUpstreamTarget('primary', primaryWeight), requestFilters: options.primaryFilters ?? [] },
    { ...makeUpstreamTarget('canary', canaryWeight), requestFilters: options.canaryFilters ?? [] },
  ]
  const upstreams = [
    makeTestUpstream('primary', [options.primaryNode ?? primary.node]),
    makeTestUpstream('canary', [node], parts),
  ]
  const route = routeTo(targets, {
    requestFilters: options.routeFilters ?? [],
    split: { policy: options.policy ?? FALLBACK },
  })
  plane.apply([route], upstreams)
  primary.requests.length = 0
  plane.records.length = 0
}

function send(options: { readonly method?: string; readonly body?: string } = {}): Promise<RawAnswer> {
  return requestOnce(plane.port, '/x?a=1', options)
}

async function startRaw(handler: (socket: Socket) => void): Promise<string> {
  const backend = await startRawBackend(handler)
  closers.push(() => backend.close())
  return `127.0.0.1:${backend.port}`
}

async function startAnswering(status: string): Promise<Backend> {
  const backend = await startBackend(() => answerText('canary', { status }))
  closers.push(() => backend.close())
  return backend
}

test('a refused connection at the canary costs the client nothing, whatever the method', async () => {
  serve({ node: deadNode })
  for (const method of ['GET', 'POST']) {
    const answer = await send({ method, body: method === 'POST' ? 'text' : '' })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, 'primary')
  }
  assert.equal(primary.requests[1]?.body, 'text')
  const record = plane.records[1]
  assert.equal(record?.variant, 'primary')
  assert.equal(record?.upstreamId, 'primary')
  assert.equal(record?.attempts, 2)
  assert.equal(record?.splitReason, 'failover')
  assert.equal(record?.upstreamStatus, '502, 200')
})

test('the canary is retried as its upstream says before the primary is asked', async () => {
  const sockets: Socket[] = []
  const node = await startRaw((socket) => {
    sockets.push(socket)
    socket.once('data', () => socket.resetAndDestroy())
  })
  serve({ node, retry: { ...TEST_RETRY, count: 2, sameEndpointWhenAlone: true } })
  assert.equal((await send()).body, 'primary')
  assert.equal(sockets.length, 3)
  assert.equal(plane.records[0]?.attempts, 4)
})

test('a POST whose bytes went out is not sent to the primary', async () => {
  const node = await startRaw((socket) => socket.once('data', () => socket.resetAndDestroy()))
  serve({ node })
  const answer = await send({ method: 'POST', body: 'x' })
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_CLOSED')
  assert.equal(primary.requests.length, 0)
})

test('a POST goes on too where the upstream says that it may be sent again', async () => {
  const node = await startRaw((socket) => socket.once('data', () => socket.resetAndDestroy()))
  serve({ node, retry: { ...TEST_RETRY, nonIdempotent: true } })
  assert.equal((await send({ method: 'POST', body: 'body' })).body, 'primary')
  assert.equal(primary.requests[0]?.body, 'body')
})

test('a canary that does not answer in time is passed over', async () => {
  const node = await startRaw((socket) => socket.resume())
  serve({ node, timeouts: { connectMs: 5000, sendMs: 5000, readMs: 200 } })
  assert.equal((await send()).body, 'primary')
  assert.equal(plane.records[0]?.upstreamStatus, '504, 200')
})

test('an answer with a status that is retried goes to the primary, another one to the client', async () => {
  const failing = await startAnswering('503 Service Unavailable')
  serve({ node: failing.node, retry: { ...TEST_RETRY, onStatuses: [503] } })
  const answer = await send()
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'primary')
  assert.equal(failing.requests.length, 1)
  serve({ node: failing.node, retry: { ...TEST_RETRY, onStatuses: [500] } })
  const other = await send()
  assert.equal(other.status, 503)
  assert.equal(other.body, 'canary')
  assert.equal(primary.requests.length, 0)
})

test('what the primary fails at is not sent elsewhere', async () => {
  serve({ node: primary.node }, { weights: [1, 0], primaryNode: deadNode })
  const answer = await send()
  assert.equal(answer.status, 502)
  assert.equal(plane.records[0]?.attempts, 1)
})

test('when both fail the error is that of the primary', async () => {
  serve({ node: deadNode }, { primaryNode: deadNode })
  const answer = await send()
  assert.equal(answer.status, 502)
  assert.equal(answer.field('x-headgate-error'), 'UPSTREAM_CONNECT_FAILED')
  assert.equal(plane.records[0]?.attempts, 2)
  assert.equal(plane.records[0]?.variant, 'primary')
})

test('without a target for it a failure is final', async () => {
  serve({ node: deadNode }, { policy: { forced: null, sticky: null, whenOut: { kind: 'error' } } })
  assert.equal((await send()).status, 502)
  assert.equal(primary.requests.length, 0)
})

test('the primary gets the request with its own edits and without those of the canary', async () => {
  const edit = (name: string, value: string, path: string | null): RequestFilter => ({
    kind: 'rewriteRequest',
    origin: ORIGIN,
    when: null,
    path: path === null ? null : { kind: 'template', source: 'path', template: [path] },
    method: null,
    host: null,
    headers: { add: [{ name, value: [value] }], set: [], remove: [] },
  })
  serve(
    { node: deadNode },
    {
      routeFilters: [edit('X-Route', 'r', null)],
      canaryFilters: [edit('X-Canary', 'c', '/canary')],
      primaryFilters: [edit('X-Primary', 'p', null)],
    },
  )
  assert.equal((await send()).body, 'primary')
  const [request] = primary.requests
  assert.equal(request?.target, '/x?a=1')
  assert.equal(request?.field('x-route'), 'r')
  assert.equal(request?.field('x-primary'), 'p')
  assert.equal(request?.field('x-canary'), undefined)
})

test('a canary whose answer was relayed in part is not replaced: the client sees that it broke off', async () => {
  const node = await startRaw((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.resetAndDestroy())
    }),
  )
  serve({ node })
  await assert.rejects(send())
  assert.equal(primary.requests.length, 0)
})

test('explain says where failed requests go', () => {
  serve({ node: deadNode })
  const explained = plane.plane.explain(
    {
      method: 'GET',
      target: '/',
      host: null,
      headers: [],
      clientAddress: '127.0.0.1',
      listener: null,
      body: null,
    },
    { address: '127.0.0.1', port: plane.port, scheme: 'http' },
  )
  assert.deepEqual(explained.split?.policy, ['what fails at another target goes on to primary'])
  assert.equal(explained.split?.next, 1)
})
