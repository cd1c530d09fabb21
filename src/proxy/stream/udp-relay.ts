import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Listener } from '../../model/listener.ts'
import { clock, readClock } from '../clock.ts'
import type { Timed } from '../deadlines.ts'
import { plainAddress } from '../forwarded.ts'
import type { Plane } from '../plane.ts'
import type { CompiledEndpoint } from '../upstream/upstreams.ts'
import { StreamChoice } from './stream-choice.ts'

/** Sessions of one listener and worker at once; over it the one that was idle for longest goes. */
const MAX_SESSIONS = 16_384
/** What a session without a datagram is kept for where its route says nothing shorter. Milliseconds. */
export const MAX_IDLE_MS = 60_000

/** The datagrams that come in at one address. Those of one client's port are a session, and go to one endpoint. */
export class UdpRelay {
  readonly plane: Plane
  readonly listener: Listener
  readonly socket: Socket
  /** By client, the one that is idle for longest first. */
  readonly #sessions = new Map<string, UdpSession>()

  /** `socket` is bound. */
  constructor(plane: Plane, listener: Listener, socket: Socket) {
    this.plane = plane
    this.listener = listener
    this.socket = socket
    socket.on('message', (bytes, peer) => this.#onMessage(bytes, peer))
    socket.on('error', () => {}) // of single datagrams: the socket goes on
  }

  get size(): number {
    return this.#sessions.size
  }

  #onMessage(bytes: Buffer, peer: RemoteInfo): void {
    readClock()
    const name = `${peer.address} ${peer.port}`
    let session = this.#sessions.get(name)
    if (session === undefined) {
      if (this.plane.isDraining || this.plane.overload === 2) return
      const oldest = this.#sessions.size >= MAX_SESSIONS ? this.#sessions.values().next().value : undefined
      oldest?.close()
      session = new UdpSession(this, name, peer)
    } else this.#sessions.delete(name)
    this.#sessions.set(name, session)
    session.send(bytes)
  }

  forget(session: UdpSession): void {
    if (this.#sessions.get(session.name) === session) this.#sessions.delete(session.name)
  }

  /** The oldest revision that a session holds. */
  get heldRevision(): number {
    let held = Number.POSITIVE_INFINITY
    for (const session of this.#sessions.values()) held = Math.min(held, session.choice.revision)
    return held
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) session.close()
    this.socket.close()
  }
}

class UdpSession implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly name: string
  readonly choice: StreamChoice
  readonly #relay: UdpRelay
  readonly #peer: RemoteInfo
  #endpoint: Socket | null = null
  /** Datagrams that came before the endpoint's socket stood. */
  #early: Buffer[] = []
  #isConnected = false
  #idleMs = MAX_IDLE_MS

  constructor(relay: UdpRelay, name: string, peer: RemoteInfo) {
    this.#relay = relay
    this.name = name
    this.#peer = peer
    const { address, port } = relay.listener
    const clientAddress = plainAddress(peer.address)
    this.choice = new StreamChoice(relay.plane, {
      transport: 'udp',
      peerAddress: clientAddress,
      clientAddress,
      clientPort: peer.port,
      localAddress: address,
      localPort: port,
    })
  }

  send(bytes: Buffer): void {
    if (this.choice.isOver) return
    this.#touch()
    this.choice.bytesIn += bytes.length
    if (this.#isConnected) {
      this.#endpoint?.send(bytes, (error) => error !== null && this.#onRefused())
      return
    }
    if (this.#early.length < MAX_EARLY) this.#early.push(bytes)
    if (this.#endpoint === null) this.#begin()
  }

  #begin(): void {
    const code = this.choice.choose() ?? this.choice.pick()
    if (code !== null) return this.#end(code)
    this.#idleMs = Math.min(MAX_IDLE_MS, this.choice.route?.model.idleMs ?? MAX_IDLE_MS)
    this.#connect()
  }

  #connect(): void {
    const { model } = this.choice.endpoint as CompiledEndpoint
    const host = model.address ?? model.host
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    this.#endpoint = socket
    socket.on('error', () => {
      readClock()
      if (this.#endpoint === socket) this.#onRefused()
    })
    socket.on('message', (bytes) => {
      readClock()
      if (this.choice.isOver) return
      this.#touch()
      this.choice.bytesOut += bytes.length
      this.#relay.socket.send(bytes, this.#peer.port, this.#peer.address)
    })
    socket.connect(model.port, host, () => {
      readClock()
      if (this.#endpoint !== socket || this.choice.isOver) return
      this.#isConnected = true
      this.choice.connected()
      for (const bytes of this.#early.splice(0))
        socket.send(bytes, (error) => error !== null && this.#onRefused())
    })
  }

  /** The endpoint's machine says that nobody listens: the next datagram goes to another one. */
  #onRefused(): void {
    if (this.choice.isOver) return
    const socket = this.#endpoint
    this.#endpoint = null
    this.#isConnected = false
    closeQuietly(socket)
    if (!this.choice.failed('tcp')) return this.#end('UPSTREAM_CONNECT_FAILED')
    const code = this.choice.pick()
    if (code !== null) return this.#end(code)
    this.#connect()
  }

  #touch(): void {
    this.#relay.plane.deadlines.set(this, clock.nowMs + this.#idleMs)
  }

  expire(): void {
    this.#end(null)
  }

  close(): void {
    this.#end(null)
  }

  #end(code: Parameters<StreamChoice['finish']>[0]): void {
    this.#relay.plane.deadlines.forget(this)
    this.#relay.forget(this)
    this.choice.finish(code)
    closeQuietly(this.#endpoint)
    this.#endpoint = null
  }
}

/** Datagrams of one session that wait for its endpoint. */
const MAX_EARLY = 64

function closeQuietly(socket: Socket | null): void {
  if (socket === null) return
  socket.removeAllListeners()
  socket.on('error', () => {})
  socket.close()
}
