import type { Socket } from 'node:net'
import { SocketWriter, writeError } from '../socket-writer.ts'
import { handleOf, type StreamBinding, type StreamHandle, streamBinding } from '../stream-binding.ts'

type WritableHandle = Required<Pick<StreamHandle, 'writeLatin1String' | 'writeBuffer'>>
type Callback = (error?: Error | null) => void

/** What a Writable calls to have something done. */
interface Sink {
  _write(chunk: unknown, encoding: BufferEncoding, callback: Callback): void
  _writev(chunks: unknown, callback: Callback): void
  _final(callback: Callback): void
}
type GatedSocket = Socket & Sink & { tlsWriter: TlsWriter }

interface WriteRequest {
  writer: TlsWriter
  isText: boolean
  oncomplete: (this: WriteRequest, status: number) => void
}

/**
 * Writes to a TLS socket by its handle, as SocketWriter does to a plain one: no bookkeeping of a Writable and no ticks. Here every write is reported
 * later, but its bytes are encrypted, or copied, before the call returns, so that their memory is free at once. The handle takes one write at a
 * time: while one is under way, what follows goes to the socket's Writable, which is held up until the report has come; so is its end.
 */
export class TlsWriter extends SocketWriter {
  readonly #tlsSocket: Socket
  readonly #tlsHandle: WritableHandle
  readonly #onTlsDrain: () => void
  /** Bytes of the write under way. */
  #busyBytes = 0
  /** The Writable has the handle, or will have it next; its length does not tell, for it writes empty texts too. */
  #isLent = false
  /** What the Writable wants done, behind the write under way. */
  #held: (() => void) | null = null
  /** The request of the last text, to be used again: Node has let go of it when its report returns. One of bytes holds on to these. */
  #spare: WriteRequest | null = null

  constructor(socket: Socket, handle: WritableHandle, onDrain: () => void) {
    super(socket, false, onDrain)
    this.#tlsSocket = socket
    this.#tlsHandle = handle
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
      this.#busyBytes = text.length
      this.#check(this.#tlsHandle.writeLatin1String(request, text))
    }
  }

  override writeBytes(bytes: Buffer): boolean {
    if (!this.#isFree) return super.writeBytes(bytes)
    if (bytes.length > 0) {
      this.#busyBytes = bytes.length
      this.#check(this.#tlsHandle.writeBuffer(this.#makeRequest(false), bytes))
    }
    return true
  }

  get #isFree(): boolean {
    const socket = this.#tlsSocket
    if (this.#busyBytes > 0 || this.#isLent || socket.writableLength > 0) return false
    return !socket.destroyed && socket.writable
  }

  #makeRequest(isText: boolean): WriteRequest {
    const request = new (streamBinding as StreamBinding).WriteWrap() as WriteRequest
    request.oncomplete = onComplete
    request.writer = this
    request.isText = isText
    return request
  }

  #check(status: number): void {
    if (status === 0 && (streamBinding as StreamBinding).streamBaseState[kLastWriteWasAsync] !== 0) return
    this.#busyBytes = 0
    if (status !== 0) this.#tlsSocket.destroy(writeError(status))
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
    if (this.#busyBytes === 0) work()
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

const kLastWriteWasAsync = streamBinding === null ? 0 : streamBinding.kLastWriteWasAsync

function onComplete(this: WriteRequest, status: number): void {
  this.writer.onWritten(this, status)
}

function gatedWrite(this: GatedSocket, chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
  this.tlsWriter.lend((done) => sinkOf(this)._write.call(this, chunk, encoding, done), callback)
}
function gatedWritev(this: GatedSocket, chunks: unknown, callback: Callback): void {
  this.tlsWriter.lend((done) => sinkOf(this)._writev.call(this, chunks, done), callback)
}
function gatedFinal(this: GatedSocket, callback: Callback): void {
  this.tlsWriter.hold(() => sinkOf(this)._final.call(this, callback))
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
