import type { Endpoint } from '../model/endpoint.ts'
import type { Positions } from '../model/model.ts'
import { compileRotation, type Rotation, rotate } from '../model/weighted-rotation.ts'
import type { Picker } from './picker.ts'

/**
 * Slot of the shared position of a priority level (`rotationIdentity` over all endpoints of the level, unusable ones too); 0 if none was given
 * out: the level then rotates by a position of this worker's own.
 */
export type LevelSlot = (priority: number, endpoints: readonly Endpoint[]) => number

/**
 * Smooth weighted round robin: exact over every cycle (sum of the weights / their greatest common divisor) of first attempts, over all workers,
 * without bursts. Levels of lower priority serve only when every endpoint above is unusable or tried. A weight of 0 never gets a
 * request. A level with one endpoint takes no position. Spec: apisix.md 5.1, 5.4.
 *
 * `usable` has a 1 at every endpoint that may be used now; null: all. It is read once: a change of it makes a new picker.
 */
export function createRoundRobin(
  endpoints: readonly Endpoint[],
  slot: LevelSlot,
  positions: Positions,
  usable: Uint8Array | null = null,
): Picker {
  const byPriority = new Map<number, Endpoint[]>()
  for (const endpoint of endpoints) {
    const members = byPriority.get(endpoint.priority)
    if (members === undefined) byPriority.set(endpoint.priority, [endpoint])
    else members.push(endpoint)
  }
  const levels: Level[] = []
  for (const [priority, members] of [...byPriority].sort(([one], [two]) => two - one)) {
    const indices: number[] = []
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint
      const isUsable = endpoint.weight > 0 && (usable === null || usable[index] === 1)
      if (endpoint.priority === priority && isUsable) indices.push(index)
    }
    if (indices.length === 0) continue
    const weights = indices.map((index) => (endpoints[index] as Endpoint).weight)
    const given = indices.length === 1 ? 0 : slot(priority, members)
    levels.push(new Level(indices, weights, given === 0 ? new OwnPosition() : positions, given))
  }
  return new RoundRobin(levels)
}

class RoundRobin implements Picker {
  readonly #levels: readonly Level[]
  constructor(levels: readonly Level[]) {
    this.#levels = levels
  }

  pick(tried: Uint8Array): number {
    if (tried.length === 0) {
      const best = this.#levels[0]
      return best === undefined ? -1 : best.pick()
    }
    for (let i = 0; i < this.#levels.length; i++) {
      const found = (this.#levels[i] as Level).pickUntried(tried)
      if (found >= 0) return found
    }
    return -1
  }

  peek(): number {
    const best = this.#levels[0]
    return best === undefined ? -1 : best.peek()
  }
}

/** Endpoints of one priority that can be picked at all. */
class Level {
  /** Index in the upstream's list, and weight, by place in the level. */
  readonly #indices: Int32Array
  readonly #weights: Float64Array
  readonly #rotation: Rotation
  readonly #positions: Positions
  readonly #slot: number
  /** Choices of this worker among what earlier attempts left over: they take no shared position, so the rotation of first attempts stays exact. */
  #spills = 0

  constructor(indices: readonly number[], weights: readonly number[], positions: Positions, slot: number) {
    this.#indices = Int32Array.from(indices)
    this.#weights = Float64Array.from(weights)
    this.#rotation = compileRotation(weights)
    this.#positions = positions
    this.#slot = slot
  }

  pick(): number {
    const { only, limit } = this.#rotation
    const place = only >= 0 ? only : rotate(this.#rotation, this.#positions.advance(this.#slot, limit))
    return this.#indices[place] as number
  }

  peek(): number {
    const { only, limit } = this.#rotation
    const place = only >= 0 ? only : rotate(this.#rotation, this.#positions.peek(this.#slot, limit))
    return this.#indices[place] as number
  }

  /**
   * An endpoint that was not tried, or -1. Where nothing of the level was tried yet, the rotation goes on as for first attempts. Else the ones
   * left share by their weights: multiples of the golden ratio walk over them evenly, whichever was taken out.
   */
  pickUntried(tried: Uint8Array): number {
    let left = 0
    let count = 0
    for (let place = 0; place < this.#indices.length; place++) {
      if (tried[this.#indices[place] as number] === 1) continue
      left += this.#weights[place] as number
      count++
    }
    if (count === 0) return -1
    if (count === this.#indices.length) return this.pick()
    const spill = this.#spills
    this.#spills = (spill + 1) % SPILL_BOUND
    let rest = ((spill * GOLDEN_RATIO) % 1) * left
    let last = -1
    for (let place = 0; place < this.#indices.length; place++) {
      const index = this.#indices[place] as number
      if (tried[index] === 1) continue
      last = index
      rest -= this.#weights[place] as number
      if (rest < 0) break
    }
    return last
  }
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2
/** Keeps the fraction of a multiple exact to some 30 bits. */
const SPILL_BOUND = 2 ** 20

class OwnPosition implements Positions {
  #next = 0
  advance(_slot: number, limit: number): number {
    const position = this.#next
    this.#next = position + 1 >= limit ? 0 : position + 1
    return position
  }
  peek(): number {
    return this.#next
  }
}
