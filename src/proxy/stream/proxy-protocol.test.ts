import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composeProxyHeader, readProxyHeader } from './proxy-protocol.ts'

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'))
const client = { address: '192.0.2.7', port: 40_000 }
const server = { address: '198.51.100.1', port: 443 }

test('lines of version 1 are read, and nothing that is almost one', () => {
  assert.deepEqual(read('PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\nGET'), {
    kind: 'header',
    length: 45,
    client,
    server,
    serverName: null,
  })
  const six = read('PROXY TCP6 2001:db8::1 ::1 1 2\r\n')
  assert.ok(six.kind === 'header')
  assert.deepEqual(
    [six.client, six.server],
    [
      { address: '2001:db8::1', port: 1 },
      { address: '::1', port: 2 },
    ],
  )
  const unknown = read('PROXY UNKNOWN whatever it says\r\n')
  assert.ok(unknown.kind === 'header' && unknown.client === null)
  for (const bad of [
    'GET / HTTP/1.1\r\n',
    'PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n',
    'PROXY TCP4 ::1 192.0.2.1 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(200)}`,
  ])
    assert.equal(read(bad).kind, 'bad', bad)
})

test('headers of version 2 are read: local, other families, names, and none that is malformed', () => {
  const plain = composeProxyHeader(2, client, server, null)
  const local = Buffer.from(plain)
  local[12] = 0x20
  const found = readProxyHeader(local)
  assert.ok(found.kind === 'header' && found.client === null && found.length === local.length)
  const unix = Buffer.from(plain)
  unix[13] = 0x31
  assert.ok((readProxyHeader(unix) as { client: unknown }).client === null)
  const named = readProxyHeader(composeProxyHeader(2, client, server, 'Shop.test'))
  assert.ok(named.kind === 'header' && named.serverName === 'shop.test')
  for (const [at, value] of [
    [12, 0x11],
    [12, 0x22],
    [14, 0xff],
  ] as const) {
    const bad = Buffer.from(plain)
    bad[at] = value
    assert.equal(readProxyHeader(bad).kind, 'bad', `${at}`)
  }
  const short = Buffer.from(plain.subarray(0, 20))
  short.writeUInt16BE(4, 14)
  assert.equal(readProxyHeader(short).kind, 'bad')
})

test('what is composed is read, however it is cut, and what follows is left alone', () => {
  const v4 = fc.record({ address: fc.ipV4(), port: fc.nat(65_535) })
  const v6 = fc.record({
    address: fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map(
      (groups) =>
        `2001:${groups
          .slice(1)
          .map((group) => group.toString(16))
          .join(':')}`,
    ),
    port: fc.nat(65_535),
  })
  const pair = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6))
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, 2 as const),
      pair,
      fc.option(fc.domain()),
      (version, [from, to], name) => {
        const header = composeProxyHeader(version, from, to, name)
        const whole = readProxyHeader(Buffer.concat([header, Buffer.from('rest')]))
        assert.ok(whole.kind === 'header')
        assert.equal(whole.length, header.length)
        assert.deepEqual([whole.client?.port, whole.server?.port], [from.port, to.port])
        if (!from.address.includes(':'))
          assert.deepEqual([whole.client, whole.server], [{ ...from }, { ...to }])
        if (version === 2) assert.equal(whole.serverName, name?.toLowerCase() ?? null)
        for (let i = 0; i < header.length; i++)
          assert.equal(readProxyHeader(header.subarray(0, i)).kind, 'more')
      },
    ),
    { numRuns: 300 },
  )
})

test('no input is taken for a header that goes beyond it, or breaks the reader', () => {
  const start = fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from('PROXY TCP4 '),
    composeProxyHeader(2, client, server, 'a').subarray(0, 16),
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail])
      const found = readProxyHeader(bytes)
      assert.ok(found.kind !== 'header' || found.length <= bytes.length)
    }),
    { numRuns: 5000 },
  )
})
