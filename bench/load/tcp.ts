import { runStreamLoad } from '../support/load.ts'
import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { type Contender, type Drive, measureBy, measureRounds, type Work, warmUp } from './rounds.ts'
import { streamRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { speedTable } from './tables.ts'

const BYTES: Work = { connections: 8, ratePerConnection: null }
const OPENED: Work = { connections: 64, ratePerConnection: null }
const MIB = 1_048_576

/** Counts the MiB that were relayed: what came back has passed twice. */
const driveBytes: Drive = async ({ side }, { connections }, seconds) => {
  const load = await runStreamLoad('bytes', side.port, connections, seconds)
  return { ...load, requests: (2 * load.requests) / MIB }
}

const driveConnections: Drive = ({ side }, { connections }, seconds) =>
  runStreamLoad('connections', side.port, connections, seconds)

export const tcp: Scenario = {
  id: 'tcp',
  title: '(tcp) TCP: bytes, and a connection after the other',
  about:
    'Bytes: eight connections to an echo, each with half a MiB in blocks of 64 KiB under way, so that as much passes in either direction; both count. Connections: 64 at a time, each carries one byte there and back and is closed.',
  needs: [...COMMON, 'haproxy'],
  estimate: ({ pairs, seconds }) => 6 * WARM_UP_S + 3 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const backend = await site.backend('echo-backend')
      const gateway = await site.gateway({ front: 'tcp' })
      await gateway.put('stream_routes', '1', streamRoute(gateway.port, backend))
      const nginx = await site.nginxStream(backend)
      const all: Contender[] = [{ name: 'HAProxy', side: await site.haproxy('tcp', backend) }]
      if (nginx !== null) all.push({ name: 'nginx', side: nginx })
      all.push({ name: 'Headgate', side: gateway })
      const names = all.map(({ name }) => name)
      await warmUp(
        { ...bench, plan: { ...bench.plan, warmUpRequests: bench.plan.warmUpRequests / 30 } },
        all,
        BYTES.connections,
        { drive: driveBytes },
      )
      const bytes = await measureRounds(
        bench,
        all,
        BYTES,
        { rounds: pairs, seconds: seconds / 2 },
        measureBy(driveBytes),
      )
      await warmUp(
        { ...bench, plan: { ...bench.plan, warmUpRequests: bench.plan.warmUpRequests / 4 } },
        all,
        OPENED.connections,
        { drive: driveConnections },
      )
      const opened = await measureRounds(
        bench,
        all,
        OPENED,
        { rounds: share(bench.plan, 0.5), seconds },
        measureBy(driveConnections),
      )
      return {
        tables: [
          speedTable('Bytes, flat out', bytes, names, ['MiB', 'MiB']),
          speedTable('Connections, flat out', opened, names, ['connection', 'connections']),
        ],
        bars: [
          {
            what: '(tcp) CPU per byte relayed beside HAProxy',
            bound: 'at most',
            limit: 1.3,
            unit: '×',
            figure: bytes.ratio('Headgate', 'HAProxy', 'cpuMicros'),
          },
        ],
        notes: [
          'The load and the echo are programs of Node on one processor and are the bound of both rates: only the cost says something. Times of single connections are not measured.',
          ...(nginx === null
            ? [
                'nginx was not measured: its module for streams is not installed (Debian package libnginx-mod-stream).',
              ]
            : []),
        ],
      }
    }),
}
