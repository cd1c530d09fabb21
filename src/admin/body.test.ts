import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { readBody } from './body.ts'

const LIMIT = 10

interface Exchange {
  readonly client: Socket
  /** The first part of the body came. */
  readonly first: Promise<unknown>
  readonly body: ReturnType<typeof readBody>
}

/** A client that has sent `sent`, and a server that answers with what it read. */
async function exchange(t: TestContext, sent: string, drainMs?: number): Promise<Exchange> {
  const begun = Promise.withResolvers<Pick<Exchange, 'first' | 'body'>>()
  const server = createServer((message, response) => {
    const first = once(message, 'data')
    const body = readBody(message, LIMIT, drainMs)
    body.then(
      (read) => response.end(JSON.stringify(read)),
      () => {},
    )
    begun.resolve({ first, body })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => {
    client.destroy()
    server.close()
  })
  client.write(`PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${sent}`)
  return { client, ...(await begun.promise) }
}

const answerOf = async (client: Socket) => (await text(client)).split('\r\n\r\n').at(-1)

test('a body of the limit is text, one that is longer its size', async (t) => {
  const fits = await exchange(t, 'Content-Length: 10\r\n\r\n0123456789')
  assert.equal(await answerOf(fits.client), '"0123456789"')
  const none = await exchange(t, '\r\n')
  assert.equal(await answerOf(none.client), '""')
  const declared = await exchange(t, 'Content-Length: 11\r\n\r\n0123456789A')
  assert.equal(await answerOf(declared.client), '{"bytes":11}')
})

test('nothing is answered before a body that is too large has been read, with a length and in chunks', async (t) => {
  for (const [head, rest] of [
    ['Content-Length: 30\r\n\r\n0123456789ABCDE', 'FGHIJKLMNOPQRST'],
    ['Transfer-Encoding: chunked\r\n\r\n1e\r\n0123456789ABCDE', 'FGHIJKLMNOPQRST\r\n0\r\n\r\n'],
  ] as const) {
    const { client, first, body } = await exchange(t, head)
    await first
    const early = await Promise.race([body, new Promise((resolve) => setImmediate(resolve, 'nothing'))])
    assert.equal(early, 'nothing')
    client.write(rest)
    assert.match((await answerOf(client)) ?? '', /^{"bytes":\d+}$/)
  }
})

test('a rest that does not come is waited for only so long, and a client that goes away is told', async (t) => {
  const slow = await exchange(t, 'Content-Length: 30\r\n\r\n01234', 1)
  assert.deepEqual(await slow.body, { bytes: 30 })
  const gone = await exchange(t, 'Content-Length: 30\r\n\r\n01234')
  gone.client.destroy()
  await assert.rejects(gone.body, /aborted|the client went away/)
})
