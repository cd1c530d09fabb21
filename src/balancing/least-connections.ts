import type { Endpoint } from '../model/endpoint.ts'
import { createLevels, type LevelMembers, type LevelPolicy } from './levels.ts'
import { BY_CHANCE, type InFlight, type Picker, type Random } from './picker.ts'

/** Up to so many endpoints all are compared; of more, this many drawn at random: a pick must not grow with their number. */
const COMPARED = 64

/**
 * The lowest (in flight + 1) / weight, so that of idle endpoints the heaviest is taken first (APISIX's least_conn, apisix.md 5.3). Equal ones take
 * turns, from where the last pick stood, or with `list` the first of them is taken (apinizer.md 4.1).
 */
export function createLeastConnections(
  endpoints: readonly Endpoint[],
  inFlight: InFlight,
  random: Random,
  ties: Ties,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new LeastLevel(members, inFlight, random, ties))
}

type Ties = 'turns' | 'list'

class LeastLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #weights: Float64Array
  readonly #inFlight: InFlight
  readonly #random: Random
  readonly #takesTurns: boolean
  /** Where the next look begins. */
  #next = 0

  constructor({ indices, weights }: LevelMembers, inFlight: InFlight, random: Random, ties: Ties) {
    this.#indices = indices
    this.#weights = weights
    this.#inFlight = inFlight
    this.#random = random
    this.#takesTurns = ties === 'turns'
  }

  pick(): number {
    return this.#take(this.#indices.length <= COMPARED ? this.#lowestOfAll(NONE) : this.#lowestOfDrawn(NONE))
  }

  peek(): number {
    return this.#indices.length <= COMPARED ? (this.#indices[this.#lowestOfAll(NONE)] as number) : BY_CHANCE
  }

  pickOther(tried: Uint8Array): number {
    const drawn = this.#indices.length <= COMPARED ? -1 : this.#lowestOfDrawn(tried)
    return this.#take(drawn >= 0 ? drawn : this.#lowestOfAll(tried))
  }

  #lowestOfAll(tried: Uint8Array): number {
    const count = this.#indices.length
    let best = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let step = 0; step < count; step++) {
      let place = this.#next + step
      if (place >= count) place -= count
      const score = this.#score(place, tried)
      if (score >= lowest) continue
      best = place
      lowest = score
    }
    return best
  }

  #lowestOfDrawn(tried: Uint8Array): number {
    let best = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let draw = 0; draw < COMPARED; draw++) {
      const place = Math.floor(this.#random() * this.#indices.length)
      const score = this.#score(place, tried)
      if (score >= lowest) continue
      best = place
      lowest = score
    }
    return best
  }

  #score(place: number, tried: Uint8Array): number {
    const index = this.#indices[place] as number
    if (tried[index] === 1) return Number.POSITIVE_INFINITY
    return (this.#inFlight(index) + 1) / (this.#weights[place] as number)
  }

  #take(place: number): number {
    if (place < 0) return -1
    if (this.#takesTurns) this.#next = place + 1 === this.#indices.length ? 0 : place + 1
    return this.#indices[place] as number
  }
}

const NONE = new Uint8Array(0)
