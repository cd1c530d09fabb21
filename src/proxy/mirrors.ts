import { NONE_TRIED } from '../balancing/picker.ts'
import type { Hash64 } from '../expression/hash64.ts'
import { ENDPOINT, LINE, MIRROR, MIRROR_LINE } from '../model/counters.ts'
import { clock } from './clock.ts'
import { composeRequestHead } from './compose-request.ts'
import type { Timed } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import type { ResponseHead } from './http1/response-head.ts'
import { ClientSession } from './http2/client-session.ts'
import { isForbidden, type Plane } from './plane.ts'
import { type Failure, failureStatus, isSafeMethod } from './upstream/attempts.ts'
import { type AnswerReader, UpstreamConnection } from './upstream/connection.ts'
import type { UpstreamLink } from './upstream/link.ts'
import type { EndpointPool } from './upstream/pool.ts'
import { type Cell, type CompiledEndpoint, type CompiledUpstream, poolFor } from './upstream/upstreams.ts'

type Result = keyof typeof MIRROR

/** What copies use of the plane, which is made after them. */
type MirrorPlane = Pick<Plane, 'options' | 'deadlines' | 'upstreamOptions'>

/**
 * The copies of requests that a worker has under way, each beside its exchange and unknown to it: nothing waits for a copy, and what becomes of it is counted
 * and no more. A copy takes no part in health: how it ends says nothing about the endpoint to those who serve clients.
 */
export class Mirrors {
  readonly plane: MirrorPlane
  readonly #most: number
  readonly #copies = new Set<Copy>()
  readonly #key: Hash64 = { high: 0, low: 0 }

  constructor(plane: MirrorPlane) {
    this.plane = plane
    const { settings, share } = plane.options
    this.#most = Math.ceil(settings.limits.mirrorRequests * share)
  }

