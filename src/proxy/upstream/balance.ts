import { Latencies } from '../../balancing/ewma.ts'
import { findLevelLoads, SharedLevels } from '../../balancing/level-loads.ts'
import type { Picker } from '../../balancing/picker.ts'
import { findUsable } from '../../balancing/usable.ts'
import type { Hash64 } from '../../expression/hash64.ts'
import { rotationIdentity } from '../../model/counters.ts'
import { type Endpoint, identityOf, isUnresolved } from '../../model/endpoint.ts'
import {
  HEALTH,
  HEALTH_CELL,
  HEALTH_LINE_CELLS,
  type HealthLine,
  healthIdentity,
  needsHealthLines,
  type OutcomeJudge,
  UPSTREAM_CELL,
  upstreamHealthIdentity,
} from '../../model/health.ts'
import type { Positions } from '../../model/model.ts'
import type { Upstream } from '../../model/upstream.ts'
import { isKeyed, makePicker, type PickerParts } from './make-picker.ts'

export interface BalanceOptions {
  readonly positions: Positions
  slot(identity: string): number
  readonly health: Int32Array
  judge(upstream: Upstream, lines: readonly HealthLine[]): OutcomeJudge | null
  /** Part of the network that the gateway is in; null: not known. */
  readonly zone: string | null
  readonly now: () => number
  /** [0, 1). */
  readonly random?: () => number
}

/**
 * Which endpoint of an upstream, given how they all stand now. The picker is frozen; it is made anew when the epoch in shared memory is another one. An
 * upstream without lines of health has one picker for its life, and a pick costs what that costs.
 */
export class Balance {
  /** Whether `pick` looks at the request's key. */
  readonly needsKey: boolean
  /** Told how attempts ended; null: nobody wants to know. */
  readonly judge: OutcomeJudge | null
  /** Endpoints that are tried when all others failed, in their order. */
  readonly failover: readonly number[]
  readonly #model: Upstream
  readonly #options: BalanceOptions
  readonly #parts: PickerParts
  /** Offset of the upstream's line; -1: it has none, and nothing ever changes. */
  readonly #upstreamAt: number
  readonly #lines: readonly HealthLine[]
  /** Level of each endpoint that takes part, from the best one; -1 where it does not. */
  readonly #levels: Int32Array
  readonly #states: Int32Array
  #picker: Picker
  #usable: Uint8Array | null = null
  #epoch = 0
  #isOut = false
  #hasTrial = false
  /** Pickers for requests that some endpoints are not for, by which those are; made anew with the picker. */
  readonly #restricted = new Map<string, Picker>()

