import { type HashFunction, hashBy } from '../expression/hash64.ts'
import { Ring } from './ring.ts'

export interface RingSizes {
  readonly hash: HashFunction
  /** Fewest and most points of the whole ring, 1 to 8 388 608; minimum <= maximum. */
  readonly minSize: number
  readonly maxSize: number
}

export const DEFAULT_RING: RingSizes = { hash: 'xxHash', minSize: 1024, maxSize: 8_388_608 }

/**
 * The ring of Envoy's ring hash: point i of an endpoint is the hash of `<key>_<i>`, and each endpoint has points by its share of the weights,
 * so many that the lightest one reaches its part of the minimum (spec/kuma.md 11, with its vectors). `keys` are `address:port` texts, weights > 0.
 * A maximum below the number of endpoints leaves some without a point: they are never picked.
 */
export function buildRingHash(
  keys: readonly string[],
  weights: readonly number[],
  { hash, minSize, maxSize }: RingSizes,
): Ring {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0) return new Ring(new Uint32Array(0), new Uint32Array(0), new Uint32Array(0))
  const least = weights.reduce((min, weight) => Math.min(min, weight), Number.POSITIVE_INFINITY) / total
  const scale = Math.min(Math.ceil(least * minSize) / least, maxSize)
  const size = Math.ceil(scale)
  const highs = new Uint32Array(size)
  const lows = new Uint32Array(size)
  const owners = new Uint32Array(size)
  const point = { high: 0, low: 0 }
  let place = 0
  let target = 0
  for (let owner = 0; owner < keys.length; owner++) {
    target += scale * ((weights[owner] as number) / total)
    for (let i = 0; place < target && place < size; i++, place++) {
      hashBy(hash, `${keys[owner]}_${i}`, point)
      highs[place] = point.high
      lows[place] = point.low
      owners[place] = owner
    }
  }
  return new Ring(highs.subarray(0, place), lows.subarray(0, place), owners.subarray(0, place))
}
