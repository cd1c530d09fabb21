import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { single } from '../report/statistics.ts'
import { runHandshakes } from '../support/load.ts'
import { type Site, withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { type Contender, type Drive, measureBy, measureRounds, type Work, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

/** 12 800 requests/s in all: TLS leaves less room than plain HTTP does. */
const STEADY: Work = { connections: 64, ratePerConnection: 200 }
const FLAT_OUT: Work = { ...STEADY, ratePerConnection: null }
/** Each of them has one handshake under way; with one alone the server would sleep while the client reckons. */
const HANDSHAKES: Work = { connections: 4, ratePerConnection: null }
/** So many connections, one after the other, each with the ticket of a first one. */
const RESUMPTIONS = 200
const SILENCE_MS = 10_000

const driveHandshakes: Drive = ({ side }, { connections }, seconds) =>
  runHandshakes(side.port, connections, seconds)

export const tls: Scenario = {
  id: 'tls',
  title: '(tls) HTTPS: keep-alive, handshakes, resumption',
  about:
    'The plain proxy behind TLS 1.3 with one ECDSA certificate (P-256) and TLS_AES_256_GCM_SHA384 on every side, tickets on. Keep-alive: 64 connections. Handshakes: `openssl s_time -new`, four at a time, each connection closed as soon as it stands, no session used again. Resumption: one client of Node, each connection with the ticket of a first one, against Headgate with two workers.',
  needs: [...COMMON, 'haproxy', 'openssl'],
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + 5.25 * pairs * seconds + 10,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const gateway = await site.gateway({ front: 'tls' })
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const all: Contender[] = [
        { name: 'nginx', side: await site.nginxFor('tls', site.blue), scheme: 'https' },
        { name: 'HAProxy', side: await site.haproxy('tls'), scheme: 'https' },
        { name: 'Headgate', side: gateway, scheme: 'https' },
      ]
      const names = all.map(({ name }) => name)
      await warmUp(bench, all, STEADY.connections)
      const cost = await measureRounds(bench, all, STEADY, { rounds: pairs, seconds })
      const speed = await measureRounds(bench, all, FLAT_OUT, { rounds: share(bench.plan, 0.25), seconds })
      const handshakes = await measureRounds(
        bench,
        all,
        HANDSHAKES,
        { rounds: pairs, seconds: seconds / 2 },
        measureBy(driveHandshakes),
      )
      const resumed = await resumedPercent(site)
      return {
        tables: [
          costTable('Keep-alive, 12 800 requests/s', cost, names),
          speedTable('Keep-alive, flat out', speed, names),
          speedTable('Full handshakes, four at a time', handshakes, names, ['handshake', 'handshakes']),
        ],
        bars: [
          {
            what: '(tls) CPU per request beside nginx, HTTPS keep-alive',
            bound: 'at most',
            limit: 1.35,
            unit: '×',
            figure: cost.ratio('Headgate', 'nginx', 'cpuMicros'),
          },
          {
            what: '(tls) CPU per full handshake beside nginx',
            bound: 'at most',
            limit: 1.5,
            unit: '×',
            figure: handshakes.ratio('Headgate', 'nginx', 'cpuMicros'),
          },
          {
            what: '(tls) connections that resume a session, two workers',
            bound: 'at least',
            limit: 99,
            unit: '%',
            figure: single(resumed),
          },
        ],
        notes: [
          'The 64 handshakes at the beginning of each measurement of keep-alive are part of its cost, on every side.',
        ],
      }
    }),
}

/** How many connections in a hundred resume the session of a first one, with two workers between which the system chooses. */
async function resumedPercent(site: Site): Promise<number> {
  const gateway = await site.gateway({ front: 'tls', workers: 2 })
  const ca = readFileSync((await site.keyPair()).certificate)
  const session = await takeTicket(openTls(gateway.port, ca))
  let resumed = 0
  for (let i = 0; i < RESUMPTIONS; i++) {
    const socket = openTls(gateway.port, ca, session)
    await once(socket, 'secureConnect')
    if (socket.isSessionReused()) resumed++
    await close(socket)
  }
  return (resumed / RESUMPTIONS) * 100
}

function openTls(port: number, ca: Buffer, session?: Buffer): TLSSocket {
  const chosen = session === undefined ? {} : { session }
  const socket = connect({ port, host: '127.0.0.1', ca, minVersion: 'TLSv1.3', ...chosen })
  socket.setTimeout(SILENCE_MS, () =>
    socket.destroy(new Error('the gateway gave no ticket, or no handshake')),
  )
  return socket
}

async function takeTicket(socket: TLSSocket): Promise<Buffer> {
  const [ticket] = (await once(socket, 'session')) as [Buffer]
  await close(socket)
  return ticket
}

async function close(socket: TLSSocket): Promise<void> {
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}
