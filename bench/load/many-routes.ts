import { withSite } from '../support/site.ts'
import { STEADY, WARM_UP_S } from './drive.ts'
import { type Contender, measureRounds, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable } from './tables.ts'

const ROUTES = 10_000

export const manyRoutes: Scenario = {
  id: 'd',
  title: '(d) 10 000 routes, the request hits the last',
  about: 'Each route has an exact path and an upstream of its own; nginx has as many exact locations.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 2 * WARM_UP_S + 5 + pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const numbers = Array.from({ length: ROUTES }, (_, i) => i)
      const store = await site.fillStore(
        numbers.map((i) => ({ kind: 'routes', id: `r${i}`, value: plainRoute(`/r${i}`, site.blue) })),
      )
      const path = `/r${ROUTES - 1}`
      const side = await site.nginx(
        'nginx',
        numbers.map((i) => `/r${i}`),
      )
      const all: Contender[] = [
        { name: 'nginx', side, path },
        { name: 'Headgate', side: await site.gateway({ store }), path },
      ]
      await warmUp(bench, all, STEADY.connections)
      const { seconds } = bench.plan
      const cost = await measureRounds(bench, all, STEADY, { rounds: share(bench.plan, 0.5), seconds })
      return {
        tables: [costTable('At 22 400 requests/s', cost, ['nginx', 'Headgate'])],
        bars: [],
        notes: [],
      }
    }),
}
