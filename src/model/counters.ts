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
} as const

/** Lines 2-15: errors by code, in the order of ERROR_CODES. */
export const ERRORS_LINE = 2
/** Where routes, targets and endpoints count that got no line of their own. */
export const ROUTE_OVERFLOW = 16
export const TARGET_OVERFLOW = 20
export const ENDPOINT_OVERFLOW = 22
/** The first slot that is given out. */
export const FIRST_SLOT = 32

/** Three lines a route: status classes 1xx-5xx at 0-4, then these, then the histogram. */
export const ROUTE = { LINES: 3, BYTES_IN: 5, BYTES_OUT: 6, SECONDS: 7, BUCKETS: 8 } as const

/** Upper bounds in seconds of the duration histogram (OpenTelemetry's for HTTP); one more bucket holds the rest. */
export const DURATION_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const

/** One line a split target: choices by reason. */
export const TARGET = { LINES: 1, WEIGHT: 0, FORCED: 1, STICKY: 2, FAILOVER: 3 } as const

/** Two lines an endpoint: status classes 1xx-5xx at 0-4, then these. */
export const ENDPOINT = {
  LINES: 2,
  CONNECT_FAILED: 5,
  TIMED_OUT: 6,
  CLOSED: 7,
  IN_FLIGHT: 8,
  CONNECTIONS: 9,
  CONNECTED: 10,
  RETRIES: 11,
  SECONDS: 12,
} as const

/** Identities of counter slots (positions have theirs in split.ts; endpoints in endpoint.ts). */
export function routeIdentity(routeId: string): string {
  return `route:${routeId}`
}
export function targetIdentity(splitId: string, index: number): string {
  return `target:${splitId}#${index}`
}
/** Position of an upstream's rotation on one priority level. Other weights or endpoints: another position. */
export function rotationIdentity(
  upstreamId: string,
  priority: number,
  endpoints: readonly { host: string; port: number; weight: number }[],
): string {
  return `rotation:${upstreamId}#${priority}|${endpoints.map((e) => `${e.host}:${e.port}=${e.weight}`).join(',')}`
}
