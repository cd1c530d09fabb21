import { ENDPOINT, targetIdentity, WORKER } from '../model/counters.ts'
import { endpointIdentity, endpointLabel } from '../model/endpoint.ts'
import type { EndpointView } from '../model/endpoint-view.ts'
import type {
  RouteTraffic,
  SplitTraffic,
  TrafficFigures,
  TrafficQuery,
  TrafficReader,
  TrafficReport,
  TrafficRow,
  TrafficSort,
  UpstreamTraffic,
} from '../model/traffic.ts'
import type { CountedRoute, CounterReader, ObjectReader } from './metrics-source.ts'
import { type Followed, NO_OWNER, REST_OWNER, TrafficSamples, TrafficSum } from './traffic-samples.ts'

const SAMPLE_MS = 1000
/** Sampling ends so long after the last question. */
const LINGER_MS = 60_000
/** Objects without traffic that are read to fill up a report. */
const MAX_IDLE_READ = 1000

export interface TrafficOptions {
  readonly counters: CounterReader
  readonly objects: ObjectReader
  /** How the endpoints of an upstream stand; absent: nobody knows. */
  readonly standings?: (upstreamId: string) => readonly EndpointView[] | undefined
  /** For tests. */
  readonly now?: () => number
  readonly sampleMs?: number
}

interface Watch {
  readonly query: TrafficQuery
  readonly onReport: (report: TrafficReport) => void
}

/** Answers for the live picture. Samples are taken only while somebody looks, and a minute longer; until then it costs nothing. */
export class Traffic implements TrafficReader {
  readonly #options: TrafficOptions
  readonly #now: () => number
  #samples: TrafficSamples | null = null
  #timer: NodeJS.Timeout | null = null
  #askedAt = 0
  #taken = 0
  readonly #watches = new Set<Watch>()
  readonly #waiting: (() => void)[] = []

