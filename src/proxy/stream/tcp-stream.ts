import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { WORKER } from '../../model/counters.ts'
import type { ErrorCode } from '../../model/error-codes.ts'
import type { AcceptedSocket, ClientConnection } from '../client.ts'
import { listenTo, resetSocket, type SocketOwner, setOwner } from '../client-socket.ts'
import { clock, readClock } from '../clock.ts'
import type { Timed } from '../deadlines.ts'
import { plainAddress } from '../forwarded.ts'
import { READ_BUFFER } from '../http1/head-bytes.ts'
import { lendReadBuffer } from '../http1/read-buffer.ts'
import { countWorker, type Plane } from '../plane.ts'
import type { SocketWriter } from '../socket-writer.ts'
import { openWriter } from '../tls/tls-writer.ts'
import { isOwnLimit, tlsTarget } from '../upstream/tls.ts'
import type { CompiledEndpoint, CompiledUpstream } from '../upstream/upstreams.ts'
import { MAX_HELLO, readServerName } from './client-hello.ts'
import { composeProxyHeader } from './proxy-protocol.ts'
import { StreamChoice } from './stream-choice.ts'

/**
 * States of a stream:
 * - HELLO: its first bytes are read for the name that it asks for in TLS.
 * - CONNECTING: nothing is read; what was read before is held.
 * - RELAY: bytes go both ways as they come, until both sides have ended.
 * - CLOSED.
 */
const states = { HELLO: 0, CONNECTING: 1, RELAY: 2, CLOSED: 3 } as const
const { HELLO, CONNECTING, RELAY, CLOSED } = states
type State = (typeof states)[keyof typeof states]

