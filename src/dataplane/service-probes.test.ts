import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { findFreePorts, waitFor } from '../../test/support/tools.ts'
import type { ProxyProbe } from '../model/proxy-link.ts'
import { ServiceProbes } from './service-probes.ts'

const PROBE: ProxyProbe = {
  inbound: '127.0.0.1:9000',
  host: '127.0.0.1',
  port: 8000,
  intervalMs: 1000,
  timeoutMs: 500,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
}

/** Probes whose results a test says, one for each step of the clock. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let turns = 0
  let next = true
  let sent = 0
  const probes = new ServiceProbes({
    onTurn: () => turns++,
    probe: async () => {
      sent++
      return next
    },
  })
  t.after(() => probes.close())
  const step = async (result: boolean) => {
    next = result
    t.mock.timers.tick(1000)
    await turn()
  }
  return { probes, step, turns: () => turns, sent: () => sent }
}

test('says that an inbound is ready after so many good results in a row, and no longer after so many bad ones', async (t) => {
  const { probes, step, turns } = setUp(t)
  const known = () => probes.results()[0]?.isReady ?? null
  probes.set([PROBE])
  await turn() // the first probe is sent at once, and is good
  assert.equal(known(), null)
  await step(false)
  await step(true)
  assert.equal(known(), null)
  await step(true)
  assert.equal(known(), true)
  assert.equal(turns(), 1)
  await step(false)
  await step(false)
  await step(true)
  await step(false)
  await step(false)
  assert.equal(known(), true)
  await step(false)
  assert.equal(known(), false)
  assert.equal(turns(), 2)
})

test('keeps what is known of a probe that stays, and begins anew with one that is another', async (t) => {
  const { probes, step, sent } = setUp(t)
  probes.set([PROBE])
  await turn()
  await step(true)
  probes.set([{ ...PROBE }])
  assert.deepEqual(probes.results(), [{ inbound: '127.0.0.1:9000', isReady: true }])
  probes.set([{ ...PROBE, port: 8001 }])
  assert.deepEqual(probes.results(), [])
  await turn()
  probes.set([])
  const before = sent()
  await step(true)
  assert.equal(sent(), before)
})

test('connects to the application', async (t) => {
  const [port = 0] = await findFreePorts(1)
  let turns = 0
  const probes = new ServiceProbes({ onTurn: () => turns++ })
  t.after(() => probes.close())
  probes.set([{ ...PROBE, port, intervalMs: 10, healthyThreshold: 1, unhealthyThreshold: 1 }])
  const is = (isReady: boolean) => probes.results()[0]?.isReady === isReady || undefined
  await waitFor('nobody listens', () => is(false))
  const server = createServer((socket) => socket.on('error', () => {})).listen(port, '127.0.0.1')
  t.after(() => server.close())
  await waitFor('somebody listens', () => is(true))
  assert.equal(turns, 2)
})
