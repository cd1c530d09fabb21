import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readGauge } from '../faults/support.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { runTool, waitFor } from '../support/tools.ts'

async function setUp(
  t: TestContext,
  flags: readonly string[] = [],
  workers = 2,
): Promise<{ gateway: GatewayProcess; a: Backend; b: Backend }> {
  const [a, b] = [await startBackend('A'), await startBackend('B')]
  t.after(() => Promise.all([a.close(), b.close()]))
  const gateway = await startGateway(['--workers', String(workers), ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  await put(gateway, 'upstreams/1', { type: 'roundrobin', nodes: { [a.node]: 1, [b.node]: 1 } })
  await put(gateway, 'routes/1', { uri: '/*', upstream_id: '1' })
  return { gateway, a, b }
}

async function put(gateway: GatewayProcess, path: string, document: object): Promise<void> {
  const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, document)
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
}

function statePath(upstream: string, node: string): string {
  return `/headgate/v1/upstreams/${encodeURIComponent(upstream)}/endpoints/${encodeURIComponent(node)}/state`
}

async function setState(gateway: GatewayProcess, node: string, state: string, query = '') {
  const answer = await gateway.admin('PUT', `${statePath('upstream/1', node)}${query}`, { state })
  assert.equal(answer.status, 200, answer.text)
  return answer.json as { revision: number; isChanged: boolean; inFlight: number; connections: number }
}

async function ask(gateway: GatewayProcess, times: number): Promise<string> {
  let answers = ''
  for (let i = 0; i < times; i++) answers += (await requestOnce(gateway.port, '/')).body
  return answers
}

async function views(gateway: GatewayProcess): Promise<{ label: string; state: string; reason: string }[]> {
  const { json } = await gateway.admin('GET', '/headgate/v1/upstreams/1/endpoints')
  return (json as { endpoints: { label: string; state: string; reason: string }[] }).endpoints
}

function headgate(gateway: GatewayProcess, ...args: readonly string[]) {
  const server = `http://127.0.0.1:${gateway.adminPort}`
  return runTool(process.execPath, [
    resolve(ROOT, 'bin/headgate.js'),
    ...args,
    '--server',
    server,
    '--admin-key',
    gateway.key,
  ])
}

test('drained under load: no request fails, and none that is sent after the answer reaches the endpoint', async (t) => {
  const { gateway, a } = await setUp(t)
  let isOver = false
  let failures = 0
  let requests = 0
  /** Whether clients know of the drain when they send; it stands in the path. What they sent before may still arrive after the answer. */
  let isDrained = false
  let underWay = 0
  const load = Array.from({ length: 8 }, async () => {
    const client = await connectRaw(gateway.port)
    while (!isOver) {
      const mark = isDrained ? 1 : 0
      underWay += mark
      const { status } = await client.exchange(`GET /${mark ? 'late' : ''} HTTP/1.1\r\nHost: a\r\n\r\n`)
      underWay -= mark
      requests++
      if (status !== 200) failures++
    }
    client.close()
  })
  for (let round = 0; round < 20; round++) {
    // every other time those under way are waited for: then nothing at all comes any more
    const isWaiting = round % 2 === 1
    const { inFlight } = await setState(gateway, a.node, 'drain', isWaiting ? '?wait=20' : '')
    isDrained = true
    const seen = a.requests.length
    const from = requests
    await waitFor('some more requests', () => (requests > from + 200 ? true : undefined))
    if (isWaiting) assert.deepEqual([inFlight, a.requests.length], [0, seen], `round ${round}`)
    isDrained = false
    await waitFor('the late ones to be answered', () => (underWay === 0 ? true : undefined))
    const before = a.requests.length
    await setState(gateway, a.node, 'ready')
    await waitFor('the endpoint to be used again', () => (a.requests.length > before ? true : undefined))
  }
  isOver = true
  await Promise.all(load)
  assert.equal(failures, 0)
  assert.equal(a.requests.filter(({ target }) => target === '/late').length, 0)
})

test('a request that tries again does not reach an endpoint that was drained meanwhile', async (t) => {
  const { gateway, a, b } = await setUp(t, [], 1)
  // another upstream keeps the connection to the endpoint
  await put(gateway, 'upstreams/2', { nodes: { [a.node]: 1 } })
  await put(gateway, 'routes/2', { uri: '/other', upstream_id: '2' })
  assert.equal((await requestOnce(gateway.port, '/other')).body, 'A')
  b.answer = () => null
  const both = [requestOnce(gateway.port, '/'), requestOnce(gateway.port, '/')]
  await waitFor('one to be answered and one to be held', () =>
    a.requests.length === 2 && b.requests.length === 1 ? true : undefined,
  )
  await setState(gateway, a.node, 'drain')
  b.reset()
  const statuses = (await Promise.all(both)).map(({ status }) => status)
  assert.deepEqual(statuses.sort(), [200, 502])
  assert.equal(a.requests.length, 2)
  assert.equal(b.requests.length, 1, 'the one that failed is not asked twice')
  assert.equal((await requestOnce(gateway.port, '/other')).body, 'A')
  assert.equal(a.connections.accepted, 1)
})

test('requests that wait at a limit do not reach an endpoint that was drained meanwhile', async (t) => {
  const { gateway, a, b } = await setUp(t, [], 1)
  const limits = { max_requests_per_node: 1, max_pending: 8 }
  await put(gateway, 'upstreams/1', { nodes: { [a.node]: 1, [b.node]: 1 }, headgate: { limits } })
  // another upstream keeps a connection to the endpoint
  await put(gateway, 'upstreams/2', { nodes: { [a.node]: 1 } })
  await put(gateway, 'routes/2', { uri: '/other', upstream_id: '2' })
  const sockets: Socket[] = []
  for (const backend of [a, b]) {
    backend.answer = ({ target }, socket) => {
      if (target === '/other') return answerText('A')
      sockets.push(socket)
      return null
    }
  }
  const asked = Array.from({ length: 2 }, () => requestOnce(gateway.port, '/'))
  await waitFor('both endpoints to be busy', () =>
    a.requests.length === 1 && b.requests.length === 1 ? true : undefined,
  )
  assert.equal((await requestOnce(gateway.port, '/other')).body, 'A')
  asked.push(...Array.from({ length: 4 }, () => requestOnce(gateway.port, '/')))
  await waitFor('the others to wait', async () =>
    (await readGauge(gateway, 'headgate_requests_in_flight')) === 6 ? true : undefined,
  )
  await setState(gateway, a.node, 'drain')
  await waitFor('them to go on', () => (b.requests.length === 5 ? true : undefined))
  assert.deepEqual(
    a.requests.map(({ target }) => target),
    ['/', '/other'],
  )
  for (const socket of sockets) socket.write(answerText('done'))
  for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200)
})

