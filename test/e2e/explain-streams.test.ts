import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import type { StreamExplanation } from '../../src/model/explanation.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, runTool } from '../support/tools.ts'

/** Explain of streams, over the Admin API and the command line, held against where the gateway then takes them. */

/** Endpoints that tell which of them a client came to, whatever it speaks. */
class Endpoints {
  #onReached: (node: string) => void = () => {}

  async tcp(t: TestContext): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.resume().end()
      this.#onReached(node)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const node = `127.0.0.1:${(server.address() as { port: number }).port}`
    return node
  }

  async udp(t: TestContext): Promise<string> {
    const socket = createSocket('udp4')
    socket.on('message', () => this.#onReached(node))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.after(() => socket.close())
    const node = `127.0.0.1:${socket.address().port}`
    return node
  }

  /** The endpoint that a client reaches when it is opened so; `closed`: it is closed before. */
  reach(open: (onClosed: () => void) => void): Promise<string> {
    return new Promise((resolve) => {
      this.#onReached = resolve
      // an endpoint that was reached has told so before the gateway can close
      open(() => resolve('closed'))
    })
  }

  /** With a name: a client of TLS. */
  connect(port: number, servername: string | null = null): Promise<string> {
    return this.reach((onClosed) => {
      const options = { port, host: '127.0.0.1' }
      const socket =
        servername === null
          ? connect(options)
          : tls.connect({ ...options, servername, rejectUnauthorized: false })
      socket.on('error', () => {})
      socket.on('close', onClosed)
      socket.resume()
      if (servername === null) socket.write('no TLS')
    })
  }

  send(t: TestContext, port: number): Promise<string> {
    const socket = createSocket('udp4')
    t.after(() => socket.close())
    return this.reach(() => socket.send('x', port, '127.0.0.1'))
  }
}

