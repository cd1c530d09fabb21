import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { checkNetwork, compileNetworks } from './network.ts'

const CASES: readonly (readonly [
  list: readonly string[],
  inside: readonly string[],
  outside: readonly string[],
])[] = [
  [
    ['10.0.0.0/8', '::1'],
    ['10.9.9.9', '::1', '0:0:0:0:0:0:0:1'],
    ['11.0.0.1', 'text', '', '::2', '10.0.0', '10.0.0.256'],
  ],
  [
    ['192.168.1.5'],
    ['192.168.1.5', '::ffff:192.168.1.5', '::ffff:c0a8:105'],
    ['192.168.1.6', '::192.168.1.5'],
  ],
  [['0.0.0.0/0'], ['1.2.3.4', '255.255.255.255', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
  [['::/0'], ['::', '2001:db8::1'], ['1.2.3.4', '::ffff:1.2.3.4']],
  [['::ffff:10.0.0.0/104'], ['10.1.2.3', '::ffff:10.1.2.3'], ['11.1.2.3']],
  [['2001:db8::/33'], ['2001:db8:7fff::1', '2001:DB8::'], ['2001:db8:8000::1', '2001:db9::']],
  [['fe80::/10'], ['fe80::1%eth0', 'febf::1'], ['fec0::1']],
  [
    ['200.0.0.0/7', '127.0.0.1/32', '1.2.3.0/24'],
    ['201.1.1.1', '127.0.0.1', '1.2.3.255'],
    ['202.0.0.0', '127.0.0.2', '1.2.4.0'],
  ],
  [['10.0.0.7/8'], ['10.200.0.1'], ['9.0.0.7']],
  [[], [], ['1.2.3.4', '::1']],
]

for (const [list, inside, outside] of CASES) {
  test(`[${list.join(', ')}] holds what it should`, () => {
    const isInside = compileNetworks(list)
    for (const address of inside) assert.equal(isInside(address), true, address)
    for (const address of outside) assert.equal(isInside(address), false, address)
  })
}

test('malformed entries are named', () => {
  assert.equal(checkNetwork(''), 'invalid ip address')
  for (const bad of [
    'bad',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/a',
    '1.2.3.4/-1',
    '::1/129',
    ':::',
    ':/8',
    ':1',
    '1:',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '__proto__',
    'g::',
  ]) {
    assert.equal(checkNetwork(bad), `invalid ip address: ${bad}`)
    assert.equal(compileNetworks([bad])('1.2.3.4'), false)
  }
})

test('well-formed entries are accepted', () => {
  for (const good of [
    '1.2.3.4',
    '0.0.0.0/0',
    '::',
    '::/0',
    '::1/128',
    '1::',
    '1:2:3:4:5:6:7::',
    '1:2:3:4:5:6:1.2.3.4',
    '::ffff:1.2.3.4/96',
  ]) {
    assert.equal(checkNetwork(good), null, good)
  }
})

const word = fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xffff, 0x2001, 0xdb8)
const address6 = fc
  .tuple(word, word, word, word, word, word, word, word)
  .map((words) => new ipaddr.IPv6([...words]))
  .chain((address) =>
    fc.constantFrom(address.toString(), address.toNormalizedString(), address.toRFC5952String()),
  )
const address4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join('.'))
const address = fc.oneof(
  address4,
  address6,
  address4.map((text) => `::ffff:${text}`),
)

test('agrees with ipaddr.js on any address and network', () => {
  fc.assert(
    fc.property(address, address, fc.nat(128), (network, sample, length) => {
      const parsed = ipaddr.process(network)
      const bits = Math.min(length, parsed.kind() === 'ipv4' ? 32 : 128)
      const written =
        network.startsWith('::ffff:') && parsed.kind() === 'ipv4'
          ? `${network}/${bits + 96}`
          : `${network}/${bits}`
      const client = ipaddr.process(sample)
      const expected = client.kind() === parsed.kind() && client.match(parsed as never, bits)
      assert.equal(compileNetworks([written])(sample), expected, `${sample} in ${written}`)
    }),
    { numRuns: 2000 },
  )
})

test('never throws, whatever the text', () => {
  const text = fc.string({ unit: fc.constantFrom(...'0123456789abf:./%x'), maxLength: 45 })
  const isInside = compileNetworks(['10.0.0.0/8', '::/1'])
  fc.assert(
    fc.property(text, (sample) => {
      isInside(sample)
      const isGood = checkNetwork(sample) === null
      if (isGood) assert.equal(ipaddr.isValid(sample) || ipaddr.isValidCIDR(sample), true, sample)
    }),
    { numRuns: 5000 },
  )
})
