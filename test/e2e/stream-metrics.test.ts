import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { startGateway as startInProcess } from '../../src/gateway/start.ts'
import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import type { RouteTraffic, SplitTraffic, TrafficReport, UpstreamTraffic } from '../../src/model/traffic.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, runTool, waitFor } from '../support/tools.ts'

/** Streams are counted under their own routes, targets and upstreams, as requests are: in metrics, in the live picture, and where a worker is lost. */

/** An endpoint that says hello to each connection and ends it. */
async function startTcp(t: TestContext): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.resume().end('hello')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

async function startUdp(t: TestContext): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, peer) => socket.send(bytes, peer.port, peer.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

/** Sends four bytes, and reads to the end. */
async function carry(port: number, servername?: string): Promise<void> {
  const options = { port, host: '127.0.0.1' }
  const socket =
    servername === undefined
      ? connect(options)
      : tls.connect({ ...options, servername, rejectUnauthorized: false })
  socket.on('error', () => {}) // where no endpoint takes it, it is reset
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume().end('four')
  await closed
}

async function sendDatagram(port: number): Promise<void> {
  const socket = createSocket('udp4')
  socket.send('four', port, '127.0.0.1')
  await once(socket, 'message')
  socket.close()
}

async function setUp(t: TestContext, more: readonly string[] = []) {
  const [tcp, secure, udp] = (await findFreePorts(3)) as [number, number, number]
  const listen = ['--listen-tcp', `127.0.0.1:${tcp}`, '--listen-tcp', `tls://127.0.0.1:${secure}`]
  const flags = ['--workers', '2', ...listen, '--listen-udp', `127.0.0.1:${udp}`, ...more]
  const gateway = await startGateway(flags)
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', path, value)
    assert.ok(answer.status < 300, answer.text)
  }
  return { gateway, put, tcp, secure, udp }
}

const samplesOf = async (gateway: GatewayProcess, path = '/metrics'): Promise<string[]> =>
  (await gateway.status(path)).text.split('\n')

/** Waits until all lines are there: a stream counts when both its sides are closed. */
async function waitForSamples(gateway: GatewayProcess, expected: readonly string[]): Promise<string[]> {
  let missing: readonly string[] = expected
  return waitFor('samples', async () => {
    const samples = await samplesOf(gateway)
    missing = expected.filter((line) => !samples.includes(line))
    return missing.length === 0 ? samples : undefined
  }).catch(() => assert.fail(`missing: ${missing.join('\n')}`))
}

test('streams count under their own route, target and upstream; the rows go with the route', async (t) => {
  const { gateway, put, tcp, secure, udp } = await setUp(t)
  const [blue, green, dns] = [await startTcp(t), await startTcp(t), await startUdp(t)]
  const pair = makeCertificate(t, ['a.test'])
  await put('/apisix/admin/ssls/1', { sni: 'a.test', cert: pair.cert, key: pair.key })
  await put('/apisix/admin/upstreams/green', { name: 'green', scheme: 'tcp', nodes: { [green]: 1 } })
  await put('/apisix/admin/stream_routes/db', {
    server_port: tcp,
    upstream: { name: 'blue', nodes: { [blue]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [{ weighted_upstreams: [{ upstream_id: 'green', weight: 2 }, { weight: 1 }] }],
      },
    },
  })
  await put('/apisix/admin/stream_routes/shop', { sni: 'a.test', server_port: secure, upstream_id: 'green' })
  await put('/headgate/v1/documents/native/streams/dns', {
    protocols: ['udp'],
    idle: '100ms',
    upstream: { scheme: 'udp', endpoints: [dns] },
  })
  const db = 'route="apisix/stream_routes/db"'
  await waitForSamples(gateway, [
    `headgate_split_weight_ratio{route="native/streams/dns",rule="0",target="0",variant="${dns}"} 1`,
    `headgate_http_requests_total{${db},upstream="apisix/upstreams/green",variant="green",code="200"} 0`,
  ])

  for (let i = 0; i < 6; i++) await carry(tcp)
  await carry(secure, 'a.test')
  await sendDatagram(udp)
  const samples = await waitForSamples(gateway, [
    `headgate_http_requests_total{${db},upstream="apisix/upstreams/green",variant="green",code="200"} 4`,
    `headgate_http_requests_total{${db},upstream="apisix/stream_routes/db#upstream",variant="blue",code="200"} 2`,
    `headgate_http_request_bytes_total{${db},upstream="apisix/upstreams/green",variant="green"} 16`,
    `headgate_http_response_bytes_total{${db},upstream="apisix/upstreams/green",variant="green"} 20`,
    `headgate_split_decisions_total{${db},rule="0",target="0",variant="green",reason="weight"} 4`,
    `headgate_split_decisions_total{${db},rule="0",target="1",variant="blue",reason="weight"} 2`,
    'headgate_http_requests_total{route="apisix/stream_routes/shop",upstream="apisix/upstreams/green",variant="green",code="200"} 1',
    `headgate_http_requests_total{route="native/streams/dns",upstream="native/streams/dns#upstream",variant="${dns}",code="200"} 1`,
    `headgate_upstream_requests_total{upstream="apisix/upstreams/green",node="${green}",priority="0",outcome="2xx"} 5`,
    `headgate_upstream_requests_total{upstream="native/streams/dns#upstream",node="${dns}",priority="0",outcome="2xx"} 1`,
  ])
  assert.deepEqual(
    samples.filter((line) => line.includes('"_other"')),
    [],
  )
  assert.ok(
    samples.some((line) => line.startsWith(`headgate_http_request_duration_seconds_count{${db}`)),
    'durations are there',
  )

  assert.equal((await gateway.admin('DELETE', '/apisix/admin/stream_routes/db')).status, 200)
  const left = await samplesOf(gateway)
  assert.deepEqual(
    left.filter((line) => line.includes('stream_routes/db')),
    [],
  )
  assert.ok(left.some((line) => line.includes('stream_routes/shop')))
})

