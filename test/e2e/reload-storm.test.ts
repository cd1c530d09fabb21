import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Nginx, startBackend, startNginx } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawAnswer, type RawClient } from '../support/raw-client.ts'
import { findTool, skipWithout, waitFor } from '../support/tools.ts'

/** Promise L1: a change of the configuration never drops or misroutes a request, and touches nothing that it does not name. */

const IS_LONG = process.env.HEADGATE_LONG === '1'
const CHANGES = 500
const REQUESTS = IS_LONG ? 500_000 : 60_000
const CONNECTIONS = 16

interface LoadResult {
  readonly requests: number
  /** Answers with another status or a body that is not allowed. */
  readonly wrong: number
  /** Connections refused or cut, and answers that did not come. */
  readonly errors: number
  readonly example: string
}

/** wrk, until `stop`; one request in four goes to /steady/, the others to /storm/. */
function startLoad(
  port: number,
  bodies: readonly string[],
  fields: Readonly<Record<string, string>>,
): { stop(): Promise<LoadResult> } {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-storm-'))
  const script = join(folder, 'storm.lua')
  const allowed = bodies.map((body) => `[${JSON.stringify(`${body}\n`)}]=true`).join(', ')
  const headers = Object.entries(fields).map(([name, value]) => `[${JSON.stringify(name)}]="${value}"`)
  writeFileSync(
    script,
    `
local allowed = { ${allowed} }
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  wrong = 0
  example = ""
  count = 0
  local fields = { ${headers.join(', ')} }
  storm = wrk.format("GET", "/storm/x", fields)
  steady = wrk.format("GET", "/steady/x", fields)
end
function request()
  count = count + 1
  if count % 4 == 0 then return steady end
  return storm
end
function response(status, headers, body)
  if status ~= 200 or not allowed[body] then
    wrong = wrong + 1
    if example == "" then example = status .. " " .. body end
  end
end
function done(summary, latency, requests)
  local wrong = 0
  local example = ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    if example == "" then example = thread:get("example") end
  end
  local e = summary.errors
  io.write("RESULT ", summary.requests, " ", wrong, " ", e.connect + e.read + e.write + e.timeout, " ",
    "connect=", e.connect, " read=", e.read, " write=", e.write, " timeout=", e.timeout, " ", example, "\\n")
end
`,
  )
  const child = spawn(
    findTool('wrk') as string,
    ['-t', '1', '-c', `${CONNECTIONS}`, '-d', '3000s', '-s', script, `http://127.0.0.1:${port}/`],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    stop: async () => {
      child.kill('SIGINT') // it stops and tells what it saw
      await ended
      process.off('exit', onExit)
      rmSync(folder, { recursive: true, force: true })
      const match = /^RESULT (\d+) (\d+) (\d+) (.*)$/ms.exec(output)
      assert.ok(match !== null, `wrk said: ${output}`)
      return {
        requests: Number(match[1]),
        wrong: Number(match[2]),
        errors: Number(match[3]),
        example: match[4] as string,
      }
    },
  }
}

