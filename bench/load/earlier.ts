import { withSite } from '../support/site.ts'
import { FLAT_OUT, STEADY, WARM_UP_S } from './drive.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { splitRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

/** This checkout beside another one, on (b): whether a change costs anything. Part of a run only where `--against` names the other. */
export function earlier(checkout: string): Scenario {
  return {
    id: 'earlier',
    title: 'this version beside an earlier one',
    about:
      'The 3:2 split of (b), by this version and by the one it is held against, in adjacent pairs at one rate.',
    needs: COMMON,
    estimate: ({ pairs, seconds }) => 2 * WARM_UP_S + 2 * pairs * seconds + (pairs / 2) * seconds,
    run: (bench) =>
      withSite(async (site): Promise<Result> => {
        const names = ['this version', 'earlier version'] as const
        const contenders = []
        for (const name of names) {
          const side = await site.gateway(name === 'this version' ? {} : { checkout })
          await side.put('routes', '1', splitRoute('/*', site.blue, site.green))
          contenders.push({ name, side })
        }
        await warmUp(bench, contenders, STEADY.connections)
        const { pairs, seconds } = bench.plan
        const cost = await measureRounds(bench, contenders, STEADY, { rounds: pairs, seconds })
        const speed = await measureRounds(bench, contenders, FLAT_OUT, {
          rounds: share(bench.plan, 0.25),
          seconds,
        })
        return {
          tables: [
            costTable('At 22 400 requests/s', cost, [...names]),
            speedTable('Flat out', speed, [...names]),
          ],
          bars: [
            {
              what: '(b) CPU per request beside the earlier version',
              bound: 'not surely above',
              limit: 1,
              unit: '×',
              figure: cost.ratio('this version', 'earlier version', 'cpuMicros'),
            },
          ],
          notes: [],
        }
      }),
  }
}
