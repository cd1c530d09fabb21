import type { Hash64 } from '../expression/hash64.ts'

/**
 * A balancer over the endpoints of one upstream, frozen when it is made: a change of the upstream, or of which endpoints are usable, makes a
 * new one. A request only picks. Indices are those of the upstream's endpoint list.
 */
export interface Picker {
  /** Whether `pick` looks at the request's key; where it does not, nobody needs to work it out. */
  readonly needsKey: boolean
  /**
   * The endpoint for the next attempt, or -1 if none is left. `tried` has a 1 at every endpoint this request has tried already (empty
   * array on the first attempt, so that the common case costs nothing); those are never given again. `key`: the hash of what the request is
   * kept together by; null where it has none.
   */
  pick(tried: Uint8Array, key: Hash64 | null): number
  /** What the first attempt of the next request with this key would get, -1, or BY_CHANCE. Nothing moves on. */
  peek(key: Hash64 | null): number
  /** Told how long an endpoint took to answer, where the policy is about that. Milliseconds. */
  readonly observe?: (index: number, tookMs: number, nowMs: number) => void
}

/** The answer of `peek` where chance decides. */
export const BY_CHANCE = -2

export const NONE_TRIED = new Uint8Array(0)

/** Requests in flight at an endpoint, by its index. */
export type InFlight = (index: number) => number
/** A number of [0, 1). */
export type Random = () => number
