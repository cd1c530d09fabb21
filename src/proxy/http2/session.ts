import type { Socket } from 'node:net'
import type { Limits } from '../../model/settings.ts'
import { clock, readClock } from '../clock.ts'
import type { Deadlines, Timed } from '../deadlines.ts'
import type { SocketWriter } from '../socket-writer.ts'
import { openWriter } from '../tls/tls-writer.ts'
import { readFieldLine } from './field-line.ts'
import {
  CODE,
  type Code,
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  FRAME_HEADER,
  MAX_FRAME,
  MAX_WINDOW,
  readUint32,
  SETTING,
  writeFrameHeader,
} from './frames.ts'
import { type Field, type FieldSink, HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import type { Stream } from './stream.ts'

/** Window of the connection for what comes. */
const CONNECTION_WINDOW = 1_048_576
/** A header block, as it comes over the wire. */
const MAX_BLOCK = 65_536
/** Frames that ask for work and bring none (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty ones): so many in the given time, and one more for each that brought something. */
const FLOOD_FRAMES = 1000
const FLOOD_MS = 10_000
/** Streams that were given up by either side: so many at once, and so many a second. */
const RESET_BURST = 100
const RESETS_PER_SECOND = 33
/** Answers of our own (PING, SETTINGS) that may wait for a peer that does not read. */
const MAX_WAITING_REPLIES = 10
/** A frame that began has to come whole within this. Milliseconds. */
export const PARTIAL_FRAME_MS = 10_000

/** How long a connection that was closed may take to deliver what was written. Milliseconds. */
const LINGER_MS = 1000

/** What is gathered in one turn goes out in writes of at most this. */
const OUT_BYTES = 65_536
const spares: Buffer[] = []
const MAX_SPARES = 32

function takeOut(bytes: number): Buffer {
  return bytes > OUT_BYTES
    ? Buffer.allocUnsafeSlow(bytes)
    : (spares.pop() ?? Buffer.allocUnsafeSlow(OUT_BYTES))
}
function giveOut(out: Buffer): void {
  if (out.length === OUT_BYTES && spares.length < MAX_SPARES) spares.push(out)
}

/** Sessions with something to write. All of them write once, when everything that has come was looked at: that is what makes many streams cheap. */
let dirty: Session[] = []
let isScheduled = false
function flushAll(): void {
  isScheduled = false
  const batch = dirty
  dirty = []
  readClock()
  for (const session of batch) session.flushNow()
}

export interface SessionOptions {
  readonly socket: Socket
  /** Whether the socket is a plain one. */
  readonly isPlain: boolean
  readonly limits: Limits
  readonly deadlines: Deadlines
  /** Window of each stream for what comes. Bytes. */
  readonly streamWindow: number
}

/**
 * One connection of HTTP/2 (RFC 9113), either side of it: frames to streams and back, windows, settings, and the limits that keep a peer from
 * making work for nothing (reliability.md section 5). What its streams mean is the subclasses' business.
 */
export abstract class Session implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly limits: Limits
  readonly deadlines: Deadlines
  readonly encoder = new HpackEncoder()
  readonly streams = new Map<number, Stream>()
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #decoder = new HpackDecoder()
  /** Bytes of a frame that has not come whole. */
  #partial: Buffer | null = null
  #partialBytes = 0
  protected partialSinceMs = 0
  /** A header block that goes on in the next frame. */
  #block: Buffer | null = null
  #blockBytes = 0
  #blockStream = 0
  #blockFlags = 0
  #hasSettings = false
  // ---- what goes out ----
  #out: Buffer | null = null
  #outBytes = 0
  isDirty = false
  #sendWindow = DEFAULT_WINDOW
  #waitingReplies = 0
  /** Streams whose head waits for the turn's end: most get their end, or a first part of a body, before it. */
  #unsent: Stream[] = []
  readonly #blocked = new Set<Stream>()
  // ---- what the other side said ----
  #peerWindow = DEFAULT_WINDOW
  protected peerMaxStreams = 100
  // ---- what comes in ----
  readonly streamWindow: number
  #receiveWindow = CONNECTION_WINDOW
  #unacknowledged = 0
  // ---- budgets ----
  #floodLeft = FLOOD_FRAMES
  #floodSinceMs = 0
  #resetsLeft = RESET_BURST
  #resetsAtMs = 0
  #isClosed = false
  /** GOAWAY was sent: streams above this number are not served. */
  protected lastServed = MAX_WINDOW

  constructor({ socket, isPlain, limits, deadlines, streamWindow }: SessionOptions) {
    this.#socket = socket
    this.limits = limits
    this.deadlines = deadlines
    this.streamWindow = streamWindow
    this.#writer = openWriter(socket, isPlain, () => {
      readClock()
      this.onDrain()
    })
    this.#floodSinceMs = clock.nowMs
    this.#resetsAtMs = clock.nowMs
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
  get socket(): Socket {
    return this.#socket
  }
  get isCongested(): boolean {
    return this.#writer.isCongested
  }
  get isWaiting(): boolean {
    return this.#writer.isWaiting
  }

  // ================= what subclasses say =================

  /** A header block begins: who takes its fields. null: they are read and dropped. */
  protected abstract beginBlock(stream: number, flags: number): FieldSink | null
  /** It is complete. */
  protected abstract endBlock(stream: number, flags: number, sink: FieldSink): void
  protected abstract onGoaway(lastStream: number, code: number): void
  /** The connection is over; streams were told. */
  protected abstract onSessionEnd(): void
  /** A stream is over on both sides, or given up. */
  protected abstract onStreamEnd(stream: Stream): void
  /** Whether a stream of this number may never have been opened. */
  protected abstract isIdleStream(id: number): boolean
  /** The other side's settings have come, the first time or again. */
  protected onSettings(): void {}

  // ================= reading =================

  /** Bytes as they come; valid during the call only. */
  onRead(buffer: Buffer, length: number): void {
    if (this.#isClosed) return
    this.#readFrames(buffer, length)
  }

  #readFrames(buffer: Buffer, length: number): void {
    let at = 0
    while (this.#partialBytes > 0) {
      const partial = this.#partial as Buffer
      const wanted = this.#partialBytes < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + lengthAt(partial, 0)
      const taken = Math.min(wanted - this.#partialBytes, length - at)
      buffer.copy(partial, this.#partialBytes, at, at + taken)
      this.#partialBytes += taken
      at += taken
      if (this.#partialBytes < wanted) return
      if (this.#partialBytes === FRAME_HEADER && lengthAt(partial, 0) > 0) {
        if (!this.#checkLength(partial, 0)) return
        continue
      }
      this.#partialBytes = 0
      this.partialSinceMs = 0
      this.#onFrame(partial, 0)
      if (this.#isClosed) return
    }
    while (length - at >= FRAME_HEADER) {
      if (!this.#checkLength(buffer, at)) return
      const end = at + FRAME_HEADER + lengthAt(buffer, at)
      if (end > length) break
      this.#onFrame(buffer, at)
      if (this.#isClosed) return
      at = end
    }
    if (at === length) return
    this.#partial ??= Buffer.allocUnsafeSlow(FRAME_HEADER + MAX_FRAME)
    buffer.copy(this.#partial, 0, at, length)
    this.#partialBytes = length - at
    this.partialSinceMs = clock.nowMs
  }

  #checkLength(bytes: Buffer, at: number): boolean {
    if (lengthAt(bytes, at) <= MAX_FRAME) return true
    this.fail(CODE.FRAME_SIZE_ERROR)
    return false
  }

  #onFrame(bytes: Buffer, at: number): void {
    const length = lengthAt(bytes, at)
    const type = bytes[at + 3] as number
    const flags = bytes[at + 4] as number
    const id = readUint32(bytes, at + 5) % 0x8000_0000
    const from = at + FRAME_HEADER
    const to = from + length
    if (this.#block !== null && (type !== FRAME.CONTINUATION || id !== this.#blockStream))
      return this.fail(CODE.PROTOCOL_ERROR)
    if (!this.#hasSettings && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0))
      return this.fail(CODE.PROTOCOL_ERROR)
    switch (type) {
      case FRAME.DATA:
        return this.#onData(bytes, from, to, flags, id)
      case FRAME.HEADERS:
        return this.#onHeaders(bytes, from, to, flags, id)
      case FRAME.CONTINUATION:
        return this.#onContinuation(bytes, from, to, flags)
      case FRAME.SETTINGS:
        return this.#onSettings(bytes, from, to, flags, id)
      case FRAME.WINDOW_UPDATE:
        return this.#onWindowUpdate(bytes, from, length, id)
      case FRAME.RST_STREAM:
        return this.#onReset(bytes, from, length, id)
      case FRAME.PING:
        return this.#onPing(bytes, from, length, flags, id)
      case FRAME.GOAWAY:
        if (id !== 0) return this.fail(CODE.PROTOCOL_ERROR)
        if (length < 8) return this.fail(CODE.FRAME_SIZE_ERROR)
        return this.onGoaway(readUint32(bytes, from) % 0x8000_0000, readUint32(bytes, from + 4))
      case FRAME.PRIORITY:
        if (id === 0) return this.fail(CODE.PROTOCOL_ERROR)
        if (!this.#spendFlood()) return
        if (length !== 5) return this.resetById(id, CODE.FRAME_SIZE_ERROR)
        if (readUint32(bytes, from) % 0x8000_0000 === id) this.resetById(id, CODE.PROTOCOL_ERROR)
        return
      case FRAME.PUSH_PROMISE:
        return this.fail(CODE.PROTOCOL_ERROR) // clients must not send it, and ours forbid it
      default:
        this.#spendFlood() // extensions are ignored
    }
  }

  #onData(bytes: Buffer, from: number, to: number, flags: number, id: number): void {
    if (id === 0) return this.fail(CODE.PROTOCOL_ERROR)
    let start = from
    let end = to
    if ((flags & FLAG.PADDED) !== 0) {
      const padding = bytes[from] as number
      if (to === from || padding >= to - from) return this.fail(CODE.PROTOCOL_ERROR)
      start++
      end -= padding
    }
    const isEnd = (flags & FLAG.END_STREAM) !== 0
    if (start === end && !isEnd && !this.#spendFlood()) return
    const size = to - from
    this.#receiveWindow -= size
    if (this.#receiveWindow < 0) return this.fail(CODE.FLOW_CONTROL_ERROR)
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.isIdleStream(id)) return this.fail(CODE.PROTOCOL_ERROR)
      this.#acknowledge(size)
      // it may have been sent before ours was heard: a stream that was given up, or is over on this side
      return
    }
    if (stream.hasRemoteEnd) {
      this.#acknowledge(size)
      return this.resetStream(stream, CODE.STREAM_CLOSED)
    }
    stream.receiveWindow -= size
    if (stream.receiveWindow < 0) {
      this.#acknowledge(size)
      return this.resetStream(stream, CODE.FLOW_CONTROL_ERROR)
    }
    if (end > start) {
      this.#earnFlood()
      stream.onData(bytes, start, end)
      if (this.#isClosed) return
      if (this.streams.get(id) !== stream) return this.#acknowledge(size)
    }
    if (stream.isPaused) stream.withheld += size
    else this.#use(stream, size)
    if (isEnd) this.#endRemote(stream, '')
  }

  #endRemote(stream: Stream, trailers: string): void {
    stream.hasRemoteEnd = true
    stream.onRemoteEnd(trailers)
    this.#settle(stream)
  }

  #onHeaders(bytes: Buffer, from: number, to: number, flags: number, id: number): void {
    if (id === 0) return this.fail(CODE.PROTOCOL_ERROR)
    let start = from
    let end = to
    if ((flags & FLAG.PADDED) !== 0) {
      end -= bytes[start] as number
      start++
    }
    if ((flags & FLAG.PRIORITY) !== 0) start += 5
    if (start > end) return this.fail(CODE.PROTOCOL_ERROR)
    if ((flags & FLAG.END_HEADERS) !== 0) return this.#onBlock(bytes, start, end, id, flags)
    this.#block = Buffer.allocUnsafeSlow(2 * MAX_FRAME)
    this.#blockBytes = bytes.copy(this.#block, 0, start, end)
    this.#blockStream = id
    this.#blockFlags = flags
    this.partialSinceMs = clock.nowMs
  }

  #onContinuation(bytes: Buffer, from: number, to: number, flags: number): void {
    if (this.#block === null) return this.fail(CODE.PROTOCOL_ERROR)
    if (from === to && !this.#spendFlood()) return
    const size = this.#blockBytes + to - from
    if (size > MAX_BLOCK) return this.fail(CODE.ENHANCE_YOUR_CALM)
    if (size > this.#block.length) {
      const larger = Buffer.allocUnsafeSlow(MAX_BLOCK)
      this.#block.copy(larger, 0, 0, this.#blockBytes)
      this.#block = larger
    }
    bytes.copy(this.#block, this.#blockBytes, from, to)
    this.#blockBytes = size
    if ((flags & FLAG.END_HEADERS) === 0) return
    const block = this.#block
    this.#block = null
    this.partialSinceMs = 0
    this.#onBlock(block, 0, size, this.#blockStream, this.#blockFlags)
  }

  #onBlock(bytes: Buffer, from: number, to: number, id: number, flags: number): void {
    const sink = this.beginBlock(id, flags)
    if (this.#isClosed) return
    if (this.#decoder.decode(bytes, from, to, sink ?? IGNORED) !== 'ok')
      return this.fail(CODE.COMPRESSION_ERROR)
    if (this.#isClosed || sink === null) return
    this.endBlock(id, flags, sink)
  }

  /** For subclasses: the block was the stream's trailer section. */
  protected endByTrailers(stream: Stream, trailers: string): void {
    this.#endRemote(stream, trailers)
  }

  #onSettings(bytes: Buffer, from: number, to: number, flags: number, id: number): void {
    if (id !== 0) return this.fail(CODE.PROTOCOL_ERROR)
    if ((flags & FLAG.ACK) !== 0) {
      if (to !== from) this.fail(CODE.FRAME_SIZE_ERROR)
      return
    }
    if ((to - from) % 6 !== 0) return this.fail(CODE.FRAME_SIZE_ERROR)
    if (!this.#spendFlood()) return
    for (let at = from; at < to; at += 6) {
      const setting = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
      const code = this.#takeSetting(setting, readUint32(bytes, at + 2))
      if (code !== CODE.NO_ERROR) return this.fail(code)
    }
    this.#hasSettings = true
    this.#reply(FRAME.SETTINGS, null, 0)
    this.onSettings()
    this.#pump()
  }

  #takeSetting(setting: number, value: number): Code {
    switch (setting) {
      case SETTING.HEADER_TABLE_SIZE:
        this.encoder.setLimit(value)
        return CODE.NO_ERROR
      case SETTING.ENABLE_PUSH:
        return value > 1 ? CODE.PROTOCOL_ERROR : CODE.NO_ERROR
      case SETTING.MAX_CONCURRENT_STREAMS:
        this.peerMaxStreams = value
        return CODE.NO_ERROR
      case SETTING.INITIAL_WINDOW_SIZE: {
        if (value > MAX_WINDOW) return CODE.FLOW_CONTROL_ERROR
        const change = value - this.#peerWindow
        this.#peerWindow = value
        for (const stream of this.streams.values()) {
          stream.sendWindow += change
          if (stream.sendWindow > MAX_WINDOW) return CODE.FLOW_CONTROL_ERROR
        }
        return CODE.NO_ERROR
      }
      case SETTING.MAX_FRAME_SIZE:
        return value < MAX_FRAME || value > 16_777_215 ? CODE.PROTOCOL_ERROR : CODE.NO_ERROR
      default:
        return CODE.NO_ERROR
    }
  }

  #onWindowUpdate(bytes: Buffer, at: number, length: number, id: number): void {
    if (length !== 4) return this.fail(CODE.FRAME_SIZE_ERROR)
    if (!this.#spendFlood()) return
    const increment = readUint32(bytes, at) % 0x8000_0000
    if (id === 0) {
      this.#sendWindow += increment
      if (increment === 0) return this.fail(CODE.PROTOCOL_ERROR)
      if (this.#sendWindow > MAX_WINDOW) return this.fail(CODE.FLOW_CONTROL_ERROR)
      return this.#pump()
    }
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.isIdleStream(id)) this.fail(CODE.PROTOCOL_ERROR)
      return
    }
    if (increment === 0) return this.resetStream(stream, CODE.PROTOCOL_ERROR)
    stream.sendWindow += increment
    if (stream.sendWindow > MAX_WINDOW) return this.resetStream(stream, CODE.FLOW_CONTROL_ERROR)
    if (this.#blocked.has(stream)) this.#pump()
  }

  #onReset(bytes: Buffer, at: number, length: number, id: number): void {
    if (id === 0) return this.fail(CODE.PROTOCOL_ERROR)
    if (length !== 4) return this.fail(CODE.FRAME_SIZE_ERROR)
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.isIdleStream(id)) return this.fail(CODE.PROTOCOL_ERROR)
      this.#spendFlood()
      return
    }
    if (!this.#spendReset()) return
    this.#drop(stream)
    stream.onReset(readUint32(bytes, at))
    this.onStreamEnd(stream)
  }

  #onPing(bytes: Buffer, at: number, length: number, flags: number, id: number): void {
    if (id !== 0) return this.fail(CODE.PROTOCOL_ERROR)
    if (length !== 8) return this.fail(CODE.FRAME_SIZE_ERROR)
    if (!this.#spendFlood()) return
    if ((flags & FLAG.ACK) === 0) this.#reply(FRAME.PING, bytes, at)
    else this.onPong()
  }

  /** An answer to a PING of ours. */
  protected onPong(): void {}

  // ================= budgets =================

  /** False: the connection is closed. */
  #spendFlood(): boolean {
    const now = clock.nowMs
    if (now - this.#floodSinceMs > FLOOD_MS) {
      this.#floodSinceMs = now
      this.#floodLeft = FLOOD_FRAMES
    }
    if (--this.#floodLeft >= 0) return true
    this.fail(CODE.ENHANCE_YOUR_CALM)
    return false
  }

  #earnFlood(): void {
    if (this.#floodLeft < FLOOD_FRAMES) this.#floodLeft++
  }

  #spendReset(): boolean {
    const now = clock.nowMs
    this.#resetsLeft = Math.min(
      RESET_BURST,
      this.#resetsLeft + ((now - this.#resetsAtMs) * RESETS_PER_SECOND) / 1000,
    )
    this.#resetsAtMs = now
    this.#resetsLeft--
    if (this.#resetsLeft >= 0) return true
    this.fail(CODE.ENHANCE_YOUR_CALM)
    return false
  }

  // ================= windows for what comes =================

  /** Bytes of a stream were used: more may come. */
  #use(stream: Stream, size: number): void {
    this.#acknowledge(size)
    stream.unacknowledged += size
    if (stream.hasRemoteEnd || stream.unacknowledged * 2 < this.streamWindow) return
    this.#writeWindowUpdate(stream.id, stream.unacknowledged)
    stream.receiveWindow += stream.unacknowledged
    stream.unacknowledged = 0
  }

  #acknowledge(size: number): void {
    this.#unacknowledged += size
    if (this.#unacknowledged * 2 < CONNECTION_WINDOW) return
    this.#writeWindowUpdate(0, this.#unacknowledged)
    this.#receiveWindow += this.#unacknowledged
    this.#unacknowledged = 0
  }

  pauseStream(stream: Stream): void {
    stream.isPaused = true
  }

  resumeStream(stream: Stream): void {
    if (!stream.isPaused) return
    stream.isPaused = false
    const { withheld } = stream
    stream.withheld = 0
    if (withheld > 0) this.#use(stream, withheld)
  }

  // ================= writing =================

  /** What begins a connection of this side; `settings`: pairs of setting and value. */
  protected writeSettings(settings: readonly (readonly [number, number])[]): void {
    const out = this.#reserve(FRAME_HEADER + settings.length * 6)
    let at = this.#outBytes - settings.length * 6
    writeFrameHeader(out, at - FRAME_HEADER, settings.length * 6, FRAME.SETTINGS, 0, 0)
    for (const [setting, value] of settings) {
      out.writeUInt16BE(setting, at)
      out.writeUInt32BE(value, at + 2)
      at += 6
    }
    this.#writeWindowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW)
  }

  /** Bytes before the first frame. */
  protected writeRaw(text: string): void {
    const out = this.#reserve(text.length)
    out.write(text, this.#outBytes - text.length, 'latin1')
    this.flush()
  }

  #writeWindowUpdate(id: number, increment: number): void {
    const out = this.#reserve(FRAME_HEADER + 4)
    const at = this.#outBytes - FRAME_HEADER - 4
    writeFrameHeader(out, at, 4, FRAME.WINDOW_UPDATE, 0, id)
    out.writeUInt32BE(increment, at + FRAME_HEADER)
    this.flush()
  }

  #reply(type: number, bytes: Buffer | null, from: number): void {
    if (this.#writer.isWaiting && ++this.#waitingReplies > MAX_WAITING_REPLIES)
      return this.fail(CODE.ENHANCE_YOUR_CALM)
    const length = bytes === null ? 0 : 8
    const out = this.#reserve(FRAME_HEADER + length)
    const at = this.#outBytes - FRAME_HEADER - length
    writeFrameHeader(out, at, length, type, FLAG.ACK, 0)
    bytes?.copy(out, at + FRAME_HEADER, from, from + 8)
    this.flush()
  }

  protected writePing(): void {
    const out = this.#reserve(FRAME_HEADER + 8)
    writeFrameHeader(out, this.#outBytes - FRAME_HEADER - 8, 8, FRAME.PING, 0, 0)
    out.fill(0, this.#outBytes - 8, this.#outBytes)
    this.flush()
  }

  protected writeGoaway(lastStream: number, code: Code): void {
    const out = this.#reserve(FRAME_HEADER + 8)
    const at = this.#outBytes - FRAME_HEADER - 8
    writeFrameHeader(out, at, 8, FRAME.GOAWAY, 0, 0)
    out.writeUInt32BE(lastStream, at + FRAME_HEADER)
    out.writeUInt32BE(code, at + FRAME_HEADER + 4)
    this.flush()
  }

  protected writeReset(id: number, code: Code): void {
    const out = this.#reserve(FRAME_HEADER + 4)
    const at = this.#outBytes - FRAME_HEADER - 4
    writeFrameHeader(out, at, 4, FRAME.RST_STREAM, 0, id)
    out.writeUInt32BE(code, at + FRAME_HEADER)
    this.flush()
  }

  /** The block that the encoder holds, as HEADERS and what follows. */
  writeBlock(stream: Stream, isEnd: boolean): void {
    const { block } = this.encoder
    let from = 0
    let type: number = FRAME.HEADERS
    do {
      const size = Math.min(MAX_FRAME, block.length - from)
      const isLast = from + size === block.length
      const flags = (isLast ? FLAG.END_HEADERS : 0) | (isEnd && type === FRAME.HEADERS ? FLAG.END_STREAM : 0)
      const out = this.#reserve(FRAME_HEADER + size)
      const at = this.#outBytes - FRAME_HEADER - size
      writeFrameHeader(out, at, size, type, flags, stream.id)
      block.copy(out, at + FRAME_HEADER, from, from + size)
      from += size
      type = FRAME.CONTINUATION
    } while (from < block.length)
    if (isEnd) this.#endLocal(stream)
    this.flush()
  }

  /** A head that waits for what comes with it, until the turn ends. */
  deferHead(stream: Stream): void {
    this.#unsent.push(stream)
    this.flush()
  }

  /** Bytes of a body; the caller's again afterwards. What there is no window for waits in the stream. */
  writeData(stream: Stream, bytes: Buffer, from: number, to: number): void {
    if (stream.hasLocalEnd || this.#isClosed) return
    if (stream.hasUnsentHead) stream.sendHead(false)
    let at = from
    if (stream.queue.length === 0) at = this.#sendData(stream, bytes, from, to)
    if (at < to) {
      stream.queue.push(Buffer.from(bytes.subarray(at, to)))
      this.#blocked.add(stream)
    }
    this.flush()
  }

  /** The body is complete; `trailers`: lines, '' for none. */
  writeEnd(stream: Stream, trailers: string): void {
    if (stream.hasLocalEnd || stream.pendingEnd !== null || this.#isClosed) return
    if (stream.queue.length > 0) {
      stream.pendingEnd = trailers
      return
    }
    if (trailers !== '') {
      if (stream.hasUnsentHead) stream.sendHead(false)
      this.encodeLines(trailers)
      return this.writeBlock(stream, true)
    }
    if (stream.hasUnsentHead) return stream.sendHead(true)
    const { lastDataOut } = stream
    if (lastDataOut !== null && lastDataOut === this.#out) {
      lastDataOut[stream.lastDataFlagsAt] = FLAG.END_STREAM
    } else {
      const out = this.#reserve(FRAME_HEADER)
      writeFrameHeader(out, this.#outBytes - FRAME_HEADER, 0, FRAME.DATA, FLAG.END_STREAM, stream.id)
    }
    this.#endLocal(stream)
    this.flush()
  }

  /** Field lines as a block: `name: value` each, names of any case. */
  protected encodeLines(lines: string): void {
    this.encoder.begin()
    let from = 0
    while (from < lines.length) {
      const end = lines.indexOf('\r\n', from)
      this.encoder.addLine(readFieldLine(lines.slice(from, end)))
      from = end + 2
    }
  }

  #sendData(stream: Stream, bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && !this.#writer.isCongested) {
      const size = Math.min(to - at, MAX_FRAME, this.#sendWindow, stream.sendWindow)
      if (size <= 0) break
      const out = this.#reserve(FRAME_HEADER + size)
      const start = this.#outBytes - FRAME_HEADER - size
      writeFrameHeader(out, start, size, FRAME.DATA, 0, stream.id)
      bytes.copy(out, start + FRAME_HEADER, at, at + size)
      stream.lastDataOut = out
      stream.lastDataFlagsAt = start + 4
      this.#sendWindow -= size
      stream.sendWindow -= size
      at += size
      this.#earnFlood()
    }
    return at
  }

  #endLocal(stream: Stream): void {
    stream.hasLocalEnd = true
    stream.lastDataOut = null
    this.#settle(stream)
  }

  /** Over on both sides: it is forgotten. */
  #settle(stream: Stream): void {
    if (!stream.hasLocalEnd || !stream.hasRemoteEnd || this.streams.get(stream.id) !== stream) return
    this.#drop(stream)
    this.onStreamEnd(stream)
  }

  #drop(stream: Stream): void {
    this.streams.delete(stream.id)
    this.#blocked.delete(stream)
    if (stream.withheld > 0) this.#acknowledge(stream.withheld)
    stream.withheld = 0
    stream.queue.length = 0
  }

  /** Room in what is gathered; it lies before `#outBytes`. */
  #reserve(bytes: number): Buffer {
    if (this.#out !== null && this.#outBytes + bytes > this.#out.length) this.#push()
    this.#out ??= takeOut(bytes)
    this.#outBytes += bytes
    return this.#out
  }

  /** Hands what was gathered to the system. */
  #push(): void {
    const out = this.#out
    if (out === null) return
    const bytes = this.#outBytes
    this.#out = null
    this.#outBytes = 0
    if (this.#isClosed) return giveOut(out)
    if (this.#writer.writeBytes(out.subarray(0, bytes))) giveOut(out)
  }

  /** What was gathered goes out when this turn of the loop has seen everything that came. */
  flush(): void {
    if (this.isDirty) return
    this.isDirty = true
    dirty.push(this)
    if (isScheduled) return
    isScheduled = true
    setImmediate(flushAll)
  }

  flushNow(): void {
    this.isDirty = false
    if (this.#isClosed) return
    if (this.#unsent.length > 0) {
      const unsent = this.#unsent
      this.#unsent = []
      for (const stream of unsent)
        if (stream.hasUnsentHead && this.streams.get(stream.id) === stream) stream.sendHead(false)
      this.isDirty = false
    }
    this.#push()
    this.onFlushed()
  }

  /** What was gathered is with the system, or waits for it. */
  protected onFlushed(): void {}

  /** The system took what waited. */
  onDrain(): void {
    if (this.#isClosed) return
    if (!this.#writer.isWaiting) this.#waitingReplies = 0
    this.#pump()
    if (this.isCongested) return
    for (const stream of this.streams.values()) this.#tellDrained(stream)
  }

  #tellDrained(stream: Stream): void {
    if (!stream.isHeldUp || stream.queue.length > 0 || this.isCongested) return
    stream.isHeldUp = false
    stream.onDrain()
  }

  /** Whether whoever writes to the stream should stop; it is told when to go on. */
  holdsUp(stream: Stream): boolean {
    if (stream.queue.length === 0 && !this.isCongested) return false
    stream.isHeldUp = true
    return true
  }

  /** Sends what waited for windows, stream by stream in the order in which they began to wait. */
  #pump(): void {
    for (const stream of [...this.#blocked]) {
      if (this.#sendWindow <= 0 || this.isCongested) break
      while (stream.queue.length > 0) {
        const part = stream.queue[0] as Buffer
        const sent = this.#sendData(stream, part, 0, part.length)
        if (sent < part.length) {
          if (sent > 0) stream.queue[0] = part.subarray(sent)
          break
        }
        stream.queue.shift()
      }
      // who had a turn goes to the end
      this.#blocked.delete(stream)
      if (stream.queue.length > 0) this.#blocked.add(stream)
      else if (stream.pendingEnd !== null) {
        const trailers = stream.pendingEnd
        stream.pendingEnd = null
        this.writeEnd(stream, trailers)
        stream.onDrain()
      } else this.#tellDrained(stream)
    }
    this.flush()
  }

  // ================= ends =================

  /** Gives a stream up. Counts against the other side where it was its doing (`isPeerFault`). */
  resetStream(stream: Stream, code: Code, isPeerFault = true): void {
    if (this.streams.get(stream.id) !== stream) return
    this.writeReset(stream.id, code)
    this.#drop(stream)
    stream.onReset(code)
    this.onStreamEnd(stream)
    if (isPeerFault) this.#spendReset()
  }

  /** The same, by whoever holds the stream: it hears nothing. */
  cancelStream(stream: Stream, code: Code): void {
    if (this.streams.get(stream.id) !== stream) return
    this.writeReset(stream.id, code)
    this.#drop(stream)
    this.onStreamEnd(stream)
  }

  /** A stream that is not served, or not any more. */
  protected resetById(id: number, code: Code): void {
    const stream = this.streams.get(id)
    if (stream !== undefined) return this.resetStream(stream, code)
    this.writeReset(id, code)
    this.#spendReset()
  }

  /** The connection breaks the protocol, or does too much of something: GOAWAY says why, then it is closed. */
  fail(code: Code): void {
    if (this.#isClosed) return
    this.writeGoaway(this.lastStreamSeen, code)
    this.#push()
    this.close(false)
  }

  /** Highest number of a stream of the other side. */
  protected abstract readonly lastStreamSeen: number

  /** `isAbrupt`: what was written and waits is dropped. */
  close(isAbrupt: boolean): void {
    if (this.#isClosed) return
    if (!isAbrupt) this.#push()
    this.#isClosed = true
    this.deadlines.forget(this)
    const streams = [...this.streams.values()]
    this.streams.clear()
    this.#blocked.clear()
    for (const stream of streams) {
      stream.onReset(CODE.CANCEL)
      this.onStreamEnd(stream)
    }
    if (isAbrupt) this.#socket.destroy()
    else {
      // what the other side still sends is read and dropped for a while, so that no reset overtakes what was written
      this.#socket.end()
      this.deadlines.set(this, clock.nowMs + LINGER_MS)
    }
    this.onSessionEnd()
  }

  get hasBlocked(): boolean {
    return this.#blocked.size > 0
  }

  /** Window that a new stream begins with. */
  protected get initialSendWindow(): number {
    return this.#peerWindow
  }

  abstract expire(nowMs: number): void
}

function lengthAt(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
}

const IGNORED: FieldSink = { onField(_field: Field): void {} }
