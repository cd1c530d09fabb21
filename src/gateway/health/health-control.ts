import { clearState, stateOf, touch } from '../../health/health-line.ts'
import { OutlierJudge, returnTrial } from '../../health/outlier.ts'
import type { ProbeResult } from '../../health/probe-result.ts'
import { Prober } from '../../health/prober.ts'
import { shareAfter } from '../../health/slow-start.ts'
import { type Endpoint, endpointLabel, identityOf } from '../../model/endpoint.ts'
import type { EndpointCondition } from '../../model/endpoint-view.ts'
import {
  HEALTH,
  HEALTH_CELL,
  HEALTH_LINE_CELLS,
  type HealthLine,
  healthIdentity,
  LATENCY_STEP_MS,
  needsHealthLines,
  UPSTREAM_CELL,
  upstreamHealthIdentity,
} from '../../model/health.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Emit, EventType } from '../events.ts'
import type { ModelArchive, StoredObject } from '../model-archive.ts'
import type { Plan } from '../reconcile.ts'
import type { SharedState } from '../shared-state.ts'
import type { LiveTransition } from '../worker-judges.ts'
import type { Log } from '../worker-pool.ts'
import { References } from './references.ts'

export interface HealthControlOptions {
  readonly archive: ModelArchive
  readonly shared: Pick<SharedState, 'health' | 'slot'>
  /** Resolves when no request that was picked before is still to be sent. */
  readonly settle: () => Promise<void>
  readonly log: Log
  readonly emit: Emit
  /** Milliseconds, the clock of windows and ages. Default: performance.now. */
  readonly now?: () => number
}

/** What is known of an endpoint beside its line. */
export interface Standing {
  readonly endpoint: Endpoint
  readonly line: HealthLine
  readonly condition: EndpointCondition
  readonly reason: string
  /** Milliseconds of the epoch. */
  readonly sinceMs: number
  /** When an ejected one returns, or one that live traffic took out for a time; null: it is not out, or nobody knows. */
  readonly returnsAtMs: number | null
  /** Since the start, or since it is there. */
  readonly ejections: number
}

interface Watched {
  model: Upstream
  /** JSON of what is checked: when it changes, states begin anew. */
  policy: string
  upstreamAt: number
  readonly endpoints: Map<string, WatchedEndpoint>
  judge: OutlierJudge | null
  latencyTimer: NodeJS.Timeout | null
  isProbed: boolean
  readonly sinceMs: number
}

interface WatchedEndpoint {
  endpoint: Endpoint
  readonly line: HealthLine
  condition: EndpointCondition
  reason: string
  sinceMs: number
  /** While it is ejected: its return; after that: until the next ejection counts as a first one again. */
  timer: NodeJS.Timeout | null
  /** While live traffic has taken it out and its time is to bring it back. */
  recoveryTimer: NodeJS.Timeout | null
  returnsAtMs: number | null
  ejections: number
  /** When it began to get its share back; null: it has all of it. */
  rampMs: number | null
  steppedMs: number
}

/** How often shares that grow are looked at. */
const RAMP_MS = 100

/**
 * The control side of health: probes, ejections that end, shares that grow, and the news of all that. States lie in shared memory, where workers change them
 * as well; here is what needs a timer or a look at the whole.
 */
export class HealthControl {
  readonly #options: HealthControlOptions
  readonly #now: () => number
  readonly #startedMs: number
  readonly #watched = new Map<string, Watched>()
  readonly #prober: Prober
  readonly #references: References
  readonly #ramping = new Set<WatchedEndpoint>()
  #rampTimer: NodeJS.Timeout | null = null
  /** Transitions by upstream and new state, probes by upstream, kind and result: since the start. */
  readonly transitions = new Map<string, number>()
  readonly probes = new Map<string, number>()
  /** Tails of upstreams (model-archive.ts) by whether there is something to watch. */
  readonly #tails = new Map<string, boolean>()
  #isClosed = false

