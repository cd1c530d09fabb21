import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** What survives an edit: a test for each row of the table in ARCHITECTURE.md. */

async function setUp(t: TestContext): Promise<{ gateway: GatewayProcess; a: Backend; b: Backend }> {
  const [a, b] = [await startBackend('A'), await startBackend('B')]
  t.after(() => Promise.all([a.close(), b.close()]))
  const gateway = await startGateway(['--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  return { gateway, a, b }
}

async function put(gateway: GatewayProcess, path: string, document: object): Promise<void> {
  const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, document)
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
}

async function ask(gateway: GatewayProcess, times: number, path = '/'): Promise<string> {
  let answers = ''
  for (let i = 0; i < times; i++) answers += (await requestOnce(gateway.port, path)).body
  return answers
}

/** One sample of a scrape, by the labels that it begins with. */
async function metric(gateway: GatewayProcess, name: string): Promise<number | undefined> {
  const { text } = await gateway.status('/metrics')
  const line = text.split('\n').find((sample) => sample.startsWith(name))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

const upstreamOf = (...nodes: Backend[]) => ({
  type: 'roundrobin',
  nodes: Object.fromEntries(nodes.map((backend) => [backend.node, 1])),
})

const splitOf = (a: Backend, b: Backend, weights: readonly [number, number]) => ({
  uri: '/*',
  upstream: upstreamOf(b),
  plugins: {
    'traffic-split': {
      rules: [
        { weighted_upstreams: [{ upstream: upstreamOf(a), weight: weights[0] }, { weight: weights[1] }] },
      ],
    },
  },
})

test('a pool is kept while an upstream names its address, and closed when none does', async (t) => {
  const { gateway, a, b } = await setUp(t)
  await put(gateway, 'upstreams/1', upstreamOf(a))
  await put(gateway, 'routes/1', { uri: '/*', upstream_id: '1' })
  await ask(gateway, 2)
  assert.equal(a.connections.accepted, 1)
  // other settings of the same upstream; then another upstream with the same address
  await put(gateway, 'upstreams/1', { ...upstreamOf(a), name: 'renamed', retries: 3 })
  await ask(gateway, 1)
  await put(gateway, 'upstreams/2', upstreamOf(a))
  await put(gateway, 'routes/1', { uri: '/*', upstream_id: '2' })
  await gateway.admin('DELETE', '/apisix/admin/upstreams/1')
  await ask(gateway, 1)
  assert.equal(a.connections.accepted, 1, 'still the first connection')
  await put(gateway, 'upstreams/2', upstreamOf(b))
  await waitFor('the idle connection to be closed', () => (a.connections.open.size === 0 ? true : undefined))
})

test("an endpoint's counters go on while upstream, host, port and priority are the same", async (t) => {
  const { gateway, a } = await setUp(t)
  const node = (weight: number, priority: number) => ({
    uri: '/*',
    upstream: { type: 'roundrobin', nodes: [{ host: '127.0.0.1', port: a.port, weight, priority }] },
  })
  const answered = (priority: number) =>
    metric(
      gateway,
      `headgate_upstream_requests_total{upstream="apisix/routes/1#upstream",node="${a.node}",priority="${priority}",outcome="2xx"}`,
    )
  await put(gateway, 'routes/1', node(1, 0))
  await ask(gateway, 3)
  await put(gateway, 'routes/1', node(5, 0))
  await ask(gateway, 1)
  assert.equal(await answered(0), 4)
  await put(gateway, 'routes/1', node(5, 7))
  assert.equal(await answered(7), 0)
  assert.equal(await answered(0), undefined)
})

test('a split goes on where it stood while its weights are the same', async (t) => {
  const { gateway, a, b } = await setUp(t)
  await put(gateway, 'routes/1', splitOf(a, b, [3, 2]))
  assert.equal(await ask(gateway, 2), 'AB')
  await put(gateway, 'routes/1', { ...splitOf(a, b, [3, 2]), desc: 'changed', priority: 3 })
  assert.equal(await ask(gateway, 3), 'ABA')
})

test('a split with other weights begins at the same phase of the new cycle', async (t) => {
  const { gateway, a, b } = await setUp(t)
  await put(gateway, 'routes/1', splitOf(a, b, [1, 1]))
  const first = await ask(gateway, 1) // half a cycle
  await put(gateway, 'routes/1', splitOf(a, b, [2, 2]))
  const half = await ask(gateway, 1)
  assert.notEqual(half, first, '2:2 is the rotation of 1:1, and half of its cycle is over')
  // 2 of 4 taken: what follows is the second half of 3:1
  await put(gateway, 'routes/2', { ...splitOf(a, b, [3, 1]), uri: '/whole' })
  const whole = await ask(gateway, 4, '/whole')
  await put(gateway, 'routes/3', { ...splitOf(a, b, [2, 2]), uri: '/half' })
  await ask(gateway, 1, '/half')
  await put(gateway, 'routes/3', { ...splitOf(a, b, [3, 1]), uri: '/half' })
  assert.equal(await ask(gateway, 2, '/half'), whole.slice(2))
})

test("an upstream's rotation goes on, with other nodes or weights at the same phase of the new cycle", async (t) => {
  const { gateway, a, b } = await setUp(t)
  const route = (more: object) => ({ uri: '/*', upstream: { ...upstreamOf(a, b), ...more } })
  await put(gateway, 'routes/1', route({}))
  const [first, second] = [await ask(gateway, 1), await ask(gateway, 1)]
  assert.equal(await ask(gateway, 1), first)
  await put(gateway, 'routes/1', route({ retries: 0, timeout: { connect: 1, send: 1, read: 1 } }))
  assert.equal(await ask(gateway, 1), second)
  assert.equal(await ask(gateway, 1), first)
  // half of the cycle is over, and so it is with other weights
  await put(gateway, 'routes/1', route({ nodes: { [a.node]: 2, [b.node]: 2 } }))
  assert.equal(await ask(gateway, 2), second + first)
  await put(gateway, 'routes/1', route({ nodes: { [a.node]: 2, [b.node]: 3 } }))
  const cycle = await ask(gateway, 5)
  assert.equal(cycle.replaceAll('B', '').length, 2, cycle)
})

test("a route's counters go on over an edit, and begin at 0 under another id", async (t) => {
  const { gateway, a } = await setUp(t)
  const answered = (id: string) =>
    metric(
      gateway,
      `headgate_http_requests_total{route="apisix/routes/${id}",upstream="apisix/routes/${id}#upstream",variant="${a.node}",code="200"}`,
    )
  await put(gateway, 'routes/1', { uri: '/*', upstream: upstreamOf(a) })
  await ask(gateway, 2)
  await put(gateway, 'routes/1', { uri: '/a/*', upstream: upstreamOf(a) })
  await ask(gateway, 1, '/a/b')
  assert.equal(await answered('1'), 3)
  await gateway.admin('DELETE', '/apisix/admin/routes/1')
  await put(gateway, 'routes/2', { uri: '/*', upstream: upstreamOf(a) })
  assert.equal(await answered('2'), 0)
  assert.equal(await answered('1'), undefined)
})

test("a target's counters go on while it stands at the same place", async (t) => {
  const { gateway, a, b } = await setUp(t)
  const chosen = (target: number) =>
    metric(
      gateway,
      `headgate_split_decisions_total{route="apisix/routes/1",rule="0",target="${target}",variant=`,
    )
  await put(gateway, 'routes/1', splitOf(a, b, [3, 2]))
  await ask(gateway, 5)
  await put(gateway, 'routes/1', splitOf(a, b, [1, 0]))
  await ask(gateway, 1)
  assert.deepEqual([await chosen(0), await chosen(1)], [4, 2])
})

test('a request under way finishes on what it began with', async (t) => {
  const { gateway, a, b } = await setUp(t)
  let release = (): void => {}
  a.answer = (_request, socket) => {
    release = () => socket.write(answerText('A'))
    return null
  }
  await put(gateway, 'routes/1', { uri: '/*', upstream: upstreamOf(a) })
  const client = await connectRaw(gateway.port)
  t.after(() => client.close())
  const answer = client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor('the request at its backend', () => (a.requests.length > 0 ? true : undefined))
  await put(gateway, 'routes/1', { uri: '/*', upstream: upstreamOf(b) })
  await gateway.admin('DELETE', '/apisix/admin/routes/1')
  release()
  assert.equal((await answer).body, 'A')
  assert.equal((await requestOnce(gateway.port, '/')).status, 404)
})
