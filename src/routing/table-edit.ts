import type { Section } from '../model/listener.ts'
import type { Route } from '../model/route.ts'
import type { IndexEntry } from './entry.ts'
import type { EntryList } from './entry-list.ts'
import { HostIndex } from './host-index.ts'
import type { IndexedRoute, RouteHead, RouteSource } from './indexed-route.ts'

type Entry = IndexEntry<IndexedRoute>
export type SectionIndex = HostIndex<Entry>

/** Edits of up to so many routes change the index in place; larger ones build a new one beside it. */
export const IN_PLACE_LIMIT = 500

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
    for (const entry of route.entries) this.indexOf(entry.route.section.name).insert(entry)
  }

  remove(id: string): void {
    const route = this.routes.get(id)
    if (route === undefined) return
    this.routes.delete(id)
    const index = this.indexOf(route.section.name)
    for (const entry of route.entries) index.remove(entry)
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
  /** Lists of it that are not in order yet. */
  #unsettled = new Set<EntryList<Entry>>()

  constructor(options: EditOptions) {
    this.#options = options
  }

  upsert(route: Route): void {
    const indexed = this.#options.index({ id: route.id, read: () => route, readHead: () => route }, route)
    indexed.compileNow(route)
    this.#change(route.id, indexed)
  }

  upsertLater(source: RouteSource): void {
    const route = this.#options.index(source, source.readHead())
    if (this.#mayAppend(source.id)) this.#append(this.#makeFresh(), route)
    else this.#change(source.id, route)
  }

  /** The first routes of all need not be gathered first: there is nothing that they could stand in the way of. */
  #mayAppend(id: string): boolean {
    if (this.#options.base.routes.size > 0 || this.#steps !== null) return false
    return !this.#pending.has(id) && this.#fresh?.routes.has(id) !== true
  }

  remove(id: string): void {
    this.#change(id, null)
  }

  work(shouldYield: () => boolean): boolean {
    for (;;) {
      this.#steps ??= this.#nextSteps()
      if (this.#steps === null) return true
      if (this.#steps.next().done === true) this.#steps = null
      if (shouldYield()) return this.#steps === null && this.#nextSteps() === null
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

  /** What is to be done next; null: nothing. */
  #nextSteps(): Generator<void, void> | null {
    if (this.#unsettled.size > 0) return this.#settle()
    if (this.#changes <= IN_PLACE_LIMIT || this.#pending.size === 0) return null
    const batch = this.#pending
    this.#pending = new Map()
    return this.#index(batch)
  }

  /** Brings a batch into the new content; the first one with all routes that stay. */
  *#index(batch: ReadonlyMap<string, IndexedRoute | null>): Generator<void, void> {
    const isFirst = this.#fresh === null
    const content = this.#makeFresh()
    if (isFirst) {
      for (const [id, route] of this.#options.base.routes) {
        if (batch.has(id)) continue
        this.#append(content, route)
        yield
      }
    } else
      for (const id of batch.keys()) {
        content.remove(id)
        yield
      }
    for (const route of batch.values()) {
      if (route !== null) this.#append(content, route)
      yield
    }
    yield* this.#settle()
  }

  #makeFresh(): TableContent {
    this.#fresh ??= new TableContent(this.#options.sections)
    return this.#fresh
  }

  #append(content: TableContent, route: IndexedRoute): void {
    content.routes.set(route.id, route)
    const index = content.indexOf(route.section.name)
    for (const entry of route.entries) {
      const list = index.append(entry)
      if (list.entries.length > 1) this.#unsettled.add(list)
    }
  }

  *#settle(): Generator<void, void> {
    for (const list of this.#unsettled) {
      this.#unsettled.delete(list)
      yield* list.settleInSteps()
    }
  }
}
