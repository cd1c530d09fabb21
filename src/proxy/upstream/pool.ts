import type { PoolSettings } from '../../model/upstream.ts'
import type { UpstreamConnection } from './connection.ts'

/** What makes two connections interchangeable. */
export interface PoolIdentity {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** TLS server name; '' for http. */
  readonly serverName: string
}

export function poolKey(identity: PoolIdentity): string {
  return `${identity.scheme}|${identity.host}|${identity.port}|${identity.serverName}`
}

/**
 * Idle connections to one address, last used first, so that surplus ones age and close. A pool outlives changes of the upstreams that use
 * it as long as one of them names the address; `release` decides by the settings of the upstream that used the connection.
 */
export class EndpointPool {
  readonly identity: PoolIdentity
  readonly #idle: UpstreamConnection[] = []
  /** Endpoints of upstreams in force that use it. At 0 nothing is kept. */
  users = 0

  constructor(identity: PoolIdentity) {
    this.identity = identity
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
    if (this.users === 0 || settings.idleMs === 0 || connection.requests >= settings.requests)
      return connection.close()
    if (this.#idle.length >= size) {
      const oldest = this.#idle.shift()
      oldest?.close()
    }
    this.#idle.push(connection)
    connection.rest(nowMs + settings.idleMs)
  }

  /** An idle connection went away by itself. */
  forget(connection: UpstreamConnection): void {
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
  }
}
