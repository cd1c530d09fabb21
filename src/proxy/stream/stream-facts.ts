import type { Hash64 } from '../../expression/hash64.ts'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { CompiledStreamRoute, StreamView } from '../../routing/stream-table.ts'
import type { ChoiceReason, CompiledRule, CompiledTarget, Trace } from '../../routing/table.ts'
import type { Plane } from '../plane.ts'
import { makeRequestId } from '../request-id.ts'
import type { CompiledUpstream } from '../upstream/upstreams.ts'

/** Facts about where a stream comes in. */
export interface StreamPlace {
  readonly transport: 'tcp' | 'tls' | 'udp'
  readonly clientAddress: string
  readonly clientPort: number
  readonly peerAddress: string
  readonly localAddress: string
  readonly localPort: number
}

/**
 * A stream as conditions see it, and its choices from the route down to the target. It counts nothing: that is the business of the StreamChoice of a
 * stream that is carried. Explain makes the same choices with a trace.
 */
export class StreamFacts implements StreamView {
  readonly plane: Plane
  readonly transport: 'tcp' | 'tls' | 'udp'
  readonly clientAddress: string
  readonly clientPort: number
  readonly peerAddress: string
  readonly localAddress: string
  readonly localPort: number
  serverName: string | null = null
  readonly method = ''
  readonly target = ''
  readonly path = ''
  readonly query = null
  readonly scheme = 'http'
  readonly body = null
  readonly cookies = undefined
  readonly pathParams = null
  readonly consumer = null
  readonly answer = null
  // ---- what was chosen ----
  revision = 0
  route: CompiledStreamRoute | null = null
  rule: CompiledRule | null = null
  choice: CompiledTarget | null = null
  /** What made it. */
  choiceReason: ChoiceReason = 'weight'
  #requestId = ''

  constructor(plane: Plane, place: StreamPlace) {
    this.plane = plane
    this.transport = place.transport
    this.clientAddress = place.clientAddress
    this.clientPort = place.clientPort
    this.peerAddress = place.peerAddress
    this.localAddress = place.localAddress
    this.localPort = place.localPort
  }

  get host(): string {
    return this.serverName ?? ''
  }
  get protocol(): string {
    return this.transport.toUpperCase()
  }
  get requestId(): string {
    if (this.#requestId === '') this.#requestId = makeRequestId()
    return this.#requestId
  }
  get labels(): StreamView['labels'] {
    return this.route === null ? null : this.route.model.labels
  }
  header(): undefined {
    return undefined
  }
  joinedField(): undefined {
    return undefined
  }
  firstField(): undefined {
    return undefined
  }
  random(): number {
    return Math.random()
  }

  /** Route, rule and target. A code: why no upstream is to be asked. With a trace (explain) nothing moves on: the split is peeked at. */
  chooseTarget(trace: Trace | null): ErrorCode | null {
    const { streams, options } = this.plane
    this.revision = options.table.revision
    const route = streams.find(this)
    if (route === null) return 'ROUTE_NOT_FOUND'
    this.route = route
    const rule = route.chooseRule(this, trace)
    if (rule === null) return 'NO_UPSTREAM'
    this.rule = rule
    const { split } = rule
    let target: CompiledTarget | null
    if (split.policy === null) target = trace === null ? split.pick() : split.peek()
    else {
      target = split.policy.choose(this, trace !== null)
      this.choiceReason = split.policy.reason
    }
    if (target === null) return 'NO_TARGET'
    this.choice = target
    if (target.kind === 'upstream') return null
    return (target.model as { errorCode?: ErrorCode | null }).errorCode ?? 'NO_UPSTREAM'
  }

  /** The key by which the upstream's balancer keeps streams together; null: the stream has none. */
  readKey(upstream: CompiledUpstream): Hash64 | null {
    if (upstream.hashKey === null) return null
    const key = { high: 0, low: 0 }
    return upstream.hashKey.read(this, key) ? key : null
  }
}