test('requests under way finish, are told of and waited for, and their connection is closed then', async (t) => {
  const { gateway, a, b } = await setUp(t)
  await setState(gateway, b.node, 'maint')
  const held = Promise.withResolvers<void>()
  a.answer = (_request, socket) => {
    void held.promise.then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'))
    return null
  }
  const answer = requestOnce(gateway.port, '/')
  await waitFor('the request to arrive', () => (a.requests.length === 1 ? true : undefined))
  const first = await setState(gateway, a.node, 'drain')
  assert.deepEqual([first.inFlight, first.connections, first.isChanged], [1, 1, true])
  const waiting = setState(gateway, a.node, 'drain', '?wait=20')
  held.resolve()
  const second = await waiting
  assert.deepEqual([second.inFlight, second.isChanged, second.revision], [0, false, first.revision])
  assert.equal((await answer).body, 'done')
  await waitFor('the connection to be closed', () => (a.connections.open.size === 0 ? true : undefined))
  const empty = await requestOnce(gateway.port, '/')
  assert.equal(empty.status, 503)
})

test('a state survives a restart, stands in the history, and is rolled back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-states-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { gateway, a } = await setUp(t, ['--store', folder])
  const before = (await gateway.admin('GET', '/headgate/v1/status')).json as { revision: number }
  await setState(gateway, a.node, 'maint')
  await gateway.stop()
  const again = await startGateway(['--workers', '2', '--store', folder])
  t.after(() => again.stop('SIGKILL'))
  assert.equal(await ask(again, 4), 'BBBB')
  const [shown] = (await views(again)).filter(({ label }) => label === a.node)
  assert.equal(shown?.state, 'maint')
  assert.equal(shown?.reason, 'set by admin')
  const history = await again.admin('GET', '/headgate/v1/history?dialect=headgate')
  assert.match(history.text, /"kind":"endpoint-states"/)
  const rolled = await headgate(again, 'rollback', String(before.revision), '--yes')
  assert.equal(rolled.code, 0, rolled.stderr)
  assert.equal((await ask(again, 4)).replaceAll('B', ''), 'AA')
})

test('the state of an upstream goes with it', async (t) => {
  const { gateway, a } = await setUp(t)
  await setState(gateway, a.node, 'drain')
  const path = `/headgate/v1/documents/headgate/endpoint-states/${encodeURIComponent('apisix/upstreams/1')}`
  assert.equal((await gateway.admin('GET', path)).status, 200)
  await gateway.admin('DELETE', '/apisix/admin/routes/1')
  await gateway.admin('DELETE', '/apisix/admin/upstreams/1')
  await waitFor('the states to be gone', async () =>
    (await gateway.admin('GET', path)).status === 404 ? true : undefined,
  )
})

