import { withSite } from '../support/site.ts'
import { FLAT_OUT, STEADY, WARM_UP_S } from './drive.ts'
import { type Contender, measureRounds, warmUp } from './rounds.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

export const machineCheck: Scenario = {
  id: 'machine',
  title: 'nginx beside nginx',
  about:
    'Two nginx processes with the same configuration, measured as everything else is. Their ratio must be 1.00: where its interval misses 1.00, the machine favours one place in the order over the other, and the whole run is void.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 2 * WARM_UP_S + 2 * pairs * seconds + (pairs / 2) * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const names = ['nginx', 'nginx again']
      const contenders: Contender[] = []
      for (const name of names) contenders.push({ name, side: await site.nginx(name) })
      await warmUp(bench, contenders, STEADY.connections)
      const { pairs, seconds } = bench.plan
      const cost = await measureRounds(bench, contenders, STEADY, { rounds: pairs, seconds })
      const speed = await measureRounds(bench, contenders, FLAT_OUT, {
        rounds: share(bench.plan, 0.25),
        seconds,
      })
      return {
        tables: [costTable('At 22 400 requests/s', cost, names), speedTable('Flat out', speed, names)],
        bars: [],
        notes: [],
        machine: cost.ratio('nginx again', 'nginx', 'cpuMicros'),
      }
    }),
}
