import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AccessRecord } from '../../src/model/access-record.ts'
import { FIRST_SLOT } from '../../src/model/counters.ts'
import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import type { OutcomeJudge } from '../../src/model/health.ts'
import type { Section } from '../../src/model/listener.ts'
import type { Route } from '../../src/model/route.ts'
import type { Settings } from '../../src/model/settings.ts'
import type { Split, Target } from '../../src/model/split.ts'
import type { Upstream } from '../../src/model/upstream.ts'
import { createDataPlane } from '../../src/proxy/proxy.ts'
import type { DataPlane } from '../../src/proxy/proxy-contract.ts'
import { Consumers } from '../../src/routing/consumers.ts'
import { RoutingTable } from '../../src/routing/routing-table.ts'
import { StreamTable } from '../../src/routing/stream-table.ts'
import { makeRoute, makeSection, ORIGIN, TestPositions } from '../../src/routing/test-fixtures.ts'

/** The data plane of one worker in this process, over a model made by hand: for what no dialect says yet, or says only among other things. */
export interface TestPlane {
  readonly plane: DataPlane
  /** Of its listener on 127.0.0.1, for HTTP/1.1 and, with prior knowledge, HTTP/2. */
  readonly port: number
  readonly lane: Float64Array
  /** Of an identity (model/counters.ts): its lines in `lane`. */
  slot(identity: string): number
  /** Of finished exchanges, oldest first. */
  readonly records: KeptRecord[]
  /** What was logged. */
  readonly logged: { readonly fields: object; readonly message: string }[]
  /** Puts routes and upstreams in force, in place of those of the same id. */
  apply(routes: readonly Route[], upstreams: readonly Upstream[]): void
  close(): Promise<void>
}

/** What tests look at; the record itself is valid during a call only. */
export type KeptRecord = Pick<
  AccessRecord,
  | 'status'
  | 'errorCode'
  | 'variant'
  | 'splitReason'
  | 'upstreamId'
  | 'endpoint'
  | 'attempts'
  | 'upstreamStatus'
  | 'upstreamTarget'
  | 'upstreamAddress'
  | 'durationMs'
  | 'firstAttemptMs'
  | 'answerMs'
>

function keep(record: AccessRecord): KeptRecord {
  const { status, errorCode, variant, splitReason, upstreamId, endpoint, attempts } = record
  const { upstreamStatus, upstreamTarget, upstreamAddress, durationMs, firstAttemptMs, answerMs } = record
  return {
    status,
    errorCode,
    variant,
    splitReason,
    upstreamId,
    endpoint,
    attempts,
    upstreamStatus,
    upstreamTarget,
    upstreamAddress,
    durationMs,
    firstAttemptMs,
    answerMs,
  }
}

export interface TestPlaneOptions {
  readonly routes: readonly Route[]
  readonly upstreams: readonly Upstream[]
  readonly limits?: Partial<Settings['limits']>
  readonly settings?: Partial<Settings>
  readonly section?: Section
  /** Who is told how attempts of upstreams with health checks ended; without it nobody is. */
  readonly judge?: OutcomeJudge
}

export async function startPlane(options: TestPlaneOptions): Promise<TestPlane> {
  const lane = new Float64Array(80_000)
  const records: KeptRecord[] = []
  const logged: TestPlane['logged'] = []
  const slots = new Map<string, number>()
  const positions = new TestPositions()
  const slot = (identity: string): number => {
    if (!slots.has(identity)) slots.set(identity, FIRST_SLOT + 25 * slots.size)
    return slots.get(identity) as number
  }
  const sections = [options.section ?? makeSection('main')]
  const environment = {
    positions,
    slot,
    upstream: (id: string) => plane.upstream(id),
    consumers: new Consumers(),
  }
  const table: RoutingTable = new RoutingTable(sections, environment)
  const limits = { ...DEFAULT_SETTINGS.limits, ...options.limits }
  const plane: DataPlane = createDataPlane({
    settings: { ...DEFAULT_SETTINGS, ...options.settings, limits },
    share: 1,
    table,
    streams: new StreamTable([], environment),
    sections,
    positions,
    lane,
    health: new Int32Array(options.judge === undefined ? 0 : 80_000),
    judge: () => options.judge ?? null,
    slot,
    accessLog: (record) => records.push(keep(record)),
    log: (_level, fields, message) => logged.push({ fields, message }),
    forbidden: new Set(),
  })
  let revision = 0
  const apply: TestPlane['apply'] = (routes, upstreams) => {
    const switchUpstreams = plane.prepareUpstreams(upstreams, [])
    const edit = table.begin()
    for (const route of routes) edit.upsert(route)
    switchUpstreams()
    edit.commit(++revision)
  }
  apply(options.routes, options.upstreams)
  plane.start()
  const listener = { id: 'l', protocol: 'http', address: '127.0.0.1', proxyProtocol: false } as const
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  server.on('connection', (socket) =>
    plane.accept({ ...listener, port, sections }, socket, { tls: null, peer: null, early: null }),
  )
  return {
    plane,
    port,
    lane,
    slot,
    records,
    logged,
    apply,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await plane.drain(0)
      await closed
    },
  }
}

/** A route for every request whose only rule has these targets. */
export function routeTo(
  targets: readonly Target[],
  parts: Partial<Route> & { readonly split?: Partial<Split> } = {},
): Route {
  const { split, ...rest } = parts
  return makeRoute('r', [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] }], {
    rules: [
      {
        origin: ORIGIN,
        predicate: null,
        split: { id: 'r#0', origin: ORIGIN, targets, policy: null, ...split },
      },
    ],
    ...rest,
  })
}

/** An upstream of plain HTTP/1.1 over `host:port` nodes, asked in their order, with short timeouts and no retries. */
export function makeTestUpstream(
  id: string,
  nodes: readonly string[],
  parts: Partial<Upstream> = {},
): Upstream {
  return {
    kind: 'upstream',
    id,
    name: id,
    origin: ORIGIN,
    scheme: 'http',
    http2: 'never',
    endpoints: nodes.map((node, i) => {
      const colon = node.lastIndexOf(':')
      return {
        host: node.slice(0, colon),
        port: Number(node.slice(colon + 1)),
        address: null,
        weight: 1,
        priority: -i,
        zone: null,
        failoverOnly: false,
        state: 'ready',
      }
    }),
    discovery: null,
    balancer: { kind: 'roundRobin' },
    hashKey: null,
    levels: { mode: 'strict', factor: 1, panicPercent: 0, prefersZone: false },
    health: null,
    slowStart: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 5000, sendMs: 5000, readMs: 5000 },
    retry: TEST_RETRY,
    pool: { size: 16, idleMs: 60_000, requests: 1000, maxAgeMs: 0 },
    limits: null,
    tls: null,
    ...parts,
  }
}

export const TEST_RETRY: Upstream['retry'] = {
  count: 0,
  timeoutMs: 0,
  attemptMs: 0,
  onHeadTimeout: true,
  onStatuses: [],
  nonIdempotent: false,
  sameEndpointWhenAlone: false,
  triesAgain: false,
  sameEndpoint: null,
  failoverTries: 0,
  budget: { ratio: 1, perSecond: 1000 },
}
