import { type Hash64, xxHash64 } from '../expression/hash64.ts'

/** Slots of the table where nothing else is said: a prime, as it must be. */
export const MAGLEV_SIZE = 65_537

/**
 * Envoy's maglev table (spec/kuma.md 11, with its vectors): each endpoint walks over all slots in an order of its own and takes its next free
 * one whenever its weight says so. `keys` are `address:port` texts, weights > 0. The order of the list does not matter. Returns the owner (index) of each slot.
 */
export function buildMaglev(
  keys: readonly string[],
  weights: readonly number[],
  size = MAGLEV_SIZE,
): Uint32Array {
  const table = new Uint32Array(size)
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0)
  if (most === 0) return new Uint32Array(0)
  const isTaken = new Uint8Array(size)
  const hash: Hash64 = { high: 0, low: 0 }
  const walkers = keys
    .map((key, owner) => {
      xxHash64(key, hash)
      const offset = modulo(hash, size)
      xxHash64(key, hash, 1)
      return {
        key,
        owner,
        weight: weights[owner] as number,
        slot: offset,
        skip: modulo(hash, size - 1) + 1,
        target: 0,
      }
    })
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.owner - b.owner))
  let filled = 0
  for (let round = 1; filled < size; round++) {
    for (const walker of walkers) {
      if (round * walker.weight < walker.target) continue
      walker.target += most
      let { slot } = walker
      while (isTaken[slot] === 1) slot = (slot + walker.skip) % size
      isTaken[slot] = 1
      table[slot] = walker.owner
      walker.slot = (slot + walker.skip) % size
      filled++
      if (filled === size) break
    }
  }
  return table
}

/** An unsigned 64-bit number modulo one below 2^21. */
export function modulo({ high, low }: Hash64, by: number): number {
  return ((((high % by) * (0x1_0000_0000 % by)) % by) + (low % by)) % by
}