test("the page in APISIX's names has streams as there: connections by route, and nothing among requests", async (t) => {
  const { gateway, put, tcp } = await setUp(t)
  const node = await startTcp(t)
  // the same id as a route for requests
  await put('/apisix/admin/routes/1', { uri: '/*', upstream: { nodes: { [node]: 1 } } })
  await put('/apisix/admin/stream_routes/1', { upstream: { nodes: { [node]: 1 } } })
  for (let i = 0; i < 3; i++) await carry(tcp)
  const line = 'apisix_stream_connection_total{route="1"} 3'
  const samples = await waitFor('the connections', async () => {
    const lines = await samplesOf(gateway, '/apisix/prometheus/metrics')
    return lines.includes(line) ? lines : undefined
  })
  assert.deepEqual(
    samples.filter((sample) => sample.startsWith('apisix_') && sample.includes('route="1"')),
    [line],
  )
})

test('headgate top shows streams by route, split, upstream and endpoint, with and without traffic', async (t) => {
  const { gateway, put, tcp } = await setUp(t)
  const [blue, green] = [await startTcp(t), await startTcp(t)]
  await put('/apisix/admin/stream_routes/db', {
    name: 'database',
    server_port: tcp,
    upstream: { name: 'blue', nodes: { [blue]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [
          {
            weighted_upstreams: [
              { upstream: { name: 'green', scheme: 'tcp', nodes: { [green]: 1 } }, weight: 3 },
              { weight: 1 },
            ],
          },
        ],
      },
    },
  })
  const top = async (...args: string[]): Promise<string> => {
    const client = ['--server', `http://127.0.0.1:${gateway.adminPort}`, '--admin-key', gateway.key]
    const { code, stdout, stderr } = await runTool(
      process.execPath,
      [join(ROOT, 'bin/headgate.js'), 'top', ...args, '--once', ...client],
      { env: { ...process.env, LC_ALL: 'C', NO_COLOR: '1' } },
    )
    assert.equal(code, 0, stderr)
    return stdout
  }
  const rowsOf = async <T>(view: string): Promise<T[]> =>
    (JSON.parse(await top(view, '-o', 'json')) as TrafficReport).rows as unknown as T[]
  const idle = await rowsOf<RouteTraffic>('routes')
  assert.deepEqual(
    idle.map(({ route, name, requests }) => [route, name, requests]),
    [['apisix/stream_routes/db', 'database', 0]],
  )
  for (let i = 0; i < 8; i++) await carry(tcp)
  await waitFor('the streams to be counted', async () => {
    const [row] = await rowsOf<RouteTraffic>('routes')
    return row?.requests === 8 && row.rates.last60s > 0 ? true : undefined
  })
  // its rate of the last seconds may be over by now
  assert.match(await top('routes'), /\n +\d\S* .* apisix\/stream_routes\/db \(database\)\n/)
  assert.deepEqual(
    (await rowsOf<SplitTraffic>('splits')).map((row) => [row.route, row.variant, row.observedShare]),
    [
      ['apisix/stream_routes/db', 'green', 0.75],
      ['apisix/stream_routes/db', 'blue', 0.25],
    ],
  )
  const endpoints = await rowsOf<UpstreamTraffic>('endpoints')
  assert.deepEqual(
    endpoints.map(({ node, requests, errorRatio }) => [node, requests, errorRatio]).sort(),
    [
      [blue, 2, 0],
      [green, 6, 0],
    ].sort(),
  )
})

