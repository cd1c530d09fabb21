import type { NameView } from '../discovery/discovery.ts'
import { ENDPOINT, ENDPOINT_OVERFLOW } from '../model/counters.ts'
import {
  type Endpoint,
  endpointIdentity,
  endpointLabel,
  identityOf,
  isUnresolved,
} from '../model/endpoint.ts'
import type { EndpointAddress, EndpointLoad, EndpointView } from '../model/endpoint-view.ts'
import { HEALTH_CELL } from '../model/health.ts'
import type { JsonObject } from '../model/json.ts'
import { stateIn } from '../model/operator-states.ts'
import type { Upstream } from '../model/upstream.ts'
import { describeProbe, type HealthControl, type Standing } from './health/health-control.ts'
import type { SharedState } from './shared-state.ts'

export interface EndpointViewsOptions {
  readonly upstream: (id: string) => Upstream | undefined
  readonly health: Pick<HealthControl, 'standings' | 'prober'>
  readonly shared: Pick<SharedState, 'slot' | 'sum'>
  /** What operators said of the endpoints of an upstream. */
  readonly said: (upstreamId: string) => JsonObject | undefined
  readonly startedAtMs: number
  /** Milliseconds, the clock of windows. Default: performance.now, of the thread whose start the windows of all workers are counted from. */
  readonly now?: () => number
}

/** Statuses of attempts that count as failures: 5xx. */
const SERVER_ERRORS = 4
const CLASSES = 5

/** How endpoints stand, put together when somebody asks: the model, shared memory, the prober and the operators each know a part. */
export class EndpointViews {
  readonly #options: EndpointViewsOptions

  constructor(options: EndpointViewsOptions) {
    this.#options = options
  }

  /** In the order of the model; undefined: there is no such upstream. */
  of(upstreamId: string): readonly EndpointView[] | undefined {
    const upstream = this.#options.upstream(upstreamId)
    if (upstream === undefined) return undefined
    const standings = new Map<string, Standing>()
    for (const standing of this.#options.health.standings(upstreamId) ?? []) {
      standings.set(identityOf(upstreamId, standing.endpoint), standing)
    }
    const said = this.#options.said(upstreamId)
    return upstream.endpoints.map((endpoint) =>
      this.#view(upstream, endpoint, standings.get(identityOf(upstreamId, endpoint)), said),
    )
  }

  /** What is under way to an endpoint over all workers. */
  load(upstreamId: string, endpoint: EndpointAddress): EndpointLoad {
    const { shared } = this.#options
    const slot = shared.slot(endpointIdentity(upstreamId, endpoint as Endpoint))
    if (slot === ENDPOINT_OVERFLOW) return { inFlight: 0, connections: 0 }
    return {
      inFlight: Math.max(0, shared.sum(slot, ENDPOINT.IN_FLIGHT)),
      connections: Math.max(0, shared.sum(slot, ENDPOINT.CONNECTIONS)),
    }
  }

