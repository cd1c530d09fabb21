import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { measureRounds, type Work, warmUp } from './rounds.ts'
import { splitRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

const IDLE = 1_000
/** 256 connections with the rate of the other scenarios between them. */
const BUSY: Work = { connections: 256, ratePerConnection: 87.5 }

export const idleAndBusy: Scenario = {
  id: 'f',
  title: '(f) 1 000 idle and 256 busy connections',
  about: 'The split of (b) while each side also holds 1 000 connections on which nothing happens.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 2 * WARM_UP_S + pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const gateway = await site.gateway()
      await gateway.put('routes', '1', splitRoute('/*', site.blue, site.green))
      const all = [
        { name: 'nginx', side: await site.nginx() },
        { name: 'Headgate', side: gateway },
      ]
      await warmUp(bench, all, BUSY.connections)
      const idle = await Promise.all(all.map(({ side }) => site.idleClients(side.port, IDLE)))
      const { seconds } = bench.plan
      const options = { rounds: share(bench.plan, 0.25), seconds }
      const cost = await measureRounds(bench, all, BUSY, options)
      const speed = await measureRounds(bench, all, { ...BUSY, ratePerConnection: null }, options)
      const lost = idle.map((clients) => clients.lost())
      if (lost.some((count) => count > 0))
        throw new Error(`idle connections were closed: ${lost[0]} by nginx, ${lost[1]} by Headgate`)
      return {
        tables: [
          costTable('At 22 400 requests/s', cost, ['nginx', 'Headgate']),
          speedTable('Flat out', speed, ['nginx', 'Headgate']),
        ],
        bars: [],
        notes: [],
      }
    }),
}
