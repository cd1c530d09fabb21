import type { StoreFault } from '../store/store.ts'
import type { DocumentStatus } from './reconcile.ts'

/** Whether the gateway should get traffic, and why not. */
export interface Readiness {
  readonly isReady: boolean
  /** One line each; empty when ready. */
  readonly reasons: readonly string[]
}

export interface WorkerStatus {
  readonly index: number
  readonly state: string
  /** Revision it serves. */
  readonly revision: number
  readonly connections: number
  readonly requests: number
  readonly inFlight: number
}

/** Everything that `/headgate/v1/status` tells. */
export interface GatewayStatus {
  readonly version: string
  readonly startedAtMs: number
  readonly readiness: Readiness
  readonly revision: number
  readonly store: {
    readonly name: string
    readonly readOnly: string | null
    readonly faults: readonly StoreFault[]
  }
  readonly lastChange: { readonly atMs: number; readonly revision: number; readonly isGood: boolean } | null
  readonly listeners: readonly string[]
  readonly workers: readonly WorkerStatus[]
  readonly workerRestarts: number
  readonly objects: number
  /** Shared-memory slots that wait for requests on older revisions. */
  readonly retiredSlots: number
  readonly documents: readonly DocumentStatus[]
}

export interface ReadinessFacts {
  readonly phase: 'starting' | 'serving' | 'draining'
  readonly workers: readonly { readonly index: number; readonly state: string; readonly revision: number }[]
  readonly expectedWorkers: number
  /** Revision every worker should serve, and since when (how long ago it was published). */
  readonly revision: number
  readonly publishedMsAgo: number
}

/** A worker may be so late before it is named. */
const LAG_MS = 2_000

/** Ready: configuration loaded in every worker, listeners bound, not draining. */
export function judgeReadiness(facts: ReadinessFacts): Readiness {
  const reasons: string[] = []
  if (facts.phase === 'draining') reasons.push('the gateway is stopping')
  if (facts.phase === 'starting') reasons.push('the gateway is starting')
  const serving = facts.workers.filter((worker) => worker.state === 'serving')
  if (facts.phase === 'serving' && serving.length < facts.expectedWorkers) {
    const waiting = facts.workers
      .filter((worker) => worker.state !== 'serving')
      .map((worker) => `worker ${worker.index}: ${worker.state}`)
    const missing = facts.expectedWorkers - facts.workers.length
    if (missing > 0) waiting.push(`${missing} to be started`)
    // one worker that is being replaced does not take the others' traffic away
    if (serving.length === 0) reasons.push(`no worker serves (${waiting.join(', ')})`)
  }
  if (facts.publishedMsAgo > LAG_MS) {
    for (const worker of serving) {
      if (worker.revision < facts.revision)
        reasons.push(
          `worker ${worker.index} lags: it serves revision ${worker.revision} of ${facts.revision}`,
        )
    }
  }
  return { isReady: reasons.length === 0, reasons }
}
