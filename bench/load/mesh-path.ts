import type { JsonObject } from '../../src/model/json.ts'
import { toYaml } from '../../src/model/yaml-text.ts'
import { freePorts } from '../support/program.ts'
import { withSite } from '../support/site.ts'
import { STEADY, WARM_UP_S } from './drive.ts'
import { expectSplit } from './expect-split.ts'
import { measureRounds, warmUp } from './rounds.ts'
import { splitRoute } from './routes.ts'
import { COMMON, type Result, type Scenario, share } from './scenario.ts'
import { costTable } from './tables.ts'

const CART = { 'kuma.io/service': 'cart' }

/** Outbounds of the proxy beside the one that is measured, as many as a service of a mesh may have. */
const OTHERS = 19

export const meshPath: Scenario = {
  id: 'mesh-path',
  title: 'a request through the outbound of a mesh proxy, beside one through a route of the gateway',
  about:
    'One process takes requests at its own listener, where a route of APISIX splits them 3:2 as in (b), and at an outbound of a data plane proxy, where a TrafficRoute does the same by an L7 rule. The proxy has 19 outbounds more. The same request goes to both.',
  needs: COMMON,
  estimate: ({ pairs, seconds }) => 3 * WARM_UP_S + (pairs / 2) * 3 * seconds,
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const [outbound = 0, inbound = 0, ...others] = await freePorts(OTHERS + 2)
      const gateway = await site.gateway({
        config: [
          { routes: [{ id: '1', ...splitRoute('/*', site.blue, site.green) }] },
          ...meshDocuments(site, inbound, [outbound, ...others]),
        ]
          .map(toYaml)
          .join('---\n'),
        flags: ['--dataplane', 'site'],
      })
      const proxy = { ...gateway, port: outbound }
      await expectSplit(site, gateway, '/')
      await expectSplit(site, proxy, '/')
      const all = [
        { name: 'nginx', side: await site.nginx() },
        { name: 'gateway', side: gateway },
        { name: 'mesh proxy', side: proxy },
      ]
      await warmUp(bench, all, STEADY.connections)
      const cost = await measureRounds(bench, all, STEADY, {
        rounds: share(bench.plan, 0.5),
        seconds: bench.plan.seconds,
      })
      return {
        tables: [costTable('At 22 400 requests/s', cost, ['nginx', 'gateway', 'mesh proxy'])],
        bars: [
          {
            what: 'a request through a mesh proxy: CPU beside the gateway’s own split',
            bound: 'at most',
            limit: 1.05,
            unit: '×',
            figure: cost.ratio('mesh proxy', 'gateway', 'cpuMicros'),
          },
        ],
        notes: [],
      }
    }),
}

/** The proxy of `site` with its outbounds, the first of them to `cart`, whose two versions are the backends. */
function meshDocuments(
  { blue, green }: { readonly blue: number; readonly green: number },
  inbound: number,
  [first = 0, ...others]: readonly number[],
): readonly JsonObject[] {
  const tagged = (service: string, version: string | null): JsonObject => ({
    'kuma.io/service': service,
    'kuma.io/protocol': 'http',
    ...(version === null ? {} : { version }),
  })
  const instance = (name: string, port: number, tags: JsonObject): JsonObject => ({
    type: 'Dataplane',
    mesh: 'default',
    name,
    // served by nobody here: the backend itself stands at the inbound's address
    networking: { address: '127.0.0.1', inbound: [{ port, serviceAddress: '127.0.0.2', tags }] },
  })
  return [
    { type: 'Mesh', name: 'default' },
    {
      type: 'Dataplane',
      mesh: 'default',
      name: 'site',
      networking: {
        address: '127.0.0.1',
        inbound: [{ port: inbound, serviceAddress: '127.0.0.2', tags: tagged('site', null) }],
        outbound: [
          { port: first, tags: CART },
          ...others.map((port, i) => ({ port, tags: { 'kuma.io/service': `other-${i}` } })),
        ],
      },
    },
    instance('cart-1', blue, tagged('cart', '1.0')),
    instance('cart-2', green, tagged('cart', '2.0')),
    ...others.map((_, i) => instance(`other-${i}`, blue, tagged(`other-${i}`, null))),
    {
      type: 'TrafficRoute',
      mesh: 'default',
      name: 'split',
      sources: [{ match: { 'kuma.io/service': 'site' } }],
      destinations: [{ match: CART }],
      conf: {
        http: [
          {
            match: { path: { prefix: '/' } },
            split: [
              { weight: 3, destination: { ...CART, version: '1.0' } },
              { weight: 2, destination: { ...CART, version: '2.0' } },
            ],
          },
        ],
        destination: CART,
      },
    },
  ]
}
