import type { Socket as DatagramSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { WORKER } from '../model/counters.ts'
import type { ExplainRequest, Explanation, StreamExplanation, StreamQuestion } from '../model/explanation.ts'
import type { Listener } from '../model/listener.ts'
import type { ObjectSearch, ObjectSource } from '../model/model.ts'
import type { Upstream } from '../model/upstream.ts'
import type { UpstreamCell } from '../routing/table.ts'
import type { Acceptance, AcceptedSocket, ClientConnection } from './client.ts'
import type { SocketOwner } from './client-socket.ts'
import { readClock } from './clock.ts'
import { Deadlines } from './deadlines.ts'
import { explainRequest } from './explain.ts'
import type { ExplainPlace } from './explain-client.ts'
import { createClientRules } from './forwarded.ts'
import { Downstream } from './http1/downstream.ts'
import { HeadPool } from './http1/head-pool.ts'
import { ResponseHead } from './http1/response-head.ts'
import { openSession } from './http2/server-session.ts'
import { Mirrors } from './mirrors.ts'
import { countWorker, type Plane } from './plane.ts'
import type { DataPlane, ProxyOptions, StreamEntrance } from './proxy-contract.ts'
import { createRequestIdRules } from './request-id.ts'
import { explainStream } from './stream/explain-stream.ts'
import { TcpStream } from './stream/tcp-stream.ts'
import { UdpRelay } from './stream/udp-relay.ts'
import { Upstreams } from './upstream/upstreams.ts'

/** The data plane of one worker: connections in, exchanges, connections out. Owns its deadlines; `drain` ends it. */
export function createDataPlane(options: ProxyOptions): DataPlane {
  return new HttpDataPlane(options)
}

class HttpDataPlane implements DataPlane {
  readonly #plane: Plane
  readonly #maxConnections: number
  readonly #perAddress = new Map<string, number>()
  readonly #relays: UdpRelay[] = []

  constructor(options: ProxyOptions) {
    const deadlines = new Deadlines()
    const { sections, settings } = options
    if (sections.length === 0) throw new Error('a listener needs at least one section')
    const realIpFrom = [...new Set(sections.flatMap((section) => section.surface.realIpFrom))]
    const upstreamOptions = {
      limits: options.settings.limits,
      deadlines,
      sharedHead: new ResponseHead(options.settings.limits.maxResponseFields),
      onOpen: () => countWorker(this.#plane, WORKER.UPSTREAM_CONNECTIONS, 1),
      onClose: () => countWorker(this.#plane, WORKER.UPSTREAM_CONNECTIONS, -1),
    }
    this.#plane = {
      options,
      deadlines,
      upstreams: new Upstreams(options, deadlines),
      streams: options.streams,
      upstreamOptions,
      clientRules: createClientRules(options.settings.trustedPeers, realIpFrom),
      requestId: createRequestIdRules(settings.requestId),
      marksAnswers:
        settings.requestId.toClient || settings.explainField !== 'off' || settings.attemptsField !== 'off',
      marksRequests: settings.requestId.toUpstream || settings.tracing.mode === 'start',
      connections: new Set(),
      heads: new HeadPool(options.settings.limits.maxFields),
      forbidden: options.forbidden,
      replayBytes: 0,
      isDraining: false,
      overload: 0,
      inFlight: 0,
      onIdle: null,
      mirrors: new Mirrors({ options, deadlines, upstreamOptions }),
    }
    const { maxConnections } = options.settings.limits
    this.#maxConnections =
      maxConnections === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(maxConnections * options.share))
  }

  accept(listener: Listener, socket: Socket, acceptance: Acceptance): void {
    const plane = this.#plane
    if (plane.connections.size >= this.#maxConnections || !this.#admit(socket)) {
      countWorker(plane, WORKER.REFUSED_AT_ACCEPT, 1)
      socket.on('error', () => {}) // its end is all that is left to hear of
      socket.destroy()
      return
    }
    countWorker(plane, WORKER.ACCEPTED, 1)
    countWorker(plane, WORKER.ACTIVE, 1)
    const accepted: AcceptedSocket = { socket, localPort: listener.port, ...acceptance }
    const { protocol } = listener
    let connection: ClientConnection & SocketOwner
    if (protocol === 'tcp' || protocol === 'tls') connection = new TcpStream(plane, protocol, accepted)
    else if (acceptance.tls !== null && (socket as TLSSocket).alpnProtocol === 'h2')
      connection = openSession(plane, accepted, null)
    else connection = new Downstream(plane, accepted)
    plane.connections.add(connection)
    if (acceptance.early === null) return
    readClock()
    connection.onData(acceptance.early)
    socket.resume()
  }

  acceptDatagrams(listener: Listener, socket: DatagramSocket): { close(): void } {
    const relay = new UdpRelay(this.#plane, listener, socket)
    this.#relays.push(relay)
    return { close: () => {} } // sessions end with the drain
  }

  /** The limit of connections per address; off by default, then it costs nothing. */
  #admit(socket: Socket): boolean {
    const limit = this.#plane.options.settings.limits.maxConnectionsPerAddress
    if (limit === 0) return true
    const address = socket.remoteAddress ?? ''
    const open = this.#perAddress.get(address) ?? 0
    if (open >= Math.max(1, Math.ceil(limit * this.#plane.options.share))) return false
    this.#perAddress.set(address, open + 1)
    socket.on('close', () => {
      const left = (this.#perAddress.get(address) ?? 1) - 1
      if (left === 0) this.#perAddress.delete(address)
      else this.#perAddress.set(address, left)
    })
    return true
  }

  upstream(id: string): UpstreamCell {
    return this.#plane.upstreams.cell(id)
  }

  prepareUpstreams(upserts: readonly Upstream[], removals: readonly string[]): () => void {
    return this.#plane.upstreams.prepare(upserts, removals)
  }

  prepareUpstreamsLater(sources: readonly ObjectSource<Upstream>[]): () => void {
    return this.#plane.upstreams.prepareLater(sources)
  }

  prepareUpstreamSearch(search: ObjectSearch<Upstream>): () => void {
    return this.#plane.upstreams.prepareSearch(search)
  }

  setOverload(level: 0 | 1 | 2): void {
    this.#plane.overload = level
  }

  heldRevision(): number {
    let held = this.#plane.options.table.revision
    for (const connection of this.#plane.connections) held = Math.min(held, connection.heldRevision)
    for (const relay of this.#relays) held = Math.min(held, relay.heldRevision)
    return this.#plane.mirrors.heldRevision(held)
  }

  start(): void {
    this.#plane.deadlines.start()
  }

  explain(request: ExplainRequest, place: ExplainPlace): Explanation {
    return explainRequest(this.#plane, request, place)
  }

  explainStream(question: StreamQuestion, entrance: StreamEntrance): StreamExplanation {
    return explainStream(this.#plane, question, entrance)
  }

  get stats(): DataPlane['stats'] {
    const lane = this.#plane.options.lane
    return {
      connections: this.#plane.connections.size,
      inFlight: this.#plane.inFlight,
      upstreamConnections: lane[WORKER.UPSTREAM_CONNECTIONS] as number,
    }
  }

  async drain(timeoutMs: number): Promise<{ readonly cut: number }> {
    const plane = this.#plane
    plane.isDraining = true
    for (const connection of plane.connections) connection.closeIfIdle()
    if (plane.connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        plane.onIdle = () => {
          if (plane.connections.size > 0) return
          clearTimeout(timer)
          resolve()
        }
      })
    }
    for (const relay of this.#relays) relay.close()
    const cut = plane.inFlight
    for (const connection of [...plane.connections]) connection.destroy()
    plane.mirrors.close()
    plane.upstreams.closeIdle()
    plane.deadlines.stop()
    return { cut }
  }
}
