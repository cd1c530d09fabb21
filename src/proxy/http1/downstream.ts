import type { Socket } from 'node:net'
import { WORKER } from '../../model/counters.ts'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { AcceptedSocket, Client, ClientConnection, ClientTls } from '../client.ts'
import { listenTo, resetSocket, type SocketOwner, setOwner } from '../client-socket.ts'
import { clock, readClock } from '../clock.ts'
import type { Timed } from '../deadlines.ts'
import { Exchange } from '../exchange.ts'
import { plainAddress } from '../forwarded.ts'
import { openSession, type ServerSession } from '../http2/server-session.ts'
import { countWorker, type Plane } from '../plane.ts'
import type { SocketWriter } from '../socket-writer.ts'
import { openWriter } from '../tls/tls-writer.ts'
import { ChunkedDecoder } from './chunked-decoder.ts'
import { READ_BUFFER } from './head-bytes.ts'
import type { HeadFields } from './head-fields.ts'
import { latin1 } from './latin1.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'
import { keptTrailers } from './write-fields.ts'

/**
 * States of a client's connection:
 * - HEAD: between requests, or inside a head.
 * - BODY: a head was handed to the exchange, its body is being read.
 * - WAIT: the request is complete, its answer is not. Bytes that come belong to the next request and are held.
 * - DRAIN: the answer is complete, the request's body is not: it is read and dropped, within limits.
 * - LINGER: nothing more is parsed; what was written is being delivered, then the connection closes.
 * - CLOSED.
 * - TUNNEL: bytes go both ways as they come.
 * - HANDED: the connection speaks HTTP/2 and is a session's now; only its reads come through here.
 */
const states = { HEAD: 0, BODY: 1, WAIT: 2, DRAIN: 3, LINGER: 4, CLOSED: 5, TUNNEL: 6, HANDED: 7 } as const
const { HEAD, BODY, WAIT, DRAIN, LINGER, CLOSED, TUNNEL, HANDED } = states
type State = (typeof states)[keyof typeof states]

/** Bytes of a next request that are held while an answer is under way; then the socket is paused. */
const HOLD_BYTES = 65_536
/** Body parts up to this size travel as text with what surrounds them; larger ones as buffers. */
const TEXT_PART = 8192
/** So much of a read becomes text at first: a head and a small body. With a thousand requests in one read each would copy all the others. */
const TEXT_READ = TEXT_PART + 2048

const EMPTY = Buffer.alloc(0)
/** How a connection of HTTP/2 begins (RFC 9113 section 3.4). */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const P = 0x50
/** What bytes of a request's body are copied into: free again unless the exchange holds on to what came. */
let spareBody = Buffer.allocUnsafeSlow(131_072)

function copyOf(buffer: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length)
  buffer.copy(copy, 0, 0, length)
  return copy
}

/** What a socket does not tell about its writes itself. */
interface Handled {
  readonly _handle: { readonly bytesWritten: number; readonly writeQueueSize: number } | null
}

