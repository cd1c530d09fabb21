import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../../test/support/tools.ts'
import type { TrafficReport } from '../../model/traffic.ts'
import { MAX_WAITING_BYTES } from '../event-stream.ts'
import { startAdminServer } from '../server.ts'
import { fakeOptions, VIEWER_KEY } from '../testing.ts'

async function start(t: TestContext) {
  const options = fakeOptions()
  const server = await startAdminServer(options)
  const open: IncomingMessage[] = []
  t.after(async () => {
    for (const response of open) response.destroy()
    await server.close()
  })
  const get = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(`http://${server.address}${path}`, {
        headers: { 'x-api-key': VIEWER_KEY },
        agent: false,
      })
      call.once('error', reject)
      call.once('response', (response) => {
        response.on('error', () => {}) // it is we who leave
        open.push(response)
        resolve(response)
      })
      call.end()
    })
  return { traffic: options.control.traffic, control: options.control, get }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += part
  return text
}

test('asks for what the query says, and for routes by rate without one', async (t) => {
  const { traffic, get } = await start(t)
  const answer = await get('/headgate/v1/traffic')
  assert.equal(answer.statusCode, 200)
  assert.equal((JSON.parse(await textOf(answer)) as TrafficReport).view, 'routes')
  await textOf(
    await get('/headgate/v1/traffic?view=splits&sort=latency&limit=7&id=apisix%2Froutes%2F1&watch=false'),
  )
  assert.deepEqual(traffic.queries, [
    { view: 'routes', sort: 'rate', limit: 50, id: null },
    { view: 'splits', sort: 'latency', limit: 7, id: 'apisix/routes/1' },
  ])
})

test('a watcher that leaves is forgotten, and only so many may watch', async (t) => {
  const { traffic, get } = await start(t)
  const streams = await Promise.all(Array.from({ length: 16 }, () => get('/headgate/v1/traffic?watch=true')))
  await waitFor('16 watchers', () => (traffic.watchers.size === 16 ? true : undefined))
  const refused = await get('/headgate/v1/traffic?watch=true')
  assert.equal(refused.statusCode, 429)
  assert.match(await textOf(refused), /limit 16/)
  for (const stream of streams) stream.destroy()
  await waitFor('no watcher', () => (traffic.watchers.size === 0 ? true : undefined))
  assert.equal((await get('/headgate/v1/traffic?watch=true')).statusCode, 200)
})

test('what a slow reader loses is counted for the metrics', async (t) => {
  const { traffic, control, get } = await start(t)
  const stream = await get('/headgate/v1/traffic?watch=true')
  stream.pause()
  const [send] = traffic.watchers
  assert.ok(send)
  const report = traffic.empty({ view: 'routes', sort: 'rate', limit: 1, id: null })
  const rows = Array.from({ length: 2000 }, () => ({ kind: 'route', route: 'x'.repeat(100) }) as never)
  const bytes = JSON.stringify({ ...report, rows }).length
  // what waits in the sockets of both sides is beside the bound
  for (let sent = 0; sent < 64 * MAX_WAITING_BYTES && control.droppedEvents === 0; sent += bytes) {
    send({ ...report, rows })
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(control.droppedEvents > 0)
})
