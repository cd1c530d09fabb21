import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import type { AccessRecord } from '../model/access-record.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { EventCall } from '../model/event-call.ts'
import type { ExplainRequest, Explanation } from '../model/explanation.ts'
import type { RequestFilter, ResponseFilter } from '../model/filter.ts'
import type { Predicate } from '../model/predicate.ts'
import type { Route, RouteEntry } from '../model/route.ts'
import type { Rule } from '../model/rule.ts'
import type { Target } from '../model/split.ts'
import type { Upstream } from '../model/upstream.ts'
import { Consumers } from '../routing/consumers.ts'
import { RoutingTable } from '../routing/routing-table.ts'
import { StreamTable } from '../routing/stream-table.ts'
import { makeRoute, makeSection, ORIGIN, TestPositions } from '../routing/test-fixtures.ts'
import { createDataPlane } from './proxy.ts'
import type { DataPlane } from './proxy-contract.ts'

/** What explain says of a request, held against what the same data plane then does with it. */

const CASES = process.env.HEADGATE_LONG === '1' ? 100_000 : 6_000
const PER_TABLE = 40

describe('explain over random tables and requests', () => {
  it(`says what is served: route, rule, target, endpoint, status and error (${CASES} cases)`, () => {
    const seen = new Map<string, number>()
    for (let number = 0; number * PER_TABLE < CASES; number++) {
      const random = new Random(number + 1)
      const gateway = makeGateway(random)
      for (let i = 0; i < PER_TABLE; i++) {
        const { request, wire } = makeRequest(random)
        const before = i < 2 ? Buffer.from(gateway.lane.buffer.slice(0)) : null
        const explained = gateway.plane.explain(request, { address: '127.0.0.1', port: 9080, scheme: 'http' })
        const again = gateway.plane.explain(request, { address: '127.0.0.1', port: 9080, scheme: 'http' })
        assert.ok(before?.equals(Buffer.from(gateway.lane.buffer)) !== false, 'explain counts nothing')
        const said = sayings(explained)
        assert.deepEqual(sayings(again), said, 'explain moves nothing on')
        const served = gateway.serve(wire, request.clientAddress)
        assert.deepEqual(said, served, `table ${number + 1}, request ${i}: ${JSON.stringify(request)}`)
        seen.set(served.outcome, (seen.get(served.outcome) ?? 0) + 1)
      }
    }
    // the cases are worth something only if they come to all kinds of ends
    for (const outcome of [
      '',
      'ROUTE_NOT_FOUND',
      'NO_UPSTREAM',
      'NO_TARGET',
      'NO_ENDPOINT',
      'UPSTREAM_NOT_FOUND',
      'ADMIN_ADDRESS',
      'BAD_TARGET',
    ])
      assert.ok((seen.get(outcome) ?? 0) > CASES / 1000, `${outcome}: ${seen.get(outcome)} of ${CASES}`)
  })
})

interface Sayings {
  readonly outcome: string
  readonly status: number
  readonly route: string
  readonly rule: number
  readonly variant: string
  readonly upstream: string
  readonly endpoint: string
  readonly client: string
  readonly path: string
  /** `X-Headgate-Explain`, for trusted peers. */
  readonly field: string
}

function sayings(explanation: Explanation): Sayings {
  const { outcome, route, rules, split, upstream, request } = explanation
  const next = split?.targets.find(({ isNext }) => isNext)
  assert.notEqual(outcome.kind, 'upstream', 'all endpoints of this test are forbidden addresses')
  return {
    outcome: outcome.kind === 'upstream' ? '' : (outcome.errorCode ?? ''),
    status: outcome.kind === 'upstream' ? 0 : outcome.status,
    route: route?.id ?? '',
    rule: rules.find((rule) => rule.outcome === 'taken')?.index ?? -1,
    variant: next?.variant ?? '',
    upstream: upstream?.id ?? '',
    endpoint: upstream?.next ?? '',
    client: request.client.address,
    path: request.path ?? '',
    field: request.client.isPeerTrusted ? fieldOf(explanation) : '',
  }
}

function fieldOf({ outcome, route, rules, split, upstream }: Explanation): string {
  // a rewrite of the answer that fails forgets the route; this test makes none
  const rule = rules.find((one) => one.outcome === 'taken')
  const next = split?.targets.find(({ isNext }) => isNext)
  const parts = [`route=${route?.id ?? 'none'}`]
  if (rule !== undefined) parts.push(`rule=${rule.index}`)
  if (next !== undefined) parts.push(`target=${next.index}`, `variant=${next.variant}`)
  if (upstream !== null) parts.push(`upstream=${upstream.id}`)
  if (upstream !== null && upstream.next !== null) parts.push(`endpoint=${upstream.next}`)
  assert.notEqual(outcome.kind, 'upstream')
  return parts.join('; ')
}

interface TestGateway {
  readonly plane: DataPlane
  readonly lane: Float64Array
  serve(wire: string, peer: string): Sayings
}

