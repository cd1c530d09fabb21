import { type ActiveCheck, HEALTH, HEALTH_CELL, type HealthLine, UPSTREAM_CELL } from '../model/health.ts'

export type FailureKind = 'http' | 'tcp' | 'timeout'

const FAILURE_CELL = {
  http: HEALTH_CELL.HTTP_FAILURES,
  tcp: HEALTH_CELL.TCP_FAILURES,
  timeout: HEALTH_CELL.TIMEOUTS,
} as const

export function stateOf({ cells, at }: HealthLine): number {
  return Atomics.load(cells, at + HEALTH_CELL.STATE)
}

/** Sets bits. True if one of them was not set before: then pickers made earlier are old. */
export function setState(line: HealthLine, bits: number): boolean {
  const before = Atomics.or(line.cells, line.at + HEALTH_CELL.STATE, bits)
  if ((before & bits) === bits) return false
  touch(line)
  return true
}

/** Clears bits. True if one of them was set before. */
export function clearState(line: HealthLine, bits: number): boolean {
  const before = Atomics.and(line.cells, line.at + HEALTH_CELL.STATE, ~bits)
  if ((before & bits) === 0) return false
  touch(line)
  return true
}

/** Makes all pickers of the upstream old. */
export function touch({ cells, upstreamAt }: HealthLine): void {
  Atomics.add(cells, upstreamAt + UPSTREAM_CELL.EPOCH, 1)
}

/** What the successes of a check may end, bits of HEALTH: what checks found, and with `endsEjection` what live traffic found too. */
export function endedBy({ endsEjection }: Pick<ActiveCheck, 'endsEjection'>): number {
  return endsEjection === true ? HEALTH.UNHEALTHY | HEALTH.EJECTED | HEALTH.TRIAL : HEALTH.UNHEALTHY
}

/**
 * A success, of a probe or of live traffic: clears the failure counts; of an endpoint in one of the states `ends` it counts, and at `threshold` (0: never)
 * these states end. True if that happened. The counting of apisix.md 5.5. Only the control side ends ejections: it is the one that readmits.
 */
export function countSuccess(line: HealthLine, threshold: number, ends: number = HEALTH.UNHEALTHY): boolean {
  const { cells, at } = line
  if (cells[at + HEALTH_CELL.HTTP_FAILURES] !== 0) Atomics.store(cells, at + HEALTH_CELL.HTTP_FAILURES, 0)
  if (cells[at + HEALTH_CELL.TCP_FAILURES] !== 0) Atomics.store(cells, at + HEALTH_CELL.TCP_FAILURES, 0)
  if (cells[at + HEALTH_CELL.TIMEOUTS] !== 0) Atomics.store(cells, at + HEALTH_CELL.TIMEOUTS, 0)
  if ((stateOf(line) & ends) === 0 || threshold === 0) return false
  if (Atomics.add(cells, at + HEALTH_CELL.SUCCESSES, 1) + 1 < threshold) return false
  Atomics.store(cells, at + HEALTH_CELL.SUCCESSES, 0)
  return endStates(line, ends)
}

/** As `clearState`; an ejection gives its place among the ejected back, and a trial is called off: its request is one like all others. */
function endStates(line: HealthLine, bits: number): boolean {
  const { cells, at, upstreamAt } = line
  const before = Atomics.and(cells, at + HEALTH_CELL.STATE, ~bits)
  if ((before & bits) === 0) return false
  if ((before & bits & HEALTH.EJECTED) !== 0) Atomics.sub(cells, upstreamAt + UPSTREAM_CELL.EJECTED, 1)
  if ((before & bits & HEALTH.TRIAL) !== 0) Atomics.store(cells, at + HEALTH_CELL.TRIAL_OUT, 0)
  touch(line)
  return true
}

/** A failure: clears the successes, counts by its kind, and at `threshold` (0: never) the endpoint is unhealthy. True if that happened now. */
export function countFailure(line: HealthLine, kind: FailureKind, threshold: number): boolean {
  const { cells, at } = line
  if (cells[at + HEALTH_CELL.SUCCESSES] !== 0) Atomics.store(cells, at + HEALTH_CELL.SUCCESSES, 0)
  if (threshold === 0 || (stateOf(line) & HEALTH.UNHEALTHY) !== 0) return false
  const cell = at + FAILURE_CELL[kind]
  if (Atomics.add(cells, cell, 1) + 1 < threshold) return false
  Atomics.store(cells, cell, 0)
  return setState(line, HEALTH.UNHEALTHY)
}
