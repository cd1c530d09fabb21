import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
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
 * V8 drops the compiled code of functions that did not run between some collections, and it collects when there is little to do: the first requests after
 * each lull would run slowly until it is made anew. An idle gateway takes no more memory with it (bench, scenario `memory`).
 */
export function keepCode(): void {
  setFlagsFromString('--no-flush-bytecode')
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

/** So long a thread has to have next to nothing to do before its heap is compacted. */
const CALM_MS = 3000
/** Share of its time that is next to nothing. */
const CALM_SHARE = 0.05
/** Young objects' space that is worth it, MiB; and the most that may be in use, which is compacted in some 100 ms. */
const GROWN_MIB = 16
const MOST_HEAP_MIB = 120
/** Between two compactions. */
const PAUSE_MS = 60_000
const MIB = 1_048_576

/**
 * Gives back what a burst has left behind, once it is over: V8 keeps the space that young objects had (some 40 MB after 8 000 WebSockets were opened) as long
 * as nothing is allocated. A request that comes at that moment waits for it.
 */
export class CalmHeap {
  #before = performance.eventLoopUtilization()
  #lookedMs = performance.now()
  #calmMs = 0
  #compactedMs = Number.NEGATIVE_INFINITY

  /** Called every now and then. True: the heap was compacted. */
  look(nowMs: number): boolean {
    if (nowMs - this.#lookedMs < 1000) return false
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#before)
    this.#calmMs = utilization < CALM_SHARE ? this.#calmMs + nowMs - this.#lookedMs : 0
    this.#before = now
    this.#lookedMs = nowMs
    if (this.#calmMs < CALM_MS || nowMs - this.#compactedMs < PAUSE_MS) return false
    this.#calmMs = 0
    if (!isWorthIt()) return false
    this.#compactedMs = nowMs
    compactHeap()
    return true
  }
}

function isWorthIt(): boolean {
  if (getHeapStatistics().used_heap_size > MOST_HEAP_MIB * MIB) return false
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
  return young !== undefined && young.physical_space_size > GROWN_MIB * MIB
}
