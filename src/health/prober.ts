import type { ActiveCheck, HealthLine } from '../model/health.ts'
import type { UpstreamTls } from '../model/upstream.ts'
import { countFailure, countSuccess, endedBy, stateOf } from './health-line.ts'
import { probe } from './probe.ts'
import type { ProbeResult, ProbeTarget } from './probe-result.ts'

/** One endpoint that is to be probed. `key` is its identity: the same over changes of the upstream that keep it. */
export interface ProbedEndpoint {
  readonly key: string
  readonly line: HealthLine
  /** Where it is now; null: its name stands for no address, which is a failure of kind `tcp`. */
  readonly resolve: () => Promise<ProbeTarget | null>
}

export interface LastProbe {
  readonly atMs: number
  readonly result: ProbeResult
  /** null: its status is in neither list. */
  readonly isSuccess: boolean | null
  /** Results of the same kind in a row, this one among them; one that says nothing ends neither. One of the two is 0. */
  readonly passes: number
  readonly failures: number
}

export interface ProberOptions {
  /** An endpoint became unhealthy by a probe, or what its successes end is over; its state is in force already. */
  readonly onTransition: (upstreamId: string, key: string, isHealthy: boolean, result: ProbeResult) => void
  /** A probe came back; `isSuccess` null: its status says nothing. */
  readonly onResult?: (upstreamId: string, check: ActiveCheck, isSuccess: boolean | null) => void
  /** Milliseconds, by a clock that nobody sets. Default performance.now. */
  readonly now?: () => number
  /** [0, 1); jitter. Default Math.random. */
  readonly random?: () => number
  /** Sends a probe. Default: really. */
  readonly send?: (check: ActiveCheck, target: ProbeTarget, tls: UpstreamTls | null) => Promise<ProbeResult>
}

