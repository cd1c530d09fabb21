import type { Section } from '../model/listener.ts'
import type { Route } from '../model/route.ts'
import { compareEntries, type IndexEntry } from './entry.ts'
import type { EntryList } from './entry-list.ts'
import { HostIndex } from './host-index.ts'
import type { IndexedRoute, RouteHead, RouteSource } from './indexed-route.ts'

type Entry = IndexEntry<IndexedRoute>
export type SectionIndex = HostIndex<Entry>

/** Edits of up to so many routes change the index in place; larger ones build a new one beside it. */
export const IN_PLACE_LIMIT = 500

/** Entries sorted, merged or copied between two questions whether to yield: some 0.3 ms. */
const RUN = 512

/**
 * Changes of one revision, in any number of rounds of changes and work. Nothing is seen by a search before `commit`; an edit that is not
 * committed is simply dropped.
 */
export interface TableEdit {
  /**
   * Of several changes to one id the last one counts. Throws what compiling the route throws (a section that the table does not have, a
   * pattern that was never validated): the edit is then as if it had not been called.
   */
  upsert(route: Route): void
  /** The same for one of many: it is indexed now, and compiled when a search first comes to it. Throws what reading and indexing it throws. */
  upsertLater(source: RouteSource): void
  /** An id that is not there is no error. */
  remove(id: string): void
  /** Indexes what was changed so far, if the edit is a large one, until told to yield (asked after each small step). True: nothing is left. */
  work(shouldYield: () => boolean): boolean
  /** Switches everything on, after doing what work is left. Throws if another edit was committed since this one began. */
  commit(revision: number): void
}

/** Compiled routes and their index, a host index per section. */
export class TableContent {
  readonly routes = new Map<string, IndexedRoute>()
  readonly indexes = new Map<string, SectionIndex>()

  constructor(sections: readonly Section[]) {
    for (const { name } of sections) this.indexes.set(name, new HostIndex())
  }

  put(route: IndexedRoute): void {
    this.remove(route.id)
    this.routes.set(route.id, route)
    for (const entry of route.entries) this.insert(entry, false)
  }

  remove(id: string): void {
    const route = this.routes.get(id)
    if (route === undefined) return
    this.routes.delete(id)
    const index = this.indexOf(route.section.name)
    for (const entry of route.entries) index.remove(entry)
  }

  insert(entry: Entry, isBulk: boolean): EntryList<Entry> {
    return this.indexOf(entry.route.section.name).insert(entry, isBulk)
  }

  /** Throws for a name that is none of the table's. */
  indexOf(section: string): SectionIndex {
    const index = this.indexes.get(section)
    if (index === undefined) throw new Error(`the routing table has no section "${section}"`)
    return index
  }
}

export interface EditOptions {
  readonly base: TableContent
  readonly sections: readonly Section[]
  index(source: RouteSource, head: RouteHead): IndexedRoute
  /** Makes the content the one that serves. */
  publish(content: TableContent, revision: number): void
  /** Throws if the edit came too late. */
  check(): void
}

export class PendingEdit implements TableEdit {
  readonly #options: EditOptions
  /** Changes so far. */
  #changes = 0
  /** By id, null: removed: those that the content at hand does not have yet. */
  #pending = new Map<string, IndexedRoute | null>()
  #steps: Generator<void, void> | null = null
  /** The content built beside the one that serves; null: this edit is made in place. */
  #fresh: TableContent | null = null

  constructor(options: EditOptions) {
    this.#options = options
  }

  upsert(route: Route): void {
    const indexed = this.#options.index({ id: route.id, read: () => route, readHead: () => route }, route)
    indexed.compileNow(route)
    this.#change(route.id, indexed)
  }

  upsertLater(source: RouteSource): void {
    this.#change(source.id, this.#options.index(source, source.readHead()))
  }

  remove(id: string): void {
    this.#change(id, null)
  }

  work(shouldYield: () => boolean): boolean {
    for (;;) {
      if (this.#steps === null) {
        if (this.#changes <= IN_PLACE_LIMIT || this.#pending.size === 0) return true
        const batch = this.#pending
        this.#pending = new Map()
        this.#steps = this.#index(batch)
      }
      if (this.#steps.next().done === true) this.#steps = null
      if (shouldYield()) return this.#steps === null && this.#pending.size === 0
    }
  }

  commit(revision: number): void {
    this.#options.check()
    this.work(() => false)
    const content = this.#fresh ?? this.#options.base
    for (const [id, route] of this.#pending) {
      if (route === null) content.remove(id)
      else content.put(route)
    }
    this.#options.publish(content, revision)
  }

  #change(id: string, route: IndexedRoute | null): void {
    this.#changes++
    this.#pending.set(id, route)
  }

  /** Brings a batch into the new content; the first one with all routes that stay. Sorted beforehand, so that inserts are mostly appends. */
  *#index(batch: ReadonlyMap<string, IndexedRoute | null>): Generator<void, void> {
    const arriving: IndexedRoute[] = []
    let content = this.#fresh
    if (content === null) {
      content = new TableContent(this.#options.sections)
      this.#fresh = content
      for (const [id, route] of this.#options.base.routes) {
        if (!batch.has(id)) arriving.push(route)
      }
      yield
    }
    const isEmpty = content.routes.size === 0
    for (const [id, route] of batch) {
      if (!isEmpty) content.remove(id)
      if (route !== null) arriving.push(route)
      yield
    }
    const entries: Entry[] = []
    for (const route of arriving) {
      content.routes.set(route.id, route)
      for (const entry of route.entries) entries.push(entry)
      yield
    }
    const lists = new Set<EntryList<Entry>>()
    for (const entry of yield* sortInSteps(entries)) {
      lists.add(content.insert(entry, true))
      yield
    }
    for (const list of lists) yield* list.settleInSteps()
  }
}

/** Merge sort that gives way after each run. */
function* sortInSteps(entries: readonly Entry[]): Generator<void, Entry[]> {
  let runs: Entry[][] = []
  for (let start = 0; start < entries.length; start += RUN) {
    runs.push(entries.slice(start, start + RUN).sort(compareEntries))
    yield
  }
  while (runs.length > 1) {
    const merged: Entry[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      const [one, two] = [runs[i] as Entry[], runs[i + 1]]
      merged.push(two === undefined ? one : yield* mergeInSteps(one, two))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergeInSteps(one: readonly Entry[], two: readonly Entry[]): Generator<void, Entry[]> {
  const merged: Entry[] = []
  let i = 0
  let j = 0
  while (i < one.length || j < two.length) {
    const a = one[i]
    const b = two[j]
    if (b === undefined || (a !== undefined && compareEntries(a, b) <= 0)) {
      merged.push(a as Entry)
      i++
    } else {
      merged.push(b)
      j++
    }
    if (merged.length % RUN === 0) yield
  }
  return merged
}
