import type { Hash64 } from '../expression/hash64.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Picker } from './picker.ts'

/** The endpoints of one priority that can be picked at all, the same place in both arrays. */
export interface LevelMembers {
  readonly priority: number
  /** Indices in the upstream's list, ascending. */
  readonly indices: Int32Array
  readonly weights: Float64Array
  /** All endpoints of the level, unusable ones too: what a shared position is named after. */
  readonly all: readonly Endpoint[]
}

/** How one level chooses. It has one member at least. */
export interface LevelPolicy {
  /** An index; nothing of the level was tried. */
  pick(key: Hash64 | null): number
  /** What `pick` would give, or BY_CHANCE. Nothing moves on. */
  peek(key: Hash64 | null): number
  /** An index that was not tried, or -1; at least one was. */
  pickOther(tried: Uint8Array, key: Hash64 | null): number
}

/**
 * Levels of lower priority serve only when every endpoint above is unusable or tried (apisix.md 5.4). A weight of 0 never gets a request.
 * `usable` has a 1 at every endpoint that may be used now; null: all. It is read once.
 */
export function createLevels(
  endpoints: readonly Endpoint[],
  usable: Uint8Array | null,
  makeLevel: (members: LevelMembers) => LevelPolicy,
  more: Pick<Picker, 'observe'> & { readonly needsKey?: boolean } = {},
): Picker {
  const byPriority = new Map<number, Endpoint[]>()
  for (const endpoint of endpoints) {
    const members = byPriority.get(endpoint.priority)
    if (members === undefined) byPriority.set(endpoint.priority, [endpoint])
    else members.push(endpoint)
  }
  const levels: Level[] = []
  for (const [priority, all] of [...byPriority].sort(([one], [two]) => two - one)) {
    const indices: number[] = []
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint
      const isUsable = endpoint.weight > 0 && (usable === null || usable[index] === 1)
      if (endpoint.priority === priority && isUsable) indices.push(index)
    }
    if (indices.length === 0) continue
    const members = {
      priority,
      indices: Int32Array.from(indices),
      weights: Float64Array.from(indices, (index) => (endpoints[index] as Endpoint).weight),
      all,
    }
    levels.push({ indices: members.indices, policy: makeLevel(members) })
  }
  const picker = new Levels(levels, more.needsKey ?? false)
  return more.observe === undefined ? picker : Object.assign(picker, { observe: more.observe })
}

interface Level {
  readonly indices: Int32Array
  readonly policy: LevelPolicy
}

class Levels implements Picker {
  readonly needsKey: boolean
  readonly #levels: readonly Level[]

  constructor(levels: readonly Level[], needsKey: boolean) {
    this.#levels = levels
    this.needsKey = needsKey
  }

  pick(tried: Uint8Array, key: Hash64 | null): number {
    if (tried.length === 0) {
      const best = this.#levels[0]
      return best === undefined ? -1 : best.policy.pick(key)
    }
    for (let i = 0; i < this.#levels.length; i++) {
      const { indices, policy } = this.#levels[i] as Level
      let triedHere = 0
      for (let place = 0; place < indices.length; place++)
        if (tried[indices[place] as number] === 1) triedHere++
      if (triedHere === indices.length) continue
      const index = triedHere === 0 ? policy.pick(key) : policy.pickOther(tried, key)
      if (index >= 0) return index
    }
    return -1
  }

  peek(key: Hash64 | null): number {
    const best = this.#levels[0]
    return best === undefined ? -1 : best.policy.peek(key)
  }
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2
/** Keeps the fraction of a multiple exact to some 30 bits. */
const SPILL_BOUND = 2 ** 20

/**
 * Choices of this worker among what earlier attempts left over: they take no shared position, so the rotation of first attempts stays exact. The
 * ones left share by their weights: multiples of the golden ratio walk over them evenly, whichever was taken out.
 */
export class Leftovers {
  readonly #members: LevelMembers
  #spills = 0

  constructor(members: LevelMembers) {
    this.#members = members
  }

  pick(tried: Uint8Array): number {
    const { indices, weights } = this.#members
    let left = 0
    for (let place = 0; place < indices.length; place++) {
      if (tried[indices[place] as number] !== 1) left += weights[place] as number
    }
    const spill = this.#spills
    this.#spills = (spill + 1) % SPILL_BOUND
    let rest = ((spill * GOLDEN_RATIO) % 1) * left
    let last = -1
    for (let place = 0; place < indices.length; place++) {
      const index = indices[place] as number
      if (tried[index] === 1) continue
      last = index
      rest -= weights[place] as number
      if (rest < 0) break
    }
    return last
  }
}
