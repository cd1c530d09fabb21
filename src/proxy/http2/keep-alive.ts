import type { CallSettings } from '../../model/upstream.ts'
import { clock } from '../clock.ts'
import type { Deadlines, Timed } from '../deadlines.ts'

/** What of a connection is asked whether it still leads anywhere. */
export interface Pinged {
  readonly deadlines: Deadlines
  readonly isClosed: boolean
  /** When bytes came last. Milliseconds of the worker's clock. */
  readonly lastReadMs: number
  readonly streams: ReadonlyMap<number, unknown>
  /** `pingFactor`: shared by all connections to the address. */
  readonly pool: { pingFactor: number }
  ping(): void
  /** No byte came in time after a PING. */
  onSilence(): void
}

/** An endpoint that complains each time is asked at last so many times less often. */
const MAX_FACTOR = 64

/**
 * The keep-alive of gRPC on one connection: a PING where nothing has come for a while, and its end where nothing comes then. Any bytes are a sign of
 * life. From: gRPC's client-side keep-alive (proposal A8), as also an endpoint is that says "too many pings" (GOAWAY with ENHANCE_YOUR_CALM): the wait
 * is doubled for its further connections.
 */
export class KeepAlive implements Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  readonly #connection: Pinged
  readonly #settings: CallSettings
  /** When the PING went out whose answer is awaited; 0: none is. */
  #askedMs = 0

  constructor(connection: Pinged, settings: CallSettings) {
    this.#connection = connection
    this.#settings = settings
  }

  /** The connection stands. */
  start(nowMs: number): void {
    this.#connection.deadlines.set(this, nowMs + this.#waitMs)
  }

  /** The endpoint wants fewer PINGs. */
  slowDown(): void {
    const { pool } = this.#connection
    pool.pingFactor = Math.min(MAX_FACTOR, pool.pingFactor * 2)
  }

  get #waitMs(): number {
    return this.#settings.pingMs * this.#connection.pool.pingFactor
  }

  expire(): void {
    const connection = this.#connection
    if (connection.isClosed) return
    const now = clock.nowMs
    const { lastReadMs, deadlines } = connection
    const waitMs = this.#waitMs
    if (this.#askedMs > 0) {
      const endMs = this.#askedMs + this.#settings.pongMs
      if (lastReadMs < this.#askedMs)
        return now >= endMs ? connection.onSilence() : deadlines.set(this, endMs)
      this.#askedMs = 0
    }
    if (lastReadMs + waitMs > now) return deadlines.set(this, lastReadMs + waitMs)
    if (connection.streams.size === 0 && !this.#settings.pingsIdle) return deadlines.set(this, now + waitMs)
    this.#askedMs = now
    connection.ping()
    // with a long wait for the answer the next PING is due before that is over
    deadlines.set(this, now + Math.min(this.#settings.pongMs, waitMs))
  }
}
