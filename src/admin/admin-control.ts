import type { GatewayStatus, Readiness } from '../gateway/status.ts'

/** What the admin and the status server show; `Control` of gateway/start.ts is one. */
export interface AdminControl {
  readiness(): Readiness
  status(): GatewayStatus
  /** Prometheus text. */
  metrics(): string
  /** Newest first; entries have `changes` with `before` and `after`. */
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly object[]>
}

export interface RunningServer {
  /** The `host:port` that stands. */
  readonly address: string
  close(): Promise<void>
}
