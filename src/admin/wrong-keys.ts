/** Wrong keys a peer may send in one window (reliability.md A9). */
const MAX_WRONG_KEYS = 10
const WINDOW_MS = 60_000
/** Peers remembered at most; more than that come only from a network that admin.allow let in. */
const MAX_PEERS = 10_000

/**
 * Counts wrong keys by peer. The window of a peer begins with its first wrong key; after MAX_WRONG_KEYS the peer waits until the window
 * is over, and nothing that it sends meanwhile is compared with a key or makes the wait longer. Other peers do not notice.
 */
export class WrongKeys {
  readonly #peers = new Map<string, { count: number; sinceMs: number }>()
  readonly #now: () => number

  /** `now`: milliseconds of a clock that is never set back. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Seconds this peer has to wait; 0 = it may try. */
  waitSeconds(peer: string): number {
    const entry = this.#peers.get(peer)
    if (entry === undefined || entry.count < MAX_WRONG_KEYS) return 0
    const restMs = entry.sinceMs + WINDOW_MS - this.#now()
    if (restMs > 0) return Math.ceil(restMs / 1000)
    this.#peers.delete(peer)
    return 0
  }

  count(peer: string): void {
    const now = this.#now()
    const entry = this.#peers.get(peer)
    if (entry !== undefined && now - entry.sinceMs < WINDOW_MS) {
      entry.count++
      return
    }
    if (this.#peers.size >= MAX_PEERS) this.#forget(now)
    this.#peers.delete(peer)
    this.#peers.set(peer, { count: 1, sinceMs: now })
  }

  /** Windows that are over; and if there are none, the oldest. The map is in order of their beginning. */
  #forget(now: number): void {
    for (const [peer, { sinceMs }] of this.#peers) {
      if (now - sinceMs < WINDOW_MS && this.#peers.size < MAX_PEERS) return
      this.#peers.delete(peer)
    }
  }
}