function makeGateway(random: Random): TestGateway {
  const records: Sayings[] = []
  const lane = new Float64Array(60_000)
  const slots = new Map<string, number>()
  const positions = new TestPositions()
  const slot = (identity: string): number => {
    if (!slots.has(identity)) slots.set(identity, 50 + 25 * slots.size)
    return slots.get(identity) as number
  }
  const sections = [makeSection('main'), makeSection('second')]
  const table: RoutingTable = new RoutingTable(sections, {
    positions,
    slot,
    upstream: (id) => plane.upstream(id),
    consumers: new Consumers(),
  })
  const plane = createDataPlane({
    settings: { ...DEFAULT_SETTINGS, trustedPeers: ['10.0.0.0/8'], explainField: 'trusted' },
    share: 1,
    table,
    streams: new StreamTable([], {
      positions,
      slot,
      upstream: (id) => plane.upstream(id),
      consumers: new Consumers(),
    }),
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
  const edit = table.begin()
  const count = random.below(14)
  for (let i = 0; i < count; i++) edit.upsert(randomRoute(random, `r${i}`))
  edit.commit(1)
  const sections0 = sections
  return {
    plane,
    lane,
    serve(wire, peer) {
      const socket = new FakeSocket(peer)
      plane.accept(
        {
          id: 'l',
          protocol: 'http',
          address: '127.0.0.1',
          port: 9080,
          proxyProtocol: false,
          sections: sections0,
        },
        socket as unknown as Socket,
        { tls: null, peer: null, early: null },
      )
      socket.emit('data', Buffer.from(wire, 'latin1'))
      const served = records.pop()
      assert.ok(served !== undefined && records.length === 0, 'one request, one record')
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(socket.written)?.[1])
      const field = /\r\nX-Headgate-Explain: ([^\r]*)/.exec(socket.written)?.[1] ?? ''
      socket.destroy()
      return { ...served, status, field }
    },
  }
}

function readRecord(record: AccessRecord): Sayings {
  return {
    outcome: record.errorCode,
    status: record.status,
    route: record.routeId,
    rule: record.rule,
    variant: record.variant,
    upstream: record.upstreamId,
    endpoint: record.endpoint,
    client: record.clientAddress,
    path: record.path,
    field: '',
  }
}

/** A connection without a network: what is written is kept. */
class FakeSocket extends Duplex {
  readonly remoteAddress: string
  readonly remotePort = 40_000
  readonly localAddress = '127.0.0.1'
  written = ''
  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
  resetAndDestroy(): this {
    return this.destroy()
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1')
    done()
  }
}

class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  /** mulberry32: 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  below(count: number): number {
    return Math.floor(this.next() * count)
  }
  chance(probability: number): boolean {
    return this.next() < probability
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
  some<T>(most: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.below(most + 1) }, (_, index) => make(index))
  }
}

const ENTRY_PATHS: readonly RouteEntry['path'][] = [
  { kind: 'exact', text: '/a' },
  { kind: 'exact', text: '/a/b' },
  { kind: 'prefix', text: '/' },
  { kind: 'prefix', text: '/a' },
  { kind: 'prefix', text: '/a/' },
  { kind: 'pattern', pieces: ['/', { kind: 'segment', name: 'id' }, '/b'] },
  { kind: 'pattern', pieces: ['/a/', { kind: 'rest', name: null }] },
]
const ENTRY_HOSTS: readonly RouteEntry['host'][] = [
  { kind: 'any' },
  { kind: 'any' },
  { kind: 'exact', text: 'a.com' },
  { kind: 'suffix', text: '.com' },
  { kind: 'prefix', text: 'a.' },
]

function randomRoute(random: Random, id: string): Route {
  const entries = [0, ...random.some(2, (i) => i)].map(() => ({
    host: random.of(ENTRY_HOSTS),
    path: random.of(ENTRY_PATHS),
    key: [random.below(4)],
  }))
  return makeRoute(id, entries, {
    section: random.chance(0.8) ? 'main' : 'second',
    methods: random.chance(0.3) ? [random.of(['GET', 'POST'])] : null,
    clients: random.chance(0.15) ? [random.of(['127.0.0.0/8', '192.0.2.0/24', '10.0.0.0/8'])] : null,
    predicate: random.chance(0.4) ? randomPredicate(random, 2) : null,
    requestFilters: random.some(2, () => randomFilter(random)),
    responseFilters: random.chance(0.2) ? [responseFilter(random)] : [],
    upgrades: [],
    rulesSee: random.of(['rewritten', 'original']),
    rules: random.some(3, (i) => randomRule(random, `${id}.${i}`)),
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
  })
}

function randomRule(random: Random, id: string): Rule {
  const targets = random.some(4, (i) => randomTarget(random, `${id}.${i}`))
  return {
    origin: ORIGIN,
    predicate: random.chance(0.6) ? randomPredicate(random, 2) : null,
    split: { id, origin: ORIGIN, targets, policy: null },
  }
}

function randomTarget(random: Random, variant: string): Target {
  const base = {
    weight: random.below(4),
    variant,
    origin: ORIGIN,
    requestFilters: random.chance(0.2) ? [randomFilter(random)] : [],
    responseFilters: random.chance(0.15) ? [responseFilter(random)] : [],
  }
  if (random.chance(0.5))
    return {
      ...base,
      kind: 'upstream',
      upstreamId: random.of(['u1', 'u1', 'u2', 'dead', 'missing']),
      ...(random.chance(0.2) ? { event: EVENT } : {}),
    }
  if (random.chance(0.3))
    return {
      ...base,
      kind: 'redirect',
      status: random.of([302, 'byMethod']),
      location: { kind: 'https', port: null },
    }
  return {
    ...base,
    kind: 'respond',
    status: random.of([200, 204, 404, 503]),
    headers: [],
    body: 'x',
    page: random.chance(0.5),
    errorCode: random.chance(0.2) ? 'SERVICE_NOT_FOUND' : null,
  }
}

const EVENT: EventCall = {
  target: '/call',
  event: { kind: 'body', base64: 'whenBinary' },
  envelope: { malformed: { status: 403, body: { kind: 'fault' } } },
}

function randomPredicate(random: Random, depth: number): Predicate {
  if (depth > 0 && random.chance(0.4)) {
    const of = [0, 1].map(() => randomPredicate(random, depth - 1))
    if (random.chance(0.25)) return { kind: 'not', of: of[0] as Predicate }
    return { kind: random.chance(0.5) ? 'all' : 'any', of }
  }
  const variable = random.of([
    'arg_v',
    'http_x_env',
    'cookie_c',
    'post_arg_k',
    'request_method',
    'remote_addr',
    'uri',
  ])
  return random.of<Predicate>([
    { kind: 'test', variable, operator: 'equal', value: random.of(['1', '2', 'GET', null]) },
    { kind: 'test', variable, operator: 'notEqual', value: '1' },
    { kind: 'test', variable, operator: 'greater', value: 1 },
    { kind: 'test', variable, operator: 'matches', value: '^[12]' },
    { kind: 'test', variable, operator: 'in', value: ['1', '/a', '192.0.2.7'] },
    { kind: 'test', variable, operator: 'inNetwork', value: ['192.0.2.0/24'] },
  ])
}

function randomFilter(random: Random): RequestFilter {
  const variable = random.of(['arg_v', 'http_x_env', 'post_arg_k'])
  return {
    kind: 'rewriteRequest',
    origin: ORIGIN,
    when: random.chance(0.3) ? randomPredicate(random, 1) : null,
    path: random.chance(0.3)
      ? { kind: 'template', source: 'path', template: ['/new', { variable, fallback: '' }] }
      : null,
    method: random.chance(0.1) ? 'PUT' : null,
    host: random.chance(0.1) ? 'other.com' : null,
    headers: random.chance(0.5)
      ? {
          add: [],
          set: [{ name: 'x-env', value: [random.of(['1', '2', { variable, fallback: '0' }])] }],
          remove: random.chance(0.3) ? ['x-env'] : [],
        }
      : null,
  }
}

function responseFilter(random: Random): ResponseFilter {
  return {
    kind: 'rewriteResponse',
    origin: ORIGIN,
    when: random.chance(0.4) ? randomPredicate(random, 1) : null,
    status: random.chance(0.6) ? 418 : null,
    bodyBase64: null,
    headers: null,
  }
}

/** Endpoints that a request comes to, and no further: addresses that are not for traffic. */
function makeUpstream(id: string, weights: readonly number[]): Upstream {
  return {
    kind: 'upstream',
    id,
    name: id,
    origin: ORIGIN,
    scheme: 'http',
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

/** The request, and the bytes of the same one as a client sends it. */
function makeRequest(random: Random): { request: ExplainRequest; wire: string } {
  const method = random.of(['GET', 'GET', 'POST', 'PUT'])
  const path = random.of([
    '/a',
    '/a',
    '/a/b',
    '/a/b/c',
    '/x/b',
    '/a//b',
    '/./a',
    '/a/../a',
    '/%61',
    '/../x',
    '/%zz',
    '/',
  ])
  const query = random.of(['', '', '?v=1', '?v=2', '?v=1&v=2', '?w=%20'])
  const host = random.of(['a.com', 'a.com:9080', 'b.com', 'A.org', '127.0.0.1'])
  const headers: (readonly [string, string])[] = []
  if (random.chance(0.4)) headers.push(['X-Env', random.of(['1', '2', 'x'])])
  if (random.chance(0.3)) headers.push(['Cookie', random.of(['c=1', 'd=1; c=2', 'c'])])
  if (random.chance(0.3))
    headers.push(['X-Forwarded-For', random.of(['192.0.2.7', '192.0.2.7, 10.0.0.1', 'junk'])])
  if (random.chance(0.1)) headers.push(['X-Real-IP', '192.0.2.9'])
  const body = method === 'GET' ? null : random.of(['k=1', 'k=2&x=3', '', null])
  if (body !== null) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
  const clientAddress = random.of(['127.0.0.1', '10.0.0.1', '192.0.2.7'])
  const target = `${path}${query}`
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const length = body === null ? '' : `Content-Length: ${body.length}\r\n`
  return {
    request: { method, target, host, headers, clientAddress, listener: null, body },
    wire: `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines}${length}\r\n${body ?? ''}`,
  }
}
