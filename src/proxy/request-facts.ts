import type { AnswerView, RequestView } from '../expression/request-view.ts'
import type { ErrorCode } from '../model/error-codes.ts'
import type { KnownConsumer } from '../routing/consumers.ts'
import type { CompiledAuthentication } from '../routing/filters/authentication.ts'
import type { CompiledMirror } from '../routing/filters/mirror.ts'
import {
  type CompiledRequestFilter,
  type CompiledRoute,
  NEEDS_BODY,
  type Trace as RouteTrace,
} from '../routing/table.ts'
import type { Client } from './client.ts'
import { readAddress, walkForwardedFor } from './forwarded.ts'
import { HeaderOverlay } from './header-overlay.ts'
import { FIELD } from './http1/field-kind.ts'
import type { Plane } from './plane.ts'
import { makeRequestId, readRequestId, withholdField } from './request-id.ts'
import { Trace } from './trace-context.ts'

/** They tell the upstream whom the request is from, so nobody else may write them. */
export const CONSUMER_FIELDS: readonly string[] = [
  'x-consumer-username',
  'x-credential-identifier',
  'x-consumer-custom-id',
]

/** What only a trusted peer may say about how the request came; from anybody else it is as if it were not there (apisix.md section 10). */
const CLAIMS: ReadonlySet<string> = new Set([
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
])

/**
 * A request as conditions and variables see it: what its client sent, who that is, and what filters have made of it. It sends and counts nothing: that is the business of the
 * Exchange of a request that is served.
 */
export abstract class RequestFacts implements RequestView {
  readonly plane: Plane
  readonly client: Client

  path = ''
  query: string | null = null
  clientAddress = ''
  /** What goes to the end of X-Forwarded-For: the peer, or the client it may name. */
  appendedAddress = ''
  isPeerTrusted = false
  keepsForwardedFor = true
  /** Whether any forwarding field came: without, the lines are the same for the whole connection. */
  cameForwarded = false
  body: string | null | undefined = null
  pathParams: ReadonlyMap<string, string> | null = null
  consumer: KnownConsumer | null = null
  answer: AnswerView | null = null
  #requestId = ''
  /** Whether a trace field came. */
  cameTraced = false
  /** Whether `trace` is about this request. */
  isTraced = false
  trace: Trace | null = null
  /** Whose labels variables show; null while routes are searched. */
  route: CompiledRoute | null = null

  // ---- what filters made of it ----
  sentMethod = ''
  sentTarget = ''
  hostOverride: string | null = null
  /** Header edits of request filters; null: the fields go as they came. */
  overlay: HeaderOverlay | null = null
  /** Mirrors that the request came to; null: none. */
  protected mirrors: CompiledMirror[] | null = null
  /** What refused the request; it has its say in the answer. */
  protected refuser: CompiledAuthentication | null = null

  constructor(plane: Plane, client: Client) {
    this.plane = plane
    this.client = client
  }

  /** Makes room for the next request of the connection. */
  protected forgetFacts(): void {
    this.path = ''
    this.query = null
    this.body = null
    this.pathParams = null
    this.consumer = null
    this.answer = null
    this.#requestId = ''
    this.isTraced = false
    this.route = null
    this.mirrors = null
    this.hostOverride = null
    this.overlay = null
  }

  /**
   * Who the client is, and which forwarding fields came. Without trusted peers X-Forwarded-For is kept and appended to; once there are
   * some, that of any other peer is discarded (reliability.md section 0).
   */
  protected identifyClient(): void {
    const peer = this.client.peerAddress
    this.clientAddress = peer
    this.appendedAddress = peer
    this.cameForwarded = false
    this.cameTraced = false
    const rules = this.plane.clientRules
    this.isPeerTrusted = rules.hasTrusted && rules.isTrusted(peer)
    this.keepsForwardedFor = !rules.hasTrusted || this.isPeerTrusted
    const fields = this.client.head.fields
    let realIp = -1
    for (let i = 0; i < fields.count; i++) {
      const kind = fields.kind[i] as number
      if (kind < FIELD.FORWARDED || kind > FIELD.TRACESTATE) continue
      if (kind >= FIELD.TRACEPARENT) {
        this.cameTraced = true
        continue
      }
      this.cameForwarded = true
      if (kind === FIELD.X_REAL_IP) realIp = i
    }
    if (!this.cameForwarded) return
    if (this.isPeerTrusted) {
      const list = fields.get('x-forwarded-for')
      if (list !== undefined) this.clientAddress = walkForwardedFor(list, peer, rules.isTrusted)
    }
    if (realIp < 0 || !(this.isPeerTrusted || rules.mayNameClient(peer))) return
    const named = readAddress(fields.value(realIp))
    if (named === null) return
    this.clientAddress = named
    this.appendedAddress = named
  }

  /** Reads the trace fields; withholds those, and the id, that endpoints get from us. */
  protected mark(): void {
    const { requestId } = this.plane
    const { tracing } = this.plane.options.settings
    const fields = this.client.head.fields
    if (requestId.toUpstream) {
      this.#requestId = this.requestId
      withholdField(fields, requestId.lowerField)
    }
    if (tracing.mode === 'off' || (tracing.mode === 'pass' && !this.cameTraced)) return
    if (this.trace === null) this.trace = new Trace()
    this.isTraced = true
    this.trace.begin(fields, tracing, tracing.trustIncoming || this.isPeerTrusted)
  }

