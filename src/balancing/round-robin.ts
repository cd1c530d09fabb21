import type { Endpoint } from '../model/endpoint.ts'
import type { Positions } from '../model/model.ts'
import { compileRotation, type Rotation, rotate } from '../model/weighted-rotation.ts'
import { createLevels, Leftovers, type LevelMembers, type LevelPolicy } from './levels.ts'
import type { Picker } from './picker.ts'

/**
 * Slot of the shared position of a priority level (`rotationIdentity` over all endpoints of the level, unusable ones too); 0 if none was given
 * out: the level then rotates by a position of this worker's own.
 */
export type LevelSlot = (priority: number, endpoints: readonly Endpoint[]) => number

/**
 * Smooth weighted round robin: exact over every cycle (sum of the weights / their greatest common divisor) of first attempts, over all workers,
 * without bursts. A level with one endpoint takes no position. Follows APISIX, whose counts it keeps and whose bursts it does not (apisix.md 5.1, 5.4).
 */
export function createRoundRobin(
  endpoints: readonly Endpoint[],
  slot: LevelSlot,
  positions: Positions,
  usable: Uint8Array | null = null,
  order: 'even' | 'list' = 'even',
): Picker {
  return createLevels(endpoints, usable, (members) => {
    const given = members.indices.length === 1 ? 0 : slot(members.priority, members.all)
    return new RoundRobinLevel(members, given === 0 ? new OwnPosition() : positions, given, order)
  })
}

/** The order of a cycle no longer than this is laid out: one look takes the place of one at each level of a tree. */
const LAID_OUT = 1024
/** The same with so many endpoints that the tree is deep. */
const DEEP = 64
const LAID_OUT_DEEP = 16_384

class RoundRobinLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #rotation: Rotation
  /** Index of each position of the cycle; null: the rotation is asked. */
  readonly #order: Int32Array | null
  readonly #positions: Positions
  readonly #slot: number
  readonly #leftovers: Leftovers

  constructor(members: LevelMembers, positions: Positions, slot: number, order: 'even' | 'list') {
    this.#indices = members.indices
    this.#rotation = compileRotation([...members.weights])
    const { cycle } = this.#rotation
    this.#order =
      order === 'list' && cycle === members.indices.length
        ? members.indices
        : cycle <= (members.indices.length > DEEP ? LAID_OUT_DEEP : LAID_OUT)
          ? Int32Array.from({ length: cycle }, (_, at) => this.#indices[rotate(this.#rotation, at)] as number)
          : null
    this.#positions = positions
    this.#slot = slot
    this.#leftovers = new Leftovers(members)
  }

  pick(): number {
    const { only, limit } = this.#rotation
    return only >= 0 ? (this.#indices[only] as number) : this.#at(this.#positions.advance(this.#slot, limit))
  }

  peek(): number {
    const { only, limit } = this.#rotation
    return only >= 0 ? (this.#indices[only] as number) : this.#at(this.#positions.peek(this.#slot, limit))
  }

  #at(position: number): number {
    if (this.#order !== null) return this.#order[position % this.#order.length] as number
    return this.#indices[rotate(this.#rotation, position)] as number
  }

  pickOther(tried: Uint8Array): number {
    return this.#leftovers.pick(tried)
  }
}

/** A position of one worker, for levels that got no shared one. */
export class OwnPosition implements Positions {
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
