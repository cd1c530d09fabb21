import type { Socket } from 'node:net'
import { readClock } from './clock.ts'
import { READ_BUFFER } from './http1/head-bytes.ts'
import { lendReadBuffer } from './http1/read-buffer.ts'

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
  socket.setNoDelay(true)
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
  ;(this as OwnedSocket).owner.onClosed()
}
