import type { SecureContext, TLSSocket } from 'node:tls'
import type { AcceptedHandle } from '../accept-handles.ts'
import { handleOf, type StreamHandle, streamBinding } from '../stream-binding.ts'

/** What a handshake is made with. */
export interface HandshakeOptions {
  readonly secureContext: SecureContext
  /** Milliseconds. */
  readonly handshakeTimeout: number
  readonly ALPNProtocols?: string[]
  /** Asked when the client names a server. Without it no handshake stops to ask. `this` is the socket. */
  readonly SNICallback?: (
    this: TLSSocket,
    name: string,
    answer: (error: Error | null, context?: SecureContext) => void,
  ) => void
}

/** Who is told how a handshake ends: one of the two, once. */
export interface HandshakeOwner {
  onThrough(socket: TLSSocket): void
  /** `code`: of the error; ECONNRESET where the client just went away. The socket is being destroyed. */
  onFailed(code: string): void
}

export type OpenDirectSocket = (
  handle: AcceptedHandle,
  options: HandshakeOptions,
  owner: HandshakeOwner,
) => TLSSocket

/** What Node's TLS socket has beside what its types say. */
interface Internals {
  readonly _tlsOptions: { readonly handle: AcceptedHandle }
  _wrapHandle(wrap: null, handle: AcceptedHandle | undefined, isBusy: boolean): object
  /** False: it has been done. */
  _releaseControl(): boolean
  connecting: boolean
  secureConnecting: boolean
}

/** A handle of TLS, and that of the connection below it. */
interface TlsHandle {
  _parent: { close(done: () => void): void; reset?(done: () => void): void }
}

let opener: OpenDirectSocket | null | undefined

/**
 * Opens TLS sockets straight on accepted handles. Node's own way makes a `net.Socket` of each handle and a TLS socket on top of it, with listeners between
 * the two (`npm run bench -- --only tls`: a full handshake went from 1.41 to 1.29 of nginx's). null: this Node has other internals.
 */
export function findDirectOpener(): OpenDirectSocket | null {
  if (opener === undefined) opener = makeOpener()
  return opener
}

function makeOpener(): OpenDirectSocket | null {
  const { TLSSocket: NodeSocket } = process.getBuiltinModule('node:tls')
  const { _wrapHandle: wrapHandle, _releaseControl } = NodeSocket.prototype as unknown as Partial<Internals>
  if (streamBinding === null || typeof wrapHandle !== 'function' || typeof _releaseControl !== 'function')
    return null

  class Direct extends NodeSocket {
    declare owner: HandshakeOwner
    declare isSettled: boolean

    /** Node calls it with the handle of a socket, or with none to make one. */
    _wrapHandle(wrap: null, _none: undefined, isBusy: boolean): object {
      const { handle } = (this as unknown as Internals)._tlsOptions
      return (wrapHandle as Internals['_wrapHandle']).call(this as unknown as Internals, wrap, handle, isBusy)
    }

    /** A TLS socket has no such thing of its own. */
    override resetAndDestroy(): this {
      const handle = handleOf(this) as TlsHandle | null
      const below = handle?._parent
      // closing the handle of TLS closes the one below; that is reset instead
      if (handle !== null && below?.reset !== undefined)
        handle._parent = { close: (done) => below.reset?.(done) }
      return this.destroy()
    }
  }

  return (handle, options, owner) => {
    const fixed = { isServer: true, requestCert: false, rejectUnauthorized: false, allowHalfOpen: false }
    const socket = new Direct(undefined as never, { ...options, ...fixed, handle } as object)
    socket.owner = owner
    socket.isSettled = false
    // Node thinks that a socket without a socket below it is yet to connect
    ;(socket as unknown as Internals).connecting = false
    socket.on('secure', onSecure)
    socket.on('_tlsError', onFault)
    socket.on('close', onFault)
    return socket
  }

  function onSecure(this: Direct): void {
    const internals = this as unknown as Internals
    if (this.isSettled || this.destroyed || !internals._releaseControl()) return
    internals.secureConnecting = false
    this.isSettled = true
    this.removeListener('close', onFault)
    this.owner.onThrough(this)
  }

  /** `fault`: the error; of `close`, whether there was one. */
  function onFault(this: Direct, fault: NodeJS.ErrnoException | boolean): void {
    if (this.isSettled) return
    this.isSettled = true
    const code = typeof fault === 'boolean' ? 'ECONNRESET' : (fault.code ?? fault.message)
    this.owner.onFailed(code)
    this.destroy()
  }
}

/** Writes below TLS, as far as the system takes it at once. */
export function writeBelow(socket: TLSSocket, bytes: Uint8Array): void {
  const below = (handleOf(socket) as { readonly _parent?: StreamHandle } | null)?._parent
  if (streamBinding !== null) below?.writeBuffer?.(new streamBinding.WriteWrap(), bytes)
}
