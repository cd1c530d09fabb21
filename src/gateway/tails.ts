import { fromByteString } from '../model/byte-string.ts'
import type { ToWorker } from './messages.ts'
import type { TailFilter } from './tail-filter.ts'
import type { TailBatch } from './worker-tails.ts'

/** Live tails at one time: each costs the workers a test per request. */
export const MAX_TAILS = 16
/** Lines per second that one worker sends for one tail: at most, and where nothing is said. */
export const MAX_TAIL_RATE = 5000
export const DEFAULT_TAIL_RATE = 500

export interface TailReader {
  /** JSON objects with the fields of the access log, each as text. */
  line(text: string): void
  /** So many more requests passed the filter; their lines were left out. */
  leftOut(requests: number): void
}

interface Receiver {
  send(message: ToWorker): void
}

/** Main's side of live tails: hands filters to the workers, also to those that start later, and what they send to the readers. */
export class Tails {
  readonly #workers: () => Iterable<Receiver>
  readonly #tails = new Map<number, { filter: TailFilter; perSecond: number; reader: TailReader }>()
  #nextId = 1

  constructor(workers: () => Iterable<Receiver>) {
    this.#workers = workers
  }

  get isFull(): boolean {
    return this.#tails.size >= MAX_TAILS
  }

  /** Begins a tail; the returned function ends it. null: there are MAX_TAILS already. */
  open(filter: TailFilter, perSecond: number, reader: TailReader): (() => void) | null {
    if (this.isFull) return null
    const id = this.#nextId++
    this.#tails.set(id, { filter, perSecond, reader })
    for (const worker of this.#workers()) worker.send({ type: 'tail', id, filter, perSecond })
    return () => {
      if (!this.#tails.delete(id)) return
      for (const worker of this.#workers()) worker.send({ type: 'untail', id })
    }
  }

  /** A worker has started. */
  attach(worker: Receiver): void {
    for (const [id, { filter, perSecond }] of this.#tails)
      worker.send({ type: 'tail', id, filter, perSecond })
  }

  receive(worker: Receiver, batch: TailBatch): void {
    const tail = this.#tails.get(batch.id)
    if (tail === undefined) return
    worker.send({ type: 'tailTaken', id: batch.id })
    for (const line of batch.lines) tail.reader.line(fromByteString(line))
    if (batch.leftOut > 0) tail.reader.leftOut(batch.leftOut)
  }
}
