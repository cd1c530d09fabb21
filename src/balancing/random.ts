import type { Endpoint } from '../model/endpoint.ts'
import { createLevels, Leftovers, type LevelMembers, type LevelPolicy } from './levels.ts'
import { BY_CHANCE, type Picker, type Random } from './picker.ts'

/**
 * Uniform over the usable endpoints, whatever their weights (Envoy's random, spec/kuma.md 11; Apinizer's RANDOM), or by weight where `isWeighted`.
 */
export function createRandom(
  endpoints: readonly Endpoint[],
  isWeighted: boolean,
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) =>
    isWeighted ? new WeightedLevel(members, random) : new UniformLevel(members, random),
  )
}

class UniformLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #random: Random
  constructor({ indices }: LevelMembers, random: Random) {
    this.#indices = indices
    this.#random = random
  }
  pick(): number {
    return this.#indices[Math.floor(this.#random() * this.#indices.length)] as number
  }
  peek(): number {
    return this.#indices.length === 1 ? (this.#indices[0] as number) : BY_CHANCE
  }
  pickOther(tried: Uint8Array): number {
    return pickUniform(this.#indices, tried, this.#random)
  }
}

/** One of those not tried, each as likely; -1 if there is none. */
export function pickUniform(indices: Int32Array, tried: Uint8Array, random: Random): number {
  let left = 0
  for (let place = 0; place < indices.length; place++) if (tried[indices[place] as number] !== 1) left++
  let skip = Math.floor(random() * left)
  for (let place = 0; place < indices.length; place++) {
    const index = indices[place] as number
    if (tried[index] !== 1 && skip-- === 0) return index
  }
  return -1
}

class WeightedLevel implements LevelPolicy {
  readonly #indices: Int32Array
  /** Sums of the weights up to and with each place. */
  readonly #sums: Float64Array
  readonly #leftovers: Leftovers
  readonly #random: Random
  constructor(members: LevelMembers, random: Random) {
    this.#indices = members.indices
    let sum = 0
    this.#sums = members.weights.map((weight) => (sum += weight))
    this.#leftovers = new Leftovers(members)
    this.#random = random
  }
  pick(): number {
    const sums = this.#sums
    const at = this.#random() * (sums[sums.length - 1] as number)
    let from = 0
    let to = sums.length - 1
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((sums[middle] as number) > at) to = middle
      else from = middle + 1
    }
    return this.#indices[from] as number
  }
  peek(): number {
    return this.#indices.length === 1 ? (this.#indices[0] as number) : BY_CHANCE
  }
  pickOther(tried: Uint8Array): number {
    return this.#leftovers.pick(tried)
  }
}
