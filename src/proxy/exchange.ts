import { NONE_TRIED } from '../balancing/picker.ts'
import { hasType } from '../expression/body-fields.ts'
import type { Hash64 } from '../expression/hash64.ts'
import type { ComparisonTrace } from '../expression/trace.ts'
import { BLOCK, bucketOf, ENDPOINT, LINE, NO_ROUTE, PHASE, PHASES, WORKER } from '../model/counters.ts'
import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import { codeCell } from '../model/status-cell.ts'
import type { Surface } from '../model/surface.ts'
import type {
  CallSettings,
  RedirectPolicy,
  Retry,
  SameEndpointRetry,
  UpstreamTimeouts,
  WebSocketOpening,
} from '../model/upstream.ts'
import type { KnownConsumer } from '../routing/consumers.ts'
import type { CompiledEventCall, EventSource } from '../routing/event-call.ts'
import type { CompiledMirror } from '../routing/filters/mirror.ts'
import {
  type ChoiceReason,
  type CompiledRedirectTarget,
  type CompiledRespondTarget,
  type CompiledRoute,
  type CompiledRule,
  type CompiledTarget,
  type CompiledUpstreamTarget,
  NEEDS_BODY,
  type Trace as RouteTrace,
  type UpstreamCell,
} from '../routing/table.ts'
import type { Client } from './client.ts'
import { clock, readClock } from './clock.ts'
import { type AnswerFraming, composeAnswerHead, type OwnAnswer } from './compose-answer.ts'
import { composeEventHead, composeRequestHead, echoedFields, eventFields } from './compose-request.ts'
import type { Timed } from './deadlines.ts'
import { readEnvelope } from './envelope.ts'
import { GatheredBody } from './gathered-body.ts'
import { MessageMeter, type MessageSink } from './grpc/message-meter.ts'
import { grpcErrorLines, isGrpcType, readGrpcTimeout } from './grpc/status.ts'
import { HeaderOverlay } from './header-overlay.ts'
import { HeldAnswer, viewAnswer } from './held-answer.ts'
import { FIELD } from './http1/field-kind.ts'
import type { ResponseHead } from './http1/response-head.ts'
import { resolveTarget } from './http1/target.ts'
import { ClientSession } from './http2/client-session.ts'
import { KeptBody } from './kept-body.ts'
import { countChoice, countError, countWorker, isForbidden, type Plane } from './plane.ts'
import { recordExchange } from './record.ts'
import { RequestFacts } from './request-facts.ts'
import { errorBody, statusBody } from './respond-error.ts'
import type { CompiledAnswerRule, CompiledAnswers } from './upstream/answer-rule.ts'
import {
  FAILURE_CODES,
  type Failure,
  failureStatus,
  isSafeMethod,
  judgeFailure,
  sentBytes,
} from './upstream/attempts.ts'
import { type AnswerReader, UpstreamConnection } from './upstream/connection.ts'
import type { LimitName, UpstreamGate, Waiter } from './upstream/gate.ts'
import type { UpstreamLink } from './upstream/link.ts'
import { ConnectionCount, EndpointPool } from './upstream/pool.ts'
import {
  guardedLookup,
  type Place,
  REDIRECTS,
  type Redirect,
  readLocation,
  serverNameOf,
} from './upstream/redirect.ts'
import type { StickyEndpoints } from './upstream/sticky-endpoints.ts'
import { compileTls, PLAIN_TLS } from './upstream/tls.ts'
import {
  type Cell,
  type CompiledEndpoint,
  type CompiledUpstream,
  poolFor,
  RETRY_STATUS,
} from './upstream/upstreams.ts'
import { closeFrame, FrameTracker } from './websocket/frame-tracker.ts'
import { acceptOf, allowsUpgrade, checkHandshake } from './websocket/handshake.ts'

/**
 * One request and its answer. Its phases, in the order in which a request passes them; each names its successor:
 *
 *   begin ▸ find ▸ choose ▸ attempt ▸ send ▸ onAnswerHead ▸ onAnswerBody ▸ onAnswerEnd ▸ finish
 *
 * `choose` may stop for the body (inspect), and then `find` starts anew; a failed attempt goes back to `attempt` (onAttemptFailed); what cannot
 * be served leaves through `respondError`. A connection has one exchange object for all its requests. Nothing here awaits.
 */
export class Exchange extends RequestFacts implements EventSource, AnswerReader, Waiter, MessageSink {
  // ---- what was chosen ----
  /** Revision of the table that matched. */
  revision = 0
  rule: CompiledRule | null = null
  choice: CompiledTarget | null = null
  /** What made it. */
  choiceReason: ChoiceReason = 'weight'
  /** Line of the answer that keeps the client on it; '' for none. */
  choiceCookie = ''
  /** Where the request goes when the target chosen fails; null: nowhere. */
  #fallback: Fallback | null = null
  upstream: CompiledUpstream | null = null
  endpoint: CompiledEndpoint | null = null

  // ---- what is sent upstream, beside what filters made of the request ----
  /** What is sent instead of the request; null: the request is. */
  event: string | null = null
  /** Gathers an answer that says what the client gets; null: answers are relayed. */
  #envelope: GatheredBody | null = null
  /** Where redirects have led the attempt at hand; null: it is with its endpoint. */
  redirect: Redirect | null = null

  // ---- body of the request ----
  /** The whole body, where it came with its head and is small. */
  #bodyText: string | null = null
  #isBodyComplete = false
  readonly #kept: KeptBody
  #isInspecting = false
  #trailers = ''
  /** Where copies go once the body is complete; null: nowhere. */
  #copies: readonly UpstreamCell[] | null = null
  #isEndSent = false
  #hasContinued = false

  // ---- attempts ----
  #connection: UpstreamLink | null = null
  /** Attempts beside stale connections: what `retries` counts. */
  attempts = 0
  /** Those of all endpoints, stale connections included: how often it was sent, or nearly. */
  sends = 0
  #tried: Uint8Array = NONE_TRIED
  /** The endpoint that a cookie of the client names; -1: none does, or nobody asks. */
  #sticky = -1
  /** Endpoints that are not for this request, by their conditions; null: all are. */
  #excluded: Uint8Array | null = null
  /** The target behind the filters, where endpoints make their own of it. */
  filteredTarget = ''
  /** What the balancer keeps requests together by; null: the request has no key, or nobody asks. */
  #key: Hash64 | null = null
  #keySpace: Hash64 | null = null
  /** Attempts on the endpoint at hand that failed and may be repeated there. */
  #repeats = 0
  /** Those of all endpoints. */
  #repeated = 0
  /** Turns of the endpoints that are for failover only: each has so many as it may be tried. And attempts on them. */
  #failoverTurn = 0
  #failovers = 0
  #attemptMs = 0
  #wait: Wait | null = null
  /** Of the upstream, where it has limits, once it let the request in. */
  #gate: UpstreamGate | null = null
  #isWaiting = false
  /** It has waited for its turn at a limit: what was in force when it came may be over. */
  #hasWaited = false
  #isRetrying = false
  /** The limit of an upstream that the request came to; '' for none. */
  limitName = ''
  #hadFresh = false
  #lastFailure: Failure | null = null
  /** Of this request, once it has an endpoint. */
  firstAttemptMs = 0
  #timeouts: UpstreamTimeouts | null = null
  /** How a handshake of WebSocket is opened; null: it is none, or its upstream says nothing of that. And how often all endpoints were asked again. */
  #opening: WebSocketOpening | null = null
  #openings = 0
  upstreamStatuses = ''
  /** Endpoints of the attempts that failed and were made again, each with `, ` behind it. */
  failedEndpoints = ''

  // ---- the answer ----
  status = 0
  upstreamStatus: number | undefined = undefined
  isHeadSent = false
  /** What the upstream's rule says of the answer at hand; null: it has none, or has not been asked. */
  isAnswerError: boolean | null = null
  /** The answer whose body is waited for, since the rule looks into it. */
  #held: HeldAnswer | null = null
  #framing: AnswerFraming = 'none'
  /** A response filter gave the answer another body: the upstream's is read and dropped. */
  #dropsBody = false
  /** The protocol that the client wants to change to, and may; '' for none. */
  upgrade = ''
  /** It has changed: bytes go both ways as they come. */
  isTunnel = false
  /** Frames toward a client of WebSocket. */
  #frames: FrameTracker | null = null
  /** When a tunnel that is to end is cut, or closed from here. */
  #tunnelEnd: TunnelEnd | null = null
  /** A call of gRPC: errors are statuses of its own, and its deadline counts. */
  isGrpc = false
  #callDeadline: CallDeadline | null = null
  /** What the upstream says of calls; null: it is none, or nothing is said. */
  #calls: CallSettings | null = null
  /** Watches the size of the answer's messages. */
  #messages: MessageMeter | null = null
  errorCode: ErrorCode | null = null
  isActive = false

  // ---- figures ----
  /** Slot of the block where the request counts: the target's, before that the route's. */
  #block = NO_ROUTE
  startMs = 0
  headMs = 0
  bytesIn = 0
  bytesOut = 0

  constructor(plane: Plane, client: Client) {
    super(plane, client)
    this.#kept = new KeptBody(plane)
  }

  // ================= phases =================

  /** A head was parsed. `bodyText`: the whole body, '' for none; null: it follows through onBodyData. */
  begin(bodyText: string | null, nowMs: number): void {
    const head = this.client.head
    this.#reset(nowMs)
    this.#bodyText = bodyText
    this.#isBodyComplete = bodyText !== null
    this.body = bodyText === '' ? null : undefined
    if (bodyText !== null) this.bytesIn = bodyText.length
    if (this.plane.overload > 0 && this.#shed()) return
    const refusal = this.readHead()
    if (refusal !== null) return this.respondError(refusal)
    if (head.isAsterisk) return this.#respondPlain(204)
    this.#find()
  }

  /** The gateway is short of memory or time. True: the request is refused. */
  #shed(): boolean {
    this.client.markLast()
    if (this.plane.overload < REFUSING) return false
    countWorker(this.plane, WORKER.SHED, 1)
    this.respondError('OVERLOADED')
    return true
  }

