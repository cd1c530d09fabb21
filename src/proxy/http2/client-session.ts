import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { PoolSettings } from '../../model/upstream.ts'
import { clock, readClock } from '../clock.ts'
import { READ_BUFFER } from '../http1/head-bytes.ts'
import { lendReadBuffer } from '../http1/read-buffer.ts'
import type { ResponseHead } from '../http1/response-head.ts'
import type { Failure } from '../upstream/attempts.ts'
import type { AnswerReader, UpstreamOptions } from '../upstream/connection.ts'
import type { EndpointPool } from '../upstream/pool.ts'
import { isOwnLimit, isTlsError, tlsTarget } from '../upstream/tls.ts'
import { ClientStream } from './client-stream.ts'
import { CODE, type Code, FLAG, SETTING } from './frames.ts'
import type { FieldSink } from './hpack-decoder.ts'
import { KeepAlive } from './keep-alive.ts'
import { Session } from './session.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** Streams of one connection at once, whatever the endpoint would take. */
const MAX_STREAMS = 100
/** So near to the last number that a stream may have a connection takes no further ones. */
const LAST_ID = 2 ** 31 - 1001

/** One connection to an endpoint that speaks HTTP/2, for many requests at once. */
export class ClientSession extends Session {
  readonly pool: EndpointPool
  readonly address: string
  /** Read and used up within one call. */
  readonly head: ResponseHead
  readonly bornMs: number
  /** Bytes of a head, and of trailers, that it takes. */
  readonly maxHeadBytes: number
  requests = 0
  isConnecting = true
  readonly #options: UpstreamOptions
  /** Requests that wait for the connection. */
  #waiting: ClientStream[] = []
  /** Streams that got something in the read at hand. */
  #touched: ClientStream[] = []
  #nextId = 1
  /** It takes no further streams. */
  #isLeaving = false
  /** When the last bytes came. */
  lastReadMs = 0
  /** Asks for signs of life; null: nobody does. */
  readonly #keepAlive: KeepAlive | null
  #idleMs = 0
  #failure: NodeJS.ErrnoException | null = null

