import type { Socket } from 'node:net'
import { readClock } from './clock.ts'
import { READ_BUFFER } from './http1/head-bytes.ts'
import { lendReadBuffer, takeBackReadBuffer } from './http1/read-buffer.ts'
import { closeWriter } from './tls/tls-writer.ts'

/** Who is told what happens to a client's socket; it may change while the socket lives. */
export interface SocketOwner {
  onData(chunk: Buffer): void
  onEnd(): void
  onDrain(): void
  /** The socket is closed. */
  onClosed(): void
  /** Closes it now, and what depends on it. */
  destroy(): void
}

type OwnedSocket = Socket & { owner: SocketOwner }

export function setOwner(socket: Socket, owner: SocketOwner): void {
  ;(socket as OwnedSocket).owner = owner
}

/**
 * Tells the socket's owner what happens to it. `onRead`: takes reads straight from the worker's buffer, where that is possible; else they come through
 * `onData`.
 */
export function listenTo(socket: Socket, onRead: (length: number, buffer: Buffer) => true): void {
  socket.on('error', onError)
  if (!lendReadBuffer(socket, READ_BUFFER, onRead)) socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('drain', onDrain)
  socket.on('close', onClose)
}

function onData(this: Socket, chunk: Buffer): void {
  readClock()
  ;(this as OwnedSocket).owner.onData(chunk)
}
function onEnd(this: Socket): void {
  readClock()
  ;(this as OwnedSocket).owner.onEnd()
}
function onDrain(this: Socket): void {
  readClock()
  ;(this as OwnedSocket).owner.onDrain()
}
function onError(this: Socket): void {
  readClock()
  // what went wrong shows in how the exchange ends; the connection is gone either way
  ;(this as OwnedSocket).owner.destroy()
}
function onClose(this: Socket): void {
  readClock()
  const { owner } = this as OwnedSocket
  owner.onClosed()
  letGo(this)
}

/** Ends the connection so that its peer sees an error, not an end. Node resets sockets of TCP alone: of TLS, the one below is. */
export function resetSocket(socket: Socket): void {
  const below = (socket as unknown as { readonly _parent?: Socket | null })._parent
  if (below !== null && below !== undefined) below.resetAndDestroy()
  else socket.resetAndDestroy()
}

/**
 * Node makes a function with each socket that V8 puts into its old space, so that a closed socket stays until the next full collection. What it belonged
 * to need not: its bytes would be copied by every collection of young objects, and there is more of it than of the socket.
 */
function letGo(socket: Socket): void {
  setOwner(socket, NOBODY)
  takeBackReadBuffer(socket)
  closeWriter(socket)
}

/** Whose socket is closed: nothing more happens to it. */
const NOBODY: SocketOwner = {
  onData: () => {},
  onEnd: () => {},
  onDrain: () => {},
  onClosed: () => {},
  destroy: () => {},
}
