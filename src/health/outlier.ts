import {
  HEALTH,
  HEALTH_CELL,
  type HealthLine,
  LATENCY_STEP_MS,
  type OutlierDetection,
  UPSTREAM_CELL,
} from '../model/health.ts'
import { clearState, setState, stateOf, touch } from './health-line.ts'

/**
 * Ejection by live traffic, counted over all workers in shared memory (reliability.md section 6). States of an endpoint:
 *
 *   in ─ failures ▸ ejected (n x base, at most max) ─ time is over ▸ [trial: one request ─ failure ▸ ejected, success ▸] in
 *
 * `now` is a count of milliseconds since the process's own beginning, the same in all workers, below 2^31.
 */
export class OutlierJudge {
  readonly #policy: OutlierDetection
  /** Of the windows of errors; 0: they are not counted. */
  readonly #windowMs: number
  /** Of those of latencies. */
  readonly #latencyWindowMs: number
  /** Endpoints that may be out at once. */
  readonly #mostEjected: number

  constructor(policy: OutlierDetection, endpoints: number) {
    this.#policy = policy
    this.#windowMs = policy.errors?.windowMs ?? 0
    this.#latencyWindowMs = policy.latency?.windowMs ?? 0
    this.#mostEjected = Math.min(
      policy.mayEjectAll === true ? endpoints : endpoints - 1,
      Math.max(1, Math.floor((endpoints * policy.maxEjectionPercent) / 100)),
    )
  }

  /** An answer that is no failure. True if the endpoint's state changed: its trial went well. */
  judgeSuccess(line: HealthLine, tookMs: number, nowMs: number): boolean {
    const { cells, at } = line
    if (cells[at + HEALTH_CELL.CONSECUTIVE] !== 0) Atomics.store(cells, at + HEALTH_CELL.CONSECUTIVE, 0)
    if (this.#windowMs > 0) this.#count(line, false, nowMs)
    if (this.#latencyWindowMs > 0) this.#countLatency(line, tookMs, nowMs)
    if ((stateOf(line) & HEALTH.TRIAL) === 0) return false
    Atomics.store(cells, at + HEALTH_CELL.TRIAL_OUT, 0)
    return clearState(line, HEALTH.TRIAL)
  }

  /** A failure. `isGateway`: no answer, or 502-504; else it is a server error that only some policies count. True: it was ejected by it. */
  judgeFailure(line: HealthLine, isGateway: boolean, nowMs: number): boolean {
    const { cells, at } = line
    const { consecutiveFailures, errors } = this.#policy
    const state = stateOf(line)
    if ((state & HEALTH.TRIAL) !== 0 && (isGateway || errors?.countsServerErrors === true))
      return this.eject(line)
    if ((state & HEALTH.EJECTED) !== 0) return false
    const inRow = isGateway ? Atomics.add(cells, at + HEALTH_CELL.CONSECUTIVE, 1) + 1 : 0
    if (consecutiveFailures > 0 && inRow >= consecutiveFailures) return this.eject(line)
    if (errors === null || !(isGateway || errors.countsServerErrors)) return false
    this.#count(line, true, nowMs)
    const requests = Atomics.load(cells, at + HEALTH_CELL.REQUESTS)
    const failed = Atomics.load(cells, at + HEALTH_CELL.ERRORS)
    if (requests < errors.minRequests) return false
    const { kind, value } = errors.threshold
    return failed >= (kind === 'count' ? value : requests * value) && failed > 0 ? this.eject(line) : false
  }

  #count(line: HealthLine, isError: boolean, nowMs: number): void {
    const { cells, at } = line
    const window = Math.floor(nowMs / this.#windowMs)
    const seen = Atomics.exchange(cells, at + HEALTH_CELL.WINDOW, window)
    if (seen !== window) {
      // Several workers may begin a window at once and lose a request or two of it; the counts stay those of one window.
      Atomics.store(cells, at + HEALTH_CELL.REQUESTS, 0)
      Atomics.store(cells, at + HEALTH_CELL.ERRORS, 0)
    }
    Atomics.add(cells, at + HEALTH_CELL.REQUESTS, 1)
    if (isError) Atomics.add(cells, at + HEALTH_CELL.ERRORS, 1)
  }

  #countLatency({ cells, at }: HealthLine, tookMs: number, nowMs: number): void {
    const window = Math.floor(nowMs / this.#latencyWindowMs)
    if (Atomics.exchange(cells, at + HEALTH_CELL.LATENCY_WINDOW, window) !== window) {
      Atomics.store(cells, at + HEALTH_CELL.LATENCY_REQUESTS, 0)
      Atomics.store(cells, at + HEALTH_CELL.LATENCY, 0)
    }
    Atomics.add(cells, at + HEALTH_CELL.LATENCY_REQUESTS, 1)
    Atomics.add(cells, at + HEALTH_CELL.LATENCY, Math.round(tookMs / LATENCY_STEP_MS))
  }

  /** Unless too many are out already. */
  eject(line: HealthLine): boolean {
    const { cells, at, upstreamAt } = line
    if (Atomics.add(cells, upstreamAt + UPSTREAM_CELL.EJECTED, 1) >= this.#mostEjected) {
      Atomics.sub(cells, upstreamAt + UPSTREAM_CELL.EJECTED, 1)
      return false
    }
    if (!setState(line, HEALTH.EJECTED)) {
      Atomics.sub(cells, upstreamAt + UPSTREAM_CELL.EJECTED, 1) // another worker was faster
      return false
    }
    clearState(line, HEALTH.TRIAL)
    Atomics.store(cells, at + HEALTH_CELL.TRIAL_OUT, 0)
    Atomics.store(cells, at + HEALTH_CELL.CONSECUTIVE, 0)
    Atomics.store(cells, at + HEALTH_CELL.SUCCESSES, 0) // those of before say nothing of what was found now
    Atomics.store(cells, at + HEALTH_CELL.REQUESTS, 0)
    Atomics.store(cells, at + HEALTH_CELL.ERRORS, 0)
    Atomics.store(cells, at + HEALTH_CELL.LATENCY_REQUESTS, 0)
    Atomics.store(cells, at + HEALTH_CELL.LATENCY, 0)
    Atomics.add(cells, at + HEALTH_CELL.EJECTIONS, 1)
    return true
  }

  /** How long the ejection at hand lasts. Milliseconds. */
  ejectionMs({ cells, at }: HealthLine): number {
    const times = Math.max(1, Atomics.load(cells, at + HEALTH_CELL.EJECTIONS))
    return Math.min(this.#policy.maxEjectionMs, times * this.#policy.baseEjectionMs)
  }

  /** The time is over: it may serve again, with a trial request first where the policy wants one. Control side only. */
  readmit(line: HealthLine): void {
    if ((stateOf(line) & HEALTH.EJECTED) === 0) return
    Atomics.sub(line.cells, line.upstreamAt + UPSTREAM_CELL.EJECTED, 1)
    if (this.#policy.trial) setState(line, HEALTH.TRIAL)
    clearState(line, HEALTH.EJECTED)
  }

  /** A long time without an ejection: the next one is a first one again. Control side only. */
  forgive({ cells, at }: HealthLine): void {
    Atomics.store(cells, at + HEALTH_CELL.EJECTIONS, 0)
  }
}

/** Takes the one trial request of an endpoint on trial. False: it is out already, try another. */
export function takeTrial(line: HealthLine): boolean {
  if (Atomics.compareExchange(line.cells, line.at + HEALTH_CELL.TRIAL_OUT, 0, 1) !== 0) return false
  touch(line)
  return true
}

/** The trial request came to nothing that says anything (the client went away): another may try. */
export function returnTrial(line: HealthLine): void {
  if (Atomics.compareExchange(line.cells, line.at + HEALTH_CELL.TRIAL_OUT, 1, 0) === 1) touch(line)
}
