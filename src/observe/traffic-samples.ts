import {
  BLOCK,
  BUCKET_BOUNDS_MS,
  BUCKETS,
  ENDPOINT,
  ENDPOINT_OVERFLOW,
  NO_ROUTE,
  PHASE,
  PHASES,
  ROUTE_OVERFLOW,
  TARGET_OVERFLOW,
} from '../model/counters.ts'
import { ERROR_CELLS } from '../model/status-cell.ts'
import type { TrafficLatency, TrafficRates } from '../model/traffic.ts'
import type { CountedObject, CounterReader } from './metrics-source.ts'

/** Objects that are followed at most; each takes some 4 KB. */
const MAX_FOLLOWED = 10_000
/** Samples kept: one a second, and one more to subtract from. */
const RING = 61
const BUCKET_RING = 11

/** What a sample holds; of blocks and of endpoints. */
const FIELD = {
  REQUESTS: 0,
  ERRORS: 1,
  DECISIONS: 2,
  CONNECTS: 2,
  BYTES_IN: 3,
  RETRIES: 3,
  BYTES_OUT: 4,
} as const
const FIELDS = 5

/** One thing that counts: a target, what of a route reached no target, an endpoint, or a rest. */
export interface Followed {
  readonly counted: CountedObject
  readonly fields: Float64Array
  readonly buckets: Uint32Array
  activity: number
  /** Sample in which it last changed; negative: not since it is followed. */
  changedAt: number
}

/** Ids of what belongs to no route or upstream. */
export const NO_OWNER = ''
export const REST_OWNER = '_other'

const RESTS: readonly CountedObject[] = [
  { pool: 'route', identity: 'no route', slot: NO_ROUTE, owner: NO_OWNER },
  { pool: 'route', identity: 'other routes', slot: ROUTE_OVERFLOW, owner: REST_OWNER },
  { pool: 'route', identity: 'other targets', slot: TARGET_OVERFLOW, owner: REST_OWNER },
  { pool: 'endpoint', identity: 'other endpoints', slot: ENDPOINT_OVERFLOW, owner: REST_OWNER },
]

/**
 * Samples of the counters, one each second, of the last minute. What was never used costs a look at a cell or two. When more objects are in use
 * than are followed, one that changes takes the place of one that has not for a minute; its first second is then lost.
 */
export class TrafficSamples {
  readonly #counters: CounterReader
  readonly #mostFollowed: number
  readonly #followed = new Map<string, Followed>()
  /** Activity of objects that were used and are not followed. */
  readonly #leftOut = new Map<string, number>()
  readonly #times = new Float64Array(RING)
  /** Samples taken, less one. */
  #tick = -1
  #isPartial = false

  constructor(counters: CounterReader, mostFollowed = MAX_FOLLOWED) {
    this.#counters = counters
    this.#mostFollowed = mostFollowed
  }

  get followed(): Iterable<Followed> {
    return this.#followed.values()
  }

  /** Whether something that changed with the last sample had no room. */
  get isPartial(): boolean {
    return this.#isPartial
  }

  find(identity: string): Followed | undefined {
    return this.#followed.get(identity)
  }

