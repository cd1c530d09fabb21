/** Model objects and request views for the tests and benchmarks of routing. */
import type { RequestView } from '../expression/request-view.ts'
import type { Section } from '../model/listener.ts'
import type { Positions } from '../model/model.ts'
import type { Origin } from '../model/origin.ts'
import type { Route, RouteEntry } from '../model/route.ts'
import type { Rule } from '../model/rule.ts'
import type { RespondTarget, Split, Target, UpstreamTarget } from '../model/split.ts'
import { Consumers } from './consumers.ts'
import { IndexedRoute } from './indexed-route.ts'
import type { CompileEnvironment } from './table.ts'

export const ORIGIN: Origin = { dialect: 'native', kind: 'route', id: '1', path: '' }

export function makeSection(name: string): Section {
  return {
    name,
    surface: {
      pathForm: 'resolved',
      errorForm: 'json',
      bodies: { ROUTE_NOT_FOUND: { contentType: 'text/plain', body: '' } },
      statuses: {},
      answersEmpty: true,
      forwarding: 'full',
      realIpFrom: [],
      serverField: null,
      upstreamStatusField: 'never',
    },
  }
}

export function makeView(
  parts: Partial<RequestView> & { readonly headers?: Record<string, string> },
): RequestView {
  const { headers = {}, ...rest } = parts
  const path = rest.path ?? '/'
  const query = rest.query ?? null
  return {
    method: 'GET',
    target: query === null ? path : `${path}?${query}`,
    path,
    query,
    host: 'example.com',
    scheme: 'http',
    protocol: 'HTTP/1.1',
    clientAddress: '127.0.0.1',
    clientPort: 40_000,
    peerAddress: '127.0.0.1',
    localAddress: '127.0.0.1',
    localPort: 9080,
    requestId: 'r-1',
    cookies: undefined,
    body: undefined,
    pathParams: null,
    labels: null,
    consumer: null,
    answer: null,
    header: (name) => headers[name],
    joinedField: (name) => headers[name],
    firstField: (_, lowerName) => headers[lowerName],
    random: Math.random,
    ...rest,
  }
}

export function makeRoute(id: string, entries: readonly RouteEntry[], parts: Partial<Route> = {}): Route {
  return {
    kind: 'route',
    id,
    name: id,
    origin: { ...ORIGIN, id },
    section: 'main',
    entries,
    methods: null,
    clients: null,
    predicate: null,
    requestFilters: [],
    responseFilters: [],
    rulesSee: 'original',
    upgrades: [],
    rules: [],
    timeouts: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
    ...parts,
  }
}

export function indexRoute(
  model: Route,
  section = makeSection('main'),
  env = makeEnvironment(),
): IndexedRoute {
  return new IndexedRoute({ id: model.id, read: () => model, readHead: () => model }, model, section, env)
}

export function makeSplit(id: string, targets: readonly Target[]): Split {
  return { id, origin: ORIGIN, targets, policy: null }
}

export function makeRule(split: Split, parts: Partial<Rule> = {}): Rule {
  return { origin: ORIGIN, predicate: null, split, ...parts }
}

export function makeUpstreamTarget(upstreamId: string, weight: number): UpstreamTarget {
  return {
    kind: 'upstream',
    upstreamId,
    weight,
    variant: upstreamId,
    origin: ORIGIN,
    requestFilters: [],
    responseFilters: [],
  }
}

export function makeRespondTarget(status: number, weight: number): RespondTarget {
  return {
    kind: 'respond',
    status,
    weight,
    headers: [],
    body: '',
    page: true,
    errorCode: null,
    variant: '',
    origin: ORIGIN,
    requestFilters: [],
    responseFilters: [],
  }
}

/** Positions in plain memory, as one worker sees those in shared memory. */
export class TestPositions implements Positions {
  readonly taken = new Map<number, number>()
  advance(slot: number, limit: number): number {
    const position = this.peek(slot, limit)
    this.taken.set(slot, position + 1)
    return position
  }
  peek(slot: number, limit: number): number {
    return (this.taken.get(slot) ?? 0) % limit
  }
}

/** Gives every identity a slot of its own, in the order of asking. */
export function makeEnvironment(positions: Positions = new TestPositions()): CompileEnvironment & {
  readonly slots: Map<string, number>
} {
  const slots = new Map<string, number>()
  return {
    positions,
    slots,
    slot: (identity) => {
      const known = slots.get(identity)
      if (known !== undefined) return known
      slots.set(identity, slots.size + 1)
      return slots.size
    },
    upstream: (id) => ({ id, isOut: false }),
    consumers: new Consumers(),
  }
}
