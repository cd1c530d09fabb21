import { readClock } from './clock.ts'

/** Something with a deadline: a connection on either side. A deadline is a number in the object; no timer belongs to a request. */
export interface Timed {
  /** Milliseconds of `performance.now()`; 0 = not armed. Set it through `Deadlines.set`. */
  deadlineMs: number
  /** Tick of the bucket that will look at the object next; 0 = in none. Owned by Deadlines. */
  wheelTick: number
  /** Its place in that bucket. Owned by Deadlines. */
  wheelAt: number
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

  /**
   * For something that is over: it has no deadline any more and is not held on to until its bucket comes up, which for a connection of
   * one short request would be seconds, and for thousands of those a second hundreds of megabytes.
   */
  forget(timed: Timed): void {
    timed.deadlineMs = 0
    this.#lift(timed)
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
      for (let i = 0; i < bucket.length; i++) {
        const timed = bucket[i] as Timed
        // lifted out, or set anew, by what expired before it in this sweep
        if (timed.wheelTick === 0 || timed.wheelTick > tick) continue
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
    if (timed.wheelTick !== 0) {
      if (timed.wheelTick <= tick) return
      this.#lift(timed)
    }
    const bucket = this.#buckets[tick % SIZE] as Timed[]
    timed.wheelTick = tick
    timed.wheelAt = bucket.length
    bucket.push(timed)
  }

  /** Takes it out of its bucket; the last one there takes its place. */
  #lift(timed: Timed): void {
    if (timed.wheelTick === 0) return
    const bucket = this.#buckets[timed.wheelTick % SIZE] as Timed[]
    timed.wheelTick = 0
    // a bucket that is being swept is not in the wheel any more
    if (bucket[timed.wheelAt] !== timed) return
    const last = bucket.pop() as Timed
    if (last === timed) return
    bucket[timed.wheelAt] = last
    last.wheelAt = timed.wheelAt
  }
}
