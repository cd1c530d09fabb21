import { type CompiledPredicate, compilePredicate } from '../expression/compile.ts'
import { compileNetworks } from '../expression/network.ts'
import type { RequestView } from '../expression/request-view.ts'
import { fromByteString } from '../model/byte-string.ts'
import { routeIdentity } from '../model/counters.ts'
import type { Section } from '../model/listener.ts'
import type { Route } from '../model/route.ts'
import type { EntryOwner, IndexEntry } from './entry.ts'
import { compileRequestFilter } from './filters/request-filter.ts'
import { compileResponseFilter } from './filters/response-filter.ts'
import { chooseRule, compileRules, type RuleEntry } from './rules.ts'
import {
  type CompiledRequestFilter,
  type CompiledResponseFilter,
  type CompiledRoute,
  type CompiledRule,
  type CompileEnvironment,
  NEEDS_BODY,
  type Trace,
} from './table.ts'

/** The field of a request view that a search fills while it tests a route with named path pieces, and leaves filled when that route wins. */
export interface PathParamsField {
  pathParams: ReadonlyMap<string, string> | null
}

/** A compiled route. Immutable. */
export class RouteCandidate implements CompiledRoute {
  readonly model: Route
  readonly section: Section
  readonly slot: number
  readonly rules: readonly RuleEntry[]
  readonly requestFilters: readonly CompiledRequestFilter[]
  readonly responseFilters: readonly CompiledResponseFilter[]
  /** Those that stand in the index, in the order of their keys. */
  readonly entries: readonly IndexEntry<EntryOwner>[]
  readonly #methods: readonly string[] | null
  readonly #isClient: ((address: string) => boolean) | null
  readonly #predicate: CompiledPredicate | null
  readonly #isNamed: boolean

  constructor(
    model: Route,
    section: Section,
    env: CompileEnvironment,
    entries: readonly IndexEntry<EntryOwner>[],
  ) {
    this.model = model
    this.section = section
    this.slot = env.slot(routeIdentity(model.id))
    this.requestFilters = model.requestFilters.map((filter) => compileRequestFilter(filter, env))
    this.responseFilters = model.responseFilters.map(compileResponseFilter)
    // The answer comes too late to read the request's body for a filter: it is read before a rule is chosen.
    const isBodyUsed = this.responseFilters.some((filter) => filter.needsBody)
    this.rules = compileRules(model.rules, env, isBodyUsed)
    this.#methods = model.methods
    this.#isClient = model.clients === null ? null : compileNetworks(model.clients)
    this.#predicate = model.predicate === null ? null : compilePredicate(model.predicate)
    this.entries = entries
    this.#isNamed = this.entries.some((entry) => entry.matcher?.isNamed === true)
  }

  /**
   * Whether the request meets all conditions by this entry. NEEDS_BODY: all but the predicate, which reads a body that was not read yet. For a
   * predicate `view.pathParams` is filled at entries with named pieces, and emptied again if the route fails; without one it is left to `captures`.
   */
  test(entry: IndexEntry<EntryOwner>, view: RequestView, trace: Trace | null): boolean | typeof NEEDS_BODY {
    const methods = this.#methods
    if (methods !== null && !methods.includes(view.method)) {
      if (trace !== null) this.#traceFailure(trace, entry, 'method', methods.join(', '), view.method)
      return false
    }
    if (!entry.testPath(view.path)) {
      if (trace !== null) this.#traceFailure(trace, entry, 'path', entry.describePath(), view.path)
      return false
    }
    if (!entry.testHost(view.host)) {
      if (trace !== null) this.#traceFailure(trace, entry, 'host', entry.describeHost(), view.host)
      return false
    }
    if (this.#isClient !== null && !this.#isClient(view.clientAddress)) {
      const clients = this.model.clients?.join(', ') ?? ''
      if (trace !== null) this.#traceFailure(trace, entry, 'client', clients, view.clientAddress)
      return false
    }
    const predicate = this.#predicate
    if (predicate !== null) {
      const { matcher } = entry
      const isNamed = matcher?.isNamed === true
      if (isNamed) (view as PathParamsField).pathParams = matcher.captures(view.path)
      if (predicate.needsBody && view.body === undefined) return NEEDS_BODY
      if (!predicate.test(view, trace)) {
        if (isNamed) (view as PathParamsField).pathParams = null
        if (trace !== null) this.#traceFailure(trace, entry, 'predicate', 'true', 'false')
        return false
      }
    }
    if (trace !== null) trace.route(this.model, entry, 'passed')
    return true
  }

  /** Those that the search left in the view, else those of the first entry that fits path and host. */
  captures(view: RequestView): ReadonlyMap<string, string> | null {
    if (!this.#isNamed) return null
    if (view.pathParams !== null) return view.pathParams
    for (const entry of this.entries) {
      if (!entry.testHost(view.host)) continue
      const { matcher } = entry
      if (matcher?.isNamed === true) {
        const found = matcher.captures(view.path)
        if (found !== null) return found
      } else if (entry.testPath(view.path)) return null
    }
    return null
  }

  chooseRule(view: RequestView, trace: Trace | null): CompiledRule | null | typeof NEEDS_BODY {
    return chooseRule(this.rules, view, trace)
  }

  #traceFailure(
    trace: Trace,
    entry: IndexEntry,
    condition: 'host' | 'path' | 'method' | 'client' | 'predicate',
    expected: string,
    actual: string,
  ): void {
    trace.route(this.model, entry, {
      condition,
      expected,
      actual: fromByteString(actual),
    })
  }
}
