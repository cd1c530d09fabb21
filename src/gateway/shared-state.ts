import {
  BLOCK,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  FIRST_SLOT,
  LINE,
  ROUTE_OVERFLOW,
  TARGET_OVERFLOW,
  WORKER,
} from '../model/counters.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { HEALTH_CELL, HEALTH_LINE_CELLS } from '../model/health.ts'
import type { ModelObject, Positions } from '../model/model.ts'
import type { CountedObject } from '../observe/metrics-source.ts'
import { type SlotNeed, type SlotPool, slotNeeds } from './identities.ts'
import { type Held, PackedSlotReader, type PackedSlots, packSlots } from './packed-slots.ts'
import { createPositions, LINE_BYTES, readPosition, setPosition } from './positions.ts'
import { LinePool, type LinePoolState } from './slot-pool.ts'

/**
 * Capacities of the shared segments, in lines of 64 bytes. The system commits the pages only when they are touched, so large ones cost
 * nothing. A change that needs a position beyond `positions` is refused; objects beyond a series cap count on the overflow lines.
 */
export interface SharedCapacity {
  readonly positions: number
  readonly counters: number
  readonly routes: number
  readonly targets: number
  readonly endpoints: number
  /** Lines of health: one for an upstream that is watched, and one for each of its endpoints. A change that needs more is refused. */
  readonly health: number
}
export const DEFAULT_CAPACITY: SharedCapacity = {
  positions: 2 ** 18,
  counters: 2 ** 21,
  routes: 25_000,
  targets: 50_000,
  endpoints: 50_000,
  health: 2 ** 18,
}

/** What one worker gets of the shared memory. */
export interface WorkerMemory {
  readonly positions: SharedArrayBuffer
  /** Lines of model/health.ts; a slot is the number of a line. */
  readonly health: SharedArrayBuffer
  readonly lane: SharedArrayBuffer
  readonly heartbeat: SharedArrayBuffer
}

/** Slots found for a change that is not in force yet: `commit` or `cancel` it, once. */
export interface Reservation {
  readonly slots: readonly (readonly [identity: string, slot: number])[]
  readonly freed: readonly string[]
  commit(revision: number): void
  cancel(): void
}

/** Beside the slots themselves: how many there are of each, and which lines are taken. */
export interface SlotTables {
  readonly series: Readonly<Record<SlotPool, number>>
  readonly positions: LinePoolState
  readonly counters: LinePoolState
  readonly health: LinePoolState
}

/** Sole owner of the shared memory: gives out slots by identity, sums the lanes, folds the lanes of workers that are gone. */
export class SharedState {
  readonly positions: Positions
  /** All lines of health, for the control side. */
  readonly health: Int32Array
  readonly #capacity: SharedCapacity
  readonly #positionSegment: SharedArrayBuffer
  readonly #held = new Map<string, Held>()
  /** Identity in force of each split id. */
  readonly #families = new Map<string, string>()
  readonly #healthSegment: SharedArrayBuffer
  #positionPool: LinePool
  #healthPool: LinePool
  #counterPool: LinePool
  readonly #series: Record<SlotPool, number> = { position: 0, route: 0, target: 0, endpoint: 0, health: 0 }
  /** Slots that came with a cached model and are not in `#held` yet; null: none. */
  #unread: { readonly packed: PackedSlotReader; next: number } | null = null
  /** All that is in force, as it is sent to workers that start; null: to be made. */
  #packed: PackedSlots | null = null
  /** What the lanes of gone workers had counted. */
  readonly #base: Float64Array
  readonly #lanes = new Map<number, Float64Array>()
  /** The base and all lanes, for sums: a scrape makes millions. */
  #summed: readonly Float64Array[]

