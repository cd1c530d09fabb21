import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SplitTraffic, TrafficReport, TrafficRow } from '../../src/model/traffic.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'

/**
 * What is shown is what was: a mix of requests that is known to the last one, and what both pages of metrics, the traffic API and `headgate top`
 * say about it. Two workers, so that sums over workers are part of it.
 */

const SPLIT = 500
const SLOW = 40
const SLOW_MS = 60
const BROKEN = 30
const UNKNOWN = 20

let gateway: GatewayProcess
let stable: Backend
let canary: Backend
let slow: Backend
let broken: Backend

before(async () => {
  gateway = await startGateway(['--workers', '2'])
  stable = await startBackend()
  canary = await startBackend()
  slow = await startBackend((_request, socket) => {
    setTimeout(() => socket.write(answerText('slow')), SLOW_MS)
    return null
  })
  let turn = 0
  const statuses = ['500 Internal Server Error', '404 Not Found', '299 Odd']
  broken = await startBackend(() => answerText('b', { status: statuses[turn++ % 3] as string }))
  const upstream = ({ node }: Backend) => ({ type: 'roundrobin', nodes: { [node]: 1 } })
  const split = {
    uri: '/split',
    name: 'checkout',
    upstream: upstream(canary),
    plugins: {
      'traffic-split': {
        rules: [{ weighted_upstreams: [{ upstream: upstream(stable), weight: 3 }, { weight: 2 }] }],
      },
    },
  }
  for (const [id, route] of [
    ['split', split],
    ['slow', { uri: '/slow', upstream: upstream(slow) }],
    ['broken', { uri: '/broken/*', upstream: upstream(broken) }],
    ['idle', { uri: '/idle', upstream: upstream(stable) }],
  ] as const)
    assert.equal((await gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)).status, 201)
  // sampling begins with the first question, so that the minute has all that follows
  assert.equal((await gateway.admin('GET', '/headgate/v1/traffic')).status, 200)
  const send = async (path: string, times: number, status: number | null) => {
    for (let i = 0; i < times; i++) {
      const answer = await requestOnce(gateway.port, path)
      if (status !== null) assert.equal(answer.status, status)
    }
  }
  const slowly = Promise.all(Array.from({ length: 4 }, () => send('/slow', SLOW / 4, 200)))
  await send('/split', SPLIT, 200)
  await send('/broken/x', BROKEN, null)
  await send('/unknown', UNKNOWN, 404)
  await slowly
  // a request is counted behind its last byte
  await waitFor('all requests to be sampled', async () => {
    const { totals } = await traffic('routes')
    return totals.requests === SPLIT + SLOW + BROKEN + UNKNOWN && totals.inFlight === 0 ? true : undefined
  })
})

after(async () => {
  await gateway.stop('SIGKILL')
  for (const backend of [stable, canary, slow, broken]) await backend.close()
})

async function traffic(view: string, more = ''): Promise<TrafficReport> {
  const answer = await gateway.admin('GET', `/headgate/v1/traffic?view=${view}${more}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json as TrafficReport
}

function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

/** Requests in the minute that a row shows: its rate, times what it is over. */
function perMinute(row: TrafficRow, report: TrafficReport): number {
  return Math.round(row.rates.last60s * report.sampledSeconds)
}

async function runTop(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return runTool(process.execPath, [
    `${ROOT}/bin/headgate.js`,
    'top',
    ...args,
    '--server',
    `http://127.0.0.1:${gateway.adminPort}`,
    '--admin-key',
    gateway.key,
  ])
}