  /** Takes one sample. `nowMs` of a clock that never goes back. */
  take(nowMs: number): void {
    this.#tick++
    this.#times[this.#tick % RING] = nowMs
    this.#isPartial = false
    const seen = new Set<string>()
    for (const counted of this.#all()) {
      const { identity } = counted
      const activity = readActivity(this.#counters, counted)
      const known = this.#followed.get(identity)
      if (known !== undefined && known.counted.slot === counted.slot && activity >= known.activity) {
        this.#sample(known, activity)
      } else if (activity > 0) {
        this.#followed.delete(identity)
        this.#meet(counted, activity)
      } else continue
      seen.add(identity)
    }
    for (const identity of this.#followed.keys()) if (!seen.has(identity)) this.#followed.delete(identity)
    for (const identity of this.#leftOut.keys()) if (!seen.has(identity)) this.#leftOut.delete(identity)
  }

  *#all(): Generator<CountedObject> {
    yield* RESTS
    yield* this.#counters.counted()
  }

  /** An object in use that is not followed. */
  #meet(counted: CountedObject, activity: number): void {
    const { identity } = counted
    const before = this.#leftOut.get(identity)
    if (before === activity) return
    const isNew = this.#tick > 0 && before === undefined
    if (this.#followed.size >= this.#mostFollowed && !(this.#tick > 0 && this.#forgetIdle())) {
      if (this.#tick > 0) this.#isPartial = true
      this.#leftOut.set(identity, activity)
      return
    }
    this.#leftOut.delete(identity)
    const followed: Followed = {
      counted,
      fields: new Float64Array(RING * FIELDS),
      buckets: new Uint32Array(BUCKET_RING * BUCKETS),
      activity: isNew ? 0 : activity,
      changedAt: -1,
    }
    this.#followed.set(identity, followed)
    this.#read(followed)
    // What came into use since the last sample was at 0 before. Of anything else nobody knows when it was counted: it begins here.
    if (isNew) {
      followed.activity = activity
      followed.changedAt = this.#tick
      return
    }
    const { fields, buckets } = followed
    const row = fields.slice((this.#tick % RING) * FIELDS, (this.#tick % RING) * FIELDS + FIELDS)
    for (let i = 0; i < RING; i++) fields.set(row, i * FIELDS)
    const at = (this.#tick % BUCKET_RING) * BUCKETS
    const counts = buckets.slice(at, at + BUCKETS)
    for (let i = 0; i < BUCKET_RING; i++) buckets.set(counts, i * BUCKETS)
  }

  /** Makes room: lets go of one that has not changed as far as the samples reach. */
  #forgetIdle(): boolean {
    for (const [identity, { changedAt, activity }] of this.#followed) {
      if (changedAt >= 0 && this.#tick - changedAt < RING) continue
      this.#followed.delete(identity)
      this.#leftOut.set(identity, activity)
      return true
    }
    return false
  }

  #sample(followed: Followed, activity: number): void {
    if (activity !== followed.activity) {
      followed.activity = activity
      followed.changedAt = this.#tick
      this.#read(followed)
      return
    }
    const before = (this.#tick + RING - 1) % RING
    followed.fields.copyWithin((this.#tick % RING) * FIELDS, before * FIELDS, before * FIELDS + FIELDS)
    const bucketsBefore = (this.#tick + BUCKET_RING - 1) % BUCKET_RING
    followed.buckets.copyWithin(
      (this.#tick % BUCKET_RING) * BUCKETS,
      bucketsBefore * BUCKETS,
      bucketsBefore * BUCKETS + BUCKETS,
    )
  }

  #read({ counted, fields, buckets }: Followed): void {
    const counters = this.#counters
    const { slot } = counted
    const at = (this.#tick % RING) * FIELDS
    const isEndpoint = counted.pool === 'endpoint'
    if (isEndpoint) readEndpoint(counters, slot, fields, at)
    else readBlock(counters, slot, fields, at)
    const bucketAt = (this.#tick % BUCKET_RING) * BUCKETS
    const first = isEndpoint ? ENDPOINT.BUCKETS : BLOCK.BUCKETS + PHASE.TOTAL
    const step = isEndpoint ? 1 : PHASES
    for (let i = 0; i < BUCKETS; i++) buckets[bucketAt + i] = counters.sum(slot, first + i * step)
  }

  /** Seconds that a window of so many seconds really has. */
  seconds(window: number): number {
    const back = Math.min(window, this.#tick, RING - 1)
    if (back <= 0) return 0
    return (
      ((this.#times[this.#tick % RING] as number) - (this.#times[(this.#tick - back) % RING] as number)) /
      1000
    )
  }

  /** What a field grew by in a window. */
  growth(followed: Followed, field: number, window: number): number {
    const back = Math.min(window, this.#tick, RING - 1)
    if (back <= 0) return 0
    const now = (this.#tick % RING) * FIELDS
    const then = ((this.#tick - back) % RING) * FIELDS
    return Math.max(0, (followed.fields[now + field] as number) - (followed.fields[then + field] as number))
  }

  latest(followed: Followed, field: number): number {
    return followed.fields[(this.#tick % RING) * FIELDS + field] as number
  }

  addBuckets(followed: Followed, to: Float64Array): void {
    const back = Math.min(BUCKET_RING - 1, this.#tick)
    if (back <= 0) return
    const now = (this.#tick % BUCKET_RING) * BUCKETS
    const then = ((this.#tick - back) % BUCKET_RING) * BUCKETS
    for (let i = 0; i < BUCKETS; i++) {
      // the cells wrap at 2^32, and so does their difference
      const growth = ((followed.buckets[now + i] as number) - (followed.buckets[then + i] as number)) >>> 0
      to[i] = (to[i] as number) + growth
    }
  }
}

/** Grows whenever something is counted. */
function readActivity(counters: CounterReader, { pool, slot }: CountedObject): number {
  if (pool !== 'endpoint') {
    const requests = counters.sum(slot, BLOCK.REQUESTS)
    return requests + (requests === 0 ? counters.sum(slot, BLOCK.WEIGHT) : readDecisions(counters, slot))
  }
  let sum = counters.sum(slot, ENDPOINT.CONNECTED) + counters.sum(slot, ENDPOINT.RETRIES)
  for (let i = 0; i <= ENDPOINT.CLOSED; i++) sum += counters.sum(slot, i)
  return sum
}

function readDecisions(counters: CounterReader, slot: number): number {
  return (
    counters.sum(slot, BLOCK.WEIGHT) +
    counters.sum(slot, BLOCK.FORCED) +
    counters.sum(slot, BLOCK.STICKY) +
    counters.sum(slot, BLOCK.FAILOVER)
  )
}

function readBlock(counters: CounterReader, slot: number, to: Float64Array, at: number): void {
  let errors = 0
  for (const cell of ERROR_CELLS) errors += counters.sum(slot, BLOCK.CODES + cell)
  to[at + FIELD.REQUESTS] = counters.sum(slot, BLOCK.REQUESTS)
  to[at + FIELD.ERRORS] = errors
  to[at + FIELD.DECISIONS] = readDecisions(counters, slot)
  to[at + FIELD.BYTES_IN] = counters.sum(slot, BLOCK.BYTES_IN)
  to[at + FIELD.BYTES_OUT] = counters.sum(slot, BLOCK.BYTES_OUT)
}

/** An attempt is an error that was answered with 500 or above, or with nothing. */
function readEndpoint(counters: CounterReader, slot: number, to: Float64Array, at: number): void {
  let answered = 0
  for (let i = 0; i < 5; i++) answered += counters.sum(slot, i)
  const failed =
    counters.sum(slot, ENDPOINT.CONNECT_FAILED) +
    counters.sum(slot, ENDPOINT.TIMED_OUT) +
    counters.sum(slot, ENDPOINT.CLOSED)
  to[at + FIELD.REQUESTS] = answered + failed
  to[at + FIELD.ERRORS] = counters.sum(slot, 4) + failed
  to[at + FIELD.CONNECTS] = counters.sum(slot, ENDPOINT.CONNECTED)
  to[at + FIELD.RETRIES] = counters.sum(slot, ENDPOINT.RETRIES)
}

/** p50, p95 and p99 in milliseconds; null where nothing was counted. What is over the last bound counts as that bound. */
export function percentilesOf(buckets: Float64Array): TrafficLatency | null {
  let total = 0
  for (const count of buckets) total += count
  if (total === 0) return null
  return {
    p50: percentile(buckets, total * 0.5),
    p95: percentile(buckets, total * 0.95),
    p99: percentile(buckets, total * 0.99),
  }
}

function percentile(buckets: Float64Array, rank: number): number {
  let passed = 0
  for (let i = 0; i < BUCKET_BOUNDS_MS.length; i++) {
    const count = buckets[i] as number
    if (count > 0 && passed + count >= rank) {
      const lower = i === 0 ? 0 : (BUCKET_BOUNDS_MS[i - 1] as number)
      const upper = BUCKET_BOUNDS_MS[i] as number
      return round(lower + ((upper - lower) * (rank - passed)) / count)
    }
    passed += count
  }
  return BUCKET_BOUNDS_MS[BUCKET_BOUNDS_MS.length - 1] as number
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Figures of several counted things together. */
export class TrafficSum {
  readonly #samples: TrafficSamples
  readonly #buckets = new Float64Array(BUCKETS)
  readonly #perWindow = new Float64Array(3)
  requests = 0
  #errors = 0
  /** In the last 60 s. */
  decisions = 0
  #bytesIn = 0
  #bytesOut = 0
  #connects = 0

  constructor(samples: TrafficSamples) {
    this.#samples = samples
  }

  add(followed: Followed): this {
    const samples = this.#samples
    this.requests += samples.latest(followed, FIELD.REQUESTS)
    WINDOWS.forEach((window, i) => {
      this.#perWindow[i] = (this.#perWindow[i] as number) + samples.growth(followed, FIELD.REQUESTS, window)
    })
    this.#errors += samples.growth(followed, FIELD.ERRORS, 60)
    this.decisions += samples.growth(followed, FIELD.DECISIONS, 60)
    this.#connects += samples.growth(followed, FIELD.CONNECTS, 10)
    this.#bytesIn += samples.growth(followed, FIELD.BYTES_IN, 10)
    this.#bytesOut += samples.growth(followed, FIELD.BYTES_OUT, 10)
    samples.addBuckets(followed, this.#buckets)
    return this
  }

  get rates(): TrafficRates {
    const rate = (i: number): number => this.#rate(this.#perWindow[i] as number, WINDOWS[i] as number)
    return { last1s: rate(0), last10s: rate(1), last60s: rate(2) }
  }
  get errorRatio(): number | null {
    const requests = this.#perWindow[2] as number
    return requests === 0 ? null : round(this.#errors / requests)
  }
  get latencyMs(): TrafficLatency | null {
    return percentilesOf(this.#buckets)
  }
  get bytesInPerSecond(): number {
    return this.#rate(this.#bytesIn, 10)
  }
  get bytesOutPerSecond(): number {
    return this.#rate(this.#bytesOut, 10)
  }
  get connectsPerSecond(): number {
    return this.#rate(this.#connects, 10)
  }
  /** The field is shared with the bytes of requests, which endpoints do not count. */
  get retriesPerSecond(): number {
    return this.#rate(this.#bytesIn, 10)
  }

  #rate(growth: number, window: number): number {
    const seconds = this.#samples.seconds(window)
    return seconds === 0 ? 0 : round(growth / seconds)
  }
}

const WINDOWS: readonly number[] = [1, 10, 60]