  constructor(capacity: SharedCapacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity
    this.#positionSegment = new SharedArrayBuffer(capacity.positions * LINE_BYTES)
    this.positions = createPositions(this.#positionSegment)
    this.#positionPool = new LinePool(1, capacity.positions) // slot 0 means "none"
    this.#healthSegment = new SharedArrayBuffer(capacity.health * LINE_BYTES)
    this.health = new Int32Array(this.#healthSegment)
    this.#healthPool = new LinePool(1, capacity.health)
    this.#counterPool = new LinePool(FIRST_SLOT, capacity.counters)
    this.#base = new Float64Array(new SharedArrayBuffer(capacity.counters * LINE_BYTES))
    this.#summed = [this.#base]
  }

  /** Memory for a worker that starts. `key` is its own, never used again. */
  addWorker(key: number): WorkerMemory {
    const lane = new SharedArrayBuffer(this.#capacity.counters * LINE_BYTES)
    this.#lanes.set(key, new Float64Array(lane))
    this.#summed = [this.#base, ...this.#lanes.values()]
    return {
      positions: this.#positionSegment,
      health: this.#healthSegment,
      lane,
      heartbeat: new SharedArrayBuffer(LINE_BYTES),
    }
  }

  /** The worker is gone: its gauges count no more, its counters stay in the totals. */
  removeWorker(key: number): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    this.#lanes.delete(key)
    this.#summed = [this.#base, ...this.#lanes.values()]
    this.finishImport()
    for (const gauge of WORKER_GAUGES) lane[gauge] = 0
    for (const held of this.#held.values()) {
      if (held.need.pool !== 'endpoint' || held.slot === 0) continue
      this.#takeFromFlight(held.need.identity, lane[held.slot * LINE + ENDPOINT.IN_FLIGHT] as number)
      zeroEndpointGauges(lane, held.slot)
    }
    zeroEndpointGauges(lane, ENDPOINT_OVERFLOW)
    for (let i = 0; i < FIRST_SLOT * LINE; i++) fold(this.#base, lane, i)
    for (const held of this.#held.values()) {
      if (!isCounted(held.need.pool) || held.slot === 0) continue
      const from = held.slot * LINE
      if (isUntouched(lane, from, held.need.pool)) continue
      const to = from + held.need.lines * LINE
      for (let i = from; i < to; i++) fold(this.#base, lane, i)
    }
  }

  /** Over all workers, living and gone. */
  sum(slot: number, field: number): number {
    const at = slot * LINE + field
    const lanes = this.#summed
    let total = 0
    for (let i = 0; i < lanes.length; i++) total += (lanes[i] as Float64Array)[at] as number
    return total
  }

  /** Of one worker; 0 for one that is gone. */
  of(key: number, slot: number, field: number): number {
    return this.#lanes.get(key)?.[slot * LINE + field] ?? 0
  }

  /** The slot in force of an identity; the overflow line for counters beyond the cap, 0 for positions that have none. */
  slot(identity: string): number {
    const slot = this.#unread === null ? this.#held.get(identity)?.slot : this.#unread.packed.find(identity)
    return slot !== undefined && slot > 0 ? slot : overflowSlot(identity)
  }

  /** Everything that has lines of counters of its own. */
  *counted(): IterableIterator<CountedObject> {
    this.finishImport()
    for (const { need, slot } of this.#held.values()) {
      const { pool, identity, owner } = need
      if (slot > 0 && isCounted(pool)) yield { pool, identity, slot, owner }
    }
  }

  /** All identities in force, for a worker that starts. */
  slots(): PackedSlots {
    if (this.#packed === null) {
      const work = packSlots(this.#held.values(), this.#held.size)
      let step = work.next()
      while (!step.done) step = work.next()
      this.#packed = step.value
    }
    return this.#packed
  }

  /**
   * Finds slots for a change from `before` to `after` objects. Throws LIMIT_OBJECTS when positions run out; nothing is changed then.
   * Between this and `commit` no other reservation may be made.
   */
  reserve(before: readonly ModelObject[], after: readonly ModelObject[]): Reservation {
    this.finishImport()
    const change = new Map<string, { need: SlotNeed; by: number }>()
    for (const object of after) for (const need of slotNeeds(object)) count(change, need, 1)
    for (const object of before) for (const need of slotNeeds(object)) count(change, need, -1)
    const taken: Held[] = []
    const adjusted: { held: Held; by: number }[] = []
    const freed: Held[] = []
    for (const { need, by } of change.values()) {
      const held = this.#held.get(need.identity)
      if (held !== undefined) {
        if (held.uses + by <= 0) freed.push(held)
        else if (by !== 0) adjusted.push({ held, by })
      } else if (by > 0) {
        const slot = this.#take(need)
        if (slot < 0) {
          this.#giveBack(taken)
          throw new GatewayError('LIMIT_OBJECTS', this.#describeLack(need))
        }
        // what counts on an overflow line is not remembered: with many objects that would cost more than all that counts for itself
        if (slot > 0) taken.push({ need, slot, uses: by })
      }
    }
    let isOpen = true
    return {
      slots: taken.map((held) => [held.need.identity, held.slot] as const),
      freed: freed.map((held) => held.need.identity),
      commit: (revision) => {
        if (!isOpen) return
        isOpen = false
        if (taken.length > 0 || freed.length > 0) this.#packed = null
        for (const { held, by } of adjusted) held.uses += by
        for (const held of taken) this.#putInForce(held)
        for (const held of freed) this.#retire(held, revision)
      },
      cancel: () => {
        if (isOpen) this.#giveBack(taken)
        isOpen = false
      },
    }
  }

  #describeLack({ pool, identity }: SlotNeed): string {
    const { positions, health } = this.#capacity
    return pool === 'health'
      ? `no line of health is left for ${identity} (limit: ${health} endpoints and upstreams with health checks)`
      : `no shared position is left for ${identity} (limit: ${positions} splits and upstream rotations)`
  }

  /** A worker died with requests at an endpoint: they are no longer in flight. */
  #takeFromFlight(endpointIdentity: string, count: number): void {
    if (count === 0) return
    const line = this.#held.get(endpointIdentity.replace(/^endpoint:/, 'health:'))
    if (line !== undefined)
      Atomics.sub(this.health, line.slot * HEALTH_LINE_CELLS + HEALTH_CELL.IN_FLIGHT, count)
  }

  #take(need: SlotNeed): number {
    const { pool } = need
    if (pool === 'position' || pool === 'health') return this.#poolOf(need).take(need.lines)
    const cap = pool === 'route' ? 'routes' : pool === 'target' ? 'targets' : 'endpoints'
    if (this.#series[pool] >= this.#capacity[cap]) return 0
    const slot = this.#counterPool.take(need.lines)
    if (slot < 0) return 0
    this.#series[pool]++
    return slot
  }

  #giveBack(taken: readonly Held[]): void {
    for (const { need, slot } of taken) {
      if (slot === 0) continue
      if (isCounted(need.pool)) this.#series[need.pool]--
      this.#poolOf(need).giveBack(slot, need.lines)
    }
  }

  #putInForce(held: Held): void {
    const { need } = held
    this.#held.set(need.identity, held)
    if (need.pool === 'health') {
      const from = held.slot * HEALTH_LINE_CELLS
      this.health.fill(0, from, from + need.lines * HEALTH_LINE_CELLS)
    }
    if (need.pool !== 'position') return
    setPosition(
      this.#positionSegment,
      held.slot,
      need.family === null ? 0 : this.#phaseFor(need, need.family),
    )
    if (need.family !== null) this.#families.set(need.family, need.identity)
  }

  /** Where the split or rotation with other weights stands in its cycle, carried over to the new cycle. */
  #phaseFor(need: SlotNeed, family: string): number {
    const old = this.#held.get(this.#families.get(family) ?? '')
    if (old === undefined || old.need.cycle === 0) return 0
    const phase = readPosition(this.#positionSegment, old.slot) % old.need.cycle
    return Math.floor((phase / old.need.cycle) * need.cycle)
  }

  #retire(held: Held, revision: number): void {
    const { need, slot } = held
    this.#held.delete(need.identity)
    if (need.family !== null && this.#families.get(need.family) === need.identity)
      this.#families.delete(need.family)
    if (slot === 0) return
    if (isCounted(need.pool)) this.#series[need.pool]--
    this.#poolOf(need).retire(slot, need.lines, revision)
  }

  #poolOf(need: SlotNeed): LinePool {
    if (need.pool === 'position') return this.#positionPool
    return need.pool === 'health' ? this.#healthPool : this.#counterPool
  }

  /** What is given out, in pieces, for the next start (model-cache.ts). */
  *export(): Generator<undefined, SlotTables & { readonly packed: PackedSlots }> {
    this.finishImport()
    return {
      packed: yield* packSlots(this.#held.values(), this.#held.size),
      series: { ...this.#series },
      positions: this.#positionPool.export(),
      counters: this.#counterPool.export(),
      health: this.#healthPool.export(),
    }
  }

  /** Into a state that nothing was reserved in. Throws where the capacities do not fit. */
  import({ series, positions, counters, health }: SlotTables, packed: PackedSlots): void {
    this.#positionPool.import(positions)
    this.#counterPool.import(counters)
    this.#healthPool.import(health)
    Object.assign(this.#series, series)
    this.#unread = { packed: new PackedSlotReader(packed), next: 0 }
    this.#packed = packed
  }

  /** The rest of `import`, which a start does without: all of it, or as much as there is time for. Gives whether it is done. */
  finishImport(isOver: () => boolean = () => false): boolean {
    const unread = this.#unread
    while (unread !== null && unread.next < unread.packed.size) {
      const held = unread.packed.held(unread.next++)
      this.#held.set(held.need.identity, held)
      if (held.need.family !== null) this.#families.set(held.need.family, held.need.identity)
      if (isOver()) return false
    }
    this.#unread = null
    return true
  }

  /** As if nothing had been given out. No worker may be there. */
  reset(): void {
    const { positions, counters, health } = this.#capacity
    this.#held.clear()
    this.#families.clear()
    this.#unread = null
    this.#packed = null
    for (const pool of ['position', 'route', 'target', 'endpoint', 'health'] as const) this.#series[pool] = 0
    this.#positionPool = new LinePool(1, positions)
    this.#counterPool = new LinePool(FIRST_SLOT, counters)
    this.#healthPool = new LinePool(1, health)
  }

  /** Every live worker has let go of all revisions before `revision`. */
  release(revision: number): void {
    this.#positionPool.release(revision, () => {})
    this.#healthPool.release(revision, () => {})
    this.#counterPool.release(revision, (slot, lines) => {
      const from = slot * LINE
      const to = from + lines * LINE
      clear(this.#base, from, to)
      for (const lane of this.#lanes.values()) clear(lane, from, to)
    })
  }

  /** Slots that wait for requests on old revisions. */
  get retired(): number {
    return this.#positionPool.waiting + this.#healthPool.waiting + this.#counterPool.waiting
  }
}

/** Whether a slot of this pool is counters. */
function isCounted(pool: SlotPool): pool is CountedObject['pool'] {
  return pool !== 'position' && pool !== 'health'
}

const WORKER_GAUGES = [
  WORKER.ACTIVE,
  WORKER.IN_FLIGHT,
  WORKER.UPSTREAM_CONNECTIONS,
  WORKER.BUFFERED_BYTES,
  WORKER.LAG,
  WORKER.LAG_MAX,
]

function zeroEndpointGauges(lane: Float64Array, slot: number): void {
  const at = slot * LINE
  clear(lane, at + ENDPOINT.IN_FLIGHT, at + ENDPOINT.CONNECTIONS + 1)
}

/** Whether nothing was ever counted in a block of a target or route; then its other lines need no look. */
function isUntouched(lane: Float64Array, at: number, pool: SlotPool): boolean {
  if (pool === 'endpoint') return false
  return lane[at + BLOCK.REQUESTS] === 0 && lane[at + BLOCK.WEIGHT] === 0
}

// Both write only where something changes: a page that nobody wrote to takes no memory.

function fold(base: Float64Array, lane: Float64Array, at: number): void {
  const value = lane[at] as number
  if (value !== 0) base[at] = (base[at] as number) + value
}

function clear(cells: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (cells[i] !== 0) cells[i] = 0
}

function count(change: Map<string, { need: SlotNeed; by: number }>, need: SlotNeed, by: number): void {
  const entry = change.get(need.identity)
  if (entry === undefined) change.set(need.identity, { need, by })
  else entry.by += by
}

/** Where an identity counts that got no lines of its own; 0 for positions. */
export function overflowSlot(identity: string): number {
  if (identity.startsWith('route:')) return ROUTE_OVERFLOW
  if (identity.startsWith('target:')) return TARGET_OVERFLOW
  if (identity.startsWith('endpoint:')) return ENDPOINT_OVERFLOW
  return 0
}
