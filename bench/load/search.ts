import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatCount, formatFigure } from '../report/format.ts'
import { type SearchTimes, searchBars } from '../report/search-bars.ts'
import { summarize } from '../report/statistics.ts'
import { runPinned, UNDER_TEST } from '../support/program.ts'
import type { Result, Scenario } from './scenario.ts'

const SCRIPT = resolve(fileURLToPath(import.meta.url), '../../micro/find-route.bench.ts')

export const search: Scenario = {
  id: 'search',
  title: 'Finding a route',
  about:
    'The micro benchmark of the index, without sockets: nanoseconds to find a route among 10, 10 000 and 100 000, in tables that are searched in turn.',
  needs: ['taskset'],
  estimate: () => 20,
  run: async (): Promise<Result> => {
    const times = JSON.parse(
      await runPinned(UNDER_TEST, [process.execPath, SCRIPT, '--json']),
    ) as SearchTimes[]
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
