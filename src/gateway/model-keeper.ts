import type { ModelCacheFile } from '../store/store.ts'
import type { Documents } from './documents.ts'
import { writeModelCache } from './model-cache.ts'
import type { Log } from './worker-pool.ts'

/** With fewer objects a start is quick without. */
const LEAST_OBJECTS = 2000
/** So long nothing may have changed before the file is written anew. */
const QUIET_MS = 10_000
/** Where something always changes it is tried so often all the same. */
const PATIENCE_MS = 300_000
/** Longest piece of work between two turns of the loop. */
const SLICE_MS = 2

export interface ModelKeeperOptions {
  readonly cache: ModelCacheFile
  readonly documents: Pick<Documents, 'changes' | 'export'>
  /** Objects, and documents, in force. */
  readonly sizes: () => { readonly objects: number; readonly documents: number }
  /** `fingerprintOf` as it was when this process started. */
  readonly fingerprint: string
  readonly log: Log
  /** Upstreams that use names. */
  readonly named: () => readonly string[]
  /** Whether the file on disk is of what is in force now. */
  readonly isWritten: boolean
}

/** Keeps the file of the model (model-cache.ts) up to date, while nothing else is to be done, and when the gateway stops. */
export class ModelKeeper {
  readonly #options: ModelKeeperOptions
  /** `changes` that the file is of; -1: of none. */
  #written: number
  #seen: number
  #timer: NodeJS.Timeout
  #writing: Promise<void> | null = null
  #isClosing = false
  /** When writing was last tried. */
  #triedAtMs = performance.now()

  constructor(options: ModelKeeperOptions) {
    this.#options = options
    this.#seen = options.documents.changes
    this.#written = options.isWritten ? this.#seen : -1
    this.#timer = setInterval(() => this.#look(), QUIET_MS)
    this.#timer.unref()
  }

  #look(): void {
    const { changes } = this.#options.documents
    const isTime = changes === this.#seen || performance.now() - this.#triedAtMs > PATIENCE_MS
    this.#seen = changes
    if (isTime && changes !== this.#written && this.#writing === null) {
      this.#triedAtMs = performance.now()
      this.#writing = this.#write().finally(() => {
        this.#writing = null
      })
    }
  }

  async #write(): Promise<void> {
    const { cache, documents, sizes, fingerprint, log } = this.#options
    if (sizes().objects < LEAST_OBJECTS) return
    const began = documents.changes
    const revision = cache.revision()
    const work = documents.export()
    for (;;) {
      const end = performance.now() + SLICE_MS
      let step = work.next()
      // when the gateway stops nobody is kept waiting
      while (!step.done && (this.#isClosing || performance.now() < end)) step = work.next()
      if (step.done) {
        if (step.value === null) return
        const digest = await cache.digest()
        if (digest === null || documents.changes !== began || cache.revision() !== revision) return
        const { objects, packedSlots, segments, ...rest } = step.value
        const tables = { ...rest, named: this.#options.named() }
        const about = { fingerprint, digest, revision, documents: sizes().documents }
        try {
          await writeModelCache(cache.file, about, tables, { objects, packedSlots, segments })
          this.#written = began
        } catch (error) {
          log(
            'warn',
            { file: cache.file, error: String(error) },
            'the model could not be kept for the next start',
          )
        }
        return
      }
      await new Promise((resolve) => setImmediate(resolve))
      if (documents.changes !== began) return
    }
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#isClosing = true
    await this.#writing
    if (this.#options.documents.changes !== this.#written) await this.#write()
  }
}
