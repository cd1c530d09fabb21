import { Socket } from 'node:net'
import { handleOf, streamBinding } from '../stream-binding.ts'

/**
 * Reads of a socket into one buffer that is used again and again, as `net.connect({onread})` has it, for accepted sockets too (`net.Server`
 * cannot be told to), and without the steps between the handle and the callback. It saves an allocation of 64 KiB, an ArrayBuffer and the
 * Readable's bookkeeping with each read. The end of the stream and errors go the socket's own way.
 */

interface Slots {
  readonly buffer: symbol
  readonly callback: symbol
}

let slots: Slots | null | undefined

/** The socket's own slots for a lent buffer: `pause` and `resume` look at them. */
function findSlots(): Slots | null {
  const symbols = Object.getOwnPropertySymbols(new Socket())
  const find = (name: string): symbol | undefined => symbols.find((symbol) => symbol.description === name)
  const buffer = find('kBuffer')
  const callback = find('kBufferCb')
  return buffer === undefined || callback === undefined ? null : { buffer, callback }
}

/**
 * `onRead` gets the number of bytes and the buffer they are in, which is valid during the call only; it must return true.
 * Call it in the tick in which the socket was made or accepted. False: not possible here, listen to 'data'.
 */
export function lendReadBuffer(
  socket: Socket,
  buffer: Buffer,
  onRead: (length: number, buffer: Buffer) => boolean,
): boolean {
  slots ??= findSlots()
  const handle = handleOf(socket)
  if (slots === null || typeof handle?.useUserBuffer !== 'function') return false
  const internals = socket as unknown as Record<symbol, unknown>
  internals[slots.buffer] = buffer
  internals[slots.callback] = onRead
  handle.useUserBuffer(buffer)
  shortenReads(socket, buffer, onRead)
  return true
}

/** The socket is closed: it lets go of who took its reads. */
export function takeBackReadBuffer(socket: Socket): void {
  if (slots === null || slots === undefined) return
  const internals = socket as unknown as Record<symbol, unknown>
  internals[slots.callback] = null
}

/** Calls back straight from the handle for reads that brought bytes; for a socket that reads into `buffer` already. */
export function shortenReads(
  socket: Socket,
  buffer: Buffer,
  onRead: (length: number, buffer: Buffer) => boolean,
): void {
  const handle = handleOf(socket)
  const own = handle?.onread
  if (handle === null || typeof own !== 'function' || streamBinding === null) return
  const { streamBaseState: state, kReadBytesOrError: at } = streamBinding
  // named first: V8 makes functions that are written straight into a property in its old space, where one that is gone keeps the whole
  // connection until the next full collection
  const read: NonNullable<typeof handle.onread> = function (arrayBuffer) {
    const length = state[at] as number
    if (length <= 0) return own.call(this, arrayBuffer)
    onRead(length, buffer)
    return undefined
  }
  handle.onread = read
}
