import { Socket } from 'node:net'
import type { DetailedPeerCertificate, SecureContext, Server, TLSSocket, TlsOptions } from 'node:tls'
import { randomOctets } from '../../expression/random-id.ts'
import type { TlsSettings } from '../../model/settings.ts'
import type { AcceptedHandle } from '../accept-handles.ts'
import type { ClientTls } from '../client.ts'
import { readServerName } from '../stream/client-hello.ts'
import {
  type Certificates,
  type CompiledCertificate,
  type CompiledVerification,
  handshakeOptions,
} from './certificates.ts'
import {
  findDirectOpener,
  type HandshakeOptions,
  type HandshakeOwner,
  type OpenDirectSocket,
  writeBelow,
} from './direct-socket.ts'

/** Handshakes under way at one listener of a worker, at most: those over it are closed. Each ends within `tls.handshakeTimeoutMs`. */
const MAX_HANDSHAKES = 10_000

/** The alert unrecognized_name (RFC 6066 section 3), fatal. */
const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112])

/** The keys that tickets of sessions are made with; the same in all workers. 16 bytes each. */
export interface TicketKey {
  readonly name: Buffer
  readonly hmac: Buffer
  readonly aes: Buffer
}

/** The one that new tickets are made with, and the one before it. */
export interface TicketKeys {
  readonly current: TicketKey
  readonly last: TicketKey | null
}

export interface TlsListenerOptions {
  readonly settings: TlsSettings
  readonly certificates: Certificates
  /** Read with each handshake, so that a rotation holds at once. */
  readonly ticketKeys: () => TicketKeys
  /** What is offered in the handshake, in order; empty: nothing, as for streams. */
  readonly protocols: readonly string[]
  /** `raw`: the accepted socket below; null where a handle was accepted. */
  readonly onReady: (socket: TLSSocket, tls: AcceptedTls, raw: Socket | null) => void
  readonly onFault: (code: string) => void
}

/** A client's TLS, and what is to be thought of its certificate. Asked of the socket when somebody wants to know. */
export class AcceptedTls implements ClientTls {
  readonly #socket: TLSSocket
  readonly #certificates: Certificates
  /** What its name asks of clients; null: nothing. */
  readonly #verification: CompiledVerification | null
  readonly #isVerified: boolean

  constructor(socket: TLSSocket, certificates: Certificates) {
    this.#socket = socket
    this.#certificates = certificates
    this.#verification = certificates.asksClients
      ? (certificates.find(this.serverName)?.client ?? null)
      : null
    // at once: Node forgets the chain when the other side ends
    this.#isVerified = this.#verification !== null && isVerified(socket, this.#verification)
  }

  get serverName(): string {
    const { servername } = this.#socket
    return typeof servername === 'string' ? servername.toLowerCase() : ''
  }
  get version(): string {
    return this.#socket.getProtocol() ?? ''
  }
  get cipher(): string {
    return this.#socket.getCipher()?.name ?? ''
  }
  get isResumed(): boolean {
    return this.#socket.isSessionReused()
  }

