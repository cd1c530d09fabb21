import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Hash64, hashBy, murmurHash2, xxHash64, xxHash64Hex } from './hash64.ts'

const into: Hash64 = { high: 0, low: 0 }
const value = (): bigint => (BigInt(into.high) << 32n) | BigInt(into.low)

describe('XXH64', () => {
  it('gives the published value of the empty text', () => {
    xxHash64('', into)
    assert.equal(value(), 0xef46db3751d8e999n)
    assert.equal(xxHash64Hex(''), 'ef46db3751d8e999')
  })

  it('is written with all its digits', () => {
    for (let i = 0; i < 1000; i++) {
      xxHash64(String(i), into)
      assert.equal(xxHash64Hex(String(i)), value().toString(16).padStart(16, '0'))
    }
  })

  it('equals the specification worked out in big integers, for any bytes and any seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 130 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        (bytes, seed) => {
          xxHash64(Buffer.from(bytes).toString('latin1'), into, seed)
          assert.equal(value(), slowXxHash64(Buffer.from(bytes), BigInt(seed)))
        },
      ),
    )
  })

  it('gives the points that Envoy puts on its ring (spec/kuma.md 11)', () => {
    hashBy('xxHash', '127.0.0.1:94_1', into)
    assert.equal(value(), 833437586790550860n)
    hashBy('xxHash', '127.0.0.1:92_0', into)
    assert.equal(value(), 928266305478181108n)
  })
})

describe('Murmur2', () => {
  it('gives the points that Envoy puts on its ring (spec/kuma.md 11)', () => {
    murmurHash2('127.0.0.1:85_0', into)
    assert.equal(value(), 1358027074129602068n)
    hashBy('murmurHash2', '127.0.0.1:80_0', into)
    assert.equal(value(), 17613279263364193813n)
  })

  it('equals the algorithm worked out in big integers, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        murmurHash2(Buffer.from(bytes).toString('latin1'), into)
        assert.equal(value(), slowMurmur(Buffer.from(bytes)))
      }),
    )
  })
})

const MASK = (1n << 64n) - 1n
const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
]
const rotate = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & MASK
const round = (sum: bigint, input: bigint): bigint => (rotate((sum + input * P2) & MASK, 31n) * P1) & MASK

function slowXxHash64(bytes: Buffer, seed: bigint): bigint {
  let hash = (seed + P5) & MASK
  let at = 0
  if (bytes.length >= 32) {
    const sums = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) sums[i] = round(sums[i] as bigint, bytes.readBigUInt64LE(at + i * 8))
    }
    const [a, b, c, d] = sums as [bigint, bigint, bigint, bigint]
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK
    for (const sum of sums) hash = ((hash ^ round(0n, sum)) * P1 + P4) & MASK
  }
  hash = (hash + BigInt(bytes.length)) & MASK
  for (; at + 8 <= bytes.length; at += 8)
    hash = (rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((BigInt(bytes.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK
    at += 4
  }
  for (; at < bytes.length; at++)
    hash = (rotate(hash ^ ((BigInt(bytes[at] as number) * P5) & MASK), 11n) * P1) & MASK
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK
  return hash ^ (hash >> 32n)
}

function slowMurmur(bytes: Buffer): bigint {
  const factor = 0xc6a4a7935bd1e995n
  let hash = 0xc70f6907n ^ ((BigInt(bytes.length) * factor) & MASK)
  let at = 0
  for (; at + 8 <= bytes.length; at += 8) {
    let part = (bytes.readBigUInt64LE(at) * factor) & MASK
    part = ((part ^ (part >> 47n)) * factor) & MASK
    hash = ((hash ^ part) * factor) & MASK
  }
  if (at < bytes.length) {
    for (let i = bytes.length - 1; i >= at; i--) hash ^= BigInt(bytes[i] as number) << BigInt((i - at) * 8)
    hash = (hash * factor) & MASK
  }
  hash = ((hash ^ (hash >> 47n)) * factor) & MASK
  return hash ^ (hash >> 47n)
}
