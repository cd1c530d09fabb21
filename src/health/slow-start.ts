import type { SlowStart } from '../model/upstream.ts'

/**
 * The part of its weight that an endpoint gets so long after it came or recovered: percent, `minPercent` (1 at least) to 100. The first second counts as
 * one, as in APISIX and Envoy, so that nobody begins with nothing.
 */
export function shareAfter(policy: SlowStart, ageMs: number): number {
  if (ageMs >= policy.windowMs) return 100
  const age = Math.min(policy.windowMs, Math.max(1000, ageMs))
  const grown = 100 * (age / policy.windowMs) ** (1 / policy.aggression)
  return Math.max(1, Math.min(100, Math.floor(Math.max(policy.minPercent, grown))))
}
