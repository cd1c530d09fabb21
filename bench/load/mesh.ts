import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../src/model/json.ts'
import { formatFigure, formatNumber, megabytes } from '../report/format.ts'
import { single, summarize } from '../report/statistics.ts'
import { call } from '../support/admin.ts'
import { type Subscriber, type Subscribers, startSubscribers } from '../support/mesh-subscribers.ts'
import { freePorts, residentBytes, startProgram, UNDER_TEST } from '../support/program.ts'
import { withSite } from '../support/site.ts'
import type { Result, Scenario } from './scenario.ts'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
const PROXIES = 200
const SERVICES = 20
/** After this the memory of a start has been given back. */
const SETTLE_MS = 3_000

export const mesh: Scenario = {
  id: 'mesh',
  title: 'A mesh of 200 proxies and 20 services',
  about:
    'The control plane of a mesh, with one worker. 200 simulated proxies register over connections of their own, each with an inbound of one of 20 services and an outbound to every one, and follow their models. A TrafficRoute that concerns all of them is changed: the time is from the first byte of the call to the last proxy that has the change. Then one that concerns a single proxy. Last, an idle proxy is started as a process of its own, with 20 outbounds, and its resident memory read three seconds later.',
  needs: ['taskset'],
  estimate: ({ pairs }) => 25 + 3 * changesOf(pairs),
  run: (bench) =>
    withSite(async (site): Promise<Result> => {
      const [port = 0, ...others] = await freePorts(SERVICES + 3)
      const gateway = await site.gateway({ flags: ['--kuma', `127.0.0.1:${port}`] })
      const changes = changesOf(bench.plan.pairs)
      const began = performance.now()
      const subscribers = await startSubscribers(
        port,
        Array.from({ length: PROXIES }, (_, i) => proxyDocument(i)),
      )
      const registeredMs = performance.now() - began
      bench.note(`${PROXIES} proxies are registered`)
      try {
        await subscribers.settle()
        const all = await change(port, changes, subscribers, '*', subscribers.all)
        bench.note('a route of all of them was changed')
        const one = await change(
          port,
          changes,
          subscribers,
          'proxy-7',
          subscribers.all.filter(({ name }) => name === 'proxy-7'),
        )
        const controlPlane = megabytes(residentBytes(gateway.program.pid))
        const idle = await idleProxy(port, site.folder, others)
        return {
          tables: [
            {
              caption: 'Measured',
              columns: ['', ''],
              rows: [
                [
                  `${PROXIES} proxies registered, one after the other 64 at a time, ms`,
                  formatNumber(registeredMs),
                ],
                ['a change for all delivered to all, ms', formatFigure(summarize(all.tookMs))],
                ['bytes of it to one proxy', formatNumber(all.bytes)],
                ['a change for one proxy delivered, ms', formatFigure(summarize(one.tookMs))],
                ['proxies that heard of it', formatNumber(one.told)],
                ['RSS of the control plane, MB', formatNumber(controlPlane)],
                ['RSS of an idle proxy, MB', formatNumber(idle)],
              ],
            },
          ],
          bars: [
            {
              what: '200 proxies × 20 services: a TrafficRoute change delivered to all',
              bound: 'at most',
              limit: 2,
              unit: 's',
              figure: summarize(all.tookMs.map((ms) => ms / 1000)),
            },
            {
              what: '200 proxies × 20 services: RSS of the control plane',
              bound: 'at most',
              limit: 1000,
              unit: 'MB',
              figure: single(controlPlane),
            },
            {
              what: 'a change for one proxy: proxies that hear of it',
              bound: 'at most',
              limit: 1,
              unit: '',
              figure: single(one.told),
            },
            {
              what: 'RSS of an idle proxy process',
              bound: 'at most',
              limit: 90,
              unit: 'MB',
              figure: single(idle),
            },
          ],
          notes: [],
        }
      } finally {
        subscribers.close()
      }
    }),
}

/** How often each route is changed. */
function changesOf(pairs: number): number {
  return Math.max(3, Math.ceil(pairs / 2))
}

