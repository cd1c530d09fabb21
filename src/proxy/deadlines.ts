import { readClock } from './clock.ts'

/** Something with a deadline: a connection on either side. A deadline is a number in the object; no timer belongs to a request. */
export interface Timed {
  /** Milliseconds of `performance.now()`; 0 = not armed. Set it through `Deadlines.set`. */
  deadlineMs: number
  /** Tick of the bucket that will look at the object next; 0 = in none. Owned by Deadlines. */
  wheelTick: number
  expire(nowMs: number): void
}

const TICK_MS = 100
/** Buckets ahead; a farther deadline is looked at every 51 s and put back. */
const SIZE = 512

/**
 * One wheel of 100 ms buckets per worker. Moving a deadline later costs two stores: the object stays in its bucket and is put back when
 * that bucket comes up. So a deadline is met at most 100 ms late and never early.
 */
export class Deadlines {
  readonly #buckets: Timed[][] = Array.from({ length: SIZE }, () => [])
  #tick = Math.ceil(performance.now() / TICK_MS)
  #timer: NodeJS.Timeout | null = null

  start(): void {
    if (this.#timer !== null) return
    this.#tick = Math.ceil(performance.now() / TICK_MS)
    this.#timer = setInterval(() => this.sweep(readClock()), TICK_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  set(timed: Timed, deadlineMs: number): void {
    timed.deadlineMs = deadlineMs
    this.#place(timed)
  }

  /** Visits the buckets up to now. Called by the timer; tests call it with a clock of their own. */
  sweep(nowMs: number): void {
    const last = Math.floor(nowMs / TICK_MS)
    // after a long stall of the loop every bucket is visited once, not once per missed tick
    if (last - this.#tick > SIZE) this.#tick = last - SIZE
    while (this.#tick <= last) {
      const tick = this.#tick
      const bucket = this.#buckets[tick % SIZE] as Timed[]
      this.#tick++
      if (bucket.length === 0) continue
      this.#buckets[tick % SIZE] = []
      for (const timed of bucket) {
        if (timed.wheelTick > tick || timed.wheelTick === 0) continue // moved to an earlier bucket since
        timed.wheelTick = 0
        if (timed.deadlineMs === 0) continue
        if (timed.deadlineMs <= nowMs) {
          timed.deadlineMs = 0
          timed.expire(nowMs)
        } else this.#place(timed)
      }
    }
  }

  #place(timed: Timed): void {
    let tick = Math.ceil(timed.deadlineMs / TICK_MS)
    if (tick < this.#tick) tick = this.#tick
    else if (tick >= this.#tick + SIZE) tick = this.#tick + SIZE - 1
    if (timed.wheelTick !== 0 && timed.wheelTick <= tick) return
    timed.wheelTick = tick
    this.#buckets[tick % SIZE]?.push(timed)
  }
}
