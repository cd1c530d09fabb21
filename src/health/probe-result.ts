/** Whom a probe asks: an address that stands for the endpoint now, and the endpoint's own name and port. */
export interface ProbeTarget {
  readonly address: string
  readonly host: string
  readonly port: number
  /** In place of the check's own kind and path; absent: those. */
  readonly own?: { readonly isSecure: boolean; readonly path: string }
}

/**
 * What a probe saw. `status`: an HTTP status (or for gRPC 200 for SERVING and 503 for anything else); `tcp`: refused, reset, unreadable answer, bad
 * certificate; `timeout`: nothing within the check's timeout.
 */
export type ProbeResult =
  | { readonly kind: 'status'; readonly status: number; readonly tookMs: number }
  | { readonly kind: 'connected'; readonly tookMs: number }
  | { readonly kind: 'http' | 'tcp' | 'timeout'; readonly error: string; readonly tookMs: number }

export function timedOut(timeoutMs: number, from: number): ProbeResult {
  return {
    kind: 'timeout',
    error: `no answer within ${timeoutMs} ms`,
    tookMs: performance.now() - from,
  }
}

/** A code where there is one: texts of Node name addresses again. */
export function describeError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message ?? String(error)
}
