import { formatFigure, formatNumber } from '../report/format.ts'
import { summarize } from '../report/statistics.ts'
import { withSite } from '../support/site.ts'
import { tencentApis, tencentApisBody, tencentFile, tencentPolicies } from '../support/tencent-documents.ts'
import { STEADY, WARM_UP_S } from './drive.ts'
import { expectSplit } from './expect-split.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable } from './tables.ts'

const APIS = 1_000
const STARTS = 3
/** The header that makes the last of the policies hold, after all terms of all others were looked at. */
const TENANT = 'tenant: t9'

export const policies: Scenario = {
  id: 'policies',
  title: 'conditional routing of Tencent: 10 policies of three terms, 1 000 APIs',
  about:
    'Two APIs of one process, both with a 3:2 split of their nodes. One has a plugin with ten policies, each of three terms (two headers and a number in the query); every request fits the last policy by its last term, so that all thirty terms are tested. Both get the same request. Then a store with 1 000 APIs, each with a plugin of its own with such a policy: the time from the first start of the process on it to a good `/readyz`, less that with an empty store. The same out of one YAML file, whose parsing comes on top, is in the table.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + (pairs / 2) * 3 * seconds + 3 * STARTS * 2,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds } = bench.plan
      const gateway = await site.gateway({ config: tencentPolicies(site.blue, site.green) })
      const headers = ['UserName: admin', TENANT]
      const request = (name: string, path: string) => ({
        name,
        side: gateway,
        path: `${path}?age=29`,
        headers,
      })
      await expectSplit(site, gateway, '/plain?age=29', headers)
      await expectSplit(site, gateway, '/ten?age=29', headers)
      const nginx = { name: 'nginx', side: await site.nginx(), path: '/ten?age=29', headers }
      const all = [nginx, request('plain split', '/plain'), request('ten policies', '/ten')]
      await warmUp(bench, all, STEADY.connections)
      const cost = await measureRounds(bench, all, STEADY, {
        rounds: share(bench.plan, 0.5),
        seconds,
      })
      await gateway.program.stop()
      const times: Record<string, number[]> = { empty: [], store: [], 'YAML file': [] }
      for (let start = 0; start < STARTS; start++) {
        const { blue } = site
        for (const [name, options] of [
          ['empty', { store: await site.fillStore([], `empty-${start}`) }],
          ['store', { store: await site.fillStore(tencentApis(APIS, blue), `apis-${start}`) }],
          ['YAML file', { config: tencentFile(tencentApisBody(APIS, blue)) }],
        ] as const) {
          const side = await site.gateway(options)
          times[name]?.push(side.readyMs)
          bench.note(`${name}: ready after ${formatNumber(side.readyMs)} ms`)
          await side.program.stop()
        }
      }
      const later = (name: string): number[] =>
        (times[name] ?? []).map((ms, i) => (ms - (times.empty?.[i] ?? 0)) / 1000)
      return {
        tables: [
          costTable('At 22 400 requests/s', cost, ['nginx', 'plain split', 'ten policies']),
          {
            caption: `Ready with ${APIS} APIs`,
            columns: ['', 'later than an empty gateway, s'],
            rows: ['store', 'YAML file'].map((name) => [name, formatFigure(summarize(later(name)))]),
          },
        ],
        bars: [
          {
            what: '10 policies of three terms: CPU per request beside the plain split',
            bound: 'at most',
            limit: 1.15,
            unit: '×',
            figure: cost.ratio('ten policies', 'plain split', 'cpuMicros'),
          },
          {
            what: '1 000 APIs with a plugin each: ready later than with none',
            bound: 'at most',
            limit: 1,
            unit: 's',
            figure: summarize(later('store')),
          },
        ],
        notes: [],
      }
    }),
}
