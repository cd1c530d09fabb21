import type { AdminControl } from './admin-control.ts'
import type { OwnEndpoint } from './endpoint.ts'
import { historyEndpoints } from './routes/history.ts'
import { statusEndpoints } from './routes/status.ts'

/** Every endpoint of our own API, under /headgate/v1 (and /metrics). */
export function ownEndpoints(control: AdminControl, version: string): readonly OwnEndpoint[] {
  return [...statusEndpoints(control, version), ...historyEndpoints(control)]
}
