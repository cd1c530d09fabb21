import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { connect, createServer, type SecureVersion, TLSSocket } from 'node:tls'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { skipWithout, waitFor } from '../../../test/support/tools.ts'
import { openWriter, TlsWriter } from './tls-writer.ts'

const needsOpenssl = { skip: skipWithout('openssl') }

/** Both ends of a connection; `raw` is what lies below the far one. */
async function pair(
  t: TestContext,
  version: SecureVersion = 'TLSv1.3',
): Promise<{ near: TLSSocket; far: TLSSocket; raw: Socket }> {
  const files = makeCertificate(t, ['writer.test'])
  const server = createServer({
    cert: files.cert,
    key: files.key,
    minVersion: version,
    maxVersion: version,
    allowHalfOpen: true,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const raw = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  const far = connect({ socket: raw, rejectUnauthorized: false })
  const [near] = await accepted
  t.after(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return { near, far, raw }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(
    `${version}: texts and bytes arrive in order and whole, whichever way they went and however slowly they are read`,
    needsOpenssl,
    async (t) => {
      const { near, far } = await pair(t, version)
      let wake = (): void => {}
      const writer = openWriter(near, false, () => wake())
      near.on('drain', () => wake())
      assert.ok(writer instanceof TlsWriter, 'the pinned Node has the direct way')
      const memory = Buffer.alloc(300_000)
      const expected: string[] = []
      let waits = 0
      const send = async (): Promise<void> => {
        for (let i = 0; i < 400; i++) {
          const text = `${i}:${'x'.repeat((i * 977) % 30_000)}\xff;`
          expected.push(text)
          writer.write(text)
          const letter = String.fromCharCode(97 + (i % 26))
          const length = (i * 7919) % memory.length
          // what the writer keeps must not change: then it gets memory of its own
          const bytes = writer.isWaiting ? Buffer.alloc(length, letter) : memory.fill(letter, 0, length)
          expected.push(letter.repeat(length))
          const isFree = writer.writeBytes(bytes.subarray(0, length))
          if (isFree) memory.fill('!')
          if (i % 5 === 0) {
            near.write(`<${i}>`)
            expected.push(`<${i}>`)
          }
          // now and then the handle is let go idle, so that both ways are taken from both states
          if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
          if (writer.isCongested) {
            waits++
            await new Promise<void>((resolve) => (wake = resolve))
          }
        }
        near.end()
      }
      const sent = send()
      let got = ''
      far.setEncoding('latin1')
      for await (const chunk of far) got += chunk
      await sent
      assert.ok(waits > 0, 'the reader was slow enough to matter')
      assert.equal(got.length, expected.join('').length)
      assert.ok(got === expected.join(''))
    },
  )
}

test('the end of the socket waits for the write under way, whoever ends it', needsOpenssl, async (t) => {
  for (const end of [
    (near: TLSSocket) => near.end(),
    (near: TLSSocket) => near.end('tail'),
    (near: TLSSocket) => near.destroySoon(),
  ]) {
    const { near, far, raw } = await pair(t)
    const writer = openWriter(near, false, () => {})
    raw.pause()
    const bytes = Buffer.alloc(8_000_000, 'e')
    writer.writeBytes(bytes)
    assert.ok(writer.isWaiting && writer.isCongested)
    end(near)
    raw.resume()
    let length = 0
    let last = ''
    for await (const chunk of far as AsyncIterable<Buffer>) {
      length += chunk.length
      last = chunk.toString('latin1', Math.max(0, chunk.length - 4))
    }
    assert.equal(length - (last === 'tail' ? 4 : 0), bytes.length)
  }
})

test('a large write that had to wait tells when it is done', needsOpenssl, async (t) => {
  const { near, far, raw } = await pair(t)
  raw.pause()
  const drained = new Promise<void>((resolve) => {
    const writer = openWriter(near, false, resolve)
    assert.equal(writer.writeBytes(Buffer.alloc(8_000_000)), true)
    assert.equal(writer.isCongested, true)
    assert.equal(near.writableLength, 0, 'it waits in the handle, not in the Writable')
  })
  raw.resume()
  far.resume()
  await drained
})

test('a write to a peer that is gone ends the socket', needsOpenssl, async (t) => {
  const { near, far, raw } = await pair(t)
  const writer = openWriter(near, false, () => {})
  far.on('error', () => {})
  near.resume()
  const failed = once(near, 'error') as Promise<[NodeJS.ErrnoException]>
  raw.destroy()
  far.destroy()
  const timer = setInterval(() => writer.write('z'), 1)
  const [error] = await failed
  clearInterval(timer)
  assert.match(error.code ?? '', /^(EPIPE|ECONNRESET)$/)
  writer.write('nothing happens')
})

test('a socket that is destroyed in the middle of a write is left alone', needsOpenssl, async (t) => {
  const { near, far, raw } = await pair(t)
  far.on('error', () => {})
  let drains = 0
  const writer = openWriter(near, false, () => drains++)
  raw.pause()
  writer.writeBytes(Buffer.alloc(8_000_000))
  writer.write('behind it')
  near.destroy()
  await once(near, 'close')
  assert.equal(drains, 0)
})

test('while the Writable writes, be it an empty text, what follows waits in it', needsOpenssl, async (t) => {
  const { near, far } = await pair(t)
  const writer = openWriter(near, false, () => {})
  for (let i = 0; i < 20; i++) {
    near.write('') // it has this under way, and says that it holds nothing
    assert.equal(near.writableLength, 0)
    writer.write(`${i};`)
    assert.equal(near.writableLength, `${i};`.length)
    await new Promise((resolve) => near.write('', resolve))
    assert.equal(writer.isWaiting, false)
  }
  near.end()
  let got = ''
  for await (const chunk of far) got += chunk
  assert.equal(got, Array.from({ length: 20 }, (_, i) => `${i};`).join(''))
})

test(
  'a write that the system took is not waited for, and what follows in the same turn comes behind it',
  needsOpenssl,
  async (t) => {
    for (const follow of ['text', 'bytes', 'end', 'nothing'] as const) {
      const { near, far } = await pair(t)
      // tickets and the like are out
      await new Promise((resolve) => near.write('', resolve))
      const writer = openWriter(near, false, () => {})
      const isFollowed = follow === 'text' || follow === 'bytes'
      for (let turn = 0; turn < 3; turn++) {
        writer.write('a')
        assert.equal(writer.isWaiting, false)
        if (follow === 'text') writer.write('b')
        if (follow === 'bytes') writer.writeBytes(Buffer.from('b'))
        assert.equal(writer.isWaiting, isFollowed)
        if (follow === 'end') break
        // twice: the first may come before that turn's own reports
        do for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
        while (writer.isWaiting)
      }
      near.end()
      let got = ''
      for await (const chunk of far) got += chunk
      assert.equal(got, follow === 'end' ? 'a' : (isFollowed ? 'ab' : 'a').repeat(3))
    }
  },
)

test(
  'TLS inside TLS, and TLS on a stream that is no socket, are written to as well',
  needsOpenssl,
  async (t) => {
    const files = makeCertificate(t, ['writer.test'])
    for (const kind of ['tls', 'stream'] as const) {
      const { near, far } = await pair(t)
      const below =
        kind === 'tls' ? near : (Duplex.from({ readable: near, writable: near }) as unknown as Socket)
      const inner = new TLSSocket(below, { isServer: true, cert: files.cert, key: files.key })
      const client = connect({ socket: far, rejectUnauthorized: false })
      await once(client, 'secureConnect')
      const writer = openWriter(inner, false, () => {})
      let expected = ''
      for (let i = 0; i < 5; i++) {
        writer.write(`${i};`)
        writer.writeBytes(Buffer.from(`b${i};`))
        expected += `${i};b${i};`
        await new Promise((resolve) => setImmediate(resolve))
      }
      inner.end()
      let got = ''
      client.on('data', (bytes: Buffer) => {
        got += bytes.toString()
      })
      await once(client, 'end')
      assert.equal(got, expected, kind)
      client.destroy()
      inner.destroy()
    }
  },
)

test(
  'what the handle writes of its own is no write of ours: neither waited for nor gone before',
  needsOpenssl,
  async (t) => {
    const { near, far } = await pair(t, 'TLSv1.2')
    let drains = 0
    const writer = openWriter(near, false, () => drains++)
    assert.ok(writer instanceof TlsWriter)
    let got = ''
    far.on('data', (bytes: Buffer) => {
      got += bytes.toString()
    })
    writer.write('a')
    await waitFor('the first write', () => got === 'a' || undefined)
    // OpenSSL asks for a new handshake when it reads next: in that turn something is encrypted that nobody wrote
    ;(near as unknown as { _handle: { renegotiate(): void } })._handle.renegotiate()
    const waits: boolean[] = []
    near.once('data', () => {
      writer.write('b')
      waits.push(writer.isWaiting)
    })
    far.write('x')
    await waitFor('the second write', () => got === 'ab' || undefined)
    assert.deepEqual(waits, [true])
    await waitFor('its report', () => !writer.isWaiting || undefined)
    writer.write('c')
    near.end()
    await once(far, 'end')
    assert.equal(got, 'abc')
    assert.equal(drains, 0)
  },
)
