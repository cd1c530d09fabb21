/**
 * A balancer over the endpoints of one upstream, frozen when it is made: a change of the upstream makes a new one. A request only picks.
 * Indices are those of the upstream's endpoint list.
 */
export interface Picker {
  /**
   * The endpoint for the next attempt, or -1 if none is left. `tried` has a 1 at every endpoint this request has tried already (empty
   * array on the first attempt, so that the common case costs nothing); those are never given again.
   */
  pick(tried: Uint8Array): number
  /** What the first attempt of the next request would get, or -1. Nothing moves on. */
  peek(): number
}

export const NONE_TRIED = new Uint8Array(0)
