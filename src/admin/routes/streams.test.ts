import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../../test/support/tools.ts'
import { MAX_TAILS } from '../../gateway/tails.ts'
import { startAdminServer } from '../server.ts'
import { fakeOptions, VIEWER_KEY } from '../testing.ts'

interface Stream {
  readonly response: IncomingMessage
  text(): string
  /** What came of one type, parsed. */
  events(type: string): unknown[]
  close(): void
}

async function start(t: TestContext) {
  const options = fakeOptions()
  const server = await startAdminServer(options)
  const streams: Stream[] = []
  t.after(async () => {
    for (const stream of streams) stream.close()
    await server.close()
  })
  const open = async (path: string, headers: Record<string, string> = {}): Promise<Stream> => {
    const stream = await openStream(server.address, path, headers)
    streams.push(stream)
    return stream
  }
  return { ...options, open }
}

function openStream(address: string, path: string, headers: Record<string, string>): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const call = request(`http://${address}${path}`, {
      headers: { 'x-api-key': VIEWER_KEY, ...headers },
      agent: false,
    })
    call.once('error', reject)
    call.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('error', () => {}) // it is we who leave
      resolve({
        response,
        text: () => text,
        events: (type) =>
          [...text.matchAll(new RegExp(`^event: ${type}\\ndata: (.*)$`, 'gm'))].map((hit) =>
            JSON.parse(hit[1] as string),
          ),
        close: () => response.destroy(),
      })
    })
    call.end()
  })
}

const worker = { send: () => {} }

test('follows requests: each as JSON, what was left out as a count', async (t) => {
  const { control, open } = await start(t)
  const stream = await open('/headgate/v1/logs?status=5xx')
  assert.equal(stream.response.statusCode, 200)
  assert.equal(stream.response.headers['content-type'], 'text/event-stream')
  control.tails.receive(worker, { id: 1, lines: ['{"status":503}', '{"status":500}'], leftOut: 7 })
  await waitFor('the count', () => (stream.events('left-out').length > 0 ? true : undefined))
  assert.deepEqual(stream.events('request'), [{ status: 503 }, { status: 500 }])
  assert.deepEqual(stream.events('left-out'), [{ requests: 7 }])
})

test('ends a stream of requests behind its limit', async (t) => {
  const { control, open } = await start(t)
  const stream = await open('/headgate/v1/logs?limit=2')
  control.tails.receive(worker, { id: 1, lines: ['{"n":1}', '{"n":2}', '{"n":3}'], leftOut: 0 })
  await new Promise((resolve) => stream.response.once('end', resolve))
  assert.deepEqual(stream.events('request'), [{ n: 1 }, { n: 2 }])
})

test('a tail ends with its reader, and there are not too many of them', async (t) => {
  const { control, open } = await start(t)
  const streams = []
  for (let i = 0; i < MAX_TAILS; i++) streams.push(await open('/headgate/v1/logs'))
  const refused = await open('/headgate/v1/logs')
  assert.equal(refused.response.statusCode, 429)
  await waitFor('the reason', () => (refused.text().includes('TOO_MANY_STREAMS') ? true : undefined))
  streams[0]?.close()
  await waitFor('room for another tail', () => (control.tails.isFull ? undefined : true))
})

test('refuses filters that make no sense', async (t) => {
  const { open } = await start(t)
  for (const [query, reason] of [
    ['status=999', /is none; write 404/],
    ['limit=0', /limit must be/],
    ['rate=1000000', /rate must be/],
    ['routes=1', /routes is no filter \(route,/],
  ] as const) {
    const { response, text } = await open(`/headgate/v1/logs?${query}`)
    assert.equal(response.statusCode, 400)
    await waitFor('the reason', () => (reason.test(text()) ? true : undefined))
  }
  assert.equal((await open('/headgate/v1/events?types=nonsense')).response.statusCode, 400)
  assert.equal((await open('/headgate/v1/events?last=1001')).response.statusCode, 400)
  assert.equal((await open('/headgate/v1/events?follow=maybe')).response.statusCode, 400)
})

test('a reader that does not read loses lines, is told how many, and holds up nobody', async (t) => {
  const { control, open } = await start(t)
  const slow = await open('/headgate/v1/logs')
  const quick = await open('/headgate/v1/logs')
  slow.response.pause()
  const line = JSON.stringify({ text: 'x'.repeat(10_000) })
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  // more than the sockets' buffers hold, so that most has nowhere to go
  for (let i = 0; i < 4000; i++) {
    control.tails.receive(worker, { id: 1, lines: [line], leftOut: 0 })
    control.tails.receive(worker, { id: 2, lines: ['{"n":1}'], leftOut: 0 })
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await waitFor('the quick reader', () => (quick.events('request').length === 4000 ? true : undefined))
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before
  assert.ok(grown < 25_000_000, `of 40 MB ${grown} bytes were kept`)
  slow.response.resume()
  const lost = await waitFor('the count', () => {
    control.tails.receive(worker, { id: 1, lines: ['{}'], leftOut: 0 })
    return slow.events('lost')[0] as { events: number } | undefined
  })
  assert.ok(lost.events > 0 && lost.events + slow.events('request').length >= 4000)
})

test('follows events by type, beginning with the last ones', async (t) => {
  const { control, open } = await start(t)
  control.events.emit('revision', 'revision 1', { revision: 1 })
  control.events.emit('drain', 'stopping')
  control.events.emit('revision', 'revision 2', { revision: 2 })
  const stream = await open('/headgate/v1/events?types=revision&last=1')
  control.events.emit('drain', 'stopping again')
  control.events.emit('revision', 'revision 3', { revision: 3 })
  await waitFor('the new event', () => (stream.events('revision').length === 2 ? true : undefined))
  assert.deepEqual(
    (stream.events('revision') as { text: string }[]).map(({ text }) => text),
    ['revision 2', 'revision 3'],
  )
  assert.deepEqual(stream.events('drain'), [])
})

test('goes on behind the last event that a reader has seen', async (t) => {
  const { control, open } = await start(t)
  for (let i = 1; i <= 3; i++) control.events.emit('revision', `revision ${i}`)
  const seen = control.events.last(3)[0]?.id ?? ''
  const stream = await open('/headgate/v1/events', { 'last-event-id': seen })
  await waitFor('both events', () => (stream.events('revision').length === 2 ? true : undefined))
  assert.match(stream.text(), new RegExp(`^id: ${control.events.last(1)[0]?.id}$`, 'm'))
  const stranger = await open('/headgate/v1/events', { 'last-event-id': 'another-1' })
  await waitFor('everything', () => (stranger.events('revision').length === 3 ? true : undefined))
  assert.deepEqual(stranger.events('lost'), [{ events: null }])
})

test('lists events as JSON without following them', async (t) => {
  const { control, open } = await start(t)
  control.events.emit('revision', 'revision 1')
  control.events.emit('drain', 'stopping')
  const { text } = await open('/headgate/v1/events?follow=false&types=drain')
  await waitFor('the list', () => (text().endsWith('}\n') ? true : undefined))
  const { list, total } = JSON.parse(text())
  assert.deepEqual([total, list[0].type, list[0].text], [1, 'drain', 'stopping'])
})