async function setUp(t: TestContext, flags: readonly string[]) {
  const gateway = await startGateway(['--workers', '2', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const put = async (path: string, value: object): Promise<void> => {
    const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  return { gateway, put, endpoints: new Endpoints() }
}

async function explain(gateway: GatewayProcess, question: object): Promise<StreamExplanation> {
  const answer = await gateway.admin('POST', '/headgate/v1/explain/stream', question)
  assert.equal(answer.status, 200, answer.text)
  return answer.json as StreamExplanation
}

/** `host:port` of the endpoint, or the code of what is wrong. */
function endOf({ outcome }: StreamExplanation): string {
  return outcome.kind === 'upstream' ? outcome.endpoint : outcome.errorCode
}

test('the target and the endpoint that explain names are those of the next connection, over all workers', async (t) => {
  const [port] = (await findFreePorts(1)) as [number]
  const { gateway, put, endpoints } = await setUp(t, ['--listen-tcp', `127.0.0.1:${port}`])
  const [one, two, three] = [await endpoints.tcp(t), await endpoints.tcp(t), await endpoints.tcp(t)]
  await put('upstreams/green', { name: 'green', scheme: 'tcp', nodes: { [two]: 2, [three]: 1 } })
  await put('stream_routes/db', {
    server_port: port,
    upstream: { name: 'blue', nodes: { [one]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [
          {
            match: [{ vars: [['remote_addr', '==', '192.0.2.1']] }],
            weighted_upstreams: [{ upstream_id: 'green' }],
          },
          { weighted_upstreams: [{ upstream_id: 'green', weight: 2 }, { weight: 3 }] },
        ],
      },
    },
  })
  const seen = new Map<string, number>()
  for (let i = 0; i < 30; i++) {
    const told = await explain(gateway, { listener: String(port) })
    assert.deepEqual((await explain(gateway, {})).outcome, told.outcome, 'explain moves nothing on')
    const node = await endpoints.connect(port)
    assert.equal(node, endOf(told), `connection ${i}`)
    seen.set(node, (seen.get(node) ?? 0) + 1)
  }
  assert.deepEqual([seen.get(one), seen.get(two), seen.get(three)], [18, 8, 4])
  const told = await explain(gateway, {})
  assert.deepEqual(
    told.split?.targets.map(({ variant, weight, share }) => [variant, weight, share.percent]),
    [
      ['green', 2, 40],
      ['blue', 3, 60],
    ],
  )
  assert.deepEqual(
    told.rules.map(({ outcome }) => outcome),
    ['failed', 'taken', 'notReached'],
  )
  assert.equal(told.rules[0]?.predicate?.comparisons[0]?.actual, '127.0.0.1')
  const other = await explain(gateway, { clientIp: '192.0.2.1' })
  assert.deepEqual([other.rules[0]?.outcome, other.upstream?.name], ['taken', 'green'])
  // 30 connections, and not one for the questions
  assert.match((await gateway.status('/metrics')).text, /^headgate_requests_total 30$/m)
})

test('each condition of a route is named with what it wants and what the stream has', async (t) => {
  const [port, other, udp] = (await findFreePorts(3)) as [number, number, number]
  const { gateway, put, endpoints } = await setUp(t, [
    '--listen-tcp',
    `127.0.0.1:${port}`,
    '--listen-tcp',
    `127.0.0.1:${other}`,
    '--listen-udp',
    `127.0.0.1:${udp}`,
  ])
  const node = await endpoints.tcp(t)
  const upstream = { nodes: { [node]: 1 } }
  await put('stream_routes/port', { server_port: other, upstream })
  await put('stream_routes/server', { server_port: port, server_addr: '192.0.2.9', upstream })
  await put('stream_routes/client', { server_port: port, remote_addr: '10.1.0.0/16', upstream })
  await put('stream_routes/name', { server_port: port, sni: 'db.example', upstream })
  const native = await gateway.admin('PUT', '/headgate/v1/documents/native/streams/datagrams', {
    protocols: ['udp'],
    upstream: { scheme: 'udp', endpoints: [node] },
  })
  assert.ok(native.status < 300, native.text)
  const missed = await explain(gateway, { listener: `127.0.0.1:${port}`, serverName: 'x.example' })
  assert.deepEqual(
    missed.candidates.map(({ origin, outcome, failed }) => [
      origin.id,
      outcome,
      failed?.condition,
      failed?.expected,
      failed?.actual,
    ]),
    [
      ['name', 'failed', 'serverName', 'db.example', 'x.example'],
      ['port', 'failed', 'port', String(other), String(port)],
      ['server', 'failed', 'serverAddress', '192.0.2.9', '127.0.0.1'],
      ['client', 'failed', 'client', '10.1.0.0/16', '127.0.0.1'],
      ['datagrams', 'failed', 'protocol', 'udp', 'tcp'],
    ],
  )
  assert.deepEqual([endOf(missed), missed.route, missed.routeCount], ['ROUTE_NOT_FOUND', null, 5])
  assert.equal(await endpoints.connect(port), 'closed')
  const taken = await explain(gateway, { listener: `:${port}`, clientIp: '::ffff:10.1.2.3' })
  assert.deepEqual([taken.route?.origin.id, taken.stream.client, endOf(taken)], ['client', '10.1.2.3', node])
  assert.equal(taken.candidates.at(-1)?.outcome, 'notReached')
  const elsewhere = await explain(gateway, { listener: String(other) })
  assert.equal(elsewhere.stream.isNameRead, false, 'no route that could take it asks for a name')
  assert.equal(await endpoints.connect(other), endOf(elsewhere))
})

test('a name is explained as it is read: exact before wildcards, where TLS passes and where it ends', async (t) => {
  const [port, ending] = (await findFreePorts(2)) as [number, number]
  const pair = makeCertificate(t, ['a.test', 'x.b.test', 'other.example'])
  const { gateway, put, endpoints } = await setUp(t, [
    '--listen-tcp',
    `127.0.0.1:${port}`,
    '--listen-tcp',
    `tls://127.0.0.1:${ending}`,
  ])
  for (const [i, sni] of ['a.test', 'x.b.test', 'other.example'].entries())
    await put(`ssls/${i}`, { sni, cert: pair.cert, key: pair.key })
  const nodes = await Promise.all([0, 1, 2].map(() => endpoints.tcp(t)))
  const to = (i: number, scheme = 'tcp') => ({ scheme, nodes: { [nodes[i] as string]: 1 } })
  await put('stream_routes/exact', { sni: 'a.test', upstream: to(0) })
  await put('stream_routes/wild', { sni: '*.b.test', upstream: to(1) })
  await put('stream_routes/rest', { upstream: to(2) })
  for (const listener of [port, ending]) {
    for (const [name, i] of [
      ['a.test', 0],
      ['x.b.test', 1],
      ['other.example', 2],
    ] as const) {
      const told = await explain(gateway, { listener: `:${listener}`, serverName: name.toUpperCase() })
      assert.deepEqual([endOf(told), told.stream.serverName], [nodes[i], name])
      assert.equal(told.listener.transport, listener === port ? 'tcp' : 'tls')
      assert.equal(await endpoints.connect(listener, name), nodes[i], `${name} at ${listener}`)
    }
  }
  assert.deepEqual(
    (await explain(gateway, { serverName: 'a.test' })).rivals.map(({ origin }) => origin.id),
    ['rest'],
  )
  const nameless = await explain(gateway, { listener: `:${port}` })
  assert.deepEqual([endOf(nameless), nameless.stream.isNameRead], [nodes[2], true])
  assert.equal(await endpoints.connect(port), nodes[2])
  // an endpoint that speaks TLS is asked for the client's own name
  await put('stream_routes/wild', { sni: '*.b.test', upstream: to(1, 'tls') })
  const secure = await explain(gateway, { listener: `tls://:${ending}`, serverName: 'x.b.test' })
  assert.deepEqual([secure.upstream?.transport, secure.upstream?.serverName], ['tls', 'x.b.test'])
})

test('datagrams are explained by the session that they would begin', async (t) => {
  const [port] = (await findFreePorts(1)) as [number]
  const { gateway, put, endpoints } = await setUp(t, ['--listen-udp', `127.0.0.1:${port}`])
  const [one, two] = [await endpoints.udp(t), await endpoints.udp(t)]
  await put('stream_routes/dns', { upstream: { scheme: 'udp', nodes: { [one]: 2, [two]: 1 } } })
  for (let i = 0; i < 6; i++) {
    const told = await explain(gateway, { transport: 'udp', listener: `:${port}` })
    assert.deepEqual(
      [told.upstream?.transport, told.upstream?.connectMs, told.upstream?.idleMs],
      ['udp', null, 60_000],
    )
    assert.equal(await endpoints.send(t, port), endOf(told), `session ${i}`)
  }
})

test('what makes no sense is refused, with the listeners that there are', async (t) => {
  const [port, ending] = (await findFreePorts(2)) as [number, number]
  const { gateway } = await setUp(t, [
    '--listen-tcp',
    `127.0.0.1:${port}`,
    '--listen-tcp',
    `tls://127.0.0.1:${ending}`,
  ])
  for (const [question, code, message] of [
    [{ listener: ':1' }, 'NO_SUCH_LISTENER', new RegExp(`at :1 \\(there are 127.0.0.1:${port}, tls://127`)],
    [{ transport: 'udp' }, 'NO_SUCH_LISTENER', /no listener for UDP: the setting is listenUdp/],
    [{ url: '/x' }, 'BAD_EXPLAIN', /url: not known/],
    [{ serverName: 'a b' }, 'BAD_EXPLAIN', /"a b" is no name/],
  ] as const) {
    const answer = await gateway.admin('POST', '/headgate/v1/explain/stream', question)
    const { code: told, detail } = answer.json as { code: string; detail: string }
    assert.deepEqual([answer.status, told], [400, code], JSON.stringify(question))
    assert.match(detail, message)
  }
  const empty = await explain(gateway, {})
  assert.deepEqual([endOf(empty), empty.routeCount, empty.candidates], ['ROUTE_NOT_FOUND', 0, []])
})

test('the command line explains by files what the gateway that serves them explains', async (t) => {
  const [port, ending, udp] = (await findFreePorts(3)) as [number, number, number]
  const folder = mkdtempSync(join(tmpdir(), 'headgate-explain-streams-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(
    join(folder, 'apisix.yaml'),
    `gateway:
  listenTcp: [127.0.0.1:${port}, "tls://127.0.0.1:${ending}"]
  listenUdp: [127.0.0.1:${udp}]
stream_routes:
  - { id: office, server_port: ${port}, remote_addr: 10.0.0.0/8, upstream: { nodes: { "127.0.0.1:9": 1 } } }
  - id: db
    sni: "*.example"
    upstream: { name: old, nodes: { "127.0.0.1:9": 1 } }
    plugins:
      traffic-split:
        rules:
          - weighted_upstreams:
              - upstream: { name: new, nodes: { "127.0.0.1:10": 1 } }
                weight: 1
              - weight: 3
#END
`,
  )
  const { gateway } = await setUp(t, ['--config', folder])
  const client = ['--server', `http://127.0.0.1:${gateway.adminPort}`, '--admin-key', gateway.key]
  const headgate = (args: readonly string[]) =>
    runTool(process.execPath, [join(ROOT, 'bin/headgate.js'), 'explain', ...args], {
      env: { ...process.env, LC_ALL: 'C', NO_COLOR: '1' },
    })
  for (const question of [
    ['--tcp'],
    ['--tcp', `:${port}`, '--client-ip', '10.1.2.3'],
    ['--tcp', `:${ending}`, '--sni', 'db.example'],
    ['--udp', `127.0.0.1:${udp}`],
  ]) {
    const [online, offline] = await Promise.all([
      headgate([...question, '-o', 'json', ...client]),
      headgate([...question, '-o', 'json', '--config', folder]),
    ])
    assert.deepEqual([online.code, offline.code], [0, 0], online.stderr + offline.stderr)
    const { revision: _live, ...served } = JSON.parse(online.stdout) as StreamExplanation
    const { revision: _file, ...read } = JSON.parse(offline.stdout) as StreamExplanation
    assert.deepEqual(read, served, question.join(' '))
  }
  const told = await headgate(['--tcp', `:${port}`, '--sni', 'db.example', ...client])
  assert.equal(told.code, 0, told.stderr)
  for (const line of [
    new RegExp(`^a TCP stream to 127\\.0\\.0\\.1:${port}$`, 'm'),
    /^name +db\.example, TLS passes through$/m,
    /^\+ route +apisix\/stream_routes\/db .*apisix\.yaml:\d+:\d+ stream_route\/db\]$/m,
    /^\+ rule +1 of 2/m,
    /^\+ split +target 2 of 2, old: the next by weight/m,
    /round robin, timeouts connect 60 s idle 600 s, retries 0$/m,
    /^-> goes to tcp:\/\/127\.0\.0\.1:9$/m,
  ])
    assert.match(told.stdout, line)
  assert.doesNotMatch(told.stdout, /[^\x20-\x7e\n]/, 'ASCII alone where the locale is no UTF-8')
  const missed = await headgate(['--udp', ...client])
  assert.equal(missed.code, 0)
  assert.match(missed.stdout, /^- route +none of 2 takes it$/m)
  assert.match(missed.stdout, /^ +- apisix\/stream_routes\/office {2}port is \d+, not \d+ {2}\[/m)
  assert.match(
    missed.stdout,
    /^-> dropped: no stream route takes it \(404 ROUTE_NOT_FOUND in the access log\)$/m,
  )
})

test('the command line refuses what has no meaning for a stream', async () => {
  const headgate = (args: readonly string[]) =>
    runTool(process.execPath, [join(ROOT, 'bin/headgate.js'), 'explain', ...args])
  for (const [args, message] of [
    [[], /say what to explain: a URL, a stream \(--tcp or --udp\), or route/],
    [['/x', '--tcp'], /--tcp explains a stream, and \/x is a request/],
    [['--tcp', '--udp'], /one stream at a time/],
    [['--udp', '--sni', 'a.test'], /--sni goes with --tcp/],
    [['/x', '--sni', 'a.test'], /--sni goes with --tcp/],
    [['--tcp', '-X', 'GET'], /--method is of a request/],
    [['--udp', '-H', 'a: b'], /--header is of a request/],
    [['--tcp', '-d', 'x'], /--data is of a request/],
    [['--tcp', 'nowhere'], /"nowhere" is no address/],
    [['route', 'route/1', '--sni', 'a'], /explain route is about requests/],
  ] as const) {
    const told = await headgate(args)
    assert.deepEqual([told.code, told.stdout], [2, ''], args.join(' '))
    assert.match(told.stderr, message)
    assert.equal(told.stderr.split('\n').length, 2, 'one line')
  }
})
