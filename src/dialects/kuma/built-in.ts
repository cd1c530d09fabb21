import type { Levels, PoolSettings, Retry, UpstreamLimits, UpstreamTimeouts } from '../../model/upstream.ts'

/**
 * What a mesh proxy does where no document says otherwise: the values of the policies that the reference makes beside the first route of a mesh (timeout, retry, circuit
 * breaker; spec/kuma.md 4), kept to what may be repeated at all.
 */

/** A failed attempt is tried again on another endpoint of the same leg; bytes that went out make that a matter of safe methods and of the budget. */
export const RETRY: Retry = {
  count: 5,
  timeoutMs: 0,
  attemptMs: 16_000,
  onHeadTimeout: false,
  onStatuses: [502, 503, 504],
  nonIdempotent: false,
  sameEndpointWhenAlone: true,
  triesAgain: true,
  sameEndpoint: null,
  failoverTries: 0,
  budget: null,
}

/** For streams: failed connects alone. */
export const CONNECT_RETRY: Retry = {
  ...RETRY,
  count: 4,
  attemptMs: 0,
  onStatuses: [],
}

/** Towards the application of the proxy there is one endpoint, and its failure is the answer. */
export const NO_RETRY: Retry = {
  ...RETRY,
  count: 0,
  attemptMs: 0,
  onStatuses: [],
  sameEndpointWhenAlone: false,
  triesAgain: false,
}

export const TIMEOUTS: UpstreamTimeouts = { connectMs: 5_000, sendMs: 15_000, readMs: 15_000 }

/** The application is given as long as whoever asks is willing to wait. */
export const INBOUND_TIMEOUTS: UpstreamTimeouts = { connectMs: 5_000, sendMs: 3_600_000, readMs: 3_600_000 }

export const STREAM_IDLE_MS = 3_600_000

/** What stands for a timeout of 0, which is none: a year. */
export const NO_TIMEOUT_MS = 365 * 86_400_000

export const POOL: PoolSettings = { size: 1024, idleMs: 3_600_000, requests: 1_000_000, maxAgeMs: 0 }

export const LIMITS: UpstreamLimits = {
  maxConnections: 1024,
  maxConnectionsPerEndpoint: 0,
  maxRequests: 1024,
  maxRequestsPerEndpoint: 0,
  maxPending: 1024,
  pendingMs: 5_000,
  maxRetries: 3,
}

/** Envoy's: a level that is not well gives traffic to the next, and below half of it all are used. */
export const LEVELS: Levels = { mode: 'overprovisioned', factor: 1.4, panicPercent: 50, prefersZone: false }

/** Slots of a maglev table. */
export const MAGLEV_SIZE = 65_537
