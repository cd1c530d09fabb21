import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import fc from 'fast-check'
import { Ring } from './ring.ts'
import { buildRingHash, DEFAULT_RING } from './ring-hash.ts'

const keys = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `127.0.0.1:${from + i}`)
const ones = (count: number): number[] => Array.from({ length: count }, () => 1)
const find = (ring: ReturnType<typeof buildRingHash>, hash: bigint): number =>
  ring.owner(ring.find(Number(hash >> 32n), Number(hash & 0xffff_ffffn)))

describe('ring hash (vectors of spec/kuma.md 11)', () => {
  const ring = buildRingHash(keys(90, 6), ones(6), { ...DEFAULT_RING, minSize: 12 })

  it('puts the points where Envoy does, by XX_HASH', () => {
    const points = [...ring.points()].map(([point, owner]) => `${90 + owner} ${point}`)
    assert.deepEqual(points, [
      '94 833437586790550860',
      '92 928266305478181108',
      '90 1033482794131418490',
      '95 3551244743356806947',
      '93 3851675632748031481',
      '91 5583722120771150861',
      '91 6311230543546372928',
      '93 7700377290971790572',
      '95 13144177310400110813',
      '92 13444792449719432967',
      '94 15516499411664133160',
      '90 16117243373044804889',
    ])
  })

  it('gives the first point that is not below the hash, and the first of all past the end', () => {
    assert.equal(90 + find(ring, 0n), 94)
    assert.equal(90 + find(ring, (1n << 64n) - 1n), 94)
    assert.equal(90 + find(ring, 3551244743356806947n), 95)
    assert.equal(90 + find(ring, 3551244743356806948n), 93)
  })

  it('puts the points where Envoy does, by MURMUR_HASH_2', () => {
    const murmur = buildRingHash(keys(80, 6), ones(6), { ...DEFAULT_RING, hash: 'murmurHash2', minSize: 12 })
    const points = [...murmur.points()].map(([point, owner]) => `${80 + owner} ${point}`)
    assert.deepEqual(points.slice(0, 2), ['85 1358027074129602068', '83 4361834613929391114'])
    assert.equal(points.at(-1), '80 17613279263364193813')
  })

  it('sizes the ring by the lightest endpoint', () => {
    assert.equal(buildRingHash(keys(1, 2), ones(2), { ...DEFAULT_RING, minSize: 3 }).size, 4)
    assert.equal(buildRingHash(keys(1, 3), ones(3), DEFAULT_RING).size, 1026)
  })

  it('shares points by weight', () => {
    const weighted = buildRingHash(keys(90, 3), [1, 2, 3], { ...DEFAULT_RING, minSize: 6144 })
    const owned = [0, 0, 0]
    for (const [, owner] of weighted.points()) owned[owner] = (owned[owner] as number) + 1
    assert.deepEqual(owned, [1024, 2048, 3072])
    const landed = [0, 0, 0]
    for (let i = 0n; i < 6000n; i++) {
      const owner = find(weighted, i * ((1n << 64n) / 6000n))
      landed[owner] = (landed[owner] as number) + 1
    }
    assert.deepEqual(landed, [987, 1932, 3081])
  })

  it('leaves endpoints out where the maximum is below their number, and is empty without weights', () => {
    const small = buildRingHash(keys(1, 5), ones(5), { ...DEFAULT_RING, minSize: 1, maxSize: 3 })
    assert.equal(small.size, 3)
    assert.equal(buildRingHash([], [], DEFAULT_RING).size, 0)
    assert.equal(buildRingHash(keys(1, 1), [0], DEFAULT_RING).size, 0)
  })

  it('is sorted, whatever the endpoints', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }), (weights) => {
        const made = buildRingHash(keys(1, weights.length), weights, { ...DEFAULT_RING, minSize: 300 })
        const points = [...made.points()].map(([point]) => point)
        assert.deepEqual(
          points,
          [...points].sort((a, b) => (a < b ? -1 : 1)),
        )
      }),
    )
  })
})

test('the place of a hash is the first point at or behind it, whatever the points', () => {
  const word = fc.oneof(fc.nat(0xffff_ffff), fc.nat(3), fc.constant(0xffff_ffff))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 40 }),
      word,
      word,
      (points, high, low) => {
        const column = (at: 0 | 1): Uint32Array => Uint32Array.from(points, (point) => point[at])
        const ring = new Ring(column(0), column(1), Uint32Array.from(points.keys()))
        const sorted = points.map(([h, l]) => (BigInt(h) << 32n) | BigInt(l)).sort((a, b) => (a < b ? -1 : 1))
        const place = sorted.findIndex((point) => point >= ((BigInt(high) << 32n) | BigInt(low)))
        assert.equal(ring.find(high, low), Math.max(0, place))
      },
    ),
  )
})
