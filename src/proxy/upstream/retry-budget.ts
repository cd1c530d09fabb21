/**
 * Bounds the load that retries add (promise F3): of attempts after bytes went out, at most `ratio` of the requests of the last 10 s plus
 * `perSecond` each second. Ten buckets of a second; time is an argument. One per upstream and worker, so the bound holds in the sum.
 */
export class RetryBudget {
  // plain arrays: as typed ones they would take six times the memory, and there are as many as upstreams in use
  readonly #requests = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  readonly #retries = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  #second = 0
  readonly #ratio: number
  readonly #perSecond: number

  constructor(ratio: number, perSecond: number) {
    this.#ratio = ratio
    this.#perSecond = perSecond
  }

  countRequest(nowMs: number): void {
    this.#turn(nowMs)
    const i = this.#second % 10
    this.#requests[i] = (this.#requests[i] as number) + 1
  }

  /** Takes one retry from the budget; false if it is spent. */
  take(nowMs: number): boolean {
    this.#turn(nowMs)
    let requests = 0
    let retries = 0
    for (let i = 0; i < 10; i++) {
      requests += this.#requests[i] as number
      retries += this.#retries[i] as number
    }
    if (retries + 1 > requests * this.#ratio + this.#perSecond * 10) return false
    const i = this.#second % 10
    this.#retries[i] = (this.#retries[i] as number) + 1
    return true
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    // one that came before and is counted only now, for its body had to be read first, counts now
    if (second <= this.#second) return
    const first = Math.max(this.#second + 1, second - 9)
    for (let s = first; s <= second; s++) {
      this.#requests[s % 10] = 0
      this.#retries[s % 10] = 0
    }
    this.#second = second
  }
}
