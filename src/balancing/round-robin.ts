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
): Picker {
  return createLevels(endpoints, usable, (members) => {
    const given = members.indices.length === 1 ? 0 : slot(members.priority, members.all)
    return new RoundRobinLevel(members, given === 0 ? new OwnPosition() : positions, given)
  })
}

class RoundRobinLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #rotation: Rotation
  readonly #positions: Positions
  readonly #slot: number
  readonly #leftovers: Leftovers

  constructor(members: LevelMembers, positions: Positions, slot: number) {
    this.#indices = members.indices
    this.#rotation = compileRotation([...members.weights])
    this.#positions = positions
    this.#slot = slot
    this.#leftovers = new Leftovers(members)
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
