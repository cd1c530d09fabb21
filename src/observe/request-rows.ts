import {
  BLOCK,
  BUCKET_BOUNDS_MS,
  BUCKETS,
  NO_ROUTE,
  PHASE,
  PHASES,
  ROUTE_OVERFLOW,
  routeIdentity,
  TARGET_OVERFLOW,
  targetIdentity,
} from '../model/counters.ts'
import type { Target } from '../model/split.ts'
import { OTHER } from './exposition.ts'
import type { CountedRoute, CounterReader, MetricsSource } from './metrics-source.ts'

/** Routes without requests or streams that are shown, so that their first ones make a rate; reading all of many would take long. */
export const IDLE_SHOWN = 1000

/** Cells of a block. */
const CELLS = BLOCK.BUCKETS + BUCKETS * PHASES

/** What was counted of one target, of what of a route reached no target, or of a rest. A stream counts as a request. */
export interface RequestRow {
  /** null: no route took the requests, or `isRest`. */
  readonly route: CountedRoute | null
  readonly rule: number
  /** Index in the rule's split; -1: no target was chosen. */
  readonly index: number
  readonly target: Target | null
  /** Share of the weights, 0 to 1; null without a target. */
  readonly share: number | null
  /** The sum of all that has no row of its own. */
  readonly isRest: boolean
  /** false: it counts in the rest, with others. */
  readonly hasLines: boolean
  /** The cells of the block; null: nothing was counted yet. */
  readonly cells: Float64Array | null
}

/** Labels of a row that name what it counts. */
export function routeLabel(row: RequestRow): string {
  return row.isRest ? OTHER : row.route === null ? '' : row.route.id
}
export function variantLabel(row: RequestRow): string {
  return row.isRest ? OTHER : row.target === null ? '' : row.target.variant
}
export function upstreamLabel(row: RequestRow): string {
  if (row.isRest) return OTHER
  return row.target?.kind === 'upstream' ? row.target.upstreamId : ''
}

/**
 * Rows of all blocks. At most `max` routes are read: those that have had requests, then some of the others. What is counted elsewhere, and what
 * counts on the overflow lines, is in one row at the end; nothing is lost.
 */
export function gatherRequests(source: MetricsSource, max: number): RequestRow[] {
  const { counters, objects } = source
  const busy = new Map<string, number[]>()
  for (const { pool, owner, slot } of counters.counted()) {
    if (pool === 'endpoint' || !isBusy(counters, slot)) continue
    const slots = busy.get(owner)
    if (slots === undefined) busy.set(owner, [slot])
    else slots.push(slot)
  }
  const rows: RequestRow[] = []
  const rest = new Float64Array(CELLS)
  let routes = 0
  for (const [id, slots] of busy) {
    const route = routes < max ? objects.route(id) : undefined
    if (route === undefined) for (const slot of slots) addBlock(counters, slot, rest)
    else {
      routes++
      addRoute(rows, counters, route)
    }
  }
  let idle = Math.min(IDLE_SHOWN, max - routes)
  for (const route of objects.routes()) {
    if (idle <= 0) break
    if (busy.has(route.id)) continue
    idle--
    addRoute(rows, counters, route.read())
  }
  const none = { rule: -1, index: -1, target: null, share: null, hasLines: true }
  rows.push({ ...none, route: null, isRest: false, cells: readBlock(counters, NO_ROUTE) })
  addBlock(counters, ROUTE_OVERFLOW, rest)
  addBlock(counters, TARGET_OVERFLOW, rest)
  if (rest.some((value) => value !== 0)) rows.push({ ...none, route: null, isRest: true, cells: rest })
  return rows
}

function addRoute(rows: RequestRow[], counters: CounterReader, route: CountedRoute): void {
  const own = counters.slot(routeIdentity(route.id))
  const cells = own === ROUTE_OVERFLOW ? null : readBlock(counters, own)
  if (cells !== null)
    rows.push({ route, rule: -1, index: -1, target: null, share: null, isRest: false, hasLines: true, cells })
  route.rules.forEach(({ split }, rule) => {
    let sum = 0
    for (const target of split.targets) sum += target.weight
    split.targets.forEach((target, index) => {
      const slot = counters.slot(targetIdentity(split.id, index))
      rows.push({
        route,
        rule,
        index,
        target,
        share: sum === 0 ? 0 : target.weight / sum,
        isRest: false,
        hasLines: slot !== TARGET_OVERFLOW,
        cells: slot === TARGET_OVERFLOW ? null : readBlock(counters, slot),
      })
    })
  })
}

function isBusy(counters: CounterReader, slot: number): boolean {
  return counters.sum(slot, BLOCK.REQUESTS) > 0 || counters.sum(slot, BLOCK.WEIGHT) > 0
}

function readBlock(counters: CounterReader, slot: number): Float64Array | null {
  if (!isBusy(counters, slot)) return null
  const cells = new Float64Array(CELLS)
  addBlock(counters, slot, cells)
  return cells
}

function addBlock(counters: CounterReader, slot: number, to: Float64Array): void {
  if (!isBusy(counters, slot)) return
  for (let i = 0; i < CELLS; i++) to[i] = (to[i] as number) + counters.sum(slot, i)
}

/** The histogram of a phase, in the buckets of the block. */
export function phaseBuckets(cells: Float64Array, phase: number): number[] {
  const counts = new Array<number>(BUCKETS)
  for (let i = 0; i < BUCKETS; i++) counts[i] = cells[BLOCK.BUCKETS + i * PHASES + phase] as number
  return counts
}

/** The sum of the durations of a phase. */
export function phaseSeconds(cells: Float64Array, phase: number): number {
  const [total, upstream] = [cells[BLOCK.SECONDS] as number, cells[BLOCK.UPSTREAM_SECONDS] as number]
  if (phase === PHASE.TOTAL) return total
  // a difference of two sums may miss 0 by what they are rounded
  return phase === PHASE.UPSTREAM ? upstream : Math.max(0, total - upstream)
}

/** Buckets of a block as those between `bounds`, each of which is one of the block's; `unit`: milliseconds of one unit of `bounds`. */
export function mergeBuckets(counts: readonly number[], bounds: readonly number[], unit: number): number[] {
  const merged = new Array<number>(bounds.length + 1).fill(0)
  let to = 0
  counts.forEach((count, i) => {
    const upper = BUCKET_BOUNDS_MS[i] ?? Number.POSITIVE_INFINITY
    while (to < bounds.length && upper > (bounds[to] as number) * unit) to++
    merged[to] = (merged[to] as number) + count
  })
  return merged
}
