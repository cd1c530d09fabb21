import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'
import { quantile, readGauge, startLoad, waitForRest, writeSettings } from './support.ts'

/** Promise H4: slow clients are cut by the timeouts, and the others do not notice them. */

const COUNT = process.env.HEADGATE_LONG === '1' ? 1000 : 200
const settings = writeSettings({
  limits: { headerTimeoutMs: 1500, bodyIdleMs: 1500, bodyRateGraceMs: 1500, writeStallMs: 1500 },
})
const CLIENTS = 4

let gateway: GatewayProcess
let backend: Backend

before(async () => {
  const big = Buffer.from(answerText('x'.repeat(8_000_000)))
  const small = answerText('ok')
  backend = await startBackend((request) => (request.target.startsWith('/big') ? big : small))
  gateway = await startGateway(['--workers', '1', '--settings', settings.file])
  const made = await gateway.admin('PUT', '/apisix/admin/routes/1', {
    uri: '/*',
    upstream: { nodes: { [backend.node]: 1 } },
  })
  assert.equal(made.status, 201)
})
after(async () => {
  await gateway.stop()
  await backend.close()
  settings.remove()
})

const MODES = [
  ['header', '/', ['-H', '-i', '1', '-x', '24']],
  ['body', '/', ['-B', '-i', '1', '-s', '8192', '-x', '10']],
  ['read', '/big', ['-X', '-n', '4', '-w', '512', '-y', '1024', '-z', '32']],
] as const

for (const [name, path, options] of MODES) {
  test(`slow clients (${name}) are cut while others are served`, {
    skip: skipWithout('slowhttptest'),
  }, async () => {
    const accepted = await readGauge(gateway, 'headgate_connections_accepted_total')
    const load = startLoad(gateway.port, CLIENTS, { pauseMs: 8 })
    const attack = runTool(findTool('slowhttptest') as string, [
      ...options,
      ...['-u', `http://127.0.0.1:${gateway.port}${path}`],
      ...['-c', String(COUNT), '-r', String(COUNT), '-l', '7', '-p', '2'],
    ])
    await waitFor('the slow clients to come', async () => {
      const now = await readGauge(gateway, 'headgate_connections_accepted_total')
      return now - accepted > COUNT * 0.9 ? true : undefined
    })
    // while they still try, all of them are gone
    const open = await waitFor(
      'the slow clients to be cut',
      async () => {
        const now = (await readGauge(gateway, 'headgate_connections')) - CLIENTS
        return now <= 0 ? now : undefined
      },
      15_000,
    )
    const report = await load.stop()
    await attack
    const p99 = quantile(report.latencies, 0.99)
    console.log(`slow ${name}: p99 ${p99.toFixed(1)} ms, open after timeout ${Math.max(0, open)}`)
    assert.deepEqual(report.reasons, [])
    assert.ok(report.total > 200)
    assert.ok(p99 < 1000, `p99 ${p99} ms`)
    await waitForRest(gateway)
  })
}
