import type { Positions } from '../model/model.ts'

/** Bytes of a line: one position each, so that two splits never share a cache line. */
export const LINE_BYTES = 64
const INTS_PER_LINE = LINE_BYTES / Int32Array.BYTES_PER_ELEMENT

/**
 * Positions over a shared segment; every worker makes its own view of the same memory.
 *
 * `limit` is a multiple of the cycle, so that the wrap keeps the cycle whole. The one taker that gets exactly `limit` takes it off again;
 * takers in between see numbers just above it and use what is left over. Exact as long as fewer than `limit` takers are in between.
 */
export function createPositions(segment: SharedArrayBuffer): Positions {
  const cells = new Int32Array(segment)
  return {
    advance(slot, limit) {
      const at = slot * INTS_PER_LINE
      const position = Atomics.add(cells, at, 1)
      if (position < limit) return position
      if (position === limit) Atomics.sub(cells, at, limit)
      return position - limit
    },
    peek(slot, limit) {
      const position = Atomics.load(cells, slot * INTS_PER_LINE)
      return position < limit ? position : position - limit
    },
  }
}

/** Main only: puts a position somewhere, before anybody takes from it. */
export function setPosition(segment: SharedArrayBuffer, slot: number, position: number): void {
  Atomics.store(new Int32Array(segment), slot * INTS_PER_LINE, position)
}

export function readPosition(segment: SharedArrayBuffer, slot: number): number {
  return Atomics.load(new Int32Array(segment), slot * INTS_PER_LINE)
}
