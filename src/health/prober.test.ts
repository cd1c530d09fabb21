import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { type ActiveCheck, HEALTH, HEALTH_LINE_CELLS, type HealthLine } from '../model/health.ts'
import { setState, stateOf } from './health-line.ts'
import { probe } from './probe.ts'
import { encodeRequest } from './probe-grpc.ts'
import type { ProbeResult } from './probe-result.ts'
import { Prober } from './prober.ts'

const CHECK: ActiveCheck = {
  kind: 'http',
  timeoutMs: 2000,
  concurrency: 2,
  host: null,
  port: null,
  method: 'GET',
  path: '/health',
  headers: [],
  body: '',
  verifiesCertificate: true,
  leastOutMs: 0,
  healthy: { intervalMs: 1000, statuses: [200, 302], successes: 2 },
  unhealthy: { intervalMs: 1000, statuses: [500], httpFailures: 2, tcpFailures: 2, timeouts: 2 },
}

async function open(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}
const at = (port: number) => ({ address: '127.0.0.1', host: 'node.test', port })
const kindOf = (result: ProbeResult): string =>
  result.kind === 'status' ? `status ${result.status}` : result.kind

describe('a probe', () => {
  it('over HTTP asks what it is told to, and takes the status', async (t) => {
    const seen: string[] = []
    const port = await open(
      t,
      createHttpServer((request, response) => {
        const { host, authorization } = request.headers
        seen.push(
          `${request.method} ${request.url} ${host} ${request.headers['user-agent']} ${authorization}`,
        )
        response.statusCode = 302
        response.end('a body that nobody waits for')
      }),
    )
    assert.equal(kindOf(await probe(CHECK, at(port))), 'status 302')
    const more = {
      ...CHECK,
      host: 'other.test',
      method: 'POST',
      body: 'ping',
      headers: [
        { name: 'user-agent', value: 'mine' },
        { name: 'Authorization', value: 'Basic x' },
      ],
    }
    await probe(more, at(port))
    assert.deepEqual(seen, [
      `GET /health node.test:${port} headgate-health undefined`,
      'POST /health other.test mine Basic x',
    ])
  })

  it('tells a refused connection, an answer that is none, and silence apart', async (t) => {
    const sockets = new Set<Socket>()
    const silent = await open(
      t,
      createServer((socket) => void sockets.add(socket)),
    )
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    const garbage = await open(
      t,
      createServer((socket) => socket.on('error', () => {}).end('this is not HTTP\r\n\r\n')),
    )
    const closed = createServer()
    const gone = await open(t, closed)
    closed.close()
    await once(closed, 'close')
    assert.equal(kindOf(await probe({ ...CHECK, timeoutMs: 60 }, at(silent))), 'timeout')
    assert.equal(kindOf(await probe(CHECK, at(garbage))), 'http')
    assert.equal(kindOf(await probe(CHECK, at(gone))), 'tcp')
    assert.equal(kindOf(await probe({ ...CHECK, kind: 'tcp' }, at(gone))), 'tcp')
    assert.equal(kindOf(await probe({ ...CHECK, kind: 'tcp' }, at(silent))), 'connected')
  })

  it('over gRPC asks the health service for its service and takes only SERVING', async (t) => {
    const asked: string[] = []
    const server = createHttp2Server()
    server.on('stream', (stream, headers) => {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        const service = Buffer.concat(parts).subarray(7).toString()
        asked.push(`${headers[':path']} ${service}`)
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': service === 'unknown' ? '5' : '0' }),
        )
        const state = service === 'shop' ? 1 : 2
        stream.end(service === 'unknown' ? '' : Buffer.of(0, 0, 0, 0, 2, 0x08, state))
      })
    })
    const port = await open(t, server)
    const ask = async (path: string) => kindOf(await probe({ ...CHECK, kind: 'grpc', path }, at(port)))
    assert.equal(await ask('shop'), 'status 200')
    assert.equal(await ask('cart'), 'status 503')
    assert.equal(await ask('unknown'), 'status 503')
    assert.deepEqual(asked[0], '/grpc.health.v1.Health/Check shop')
    assert.equal(encodeRequest('').length, 5)
  })
})

