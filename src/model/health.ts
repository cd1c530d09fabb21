import { type Endpoint, identityOf } from './endpoint.ts'
import type { Upstream } from './upstream.ts'

/** How an upstream finds out which of its endpoints can serve. Every part may be absent; without any, all endpoints are always usable. */
export interface HealthPolicy {
  readonly active: ActiveCheck | null
  readonly passive: PassiveCheck | null
  readonly outlier: OutlierDetection | null
}

/** Probes, sent by the control side at each endpoint. From: APISIX `checks.active`; Apinizer's health check is the same with one interval. */
export interface ActiveCheck {
  readonly kind: 'http' | 'https' | 'tcp' | 'grpc'
  /** Milliseconds for connecting and answering together, > 0. Default 1000 (APISIX). */
  readonly timeoutMs: number
  /** Probes of the upstream under way at once, >= 1. Default 10. */
  readonly concurrency: number
  /** Host field and TLS server name; null: the endpoint's name as configured (or the upstream's `upstreamHost`). */
  readonly host: string | null
  /** Port to probe; null: the endpoint's own. */
  readonly port: number | null
  readonly method: string
  /** http: request target; grpc: name of the service asked for, '' for the whole server. */
  readonly path: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly body: string
  /** https: whether the certificate must be valid. */
  readonly verifiesCertificate: boolean
  /** Whether `healthy.successes` in a row also end an ejection by live traffic, or the trial after it; absent: no (Apinizer: yes). */
  readonly endsEjection?: boolean
  /** How long an endpoint stays out that failures took out, whatever probes find meanwhile. Milliseconds, 0: no longer than probes say (Apinizer: the cooldown of a canary). */
  readonly leastOutMs: number
  readonly healthy: {
    /** Milliseconds between probes of a healthy endpoint, >= 100; plus up to a tenth at random. */
    readonly intervalMs: number
    /** Statuses that count as success, 200-599. */
    readonly statuses: readonly number[]
    /** Successes in a row that bring an unhealthy endpoint back, 1-254. */
    readonly successes: number
  }
  readonly unhealthy: {
    readonly intervalMs: number
    /** Statuses that count as failure; one in neither list changes nothing. */
    readonly statuses: readonly number[]
    /** Failures of one kind, without a success between, that take an endpoint out; 1-254, or 0: never. */
    readonly httpFailures: number
    readonly tcpFailures: number
    readonly timeouts: number
  }
}

/**
 * What live traffic says, counted per endpoint over all workers: final statuses of answers, and failed attempts (refused or reset: tcp; timed out:
 * timeout). A threshold of 0 switches its kind off. From: APISIX `checks.passive`.
 */
export interface PassiveCheck {
  /** An endpoint that it took out is healthy again after so long, whatever came since. Milliseconds; null: only successes or a probe bring it back. */
  readonly returnsAfterMs: number | null
  readonly healthy: { readonly statuses: readonly number[]; readonly successes: number }
  readonly unhealthy: {
    readonly statuses: readonly number[]
    readonly httpFailures: number
    readonly tcpFailures: number
    readonly timeouts: number
  }
}

/**
 * Endpoints that fail are ejected for a while. Gateway failures are: refused, reset, closed or timed out before an answer, and statuses 502-504.
 * Stale kept connections and faults of the client never count. From: reliability.md section 6; Apinizer's circuit breaker is `errors` with a maximum of
 * 100 % and `trial`.
 */
export interface OutlierDetection {
  /** Gateway failures in a row that eject; 0 = off. Default 5. */
  readonly consecutiveFailures: number
  /** Ejects by the share of failures in a window; null = off. */
  readonly errors: {
    readonly windowMs: number
    /** Requests of the endpoint in the window below which nothing is judged. */
    readonly minRequests: number
    /** Failures / requests, 0-1, at or above which it is ejected; or a plain number of failures. */
    readonly threshold: { readonly kind: 'ratio' | 'count'; readonly value: number }
    /** Whether statuses from 500 on count beside gateway failures. */
    readonly countsServerErrors: boolean
    /** Statuses that count as failures, 502 to 504 only if they are among them; absent: `countsServerErrors` says. */
    readonly statuses?: readonly number[]
  } | null
  /** Ejects when the mean latency of a window is over so many times the upstream's; null = off. */
  readonly latency: {
    readonly windowMs: number
    readonly minRequests: number
    readonly factor: number
  } | null
  /** First ejection; the n-th lasts n times as long, up to `maxEjectionMs`. A time without failures of `maxEjectionMs` resets n. */
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  /** Share of the endpoints that may be ejected at once, 0-100; at least one stays, unless `mayEjectAll`. */
  readonly maxEjectionPercent: number
  /** Whether the last one may go too; absent: no. */
  readonly mayEjectAll?: boolean
  /** Whether one request goes first when the time is over: its failure ejects again at once. Else all traffic returns. */
  readonly trial: boolean
}