  constructor(
    pool: EndpointPool,
    address: string,
    connectMs: number,
    nowMs: number,
    options: UpstreamOptions,
  ) {
    const { identity } = pool
    const isPlain = identity.scheme === 'http'
    const socket = isPlain
      ? connect({ host: address, port: identity.port, noDelay: true, allowHalfOpen: false })
      : process
          .getBuiltinModule('node:tls')
          .connect(
            tlsTarget(
              pool,
              address,
              options.limits,
              identity.http2 === 'always' ? ['h2'] : ['h2', 'http/1.1'],
            ),
          )
    super({
      socket,
      isPlain,
      limits: options.limits,
      deadlines: options.deadlines,
      streamWindow: options.limits.bufferHighBytes,
    })
    this.pool = pool
    this.address = address
    this.head = options.sharedHead
    this.bornMs = nowMs
    this.#options = options
    const { calls } = identity
    const { maxResponseHeadBytes } = options.limits
    this.maxHeadBytes =
      calls === null ? maxResponseHeadBytes : Math.min(calls.maxMetadataBytes, maxResponseHeadBytes)
    this.#keepAlive = calls === null ? null : new KeepAlive(this, calls)
    socket.setNoDelay(true)
    socket.on(isPlain ? 'connect' : 'secureConnect', () => this.#onConnected(socket))
    const onRead = (length: number, buffer: Buffer): true => {
      readClock()
      this.onRead(buffer, length)
      return true
    }
    if (!isPlain || !lendReadBuffer(socket, READ_BUFFER, onRead))
      socket.on('data', (chunk: Buffer) => void onRead(chunk.length, chunk))
    socket.on('drain', () => {
      readClock()
      this.onDrain()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      readClock()
      this.#failure = error
      this.#lose()
    })
    socket.on('end', () => {
      readClock()
      this.#lose()
    })
    socket.on('close', () => {
      readClock()
      options.onClose()
      this.#lose()
    })
    if (!isPlain)
      socket.on('session', (session: Buffer) => {
        pool.session = session
      })
    pool.addSession(this)
    options.onOpen()
    options.deadlines.set(this, nowMs + connectMs)
  }

  // ================= streams =================

  /** Whether it takes another request. */
  get hasRoom(): boolean {
    if (this.isClosed || this.#isLeaving) return false
    return this.streams.size + this.#waiting.length < Math.min(MAX_STREAMS, this.peerMaxStreams)
  }

  open(reader: AnswerReader): ClientStream {
    const stream = new ClientStream(this, reader)
    if (this.isConnecting) this.#waiting.push(stream)
    this.requests++
    return stream
  }

  /** Gives the stream its number. False: the connection takes none any more, and the stream was told. */
  begin(stream: ClientStream): boolean {
    if (this.isClosed || this.#nextId > LAST_ID) {
      stream.onLost('staleUnsent', null)
      return false
    }
    if (this.#nextId + 2 > LAST_ID) this.#isLeaving = true
    stream.id = this.#nextId
    this.#nextId += 2
    stream.sendWindow = this.initialSendWindow
    stream.receiveWindow = this.streamWindow
    this.streams.set(stream.id, stream)
    return true
  }

  /** Whoever has the stream does not want it any more. */
  abandon(stream: ClientStream, code: Code): void {
    const at = this.#waiting.indexOf(stream)
    if (at >= 0) {
      this.#waiting.splice(at, 1)
      this.#restIfIdle()
    } else this.cancelStream(stream, code)
  }

  endAnswer(stream: ClientStream, trailers: string): void {
    this.endByTrailers(stream, trailers)
  }

  /** A request is over; `settings`: how long the connection may lie idle, and how many requests it may carry. */
  rest(settings: PoolSettings): void {
    this.#idleMs = settings.idleMs
    const isOld = settings.maxAgeMs > 0 && clock.nowMs - this.bornMs >= settings.maxAgeMs
    if (isOld || settings.idleMs === 0 || this.requests >= settings.requests || this.pool.users === 0)
      this.leave()
    else this.#restIfIdle()
  }

  #restIfIdle(): void {
    if (this.isConnecting || this.isClosed || this.streams.size + this.#waiting.length > 0) return
    if (this.#isLeaving) return this.close(false)
    this.deadlines.set(this, clock.nowMs + (this.#idleMs || this.#options.limits.keepAliveMs))
  }

  /** A stream had no answer in time. Where nothing at all has come for a while the connection itself may be dead: it gets no further ones. */
  noteSilence(): void {
    if (clock.nowMs - this.lastReadMs >= SILENCE_MS) this.leave()
  }

  /** Streams that run finish, then it closes. */
  leave(): void {
    this.#isLeaving = true
    this.pool.removeSession(this)
    this.#restIfIdle()
  }

  // ================= the connection =================

  #onConnected(socket: Socket): void {
    readClock()
    if (this.isClosed || !this.isConnecting) return
    const protocol = 'alpnProtocol' in socket ? (socket.alpnProtocol as string | false) : null
    if (protocol !== null && protocol !== 'h2') return this.#declined()
    this.isConnecting = false
    this.deadlineMs = 0
    this.lastReadMs = clock.nowMs
    this.writeRaw(PREFACE)
    this.writeSettings([
      [SETTING.ENABLE_PUSH, 0],
      [SETTING.INITIAL_WINDOW_SIZE, this.streamWindow],
      [SETTING.MAX_HEADER_LIST_SIZE, this.maxHeadBytes],
    ])
    const waiting = this.#waiting
    this.#waiting = []
    for (const stream of waiting) stream.onConnected()
    if (!this.isClosed) this.#keepAlive?.start(clock.nowMs)
  }

  /** Asks the endpoint for a sign of life. */
  ping(): void {
    this.writePing()
  }

  /** None came in time. */
  onSilence(): void {
    this.#end('closed')
  }

  /** The endpoint does not speak HTTP/2: where that was only offered, requests go over HTTP/1.1 from now on. */
  #declined(): void {
    if (this.pool.identity.http2 === 'offered') {
      this.pool.speaksHttp1 = true
      this.#end('staleUnsent')
    } else this.#end('tlsFailed')
  }

  protected get lastStreamSeen(): number {
    return 0
  }
  protected isIdleStream(id: number): boolean {
    return id % 2 === 0 || id >= this.#nextId
  }

  override onRead(buffer: Buffer, length: number): void {
    this.lastReadMs = clock.nowMs
    super.onRead(buffer, length)
    if (this.#touched.length === 0) return
    const touched = this.#touched
    this.#touched = []
    for (const stream of touched) stream.onTurn()
  }

  protected beginBlock(id: number): FieldSink | null {
    const stream = this.streams.get(id) as ClientStream | undefined
    if (stream === undefined) {
      if (this.isIdleStream(id)) this.fail(CODE.PROTOCOL_ERROR)
      return null
    }
    stream.beginFields()
    return stream
  }

  protected endBlock(_id: number, flags: number, sink: FieldSink): void {
    const stream = sink as ClientStream
    this.touch(stream)
    stream.onFields((flags & FLAG.END_STREAM) !== 0)
  }

  /** The stream got something: it is told when all of the read was handed over. */
  touch(stream: ClientStream): void {
    if (this.#touched.at(-1) !== stream) this.#touched.push(stream)
  }

  protected onGoaway(lastStream: number, code: number): void {
    this.#isLeaving = true
    if (code === CODE.ENHANCE_YOUR_CALM) this.#keepAlive?.slowDown()
    this.pool.removeSession(this)
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= lastStream) continue
      this.streams.delete(stream.id)
      stream.onReset(CODE.REFUSED_STREAM)
    }
    this.#restIfIdle()
  }

  protected onStreamEnd(): void {
    if (this.pool.gates.size > 0) this.pool.tellGates()
    this.#restIfIdle()
  }

  protected onSessionEnd(): void {
    if (this.#keepAlive !== null) this.deadlines.forget(this.#keepAlive)
    this.pool.removeSession(this)
    this.pool.onClose()
  }

  /** The other side, or the network, ended it. */
  #lose(): void {
    if (this.isClosed) {
      this.socket.destroy()
      return
    }
    const error = this.#failure
    if (!this.isConnecting) return this.#end(this.requests > this.streams.size ? 'staleSent' : 'closed')
    this.#end(
      error === null
        ? 'connectFailed'
        : isOwnLimit(error)
          ? 'gatewayLimit'
          : error.code === 'ETIMEDOUT'
            ? 'connectTimeout'
            : isTlsError(error)
              ? 'tlsFailed'
              : 'connectFailed',
    )
  }

  /** Every request on it, and those that wait for it, ends like this. */
  #end(failure: Failure): void {
    const lost = [...this.streams.values(), ...this.#waiting] as ClientStream[]
    this.streams.clear()
    this.#waiting = []
    this.close(true)
    for (const stream of lost) stream.onLost(failure, this.#failure)
  }

  override fail(code: Code): void {
    if (this.isClosed) return
    const lost = [...this.streams.values(), ...this.#waiting] as ClientStream[]
    this.streams.clear()
    this.#waiting = []
    super.fail(code)
    for (const stream of lost) stream.onLost('badAnswer', null)
  }

  expire(): void {
    if (this.isClosed) {
      this.socket.destroy()
      return
    }
    if (this.isConnecting) return this.#end('connectTimeout')
    if (this.streams.size === 0) {
      this.writeGoaway(0, CODE.NO_ERROR)
      this.close(false)
    }
  }
}

/** A connection without a byte from its endpoint for so long, while an answer was awaited, is not used for further requests. Milliseconds. */
const SILENCE_MS = 1000
