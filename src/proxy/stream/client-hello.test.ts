import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import tls from 'node:tls'
import fc from 'fast-check'
import { readServerName } from './client-hello.ts'

/** What Node's own TLS sends first. */
function captureHello(options: tls.ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes: Buffer) => {
        socket.destroy()
        server.close()
        resolve(bytes)
      })
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      tls.connect({ port, host: '127.0.0.1', ...options }).on('error', () => {})
    })
    server.on('error', reject)
  })
}

/** The same message in records of so many bytes. */
function fragment(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    parts.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(parts)
}

test('the name is read from a real ClientHello, in one piece, in bytes, and over many records', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const hello = await captureHello({
      servername: 'Shop.Example',
      maxVersion,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    const name = { kind: 'name', name: 'shop.example' }
    assert.deepEqual(readServerName(hello), name)
    assert.deepEqual(readServerName(Buffer.concat([hello, Buffer.from('more')])), name)
    for (const size of [1, 7, 100]) assert.deepEqual(readServerName(fragment(hello, size)), name)
    for (let i = 0; i < hello.length; i++)
      assert.equal(readServerName(hello.subarray(0, i)).kind, 'more', String(i))
  }
})

test('what is no TLS, or names nobody, has no name', async () => {
  assert.equal(readServerName(await captureHello({})).kind, 'none')
  for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x\r\n', '\x16\x02'])
    assert.equal(readServerName(Buffer.from(text, 'latin1')).kind, 'none')
})

test('what is malformed is told, and nothing breaks the reader', async () => {
  const hello = await captureHello({ servername: 'a.test' })
  const other = Buffer.from(hello)
  other[5] = 2
  assert.equal(readServerName(other).kind, 'bad')
  assert.equal(readServerName(Buffer.from([22, 3, 1, 0, 0])).kind, 'bad')
  const place = fc.tuple(fc.nat(hello.length - 1), fc.nat(255))
  fc.assert(
    fc.property(fc.array(place, { maxLength: 4 }), fc.nat(hello.length), (changes, length) => {
      const bytes = Buffer.from(hello.subarray(0, length))
      for (const [at, value] of changes) if (at < length) bytes[at] = value
      const found = readServerName(bytes)
      assert.ok(found.kind !== 'name' || /^[a-z0-9._-]+$/.test(found.name))
    }),
    { numRuns: 5000 },
  )
})
