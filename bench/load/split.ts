import { withSite } from '../support/site.ts'
import { FLAT_OUT, STEADY, WARM_UP_S } from './drive.ts'
import { expectSplit } from './expect-split.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { splitRoute } from './routes.ts'
import { COMMON, type Result, type Scenario } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

export const split: Scenario = {
  id: 'b',
  title: '(b) 3:2 split',
  about:
    'Headgate splits 3:2 between two upstreams, as the traffic-split page has it; nginx and http-proxy do their plain proxying to one backend.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + 5 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const nginx = { name: 'nginx', side: await site.nginx() }
      const gateway = await site.gateway()
      await gateway.put('routes', '1', splitRoute('/*', site.blue, site.green))
      const headgate = { name: 'Headgate', side: gateway }
      await expectSplit(site, gateway, '/')
      const httpProxy = { name: 'http-proxy', side: await site.nodeProxy('http-proxy') }
      const all = [nginx, headgate, httpProxy]
      await warmUp(bench, all, STEADY.connections)
      const cost = await measureRounds(bench, [nginx, headgate], STEADY, { rounds: pairs, seconds })
      const speed = await measureRounds(bench, all, FLAT_OUT, { rounds: pairs, seconds })
      const ratio = cost.ratio('Headgate', 'nginx', 'cpuMicros')
      return {
        tables: [
          costTable('At 22 400 requests/s', cost, ['nginx', 'Headgate']),
          speedTable('Flat out', speed, ['nginx', 'Headgate', 'http-proxy']),
        ],
        bars: [
          {
            what: '(b) CPU per request beside nginx',
            bound: 'at most',
            limit: 1.35,
            unit: '×',
            figure: ratio,
          },
          {
            what: '(b) requests/s beside nginx',
            bound: 'at least',
            limit: 0.75,
            unit: '×',
            figure: speed.ratio('Headgate', 'nginx', 'perSecond'),
          },
          {
            what: '(b) requests/s beside http-proxy',
            bound: 'at least',
            limit: 3,
            unit: '×',
            figure: speed.ratio('Headgate', 'http-proxy', 'perSecond'),
          },
        ],
        notes: ['The goal beyond the bar on CPU per request is 1.0 ×.'],
      }
    }),
}
