import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import {
  BLOCK,
  LINE,
  MIRROR,
  MIRROR_LINE,
  routeIdentity,
  targetIdentity,
  WORKER,
} from '../../src/model/counters.ts'
import type { Mirror, RequestFilter } from '../../src/model/filter.ts'
import type { Settings } from '../../src/model/settings.ts'
import type { Target } from '../../src/model/split.ts'
import type { Upstream } from '../../src/model/upstream.ts'
import { makeRespondTarget, makeUpstreamTarget, ORIGIN } from '../../src/routing/test-fixtures.ts'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** Copies of requests (model/filter.ts Mirror): they go out beside the request, and nothing that becomes of them is seen by its client. */

let main: Backend
let mirror: Backend
let plane: TestPlane
let deadNode: string
const closers: (() => unknown)[] = []

before(async () => {
  main = await startBackend('main')
  mirror = await startBackend('mirror')
  deadNode = `127.0.0.1:${(await findFreePorts(1))[0]}`
})
beforeEach(() => {
  main.requests.length = 0
  mirror.requests.length = 0
  mirror.answer = () => answerText('mirror')
})
afterEach(async () => {
  await plane.close()
  for (const close of closers.splice(0)) await close()
})
after(async () => {
  await main.close()
  await mirror.close()
})

function copyTo(parts: Partial<Mirror> = {}): Mirror {
  return { kind: 'mirror', origin: ORIGIN, when: null, upstreamIds: ['copies'], percent: 100, ...parts }
}

async function start(
  parts: {
    readonly filters?: readonly RequestFilter[]
    readonly node?: string
    readonly copies?: Partial<Upstream>
    readonly main?: Partial<Upstream>
    readonly targets?: readonly Target[]
    readonly limits?: Partial<Settings['limits']>
    readonly settings?: Partial<Settings>
    readonly mainNode?: string
  } = {},
): Promise<void> {
  plane = await startPlane({
    routes: [
      routeTo(parts.targets ?? [makeUpstreamTarget('main', 1)], {
        requestFilters: parts.filters ?? [copyTo()],
        upgrades: ['websocket'],
      }),
    ],
    upstreams: [
      makeTestUpstream('main', [parts.mainNode ?? main.node], parts.main),
      makeTestUpstream('copies', [parts.node ?? mirror.node], parts.copies),
    ],
    ...(parts.limits === undefined ? {} : { limits: parts.limits }),
    ...(parts.settings === undefined ? {} : { settings: parts.settings }),
  })
}

function counted(result: keyof typeof MIRROR): number {
  return plane.lane[MIRROR_LINE * LINE + MIRROR[result]] as number
}

async function untilCounted(result: keyof typeof MIRROR, count: number): Promise<void> {
  await waitFor(`${count} copies ${result}`, async () => (counted(result) >= count ? true : undefined))
  assert.equal(counted(result), count)
}

test('a copy is the request as it goes to the target: method, path, fields and body', async () => {
  const edit: RequestFilter = {
    kind: 'rewriteRequest',
    origin: ORIGIN,
    when: null,
    path: { kind: 'template', source: 'path', template: ['/edited'] },
    method: 'PUT',
    host: null,
    headers: { add: [{ name: 'X-Added', value: ['1'] }], set: [], remove: ['x-gone'] },
  }
  const target = { ...makeUpstreamTarget('main', 1), requestFilters: [edit] }
  await start({ targets: [target] })
  const answer = await requestOnce(plane.port, '/a?b=c', {
    method: 'POST',
    headers: ['Host: shop.test', 'X-Gone: 1', 'X-Kept: 2'],
    body: 'the body',
  })
  assert.equal(answer.body, 'main')
  await untilCounted('ANSWERED', 1)
  const [copy] = mirror.requests
  const [request] = main.requests
  assert.equal(copy?.requestLine, 'PUT /edited?b=c HTTP/1.1')
  assert.equal(copy?.raw, request?.raw)
  assert.equal(copy?.body, 'the body')
  assert.equal(copy?.field('x-gone'), undefined)
})

test('a chunked body goes with its length', async () => {
  await start()
  const client = await connectRaw(plane.port)
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n')
  await client.writeSplit('3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n', 4)
  assert.equal((await client.readAnswer()).body, 'main')
  client.close()
  await untilCounted('ANSWERED', 1)
  assert.equal(mirror.requests[0]?.body, 'abcde')
  assert.equal(mirror.requests[0]?.field('content-length'), '5')
  assert.equal(mirror.requests[0]?.field('transfer-encoding'), undefined)
  assert.equal(mirror.requests[0]?.field('trailer'), undefined)
})