/**
 * Told how attempts ended, by the data plane of a worker; changes the shared lines by it. Indices are those of the upstream's endpoints. Made by whoever
 * wires the data plane to health/.
 */
export interface OutcomeJudge {
  /** The head of an answer came, `tookMs` after the attempt began. `isError`: whether the upstream's rule calls it an error; null: its status says. */
  answered(index: number, status: number, tookMs: number, nowMs: number, isError?: boolean | null): void
  /** No answer: refused, reset or cut (`tcp`), or nothing in time (`timeout`). Stale kept connections and faults of the client are not told. */
  failed(index: number, kind: 'tcp' | 'timeout', tookMs: number, nowMs: number): void
  /** The attempt ended without saying anything about the endpoint: the client went away. */
  abandoned(index: number): void
  /** Takes the one trial request of an endpoint whose state has TRIAL. False: it is out already, pick another. */
  takeTrial(index: number): boolean
}

/** One endpoint's health in shared memory, as workers and the control side see it. All changes are atomic; none waits. */
export interface HealthLine {
  readonly cells: Int32Array
  /** Offset of the endpoint's line, in cells. */
  readonly at: number
  /** Offset of its upstream's line. */
  readonly upstreamAt: number
}

/** Identities of health lines. Only upstreams that `needsHealthLines` have some. */
export function healthIdentity(upstreamId: string, endpoint: Endpoint): string {
  return `health:${identityOf(upstreamId, endpoint)}`
}
export function upstreamHealthIdentity(upstreamId: string): string {
  return `upstream-health:${upstreamId}`
}

/** Whether anything about the upstream's endpoints is shared by all workers while it serves. */
export function needsHealthLines(upstream: Upstream): boolean {
  const { kind } = upstream.balancer
  return (
    upstream.health !== null ||
    upstream.slowStart !== null ||
    kind === 'leastConnections' ||
    kind === 'leastRequest'
  )
}

/** Bits of an endpoint's state in shared memory. 0: usable. */
export const HEALTH = {
  /** Active probes or passive counts say so. */
  UNHEALTHY: 1,
  /** Outlier detection or a circuit breaker; returns by itself. */
  EJECTED: 2,
  /** Ejection is over; a single request is let through to see. */
  TRIAL: 16,
  /** Never in shared memory: readers add it for endpoints that an operator switched off (`Endpoint.state`). */
  OFF: 4,
} as const

/** Int32 cells of an endpoint's line in shared memory (64 bytes). Every worker and the control side read and write them atomically. */
export const HEALTH_CELL = {
  /** Bits of HEALTH. */
  STATE: 0,
  SUCCESSES: 1,
  HTTP_FAILURES: 2,
  TCP_FAILURES: 3,
  TIMEOUTS: 4,
  /** Gateway failures in a row. */
  CONSECUTIVE: 5,
  /** How often it was ejected, without a quiet time between. */
  EJECTIONS: 6,
  /** Number of the window that the next two count. */
  WINDOW: 7,
  REQUESTS: 8,
  ERRORS: 9,
  /** Latencies summed over the requests of a window of its own, in LATENCY_STEP_MS. */
  LATENCY: 10,
  /** Share of its weight that it gets now, 1-100; 0 stands for 100. */
  WEIGHT_PERCENT: 11,
  /** 1 while the one trial request is out. */
  TRIAL_OUT: 12,
  /** Requests in flight over all workers, where the balancer asks. */
  IN_FLIGHT: 13,
  /** Number of the window that LATENCY and the next one count. */
  LATENCY_WINDOW: 14,
  LATENCY_REQUESTS: 15,
} as const

/** Step of LATENCY, milliseconds: the sum of a window with a thousand requests under way at all times still fits. */
export const LATENCY_STEP_MS = 1 / 32

/** Int32 cells of an upstream's line. */
export const UPSTREAM_CELL = {
  /** Grows with every change of an endpoint's state or share: pickers made before it are old. */
  EPOCH: 0,
  /** Endpoints ejected now. */
  EJECTED: 1,
} as const

export const HEALTH_LINE_CELLS = 16
