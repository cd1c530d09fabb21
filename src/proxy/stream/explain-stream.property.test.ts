import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AccessRecord } from '../../model/access-record.ts'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StreamExplanation } from '../../model/explanation.ts'
import type { HashKey } from '../../model/hash-key.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { SplitPolicy } from '../../model/split.ts'
import type { StreamRoute } from '../../model/stream-route.ts'
import type { Upstream } from '../../model/upstream.ts'
import { Consumers } from '../../routing/consumers.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { StreamTable } from '../../routing/stream-table.ts'
import {
  makeRespondTarget,
  makeRule,
  makeSection,
  makeSplit,
  makeUpstreamTarget,
  ORIGIN,
  TestPositions,
} from '../../routing/test-fixtures.ts'
import { createDataPlane } from '../proxy.ts'
import type { DataPlane } from '../proxy-contract.ts'

/** What explain says of a stream, held against what the same data plane then does with it. */

interface Sayings {
  readonly outcome: string
  readonly route: string
  readonly rule: number
  readonly variant: string
  /** What made the choice of the target; '' where there is none. */
  readonly reason: string
  readonly upstream: string
  readonly endpoint: string
}

interface Facts {
  readonly transport: 'tcp' | 'tls'
  readonly serverName: string | null
  readonly port: number
  readonly client: string
}

const predicates = fc.constantFrom<Predicate | null>(
  null,
  { kind: 'test', variable: 'remote_addr', operator: 'inNetwork', value: ['10.0.0.0/8'] },
  { kind: 'test', variable: 'server_port', operator: 'equal', value: '9100' },
)
const splits = fc.array(
  fc.record({
    upstream: fc.constantFrom('u1', 'u1', 'u2', 'dead', 'dead', 'missing', null),
    weight: fc.nat(3),
  }),
  { maxLength: 3 },
)
const CLIENT_KEY: HashKey = {
  sources: [],
  fallback: 'address',
  hash: 'xxHash',
}
const SPILL: SplitPolicy = { forced: null, sticky: null, whenOut: { kind: 'spill' } }
/** A stream has no fields and no cookies, so nothing forces its target. */
const policies = fc.constantFrom<SplitPolicy | null>(null, SPILL, SPILL, {
  forced: { sources: [{ kind: 'header', name: 'x-variant' }] },
  sticky: { by: { kind: 'hash', key: CLIENT_KEY }, keepsZeroWeight: false },
  whenOut: { kind: 'error' },
})
const routes = fc.array(
  fc.record({
    protocols: fc.constantFrom(null, null, ['tcp'] as const, ['tls', 'udp'] as const),
    serverPorts: fc.constantFrom(null, null, [9100], [9100, 9101]),
    clients: fc.constantFrom(null, null, ['10.0.0.0/8'], ['192.0.2.0/24']),
    serverNames: fc.constantFrom(null, null, ['a.test'], ['*.test', 'b.example']),
    rules: fc.array(fc.record({ predicate: predicates, split: splits, policy: policies }), { maxLength: 3 }),
  }),
  { maxLength: 6 },
)
const streams = fc.array(
  fc.record<Facts>({
    transport: fc.constantFrom('tcp', 'tls'),
    serverName: fc.constantFrom(null, 'a.test', 'x.test', 'c.example'),
    port: fc.constantFrom(9100, 9101),
    client: fc.constantFrom('10.0.0.7', '192.0.2.3', '127.0.0.1'),
  }),
  { minLength: 1, maxLength: 8 },
)

test('explain says what is done with a stream: route, rule, target, endpoint and error; it counts and moves on nothing', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(routes, streams, (list, asked) => {
      const gateway = makeGateway(
        list.map(({ rules, ...conditions }, i) => ({
          ...makeRoute(`r${i}`),
          ...conditions,
          rules: rules.map(({ predicate, split, policy }, r) =>
            makeRule(
              {
                ...makeSplit(
                  `r${i}.${r}`,
                  split.map(({ upstream, weight }, t) => ({
                    ...(upstream === null
                      ? makeRespondTarget(200, weight)
                      : makeUpstreamTarget(upstream, weight)),
                    variant: `r${i}.${r}.${t}`,
                  })),
                ),
                policy,
              },
              { predicate },
            ),
          ),
        })),
      )
      for (const facts of asked) {
        const before = Buffer.from(gateway.lane.buffer.slice(0))
        const said = sayings(gateway.explain(facts))
        assert.deepEqual(sayings(gateway.explain(facts)), said, 'explain moves nothing on')
        assert.ok(before.equals(Buffer.from(gateway.lane.buffer)), 'explain counts nothing')
        assert.equal(gateway.plane.stats.inFlight, 0)
        assert.deepEqual(said, gateway.serve(facts))
        for (const kind of [said.outcome, said.reason]) seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }
    }),
    { numRuns: 1500 },
  )
  // the cases are worth something only if they come to all kinds of ends
  for (const outcome of [
    'ROUTE_NOT_FOUND',
    'NO_UPSTREAM',
    'NO_TARGET',
    'NO_ENDPOINT',
    'UPSTREAM_NOT_FOUND',
    'ADMIN_ADDRESS',
    'weight',
    'sticky',
    'failover',
  ])
    assert.ok((seen.get(outcome) ?? 0) > 20, `${outcome}: ${seen.get(outcome)}`)
})

/** Words of explanations that the log has no word of its own for. */
const LOGGED: Readonly<Record<string, string>> = { weights: 'weight', onlyTarget: 'weight', noWeight: '' }