  constructor(options: HealthControlOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#startedMs = this.#now()
    this.#prober = new Prober({
      onTransition: (upstreamId, key, isHealthy, result) =>
        this.#onProbed(upstreamId, key, isHealthy, result),
      onResult: (upstreamId, check, isSuccess) => {
        const result = isSuccess === null ? 'ignored' : isSuccess ? 'success' : 'failure'
        count(this.probes, `${upstreamId}\n${check.kind}\n${result}`)
      },
    })
    this.#references = new References(
      () => options.archive.everyRoute(),
      (ids) => {
        for (const id of ids) this.#probeIfReferenced(id)
      },
    )
  }

  /** The model that the gateway starts with is there. */
  load(): void {
    for (const stored of this.#options.archive.upstreams())
      if (this.#mayNeedLines(stored)) this.#set(stored.read() as Upstream)
  }

  /** A change of the model was sent to the workers. */
  change({ upserts, replaced, removals }: Pick<Plan, 'upserts' | 'replaced' | 'removals'>): void {
    const turned = this.#references.change(replaced, upserts)
    for (const { kind, id } of removals) if (kind === 'upstream') this.#drop(id)
    for (const object of upserts) {
      if (object.kind !== 'upstream') continue
      if (needsHealthLines(object)) this.#set(object)
      else this.#drop(object.id)
    }
    for (const id of turned) this.#probeIfReferenced(id)
  }

  /** Live traffic changed a state, in a worker. */
  note(transition: LiveTransition): void {
    const watched = this.#watched.get(transition.upstreamId)
    const known = watched?.endpoints.get(transition.endpoint)
    if (watched === undefined || known === undefined) return
    switch (transition.change) {
      case 'ejected':
        if ((stateOf(known.line) & HEALTH.EJECTED) === 0) {
          known.ejections++ // probes that passed ended it before it was told
          break
        }
        this.#armReturn(watched, known)
        this.#announce(
          watched,
          known,
          'endpoint-ejected',
          'ejected',
          `ejected by live traffic, last: ${transition.reason}`,
        )
        break
      case 'readmitted':
        this.#recover(watched, known)
        this.#announce(
          watched,
          known,
          'endpoint-readmitted',
          'up',
          `its trial went well: ${transition.reason}`,
        )
        break
      case 'unhealthy':
        this.#lower(watched, known)
        this.#armRecovery(watched, known)
        this.#announce(
          watched,
          known,
          'endpoint-unhealthy',
          'unhealthy',
          `live traffic: ${transition.reason}`,
        )
        break
      case 'healthy':
        this.#disarmRecovery(known)
        this.#recover(watched, known)
        this.#announce(watched, known, 'endpoint-healthy', 'up', `live traffic: ${transition.reason}`)
        break
      default:
        transition.change satisfies never
    }
  }

  /** A worker is gone, and may have ejected somebody without a word, or had a trial under way. */
  rescan(): void {
    for (const watched of this.#watched.values()) {
      for (const known of watched.endpoints.values()) {
        const isOut = (stateOf(known.line) & HEALTH.UNHEALTHY) !== 0 && known.condition === 'up'
        if (isOut) this.#armRecovery(watched, known)
      }
      if (watched.judge === null) continue
      for (const known of watched.endpoints.values()) {
        returnTrial(known.line) // at worst two go at once
        if ((stateOf(known.line) & HEALTH.EJECTED) === 0 || known.returnsAtMs !== null) continue
        this.#armReturn(watched, known)
        this.#announce(watched, known, 'endpoint-ejected', 'ejected', 'ejected by a worker that is gone')
      }
    }
  }

  /** How the endpoints of a watched upstream stand; undefined: it is not watched. */
  standings(upstreamId: string): readonly Standing[] | undefined {
    const watched = this.#watched.get(upstreamId)
    if (watched === undefined) return undefined
    return [...watched.endpoints.values()].map(
      ({ endpoint, line, condition, reason, sinceMs, returnsAtMs, ejections }) => ({
        endpoint,
        line,
        condition: conditionOf(endpoint, line, condition),
        reason,
        sinceMs,
        returnsAtMs,
        ejections,
      }),
    )
  }

  get prober(): Pick<Prober, 'lastProbe' | 'nextProbeMs' | 'latenessMs'> {
    return this.#prober
  }

  close(): void {
    this.#isClosed = true
    this.#prober.close()
    for (const watched of this.#watched.values()) this.#stop(watched)
    if (this.#rampTimer !== null) clearInterval(this.#rampTimer)
  }

  #mayNeedLines(stored: StoredObject): boolean {
    const tail = stored.tail === '' ? stored.text : stored.tail
    let may = this.#tails.get(tail)
    if (may === undefined) {
      may = WATCHED.some((sign) => tail.includes(sign))
      if (stored.tail !== '') this.#tails.set(tail, may)
    }
    return may
  }

  #set(model: Upstream): void {
    const before = this.#watched.get(model.id)
    const policy = JSON.stringify(model.health)
    const upstreamAt = this.#options.shared.slot(upstreamHealthIdentity(model.id)) * HEALTH_LINE_CELLS
    if (upstreamAt === 0) return
    const watched: Watched = before ?? {
      model,
      policy,
      upstreamAt,
      endpoints: new Map(),
      judge: null,
      latencyTimer: null,
      isProbed: false,
      sinceMs: this.#now(),
    }
    watched.model = model
    watched.upstreamAt = upstreamAt
    this.#watched.set(model.id, watched)
    const isOther = watched.policy !== policy
    watched.policy = policy
    const gone = new Set(watched.endpoints.keys())
    for (const endpoint of model.endpoints) {
      const key = identityOf(model.id, endpoint)
      gone.delete(key)
      const known = watched.endpoints.get(key)
      if (known === undefined) this.#add(watched, key, endpoint, before !== undefined)
      else this.#keep(watched, known, { endpoint, isOther })
    }
    for (const key of gone) this.#forget(watched, key)
    const outlier = model.health?.outlier ?? null
    watched.judge = outlier === null ? null : new OutlierJudge(outlier, model.endpoints.length)
    this.#watchLatency(watched)
    if (isOther && watched.isProbed) {
      this.#prober.remove(model.id)
      watched.isProbed = false
    }
    if (model.health?.active == null) {
      this.#references.unwatch(model.id)
      this.#prober.remove(model.id)
      watched.isProbed = false
    } else {
      this.#references.watch(model.id)
      this.#probeIfReferenced(model.id)
    }
  }

  #add(watched: Watched, key: string, endpoint: Endpoint, isLate: boolean): void {
    const { model, upstreamAt } = watched
    const slot = this.#options.shared.slot(healthIdentity(model.id, endpoint))
    const line = { cells: this.#options.shared.health, at: slot * HEALTH_LINE_CELLS, upstreamAt }
    const known: WatchedEndpoint = {
      endpoint,
      line,
      condition: 'up',
      reason: '',
      sinceMs: Date.now(),
      timer: null,
      recoveryTimer: null,
      returnsAtMs: null,
      ejections: 0,
      rampMs: null,
      steppedMs: 0,
    }
    watched.endpoints.set(key, known)
    if (endpoint.state !== 'ready') return
    const grace = model.slowStart?.graceMs ?? 0
    const isNew = isLate && this.#now() - this.#startedMs >= grace && this.#now() - watched.sinceMs >= grace
    if (isNew) this.#recover(watched, known)
  }

  #keep(
    watched: Watched,
    known: WatchedEndpoint,
    { endpoint, isOther }: { readonly endpoint: Endpoint; readonly isOther: boolean },
  ): void {
    const { state } = known.endpoint
    known.endpoint = endpoint
    if (isOther) this.#reset(known)
    if (state === endpoint.state) return
    const text =
      endpoint.state === 'ready' ? 'an operator made it ready' : `an operator said ${endpoint.state}`
    if (endpoint.state === 'ready') this.#recover(watched, known)
    else this.#lower(watched, known)
    this.#announce(watched, known, 'endpoint-state', endpoint.state === 'ready' ? 'up' : endpoint.state, text)
  }

  /** Other checks: what the old ones said counts no more (spec/apisix.md 5.5). */
  #reset(known: WatchedEndpoint): void {
    const { line } = known
    this.#disarm(known)
    if ((stateOf(line) & HEALTH.EJECTED) !== 0)
      Atomics.sub(line.cells, line.upstreamAt + UPSTREAM_CELL.EJECTED, 1)
    for (let cell = 0; cell < HEALTH_LINE_CELLS; cell++)
      if (cell !== HEALTH_CELL.IN_FLIGHT) Atomics.store(line.cells, line.at + cell, 0)
    touch(line)
    this.#ramping.delete(known)
    known.rampMs = null
    if (known.condition !== 'up') {
      known.condition = 'up'
      known.reason = 'its checks changed'
      known.sinceMs = Date.now()
    }
  }

  #forget(watched: Watched, key: string): void {
    const known = watched.endpoints.get(key)
    if (known === undefined) return
    watched.endpoints.delete(key)
    this.#disarm(known)
    this.#ramping.delete(known)
    if ((stateOf(known.line) & HEALTH.EJECTED) !== 0)
      Atomics.sub(known.line.cells, watched.upstreamAt + UPSTREAM_CELL.EJECTED, 1)
  }

  #drop(upstreamId: string): void {
    const watched = this.#watched.get(upstreamId)
    if (watched === undefined) return
    this.#watched.delete(upstreamId)
    this.#references.unwatch(upstreamId)
    this.#prober.remove(upstreamId)
    this.#stop(watched)
  }

  #stop(watched: Watched): void {
    for (const known of watched.endpoints.values()) {
      this.#disarm(known)
      this.#ramping.delete(known)
    }
    if (watched.latencyTimer !== null) clearTimeout(watched.latencyTimer)
    watched.latencyTimer = null
  }

  // ---- probes ----

  #probeIfReferenced(upstreamId: string): void {
    const watched = this.#watched.get(upstreamId)
    const check = watched?.model.health?.active
    if (watched === undefined || check == null || this.#isClosed) return
    if (!this.#references.has(upstreamId)) {
      this.#prober.remove(upstreamId)
      watched.isProbed = false
      return
    }
    watched.isProbed = true
    const probed = [...watched.endpoints].filter(
      ([, { endpoint }]) => endpoint.state !== 'maint' && endpoint.own?.probe !== null,
    )
    this.#prober.set(
      upstreamId,
      check,
      probed.map(([key, known]) => ({
        key,
        line: known.line,
        resolve: async () => {
          const { host, port, address, own } = known.endpoint
          if (own === undefined || own.probe === null) return { address: address ?? host, host, port }
          const { isSecure, path, ...place } = own.probe
          const at = place.host === host && address !== null ? address : place.host
          return { address: at, host: place.host, port: place.port, own: { isSecure, path } }
        },
      })),
      watched.model.tls,
    )
  }

  #onProbed(upstreamId: string, key: string, isHealthy: boolean, result: ProbeResult): void {
    const watched = this.#watched.get(upstreamId)
    const known = watched?.endpoints.get(key)
    if (watched === undefined || known === undefined) return
    const seen = describeProbe(result)
    if (isHealthy) {
      if (watched.model.health?.active?.endsEjection === true) {
        this.#disarm(known)
        this.#armForgiveness(watched, known)
      } else this.#disarmRecovery(known)
      this.#recover(watched, known)
      this.#announce(watched, known, 'endpoint-healthy', 'up', `probe: ${seen}`)
    } else {
      this.#lower(watched, known)
      this.#announce(watched, known, 'endpoint-unhealthy', 'unhealthy', `probe: ${seen}`)
    }
  }

  // ---- ejections ----

  #armReturn(watched: Watched, known: WatchedEndpoint): void {
    if (watched.judge === null) return
    this.#disarm(known)
    this.#lower(watched, known)
    const ms = watched.judge.ejectionMs(known.line)
    known.returnsAtMs = Date.now() + ms
    known.timer = setTimeout(() => this.#return(watched, known), ms)
    known.timer.unref()
  }

  #return(watched: Watched, known: WatchedEndpoint): void {
    known.timer = null
    known.returnsAtMs = null
    const { judge } = watched
    const outlier = watched.model.health?.outlier
    if (judge === null || outlier == null) return
    judge.readmit(known.line)
    this.#armForgiveness(watched, known)
    if ((stateOf(known.line) & HEALTH.UNHEALTHY) !== 0)
      this.#announce(
        watched,
        known,
        'endpoint-unhealthy',
        'unhealthy',
        'its ejection is over, but checks have found it unhealthy',
      )
    else if (outlier.trial)
      this.#announce(watched, known, 'endpoint-readmitted', 'trial', 'one request goes first')
    else {
      this.#recover(watched, known)
      this.#announce(watched, known, 'endpoint-readmitted', 'up', 'its time is over')
    }
  }

  /** Without an ejection for so long, the next one is a first one again. */
  #armForgiveness({ model, judge }: Watched, known: WatchedEndpoint): void {
    const outlier = model.health?.outlier
    if (judge === null || outlier == null) return
    known.timer = setTimeout(() => judge.forgive(known.line), outlier.maxEjectionMs)
    known.timer.unref()
  }

  #disarm(known: WatchedEndpoint): void {
    if (known.timer !== null) clearTimeout(known.timer)
    known.timer = null
    known.returnsAtMs = null
    this.#disarmRecovery(known)
  }

  // ---- what live traffic took out, and its time brings back ----

  #armRecovery(watched: Watched, known: WatchedEndpoint): void {
    const ms = watched.model.health?.passive?.returnsAfterMs ?? null
    if (ms === null) return
    this.#disarmRecovery(known)
    known.returnsAtMs ??= Date.now() + ms
    known.recoveryTimer = setTimeout(() => {
      this.#disarmRecovery(known)
      if (!clearState(known.line, HEALTH.UNHEALTHY)) return
      this.#recover(watched, known)
      this.#announce(watched, known, 'endpoint-healthy', 'up', 'its time is over')
    }, ms)
    known.recoveryTimer.unref()
  }

  #disarmRecovery(known: WatchedEndpoint): void {
    if (known.recoveryTimer === null) return
    clearTimeout(known.recoveryTimer)
    known.recoveryTimer = null
    if (known.timer === null) known.returnsAtMs = null
  }

  /** The mean latency of a window against that of the others, looked at when it is over. */
  #watchLatency(watched: Watched): void {
    if (watched.latencyTimer !== null) clearTimeout(watched.latencyTimer)
    watched.latencyTimer = null
    const windowMs = watched.model.health?.outlier?.latency?.windowMs
    if (windowMs === undefined) return
    // a little before the window turns: what it counted is gone then
    const leftMs = windowMs * 0.95 - (performance.now() % windowMs)
    watched.latencyTimer = setTimeout(
      () => {
        this.#judgeLatency(watched)
        this.#watchLatency(watched)
      },
      leftMs > 0 ? leftMs : leftMs + windowMs,
    )
    watched.latencyTimer.unref()
  }

  #judgeLatency(watched: Watched): void {
    const latency = watched.model.health?.outlier?.latency
    if (latency == null || watched.judge === null) return
    const means = [...watched.endpoints.values()].flatMap((known) => {
      const { cells, at } = known.line
      const window = Math.floor(performance.now() / latency.windowMs)
      if (Atomics.load(cells, at + HEALTH_CELL.LATENCY_WINDOW) !== window) return [] // it had no request in this one
      const requests = Atomics.load(cells, at + HEALTH_CELL.LATENCY_REQUESTS)
      if (requests < latency.minRequests || (stateOf(known.line) & HEALTH.EJECTED) !== 0) return []
      return [{ known, mean: (Atomics.load(cells, at + HEALTH_CELL.LATENCY) / requests) * LATENCY_STEP_MS }]
    })
    for (const { known, mean } of means) {
      const others = means.filter((other) => other.known !== known)
      if (others.length === 0) return
      const usual = others.reduce((sum, other) => sum + other.mean, 0) / others.length
      if (usual === 0 || mean < latency.factor * usual || !watched.judge.eject(known.line)) continue
      this.#armReturn(watched, known)
      const reason = `mean latency ${mean.toFixed(1)} ms, the others ${usual.toFixed(1)} ms`
      this.#announce(watched, known, 'endpoint-ejected', 'ejected', reason)
    }
  }

  // ---- slow start ----

  /** It is out: when it comes back it begins with little. */
  #lower({ model }: Watched, known: WatchedEndpoint): void {
    const { slowStart } = model
    this.#ramping.delete(known)
    known.rampMs = null
    if (slowStart !== null) setShare(known.line, shareAfter(slowStart, 0))
  }

  #recover({ model }: Watched, known: WatchedEndpoint): void {
    const { slowStart } = model
    if (slowStart === null) return
    known.rampMs = this.#now()
    known.steppedMs = known.rampMs
    setShare(known.line, shareAfter(slowStart, 0))
    this.#ramping.add(known)
    this.#rampTimer ??= setInterval(() => this.#step(), RAMP_MS).unref()
  }

  #step(): void {
    const now = this.#now()
    for (const watched of this.#watched.values()) {
      const { slowStart } = watched.model
      for (const known of watched.endpoints.values()) {
        if (!this.#ramping.has(known) || known.rampMs === null) continue
        if (slowStart === null) {
          setShare(known.line, 100)
          this.#ramping.delete(known)
          continue
        }
        const share = shareAfter(slowStart, now - known.rampMs)
        if (share < 100 && now - known.steppedMs < slowStart.intervalMs) continue
        known.steppedMs = now
        setShare(known.line, share)
        if (share === 100) this.#ramping.delete(known)
      }
    }
    if (this.#ramping.size > 0 || this.#rampTimer === null) return
    clearInterval(this.#rampTimer)
    this.#rampTimer = null
  }

  // ---- news ----

  /** The state is changed already; once no worker acts on the old one any more, it is told. */
  #announce(
    { model }: Watched,
    known: WatchedEndpoint,
    type: EventType,
    condition: EndpointCondition,
    reason: string,
  ): void {
    known.condition = condition
    known.reason = reason
    known.sinceMs = Date.now()
    if (condition === 'ejected') known.ejections++
    count(this.transitions, `${model.id}\n${condition}`)
    const endpoint = endpointLabel(known.endpoint)
    void this.#options.settle().then(() => {
      if (this.#isClosed) return
      const text = `${model.name}: ${endpoint} is ${condition}: ${reason}`
      this.#options.log(
        condition === 'up' ? 'info' : 'warn',
        { upstream: model.id, endpoint, state: condition, reason },
        `an endpoint is ${condition}`,
      )
      this.#options.emit(type, text, { upstream: model.id, endpoint, state: condition, reason })
    })
  }
}

/** Text in an upstream's JSON that may make it one to watch; `needsHealthLines` decides. */
const WATCHED = ['"health":{', '"slowStart":{', '"kind":"leastConnections"', '"kind":"leastRequest"']

function setShare(line: HealthLine, percent: number): void {
  const value = percent >= 100 ? 0 : percent
  if (Atomics.exchange(line.cells, line.at + HEALTH_CELL.WEIGHT_PERCENT, value) !== value) touch(line)
}

/** What shared memory says goes before what was heard last. */
function conditionOf(endpoint: Endpoint, line: HealthLine, heard: EndpointCondition): EndpointCondition {
  if (endpoint.state !== 'ready') return endpoint.state
  const state = stateOf(line)
  if ((state & HEALTH.EJECTED) !== 0) return 'ejected'
  if ((state & HEALTH.UNHEALTHY) !== 0) return 'unhealthy'
  if ((state & HEALTH.TRIAL) !== 0) return 'trial'
  return heard === 'unresolved' ? heard : 'up'
}

export function describeProbe(result: ProbeResult): string {
  switch (result.kind) {
    case 'status':
      return `status ${result.status}`
    case 'connected':
      return 'connected'
    default:
      return result.error
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
