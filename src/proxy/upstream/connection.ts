import { connect, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { BehindProxy } from '../../model/endpoint.ts'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { Limits } from '../../model/settings.ts'
import type { PoolSettings } from '../../model/upstream.ts'
import { clock, readClock } from '../clock.ts'
import type { Deadlines, Timed } from '../deadlines.ts'
import { ChunkedDecoder } from '../http1/chunked-decoder.ts'
import { READ_BUFFER } from '../http1/head-bytes.ts'
import type { HeadFields } from '../http1/head-fields.ts'
import { latin1 } from '../http1/latin1.ts'
import { shortenReads } from '../http1/read-buffer.ts'
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts'
import { keptTrailers } from '../http1/write-fields.ts'
import type { SocketWriter } from '../socket-writer.ts'
import { openWriter } from '../tls/tls-writer.ts'
import type { Failure } from './attempts.ts'
import type { UpstreamLink } from './link.ts'
import type { EndpointPool } from './pool.ts'
import { isOwnLimit, isTlsError, tlsTarget } from './tls.ts'
import { openTunnel } from './tunnel.ts'

/** Whoever waits for an answer on a connection: the exchange. All calls come synchronously from a socket event. */
export interface AnswerReader {
  onConnected(): void
  onAnswerHead(head: ResponseHead): void
  /** The endpoint changes the protocol, as `expectsUpgrade` let it; what follows is `onAnswerBody`. False: not like this. */
  onUpgrade(head: ResponseHead): boolean
  /** Bytes are valid only during the call. */
  onAnswerBody(bytes: Buffer, from: number, to: number): void
  /** The answer is complete. The connection is free when this returns. */
  onAnswerEnd(trailers: string): void
  /** No answer head was relayed: another attempt may be made. */
  onAttemptFailed(failure: Failure, error: NodeJS.ErrnoException | null): void
  /** The answer broke off behind its head. */
  onAnswerCut(code: ErrorCode): void
  /** All bytes written so far are with the system: the sender may go on. */
  onUpstreamDrain(): void
  /** Every byte of this turn was handed over: write what was gathered. */
  onAnswerTurn(): void
}

const states = { CONNECTING: 0, IDLE: 1, HEAD: 2, BODY: 3, CLOSED: 4 } as const
const { CONNECTING, IDLE, HEAD, BODY, CLOSED } = states
type State = (typeof states)[keyof typeof states]

/** A read up to this size is turned into text whole, so that a small answer is parsed and forwarded without touching bytes again. */
const TEXT_READ = 16_384
/** A longer one is a head with a body that stays bytes: so much of it becomes text at first, enough for most heads. */
const HEAD_READ = 2048

export interface UpstreamOptions {
  readonly limits: Limits
  readonly deadlines: Deadlines
  /** Read and used up within one read callback, so one serves every connection: what is not touched anew stays in the cache. */
  readonly sharedHead: ResponseHead
  readonly onOpen: () => void
  readonly onClose: () => void
}

/** One connection to an endpoint, and the answers that come over it, one at a time. */
export class UpstreamConnection implements UpstreamLink, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly pool: EndpointPool
  /** The endpoint's address, resolved. */
  readonly address: string
  /** When it was begun. Milliseconds of the worker's clock. */
  readonly bornMs: number
  /** Requests sent over it. */
  requests = 0
  /** Whether the request at hand is not the connection's first. */
  isReused = false
  /** Whether the system took the head of the request at hand. False: not one byte of the request went out. */
  hasSent = false
  /** Whether the request at hand asks for another protocol. */
  expectsUpgrade = false
  #state: State = CONNECTING
  #socket: Socket
  #writer: SocketWriter
  #reader: AnswerReader | null
  readonly #options: UpstreamOptions
  /** Shared by all connections of the worker while a head comes in one read; a head in pieces gets one of its own. */
  #head: ResponseHead
  #decoder: ChunkedDecoder | null = null
  #pending = ''
  #method = ''
  #bodyKind: 'none' | 'length' | 'chunked' | 'untilClose' = 'none'
  #bodyLeft = 0
  #interim = 0
  #readMs = 0
  #sendMs = 0
  #headDeadlineMs = 0
  #isPaused = false
  #hasBytes = false
  #mustClose = false
  /** The text that the last read began with, for bodies that came with their head. */
  #text = ''
  #textOffset = 0

  constructor(
    pool: EndpointPool,
    address: string,
    reader: AnswerReader,
    connectMs: number,
    nowMs: number,
    options: UpstreamOptions,
  ) {
    this.pool = pool
    this.address = address
    this.#options = options
    this.#reader = reader
    this.#head = options.sharedHead
    const identity = pool.identity
    if (identity.scheme === 'https') {
      this.#socket =
        identity.tunnel === undefined
          ? this.#startTls(address, null)
          : openTunnel(identity.tunnel, {
              proxy: { host: address, port: identity.port },
              onOpen: (socket) => this.#onTunnelOpen(socket),
              onRefused: (status) => this.#fail(status === 407 ? 'proxyCredentials' : 'connectFailed'),
            })
    } else {
      const onRead = (length: number, buffer: Uint8Array): true => {
        this.#onRead(length, buffer as Buffer)
        return true
      }
      const target: TcpNetConnectOpts & { highWaterMark: number; onread: OnReadOpts } = {
        host: address,
        port: identity.port,
        noDelay: true,
        allowHalfOpen: false,
        highWaterMark: options.limits.bufferHighBytes,
        ...(pool.lookup === undefined ? {} : { lookup: pool.lookup }),
        onread: { buffer: READ_BUFFER, callback: onRead },
      }
      const socket = connect(target)
      shortenReads(socket, READ_BUFFER, onRead)
      this.#socket = socket
      socket.on('connect', () => this.#onConnected())
    }
    this.#listen()
    this.#writer = openWriter(this.#socket, identity.scheme === 'http', () => this.#onDrain())
    this.bornMs = nowMs
    pool.onOpen()
    options.onOpen()
    options.deadlines.set(this, nowMs + connectMs)
  }

  #listen(): void {
    const socket = this.#socket
    // one that became a tunnel has another one on top of it, which hears the same
    const isMine = (): boolean => socket === this.#socket
    socket.on('error', (error: NodeJS.ErrnoException) => isMine() && this.#onError(error))
    socket.on('close', () => isMine() && this.#onClosed())
    socket.on('end', () => isMine() && this.#onEnd())
    socket.on('drain', () => isMine() && this.#onDrain())
  }

  /** `inside`: what it goes through; null: a connection of its own. */
  #startTls(address: string, inside: Socket | null): Socket {
    const { pool } = this
    const target = tlsTarget(pool, address, this.#options.limits, ['http/1.1'])
    const socket = process
      .getBuiltinModule('node:tls') // loaded with the first https upstream
      .connect(inside === null ? target : { ...target, socket: inside })
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onRead(chunk.length, chunk))
    socket.on('secureConnect', () => this.#onConnected())
    socket.on('session', (session) => {
      pool.session = session
    })
    return socket
  }

  /** The forward proxy has connected: from here on its connection is the endpoint's, and TLS begins on it. */
  #onTunnelOpen(tunnel: Socket): void {
    if (this.#state !== CONNECTING) return
    this.#socket = this.#startTls((this.pool.identity.tunnel as BehindProxy).host, tunnel)
    this.#listen()
    this.#writer = openWriter(this.#socket, false, () => this.#onDrain())
  }

  get isOpen(): boolean {
    return this.#state !== CLOSED && !this.#socket.destroyed
  }

  get isConnecting(): boolean {
    return this.#state === CONNECTING
  }

  /** Bytes that were written wait in this process. */
  get isWaiting(): boolean {
    return this.#writer.isWaiting
  }

  /** Takes a kept connection for the next request. */
  reuse(reader: AnswerReader): void {
    this.#reader = reader
    this.isReused = true
    this.hasSent = false
    this.expectsUpgrade = false
  }

  /**
   * The head of a request, in the form of HTTP/1.1, and its body where that is whole and small; null: it follows. One write. `headDeadlineMs`: when the answer's head must be there, whatever moves
   * until then; 0: only `readMs` counts.
   */
  send(
    head: string,
    body: string | null,
    method: string,
    sendMs: number,
    readMs: number,
    headDeadlineMs: number,
    nowMs: number,
  ): void {
    this.requests++
    this.#method = method
    this.#state = HEAD
    this.#interim = 0
    this.#hasBytes = false
    this.#mustClose = false
    this.#pending = ''
    this.#sendMs = sendMs
    this.#readMs = readMs
    this.#headDeadlineMs = headDeadlineMs
    this.#head = this.#options.sharedHead
    this.#allow(nowMs, readMs)
    this.#writer.write(body === null || body === '' ? head : head + body)
    // a peer that is known to be gone shows in the first write at once; its error event comes later
    this.hasSent = this.#socket.errored === null
  }

  /** More of the body has to come from the client first: until then it is not the endpoint that is waited for. */
  awaitBody(): void {
    if (this.#state === HEAD && !this.#writer.isCongested) this.deadlineMs = 0
  }

  /** The request is complete: the endpoint's time runs. */
  awaitAnswer(nowMs: number): void {
    if (this.#state !== HEAD && this.#state !== BODY) return
    this.#allow(nowMs, this.#writer.isCongested ? this.#sendMs : this.#readMs)
  }

  /** While the client holds it up, no deadline of the endpoint runs. */
  #allow(nowMs: number, ms: number): void {
    if (this.#isPaused) return
    const deadline = nowMs + ms
    const isFirst = this.#state === HEAD && this.#headDeadlineMs !== 0 && this.#headDeadlineMs < deadline
    this.#options.deadlines.set(this, isFirst ? this.#headDeadlineMs : deadline)
  }

  /** More of the body. False: stop until `onUpstreamDrain`. */
  writePart(bytes: Buffer, isChunked: boolean, nowMs: number): boolean {
    const socket = this.#socket
    if (isChunked) {
      socket.cork()
      socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1')
      socket.write(bytes)
      socket.write('\r\n', 'latin1')
      socket.uncork()
    } else socket.write(bytes)
    return this.#afterWrite(nowMs)
  }

  /** The body is complete. */
  endBody(isChunked: boolean, trailers: string, nowMs: number): void {
    if (!isChunked) return
    this.#writer.write(`0\r\n${trailers}\r\n`)
    this.#afterWrite(nowMs)
  }

  /** Bytes of a client through a tunnel, its own again afterwards. False: stop until `onUpstreamDrain`. */
  writeTunnel(bytes: Buffer, from: number, to: number, nowMs: number): boolean {
    this.#writer.writeCopy('', bytes, from, to)
    return this.#afterWrite(nowMs)
  }

  /** The client sends nothing more through the tunnel. */
  endTunnel(): void {
    this.#socket.end()
  }

  #afterWrite(nowMs: number): boolean {
    const isFree = !this.#writer.isCongested
    this.#allow(nowMs, isFree ? this.#readMs : this.#sendMs)
    return isFree
  }

  /** Stops reading: the client is slower than the endpoint. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.deadlineMs = 0 // the client's own stall deadline runs now
    this.#socket.pause()
  }

  resume(nowMs: number): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#options.deadlines.set(this, nowMs + this.#readMs)
    this.#socket.resume()
  }

  /** Lies idle in its pool until the deadline. */
  rest(deadlineMs: number): void {
    this.#reader = null
    this.#state = IDLE
    if (this.#isPaused) {
      // the last bytes of the answer were more than the client took at once; that does not concern the next request
      this.#isPaused = false
      this.#socket.resume()
    }
    this.#options.deadlines.set(this, deadlineMs)
  }

  release(settings: PoolSettings, share: number, nowMs: number): void {
    this.pool.release(this, settings, share, nowMs)
  }

  /** Cuts it: whatever was under way is never completed and the connection never used again. Says nothing to the reader. */
  close(): void {
    this.#reader = null
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    this.#options.deadlines.forget(this)
    this.#socket.destroy()
    // its place is free at once: the socket's own word comes a turn later, and the next attempt now
    this.pool.onClose()
  }

  /** A deadline passed: connect, send, read, or idle. */
  expire(): void {
    const state = this.#state
    if (state === IDLE) {
      this.pool.forget(this)
      return this.close()
    }
    const reader = this.#reader
    const isSending = this.#writer.isCongested
    this.close()
    if (reader === null) return
    if (state === CONNECTING) reader.onAttemptFailed('connectTimeout', null)
    else if (state === HEAD) reader.onAttemptFailed(isSending ? 'sendTimeout' : 'headTimeout', null)
    else reader.onAnswerCut('UPSTREAM_BODY_TIMEOUT')
  }

  #onConnected(): void {
    readClock()
    if (this.#state !== CONNECTING) return
    this.deadlineMs = 0
    this.#reader?.onConnected()
  }

  #onDrain(): void {
    readClock()
    if (this.#state === HEAD || this.#state === BODY) {
      this.#allow(clock.nowMs, this.#readMs)
      this.#reader?.onUpstreamDrain()
    }
  }

  #onRead(length: number, buffer: Buffer): void {
    readClock()
    if (this.#state === HEAD) {
      this.#hasBytes = true
      this.#readHead(buffer, length)
    } else if (this.#state === BODY) {
      this.#options.deadlines.set(this, clock.nowMs + this.#readMs)
      this.#readBody(buffer, 0, length)
    } else if (this.#state === IDLE) {
      // bytes nobody asked for: whatever they are, the next answer could not be told from them
      this.pool.forget(this)
      this.close()
      return
    } else return
    this.#reader?.onAnswerTurn()
  }

  #readHead(buffer: Buffer, length: number): void {
    const before = this.#pending.length
    const taken = length > TEXT_READ ? HEAD_READ : length
    let text = before === 0 ? latin1(buffer, 0, taken) : this.#pending + latin1(buffer, 0, taken)
    let from = 0
    if (before === 0) this.#head.reset()
    for (;;) {
      let end = parseResponseHead(
        this.#head,
        text,
        from,
        this.#options.limits,
        before === 0 ? buffer : undefined,
      )
      if (end === 0 && text.length < before + length) {
        text = this.#pending + latin1(buffer, 0, length)
        end = parseResponseHead(this.#head, text, from, this.#options.limits)
      }
      if (end < 0) return this.#fail('badAnswer')
      if (end === 0) {
        this.#pending = from === 0 ? text : text.slice(from)
        this.#keepHead(from)
        return
      }
      const reader = this.#reader
      if (reader === null) return
      const status = this.#head.status
      if (status >= 200) {
        this.#pending = ''
        this.#startBody(buffer, length, text, end, before)
        return
      }
      if (status === 101 && this.expectsUpgrade) return this.#startTunnel(buffer, length, text, end, before)
      // interim answers: relayed as they come, bounded; 101 was not asked for
      if (status === 101 || ++this.#interim > this.#options.limits.maxInterimAnswers)
        return this.#fail('badAnswer')
      reader.onAnswerHead(this.#head)
      if (this.#state !== HEAD) return
      this.#head.reset()
      from = end
      if (from === text.length && before + length === text.length) {
        this.#pending = ''
        return
      }
    }
  }

  /** More of the head is to come: its place is kept in a head of this connection's own, which begins anew with the next read. */
  #keepHead(from: number): void {
    if (this.#head === this.#options.sharedHead)
      this.#head = new ResponseHead(this.#options.limits.maxResponseFields)
    else if (from !== 0) this.#head.reset()
  }

  #startBody(buffer: Buffer, length: number, text: string, end: number, before: number): void {
    const head = this.#head
    const kind = head.bodyKind(this.#method)
    this.#bodyKind = kind
    this.#bodyLeft = kind === 'length' ? head.contentLength : 0
    this.#mustClose = !head.keepAlive || kind === 'untilClose'
    this.#state = BODY
    this.#text = text
    this.#textOffset = before
    if (kind === 'chunked') {
      if (this.#decoder === null) this.#decoder = new ChunkedDecoder()
      this.#decoder.reset(this.#options.limits)
    }
    this.#options.deadlines.set(this, clock.nowMs + this.#readMs)
    this.#reader?.onAnswerHead(head)
    if (this.#state !== BODY) return
    this.#readBody(buffer, end - before, length)
    this.#text = ''
  }

  /** Bytes go both ways from here on, until either side ends. */
  #startTunnel(buffer: Buffer, length: number, text: string, end: number, before: number): void {
    this.#pending = ''
    this.#bodyKind = 'untilClose'
    this.#mustClose = true
    this.#state = BODY
    this.#readMs = this.#options.limits.tunnelIdleMs
    this.#sendMs = this.#readMs
    this.#options.deadlines.set(this, clock.nowMs + this.#readMs)
    const reader = this.#reader
    if (reader === null) return
    if (!reader.onUpgrade(this.#head)) {
      if (this.#reader !== null) this.#fail('badAnswer')
      return
    }
    this.#text = text
    this.#textOffset = before
    this.#readBody(buffer, end - before, length)
    this.#text = ''
  }

  #readBody(buffer: Buffer, from: number, to: number): void {
    const reader = this.#reader
    if (reader === null) return
    switch (this.#bodyKind) {
      case 'none':
        return this.#finish('', from < to)
      case 'length': {
        const left = this.#bodyLeft
        const available = to - from
        const taken = Math.min(available, left)
        if (taken > 0) reader.onAnswerBody(buffer, from, from + taken)
        if (this.#state !== BODY) return
        this.#bodyLeft = left - taken
        if (this.#bodyLeft === 0) this.#finish('', available > taken)
        return
      }
      case 'chunked': {
        const decoder = this.#decoder as ChunkedDecoder
        const consumed = decoder.decode(buffer, from, to, this)
        if (this.#state !== BODY) return
        if (decoder.failed) {
          this.close()
          return reader.onAnswerCut('UPSTREAM_CUT')
        }
        if (decoder.done) this.#finish(this.#trailers, consumed < to)
        return
      }
      case 'untilClose':
        if (from < to) reader.onAnswerBody(buffer, from, to)
        return
      default:
        return this.#bodyKind satisfies never
    }
  }

  #trailers = ''

  /** ChunkedDecoder sink. */
  onData(bytes: Buffer, from: number, to: number): void {
    if (this.#state === BODY) this.#reader?.onAnswerBody(bytes, from, to)
  }
  onTrailers(_text: string, fields: HeadFields): void {
    this.#trailers = keptTrailers(fields)
  }

  /** Excess bytes: the answer stands, the connection does not. */
  #finish(trailers: string, hasExcess: boolean): void {
    const reader = this.#reader
    this.#trailers = ''
    if (hasExcess) this.#mustClose = true
    this.deadlineMs = 0
    if (reader === null) return
    reader.onAnswerEnd(trailers)
    // the reader has released or closed it by now; after a half-done reader nothing may be left attached
    if (this.#reader === reader && (this.#state as State) === BODY) this.close()
  }

  /** Whether the connection may serve another request; asked by the reader in onAnswerEnd. */
  get isKeepable(): boolean {
    return !this.#mustClose && this.isOpen && !this.#writer.isWaiting
  }

  #fail(failure: Failure, error: NodeJS.ErrnoException | null = null): void {
    const reader = this.#reader
    this.close()
    reader?.onAttemptFailed(failure, error)
  }

  #onEnd(): void {
    readClock()
    switch (this.#state) {
      case IDLE:
        this.pool.forget(this)
        return this.close()
      case CONNECTING:
        return this.#fail('connectFailed')
      case HEAD:
        return this.#lostBeforeHead(null)
      case BODY:
        return this.#lostInBody()
      default:
    }
  }

  #onError(error: NodeJS.ErrnoException): void {
    readClock()
    switch (this.#state) {
      case IDLE:
        this.pool.forget(this)
        return this.close()
      case CONNECTING:
        return this.#fail(
          isOwnLimit(error)
            ? 'gatewayLimit'
            : error.code === 'ETIMEDOUT'
              ? 'connectTimeout'
              : isTlsError(error)
                ? 'tlsFailed'
                : 'connectFailed',
          error,
        )
      case HEAD:
        return this.#lostBeforeHead(error)
      case BODY:
        return this.#lostInBody()
      default:
    }
  }

  #lostBeforeHead(error: NodeJS.ErrnoException | null): void {
    if (this.#hasBytes) return this.#fail('headCut', error)
    if (!this.isReused) return this.#fail('closed', error)
    this.#fail(this.hasSent ? 'staleSent' : 'staleUnsent', error)
  }

  #lostInBody(): void {
    if (this.#bodyKind === 'untilClose' && !this.#socket.errored) {
      this.#finish('', true)
      return
    }
    const reader = this.#reader
    this.close()
    reader?.onAnswerCut('UPSTREAM_CUT')
  }

  #onClosed(): void {
    readClock()
    this.#options.onClose()
    if (this.#state === CLOSED) return
    if (this.#state === IDLE) this.pool.forget(this)
    if (this.#state === HEAD) return this.#lostBeforeHead(null)
    if (this.#state === BODY) return this.#lostInBody()
    if (this.#state === CONNECTING) return this.#fail('connectFailed')
    this.close()
  }

  /** The text of a body range that came in the same read as its head, or undefined. Saves a second conversion. */
  textOf(from: number, to: number): string | undefined {
    const text = this.#text
    if (text === '') return undefined
    const end = to + this.#textOffset
    return end <= text.length ? text.slice(from + this.#textOffset, end) : undefined
  }
}
