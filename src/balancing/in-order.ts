import type { Endpoint } from '../model/endpoint.ts'
import { createLevels, Leftovers, type LevelMembers, type LevelPolicy } from './levels.ts'
import type { Picker } from './picker.ts'

/** Orders that follow the list, as Apinizer has them (apinizer.md 4). Each worker goes through its own. */

/** Each endpoint as often in a row as its weight says, then the next: weights 1 and 2 give A B B (WEIGHTED). */
export function createWeightedOrder(
  endpoints: readonly Endpoint[],
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new WeightedOrder(members))
}

/** The endpoint unused for the longest time, those never used first (LRU). `lastUsed`: by index, kept over changes by whoever makes the pickers. */
export function createLeastRecentlyUsed(
  endpoints: readonly Endpoint[],
  lastUsed: Float64Array,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new LeastRecentlyUsed(members, lastUsed))
}

/** The first usable one of the list (PICK_FIRST). */
export function createPickFirst(endpoints: readonly Endpoint[], usable: Uint8Array | null = null): Picker {
  return createLevels(endpoints, usable, (members) => new PickFirst(members))
}

class WeightedOrder implements LevelPolicy {
  readonly #members: LevelMembers
  readonly #leftovers: Leftovers
  #place = 0
  #served = 0

  constructor(members: LevelMembers) {
    this.#members = members
    this.#leftovers = new Leftovers(members)
  }

  pick(): number {
    const { indices, weights } = this.#members
    if (this.#served >= (weights[this.#place] as number)) {
      this.#served = 0
      this.#place = this.#place + 1 === indices.length ? 0 : this.#place + 1
    }
    this.#served++
    return indices[this.#place] as number
  }

  peek(): number {
    const { indices, weights } = this.#members
    const isOver = this.#served >= (weights[this.#place] as number)
    const next = this.#place + 1 === indices.length ? 0 : this.#place + 1
    return indices[isOver ? next : this.#place] as number
  }

  pickOther(tried: Uint8Array): number {
    return this.#leftovers.pick(tried)
  }
}

/** Places in the order of their last use, as a linked list: the head is taken and goes to the end. */
class LeastRecentlyUsed implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #lastUsed: Float64Array
  readonly #next: Int32Array
  #head: number
  #tail: number
  #uses = 0

  constructor({ indices }: LevelMembers, lastUsed: Float64Array) {
    this.#indices = indices
    this.#lastUsed = lastUsed
    const order = Array.from(indices, (_, place) => place).sort(
      (a, b) => this.#used(a) - this.#used(b) || a - b,
    )
    this.#next = new Int32Array(indices.length).fill(-1)
    for (let i = 0; i + 1 < order.length; i++) this.#next[order[i] as number] = order[i + 1] as number
    this.#head = order[0] as number
    this.#tail = order[order.length - 1] as number
    for (let index = 0; index < lastUsed.length; index++)
      this.#uses = Math.max(this.#uses, lastUsed[index] as number)
  }

  pick(): number {
    return this.#use(this.#head, -1)
  }

  peek(): number {
    return this.#indices[this.#head] as number
  }

  pickOther(tried: Uint8Array): number {
    let before = -1
    for (let place = this.#head; place >= 0; place = this.#next[place] as number) {
      if (tried[this.#indices[place] as number] !== 1) return this.#use(place, before)
      before = place
    }
    return -1
  }

  #use(place: number, before: number): number {
    const index = this.#indices[place] as number
    this.#lastUsed[index] = ++this.#uses
    if (place === this.#tail) return index
    const after = this.#next[place] as number
    if (before < 0) this.#head = after
    else this.#next[before] = after
    this.#next[this.#tail] = place
    this.#next[place] = -1
    this.#tail = place
    return index
  }

  #used(place: number): number {
    return this.#lastUsed[this.#indices[place] as number] as number
  }
}

class PickFirst implements LevelPolicy {
  readonly #indices: Int32Array
  constructor({ indices }: LevelMembers) {
    this.#indices = indices
  }
  pick(): number {
    return this.#indices[0] as number
  }
  peek(): number {
    return this.#indices[0] as number
  }
  pickOther(tried: Uint8Array): number {
    for (let place = 0; place < this.#indices.length; place++) {
      const index = this.#indices[place] as number
      if (tried[index] !== 1) return index
    }
    return -1
  }
}
