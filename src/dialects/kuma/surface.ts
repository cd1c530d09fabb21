import type { Surface } from '../../model/surface.ts'

/**
 * What callers see beside routing, as Envoy answers them: a leg without a healthy instance (spec/kuma.md 5), one that cannot be reached and one that ends without an answer
 * are 503, a request that lasts too long is 504. The texts are ours.
 */
export const KUMA_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {
    ROUTE_NOT_FOUND: { contentType: 'text/plain', body: '' },
    NO_ENDPOINT: { contentType: 'text/plain', body: 'no healthy upstream' },
  },
  statuses: {
    UPSTREAM_CONNECT_FAILED: 503,
    UPSTREAM_CONNECT_TIMEOUT: 503,
    UPSTREAM_NAME_UNRESOLVED: 503,
    UPSTREAM_TLS_FAILED: 503,
    UPSTREAM_CLOSED: 503,
    UPSTREAM_REFUSED: 503,
    UPSTREAM_STALE: 503,
    // the time of the request is over
    UPSTREAM_RETRIES_OVER: 504,
  },
  answersEmpty: true,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}