test('each of several upstreams gets one copy, and the connections are kept', async () => {
  await start({ filters: [copyTo({ upstreamIds: ['copies', 'copies'] })] })
  const before = mirror.connections.accepted
  for (let i = 0; i < 5; i++) {
    await requestOnce(plane.port, `/${i}`)
    await untilCounted('ANSWERED', 2 * (i + 1))
  }
  assert.equal(mirror.requests.length, 10)
  assert.ok(mirror.connections.accepted - before <= 2)
})

test('of the requests for which the filter works the n-th is copied as the percentage says', async () => {
  const when = { kind: 'test', variable: 'arg_copy', operator: 'equal', value: 'yes' } as const
  await start({ filters: [copyTo({ percent: 30, when })] })
  const expected: string[] = []
  for (let n = 1; n <= 20; n++) {
    await requestOnce(plane.port, `/other/${n}`)
    await requestOnce(plane.port, `/${n}?copy=yes`)
    if (Math.floor((n * 30) / 100) > Math.floor(((n - 1) * 30) / 100)) expected.push(`/${n}?copy=yes`)
  }
  await untilCounted('ANSWERED', expected.length)
  assert.deepEqual(
    mirror.requests.map(({ target }) => target),
    expected,
  )
})

test('the client gets its answer whatever becomes of the copy', async () => {
  const endings: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.write('nonsense\r\n\r\n'),
    (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart', () => socket.resetAndDestroy()),
    () => {}, // no answer at all
  ]
  const backend = await startRawBackend((socket, index) =>
    socket.once('data', () => (endings[index] as (socket: Socket) => void)(socket)),
  )
  closers.push(() => backend.close())
  await start({
    node: `127.0.0.1:${backend.port}`,
    copies: { timeouts: { connectMs: 5000, sendMs: 5000, readMs: 200 } },
  })
  for (let i = 0; i < endings.length; i++) {
    const answer = await requestOnce(plane.port, '/', { method: 'POST', body: 'x' })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, 'main')
    await untilCounted('FAILED', i + 1)
  }
  assert.equal(plane.lane[WORKER.REQUESTS], endings.length)
  assert.equal(main.requests.length, endings.length)
})

test('a mirror that is not there, or not configured, costs the client nothing', async () => {
  await start({ node: deadNode, filters: [copyTo({ upstreamIds: ['copies', 'unknown'] })] })
  assert.equal((await requestOnce(plane.port, '/')).body, 'main')
  await untilCounted('FAILED', 2)
})

test('an answer that never ends is cut when the timeouts of the upstream are over', async () => {
  const trickles = await startRawBackend((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    })
  })
  closers.push(() => trickles.close())
  await start({
    node: `127.0.0.1:${trickles.port}`,
    copies: { timeouts: { connectMs: 200, sendMs: 200, readMs: 200 } },
  })
  await requestOnce(plane.port, '/')
  await untilCounted('FAILED', 1)
})

test('copies over the limit are dropped and counted; those under way go on', async () => {
  const held: Socket[] = []
  mirror.answer = (_request, socket) => {
    held.push(socket)
    return null
  }
  await start({ limits: { mirrorRequests: 2 } })
  for (let i = 0; i < 5; i++) assert.equal((await requestOnce(plane.port, '/')).body, 'main')
  await untilCounted('DROPPED', 3)
  await waitFor('both copies', async () => (held.length === 2 ? true : undefined))
  for (const socket of held) socket.write(answerText('late'))
  await untilCounted('ANSWERED', 2)
  mirror.answer = () => answerText('mirror')
  await requestOnce(plane.port, '/')
  await untilCounted('ANSWERED', 3)
})

test('with a limit of 0 nothing is copied', async () => {
  await start({ limits: { mirrorRequests: 0 } })
  await requestOnce(plane.port, '/')
  await untilCounted('DROPPED', 1)
  assert.equal(mirror.requests.length, 0)
})

