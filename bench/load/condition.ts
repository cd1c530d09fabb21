import { withSite } from '../support/site.ts'
import { STEADY, WARM_UP_S } from './drive.ts'
import { expectSplit } from './expect-split.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { CONDITION, conditionRoute, splitRoute } from './routes.ts'
import { COMMON, type Result, type Scenario } from './scenario.ts'
import { costTable } from './tables.ts'

export const condition: Scenario = {
  id: 'c',
  title: '(c) split behind a condition of three terms',
  about:
    'The split of (b) holds for requests whose argument equals a text, whose header is greater than a number, and whose other header fits a regular expression. All sides get the same request; Headgate has (b) and (c) as two routes of one process.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + 3 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const gateway = await site.gateway()
      await gateway.put('routes', 'b', splitRoute('/b', site.blue, site.green))
      await gateway.put('routes', 'c', conditionRoute('/c', site.blue, site.green))
      await expectSplit(site, gateway, '/b')
      await expectSplit(site, gateway, `/c${CONDITION.query}`, CONDITION.headers)
      const request = (name: string, path: string) => ({
        name,
        side: gateway,
        path: `${path}${CONDITION.query}`,
        headers: CONDITION.headers,
      })
      const nginx = { ...request('nginx', '/c'), side: await site.nginx() }
      const names = ['nginx', 'Headgate (b)', 'Headgate (c)']
      const all = [nginx, request('Headgate (b)', '/b'), request('Headgate (c)', '/c')]
      await warmUp(bench, all, STEADY.connections)
      const cost = await measureRounds(bench, all, STEADY, { rounds: pairs, seconds })
      return {
        tables: [costTable('At 22 400 requests/s', cost, names)],
        bars: [
          {
            what: '(c) CPU per request beside nginx',
            bound: 'at most',
            limit: 1.5,
            unit: '×',
            figure: cost.ratio('Headgate (c)', 'nginx', 'cpuMicros'),
          },
          {
            what: '(c) CPU per request beside own (b)',
            bound: 'at most',
            limit: 1.1,
            unit: '×',
            figure: cost.ratio('Headgate (c)', 'Headgate (b)', 'cpuMicros'),
          },
        ],
        notes: [],
      }
    }),
}
