import { setFlagsFromString } from 'node:v8'

/**
 * V8's linear engine for regular expressions. With both flags set a search that starts to backtrack too much goes on in linear time. The
 * flags reach worker threads that start later, so the main thread calls this before it loads anything else: expressions compiled earlier
 * keep the old behaviour.
 */
export function enableLinearEngine(): void {
  setFlagsFromString('--enable-experimental-regexp-engine')
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
}

let isOn: boolean | undefined

/**
 * Whether the fallback works in this process, tried once. Where the flags are missing the flag `l` is unknown and that is the end of it; the
 * search is for the case that only one of them is set. Without the fallback every pattern runs on re2js.
 */
export function isLinearEngineOn(): boolean {
  isOn ??= isLinear(PROBE) && fallsBack()
  return isOn
}

/** Whether the linear engine can run this source. V8 keeps silent about it where the fallback would be needed. */
export function isLinear(source: string): boolean {
  try {
    new RegExp(source, 'l')
    return true
  } catch {
    return false
  }
}

/** Two ways for each letter: 2^24 steps, a quarter of a second on a fast core; 0.4 ms with the fallback. */
const PROBE = '^(?:a|a)*$'
const PROBE_SUBJECT = `${'a'.repeat(24)}b`
const PROBE_MS = 25

/** A busy machine may delay a try, so one quick try of three is proof. */
function fallsBack(): boolean {
  for (let tries = 0; tries < 3; tries++) {
    const start = performance.now()
    new RegExp(PROBE).test(PROBE_SUBJECT)
    if (performance.now() - start < PROBE_MS) return true
  }
  return false
}