/** One TCP connection of a client, carried to an endpoint. */
export class TcpStream implements SocketOwner, ClientConnection, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly plane: Plane
  readonly choice: StreamChoice
  readonly #socket: Socket
  readonly #writer: SocketWriter
  #state: State
  /** What came before there was an endpoint. */
  #early: Buffer | null = null
  #endpoint: Socket | null = null
  #endpointWriter: SocketWriter | null = null
  #isEndpointPlain = true
  #hasClientEnd = false
  #hasEndpointEnd = false
  #idleMs = 0

  constructor(plane: Plane, transport: 'tcp' | 'tls', accepted: AcceptedSocket) {
    readClock()
    const { socket, localPort, tls, peer } = accepted
    this.plane = plane
    this.#socket = socket
    setOwner(socket, this)
    this.#writer = openWriter(socket, tls === null, () => this.#onClientWritten())
    const peerAddress = plainAddress(socket.remoteAddress)
    this.choice = new StreamChoice(plane, {
      transport,
      peerAddress,
      clientAddress: peer?.address ?? peerAddress,
      clientPort: peer?.port ?? socket.remotePort ?? 0,
      localAddress: plainAddress(socket.localAddress),
      localPort,
    })
    this.choice.tls = tls
    if (tls !== null && tls.serverName !== '') this.choice.serverName = tls.serverName
    listenTo(socket, this.#onClientRead)
    const { limits } = plane.options.settings
    this.#state = transport === 'tcp' && plane.streams.needsServerName(this.choice) ? HELLO : CONNECTING
    if (plane.overload === 2) {
      countWorker(plane, WORKER.SHED, 1)
      this.#fail('OVERLOADED')
    } else if (tls?.admits('', tls.serverName) === false) this.#fail('CLIENT_CERTIFICATE')
    else if (this.#state === HELLO) plane.deadlines.set(this, clock.nowMs + limits.headerTimeoutMs)
    else this.#start()
  }

  get heldRevision(): number {
    return this.choice.isOver ? Number.POSITIVE_INFINITY : this.choice.revision
  }

  // ================= before the relay =================

  #start(): void {
    this.#state = CONNECTING
    this.#socket.pause()
    const code = this.choice.choose()
    if (code !== null) return this.#fail(code)
    this.#attempt()
  }

  #attempt(): void {
    const { choice, plane } = this
    const code = choice.pick()
    if (code !== null) return this.#fail(code)
    const upstream = choice.upstream as CompiledUpstream
    const endpoint = choice.endpoint as CompiledEndpoint
    const { limits } = plane.options.settings
    const { scheme, timeouts } = upstream.model
    const address = endpoint.model.address ?? endpoint.model.host
    this.#isEndpointPlain = scheme !== 'tls'
    const target: TcpNetConnectOpts & { highWaterMark: number } = {
      host: address,
      port: endpoint.model.port,
      noDelay: true,
      allowHalfOpen: true,
      highWaterMark: limits.bufferHighBytes,
    }
    const socket = this.#isEndpointPlain ? connect(target) : this.#connectTls(endpoint, address)
    this.#endpoint = socket
    socket.setNoDelay(true)
    socket.on(this.#isEndpointPlain ? 'connect' : 'secureConnect', () => {
      readClock()
      if (this.#endpoint === socket) this.#onConnected(socket)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      readClock()
      if (this.#endpoint === socket) this.#onEndpointError(error)
    })
    socket.on('close', () => {
      readClock()
      if (this.#endpoint === socket) this.#onEndpointClosed()
    })
    plane.deadlines.set(this, clock.nowMs + timeouts.connectMs)
  }

  /** The name asked for is the client's own where the document says none. */
  #connectTls(endpoint: CompiledEndpoint, address: string): Socket {
    const { pool } = endpoint
    const { serverName } = pool.identity
    const target = tlsTarget(pool, address, this.plane.options.settings.limits, [])
    const name = serverName === '' ? (this.choice.serverName ?? '') : serverName
    const { ALPNProtocols: _none, ...rest } = target
    return process
      .getBuiltinModule('node:tls')
      .connect({ ...rest, ...(name === '' ? {} : { servername: name }) })
  }

  #onConnected(socket: Socket): void {
    if (this.#state !== CONNECTING) return
    const { choice } = this
    this.#state = RELAY
    choice.connected()
    const route = choice.route
    this.#idleMs = route === null ? 0 : route.model.idleMs
    this.#endpointWriter = openWriter(socket, this.#isEndpointPlain, () => this.#onEndpointWritten())
    if (!lendReadBuffer(socket, READ_BUFFER, this.#onEndpointRead))
      socket.on('data', (chunk: Buffer) => void this.#onEndpointRead(chunk.length, chunk))
    socket.on('end', () => {
      readClock()
      this.#onEndpointEnd()
    })
    socket.on('drain', () => this.#onEndpointWritten())
    this.#touch()
    if (route !== null && route.model.proxyProtocol !== null)
      socket.write(this.#proxyHeader(route.model.proxyProtocol))
    if (this.#early !== null) {
      choice.bytesIn += this.#early.length
      socket.write(this.#early)
      this.#early = null
    }
    socket.resume()
    if (this.#hasClientEnd) socket.end()
    if (!this.#endpointWriter.isCongested) this.#socket.resume()
  }

  #proxyHeader(version: 1 | 2): Buffer {
    const { clientAddress, clientPort, localAddress, localPort, serverName } = this.choice
    return composeProxyHeader(
      version,
      { address: clientAddress, port: clientPort },
      { address: localAddress, port: localPort },
      serverName,
    )
  }

  // ================= the relay =================

  readonly #onClientRead = (length: number, buffer: Buffer): true => {
    readClock()
    if (this.#state === RELAY) {
      this.choice.bytesIn += length
      this.#touch()
      const writer = this.#endpointWriter as SocketWriter
      writer.writeCopy('', buffer, 0, length)
      if (writer.isCongested) this.#socket.pause()
    } else if (this.#state !== CLOSED) this.#hold(buffer, length)
    return true
  }

  readonly #onEndpointRead = (length: number, buffer: Buffer): true => {
    readClock()
    if (this.#state !== RELAY) return true
    this.choice.bytesOut += length
    this.#touch()
    this.#writer.writeCopy('', buffer, 0, length)
    if (this.#writer.isCongested) this.#endpoint?.pause()
    return true
  }

  #hold(buffer: Buffer, length: number): void {
    const part = Buffer.from(buffer.subarray(0, length))
    this.#early = this.#early === null ? part : Buffer.concat([this.#early, part])
    if (this.#state !== HELLO) return // paused: what had been read already
    const found = readServerName(this.#early)
    if (found.kind === 'more' && this.#early.length < MAX_HELLO) return
    if (found.kind === 'bad' || found.kind === 'more') return this.#fail('BAD_CLIENT_HELLO')
    if (found.kind === 'name') this.choice.serverName = found.name
    this.#start()
  }

  onData(chunk: Buffer): void {
    this.#onClientRead(chunk.length, chunk)
  }

  /** Somebody sends: the stream is not idle. */
  #touch(): void {
    this.plane.deadlines.set(this, clock.nowMs + this.#idleMs)
  }

  #onClientWritten(): void {
    readClock()
    if (this.#state === RELAY && !this.#writer.isCongested) this.#endpoint?.resume()
  }

  onDrain(): void {
    this.#onClientWritten()
  }

  #onEndpointWritten(): void {
    readClock()
    if (this.#state === RELAY && this.#endpointWriter?.isCongested === false) this.#socket.resume()
  }

  /** The client sends nothing more; it may still wait for what the endpoint has to say. */
  onEnd(): void {
    this.#hasClientEnd = true
    if (this.#state === HELLO) {
      // what has come is the beginning of a ClientHello, and its rest will not come
      return this.#close(this.#early === null ? null : 'BAD_CLIENT_HELLO')
    }
    if (this.#state !== RELAY) return
    this.#endpoint?.end()
    this.#closeIfEnded()
  }

  #onEndpointEnd(): void {
    this.#hasEndpointEnd = true
    if (this.#state !== RELAY) return
    this.#socket.end()
    this.#closeIfEnded()
  }

  /** Both sides have ended: the sockets close when what was written is delivered. */
  #closeIfEnded(): void {
    if (!this.#hasClientEnd || !this.#hasEndpointEnd) return
    this.#state = CLOSED
    this.plane.deadlines.set(this, clock.nowMs + this.plane.options.settings.limits.writeStallMs)
    this.choice.finish(null)
  }

  // ================= ends =================

  #onEndpointError(error: NodeJS.ErrnoException): void {
    if (this.#state === CONNECTING) {
      const isOwn = isOwnLimit(error)
      if (isOwn) return this.#fail(error.code === 'EADDRNOTAVAIL' ? 'OUT_OF_PORTS' : 'OUT_OF_DESCRIPTORS')
      return this.#retry(error.code === 'ETIMEDOUT' ? 'timeout' : 'tcp')
    }
    if (this.#state === RELAY) this.#cut('UPSTREAM_CUT')
  }

  #onEndpointClosed(): void {
    if (this.#state === CONNECTING) return this.#retry('tcp')
    if (this.#state === RELAY) this.#cut('UPSTREAM_CUT')
  }

  #retry(kind: 'tcp' | 'timeout'): void {
    const endpoint = this.#endpoint
    this.#endpoint = null
    endpoint?.destroy()
    if (this.choice.failed(kind)) this.#attempt()
    else this.#fail(kind === 'timeout' ? 'UPSTREAM_CONNECT_TIMEOUT' : 'UPSTREAM_CONNECT_FAILED')
  }

  /** The stream cannot be carried. */
  #fail(code: ErrorCode): void {
    this.#close(code)
  }

  /** The endpoint broke off: the client sees that, and not an end. */
  #cut(code: ErrorCode): void {
    this.#state = CLOSED
    this.plane.deadlines.forget(this)
    this.choice.finish(code)
    this.#endpoint?.destroy()
    resetSocket(this.#socket)
  }

  #close(code: ErrorCode | null): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    this.plane.deadlines.forget(this)
    this.choice.finish(code)
    this.#endpoint?.destroy()
    this.#socket.destroy()
  }

  /** The client broke off, or its socket is gone: the endpoint sees that, and not an end. */
  destroy(): void {
    if (this.#state === CLOSED) {
      this.#socket.destroy()
      this.#endpoint?.destroy()
      return
    }
    const isRelay = this.#state === RELAY
    this.#state = CLOSED
    this.plane.deadlines.forget(this)
    this.choice.finish('CLIENT_GONE')
    if (isRelay && this.#isEndpointPlain) this.#endpoint?.resetAndDestroy()
    else this.#endpoint?.destroy()
    this.#socket.destroy()
  }

  onClosed(): void {
    if (this.#state !== CLOSED) this.destroy()
    this.plane.deadlines.forget(this)
    this.plane.connections.delete(this)
    countWorker(this.plane, WORKER.ACTIVE, -1)
    if (this.plane.isDraining) this.plane.onIdle?.()
  }

  /** A stream ends when its sides want it; while draining one that has not begun is closed. */
  closeIfIdle(): void {
    if (this.#state === HELLO && this.#early === null) this.#close(null)
  }

  expire(): void {
    switch (this.#state) {
      case HELLO:
        return this.#fail('REQUEST_TIMEOUT_HEAD')
      case CONNECTING:
        return this.#retry('timeout')
      case RELAY:
        return this.#close('TUNNEL_IDLE')
      default:
        this.#socket.destroy()
        this.#endpoint?.destroy()
    }
  }
}
