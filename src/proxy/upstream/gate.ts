import type { UpstreamLimits } from '../../model/upstream.ts'
import type { Deadlines, Timed } from '../deadlines.ts'
import type { EndpointPool } from './pool.ts'

export type LimitName = keyof UpstreamLimits

/** A request that waits for a connection. */
export interface Waiter {
  /** There may be one now. */
  onGate(): void
  /** It has waited too long. */
  onGateTimeout(): void
}

/** A place in the queue. */
class Place implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly waiter: Waiter
  /** Then it has waited too long. */
  readonly untilMs: number
  readonly #gate: UpstreamGate
  constructor(waiter: Waiter, gate: UpstreamGate, untilMs: number) {
    this.waiter = waiter
    this.untilMs = untilMs
    this.#gate = gate
  }
  expire(): void {
    this.#gate.giveUp(this)
  }
}

/**
 * What an upstream's limits let through, in this worker: its share of each, rounded up (Envoy's circuit-breaking thresholds). Those who wait go in the order in
 * which they came: a request that comes while others wait waits behind them, and one that was woken and still finds no place keeps its turn.
 */
export class UpstreamGate {
  readonly #limits: UpstreamLimits
  readonly #deadlines: Deadlines
  readonly #share: number
  /** By endpoint. */
  readonly #requests: Int32Array
  readonly #pools: ReadonlySet<EndpointPool>
  readonly #queue: Place[] = []
  /** Whose turn it is at this moment. */
  #woken: Place | null = null
  #total = 0
  #retries = 0
  #freed = 0
  #isClosed = false

  constructor(
    limits: UpstreamLimits,
    parts: { readonly share: number; readonly deadlines: Deadlines; readonly pools: readonly EndpointPool[] },
  ) {
    this.#limits = limits
    this.#share = parts.share
    this.#deadlines = parts.deadlines
    this.#requests = new Int32Array(parts.pools.length)
    this.#pools = new Set(parts.pools)
    for (const pool of this.#pools) pool.gates.add(this)
  }

  /** The upstream is no longer in force: its limits are over, and who waits goes on. */
  close(): void {
    this.#isClosed = true
    for (const pool of this.#pools) pool.gates.delete(this)
    for (let left = this.#queue.length; left > 0; left--) this.wake()
  }

  get pending(): number {
    return this.#queue.length
  }

  /** A request comes; null: it may (then `leave` once). Else the limit that it is over. */
  enter(): LimitName | null {
    if (this.#isOver('maxRequests', this.#total)) return 'maxRequests'
    this.#total++
    return null
  }

  leave(): void {
    this.#total--
  }

  enterEndpoint(index: number): void {
    this.#requests[index] = (this.#requests[index] as number) + 1
  }

  leaveEndpoint(index: number): void {
    this.#requests[index] = (this.#requests[index] as number) - 1
    if (this.#limits.maxRequestsPerEndpoint > 0) this.wakeSoon()
  }

  /** Whether an endpoint has as many requests as it may. */
  isFull(index: number): boolean {
    return this.#isOver('maxRequestsPerEndpoint', this.#requests[index] as number)
  }

  /** null: a connection may be opened. */
  checkConnect(pool: EndpointPool): LimitName | null {
    if (this.#isOver('maxConnectionsPerEndpoint', pool.open)) return 'maxConnectionsPerEndpoint'
    if (this.#limits.maxConnections === 0) return null
    let open = 0
    for (const each of this.#pools) open += each.open
    return this.#isOver('maxConnections', open) ? 'maxConnections' : null
  }

  /** An idle connection to another endpoint, or for another name, gives its place away; false: all are in use. `pool`: that of the address. */
  makeRoom(pool: EndpointPool, limit: LimitName): boolean {
    if (limit === 'maxConnectionsPerEndpoint') return pool.closeOldest()
    for (const each of this.#pools) if (each.closeOldest()) return true
    return false
  }

  /** null: it waits now, and hears of it. Else the limit that it is over. */
  wait(waiter: Waiter, nowMs: number): LimitName | null {
    const woken = this.#woken
    if (woken?.waiter === waiter) {
      this.#woken = null
      this.#queue.unshift(woken)
      this.#deadlines.set(woken, woken.untilMs)
      return null
    }
    const { maxPending, pendingMs } = this.#limits
    if (this.#queue.length >= Math.ceil(maxPending * this.#share)) return 'maxPending'
    const place = new Place(waiter, this, nowMs + pendingMs)
    this.#queue.push(place)
    this.#deadlines.set(place, place.untilMs)
    return null
  }

  /** Something became free: with the next turn of the loop one more in the queue may try. */
  wakeSoon(): void {
    if (this.#queue.length === 0) return
    if (this.#freed++ === 0) setImmediate(this.#wakeFreed)
  }

  readonly #wakeFreed = (): void => {
    const freed = this.#freed
    this.#freed = 0
    for (let i = 0; i < freed; i++) this.wake()
  }

  /** The first in the queue may try. */
  wake(): void {
    const place = this.#queue.shift()
    if (place === undefined) return
    this.#deadlines.forget(place)
    this.#woken = place
    place.waiter.onGate()
    // it went; there may be room for one more
    if (this.#woken !== null) this.wakeSoon()
    this.#woken = null
  }

  giveUp(place: Place): void {
    const at = this.#queue.indexOf(place)
    if (at < 0) return
    this.#queue.splice(at, 1)
    place.waiter.onGateTimeout()
  }

  /** A request that waits does so no more: its client went away. */
  forget(waiter: Waiter): void {
    const at = this.#queue.findIndex((place) => place.waiter === waiter)
    if (at < 0) return
    const [place] = this.#queue.splice(at, 1)
    if (place !== undefined) this.#deadlines.forget(place)
  }

  /** Whether one more retry may be under way; then `endRetry` once. */
  startRetry(): boolean {
    if (this.#isOver('maxRetries', this.#retries)) return false
    this.#retries++
    return true
  }

  endRetry(): void {
    this.#retries--
  }

  #isOver(name: LimitName, count: number): boolean {
    const limit = this.#limits[name]
    return !this.#isClosed && limit > 0 && count >= Math.max(1, Math.ceil(limit * this.#share))
  }
}
