import { join } from 'node:path'
import { formatCount, formatFigure, formatNumber } from '../report/format.ts'
import {
  type Figure,
  median,
  quantile,
  seededRandom,
  summarize,
  summarizeQuantile,
} from '../report/statistics.ts'
import { type Load, runH2load, runWrk } from '../support/load.ts'
import { type GatewaySide, withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { warmUp } from './rounds.ts'
import { plainRoute, splitRoute } from './routes.ts'
import { COMMON, type Plan, type Result, type Scenario, share } from './scenario.ts'

const ROUTES = 10_000
const CONNECTIONS = 64
const CHANGES_PER_SECOND = 20
/** Of what wrk gets through, in requests a second. */
const LOAD_SHARE = 0.6
/** Longer than other measurements: a worst case needs time to happen. */
const secondsOf = (plan: Plan) => Math.max(1, plan.seconds * 1.25)
const roundsOf = (plan: Plan) => Math.max(1, share(plan, 0.4))

/** What writes beside the traffic took. */
export interface Writes {
  /** Milliseconds from the request to its acknowledgement, each. */
  readonly tookMs: readonly number[]
}

/**
 * Writes `write(n)` at a fixed rate, whether the last one is acknowledged or not, until `stop` is called; that waits for those under way and rejects
 * if one was refused.
 */
export function startWriting(
  perSecond: number,
  write: (n: number) => Promise<number>,
): { stop(): Promise<Writes> } {
  const all: Promise<number>[] = []
  const timer = setInterval(() => {
    const one = write(all.length)
    // seen by whoever stops this
    one.catch(() => {})
    all.push(one)
  }, 1000 / perSecond)
  return {
    stop: async () => {
      clearInterval(timer)
      return { tookMs: await Promise.all(all) }
    },
  }
}

export const changes: Scenario = {
  id: 'g',
  title: '(g) 20 changes a second in 10 000 routes',
  about:
    'The split of (b) at 60 % of what it can do, with 10 000 other routes; 20 times a second one of these gets another upstream over the Admin API, into the embedded store. Rounds with and without changes alternate, times are those of every single request.',
  needs: COMMON,
  estimate: (plan) => WARM_UP_S + 8 + roundsOf(plan) * 2 * (secondsOf(plan) + 0.5),
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const documents = Array.from({ length: ROUTES }, (_, i) => ({
        kind: 'routes',
        id: `r${i}`,
        value: plainRoute(`/r${i}`, site.green),
      }))
      documents.push({ kind: 'routes', id: 'split', value: splitRoute('/*', site.blue, site.green) })
      const gateway = await site.gateway({ store: await site.fillStore(documents) })
      await warmUp(bench, [{ name: 'Headgate', side: gateway }], CONNECTIONS)
      const url = `http://127.0.0.1:${gateway.port}/`
      const capacity = await runWrk({ url, connections: CONNECTIONS, seconds: 3 })
      const perSecond = (capacity.requests / capacity.seconds) * LOAD_SHARE
      const seconds = secondsOf(bench.plan)
      const drive = (): Promise<Load> =>
        runH2load({
          url,
          connections: CONNECTIONS,
          seconds,
          ratePerConnection: Number((perSecond / CONNECTIONS).toFixed(1)),
          logFile: join(site.folder, 'requests.log'),
        })
      const calm: Load[] = []
      const changing: Load[] = []
      const writes: number[] = []
      const random = seededRandom(3)
      for (let round = 1; round <= roundsOf(bench.plan); round++) {
        calm.push(await drive())
        const writer = startWriting(CHANGES_PER_SECOND, (n) =>
          changeOne(gateway, Math.floor(random() * ROUTES), n % 2 === 0 ? site.blue : site.green),
        )
        let load: Load
        let written: Writes
        try {
          load = await drive()
        } finally {
          written = await writer.stop()
        }
        changing.push(load)
        writes.push(...written.tookMs)
        bench.note(
          `round ${round}/${roundsOf(bench.plan)}: p99 ${formatNumber(last(calm).p99Ms)} ms without changes, ${formatNumber(load.p99Ms)} ms with; worst ${formatNumber(last(calm).maxMs)} and ${formatNumber(load.maxMs)} ms; writes ${formatNumber(median(written.tookMs))} ms`,
        )
      }
      return report(calm, changing, writes, perSecond)
    }),
}

function changeOne(gateway: GatewaySide, route: number, port: number): Promise<number> {
  return gateway.put('routes', `r${route}`, plainRoute(`/r${route}`, port))
}

function report(
  calm: readonly Load[],
  changing: readonly Load[],
  writes: readonly number[],
  perSecond: number,
): Result {
  const figure = (loads: readonly Load[], field: 'p50Ms' | 'p99Ms' | 'maxMs'): Figure =>
    summarize(loads.map((load) => load[field]))
  const errors = [...calm, ...changing].reduce((sum, load) => sum + load.errors, 0)
  const requests = [...calm, ...changing].reduce((sum, load) => sum + load.requests, 0)
  const sorted = [...writes].sort((a, b) => a - b)
  const row = (name: string, loads: readonly Load[]): string[] => [
    name,
    formatFigure(figure(loads, 'p50Ms')),
    formatFigure(figure(loads, 'p99Ms')),
    formatFigure(figure(loads, 'maxMs')),
  ]
  const pairs = (combine: (a: Load, b: Load) => number): Figure =>
    summarize(changing.map((load, i) => combine(load, calm[i] as Load)))
  return {
    tables: [
      {
        caption: `At ${formatNumber(perSecond)} requests/s, ${calm.length} rounds`,
        columns: ['', 'p50 ms', 'p99 ms', 'longest ms'],
        rows: [row('without changes', calm), row('20 changes a second', changing)],
      },
      {
        caption: `${writes.length} writes, from the request to its acknowledgement`,
        columns: ['p50 ms', 'p99 ms', 'longest ms'],
        rows: [[0.5, 0.99, 1].map((share) => formatNumber(quantile(sorted, share)))],
      },
    ],
    bars: [
      {
        what: `(g) failed requests, of ${formatCount(requests)}`,
        bound: 'at most',
        limit: 0,
        unit: '',
        figure: summarize([errors]),
      },
      {
        what: '(g) p99 with changes beside without',
        bound: 'at most',
        limit: 1.2,
        unit: '×',
        figure: pairs((a, b) => a.p99Ms / b.p99Ms),
      },
      {
        what: '(g) longest request with changes, more than without',
        bound: 'at most',
        limit: 25,
        unit: 'ms',
        figure: pairs((a, b) => a.maxMs - b.maxMs),
      },
      {
        what: '(g) write to acknowledged, p99',
        bound: 'at most',
        limit: 20,
        unit: 'ms',
        figure: summarizeQuantile(writes, 0.99),
      },
    ],
    notes: [],
  }
}

function last<T>(list: readonly T[]): T {
  return list[list.length - 1] as T
}
