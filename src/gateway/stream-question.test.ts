import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExplainError } from './explain-request.ts'
import {
  findStreamEntrance,
  makeStreamQuestion,
  readStreamQuestion,
  type StreamListener,
} from './stream-question.ts'

test('a question without members is about the first listener for TCP, from this machine', () => {
  assert.deepEqual(readStreamQuestion({}), {
    transport: 'tcp',
    listener: null,
    serverName: null,
    clientAddress: '127.0.0.1',
  })
  assert.deepEqual(
    readStreamQuestion({ listener: 'tls://:9101', serverName: 'DB.Example.', clientIp: '2001:db8::1' }),
    { transport: 'tcp', listener: 'tls://:9101', serverName: 'db.example', clientAddress: '2001:db8::1' },
  )
})

test('what makes no sense is refused by name', () => {
  const cases: readonly [Parameters<typeof readStreamQuestion>[0], RegExp][] = [
    [[], /is an object/],
    [{ sni: 'a.test' }, /^sni: not known; there are transport, listener, serverName, clientIp$/],
    [{ transport: 'tls' }, /^transport: tcp or udp; a listener that ends TLS is one of tcp$/],
    [{ transport: 1 }, /^transport: a text is expected$/],
    [{ transport: 'udp', serverName: 'a.test' }, /not over UDP/],
    [{ serverName: 'a b' }, /"a b" is no name that TLS can ask for/],
    [{ serverName: '' }, /"" is no name/],
    [{ clientIp: '10.0.0.0/8' }, /"10\.0\.0\.0\/8" is no IP address of a client/],
    [{ listener: 'here' }, /"here" is no address/],
  ]
  for (const [given, message] of cases)
    assert.throws(
      () => readStreamQuestion(given),
      (error) =>
        error instanceof ExplainError && error.reason === 'badRequest' && message.test(error.message),
      JSON.stringify(given),
    )
})

const LISTENERS: readonly StreamListener[] = [
  { protocol: 'http', address: '127.0.0.1:9080' },
  { protocol: 'tls', address: '127.0.0.1:9101' },
  { protocol: 'tcp', address: '0.0.0.0:9100' },
  { protocol: 'tcp', address: '192.0.2.1:9100' },
  { protocol: 'tcp', address: '[::]:9102' },
  { protocol: 'udp', address: '0.0.0.0:9100' },
]

test('a listener is found by what people call it; one of that very address goes before one of all addresses', () => {
  const at = (listener: string | null, transport = 'tcp') => {
    const question = makeStreamQuestion({ transport, listener, serverName: null, clientIp: null })
    const found = findStreamEntrance(question, LISTENERS)
    return [found.transport, found.listener, found.localAddress, found.localPort]
  }
  assert.deepEqual(at(null), ['tls', '127.0.0.1:9101', '127.0.0.1', 9101])
  for (const name of [':9100', '9100', '*:9100'])
    assert.deepEqual(at(name), ['tcp', '0.0.0.0:9100', '0.0.0.0', 9100])
  assert.deepEqual(at('192.0.2.1:9100'), ['tcp', '192.0.2.1:9100', '192.0.2.1', 9100])
  assert.deepEqual(at('192.0.2.7:9100'), ['tcp', '0.0.0.0:9100', '192.0.2.7', 9100])
  assert.deepEqual(at('192.0.2.7:9102'), ['tcp', '[::]:9102', '192.0.2.7', 9102])
  assert.deepEqual(at('[2001:db8::1]:9102'), ['tcp', '[::]:9102', '2001:db8::1', 9102])
  assert.deepEqual(at('tls://localhost:9101'), ['tls', '127.0.0.1:9101', '127.0.0.1', 9101])
  // datagrams are not told apart by the address that they came to
  assert.deepEqual(at('192.0.2.7:9100', 'udp'), ['udp', '0.0.0.0:9100', '0.0.0.0', 9100])
})

test('a listener that does not stand is refused with those that do', () => {
  const find = (listener: string, transport: string, listeners = LISTENERS) =>
    findStreamEntrance(
      makeStreamQuestion({ transport, listener, serverName: null, clientIp: null }),
      listeners,
    )
  for (const listener of [':9080', '127.0.0.1:9103', 'tls://:9100', '[2001:db8::1]:9100'])
    assert.throws(
      () => find(listener, 'tcp'),
      (error) =>
        error instanceof ExplainError &&
        error.reason === 'noListener' &&
        error.message.endsWith(
          `at ${listener} (there are tls://127.0.0.1:9101, 0.0.0.0:9100, 192.0.2.1:9100, [::]:9102)`,
        ),
    )
  assert.throws(() => find(':1', 'udp'), /for UDP stands at :1 \(there is 0\.0\.0\.0:9100\)/)
  assert.throws(() => find(':1', 'udp', []), /has no listener for UDP: the setting is listenUdp/)
})
