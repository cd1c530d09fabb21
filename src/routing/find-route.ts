import type { RequestView } from '../expression/request-view.ts'
import type { PathParamsField } from './compile.ts'
import { compareEntries, type IndexEntry } from './entry.ts'
import type { ListSink } from './entry-list.ts'
import type { HostIndex } from './host-index.ts'
import type { IndexedRoute } from './indexed-route.ts'
import { type CompiledRoute, NEEDS_BODY, type Trace } from './table.ts'

type Entry = IndexEntry<IndexedRoute>

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
    if (trace === null) index.collect(view, false, this)
    else this.#collectTraced(index, view, trace)
    // What an earlier search left (it stopped for the body) must not be seen by other routes.
    if (view.pathParams !== null) (view as PathParamsField).pathParams = null
    for (;;) {
      const entry = this.#count === 1 ? this.#nextOfOne() : this.#nextOfAll()
      if (entry === null) return null
      const indexed = entry.route
      const route = indexed.compiled === null ? indexed.compile() : indexed.compiled
      if (route === null) continue
      const outcome = route.test(entry, view, trace)
      if (outcome === true) return route
      if (outcome === NEEDS_BODY) return NEEDS_BODY
    }
  }

  /** The entries of a section that the request comes to, in order, also those behind the one that takes it. `visit` returns false to end. */
  walk(
    index: HostIndex<Entry>,
    view: RequestView,
    visit: (route: CompiledRoute, fits: boolean) => boolean,
  ): boolean {
    this.#count = 0
    index.collect(view, false, this)
    for (;;) {
      const entry = this.#nextOfAll()
      if (entry === null) return true
      const route = entry.route.compile()
      if (route === null) continue
      const fits = route.test(entry, view, null) === true
      ;(view as PathParamsField).pathParams = null
      if (!visit(route, fits)) return false
    }
  }

  /** Whole lists, so that a trace sees what the sub-indexes leave out, unless that is too much. */
  #collectTraced(index: HostIndex<Entry>, view: RequestView, trace: Trace): void {
    index.collect(view, true, this)
    const whole = this.#total()
    if (whole <= trace.maxEntries) return
    this.#count = 0
    index.collect(view, false, this)
    trace.passedOver(whole - this.#total())
  }

  #total(): number {
    let total = 0
    for (let i = 0; i < this.#count; i++) total += (this.#lists[i] as readonly Entry[]).length
    return total
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
