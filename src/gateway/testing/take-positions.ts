import { parentPort, workerData } from 'node:worker_threads'
import { createPositions } from '../positions.ts'

/** A thread of a test: takes positions from a shared line as fast as it can and counts which targets they give. */
const { segment, slot, limit, cycle, takes } = workerData as {
  segment: SharedArrayBuffer
  slot: number
  limit: number
  cycle: number
  takes: number
}
const positions = createPositions(segment)
const counts = new Array<number>(cycle).fill(0)
for (let i = 0; i < takes; i++) {
  const phase = positions.advance(slot, limit) % cycle
  counts[phase] = (counts[phase] ?? 0) + 1
}
parentPort?.postMessage(counts)
