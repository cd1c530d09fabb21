import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { lendReadBuffer } from './http1/read-buffer.ts'
import { SocketWriter } from './socket-writer.ts'

async function pair(): Promise<{ server: Server; near: Socket; far: Socket; close: () => void }> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect((server.address() as { port: number }).port, '127.0.0.1')
  await once(far, 'connect')
  const [near] = await accepted
  return {
    server,
    near,
    far,
    close: () => {
      near.destroy()
      far.destroy()
      server.close()
    },
  }
}

test('the pinned Node has the direct way', () => {
  assert.equal(SocketWriter.isDirect, true)
})

test('texts arrive in order and whole, however slowly the peer reads and whichever way they went', async () => {
  const { near, far, close } = await pair()
  const writer = new SocketWriter(near, true, () => {})
  far.pause()
  let expected = ''
  let sawWaiting = false
  for (let i = 0; i < 3000; i++) {
    // short texts go directly, every tenth is too long for that, and buffers come between
    const text = `${i}:${'x'.repeat(i % 10 === 0 ? 20_000 : 1000)}\xff`
    expected += text
    writer.write(text)
    if (i % 7 === 0) {
      near.write(Buffer.from(`<${i}>`))
      expected += `<${i}>`
    }
    sawWaiting ||= writer.isWaiting
  }
  assert.ok(sawWaiting, 'the peer was slow enough to matter')
  assert.ok(writer.isCongested)
  near.end()
  let got = ''
  far.setEncoding('latin1')
  for await (const chunk of far) got += chunk
  assert.equal(got.length, expected.length)
  assert.ok(got === expected)
  close()
})

test('bytes whose memory is used again as soon as the writer says so arrive as they were', async () => {
  const { near, far, close } = await pair()
  let wake = (): void => {}
  const writer = new SocketWriter(near, true, () => wake())
  let spare = Buffer.alloc(100_000)
  const expected: string[] = []
  let kept = 0
  const send = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      const letter = String.fromCharCode(97 + (i % 26))
      const length = 20_000 + ((i * 7919) % 80_000)
      spare.fill(letter, 0, length)
      expected.push(letter.repeat(length), `${i};`)
      if (!writer.writeBytes(spare.subarray(0, length))) {
        spare = Buffer.alloc(spare.length)
        kept++
      }
      writer.write(`${i};`)
      if (writer.isCongested) await new Promise<void>((resolve) => (wake = resolve))
    }
    near.end()
  }
  const sent = send()
  let got = ''
  far.setEncoding('latin1')
  for await (const chunk of far) got += chunk
  await sent
  assert.ok(kept > 0, 'some had to wait')
  assert.equal(got.length, expected.join('').length)
  assert.ok(got === expected.join(''))
  close()
})

test('bytes that wait are congestion only from the mark on', async () => {
  const { near, far, close } = await pair()
  far.pause()
  const writer = new SocketWriter(near, true, () => {})
  while (!writer.isWaiting) writer.writeBytes(Buffer.alloc(8000))
  assert.equal(writer.isCongested, false)
  for (let bytes = 0; bytes < near.writableHighWaterMark; bytes += 8000) writer.writeBytes(Buffer.alloc(8000))
  assert.equal(writer.isCongested, true)
  close()
})

test('a direct write that had to wait tells when it is done', async () => {
  const { near, far, close } = await pair()
  far.pause()
  const drained = new Promise<void>((resolve) => {
    const writer = new SocketWriter(near, true, resolve)
    while (!writer.isWaiting) writer.write('y'.repeat(16_000))
    assert.equal(near.writableLength, 0, 'it waits in the handle, not in the Writable')
  })
  far.resume()
  await drained
  close()
})

test('a drain is told though a longer text still waits in the Writable, below its mark', async () => {
  const { near, far, close } = await pair()
  far.pause()
  let drains = 0
  const writer = new SocketWriter(near, true, () => drains++)
  while (!writer.isWaiting) writer.write('y'.repeat(16_000))
  const isWritten = new Promise<void>((resolve) => near.once('finish', resolve))
  writer.write('z'.repeat(20_000))
  assert.equal(near.writableNeedDrain, false, 'the Writable itself will tell nothing')
  near.end()
  far.resume()
  await isWritten
  assert.ok(drains > 0)
  close()
})

test('a write to a peer that is gone ends the socket with the error of the system', async () => {
  const { near, far, close } = await pair()
  const writer = new SocketWriter(near, true, () => {})
  const failed = once(near, 'error') as Promise<[NodeJS.ErrnoException]>
  far.resetAndDestroy()
  await once(far, 'close')
  const timer = setInterval(() => writer.write('z'), 1)
  const [error] = await failed
  clearInterval(timer)
  assert.match(error.code ?? '', /^(EPIPE|ECONNRESET)$/)
  close()
})

test('a lent buffer brings the bytes, obeys pause, and the end of the stream still shows', async () => {
  const { near, far, close } = await pair()
  const buffer = Buffer.alloc(1024)
  let got = ''
  let wake = (): void => {}
  assert.equal(
    lendReadBuffer(near, buffer, (length, bytes) => {
      assert.equal(bytes, buffer)
      got += bytes.toString('latin1', 0, length)
      wake()
      return true
    }),
    true,
  )
  const until = async (text: string): Promise<void> => {
    while (!got.endsWith(text)) await new Promise<void>((resolve) => (wake = resolve))
  }
  far.write('first')
  await until('first')
  near.pause()
  far.write('second')
  // a round trip the other way: had the bytes been read, they would be here by now
  near.write('ping')
  await once(far, 'data')
  assert.equal(got, 'first')
  near.resume()
  await until('second')
  const ended = once(near, 'end')
  far.end()
  await ended
  close()
})
