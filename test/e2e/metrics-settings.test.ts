import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TrafficReport } from '../../src/model/traffic.ts'
import { METRICS } from '../../src/observe/metric-catalog.ts'
import { startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'

function settingsFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-metrics-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'settings.yaml')
  writeFileSync(file, text)
  return file
}

async function startWithRoute(t: TestContext, flags: readonly string[]): Promise<GatewayProcess> {
  const backend = await startBackend()
  t.after(() => backend.close())
  const gateway = await startGateway(['--workers', '1', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  const route = { uri: '/a', upstream: { type: 'roundrobin', nodes: { [backend.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/1', route)).status, 201)
  return gateway
}

test('labels are left out and names of APISIX renamed as the settings say', async (t) => {
  const file = settingsFile(
    t,
    'metrics:\n  dropLabels: [headgate_http_requests_total.code, headgate_http_requests_total.upstream, headgate_http_requests_total.variant]\n  apisixPrefix: edge_\n',
  )
  const gateway = await startWithRoute(t, ['--settings', file])
  for (const path of ['/a', '/a', '/none']) await requestOnce(gateway.port, path)
  // a request is counted when its answer has gone out, which its client may see first
  await waitFor('three requests to be counted, without their labels', async () => {
    const { text } = await gateway.status('/metrics')
    const expected = [
      /^headgate_http_requests_total\{route="apisix\/routes\/1"\} 2$/m,
      /^headgate_http_requests_total\{route=""\} 1$/m,
    ]
    return expected.every((line) => line.test(text)) || undefined
  })
  const apisix = (await gateway.status('/apisix/prometheus/metrics')).text
  assert.match(apisix, /^edge_http_status\{code="200",route="1",matched_uri="\/a",/m)
  assert.doesNotMatch(apisix, /apisix_/)
})

test('the page in the names of APISIX is away when it is switched off', async (t) => {
  const gateway = await startWithRoute(t, ['--settings', settingsFile(t, 'metrics:\n  apisix: false\n')])
  assert.equal((await gateway.status('/apisix/prometheus/metrics')).status, 404)
  assert.equal((await gateway.admin('GET', '/apisix/prometheus/metrics')).status, 404)
})

test('a label that no metric has is refused at the start, with those it has', async (t) => {
  const file = settingsFile(t, 'metrics:\n  dropLabels: [headgate_http_requests_total.path]\n')
  await assert.rejects(
    startGateway(['--settings', file]),
    /no label "path"; it has route, upstream, variant, code/,
  )
})

test('traffic is streamed once a second to whoever watches', async (t) => {
  const gateway = await startWithRoute(t, [])
  const reports: TrafficReport[] = []
  await new Promise<void>((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: gateway.adminPort,
        path: '/headgate/v1/traffic?view=routes&watch=true',
        headers: { 'x-api-key': gateway.key },
        agent: false,
      },
      (response) => {
        assert.equal(response.headers['content-type'], 'text/event-stream')
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          for (;;) {
            const end = text.indexOf('\n\n')
            if (end < 0) return
            const event = text.slice(0, end)
            text = text.slice(end + 2)
            assert.match(event, /^event: traffic\ndata: \{/)
            reports.push(JSON.parse(event.slice(event.indexOf('{'))) as TrafficReport)
            // the second one must have seen them; the third comes when nothing happened any more
            if (reports.length === 1)
              for (let i = 0; i < 5; i++) requestOnce(gateway.port, '/a').catch(reject)
            if (reports.length === 4) {
              call.destroy()
              resolve()
            }
          }
        })
      },
    )
    call.on('error', (error) => (reports.length === 4 ? resolve() : reject(error)))
    call.end()
  })
  assert.deepEqual(
    reports.map(({ totals }) => totals.requests),
    [0, reports[1]?.totals.requests, 5, 5],
  )
  const gaps = reports.slice(1).map(({ atMs }, i) => atMs - (reports[i]?.atMs ?? 0))
  for (const gap of gaps) assert.ok(gap > 500 && gap < 5000, `${gaps}`)
})

const RULES = join(ROOT, 'deploy/prometheus/rules.yaml')

test('rules and dashboards name only metrics and labels that there are', () => {
  const grafana = join(ROOT, 'deploy/grafana')
  const files = [RULES, ...readdirSync(grafana).map((name) => join(grafana, name))]
  assert.ok(files.length >= 3)
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const recorded = new Set([...text.matchAll(/record: \S+?:(\w+):/g)].map(([, name]) => name as string))
    const used = [...text.matchAll(/(?<![\w:])((?:headgate|nodejs|process|apisix)_\w+)/g)].map(
      ([, name]) => name as string,
    )
    assert.ok(used.length > 0)
    for (const name of used) {
      const base = name.replace(/_(?:bucket|count|sum)$/, '')
      assert.ok(base in METRICS || recorded.has(name), `${file}: ${name}`)
    }
    for (const [, name, labels] of text.matchAll(/\b(headgate_\w+)\{([^}]*)\}/g)) {
      const info = METRICS[(name as string).replace(/_(?:bucket|count|sum)$/, '') as keyof typeof METRICS]
      for (const [, label] of (labels as string).matchAll(/(\w+)\s*[=!]~?/g)) {
        const known: readonly string[] = [...info.labels, 'instance', 'job']
        assert.ok(known.includes(label as string), `${file}: ${name}{${label}}`)
      }
    }
  }
})

test('promtool takes the rules', { skip: skipWithout('promtool') }, async () => {
  const { code, stdout, stderr } = await runTool(findTool('promtool') ?? '', ['check', 'rules', RULES])
  assert.equal(code, 0, stdout + stderr)
})
