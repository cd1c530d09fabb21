import { RequestHead } from './request-state.ts'

/** Heads kept for the next requests; under more at once, further ones are made and dropped. */
const MAX_KEPT = 256

/**
 * Heads of requests under way. A connection has one of its own only from the first byte of a request to the end of its answer: most connections
 * of a busy gateway are idle, and a head is 4 KB.
 */
export class HeadPool {
  /** What idle connections have instead: a head in which nothing was read. Never parsed into. */
  readonly idle: RequestHead
  readonly #maxFields: number
  readonly #kept: RequestHead[] = []

  /** `maxFields`: capacity of each head (limit `maxFields`). */
  constructor(maxFields: number) {
    this.#maxFields = maxFields
    this.idle = new RequestHead(maxFields)
  }

  /** A head that is ready for a request. */
  take(): RequestHead {
    return this.#kept.pop() ?? new RequestHead(this.#maxFields)
  }

  /** Takes back a head that was reset and that nobody reads any more. */
  give(head: RequestHead): void {
    if (this.#kept.length < MAX_KEPT) this.#kept.push(head)
  }
}
