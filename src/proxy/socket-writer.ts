import type { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { latin1 } from './http1/latin1.ts'
import { handleOf, type StreamBinding, type StreamHandle, streamBinding } from './stream-binding.ts'

/**
 * Writes of texts and bytes to a plain TCP socket. One that the system takes at once, as nearly all do, goes to the socket's handle directly: the
 * same call that `socket.write` ends in, without a request object, a Writable's bookkeeping and a tick for each message (measured: a
 * quarter of the gateway's own time per request). Anything else — a TLS socket, bytes already waiting, a long text, a Node without these
 * internals — goes through `socket.write`.
 *
 * Order holds: both ways end in the handle's one queue. A direct write is made only while the Writable holds nothing; once one could not
 * be taken whole, later ones queue behind it in the handle.
 */

interface WriteRequest {
  /** Bytes of a write under way: their memory must not go, or be used again, before it is done. */
  bytes: Uint8Array | null
  oncomplete: ((this: WriteRequest, status: number) => void) | null
  writer: SocketWriter | null
}
type WritableHandle = Required<Pick<StreamHandle, 'writeLatin1String' | 'writeBuffer'>>

/** Longer texts are not written from the stack by Node and need a request of their own anyway. */
const MAX_DIRECT = 16_384

/** Bytes up to this size travel as text with what surrounds them. */
const TEXT_PART = 8192
/**
 * What bytes are copied into when nothing waits for their peer. What the system takes at once, as it does for all but slow readers, leaves it
 * free again; otherwise the socket keeps it and a new one is made. So a fast body makes no garbage.
 */
let spare = Buffer.allocUnsafeSlow(135_168)

/** One request serves all direct writes that end at once; one that does not keeps it, and a new one is made. */
let request: WriteRequest | null = null

function makeRequest(known: StreamBinding): WriteRequest {
  const made = new known.WriteWrap() as WriteRequest
  made.oncomplete = onComplete
  made.writer = null
  made.bytes = null
  return made
}

function onComplete(this: WriteRequest, status: number): void {
  const { writer, bytes } = this
  this.writer = null
  this.bytes = null
  writer?.onComplete(status, bytes === null ? 0 : bytes.length)
}

export class SocketWriter {
  readonly #socket: Socket
  readonly #handle: StreamHandle | null
  readonly #onDrain: () => void
  /** Direct writes that the system has not taken whole: texts, and bytes of those of `writeBytes`. */
  #waitingTexts = 0
  #waitingBytes = 0

  /** `onDrain`: a direct write that had to wait is done and no more is waiting than may (`isCongested`). `socket` must be connected. */
  constructor(socket: Socket, isPlain: boolean, onDrain: () => void) {
    this.#socket = socket
    const handle = handleOf(socket)
    this.#handle =
      isPlain &&
      streamBinding !== null &&
      typeof handle?.writeLatin1String === 'function' &&
      typeof handle.writeBuffer === 'function'
        ? handle
        : null
    this.#onDrain = onDrain
  }

  /** Whether direct writes are possible at all; tests want to know which way they took. */
  static get isDirect(): boolean {
    return streamBinding !== null
  }

  write(text: string): void {
    const handle = this.#handle
    const socket = this.#socket
    if (handle === null || text.length > MAX_DIRECT || socket.writableLength !== 0 || socket.destroyed) {
      socket.write(text, 'latin1')
      return
    }
    const known = streamBinding as StreamBinding
    request ??= makeRequest(known)
    const status = (handle as WritableHandle).writeLatin1String(request, text)
    if (status !== 0) {
      socket.destroy(writeError(status))
      return
    }
    if (known.streamBaseState[known.kLastWriteWasAsync] === 0) return
    request.writer = this
    request = null
    this.#waitingTexts++
  }

  /** Writes bytes. True: the system has them all, and their memory may be used again at once; else they must stay as they are. */
  writeBytes(bytes: Buffer): boolean {
    const handle = this.#handle
    const socket = this.#socket
    if (handle === null || socket.writableLength !== 0 || socket.destroyed) {
      socket.write(bytes)
      return socket.writableLength === 0
    }
    const known = streamBinding as StreamBinding
    request ??= makeRequest(known)
    const status = (handle as WritableHandle).writeBuffer(request, bytes)
    if (status !== 0) {
      socket.destroy(writeError(status))
      return false
    }
    if (known.streamBaseState[known.kLastWriteWasAsync] === 0) return true
    request.writer = this
    request.bytes = bytes
    request = null
    this.#waitingBytes += bytes.length
    return false
  }

  /** `head`, a byte string, and then bytes that are the caller's again afterwards. One write. */
  writeCopy(head: string, bytes: Buffer, from: number, to: number): void {
    if (to - from <= TEXT_PART) return this.write(head + latin1(bytes, from, to))
    const length = head.length + to - from
    const isSpare = length <= spare.length && !this.isWaiting
    const copy = isSpare ? spare.subarray(0, length) : Buffer.allocUnsafeSlow(length)
    if (head !== '') copy.write(head, 0, 'latin1')
    bytes.copy(copy, head.length, from, to)
    if (!this.writeBytes(copy) && isSpare) spare = Buffer.allocUnsafeSlow(spare.length)
  }

  /** Bytes wait in this process: the peer reads slower than we write. */
  get isWaiting(): boolean {
    return this.#waitingTexts > 0 || this.#waitingBytes > 0 || this.#socket.writableLength > 0
  }

  /** Over the buffer's mark, or a text had to wait: stop until it has drained. */
  get isCongested(): boolean {
    return (
      this.#waitingTexts > 0 ||
      (this.#waitingBytes > 0 && this.#waitingBytes >= this.#socket.writableHighWaterMark) ||
      this.#socket.writableNeedDrain
    )
  }

  /** `bytes`: how many it had, 0 for a text. */
  onComplete(status: number, bytes: number): void {
    if (bytes === 0) this.#waitingTexts--
    else this.#waitingBytes -= bytes
    if (this.#socket.destroyed) return
    if (status !== 0) this.#socket.destroy(writeError(status))
    else if (!this.isCongested) this.#onDrain()
  }
}

export function writeError(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' })
}
