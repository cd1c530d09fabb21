import type { Socket } from 'node:net'
import { sleep } from '../../test/faults/support.ts'
import { answerText, startRawBackend } from '../../test/support/backends.ts'
import type { GatewayProcess } from '../../test/support/gateway.ts'
import type { Fault, Line, Scale } from './fault.ts'
import { Node } from './node.ts'
import { findEvent, putApisix, putNative, runWrk, withGateway } from './support.ts'

/** One of four backends dies in five ways under `wrk -c 64` of GETs, and comes back. */

/** Of the native checks. Probes come up to a tenth later, at random. */
const INTERVAL_MS = 500
const FAILURES = 2
/** A failed probe of a paused node takes its whole time. */
const PROBE_MS = 400

interface Victim {
  readonly address: string
  fail(): void | Promise<void>
  recover(): void | Promise<void>
  /** Requests that came to it at or after a time of the wall clock, probes left out. */
  countSince(atMs: number): number
  /** Answers 500 that it gave to clients. */
  countErrors(): number
}

interface Way {
  readonly name: string
  /** Interval x failures, of the checks or of what live traffic says; and what one failure takes. */
  readonly boundMs: number
  configure(gateway: GatewayProcess, nodes: readonly string[]): Promise<void>
}

const native = (name: string, probeMs: number): Way => ({
  name,
  boundMs: INTERVAL_MS * 1.1 * FAILURES + probeMs,
  configure: async (gateway, nodes) => {
    await putNative(gateway, 'upstreams', {
      id: 'app',
      endpoints: nodes,
      timeouts: '1s',
      retries: { count: 3, onHeadTimeout: true, budget: { ratio: '100%', perSecond: 1000 } },
      health: {
        active: {
          kind: 'http',
          interval: `${INTERVAL_MS}ms`,
          timeout: `${PROBE_MS}ms`,
          down: FAILURES,
          up: 1,
          headers: { 'X-Id': 'probe' },
        },
      },
    } as { id: string })
    await putNative(gateway, 'routes', { id: 'all', upstream: 'app' } as { id: string })
  },
})

const apisix = (name: string): Way => ({
  name,
  boundMs: 1000 * 1.1 * FAILURES,
  configure: (gateway, nodes) =>
    putApisix(gateway, {
      nodes: Object.fromEntries(nodes.map((node) => [node, 1])),
      timeout: { connect: 1, send: 1, read: 1 },
      retries: 3,
      checks: {
        active: {
          http_path: '/',
          req_headers: ['X-Id: probe'],
          healthy: { interval: 1, successes: 1 },
          unhealthy: { interval: 1, http_failures: FAILURES, tcp_failures: FAILURES, timeouts: FAILURES },
        },
        passive: {
          healthy: { successes: 1 },
          unhealthy: { http_statuses: [500], http_failures: 3, tcp_failures: 3 },
        },
      },
    }),
})

async function watch(way: Way, victim: Victim, others: readonly string[], scale: Scale): Promise<Line> {
  return withGateway(async (gateway) => {
    await way.configure(gateway, [victim.address, ...others])
    const load = runWrk(gateway.port, scale.seconds)
    await sleep(scale.seconds * 250)
    const failedAtMs = Date.now()
    await victim.fail()
    const types = ['endpoint-unhealthy', 'endpoint-ejected']
    const out = await findEvent(gateway, types, victim.address, failedAtMs, scale.seconds * 300)
    await sleep(scale.seconds * 125)
    // what was read from the socket by then came before
    const late = out === null ? Number.NaN : victim.countSince(out.atMs + 100)
    await victim.recover()
    const recoveredAtMs = Date.now()
    const back = await findEvent(
      gateway,
      ['endpoint-healthy', 'endpoint-readmitted'],
      victim.address,
      recoveredAtMs,
      5000,
    )
    const report = await load
    const relayed = victim.countErrors()
    const failed = Math.max(0, report.bad - relayed) + report.cut
    const used = victim.countSince(recoveredAtMs)
    const tookMs = out === null ? Number.NaN : out.atMs - failedAtMs
    const bound = Math.round(way.boundMs + 100 + scale.slackMs)
    return {
      text: `${way.name}: GET failed ${failed} of ${report.requests} (relayed 500: ${relayed}); off the node in ${tookMs} ms (<= ${bound}), ${late} requests after; back: ${back === null ? 'no' : `${used} requests`}`,
      isKept: failed === 0 && tookMs <= bound && late === 0 && back !== null && used > 0,
    }
  })
}