  constructor(options: TrafficOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  get isSampling(): boolean {
    return this.#samples !== null
  }

  async report(query: TrafficQuery): Promise<TrafficReport> {
    const samples = this.#touch()
    if (this.#taken < 2) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.#report(samples, query)
  }

  watch(query: TrafficQuery, onReport: (report: TrafficReport) => void): () => void {
    const watch = { query, onReport }
    this.#watches.add(watch)
    const samples = this.#touch()
    if (this.#taken >= 2) onReport(this.#report(samples, query))
    return () => this.#watches.delete(watch)
  }

  close(): void {
    this.#stop()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #touch(): TrafficSamples {
    this.#askedAt = this.#now()
    if (this.#samples !== null) return this.#samples
    const samples = new TrafficSamples(this.#options.counters)
    this.#samples = samples
    samples.take(this.#askedAt)
    this.#taken = 1
    this.#timer = setInterval(() => this.#tick(), this.#options.sampleMs ?? SAMPLE_MS)
    this.#timer.unref()
    return samples
  }

  #tick(): void {
    const samples = this.#samples
    if (samples === null) return
    const now = this.#now()
    if (this.#watches.size === 0 && now - this.#askedAt > LINGER_MS) return this.#stop()
    samples.take(now)
    this.#taken++
    for (const resolve of this.#waiting.splice(0)) resolve()
    for (const { query, onReport } of this.#watches) onReport(this.#report(samples, query))
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#samples = null
    this.#taken = 0
  }

  #report(samples: TrafficSamples, query: TrafficQuery): TrafficReport {
    const { counters } = this.#options
    const totals = new TrafficSum(samples)
    for (const followed of samples.followed) if (followed.counted.pool !== 'endpoint') totals.add(followed)
    return {
      atMs: Date.now(),
      sampledSeconds: Math.round(samples.seconds(60) * 1000) / 1000,
      isPartial: samples.isPartial,
      view: query.view,
      totals: {
        ...figuresOf(totals),
        connections: counters.sum(0, WORKER.ACTIVE),
        inFlight: counters.sum(0, WORKER.IN_FLIGHT),
        upstreamConnections: counters.sum(0, WORKER.UPSTREAM_CONNECTIONS),
      },
      rows: this.#rows(samples, query),
    }
  }

  #rows(samples: TrafficSamples, query: TrafficQuery): readonly TrafficRow[] {
    switch (query.view) {
      case 'routes':
        return this.#routes(samples, query)
      case 'splits':
        return this.#splits(samples, query)
      default:
        return this.#upstreams(samples, query)
    }
  }

  #routes(samples: TrafficSamples, query: TrafficQuery): RouteTraffic[] {
    const { objects } = this.#options
    const rows: RouteTraffic[] = []
    const make = (id: string, sum: TrafficSum, route: CountedRoute | undefined): RouteTraffic => ({
      kind: 'route',
      route: id,
      name: route?.name ?? '',
      ...figuresOf(sum),
      bytesInPerSecond: sum.bytesInPerSecond,
      bytesOutPerSecond: sum.bytesOutPerSecond,
    })
    const sums = sumByOwner(samples, false, query.id)
    for (const [id, sum] of sorted(sums, query.sort).slice(0, query.limit))
      rows.push(make(id, sum, objects.route(id)))
    for (const { id, read } of unseen(objects.routes(), sums, query, query.limit - rows.length)) {
      rows.push(make(id, new TrafficSum(samples), read()))
    }
    return rows
  }

  /** All splits with more than one target; the targets of one stay together, in their order. */
  #splits(samples: TrafficSamples, query: TrafficQuery): SplitTraffic[] {
    const { objects } = this.#options
    const rows: SplitTraffic[] = []
    let splits = 0
    const add = (route: CountedRoute): void => {
      route.rules.forEach(({ split }, rule) => {
        if (split.targets.length < 2 || splits >= query.limit) return
        splits++
        const sums = split.targets.map((_, target) => {
          const followed = samples.find(targetIdentity(split.id, target))
          const sum = new TrafficSum(samples)
          return followed === undefined ? sum : sum.add(followed)
        })
        const weights = split.targets.reduce((sum, { weight }) => sum + weight, 0)
        const decisions = sums.reduce((sum, one) => sum + one.decisions, 0)
        split.targets.forEach((target, i) => {
          const sum = sums[i] as TrafficSum
          rows.push({
            kind: 'target',
            route: route.id,
            name: route.name,
            rule,
            target: i,
            variant: target.variant,
            upstream: target.kind === 'upstream' ? target.upstreamId : '',
            weight: target.weight,
            configuredShare: weights === 0 ? 0 : target.weight / weights,
            observedShare: decisions === 0 ? null : sum.decisions / decisions,
            decisions: sum.decisions,
            ...figuresOf(sum),
          })
        })
      })
    }
    const sums = sumByOwner(samples, false, query.id)
    for (const [id] of sorted(sums, query.sort)) {
      if (splits >= query.limit) break
      const route = objects.route(id)
      if (route !== undefined) add(route)
    }
    // few routes may have a split, so more are read than are shown
    for (const { read } of unseen(objects.routes(), sums, query, MAX_IDLE_READ)) {
      if (splits >= query.limit) break
      add(read())
    }
    return rows
  }

  #upstreams(samples: TrafficSamples, query: TrafficQuery): UpstreamTraffic[] {
    const { objects, counters } = this.#options
    const rows: UpstreamTraffic[] = []
    const isEach = query.view === 'endpoints'
    const add = (id: string): void => {
      const upstream = objects.upstream(id)
      const all = new TrafficSum(samples)
      const identities = new Set<string>()
      const standings = new Map(
        (isEach ? this.#options.standings?.(id) : undefined)?.map((view) => [view.label, view]),
      )
      const before = rows.length
      let inFlight = 0
      for (const endpoint of upstream?.endpoints ?? []) {
        const identity = endpointIdentity(id, endpoint)
        if (identities.has(identity)) continue
        identities.add(identity)
        const followed = samples.find(identity)
        const busy = followed === undefined ? 0 : counters.sum(followed.counted.slot, ENDPOINT.IN_FLIGHT)
        if (followed !== undefined) all.add(followed)
        inFlight += busy
        if (!isEach) continue
        const sum = new TrafficSum(samples)
        if (followed !== undefined) sum.add(followed)
        rows.push({
          ...upstreamFigures('endpoint', id, upstream?.name ?? '', sum),
          node: endpointLabel(endpoint),
          priority: endpoint.priority,
          weight: endpoint.weight,
          endpoints: 1,
          inFlight: busy,
          observedShare: null,
          standing: standings.get(endpointLabel(endpoint)) ?? null,
        })
      }
      // only now it is known of how many
      const rate = all.rates.last60s
      for (let i = before; rate > 0 && i < rows.length; i++) {
        const row = rows[i] as UpstreamTraffic
        rows[i] = { ...row, observedShare: row.rates.last60s / rate }
      }
      if (isEach || before !== rows.length) return
      rows.push({
        ...upstreamFigures('upstream', id, upstream?.name ?? '', all),
        node: '',
        priority: null,
        weight: null,
        endpoints: identities.size,
        inFlight,
        observedShare: null,
        standing: null,
      })
    }
    const sums = sumByOwner(samples, true, query.id)
    for (const [id] of sorted(sums, query.sort)) {
      if (rows.length >= query.limit) break
      if (id !== REST_OWNER) add(id)
    }
    for (const { id } of unseen(objects.upstreams(), sums, query, query.limit - rows.length)) {
      if (rows.length >= query.limit) break
      add(id)
    }
    return isEach ? sortRows(rows, query.sort).slice(0, query.limit) : rows
  }
}

function upstreamFigures(kind: UpstreamTraffic['kind'], upstream: string, name: string, sum: TrafficSum) {
  return {
    kind,
    upstream,
    name,
    ...figuresOf(sum),
    connectsPerSecond: sum.connectsPerSecond,
    retriesPerSecond: sum.retriesPerSecond,
  }
}

function figuresOf(sum: TrafficSum): TrafficFigures {
  return { requests: sum.requests, rates: sum.rates, errorRatio: sum.errorRatio, latencyMs: sum.latencyMs }
}

function sumByOwner(
  samples: TrafficSamples,
  isEndpoints: boolean,
  id: string | null,
): Map<string, TrafficSum> {
  const sums = new Map<string, TrafficSum>()
  for (const followed of samples.followed) {
    const { owner, pool } = followed.counted
    if ((pool === 'endpoint') !== isEndpoints || (id !== null && owner !== id)) continue
    const sum = sums.get(owner)
    if (sum === undefined) sums.set(owner, new TrafficSum(samples).add(followed as Followed))
    else sum.add(followed)
  }
  return sums
}

/** Objects that nothing was counted of, at most so many. */
function* unseen<T>(
  objects: Iterable<{ readonly id: string; read(): T }>,
  seen: ReadonlyMap<string, unknown>,
  query: TrafficQuery,
  most: number,
): Generator<{ readonly id: string; read: () => T }> {
  let left = Math.min(most, MAX_IDLE_READ)
  for (const object of objects) {
    if (left <= 0) return
    if (seen.has(object.id) || (query.id !== null && object.id !== query.id)) continue
    left--
    yield { id: object.id, read: () => object.read() }
  }
}

function sorted(sums: ReadonlyMap<string, TrafficSum>, sort: TrafficSort): [string, TrafficSum][] {
  const keyed = [...sums].map((entry) => ({ entry, id: entry[0], key: keyOf(entry[1], sort) }))
  return keyed.sort((a, b) => b.key - a.key || compareIds(a.id, b.id)).map(({ entry }) => entry)
}

function sortRows(rows: readonly UpstreamTraffic[], sort: TrafficSort): UpstreamTraffic[] {
  return [...rows].sort(
    (a, b) =>
      keyOf(b, sort) - keyOf(a, sort) || compareIds(a.upstream, b.upstream) || compareIds(a.node, b.node),
  )
}

function keyOf(
  figures: Pick<TrafficFigures, 'rates' | 'errorRatio' | 'latencyMs'>,
  sort: TrafficSort,
): number {
  switch (sort) {
    case 'rate':
      return figures.rates.last10s
    case 'errors':
      return figures.errorRatio ?? -1
    case 'latency':
      return figures.latencyMs?.p95 ?? -1
    default:
      return 0
  }
}

/** The rests come last. */
function compareIds(a: string, b: string): number {
  const rank = (id: string): number => (id === NO_OWNER ? 1 : id === REST_OWNER ? 2 : 0)
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}