describe('a storm of changes', { skip: skipWithout('nginx', 'wrk') }, () => {
  let gateway: GatewayProcess
  let stormy: Nginx
  let steady: Nginx

  before(async () => {
    stormy = await startNginx([{ body: 's1' }, { body: 's2' }, { body: 's3' }, { body: 'elsewhere' }])
    steady = await startNginx([{ body: 't1' }, { body: 't2' }], {
      extra: 'location = /connections { stub_status; }',
    })
    gateway = await startGateway(['--workers', '2', '--log-level', 'warn'])
  })
  after(async () => {
    await gateway.stop()
    await stormy.close()
    await steady.close()
  })

  async function put(path: string, value: unknown, method = 'PUT'): Promise<void> {
    const answer = await gateway.admin(method, `/apisix/admin${path}`, value)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
    assert.equal(answer.headers.warning, undefined)
  }
  const node = (nginx: Nginx, i: number) => ({ nodes: { [nginx.nodes[i] as string]: 1 } })
  const split = (weights: readonly [number, number]) => ({
    'traffic-split': {
      rules: [
        { weighted_upstreams: [{ upstream: node(stormy, 2), weight: weights[0] }, { weight: weights[1] }] },
      ],
    },
  })
  const stormRoute = (plugins: object) => ({ uri: '/storm/*', upstream_id: 'storm', plugins })

  /** Nodes, weights, routes that come and go, rules that hide and show others; every tenth one alike. */
  function change(i: number): Promise<void> {
    switch (i % 10) {
      case 0:
        return put('/routes/storm', stormRoute(split([3, 2])))
      case 1:
        return put(`/routes/other-${i}`, { uri: `/other/${i}/*`, upstream: node(stormy, 3) })
      case 2:
        return put('/upstreams/storm', { nodes: { [stormy.nodes[1] as string]: 1 } }, 'PATCH')
      case 3:
        return put('/routes/storm', stormRoute(split([1, 4])))
      case 4:
        return put(`/routes/other-${i - 3}`, undefined, 'DELETE')
      case 5:
        return put('/upstreams/storm', { nodes: { [stormy.nodes[1] as string]: null } }, 'PATCH')
      case 6:
        return put('/routes/storm', stormRoute({}))
      case 7:
        return put('/routes/storm/plugins', split([5, 5]), 'PATCH')
      case 8:
        return put('/routes/never', {
          uri: '/storm/x',
          vars: [['http_never', '==', 'said']],
          upstream: node(stormy, 3),
        })
      default:
        return put('/routes/never', undefined, 'DELETE')
    }
  }

  async function served(): Promise<number> {
    const { json } = await gateway.admin('GET', '/headgate/v1/status')
    const { workers } = json as { workers: { requests: number }[] }
    return workers.reduce((sum, worker) => sum + worker.requests, 0)
  }

  /** Connections that the steady nginx accepted so far. */
  async function steadyConnections(): Promise<number> {
    const client = await connectRaw(steady.ports[0] as number)
    const answer = await client.exchange('GET /connections HTTP/1.1\r\nHost: a\r\n\r\n')
    client.close()
    return Number(/requests\s+(\d+)/.exec(answer.body)?.[1])
  }

  for (const [way, fields] of [
    ['kept alive', {}],
    ['a connection per request', { Connection: 'close' }],
  ] as const) {
    test(`no request fails or goes astray, ${way}`, async () => {
      await put('/upstreams/storm', node(stormy, 0))
      await put('/routes/storm', stormRoute(split([3, 2])))
      const steadySplit = [{ upstream: node(steady, 0), weight: 3 }, { weight: 2 }]
      await put('/routes/steady', {
        uri: '/steady/*',
        upstream: node(steady, 1),
        plugins: { 'traffic-split': { rules: [{ weighted_upstreams: steadySplit }] } },
      })
      const stormBefore = stormy.readLog().length
      const steadyBefore = steady.readLog().length
      const connectionsBefore = await steadyConnections()
      const base = await served()
      const startedAt = performance.now()
      const load = startLoad(gateway.port, ['s1', 's2', 's3', 't1', 't2'], fields)
      try {
        for (let i = 0; i < CHANGES; i++) {
          // spread over the whole load, so that each change meets requests
          const due = base + (REQUESTS * i) / CHANGES
          await waitFor(`request ${due}`, async () => ((await served()) >= due ? true : undefined), 60_000)
          await change(i)
        }
        const all = base + REQUESTS
        await waitFor('the rest', async () => ((await served()) >= all ? true : undefined), 60_000)
      } finally {
        const result = await load.stop()
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
        const failed = result.wrong + result.errors
        console.log(
          `reload storm: ${CHANGES} changes in ${seconds} s: ${failed} failed of ${result.requests} (${way})`,
        )
        assert.equal(failed, 0, `${result.wrong} wrong, ${result.errors} errors: ${result.example}`)
        assert.ok(result.requests >= REQUESTS * 0.99)
      }
      for (const [log, path] of [
        [stormy.readLog().slice(stormBefore), '/storm/x'],
        [steady.readLog().slice(steadyBefore), '/steady/x'],
      ] as const) {
        const astray = log.filter((line) => !line.includes(` ${path} `) && !line.includes(' /connections '))
        assert.deepEqual(astray, [])
      }
      // requests that wrk left behind at its end may be missing at one side
      const counts = steady.ports.map(
        (port) =>
          steady
            .readLog()
            .slice(steadyBefore)
            .filter((line) => line.startsWith(`${port} GET /steady`)).length,
      ) as [number, number]
      const expected = (counts[0] + counts[1]) * 0.6
      assert.ok(Math.abs(counts[0] - expected) <= CONNECTIONS, `3:2 became ${counts.join(':')}`)
      const opened = (await steadyConnections()) - connectionsBefore
      // a connection is closed after 1 000 requests, by both sides
      const usedUp = Math.ceil((counts[0] + counts[1]) / 1000) * 2
      assert.ok(opened <= 3 * CONNECTIONS + usedUp, `${opened} connections to endpoints that no change named`)
      assert.equal(gateway.stderr(), '')
    })
  }
})

