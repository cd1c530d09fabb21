import type { AccessRecord } from '../model/access-record.ts'
import { compileTailFilter, type TailFilter } from './tail-filter.ts'

/** How often lines go to main. Milliseconds. */
const FLUSH_MS = 100
/** Lines of one tail that wait in a worker while main has not taken the last batch. */
export const MAX_WAITING_LINES = 2000

export interface TailBatch {
  readonly id: number
  /** JSON lines, byte strings without their newline. */
  readonly lines: readonly string[]
  /** Requests that passed the filter and are not among the lines. */
  readonly leftOut: number
}

interface Tail {
  readonly passes: (record: AccessRecord) => boolean
  readonly perSecond: number
  lines: string[]
  leftOut: number
  /** Lines of the running second. */
  inSecond: number
  secondEndsMs: number
  /** Main has not said yet that it took the last batch: nothing more is sent, so what is under way is bounded. */
  isSent: boolean
}

/**
 * A worker's side of live tails. Only what passes a filter is formatted, at most `perSecond` lines a second for each tail; the rest is
 * counted. Nothing here runs while nobody tails.
 */
export class WorkerTails {
  readonly #tails = new Map<number, Tail>()
  readonly #format: (record: AccessRecord) => string
  readonly #send: (batch: TailBatch) => void
  readonly #now: () => number
  #timer: NodeJS.Timeout | null = null

  constructor(
    format: (record: AccessRecord) => string,
    send: (batch: TailBatch) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#format = format
    this.#send = send
    this.#now = now
  }

  get isEmpty(): boolean {
    return this.#tails.size === 0
  }

  open(id: number, filter: TailFilter, perSecond: number): void {
    this.#tails.set(id, {
      passes: compileTailFilter(filter),
      perSecond,
      lines: [],
      leftOut: 0,
      inSecond: 0,
      secondEndsMs: 0,
      isSent: false,
    })
    this.#timer ??= setInterval(() => this.flush(), FLUSH_MS).unref()
  }

  close(id: number): void {
    this.#tails.delete(id)
    if (this.#tails.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /** Main took the last batch. */
  acknowledge(id: number): void {
    const tail = this.#tails.get(id)
    if (tail !== undefined) tail.isSent = false
  }

  take(record: AccessRecord): void {
    let line: string | null = null
    for (const tail of this.#tails.values()) {
      if (!tail.passes(record)) continue
      const now = this.#now()
      if (now >= tail.secondEndsMs) {
        tail.secondEndsMs = now + 1000
        tail.inSecond = 0
      }
      if (tail.inSecond >= tail.perSecond || tail.lines.length >= MAX_WAITING_LINES) {
        tail.leftOut++
        continue
      }
      tail.inSecond++
      line ??= this.#format(record).slice(0, -1)
      tail.lines.push(line)
    }
  }

  flush(): void {
    for (const [id, tail] of this.#tails) {
      if (tail.isSent || (tail.lines.length === 0 && tail.leftOut === 0)) continue
      this.#send({ id, lines: tail.lines, leftOut: tail.leftOut })
      tail.lines = []
      tail.leftOut = 0
      tail.isSent = true
    }
  }
}
