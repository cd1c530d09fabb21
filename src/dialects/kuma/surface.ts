import type { Surface } from '../../model/surface.ts'

/**
 * What callers see beside routing, as Envoy answers them: a leg without a healthy instance, and one that cannot be reached, are 503 (spec/kuma.md 5). The texts are ours.
 */
export const KUMA_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {
    ROUTE_NOT_FOUND: { contentType: 'text/plain', body: '' },
    NO_ENDPOINT: { contentType: 'text/plain', body: 'no healthy upstream' },
  },
  statuses: { UPSTREAM_CONNECT_FAILED: 503, UPSTREAM_NAME_UNRESOLVED: 503 },
  answersEmpty: true,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}
