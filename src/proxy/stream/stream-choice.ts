import { NONE_TRIED } from '../../balancing/picker.ts'
import type { Hash64 } from '../../expression/hash64.ts'
import { BLOCK, bucketOf, ENDPOINT, LINE, NO_ROUTE, PHASE, PHASES, WORKER } from '../../model/counters.ts'
import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts'
import { codeCell } from '../../model/status-cell.ts'
import type { CompiledUpstreamTarget } from '../../routing/table.ts'
import type { ClientTls } from '../client.ts'
import { clock } from '../clock.ts'
import { countChoice, countError, countWorker, isForbidden, type Plane } from '../plane.ts'
import type { Cell, CompiledEndpoint, CompiledUpstream } from '../upstream/upstreams.ts'
import { StreamFacts, type StreamPlace } from './stream-facts.ts'

/** Cell of an endpoint's answers 2xx. */
const SUCCESS_CLASS = 1

/**
 * The choices of one stream, in the order of the model (route, rule, split, upstream, endpoint), and what is counted and logged of it. Bytes are the
 * business of who has it (tcp-stream.ts, udp-relay.ts).
 */
export class StreamChoice extends StreamFacts {
  /** Where the gateway ends it. */
  tls: ClientTls | null = null
  // ---- what was chosen ----
  upstream: CompiledUpstream | null = null
  endpoint: CompiledEndpoint | null = null
  attempts = 0
  #tried: Uint8Array = NONE_TRIED
  #key: Hash64 | null = null
  #block = NO_ROUTE
  #attemptMs = 0
  #isEntered = false
  #hasGate = false
  // ---- figures ----
  readonly startMs: number
  firstAttemptMs = 0
  connectedMs = 0
  bytesIn = 0
  bytesOut = 0
  errorCode: ErrorCode | null = null
  isOver = false

  constructor(plane: Plane, place: StreamPlace) {
    super(plane, place)
    this.startMs = clock.nowMs
    plane.inFlight++
    countWorker(plane, WORKER.REQUESTS, 1)
    countWorker(plane, WORKER.IN_FLIGHT, 1)
  }

  /** Route, rule, target and upstream. A code: why there is none. */
  choose(): ErrorCode | null {
    const code = this.chooseTarget(null)
    const target = this.choice
    if (target === null) {
      if (this.route !== null) this.#block = this.route.slot
      return code
    }
    countChoice(this.plane, target, this.choiceReason)
    this.#block = target.slot
    return code ?? this.#enterUpstream(target as CompiledUpstreamTarget)
  }