  /** What the head says about the request. A code: it is refused. */
  readHead(): ErrorCode | null {
    const head = this.client.head
    this.sentMethod = head.method
    this.sentTarget = head.target
    this.isGrpc = this.client.isFramed && isGrpcType(head.fields.get('content-type'))
    this.identifyClient()
    if (this.plane.marksRequests || this.cameTraced) this.mark()
    if (this.client.tls?.admits(head.target, head.host) === false) return 'CLIENT_CERTIFICATE'
    const { limits } = this.plane.options.settings
    if (limits.maxBodyBytes > 0 && head.contentLength > limits.maxBodyBytes) return 'BODY_TOO_LARGE'
    return head.isAsterisk || resolveTarget(head.target, this) ? null : 'BAD_TARGET'
  }

  /** The head could not be read, or did not come. */
  refuse(code: ErrorCode, nowMs: number): void {
    this.#reset(nowMs)
    this.#isBodyComplete = true
    this.clientAddress = this.client.peerAddress
    this.isPeerTrusted = false
    this.client.markLast()
    this.respondError(code)
  }

  #find(): void {
    const refusal = this.choose(null)
    if (refusal === NEEDS_BODY) return this.#inspect()
    if (refusal !== null) return this.respondError(refusal)
    this.filteredTarget = this.sentTarget
    if (this.mirrors !== null) this.#beginCopies(this.mirrors)
    this.#serve(this.choice as CompiledTarget)
  }

  #serve(target: CompiledTarget): void {
    switch (target.kind) {
      case 'upstream':
        return this.#startAttempts(target)
      case 'respond':
        return this.#respondFixed(target)
      case 'redirect':
        return this.#respond(this.redirectAnswer(target))
      case 'echo':
        return this.isBodyRead ? this.#respond(this.echoAnswer()) : this.respondError('BODY_TOO_LARGE')
      default:
        return target satisfies never
    }
  }

  /**
   * The choices from the route down to the target, and what filters do on the way. Null: `choice` stands. A code: why there is none.
   * NEEDS_BODY: read it, then `restart` and choose anew. With a trace (explain) nothing moves on: the split is peeked at, nothing is counted.
   */
  choose(trace: RouteTrace | null): ErrorCode | typeof NEEDS_BODY | null {
    const { table } = this.plane.options
    this.revision = table.revision
    const route = table.find(this, trace)
    if (route === NEEDS_BODY) return NEEDS_BODY
    if (route === null) return 'ROUTE_NOT_FOUND'
    this.route = route
    this.#block = route.slot
    this.pathParams = route.captures(this)
    const filters = route.requestFilters
    if (filters.length > 0 && route.model.rulesSee === 'rewritten') {
      const fault = this.applyFilters(filters, trace)
      if (fault !== null) return fault
    }
    const rule = route.chooseRule(this, trace)
    if (rule === NEEDS_BODY) return NEEDS_BODY
    if (filters.length > 0 && route.model.rulesSee === 'original') {
      const fault = this.applyFilters(filters, trace)
      if (fault !== null) return fault
    }
    if (rule === null) return 'NO_UPSTREAM'
    this.rule = rule
    const { policy } = rule.split
    let target: CompiledTarget | null
    if (policy === null) target = trace === null ? rule.split.pick() : rule.split.peek()
    else {
      target = policy.choose(this, trace !== null)
      this.choiceReason = policy.reason
      this.choiceCookie = policy.cookie
    }
    if (target === null) return 'NO_TARGET'
    this.choice = target
    if (trace === null) {
      countChoice(this.plane, target, this.choiceReason)
      this.#block = target.slot
      if (policy !== null && policy.fallback !== null && policy.fallback !== target)
        this.#fallback = this.#keepFallback(policy.fallback)
    }
    return target.requestFilters.length === 0 ? null : this.applyFilters(target.requestFilters, trace)
  }

  /** Copies that are due are sent, or wait for the rest of the body. */
  #beginCopies(mirrors: readonly CompiledMirror[]): void {
    this.mirrors = null
    const cells: UpstreamCell[] = []
    for (const mirror of mirrors) if (mirror.take()) cells.push(...mirror.upstreams)
    const { head, mustUpgrade } = this.client
    const { upgrade } = head
    const isUpgrade = upgrade !== null && allowsUpgrade((this.route as CompiledRoute).model.upgrades, upgrade)
    if (cells.length === 0 || mustUpgrade || isUpgrade) return
    this.#copies = cells
    const { mirrorBodyBytes } = this.plane.options.settings.limits
    if (this.#isBodyComplete) this.#sendCopies(cells)
    else if (head.contentLength > mirrorBodyBytes) this.#endCopies('TOO_LARGE')
    else this.#kept.keptBytes = mirrorBodyBytes
  }

  /** The body is complete. */
  #sendCopies(cells: readonly UpstreamCell[]): void {
    const { mirrorBodyBytes } = this.plane.options.settings.limits
    const text = this.#bodyText
    const bytes = text === null ? this.#kept.bytes : text.length
    if (bytes > mirrorBodyBytes || (text === null && !this.#kept.isWhole)) return this.#endCopies('TOO_LARGE')
    this.#copies = null
    const body = text ?? this.#kept.toText()
    for (const cell of cells) this.plane.mirrors.send(this, cell as Cell, body)
  }

  /** Those that wait are never sent. */
  #endCopies(result: 'TOO_LARGE' | 'INCOMPLETE'): void {
    for (let left = this.#copies?.length ?? 0; left > 0; left--) this.plane.mirrors.count(result)
    this.#copies = null
  }

  /** The request as it is before the filters of the target that was chosen: the other one begins from it. */
  #keepFallback(target: CompiledTarget): Fallback {
    const { sentMethod, sentTarget, hostOverride, query, consumer } = this
    const overlay = this.overlay === null ? null : this.overlay.copy()
    return { target, sentMethod, sentTarget, hostOverride, query, consumer, overlay }
  }

  /** The target that was chosen has failed, nothing of an answer is out, and the request may be sent again: it goes on to the one that is there for that. */
  #fallBack({ target, ...before }: Fallback): void {
    this.#fallback = null
    this.redirect = null
    if (this.#gate !== null) this.#leaveGate(this.#gate)
    this.sentMethod = before.sentMethod
    this.sentTarget = before.sentTarget
    this.hostOverride = before.hostOverride
    this.query = before.query
    this.consumer = before.consumer
    this.overlay = before.overlay
    this.choice = target
    this.choiceReason = 'failover'
    this.#block = target.slot
    countChoice(this.plane, target, 'failover')
    this.#tried = NONE_TRIED
    this.#excluded = null
    this.#sticky = -1
    this.#key = null
    this.#repeats = 0
    // the attempts so far count against no limit of the upstream that comes now
    this.#repeated = this.attempts
    this.#failovers = 0
    this.#failoverTurn = 0
    this.#hadFresh = false
    this.#hasWaited = false
    this.#lastFailure = null
    this.#openings = 0
    this.upgrade = ''
    this.event = null
    const fault = this.applyFilters(target.requestFilters, null)
    this.mirrors = null // the request was copied, or not, when it was chosen for
    if (fault !== null) return this.respondError(fault === NEEDS_BODY ? 'INTERNAL' : fault)
    this.#serve(target)
  }

  #startAttempts(target: CompiledUpstreamTarget): void {
    const upstream = (target.upstream as Cell).current
    if (upstream === null) return this.respondError('UPSTREAM_NOT_FOUND')
    this.upstream = upstream
    const { upgrade } = this.client.head
    if (target.event !== null) {
      const refusal = this.makeEvent(target.event)
      if (refusal !== null) return this.respondError(refusal)
    } else if (upgrade !== null && allowsUpgrade((this.route as CompiledRoute).model.upgrades, upgrade)) {
      const refusal = this.#offerUpgrade(upgrade, upstream)
      if (refusal !== null) return this.respondError(refusal)
    }
    if (this.client.mustUpgrade && this.upgrade === '') return this.respondError('METHOD_NOT_IMPLEMENTED')
    this.#timeouts = (this.route as CompiledRoute).model.timeouts ?? upstream.model.timeouts
    if (this.sends === 0) this.firstAttemptMs = clock.nowMs
    upstream.budget.countRequest(this.startMs)
    if (upstream.gate !== null) {
      const limit = upstream.gate.enter()
      if (limit !== null) return this.#exhaust(limit)
      this.#gate = upstream.gate
    }
    if (this.isGrpc) this.#beginCall(upstream)
    this.#opening = this.upgrade === 'websocket' ? (upstream.model.opening ?? null) : null
    if (upstream.balance.needsKey) {
      this.#key = this.readKey(upstream)
      this.choiceCookie += upstream.hashKey?.cookieLines(this) ?? ''
    }
    if (upstream.conditions !== null) {
      this.#excluded = this.excludeEndpoints(upstream, null)
      if (this.#excluded !== null && isNobodyLeft(upstream, this.#excluded))
        return this.respondError('NO_CANDIDATE')
    }
    if (upstream.sticky !== null) this.#sticky = upstream.sticky.find(this.cookies)
    this.filteredTarget = this.sentTarget
    this.#offerContinue()
    // others came before
    if (this.#gate !== null && this.#gate.pending > 0) return this.#waitAtGate('maxPending')
    this.#attemptNext()
  }

  /** The request becomes an event, of which its endpoint is told. A code: it is refused. */
  makeEvent(call: CompiledEventCall): ErrorCode | null {
    if (!this.isBodyRead) {
      this.limitName = 'maxInspectedBodyBytes'
      return 'BODY_TOO_LARGE'
    }
    this.event = call.compose(this)
    this.sentMethod = 'POST'
    this.sentTarget = call.target
    return null
  }

  #beginCall({ model }: CompiledUpstream): void {
    this.#limitCall()
    const calls = model.calls ?? null
    this.#calls = calls
    this.#kept.ownReplayBytes = calls === null ? -1 : calls.replayBytes
  }

  /** The call is over when its client says so, whatever the route allows. */
  #limitCall(): void {
    const ms = readGrpcTimeout(this.client.head.fields.get('grpc-timeout'))
    if (ms === null) return
    this.#callDeadline ??= new CallDeadline(this)
    this.plane.deadlines.set(this.#callDeadline, this.startMs + ms)
  }

  onCallTimeout(): void {
    if (!this.isActive) return
    if (!this.isHeadSent) {
      this.#dropConnection()
      return this.respondError('CALL_TIMEOUT')
    }
    this.#dropConnection()
    this.#endCall('CALL_TIMEOUT')
  }

  /** A call whose answer has begun ends with an error of ours. */
  #endCall(code: ErrorCode): void {
    this.errorCode = code
    this.client.writeTrailers(grpcErrorLines(code))
    this.#finish()
  }

  /** The endpoint is asked to change the protocol, unless the request has a body, or goes over HTTP/2 where upgrades are unknown. A code: it is refused. */
  #offerUpgrade(protocol: string, upstream: CompiledUpstream): ErrorCode | null {
    if (upstream.model.http2 === 'always') return null
    if (protocol === 'websocket') {
      const fault = checkHandshake(this.client.head)
      if (fault !== null) return fault
    }
    if (this.#bodyText === '') this.upgrade = protocol
    return null
  }

  /** The key by which the upstream's balancer keeps requests together; null: the request has none. */
  readKey(upstream: CompiledUpstream): Hash64 | null {
    if (upstream.hashKey === null) return null
    this.#keySpace ??= { high: 0, low: 0 }
    return upstream.hashKey.read(this, this.#keySpace) ? this.#keySpace : null
  }

  /** Endpoints whose conditions do not hold; null: all do. `onTest` is told of each condition (explain). */
  excludeEndpoints(
    { conditions, endpoints }: CompiledUpstream,
    onTest: ((index: number, holds: boolean) => void) | null,
    trace: ComparisonTrace | null = null,
  ): Uint8Array | null {
    let excluded: Uint8Array | null = null
    for (let index = 0; index < endpoints.length; index++) {
      const condition = conditions?.[index]
      if (condition === null || condition === undefined) continue
      const holds = condition.test(this, trace)
      onTest?.(index, holds)
      if (holds) continue
      excluded ??= new Uint8Array(endpoints.length)
      excluded[index] = 1
    }
    return excluded
  }

  /** The endpoint that keeps the client, where it may have the request; -1: there is none. */
  stickyIndex(upstream: CompiledUpstream, excluded: Uint8Array | null): number {
    const index = upstream.sticky === null ? -1 : upstream.sticky.find(this.cookies)
    return index >= 0 && isFree(upstream, index, excluded) ? index : -1
  }

  /** Whether the endpoint that the client's cookie names gets the request: as long as no attempt of this upstream has failed. */
  #takeSticky(upstream: CompiledUpstream): boolean {
    const index = this.#sticky
    if (this.#lastFailure !== null || this.#tried[index] === 1) return false
    return isFree(upstream, index, this.#excluded) && upstream.balance.take(index)
  }

  #attemptNext(): void {
    const upstream = this.upstream as CompiledUpstream
    if (this.#sticky >= 0 && this.#takeSticky(upstream))
      return this.#attemptEndpoint(upstream.endpoints[this.#sticky] as CompiledEndpoint, false)
    let at = this.#gate === null ? this.#pickNext(upstream) : this.#pickFree(upstream, this.#gate)
    if (at === -1 && this.#tried.length > 0 && upstream.model.retry.triesAgain) {
      this.#tried = NONE_TRIED
      at = this.#gate === null ? this.#pickNext(upstream) : this.#pickFree(upstream, this.#gate)
    }
    if (at >= 0) return this.#attemptEndpoint(upstream.endpoints[at] as CompiledEndpoint, false)
    if (at === ALL_FULL) return this.#waitAtGate('maxRequestsPerEndpoint')
    if (this.#fallback !== null) return this.#fallBack(this.#fallback)
    if (this.#openAgain()) return
    this.respondError(this.#lastFailure === null ? upstream.emptyCode : 'UPSTREAM_RETRIES_OVER')
  }

  /** A handshake reached no endpoint: all are asked again after a while, if that is left. */
  #openAgain(): boolean {
    const opening = this.#opening
    const last = this.#lastFailure
    if (opening === null || last === null || sentBytes(last) || this.#openings >= opening.retries)
      return false
    this.#openings++
    this.#tried = NONE_TRIED
    // the attempts so far count against nothing
    this.#repeated = this.attempts
    this.#failovers = 0
    this.#failoverTurn = 0
    this.#wait ??= new Wait(this)
    this.#wait.isForAll = true
    this.plane.deadlines.set(this.#wait, clock.nowMs + opening.retryDelayMs)
    return true
  }

  /** As `#pickNext`, passing over endpoints with as many requests as they may have; ALL_FULL: only such are left. */
  #pickFree(upstream: CompiledUpstream, gate: UpstreamGate): number {
    const tried = this.#tried
    let isFull = false
    for (;;) {
      const at = this.#pickNext(upstream, !isFull)
      if (at < 0) {
        this.#tried = tried
        return isFull ? ALL_FULL : -1
      }
      if (!gate.isFull(at)) {
        this.#tried = tried
        return at
      }
      isFull = true
      this.#giveBack(upstream.endpoints[at] as CompiledEndpoint)
      const passed = new Uint8Array(upstream.endpoints.length)
      passed.set(this.#tried)
      passed[at] = 1
      this.#tried = passed
    }
  }

  /** No connection may be opened, or no endpoint take more: the request waits for its turn. */
  #waitAtGate(limit: LimitName): void {
    const gate = this.#gate as UpstreamGate
    const refusal = gate.wait(this, clock.nowMs)
    if (refusal !== null) return this.#exhaust(refusal === 'maxPending' && !this.#mayWait ? limit : refusal)
    this.#isWaiting = true
  }

  get #mayWait(): boolean {
    return ((this.upstream as CompiledUpstream).model.limits?.maxPending ?? 0) > 0
  }

  onGate(): void {
    this.#isWaiting = false
    this.#hasWaited = true
    readClock()
    if (!this.isActive) return
    const { retry } = (this.upstream as CompiledUpstream).model
    if (this.#lastFailure !== null && this.#isLate(retry, clock.nowMs))
      return this.respondError('UPSTREAM_RETRIES_OVER')
    this.#attemptNext()
  }

  onGateTimeout(): void {
    this.#isWaiting = false
    if (this.isActive) this.#exhaust('pendingMs')
  }

  #exhaust(limit: LimitName): void {
    this.limitName = limit
    this.respondError('POOL_EXHAUSTED')
  }

  /** An endpoint that was not tried, or when all failed or are out one that is there for that; -1: none is left. */
  #pickNext(upstream: CompiledUpstream, mayFailOver = true): number {
    const { balance } = upstream
    const { failoverTries, count, inOrder } = upstream.model.retry
    if (this.#plainAttempts <= count) {
      const at =
        inOrder === true && this.#lastFailure !== null
          ? balance.pickInOrder(this.#tried, this.#excluded)
          : balance.pick(this.#tried, this.#key, this.#excluded)
      if (at >= 0) return at
    }
    if (!mayFailOver) return -1
    const { failover } = balance
    while (this.#failoverTurn < failover.length * failoverTries) {
      const index = failover[Math.floor(this.#failoverTurn / failoverTries)] as number
      if (balance.isUsable(index) && this.#excluded?.[index] !== 1) {
        this.#failoverTurn++
        this.#failovers++
        return index
      }
      this.#failoverTurn += failoverTries - (this.#failoverTurn % failoverTries)
    }
    return -1
  }

  /** Attempts that count against `retries`: not repeats, and not those of failover. */
  get #plainAttempts(): number {
    return this.attempts - this.#repeated - this.#failovers
  }

  #attemptEndpoint(endpoint: CompiledEndpoint, mustBeFresh: boolean): void {
    this.endpoint = endpoint
    if (this.redirect !== null) this.#forgetRedirect(this.redirect)
    if (!mustBeFresh) this.attempts++
    this.sends++
    const now = clock.nowMs
    this.#attemptMs = now
    if (endpoint.aim !== null && !this.#aim(endpoint)) return this.respondError('BAD_REWRITE')
    // picked from what was in force when the request came, which may be over
    if ((this.sends > 1 || this.#hasWaited) && this.#wentOut(endpoint)) return this.#pickAnew(endpoint)
    const pool = endpoint.poolsByName === null ? endpoint.pool : poolFor(endpoint, this.serverName)
    if (!mustBeFresh && this.#useKept(pool, endpoint, now)) return
    const address = endpoint.model.address ?? endpoint.model.host
    if (isForbidden(this.plane, address, endpoint.model.port)) {
      ;(this.upstream as CompiledUpstream).balance.judge?.abandoned(endpoint.index)
      return this.respondError('ADMIN_ADDRESS')
    }
    const limit = this.#gate === null ? null : this.#makeRoom(this.#gate, endpoint.pool)
    if (limit !== null) {
      this.#giveBack(endpoint)
      if (!mustBeFresh) this.attempts--
      this.sends--
      return this.#waitAtGate(limit)
    }
    this.#connect(pool, address, endpoint, now)
  }

  /** Sends over a connection that is there: one of HTTP/2 with room, or one that was kept. False: there is none. */
  #useKept(pool: EndpointPool, endpoint: CompiledEndpoint, nowMs: number): boolean {
    if (pool.usesHttp2) {
      const stream = pool.findSession()?.open(this)
      if (stream === undefined) return false
      this.#enter(endpoint)
      this.#connection = stream
      if (!stream.isConnecting) this.#send(stream, nowMs) // else onConnected
      return true
    }
    const kept = pool.take()
    if (kept === undefined) return false
    this.#enter(endpoint)
    this.#connection = kept
    kept.reuse(this)
    this.#send(kept, nowMs)
    return true
  }

  #connect(pool: EndpointPool, address: string, endpoint: CompiledEndpoint, nowMs: number): void {
    this.#enter(endpoint)
    const { connectMs } = this.#opening ?? (this.#timeouts as UpstreamTimeouts)
    const { answerMs } = this.#timeouts as UpstreamTimeouts
    const { upstreamOptions } = this.plane
    if (pool.usesHttp2) {
      // others may wait for the session too, so it has all the time that a connection has
      this.#connection = new ClientSession(pool, address, connectMs, nowMs, upstreamOptions).open(this)
      return
    }
    const ms =
      answerMs === undefined ? connectMs : Math.min(connectMs, this.firstAttemptMs + answerMs - nowMs)
    this.#connection = new UpstreamConnection(pool, address, this, ms, nowMs, upstreamOptions)
  }

  /** False: what it made may not go on the wire. */
  #aim(endpoint: CompiledEndpoint): boolean {
    const target = endpoint.aim?.(this, this.filteredTarget)
    if (target === undefined) {
      ;(this.upstream as CompiledUpstream).balance.judge?.abandoned(endpoint.index)
      return false
    }
    this.sentTarget = target
    return true
  }

  /** The limit that keeps a connection from being opened, whatever is idle; null: none does. */
  #makeRoom(gate: UpstreamGate, pool: EndpointPool): LimitName | null {
    for (;;) {
      const limit = gate.checkConnect(pool)
      if (limit === null || !gate.makeRoom(pool, limit)) return limit
    }
  }

  /** An endpoint that was picked is not asked now, and it is nothing that it did: where it is for failover its turn comes again. */
  #giveBack({ index, model }: CompiledEndpoint): void {
    ;(this.upstream as CompiledUpstream).balance.judge?.abandoned(index)
    if (!model.failoverOnly) return
    this.#failoverTurn--
    this.#failovers--
  }

  onConnected(): void {
    const connection = this.#connection as UpstreamLink
    const endpoint = this.endpoint as CompiledEndpoint
    this.#count(endpoint, ENDPOINT.CONNECTED, 1)
    if (this.#wentOut(endpoint)) {
      connection.close()
      this.#leaveEndpoint(null)
      return this.#pickAnew(endpoint)
    }
    this.#send(connection, clock.nowMs)
  }

  /** Whether an endpoint may not get new requests any more, since it was picked. */
  #wentOut(endpoint: CompiledEndpoint): boolean {
    const upstream = this.upstream as CompiledUpstream
    const now = (this.choice as CompiledUpstreamTarget).upstream as Cell
    if (now.compiled === upstream || now.compiled === null) {
      return !upstream.balance.allows(endpoint.index) && !endpoint.model.failoverOnly
    }
    const same = now.compiled.endpoints.find(({ label }) => label === endpoint.label)
    return same !== undefined && same.model.state !== 'ready'
  }

  /** Nothing was sent to it, and it did not fail: another one is picked, of what is in force now. */
  #pickAnew(endpoint: CompiledEndpoint): void {
    const cell = (this.choice as CompiledUpstreamTarget).upstream as Cell
    const upstream = this.upstream as CompiledUpstream
    upstream.balance.judge?.abandoned(endpoint.index)
    this.attempts--
    this.sends--
    if (cell.compiled !== null && cell.compiled !== upstream) {
      this.#tried = sameEndpoints(this.#tried, upstream, cell.compiled)
      this.upstream = cell.compiled
      this.#excluded = cell.compiled.conditions === null ? null : this.excludeEndpoints(cell.compiled, null)
      this.#sticky = cell.compiled.sticky === null ? -1 : cell.compiled.sticky.find(this.cookies)
    } else this.#markTried(upstream, endpoint, true)
    this.#attemptNext()
  }

  #send(connection: UpstreamLink, nowMs: number): void {
    const { event } = this
    const upstream = this.upstream as CompiledUpstream
    const endpoint = this.endpoint as CompiledEndpoint
    const head =
      event === null
        ? composeRequestHead(this, upstream, endpoint)
        : composeEventHead(this, upstream, endpoint, event.length)
    const timeouts = this.#timeouts as UpstreamTimeouts
    const text = this.redirect === null ? (event ?? this.#bodyText) : ''
    connection.expectsUpgrade = this.upgrade !== ''
    if (text !== null) {
      this.#isEndSent = true
      connection.send(
        head,
        text,
        this.sentMethod,
        timeouts.sendMs,
        timeouts.readMs,
        this.#headDeadline(nowMs),
        nowMs,
      )
      return
    }
    connection.send(
      head,
      null,
      this.sentMethod,
      timeouts.sendMs,
      timeouts.readMs,
      this.#headDeadline(nowMs),
      nowMs,
    )
    this.#kept.rewind()
    this.#isEndSent = false
    this.client.resumeReading()
    this.#sendParts()
  }

  /** When the attempt is over if no head has come; 0: only the timeouts between reads count. */
  #headDeadline(nowMs: number): number {
    const { attemptMs } = (this.upstream as CompiledUpstream).model.retry
    const { answerMs } = this.#timeouts as UpstreamTimeouts
    const own = attemptMs === 0 ? 0 : nowMs + attemptMs
    if (answerMs === undefined) return own
    const whole = this.firstAttemptMs + answerMs
    return own === 0 ? whole : Math.min(own, whole)
  }

  // ================= the body of the request =================

  onBodyData(bytes: Buffer, from: number, to: number): void {
    this.bytesIn += to - from
    const { limits } = this.plane.options.settings
    if (!this.isActive) return
    if (limits.maxBodyBytes > 0 && this.bytesIn > limits.maxBodyBytes)
      return this.#failRequest('BODY_TOO_LARGE')
    this.#kept.add(bytes, from, to)
    if (this.#isInspecting && this.#kept.bytes > limits.maxInspectedBodyBytes) this.#endInspection(null)
  }

  /** All of the body that one read brought was handed over. */
  onBodyTurn(): void {
    this.#kept.closePart()
    if (!this.isActive || this.#isInspecting) return
    this.#sendParts()
    if (this.#kept.bytes > this.plane.options.settings.limits.bufferHighBytes && this.#kept.hasUnsent)
      this.client.pauseReading()
  }

  onBodyEnd(trailers: string): void {
    this.#isBodyComplete = true
    this.#trailers = trailers
    this.#kept.closePart()
    if (!this.isActive) return
    if (this.#isInspecting) return this.#endInspection(this.#kept.toText())
    if (this.#copies !== null) this.#sendCopies(this.#copies)
    this.#sendParts()
  }

  /** The client cut its body, sent a bad chunk, stalled: the request is never completed at an endpoint. */
  onBodyFault(code: ErrorCode): void {
    this.#failRequest(code)
  }

  #failRequest(code: ErrorCode): void {
    this.#dropConnection()
    this.client.markLast()
    if (this.isHeadSent) {
      this.errorCode = code
      return this.#abort()
    }
    this.respondError(code)
  }

  /** Sends what has come and was not sent in this attempt. */
  #sendParts(): void {
    const connection = this.#connection
    if (connection === null || connection.isConnecting || !connection.hasSent || this.#isEndSent) return
    const isChunked = this.client.head.chunked
    const now = clock.nowMs
    let isFree = true
    if (this.#kept.hasUnsent) isFree = connection.writePart(this.#kept.takeUnsent(), isChunked, now)
    if (this.#isBodyComplete) {
      this.#isEndSent = true
      connection.endBody(isChunked, this.#forwardedTrailers(), now)
      connection.awaitAnswer(now)
    } else if (isFree) connection.awaitBody()
    else this.client.pauseReading()
    this.#kept.trim()
  }

  #forwardedTrailers(): string {
    return this.client.head.trailerAllowed || this.isGrpc ? this.#trailers : ''
  }

  onUpstreamDrain(): void {
    if (!this.#isEndSent) this.#connection?.awaitBody()
    this.client.resumeReading()
  }

  /** Whether bytes that came may still be read later: kept for another attempt, or waiting for the endpoint. */
  get holdsBody(): boolean {
    return this.#kept.sharesInput && (!this.#kept.isEmpty || this.#connection?.isWaiting === true)
  }

  /** The client's next bytes lie in a buffer of which nothing is held yet. */
  beginBodyTurn(): void {
    this.#kept.sharesInput = false
  }

  /** A predicate reads the body: it is read up to the limit, then the search starts anew. */
  #inspect(): void {
    if (this.#bodyText !== null) return this.#endInspection(this.#bodyText)
    if (this.#isBodyComplete) return this.#endInspection(this.#kept.toText())
    this.#isInspecting = true
    this.#offerContinue()
    this.client.flush()
  }

  /** null: over the limit, so body variables are absent. */
  #endInspection(body: string | null): void {
    this.#isInspecting = false
    this.restart(body)
    this.#find()
  }

  /** Forgets what was chosen without the body. */
  restart(body: string | null): void {
    this.body = body
    this.route = null
    this.rule = null
    this.choice = null
    this.choiceReason = 'weight'
    this.choiceCookie = ''
    this.#fallback = null
    this.mirrors = null
    this.#block = NO_ROUTE
    this.overlay = null
    this.hostOverride = null
    if (this.consumer !== null) {
      this.consumer = null
      resolveTarget(this.client.head.target, this) // the key may have been taken away
    }
    this.sentMethod = this.client.head.method
    this.sentTarget = this.client.head.target
  }

  /** The gateway answers Expect itself, once it knows that the body is wanted. */
  #offerContinue(): void {
    const head = this.client.head
    if (
      !head.expectsContinue ||
      this.#hasContinued ||
      this.#bodyText !== null ||
      head.minorVersion === 0 ||
      this.bytesIn > 0
    )
      return
    this.#hasContinued = true
    this.client.writeHead('HTTP/1.1 100 Continue\r\n\r\n')
    this.client.flush()
  }

  // ================= the answer =================

  onAnswerHead(head: ResponseHead): void {
    if (head.status < 200) return this.#relayInterim(head)
    if (this.client.mustUpgrade && head.status < 300) {
      this.#dropConnection()
      return this.respondError('UPSTREAM_BAD_ANSWER')
    }
    const upstream = this.upstream as CompiledUpstream
    if (upstream.answers !== null && !this.#examine(head, upstream, upstream.answers)) return
    const endpoint = this.endpoint as CompiledEndpoint
    this.headMs = clock.nowMs
    this.upstreamStatus = head.status
    this.status = head.status
    this.#count(endpoint, Math.min(4, Math.floor(head.status / 100) - 1), 1)
    const { balance, retryStatuses } = upstream
    const isError = this.isAnswerError
    const tookMs = this.headMs - this.#attemptMs
    if (balance.judge !== null)
      balance.judge.answered(endpoint.index, head.status, tookMs, this.headMs, isError)
    balance.observe(endpoint.index, tookMs, this.headMs)
    // what a rule calls an error is in the lists what 500 is, and what it does not what 200 is
    const listed = isError === null ? head.status : isError ? 500 : 200
    const again = retryStatuses === null ? 0 : (retryStatuses[listed] as number)
    if (again !== 0 && this.#retryAnswer(upstream, endpoint, again)) return
    this.#noteStatus(head.status)
    if (!this.#isBodyComplete || !this.#isEndSent) this.#expectCutBody()
    if (this.#eventCall?.malformed != null) return this.#gatherAnswer(upstream, endpoint)
    const kind = head.bodyKind(this.sentMethod)
    const framing = this.#chooseFraming(head, kind)
    if (upstream.sticky !== null) this.#keepClient(upstream.sticky, endpoint)
    const composed = composeAnswerHead(this, head, framing)
    if (composed === null) {
      this.#dropConnection()
      return this.respondError('BAD_REWRITE')
    }
    this.#framing = composed.framing
    this.#dropsBody = composed.replacesBody
    this.isHeadSent = true
    this.client.writeHead(composed.text)
    this.bytesOut += composed.bodyBytes
    if (this.#calls !== null) this.#beginMessages(this.#calls, isGrpcType(head.fields.get('content-type')))
  }

  /** The call by which the endpoint is told of the request; null: it gets the request. */
  get #eventCall(): CompiledEventCall | null {
    return this.event === null ? null : (this.choice as CompiledUpstreamTarget).event
  }

  /** What the client gets stands in the body that follows. */
  #gatherAnswer({ sticky }: CompiledUpstream, endpoint: CompiledEndpoint): void {
    if (sticky !== null) this.#keepClient(sticky, endpoint)
    this.#envelope = new GatheredBody(this.plane.options.settings.limits.maxInspectedBodyBytes)
  }

  #respondEnvelope(envelope: GatheredBody): void {
    this.#envelope = null
    const answer = readEnvelope(envelope.whole().toString('utf8'))
    if (!('fault' in answer)) return this.#respond(answer)
    const { malformed } = this.#eventCall as CompiledEventCall
    this.errorCode = 'UPSTREAM_BAD_ANSWER'
    const own = this.plane.options.settings.errorField ? `X-Headgate-Error: ${this.errorCode}\r\n` : ''
    this.#respond({
      status: malformed?.status ?? 502,
      fields: `Content-Type: application/json\r\n${own}`,
      body: malformed?.compose(this, answer.fault) ?? '',
    })
  }

  /** The answer to a call has begun: it is not made again. */
  #beginMessages({ maxMessageBytes }: CallSettings, hasMessages: boolean): void {
    this.#kept.commit()
    if (hasMessages) this.#messages = new MessageMeter(maxMessageBytes)
  }

  // ---- answers that are looked at before their statuses say anything ----

  /** False: the answer is followed or waited for, or the request is over. */
  #examine(head: ResponseHead, upstream: CompiledUpstream, answers: CompiledAnswers): boolean {
    const { rule, redirects, hasProxies } = answers
    if (hasProxies && head.status === 407 && (this.endpoint as CompiledEndpoint).isBehindProxy) {
      this.#noteStatus(head.status)
      this.#dropConnection()
      this.respondError('PROXY_CREDENTIALS')
      return false
    }
    // what was held, and comes once more, is this very answer
    if (this.isAnswerError !== null) return true
    if (redirects !== null && this.#mayFollow(head)) {
      this.#follow(head, upstream, redirects)
      return false
    }
    if (rule === null) return true
    // events have no end that could be waited for
    if (!rule.readsBody || hasType(head.fields.get('content-type'), 'text/event-stream'))
      return this.#applyRule(rule, head, null)
    this.#held = new HeldAnswer(head, this.plane.options.settings.limits.maxInspectedBodyBytes)
    return false
  }

  /** Asks the upstream's rule whether the answer is an error. False: it cannot tell, and the request is over. */
  #applyRule({ isError, isBroken }: CompiledAnswerRule, head: ResponseHead, body: string | null): boolean {
    this.answer = viewAnswer(head, body)
    const isTold = isBroken === null || !isBroken(this, null)
    this.isAnswerError = isError(this, null)
    this.answer = null
    if (isTold) return true
    this.#noteStatus(head.status)
    this.#dropConnection()
    this.respondError('ANSWER_RULE')
    return false
  }

  #hold(held: HeldAnswer, bytes: Buffer, from: number, to: number): void {
    held.body.add(bytes, from, to)
    if (held.body.isTooLong) this.#release(held, null)
  }

  /** The body is there, or longer than the limit: the answer goes its way. False: not on this connection, or not at all. */
  #release(held: HeldAnswer, body: string | null): boolean {
    this.#held = null
    const connection = this.#connection
    const rule = (this.upstream as CompiledUpstream).answers?.rule as CompiledAnswerRule
    if (!this.#applyRule(rule, held.head, body)) return false
    this.onAnswerHead(held.head)
    if (this.#connection === null || this.#connection !== connection) return false
    if (this.#dropsBody || this.#framing === 'none') return true
    for (const part of held.body.parts) if (part.length > 0) this.#relay(part, 0, part.length, undefined)
    return true
  }

  /** Whether the answer is a redirect that can be followed with what is known of the request. */
  #mayFollow({ status, fields }: ResponseHead): boolean {
    if (!REDIRECTS.has(status) || fields.find('location') < 0) return false
    if (!this.#isBodyComplete || !this.#isEndSent || this.upgrade !== '') return false
    const isRead = this.sentMethod === 'GET' || this.sentMethod === 'HEAD'
    return status === 303 || (isRead && (this.bytesIn === 0 || this.redirect !== null))
  }

  /** Asks the place that the answer names, as part of the attempt at hand: what comes from there is the endpoint's answer. */
  #follow(head: ResponseHead, upstream: CompiledUpstream, { most, allowsRelative }: RedirectPolicy): void {
    const endpoint = this.endpoint as CompiledEndpoint
    const { redirect } = this
    this.#noteStatus(head.status)
    const from = redirect === null ? placeOf(endpoint) : redirect.place
    const base = `${from.scheme}://${from.hostField}${this.sentTarget}`
    const place = readLocation(head.fields.get('location') as string, base, allowsRelative)
    const followed = redirect === null ? 0 : redirect.followed
    const leadsToAdmin = place !== null && isForbidden(this.plane, place.host, place.port)
    const refusal =
      place === null
        ? 'REDIRECT_TARGET'
        : followed >= most
          ? 'REDIRECT_LIMIT'
          : leadsToAdmin
            ? 'ADMIN_ADDRESS'
            : null
    if (place === null || refusal !== null) {
      this.#dropConnection()
      return this.respondError(refusal ?? 'REDIRECT_TARGET')
    }
    // the body of a redirect is not worth waiting for
    this.#connection?.close()
    this.#leaveEndpoint(null)
    const isHome = isSamePlace(place, placeOf(endpoint))
    const { sentMethod, sentTarget, overlay } = this
    const before = redirect === null ? { method: sentMethod, target: sentTarget, overlay } : redirect.before
    this.redirect = {
      place,
      pool: isHome ? endpoint.pool : this.#poolOf(place, upstream),
      address: isHome ? (endpoint.model.address ?? endpoint.model.host) : place.host,
      followed: followed + 1,
      before,
    }
    this.sentTarget = place.target
    if (head.status === 303 && sentMethod !== 'HEAD') this.sentMethod = 'GET'
    if (!isSamePlace(place, from)) this.#withholdCredentials()
    this.sends++
    const { pool, address } = this.redirect
    if (!this.#useKept(pool, endpoint, clock.nowMs)) this.#connect(pool, address, endpoint, clock.nowMs)
  }

  /** What is for one place is not for another. */
  #withholdCredentials(): void {
    this.overlay = this.overlay === null ? new HeaderOverlay() : this.overlay.copy()
    this.overlay.apply(CREDENTIALS, [])
  }

  /** A connection to a place that is no endpoint is made for one request, and shows no certificate. */
  #poolOf(place: Place, { model }: CompiledUpstream): EndpointPool {
    const { scheme, host, port } = place
    const serverName = serverNameOf(place)
    const tls =
      scheme === 'http' || model.tls === null
        ? PLAIN_TLS
        : compileTls({ ...model.tls, certificate: null, key: null, serverName: null })
    const count = new ConnectionCount(this.plane.options.lane)
    const pool = new EndpointPool({ scheme, host, port, serverName, tls, http2: 'never', calls: null }, count)
    pool.lookup = guardedLookup((address) => isForbidden(this.plane, address, port))
    return pool
  }

  /** The next attempt begins with the request as it was before redirects. */
  #forgetRedirect({ before }: Redirect): void {
    this.redirect = null
    this.sentMethod = before.method
    this.sentTarget = before.target
    this.overlay = before.overlay
  }

  /** The client's cookie follows the endpoint that answers, but for one that only stands in for others: nobody is kept there. */
  #keepClient(sticky: StickyEndpoints, { index, model }: CompiledEndpoint): void {
    if (index !== this.#sticky && !model.failoverOnly) this.choiceCookie += sticky.lineFor(index)
  }

  /** An answer before the request is complete: its rest is drained, or the connection closed behind it (reliability.md section 2). */
  #expectCutBody(): void {
    const left = this.client.head.contentLength
    if (this.client.head.expectsContinue && !this.#hasContinued && this.bytesIn === 0) this.client.markLast()
    else if (left < 0 || left - this.bytesIn > this.plane.options.settings.limits.drainBytes)
      this.client.markLast()
  }

  #chooseFraming(head: ResponseHead, kind: ReturnType<ResponseHead['bodyKind']>): AnswerFraming {
    if (kind === 'none' || this.client.head.method === 'HEAD') return 'none'
    if (kind === 'length') return 'length'
    if (this.client.isFramed) return 'close'
    if (this.client.head.minorVersion === 0) {
      this.client.markLast()
      return 'close'
    }
    return head.contentLength >= 0 ? 'length' : 'chunked'
  }

  /** The endpoint changes the protocol (101). False: it answered what nobody asked for. */
  onUpgrade(head: ResponseHead): boolean {
    if (head.upgrade !== this.upgrade) return false
    const isWebSocket = this.upgrade === 'websocket'
    if (isWebSocket) {
      const key = this.client.head.fields.get('sec-websocket-key') ?? ''
      if (head.fields.get('sec-websocket-accept') !== acceptOf(key)) return false
    }
    const endpoint = this.endpoint as CompiledEndpoint
    const { sticky } = this.upstream as CompiledUpstream
    const cookie = this.choiceCookie
    if (sticky !== null) this.#keepClient(sticky, endpoint)
    const composed = composeAnswerHead(this, head, 'tunnel')
    if (composed === null || composed.replacesBody) {
      this.choiceCookie = cookie
      return false
    }
    this.headMs = clock.nowMs
    this.upstreamStatus = head.status
    this.status = head.status
    this.#noteStatus(head.status)
    ;(this.upstream as CompiledUpstream).balance.judge?.answered(
      endpoint.index,
      head.status,
      this.headMs - this.#attemptMs,
      this.headMs,
    )
    this.#framing = 'tunnel'
    this.isTunnel = true
    this.isHeadSent = true
    this.#frames = isWebSocket ? new FrameTracker() : null
    this.client.writeHead(composed.text)
    this.client.flush()
    this.client.startTunnel()
    return this.isActive
  }

  #relayInterim(head: ResponseHead): void {
    if (this.client.head.minorVersion === 0) return
    if (head.status === 100) {
      if (this.#hasContinued || !this.client.head.expectsContinue) return
      this.#hasContinued = true
    }
    let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`
    for (let i = 0; i < head.fields.count; i++) {
      const kind = head.fields.kind[i]
      if (kind === FIELD.OTHER) text += `${head.fields.name(i)}: ${head.fields.value(i)}\r\n`
    }
    this.client.writeHead(`${text}\r\n`)
  }

  onAnswerBody(bytes: Buffer, from: number, to: number): void {
    if (this.#envelope !== null) {
      this.#envelope.add(bytes, from, to)
      if (!this.#envelope.isTooLong) return
      this.#dropConnection()
      this.limitName = 'maxInspectedBodyBytes'
      return this.respondError('UPSTREAM_BAD_ANSWER')
    }
    if (this.#dropsBody || this.#framing === 'none') {
      if (this.#held !== null) this.#hold(this.#held, bytes, from, to)
      return
    }
    if (this.#messages !== null) return this.#passMessages(this.#messages, bytes, from, to)
    if (this.#frames !== null) this.#frames.pass(bytes, from, to)
    // a body that came with its head is text already
    this.#relay(bytes, from, to, (this.#connection as UpstreamLink).textOf(from, to))
  }

  /** `text`: the same as text, where it is that already. */
  #relay(bytes: Buffer, from: number, to: number, text: string | undefined): void {
    this.bytesOut += to - from
    if (this.#framing === 'chunked') this.client.writeText(`${(to - from).toString(16)}\r\n`)
    if (text === undefined) this.client.writeBytes(bytes, from, to)
    else this.client.writeText(text)
    if (this.#framing === 'chunked') this.client.writeText('\r\n')
    if (this.client.isCongested) this.#connection?.pause()
  }

  #passMessages(messages: MessageMeter, bytes: Buffer, from: number, to: number): void {
    if (messages.pass(bytes, from, to, this)) {
      if (this.client.isCongested) this.#connection?.pause()
      return
    }
    this.#dropConnection()
    this.#endCall('MESSAGE_TOO_LARGE')
  }

  passMessageBytes(bytes: Buffer, from: number, to: number): void {
    this.bytesOut += to - from
    this.client.writeBytes(bytes, from, to)
  }

  // ================= tunnels =================

  /** Bytes of the client; its own again afterwards. */
  onTunnelData(bytes: Buffer, from: number, to: number): void {
    const connection = this.#connection
    if (!this.isActive || connection === null) return
    this.bytesIn += to - from
    if (!connection.writeTunnel(bytes, from, to, clock.nowMs)) this.client.pauseReading()
  }

  /** The client sends nothing more: the endpoint gets its end, and a moment to finish. */
  onTunnelEnd(): void {
    if (!this.isActive || this.#connection === null) return
    this.#connection.endTunnel()
    this.#endTunnelIn(TUNNEL_END_MS, false)
  }

  /** The gateway is about to stop: clients of WebSockets are told to go away, spread over a while so that they do not all come back at once. */
  leaveTunnel(): void {
    const spreadMs = Math.min(TUNNEL_LEAVE_MS, this.plane.options.settings.drain.timeoutMs / 2)
    if (this.#frames !== null) this.#endTunnelIn(Math.random() * spreadMs, true)
  }

  #endTunnelIn(delayMs: number, isPolite: boolean): void {
    this.#tunnelEnd ??= new TunnelEnd(this)
    this.#tunnelEnd.isPolite = isPolite
    this.plane.deadlines.set(this.#tunnelEnd, clock.nowMs + delayMs)
  }

  /** A tunnel's time is over. Polite: a Close frame first, and a moment for the answer. */
  onTunnelTimeout(isPolite: boolean): void {
    if (!this.isActive) return
    if (!isPolite) {
      this.#dropConnection()
      return this.#finish()
    }
    if (this.#frames?.isBetweenFrames === true) this.#writeGoingAway()
    this.#endTunnelIn(TUNNEL_END_MS, false)
  }

  #writeGoingAway(): void {
    this.client.writeText(closeFrame(1001))
    this.client.flush()
  }

  onAnswerTurn(): void {
    this.client.flush()
    if (this.client.isCongested) this.#connection?.pause()
  }

  onClientDrain(): void {
    this.#connection?.resume(clock.nowMs)
  }

  onAnswerEnd(trailers: string): void {
    if (this.#held !== null) {
      if (!this.#release(this.#held, this.#held.readBody())) return
    }
    if (this.#messages !== null) this.#messages.flush(this)
    if (this.client.isFramed && trailers !== '' && this.#framing !== 'none' && !this.#dropsBody)
      this.client.writeTrailers(trailers)
    else if (this.#framing === 'chunked' && !this.#dropsBody)
      this.client.writeText(trailers === '' ? '0\r\n\r\n' : `0\r\n${trailers}\r\n`)
    const connection = this.#connection as UpstreamLink
    this.#connection = null
    if (connection.isKeepable && this.#isBodyComplete && this.#isEndSent) {
      const { pool } = (this.upstream as CompiledUpstream).model
      connection.release(pool, this.plane.options.share, clock.nowMs)
    } else connection.close()
    this.#leave(this.endpoint as CompiledEndpoint)
    if (this.#envelope !== null) return this.#respondEnvelope(this.#envelope)
    this.#finish()
  }

  /** The answer broke off behind its head: the client's connection ends without the last byte, never with a whole-looking answer. */
  onAnswerCut(code: ErrorCode): void {
    if (this.#held !== null) {
      // nobody has seen anything of it
      this.#held = null
      return this.onAttemptFailed(code === 'UPSTREAM_BODY_TIMEOUT' ? 'headTimeout' : 'headCut', null)
    }
    if (this.isTunnel) return this.#cutTunnel(code)
    this.#leaveEndpoint(code === 'UPSTREAM_BODY_TIMEOUT' ? ENDPOINT.TIMED_OUT : ENDPOINT.CLOSED)
    if (this.#envelope !== null) return this.respondError(code) // nothing is out yet
    if (this.isGrpc) return this.#endCall(code)
    this.errorCode = code
    this.#abort()
  }

  /** The tunnel was idle for too long, or its endpoint is gone. */
  #cutTunnel(code: ErrorCode): void {
    this.#leaveEndpoint(null)
    if (code === 'UPSTREAM_BODY_TIMEOUT') {
      this.errorCode = 'TUNNEL_IDLE'
      if (this.#frames?.isBetweenFrames === true) this.#writeGoingAway()
    } else this.errorCode = code
    this.#finish()
  }

  onAttemptFailed(failure: Failure, error: NodeJS.ErrnoException | null): void {
    const endpoint = this.endpoint as CompiledEndpoint
    const isStale = failure === 'staleUnsent' || failure === 'staleSent'
    if (isStale || failure === 'gatewayLimit') this.#leaveEndpoint(null)
    else {
      const field =
        failure === 'connectFailed' || failure === 'tlsFailed' || failure === 'proxyCredentials'
          ? ENDPOINT.CONNECT_FAILED
          : failureStatus(failure) === 504
            ? ENDPOINT.TIMED_OUT
            : ENDPOINT.CLOSED
      this.#leaveEndpoint(field)
    }
    this.#lastFailure = failure
    const upstream = this.upstream as CompiledUpstream
    const retry = upstream.model.retry
    const isOver = this.#isAnswerOver(clock.nowMs)
    if (!isStale && failure !== 'gatewayLimit') {
      // what other attempts left it was too little to blame it for
      if (isOver && failureStatus(failure) === 504 && this.sends > 1)
        upstream.balance.judge?.abandoned(endpoint.index)
      else this.#judgeFailed(upstream, endpoint, failure)
    }
    if (failure === 'tlsFailed') this.#tellTlsFault(endpoint, error)
    const verdict = judgeFailure(failure, {
      isSafe: this.#opening === null && (retry.nonIdempotent || isSafeMethod(this.sentMethod)),
      isReplayable: this.#kept.isWhole,
      hadFresh: this.#hadFresh,
      retriesHeadTimeout: retry.onHeadTimeout,
    })
    if (verdict === 'fresh') {
      this.#hadFresh = true
      return this.#attemptEndpoint(endpoint, true)
    }
    if (isStale || failure === 'gatewayLimit') upstream.balance.judge?.abandoned(endpoint.index)
    this.#noteStatus(failureStatus(failure))
    const code =
      failure === 'gatewayLimit' && error?.code === 'EADDRNOTAVAIL' ? 'OUT_OF_PORTS' : FAILURE_CODES[failure]
    if (verdict === 'give up') return this.respondError(code)
    if (isOver) return this.respondError('UPSTREAM_HEAD_TIMEOUT')
    const now = clock.nowMs
    const repeat = this.#mayRepeat(retry, now)
    const isSpent = !repeat && !this.#hasAnother(upstream)
    const fallback = this.#fallback
    if (isSpent && fallback === null) {
      if (!this.#openAgain()) return this.respondError(code)
      return this.#noteRetry(endpoint)
    }
    if (this.#isLate(retry, now)) return this.respondError('UPSTREAM_RETRIES_OVER')
    if (sentBytes(failure) && !upstream.budget.take(now)) {
      countWorker(this.plane, WORKER.RETRY_BUDGET_SPENT, 1)
      return this.respondError(code)
    }
    if (isSpent && fallback !== null) {
      this.#noteRetry(endpoint)
      return this.#fallBack(fallback)
    }
    if (!this.#startRetry()) {
      this.limitName = 'maxRetries'
      return this.respondError(code)
    }
    this.#noteRetry(endpoint)
    if (repeat) return this.#repeat(retry.sameEndpoint as SameEndpointRetry, endpoint)
    this.#repeats = 0
    this.#markTried(upstream, endpoint, false)
    this.#attemptNext()
  }

  /** What the endpoint is to blame for. */
  #judgeFailed(upstream: CompiledUpstream, endpoint: CompiledEndpoint, failure: Failure): void {
    const now = clock.nowMs
    const kind = failureStatus(failure) === 504 ? 'timeout' : 'tcp'
    upstream.balance.judge?.failed(endpoint.index, kind, now - this.#attemptMs, now)
  }

  /** Said once until it is another fault: an operator has to see to it. */
  #tellTlsFault({ pool, label }: CompiledEndpoint, error: NodeJS.ErrnoException | null): void {
    const fault = error?.code ?? 'unknown'
    if (pool.tlsFault === fault) return
    pool.tlsFault = fault
    const fields = {
      endpoint: label,
      serverName: pool.identity.serverName,
      code: fault,
      error: error?.message,
    }
    this.plane.options.log('warn', fields, 'TLS to an endpoint failed')
  }

  #noteRetry(endpoint: CompiledEndpoint): void {
    this.#count(endpoint, ENDPOINT.RETRIES, 1)
    this.failedEndpoints += `${endpoint.label}, `
  }

  /** The answer at hand is one that another endpoint may do better. True: its bytes are dropped and another attempt has begun. */
  #retryAnswer(upstream: CompiledUpstream, endpoint: CompiledEndpoint, again: number): boolean {
    const { retry } = upstream.model
    const isSafe = this.#opening === null && (retry.nonIdempotent || isSafeMethod(this.sentMethod))
    if (!isSafe || !this.#kept.isWhole || !this.#isBodyComplete) return false
    const now = clock.nowMs
    if (this.#isLate(retry, now)) return false
    const repeat = (again & RETRY_STATUS.SAME) !== 0 && this.#mayRepeat(retry, now)
    if (!repeat && (again & RETRY_STATUS.ELSEWHERE) === 0) return false
    if (!repeat && !this.#hasAnother(upstream)) return this.#fallBackFromAnswer(upstream, endpoint, now)
    const last = this.#lastFailure
    this.#lastFailure = 'badStatus'
    if (!repeat) this.#markTried(upstream, endpoint, false)
    const at = repeat
      ? endpoint.index
      : this.#gate === null
        ? this.#pickNext(upstream)
        : this.#pickFree(upstream, this.#gate)
    // with nobody left to ask, the answer goes out as it came
    const isSame = at === endpoint.index && !repeat && !endpoint.model.failoverOnly
    if (at < 0 || (isSame && upstream.endpoints.length > 1)) {
      this.#lastFailure = last
      return this.#fallBackFromAnswer(upstream, endpoint, now)
    }
    const isOver = !this.#startRetry()
    if (isOver || !upstream.budget.take(now)) {
      if (!isOver) countWorker(this.plane, WORKER.RETRY_BUDGET_SPENT, 1)
      this.#lastFailure = last
      if (!repeat) upstream.balance.judge?.abandoned(at)
      return false
    }
    this.#noteStatus(this.status)
    this.#noteRetry(endpoint)
    this.#forgetAnswer()
    this.#dropConnection()
    if (repeat) this.#repeat(retry.sameEndpoint as SameEndpointRetry, endpoint)
    else {
      this.#repeats = 0
      this.#attemptEndpoint(upstream.endpoints[at] as CompiledEndpoint, false)
    }
    return true
  }

  #forgetAnswer(): void {
    this.status = 0
    this.upstreamStatus = undefined
    this.isAnswerError = null
  }

  /** Whether another endpoint may still be asked. */
  #hasAnother(upstream: CompiledUpstream): boolean {
    return this.#plainAttempts <= upstream.model.retry.count || this.#mayFailOver(upstream)
  }

  /** The answer at hand is one of those that another target may do better, where there is one. True: its bytes are dropped, and that one is asked. */
  #fallBackFromAnswer(upstream: CompiledUpstream, endpoint: CompiledEndpoint, nowMs: number): boolean {
    const fallback = this.#fallback
    if (fallback === null) return false
    if (!upstream.budget.take(nowMs)) {
      countWorker(this.plane, WORKER.RETRY_BUDGET_SPENT, 1)
      return false
    }
    this.#noteStatus(this.status)
    this.#noteRetry(endpoint)
    this.#forgetAnswer()
    this.#dropConnection()
    this.#fallBack(fallback)
    return true
  }

  /** Whether the endpoint at hand may be asked once more: there is a repeat left for it, and its wait is over in time. */
  #mayRepeat(retry: Retry, nowMs: number): boolean {
    const { sameEndpoint } = retry
    if (sameEndpoint?.firstOnly === true && (this.#plainAttempts > 1 || this.#failovers > 0)) return false
    return (
      sameEndpoint !== null &&
      this.#opening === null &&
      this.#repeats < sameEndpoint.count &&
      !this.#isLate(retry, nowMs + this.#waitMs(sameEndpoint))
    )
  }

  /** Whether the time that all attempts have together is over. */
  #isAnswerOver(nowMs: number): boolean {
    const { answerMs } = this.#timeouts as UpstreamTimeouts
    return answerMs !== undefined && nowMs - this.firstAttemptMs >= answerMs
  }

  /** Whether an attempt that begins then is none any more. */
  #isLate({ timeoutMs }: Retry, atMs: number): boolean {
    return timeoutMs > 0 && atMs - this.firstAttemptMs >= timeoutMs
  }

  /** Whether the upstream's limit lets the request try again; once it may it may for the rest of its life. */
  #startRetry(): boolean {
    if (this.#gate !== null && !this.#isRetrying) this.#isRetrying = this.#gate.startRetry()
    return this.#gate === null || this.#isRetrying
  }

  #mayFailOver({ balance, model }: CompiledUpstream): boolean {
    return this.#failoverTurn < balance.failover.length * model.retry.failoverTries
  }

  /** The same endpoint once more, after a wait where the document wants one. */
  #repeat(repeat: SameEndpointRetry, endpoint: CompiledEndpoint): void {
    const waitMs = this.#waitMs(repeat)
    this.#repeats++
    this.#repeated++
    if (waitMs === 0) return this.#attemptEndpoint(endpoint, false)
    this.#wait ??= new Wait(this)
    this.#wait.isForAll = false
    this.plane.deadlines.set(this.#wait, clock.nowMs + waitMs)
  }

  #waitMs({ delayMs, multiplier, maxMs }: SameEndpointRetry): number {
    return Math.min(maxMs, delayMs * multiplier ** this.#repeats)
  }

  /** The wait before a repeat is over; `isForAll`: it was one before all endpoints are asked again. */
  onWaited(isForAll: boolean): void {
    if (!this.isActive || this.endpoint === null) return
    if (isForAll) this.#attemptNext()
    else this.#attemptEndpoint(this.endpoint, false)
  }

  /** No endpoint is tried twice while another is left (what then comes is `#attemptNext`'s); an upstream's only one is, where its dialect says so. */
  #markTried(upstream: CompiledUpstream, endpoint: CompiledEndpoint, always: boolean): void {
    if (!always && upstream.endpoints.length === 1 && upstream.model.retry.sameEndpointWhenAlone) return
    if (this.#tried.length === 0) this.#tried = new Uint8Array(upstream.endpoints.length)
    this.#tried[endpoint.index] = 1
  }

  #leaveEndpoint(field: number | null): void {
    const endpoint = this.endpoint as CompiledEndpoint
    this.#connection = null
    this.#leave(endpoint)
    if (field !== null) this.#count(endpoint, field, 1)
  }

  #dropConnection(): void {
    const connection = this.#connection
    this.#held = null
    if (connection === null) return
    this.#connection = null
    const endpoint = this.endpoint as CompiledEndpoint
    this.#leave(endpoint)
    if (this.upstreamStatus === undefined)
      (this.upstream as CompiledUpstream).balance.judge?.abandoned(endpoint.index)
    connection.close()
  }

  /** A request is on its way to an endpoint. */
  #enter(endpoint: CompiledEndpoint): void {
    this.#count(endpoint, ENDPOINT.IN_FLIGHT, 1)
    if (endpoint.flightAt >= 0) Atomics.add(this.plane.options.health, endpoint.flightAt, 1)
    if (this.#gate !== null) this.#gate.enterEndpoint(endpoint.index)
  }

  #leave(endpoint: CompiledEndpoint): void {
    this.#count(endpoint, ENDPOINT.IN_FLIGHT, -1)
    if (endpoint.flightAt >= 0) Atomics.sub(this.plane.options.health, endpoint.flightAt, 1)
    if (this.#gate !== null) this.#gate.leaveEndpoint(endpoint.index)
  }

  // ================= answers the gateway makes =================

  respondError(code: ErrorCode): void {
    this.errorCode = code
    // whoever sent something unreadable or too much is not read further
    if (ERROR_CODES[code].source === 'downstream') this.client.markLast()
    this.#respond(this.isGrpc ? this.#grpcAnswer(code) : this.errorAnswer(code))
  }

  #grpcAnswer(code: ErrorCode): OwnAnswer {
    const own = this.plane.options.settings.errorField ? `X-Headgate-Error: ${code}\r\n` : ''
    return {
      status: 200,
      fields: `Content-Type: application/grpc\r\n${grpcErrorLines(code)}${own}`,
      body: '',
    }
  }

  errorAnswer(code: ErrorCode): OwnAnswer {
    const surface = this.surface
    const status = surface.statuses[code] ?? ERROR_CODES[code].status
    const { contentType, body } = errorBody(surface, status, code, this.requestId)
    let limit = this.limitName === '' ? '' : `X-Headgate-Limit: ${this.limitName}\r\n`
    if (code === 'UPGRADE_VERSION') limit += 'Sec-WebSocket-Version: 13\r\n'
    const own = this.plane.options.settings.errorField ? `X-Headgate-Error: ${code}\r\n${limit}` : ''
    const refuser = status === 401 ? this.refuser : null
    const field = refuser === null ? own : `WWW-Authenticate: ${refuser.challenge}\r\n${own}`
    return {
      status,
      fields: contentType === '' ? field : `Content-Type: ${contentType}\r\n${field}`,
      body: refuser?.refusalBody ?? body,
    }
  }

  #respondPlain(status: number): void {
    this.#respond({ status, fields: '', body: '' })
  }

  #respondFixed(target: CompiledRespondTarget): void {
    const { page } = target.model
    const errorCode = target.model.errorCode as ErrorCode | null
    this.errorCode = errorCode
    // an error in the form of the surface is one for clients of gRPC too
    const isStatus = this.isGrpc && page && errorCode !== null
    this.#respond(isStatus ? this.#grpcAnswer(errorCode) : this.fixedAnswer(target))
  }

  fixedAnswer(target: CompiledRespondTarget): OwnAnswer {
    const model = target.model
    const code = model.errorCode as ErrorCode | null
    let fields = ''
    for (const { name, value } of model.headers) fields += `${name}: ${value}\r\n`
    if (code !== null && this.plane.options.settings.errorField) fields += `X-Headgate-Error: ${code}\r\n`
    if (!model.page) return { status: model.status, fields, body: target.body }
    const page = statusBody(this.surface, model.status, code, this.requestId)
    return {
      status: model.status,
      fields: page.contentType === '' ? fields : `Content-Type: ${page.contentType}\r\n${fields}`,
      body: page.body,
    }
  }

  /** Whether all of the body is there, and within the limit: whoever reads a body over it reads none. */
  get isBodyRead(): boolean {
    const { body } = this
    return typeof body === 'string'
      ? body.length <= this.plane.options.settings.limits.maxInspectedBodyBytes
      : this.bytesIn === 0
  }

  echoAnswer(): OwnAnswer {
    return { status: 200, fields: echoedFields(this), body: this.body ?? '' }
  }

  redirectAnswer(target: CompiledRedirectTarget): OwnAnswer {
    const status = target.status(this)
    const page = statusBody(this.surface, status, null, this.requestId)
    const type = page.contentType === '' ? '' : `Content-Type: ${page.contentType}\r\n`
    return { status, fields: `${type}Location: ${target.location(this)}\r\n`, body: page.body }
  }

  #respond(answer: OwnAnswer): void {
    if (!this.#isBodyComplete) this.#expectCutBody()
    this.status = answer.status
    this.headMs = clock.nowMs
    const composed = composeAnswerHead(this, answer, 'length')
    if (composed === null) {
      // a response filter made something that may not go out: the bare fact, without filters
      this.route = null
      return this.respondError('BAD_REWRITE')
    }
    this.isHeadSent = true
    this.bytesOut += composed.bodyBytes
    this.client.writeHead(composed.text)
    this.#finish()
  }

  /** The surface of what was matched; of the last section that has routes where nothing was. */
  get surface(): Surface {
    return this.route === null ? this.plane.options.table.missSection.surface : this.route.section.surface
  }

  // ================= the end =================

  #finish(): void {
    this.client.flush()
    this.#settle()
    this.client.onExchangeDone()
  }

  #abort(): void {
    this.#settle()
    this.client.abort(this.#framing === 'close')
  }

  onClientGone(): void {
    if (!this.isActive) return
    this.#dropConnection()
    if (this.errorCode === null) this.errorCode = 'CLIENT_GONE'
    if (this.status === 0) this.status = 499
    this.#settle()
  }

  #settle(): void {
    if (!this.isActive) return
    this.isActive = false
    if (this.#wait !== null) this.plane.deadlines.forget(this.#wait)
    if (this.#tunnelEnd !== null) this.plane.deadlines.forget(this.#tunnelEnd)
    if (this.#callDeadline !== null) this.plane.deadlines.forget(this.#callDeadline)
    if (this.#gate !== null) this.#leaveGate(this.#gate)
    if (this.#copies !== null) this.#endCopies('INCOMPLETE')
    this.plane.inFlight--
    countWorker(this.plane, WORKER.IN_FLIGHT, -1)
    this.#kept.reset()
    const now = clock.nowMs
    if (this.errorCode !== null) countError(this.plane, this.errorCode)
    this.#countRequest(now)
    if (this.isTunnel) this.client.recallHead()
    if (this.plane.options.accessLog !== null) recordExchange(this, this.plane.options.accessLog, now)
    this.answer = null
    this.event = null
    this.#envelope = null
  }

  #leaveGate(gate: UpstreamGate): void {
    this.#gate = null
    if (this.#isWaiting) gate.forget(this)
    if (this.#isRetrying) gate.endRetry()
    this.#isWaiting = false
    this.#isRetrying = false
    gate.leave()
  }

  /** A few plain additions in lines that lie side by side (model/counters.ts). */
  #countRequest(nowMs: number): void {
    const lane = this.plane.options.lane
    const at = this.#block * LINE
    const code = at + BLOCK.CODES + codeCell(this.status)
    const totalMs = nowMs - this.startMs
    const total = at + BLOCK.BUCKETS + bucketOf(totalMs) * PHASES + PHASE.TOTAL
    lane[at + BLOCK.REQUESTS] = (lane[at + BLOCK.REQUESTS] as number) + 1
    lane[at + BLOCK.BYTES_IN] = (lane[at + BLOCK.BYTES_IN] as number) + this.bytesIn
    lane[at + BLOCK.BYTES_OUT] = (lane[at + BLOCK.BYTES_OUT] as number) + this.bytesOut
    lane[at + BLOCK.SECONDS] = (lane[at + BLOCK.SECONDS] as number) + totalMs / 1000
    lane[code] = (lane[code] as number) + 1
    lane[total] = (lane[total] as number) + 1
    let gatewayMs = totalMs
    const endpoint = this.endpoint
    if (endpoint !== null) {
      const upstreamMs = nowMs - this.firstAttemptMs
      gatewayMs = totalMs - upstreamMs
      const bucket = bucketOf(upstreamMs)
      const upstream = at + BLOCK.BUCKETS + bucket * PHASES + PHASE.UPSTREAM
      lane[at + BLOCK.UPSTREAM_SECONDS] = (lane[at + BLOCK.UPSTREAM_SECONDS] as number) + upstreamMs / 1000
      lane[upstream] = (lane[upstream] as number) + 1
      if (this.upstreamStatus !== undefined) {
        this.#count(endpoint, ENDPOINT.SECONDS, upstreamMs / 1000)
        this.#count(endpoint, ENDPOINT.BUCKETS + bucket, 1)
      }
    }
    const gateway = at + BLOCK.BUCKETS + bucketOf(gatewayMs) * PHASES + PHASE.GATEWAY
    lane[gateway] = (lane[gateway] as number) + 1
  }

  #reset(nowMs: number): void {
    this.startMs = nowMs
    this.headMs = 0
    this.forgetFacts()
    this.#block = NO_ROUTE
    this.rule = null
    this.choice = null
    this.choiceReason = 'weight'
    this.choiceCookie = ''
    this.#fallback = null
    this.limitName = ''
    this.upstream = null
    this.endpoint = null
    this.event = null
    this.#envelope = null
    this.redirect = null
    this.isAnswerError = null
    this.#bodyText = null
    this.#isBodyComplete = false
    this.#isInspecting = false
    this.#trailers = ''
    this.#isEndSent = false
    this.#hasContinued = false
    this.attempts = 0
    this.sends = 0
    this.#hasWaited = false
    this.#tried = NONE_TRIED
    this.#excluded = null
    this.#sticky = -1
    this.#key = null
    this.#repeats = 0
    this.#repeated = 0
    this.#failovers = 0
    this.#failoverTurn = 0
    this.#hadFresh = false
    this.#lastFailure = null
    this.upstreamStatuses = ''
    this.failedEndpoints = ''
    this.status = 0
    this.upstreamStatus = undefined
    this.isHeadSent = false
    this.#framing = 'none'
    this.#dropsBody = false
    this.isGrpc = false
    this.#calls = null
    this.#messages = null
    this.#opening = null
    this.#openings = 0
    this.upgrade = ''
    this.isTunnel = false
    this.#frames = null
    this.errorCode = null
    this.isActive = true
    this.bytesIn = 0
    this.bytesOut = 0
    this.plane.inFlight++
    countWorker(this.plane, WORKER.REQUESTS, 1)
    countWorker(this.plane, WORKER.IN_FLIGHT, 1)
  }

  #count(endpoint: CompiledEndpoint, field: number, by: number): void {
    const lane = this.plane.options.lane
    const at = endpoint.slot + field
    lane[at] = (lane[at] as number) + by
  }

  #noteStatus(status: number): void {
    this.upstreamStatuses =
      this.upstreamStatuses === '' ? String(status) : `${this.upstreamStatuses}, ${status}`
  }

  /** Of the connection in use; undefined while there is none. */
  get endpointAddress(): string | undefined {
    return this.#connection?.address
  }
  get fieldLines(): string {
    return eventFields(this)
  }
}