test('a body up to the limit is copied, also over that of replay; a longer one is not', async () => {
  await start({ limits: { mirrorBodyBytes: 50_000, replayBytes: 1000 } })
  const within = 'y'.repeat(50_000)
  const client = await connectRaw(plane.port)
  await client.write(`POST /within HTTP/1.1\r\nHost: a\r\nContent-Length: ${within.length}\r\n\r\n`)
  await client.writeSplit(within, 4000)
  assert.equal((await client.readAnswer()).body, 'main')
  await untilCounted('ANSWERED', 1)
  assert.equal(mirror.requests[0]?.body, within)
  const over = `${within}z`
  assert.equal((await requestOnce(plane.port, '/', { method: 'POST', body: over })).body, 'main')
  await untilCounted('TOO_LARGE', 1)
  const size = over.length.toString(16)
  await client.write('POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  await client.writeSplit(`${size}\r\n${over}\r\n0\r\n\r\n`, 4000)
  assert.equal((await client.readAnswer()).body, 'main')
  await untilCounted('TOO_LARGE', 2)
  client.close()
  assert.equal(mirror.requests.length, 1)
})

test('a request whose body never comes whole is not copied', async () => {
  await start()
  const client = await connectRaw(plane.port)
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
  await waitFor('the request', async () =>
    main.received.at(-1)?.endsWith('half') === true ? true : undefined,
  )
  client.close()
  await untilCounted('INCOMPLETE', 1)
  assert.equal(mirror.requests.length, 0)
})

test('what the gateway answers by itself is copied too, what it refuses is not', async () => {
  await start({ targets: [{ ...makeRespondTarget(204, 1), page: false }] })
  assert.equal((await requestOnce(plane.port, '/fixed')).status, 204)
  await untilCounted('ANSWERED', 1)
  plane.apply([routeTo([makeRespondTarget(200, 0)], { requestFilters: [copyTo()] })], [])
  assert.equal((await requestOnce(plane.port, '/none')).status, 503)
  assert.deepEqual(
    mirror.requests.map(({ target }) => target),
    ['/fixed'],
  )
})

test('a request that changes the protocol is not copied', async () => {
  main.answer = (_request, socket) => {
    socket.destroy()
    return null
  }
  await start()
  const answer = await requestOnce(plane.port, '/', {
    headers: [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ],
  })
  assert.equal(answer.status, 502)
  main.answer = () => answerText('main')
  await requestOnce(plane.port, '/plain')
  await untilCounted('ANSWERED', 1)
  assert.deepEqual(
    mirror.requests.map(({ target }) => target),
    ['/plain'],
  )
})

test('a request that is retried is copied once', async () => {
  let count = 0
  const failing = await startBackend(() =>
    ++count % 3 === 0 ? answerText('at last') : answerText('', { status: '503 Busy' }),
  )
  closers.push(() => failing.close())
  await start({
    mainNode: failing.node,
    main: { retry: { ...TEST_RETRY, count: 5, onStatuses: [503], sameEndpointWhenAlone: true } },
  })
  assert.equal((await requestOnce(plane.port, '/')).body, 'at last')
  await untilCounted('ANSWERED', 1)
  assert.equal(mirror.requests.length, 1)
  assert.equal(count, 3)
})

test('a kept connection that the mirror closed is replaced by a fresh one', async () => {
  let served = 0
  mirror.answer = (_request, socket) => {
    if (++served === 2) {
      socket.resetAndDestroy()
      return null
    }
    return answerText('mirror')
  }
  await start()
  for (let i = 0; i < 2; i++) {
    await requestOnce(plane.port, `/${i}`)
    await untilCounted('ANSWERED', i + 1)
  }
  assert.equal(served, 3)
})

test('a mirror of HTTP/2 gets the copy as HTTP/2, a client of HTTP/2 is copied to one of HTTP/1.1', async () => {
  const seen: string[] = []
  const server = http2.createServer()
  server.on('stream', (stream, headers) => {
    let body = ''
    stream.setEncoding('latin1')
    stream.on('data', (text: string) => {
      body += text
    })
    stream.on('end', () => {
      seen.push(`${headers[':method']} ${headers[':path']} ${body}`)
      stream.respond({ ':status': 200 })
      stream.end('answer')
    })
  })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  await start({
    node: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    copies: { http2: 'always' },
  })
  plane.apply([], [makeTestUpstream('one', [mirror.node])])
  plane.apply(
    [
      routeTo([makeUpstreamTarget('main', 1)], {
        requestFilters: [copyTo({ upstreamIds: ['copies', 'one'] })],
      }),
    ],
    [],
  )
  const session = http2.connect(`http://127.0.0.1:${plane.port}`)
  try {
    for (let i = 0; i < 2; i++) {
      const stream = session.request({ ':method': 'POST', ':path': `/${i}` })
      stream.end('body')
      stream.resume()
      await once(stream, 'end')
    }
    await untilCounted('ANSWERED', 4)
  } finally {
    session.destroy()
  }
  assert.deepEqual(seen, ['POST /0 body', 'POST /1 body'])
  assert.deepEqual(
    mirror.requests.map(({ method, target, body }) => `${method} ${target} ${body}`),
    seen,
  )
})

test('copies are no requests of the route: its target counts the request alone', async () => {
  await start()
  await requestOnce(plane.port, '/')
  await untilCounted('ANSWERED', 1)
  const requests = (identity: string) => plane.lane[plane.slot(identity) * LINE + BLOCK.REQUESTS]
  assert.equal(requests(targetIdentity('r#0', 0)), 1)
  assert.equal(requests(routeIdentity('r')), 0)
  assert.equal(plane.lane[WORKER.REQUESTS], 1)
  assert.equal(plane.records.length, 1)
  assert.equal(plane.records[0]?.upstreamId, 'main')
  assert.equal(plane.records[0]?.attempts, 1)
})

test('limits of the upstream hold for copies too', async () => {
  const held: Socket[] = []
  mirror.answer = (_request, socket) => {
    held.push(socket)
    return null
  }
  const limits = {
    maxConnections: 0,
    maxConnectionsPerEndpoint: 0,
    maxRequests: 1,
    maxRequestsPerEndpoint: 0,
    maxPending: 0,
    pendingMs: 1000,
    maxRetries: 0,
  }
  await start({ copies: { limits } })
  await requestOnce(plane.port, '/')
  await waitFor('the copy', async () => (held.length === 1 ? true : undefined))
  await requestOnce(plane.port, '/')
  await untilCounted('DROPPED', 1)
  held[0]?.write(answerText('late'))
  await untilCounted('ANSWERED', 1)
  mirror.answer = () => answerText('mirror')
  await requestOnce(plane.port, '/')
  await untilCounted('ANSWERED', 2)
})

test('a drain does not wait for copies', async () => {
  mirror.answer = () => null
  await start()
  await requestOnce(plane.port, '/')
  await waitFor('the copy', async () => (mirror.requests.length === 1 ? true : undefined))
  const begun = performance.now()
  const { cut } = await plane.plane.drain(60_000)
  assert.equal(cut, 0)
  assert.ok(performance.now() - begun < 30_000)
  assert.equal(counted('FAILED'), 1)
})

test('slots of a revision are held as long as a copy of it is under way', async () => {
  const held: Socket[] = []
  mirror.answer = (_request, socket) => {
    held.push(socket)
    return null
  }
  await start()
  await requestOnce(plane.port, '/')
  await waitFor('the copy', async () => (held.length === 1 ? true : undefined))
  plane.apply([routeTo([makeUpstreamTarget('main', 1)])], [])
  assert.equal(plane.plane.heldRevision?.(), 1)
  held[0]?.write(answerText('late'))
  await untilCounted('ANSWERED', 1)
  assert.equal(plane.plane.heldRevision?.(), 2)
})

test('explain says whether the next request is copied, and copies nothing', async () => {
  await start({ filters: [copyTo({ percent: 50 })] })
  const explain = () =>
    plane.plane.explain(
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
    ).filters[0]?.changes
  for (let n = 1; n <= 4; n++) {
    const expected = n % 2 === 0 ? [{ what: 'copy', before: null, after: 'copies' }] : []
    assert.deepEqual(explain(), expected)
    assert.deepEqual(explain(), expected)
    await requestOnce(plane.port, `/${n}`)
  }
  await untilCounted('ANSWERED', 2)
  assert.deepEqual(
    mirror.requests.map(({ target }) => target),
    ['/2', '/4'],
  )
})

test('at level debug the log tells how a copy ended', async () => {
  await start({ settings: { logLevel: 'debug' } })
  await requestOnce(plane.port, '/')
  await untilCounted('ANSWERED', 1)
  const entry = plane.logged.find(({ message }) => message === 'a copy of a request is over')
  assert.ok(entry !== undefined)
  const { tookMs, ...fields } = entry.fields as Record<string, unknown>
  assert.ok(Number(tookMs) >= 0)
  assert.deepEqual(fields, {
    upstream: 'copies',
    endpoint: mirror.node,
    result: 'answered',
    status: 200,
    failure: '',
  })
})
