import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Field, HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import { decodeHuffman } from './huffman.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

function plain(text: string): string | null {
  const into = Buffer.alloc(1024)
  const bytes = hex(text)
  const length = decodeHuffman(bytes, 0, bytes.length, into)
  return length < 0 ? null : into.toString('latin1', 0, length)
}

function decode(decoder: HpackDecoder, block: Buffer): string[] | string {
  const fields: string[] = []
  const result = decoder.decode(block, 0, block.length, {
    onField: ({ name, value }: Field) => fields.push(`${name}: ${value}`),
  })
  return result === 'ok' ? fields : result
}

test('texts of RFC 7541 appendix C are read', () => {
  assert.equal(plain('f1e3 c2e5 f23a 6ba0 ab90 f4ff'), 'www.example.com')
  assert.equal(plain('a8eb 1064 9cbf'), 'no-cache')
  assert.equal(plain('aec3 771a 4b'), 'private')
  assert.equal(
    plain('d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'),
    'Mon, 21 Oct 2013 20:13:21 GMT',
  )
  assert.equal(plain('9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3'), 'https://www.example.com')
  assert.equal(
    plain(
      '94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ),
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  )
  assert.equal(plain(''), '')
})

test('a text that ends in more than seven bits, in zeros, or holds the end symbol, is none', () => {
  assert.equal(plain('f1e3 c2e5 f23a 6ba0 ab90 f4ff ff'), null)
  assert.equal(plain('00'), null) // `0`, then three zeros
  assert.equal(plain('ffff ffff'), null)
})

test('blocks of RFC 7541 appendix C.4 and C.6 are read, with what they leave in the table', () => {
  const decoder = new HpackDecoder()
  assert.deepEqual(decode(decoder, hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), [
    ':method: GET',
    ':scheme: http',
    ':path: /',
    ':authority: www.example.com',
  ])
  assert.deepEqual(decode(decoder, hex('8286 84be 5886 a8eb 1064 9cbf')), [
    ':method: GET',
    ':scheme: http',
    ':path: /',
    ':authority: www.example.com',
    'cache-control: no-cache',
  ])
  assert.deepEqual(decode(decoder, hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')), [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ])
})

test('a block that breaks the coding loses the connection, whatever it is', () => {
  for (const block of [
    '80', // index 0
    'ff80 8080 8001', // a number over every bound
    'be', // nothing stands there
    '4003 6162', // a cut name
    '82 20', // a size behind a field
    '3fff ffff 0f', // a size over the announced one
    '40 0a', // no name, no value
    'ff', // a number that is cut
    '00 83 ffff ff 01 61', // Huffman's end symbol
  ])
    assert.equal(decode(new HpackDecoder(), hex(block)), 'malformed', block)
})

test('names and values that may not be forwarded are marked', () => {
  const fields: Field[] = []
  const sink = { onField: (field: Field) => void fields.push(field) }
  const literal = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([value.length]),
      Buffer.from(value, 'latin1'),
    ])
  const cases: [string, string, boolean][] = [
    ['a', 'b', true],
    ['a', '', true],
    ['a', '\xe9', true],
    ['A', 'b', false],
    ['', 'b', false],
    [':', 'b', false],
    ['a b', 'c', false],
    ['a', 'b\r\nc: d', false],
    ['a', ' b', false],
    ['a', 'b\t', false],
    ['a', 'b\0', false],
    ['a', 'b\x7f', false],
  ]
  for (const [name, value, isValid] of cases) {
    fields.length = 0
    const block = literal(name, value)
    new HpackDecoder().decode(block, 0, block.length, sink)
    assert.equal(fields[0]?.isValid, isValid, JSON.stringify([name, value]))
  }
})

test('whatever is encoded is decoded, over many blocks and changes of the table', () => {
  const name = fc.constantFrom(
    'x-a',
    'x-b',
    'accept',
    'set-cookie',
    'authorization',
    ':path',
    'content-length',
    'date',
  )
  const value = fc.oneof(
    fc.constantFrom('1', 'gzip, deflate', 'v'.repeat(900)),
    fc.string({ maxLength: 300 }),
  )
  const latin = value.map((text) => text.replace(/[^\x20-\x7e]/g, '?'))
  const step = fc.record({
    limit: fc.option(fc.constantFrom(0, 64, 300, 4096, 100_000), { freq: 5 }),
    fields: fc.array(fc.tuple(name, latin), { maxLength: 12 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const encoder = new HpackEncoder()
      const decoder = new HpackDecoder()
      for (const { limit, fields } of steps) {
        if (limit !== null) encoder.setLimit(limit)
        encoder.begin()
        for (const [name, value] of fields) encoder.add(name, value)
        assert.deepEqual(
          decode(decoder, encoder.block),
          fields.map(([name, value]) => `${name}: ${value}`),
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('a field that comes again costs one byte, a secret or a passing one is never kept', () => {
  const encoder = new HpackEncoder()
  const size = (name: string, value: string): number => {
    encoder.begin()
    encoder.add(name, value)
    return encoder.block.length
  }
  size('x-version', 'v1')
  assert.equal(size('x-version', 'v1'), 1)
  size('authorization', 'Bearer abc')
  assert.ok(size('authorization', 'Bearer abc') > 10)
  size('content-length', '12345')
  assert.ok(size('content-length', '12345') > 5)
})
