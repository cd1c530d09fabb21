import { randomBytes } from 'node:crypto'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { Client, ClientTls } from '../client.ts'
import { clock } from '../clock.ts'
import type { Timed } from '../deadlines.ts'
import { Exchange } from '../exchange.ts'
import { mayStandInTrailer } from '../http1/field-kind.ts'
import { parseRequestHead, type RequestHead } from '../http1/request-head.ts'
import { SMALL_PIECE } from '../kept-body.ts'
import type { Plane } from '../plane.ts'
import { OF_CONNECTION, pseudoField, readFieldLine } from './field-line.ts'
import { CODE } from './frames.ts'
import type { Field, FieldSink } from './hpack-decoder.ts'
import type { ServerSession } from './server-session.ts'
import { Stream } from './stream.ts'

/** One request of a client of HTTP/2, and its answer. Its head is put into the form of HTTP/1.1 and read by the same parser: what is valid is said once. */
export class ServerStream extends Stream implements Client, FieldSink, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly plane: Plane
  readonly isFramed = true
  session: ServerSession
  head: RequestHead
  readonly exchange: Exchange
  /** A CONNECT for a protocol (RFC 8441): an answer other than a change to it must not look like one. */
  mustUpgrade = false
  // ---- the head that comes ----
  #method = ''
  #scheme = ''
  #authority: string | null = null
  #path = ''
  #protocol = ''
  #lines = ''
  #cookies = ''
  #bytes = 0
  #fields = 0
  #isMalformed = false
  #isTooLarge = false
  #hasRegular = false
  #hasHead = false
  #isTrailer = false
  #bodyBytes = 0
  #isTunnel = false
  // ---- the head that goes ----
  #answer = ''
  #isDone = false

  constructor(plane: Plane, session: ServerSession) {
    super()
    this.plane = plane
    this.session = session
    this.head = plane.heads.idle
    this.exchange = new Exchange(plane, this)
  }

  open(session: ServerSession, id: number, sendWindow: number): void {
    this.session = session
    this.resetStream(id, sendWindow, session.streamWindow)
    this.mustUpgrade = false
    this.#hasHead = false
    this.#bodyBytes = 0
    this.#isTunnel = false
    this.#answer = ''
    this.#isDone = false
    this.beginFields(false)
  }

  // ================= the head =================

  beginFields(isTrailer: boolean): void {
    this.#isTrailer = isTrailer
    this.#method = ''
    this.#scheme = ''
    this.#authority = null
    this.#path = ''
    this.#protocol = ''
    this.#lines = ''
    this.#cookies = ''
    this.#bytes = 0
    this.#fields = 0
    this.#isMalformed = false
    this.#isTooLarge = false
    this.#hasRegular = false
  }

  onField(field: Field): void {
    const { limits } = this.plane.options.settings
    this.#bytes += field.size
    this.#fields++
    if (this.#bytes > limits.maxHeadBytes || this.#fields > limits.maxFields) {
      this.#isTooLarge = true
      // so much is no mistake any more
      if (this.#bytes > 2 * limits.maxHeadBytes + MAX_OVERRUN) this.session.fail(CODE.ENHANCE_YOUR_CALM)
      return
    }
    if (!field.isValid) this.#isMalformed = true
    else if (field.line === '') this.#takePseudo(field)
    else this.#takeRegular(field)
  }

  #takePseudo({ name, value }: Field): void {
    if (this.#hasRegular || this.#isTrailer) {
      this.#isMalformed = true
      return
    }
    switch (name) {
      case ':method':
        if (this.#method !== '' || value === '') this.#isMalformed = true
        this.#method = value
        return
      case ':path':
        if (this.#path !== '' || value === '') this.#isMalformed = true
        this.#path = value
        return
      case ':scheme':
        if (this.#scheme !== '' || value === '') this.#isMalformed = true
        this.#scheme = value
        return
      case ':authority':
        if (this.#authority !== null) this.#isMalformed = true
        this.#authority = value
        return
      case ':protocol':
        if (this.#protocol !== '' || value === '') this.#isMalformed = true
        this.#protocol = value
        return
      default:
        this.#isMalformed = true
    }
  }

  #takeRegular(field: Field): void {
    const { name, value } = field
    this.#hasRegular = true
    if (this.#isTrailer) {
      if (mayStandInTrailer(name)) this.#lines += field.line
      return
    }
    switch (name) {
      case 'cookie':
        // crumbs of one field (RFC 9113 section 8.2.3)
        this.#cookies = this.#cookies === '' ? value : `${this.#cookies}; ${value}`
        return
      case 'host':
        if (this.#authority === null || this.#authority === '') this.#authority = value
        else if (this.#authority !== value) this.#isMalformed = true
        return
      case 'te':
        if (value.toLowerCase() !== 'trailers') this.#isMalformed = true
        break
      case 'sec-websocket-key':
        if (this.#protocol !== '') return
        break
      default:
        if (OF_CONNECTION.has(name)) this.#isMalformed = true
    }
    this.#lines += field.line
  }

  /** The block is complete. */
  onHead(isEnd: boolean): void {
    if (this.#isTrailer) return this.#onTrailers(isEnd)
    if (this.#hasHead) return
    this.#hasHead = true
    const isConnect = this.#method === 'CONNECT'
    const isExtended = isConnect && this.#protocol !== ''
    const isWhole =
      isConnect && !isExtended ? this.#authority !== null : this.#path !== '' && this.#scheme !== ''
    if (this.#method === '' || !isWhole || (this.#protocol !== '' && !isConnect)) this.#isMalformed = true
    if (this.#isMalformed) return this.session.resetStream(this, CODE.PROTOCOL_ERROR)
    if (isEnd) this.hasRemoteEnd = true
    this.head = this.plane.heads.take()
    const now = clock.nowMs
    if (this.#isTooLarge) return this.#refuse('HEAD_TOO_LARGE', now)
    if (isConnect && !isExtended) return this.#refuse('METHOD_NOT_IMPLEMENTED', now)
    const { settings } = this.plane.options
    const text = this.#toText(isExtended)
    const end = parseRequestHead(this.head, text, 0, this.session.textLimits)
    this.#lines = ''
    if (end <= 0) return this.#refuse(end === 0 ? 'BAD_REQUEST' : this.head.error, now)
    if (this.head.hasAbsoluteTarget) return this.session.resetStream(this, CODE.PROTOCOL_ERROR)
    if (!this.head.fields.allowUnderscores(settings.fieldsWithUnderscore))
      return this.#refuse('BAD_REQUEST', now)
    this.head.keepAlive = true
    if (isExtended) {
      this.mustUpgrade = true
      this.exchange.begin('', now)
      return
    }
    if (isEnd) {
      if (this.head.contentLength > 0) return this.session.resetStream(this, CODE.PROTOCOL_ERROR)
      this.exchange.begin('', now)
      return
    }
    if (this.head.contentLength < 0) {
      this.head.chunked = true
      this.head.expectsContinue = this.head.fields.find('expect') >= 0
    }
    this.exchange.begin(null, now)
    this.#watch()
  }

  #toText(isExtended: boolean): string {
    const method = isExtended ? 'GET' : this.#method
    const host = this.#authority === null ? '' : `host: ${this.#authority}\r\n`
    const cookie = this.#cookies === '' ? '' : `cookie: ${this.#cookies}\r\n`
    // over HTTP/1.1 the handshake has a key, which nobody else gets to see
    const upgrade = isExtended
      ? `upgrade: ${this.#protocol}\r\nconnection: upgrade\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n`
      : ''
    return `${method} ${this.#path} HTTP/1.1\r\n${host}${upgrade}${this.#lines}${cookie}\r\n`
  }

  #refuse(code: ErrorCode, nowMs: number): void {
    this.exchange.refuse(code, nowMs)
  }

  // ================= the body =================

  onData(bytes: Buffer, from: number, to: number): void {
    if (this.#isTunnel) return this.exchange.onTunnelData(bytes, from, to)
    if (!this.#hasHead || !this.exchange.isActive || this.#isDone) return
    this.#bodyBytes += to - from
    const { contentLength } = this.head
    if (contentLength >= 0 && this.#bodyBytes > contentLength) return this.#breakBody()
    this.#watch()
    this.exchange.beginBodyTurn()
    if (to - from <= SMALL_PIECE) this.exchange.onBodyData(bytes, from, to)
    else {
      // what the exchange holds on to must be its own
      const part = Buffer.from(bytes.subarray(from, to))
      this.exchange.onBodyData(part, 0, part.length)
    }
    if (this.exchange.isActive) this.exchange.onBodyTurn()
  }

  #onTrailers(isEnd: boolean): void {
    if (!isEnd || this.#isMalformed) return this.session.resetStream(this, CODE.PROTOCOL_ERROR)
    this.session.endRequest(this, this.#isTooLarge ? '' : this.#lines)
  }

  onRemoteEnd(trailers: string): void {
    this.#watch()
    if (this.#isTunnel) return this.exchange.onTunnelEnd()
    if (!this.exchange.isActive || this.#isDone) return
    const { contentLength } = this.head
    if (contentLength >= 0 && this.#bodyBytes !== contentLength) return this.#breakBody()
    this.exchange.onBodyEnd(trailers)
  }

  /** The length that was announced is not what came. */
  #breakBody(): void {
    this.exchange.onClientGone()
    this.session.resetStream(this, CODE.PROTOCOL_ERROR)
  }

  pauseReading(): void {
    if (this.isPaused) return
    this.session.pauseStream(this)
    this.#watch()
  }

  resumeReading(): void {
    if (!this.isPaused) return
    this.session.resumeStream(this)
    this.#watch()
  }

  // ================= the answer =================

  writeHead(text: string): void {
    if (this.hasLocalEnd) return
    if (this.#answer !== '') this.sendHead(false)
    const end = text.indexOf('\r\n\r\n') + 2
    this.#answer = text.slice(0, end)
    if (end + 2 < text.length) this.writeText(text.slice(end + 2))
    else this.session.deferHead(this)
  }

  get hasUnsentHead(): boolean {
    return this.#answer !== ''
  }

  sendHead(isEnd: boolean): void {
    const text = this.#answer
    this.#answer = ''
    const status = text.slice(9, 12)
    const isTunnel = status === '101'
    const { encoder } = this.session
    encoder.begin()
    encoder.addLine(pseudoField(':status', isTunnel ? '200' : status))
    for (let from = text.indexOf('\r\n') + 2; from < text.length; ) {
      const stop = text.indexOf('\r\n', from)
      const line = readFieldLine(text.slice(from, stop))
      // over HTTP/2 a handshake has no key to answer
      if (!line.isOfConnection && !(isTunnel && line.name === 'sec-websocket-accept')) encoder.addLine(line)
      from = stop + 2
    }
    this.session.writeBlock(this, isEnd)
  }

  writeText(text: string): void {
    const bytes = Buffer.from(text, 'latin1')
    this.session.writeData(this, bytes, 0, bytes.length)
    this.#watch()
  }

  writeBytes(bytes: Buffer, from: number, to: number): void {
    this.session.writeData(this, bytes, from, to)
    this.#watch()
  }

  writeTrailers(lines: string): void {
    this.session.writeEnd(this, lines)
  }

  /** The session writes once a turn. */
  flush(): void {}

  get isCongested(): boolean {
    return this.session.holdsUp(this)
  }

  onDrain(): void {
    this.#watch()
    if (this.#isDone && this.hasLocalEnd && !this.hasRemoteEnd) this.session.cancelStream(this, CODE.NO_ERROR)
    else if (this.exchange.isActive) this.exchange.onClientDrain()
  }

  /** A client that gives no window for `writeStallMs` while bytes wait for it gets no more; another deadline is that of its body. */
  #watch(): void {
    const isStalled = this.queue.length > 0
    if (isStalled)
      this.plane.deadlines.set(this, clock.nowMs + this.plane.options.settings.limits.writeStallMs)
    else if (this.#awaitsBody)
      this.plane.deadlines.set(this, clock.nowMs + this.plane.options.settings.limits.bodyIdleMs)
    else this.deadlineMs = 0
  }

  get #awaitsBody(): boolean {
    return !this.hasRemoteEnd && !this.isPaused && !this.#isTunnel && this.exchange.isActive
  }

  expire(): void {
    if (this.queue.length > 0) this.session.resetStream(this, CODE.CANCEL)
    else if (this.#awaitsBody) this.exchange.onBodyFault('REQUEST_TIMEOUT_BODY')
  }

  get willClose(): boolean {
    return false
  }

  /** The stream is one of many; what is wrong with it is not the connection's. */
  markLast(): void {}

  onExchangeDone(): void {
    this.#isDone = true
    const { session } = this
    session.writeEnd(this, '')
    // the rest of the request is not wanted; a queue goes out first
    if (!this.hasRemoteEnd && !this.#isTunnel && this.pendingEnd === null)
      session.cancelStream(this, CODE.NO_ERROR)
    else if (this.#isTunnel && !this.hasRemoteEnd) session.cancelStream(this, CODE.NO_ERROR)
  }

  abort(): void {
    this.#isDone = true
    this.session.cancelStream(this, CODE.INTERNAL_ERROR)
  }

  startTunnel(): void {
    this.#isTunnel = true
    this.sendHead(false)
    this.deadlineMs = 0
  }

  /** It was never put away. */
  recallHead(): void {}

  endTunnel(): void {
    this.session.writeEnd(this, '')
  }

  // ================= the end =================

  onReset(_code: number): void {
    this.#isDone = true
    if (this.exchange.isActive) this.exchange.onClientGone()
  }

  /** Nobody uses it any more. */
  release(): void {
    this.plane.deadlines.forget(this)
    this.#answer = ''
    const { head } = this
    if (head === this.plane.heads.idle) return
    head.reset()
    this.head = this.plane.heads.idle
    this.plane.heads.give(head)
  }

  // ================= who the client is =================

  get scheme(): 'http' | 'https' {
    return this.session.tls === null ? 'http' : 'https'
  }
  get tls(): ClientTls | null {
    return this.session.tls
  }
  get peerAddress(): string {
    return this.session.peerAddress
  }
  get peerPort(): number {
    return this.session.peerPort
  }
  get localAddress(): string {
    return this.session.localAddress
  }
  get localPort(): number {
    return this.session.localPort
  }
  get commonLines(): Client['commonLines'] {
    return this.session.commonLines
  }
}

/** So much more than twice the limit a head may decode to before the connection is lost: one large field. */
const MAX_OVERRUN = 65_536
