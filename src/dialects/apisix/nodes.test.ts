import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, parseNodes, splitAddress } from './nodes.ts'

/** What a document of APISIX says nothing of. */
const PLAIN = { address: null, zone: null, failoverOnly: false, state: 'ready' } as const

test('a map key without port takes that of the scheme', () => {
  for (const [scheme, port] of [
    ['http', 80],
    ['grpc', 80],
    ['https', 443],
    ['grpcs', 443],
  ] as const) {
    const { endpoints } = parseNodes({ 'a.test': 1, 'b.test:8080': 2 }, scheme)
    assert.deepEqual(endpoints, [
      { host: 'a.test', port, weight: 1, priority: 0, ...PLAIN },
      { host: 'b.test', port: 8080, weight: 2, priority: 0, ...PLAIN },
    ])
  }
})

test('an IPv6 address loses its brackets and keeps its port', () => {
  const { endpoints } = parseNodes({ '[::1]:8080': 1, '[::2]': 1, '::3': 1 }, 'http')
  assert.deepEqual(
    endpoints.map(({ host, port }) => [host, port]),
    [
      ['::1', 8080],
      ['::2', 80],
      ['::3', 80],
    ],
  )
  assert.equal(parseNodes([{ host: '[::1]', port: 1, weight: 1 }], 'http').endpoints[0]?.host, '::1')
})

test('the list form has priorities, negative ones too', () => {
  const nodes = [
    { host: 'a.test', weight: 1, priority: -1 },
    { host: 'b.test', port: 81, weight: 0 },
  ]
  assert.deepEqual(parseNodes(nodes, 'https').endpoints, [
    { host: 'a.test', port: 443, weight: 1, priority: -1, ...PLAIN },
    { host: 'b.test', port: 81, weight: 0, priority: 0, ...PLAIN },
  ])
})

test('of two nodes with one host, port and priority the last counts, others stay apart', () => {
  const nodes = [
    { host: 'a.test', port: 80, weight: 1 },
    { host: 'a.test', weight: 5 },
    { host: 'a.test', weight: 7, priority: 1, ...PLAIN },
    { host: 'b.test', weight: 9 },
  ]
  const { endpoints, repeated } = parseNodes(nodes, 'http')
  assert.deepEqual(
    endpoints.map(({ host, weight, priority }) => [host, weight, priority]),
    [
      ['a.test', 5, 0],
      ['a.test', 7, 1],
      ['b.test', 9, 0],
    ],
  )
  assert.deepEqual(repeated, ['a.test:80'])
  assert.deepEqual(parseNodes({ 'a.test': 1, 'a.test:80': 2 }, 'http').repeated, ['a.test:80'])
})

test('ports outside 1-65535 and text behind brackets are no ports', () => {
  for (const text of ['a:0', 'a:65536', 'a:', 'a:8x', 'a:123456', '[::1]x80', '[::1]:']) {
    assert.equal(Number.isNaN(splitAddress(text).port), true, text)
  }
  assert.equal(splitAddress('a:65535').port, 65_535)
})

test('nothing that is no list and no map gives a node', () => {
  for (const nodes of [undefined, null, 'a:1', 7, [7, null, {}, { host: 'a' }], { 'a:99999': 1, b: 'x' }]) {
    assert.deepEqual(parseNodes(nodes, 'http').endpoints, [])
  }
})

test('an address that is written out is read back as it was', () => {
  const host = fc.oneof(
    fc.stringMatching(/^[a-z0-9-]{1,12}(\.[a-z]{2,5})?$/),
    fc.ipV4(),
    fc.ipV6().filter((address) => !address.includes('.')),
  )
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
      const text = formatAddress({ host: name, port })
      assert.deepEqual(splitAddress(text), { host: name, port })
    }),
  )
})