  /** `before`: of the upstream's former content, whose latencies and last uses go on. */
  constructor(model: Upstream, options: BalanceOptions, before: Balance | null) {
    this.#model = model
    this.#options = options
    const { endpoints } = model
    this.needsKey = isKeyed(model.balancer)
    const upstreamSlot = needsHealthLines(model) ? options.slot(upstreamHealthIdentity(model.id)) : 0
    this.#upstreamAt = upstreamSlot === 0 ? -1 : upstreamSlot * HEALTH_LINE_CELLS
    this.#lines =
      upstreamSlot === 0
        ? []
        : endpoints.map((endpoint) => ({
            cells: options.health,
            at: options.slot(healthIdentity(model.id, endpoint)) * HEALTH_LINE_CELLS,
            upstreamAt: this.#upstreamAt,
          }))
    this.judge = upstreamSlot === 0 ? null : options.judge(model, this.#lines)
    this.failover = endpoints.flatMap(({ failoverOnly }, index) => (failoverOnly ? [index] : []))
    this.#levels = findLevels(model, options.zone)
    this.#states = new Int32Array(endpoints.length)
    this.#parts = {
      positions: options.positions,
      slot: (priority) => this.#slotOf(-priority),
      inFlight: (index) =>
        options.health[(this.#lines[index] as HealthLine).at + HEALTH_CELL.IN_FLIGHT] as number,
      random: options.random ?? Math.random,
      now: options.now,
      latencies: model.balancer.kind === 'ewma' ? new Latencies(endpoints.length) : null,
      lastUsed: model.balancer.kind === 'leastRecentlyUsed' ? new Float64Array(endpoints.length) : null,
    }
    if (before !== null) this.#inherit(before)
    this.#picker = this.#make()
  }

  /** What was learnt of endpoints that stay. */
  #inherit(before: Balance): void {
    const { latencies, lastUsed } = this.#parts
    const { latencies: known, lastUsed: used } = before.#parts
    if ((latencies === null || known === null) && (lastUsed === null || used === null)) return
    const places = new Map(
      before.#model.endpoints.map((endpoint, index) => [identityOf('', endpoint), index]),
    )
    for (const [index, endpoint] of this.#model.endpoints.entries()) {
      const place = places.get(identityOf('', endpoint))
      if (place === undefined) continue
      if (known !== null) latencies?.adopt(index, known, place)
      if (lastUsed !== null && used !== null) lastUsed[index] = used[place] as number
    }
  }

  /** Index of an endpoint that this request has not tried, or -1; see Picker.pick. */
  pick(tried: Uint8Array, key: Hash64 | null, excluded: Uint8Array | null = null): number {
    if (this.#upstreamAt < 0 && excluded === null) return this.#picker.pick(tried, key)
    this.#refresh()
    if (!this.#hasTrial) return this.#pickerFor(excluded).pick(tried, key)
    for (;;) {
      const index = this.#pickerFor(excluded).pick(tried, key)
      if (index < 0 || ((this.#states[index] as number) & HEALTH.TRIAL) === 0) return index
      if (this.judge === null || this.judge.takeTrial(index)) return index
      this.#refresh() // its trial is out: the epoch tells so, and the next picker leaves it out
    }
  }

  /** One that something else than the balancer chose: false where it may not serve now, or its one trial request is out. */
  take(index: number): boolean {
    if (!this.isUsable(index)) return false
    const isOnTrial = ((this.#states[index] as number) & HEALTH.TRIAL) !== 0
    return !isOnTrial || this.judge === null || this.judge.takeTrial(index)
  }

  /** The first of the list, after the first attempt, that is usable, not tried and not excluded; -1: none is. */
  pickInOrder(tried: Uint8Array, excluded: Uint8Array | null): number {
    this.#refresh()
    for (let index = 0; index < this.#levels.length; index++) {
      const { weight } = this.#model.endpoints[index] as Endpoint
      if ((this.#levels[index] as number) < 0 || weight === 0) continue
      if (tried[index] === 1 || excluded?.[index] === 1 || !this.allows(index)) continue
      const isOnTrial = ((this.#states[index] as number) & HEALTH.TRIAL) !== 0
      if (!isOnTrial || this.judge === null || this.judge.takeTrial(index)) return index
    }
    return -1
  }

  /** See Picker.peek. */
  peek(key: Hash64 | null, excluded: Uint8Array | null = null): number {
    this.#refresh()
    return this.#pickerFor(excluded).peek(key)
  }

  /** Balances over what is left, so that shares, order and places are those of a list without the others. */
  #pickerFor(excluded: Uint8Array | null): Picker {
    if (excluded === null) return this.#picker
    const name = excluded.join('')
    let picker = this.#restricted.get(name)
    if (picker !== undefined) return picker
    const usable = excluded.map((is, index) => (is === 1 || this.#usable?.[index] === 0 ? 0 : 1))
    picker = makePicker(this.#model.balancer, this.#rank(false), usable, this.#parts)
    if (this.#restricted.size >= MAX_RESTRICTED) this.#restricted.clear()
    this.#restricted.set(name, picker)
    return picker
  }

  /** Whether no endpoint is usable, those for failover included, panic or not. Then the share of a target may go elsewhere. */
  get isOut(): boolean {
    this.#refresh()
    return this.#isOut
  }

  /** Whether an endpoint may get requests now; asked again once a connection to it stands. */
  allows(index: number): boolean {
    this.#refresh()
    if (this.#usable === null || this.#usable[index] === 1) return true
    // on trial, and the trial is out: whoever has picked it is the one
    const state = this.#states[index] as number
    return (state & HEALTH.TRIAL) !== 0 && (state & (HEALTH.OFF | HEALTH.UNHEALTHY)) === 0
  }

  /** Whether an endpoint can serve, whatever its level, and without panic. */
  isUsable(index: number): boolean {
    this.#refresh()
    return ((this.#states[index] as number) & OUT) === 0
  }

  /** Bits of HEALTH, OFF included, for explain. */
  stateOf(index: number): number {
    this.#refresh()
    return this.#states[index] as number
  }

  /** Offset of an endpoint's shared count of requests in flight; -1: nobody looks at it. */
  flightAt(index: number): number {
    const { kind } = this.#model.balancer
    const isAsked = kind === 'leastConnections' || kind === 'leastRequest'
    const line = this.#lines[index]
    return isAsked && line !== undefined ? line.at + HEALTH_CELL.IN_FLIGHT : -1
  }

  observe(index: number, tookMs: number, nowMs: number): void {
    this.#picker.observe?.(index, tookMs, nowMs)
  }

  #refresh(): void {
    const at = this.#upstreamAt
    if (at < 0) return
    if (Atomics.load(this.#options.health, at + UPSTREAM_CELL.EPOCH) !== this.#epoch)
      this.#picker = this.#make()
  }

  #make(): Picker {
    const { endpoints, levels } = this.#model
    this.#restricted.clear()
    const states = this.#states
    const cells = this.#options.health
    // before the states are read: a change while they are read makes this picker old at once
    if (this.#upstreamAt >= 0) this.#epoch = Atomics.load(cells, this.#upstreamAt + UPSTREAM_CELL.EPOCH)
    let isOut = true
    let isPlain = true
    let hasTrial = false
    let isRamping = false
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as Endpoint
      const { state, weight } = endpoint
      let bits = state === 'ready' && !isUnresolved(endpoint) ? 0 : HEALTH.OFF
      const line = this.#lines[index]
      if (line !== undefined) {
        bits |= Atomics.load(cells, line.at + HEALTH_CELL.STATE)
        if ((bits & HEALTH.TRIAL) !== 0) {
          hasTrial = true
          // while the one trial request is out the endpoint is as good as ejected
          if (Atomics.load(cells, line.at + HEALTH_CELL.TRIAL_OUT) === 1) bits |= HEALTH.EJECTED
        }
        const percent = Atomics.load(cells, line.at + HEALTH_CELL.WEIGHT_PERCENT)
        if (percent > 0 && percent < 100) isRamping = true
      }
      states[index] = bits
      const takesPart = (this.#levels[index] as number) >= 0
      if (!takesPart || bits !== 0) isPlain = false
      if (((takesPart && weight > 0) || endpoint.failoverOnly) && (bits & OUT) === 0) isOut = false
    }
    this.#isOut = isOut
    this.#hasTrial = hasTrial
    const ranked = this.#rank(isRamping)
    if (levels.mode === 'overprovisioned') return this.#makeShared(ranked)
    this.#usable = isPlain ? null : this.#findUsable(levels.panicPercent)
    return makePicker(this.#model.balancer, ranked, this.#usable, this.#parts)
  }

  /** Strict levels: panic is a matter of the whole upstream. Endpoints that take no part count as switched off. */
  #findUsable(panicPercent: number | null): Uint8Array | null {
    const states = this.#states.slice()
    for (let index = 0; index < states.length; index++)
      if ((this.#levels[index] as number) < 0) states[index] = HEALTH.OFF
    return findUsable(states, panicPercent)
  }

  /** Levels that share the traffic: a picker for each, and panic is a matter of the level. */
  #makeShared(ranked: readonly Endpoint[]): Picker {
    const { levels, balancer } = this.#model
    const states = this.#states
    const count = 1 + this.#levels.reduce((most, level) => Math.max(most, level), -1)
    const healthy = new Array<number>(count).fill(0)
    const totals = new Array<number>(count).fill(0)
    const isMember = (index: number, level: number): boolean =>
      this.#levels[index] === level &&
      (ranked[index] as Endpoint).weight > 0 &&
      ((states[index] as number) & HEALTH.OFF) === 0
    for (let index = 0; index < states.length; index++) {
      const level = this.#levels[index] as number
      if (level < 0 || !isMember(index, level)) continue
      totals[level] = (totals[level] as number) + 1
      if (((states[index] as number) & OUT) === 0) healthy[level] = (healthy[level] as number) + 1
    }
    const { loads, panics } = findLevelLoads(healthy, totals, levels.factor, levels.panicPercent ?? 0)
    const all = new Uint8Array(states.length)
    const pickers = loads.map((_, level) => {
      const usable = new Uint8Array(states.length)
      for (let index = 0; index < states.length; index++) {
        const isUsed =
          isMember(index, level) && (panics[level] === true || ((states[index] as number) & OUT) === 0)
        usable[index] = isUsed ? 1 : 0
        if (isUsed) all[index] = 1
      }
      return makePicker(balancer, ranked, usable, this.#parts)
    })
    this.#usable = all
    return new SharedLevels(pickers, loads, this.#parts.random)
  }

  /** The endpoints with their levels as priorities, and with what slow start leaves of their weights. The same list while nothing ramps up. */
  #rank(isRamping: boolean): readonly Endpoint[] {
    if (!isRamping) {
      this.#ranked ??= rank(this.#model.endpoints, this.#levels)
      return this.#ranked
    }
    const cells = this.#options.health
    // rotations want whole numbers; chash has points for each unit of weight, so that those of the others stay where they are
    const unit = this.#model.balancer.kind === 'ketama' ? 100 : 1
    return rank(this.#model.endpoints, this.#levels).map((endpoint, index) => {
      const line = this.#lines[index]
      const percent = line === undefined ? 0 : Atomics.load(cells, line.at + HEALTH_CELL.WEIGHT_PERCENT)
      return { ...endpoint, weight: (endpoint.weight * (percent === 0 ? 100 : percent)) / unit }
    })
  }
  #ranked: readonly Endpoint[] | undefined

  /** Slot of the shared position of a level: that of the priority whose endpoints it begins with. */
  #slotOf(level: number): number {
    const { id, endpoints } = this.#model
    const first = this.#levels.indexOf(level)
    const priority = endpoints[first]?.priority
    if (priority === undefined) return 0
    // of two levels of one priority (near and far) the near one has the position
    const isNear = !this.#levels.some(
      (other, index) => other >= 0 && other < level && endpoints[index]?.priority === priority,
    )
    if (!isNear) return 0
    const members = endpoints.filter((endpoint) => endpoint.priority === priority)
    return this.#options.slot(rotationIdentity(id, priority, members))
  }
}

/**
 * The level of each endpoint: by priority, the highest first, and in each those in the gateway's zone (or in none) before those of another one, where the
 * upstream wants that (spec/kuma.md "Locality"). -1: it is not picked in the usual way.
 */
export function findLevels({ endpoints, levels }: Upstream, zone: string | null): Int32Array {
  const isFar = ({ zone: its }: Endpoint): boolean =>
    levels.prefersZone && zone !== null && its !== null && its !== zone
  const steps = endpoints
    .filter(({ failoverOnly }) => !failoverOnly)
    .map((endpoint) => ({ priority: endpoint.priority, isFar: isFar(endpoint) }))
    .sort((one, two) => two.priority - one.priority || Number(one.isFar) - Number(two.isFar))
  const known = new Map<string, number>()
  for (const step of steps) {
    const name = `${step.priority}|${step.isFar}`
    if (!known.has(name)) known.set(name, known.size)
  }
  return Int32Array.from(endpoints, (endpoint) =>
    endpoint.failoverOnly ? -1 : (known.get(`${endpoint.priority}|${isFar(endpoint)}`) ?? -1),
  )
}

function rank(endpoints: readonly Endpoint[], levels: Int32Array): readonly Endpoint[] {
  return endpoints.map((endpoint, index) => {
    const priority = -(levels[index] as number)
    return endpoint.priority === priority ? endpoint : { ...endpoint, priority }
  })
}

/** Sets of endpoints that pickers are kept for. */
const MAX_RESTRICTED = 64
/** Not usable before panic. */
const OUT = HEALTH.OFF | HEALTH.UNHEALTHY | HEALTH.EJECTED