test('the log names the stream route that a worker found last before it fell silent', async (t) => {
  const node = await startTcp(t)
  const said: object[] = []
  const gateway = await startInProcess(
    { ...DEFAULT_SETTINGS, store: 'memory', listen: [], listenTcp: ['127.0.0.1:0'], workers: 1 },
    { env: {}, obeysFaults: true, log: (_level, fields) => said.push(fields) },
  )
  t.after(() => gateway.close())
  const key = { dialect: 'native', kind: 'streams', id: 'db' }
  const value = { id: 'db', upstream: { scheme: 'tcp', endpoints: [node] } }
  await gateway.documents.write([{ op: 'put', key, value, expiresAtMs: null, expectedRevision: null }], {
    author: 'test',
    message: null,
  })
  await carry(Number(gateway.listeners[0]?.address.split(':')[1]))
  gateway.injectFault(0, 'wedge')
  const lost = await waitFor('the loss', () => said.find((fields) => 'lastRoute' in fields))
  assert.equal((lost as { lastRoute: string }).lastRoute, 'native/streams/db')
})

test('datagrams that nobody takes have the status of the error; once one came back the session was served', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-refused-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'access.log')
  const settings = join(directory, 'settings.json')
  writeFileSync(settings, JSON.stringify({ accessLog: { path, flushMs: 10 } }))
  const { gateway, put, udp } = await setUp(t, ['--settings', settings])
  const node = createSocket('udp4')
  node.on('message', (bytes, peer) => node.send(bytes, peer.port, peer.address))
  node.bind(0, '127.0.0.1')
  await once(node, 'listening')
  const upstream = { scheme: 'udp', nodes: { [`127.0.0.1:${node.address().port}`]: 1 } }
  await put('/apisix/admin/stream_routes/1', { upstream })
  const logged = (count: number) =>
    waitFor(`${count} lines`, () => {
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      return lines.length === count ? lines.map((line) => JSON.parse(line) as Logged) : undefined
    })
  const client = createSocket('udp4')
  t.after(() => client.close())
  client.send('four', udp, '127.0.0.1')
  await once(client, 'message')
  await new Promise<void>((resolve) => node.close(resolve))
  client.send('four', udp, '127.0.0.1')
  const shown = ({ status, error_code, bytes_out }: Logged) => [status, error_code, bytes_out]
  assert.deepEqual((await logged(1)).map(shown), [[200, 'UPSTREAM_CONNECT_FAILED', 4]])
  client.send('four', udp, '127.0.0.1')
  assert.deepEqual(shown((await logged(2))[1] as Logged), [502, 'UPSTREAM_CONNECT_FAILED', 0])
  const samples = await samplesOf(gateway)
  for (const code of ['200', '502'])
    assert.ok(
      samples.some(
        (line) =>
          /^headgate_http_requests_total\{route="apisix.*\} 1$/.test(line) && line.includes(`code="${code}"`),
      ),
      code,
    )
})

interface Logged {
  readonly status: number
  readonly error_code: string
  readonly bytes_out: number
}

test('the access log and metrics say what chose the target of a stream, in the words of requests', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-stream-reasons-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'access.log')
  const settings = join(directory, 'settings.json')
  writeFileSync(settings, JSON.stringify({ accessLog: { path, flushMs: 10 } }))
  const { gateway, put, tcp } = await setUp(t, ['--settings', settings])
  const node = await startTcp(t)
  await put('/apisix/admin/upstreams/empty', { scheme: 'tcp', nodes: {} })
  const split = (headgate: object) => ({
    upstream: { name: 'good', nodes: { [node]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [{ weighted_upstreams: [{ upstream_id: 'empty' }, { weight: 1 }], headgate }],
      },
    },
  })
  const sent: string[] = []
  for (const [reason, route, times] of [
    ['weight', { upstream: { nodes: { [node]: 1 } } }, 1],
    ['sticky', split({ sticky: { hash_on: 'vars', key: 'server_addr' } }), 1],
    // every second one had been for the upstream without nodes
    ['weight failover', split({ when_out: 'spill' }), 2],
  ] as const) {
    await put('/apisix/admin/stream_routes/1', route)
    for (let i = 0; i < times; i++) await carry(tcp)
    sent.push(...reason.split(' '))
    const logged = await waitFor(`the line of ${reason}`, () => {
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      return lines.length === sent.length ? lines : undefined
    })
    assert.deepEqual(
      logged.map((line) => (JSON.parse(line) as { split_reason: string }).split_reason).sort(),
      [...sent].sort(),
    )
  }
  const samples = await samplesOf(gateway)
  assert.ok(
    samples.some((line) =>
      /^headgate_split_decisions_total\{.*variant="good",reason="failover"\} 1$/.test(line),
    ),
  )
})
