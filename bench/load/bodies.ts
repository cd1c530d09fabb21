import type { Bar } from '../report/bar.ts'
import { formatCount, formatFigure } from '../report/format.ts'
import { summarize } from '../report/statistics.ts'
import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { measureRounds, type Work, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share, type Table } from './scenario.ts'
import { speedTable } from './tables.ts'

/** Answers of so many bytes, at a rate that moves about the same bytes a second. */
const BODIES: readonly { readonly bytes: number; readonly label: string; readonly work: Work }[] = [
  { bytes: 65_536, label: '64 KiB', work: { connections: 32, ratePerConnection: 100 } },
  { bytes: 1_048_576, label: '1 MiB', work: { connections: 16, ratePerConnection: 16 } },
]

export const bodies: Scenario = {
  id: 'e',
  title: '(e) bodies of 64 KiB and 1 MiB',
  about:
    'Answers from files, about 200 MiB/s on every side. nginx has its default buffers (eight of 8 KiB, then a temporary file), HAProxy its default of 16 KiB.',
  needs: [...COMMON, 'haproxy'],
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + 3.75 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const gateway = await site.gateway()
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const sides = [
        { name: 'nginx', side: await site.nginx() },
        { name: 'HAProxy', side: await site.haproxy() },
        { name: 'Headgate', side: gateway },
      ]
      const tables: Table[] = []
      const bars: Bar[] = []
      for (const { bytes, label, work } of BODIES) {
        const contenders = sides.map((side) => ({ ...side, path: `/${bytes}` }))
        await warmUp({ ...bench, plan: { ...bench.plan, warmUpRequests: 2 ** 31 / bytes } }, contenders, 16)
        const rounds = await measureRounds(bench, contenders, work, {
          rounds: bench.plan.pairs,
          seconds: bench.plan.seconds / 2,
        })
        const perMiB = (name: string) =>
          rounds.values(name, 'cpuMicros').map((micros) => (micros * 1_048_576) / bytes)
        tables.push({
          caption: `${label}, ${formatCount((work.ratePerConnection ?? 0) * work.connections)} requests/s, ${rounds.count} rounds`,
          columns: ['', 'CPU µs per MiB', 'beside nginx', 'beside HAProxy'],
          rows: sides.map(({ name }) => [
            name,
            formatFigure(summarize(perMiB(name))),
            name === 'nginx' ? '1' : formatFigure(rounds.ratio(name, 'nginx', 'cpuMicros')),
            name === 'HAProxy' ? '1' : formatFigure(rounds.ratio(name, 'HAProxy', 'cpuMicros')),
          ]),
        })
        const flatOut = await measureRounds(
          bench,
          contenders,
          { ...work, ratePerConnection: null },
          { rounds: share(bench.plan, 0.25), seconds: bench.plan.seconds / 2 },
        )
        tables.push(
          speedTable(
            `${label}, flat out`,
            flatOut,
            sides.map(({ name }) => name),
          ),
        )
        for (const [peer, limit] of [
          ['nginx', 0.7],
          ['HAProxy', 1.3],
        ] as const) {
          bars.push({
            what: `(e) CPU per byte, ${label}, beside ${peer}`,
            bound: 'at most',
            limit,
            unit: '×',
            figure: rounds.ratio('Headgate', peer, 'cpuMicros'),
          })
        }
      }
      return { tables, bars, notes: [] }
    }),
}
