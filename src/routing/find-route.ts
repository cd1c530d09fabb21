import type { RequestView } from '../expression/request-view.ts'
import type { PathParamsField, RouteCandidate } from './compile.ts'
import { compareEntries, type IndexEntry } from './entry.ts'
import type { ListSink } from './entry-list.ts'
import type { HostIndex } from './host-index.ts'
import { type CompiledRoute, NEEDS_BODY, type Trace } from './table.ts'

type Entry = IndexEntry<RouteCandidate>

/**
 * A search collects the sorted lists that may hold the answer, merges their heads and tests each: the first that passes wins. One instance serves
 * one search at a time; searches are synchronous, so a worker needs but one.
 */
export class RouteSearch implements ListSink<Entry> {
  readonly #lists: (readonly Entry[])[] = []
  readonly #heads: number[] = []
  #count = 0

  add(list: readonly Entry[]): void {
    this.#lists[this.#count] = list
    this.#heads[this.#count] = 0
    this.#count++
  }

  /** Searches one section. Results as Table.find. */
  find(
    index: HostIndex<Entry>,
    view: RequestView,
    trace: Trace | null,
  ): CompiledRoute | null | typeof NEEDS_BODY {
    this.#count = 0
    index.collect(view, trace !== null, this)
    // What an earlier search left (it stopped for the body) must not be seen by other routes.
    if (view.pathParams !== null) (view as PathParamsField).pathParams = null
    for (;;) {
      const entry = this.#count === 1 ? this.#nextOfOne() : this.#nextOfAll()
      if (entry === null) return null
      const outcome = entry.route.test(entry, view, trace)
      if (outcome === true) return entry.route
      if (outcome === NEEDS_BODY) return NEEDS_BODY
    }
  }

  #nextOfOne(): Entry | null {
    const at = this.#heads[0] as number
    this.#heads[0] = at + 1
    return this.#lists[0]?.[at] ?? null
  }

  #nextOfAll(): Entry | null {
    let best: Entry | null = null
    let from = -1
    for (let i = 0; i < this.#count; i++) {
      const head = (this.#lists[i] as readonly Entry[])[this.#heads[i] as number]
      if (head === undefined) continue
      if (best === null || compareEntries(head, best) < 0) {
        best = head
        from = i
      }
    }
    if (from >= 0) this.#heads[from] = (this.#heads[from] as number) + 1
    return best
  }
}
