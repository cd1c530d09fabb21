import type { NameView } from '../discovery/discovery.ts'
import type { StoreFault } from '../store/store.ts'
import type { PlannedStatus } from './planned-listeners.ts'
import type { DocumentStatus } from './reconcile.ts'

/** Whether the gateway should get traffic, and why not. */
export interface Readiness {
  readonly isReady: boolean
  /** One line each; empty when ready. */
  readonly reasons: readonly string[]
  /** What is not as it should be though the gateway is ready, one line each. */
  readonly notes: readonly string[]
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
  /** Those that documents ask for. */
  readonly planned: readonly PlannedStatus[]
  readonly workers: readonly WorkerStatus[]
  readonly workerRestarts: number
  readonly objects: number
  /** Shared-memory slots that wait for requests on older revisions. */
  readonly retiredSlots: number
  readonly documents: readonly DocumentStatus[]
  /** Services of clusters whose pods are nodes. */
  readonly sources: readonly SourceStatus[]
}

export interface SourceStatus {
  /** `cluster/namespace/name:port`, with the labels that are asked for (model/pod-service.ts). */
  readonly service: string
  /** Whether what is known of it is current. */
  readonly isCurrent: boolean
  readonly nodes: number
  /** When it was last known to be current; null: never. */
  readonly answeredAtMs: number | null
  /** Why it is not, or has no nodes; '' else. */
  readonly reason: string
}

/** How Services of clusters stand, of all names. */
export function sourcesOf(views: readonly NameView[]): readonly SourceStatus[] {
  return views.flatMap(({ question, isAnswered, hosts, answeredAtMs, reason }) =>
    question.kind === 'pods'
      ? [{ service: question.name, isCurrent: isAnswered, nodes: hosts.length, answeredAtMs, reason }]
      : [],
  )
}

/** Lines for those that are not current or have no nodes. */
export function noteSources(sources: readonly SourceStatus[]): readonly string[] {
  return sources.flatMap(({ service, isCurrent, nodes, reason }) => {
    if (isCurrent && nodes > 0) return []
    const what = nodes === 0 ? 'has no nodes' : `may be old: its last ${nodes} nodes serve`
    return [`${service} ${what} (${reason})`]
  })
}

export interface ReadinessFacts {
  readonly phase: 'starting' | 'serving' | 'draining'
  readonly workers: readonly { readonly index: number; readonly state: string; readonly revision: number }[]
  readonly expectedWorkers: number
  /** Revision every worker should serve, and since when (how long ago it was published). */
  readonly revision: number
  readonly publishedMsAgo: number
  /** `Readiness.notes`. */
  readonly notes: readonly string[]
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
  return { isReady: reasons.length === 0, reasons, notes: facts.notes }
}
