import { getHeapStatistics } from 'node:v8'
import type { Limits } from '../model/settings.ts'

export type OverloadLevel = 0 | 1 | 2

/** What a worker knows of its own state. */
export interface LoadFacts {
  /** Heap and what its objects hold outside of it, against what it may have: 0-1 and more. */
  readonly memoryShare: number
  /** How late its last timer was. */
  readonly delayMs: number
}

/** A level is left only when the fact is so much better than what began it, so that it does not flutter. */
const EASE = 0.9
/** The loop must be late so many times in a row: one long collection is no overload. */
const LATE_BEATS = 5

/**
 * Whether a worker is short of memory or time (spec/reliability.md section 4, last row). Level 1: answers end their connections, so that clients go elsewhere; level
 * 2: new requests get 503 OVERLOADED. The Admin API lives on another thread and is not concerned.
 */
export class OverloadMeter {
  readonly #limits: Pick<Limits, 'overloadHeapPercent' | 'overloadRefusePercent' | 'overloadDelayMs'>
  #level: OverloadLevel = 0
  #late = 0
  reason = ''

  constructor(limits: Pick<Limits, 'overloadHeapPercent' | 'overloadRefusePercent' | 'overloadDelayMs'>) {
    this.#limits = limits
  }

  /** The level now; asked with every heartbeat. */
  judge({ memoryShare, delayMs }: LoadFacts): OverloadLevel {
    const { overloadHeapPercent, overloadRefusePercent, overloadDelayMs } = this.#limits
    const isOver = (value: number, limit: number, from: OverloadLevel): boolean =>
      limit > 0 && value >= limit * (this.#level >= from ? EASE : 1)
    const percent = memoryShare * 100
    this.#late = isOver(delayMs, overloadDelayMs, 2) ? this.#late + 1 : 0
    const isLate = this.#late >= (this.#level === 2 ? 1 : LATE_BEATS)
    if (isOver(percent, overloadRefusePercent, 2)) this.reason = `memory at ${percent.toFixed(0)} %`
    else if (isLate) this.reason = `timers are ${delayMs.toFixed(0)} ms late`
    else if (isOver(percent, overloadHeapPercent, 1)) {
      this.reason = `memory at ${percent.toFixed(0)} %`
      this.#level = 1
      return 1
    } else {
      this.#level = 0
      return 0
    }
    this.#level = 2
    return 2
  }
}

/** Of this thread's heap; some microseconds. */
export function readMemoryShare(): number {
  const { used_heap_size: used, external_memory: external, heap_size_limit: limit } = getHeapStatistics()
  return (used + external) / limit
}
