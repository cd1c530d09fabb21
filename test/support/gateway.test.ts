import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBackend } from './backends.ts'
import { callHttp, startGateway } from './gateway.ts'
import { connectRaw, requestOnce } from './raw-client.ts'
import { findTool, runTool, skipWithout, waitFor } from './tools.ts'

/** Values of one metric by its labels as they stand in the text. */
function samples(text: string, name: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^(\w+)(\{.*\})? (\S+)$/.exec(line)
    if (match?.[1] === name) found.set(match[2] ?? '', Number(match[3]))
  }
  return found
}

test('starts a gateway that serves, is seen in log and metrics, and stops with 0', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const accessLog = join(folder, 'access.log')
  const backends = [await startBackend(), await startBackend()] as const
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  const gateway = await startGateway(['--workers', '2', '--access-log', accessLog])
  t.after(() => gateway.stop('SIGKILL'))

  const [first, second] = backends
  const nodes = (node: string) => ({ type: 'roundrobin', nodes: { [node]: 1 } })
  const weighted_upstreams = [
    { upstream: nodes(first.node), weight: 3 },
    { upstream: nodes(second.node), weight: 2 },
  ]
  const route = {
    uri: '/*',
    upstream: nodes(first.node),
    plugins: { 'traffic-split': { rules: [{ weighted_upstreams }] } },
  }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/1', route)).status, 201)

  for (let i = 0; i < 25; i++) assert.equal((await requestOnce(gateway.port, `/one?i=${i}`)).status, 200)
  const client = await connectRaw(gateway.port)
  for (let i = 25; i < 50; i++) {
    const answer = await client.exchange(
      `GET /kept?i=${i} HTTP/1.1\r\nHost: test.example\r\nUser-Agent: "x\\\u00e9"\r\n\r\n`,
    )
    assert.equal(answer.status, 200)
  }
  client.close()
  assert.deepEqual([first.requests.length, second.requests.length], [30, 20])

  await t.test('each request is one line of JSON', async () => {
    const lines = await waitFor('50 lines in the access log', () => {
      const text = readFileSync(accessLog, 'utf8')
      return text.split('\n').length > 50 ? text.trimEnd().split('\n') : undefined
    })
    const entries = lines.map((line) => JSON.parse(line))
    assert.equal(entries.length, 50)
    const indexes = new Set(entries.map((entry) => entry.query))
    assert.equal(indexes.size, 50)
    for (const entry of entries) {
      assert.equal(entry.status, 200)
      assert.equal(entry.client_ip, '127.0.0.1')
      assert.equal(entry.route_id, '1')
      assert.equal(entry.attempts, 1)
      assert.equal(entry.upstream_status, '200')
      assert.ok([first.node, second.node].includes(entry.node))
      assert.ok(entry.duration_ms >= entry.upstream_ms && entry.upstream_ms >= 0)
    }
    assert.equal(new Set(entries.map((entry) => entry.request_id)).size, 50)
    assert.equal(entries.filter((entry) => entry.host === 'test.example').length, 25)
  })

  await t.test('the counters add up over both workers', async () => {
    const { text } = await gateway.status('/metrics')
    const sum = (name: string) => [...samples(text, name).values()].reduce((total, value) => total + value, 0)
    assert.equal(sum('headgate_http_requests_total'), 50)
    assert.equal(sum('headgate_http_request_duration_seconds_count'), 3 * 50, 'three phases')
    assert.equal(sum('headgate_requests_total'), 50)
    assert.equal(sum('headgate_connections_accepted_total'), 26)
    const decisions = samples(text, 'headgate_split_decisions_total')
    assert.deepEqual([...decisions.values()].filter((value) => value > 0).sort(), [20, 30])
    const attempts = [...samples(text, 'headgate_upstream_requests_total').values()].filter(
      (value) => value > 0,
    )
    assert.deepEqual(attempts.sort(), [20, 30])
  })

  await t.test('promtool accepts a live scrape', { skip: skipWithout('promtool') }, async () => {
    const { text } = await gateway.status('/metrics')
    const { code, stdout, stderr } = await runTool(findTool('promtool') ?? '', ['check', 'metrics'], {
      input: text,
    })
    assert.equal(stdout + stderr, '')
    assert.equal(code, 0)
  })

  await t.test('SIGUSR1 moves the access log on after a rotation', async () => {
    renameSync(accessLog, `${accessLog}.1`)
    gateway.child.kill('SIGUSR1')
    await waitFor('a line in the new file', async () => {
      await requestOnce(gateway.port, '/rotated')
      try {
        return readFileSync(accessLog, 'utf8').includes('/rotated') || undefined
      } catch {
        return undefined
      }
    })
  })

  await t.test('the key opens the Admin API and stands in no log', async () => {
    const open = await callHttp({ port: gateway.adminPort, method: 'GET', path: '/apisix/admin/routes/1' })
    assert.equal(open.status, 401)
    assert.deepEqual(open.json, { error_msg: 'failed to check token', description: 'missing apikey' })
    assert.equal((await gateway.admin('GET', '/apisix/admin/routes/1')).status, 200)
    const keyless = async (method: string, path: string, headers = {}) => {
      const answer = await callHttp({ port: gateway.adminPort, method, path, headers })
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
      return answer.status
    }
    assert.equal(await keyless('HEAD', '/apisix/admin'), 200)
    assert.equal(await keyless('OPTIONS', '/apisix/admin/routes/1', { origin: 'https://evil.example' }), 200)
    assert.equal(await keyless('GET', `/apisix/admin/routes?api_key=${gateway.key}`), 401)
    assert.equal(await keyless('GET', '/apisix/admin/routes', { cookie: `x_api_key=${gateway.key}` }), 401)
    const rebound = { host: 'evil.example', 'x-api-key': gateway.key }
    assert.equal(await keyless('GET', '/apisix/admin/routes', rebound), 403)
    const foreign = { origin: 'https://evil.example', 'x-api-key': gateway.key }
    assert.equal(await keyless('DELETE', '/apisix/admin/routes/1', foreign), 403)
    assert.equal((await gateway.admin('GET', '/apisix/admin/routes/1')).status, 200)
    assert.match(gateway.stderr(), /"revision_after":1/)
    assert.match(gateway.stderr(), /"result":"badOrigin"/)
    assert.ok(!(gateway.stderr() + gateway.stdout()).includes(gateway.key))
  })

  assert.equal(await gateway.stop(), 0)
})

test('a gateway that cannot start fails with what it said', async () => {
  await assert.rejects(startGateway(['--no-such-flag', 'x']), /no-such-flag/)
})