function sayings({ outcome, route, rules, split, upstream }: StreamExplanation): Sayings {
  assert.ok(outcome.kind === 'error', 'all endpoints of this test are forbidden addresses')
  assert.doesNotMatch(outcome.message, /request/)
  return {
    outcome: outcome.errorCode,
    route: route?.id ?? '',
    rule: rules.find((rule) => rule.outcome === 'taken')?.index ?? -1,
    variant: split?.targets.find(({ isNext }) => isNext)?.variant ?? '',
    reason: split === null ? '' : (LOGGED[split.reason] ?? split.reason),
    upstream: upstream?.id ?? '',
    endpoint: upstream?.next ?? '',
  }
}

function readRecord(record: AccessRecord): Sayings {
  return {
    outcome: record.errorCode,
    route: record.routeId,
    rule: record.rule,
    variant: record.variant,
    reason: record.splitReason,
    upstream: record.upstreamId,
    endpoint: record.endpoint,
  }
}

function makeGateway(list: readonly StreamRoute[]) {
  const records: Sayings[] = []
  const lane = new Float64Array(20_000)
  const slots = new Map<string, number>()
  const positions = new TestPositions()
  const slot = (identity: string): number => {
    if (!slots.has(identity)) slots.set(identity, 50 + 25 * slots.size)
    return slots.get(identity) as number
  }
  const sections = [makeSection('main')]
  const compiling = {
    positions,
    slot,
    upstream: (id: string) => plane.upstream(id),
    consumers: new Consumers(),
  }
  const table = new StreamTable(['main'], compiling)
  const plane: DataPlane = createDataPlane({
    settings: DEFAULT_SETTINGS,
    share: 1,
    table: new RoutingTable(sections, compiling),
    streams: table,
    sections,
    positions,
    lane,
    health: new Int32Array(0),
    judge: () => null,
    slot,
    accessLog: (record) => records.push(readRecord(record)),
    log: () => {},
    forbidden: new Set(),
  })
  plane.prepareUpstreams(
    [makeUpstream('u1', [3, 2, 1]), makeUpstream('u2', [1]), makeUpstream('dead', [0, 0])],
    [],
  )()
  table.prepare(list, [])()
  return {
    plane,
    lane,
    explain: ({ transport, serverName, port, client }: Facts): StreamExplanation =>
      plane.explainStream(
        // what a `tcp` listener reads of a ClientHello is for the test of that; here a name comes by TLS that ends at the gateway
        {
          transport: 'tcp',
          listener: null,
          serverName: transport === 'tls' ? serverName : null,
          clientAddress: client,
        },
        { transport, listener: `127.0.0.1:${port}`, localAddress: '127.0.0.1', localPort: port },
      ),
    serve: ({ transport, serverName, port, client }: Facts): Sayings => {
      const socket = new FakeSocket(client)
      const tls = { version: 'TLSv1.3', cipher: '', serverName: serverName ?? '', isResumed: false }
      plane.accept(
        { id: 'l', protocol: transport, address: '127.0.0.1', port, proxyProtocol: false, sections },
        socket as unknown as Socket,
        {
          tls: transport === 'tls' ? { ...tls, admits: () => true } : null,
          peer: null,
          early: null,
        },
      )
      // where a name is asked for the first bytes are waited for
      if (records.length === 0) socket.emit('data', Buffer.from('no TLS'))
      const served = records.pop()
      assert.ok(served !== undefined && records.length === 0, 'one stream, one record')
      socket.destroy()
      return served
    },
  }
}

function makeRoute(id: string): StreamRoute {
  return {
    kind: 'streamRoute',
    id,
    name: id,
    origin: ORIGIN,
    section: 'main',
    key: [1],
    protocols: null,
    serverAddresses: null,
    serverPorts: null,
    clients: null,
    serverNames: null,
    rules: [],
    idleMs: 1000,
    proxyProtocol: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
  }
}

/** A connection without a network. */
class FakeSocket extends Duplex {
  readonly remoteAddress: string
  readonly remotePort = 40_000
  readonly localAddress = '127.0.0.1'
  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
  resetAndDestroy(): this {
    return this.destroy()
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done()
  }
}

/** Endpoints that a stream comes to, and no further: addresses that are not for traffic. */
function makeUpstream(id: string, weights: readonly number[]): Upstream {
  return {
    kind: 'upstream',
    id,
    name: id,
    origin: ORIGIN,
    scheme: 'tcp',
    http2: 'never',
    endpoints: weights.map((weight, i) => ({
      host: `169.254.0.${i + 1}`,
      port: 80,
      weight,
      priority: 0,
      address: null,
      zone: null,
      failoverOnly: false,
      state: 'ready',
    })),
    balancer: { kind: 'roundRobin' },
    discovery: null,
    hashKey: null,
    levels: { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false },
    health: null,
    slowStart: null,
    limits: null,
    tls: null,
    passHost: 'pass',
    upstreamHost: null,
    nodeHostWithoutPort: false,
    timeouts: { connectMs: 1000, sendMs: 1000, readMs: 1000 },
    retry: {
      count: 0,
      timeoutMs: 0,
      onHeadTimeout: false,
      sameEndpointWhenAlone: true,
      triesAgain: false,
      attemptMs: 0,
      onStatuses: [],
      nonIdempotent: false,
      sameEndpoint: null,
      failoverTries: 0,
      budget: null,
    },
    pool: { size: 1, idleMs: 1000, requests: 1, maxAgeMs: 0 },
  }
}