function proxyDocument(i: number): JsonObject & { readonly name: string } {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name: `proxy-${i}`,
    networking: {
      address: `10.0.${Math.floor(i / 200)}.${(i % 200) + 1}`,
      inbound: [
        {
          port: 9000,
          servicePort: 8000,
          serviceAddress: '127.0.0.1',
          tags: {
            'kuma.io/service': `service-${i % SERVICES}`,
            'kuma.io/protocol': 'http',
            version: `v${i % 3}`,
            proxy: `proxy-${i}`,
          },
        },
      ],
      outbound: Array.from({ length: SERVICES }, (_, service) => ({
        port: 10_001 + service,
        tags: { 'kuma.io/service': `service-${service}` },
      })),
    },
  }
}

/** Changes a route of the proxies whose tag says so (`*`: all) `changes` times; how long each took until all of `concerned` had it; of all changes the most that were told, and the most bytes. */
async function change(
  port: number,
  changes: number,
  subscribers: Subscribers,
  proxy: string,
  concerned: readonly Subscriber[],
): Promise<{ readonly tookMs: readonly number[]; readonly told: number; readonly bytes: number }> {
  const tookMs: number[] = []
  let told = 0
  let bytes = 0
  for (let i = 0; i < changes; i++) {
    // a weight that nothing else has tells this change from others
    const weight = 1000 + i
    const before = new Map(subscribers.all.map((one) => [one, one.lines]))
    const bytesBefore = concerned[0]?.bytes ?? 0
    const began = performance.now()
    const answer = await call(
      port,
      'PUT',
      `/meshes/default/traffic-routes/to-service-3-from-${proxy === '*' ? 'all' : proxy}`,
      JSON.stringify(routeDocument(proxy, weight)),
    )
    if (answer.status !== 200 && answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
    const has = (one: Subscriber) =>
      one.lines > (before.get(one) ?? 0) && one.last.includes(`"weight":${weight},`)
    while (!concerned.every(has)) {
      if (performance.now() - began > 30_000)
        throw new Error(`${concerned.filter((one) => !has(one)).length} proxies did not get the change`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    tookMs.push(Math.max(...concerned.map(({ lastMs }) => lastMs)) - began)
    bytes = Math.max(bytes, (concerned[0]?.bytes ?? 0) - bytesBefore)
    await subscribers.settle()
    told = Math.max(told, subscribers.all.filter((one) => one.lines > (before.get(one) ?? 0)).length)
  }
  return { tookMs, told, bytes }
}

function routeDocument(proxy: string, weight: number): JsonObject {
  const destination = (version: string) => ({ 'kuma.io/service': 'service-3', version })
  return {
    type: 'TrafficRoute',
    mesh: 'default',
    name: `to-service-3-from-${proxy === '*' ? 'all' : proxy}`,
    sources: [{ match: { 'kuma.io/service': '*', ...(proxy === '*' ? {} : { proxy }) } }],
    destinations: [{ match: { 'kuma.io/service': 'service-3' } }],
    conf: {
      split: [
        { weight, destination: destination('v0') },
        { weight: 1, destination: destination('v1') },
      ],
    },
  }
}

/** MB that a proxy process has when nothing is asked of it. The first start leaves compiled sources for the second, which counts. */
async function idleProxy(port: number, folder: string, ports: readonly number[]): Promise<number> {
  const [admin, inbound, ...outbounds] = ports
  const file = join(folder, 'idle.json')
  const document = {
    type: 'Dataplane',
    mesh: 'default',
    name: 'idle',
    networking: {
      address: '127.0.0.1',
      inbound: [
        {
          port: inbound,
          servicePort: 8000,
          serviceAddress: '127.0.0.1',
          tags: { 'kuma.io/service': 'idle' },
        },
      ],
      outbound: outbounds.slice(0, SERVICES).map((own, i) => ({
        port: own,
        tags: { 'kuma.io/service': `service-${i}` },
      })),
    },
  }
  writeFileSync(file, JSON.stringify(document))
  let resident = 0
  for (let start = 0; start < 2; start++) {
    const program = await startProgram(
      UNDER_TEST,
      [
        process.execPath,
        resolve(ROOT, 'bin/headgate.js'),
        'dataplane',
        '--cp-address',
        `http://127.0.0.1:${port}`,
        '--dataplane-file',
        file,
        '--admin-port',
        String(admin),
        '--log-level',
        'error',
      ],
      () => isReady(admin ?? 0),
    )
    await new Promise((done) => setTimeout(done, SETTLE_MS))
    resident = megabytes(residentBytes(program.pid))
    await program.stop()
  }
  return resident
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await call(port, 'GET', '/ready', '')).status === 200
  } catch {
    return false
  }
}
