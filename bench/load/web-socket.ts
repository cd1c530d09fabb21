import type { Bar } from '../report/bar.ts'
import { formatNumber, megabytes } from '../report/format.ts'
import { single } from '../report/statistics.ts'
import { runStreamLoad } from '../support/load.ts'
import { allowDescriptors, residentBytes } from '../support/program.ts'
import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { type Drive, measureBy, measureRounds, type Work, warmUp } from './rounds.ts'
import { webSocketRoute } from './routes.ts'
import { type Bench, COMMON, type Result, type Scenario, share, type Table } from './scenario.ts'
import { speedTable } from './tables.ts'

const ECHO: Work = { connections: 64, ratePerConnection: null }
const IDLE = 8_000
/** Both connections of each WebSocket, and what else a gateway has open. */
const DESCRIPTORS = 2 * IDLE + 1_000

const driveEcho: Drive = ({ side }, { connections }, seconds) =>
  runStreamLoad('websocket', side.port, connections, seconds)

export const webSocket: Scenario = {
  id: 'websocket',
  title: '(websocket) echo of small messages, and 8 000 idle WebSockets',
  about:
    'Over each of 64 WebSockets one message of 32 bytes goes to the backend and comes back, over and over. Then a fresh gateway with one worker holds 8 000 WebSockets on which nothing happens, and is looked at ten seconds later: what their handshakes took has been given back by then.',
  needs: [...COMMON, 'haproxy', 'prlimit'],
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + 1.5 * pairs * seconds + 30,
  run: async (bench) => {
    const echo = await withSite(async (site): Promise<Table> => {
      const backend = await site.backend('echo-backend')
      const gateway = await site.gateway()
      await gateway.put('routes', '1', webSocketRoute('/*', backend))
      const all = [
        { name: 'nginx', side: await site.nginxFor('websocket', backend) },
        { name: 'HAProxy', side: await site.haproxy('http', backend) },
        { name: 'Headgate', side: gateway },
      ]
      await warmUp(bench, all, ECHO.connections, { drive: driveEcho })
      const { seconds } = bench.plan
      const options = { rounds: share(bench.plan, 0.5), seconds }
      const rounds = await measureRounds(bench, all, ECHO, options, measureBy(driveEcho))
      return speedTable(
        'Echo over 64 connections',
        rounds,
        all.map(({ name }) => name),
        ['message', 'messages'],
      )
    })
    const idle = await measureIdle(bench)
    return { ...idle, tables: [echo, ...idle.tables] }
  },
}

async function measureIdle({ plan }: Bench): Promise<Result> {
  const bar = {
    what: `RSS with ${IDLE} idle WebSockets, one worker`,
    bound: 'at most',
    limit: 200,
    unit: 'MB',
  } as const
  const notes = ['Times of single messages are not measured.']
  const refusal = await allowDescriptors(DESCRIPTORS)
  if (refusal !== null) {
    const reason = `not measured: ${refusal}`
    return {
      tables: [],
      bars: [{ ...bar, figure: null, reason }],
      notes: [...notes, `Idle WebSockets were ${reason}.`],
    }
  }
  return withSite(async (site): Promise<Result> => {
    const backend = await site.backend('echo-backend')
    const gateway = await site.gateway()
    await gateway.put('routes', '1', webSocketRoute('/*', backend))
    const clients = await site.idleClients(gateway.port, IDLE, 'websocket')
    await new Promise((resolve) => setTimeout(resolve, plan.settleMs))
    if (clients.lost() > 0) throw new Error(`${clients.lost()} idle WebSockets were closed`)
    const resident = megabytes(residentBytes(gateway.program.pid))
    const bars: Bar[] = [{ ...bar, figure: single(resident) }]
    const rows = [[formatNumber(resident)]]
    const caption = 'Resident memory of Headgate, MB of 1 000 000 bytes'
    return { tables: [{ caption, columns: [`${IDLE} idle WebSockets`], rows }], bars, notes }
  })
}