/** A client's connection: bytes to heads and bodies, answers to bytes, one exchange at a time, answers in order. */
export class Downstream implements Client, ClientConnection, SocketOwner, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly plane: Plane
  /** That of the request under way; between requests one without content, which all share. */
  head: RequestHead
  readonly scheme: 'http' | 'https'
  readonly isFramed = false
  readonly mustUpgrade = false
  readonly tls: ClientTls | null
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  /** Host and forwarding lines of the last request that brought no forwarding fields of its own (compose-request.ts). */
  readonly commonLines = { host: '', client: '', text: '' }
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #exchange: Exchange
  #state: State = HEAD
  #pending = ''
  #held: Buffer | null = null
  #out = ''
  #requests = 0
  #bodyLeft = 0
  #decoder: ChunkedDecoder | null = null
  #isPaused = false
  #isProcessing = false
  #hasEnded = false
  /** Set when this connection takes no further request. */
  #isLast = false
  /** The client itself said that it sends no further request. */
  #isClientDone = false
  /** The text of the head of a request that has become a tunnel. */
  #tunnelHead = ''
  #readDeadline = 0
  #writeDeadline = 0
  /** Bytes that the system had taken when the write deadline was set. */
  #taken = 0
  #bodyStartMs = 0
  #bodyBytes = 0
  #pausedAtMs = 0
  #drained = 0

  constructor(plane: Plane, { socket, localPort, tls, peer }: AcceptedSocket) {
    readClock()
    this.plane = plane
    this.tls = tls
    this.scheme = tls === null ? 'http' : 'https'
    this.#socket = socket
    setOwner(socket, this)
    this.#writer = openWriter(socket, tls === null, () => {
      readClock()
      this.onDrain()
    })
    listenTo(socket, this.#onRead)
    this.peerAddress = peer?.address ?? plainAddress(socket.remoteAddress)
    this.peerPort = peer?.port ?? socket.remotePort ?? 0
    this.localPort = localPort
    this.head = plane.heads.idle
    this.#exchange = new Exchange(plane, this)
    this.#readBy(clock.nowMs + plane.options.settings.limits.headerTimeoutMs)
  }

  /** Asked of the system when a variable wants it; '' once the connection is gone. */
  get localAddress(): string {
    return plainAddress(this.#socket.localAddress)
  }
  get isIdle(): boolean {
    return this.#state === HEAD && this.#pending === ''
  }
  get isClosed(): boolean {
    return this.#state === CLOSED
  }
  /** The table revision that the request at hand was matched by; infinite between requests. */
  get heldRevision(): number {
    return this.#exchange.isActive ? this.#exchange.revision : Number.POSITIVE_INFINITY
  }
  get hasExchange(): boolean {
    return this.#state === BODY || this.#state === WAIT || this.#state === TUNNEL
  }

  // ---- reading ----

  /** A read into the worker's buffer. The common request is read from it where it lies; what must stay is copied first. */
  readonly #onRead = (length: number, buffer: Buffer): true => {
    readClock()
    if (this.#state === HEAD && this.#held === null && !this.#isProcessing) {
      this.#isProcessing = true
      this.#readHead(buffer, length)
      this.#isProcessing = false
      this.#process()
    } else if (this.#state === BODY) {
      const chunk = spareBody.subarray(0, length)
      buffer.copy(chunk, 0, 0, length)
      this.#exchange.beginBodyTurn()
      this.#readBody(chunk, 0)
      if (this.#held !== null || this.#exchange.holdsBody) spareBody = Buffer.allocUnsafeSlow(131_072)
    } else if (this.#state === TUNNEL) this.#exchange.onTunnelData(buffer, 0, length)
    else if (this.#state === HANDED) this.#session?.onRead(buffer, length)
    else this.onData(copyOf(buffer, length))
    return true
  }

  onData(chunk: Buffer): void {
    switch (this.#state) {
      case HEAD:
        this.#held = this.#held === null ? chunk : Buffer.concat([this.#held, chunk])
        return this.#process()
      case BODY:
        return this.#readBody(chunk, 0)
      case WAIT:
        this.#hold(chunk)
        return
      case DRAIN:
        return this.#dropBody(chunk)
      case LINGER:
        this.#drained += chunk.length
        if (this.#drained > this.plane.options.settings.limits.drainBytes) this.destroy()
        return
      case TUNNEL:
        return this.#exchange.onTunnelData(chunk, 0, chunk.length)
      default:
    }
  }

  #hold(chunk: Buffer): void {
    this.#held = this.#held === null ? chunk : Buffer.concat([this.#held, chunk])
    if (this.#held.length > HOLD_BYTES) this.pauseReading()
  }

  /** Reads heads from what is held, one after the other; an exchange that ends at once comes back here, not deeper. */
  #process(): void {
    if (this.#isProcessing) return
    this.#isProcessing = true
    // a client that does not read its answers gets no further ones
    while (this.#state === HEAD && this.#held !== null && !this.isCongested) {
      const chunk = this.#held
      this.#held = null
      this.#readHead(chunk, chunk.length)
    }
    this.#isProcessing = false
    if (this.#state !== HEAD) return
    if (this.isCongested) return this.pauseReading() // onDrain goes on
    if (this.#hasEnded) this.#closeGently()
    else this.resumeReading()
  }

  #readHead(chunk: Buffer, size: number): void {
    const { limits } = this.plane.options.settings
    const before = this.#pending.length
    if (this.head === this.plane.heads.idle) this.head = this.plane.heads.take()
    // a head over the limit is refused before more of it is turned into text
    const most = Math.min(size, limits.maxHeadBytes + limits.maxTargetBytes + 4)
    const taken = Math.min(most, TEXT_READ)
    let text = before === 0 ? latin1(chunk, 0, taken) : this.#pending + latin1(chunk, 0, taken)
    if (this.#requests === 0 && text.charCodeAt(0) === P && this.#isPreface(text)) {
      if (text.length >= PREFACE.length) return this.#handOver(before, chunk, size)
      this.#pending = text
      return
    }
    let end = parseRequestHead(this.head, text, 0, limits, before === 0 ? chunk : undefined)
    if (end === 0 && taken < most) {
      text = this.#pending + latin1(chunk, 0, most)
      end = parseRequestHead(this.head, text, 0, limits, before === 0 ? chunk : undefined)
    }
    const now = clock.nowMs
    if (end === 0) {
      if (before === 0) this.#readBy(now + limits.headerTimeoutMs)
      this.#pending = text
      return
    }
    this.#pending = ''
    this.#requests++
    const isRefused =
      end < 0 || !this.head.fields.allowUnderscores(this.plane.options.settings.fieldsWithUnderscore)
    if (isRefused) {
      this.#state = WAIT
      this.#isLast = true
      this.#readBy(0)
      this.#exchange.refuse(end < 0 ? this.head.error : 'BAD_REQUEST', now)
      return
    }
    this.#readBy(0)
    if (!this.head.keepAlive) this.#isLast = this.#isClientDone = true
    else if (this.#requests >= limits.maxRequestsPerConnection) this.#isLast = true
    const at = end - before
    const isWhole = at === size && !this.head.chunked && this.head.contentLength <= 0
    const rest = isWhole ? EMPTY : chunk === READ_BUFFER ? copyOf(chunk, size) : chunk
    this.#startRequest(rest, isWhole ? 0 : at, text, end)
  }

  /** Whether a connection begins as HTTP/2 with prior knowledge does, as far as it has come. */
  #isPreface(text: string): boolean {
    const length = Math.min(text.length, PREFACE.length)
    return length >= 4 && text.startsWith(PREFACE.slice(0, length))
  }

  /** The connection speaks HTTP/2: a session has it from here on. `chunk` holds what came last, `before` bytes of the preface came earlier. */
  #handOver(before: number, chunk: Buffer, size: number): void {
    this.#pending = ''
    this.#state = HANDED
    this.plane.deadlines.forget(this)
    this.#restHead()
    const socket = this.#socket
    const { tls, localPort } = this
    const peer = { address: this.peerAddress, port: this.peerPort }
    const session = openSession(this.plane, { socket, localPort, tls, peer, early: null }, this)
    this.#session = session
    if (before > 0) session.onRead(Buffer.from(PREFACE.slice(0, before), 'latin1'), before)
    session.onRead(chunk, size)
  }

  /** A head stands in `text` before `textAt`; `chunk` from `at` on is what came behind it. */
  #startRequest(chunk: Buffer, at: number, text: string, textAt: number): void {
    const head = this.head
    const now = clock.nowMs
    const length = head.contentLength
    if (!head.chunked && length <= 0) {
      this.#state = WAIT
      if (at < chunk.length) this.#hold(chunk.subarray(at))
      this.#exchange.begin('', now)
    } else if (!head.chunked && textAt + length <= text.length && length <= TEXT_PART) {
      // a small body that is all here goes out with its head, in one write
      this.#state = WAIT
      if (at + length < chunk.length) this.#hold(chunk.subarray(at + length))
      this.#exchange.begin(text.slice(textAt, textAt + length), now)
    } else {
      this.resumeReading() // it may have been held up for the request before
      this.#state = BODY
      this.#bodyLeft = length
      this.#bodyStartMs = now
      this.#bodyBytes = 0
      this.#pausedAtMs = 0
      if (head.chunked) {
        if (this.#decoder === null) this.#decoder = new ChunkedDecoder()
        this.#decoder.reset(this.plane.options.settings.limits)
      }
      this.#readBy(now + this.plane.options.settings.limits.bodyIdleMs)
      this.#exchange.begin(null, now)
      if (at >= chunk.length) return
      const state = this.#state as State
      if (state === BODY) this.#readBody(chunk, at)
      else if (state === DRAIN) this.#dropBody(chunk.subarray(at))
    }
  }

  #readBody(chunk: Buffer, from: number): void {
    const { limits } = this.plane.options.settings
    const now = clock.nowMs
    this.#bodyBytes += chunk.length - from
    if (this.#isTooSlow(now)) return this.#failBody('REQUEST_TIMEOUT_BODY')
    this.#readBy(now + limits.bodyIdleMs)
    const next = this.#decodeBody(chunk, from)
    if (next < 0) {
      if ((this.#state as State) === BODY) this.#exchange.onBodyTurn()
      return
    }
    if ((this.#state as State) === DRAIN) return this.#endDrain(chunk, next)
    this.#state = WAIT
    this.#readBy(0)
    if (next < chunk.length) this.#hold(chunk.subarray(next))
    this.#exchange.onBodyEnd(this.#trailers)
  }

  /** Hands body bytes on; the index behind the body's end, or -1 if there is more to come (or it failed). */
  #decodeBody(chunk: Buffer, from: number): number {
    if (!this.head.chunked) {
      const end = Math.min(chunk.length, from + this.#bodyLeft)
      this.#bodyLeft -= end - from
      if (end > from) this.onBodyData(chunk, from, end)
      if (this.#bodyLeft > 0 || (this.#state !== BODY && this.#state !== DRAIN)) return -1
      this.#trailers = ''
      return end
    }
    const decoder = this.#decoder as ChunkedDecoder
    this.#trailers = ''
    const consumed = decoder.decode(chunk, from, chunk.length, this.#sink)
    if (this.#state !== BODY && this.#state !== DRAIN) return -1
    if (decoder.failed) {
      this.#failBody(decoder.error)
      return -1
    }
    return decoder.done ? consumed : -1
  }

  #trailers = ''
  #session: ServerSession | null = null
  readonly #sink = {
    onData: (bytes: Buffer, from: number, to: number): void => this.onBodyData(bytes, from, to),
    onTrailers: (_text: string, fields: HeadFields): void => {
      this.#trailers = keptTrailers(fields)
    },
  }

  onBodyData(bytes: Buffer, from: number, to: number): void {
    if (this.#state === BODY) this.#exchange.onBodyData(bytes, from, to)
  }

  #isTooSlow(now: number): boolean {
    const { limits } = this.plane.options.settings
    const elapsed = now - this.#bodyStartMs
    return elapsed > limits.bodyRateGraceMs && (this.#bodyBytes / elapsed) * 1000 < limits.minBodyRate
  }

  #failBody(code: ErrorCode): void {
    if (this.#state === DRAIN) return this.destroy()
    this.#state = WAIT
    this.#isLast = true
    this.#readBy(0)
    this.#exchange.onBodyFault(code)
  }

  /** The answer is complete, the body is not: read and drop the rest, so that the client sees the answer and not a reset. */
  #dropBody(chunk: Buffer): void {
    const next = this.#decodeBody(chunk, 0)
    // what stands behind the body is the next request's
    this.#drained += next < 0 ? chunk.length : next
    if (this.#drained > this.plane.options.settings.limits.drainBytes) return this.#closeGently()
    if (next >= 0) this.#endDrain(chunk, next)
  }

  #endDrain(chunk: Buffer, next: number): void {
    if (this.#isLast) return this.#closeGently()
    this.#state = HEAD
    this.#held = next < chunk.length ? chunk.subarray(next) : null
    this.#restHead()
    this.#readBy(clock.nowMs + this.plane.options.settings.limits.keepAliveMs)
    this.#process()
  }

  pauseReading(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    if (this.#state === BODY) {
      this.#pausedAtMs = clock.nowMs
      this.#readBy(0)
    }
    this.#socket.pause()
  }

  resumeReading(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#state === BODY) {
      const now = clock.nowMs
      this.#bodyStartMs += now - this.#pausedAtMs // time we did not read is not the client's
      this.#readBy(now + this.plane.options.settings.limits.bodyIdleMs)
    }
    this.#socket.resume()
  }

  // ---- writing ----

  writeText(text: string): void {
    this.#out += text
  }

  writeHead(text: string): void {
    this.#out += text
  }

  writeBytes(bytes: Buffer, from: number, to: number): void {
    if (to - from <= TEXT_PART) {
      this.#out += latin1(bytes, from, to)
      return
    }
    const head = this.#out
    this.#out = ''
    if (this.#state !== CLOSED) this.#writer.writeCopy(head, bytes, from, to)
  }

  /** Chunked framing has them where they go. */
  writeTrailers(): void {}

  /** Writes what was gathered: one write per turn and direction. */
  flush(): void {
    if (this.#out === '') return this.#watchWrites()
    const text = this.#out
    this.#out = ''
    if (this.#state === CLOSED) return
    this.#writer.write(text)
    this.#watchWrites()
  }

  /** A client that does not read for `writeStallMs` while bytes wait for it is cut. */
  #watchWrites(): void {
    if (!this.#writer.isWaiting) {
      if (this.#writeDeadline !== 0) this.#writeBy(0)
    } else if (this.#writeDeadline === 0) {
      this.#taken = this.#countTaken()
      this.#writeBy(clock.nowMs + this.plane.options.settings.limits.writeStallMs)
    }
  }

  get isCongested(): boolean {
    return this.#writer.isCongested
  }

  onDrain(): void {
    if (!this.#writer.isWaiting) this.#writeBy(0) // else it goes on to watch the rest
    if (this.hasExchange) this.#exchange.onClientDrain()
    else if (this.#state === HEAD) this.#process()
  }

  /** Bytes the system has taken so far; grows as a slow reader reads, also inside one large write. */
  #countTaken(): number {
    const handle = (this.#socket as unknown as Handled)._handle
    return handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize
  }

  // ---- tunnels ----

  startTunnel(): void {
    this.#state = TUNNEL
    this.#isLast = true
    this.#readBy(0)
    // a tunnel lasts: of its head the text is kept, and read again when the end is recorded
    const { head } = this
    this.#tunnelHead = Buffer.from(head.fields.text.slice(0, head.end), 'latin1').toString('latin1')
    this.#restHead()
    const held = this.#held
    this.#held = null
    this.resumeReading()
    if (held !== null) this.#exchange.onTunnelData(held, 0, held.length)
    if (this.#hasEnded) this.#exchange.onTunnelEnd()
  }

  endTunnel(): void {
    this.#closeGently()
  }

  recallHead(): void {
    if (this.#tunnelHead === '') return
    this.head = this.plane.heads.take()
    parseRequestHead(this.head, this.#tunnelHead, 0, this.plane.options.settings.limits)
    this.#tunnelHead = ''
  }

  // ---- the end of an exchange ----

  get willClose(): boolean {
    return this.#isLast || this.plane.isDraining
  }

  /** No further request is taken on this connection; the answer's head says so. */
  markLast(): void {
    this.#isLast = true
  }

  /** The answer is complete and flushed. */
  onExchangeDone(): void {
    const { limits } = this.plane.options.settings
    if (this.#state === CLOSED) return
    if (this.#state === BODY) {
      this.#state = DRAIN
      this.#drained = 0
      this.resumeReading()
      this.#readBy(clock.nowMs + limits.drainMs)
      if (this.#isLast) this.#socket.end()
      return
    }
    if (this.willClose) return this.#closeGently()
    this.#state = HEAD
    this.#restHead()
    this.#readBy(clock.nowMs + limits.keepAliveMs)
    this.#process()
  }

  /** Nobody reads the head any more. It goes back, unless the next request has come already. */
  #restHead(): void {
    const { head } = this
    const { heads } = this.plane
    head.reset()
    if (this.#held !== null || head === heads.idle) return
    this.head = heads.idle
    heads.give(head)
  }

  /** An answer that broke off: the client must see that it is not whole. `byReset`: its end is marked by the connection's alone. */
  abort(byReset: boolean): void {
    this.#out = ''
    if (byReset && this.#state !== CLOSED) resetSocket(this.#socket)
    this.destroy()
  }

  /**
   * FIN behind what was written, then whatever the client still sends is read and dropped for a while, so that no reset overtakes the answer.
   * A client that announced the end, or has ended, sends nothing that could cause one: then the connection is closed as soon as the system has
   * the answer, which sends the same bytes and the same FIN (measured: a quarter of what a connection with one request costs).
   */
  #closeGently(): void {
    if (this.#state === CLOSED || this.#state === LINGER) return
    if ((this.#isClientDone || this.#hasEnded) && this.#held === null && !this.#writer.isWaiting) {
      this.#state = LINGER // the exchange is over: its client does not go away under it
      return this.destroy()
    }
    this.#state = LINGER
    this.#drained = 0
    this.#held = null
    this.#socket.end()
    this.#isPaused = false
    this.#socket.resume()
    this.#readBy(clock.nowMs + this.plane.options.settings.limits.drainMs)
  }

  /** Closes now if nothing is under way; while draining. */
  closeIfIdle(): void {
    if (this.isIdle) this.#closeGently()
    else if (this.#state === TUNNEL) this.#exchange.leaveTunnel()
  }

  destroy(): void {
    if (this.#state === CLOSED) return
    const hadExchange = this.hasExchange
    this.#state = CLOSED
    this.plane.deadlines.forget(this)
    this.#held = null
    this.#socket.destroy()
    if (hadExchange) this.#exchange.onClientGone()
  }

  onEnd(): void {
    this.#hasEnded = true
    switch (this.#state) {
      case HEAD:
        if (this.isCongested) return // closed when the answers are out
        if (this.#pending === '' && this.#held === null) return this.#closeGently()
        return this.destroy()
      case BODY:
        return this.#failBody('BAD_LENGTH')
      case TUNNEL:
        return this.#exchange.onTunnelEnd()
      case DRAIN:
      case LINGER:
        if (!this.#writer.isWaiting) this.destroy()
        return
      default:
      // WAIT: a client may close its half and still wait for the answer
    }
  }

  onClosed(): void {
    this.destroy()
    this.plane.connections.delete(this)
    countWorker(this.plane, WORKER.ACTIVE, -1)
    if (this.plane.isDraining) this.plane.onIdle?.()
  }

  // ---- deadlines ----

  #readBy(deadlineMs: number): void {
    this.#readDeadline = deadlineMs
    this.#arm()
  }
  #writeBy(deadlineMs: number): void {
    this.#writeDeadline = deadlineMs
    this.#arm()
  }
  #arm(): void {
    const read = this.#readDeadline
    const write = this.#writeDeadline
    const next = read === 0 ? write : write === 0 || read < write ? read : write
    if (next === 0) this.deadlineMs = 0
    else this.plane.deadlines.set(this, next)
  }

  expire(nowMs: number): void {
    if (this.#writeDeadline !== 0 && this.#writeDeadline <= nowMs) {
      if (!this.#writer.isWaiting) return this.#writeBy(0)
      const taken = this.#countTaken()
      if (taken <= this.#taken) return this.destroy()
      this.#taken = taken
      return this.#writeBy(nowMs + this.plane.options.settings.limits.writeStallMs)
    }
    if (this.#readDeadline === 0 || this.#readDeadline > nowMs) return this.#arm()
    this.#readDeadline = 0
    const isReading = this.#writer.isWaiting // the write deadline watches whether it goes on
    switch (this.#state) {
      case HEAD:
        if (this.#pending === '' && this.#requests > 0) {
          if (isReading) return this.#readBy(nowMs + this.plane.options.settings.limits.keepAliveMs)
          return this.#closeGently()
        }
        this.#state = WAIT
        this.#isLast = true
        this.#pending = ''
        return this.#exchange.refuse('REQUEST_TIMEOUT_HEAD', nowMs)
      case BODY:
        return this.#failBody('REQUEST_TIMEOUT_BODY')
      case DRAIN:
        return isReading ? this.#closeGently() : this.destroy()
      case LINGER:
        if (isReading) return this.#readBy(nowMs + this.plane.options.settings.limits.drainMs)
        return this.destroy()
      default:
        return this.destroy()
    }
  }
}
