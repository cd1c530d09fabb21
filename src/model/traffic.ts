import type { EndpointView } from './endpoint-view.ts'

/** The live picture: what `GET /headgate/v1/traffic` answers and `headgate top` shows. All figures are over all workers. */
export const TRAFFIC_VIEWS = ['routes', 'splits', 'upstreams', 'endpoints'] as const
export type TrafficView = (typeof TRAFFIC_VIEWS)[number]

/** `rate`: requests per second of the last 10 s; `errors`: share of errors; `latency`: p95; all of them most first. `name`: by id. */
export const TRAFFIC_SORTS = ['rate', 'errors', 'latency', 'name'] as const
export type TrafficSort = (typeof TRAFFIC_SORTS)[number]

/** Rows of a report at most. */
export const MAX_TRAFFIC_ROWS = 1000

export interface TrafficQuery {
  readonly view: TrafficView
  readonly sort: TrafficSort
  /** Rows at most, 1 to MAX_TRAFFIC_ROWS; a split counts once however many targets it has. */
  readonly limit: number
  /** Only the route, or the upstream, with this id. */
  readonly id: string | null
}

/** Per second. Before a window is full it is over what there is: see `sampledSeconds`. */
export interface TrafficRates {
  readonly last1s: number
  readonly last10s: number
  readonly last60s: number
}

/** Interpolated inside the buckets of the histogram, so exact only to their width (model/counters.ts). */
export interface TrafficLatency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface TrafficFigures {
  /** Since the object exists in this process. Of upstreams and endpoints: attempts. */
  readonly requests: number
  readonly rates: TrafficRates
  /** Share of the last 60 s that was answered with 500 or above, or not at all by an endpoint; null: there were none. */
  readonly errorRatio: number | null
  /** Milliseconds, of the last 10 s; null: there were none. */
  readonly latencyMs: TrafficLatency | null
}

export interface RouteTraffic extends TrafficFigures {
  readonly kind: 'route'
  /** Id of the model; `''`: no route took the requests; `_other`: routes without counters of their own. */
  readonly route: string
  readonly name: string
  /** Bytes of bodies per second, last 10 s. */
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
}

export interface SplitTraffic extends TrafficFigures {
  readonly kind: 'target'
  readonly route: string
  readonly name: string
  /** Place of the rule in the route and of the target in its split, from 0. */
  readonly rule: number
  readonly target: number
  readonly variant: string
  /** `''` for a redirect or a fixed answer. */
  readonly upstream: string
  readonly weight: number
  /** 0 to 1. */
  readonly configuredShare: number
  /** 0 to 1, of the choices in the last 60 s; null: there were none. */
  readonly observedShare: number | null
  /** Choices in the last 60 s: what `observedShare` is made of. */
  readonly decisions: number
}

export interface UpstreamTraffic extends TrafficFigures {
  readonly kind: 'upstream' | 'endpoint'
  readonly upstream: string
  readonly name: string
  /** `host:port`; of an upstream `''`. */
  readonly node: string
  readonly priority: number | null
  readonly weight: number | null
  readonly endpoints: number
  readonly inFlight: number
  readonly connectsPerSecond: number
  readonly retriesPerSecond: number
  /** Of an endpoint: its part of the attempts of the last 60 s, 0 to 1; null: there were none, or it is an upstream. */
  readonly observedShare: number | null
  /** Of an endpoint: how it stands; null: nobody knows, or it is an upstream. */
  readonly standing: EndpointView | null
}

export type TrafficRow = RouteTraffic | SplitTraffic | UpstreamTraffic

export interface TrafficReport {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** How far back the samples reach, at most 60. They begin with the first question and end a minute after the last one. */
  readonly sampledSeconds: number
  /** Whether more objects were in use than are followed: theirs are missing, also from `totals`. */
  readonly isPartial: boolean
  readonly view: TrafficView
  readonly totals: TrafficFigures & {
    readonly connections: number
    readonly inFlight: number
    readonly upstreamConnections: number
  }
  readonly rows: readonly TrafficRow[]
}

export interface TrafficReader {
  /** Takes a second where nobody has asked for a minute: a rate needs two samples. */
  report(query: TrafficQuery): Promise<TrafficReport>
  /** Calls back once a second until the function that it returns is called. */
  watch(query: TrafficQuery, onReport: (report: TrafficReport) => void): () => void
}