/** Level of `Plane.overload` from which new requests are refused; below it only connections are not kept. */
const REFUSING = 2
/** Endpoints are left, but each has as many requests as it may. */
const ALL_FULL = -2

/** What an ending tunnel has left: an endpoint for its last bytes, a client for its Close frame. Milliseconds. */
const TUNNEL_END_MS = 1000
/** Over so long WebSockets are closed when the gateway stops. Milliseconds. */
const TUNNEL_LEAVE_MS = 5000

/** The end of a call that its client set. */
class CallDeadline implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly #exchange: Exchange
  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }
  expire(): void {
    this.#exchange.onCallTimeout()
  }
}

class TunnelEnd implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  isPolite = false
  readonly #exchange: Exchange
  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }
  expire(): void {
    this.#exchange.onTunnelTimeout(this.isPolite)
  }
}

/** A target, and the request as its filters have to find it. */
interface Fallback {
  readonly target: CompiledTarget
  readonly sentMethod: string
  readonly sentTarget: string
  readonly hostOverride: string | null
  readonly query: string | null
  readonly consumer: KnownConsumer | null
  readonly overlay: HeaderOverlay | null
}

/** The wait before an endpoint, or all of them, are asked again. */
class Wait implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  isForAll = false
  readonly #exchange: Exchange
  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }
  expire(): void {
    this.#exchange.onWaited(this.isForAll)
  }
}

