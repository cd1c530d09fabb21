import type { LookupFunction } from 'node:net'
import { type BehindProxy, hostPort } from '../../model/endpoint.ts'
import type { CallSettings, PoolSettings } from '../../model/upstream.ts'
import type { ClientSession } from '../http2/client-session.ts'
import type { UpstreamConnection } from './connection.ts'
import type { UpstreamGate } from './gate.ts'
import type { CompiledTls } from './tls.ts'

/** What makes two connections interchangeable. */
export interface PoolIdentity {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** TLS server name; '' for http. */
  readonly serverName: string
  readonly tls: CompiledTls
  /** Whether requests go as HTTP/2: not; where the endpoint takes it in the handshake; always. */
  readonly http2: 'never' | 'offered' | 'always'
  /** Of connections for calls of gRPC; null: there is nothing of their own about them. */
  readonly calls: CallSettings | null
  /** What a forward proxy at `host` and `port` is asked to connect to; absent: they are the endpoint's own. */
  readonly tunnel?: BehindProxy
}

/** The connections to one address, as the counters of all endpoints show them that lead there. */
export class ConnectionCount {
  readonly #lane: Float64Array
  /** Where it is shown, and for how many. */
  readonly #places = new Map<number, number>()
  #open = 0

  constructor(lane: Float64Array) {
    this.#lane = lane
  }

  change(by: 1 | -1): void {
    this.#open += by
    for (const place of this.#places.keys()) this.#lane[place] = this.#open
  }

  show(place: number): void {
    this.#places.set(place, (this.#places.get(place) ?? 0) + 1)
    this.#lane[place] = this.#open
  }

  hide(place: number): void {
    const left = (this.#places.get(place) ?? 1) - 1
    if (left > 0) {
      this.#places.set(place, left)
      return
    }
    this.#places.delete(place)
    this.#lane[place] = 0
  }
}

export function poolKey(identity: PoolIdentity): string {
  const { scheme, host, port, serverName, tls, http2, calls, tunnel } = identity
  const own =
    calls === null ? '' : `${calls.maxMetadataBytes} ${calls.pingMs} ${calls.pongMs} ${calls.pingsIdle}`
  const key = `${scheme}|${host}|${port}|${serverName}|${http2}|${tls.key}|${own}`
  return tunnel === undefined ? key : `${key}|${hostPort(tunnel)}|${tunnel.authorization}`
}

/**
 * Idle connections to one address, last used first, so that surplus ones age and close. A pool outlives changes of the upstreams that use
 * it as long as one of them names the address; `release` decides by the settings of the upstream that used the connection.
 */
export class EndpointPool {
  readonly identity: PoolIdentity
  readonly #idle: UpstreamConnection[] = []
  /** Connections of HTTP/2 that take requests. */
  #sessions: ClientSession[] = []
  /** An endpoint that was offered HTTP/2 has declined. */
  speaksHttp1 = false
  /** Times the wait before a PING: an endpoint that got too many of them says so. */
  pingFactor = 1
  /** Endpoints of upstreams in force that use it. At 0 nothing is kept. */
  users = 0
  /** Connections to the address, in use and idle; of a pool for one name those for that name. */
  open = 0
  /** Upstreams that count its connections: whoever waits there hears of one that becomes free. */
  readonly gates: Set<UpstreamGate>
  /** Those of the same address that are kept for one name each. */
  readonly named = new Set<EndpointPool>()
  /** Of the last TLS handshake, so that the next one is short. */
  session: Buffer | undefined = undefined
  /** What was wrong with the certificate last time; it is logged when it changes. */
  tlsFault = ''

  /** Resolves the identity's host where connections are made to a name; undefined: the host is an address, or the system resolves it. */
  lookup: LookupFunction | undefined = undefined

  /** That of the address, also where there is a pool for each of several names. */
  readonly count: ConnectionCount
  readonly #base: EndpointPool | null

  /** `base`: the pool of the address, of one that is for one name. */
  constructor(identity: PoolIdentity, count: ConnectionCount, base: EndpointPool | null = null) {
    this.identity = identity
    this.count = count
    this.#base = base
    this.gates = base === null ? new Set() : base.gates
  }

  /** A connection was begun. */
  onOpen(): void {
    this.#change(1)
  }

  /** A connection is closed, or was never there. */
  onClose(): void {
    this.#change(-1)
    this.tellGates()
  }

  #change(by: 1 | -1): void {
    this.open += by
    if (this.#base !== null) this.#base.open += by
    this.count.change(by)
  }

  get usesHttp2(): boolean {
    const { http2 } = this.identity
    return http2 === 'always' || (http2 === 'offered' && !this.speaksHttp1)
  }

  /** A connection of HTTP/2 with room for a request: as few as possible are kept open. */
  findSession(): ClientSession | undefined {
    return this.#sessions.find((session) => session.hasRoom)
  }

  addSession(session: ClientSession): void {
    this.#sessions.push(session)
    this.onOpen()
  }

  /** It takes no further requests. */
  removeSession(session: ClientSession): void {
    const at = this.#sessions.indexOf(session)
    if (at >= 0) this.#sessions.splice(at, 1)
  }

  get idleCount(): number {
    return this.#idle.length
  }

  /** A connection that is still open as far as this side has heard, or undefined. */
  take(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || connection.isOpen) return connection
    }
  }

  /** Keeps the connection, or closes it: pool full, connection used up, keep-alive off, or nobody uses the address any more. */
  release(connection: UpstreamConnection, settings: PoolSettings, share: number, nowMs: number): void {
    const size = Math.max(1, Math.ceil(settings.size * share))
    const leftMs = settings.maxAgeMs === 0 ? settings.idleMs : connection.bornMs + settings.maxAgeMs - nowMs
    if (this.users === 0 || settings.idleMs === 0 || connection.requests >= settings.requests || leftMs <= 0)
      return connection.close()
    if (this.#idle.length >= size) {
      const oldest = this.#idle.shift()
      oldest?.close()
    }
    this.#idle.push(connection)
    connection.rest(nowMs + Math.min(settings.idleMs, leftMs))
    this.tellGates()
  }

  /** An idle connection went away by itself. */
  forget(connection: UpstreamConnection): void {
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  /** A connection is free, or gone. */
  tellGates(): void {
    if (this.gates.size > 0) for (const gate of this.gates) gate.wakeSoon()
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
    for (const session of [...this.#sessions]) session.leave()
  }

  /** Closes the idle connection to the address that was used longest ago, of a name if there is no other. False: all are in use. */
  closeOldest(): boolean {
    const oldest = this.#idle.shift()
    if (oldest !== undefined) {
      oldest.close()
      return true
    }
    for (const pool of this.named) if (pool.closeOldest()) return true
    return false
  }
}
