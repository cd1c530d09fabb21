import { OutlierJudge, returnTrial, takeTrial } from '../health/outlier.ts'
import { PassiveJudge } from '../health/passive.ts'
import { identityOf } from '../model/endpoint.ts'
import { HEALTH, HEALTH_CELL, type HealthLine, type OutcomeJudge } from '../model/health.ts'
import type { Upstream } from '../model/upstream.ts'

/** A change of an endpoint's state by live traffic. It is in force in shared memory already; main does what follows from it. */
export interface LiveTransition {
  readonly upstreamId: string
  /** `identityOf`. */
  readonly endpoint: string
  readonly change: 'unhealthy' | 'healthy' | 'ejected' | 'readmitted'
  /** What the last attempt was, for people: `status 503`, `tcp failure`. */
  readonly reason: string
}

/** Judges of the outcomes that a worker sees: passive checks and outlier detection of an upstream, and who hears of changes. */
export class WorkerJudges {
  readonly #tell: (transition: LiveTransition) => void
  /** Between this thread's clock and that of the process: windows must turn for all workers at once. */
  readonly #offsetMs: number

  constructor(tell: (transition: LiveTransition) => void, originMs: number) {
    this.#tell = tell
    this.#offsetMs = performance.timeOrigin - originMs
  }

  /** null: nothing about the upstream depends on live traffic. */
  make(upstream: Upstream, lines: readonly HealthLine[]): OutcomeJudge | null {
    const { health } = upstream
    if (health === null || (health.passive === null && health.outlier === null)) return null
    return new UpstreamJudge(upstream, lines, { tell: this.#tell, offsetMs: this.#offsetMs })
  }
}

class UpstreamJudge implements OutcomeJudge {
  readonly #upstream: Upstream
  readonly #lines: readonly HealthLine[]
  readonly #tell: (transition: LiveTransition) => void
  readonly #offsetMs: number
  readonly #passive: PassiveJudge | null
  readonly #outlier: OutlierJudge | null
  /** Statuses that count as failures; null: those from 500 on. */
  readonly #failing: ReadonlySet<number> | null
  readonly #countsServerErrors: boolean

  constructor(
    upstream: Upstream,
    lines: readonly HealthLine[],
    options: { readonly tell: (transition: LiveTransition) => void; readonly offsetMs: number },
  ) {
    const { passive = null, outlier = null } = upstream.health ?? {}
    this.#upstream = upstream
    this.#lines = lines
    this.#tell = options.tell
    this.#offsetMs = options.offsetMs
    this.#passive = passive === null ? null : new PassiveJudge(passive)
    this.#outlier = outlier === null ? null : new OutlierJudge(outlier, upstream.endpoints.length)
    const statuses = outlier?.errors?.statuses
    this.#failing = statuses === undefined ? null : new Set(statuses)
    this.#countsServerErrors = outlier?.errors?.countsServerErrors === true
  }

  answered(
    index: number,
    status: number,
    tookMs: number,
    nowMs: number,
    isError: boolean | null = null,
  ): void {
    const line = this.#lines[index] as HealthLine
    if (this.#passive?.judgeStatus(line, status) === true)
      this.#report(index, isUnhealthy(line) ? 'unhealthy' : 'healthy', `status ${status}`)
    const outlier = this.#outlier
    if (outlier === null) return
    if (!(isError ?? this.#isFailure(line, status))) {
      if (outlier.judgeSuccess(line, tookMs, nowMs + this.#offsetMs))
        this.#report(index, 'readmitted', `status ${status}`)
    } else if (
      outlier.judgeFailure(line, this.#failing !== null || isGatewayStatus(status), nowMs + this.#offsetMs)
    )
      this.#report(index, 'ejected', `status ${status}`)
  }

  #isFailure(line: HealthLine, status: number): boolean {
    if (this.#failing !== null) return this.#failing.has(status)
    if (status < 500) return false
    // a server error that the policy does not count ends a trial well: nothing else would ever end it
    return this.#countsServerErrors || isGatewayStatus(status) || !isOnTrial(line)
  }

  failed(index: number, kind: 'tcp' | 'timeout', _tookMs: number, nowMs: number): void {
    const line = this.#lines[index] as HealthLine
    const reason = kind === 'tcp' ? 'connection failed' : 'timed out'
    if (this.#passive?.judgeFailure(line, kind) === true) this.#report(index, 'unhealthy', reason)
    if (this.#outlier?.judgeFailure(line, true, nowMs + this.#offsetMs) === true)
      this.#report(index, 'ejected', reason)
  }

  abandoned(index: number): void {
    if (this.#outlier !== null) returnTrial(this.#lines[index] as HealthLine)
  }

  takeTrial(index: number): boolean {
    return takeTrial(this.#lines[index] as HealthLine)
  }

  #report(index: number, change: LiveTransition['change'], reason: string): void {
    const endpoint = this.#upstream.endpoints[index]
    if (endpoint === undefined) return
    this.#tell({
      upstreamId: this.#upstream.id,
      endpoint: identityOf(this.#upstream.id, endpoint),
      change,
      reason,
    })
  }
}

/** Statuses that say that the endpoint, not the request, is at fault. */
function isGatewayStatus(status: number): boolean {
  return status >= 502 && status <= 504
}

function isOnTrial({ cells, at }: HealthLine): boolean {
  return (Atomics.load(cells, at + HEALTH_CELL.STATE) & HEALTH.TRIAL) !== 0
}

function isUnhealthy({ cells, at }: HealthLine): boolean {
  return (Atomics.load(cells, at + HEALTH_CELL.STATE) & HEALTH.UNHEALTHY) !== 0
}
