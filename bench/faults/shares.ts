import { sleep, startLoad } from '../../test/faults/support.ts'
import { answerText, type Backend, startBackend } from '../../test/support/backends.ts'
import type { Fault, Line, Scale } from './fault.ts'
import { Node } from './node.ts'
import { findEvent, putNative, withGateway } from './support.ts'

/** F5 and F6: shares hold through failure and recovery, a returning endpoint gets its share little by little, panic spreads. */

const CHECK = {
  kind: 'http',
  interval: '200ms',
  timeout: '200ms',
  down: 2,
  up: 1,
  headers: { 'X-Id': 'probe' },
}

/** F5. */
async function runSplit({ requests }: Scale): Promise<readonly Line[]> {
  const nodes = await Node.start(3)
  const names = ['a', 'b', 'c']
  const weights = [70, 20, 10]
  const counts = (): number[] =>
    nodes.map((node) => node.log().filter(({ id, method }) => method === 'GET' && id !== 'probe').length)
  try {
    return await withGateway(async (gateway) => {
      for (const [i, node] of nodes.entries()) {
        const upstream = {
          id: names[i] as string,
          endpoints: [node.address],
          timeouts: '1s',
          levels: { panicBelow: '0%' },
          health: { active: CHECK },
        }
        await putNative(gateway, 'upstreams', upstream)
      }
      const route = {
        id: 'all',
        split: names.map((upstream, i) => ({ upstream, weight: weights[i] })),
        whenOut: 'spill',
      }
      await putNative(gateway, 'routes', route)
      let worst = 0
      let asked = 0
      let failures = 0
      const shown: string[] = []
      /** The shares of so many requests, and how far they are from what they should be. */
      const phase = async (name: string, living: readonly number[]): Promise<void> => {
        const before = counts()
        const load = startLoad(gateway.port, 8)
        while (load.report.total < requests / 3) await sleep(10)
        const { total, failed } = await load.stop()
        const got = counts().map((count, i) => count - (before[i] as number))
        asked += total
        failures += failed
        const all = living.reduce((sum, weight) => sum + weight, 0)
        const error = Math.max(
          ...living.map((weight, i) => Math.abs((got[i] as number) / total - weight / all) * 100),
        )
        worst = Math.max(worst, error)
        shown.push(`${name} ${got.map((count) => ((count / total) * 100).toFixed(1)).join('/')}`)
      }
      await phase('all', weights)
      const second = nodes[1] as Node
      const killedAtMs = Date.now()
      await second.end('SIGKILL')
      const out = await findEvent(gateway, ['endpoint-unhealthy'], second.address, killedAtMs, 5000)
      await phase('second killed', [70, 0, 10])
      const revivedAtMs = Date.now()
      await second.start()
      const back = await findEvent(gateway, ['endpoint-healthy'], second.address, revivedAtMs, 5000)
      await phase('revived', weights)
      return [
        {
          text: `split error <= 3 % in each phase (${worst.toFixed(2)} %): ${shown.join(', ')}; failed ${failures} of ${asked}`,
          isKept: worst <= 3 && out !== null && back !== null && failures === 0,
        },
      ]
    })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
}

/** A backend whose health is a switch of its own: live requests are always answered. */
async function startSwitch(): Promise<{ readonly backend: Backend; isWell: boolean; live: number }> {
  const made = { backend: undefined as unknown as Backend, isWell: true, live: 0 }
  made.backend = await startBackend((request) => {
    if (request.target !== '/healthz') {
      made.live++
      return answerText('ok')
    }
    return answerText('health', { status: made.isWell ? '200 OK' : '503 Down' })
  })
  return made
}

/** F6. */
async function runSlowStart({ seconds }: Scale): Promise<readonly Line[]> {
  const windowMs = seconds >= 12 ? 10_000 : 4000
  const nodes = await Promise.all([startSwitch(), startSwitch()])
  const [steady, slow] = nodes as [
    Awaited<ReturnType<typeof startSwitch>>,
    Awaited<ReturnType<typeof startSwitch>>,
  ]
  try {
    return await withGateway(async (gateway) => {
      slow.isWell = false
      const startedAtMs = Date.now()
      const upstream = {
        id: 'app',
        endpoints: nodes.map(({ backend }) => backend.node),
        health: { active: { ...CHECK, path: '/healthz' } },
        slowStart: { window: `${windowMs}ms`, interval: '100ms', grace: '0s' },
      }
      await putNative(gateway, 'upstreams', upstream)
      const route = { id: 'all', upstream: 'app' }
      await putNative(gateway, 'routes', route)
      await findEvent(gateway, ['endpoint-unhealthy'], slow.backend.node, startedAtMs, 5000)
      const load = startLoad(gateway.port, 8)
      slow.isWell = true
      const back = await findEvent(gateway, ['endpoint-healthy'], slow.backend.node, startedAtMs, 5000)
      const shown: string[] = []
      let worst = 0
      for (let i = 0; i < 5; i++) {
        const beganMs = Date.now() - (back?.atMs ?? 0)
        const before = [steady.live, slow.live] as const
        await sleep(windowMs / 5)
        const middle = (beganMs + Date.now() - (back?.atMs ?? 0)) / 2
        // the first second counts as one
        const weight = Math.min(1, Math.max(1000, middle) / windowMs)
        const total = steady.live - before[0] + slow.live - before[1]
        const share = (slow.live - before[1]) / total
        worst = Math.max(worst, Math.abs(share - weight / (1 + weight)))
        shown.push((share * 100).toFixed(0))
      }
      const before = [steady.live, slow.live] as const
      await sleep(500)
      const whole = (slow.live - before[1]) / (steady.live - before[0] + slow.live - before[1])
      const { failed, total } = await load.stop()
      return [
        {
          text: `slow start shares ${shown.join(', ')} %, then ${(whole * 100).toFixed(0)} % (off by ${(worst * 100).toFixed(1)} at most); failed ${failed} of ${total}`,
          isKept: back !== null && failed === 0 && worst < 0.05 && Math.abs(whole - 0.5) < 0.03,
        },
      ]
    })
  } finally {
    await Promise.all(nodes.map(({ backend }) => backend.close()))
  }
}

/** F6, the other half. */
async function runPanic(): Promise<readonly Line[]> {
  const nodes = await Promise.all([0, 1, 2, 3].map(startSwitch))
  try {
    return await withGateway(async (gateway) => {
      const upstream = {
        id: 'app',
        endpoints: nodes.map(({ backend }) => backend.node),
        levels: { panicBelow: '50%' },
        health: { active: { ...CHECK, path: '/healthz' } },
      }
      await putNative(gateway, 'upstreams', upstream)
      const route = { id: 'all', upstream: 'app' }
      await putNative(gateway, 'routes', route)
      const load = startLoad(gateway.port, 8)
      const shown: string[] = []
      const used: number[] = []
      for (const [i, node] of nodes.slice(0, 3).entries()) {
        const atMs = Date.now()
        node.isWell = false
        await findEvent(gateway, ['endpoint-unhealthy'], node.backend.node, atMs, 5000)
        const before = nodes.map(({ live }) => live)
        await sleep(300)
        used.push(nodes.filter(({ live }, k) => live > (before[k] as number) + 10).length)
        shown.push(`${3 - i} of 4 usable: ${used[i]} used`)
      }
      const { failed, total } = await load.stop()
      return [
        {
          text: `panic entered below 50 %: ${shown.join(', ')}; failed ${failed} of ${total}`,
          isKept: failed === 0 && used[0] === 3 && used[1] === 2 && used[2] === 4,
        },
      ]
    })
  } finally {
    await Promise.all(nodes.map(({ backend }) => backend.close()))
  }
}

export const SHARES: readonly Fault[] = [
  { name: 'F5', needs: ['nginx'], run: runSplit },
  { name: 'F6', needs: [], run: async (scale) => [...(await runSlowStart(scale)), ...(await runPanic())] },
]
