import { Socket } from 'node:net'

/**
 * Reads of an accepted socket into one buffer that is used again and again, as `net.connect({onread})` has it for outgoing sockets.
 * `net.Server` cannot be told to, so this sets the same three slots that the option sets; it saves an allocation of 64 KiB, an
 * ArrayBuffer and the Readable's bookkeeping with each read. Where a Node version has no such slots nothing is done, and the caller
 * falls back to 'data' events: slower, not wrong.
 */

interface Slots {
  readonly buffer: symbol
  readonly callback: symbol
}

type Internals = { [slot: symbol]: unknown } & {
  _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null
}

let slots: Slots | null | undefined

function findSlots(): Slots | null {
  const symbols = Object.getOwnPropertySymbols(new Socket())
  const find = (name: string): symbol | undefined => symbols.find((symbol) => symbol.description === name)
  const buffer = find('kBuffer')
  const callback = find('kBufferCb')
  return buffer === undefined || callback === undefined ? null : { buffer, callback }
}

/**
 * `onRead` gets the number of bytes and the buffer they are in, which is valid during the call only; it must return true.
 * Call it in the tick in which the socket was accepted. False: not possible here, listen to 'data'.
 */
export function lendReadBuffer(
  socket: Socket,
  buffer: Buffer,
  onRead: (length: number, buffer: Buffer) => boolean,
): boolean {
  slots ??= findSlots()
  const internals = socket as unknown as Internals
  const handle = internals._handle
  if (slots === null || typeof handle?.useUserBuffer !== 'function') return false
  internals[slots.buffer] = buffer
  internals[slots.callback] = onRead
  handle.useUserBuffer(buffer)
  return true
}
