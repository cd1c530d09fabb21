import {
  type CompiledPredicate,
  compilePredicate,
  type EqualityKey,
  equalityKeys,
} from '../expression/compile.ts'
import { compileNetworks } from '../expression/network.ts'
import type { RequestView } from '../expression/request-view.ts'
import { fromByteString } from '../model/byte-string.ts'
import { routeIdentity } from '../model/counters.ts'
import type { Section } from '../model/listener.ts'
import type { Route } from '../model/route.ts'
import { compareEntries, type EntryOwner, IndexEntry } from './entry.ts'
import { compileRequestFilter } from './filters/request-filter.ts'
import { compileResponseFilter } from './filters/response-filter.ts'
import { chooseRule, RuleEntry } from './rules.ts'
import {
  type CompiledRequestFilter,
  type CompiledResponseFilter,
  type CompiledRule,
  type CompileEnvironment,
  NEEDS_BODY,
  type Trace,
} from './table.ts'

/** The field of a request view that a search fills while it tests a route with named path pieces, and leaves filled when that route wins. */
export interface PathParamsField {
  pathParams: ReadonlyMap<string, string> | null
}

/** A compiled route with its entries in the index. Immutable. */
export class RouteCandidate implements EntryOwner {
  readonly model: Route
  readonly section: Section
  readonly slot: number
  readonly rules: readonly RuleEntry[]
  readonly requestFilters: readonly CompiledRequestFilter[]
  readonly responseFilters: readonly CompiledResponseFilter[]
  readonly equalityKeys: readonly EqualityKey[]
  /** In the order of their keys. */
  readonly entries: readonly IndexEntry<RouteCandidate>[]
  readonly #methods: readonly string[] | null
  readonly #isClient: ((address: string) => boolean) | null
  readonly #predicate: CompiledPredicate | null
  readonly #isNamed: boolean

  constructor(model: Route, section: Section, env: CompileEnvironment) {
    this.model = model
    this.section = section
    this.slot = env.slot(routeIdentity(model.id))
    this.requestFilters = model.requestFilters.map(compileRequestFilter)
    this.responseFilters = model.responseFilters.map(compileResponseFilter)
    // The answer comes too late to read the request's body for a filter: it is read before a rule is chosen.
    const isBodyUsed = this.responseFilters.some((filter) => filter.needsBody)
    this.rules = model.rules.map((rule, index) => new RuleEntry(rule, index, env, isBodyUsed))
    // A path parameter is known only once an entry is at hand: too late to look entries up by it.
    this.equalityKeys =
      model.predicate === null
        ? NO_KEYS
        : equalityKeys(model.predicate).filter(({ variable }) => !variable.startsWith('uri_param_'))
    this.#methods = model.methods
    this.#isClient = model.clients === null ? null : compileNetworks(model.clients)
    this.#predicate = model.predicate === null ? null : compilePredicate(model.predicate)
    this.entries = model.entries
      .map((entry, index) => new IndexEntry<RouteCandidate>(this, index, entry))
      .sort(compareEntries)
    this.#isNamed = this.entries.some((entry) => entry.matcher?.isNamed === true)
  }

  /**
   * Whether the request meets all conditions by this entry. NEEDS_BODY: all but the predicate, which reads a body that was not read yet. Fills
   * `view.pathParams` for entries with named pieces, and empties it again if the route fails.
   */
  test(
    entry: IndexEntry<RouteCandidate>,
    view: RequestView,
    trace: Trace | null,
  ): boolean | typeof NEEDS_BODY {
    const methods = this.#methods
    if (methods !== null && !methods.includes(view.method)) {
      if (trace !== null) this.#traceFailure(trace, 'method', methods.join(', '), view.method)
      return false
    }
    if (!entry.testPath(view.path)) {
      if (trace !== null) this.#traceFailure(trace, 'path', describePath(entry), view.path)
      return false
    }
    if (!entry.testHost(view.host)) {
      if (trace !== null) this.#traceFailure(trace, 'host', describeHost(entry), view.host)
      return false
    }
    if (this.#isClient !== null && !this.#isClient(view.clientAddress)) {
      const clients = this.model.clients?.join(', ') ?? ''
      if (trace !== null) this.#traceFailure(trace, 'client', clients, view.clientAddress)
      return false
    }
    const { matcher } = entry
    const isNamed = matcher?.isNamed === true
    if (isNamed) (view as PathParamsField).pathParams = matcher.captures(view.path)
    const predicate = this.#predicate
    if (predicate !== null) {
      if (predicate.needsBody && view.body === undefined) return NEEDS_BODY
      if (!predicate.test(view, trace)) {
        if (isNamed) (view as PathParamsField).pathParams = null
        if (trace !== null) this.#traceFailure(trace, 'predicate', 'true', 'false')
        return false
      }
    }
    if (trace !== null) trace.route(this.model, 'passed')
    return true
  }

  /** Those that the search left in the view, else those of the first entry that fits path and host. */
  captures(view: RequestView): ReadonlyMap<string, string> | null {
    if (!this.#isNamed) return null
    if (view.pathParams !== null) return view.pathParams
    for (const entry of this.entries) {
      if (entry.testPath(view.path) && entry.testHost(view.host)) {
        return entry.matcher === null ? null : entry.matcher.captures(view.path)
      }
    }
    return null
  }

  chooseRule(view: RequestView, trace: Trace | null): CompiledRule | null | typeof NEEDS_BODY {
    return chooseRule(this.rules, view, trace)
  }

  #traceFailure(
    trace: Trace,
    condition: 'host' | 'path' | 'method' | 'client' | 'predicate',
    expected: string,
    actual: string,
  ): void {
    trace.route(this.model, {
      condition,
      expected: fromByteString(expected),
      actual: fromByteString(actual),
    })
  }
}

const NO_KEYS: readonly EqualityKey[] = []

function describeHost(entry: IndexEntry): string {
  const { host } = entry
  switch (host.kind) {
    case 'any':
      return '*'
    case 'exact':
      return host.text
    case 'suffix':
      return `*${host.text}`
    case 'prefix':
      return `${host.text}*`
  }
}

function describePath(entry: IndexEntry): string {
  const { path } = entry
  switch (path.kind) {
    case 'exact':
      return path.text
    case 'prefix':
      return `${path.text}*`
    case 'pattern':
      return path.pieces
        .map((piece) =>
          typeof piece === 'string' ? piece : `${piece.kind === 'segment' ? ':' : '*'}${piece.name ?? ''}`,
        )
        .join('')
  }
}
