import type { RequestView } from '../expression/request-view.ts'
import type { Section } from '../model/listener.ts'
import type { Positions } from '../model/model.ts'
import type { Predicate } from '../model/predicate.ts'
import type { Route } from '../model/route.ts'
import type { Rule } from '../model/rule.ts'
import type { EchoTarget, RedirectTarget, RespondTarget, Split, UpstreamTarget } from '../model/split.ts'
import type { ConsumerLookup } from './consumers.ts'
import type { CompiledEventCall } from './event-call.ts'
import type { CompiledAuthentication } from './filters/authentication.ts'
import type { CompiledMirror } from './filters/mirror.ts'

/**
 * What serves: the compiled form of the model. Compiled routes, rules and splits are immutable; the index is edited in place, all edits
 * of a revision in one tick. A request looks up once and then holds only immutable objects.
 */
export interface Table {
  readonly revision: number
  /** Whose surface answers where no route matches: the last section that has routes, the first where none has. */
  readonly missSection: Section
  /**
   * The first route, over the sections in order, whose conditions all hold. `null`: none. NEEDS_BODY: a candidate whose predicate reads
   * the body is next and `view.body` is undefined; read it (or set it to null) and search anew.
   */
  find(view: RequestView, trace: Trace | null): CompiledRoute | null | typeof NEEDS_BODY
  /** What explain asks beside the search itself. */
  readonly inspector: TableInspector
}

/** Looks at the table without a request being served. Each walk ends early when `visit` returns false; they are bounded by whoever calls. */
export interface TableInspector {
  /** Routes in all sections. */
  readonly size: number
  /** Sections without a route. */
  isEmpty(section: string): boolean
  /**
   * The entries that a search for the request would come to if no route took it, in order, and whether the request meets all conditions of
   * each. `view.body` must not be undefined. Leaves `view.pathParams` null.
   */
  walk(view: RequestView, visit: (route: CompiledRoute, fits: boolean) => boolean): void
  /** The routes in no particular order, with what they are found by. */
  scan(visit: (route: ScannedRoute) => boolean): void
}

/** A route that may not be compiled yet. */
export interface ScannedRoute {
  readonly id: string
  readonly entries: readonly ScannedEntry[]
  /** null: it cannot be compiled. */
  compile(): CompiledRoute | null
}
export interface ScannedEntry {
  testHost(host: string): boolean
  testPath(path: string): boolean
  /** For people. */
  describeHost(): string
  describePath(): string
}

export const NEEDS_BODY: unique symbol = Symbol('the predicate needs the body')

export interface CompiledRoute {
  readonly model: Route
  readonly section: Section
  readonly rules: readonly CompiledRule[]
  readonly requestFilters: readonly CompiledRequestFilter[]
  readonly responseFilters: readonly CompiledResponseFilter[]
  /** Slot of the route's counters (0 = the overflow line). */
  readonly slot: number
  /** Fills captures of the matching pattern; null if the route has no named pieces. */
  captures(view: RequestView): ReadonlyMap<string, string> | null
  /** The first rule whose predicate holds, or null (no rule decides), or NEEDS_BODY as in `find`. */
  chooseRule(view: RequestView, trace: Trace | null): CompiledRule | null | typeof NEEDS_BODY
}

export interface CompiledRule {
  readonly model: Rule
  readonly index: number
  readonly test: Test | null
  readonly split: CompiledSplit
}

/** What made a choice. */
export type ChoiceReason = 'weight' | 'forced' | 'sticky' | 'failover'

/** What goes before the weights, and behind them. */
export interface CompiledSplitPolicy {
  /** Of the choice made last. */
  readonly reason: ChoiceReason
  /** Line that the answer to the request chosen for last carries; '' for none. */
  readonly cookie: string
  /** Where requests go on that failed at another target; null: nowhere. */
  readonly fallback: CompiledTarget | null
  /** With `isPeek` no position moves on. null: all weights are 0. */
  choose(view: RequestView, isPeek: boolean): CompiledTarget | null
}

export interface CompiledSplit {
  readonly model: Split
  readonly targets: readonly CompiledTarget[]
  /** null: the weights alone decide, by `pick` and `peek`. */
  readonly policy: CompiledSplitPolicy | null
  /** Takes a position and gives its target; null if all weights are 0. */
  pick(): CompiledTarget | null
  /** What `pick` would give, without taking a position. */
  peek(): CompiledTarget | null
}

export type CompiledTarget =
  | CompiledUpstreamTarget
  | CompiledRespondTarget
  | CompiledRedirectTarget
  | CompiledEchoTarget

