/** The first restart comes at once, the next ones ever later, at most so late. */
const LONGEST_MS = 5_000
const WINDOW_MS = 60_000

/** How fast workers may be started anew: a worker that dies at once must not eat the machine. */
export class RestartPace {
  readonly #times: number[] = []

  /** Milliseconds to wait before the next restart, and how many there were in the last minute. */
  next(nowMs: number): { readonly delayMs: number; readonly recent: number } {
    while (this.#times.length > 0 && nowMs - (this.#times[0] ?? 0) > WINDOW_MS) this.#times.shift()
    const recent = this.#times.length
    this.#times.push(nowMs)
    return { delayMs: recent === 0 ? 0 : Math.min(LONGEST_MS, 50 * 2 ** recent), recent: recent + 1 }
  }
}
