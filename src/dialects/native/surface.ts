import type { Surface } from '../../model/surface.ts'

/** What clients see beside routing: errors as JSON with code and request id, and no Server field but the endpoint's own. */
export const NATIVE_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {},
  statuses: {},
  answersEmpty: true,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}
