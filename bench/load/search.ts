import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatCount, formatFigure } from '../report/format.ts'
import { type SearchTimes, searchBars } from '../report/search-bars.ts'
import { summarize } from '../report/statistics.ts'
import { runPinned, UNDER_TEST } from '../support/program.ts'
import type { Result, Scenario } from './scenario.ts'

const SCRIPT = resolve(fileURLToPath(import.meta.url), '../../micro/find-route.bench.ts')

/** V8 seeds its hashes anew in each. */
const PROCESSES = 3

export const search: Scenario = {
  id: 'search',
  title: 'Finding a route',
  about:
    'The micro benchmark of the index, without sockets: nanoseconds to find a route among 10, 10 000 and 100 000, in tables that are searched in turn. Three processes one after the other, for where texts fall in hash tables is chance in each.',
  needs: ['taskset'],
  estimate: () => PROCESSES * 12,
  run: async (): Promise<Result> => {
    const runs: SearchTimes[][] = []
    for (let run = 0; run < PROCESSES; run++)
      runs.push(JSON.parse(await runPinned(UNDER_TEST, [process.execPath, SCRIPT, '--json'])))
    const times = joinTimes(runs)
    const requests = [...new Set(times.map((each) => each.requests))]
    const sizes = [...new Set(times.map(({ routes }) => routes))]
    const shapes = [...new Set(times.map(({ shape }) => shape))]
    return {
      tables: requests.map((count) => ({
        caption: `Nanoseconds a search, asked by ${count} different requests in turn`,
        columns: ['', ...sizes.map((routes) => `${formatCount(routes)} routes`)],
        rows: shapes.map((shape) => [
          shape,
          ...times
            .filter((each) => each.shape === shape && each.requests === count)
            .map(({ ns }) => formatFigure(summarize(ns))),
        ]),
      })),
      bars: searchBars(times),
      notes: [
        'What a table of 10 000 takes more when a thousand of its routes are asked for than when ten are is the time to fetch them from memory; the bar on the ratio is about the search, and compares ten requests with ten.',
      ],
    }
  },
}

/** The rounds of all processes behind each other. */
function joinTimes([first = [], ...others]: readonly SearchTimes[][]): SearchTimes[] {
  return first.map((times, at) => ({
    ...times,
    ns: [times, ...others.map((run) => run[at])].flatMap((each) => each?.ns ?? []),
  }))
}