test('changes leave positions and pools alone that they do not concern', async (t) => {
  const [a, b, c] = [await startBackend('a'), await startBackend('b'), await startBackend('c')]
  const gateway = await startGateway(['--workers', '2'])
  let client: RawClient | undefined
  t.after(async () => {
    client?.close()
    await gateway.stop()
    for (const backend of [a, b, c]) await backend.close()
  })
  const admin = async (method: string, path: string, value?: unknown): Promise<void> => {
    const answer = await gateway.admin(method, `/apisix/admin${path}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  const route = (uri: string, weights: readonly [number, number], more: object = {}) => ({
    uri,
    upstream: { nodes: { [b.node]: 1 } },
    plugins: {
      'traffic-split': {
        rules: [
          {
            weighted_upstreams: [
              { upstream: { nodes: { [a.node]: 1 } }, weight: weights[0] },
              { weight: weights[1] },
            ],
          },
        ],
      },
    },
    ...more,
  })
  await admin('PUT', '/routes/steady', route('/steady', [3, 2]))
  await admin('PUT', '/routes/other', route('/other', [1, 1]))
  client = await connectRaw(gateway.port)
  let answers = ''
  for (let i = 0; i < 100; i++) {
    const answer: RawAnswer = await client.exchange('GET /steady HTTP/1.1\r\nHost: h\r\n\r\n')
    assert.equal(answer.status, 200)
    answers += answer.body
    switch (i % 6) {
      case 0:
        await admin('PUT', '/routes/other', route('/other', [1, 1 + (i % 7)]))
        break
      case 1:
        await admin('PUT', `/routes/new-${i}`, route(`/new/${i}`, [3, 2]))
        break
      case 2:
        await admin('DELETE', `/routes/new-${i - 1}`)
        break
      case 3: // the route itself, but not its split
        await admin('PUT', '/routes/steady', route('/steady', [3, 2], { name: `edition ${i}` }))
        break
      case 4:
        await admin('PUT', '/upstreams/u', { nodes: { [c.node]: i, [a.node]: 1 } })
        break
      default:
        await admin('DELETE', '/upstreams/u')
    }
  }
  for (let i = 0; i + 5 <= answers.length; i++) {
    assert.equal(answers.slice(i, i + 5).replaceAll('b', '').length, 3, `${answers} at ${i}`)
  }
  // one client connection lives in one worker, and that needs one connection to each endpoint
  assert.deepEqual(
    [a, b, c].map((backend) => backend.connections.accepted),
    [1, 1, 0],
  )
})
