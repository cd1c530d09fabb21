/**
 * Layout of the counter segment in shared memory: one lane per worker, in each lane lines of 8 doubles (64 bytes). A slot is the number of
 * its first line. A worker writes its own lane plainly; readers add the lanes. `lane[slot * LINE + FIELD]`.
 */
export const LINE = 8

/** Lines 0 and 1: the worker itself. */
export const WORKER = {
  ACCEPTED: 0,
  ACTIVE: 1,
  REQUESTS: 2,
  IN_FLIGHT: 3,
  REFUSED_AT_ACCEPT: 4,
  LOG_LINES_DROPPED: 5,
  UPSTREAM_CONNECTIONS: 6,
  RETRY_BUDGET_SPENT: 7,
  SHED: 8,
  BUFFERED_BYTES: 9,
  /** Seconds by which a timer of the thread was late: the last one, and the most in the last minute. */
  LAG: 10,
  LAG_MAX: 11,
  /** Handshakes of clients, by their end. */
  TLS_FULL: 12,
  TLS_RESUMED: 13,
  TLS_FAILED: 14,
} as const

/** Lines 2-15: errors by code, in the order of ERROR_CODES. */
export const ERRORS_LINE = 2
/**
 * A block: what is counted of requests, for a target, for what of a route reached no target, and for what reached no route. A request counts
 * in one block only: that of its target if it has one. All histograms of a block lie interleaved, so that a quick request touches few lines.
 */
export const BLOCK = {
  /** Choices of a target, by what made them. */
  WEIGHT: 0,
  FORCED: 1,
  STICKY: 2,
  FAILOVER: 3,
  /** Requests that are over: 0 means that nothing else of the block was written but choices. */
  REQUESTS: 4,
  BYTES_IN: 5,
  BYTES_OUT: 6,
  /** Sums of the durations in `PHASES`, in seconds. That of the gateway is the difference. */
  SECONDS: 7,
  UPSTREAM_SECONDS: 8,
  /** Statuses (status-cell.ts). */
  CODES: 9,
  /** Cell of bucket `b` and phase `p`: `BUCKETS + 3 * b + p`. */
  BUCKETS: 80,
  LINES: 20,
} as const

/**
 * Phases of a request that have a histogram. `total`: from its first byte to the last one of its answer. `upstream`: from the first attempt
 * to the end of the last one. `gateway`: the rest; the clock is read once an event, so work inside one event counts as nothing.
 */
export const PHASE = { TOTAL: 0, UPSTREAM: 1, GATEWAY: 2 } as const
export const PHASES = 3

/** Upper bounds of the buckets in milliseconds: those of OpenTelemetry for HTTP, those of APISIX, and three for quick answers. */
export const BUCKET_BOUNDS_MS = [
  0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500, 750, 1000, 2000, 2500, 5000, 7500, 10_000,
  30_000, 60_000,
] as const
/** One more holds what is over the last bound. */
export const BUCKETS = BUCKET_BOUNDS_MS.length + 1

/** Where a duration counts. Quick ones are found first. */
export function bucketOf(milliseconds: number): number {
  let i = 0
  while (i < BUCKETS - 1 && milliseconds > (BUCKET_BOUNDS_MS[i] as number)) i++
  return i
}

/** Upper bounds in seconds that metrics show in native names (OpenTelemetry's for HTTP). */
export const DURATION_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const

/** Five lines an endpoint: status classes 1xx-5xx at 0-4, then these; `BUCKETS`: durations of the attempts that were answered. */
export const ENDPOINT = {
  LINES: 5,
  CONNECT_FAILED: 5,
  TIMED_OUT: 6,
  CLOSED: 7,
  IN_FLIGHT: 8,
  CONNECTIONS: 9,
  CONNECTED: 10,
  RETRIES: 11,
  SECONDS: 12,
  BUCKETS: 13,
} as const

/** Requests that no route took. */
export const NO_ROUTE = 16
/** Where routes, targets and endpoints count that got no lines of their own. */
export const ROUTE_OVERFLOW = NO_ROUTE + BLOCK.LINES
export const TARGET_OVERFLOW = ROUTE_OVERFLOW + BLOCK.LINES
export const ENDPOINT_OVERFLOW = TARGET_OVERFLOW + BLOCK.LINES
/** Copies of requests by what became of them; one line. */
export const MIRROR_LINE = ENDPOINT_OVERFLOW + ENDPOINT.LINES
export const MIRROR = {
  /** Whatever the status. */
  ANSWERED: 0,
  /** No answer, or not all of it; no endpoint to send it to. */
  FAILED: 1,
  /** Never sent: too many under way, or the upstream's limits. */
  DROPPED: 2,
  /** Never sent: the body is longer than is kept for it. */
  TOO_LARGE: 3,
  /** Never sent: the exchange was over before the body was complete. */
  INCOMPLETE: 4,
} as const
/** The first slot that is given out. */
export const FIRST_SLOT = MIRROR_LINE + 1

/** Identities of counter slots (positions have theirs in split.ts; endpoints in endpoint.ts). */
export function routeIdentity(routeId: string): string {
  return `route:${routeId}`
}
export function targetIdentity(splitId: string, index: number): string {
  return `target:${splitId}#${index}`
}
/** Position of an upstream's rotation on one priority level. Other weights or endpoints: another position (that starts at the old one's phase). */
export function rotationIdentity(
  upstreamId: string,
  priority: number,
  endpoints: readonly { host: string; port: number; weight: number }[],
): string {
  return `rotation:${upstreamId}#${priority}|${endpoints.map((e) => `${e.host}:${e.port}=${e.weight}`).join(',')}`
}
