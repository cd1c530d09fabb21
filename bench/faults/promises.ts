import { setImmediate as nextTurn } from 'node:timers/promises'
import { quantile, sleep, startLoad } from '../../test/faults/support.ts'
import { answerText, startBackend } from '../../test/support/backends.ts'
import { waitFor } from '../../test/support/tools.ts'
import type { Fault, Line, Scale } from './fault.ts'
import { Node } from './node.ts'
import { startHole, startImpatient } from './peers.ts'
import { SHARES } from './shares.ts'
import { findEvent, putNative, withGateway } from './support.ts'

/** What spec/reliability.md section 1 promises of failing backends, F1 to F4, and what holds for every transition. */

const plainGet = (id: string): string => `GET / HTTP/1.1\r\nHost: load\r\nX-Id: ${id}\r\n\r\n`

async function app(gateway: Parameters<typeof putNative>[0], upstream: object): Promise<void> {
  await putNative(gateway, 'upstreams', { id: 'app', ...upstream })
  const route = { id: 'all', upstream: 'app' }
  await putNative(gateway, 'routes', route)
}

const TURNS = 10

/** An endpoint is drained and made ready again, over and over, under load from 16 clients. */
async function runTransitions({ transitions }: Scale): Promise<readonly Line[]> {
  const a = await startBackend('a')
  const b = await startBackend('b')
  try {
    return await withGateway(async (gateway) => {
      await app(gateway, { endpoints: [a.node, b.node] })
      const state = async (word: string): Promise<void> => {
        const path = `/headgate/v1/upstreams/${encodeURIComponent('native/upstreams/app')}/endpoints/${encodeURIComponent(a.node)}/state`
        const answer = await gateway.admin('PUT', path, { state: word })
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
      }
      const load = startLoad(gateway.port, 16)
      let late = 0
      for (let i = 0; i < transitions; i += 2) {
        await state('drain')
        // what was written to the backend's socket before the answer may be read behind it: accepting and reading take a turn of the loop each
        for (let turn = 0; turn < TURNS; turn++) await nextTurn()
        const seen = a.requests.length
        const done = load.report.total
        await waitFor('some more requests', () => (load.report.total > done + 60 ? true : undefined))
        late += a.requests.length - seen
        await state('ready')
      }
      const { failed, total } = await load.stop()
      return [
        {
          text: `transitions: ${late} requests after the answer in ${transitions} transitions; ${failed} failed of ${total}`,
          isKept: late === 0 && failed === 0 && a.requests.length > 0,
        },
      ]
    })
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

/** F1. */
async function runKill({ seconds }: Scale): Promise<readonly Line[]> {
  const nodes = await Node.start(3)
  try {
    return await withGateway(async (gateway) => {
      await app(gateway, {
        endpoints: nodes.map(({ address }) => address),
        timeouts: '1s',
        retries: { count: 2, onHeadTimeout: true },
        health: { outlier: { failures: 5, ejection: '1s' } },
      })
      let gets = 0
      let getsFailed = 0
      let posts = 0
      const load = startLoad(gateway.port, 32, {
        next: (client, turn) => {
          const id = `${client}-${turn}`
          if ((client + turn) % 2 === 0) return { name: 'GET', bytes: plainGet(id) }
          return {
            name: 'POST',
            bytes: `POST / HTTP/1.1\r\nHost: load\r\nX-Id: ${id}\r\nContent-Length: 2\r\n\r\nhi`,
          }
        },
        isExpected: (name, answer) => {
          const isGood = !(answer instanceof Error) && answer.status === 200
          if (name === 'POST') {
            posts++
            return true
          }
          gets++
          if (!isGood) getsFailed++
          return isGood
        },
      })
      const victim = nodes[0] as Node
      for (let i = 0; i < 2; i++) {
        await sleep(seconds * 200)
        await victim.end('SIGKILL')
        await sleep(seconds * 200)
        await victim.start()
      }
      await sleep(seconds * 100)
      await load.stop()
      const times = new Map<string, number>()
      for (const node of nodes) {
        for (const { method, id } of node.log())
          if (method === 'POST') times.set(id, (times.get(id) ?? 0) + 1)
      }
      const twice = [...times.values()].filter((count) => count > 1).length
      return [
        {
          text: `kill: GET failed ${getsFailed} of ${gets}; POST executed twice ${twice} of ${posts}`,
          isKept: getsFailed === 0 && twice === 0 && posts > 0,
        },
      ]
    })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
}

/** F2: one of three accepts and never answers. */
async function runHole({ seconds }: Scale): Promise<readonly Line[]> {
  const hole = await startHole()
  const nodes = await Promise.all([startBackend('a'), startBackend('b')])
  const readMs = 500
  const clients = 8
  try {
    return await withGateway(async (gateway) => {
      const startedAtMs = Date.now()
      await app(gateway, {
        endpoints: [hole.node, ...nodes.map(({ node }) => node)],
        timeouts: { connect: '500ms', read: `${readMs}ms` },
        retries: { count: 2, onHeadTimeout: true },
        health: { outlier: { failures: 5, ejection: '60s' } },
      })
      const load = startLoad(gateway.port, clients)
      const out = await findEvent(gateway, ['endpoint-ejected'], hole.node, startedAtMs, seconds * 1000)
      await sleep(100)
      const until = hole.requests
      await sleep(seconds * 500)
      const { latencies, failed, total } = await load.stop()
      const after = hole.requests - until
      const p99 = quantile(latencies, 0.99)
      const most = quantile(latencies, 1)
      return [
        {
          text: `black hole: p99 ${p99.toFixed(1)} ms, max ${most.toFixed(0)} ms (one timeout is ${readMs}), ejected after 5 failures (${out?.data.reason ?? 'never'}); ${until} requests met it, ${after} afterwards; failed ${failed} of ${total}`,
          // those that were under way when the fifth failed had been sent before
          isKept:
            out !== null &&
            failed === 0 &&
            after === 0 &&
            until < 5 + clients &&
            p99 < readMs &&
            most < 2 * readMs,
        },
      ]
    })
  } finally {
    await Promise.all([hole.close(), ...nodes.map((node) => node.close())])
  }
}

/** F3: all answer 503, and 503 is retried. */
async function runStorm({ seconds }: Scale): Promise<readonly Line[]> {
  let requests = 0
  const nodes = await Promise.all(
    [0, 1, 2].map(() =>
      startBackend(() => {
        requests++
        return answerText('down', { status: '503 Service Unavailable' })
      }),
    ),
  )
  try {
    return await withGateway(async (gateway) => {
      await app(gateway, {
        endpoints: nodes.map(({ node }) => node),
        retries: { count: 3, onStatuses: [503] },
      })
      const load = startLoad(gateway.port, 32, {
        isExpected: (_name, answer) => !(answer instanceof Error) && answer.status === 503,
      })
      await sleep(seconds * 500)
      const { total } = await load.stop()
      const factor = requests / total
      return [
        {
          // 3 per second of the last 10 go beside the share of 20 %
          text: `retry load: x1.2 at most (x${factor.toFixed(3)}, 3 retries per second beside it are allowed), ${total} requests`,
          isKept: factor > 1.05 && factor <= 1.2 + (3 * (10 + seconds)) / total,
        },
      ]
    })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
}

/** F4. */
async function runStale({ seconds }: Scale): Promise<readonly Line[]> {
  const backend = await startImpatient()
  try {
    return await withGateway(async (gateway) => {
      await app(gateway, { endpoints: [backend.node] })
      const load = startLoad(gateway.port, 40, { pauseMs: 60 })
      await sleep(seconds * 600)
      const { failed, total } = await load.stop()
      return [{ text: `stale pool: GET failed ${failed} of ${total}`, isKept: failed === 0 && total > 1000 }]
    })
  } finally {
    await backend.close()
  }
}

export const PROMISES: readonly Fault[] = [
  { name: 'transitions', needs: [], run: runTransitions },
  { name: 'F1', needs: ['nginx'], run: runKill },
  { name: 'F2', needs: [], run: runHole },
  { name: 'F3', needs: [], run: runStorm },
  { name: 'F4', needs: [], run: runStale },
  ...SHARES,
]
