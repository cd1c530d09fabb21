import { withSite } from '../support/site.ts'
import { FLAT_OUT, STEADY, WARM_UP_S } from './drive.ts'
import { type Contender, measureRounds, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

export const plain: Scenario = {
  id: 'a',
  title: '(a) plain proxy, small body',
  about:
    'One route for everything, one backend. The Node proxies are measured flat out only: they do not reach the rate at which cost is compared.',
  needs: [...COMMON, 'haproxy'],
  estimate: ({ pairs, seconds }) => 5 * WARM_UP_S + 2 * pairs * seconds + (pairs / 4) * seconds * 8,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const nginx = { name: 'nginx', side: await site.nginx() }
      const gateway = await site.gateway()
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const headgate = { name: 'Headgate', side: gateway }
      const haproxy = { name: 'HAProxy', side: await site.haproxy() }
      const node: Contender[] = []
      for (const name of ['http-proxy', '@fastify/http-proxy'] as const)
        node.push({ name, side: await site.nodeProxy(name) })
      const all = [nginx, headgate, haproxy, ...node]
      await warmUp(bench, all, STEADY.connections)
      const rounds = share(bench.plan, 0.25)
      const cost = await measureRounds(bench, [nginx, headgate], STEADY, { rounds: pairs, seconds })
      const withHaproxy = await measureRounds(bench, [nginx, haproxy, headgate], STEADY, { rounds, seconds })
      const speed = await measureRounds(bench, all, FLAT_OUT, { rounds, seconds })
      return {
        tables: [
          costTable('At 22 400 requests/s', cost, ['nginx', 'Headgate']),
          costTable('At 22 400 requests/s, with HAProxy', withHaproxy, ['nginx', 'HAProxy', 'Headgate']),
          speedTable(
            'Flat out',
            speed,
            all.map(({ name }) => name),
          ),
        ],
        bars: [],
        notes: [],
      }
    }),
}
