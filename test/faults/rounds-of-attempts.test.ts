import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeUpstreamTarget } from '../../src/routing/test-fixtures.ts'
import { startBackend, startRawBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, TEST_RETRY, type TestPlane } from '../support/data-plane.ts'
import { requestOnce } from '../support/raw-client.ts'

/** Endpoints that were tried come round again, as long as the count allows (model/upstream.ts `triesAgain`; Tencent: 1 + Retries attempts, untried nodes first). */

async function start(t: TestContext, nodes: readonly string[], count: number): Promise<TestPlane> {
  const plane = await startPlane({
    routes: [routeTo([makeUpstreamTarget('main', 1)])],
    upstreams: [
      makeTestUpstream('main', nodes, {
        retry: {
          ...TEST_RETRY,
          count,
          nonIdempotent: true,
          sameEndpointWhenAlone: true,
          triesAgain: true,
        },
      }),
    ],
  })
  t.after(() => plane.close())
  return plane
}

/** A node that resets every request, and how many it got. */
async function resetting(t: TestContext) {
  const seen = { count: 0 }
  const backend = await startRawBackend((socket) =>
    socket.once('data', () => {
      seen.count++
      socket.resetAndDestroy()
    }),
  )
  t.after(() => backend.close())
  return { node: backend.node, seen }
}

test('1 + count attempts are made, the nodes in turn, and the end is 502; POST too', async (t) => {
  const [one, two] = [await resetting(t), await resetting(t)]
  const plane = await start(t, [one.node, two.node], 4)
  for (const [n, method] of ['GET', 'POST'].entries()) {
    const answer = await requestOnce(plane.port, '/', { method, body: method === 'GET' ? '' : 'x' })
    assert.equal(answer.status, 502, method)
    assert.equal(plane.records[n]?.attempts, 5, method)
    assert.deepEqual([one.seen.count, two.seen.count], [3 * (n + 1), 2 * (n + 1)], method)
  }
})

test('a node that was not tried goes before one that was', async (t) => {
  const [one, two] = [await resetting(t), await resetting(t)]
  const good = await startBackend('good')
  t.after(() => good.close())
  const plane = await start(t, [one.node, two.node, good.node], 100)
  const answer = await requestOnce(plane.port, '/')
  assert.deepEqual([answer.status, answer.body], [200, 'good'])
  assert.deepEqual([one.seen.count, two.seen.count], [1, 1])
})

test('a node that is alone gets all attempts', async (t) => {
  const one = await resetting(t)
  const plane = await start(t, [one.node], 3)
  assert.equal((await requestOnce(plane.port, '/')).status, 502)
  assert.equal(one.seen.count, 4)
})

test('none is repeated once bytes of the answer came', async (t) => {
  let count = 0
  const cut = await startRawBackend((socket) =>
    socket.once('data', () => {
      count++
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
    }),
  )
  t.after(() => cut.close())
  const plane = await start(t, [cut.node], 3)
  await assert.rejects(requestOnce(plane.port, '/'))
  assert.equal(count, 1)
})
