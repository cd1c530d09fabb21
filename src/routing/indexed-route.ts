import { type EqualityKey, equalityKeys } from '../expression/compile.ts'
import type { Section } from '../model/listener.ts'
import type { ObjectSource } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import { RouteCandidate } from './compile.ts'
import { compareEntries, type EntryOwner, IndexEntry } from './entry.ts'
import type { CompileEnvironment } from './table.ts'

/** What the index needs of a route. */
export type RouteHead = Pick<Route, 'section' | 'entries' | 'predicate'>

/** A route as it comes from outside, not read yet. */
export interface RouteSource extends ObjectSource<Route> {
  /** What `read` gives of these fields; cheaper, where most routes are never read whole. */
  readHead(): RouteHead
}

/**
 * A route as the index knows it: what is needed to propose it. The rest is compiled when a search first comes to it, for most of many
 * routes are never asked for, and compiled they cost ten times as much memory as indexed.
 */
export class IndexedRoute implements EntryOwner {
  readonly id: string
  readonly section: Section
  readonly equalityKeys: readonly EqualityKey[]
  /** In the order of their keys. */
  readonly entries: readonly IndexEntry<IndexedRoute>[]
  /** Ready to run; null before `compile`. */
  compiled: RouteCandidate | null = null
  /** null once it was compiled, or could not be. */
  #source: RouteSource | null
  readonly #env: CompileEnvironment

  /** `head` is what `source` reads; it is not kept. */
  constructor(source: RouteSource, head: RouteHead, section: Section, env: CompileEnvironment) {
    this.id = source.id
    this.section = section
    this.#source = source
    this.#env = env
    // A path parameter is known only once an entry is at hand: too late to look entries up by it.
    const keys =
      head.predicate === null
        ? NO_KEYS
        : equalityKeys(head.predicate).filter(({ variable }) => !variable.startsWith('uri_param_'))
    this.equalityKeys = keys.length === 0 ? NO_KEYS : keys
    const entries = head.entries.map((entry, index) => new IndexEntry<IndexedRoute>(this, index, entry))
    this.entries = entries.length > 1 ? entries.sort(compareEntries) : entries
  }

  /** The compiled form, the same one each time. null: it cannot be compiled, which the environment was told; such a route takes no request. */
  compile(): RouteCandidate | null {
    const source = this.#source
    if (source === null) return this.compiled
    this.#source = null
    try {
      this.compiled = new RouteCandidate(source.read(), this.section, this.#env, this.entries)
    } catch (error) {
      this.#env.onBroken?.(this.id, error)
    }
    return this.compiled
  }

  /** As `compile`, for a route at hand. Throws what compiling throws. */
  compileNow(model: Route): void {
    this.compiled = new RouteCandidate(model, this.section, this.#env, this.entries)
    this.#source = null
  }
}

const NO_KEYS: readonly EqualityKey[] = []
