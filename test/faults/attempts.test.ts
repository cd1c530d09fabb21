import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, startBackend, startRawBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** Attempts under limits: whatever becomes of a connection, its place is free at once, and nobody waits for what nobody holds. */

let gateway: GatewayProcess

before(async () => {
  gateway = await startGateway(['--workers', '1'])
})
after(async () => {
  await gateway.stop()
})

/** Nodes of falling priority, so that the first attempt goes to the first one; `level`: all of one priority. */
async function route(
  nodes: readonly string[],
  limits: object,
  more: object = {},
  isLevel = false,
): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: {
      nodes: nodes.map((node, i) => {
        const [host, port] = node.split(':') as [string, string]
        return { host, port: Number(port), weight: 1, priority: isLevel ? 0 : -i }
      }),
      headgate: { limits },
      ...more,
    },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** Processor time of the gateway so far, in ticks of 10 ms. */
function ticks(): number {
  const fields = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

async function inFlight(): Promise<number> {
  const status = await gateway.admin('GET', '/headgate/v1/status')
  const { workers } = JSON.parse(status.text) as { workers: { inFlight: number }[] }
  return workers.reduce((sum, worker) => sum + worker.inFlight, 0)
}

test('a stale connection frees its place for the fresh one', async (t) => {
  let connections = 0
  const backend = await startRawBackend((socket) => {
    const isFirst = connections++ === 0
    let requests = 0
    socket.on('data', () => {
      if (isFirst && ++requests === 2) socket.end()
      else socket.write(answerText('ok'))
    })
  })
  t.after(() => backend.close())
  await route([backend.node], { max_connections_per_node: 1, max_pending: 0 }, { retries: 0 })
  const client = await connectRaw(gateway.port)
  for (let i = 0; i < 3; i++) {
    const answer = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(answer.status, 200, `request ${i}: ${answer.field('x-headgate-error')}`)
  }
  assert.equal(connections, 2)
  client.close()
})

test('a failed attempt frees its place for the next one', async (t) => {
  const closing = await startRawBackend((socket) => socket.once('data', () => socket.end()))
  const good = await startBackend('good')
  t.after(() => Promise.all([closing.close(), good.close()]))
  await route([closing.node, good.node], { max_connections: 1, max_pending: 0 })
  const answer = await requestOnce(gateway.port, '/')
  assert.equal(answer.status, 200, answer.field('x-headgate-error'))
})

test('an idle connection to one node does not keep requests from another', async (t) => {
  const nodes = [await startBackend('0'), await startBackend('1')]
  t.after(() => Promise.all(nodes.map((node) => node.close())))
  await route(
    nodes.map(({ node }) => node),
    { max_connections: 1, pending_timeout: 1 },
    {},
    true,
  )
  const seen = new Set<string>()
  for (let i = 0; i < 8; i++) {
    const answer = await requestOnce(gateway.port, '/')
    assert.equal(answer.status, 200, answer.field('x-headgate-limit'))
    seen.add(answer.body)
  }
  assert.equal(seen.size, 2)
})

test('requests that wait under two limits cost no processor time', async (t) => {
  const held: Socket[] = []
  const slow = await startBackend((_request, socket) => {
    held.push(socket)
    return null
  })
  t.after(() => slow.close())
  await route([slow.node], { max_connections: 1, max_requests_per_node: 10, pending_timeout: 30 })
  const release = async (): Promise<void> => {
    await waitFor('a request', () => (held.length > 0 ? true : undefined))
    held.shift()?.write(answerText('ok'))
  }
  const calls = ['/a', '/b', '/c', '/d', '/e'].map((path) => requestOnce(gateway.port, path))
  await waitFor('all but one to wait', async () => ((await inFlight()) === 5 ? true : undefined))
  await release()
  await waitFor('the next', () => (held.length > 0 ? true : undefined))
  const from = ticks()
  const until = Date.now() + 1000
  await waitFor('a second to pass', () => (Date.now() > until ? true : undefined))
  const used = ticks() - from
  for (let i = 0; i < 4; i++) await release()
  for (const answer of await Promise.all(calls)) assert.equal(answer.status, 200)
  assert.ok(used < 50, `${used * 10} ms of processor time in a second of waiting`)
})

/** As a file of native documents, which can say more of attempts. */
async function serve(
  t: TestContext,
  upstream: object,
  settings: readonly string[] = [],
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-attempts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'native.yaml')
  writeFileSync(file, toYaml({ headgate: 1, routes: [{ id: 'all', upstream }] } as never))
  const started = await startGateway(['--config', file, '--workers', '1', ...settings])
  t.after(() => started.stop('SIGKILL'))
  return started
}