/** Probes of all upstreams, from one place in the process. Sent on time by timers of their own, each up to a tenth later at random. */
export class Prober {
  readonly #options: ProberOptions
  readonly #upstreams = new Map<string, ProbedUpstream>()

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** From now on these endpoints of an upstream are probed by this check, no others. Those that stay keep their pace. */
  set(
    upstreamId: string,
    check: ActiveCheck,
    endpoints: readonly ProbedEndpoint[],
    tls: UpstreamTls | null = null,
  ): void {
    let upstream = this.#upstreams.get(upstreamId)
    if (upstream === undefined) {
      upstream = new ProbedUpstream(upstreamId, this.#options)
      this.#upstreams.set(upstreamId, upstream)
    }
    upstream.set(check, endpoints, tls)
  }

  remove(upstreamId: string): void {
    this.#upstreams.get(upstreamId)?.close()
    this.#upstreams.delete(upstreamId)
  }

  lastProbe(upstreamId: string, key: string): LastProbe | null {
    return this.#upstreams.get(upstreamId)?.lastProbe(key) ?? null
  }

  /** When an endpoint is probed next, milliseconds of the epoch; null: it is not. */
  nextProbeMs(upstreamId: string, key: string): number | null {
    return this.#upstreams.get(upstreamId)?.nextProbeMs(key) ?? null
  }

  /** How late the latest probe was sent. Milliseconds. */
  get latenessMs(): number {
    let latest = 0
    for (const upstream of this.#upstreams.values()) latest = Math.max(latest, upstream.latenessMs)
    return latest
  }

  close(): void {
    for (const upstream of this.#upstreams.values()) upstream.close()
    this.#upstreams.clear()
  }
}

interface Watched {
  endpoint: ProbedEndpoint
  timer: NodeJS.Timeout | null
  dueMs: number
  last: LastProbe | null
  /** Until then it stays out; by `now` of the options. */
  outUntilMs: number
  isGone: boolean
}

class ProbedUpstream {
  latenessMs = 0
  readonly #id: string
  readonly #options: ProberOptions
  readonly #watched = new Map<string, Watched>()
  #check: ActiveCheck | null = null
  #tls: UpstreamTls | null = null
  #underWay = 0
  /** Due, but too many are under way. */
  readonly #waiting: Watched[] = []

  constructor(id: string, options: ProberOptions) {
    this.#id = id
    this.#options = options
  }

  set(check: ActiveCheck, endpoints: readonly ProbedEndpoint[], tls: UpstreamTls | null): void {
    this.#check = check
    this.#tls = tls
    const keys = new Set(endpoints.map(({ key }) => key))
    for (const [key, watched] of this.#watched) if (!keys.has(key)) this.#drop(key, watched)
    for (const endpoint of endpoints) {
      const known = this.#watched.get(endpoint.key)
      if (known !== undefined) {
        known.endpoint = endpoint
        continue
      }
      const watched: Watched = { endpoint, timer: null, dueMs: 0, last: null, outUntilMs: 0, isGone: false }
      this.#watched.set(endpoint.key, watched)
      // the first probes are spread over one interval: many upstreams may begin together
      this.#arm(watched, this.#random() * this.#intervalOf(watched))
    }
  }

  lastProbe(key: string): LastProbe | null {
    return this.#watched.get(key)?.last ?? null
  }

  nextProbeMs(key: string): number | null {
    return this.#watched.get(key)?.dueMs ?? null
  }

  close(): void {
    for (const [key, watched] of this.#watched) this.#drop(key, watched)
  }

  #drop(key: string, watched: Watched): void {
    watched.isGone = true
    if (watched.timer !== null) clearTimeout(watched.timer)
    this.#watched.delete(key)
  }

  #intervalOf({ endpoint }: Watched): number {
    const check = this.#check as ActiveCheck
    const { intervalMs } = (stateOf(endpoint.line) & endedBy(check)) === 0 ? check.healthy : check.unhealthy
    return intervalMs
  }

  #random(): number {
    return (this.#options.random ?? Math.random)()
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))()
  }

  #arm(watched: Watched, inMs: number): void {
    watched.dueMs = Date.now() + inMs
    watched.timer = setTimeout(() => this.#begin(watched), inMs)
  }

  #begin(watched: Watched): void {
    if (this.#underWay >= (this.#check as ActiveCheck).concurrency) {
      this.#waiting.push(watched)
      return
    }
    this.latenessMs = Math.max(0, Date.now() - watched.dueMs)
    this.#underWay++
    void this.#probe(watched).finally(() => {
      this.#underWay--
      if (!watched.isGone) {
        const intervalMs = this.#intervalOf(watched)
        this.#arm(watched, intervalMs + (this.#random() * intervalMs) / 10)
      }
      for (;;) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        if (!next.isGone) return this.#begin(next)
      }
    })
  }

  async #probe(watched: Watched): Promise<void> {
    const check = this.#check as ActiveCheck
    const target = await watched.endpoint.resolve().catch(() => null)
    const send = this.#options.send ?? probe
    const result: ProbeResult =
      target === null
        ? { kind: 'tcp', error: 'the name stands for no address', tookMs: 0 }
        : await send(check, target, this.#tls)
    if (watched.isGone) return // what is no longer asked about says nothing
    const { line, key } = watched.endpoint
    if (isSuccess(check, result)) {
      this.#note(watched, result, true)
      this.#options.onResult?.(this.#id, check, true)
      // until then successes count for nothing
      const threshold = this.#now() < watched.outUntilMs ? 0 : check.healthy.successes
      if (countSuccess(line, threshold, endedBy(check)))
        this.#options.onTransition(this.#id, key, true, result)
      return
    }
    const found = failureOf(check, result)
    // failures of an endpoint's own probe count together, whatever they were
    const kind = found !== null && target?.own !== undefined ? 'tcp' : found
    this.#note(watched, result, kind === null ? null : false)
    this.#options.onResult?.(this.#id, check, kind === null ? null : false)
    if (kind === null) return
    const { httpFailures, tcpFailures, timeouts } = check.unhealthy
    const threshold = kind === 'http' ? httpFailures : kind === 'tcp' ? tcpFailures : timeouts
    if (!countFailure(line, kind, threshold)) return
    watched.outUntilMs = this.#now() + check.leastOutMs
    this.#options.onTransition(this.#id, key, false, result)
  }

  #note(watched: Watched, result: ProbeResult, isSuccess: boolean | null): void {
    const { passes, failures } = watched.last ?? { passes: 0, failures: 0 }
    watched.last = {
      atMs: Date.now(),
      result,
      isSuccess,
      passes: isSuccess === null ? passes : isSuccess ? passes + 1 : 0,
      failures: isSuccess === null ? failures : isSuccess ? 0 : failures + 1,
    }
  }
}

function isSuccess(check: ActiveCheck, result: ProbeResult): boolean {
  return (
    result.kind === 'connected' ||
    (result.kind === 'status' && check.healthy.statuses.includes(result.status))
  )
}

/** null: a status in neither list, which changes nothing. */
function failureOf(check: ActiveCheck, result: ProbeResult): 'http' | 'tcp' | 'timeout' | null {
  if (result.kind === 'status') return check.unhealthy.statuses.includes(result.status) ? 'http' : null
  return result.kind === 'connected' ? null : result.kind
}