  /**
   * Whether a request may go on. Its host may be another one than the name of the handshake: where that host asks for a certificate of the
   * client, the handshake must have been for it, or whoever connects for a name that asks for nothing would be let in.
   */
  admits(target: string, host: string): boolean {
    const own = this.#verification
    if (own === null && !this.#certificates.asksClients) return true
    const asked = this.#certificates.find(host)?.client ?? null
    if (own !== null && !this.#passes(own, target)) return false
    return asked === null || exempts(asked, target) || (this.#passes(own, target) && this.serverName === host)
  }

  #passes(verification: CompiledVerification | null, target: string): boolean {
    return this.#isVerified || (verification !== null && exempts(verification, target))
  }
}

function exempts({ exceptPaths }: CompiledVerification, target: string): boolean {
  return exceptPaths.some((pattern) => pattern.test(target))
}

/** Node calls a resumed session authorized, also one that came without a certificate: none but a full handshake counts. */
function isVerified(socket: TLSSocket, { depth }: CompiledVerification): boolean {
  if (!socket.authorized || socket.isSessionReused()) return false
  return socket.getPeerX509Certificate() !== undefined && (depth > 0 || isDirect(socket))
}

/**
 * Whether an authority itself signed the client's certificate. Node finds issuers among the authorities and does not tell a server what else
 * the client sent: that a chain is longer can be seen, not by how much (docs/limits.md).
 */
function isDirect(socket: TLSSocket): boolean {
  const { issuerCertificate } = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate>
  return issuerCertificate !== undefined
}

interface TicketContext {
  enableTicketKeyCallback(): void
  onticketkeycallback: (name: Buffer, iv: Buffer, isNew: boolean) => readonly unknown[]
}

type SharedContext = SecureContext & { readonly context: TicketContext }

type NodeServer = Server & { _sharedCreds: SharedContext }

/** The accepted socket below a TLS socket; null where it stands on the handle itself. */
function rawOf(socket: TLSSocket): Socket | null {
  return (socket as unknown as { readonly _parent: Socket | null })._parent
}

/**
 * Takes accepted connections through their handshake. OpenSSL settles versions, tickets and whether a client is asked for a certificate before
 * it tells the name, so where some names want these otherwise, the ClientHello is read first, and each of them has a server of its own.
 */
export class TlsListener implements HandshakeOwner {
  readonly #options: TlsListenerOptions
  readonly #main: NodeServer
  readonly #openDirect: OpenDirectSocket | null = findDirectOpener()
  readonly #handshake: Pick<HandshakeOptions, 'handshakeTimeout' | 'ALPNProtocols'>
  readonly #chooseByName = this.#makeChooser()
  /** A certificate that is changed or removed goes, and its server with it. */
  readonly #special = new WeakMap<CompiledCertificate, NodeServer>()
  #default: SecureContext | null = null
  #handshakes = 0

  /** `context`: what clients get that ask for no name, or for one without a certificate; null: their handshake fails. */
  constructor(options: TlsListenerOptions, context: SecureContext | null) {
    this.#options = options
    this.#handshake = {
      handshakeTimeout: options.settings.handshakeTimeoutMs,
      ...(options.protocols.length === 0 ? {} : { ALPNProtocols: [...options.protocols] }),
    }
    this.#main = this.#createMain()
    this.setDefault(context)
  }

  /** What clients get from now on that ask for no name, or for one without a certificate. */
  setDefault(context: SecureContext | null): void {
    this.#default = context
    if (context === null) return
    this.#main._sharedCreds = context as SharedContext
    this.#useTickets(this.#main)
  }

  /** Takes a connection before there is a socket of it: the cheapest way. */
  acceptHandle(handle: AcceptedHandle): void {
    const { certificates } = this.#options
    const open = this.#openDirect
    if (open === null || certificates.hasSpecial || this.#handshakes >= MAX_HANDSHAKES) {
      const socket = new Socket({ handle, allowHalfOpen: true } as object)
      this.accept(socket)
      return
    }
    this.#handshakes++
    const secureContext = this.#main._sharedCreds
    // whatever name is asked for gets the same
    const isSettled = certificates.size === 0 && this.#default !== null
    const options = { ...this.#handshake, secureContext }
    open(handle, isSettled ? options : { ...options, SNICallback: this.#chooseByName }, this)
  }

  onThrough(socket: TLSSocket): void {
    this.#enter(socket, null)
  }

  onFailed(code: string): void {
    this.#done()
    this.#options.onFault(code)
  }

  accept(socket: Socket): void {
    if (this.#handshakes >= MAX_HANDSHAKES) {
      this.#options.onFault('too many handshakes')
      socket.on('error', ignore)
      socket.destroy()
      return
    }
    this.#handshakes++
    // one that ends before it is through will not come back
    socket.allowHalfOpen = false
    if (this.#options.certificates.hasSpecial) this.#readHello(socket)
    else this.#main.emit('connection', socket)
  }

  #done(): void {
    this.#handshakes--
  }

  #readHello(socket: Socket): void {
    let bytes: Buffer = Buffer.alloc(0)
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('readable', onReadable)
      socket.off('close', onClose)
      socket.off('end', onClose)
      socket.off('error', ignore)
    }
    const fail = (code: string): void => {
      settle()
      this.#done()
      this.#options.onFault(code)
      socket.on('error', ignore)
      socket.destroy()
    }
    const onClose = (): void => fail('ECONNRESET')
    const onReadable = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      const hello = readServerName(bytes)
      if (hello.kind === 'more') return
      settle()
      socket.unshift(bytes)
      this.#serverOf(hello.kind === 'name' ? hello.name : '').emit('connection', socket)
    }
    const timer = setTimeout(
      () => fail('ERR_TLS_HANDSHAKE_TIMEOUT'),
      this.#options.settings.handshakeTimeoutMs,
    )
    socket.on('readable', onReadable)
    socket.on('close', onClose)
    socket.on('end', onClose)
    socket.on('error', ignore)
  }

  #serverOf(name: string): NodeServer {
    const found = this.#options.certificates.find(name)
    if (found === null || !found.isSpecial) return this.#main
    let server = this.#special.get(found)
    if (server === undefined) {
      server = this.#createServer({ requestCert: found.client !== null })
      server._sharedCreds = found.context as SharedContext
      if (found.client === null) this.#useTickets(server)
      this.#special.set(found, server)
    }
    return server
  }