function nginxVictim(node: Node, how: 'kill' | 'pause' | 'refuse' | 'errors'): Victim {
  return {
    address: node.address,
    fail: () => {
      if (how === 'pause') return node.pause()
      if (how === 'errors') {
        node.fails = true
        return
      }
      return node.end(how === 'kill' ? 'SIGKILL' : 'SIGTERM')
    },
    recover: () => {
      if (how === 'pause') return node.resume()
      if (how === 'errors') {
        node.fails = false
        return
      }
      return node.start()
    },
    countSince: (atMs) => node.log().filter((one) => one.atMs >= atMs && one.id !== 'probe').length,
    countErrors: () => node.log().filter((one) => one.status === 500 && one.id !== 'probe').length,
  }
}

/** Resets each connection after half of an answer's head, while it fails. */
async function resettingVictim(): Promise<Victim & { close(): Promise<void> }> {
  let fails = false
  const times: number[] = []
  const backend = await startRawBackend((socket: Socket) => {
    let pending = ''
    socket.setEncoding('latin1')
    socket.on('end', () => socket.end())
    socket.on('data', (text: string) => {
      pending += text
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const isProbe = pending.slice(0, end).includes('X-Id: probe')
        pending = pending.slice(end + 4)
        if (!isProbe) times.push(Date.now())
        if (!fails) socket.write(answerText('ok'))
        else socket.write('HTTP/1.1 200 OK\r\nContent-Le', () => socket.resetAndDestroy())
      }
    })
  })
  return {
    address: backend.node,
    fail: () => {
      fails = true
    },
    recover: () => {
      fails = false
    },
    countSince: (atMs) => times.filter((time) => time >= atMs).length,
    countErrors: () => 0,
    close: () => backend.close(),
  }
}

async function runNginx(
  way: Way,
  how: Parameters<typeof nginxVictim>[1],
  scale: Scale,
): Promise<readonly Line[]> {
  const nodes = await Node.start(4)
  try {
    const [victim, ...others] = nodes as [Node, ...Node[]]
    return [
      await watch(
        way,
        nginxVictim(victim, how),
        others.map(({ address }) => address),
        scale,
      ),
    ]
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
}

const NEEDS = ['nginx', 'wrk'] as const

export const DYING: readonly Fault[] = [
  {
    name: 'kill',
    needs: NEEDS,
    run: (scale) => runNginx(apisix('one of four killed (APISIX)'), 'kill', scale),
  },
  {
    name: 'pause',
    needs: NEEDS,
    run: (scale) => runNginx(native('one of four paused (native)', PROBE_MS), 'pause', scale),
  },
  {
    name: 'refuse',
    needs: NEEDS,
    run: (scale) => runNginx(native('one of four refuses (native)', 0), 'refuse', scale),
  },
  {
    name: 'errors',
    needs: NEEDS,
    run: (scale) => runNginx(apisix('one of four answers 500 (APISIX, passive)'), 'errors', scale),
  },
  {
    name: 'reset',
    needs: NEEDS,
    run: async (scale) => {
      const victim = await resettingVictim()
      const nodes = await Node.start(3)
      try {
        const others = nodes.map(({ address }) => address)
        return [
          await watch(native('one of four resets after half of a head (native)', 0), victim, others, scale),
        ]
      } finally {
        await Promise.all([victim.close(), ...nodes.map((node) => node.close())])
      }
    },
  },
]
