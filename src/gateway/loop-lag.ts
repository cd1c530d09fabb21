/** Time in which the largest lag is remembered: two halves, so that it is between half and all of it. */
const HALF_MS = 30_000

/** How late the timers of a thread are. `beat` is called by a timer of `periodMs`; all results are in seconds. */
export class LoopLag {
  readonly #periodMs: number
  #lastMs: number
  #halfEndMs: number
  #before = 0
  #current = 0
  last = 0

  constructor(periodMs: number, nowMs: number) {
    this.#periodMs = periodMs
    this.#lastMs = nowMs
    this.#halfEndMs = nowMs + HALF_MS
  }

  beat(nowMs: number): void {
    this.last = Math.max(0, nowMs - this.#lastMs - this.#periodMs) / 1000
    this.#lastMs = nowMs
    if (nowMs >= this.#halfEndMs) {
      this.#before = nowMs - this.#halfEndMs > HALF_MS ? 0 : this.#current
      this.#current = 0
      this.#halfEndMs = nowMs + HALF_MS
    }
    this.#current = Math.max(this.#current, this.last)
  }

  get max(): number {
    return Math.max(this.#before, this.#current)
  }
}
