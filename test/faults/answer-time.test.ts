import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { OutcomeJudge, PassiveCheck } from '../../src/model/health.ts'
import type { UpstreamTimeouts } from '../../src/model/upstream.ts'
import { makeUpstreamTarget } from '../../src/routing/test-fixtures.ts'
import { startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** All attempts of a request share the time that it has until its answer begins (model/upstream.ts `answerMs`). */

/** Longer than any test waits. */
const LONG = 60_000

/** So that somebody is told how attempts ended. */
const WATCHED: PassiveCheck = {
  returnsAfterMs: null,
  healthy: { statuses: [200], successes: 1 },
  unhealthy: { statuses: [500], httpFailures: 1, tcpFailures: 1, timeouts: 1 },
}

interface Told {
  readonly failed: string[]
  abandoned: number
}

/** A plane whose route has these timeouts, over nodes that are asked in their order; each may be tried again. */
async function start(
  t: TestContext,
  nodes: readonly string[],
  timeouts: Partial<UpstreamTimeouts>,
): Promise<{ plane: TestPlane; told: Told }> {
  const told: Told = { failed: [], abandoned: 0 }
  const judge: OutcomeJudge = {
    answered: () => {},
    failed: (index, kind) => told.failed.push(`${index} ${kind}`),
    abandoned: () => {
      told.abandoned++
    },
    takeTrial: () => true,
  }
  const plane = await startPlane({
    routes: [
      routeTo([makeUpstreamTarget('main', 1)], {
        timeouts: { connectMs: LONG, sendMs: LONG, readMs: LONG, ...timeouts },
      }),
    ],
    upstreams: [
      makeTestUpstream('main', nodes, {
        retry: { ...TEST_RETRY, count: 100, onHeadTimeout: false, nonIdempotent: true, triesAgain: true },
        health: { active: null, passive: WATCHED, outlier: null },
      }),
    ],
    judge,
  })
  t.after(() => plane.close())
  return { plane, told }
}

test('an attempt that follows another one waits for what is left, and is not blamed for it', async (t) => {
  const resetting = await startRawBackend((socket) => socket.once('data', () => socket.resetAndDestroy()))
  const silent = await startRawBackend(() => {})
  t.after(() => Promise.all([resetting.close(), silent.close()]))
  const { plane, told } = await start(t, [resetting.node, silent.node], { answerMs: 300 })
  const answer = await requestOnce(plane.port, '/')
  assert.deepEqual([answer.status, plane.records[0]?.errorCode], [504, 'UPSTREAM_HEAD_TIMEOUT'])
  assert.equal(plane.records[0]?.attempts, 2)
  assert.deepEqual(told, { failed: ['0 tcp'], abandoned: 1 })
})

test('a first attempt that has all of it is to blame', async (t) => {
  const silent = await startRawBackend(() => {})
  t.after(() => silent.close())
  const { plane, told } = await start(t, [silent.node], { answerMs: 300 })
  assert.equal((await requestOnce(plane.port, '/')).status, 504)
  assert.deepEqual([told, plane.records[0]?.attempts], [{ failed: ['0 timeout'], abandoned: 0 }, 1])
})

test('nodes that are resetting for ever are asked no longer than that: 504', async (t) => {
  // each takes its time, so that the hundred attempts would take longer than the test may
  const slow = await startRawBackend((socket) =>
    socket.once('data', () => setTimeout(() => socket.resetAndDestroy(), 100)),
  )
  t.after(() => slow.close())
  const { plane } = await start(t, [slow.node], { answerMs: 350 })
  const answer = await requestOnce(plane.port, '/')
  assert.deepEqual([answer.status, plane.records[0]?.errorCode], [504, 'UPSTREAM_HEAD_TIMEOUT'])
  assert.ok((plane.records[0]?.attempts ?? 0) < 10, String(plane.records[0]?.attempts))
})

test('connecting takes what is left as well', async (t) => {
  // a listener whose backlog is full answers no handshake
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const server = createServer()
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
     })`,
    { eval: true },
  )
  t.after(() => worker.terminate())
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const held: Socket[] = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const socket of held) socket.destroy()
  })
  await waitFor('the backlog to be full', () =>
    held.filter((socket) => !socket.connecting).length >= 2 ? true : undefined,
  )
  const isFull = () => held.some((socket) => socket.connecting)
  assert.ok(isFull(), 'one that is not connected')
  const { plane } = await start(t, [`127.0.0.1:${port}`], { answerMs: 300 })
  const answer = await requestOnce(plane.port, '/')
  assert.deepEqual([answer.status, plane.records[0]?.errorCode], [504, 'UPSTREAM_HEAD_TIMEOUT'])
  assert.ok(isFull(), 'the backlog was full all the while')
})

test('once the answer has begun it takes as long as it takes', async (t) => {
  const sockets: Socket[] = []
  const slow = await startRawBackend((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na'))
    sockets.push(socket)
  })
  t.after(() => slow.close())
  const { plane } = await start(t, [slow.node], { answerMs: 200 })
  const startedAt = performance.now()
  const asked = requestOnce(plane.port, '/')
  await waitFor('longer than an answer may take to begin', () =>
    performance.now() - startedAt > 500 ? true : undefined,
  )
  sockets[0]?.end('b')
  const answer = await asked
  assert.deepEqual([answer.status, answer.body], [200, 'ab'])
})