  /** Runs request filters. BAD_REWRITE: one made something that may not go on the wire. */
  protected applyFilters(
    filters: readonly CompiledRequestFilter[],
    trace: RouteTrace | null,
  ): ErrorCode | typeof NEEDS_BODY | null {
    for (const filter of filters) {
      if (filter.needsBody && this.body === undefined) return NEEDS_BODY
      if (filter.applies !== null && !filter.applies(this, trace)) {
        if (trace !== null) trace.filter(filter, false)
        continue
      }
      if (filter.authentication !== null) {
        const refusal = this.#authenticate(filter.authentication)
        if (trace !== null) trace.filter(filter, true)
        if (refusal !== null) return refusal
        continue
      }
      if (filter.mirror !== null) {
        if (trace !== null) trace.filter(filter, true)
        else {
          this.mirrors ??= []
          this.mirrors.push(filter.mirror)
        }
        continue
      }
      const groups = { captures: null }
      if (filter.target !== null) {
        const target = filter.target(this, groups)
        if (target === undefined) return 'BAD_REWRITE'
        this.sentTarget = target
      }
      if (filter.method !== null) this.sentMethod = filter.method
      if (filter.host !== null) this.hostOverride = filter.host
      if (filter.hostFrom !== null) {
        const host = filter.hostFrom(this)
        if (host === undefined) return 'BAD_REWRITE'
        if (host !== '') this.hostOverride = host
      }
      if (filter.headers !== null) {
        const lines = filter.headers.lines(this, groups)
        if (lines === undefined) return 'BAD_REWRITE'
        if (this.overlay === null) this.overlay = new HeaderOverlay()
        this.overlay.apply(filter.headers.dropped, lines)
      }
      if (trace !== null) trace.filter(filter, true)
    }
    return null
  }

  /** Finds whom the request is from. A code: it is refused. */
  #authenticate(authentication: CompiledAuthentication): ErrorCode | null {
    const shown = authentication.read(this)
    let consumer = shown === null ? undefined : authentication.byKey(shown.key)
    const isKnown = consumer !== undefined
    if (consumer === undefined) {
      const { anonymous } = authentication
      const code = shown === null ? 'KEY_MISSING' : 'KEY_UNKNOWN'
      if (anonymous !== null) consumer = authentication.byName(anonymous)
      if (consumer === undefined) {
        this.refuser = authentication
        return anonymous === null ? code : 'CONSUMER_UNKNOWN'
      }
    }
    this.consumer = consumer
    const dropped = new Set(CONSUMER_FIELDS)
    if (authentication.hidesKey) {
      // a good key goes from where it was found, a bad one from wherever it may stand
      const rest = isKnown ? shown?.restOfQuery : authentication.restOfQuery(this)
      if (!isKnown || rest === undefined) dropped.add(authentication.header)
      if (rest !== undefined) this.#setQuery(rest)
    }
    const lines: (readonly [string, string])[] = [['X-Consumer-Username', consumer.name]]
    if (consumer.customId !== null) lines.push(['X-Consumer-Custom-ID', consumer.customId])
    if (this.overlay === null) this.overlay = new HeaderOverlay()
    this.overlay.apply(dropped, lines)
    return null
  }

  #setQuery(query: string | null): void {
    this.query = query
    const mark = this.sentTarget.indexOf('?')
    const path = mark < 0 ? this.sentTarget : this.sentTarget.slice(0, mark)
    this.sentTarget = query === null ? path : `${path}?${query}`
  }

  /** The name that TLS asks for where the client's Host goes on: without the port that a rewrite may have given it. */
  get serverName(): string {
    const host = this.hostOverride
    return host === null ? this.host : host.replace(/:\d+$/, '').toLowerCase()
  }

  // ================= RequestView =================

  get method(): string {
    return this.client.head.method
  }
  get target(): string {
    return this.client.head.target
  }
  get host(): string {
    return this.client.head.host
  }
  get labels(): RequestView['labels'] {
    return this.route === null ? null : this.route.model.labels
  }
  get scheme(): 'http' | 'https' {
    return this.client.scheme
  }
  get protocol(): string {
    if (this.client.isFramed) return 'HTTP/2.0'
    return this.client.head.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0'
  }
  get clientPort(): number {
    return this.client.peerPort
  }
  get peerAddress(): string {
    return this.client.peerAddress
  }
  get localAddress(): string {
    return this.client.localAddress
  }
  get localPort(): number {
    return this.client.localPort
  }
  get requestId(): string {
    if (this.#requestId === '') this.#requestId = this.#acceptedId() ?? makeRequestId()
    return this.#requestId
  }
  /** The id that the peer gave the request, if it may. */
  #acceptedId(): string | null {
    return this.isPeerTrusted ? readRequestId(this.client.head.fields, this.plane.requestId.lowerField) : null
  }
  header(name: string): string | undefined {
    if (this.cameForwarded && !this.isPeerTrusted && CLAIMS.has(name)) return undefined
    const fields = this.client.head.fields
    return this.overlay === null ? fields.getLoose(name) : this.overlay.get(name, fields)
  }
  joinedField(name: string): string | undefined {
    if (this.cameForwarded && !this.isPeerTrusted && CLAIMS.has(name)) return undefined
    const fields = this.client.head.fields
    return this.overlay === null ? fields.join(name, ',') : this.overlay.join(name, ',', fields)
  }
  firstField(name: string | null, lowerName: string): string | undefined {
    if (this.cameForwarded && !this.isPeerTrusted && CLAIMS.has(lowerName)) return undefined
    const { head, isFramed } = this.client
    const { fields } = head
    if (this.overlay !== null) return this.overlay.first(isFramed ? null : name, lowerName, fields)
    const at = isFramed || name === null ? fields.find(lowerName) : fields.findExact(name)
    return at < 0 ? undefined : fields.value(at)
  }
  random(): number {
    return Math.random()
  }
  get cookies(): string | undefined {
    const fields = this.client.head.fields
    return this.overlay === null ? fields.join('cookie', '; ') : this.overlay.cookies(fields)
  }
}
