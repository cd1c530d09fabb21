import type { Figure } from './statistics.ts'

/** A promise about a figure. */
export interface Bar {
  /** What is promised, as a noun: `CPU per request, 3:2 split, beside nginx`. */
  readonly what: string
  /** `not surely above`: the bar holds while the interval has the limit inside, or lies below it. */
  readonly bound: 'at most' | 'at least' | 'not surely above'
  readonly limit: number
  /** Behind the numbers: `×`, `ms`, `MB`; empty for counts. */
  readonly unit: string
  /** null: it could not be measured, `reason` says why. */
  readonly figure: Figure | null
  readonly reason?: string
}

export type Verdict = 'holds' | 'holds, straddles' | 'fails, straddles' | 'fails' | 'not measured'

/**
 * A bar holds when the median does. It straddles where the interval has the limit inside: another run may well say the opposite. A bar
 * that was not measured does not hold.
 */
export function judge(bar: Bar): Verdict {
  const { figure } = bar
  if (figure === null || Number.isNaN(figure.median)) return 'not measured'
  if (bar.bound === 'not surely above') return figure.low <= bar.limit ? 'holds' : 'fails'
  const keeps = (value: number): boolean =>
    bar.bound === 'at most' ? value <= bar.limit : value >= bar.limit
  const isSure = keeps(figure.low) === keeps(figure.high)
  if (keeps(figure.median)) return isSure ? 'holds' : 'holds, straddles'
  return isSure ? 'fails' : 'fails, straddles'
}

export function holds(bar: Bar): boolean {
  return judge(bar).startsWith('holds')
}
