import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** Checks, live traffic and what follows from them, with two workers: what one of them or the control side finds out holds for both. */

let gateway: GatewayProcess
let good: Backend
let bad: Backend
/** Whether the second backend is well. */
let isWell = true

before(async () => {
  good = await startBackend('good')
  bad = await startBackend((request) => {
    if (request.target.startsWith('/live'))
      return answerText('live', { status: isWell ? '200 OK' : '503 Down' })
    return isWell ? answerText('bad') : answerText('broken', { status: '503 Down' })
  })
  gateway = await startGateway(['--workers', '2'])
})
after(async () => {
  await gateway.stop()
  await good.close()
  await bad.close()
})

async function route(upstream: object): Promise<void> {
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [good.node]: 1, [bad.node]: 1 }, ...upstream },
  })
  assert.ok(answer.status < 300, answer.text)
}

/** Bodies of so many requests, each on a connection of its own, so that both workers are asked. */
async function ask(count: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const answer = await requestOnce(gateway.port, '/')
    seen[answer.body] = (seen[answer.body] ?? 0) + 1
  }
  return seen
}

interface Told {
  readonly type: string
  readonly text: string
  readonly data: { readonly endpoint: string; readonly state: string; readonly reason: string }
}

/** The event that tells of an endpoint's new state, after `since` events. */
async function told(type: string, endpoint: string): Promise<Told> {
  return waitFor(`${type} of ${endpoint}`, async () => {
    const answer = await gateway.admin('GET', `/headgate/v1/events?types=${type}&follow=false`)
    const { list } = JSON.parse(answer.text) as { list: Told[] }
    return list.findLast((event) => event.data.endpoint === endpoint)
  })
}

const ACTIVE = {
  active: {
    http_path: '/live',
    healthy: { interval: 1, successes: 1 },
    unhealthy: { interval: 1, http_failures: 1 },
  },
}

test('a node whose probes fail gets nothing from any worker once that is told, and comes back', async () => {
  isWell = true
  await route({ checks: ACTIVE })
  assert.deepEqual(await ask(4), { good: 2, bad: 2 })
  isWell = false
  const down = await told('endpoint-unhealthy', bad.node)
  assert.match(down.data.reason, /probe: status 503/)
  assert.deepEqual(await ask(20), { good: 20 })
  isWell = true
  await told('endpoint-healthy', bad.node)
  assert.deepEqual(await ask(20), { good: 10, bad: 10 })
})

test('the checks are told of at the paths and in the shape of APISIX', async () => {
  isWell = true
  await route({ checks: ACTIVE })
  const [ip, port] = bad.node.split(':')
  const counter = { success: 0, http_failure: 0, tcp_failure: 0, timeout_failure: 0 }
  const node = async (): Promise<{ status: string; counter: object } | undefined> => {
    const { json } = await gateway.admin('GET', '/v1/healthcheck/routes/1')
    const { name, type, nodes } = json as { name: string; type: string; nodes: { port: number }[] }
    assert.deepEqual([name, type, nodes.length], ['/apisix/routes/1', 'http', 2])
    return nodes.find((one) => one.port === Number(port)) as never
  }
  const first = await node()
  assert.deepEqual(Object.keys(first ?? {}), ['ip', 'port', 'hostname', 'status', 'counter'])
  assert.deepEqual(Object.keys(first?.counter ?? {}), Object.keys(counter))
  assert.equal((first as unknown as { ip: string }).ip, ip)
  isWell = false
  await waitFor('it to be unhealthy', async () => ((await node())?.status === 'unhealthy' ? true : undefined))
  isWell = true
  await waitFor('it to be healthy', async () => ((await node())?.status === 'healthy' ? true : undefined))
  const list = (await gateway.admin('GET', '/v1/healthcheck')).json as { name: string }[]
  assert.deepEqual(
    list.map(({ name }) => name),
    ['/apisix/routes/1'],
  )
  assert.equal((await gateway.admin('GET', '/v1/healthcheck/routes/2')).status, 404)
})

test('nobody is probed that no route names', async () => {
  await route({})
  const before = bad.requests.filter(({ target }) => target === '/live').length
  const answer = await gateway.admin('PUT', '/apisix/admin/upstreams/idle', {
    nodes: { [bad.node]: 1 },
    checks: ACTIVE,
  })
  assert.ok(answer.status < 300, answer.text)
  // another upstream's probes tell that time has passed
  await gateway.admin('PUT', '/apisix/admin/routes/2', {
    uri: '/two',
    upstream: { nodes: { [good.node]: 1 }, checks: ACTIVE },
  })
  const probesOf = (backend: Backend): number =>
    backend.requests.filter(({ target }) => target === '/live').length
  const from = probesOf(good)
  await waitFor('two probes of the other', () => (probesOf(good) >= from + 2 ? true : undefined))
  assert.equal(probesOf(bad), before)
  await gateway.admin('PUT', '/apisix/admin/routes/3', { uri: '/three', upstream_id: 'idle' })
  await waitFor('a probe', () => (probesOf(bad) > before ? true : undefined))
  for (const id of ['2', '3']) await gateway.admin('DELETE', `/apisix/admin/routes/${id}`)
  await gateway.admin('DELETE', '/apisix/admin/upstreams/idle')
})

