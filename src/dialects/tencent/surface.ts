import type { Surface } from '../../model/surface.ts'

/**
 * What callers see beside routing (spec/tencent.md 1, "Statuses the caller sees"). Bodies are ours, because the vendor's are not published; it
 * answers 502 where no node can be asked, also when that is known beforehand, and 403 where the address of a backend is a forbidden one.
 */
export const TENCENT_SURFACE: Surface = {
  pathForm: 'resolved',
  errorForm: 'json',
  bodies: {},
  statuses: { NO_ENDPOINT: 502, ENDPOINT_OUT: 502, UPSTREAM_NAME_UNRESOLVED: 502, ADMIN_ADDRESS: 403 },
  answersEmpty: false,
  forwarding: 'full',
  realIpFrom: [],
  serverField: null,
  upstreamStatusField: 'never',
}