  #enterUpstream(target: CompiledUpstreamTarget): ErrorCode | null {
    const upstream = (target.upstream as Cell).current
    if (upstream === null) return 'UPSTREAM_NOT_FOUND'
    this.upstream = upstream
    this.firstAttemptMs = clock.nowMs
    if (upstream.gate !== null) {
      if (upstream.gate.enter() !== null) return 'POOL_EXHAUSTED'
      this.#hasGate = true
    }
    if (upstream.balance.needsKey) this.#key = this.readKey(upstream)
    return null
  }

  /** The endpoint of the next attempt, which begins with that. A code: there is none. */
  pick(): ErrorCode | null {
    const upstream = this.upstream as CompiledUpstream
    const index = upstream.balance.pick(this.#tried, this.#key)
    if (index < 0) return this.attempts === 0 ? upstream.emptyCode : 'UPSTREAM_CONNECT_FAILED'
    const endpoint = upstream.endpoints[index] as CompiledEndpoint
    this.endpoint = endpoint
    this.attempts++
    this.#attemptMs = clock.nowMs
    const { address, host, port } = endpoint.model
    if (isForbidden(this.plane, address ?? host, port)) {
      upstream.balance.judge?.abandoned(index)
      return 'ADMIN_ADDRESS'
    }
    if (upstream.gate?.checkConnect(endpoint.pool) != null) {
      upstream.balance.judge?.abandoned(index)
      return 'POOL_EXHAUSTED'
    }
    this.#isEntered = true
    this.#count(ENDPOINT.IN_FLIGHT, 1)
    if (endpoint.flightAt >= 0) Atomics.add(this.plane.options.health, endpoint.flightAt, 1)
    upstream.gate?.enterEndpoint(index)
    endpoint.pool.onOpen()
    return null
  }

  /** The endpoint takes the stream. */
  connected(): void {
    const upstream = this.upstream as CompiledUpstream
    const { index } = this.endpoint as CompiledEndpoint
    this.connectedMs = clock.nowMs
    this.#count(ENDPOINT.CONNECTED, 1)
    const tookMs = clock.nowMs - this.#attemptMs
    upstream.balance.judge?.answered(index, 200, tookMs, clock.nowMs)
    upstream.balance.observe(index, tookMs, clock.nowMs)
  }

  /** The attempt failed, nothing was sent. True: another one may be made, which begins with `pick`. */
  failed(kind: 'tcp' | 'timeout'): boolean {
    const upstream = this.upstream as CompiledUpstream
    const endpoint = this.endpoint as CompiledEndpoint
    const now = clock.nowMs
    this.#count(kind === 'timeout' ? ENDPOINT.TIMED_OUT : ENDPOINT.CONNECT_FAILED, 1)
    upstream.balance.judge?.failed(endpoint.index, kind, now - this.#attemptMs, now)
    this.#leave()
    const { count, timeoutMs, sameEndpointWhenAlone } = upstream.model.retry
    if (this.attempts > count || (timeoutMs > 0 && now - this.firstAttemptMs >= timeoutMs)) return false
    this.#count(ENDPOINT.RETRIES, 1)
    if (upstream.endpoints.length > 1 || !sameEndpointWhenAlone) {
      if (this.#tried.length === 0) this.#tried = new Uint8Array(upstream.endpoints.length)
      this.#tried[endpoint.index] = 1
    }
    return true
  }

  /** The attempt ended by nothing that the endpoint did. */
  abandoned(): void {
    const { endpoint } = this
    if (endpoint === null || !this.#isEntered || this.connectedMs > 0) return
    ;(this.upstream as CompiledUpstream).balance.judge?.abandoned(endpoint.index)
  }

  #leave(): void {
    if (!this.#isEntered) return
    this.#isEntered = false
    const endpoint = this.endpoint as CompiledEndpoint
    this.#count(ENDPOINT.IN_FLIGHT, -1)
    if (endpoint.flightAt >= 0) Atomics.sub(this.plane.options.health, endpoint.flightAt, 1)
    ;(this.upstream as CompiledUpstream).gate?.leaveEndpoint(endpoint.index)
    endpoint.pool.onClose()
  }

  /** An endpoint that took the stream has answered it, as it would a request with 200; how long that took is how long it had it. */
  #countCarried(nowMs: number): void {
    const carriedMs = nowMs - this.firstAttemptMs
    this.#count(SUCCESS_CLASS, 1)
    this.#count(ENDPOINT.SECONDS, carriedMs / 1000)
    this.#count(ENDPOINT.BUCKETS + bucketOf(carriedMs), 1)
  }

  #count(field: number, by: number): void {
    const { lane } = this.plane.options
    const at = (this.endpoint as CompiledEndpoint).slot + field
    lane[at] = (lane[at] as number) + by
  }

  /** 200 for a stream that was relayed, else the status of what kept it from that. */
  get status(): number {
    return this.errorCode === null || this.#isServed ? 200 : ERROR_CODES[this.errorCode].status
  }

  /** A socket for datagrams connects without asking anybody: only an answer tells that somebody is there. */
  get #isServed(): boolean {
    return this.transport === 'udp' ? this.bytesOut > 0 : this.connectedMs > 0
  }

  /** The stream is over: it is counted and logged. */
  finish(code: ErrorCode | null): void {
    if (this.isOver) return
    this.isOver = true
    this.errorCode = code
    const now = clock.nowMs
    this.abandoned()
    if (this.#isEntered && this.connectedMs > 0) this.#countCarried(now)
    this.#leave()
    if (this.#hasGate) (this.upstream as CompiledUpstream).gate?.leave()
    const { plane } = this
    plane.inFlight--
    countWorker(plane, WORKER.IN_FLIGHT, -1)
    if (code !== null) countError(plane, code)
    const { lane } = plane.options
    const add = (at: number, by: number): void => {
      lane[at] = (lane[at] as number) + by
    }
    const at = this.#block * LINE
    const totalMs = now - this.startMs
    add(at + BLOCK.REQUESTS, 1)
    add(at + BLOCK.BYTES_IN, this.bytesIn)
    add(at + BLOCK.BYTES_OUT, this.bytesOut)
    add(at + BLOCK.SECONDS, totalMs / 1000)
    add(at + BLOCK.CODES + codeCell(this.status), 1)
    add(at + BLOCK.BUCKETS + bucketOf(totalMs) * PHASES + PHASE.TOTAL, 1)
    this.#record(now)
  }

  #record(nowMs: number): void {
    const write = this.plane.options.accessLog
    if (write === null) return
    const { endpoint, labels } = this
    write({
      timeMs: performance.timeOrigin + this.startMs,
      requestId: this.requestId,
      clientAddress: this.clientAddress,
      clientPort: this.clientPort,
      method: '',
      scheme: this.transport,
      host: this.host,
      target: '',
      path: '',
      protocol: this.protocol,
      status: this.status,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      durationMs: nowMs - this.startMs,
      upstreamMs: this.connectedMs === 0 ? -1 : this.connectedMs - this.startMs,
      routeId: labels?.routeId ?? '',
      routeName: labels?.routeName ?? '',
      serviceId: labels?.serviceId ?? '',
      rule: this.rule?.index ?? -1,
      variant: this.choice?.model.variant ?? '',
      splitReason: this.choice === null ? '' : this.choiceReason,
      upstreamId: this.upstream?.model.id ?? '',
      endpoint: endpoint?.label ?? '',
      upstreamAddress: endpoint?.label ?? '',
      upstreamScheme: this.upstream?.model.scheme ?? '',
      upstreamHost: '',
      upstreamTarget: '',
      firstAttemptMs: -1,
      answerMs: -1,
      upstreamStatus: '',
      attempts: this.attempts,
      flags: this.errorCode === null ? '' : ERROR_CODES[this.errorCode].flag,
      errorCode: this.errorCode ?? '',
      userAgent: '',
      referer: '',
      traceId: '',
      spanId: '',
      tlsVersion: this.tls?.version ?? '',
      tlsCipher: this.tls?.cipher ?? '',
      tlsServerName: this.serverName ?? '',
      isTlsResumed: this.tls?.isResumed ?? null,
      header: () => undefined,
    })
  }
}
