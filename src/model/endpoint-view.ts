/**
 * How an endpoint stands, for people: API, command line, metrics. Read from shared memory and the prober when somebody asks; times are milliseconds of the
 * epoch.
 */
export interface EndpointView {
  readonly upstreamId: string
  /** `endpointLabel`. */
  readonly label: string
  readonly host: string
  readonly port: number
  /** Where connections go; null: the name stands for no address now. */
  readonly address: string | null
  readonly priority: number
  readonly zone: string | null
  /** The Service of a cluster that it is a pod of: `cls-1/shop/orders:8000`; null: none. */
  readonly service: string | null
  readonly state: EndpointCondition
  /** Why, where it is not `up`: `3 timeouts in a row (probe)`, `ejected after 5 failures, the last: status 503`, `drained by admin`. '' else. */
  readonly reason: string
  /** What keeps it from serving as all others do: ejection by live traffic, its trial included, or checks; null: neither. Of two, the one that `state` tells. */
  readonly openedBy: 'breaker' | 'health' | null
  /** Since when; the start of the gateway where it was never otherwise. */
  readonly sinceMs: number
  /** null: it is not probed, or was not yet. `result`: `status 200`, `connected`, `timeout`, `ECONNREFUSED`. */
  readonly lastProbe: {
    readonly atMs: number
    readonly isSuccess: boolean
    readonly result: string
    readonly tookMs: number
  } | null
  readonly nextProbeMs: number | null
  readonly weight: number
  /** What it gets now of its weight, by slow start; 0 while it is out. */
  readonly effectiveWeight: number
  readonly inFlight: number
  /** Since the start. */
  readonly requests: number
  readonly failures: number
  readonly ejections: number
  /** Counts of APISIX's checks: since the last change of state. */
  readonly counter: {
    readonly success: number
    readonly httpFailures: number
    readonly tcpFailures: number
    readonly timeouts: number
  }
  /** Probes in a row that ended the same way, since the gateway probes it; one that says nothing changes neither. At most one of the two is over 0. */
  readonly consecutivePasses: number
  readonly consecutiveFailures: number
  /** Of the window that outlier detection counts errors in, since it began; 0 where it counts none, and anew after each ejection. */
  readonly windowErrors: number
  readonly windowTotal: number
  /** When an ejected one comes back. */
  readonly returnsAtMs: number | null
}

/** `unhealthy`: checks say so; `ejected`: live traffic says so, it comes back by itself; `trial`: one request is let through to see. */
export type EndpointCondition = 'up' | 'unhealthy' | 'ejected' | 'trial' | 'drain' | 'maint' | 'unresolved'

export const ENDPOINT_CONDITIONS: readonly EndpointCondition[] = [
  'up',
  'unhealthy',
  'ejected',
  'trial',
  'drain',
  'maint',
  'unresolved',
]

/** What tells an endpoint from the others of its upstream. */
export type EndpointAddress = Pick<EndpointView, 'host' | 'port' | 'priority' | 'address'>

export interface EndpointLoad {
  readonly inFlight: number
  readonly connections: number
}
