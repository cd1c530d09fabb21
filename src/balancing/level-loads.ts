import type { Hash64 } from '../expression/hash64.ts'
import { BY_CHANCE, type Picker, type Random } from './picker.ts'

/** How levels share the traffic now, in percent; the loads add up to 100 where there is an endpoint at all. */
export interface LevelLoads {
  readonly loads: readonly number[]
  /** Levels in which all endpoints are used, healthy or not. */
  readonly panics: readonly boolean[]
}

/**
 * Envoy's load of priority levels (spec/kuma.md 11, "Priority levels"), in its integer arithmetic: a level takes as much as `factor` times its healthy
 * share, the next one the rest. A level without endpoints gets nothing.
 */
export function findLevelLoads(
  healthy: readonly number[],
  totals: readonly number[],
  factor: number,
  panicPercent: number,
): LevelLoads {
  const health = totals.map((total, level) =>
    total === 0 ? 0 : Math.min(100, Math.floor((factor * 100 * (healthy[level] as number)) / total)),
  )
  const normalized = Math.min(
    100,
    health.reduce((sum, share) => sum + share, 0),
  )
  const panics = totals.map(
    (total, level) =>
      normalized < 100 && total > 0 && (100 * (healthy[level] as number)) / total < panicPercent,
  )
  const isTotal = totals.every((total, level) => total === 0 || panics[level] === true)
  if (normalized === 0 || isTotal) return { loads: shareByCount(totals), panics: totals.map((n) => n > 0) }
  const loads: number[] = []
  let left = 100
  for (const share of health) {
    const load = Math.min(left, Math.floor((share * 100) / normalized))
    loads.push(load)
    left -= load
  }
  const first = health.findIndex((share) => share > 0)
  if (first >= 0) loads[first] = (loads[first] as number) + left
  return { loads, panics }
}

/** All levels are in panic: by the number of endpoints alone; what rounding leaves goes to the first. */
function shareByCount(totals: readonly number[]): number[] {
  const count = totals.reduce((sum, total) => sum + total, 0)
  if (count === 0) return totals.map(() => 0)
  const loads = totals.map((total) => Math.floor((total * 100) / count))
  const first = totals.findIndex((total) => total > 0)
  loads[first] = (loads[first] as number) + 100 - loads.reduce((sum, load) => sum + load, 0)
  return loads
}

/**
 * Levels that serve side by side, by their loads. The level is drawn at random, for balancers with a key by the key; another attempt begins in the
 * level that it draws and goes on to those behind it.
 */
export class SharedLevels implements Picker {
  readonly needsKey: boolean
  readonly observe?: (index: number, tookMs: number, nowMs: number) => void
  readonly #levels: readonly Picker[]
  /** Sums of the loads up to and with each level. */
  readonly #sums: readonly number[]
  readonly #random: Random

  constructor(levels: readonly Picker[], loads: readonly number[], random: Random) {
    this.#levels = levels
    let sum = 0
    this.#sums = loads.map((load) => (sum += load))
    this.#random = random
    this.needsKey = levels[0]?.needsKey ?? false
    const observe = levels[0]?.observe
    if (observe !== undefined) this.observe = observe
  }

  pick(tried: Uint8Array, key: Hash64 | null): number {
    const count = this.#levels.length
    const first = this.#draw(key)
    for (let step = 0; step < count; step++) {
      const level = (first + step) % count
      const index = (this.#levels[level] as Picker).pick(tried, key)
      if (index >= 0) return index
    }
    return -1
  }

  peek(key: Hash64 | null): number {
    if (this.#levels.length === 1) return (this.#levels[0] as Picker).peek(key)
    const sole = this.#sums.indexOf(100)
    const isSole = sole === 0 || (sole > 0 && this.#sums[sole - 1] === 0)
    if (isSole) return (this.#levels[sole] as Picker).peek(key)
    return this.needsKey && key !== null ? (this.#levels[this.#draw(key)] as Picker).peek(key) : BY_CHANCE
  }

  /** `h mod 100 + 1` against the sums. */
  #draw(key: Hash64 | null): number {
    const sums = this.#sums
    if (sums.length <= 1) return 0
    // 2^32 mod 100 = 96
    const hash =
      this.needsKey && key !== null ? ((key.high % 100) * 96 + (key.low % 100)) % 100 : this.#random() * 100
    const at = Math.floor(hash) + 1
    for (let level = 0; level < sums.length; level++) if (at <= (sums[level] as number)) return level
    return 0
  }
}
