/**
 * Envoy's earliest-deadline-first schedule (spec/kuma.md 11): every place has a deadline; the earliest is picked and put back one weight later.
 * Equal deadlines: whoever was put in earlier. A binary heap, so that a pick is logarithmic, and it allocates nothing.
 */
export class EdfSchedule {
  readonly #weightOf: (place: number) => number
  readonly #heap: Int32Array
  readonly #deadlines: Float64Array
  /** When a place was put in, as a count. */
  readonly #entered: Float64Array
  #entries = 0

  /** `weightOf` > 0; read when the place is put in, so it may change with its load. `skip`: picks made beforehand, so that many gateways do not begin alike. */
  constructor(count: number, weightOf: (place: number) => number, skip = 0) {
    this.#weightOf = weightOf
    this.#heap = Int32Array.from({ length: count }, (_, place) => place)
    this.#deadlines = new Float64Array(count)
    this.#entered = new Float64Array(count)
    for (let place = 0; place < count; place++) {
      // a nudge that keeps deadlines that should be equal from drifting apart by rounding
      this.#deadlines[place] = 1 / (weightOf(place) + NUDGE)
      this.#entered[place] = this.#entries++
    }
    for (let at = (count >>> 1) - 1; at >= 0; at--) this.#sink(at)
    for (let i = 0; i < skip; i++) this.pick()
  }

  /** A place; -1 when there are none. */
  pick(): number {
    if (this.#heap.length === 0) return -1
    const place = this.#heap[0] as number
    const deadline = this.#deadlines[place] as number
    if (deadline > REBASE) {
      this.#rebase(deadline)
      return this.#putBack(place, 0)
    }
    return this.#putBack(place, deadline)
  }

  /** The place that `pick` would give; -1 when there are none. */
  peek(): number {
    return this.#heap.length === 0 ? -1 : (this.#heap[0] as number)
  }

  #putBack(place: number, deadline: number): number {
    this.#deadlines[place] = deadline + 1 / (this.#weightOf(place) + NUDGE)
    this.#entered[place] = this.#entries++
    this.#sink(0)
    return place
  }

  /** Only differences count: small numbers keep them exact. */
  #rebase(by: number): void {
    for (let place = 0; place < this.#deadlines.length; place++)
      this.#deadlines[place] = (this.#deadlines[place] as number) - by
  }

  #sink(at: number): void {
    const heap = this.#heap
    const moving = heap[at] as number
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1] as number, heap[child] as number)) child++
      if (!this.#isBefore(heap[child] as number, moving)) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = moving
  }

  #isBefore(one: number, other: number): boolean {
    const difference = (this.#deadlines[one] as number) - (this.#deadlines[other] as number)
    if (Math.abs(difference) > TIE) return difference < 0
    return (this.#entered[one] as number) < (this.#entered[other] as number)
  }
}

const NUDGE = 1e-13
/** Deadlines closer than this are one. */
const TIE = 1e-9
const REBASE = 2 ** 16