  /** Sends a copy of a request whose body is complete. */
  send(exchange: Exchange, { current: upstream }: Cell, body: string): void {
    if (upstream === null) return this.count('FAILED')
    if (this.#copies.size >= this.#most) return this.count('DROPPED')
    const { gate, balance } = upstream
    if (gate !== null && gate.enter() !== null) return this.count('DROPPED')
    const key = upstream.hashKey?.read(exchange, this.#key) === true ? this.#key : null
    const endpoint = upstream.endpoints[balance.pick(NONE_TRIED, key)]
    const address = endpoint?.model.address ?? endpoint?.model.host ?? ''
    if (endpoint === undefined || isForbidden(exchange.plane, address, endpoint.model.port)) {
      if (endpoint !== undefined) balance.judge?.abandoned(endpoint.index)
      gate?.leave()
      return this.count('FAILED')
    }
    // the span that the log tells of is that of the attempt
    const span = exchange.trace?.spanId ?? ''
    const sent = exchange.sentTarget
    const target =
      endpoint.aim === null ? exchange.filteredTarget : endpoint.aim(exchange, exchange.filteredTarget)
    if (target === undefined) {
      balance.judge?.abandoned(endpoint.index)
      gate?.leave()
      return this.count('FAILED')
    }
    exchange.sentTarget = target
    const head = composeRequestHead(exchange, upstream, endpoint, body.length)
    exchange.sentTarget = sent
    if (exchange.trace !== null) exchange.trace.spanId = span
    const copy = new Copy(this, {
      upstream,
      endpoint,
      address,
      pool: endpoint.poolsByName === null ? endpoint.pool : poolFor(endpoint, exchange.serverName),
      head,
      body,
      method: exchange.sentMethod,
      revision: exchange.revision,
    })
    this.#copies.add(copy)
    copy.start()
  }

  count(result: Result): void {
    const { lane } = this.plane.options
    const at = MIRROR_LINE * LINE + MIRROR[result]
    lane[at] = (lane[at] as number) + 1
  }

  /** A copy is over. */
  end(copy: Copy, result: Result): void {
    if (this.#copies.delete(copy)) this.count(result)
  }

  /** The oldest revision that a copy holds on to; that given where none is older. */
  heldRevision(newest: number): number {
    let held = newest
    for (const { revision } of this.#copies) held = Math.min(held, revision)
    return held
  }

  /** The gateway stops: nobody waits for copies. */
  close(): void {
    for (const copy of [...this.#copies]) copy.expire()
  }
}

interface CopyParts {
  readonly upstream: CompiledUpstream
  readonly endpoint: CompiledEndpoint
  readonly address: string
  readonly pool: EndpointPool
  readonly head: string
  readonly body: string
  readonly method: string
  readonly revision: number
}

/**
 * One copy: sent to one endpoint, once, and once more on a fresh connection where a kept one was found closed. Its answer is read and dropped. Over when it is answered, or failed, or after
 * the three timeouts of its upstream together, so that an answer without an end does not keep its place for ever.
 */
class Copy implements AnswerReader, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly #mirrors: Mirrors
  readonly #parts: CopyParts
  #link: UpstreamLink | null = null
  #isFresh = false
  #status = 0
  readonly #startMs = clock.nowMs

  constructor(mirrors: Mirrors, parts: CopyParts) {
    this.#mirrors = mirrors
    this.#parts = parts
  }

  get revision(): number {
    return this.#parts.revision
  }

  start(): void {
    const { plane } = this.#mirrors
    const { connectMs, sendMs, readMs } = this.#parts.upstream.model.timeouts
    plane.deadlines.set(this, clock.nowMs + connectMs + sendMs + readMs)
    const { endpoint, upstream } = this.#parts
    this.#add(ENDPOINT.IN_FLIGHT, 1)
    if (endpoint.flightAt >= 0) Atomics.add(plane.options.health, endpoint.flightAt, 1)
    upstream.gate?.enterEndpoint(endpoint.index)
    this.#connect()
  }

  #connect(): void {
    const { pool, address, upstream } = this.#parts
    const { plane } = this.#mirrors
    const isStream = pool.usesHttp2
    const now = clock.nowMs
    if (!this.#isFresh && isStream) {
      const stream = pool.findSession()?.open(this)
      if (stream !== undefined) {
        this.#link = stream
        if (!stream.isConnecting) this.#send(stream) // else onConnected
        return
      }
    }
    const kept = this.#isFresh || isStream ? undefined : pool.take()
    if (kept !== undefined) {
      this.#link = kept
      kept.reuse(this)
      return this.#send(kept)
    }
    const limit = upstream.gate === null ? null : upstream.gate.checkConnect(pool)
    if (limit !== null && upstream.gate?.makeRoom(pool, limit) !== true) return this.#end('DROPPED')
    const { connectMs } = upstream.model.timeouts
    this.#link = isStream
      ? new ClientSession(pool, address, connectMs, now, plane.upstreamOptions).open(this)
      : new UpstreamConnection(pool, address, this, connectMs, now, plane.upstreamOptions)
  }

  #send(link: UpstreamLink): void {
    const { head, body, method, upstream } = this.#parts
    const { timeouts, retry } = upstream.model
    const now = clock.nowMs
    const headDeadline = retry.attemptMs === 0 ? 0 : now + retry.attemptMs
    link.expectsUpgrade = false
    link.send(head, body, method, timeouts.sendMs, timeouts.readMs, headDeadline, now)
  }

  onConnected(): void {
    this.#add(ENDPOINT.CONNECTED, 1)
    if (this.#link !== null) this.#send(this.#link)
  }

  onAnswerHead({ status }: ResponseHead): void {
    if (status < 200) return
    this.#status = status
    this.#add(Math.min(4, Math.floor(status / 100) - 1), 1)
  }

  onUpgrade(): boolean {
    return false
  }
  onAnswerBody(): void {}
  onAnswerTurn(): void {}
  onUpstreamDrain(): void {}

  onAnswerEnd(): void {
    const link = this.#link
    this.#link = null
    if (link !== null) {
      const { plane } = this.#mirrors
      if (link.isKeepable && !link.isWaiting)
        link.release(this.#parts.upstream.model.pool, plane.options.share, clock.nowMs)
      else link.close()
    }
    this.#end('ANSWERED')
  }

  onAttemptFailed(failure: Failure): void {
    this.#link = null
    const isStale = failure === 'staleUnsent' || (failure === 'staleSent' && isSafeMethod(this.#parts.method))
    if (isStale && !this.#isFresh) {
      this.#isFresh = true
      return this.#connect()
    }
    if (failure !== 'gatewayLimit') {
      const isUnreached = failure === 'connectFailed' || failure === 'tlsFailed'
      const isLate = failureStatus(failure) === 504
      this.#add(isUnreached ? ENDPOINT.CONNECT_FAILED : isLate ? ENDPOINT.TIMED_OUT : ENDPOINT.CLOSED, 1)
    }
    this.#end('FAILED', failure)
  }

  onAnswerCut(): void {
    this.#link = null
    this.#end('FAILED', 'cut')
  }

  /** Its time is over. */
  expire(): void {
    this.#link?.close()
    this.#link = null
    this.#end('FAILED', 'timeout')
  }

  #end(result: Result, failure = ''): void {
    const { plane } = this.#mirrors
    const { upstream, endpoint } = this.#parts
    plane.deadlines.forget(this)
    this.#add(ENDPOINT.IN_FLIGHT, -1)
    if (endpoint.flightAt >= 0) Atomics.sub(plane.options.health, endpoint.flightAt, 1)
    upstream.gate?.leaveEndpoint(endpoint.index)
    upstream.gate?.leave()
    upstream.balance.judge?.abandoned(endpoint.index)
    this.#mirrors.end(this, result)
    const { logLevel } = plane.options.settings
    if (logLevel !== 'debug' && logLevel !== 'trace') return
    const fields = {
      upstream: upstream.model.id,
      endpoint: endpoint.label,
      result: result.toLowerCase(),
      status: this.#status,
      failure,
      tookMs: Math.round(clock.nowMs - this.#startMs),
    }
    plane.options.log('debug', fields, 'a copy of a request is over')
  }

  /** Copies are requests to the endpoint like others. */
  #add(field: number, by: number): void {
    const { lane } = this.#mirrors.plane.options
    const at = this.#parts.endpoint.slot + field
    lane[at] = (lane[at] as number) + by
  }
}
