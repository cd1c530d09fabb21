import { WORKER } from '../../model/counters.ts'
import type { Limits } from '../../model/settings.ts'
import type { AcceptedSocket, ClientConnection, ClientTls } from '../client.ts'
import { listenTo, type SocketOwner, setOwner } from '../client-socket.ts'
import { clock, readClock } from '../clock.ts'
import { plainAddress } from '../forwarded.ts'
import { latin1 } from '../http1/latin1.ts'
import { countWorker, type Plane } from '../plane.ts'
import { CODE, FLAG, MAX_WINDOW, SETTING } from './frames.ts'
import type { FieldSink } from './hpack-decoder.ts'
import { ServerStream } from './server-stream.ts'
import { PARTIAL_FRAME_MS, Session } from './session.ts'
import type { Stream } from './stream.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** Window of each stream for bodies of requests: what one paused stream can make us hold. */
const STREAM_WINDOW = 65_536
/** Between the GOAWAY that announces a drain and the one that names the last stream, so that what is on its way still arrives. Milliseconds. */
const GOAWAY_GRACE_MS = 1000
/** Stream objects, with their exchanges, that are kept for the next requests of a worker. */
const MAX_SPARES = 512
const spares: ServerStream[] = []

/** A client's connection that speaks HTTP/2. */
export class ServerSession extends Session implements ClientConnection, SocketOwner {
  readonly plane: Plane
  readonly tls: ClientTls | null
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  readonly commonLines = { host: '', client: '', text: '' }
  /** For a head in the form of HTTP/1.1: its length was held against the limit field by field. */
  readonly textLimits: Limits
  #prefaceRead = 0
  #lastStream = 0
  #requests = 0
  /** A GOAWAY was sent that announces the end; `lastServed` follows. */
  #isLeaving = false
  #leavesAtMs = 0
  #idleSinceMs: number
  /** Bytes that the system had taken when they were looked at last. */
  #stalledSinceMs = 0

