/**
 * The monotonic clock of a worker, in milliseconds of `performance.now()`. Read once at the start of each socket event; everything that
 * happens in that event uses the same number.
 */
export const clock = { nowMs: performance.now() }

/** Reads the clock: first thing in every callback from a socket or a timer. */
export function readClock(): number {
  const now = performance.now()
  clock.nowMs = now
  return now
}
