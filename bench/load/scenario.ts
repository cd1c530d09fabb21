import type { Bar } from '../report/bar.ts'
import type { Figure } from '../report/statistics.ts'

/** How much a run measures. */
export interface Plan {
  /** Rounds behind each figure that a bar is held against. 1 to 200, default 20. */
  readonly pairs: number
  /** Length of one measurement in seconds, 0.5 to 60, default 4. wrk takes whole seconds and rounds up to one. */
  readonly seconds: number
  /** Requests that each side is given before anything is measured. Default 60 000: compiled code needs about as many to be all there. */
  readonly warmUpRequests: number
  /**
   * How long idle WebSockets are left alone before memory is looked at, in milliseconds. Default 10 000: a worker gives back the memory of the handshakes when it
   * has been calm for three seconds.
   */
  readonly settleMs: number
  /** Share of the rate at which cost is compared; 1 in a benchmark, less in a test that shares its machine. */
  readonly rateShare: number
}

/** What a scenario is given. */
export interface Bench {
  readonly plan: Plan
  /** One line of progress on standard error. */
  note(text: string): void
}

export interface Table {
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Result {
  readonly tables: readonly Table[]
  readonly bars: readonly Bar[]
  /** Sentences for the report: what was left out, what to keep in mind. */
  readonly notes: readonly string[]
  /** Only of the check on the machine: nginx beside itself. */
  readonly machine?: Figure
}

/** One kind of work. Starts fresh programs, measures, and ends them. */
export interface Scenario {
  /** As `--only` takes it. */
  readonly id: string
  readonly title: string
  /** A paragraph for the report. */
  readonly about: string
  /** Commands it starts, beside Node. */
  readonly needs: readonly Tool[]
  /** Rough length in seconds, for the time that is left. */
  estimate(plan: Plan): number
  run(bench: Bench): Promise<Result>
}

/** Commands that a scenario may need, and the Debian package of each. */
export const PACKAGES = {
  taskset: 'util-linux',
  nginx: 'nginx',
  haproxy: 'haproxy',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  openssl: 'openssl',
  prlimit: 'util-linux',
} as const

export type Tool = keyof typeof PACKAGES

/** What all of them need. */
export const COMMON: readonly Tool[] = ['taskset', 'nginx', 'wrk', 'h2load']

/** A share of the rounds, for figures that no bar hangs on; at least one. */
export function share(plan: Plan, part: number): number {
  return Math.max(1, Math.ceil(plan.pairs * part))
}
