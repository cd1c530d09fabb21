import type { Socket } from 'node:net'
import { SocketWriter, writeError } from '../socket-writer.ts'
import { handleOf, type StreamBinding, type StreamHandle, streamBinding } from '../stream-binding.ts'

/** A handle of TLS, and that of the connection below it. */
type WritableHandle = Required<Pick<StreamHandle, 'writeLatin1String' | 'writeBuffer'>> & {
  readonly _parent?: object
}
/** Gives how many bytes wait in a handle. Of TLS: encrypted and not known to be written; below it: not taken by the system. */
type QueueSize = (this: object) => number
type Callback = (error?: Error | null) => void

/** What a Writable calls to have something done. */
interface Sink {
  _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void
  _writev(chunks: unknown, callback: Callback): void
  _final(callback: Callback): void
}
type GatedSocket = Socket & Sink & { tlsWriter: TlsWriter | null }

interface WriteRequest {
  writer: TlsWriter
  isText: boolean
  /** undefined: nobody is told. */
  oncomplete: ((this: WriteRequest, status: number) => void) | undefined
  /** Of the write that it stands for; negative once that has been reported. */
  getAsyncId?(): number
}

/** Of a write up to this size the handle writes all at once, or nothing; of a larger one it may have more to write later. */
const MOST_AT_ONCE = 16_384

/**
 * Writes to a TLS socket by its handle, as SocketWriter does to a plain one: no bookkeeping of a Writable and no ticks. Here every write is reported
 * later, but its bytes are encrypted, or copied, before the call returns, so that their memory is free at once. The handle takes one write at a
 * time: while one is under way, what follows goes to the socket's Writable, which is held up until the report has come; so is its end.
 *
 * The report of a write that the system took at once has nothing to say. It is not asked for unless something comes behind it in the same turn of the event
 * loop: that spares a call from native code, and a deadline, for each answer.
 */
export class TlsWriter extends SocketWriter {
  readonly #tlsSocket: Socket
  readonly #tlsHandle: WritableHandle
  readonly #below: object | undefined
  /** null: this Node does not tell, or what lies below is no connection; every report is asked for then. */
  readonly #queueSize: QueueSize | null
  readonly #queueSizeBelow: QueueSize | null
  readonly #onTlsDrain: () => void
  /** Bytes of the write under way, whose report is awaited. */
  #busyBytes = 0
  /** Nothing encrypted waited in the handle, not even of its own making (handshakes), when the last write began. */
  #wasQuiet = false
  /** The last write that the system took at once: the handle may not have done with it. Its request and its bytes. */
  #taken: WriteRequest | null = null
  #takenBytes = 0
  /** The Writable has the handle, or will have it next; its length does not tell, for it writes empty texts too. */
  #isLent = false
  /** What the Writable wants done, behind the write under way. */
  #held: (() => void) | null = null
  /** The request of the last text, to be used again: Node has let go of it. One of bytes holds on to these. */
  #spare: WriteRequest | null = null

  constructor(socket: Socket, handle: WritableHandle, onDrain: () => void) {
    super(socket, false, onDrain)
    this.#tlsSocket = socket
    this.#tlsHandle = handle
    this.#below = handle._parent
    this.#queueSize = queueSizeOf(handle)
    this.#queueSizeBelow = this.#below === undefined ? null : queueSizeOf(this.#below)
    this.#onTlsDrain = onDrain
    const gated = socket as GatedSocket
    gated.tlsWriter = this
    gated._write = gatedWrite
    gated._writev = gatedWritev
    gated._final = gatedFinal
  }

  override write(text: string): void {
    if (!this.#isFree) super.write(text)
    else if (text !== '') {
      const request = this.#spare ?? this.#makeRequest(true)
      this.#spare = null
      this.#begin(text.length)
      this.#check(request, this.#tlsHandle.writeLatin1String(request, text))
    }
  }

  override writeBytes(bytes: Buffer): boolean {
    if (!this.#isFree) return super.writeBytes(bytes)
    if (bytes.length > 0) {
      const request = this.#makeRequest(false)
      this.#begin(bytes.length)
      this.#check(request, this.#tlsHandle.writeBuffer(request, bytes))
    }
    return true
  }

  get #isFree(): boolean {
    const socket = this.#tlsSocket
    if (this.#isLent || socket.writableLength > 0 || socket.destroyed || !socket.writable) return false
    return this.#isIdle()
  }

  /** Whether the handle has done with the last write. If not, its report is awaited from now on. */
  #isIdle(): boolean {
    if (this.#busyBytes > 0) return false
    const taken = this.#taken
    if (taken === null) return true
    this.#taken = null
    taken.oncomplete = onComplete
    const isReported = (taken as Required<WriteRequest>).getAsyncId() < 0
    if (!isReported) this.#busyBytes = this.#takenBytes
    else if (taken.isText) this.#spare = taken
    return isReported
  }

  #makeRequest(isText: boolean): WriteRequest {
    const request = new (streamBinding as StreamBinding).WriteWrap() as WriteRequest
    request.oncomplete = onComplete
    request.writer = this
    request.isText = isText
    return request
  }

  #begin(bytes: number): void {
    this.#busyBytes = bytes
    this.#wasQuiet = bytes <= MOST_AT_ONCE && this.#queueSize?.call(this.#tlsHandle) === 0
  }