  constructor(plane: Plane, { socket, localPort, tls, peer }: AcceptedSocket) {
    super({
      socket,
      isPlain: tls === null,
      limits: plane.options.settings.limits,
      deadlines: plane.deadlines,
      streamWindow: STREAM_WINDOW,
    })
    this.plane = plane
    this.tls = tls
    this.localPort = localPort
    this.peerAddress = peer?.address ?? plainAddress(socket.remoteAddress)
    this.peerPort = peer?.port ?? socket.remotePort ?? 0
    this.#idleSinceMs = clock.nowMs
    const { limits } = this
    this.textLimits = { ...limits, maxHeadBytes: Number.MAX_SAFE_INTEGER }
    this.writeSettings([
      [SETTING.MAX_CONCURRENT_STREAMS, limits.maxStreams],
      [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTING.MAX_HEADER_LIST_SIZE, limits.maxHeadBytes],
      [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
    ])
    this.#arm()
  }

  get localAddress(): string {
    return plainAddress(this.socket.localAddress)
  }

  // ================= reading =================

  onData(chunk: Buffer): void {
    this.onRead(chunk, chunk.length)
  }

  override onRead(buffer: Buffer, length: number): void {
    if (this.isClosed) return
    if (this.#prefaceRead === PREFACE.length) return super.onRead(buffer, length)
    const taken = Math.min(length, PREFACE.length - this.#prefaceRead)
    const isRight = latin1(buffer, 0, taken) === PREFACE.slice(this.#prefaceRead, this.#prefaceRead + taken)
    if (!isRight) return this.fail(CODE.PROTOCOL_ERROR)
    this.#prefaceRead += taken
    if (taken < length) super.onRead(buffer.subarray(taken), length - taken)
  }

  protected get lastStreamSeen(): number {
    return this.#lastStream
  }

  protected isIdleStream(id: number): boolean {
    return id % 2 === 0 || id > this.#lastStream
  }

  protected beginBlock(id: number, flags: number): FieldSink | null {
    const known = this.streams.get(id) as ServerStream | undefined
    if (known !== undefined) {
      if (known.hasRemoteEnd) {
        this.fail(CODE.STREAM_CLOSED)
        return null
      }
      known.beginFields(true)
      return known
    }
    if (id % 2 === 0) {
      this.fail(CODE.PROTOCOL_ERROR)
      return null
    }
    if (id <= this.#lastStream) {
      // the end of a stream that we gave up already may still be on its way; a head is none
      if ((flags & FLAG.END_STREAM) === 0) this.fail(CODE.STREAM_CLOSED)
      return null
    }
    this.#lastStream = id
    if (id > this.lastServed) return null
    if (this.streams.size >= this.limits.maxStreams) {
      this.resetById(id, CODE.REFUSED_STREAM)
      return null
    }
    const stream = spares.pop() ?? new ServerStream(this.plane, this)
    stream.open(this, id, this.initialSendWindow)
    this.streams.set(id, stream)
    return stream
  }

  protected endBlock(_id: number, flags: number, sink: FieldSink): void {
    const stream = sink as ServerStream
    this.#requests++
    stream.onHead((flags & FLAG.END_STREAM) !== 0)
    if (this.#requests >= this.limits.maxRequestsPerConnection || this.plane.overload > 0) this.#leave()
  }

  /** The body of a request ended with trailers. */
  endRequest(stream: ServerStream, trailers: string): void {
    this.endByTrailers(stream, trailers)
  }

  protected onGoaway(): void {
    // the client opens no further stream; those that run are answered
  }

  protected onStreamEnd(stream: Stream): void {
    const over = stream as ServerStream
    over.release()
    if (spares.length < MAX_SPARES && !over.exchange.isActive) spares.push(over)
    if (this.streams.size > 0) return
    this.#idleSinceMs = clock.nowMs
    if (this.lastServed !== MAX_WINDOW) this.close(false)
  }

  // ================= the end =================

  get heldRevision(): number {
    let held = Number.POSITIVE_INFINITY
    for (const stream of this.streams.values()) {
      const { exchange } = stream as ServerStream
      if (exchange.isActive) held = Math.min(held, exchange.revision)
    }
    return held
  }

  closeIfIdle(): void {
    this.#leave()
    for (const stream of this.streams.values()) (stream as ServerStream).exchange.leaveTunnel()
  }

  /** Streams that the client has begun finish; after a moment, in which it hears of it, no further ones are taken. */
  #leave(): void {
    if (this.#isLeaving || this.isClosed) return
    this.#isLeaving = true
    this.writeGoaway(MAX_WINDOW, CODE.NO_ERROR)
    this.writePing()
    this.#leavesAtMs = clock.nowMs + GOAWAY_GRACE_MS
    this.deadlines.set(this, this.#leavesAtMs)
  }

  /** The client has answered what was sent behind the announcement: it knows. */
  protected override onPong(): void {
    if (this.#isLeaving) this.#leaveNow()
  }

  #leaveNow(): void {
    if (this.lastServed !== MAX_WINDOW) return
    this.lastServed = this.#lastStream
    this.#leavesAtMs = 0
    this.writeGoaway(this.#lastStream, CODE.NO_ERROR)
    if (this.streams.size === 0) this.close(false)
  }

  destroy(): void {
    this.close(true)
  }

  protected onSessionEnd(): void {}

  onEnd(): void {
    // no client of HTTP/2 ends its side and waits
    if (this.isClosed) this.socket.destroy()
    else this.close(true)
  }

  onClosed(): void {
    this.close(true)
    this.deadlines.forget(this) // of a close that waited for the other side
    this.plane.connections.delete(this)
    countWorker(this.plane, WORKER.ACTIVE, -1)
    if (this.plane.isDraining) this.plane.onIdle?.()
  }

  // ================= deadlines =================

  /** One look a second: what has to be over by then is not exact to the moment. */
  #arm(): void {
    this.deadlines.set(this, clock.nowMs + LOOK_MS)
  }

  expire(nowMs: number): void {
    if (this.isClosed) {
      this.socket.destroy()
      return
    }
    const { limits } = this
    if (this.#leavesAtMs !== 0 && nowMs >= this.#leavesAtMs) this.#leaveNow()
    if (this.isClosed) return
    if (this.#prefaceRead < PREFACE.length || this.#lastStream === 0) {
      if (nowMs - this.#idleSinceMs >= limits.headerTimeoutMs) return this.fail(CODE.NO_ERROR)
    }
    if (this.partialSinceMs !== 0 && nowMs - this.partialSinceMs >= PARTIAL_FRAME_MS)
      return this.fail(CODE.PROTOCOL_ERROR)
    if (this.streams.size === 0 && this.#lastStream > 0 && nowMs - this.#idleSinceMs >= limits.keepAliveMs) {
      this.#leave()
      this.#leaveNow()
      if (this.isClosed) return
    }
    if (this.isWaiting) {
      if (this.#stalledSinceMs === 0) this.#stalledSinceMs = nowMs
      else if (!this.#hasMoved()) {
        if (nowMs - this.#stalledSinceMs >= limits.writeStallMs) return this.close(true)
      } else this.#stalledSinceMs = nowMs
    } else this.#stalledSinceMs = 0
    this.#arm()
  }

  #taken = 0
  /** Whether the system has taken bytes since the last look. */
  #hasMoved(): boolean {
    const { _handle: handle } = this.socket as unknown as {
      _handle: { bytesWritten: number; writeQueueSize: number } | null
    }
    const taken = handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize
    const hasMoved = taken !== this.#taken
    this.#taken = taken
    return hasMoved
  }
}

/** How often a connection is looked at. Milliseconds. */
const LOOK_MS = 1000

/** Makes a session of a connection; `before`: what has had it so far, null: nobody listens to it yet. */
export function openSession(
  plane: Plane,
  accepted: AcceptedSocket,
  before: ClientConnection | null,
): ServerSession {
  const session = new ServerSession(plane, accepted)
  setOwner(accepted.socket, session)
  if (before === null) {
    listenTo(accepted.socket, (length, buffer) => {
      readClock()
      session.onRead(buffer, length)
      return true
    })
  }
  if (before !== null) plane.connections.delete(before)
  plane.connections.add(session)
  return session
}