  #view(
    upstream: Upstream,
    endpoint: Endpoint,
    standing: Standing | undefined,
    said: JsonObject | undefined,
  ): EndpointView {
    const { health, startedAtMs } = this.#options
    const upstreamId = upstream.id
    const { host, port, address, priority, zone, service = null, weight } = endpoint
    const key = identityOf(upstreamId, endpoint)
    const last = health.prober.lastProbe(upstreamId, key)
    const cell = (field: number): number =>
      standing === undefined ? 0 : Atomics.load(standing.line.cells, standing.line.at + field)
    const known = this.#stand(endpoint, standing, said)
    const percent = cell(HEALTH_CELL.WEIGHT_PERCENT)
    const counts = this.#counts(upstreamId, endpoint)
    return {
      upstreamId,
      label: endpointLabel(endpoint),
      host,
      port,
      address,
      priority,
      zone,
      service,
      state: known.state,
      reason: known.reason,
      openedBy: openedBy(known.state),
      sinceMs: known.sinceMs ?? startedAtMs,
      lastProbe:
        last === null
          ? null
          : {
              atMs: last.atMs,
              isSuccess: last.isSuccess === true,
              result: describeProbe(last.result),
              tookMs: last.result.tookMs,
            },
      nextProbeMs: health.prober.nextProbeMs(upstreamId, key),
      weight,
      effectiveWeight:
        known.state === 'up' || known.state === 'trial'
          ? (weight * (percent === 0 ? 100 : percent)) / 100
          : 0,
      ...counts,
      inFlight: this.load(upstreamId, endpoint).inFlight,
      ejections: standing?.ejections ?? 0,
      counter: {
        success: cell(HEALTH_CELL.SUCCESSES),
        httpFailures: cell(HEALTH_CELL.HTTP_FAILURES),
        tcpFailures: cell(HEALTH_CELL.TCP_FAILURES),
        timeouts: cell(HEALTH_CELL.TIMEOUTS),
      },
      consecutivePasses: last?.passes ?? 0,
      consecutiveFailures: last?.failures ?? 0,
      ...this.#window(upstream, standing),
      returnsAtMs: standing?.returnsAtMs ?? null,
    }
  }

  /** What a window counted that is over says nothing any more, though it stays in the line until the next request. */
  #window(
    { health }: Upstream,
    standing: Standing | undefined,
  ): Pick<EndpointView, 'windowErrors' | 'windowTotal'> {
    const errors = health?.outlier?.errors
    if (errors == null || standing === undefined) return { windowErrors: 0, windowTotal: 0 }
    const { cells, at } = standing.line
    const window = Math.floor((this.#options.now ?? (() => performance.now()))() / errors.windowMs)
    const isNow = Atomics.load(cells, at + HEALTH_CELL.WINDOW) === window
    return {
      windowErrors: isNow ? Atomics.load(cells, at + HEALTH_CELL.ERRORS) : 0,
      windowTotal: isNow ? Atomics.load(cells, at + HEALTH_CELL.REQUESTS) : 0,
    }
  }

  #stand(
    endpoint: Endpoint,
    standing: Standing | undefined,
    said: JsonObject | undefined,
  ): Pick<EndpointView, 'state' | 'reason'> & { readonly sinceMs: number | null } {
    if (endpoint.state !== 'ready') {
      const { by = null, note = null, since = null } = (said && stateIn(said, endpoint)) ?? {}
      const who = by === null || by === '' ? 'an operator' : by
      const sinceMs = since === null ? Number.NaN : Date.parse(since)
      return {
        state: endpoint.state,
        reason: note === null ? `set by ${who}` : `set by ${who}: ${note}`,
        sinceMs: Number.isNaN(sinceMs) ? (standing?.sinceMs ?? null) : sinceMs,
      }
    }
    if (isUnresolved(endpoint)) {
      return {
        state: 'unresolved',
        reason: 'its name stands for no address',
        sinceMs: standing?.sinceMs ?? null,
      }
    }
    if (standing === undefined) return { state: 'up', reason: '', sinceMs: null }
    const { condition, reason, sinceMs } = standing
    return { state: condition, reason: condition === 'up' ? '' : reason, sinceMs }
  }

  #counts(upstreamId: string, endpoint: Endpoint): Pick<EndpointView, 'requests' | 'failures'> {
    const { shared } = this.#options
    const slot = shared.slot(endpointIdentity(upstreamId, endpoint))
    if (slot === ENDPOINT_OVERFLOW) return { requests: 0, failures: 0 }
    const broken =
      shared.sum(slot, ENDPOINT.CONNECT_FAILED) +
      shared.sum(slot, ENDPOINT.TIMED_OUT) +
      shared.sum(slot, ENDPOINT.CLOSED)
    let answered = 0
    for (let i = 0; i < CLASSES; i++) answered += shared.sum(slot, i)
    return { requests: answered + broken, failures: broken + shared.sum(slot, SERVER_ERRORS) }
  }
}

function openedBy(state: EndpointView['state']): EndpointView['openedBy'] {
  if (state === 'ejected' || state === 'trial') return 'breaker'
  return state === 'unhealthy' ? 'health' : null
}

/** Counts of the health control for metrics. */
export function countHealth({ transitions, probes }: Pick<HealthControl, 'transitions' | 'probes'>) {
  return {
    transitions: [...transitions].map(([key, count]) => {
      const [upstream = '', state = ''] = key.split('\n')
      return { upstream, state, count }
    }),
    probes: [...probes].map(([key, count]) => {
      const [upstream = '', type = '', result = ''] = key.split('\n')
      return { upstream, type, result, count }
    }),
  }
}

/** How a name stands, for metrics. */
export function measureName({ question, state, answeredAtMs, failures, isAnswered, hosts }: NameView) {
  const ageSeconds = answeredAtMs === null ? null : (Date.now() - answeredAtMs) / 1000
  const { name, kind } = question
  return { name, kind, state, ageSeconds, failures, isAnswered, hosts: hosts.length }
}