  /** After a write; one that failed at once has been reported already. */
  #check(request: WriteRequest, status: number): void {
    if (status === 0 && (streamBinding as StreamBinding).streamBaseState[kLastWriteWasAsync] !== 0) {
      const bytes = this.#busyBytes
      if (bytes === 0 || !this.#wasQuiet || !this.#isTaken || request.getAsyncId === undefined) return
      this.#busyBytes = 0
      this.#taken = request
      this.#takenBytes = bytes
      request.oncomplete = undefined
      return
    }
    this.#busyBytes = 0
    if (status !== 0) this.#tlsSocket.destroy(writeError(status))
  }

  /** Whether something was encrypted, and the system has taken all of it. */
  get #isTaken(): boolean {
    const isBelowEmpty = this.#queueSizeBelow?.call(this.#below as object) === 0
    return isBelowEmpty && (this.#queueSize as QueueSize).call(this.#tlsHandle) > 0
  }

  /** The write under way is over. */
  onWritten(request: WriteRequest, status: number): void {
    const wasCongested = this.#isFull
    this.#busyBytes = 0
    const held = this.#held
    this.#held = null
    if (this.#tlsSocket.destroyed) return
    if (status !== 0) {
      this.#tlsSocket.destroy(writeError(status))
      return
    }
    held?.()
    if (wasCongested && !this.isCongested) this.#onTlsDrain()
    // not before: what was just begun must have one of its own
    if (request.isText) this.#spare = request
  }

  /** Gives the handle to the Writable, behind the write under way, until it calls back. */
  lend(work: (done: Callback) => void, callback: Callback): void {
    this.#isLent = true
    this.hold(() =>
      work((error) => {
        this.#isLent = false
        callback(error)
      }),
    )
  }

  /** Does it behind the write under way. */
  hold(work: () => void): void {
    if (this.#isIdle()) work()
    else this.#held = work
  }

  get #isFull(): boolean {
    return this.#busyBytes > 0 && this.#busyBytes >= this.#tlsSocket.writableHighWaterMark
  }

  override get isWaiting(): boolean {
    return this.#busyBytes > 0 || super.isWaiting
  }

  override get isCongested(): boolean {
    return this.#isFull || super.isCongested
  }
}

/** By the kind of handle. Called as they are: looked up by name, handles of many shapes would make them slow. */
const queueSizes = new Map<object, QueueSize | null>()

/** Gives how much waits in handles of that kind; null: they do not tell. */
function queueSizeOf(handle: object): QueueSize | null {
  const kind = Object.getPrototypeOf(handle) as object
  let size = queueSizes.get(kind)
  if (size === undefined) {
    size = findQueueSize(kind)
    queueSizes.set(kind, size)
  }
  return size
}

function findQueueSize(kind: object): QueueSize | null {
  for (let shape: object | null = kind; shape !== null; shape = Object.getPrototypeOf(shape)) {
    const found = Object.getOwnPropertyDescriptor(shape, 'writeQueueSize')
    if (found !== undefined) return found.get ?? null
  }
  return null
}

const kLastWriteWasAsync = streamBinding === null ? 0 : streamBinding.kLastWriteWasAsync

function onComplete(this: WriteRequest, status: number): void {
  this.writer.onWritten(this, status)
}

/** The socket is closed: it lets go of its writer, if it has one of its own. */
export function closeWriter(socket: Socket): void {
  const gated = socket as Partial<GatedSocket>
  if (gated.tlsWriter !== undefined) gated.tlsWriter = null
}

function gatedWrite(this: GatedSocket, chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
  this.tlsWriter?.lend((done) => sinkOf(this)._write.call(this, chunk, encoding, done), callback)
}
function gatedWritev(this: GatedSocket, chunks: unknown, callback: Callback): void {
  this.tlsWriter?.lend((done) => sinkOf(this)._writev.call(this, chunks, done), callback)
}
function gatedFinal(this: GatedSocket, callback: Callback): void {
  this.tlsWriter?.hold(() => sinkOf(this)._final.call(this, callback))
}

function sinkOf(socket: Socket): Sink {
  return Object.getPrototypeOf(socket) as Sink
}

/** How bytes go to the socket: as directly as it is possible here. `onDrain` as for SocketWriter. */
export function openWriter(socket: Socket, isPlain: boolean, onDrain: () => void): SocketWriter {
  const handle = isPlain || streamBinding === null ? null : handleOf(socket)
  return typeof handle?.writeLatin1String === 'function' && typeof handle.writeBuffer === 'function'
    ? new TlsWriter(socket, handle as WritableHandle, onDrain)
    : new SocketWriter(socket, isPlain, onDrain)
}
