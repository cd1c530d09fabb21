/** Which runs of lines are taken, as data. */
export interface LinePoolState {
  readonly next: number
  readonly free: readonly (readonly [lines: number, slots: readonly number[]])[]
}

/**
 * Hands out runs of lines from a fixed segment. Freed runs wait in quarantine until every worker has let go of the revision that used
 * them, then serve again, same size for same size.
 */
export class LinePool {
  readonly capacity: number
  #next: number
  readonly #free = new Map<number, number[]>()
  readonly #quarantine: { slot: number; lines: number; revision: number }[] = []

  constructor(first: number, capacity: number) {
    this.#next = first
    this.capacity = capacity
  }

  /** The first line of a run, or -1 when none is left. */
  take(lines: number): number {
    const reused = this.#free.get(lines)?.pop()
    if (reused !== undefined) return reused
    if (this.#next + lines > this.capacity) return -1
    const slot = this.#next
    this.#next += lines
    return slot
  }

  /** Puts back what nobody has seen yet (a patch that was refused). */
  giveBack(slot: number, lines: number): void {
    const list = this.#free.get(lines)
    if (list === undefined) this.#free.set(lines, [slot])
    else list.push(slot)
  }

  /** From `revision` on no object uses the run; requests that began earlier may. */
  retire(slot: number, lines: number, revision: number): void {
    this.#quarantine.push({ slot, lines, revision })
  }

  /** Makes runs usable again that were retired at or before `revision`; `clean` is called for each. */
  release(revision: number, clean: (slot: number, lines: number) => void): void {
    let kept = 0
    for (const run of this.#quarantine) {
      if (run.revision > revision) this.#quarantine[kept++] = run
      else {
        clean(run.slot, run.lines)
        this.giveBack(run.slot, run.lines)
      }
    }
    this.#quarantine.length = kept
  }

  /** The runs that nobody uses, for another process: what waits in quarantine is as good as free there. */
  export(): LinePoolState {
    const free = new Map<number, number[]>([...this.#free].map(([lines, slots]) => [lines, [...slots]]))
    for (const { slot, lines } of this.#quarantine) {
      const list = free.get(lines)
      if (list === undefined) free.set(lines, [slot])
      else list.push(slot)
    }
    return { next: this.#next, free: [...free] }
  }

  /** Into a pool that nothing was taken from. */
  import({ next, free }: LinePoolState): void {
    if (next > this.capacity) throw new Error('more lines than there are')
    this.#next = next
    for (const [lines, slots] of free) this.#free.set(lines, [...slots])
  }

  get waiting(): number {
    return this.#quarantine.length
  }
}
