import type { Endpoint } from '../model/endpoint.ts'
import { createLevels, type LevelMembers, type LevelPolicy } from './levels.ts'
import { BY_CHANCE, type Picker, type Random } from './picker.ts'
import { pickUniform } from './random.ts'

const DECAY_MS = 10_000

/** Latencies of the endpoints of one upstream, kept over its changes by whoever makes its pickers: decayed means, and when they were last told. */
export class Latencies {
  readonly #means: Float64Array
  readonly #toldMs: Float64Array

  constructor(count: number) {
    this.#means = new Float64Array(count)
    this.#toldMs = new Float64Array(count)
  }

  /** The mean as it has decayed; 0 where nothing is known. */
  of(index: number, nowMs: number): number {
    return (this.#means[index] as number) * this.#fade(index, nowMs)
  }

  observe(index: number, tookMs: number, nowMs: number): void {
    const fade = this.#fade(index, nowMs)
    this.#means[index] = (this.#means[index] as number) * fade + tookMs * (1 - fade)
    this.#toldMs[index] = nowMs
  }

  /** Takes over what another list knows of an endpoint. */
  adopt(index: number, other: Latencies, place: number): void {
    this.#means[index] = other.#means[place] as number
    this.#toldMs[index] = other.#toldMs[place] as number
  }

  #fade(index: number, nowMs: number): number {
    const ageMs = Math.max(0, nowMs - (this.#toldMs[index] as number))
    return Math.exp(-ageMs / DECAY_MS)
  }
}

/**
 * Peak-less EWMA as APISIX has it (apisix.md 5.3): of two endpoints drawn at random the one with the lower decayed latency (connecting and
 * answering, 10 s, unknown = 0). Weights are ignored, but for 0.
 */
export function createEwma(
  endpoints: readonly Endpoint[],
  latencies: Latencies,
  random: Random,
  now: () => number,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new EwmaLevel(members, latencies, random, now), {
    observe: (index, tookMs, nowMs) => latencies.observe(index, tookMs, nowMs),
  })
}

class EwmaLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #latencies: Latencies
  readonly #random: Random
  readonly #now: () => number

  constructor({ indices }: LevelMembers, latencies: Latencies, random: Random, now: () => number) {
    this.#indices = indices
    this.#latencies = latencies
    this.#random = random
    this.#now = now
  }

  pick(): number {
    const indices = this.#indices
    const count = indices.length
    if (count === 1) return indices[0] as number
    const one = Math.floor(this.#random() * count)
    let other = Math.floor(this.#random() * (count - 1))
    if (other >= one) other++
    return this.#better(indices[one] as number, indices[other] as number)
  }

  peek(): number {
    return this.#indices.length === 1 ? (this.#indices[0] as number) : BY_CHANCE
  }

  pickOther(tried: Uint8Array): number {
    const one = pickUniform(this.#indices, tried, this.#random)
    if (one < 0) return -1
    return this.#better(one, pickUniform(this.#indices, tried, this.#random))
  }

  #better(one: number, other: number): number {
    const now = this.#now()
    return this.#latencies.of(other, now) < this.#latencies.of(one, now) ? other : one
  }
}
