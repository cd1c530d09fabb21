import type { SlotNeed, SlotPool } from './identities.ts'
import { findIn, hashOf, indexOf } from './text-index.ts'

/**
 * All slots that are given out, as text and numbers in memory that threads share: main keeps it for the next start, and workers look in it. As strings in a
 * map, those of a hundred thousand routes would cost each thread 20 MB and a tenth of a second.
 */
export interface PackedSlots {
  /** UTF-8. */
  readonly text: SharedArrayBuffer
  /** COLUMNS numbers for each slot; Uint32. */
  readonly rows: SharedArrayBuffer
  /** Finds a row by its identity (text-index.ts); Uint32. */
  readonly index: SharedArrayBuffer
}

/** A slot that is given out, and how many objects need it. */
export interface Held {
  readonly need: SlotNeed
  readonly slot: number
  uses: number
}

/** Of a row: where in the text the identity, the owner and the family begin and end (no family: both 0), then numbers. */
const COLUMN = {
  start: 0,
  end: 1,
  ownerStart: 2,
  ownerEnd: 3,
  familyStart: 4,
  familyEnd: 5,
  slot: 6,
  pool: 7,
  lines: 8,
  uses: 9,
  cycle: 10,
} as const
const COLUMNS = 11
const POOLS: readonly SlotPool[] = ['position', 'route', 'target', 'endpoint', 'health']

/** In pieces, for main has other things to do; nothing of it may change meanwhile. */
export function* packSlots(all: Iterable<Held>, count: number): Generator<undefined, PackedSlots> {
  const rows = new Uint32Array(new SharedArrayBuffer(count * COLUMNS * Uint32Array.BYTES_PER_ELEMENT))
  const hashes = new Uint32Array(count)
  let text = Buffer.allocUnsafe(64 * 1024)
  let length = 0
  const append = (some: string): number => {
    // at most three bytes for a UTF-16 unit
    if (length + 3 * some.length > text.length) {
      const larger = Buffer.allocUnsafe(2 * text.length + 3 * some.length)
      text.copy(larger, 0, 0, length)
      text = larger
    }
    const start = length
    length += text.write(some, length)
    return start
  }
  let row = 0
  for (const { need, slot, uses } of all) {
    if (row === count) break
    const { identity, pool, lines, owner, family, cycle } = need
    const at = row * COLUMNS
    const start = append(identity)
    rows[at + COLUMN.start] = start
    rows[at + COLUMN.end] = length
    // an owner and a family are mostly a part of the identity
    for (const [some, column] of [
      [owner, COLUMN.ownerStart],
      [family, COLUMN.familyStart],
    ] as const) {
      if (some === null) continue
      const place = identity.indexOf(some)
      const from = place < 0 ? append(some) : start + Buffer.byteLength(identity.slice(0, place))
      rows[at + column] = from
      rows[at + column + 1] = from + Buffer.byteLength(some)
    }
    rows[at + COLUMN.slot] = slot
    rows[at + COLUMN.pool] = POOLS.indexOf(pool)
    rows[at + COLUMN.lines] = lines
    rows[at + COLUMN.uses] = uses
    rows[at + COLUMN.cycle] = cycle
    hashes[row++] = hashOf(identity)
    yield
  }
  const memory = new SharedArrayBuffer(length)
  text.copy(Buffer.from(memory), 0, 0, length)
  return { text: memory, rows: rows.buffer, index: indexOf(hashes).buffer as SharedArrayBuffer }
}

export class PackedSlotReader {
  readonly size: number
  readonly #text: Buffer
  readonly #rows: Uint32Array
  readonly #index: Uint32Array

  /** Throws for one that does not hold together. */
  constructor({ text, rows, index }: PackedSlots) {
    this.#text = Buffer.from(text)
    this.#rows = new Uint32Array(rows)
    this.#index = new Uint32Array(index)
    this.size = this.#rows.length / COLUMNS
    const places = this.#index.length
    if (!Number.isInteger(this.size) || places <= this.size || (places & (places - 1)) !== 0)
      throw new Error('the table of slots does not fit')
  }

  /** The slot of an identity; undefined: it has none. */
  find(identity: string): number | undefined {
    const row = findIn(this.#index, hashOf(identity), (row) => this.#part(row, COLUMN.start) === identity)
    return row < 0 ? undefined : this.#rows[row * COLUMNS + COLUMN.slot]
  }

  /** For 0 <= row < size. */
  held(row: number): Held {
    const number = (column: number): number => this.#rows[row * COLUMNS + column] as number
    const pool = POOLS[number(COLUMN.pool)]
    if (pool === undefined) throw new Error('the table of slots names a pool that there is not')
    const need: SlotNeed = {
      identity: this.#part(row, COLUMN.start),
      pool,
      lines: number(COLUMN.lines),
      owner: this.#part(row, COLUMN.ownerStart),
      family: number(COLUMN.familyEnd) === 0 ? null : this.#part(row, COLUMN.familyStart),
      cycle: number(COLUMN.cycle),
    }
    return { need, slot: number(COLUMN.slot), uses: number(COLUMN.uses) }
  }

  #part(row: number, column: number): string {
    const at = row * COLUMNS + column
    return this.#text.toString('utf8', this.#rows[at], this.#rows[at + 1])
  }
}

/** The slots as a worker knows them: those that it began with, and what changed since. */
export class SlotTable {
  readonly #changed = new Map<string, number>()
  #first: PackedSlotReader | null = null

  begin(first: PackedSlots): void {
    this.#first = new PackedSlotReader(first)
    this.#changed.clear()
  }

  get(identity: string): number | undefined {
    const changed = this.#changed.get(identity)
    if (changed !== undefined) return changed === GONE ? undefined : changed
    return this.#first?.find(identity)
  }

  set(identity: string, slot: number): void {
    this.#changed.set(identity, slot)
  }

  delete(identity: string): void {
    if (this.#first?.find(identity) === undefined) this.#changed.delete(identity)
    else this.#changed.set(identity, GONE)
  }
}

const GONE = -1