  #createMain(): NodeServer {
    const { settings } = this.#options
    const server = this.#createServer({
      ...handshakeOptions(null, settings),
      SNICallback: this.#chooseByName as NonNullable<TlsOptions['SNICallback']>,
    })
    this.#useTickets(server)
    return server
  }

  #makeChooser(): NonNullable<HandshakeOptions['SNICallback']> {
    const find = (name: string): SecureContext | null =>
      this.#options.certificates.find(name)?.context ?? this.#default
    return function (name, answer) {
      const context = find(name.toLowerCase())
      if (context !== null) return answer(null, context)
      // Node has no word for it
      const raw = rawOf(this)
      if (raw === null) writeBelow(this, UNRECOGNIZED_NAME)
      else raw.write(UNRECOGNIZED_NAME)
      answer(Object.assign(new Error(`no certificate for ${name}`), { code: 'NO_CERTIFICATE' }))
    }
  }

  #createServer(more: TlsOptions): NodeServer {
    const server = process.getBuiltinModule('node:tls').createServer({
      ...this.#handshake,
      // who may do what is judged by request
      rejectUnauthorized: false,
      ...more,
    }) as NodeServer
    server.on('secureConnection', (socket) => this.#enter(socket, rawOf(socket)))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.onFailed(error.code ?? error.message)
      socket.destroy()
    })
    return server
  }

  /** The handshake is through. */
  #enter(socket: TLSSocket, raw: Socket | null): void {
    const { certificates, onReady } = this.#options
    this.#done()
    socket.allowHalfOpen = true
    onReady(socket, new AcceptedTls(socket, certificates), raw)
  }

  /** Tickets of both keys are taken, so that whoever comes back within two periods need not begin anew, whichever worker it comes to. */
  #useTickets(server: NodeServer): void {
    const { context } = server._sharedCreds
    const { ticketKeys } = this.#options
    context.enableTicketKeyCallback()
    context.onticketkeycallback = (name: Buffer, _iv: Buffer, isNew: boolean) => {
      const { current, last } = ticketKeys()
      if (isNew) return [1, current.hmac, current.aes, current.name, randomOctets(16)]
      const key = [current, last].find((known) => known !== null && name.equals(known.name))
      // 2: good, and the client gets a new one. With 1 OpenSSL gives none, in TLS 1.3 neither, where each is for one use (RFC 8446 C.4)
      if (key) return [2, key.hmac, key.aes]
      // Node wants keys here too, and ends the process without them
      return [0, current.hmac, current.aes]
    }
  }
}

function ignore(): void {
  // its end is all that is left to hear of
}

/** Keys from secrets of 48 bytes: the one in use first, then the one before it. */
export function readTicketKeys([current, last]: readonly Uint8Array[]): TicketKeys {
  return { current: ticketKeyOf(current as Uint8Array), last: last === undefined ? null : ticketKeyOf(last) }
}

function ticketKeyOf(secret: Uint8Array): TicketKey {
  const bytes = Buffer.from(secret)
  return { name: bytes.subarray(0, 16), hmac: bytes.subarray(16, 32), aes: bytes.subarray(32, 48) }
}