describe('known traffic', () => {
  test('metrics: every request by route, variant and status, and the duration of each phase', async () => {
    const page = samples((await gateway.status('/metrics')).text)
    const requests = (route: string, inner: string, variant: string, code: string) =>
      page.get(
        `headgate_http_requests_total{route="${route}",upstream="${route}#${inner}",variant="${variant}",code="${code}"}`,
      )
    const split = 'apisix/routes/split'
    const inline = 'plugins/traffic-split/rules/0/weighted_upstreams/0'
    assert.equal(requests(split, inline, stable.node, '200'), 300)
    assert.equal(requests(split, 'upstream', canary.node, '200'), 200)
    assert.equal(stable.requests.length, 300)
    assert.equal(requests('apisix/routes/broken', 'upstream', broken.node, '500'), BROKEN / 3)
    assert.equal(requests('apisix/routes/broken', 'upstream', broken.node, '404'), BROKEN / 3)
    assert.equal(requests('apisix/routes/broken', 'upstream', broken.node, '2xx_other'), BROKEN / 3)
    assert.equal(requests('apisix/routes/idle', 'upstream', stable.node, '200'), 0)
    assert.equal(
      page.get('headgate_http_requests_total{route="",upstream="",variant="",code="404"}'),
      UNKNOWN,
    )
    const duration = (phase: string, rest: string) =>
      page.get(
        `headgate_http_request_duration_seconds_${rest.replace('$', `route="apisix/routes/slow",variant="${slow.node}",phase="${phase}"`)}`,
      )
    for (const phase of ['total', 'upstream']) {
      assert.equal(duration(phase, 'count{$}'), SLOW)
      assert.equal(duration(phase, 'bucket{$,le="0.05"}'), 0, 'none is quicker than its backend')
      assert.ok((duration(phase, 'sum{$}') ?? 0) >= (SLOW * SLOW_MS) / 1000)
    }
    assert.equal(duration('gateway', 'bucket{$,le="0.05"}'), SLOW, 'the gateway did not wait')
    assert.equal(
      page.get(
        `headgate_split_decisions_total{route="${split}",rule="0",target="0",variant="${stable.node}",reason="weight"}`,
      ),
      300,
    )
    assert.equal(
      page.get(`headgate_split_weight_ratio{route="${split}",rule="0",target="1",variant="${canary.node}"}`),
      0.4,
    )
  })

  test('the names of APISIX show the same counts', async () => {
    const page = samples((await gateway.status('/apisix/prometheus/metrics')).text)
    const labels = 'matched_uri="/split",matched_host="",service="",consumer="",node="127.0.0.1"'
    assert.equal(page.get(`apisix_http_status{code="200",route="split",${labels}}`), SPLIT)
    assert.equal(
      page.get(
        'apisix_http_status{code="404",route="",matched_uri="",matched_host="",service="",consumer="",node=""}',
      ),
      UNKNOWN,
    )
    const latency = (rest: string) =>
      page.get(
        `apisix_http_latency_${rest.replace('$', 'type="request",route="slow",service="",consumer="",node="127.0.0.1"')}`,
      )
    assert.equal(latency('count{$}'), SLOW)
    assert.equal(latency('bucket{$,le="50"}'), 0)
    assert.ok((latency('sum{$}') ?? 0) >= SLOW * SLOW_MS)
    assert.equal(page.get('apisix_http_requests_total'), SPLIT + SLOW + BROKEN + UNKNOWN)
    const admin = await gateway.admin('GET', '/apisix/prometheus/metrics')
    assert.equal(admin.status, 200)
    assert.equal(
      (await callHttp({ port: gateway.adminPort, method: 'GET', path: '/apisix/prometheus/metrics' })).status,
      401,
    )
  })

  test('both pages pass promtool', { skip: skipWithout('promtool') }, async () => {
    for (const path of ['/metrics', '/apisix/prometheus/metrics']) {
      const { text } = await gateway.status(path)
      const { code, stdout, stderr } = await runTool(findTool('promtool') ?? '', ['check', 'metrics'], {
        input: text,
      })
      assert.equal(stdout + stderr, '', path)
      assert.equal(code, 0)
    }
  })

  test('traffic: rates, errors and latencies of routes and upstreams are those of the requests', async () => {
    const report = await traffic('routes', '&sort=name')
    assert.deepEqual(
      report.rows.map((row) =>
        row.kind === 'route' ? [row.route, perMinute(row, report), row.errorRatio] : [],
      ),
      [
        ['apisix/routes/broken', BROKEN, 0.333],
        ['apisix/routes/slow', SLOW, 0],
        ['apisix/routes/split', SPLIT, 0],
        ['', UNKNOWN, 0],
        ['apisix/routes/idle', 0, null],
      ],
    )
    assert.equal(report.isPartial, false)
    const slowRow = (await traffic('routes', '&id=apisix/routes/slow')).rows[0]
    // over the last ten seconds only: by now they may be gone
    if (slowRow?.latencyMs) assert.ok(slowRow.latencyMs.p50 >= 50, JSON.stringify(slowRow.latencyMs))
    const upstreams = await traffic('upstreams', '&sort=errors&limit=1')
    const worst = upstreams.rows[0]
    assert.equal(worst?.kind === 'upstream' ? worst.upstream : '', 'apisix/routes/broken#upstream')
    assert.equal(worst?.requests, BROKEN)
    assert.equal(worst?.errorRatio, 0.333)
    const endpoints = await traffic('endpoints', '&id=apisix/routes/slow%23upstream')
    assert.deepEqual(
      endpoints.rows.map((row) => (row.kind === 'endpoint' ? [row.node, row.requests, row.inFlight] : [])),
      [[slow.node, SLOW, 0]],
    )
  })

  test('traffic: the observed share of a split is the one that its targets got', async () => {
    const { rows } = await traffic('splits')
    const shown = (rows as readonly SplitTraffic[]).map(
      ({ route, variant, weight, configuredShare, observedShare, decisions }) =>
        [route, variant, weight, configuredShare, observedShare, decisions] as const,
    )
    assert.deepEqual(shown, [
      ['apisix/routes/split', stable.node, 3, 0.6, 0.6, 300],
      ['apisix/routes/split', canary.node, 2, 0.4, 0.4, 200],
    ])
  })

  test('traffic: a question that makes no sense is refused with what would', async () => {
    for (const [query, words] of [
      ['view=rules', /routes, splits, upstreams, endpoints/],
      ['sort=size', /rate, errors, latency, name/],
      ['limit=0', /1 to 1000/],
    ] as const) {
      const answer = await gateway.admin('GET', `/headgate/v1/traffic?${query}`)
      assert.equal(answer.status, 400)
      assert.match(answer.text, words)
    }
  })

  test('top prints what the API says, as a table and as JSON', async () => {
    const table = await runTop('splits', '--once')
    assert.equal(table.stderr, '')
    assert.equal(table.code, 0)
    const lines = table.stdout.split('\n')
    assert.match(lines[2] ?? '', /^WEIGHT {2}CONFIGURED {2}OBSERVED .*VARIANT +ROUTE$/)
    assert.match(
      lines[3] ?? '',
      new RegExp(`^ +3 +60\\.0% +60\\.0% .* ${stable.node} +apisix/routes/split rule 0 \\(checkout\\)$`),
    )
    assert.match(
      lines[4] ?? '',
      new RegExp(`^ +2 +40\\.0% +40\\.0% .* ${canary.node} +apisix/routes/split rule 0 \\(checkout\\)$`),
    )
    const routes = await runTop('--sort', 'errors')
    assert.match(routes.stdout.split('\n')[3] ?? '', /33\.3% .*apisix\/routes\/broken/)
    const json = await runTop('upstreams', '--id', 'apisix/routes/slow#upstream', '-o', 'json')
    const report = JSON.parse(json.stdout) as TrafficReport
    assert.equal(report.rows[0]?.requests, SLOW)
    const unknown = await runTop('splits', '--id', 'apisix/routes/slow')
    assert.equal(unknown.code, 1)
    assert.match(
      unknown.stderr,
      /^headgate: there is no route with a split with the id "apisix\/routes\/slow"; .*\n$/,
    )
    const wrong = await runTop('route')
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /routes/)
  })
})
