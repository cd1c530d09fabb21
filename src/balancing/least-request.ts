import type { Endpoint } from '../model/endpoint.ts'
import { EdfSchedule } from './edf.ts'
import { createLevels, type LevelMembers, type LevelPolicy } from './levels.ts'
import { BY_CHANCE, type InFlight, type Picker, type Random } from './picker.ts'
import { pickUniform } from './random.ts'

/**
 * Envoy's least request (spec/kuma.md 11). Equal weights: `choiceCount` endpoints are drawn, with replacement, and the one with fewest requests
 * in flight is taken; the first drawn wins ties. Other weights: the earliest deadline of weight / (in flight + 1).
 */
export function createLeastRequest(
  endpoints: readonly Endpoint[],
  choiceCount: number,
  inFlight: InFlight,
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => {
    const first = members.weights[0] as number
    return members.weights.every((weight) => weight === first)
      ? new ChoiceLevel(members, choiceCount, inFlight, random)
      : new ScheduleLevel(members, inFlight, random)
  })
}

class ChoiceLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #choiceCount: number
  readonly #inFlight: InFlight
  readonly #random: Random

  constructor({ indices }: LevelMembers, choiceCount: number, inFlight: InFlight, random: Random) {
    this.#indices = indices
    this.#choiceCount = choiceCount
    this.#inFlight = inFlight
    this.#random = random
  }

  pick(): number {
    const indices = this.#indices
    let best = -1
    let fewest = Number.POSITIVE_INFINITY
    for (let choice = 0; choice < this.#choiceCount; choice++) {
      const index = indices[Math.floor(this.#random() * indices.length)] as number
      const active = this.#inFlight(index)
      if (active >= fewest) continue
      best = index
      fewest = active
    }
    return best
  }

  peek(): number {
    return this.#indices.length === 1 ? (this.#indices[0] as number) : BY_CHANCE
  }

  /** Of those left, by the same rule. */
  pickOther(tried: Uint8Array): number {
    let best = -1
    let fewest = Number.POSITIVE_INFINITY
    for (let choice = 0; choice < this.#choiceCount; choice++) {
      const index = pickUniform(this.#indices, tried, this.#random)
      if (index < 0) return -1
      const active = this.#inFlight(index)
      if (active >= fewest) continue
      best = index
      fewest = active
    }
    return best
  }
}

class ScheduleLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #schedule: EdfSchedule
  readonly #random: Random

  constructor({ indices, weights }: LevelMembers, inFlight: InFlight, random: Random) {
    this.#indices = indices
    this.#random = random
    const weightOf = (place: number): number =>
      (weights[place] as number) / (inFlight(indices[place] as number) + 1)
    this.#schedule = new EdfSchedule(indices.length, weightOf, Math.floor(random() * indices.length))
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
