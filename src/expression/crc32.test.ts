import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { crc32, crc32OfNumber } from './crc32.ts'

test('is the CRC-32 of zlib, in one piece and in several', () => {
  assert.equal(crc32('123456789'), 0xcbf43926)
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (one, two) => {
      const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
      assert.equal(crc32(text(two), crc32(text(one))), zlibCrc32(Buffer.concat([one, two])))
    }),
  )
})

test('a number counts as its four bytes, the least first', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (number, before) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(number)
      assert.equal(crc32OfNumber(number, before), zlibCrc32(bytes, before))
    }),
  )
})
