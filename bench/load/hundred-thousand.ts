import { join } from 'node:path'
import { formatFigure, formatNumber, megabytes } from '../report/format.ts'
import { single, summarize } from '../report/statistics.ts'
import { call } from '../support/admin.ts'
import { runH2load } from '../support/load.ts'
import { residentBytes } from '../support/program.ts'
import { sampleRoute } from '../support/scale-documents.ts'
import { type GatewaySide, withSite } from '../support/site.ts'
import { startWriting } from './changes.ts'
import { COMMON, type Result, type Scenario } from './scenario.ts'

const ROUTES = 100_000
const STARTS = 3
const CHANGES_PER_SECOND = 20
/** The client whose longest wait shows a stall: so many connections, that both workers have some, at 800 requests/s in all. */
const PROBE = { connections: 16, ratePerConnection: 50 }

export const hundredThousand: Scenario = {
  id: 'scale',
  title: '100 000 routes',
  about:
    'Two workers on both processors, routes of four shapes in the embedded store (a path each; a host each on one path; a path with a wildcard; one path told apart by a header), one in 25 with a split. Ready is from the start of the process to a good `/readyz`, where a former run has left what it made of the documents (`model.cache`), as every restart finds it; the first start, which has to make it, is told apart. A client of 800 requests/s shows stalls by its longest wait, while 20 routes a second are changed; each change is asked for right after its acknowledgement.',
  needs: COMMON,
  estimate: ({ seconds }) => 30 + 5 * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const store = await site.fillStore(documents(site.blue))
      bench.note(`${ROUTES} routes are in the store`)
      const readyMs: number[] = []
      let gateway: GatewaySide | null = await site.gateway({ store, workers: 2 })
      const firstMs = gateway.readyMs
      bench.note(`ready after ${firstMs.toFixed(0)} ms, for the first time`)
      for (let start = 0; start < STARTS; start++) {
        await gateway?.program.stop()
        gateway = await site.gateway({ store, workers: 2 })
        readyMs.push(gateway.readyMs)
        bench.note(`ready after ${gateway.readyMs.toFixed(0)} ms`)
      }
      const running = gateway as GatewaySide
      const seconds = 2 * bench.plan.seconds
      const logFile = join(site.folder, 'requests.log')
      const url = `http://127.0.0.1:${running.port}${sampleRoute(0, 0).request.path}`
      const direct = await runH2load({
        ...PROBE,
        seconds: bench.plan.seconds,
        url: `http://127.0.0.1:${site.blue}/`,
        logFile,
      })
      await runH2load({ ...PROBE, url, seconds: 2 })
      const writer = startWriting(CHANGES_PER_SECOND, (n) =>
        changeAndAsk(running, (97 * (n + 1)) % ROUTES, n % 2 === 0 ? site.green : site.blue),
      )
      const load = await runH2load({ ...PROBE, url, seconds, logFile }).finally(() => writer.stop())
      const { tookMs } = await writer.stop()
      const bytes = residentBytes(running.program.pid)
      if (load.errors > 0) throw new Error(`${load.errors} requests failed while routes were changed`)
      return {
        tables: [
          {
            caption: 'Measured',
            columns: ['', ''],
            rows: [
              ['ready, ms', formatFigure(summarize(readyMs))],
              ['ready for the first time, ms', formatNumber(firstMs)],
              ['longest wait of a request, ms', formatNumber(load.maxMs)],
              ['p99 of a request, ms', formatNumber(load.p99Ms)],
              ['longest wait beside it without a gateway, ms', formatNumber(direct.maxMs)],
              [`one change live (${tookMs.length} changes), ms`, formatFigure(summarize(tookMs))],
              ['RSS, MB', formatNumber(megabytes(bytes))],
            ],
          },
        ],
        bars: [
          {
            what: '100 000 routes: ready',
            bound: 'at most',
            limit: 3,
            unit: 's',
            figure: summarize(readyMs.map((ms) => ms / 1000)),
          },
          {
            what: '100 000 routes: longest stall while traffic runs',
            bound: 'at most',
            limit: 50,
            unit: 'ms',
            figure: single(load.maxMs),
          },
          {
            what: '100 000 routes: RSS with two workers',
            bound: 'at most',
            limit: 800,
            unit: 'MB',
            figure: single(megabytes(bytes)),
          },
          {
            what: '100 000 routes: one change live',
            bound: 'at most',
            limit: 20,
            unit: 'ms',
            figure: summarize(tookMs),
          },
        ],
        notes: [],
      }
    }),
}

function* documents(port: number) {
  for (let i = 0; i < ROUTES; i++) yield { kind: 'routes', ...sampleRoute(i, port) }
}

/** Writes one route anew, with its other backend, and asks for it: the answer must come from there. Resolves to the milliseconds of the write. */
async function changeAndAsk(gateway: GatewaySide, i: number, port: number): Promise<number> {
  const { id, value, request } = sampleRoute(i, port)
  const tookMs = await gateway.put('routes', id, value)
  const answer = await call(gateway.port, 'GET', request.path, '', { ...request.headers, host: request.host })
  if (answer.status !== 200 || !answer.text.includes(String(port)))
    throw new Error(
      `route ${id} was acknowledged and not live: ${answer.status} ${answer.text}, not from ${port}`,
    )
  return tookMs
}
