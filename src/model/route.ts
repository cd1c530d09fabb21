import type { RequestFilter, ResponseFilter } from './filter.ts'
import type { Origin } from './origin.ts'
import type { Predicate } from './predicate.ts'
import type { Rule } from './rule.ts'
import type { UpstreamTimeouts } from './upstream.ts'

/** Conditions on a request, and the rules for those that meet them. */
export interface Route {
  readonly kind: 'route'
  /** Unique over all dialects: `<dialect>/<kind>/<id>`. */
  readonly id: string
  readonly name: string
  readonly origin: Origin
  /** The section (one per dialect) it is searched in. */
  readonly section: string
  /** What the index is made of; a request must fit one of them. Never empty. */
  readonly entries: readonly RouteEntry[]
  /** Exact method names; null = all. */
  readonly methods: readonly string[] | null
  /** Addresses and CIDR blocks the client must be in; null = all. */
  readonly clients: readonly string[] | null
  readonly predicate: Predicate | null
  readonly requestFilters: readonly RequestFilter[]
  readonly responseFilters: readonly ResponseFilter[]
  /** Whether rules see header changes of the route's request filters (APISIX) or the request as it came. */
  readonly rulesSee: 'rewritten' | 'original'
  readonly rules: readonly Rule[]
  /** Protocols that a request may change to (Upgrade), lower case; `*`: any. Empty: Upgrade is taken out. */
  readonly upgrades: readonly string[]
  /** Overrides the timeouts of whichever upstream serves; null keeps them. */
  readonly timeouts: UpstreamTimeouts | null
  /** Values of `route_name`, `service_id` … variables and of log fields. */
  readonly labels: RouteLabels
}

export interface RouteLabels {
  readonly routeId: string
  readonly routeName: string | null
  readonly serviceId: string | null
  readonly serviceName: string | null
}

export interface RouteEntry {
  readonly host: HostPattern
  readonly path: PathPattern
  /** Smaller wins, compared number by number; equal keys: the route id decides. Never a dense rank, so inserts stay local. */
  readonly key: readonly number[]
}

/**
 * Lower case, no port. `exact` equals; `suffix`: the host ends with `text` (`.foo.com` for `*.foo.com`, `foo.com` for `*foo.com`);
 * `prefix`: it begins with `text` (`x.` for `x.*`); `any`: all, also no host.
 */
export type HostPattern =
  | { readonly kind: 'exact' | 'suffix' | 'prefix'; readonly text: string }
  | { readonly kind: 'any' }

/**
 * `exact` and `prefix` compare the path as it is. `pattern`: pieces in order over the whole path:
 * a string is literal, `segment` one or more characters without `/`, `rest` any text up to what follows (also empty, slashes included).
 * Named pieces become `uri_param_<name>`.
 */
export type PathPattern =
  | { readonly kind: 'exact' | 'prefix'; readonly text: string }
  | { readonly kind: 'pattern'; readonly pieces: readonly PatternPiece[] }

export type PatternPiece =
  | string
  | { readonly kind: 'segment'; readonly name: string | null }
  | { readonly kind: 'rest'; readonly name: string | null }