/** What a client shows to one place only. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie'])

function placeOf({ pool, model, hostField }: CompiledEndpoint): Place {
  return { scheme: pool.identity.scheme, host: model.host, port: model.port, hostField, target: '' }
}

function isSamePlace(one: Place, two: Place): boolean {
  return (
    one.scheme === two.scheme && one.host.toLowerCase() === two.host.toLowerCase() && one.port === two.port
  )
}

/** Whether an endpoint that keeps a client may have its request. */
function isFree(
  { balance, endpoints }: CompiledUpstream,
  index: number,
  excluded: Uint8Array | null,
): boolean {
  const { failoverOnly, weight } = (endpoints[index] as CompiledEndpoint).model
  return !failoverOnly && weight > 0 && excluded?.[index] !== 1 && balance.isUsable(index)
}

/** Whether the conditions leave nobody that a first attempt could go to. */
export function isNobodyLeft({ endpoints }: CompiledUpstream, excluded: Uint8Array): boolean {
  return endpoints.every(
    ({ model }, index) => excluded[index] === 1 || model.failoverOnly || model.weight === 0,
  )
}

/** Which endpoints of an upstream's new form were tried in its old one. */
function sameEndpoints(tried: Uint8Array, from: CompiledUpstream, to: CompiledUpstream): Uint8Array {
  if (tried.length === 0) return NONE_TRIED
  const labels = new Set(from.endpoints.filter(({ index }) => tried[index] === 1).map(({ label }) => label))
  return Uint8Array.from(to.endpoints, ({ label }) => (labels.has(label) ? 1 : 0))
}
