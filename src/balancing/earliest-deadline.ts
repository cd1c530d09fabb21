import type { Endpoint } from '../model/endpoint.ts'
import { EdfSchedule } from './edf.ts'
import { createLevels, type LevelMembers, type LevelPolicy } from './levels.ts'
import type { Picker, Random } from './picker.ts'
import { pickUniform } from './random.ts'

/**
 * Envoy's weighted round robin (spec/kuma.md 11): the earliest deadline first, a schedule for each worker, begun at a random place so that many gateways do
 * not begin alike.
 */
export function createEarliestDeadline(
  endpoints: readonly Endpoint[],
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new DeadlineLevel(members, random))
}

class DeadlineLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #schedule: EdfSchedule
  readonly #random: Random

  constructor({ indices, weights }: LevelMembers, random: Random) {
    this.#indices = indices
    this.#random = random
    const skip = Math.floor(random() * indices.length)
    this.#schedule = new EdfSchedule(indices.length, (place) => weights[place] as number, skip)
  }

  pick(): number {
    return this.#indices[this.#schedule.pick()] as number
  }

  peek(): number {
    return this.#indices[this.#schedule.peek()] as number
  }

  pickOther(tried: Uint8Array): number {
    // the schedule goes on; an endpoint that was tried gives its turn away
    for (let turn = 0; turn < this.#indices.length; turn++) {
      const index = this.pick()
      if (tried[index] !== 1) return index
    }
    return pickUniform(this.#indices, tried, this.#random)
  }
}
