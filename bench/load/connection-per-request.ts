import { withSite } from '../support/site.ts'
import { FLAT_OUT, WARM_UP_S } from './drive.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario } from './scenario.ts'
import { speedTable } from './tables.ts'

export const connectionPerRequest: Scenario = {
  id: 'h',
  title: '(h) a connection per request',
  about:
    'Every request asks for its connection to be closed, and the next one opens another. Measured flat out: h2load, which keeps a rate, does not reconnect.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 2 * WARM_UP_S + 2 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const gateway = await site.gateway()
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const headers = ['Connection: close']
      const all = [
        { name: 'nginx', side: await site.nginx(), headers },
        { name: 'Headgate', side: gateway, headers },
      ]
      await warmUp(bench, all, FLAT_OUT.connections)
      const { seconds, pairs } = bench.plan
      const rounds = await measureRounds(bench, all, FLAT_OUT, { rounds: pairs, seconds })
      return {
        tables: [speedTable('Flat out', rounds, ['nginx', 'Headgate'])],
        bars: [
          {
            what: '(h) CPU per request beside nginx, a connection per request',
            bound: 'at most',
            limit: 1.8,
            unit: '×',
            figure: rounds.ratio('Headgate', 'nginx', 'cpuMicros'),
          },
        ],
        notes: [],
      }
    }),
}