interface CompiledTargetBase {
  readonly index: number
  readonly requestFilters: readonly CompiledRequestFilter[]
  readonly responseFilters: readonly CompiledResponseFilter[]
  /** Slot of the target's choice counter. */
  readonly slot: number
}
export interface CompiledUpstreamTarget extends CompiledTargetBase {
  readonly kind: 'upstream'
  readonly model: UpstreamTarget
  /** The box whose content is the upstream in force; a new revision replaces the content. */
  readonly upstream: UpstreamCell
  /** null: the endpoint gets the request itself. */
  readonly event: CompiledEventCall | null
}
export interface CompiledRespondTarget extends CompiledTargetBase {
  readonly kind: 'respond'
  readonly model: RespondTarget
  /** Body as a byte string. */
  readonly body: string
}
export interface CompiledRedirectTarget extends CompiledTargetBase {
  readonly kind: 'redirect'
  readonly model: RedirectTarget
  readonly status: (view: RequestView) => number
  /** The Location value (byte string, without CR, LF and NUL). */
  readonly location: (view: RequestView) => string
}

export interface CompiledEchoTarget extends CompiledTargetBase {
  readonly kind: 'echo'
  readonly model: EchoTarget
}

/** Opaque here; proxy/upstream fills it. */
export interface UpstreamCell {
  readonly id: string
  /** Whether none of its endpoints can serve now. */
  readonly isOut: boolean
}

/**
 * A compiled predicate. True or false, or NEEDS_BODY_RESULT (-1 cast is avoided: see `needsBody`): call `test` only if the predicate does not
 * need the body or `view.body` is not undefined.
 */
export type Test = (view: RequestView, trace: Trace | null) => boolean

/** A request filter, ready to run. `applies` is null when it always works. */
export interface CompiledRequestFilter {
  readonly applies: Test | null
  readonly needsBody: boolean
  readonly method: string | null
  readonly host: string | null
  /** Makes the host of the request in place of `host`; '': it stays as it is. Undefined result: BAD_REWRITE. null: nothing does. */
  readonly hostFrom: ((view: RequestView) => string | undefined) | null
  /** The new target (path and query), or null if the filter leaves the target alone. Undefined result: BAD_REWRITE. */
  readonly target: ((view: RequestView, groups: RewriteGroups) => string | undefined) | null
  readonly headers: CompiledHeaderEdits | null
  /** It does this and nothing else; null: it edits the request. */
  readonly authentication: CompiledAuthentication | null
  /** As `authentication`. */
  readonly mirror: CompiledMirror | null
}

/** Filled by `target`, read by header templates: captures of the pattern that hit, or null. */
export interface RewriteGroups {
  captures: readonly (string | undefined)[] | null
}

export interface CompiledResponseFilter {
  readonly applies: Test | null
  /** Of the request: it must be read before the request is sent. */
  readonly needsBody: boolean
  readonly status: number | null
  readonly body: Buffer | null
  readonly headers: CompiledHeaderEdits | null
}

export interface CompiledHeaderEdits {
  /** Lower-case names of all fields whose present lines go (those in set and remove). */
  readonly dropped: ReadonlySet<string>
  /**
   * The lines to append: `[name, value]`, evaluated. A value with CR, LF or NUL, or a name that is no token, gives undefined: BAD_REWRITE.
   */
  lines(view: RequestView, groups: RewriteGroups | null): readonly (readonly [string, string])[] | undefined
}

/** Everything compiling needs from outside. */
export interface CompileEnvironment {
  readonly positions: Positions
  /** Slot of an identity (model/split.ts, model/endpoint.ts); 0 if none was given out. */
  slot(identity: string): number
  upstream(id: string): UpstreamCell
  readonly consumers: ConsumerLookup
  /** Told when a route that is compiled late, with the first request that comes to it, cannot be; it then takes no request. */
  readonly onBroken?: (routeId: string, error: unknown) => void
}

/** Collects what was looked at, in order, for explain. All methods are called only when a trace is passed. */
export interface Trace {
  /**
   * Entries that a search lists whole. Where more come up, it asks the sub-indexes as it does without a trace, and tells `passedOver` how many
   * these left out.
   */
  readonly maxEntries: number
  passedOver(entries: number): void
  /** A candidate route was tested by one of its entries: it passed, or the named condition failed (with the values that made it so). */
  route(route: Route, entry: ScannedEntry, outcome: 'passed' | TraceFailure): void
  rule(rule: Rule, index: number, held: boolean): void
  /** A comparison inside the predicate at hand; `other` is what a variable that stands as its value gave. */
  comparison(predicate: Predicate, actual: unknown, held: boolean, other?: unknown): void
  /** A request filter was come to; `applied`: its condition held, or it has none. Called after it has worked. */
  filter(filter: CompiledRequestFilter, applied: boolean): void
}

export interface TraceFailure {
  readonly condition: 'host' | 'path' | 'method' | 'client' | 'predicate'
  readonly expected: string
  readonly actual: string
}
