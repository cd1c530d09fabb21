import { formatNumber, megabytes } from '../report/format.ts'
import { single } from '../report/statistics.ts'
import { residentBytes } from '../support/program.ts'
import { withSite } from '../support/site.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario } from './scenario.ts'

/** After this the memory of a start has been given back. */
const SETTLE_MS = 3_000
const IDLE_CONNECTIONS = 10_000

export const memory: Scenario = {
  id: 'memory',
  title: 'An idle gateway and idle connections',
  about:
    'Resident memory of a gateway with one worker three seconds after its start, and how much more it is with 10 000 connections that have sent one request each and are silent.',
  needs: COMMON,
  estimate: () => 15,
  run: () =>
    withSite(async (site): Promise<Result> => {
      const gateway = await site.gateway()
      const resident = () => megabytes(residentBytes(gateway.program.pid))
      await settle()
      const idle = resident()
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const before = resident()
      const clients = await site.idleClients(gateway.port, IDLE_CONNECTIONS)
      await settle()
      const more = resident() - before
      if (clients.lost() > 0) throw new Error(`${clients.lost()} idle connections were closed`)
      return {
        tables: [
          {
            caption: 'Resident memory, MB of 1 000 000 bytes',
            columns: ['idle, one worker', '10 000 idle connections more', 'bytes a connection'],
            rows: [[formatNumber(idle), formatNumber(more), formatNumber((more * 1e6) / IDLE_CONNECTIONS)]],
          },
        ],
        bars: [
          {
            what: 'RSS of an idle gateway, one worker',
            bound: 'at most',
            limit: 120,
            unit: 'MB',
            figure: single(idle),
          },
          {
            what: 'RSS of 10 000 idle connections',
            bound: 'at most',
            limit: 80,
            unit: 'MB',
            figure: single(more),
          },
        ],
        notes: [],
      }
    }),
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}
