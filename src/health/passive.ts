import type { HealthLine, PassiveCheck } from '../model/health.ts'
import { countFailure, countSuccess } from './health-line.ts'

/** A passive check ready to be asked per attempt: statuses as a table. */
export class PassiveJudge {
  readonly #check: PassiveCheck
  /** By status: 1 success, 2 failure, 0 says nothing. */
  readonly #verdicts = new Uint8Array(600)

  constructor(check: PassiveCheck) {
    this.#check = check
    for (const status of check.healthy.statuses) this.#verdicts[status] = 1
    for (const status of check.unhealthy.statuses) this.#verdicts[status] = 2
  }

  /** True if the endpoint's state changed by it. */
  judgeStatus(line: HealthLine, status: number): boolean {
    const verdict = this.#verdicts[status] ?? 0
    if (verdict === 1) return countSuccess(line, this.#check.healthy.successes)
    return verdict === 2 && countFailure(line, 'http', this.#check.unhealthy.httpFailures)
  }

  /** An attempt that got no answer. True if the endpoint's state changed by it. */
  judgeFailure(line: HealthLine, kind: 'tcp' | 'timeout'): boolean {
    const { tcpFailures, timeouts } = this.#check.unhealthy
    return countFailure(line, kind, kind === 'tcp' ? tcpFailures : timeouts)
  }
}
