import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { toYaml } from '../../src/model/yaml-text.ts'
import { startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

interface Row {
  readonly type: string
  readonly labels: string
}

/** Rows of docs/metrics.md by name; labels sorted. */
function readPage(): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const line of readFileSync(resolve(ROOT, 'docs/metrics.md'), 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    const name = /^`((?:headgate|process|nodejs|apisix)_\w+)`$/.exec(cells[1] ?? '')?.[1]
    if (name === undefined) continue
    const labels = [...(cells[3] ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label as string)
    rows.set(name, { type: cells[2] ?? '', labels: labels.sort().join(' ') })
  }
  return rows
}

/** What a scrape shows: names with their type and all label names seen. */
function readScrape(text: string): Map<string, Row> {
  const types = new Map<string, string>()
  const labels = new Map<string, Set<string>>()
  for (const line of text.split('\n')) {
    const declared = /^# TYPE (\w+) (\w+)$/.exec(line)
    if (declared !== null) {
      types.set(declared[1] as string, declared[2] as string)
      labels.set(declared[1] as string, new Set())
      continue
    }
    const sample = /^(\w+)\{(.*)\} \S+$/.exec(line)
    if (sample === null) continue
    const name = (sample[1] as string).replace(/_(?:bucket|sum|count)$/, '')
    const seen = labels.get(name) ?? labels.get(sample[1] as string)
    for (const [, label] of (sample[2] as string).matchAll(/(\w+)="/g)) seen?.add(label as string)
  }
  return new Map(
    [...types].map(([name, type]) => [
      name,
      { type, labels: [...(labels.get(name) ?? [])].sort().join(' ') },
    ]),
  )
}

test('docs/metrics.md lists every metric of a scrape with its type and labels, and no other', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  const [tcp] = (await findFreePorts(1)) as [number]
  const folder = mkdtempSync(join(tmpdir(), 'headgate-metrics-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const settings = join(folder, 'settings.yaml')
  writeFileSync(settings, toYaml({ tencent: { clusters: { 'cls-1': { directory: folder } } } }))
  const flags = ['--workers', '1', '--listen-tcp', `127.0.0.1:${tcp}`, '--settings', settings]
  const gateway = await startGateway(flags)
  t.after(() => gateway.stop('SIGKILL'))
  const stream = { upstream: { nodes: { [backend.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/stream_routes/1', stream)).status, 201)
  const route = { uri: '/a', upstream: { type: 'roundrobin', nodes: { [backend.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/1', route)).status, 201)
  const watched = {
    uri: '/b',
    upstream: {
      nodes: { [`localhost:${backend.port}`]: 1, '127.0.0.1:1': 1 },
      checks: {
        active: { type: 'tcp', healthy: { interval: 1 }, unhealthy: { interval: 1, tcp_failures: 1 } },
      },
    },
  }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/2', watched)).status, 201)
  const { cert, key } = makeCertificate(t, ['a.test'])
  assert.equal((await gateway.admin('PUT', '/apisix/admin/ssls/1', { cert, key, sni: 'a.test' })).status, 201)
  const pods = {
    ...{ Scheme: 'HTTP', Algorithm: 'ROUND_ROBIN', UniqVpcId: 'vpc-1', UpstreamType: 'K8S' },
    K8sService: [{ ClusterId: 'cls-1', Namespace: 'default', ServiceName: 'a', Port: 80, Weight: 1 }],
  }
  const upstream = '/headgate/v1/documents/tencent/upstreams/upstream-aaaaaaaa'
  assert.equal((await gateway.admin('PUT', upstream, pods)).status, 201)
  for (const path of ['/a', '/a', '/no-route']) await requestOnce(gateway.port, path)
  await requestOnce(tcp, '/as-a-stream')
  const text = await waitFor('a node to be found dead', async () => {
    const page = await gateway.status('/metrics')
    return page.text.includes('headgate_health_transitions_total{') ? page.text : undefined
  })
  await waitFor('the stream to be counted', async () => {
    const { text: other } = await gateway.status('/apisix/prometheus/metrics')
    return other.includes('apisix_stream_connection_total{') ? true : undefined
  })
  const page = readPage()
  const scrape = readScrape(text + (await gateway.status('/apisix/prometheus/metrics')).text)
  assert.ok(
    page.delete('headgate_metrics_overflow_total'),
    'it is listed, and shows only when something did not fit',
  )
  assert.deepEqual([...scrape.keys()].sort(), [...page.keys()].sort())
  for (const [name, row] of page) assert.deepEqual({ name, ...scrape.get(name) }, { name, ...row })

  // every request had a connection of its own to the gateway, and one was kept to the backend
  const made = /^headgate_upstream_connects_total\{[^}]*routes\/1[^}]*\} (\d+)$/m.exec(text)?.[1]
  assert.equal(Number(made), 1, 'connections made to the endpoint are counted')
})
