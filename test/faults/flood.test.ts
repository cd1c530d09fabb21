import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'
import { quantile, readGauge, waitForRest, writeSettings } from './support.ts'

/** Promise H7: the limit of connections holds, those that stand are served, and the Admin API stays within reach. */

const LIMIT = process.env.HEADGATE_LONG === '1' ? 4000 : 800
const EXCESS = 500
const settings = writeSettings({ limits: { maxConnections: LIMIT } })

let gateway: GatewayProcess
let backend: Backend

before(async () => {
  backend = await startBackend('ok')
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

test('more connections than the limit are closed at accept, and nobody else is the worse for it', async () => {
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const established: RawClient[] = []
  for (let i = 0; i < LIMIT; i += 50) {
    established.push(
      ...(await Promise.all(Array.from({ length: Math.min(50, LIMIT - i) }, () => connectRaw(gateway.port)))),
    )
  }
  const answers = await Promise.all(established.map((client) => client.exchange(request)))
  assert.ok(answers.every((answer) => answer.status === 200))
  // admin calls one after the other, while the flood comes and those that stand go on asking
  const latencies: number[] = []
  let isOver = false
  const admin = (async () => {
    while (!isOver) {
      const start = performance.now()
      const { status } = await gateway.admin('GET', '/apisix/admin/routes/1')
      latencies.push(performance.now() - start)
      assert.equal(status, 200)
    }
  })()
  const flood: Socket[] = []
  let closed = 0
  for (let i = 0; i < EXCESS; i++) {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.on('data', () => assert.fail('a connection over the limit was served'))
    socket.write(request)
    flood.push(socket)
  }
  let lost = 0
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      established.map(async (client) => {
        try {
          const answer = await client.exchange(request)
          if (answer.status !== 200) lost++
        } catch {
          lost++
        }
      }),
    )
  }
  await waitFor('the flood to be refused', () => (closed === EXCESS ? true : undefined))
  isOver = true
  await admin
  const p99 = quantile(latencies, 0.99)
  console.log(`flood: ${lost} established lost, admin p99 ${p99.toFixed(1)} ms`)
  assert.equal(lost, 0)
  assert.ok(p99 < 1000, `admin p99 ${p99} ms`)
  assert.equal(await readGauge(gateway, 'headgate_connections'), LIMIT)
  assert.equal(await readGauge(gateway, 'headgate_connections_refused_total'), EXCESS)
  for (const client of established) client.close()
  await waitForRest(gateway)
  // room again
  const next = await connectRaw(gateway.port)
  assert.equal((await next.exchange(request)).status, 200)
  next.close()
})
