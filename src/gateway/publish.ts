import type { Publication } from './split-patch.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** How long a write waits for the workers. */
const ACK_TIMEOUT_MS = 2_000
/** More for large patches: compiling an object takes well under this. */
const ACK_MS_PER_OBJECT = 1

/** The whole model as it is now. */
export type ModelSource = Pick<Publication, 'revision' | 'upserts' | 'count' | 'slotTable'>

export interface PublisherOptions {
  readonly workers: () => Iterable<WorkerHandle>
  readonly model: () => ModelSource
  /** A worker that did not acknowledge in time. */
  readonly onLaggard: (worker: WorkerHandle, revision: number) => void
}

interface Waiter {
  readonly revision: number
  readonly resolve: (late: readonly number[]) => void
  readonly timer: NodeJS.Timeout
}

/** Sends revisions to the workers and knows who has them. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #waiters = new Set<Waiter>()
  #revision = 0
  #publishedAt = 0

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** The last revision sent. */
  get revision(): number {
    return this.#revision
  }

  /** How long ago the last revision was sent; 0 before the first. */
  get publishedMsAgo(): number {
    return this.#publishedAt === 0 ? 0 : performance.now() - this.#publishedAt
  }

  publish(patch: Publication): void {
    this.#revision = patch.revision
    this.#publishedAt = performance.now()
    for (const worker of this.#options.workers()) {
      if (worker.state === 'loading' || worker.isLive || worker.state === 'leaving') worker.sendPatch(patch)
    }
  }

  /** Gives a worker that starts everything there is. */
  sync(worker: WorkerHandle): void {
    const model = this.#options.model()
    worker.state = 'loading'
    worker.sendPatch({ ...model, removals: [], slots: [], freed: [] })
  }

  /** A worker acknowledged, came or went. */
  check(): void {
    for (const waiter of this.#waiters) {
      if (this.laggards(waiter.revision).length === 0) this.#finish(waiter, [])
    }
  }

  /** Live workers that do not have a revision. */
  laggards(revision: number): WorkerHandle[] {
    const late: WorkerHandle[] = []
    for (const worker of this.#options.workers()) {
      if (worker.isLive && worker.ackedRevision < revision) late.push(worker)
    }
    return late
  }

  /**
   * Resolves when all live workers have the revision, with an empty list, or after 2 s with the indices of those that do not (more time
   * for large patches); these are then replaced.
   */
  acked(revision: number): Promise<readonly number[]> {
    const late = this.laggards(revision)
    if (late.length === 0) return Promise.resolve([])
    const most = Math.max(...late.map((worker) => worker.pendingObjects))
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          const workers = this.laggards(revision)
          this.#finish(
            waiter,
            workers.map((worker) => worker.index),
          )
          for (const worker of workers) this.#options.onLaggard(worker, revision)
        },
        ACK_TIMEOUT_MS + most * ACK_MS_PER_OBJECT,
      )
      const waiter: Waiter = { revision, resolve, timer }
      this.#waiters.add(waiter)
    })
  }

  #finish(waiter: Waiter, late: readonly number[]): void {
    this.#waiters.delete(waiter)
    clearTimeout(waiter.timer)
    waiter.resolve(late)
  }

  /** Lets everybody go who waits (stop). */
  close(): void {
    for (const waiter of this.#waiters) this.#finish(waiter, [])
  }
}