test('live traffic takes a node out over all workers together, and a probe brings it back', async () => {
  isWell = true
  await route({
    checks: {
      active: {
        ...ACTIVE.active,
        unhealthy: { interval: 1, http_failures: 250, tcp_failures: 250, timeouts: 250 },
        healthy: { interval: 100, successes: 1 },
      },
      passive: { unhealthy: { http_failures: 3 } },
    },
  })
  isWell = false
  const seen = await ask(20)
  assert.equal(seen.broken, 3, 'the third failure is the last, whichever workers saw them')
  const out = await told('endpoint-unhealthy', bad.node)
  assert.match(out.data.reason, /live traffic: status 503/)
  isWell = true
})

test('an ejected node sits out its time, and one request goes first', async () => {
  isWell = true
  await route({ headgate: { outlier: { consecutive_failures: 2, base_ejection: 1 } } })
  isWell = false
  const seen = await ask(12)
  assert.equal(seen.broken, 2)
  await told('endpoint-ejected', bad.node)
  isWell = true
  await told('endpoint-readmitted', bad.node)
  const trial = await ask(10)
  assert.ok((trial.bad ?? 0) >= 4, JSON.stringify(trial))
})

test('a trial whose request then may not be sent is given to another one', async (t) => {
  const first = await startBackend(() => answerText('first', { status: '500 Down' }))
  let fails = true
  const second = await startBackend(() => answerText('second', { status: fails ? '503 Down' : '200 OK' }))
  t.after(() => Promise.all([first.close(), second.close()]))
  const budget = (perSecond: number): Promise<void> =>
    route({
      nodes: [first, second].map(({ port }, i) => ({ host: '127.0.0.1', port, weight: 1, priority: -i })),
      headgate: {
        outlier: { consecutive_failures: 1, base_ejection: 0.5 },
        retry: { on_statuses: [500], budget_ratio: 0, budget_per_second: perSecond },
      },
    })
  await budget(1000)
  assert.deepEqual(await ask(1), { second: 1 })
  await told('endpoint-ejected', second.node)
  fails = false
  await budget(0)
  await told('endpoint-readmitted', second.node)
  assert.deepEqual(await ask(1), { first: 1 })
  await budget(1000)
  assert.deepEqual(await ask(1), { second: 1 })
})

test('a node that fails its trial is out for longer', async () => {
  isWell = false
  await route({ retries: 0, headgate: { outlier: { consecutive_failures: 1, base_ejection: 0.5 } } })
  await ask(4)
  const before = bad.requests.length
  await waitFor('the trial', async () => {
    await ask(1)
    return bad.requests.length > before ? true : undefined
  })
  const after = bad.requests.length
  await ask(10)
  assert.equal(bad.requests.length, after, 'its trial failed, so it is out again')
  isWell = true
})

test('a node that is much slower than the others is ejected, with the figures', async (t) => {
  isWell = true
  const slow = await startBackend((_request, socket) => {
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow'), 60)
    return null
  })
  t.after(() => slow.close())
  await route({
    nodes: { [good.node]: 1, [bad.node]: 1, [slow.node]: 1 },
    headgate: { outlier: { window: 1, min_requests: 3, latency_factor: 5, base_ejection: 30 } },
  })
  let isOver = false
  const load = (async () => {
    while (!isOver) await ask(6)
  })()
  const event = await told('endpoint-ejected', slow.node)
  isOver = true
  await load
  assert.match(event.data.reason, /^mean latency \d+\.\d ms, the others \d+\.\d ms$/)
  assert.deepEqual(await ask(6), { good: 3, bad: 3 })
})

test('a share of errors ejects once there were enough requests; never more than the share of nodes', async () => {
  isWell = false
  await route({
    headgate: {
      outlier: { consecutive_failures: 0, window: 60, min_requests: 6, error_ratio: 0.5, base_ejection: 30 },
    },
  })
  assert.deepEqual(await ask(10), { good: 5, broken: 5 })
  await ask(2)
  await told('endpoint-ejected', bad.node)
  assert.deepEqual(await ask(6), { good: 6 })
  isWell = true
})

test('with every node out all are used, as in APISIX', async () => {
  isWell = true
  const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [bad.node]: 1 }, retries: 0, checks: ACTIVE },
  })
  assert.ok(answer.status < 300)
  isWell = false
  await told('endpoint-unhealthy', bad.node)
  assert.deepEqual(await ask(3), { broken: 3 })
  isWell = true
})

test('a new node begins with its part of the traffic and gets all of it', async () => {
  isWell = true
  const warm = { slow_start_time_seconds: 3, min_weight_percent: 10, interval: 1 }
  const upstream = (nodes: object) => ({ nodes, warm_up_conf: warm })
  const put = (nodes: object) => gateway.admin('PUT', '/apisix/admin/upstreams/w', upstream(nodes))
  assert.ok((await put({ [good.node]: 1 })).status < 300)
  assert.ok(
    (await gateway.admin('PUT', '/apisix/admin/routes/1', { uri: '/*', upstream_id: 'w' })).status < 300,
  )
  await ask(2)
  assert.ok((await put({ [good.node]: 1, [bad.node]: 1 })).status < 300)
  const client = await connectRaw(gateway.port)
  let first = 0
  for (let i = 0; i < 40; i++) {
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    if ((await client.readAnswer()).body === 'bad') first++
  }
  client.close()
  // 33 percent of its weight in the first second: a quarter of the requests
  assert.ok(first >= 8 && first <= 12, `${first} of 40`)
  await waitFor('its whole share', async () => {
    const seen = await ask(20)
    return seen.bad === 10 ? true : undefined
  })
})
