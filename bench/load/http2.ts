import { withSite } from '../support/site.ts'
import { WARM_UP_S } from './drive.ts'
import { type Contender, measureRounds, type Work, warmUp } from './rounds.ts'
import { plainRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable, speedTable } from './tables.ts'

const STREAMS = 16
/** 12 000 requests/s in all. */
const STEADY: Work = { connections: 8, ratePerConnection: 1500, streams: STREAMS }
const FLAT_OUT: Work = { ...STEADY, ratePerConnection: null }

export const http2: Scenario = {
  id: 'h2',
  title: '(h2) HTTP/2 over TLS, 8 connections × 16 streams',
  about:
    'The plain proxy: HTTP/2 from the client, HTTP/1.1 to the backend. Flat out every connection has 16 streams open all the time; at the rate, as many as it takes.',
  needs: [...COMMON, 'haproxy', 'openssl'],
  estimate: ({ pairs, seconds }) => 4 * WARM_UP_S + 5 * pairs * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const { seconds, pairs } = bench.plan
      const gateway = await site.gateway({ front: 'tls' })
      await gateway.put('routes', '1', plainRoute('/*', site.blue))
      const nghttpx = await site.nghttpx()
      const all: Contender[] = [
        { name: 'nginx', side: await site.nginxFor('tls', site.blue), scheme: 'https' },
        { name: 'HAProxy', side: await site.haproxy('tls'), scheme: 'https' },
      ]
      if (nghttpx !== null) all.push({ name: 'nghttpx', side: nghttpx, scheme: 'https' })
      all.push({ name: 'Headgate', side: gateway, scheme: 'https' })
      const names = all.map(({ name }) => name)
      await warmUp(bench, all, STEADY.connections, { streams: STREAMS })
      const cost = await measureRounds(bench, all, STEADY, { rounds: pairs, seconds })
      const speed = await measureRounds(bench, all, FLAT_OUT, { rounds: share(bench.plan, 0.25), seconds })
      return {
        tables: [
          costTable('At 12 000 requests/s', cost, names),
          speedTable('Flat out, 128 streams', speed, names),
        ],
        bars: [
          {
            what: '(h2) CPU per request beside nginx, HTTP/2 over TLS',
            bound: 'at most',
            limit: 1.4,
            unit: '×',
            figure: cost.ratio('Headgate', 'nginx', 'cpuMicros'),
          },
        ],
        notes: [
          'h2load gives no quantiles over HTTP/2: p50 and p99 are not measured.',
          ...(nghttpx === null
            ? ['nghttpx was not measured: it is not installed (Debian package nghttp2-proxy).']
            : []),
        ],
      }
    }),
}