test('answers that are tried again count as retries of the limit', async (t) => {
  const held: Socket[] = []
  const down = await startBackend(() => answerText('down', { status: '503 Down' }))
  const spare = await startBackend((_request, socket) => {
    held.push(socket)
    return null
  })
  t.after(() => Promise.all([down.close(), spare.close()]))
  const native = await serve(t, {
    endpoints: [{ address: down.node, priority: 1 }, spare.node],
    retries: { count: 1, onStatuses: [503] },
    limits: { retries: 1 },
  })
  const first = requestOnce(native.port, '/')
  await waitFor('the retry', () => (held.length === 1 ? true : undefined))
  const second = requestOnce(native.port, '/')
  const outcome = await Promise.race([
    second.then((answer) => answer.status),
    waitFor('a second retry', () => (held.length === 2 ? 'tried again' : undefined)),
  ])
  for (const socket of held) socket.write(answerText('spare'))
  assert.equal((await first).body, 'spare')
  assert.equal(outcome, 503)
  held.length = 0
  const third = requestOnce(native.port, '/')
  await waitFor('the third to have the place', () => (held.length === 1 ? true : undefined))
  held[0]?.write(answerText('spare'))
  assert.equal((await third).body, 'spare')
})

test('an endpoint for failover that had no place is asked when the request is woken', async (t) => {
  const held: Socket[] = []
  const spare = await startBackend((_request, socket) => {
    held.push(socket)
    return null
  })
  t.after(() => spare.close())
  const [dead] = (await findFreePorts(1)) as [number]
  for (const limits of [{ connections: 1 }, { requestsPerEndpoint: 1 }]) {
    const native = await serve(t, {
      endpoints: [`127.0.0.1:${dead}`, { address: spare.node, failoverOnly: true }],
      retries: { count: 0 },
      limits,
    })
    const first = requestOnce(native.port, '/first')
    await waitFor('the first', () => (held.length === 1 ? true : undefined))
    const second = requestOnce(native.port, '/second')
    const isWaiting = async () =>
      (
        JSON.parse((await native.admin('GET', '/headgate/v1/status')).text) as {
          workers: { inFlight: number }[]
        }
      ).workers[0]?.inFlight === 2
    await waitFor('the second to wait', async () => ((await isWaiting()) ? true : undefined))
    held.shift()?.write(answerText('spare'))
    assert.equal((await first).status, 200)
    const answered = second.then((answer) => `${answer.status} ${answer.field('x-headgate-error')}`)
    const outcome = await Promise.race([
      answered,
      waitFor('it to arrive', () => (held.length === 1 ? 'arrived' : undefined)),
    ])
    assert.equal(outcome, 'arrived', JSON.stringify(limits))
    held.shift()?.write(answerText('spare'))
    assert.equal((await second).status, 200)
  }
})

test('no repeat begins when its wait would end after the time for attempts', async (t) => {
  const arrivals: number[] = []
  const closing = await startRawBackend((socket) => {
    arrivals.push(performance.now())
    socket.resetAndDestroy()
  })
  t.after(() => closing.close())
  const native = await serve(t, {
    endpoints: [closing.node],
    retries: { count: 0, timeout: '300ms', sameEndpoint: { count: 3, delay: '1s' } },
  })
  const answer = await requestOnce(native.port, '/')
  assert.equal(answer.status, 502)
  assert.equal(arrivals.length, 1)
})

test('a retry that waited for its place until the time for attempts was over does not begin', async (t) => {
  const closing = await startRawBackend((socket) => socket.once('data', () => socket.end()))
  const held: Socket[] = []
  const slow = await startBackend((_request, socket) => {
    held.push(socket)
    return null
  })
  t.after(() => Promise.all([closing.close(), slow.close()]))
  await route(
    [closing.node, slow.node],
    { max_requests_per_node: 1, pending_timeout: 30 },
    { retry_timeout: 0.2 },
  )
  const first = requestOnce(gateway.port, '/first')
  await waitFor('the first', () => (held.length === 1 ? true : undefined))
  const startMs = performance.now()
  const second = requestOnce(gateway.port, '/second')
  await waitFor('the time for attempts to be over', async () =>
    (await inFlight()) === 2 && performance.now() - startMs > 300 ? true : undefined,
  )
  held.shift()?.write(answerText('slow'))
  assert.equal((await first).body, 'slow')
  const late = waitFor('a late attempt', () => (held.length === 1 ? 'late' : undefined)).catch(() => 'none')
  const outcome = await Promise.race([second.then((answer) => answer.field('x-headgate-error')), late])
  held.shift()?.write(answerText('slow'))
  assert.equal(outcome, 'UPSTREAM_RETRIES_OVER')
})

test('an ejected node is tried over a new connection as well as over a kept one', async (t) => {
  let isWell = false
  const bad = await startBackend((_request, socket) => {
    const answer = answerText('bad', {
      status: isWell ? '200 OK' : '503 Down',
      headers: ['Connection: close'],
    })
    socket.end(answer)
    return null
  })
  const good = await startBackend('good')
  t.after(() => Promise.all([bad.close(), good.close()]))
  await route(
    [bad.node, good.node],
    {},
    {
      retries: 0,
      headgate: { outlier: { consecutive_failures: 1, base_ejection: 0.3 } },
    },
  )
  assert.equal((await requestOnce(gateway.port, '/')).status, 503)
  assert.equal((await requestOnce(gateway.port, '/')).body, 'good')
  isWell = true
  await waitFor('it to serve again', async () =>
    (await requestOnce(gateway.port, '/')).body === 'bad' ? true : undefined,
  )
})
