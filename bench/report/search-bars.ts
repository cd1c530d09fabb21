import type { Bar } from './bar.ts'
import { ratioOf, summarize } from './statistics.ts'

/** What the searches of one table took, nanoseconds each, round by round; tables of one shape were searched in the same rounds. */
export interface SearchTimes {
  readonly shape: string
  readonly routes: number
  /** How many different requests asked, in turn. */
  readonly requests: number
  readonly ns: readonly number[]
}

export const FEW = 10
const MANY = 10_000

/**
 * For each shape: one of 10 000 routes is found in at most 0.5 µs, where a thousand different ones are asked for; and in at most 1.2 times what it
 * takes with ten routes, both asked by ten requests: with more, a table of ten would be compared by what fits into the processor's cache.
 */
export function searchBars(times: readonly SearchTimes[]): Bar[] {
  return [...new Set(times.map(({ shape }) => shape))].flatMap((shape): Bar[] => {
    const of = (routes: number, isMost: boolean): readonly number[] => {
      const found = times.filter((each) => each.shape === shape && each.routes === routes)
      const chosen = found.toSorted((a, b) => (isMost ? b.requests - a.requests : a.requests - b.requests))[0]
      if (chosen === undefined) throw new Error(`${shape} was not measured with ${routes} routes`)
      return chosen.ns
    }
    return [
      {
        what: `finding one of 10 000 routes, ${shape}`,
        bound: 'at most',
        limit: 0.5,
        unit: 'µs',
        figure: summarize(of(MANY, true).map((ns) => ns / 1000)),
      },
      {
        what: `finding one of 10 000 routes beside one of ten, ${shape}`,
        bound: 'at most',
        limit: 1.2,
        unit: '×',
        figure: ratioOf(of(MANY, false), of(FEW, false)),
      },
    ]
  })
}