test('an export holds the states, and its import gives them back', async (t) => {
  const { gateway, a } = await setUp(t)
  await setState(gateway, a.node, 'drain')
  const exported = await headgate(gateway, 'export')
  assert.equal(exported.code, 0, exported.stderr)
  assert.match(exported.stdout, /endpoint-states:/)
  const other = await startGateway(['--workers', '1'])
  t.after(() => other.stop('SIGKILL'))
  const folder = mkdtempSync(join(tmpdir(), 'headgate-export-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'all.yaml')
  writeFileSync(file, exported.stdout)
  const applied = await headgate(other, 'apply', '-f', file)
  assert.equal(applied.code, 0, applied.stderr)
  assert.equal(await ask(other, 4), 'BBBB')
  assert.equal((await headgate(other, 'export')).stdout, exported.stdout)
})

test('what makes no sense is refused with its reason', async (t) => {
  const { gateway, a } = await setUp(t)
  const cases: [string, object, number, RegExp][] = [
    [statePath('upstream/2', a.node), { state: 'drain' }, 404, /there is no upstream upstream\/2/],
    [statePath('1', '127.0.0.1:1'), { state: 'drain' }, 404, /has no endpoint 127\.0\.0\.1:1/],
    [statePath('1', a.node), { state: 'off' }, 400, /state must be one of ready, drain, maint/],
    [statePath('1', a.node), { state: 'drain', why: 'x' }, 400, /why: unknown field/],
    [`${statePath('1', a.node)}?wait=21`, { state: 'drain' }, 400, /wait must be 0 to 20/],
  ]
  for (const [path, body, status, text] of cases) {
    const answer = await gateway.admin('PUT', path, body)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.text, text)
  }
  assert.equal((await ask(gateway, 4)).replaceAll('B', ''), 'AA')
})

test('with files as the source a state is refused with the file, and may stand in a file itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-files-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [a, b] = [await startBackend('A'), await startBackend('B')]
  t.after(() => Promise.all([a.close(), b.close()]))
  const routes = `headgate: 1\nupstreams:\n  - id: u\n    endpoints: ["${a.node}", "${b.node}"]\nroutes:\n  - id: r\n    paths: [/*]\n    upstream: u\n`
  writeFileSync(join(folder, 'routes.yaml'), routes)
  const gateway = await startGateway(['--workers', '1', '--config', folder])
  t.after(() => gateway.stop('SIGKILL'))
  const refused = await gateway.admin('PUT', statePath('u', a.node), { state: 'drain' })
  assert.equal(refused.status, 409, refused.text)
  assert.match(refused.text, /READ_ONLY/)
  writeFileSync(
    join(folder, 'states.yaml'),
    `endpoint-states:\n  - upstream: native/upstreams/u\n    states:\n      "${a.node}": { state: drain, note: moved }\n`,
  )
  await waitFor('the file to act', async () => ((await ask(gateway, 4)) === 'BBBB' ? true : undefined))
})

test('the command line lists, drains and brings back, and tells what is still under way', async (t) => {
  const { gateway, a } = await setUp(t)
  const drained = await headgate(
    gateway,
    'node',
    'drain',
    'upstream/1',
    a.node,
    '--wait',
    '5s',
    '--note',
    'kernel',
  )
  assert.equal(drained.code, 0, drained.stderr)
  assert.match(drained.stdout, /is set to drain \(revision \d+\): 0 requests under way/)
  const list = await headgate(gateway, 'node', 'list', 'upstream/1')
  assert.equal(list.code, 0, list.stderr)
  assert.match(list.stdout, new RegExp(`${a.node} +drain .*set by admin: kernel`))
  assert.match((await headgate(gateway, 'node', 'list')).stdout, /2 +1 drain, 1 up|2 +1 up, 1 drain/)
  const described = await headgate(gateway, 'describe', 'upstream', '1')
  assert.match(described.stdout, /Endpoints\n.*NODE/)
  const top = await headgate(gateway, 'top', 'endpoints', '--once')
  assert.equal(top.code, 0, top.stderr)
  assert.match(top.stdout, /drain/)
  const ready = await headgate(gateway, 'node', 'ready', '1', a.node, '-o', 'json')
  assert.equal(JSON.parse(ready.stdout).state, 'ready')
  const unknown = await headgate(gateway, 'node', 'drain', 'upstream/1', '127.0.0.1:1')
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /has no endpoint/)
})
