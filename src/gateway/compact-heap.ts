import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** With so many objects of the model memory is kept small by bounds, and not by compaction. */
export const MANY_OBJECTS = 20_000
/** How much more than what lives a heap may hold then, percent. V8 itself would let it double: half a gigabyte with 100 000 routes under load. */
const MOST_GARBAGE = 30

/**
 * The least space for young objects of threads that begin from now on, in MiB. V8's own least is what a compaction leaves behind, and growing from there costs
 * bodies of 64 KiB a sixth more; 8 and 16 leave the processor's cache and cost them half as much again (measured).
 */
const YOUNG_MIB = 4

export function keepYoungSpace(): void {
  setFlagsFromString(`--min-semi-space-size=${YOUNG_MIB}`)
}

/**
 * Collects what the start left behind and gives the memory back to the system: 10 MB of a small gateway, 7 of each worker. Takes 15 ms, and some 100 for
 * each 100 MB in use, in which this thread does nothing else: not for a worker that serves.
 */
export function compactHeap(): void {
  // left on, since threads share flags and do this at the same time; it only shows in contexts made from now on
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** For all threads, from their next collection on. Not while the model is loaded, where it would only cost time. */
export function boundGarbage(): void {
  setFlagsFromString(`--heap-growing-percent=${MOST_GARBAGE}`)
}
