import { writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { GRPC_MESSAGE, STREAM_MESSAGES, STREAM_PATH, UNARY_PATH } from '../peers/grpc-messages.ts'
import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { type Contender, measureRounds, type Work, warmUp } from './rounds.ts'
import { grpcRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable } from './tables.ts'

const STREAMS = 16
/** 4 000 calls/s in all, which the backend, a program of Node, can still answer beside the load. */
const UNARY: Work = { connections: 8, ratePerConnection: 500, streams: STREAMS }
/** Each connection reads one answer of 1 000 messages after the other. */
const STREAM: Work = { connections: 8, ratePerConnection: null, streams: 1 }
const ANSWER_TIMEOUT_MS = 10_000

export const grpc: Scenario = {
  id: 'grpc',
  title: '(grpc) gRPC: one message, and a stream of 1 000',
  about:
    'Calls over HTTP/2 without TLS on both sides, one message of 12 bytes in each request. The backend answers with one message, or with 1 000 in a hundred pieces, and trailers; it decodes nothing.',
  needs: [...COMMON, 'haproxy'],
  estimate: ({ pairs, seconds }) => 6 * WARM_UP_S + 4.5 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const backend = await site.backend('grpc-backend')
      const body = join(site.folder, 'message')
      writeFileSync(body, GRPC_MESSAGE)
      const gateway = await site.gateway()
      await gateway.put('routes', '1', grpcRoute('/*', backend))
      const sides = [
        { name: 'nginx', side: await site.nginxFor('grpc', backend) },
        { name: 'HAProxy', side: await site.haproxy('grpc', backend) },
        { name: 'Headgate', side: gateway },
      ]
      const names = sides.map(({ name }) => name)
      const asked = (path: string): Contender[] =>
        sides.map((side) => ({
          ...side,
          path,
          body,
          headers: ['content-type: application/grpc', 'te: trailers'],
        }))
      const unary = asked(UNARY_PATH)
      const stream = asked(STREAM_PATH)
      for (const { name, side } of sides) {
        await expectMessages(name, side.port, UNARY_PATH, 1)
        await expectMessages(name, side.port, STREAM_PATH, STREAM_MESSAGES)
      }
      await warmUp(bench, unary, UNARY.connections, { streams: STREAMS })
      const one = await measureRounds(bench, unary, UNARY, { rounds: pairs, seconds })
      await warmUp(
        { ...bench, plan: { ...bench.plan, warmUpRequests: bench.plan.warmUpRequests / 100 } },
        stream,
        STREAM.connections,
        { streams: 1 },
      )
      const rounds = share(bench.plan, 0.5)
      const thousand = await measureRounds(bench, stream, STREAM, { rounds, seconds })
      return {
        tables: [
          costTable('One message, at 4 000 calls/s', one, names, 'call'),
          costTable('1 000 messages, eight calls at a time', thousand, names, 'call'),
        ],
        bars: [
          {
            what: '(grpc) CPU per call beside nginx, one message',
            bound: 'at most',
            limit: 1.4,
            unit: '×',
            figure: one.ratio('Headgate', 'nginx', 'cpuMicros'),
          },
        ],
        notes: [
          'The backend shares its processor with the load and is the bound: calls/s flat out would be its own, and are not shown. h2load does not look at `grpc-status`; before the measurement one call of each kind must come back whole from every side, with status 0.',
        ],
      }
    }),
}

/** Rejects unless one call gives so many messages and the status of success. */
async function expectMessages(name: string, port: number, path: string, count: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('error', reject)
      const fields = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
      const stream = session.request(fields)
      let bytes = 0
      let status: unknown
      stream.setTimeout(ANSWER_TIMEOUT_MS, () =>
        stream.destroy(new Error(`${name} gave no answer for ${path}`)),
      )
      stream.on('error', reject)
      stream.on('trailers', (trailers) => {
        status = trailers['grpc-status']
      })
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      stream.on('end', () => {
        if (status === '0' && bytes === count * GRPC_MESSAGE.length) resolve()
        else reject(new Error(`${name} gave ${bytes} bytes and grpc-status ${status} for ${path}`))
      })
      stream.end(GRPC_MESSAGE)
    })
  } finally {
    session.destroy()
  }
}
