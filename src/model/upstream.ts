import type { Endpoint } from './endpoint.ts'
import type { Origin } from './origin.ts'

/** A group of endpoints with one way of balancing, retrying and connecting. */
export interface Upstream {
  readonly kind: 'upstream'
  /** Unique over all dialects: `<dialect>/<kind>/<id>` and, for inline ones, `#<path>` behind it. */
  readonly id: string
  readonly name: string
  readonly origin: Origin
  readonly scheme: 'http' | 'https'
  readonly endpoints: readonly Endpoint[]
  readonly balancer: Balancer
  /** Host field sent upstream: the client's own, the endpoint's name (with a non-standard port), or `upstreamHost`. */
  readonly passHost: 'pass' | 'node' | 'rewrite'
  readonly upstreamHost: string | null
  /** `node` leaves the port out even where it is not the scheme's own (APISIX inline upstreams over http). */
  readonly nodeHostWithoutPort: boolean
  readonly timeouts: UpstreamTimeouts
  readonly retry: Retry
  readonly pool: PoolSettings
}

export type Balancer = { readonly kind: 'roundRobin' }

/** Milliseconds, > 0. Defaults are the dialect's. */
export interface UpstreamTimeouts {
  /** Until the connection stands. On expiry: UPSTREAM_CONNECT_TIMEOUT (504). */
  readonly connectMs: number
  /** Between two successful writes to the upstream. */
  readonly sendMs: number
  /** Between two reads: until the answer's head (RESPONSE_HEAD_TIMEOUT, 504), then between parts of its body. */
  readonly readMs: number
}

/** Which failures may be retried at all is reliability.md section 6; this is how often and how long. */
export interface Retry {
  /** Further attempts after the first. 0 = none. */
  readonly count: number
  /** No new attempt starts later than this after the first one began. Milliseconds, 0 = no bound. */
  readonly timeoutMs: number
  /** Whether a response-head timeout counts as retryable for safe requests (APISIX: yes). */
  readonly onHeadTimeout: boolean
  /** Whether the same endpoint may be tried again when the upstream has only that one (APISIX: yes). */
  readonly sameEndpointWhenAlone: boolean
}

export interface PoolSettings {
  /** Idle connections kept per endpoint and process, shared out over the workers. >= 1. */
  readonly size: number
  /** An idle connection is closed after this. Milliseconds; 0 = at once (no keep-alive). */
  readonly idleMs: number
  /** A connection is closed after this many requests. >= 1. */
  readonly requests: number
}
