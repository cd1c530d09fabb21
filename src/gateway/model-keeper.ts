import type { Settings } from '../model/settings.ts'
import type { ModelCacheFile } from '../store/store.ts'
import type { Documents } from './documents.ts'
import { fingerprintOf, writeModelCache } from './model-cache.ts'
import type { Log } from './worker-pool.ts'

/** With fewer objects a start is quick without. */
const LEAST_OBJECTS = 2000
/** So long nothing may have changed before the file is written anew. */
const QUIET_MS = 10_000
/** Longest piece of work between two turns of the loop. */
const SLICE_MS = 2

export interface ModelKeeperOptions {
  readonly cache: ModelCacheFile
  readonly documents: Pick<Documents, 'changes' | 'export'>
  /** Objects, and documents, in force. */
  readonly sizes: () => { readonly objects: number; readonly documents: number }
  readonly settings: Settings
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

  constructor(options: ModelKeeperOptions) {
    this.#options = options
    this.#seen = options.documents.changes
    this.#written = options.isWritten ? this.#seen : -1
    this.#timer = setInterval(() => this.#look(), QUIET_MS)
    this.#timer.unref()
  }

  #look(): void {
    const { changes } = this.#options.documents
    const isQuiet = changes === this.#seen
    this.#seen = changes
    if (isQuiet && changes !== this.#written && this.#writing === null) {
      this.#writing = this.#write().finally(() => {
        this.#writing = null
      })
    }
  }

  async #write(): Promise<void> {
    const { cache, documents, sizes, settings, log } = this.#options
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
        const { objects, segments, ...rest } = step.value
        const tables = { ...rest, named: this.#options.named() }
        const about = { fingerprint: fingerprintOf(settings), digest, revision, documents: sizes().documents }
        try {
          await writeModelCache(cache.file, about, tables, { objects, segments })
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