describe('the prober', () => {
  /** Endpoints whose probes answer what `answers` says; time is the test's. */
  function setUp(t: TestContext, keys: readonly string[], check = CHECK) {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const cells = new Int32Array(new SharedArrayBuffer((keys.length + 1) * HEALTH_LINE_CELLS * 4))
    const lines = new Map<string, HealthLine>(
      keys.map((key, i) => [key, { cells, at: (i + 1) * HEALTH_LINE_CELLS, upstreamAt: 0 }]),
    )
    const answers = new Map<string, ProbeResult['kind'] | number>()
    const sent: string[] = []
    const transitions: string[] = []
    let elapsedMs = 0
    const prober = new Prober({
      random: () => 0.5,
      now: () => elapsedMs,
      onTransition: (_upstream, key, isHealthy) => transitions.push(`${key} ${isHealthy ? 'up' : 'down'}`),
      send: async (_check, { host }) => {
        sent.push(host)
        const answer = answers.get(host) ?? 200
        return typeof answer === 'number'
          ? { kind: 'status', status: answer, tookMs: 1 }
          : ({ kind: answer, error: 'test', tookMs: 1 } as ProbeResult)
      },
    })
    t.after(() => prober.close())
    const endpoints = (names: readonly string[]) =>
      names.map((key) => ({
        key,
        line: lines.get(key) as HealthLine,
        resolve: async () => ({ address: '127.0.0.1', host: key, port: 80 }),
      }))
    prober.set('u', check, endpoints(keys))
    const pass = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms / 50; i++) {
        t.mock.timers.tick(50)
        elapsedMs += 50
        for (let turn = 0; turn < 8; turn++) await Promise.resolve()
      }
    }
    return { prober, lines, answers, sent, transitions, endpoints, pass }
  }

  it('takes an endpoint out after failures in a row and back after successes', async (t) => {
    const { lines, answers, transitions, pass, prober } = setUp(t, ['a', 'b'])
    answers.set('a', 500)
    await pass(2800)
    assert.deepEqual(transitions, ['a down'])
    assert.equal(stateOf(lines.get('a') as HealthLine), HEALTH.UNHEALTHY)
    assert.equal(prober.lastProbe('u', 'a')?.result.kind, 'status')
    answers.set('a', 404) // in neither list
    await pass(3000)
    answers.set('a', 200)
    await pass(2500)
    assert.deepEqual(transitions, ['a down', 'a up'])
    assert.ok((prober.nextProbeMs('u', 'a') as number) > Date.now())
  })

  it('ends an ejection by passes where the check does, at the pace of those that are out', async (t) => {
    const check = {
      ...CHECK,
      endsEjection: true,
      healthy: { ...CHECK.healthy, intervalMs: 60_000 },
    }
    const { lines, sent, transitions, pass, prober } = setUp(t, ['a', 'b'], check)
    const line = lines.get('a') as HealthLine
    setState(line, HEALTH.EJECTED)
    prober.remove('u')
    prober.set('u', check, [
      { key: 'a', line, resolve: async () => ({ address: '127.0.0.1', host: 'a', port: 80 }) },
    ])
    await pass(600)
    assert.deepEqual([sent, stateOf(line)], [['a'], HEALTH.EJECTED])
    await pass(1200)
    assert.deepEqual(sent, ['a', 'a'])
    assert.deepEqual(transitions, ['a up'])
    assert.equal(stateOf(line), 0)
    await pass(5000)
    assert.equal(sent.length, 2)
  })

  it('keeps an endpoint out for as long as the check says, whatever it answers', async (t) => {
    const { answers, transitions, pass, lines } = setUp(t, ['a'], { ...CHECK, leastOutMs: 10_000 })
    answers.set('a', 500)
    await pass(1700)
    assert.deepEqual(transitions, ['a down'])
    answers.set('a', 200)
    // a clock that is set counts for nothing
    t.mock.timers.setTime(Date.now() + 3_600_000)
    await pass(9000)
    assert.deepEqual(transitions, ['a down'])
    // from then on it takes its successes
    await pass(3500)
    assert.deepEqual(transitions, ['a down', 'a up'])
    assert.equal(stateOf(lines.get('a') as HealthLine), 0)
  })

  it('counts results in a row, and what says nothing changes neither count', async (t) => {
    const { answers, pass, prober } = setUp(t, ['a'])
    const counts = () => {
      const { isSuccess, passes, failures } = prober.lastProbe('u', 'a') ?? {}
      return [isSuccess, passes, failures]
    }
    await pass(600)
    assert.deepEqual(counts(), [true, 1, 0])
    await pass(1050)
    assert.deepEqual(counts(), [true, 2, 0])
    answers.set('a', 404) // in neither list
    await pass(1050)
    assert.deepEqual(counts(), [null, 2, 0])
    answers.set('a', 500)
    await pass(1050)
    assert.deepEqual(counts(), [false, 0, 1])
    answers.set('a', 'timeout')
    await pass(1050)
    assert.deepEqual(counts(), [false, 0, 2])
    answers.set('a', 200)
    await pass(1050)
    assert.deepEqual(counts(), [true, 1, 0])
  })

  it('stops for endpoints that are gone and keeps the pace of those that stay', async (t) => {
    const { prober, sent, endpoints, pass } = setUp(t, ['a', 'b'])
    await pass(600)
    prober.set('u', CHECK, endpoints(['b']))
    sent.length = 0
    await pass(2500)
    assert.deepEqual(new Set(sent), new Set(['b']))
    assert.equal(sent.length, 2)
    prober.remove('u')
    sent.length = 0
    await pass(2000)
    assert.deepEqual(sent, [])
  })

  it('has no more probes under way than it may', async (t) => {
    let underWay = 0
    let most = 0
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const cells = new Int32Array(new SharedArrayBuffer(21 * HEALTH_LINE_CELLS * 4))
    const done: (() => void)[] = []
    let sent = 0
    const prober = new Prober({
      random: () => 0,
      onTransition: () => {},
      send: async () => {
        sent++
        most = Math.max(most, ++underWay)
        await new Promise<void>((resolve) => done.push(resolve))
        underWay--
        return { kind: 'connected', tookMs: 1 }
      },
    })
    t.after(() => prober.close())
    const all = Array.from({ length: 20 }, (_, i) => ({
      key: `${i}`,
      line: { cells, at: (i + 1) * HEALTH_LINE_CELLS, upstreamAt: 0 },
      resolve: async () => ({ address: '127.0.0.1', host: 'x', port: 80 }),
    }))
    prober.set('u', CHECK, all)
    t.mock.timers.tick(1)
    for (let round = 0; round < 400; round++) {
      await Promise.resolve()
      if (round % 10 === 9) done.shift()?.()
    }
    assert.equal(most, 2)
    assert.equal(sent, 20)
  })
})
