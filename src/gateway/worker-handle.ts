import { Worker } from 'node:worker_threads'
import { MANY_OBJECTS } from './compact-heap.ts'
import { type FromWorker, HEARTBEAT, type ToWorker, type WorkerStart } from './messages.ts'
import { type Publication, splitPatch } from './split-patch.ts'

/**
 * - `starting`: loads its code; - `loading`: gets the model; - `loaded`: has it, does not listen yet; - `serving`;
 * - `leaving`: replaced, finishes its requests; - `gone`.
 */
export type WorkerState = 'starting' | 'loading' | 'loaded' | 'serving' | 'leaving' | 'gone'

/** The data plane keeps no AsyncLocalStorage; without its frames each socket event costs some 5 % less (measured). Node 24 and later. */
const WORKER_FLAGS = process.allowedNodeEnvironmentFlags.has('--async-context-frame')
  ? ['--no-async-context-frame']
  : []

/**
 * Memory for young objects of such a worker, three half-spaces. While it loads many routes V8 would let it grow to 200 MB and never give it back. Other workers
 * have V8's own bound: with a connection for each request, collecting less often saves a tenth of the processor time (measured).
 */
const YOUNG_MB = 24

/** Main's side of one worker thread: its state, and an outbox that keeps the order of what is sent. */
export class WorkerHandle {
  readonly key: number
  readonly index: number
  readonly thread: Worker
  state: WorkerState = 'starting'
  /** It has loaded its code and takes messages. */
  hasCode = false
  ackedRevision = 0
  releasedRevision = 0
  addresses: readonly string[] = []
  /** Time without a heartbeat, counted only while main itself was running. */
  silentMs = 0
  /** Objects sent and not acknowledged: what its deadline depends on. */
  pendingObjects = 0
  readonly #beats: Int32Array
  #lastBeat = 0
  readonly #outbox: ToWorker[] = []
  #isPumping = false

  /** `objects`: how many it will be sent at first. */
  constructor(key: number, start: WorkerStart, objects: number, onMessage: (message: FromWorker) => void) {
    this.key = key
    this.index = start.index
    this.#beats = new Int32Array(start.memory.heartbeat)
    this.thread = new Worker(workerEntry(), {
      workerData: start,
      name: `headgate-${start.index}`,
      resourceLimits: objects >= MANY_OBJECTS ? { maxYoungGenerationSizeMb: YOUNG_MB } : {},
      execArgv: WORKER_FLAGS, // not those of the process: V8 flags among them would be refused here, and hold anyway
    })
    this.thread.on('message', (message: FromWorker) => {
      this.silentMs = 0 // a sign of life too: the time that its start took is not held against it
      onMessage(message)
    })
  }

  get isLive(): boolean {
    return this.state === 'loaded' || this.state === 'serving'
  }

  /** Slot of the route it found last. */
  get lastRouteSlot(): number {
    return Atomics.load(this.#beats, HEARTBEAT.LAST_ROUTE_SLOT)
  }

  /** Looks whether the heart has beaten since the last look; returns how long it has been silent. */
  listen(elapsedMs: number): number {
    const beat = Atomics.load(this.#beats, HEARTBEAT.BEATS)
    this.silentMs = beat === this.#lastBeat ? this.silentMs + elapsedMs : 0
    this.#lastBeat = beat
    return this.silentMs
  }

  send(message: ToWorker): void {
    this.#outbox.push(message)
    if (!this.#isPumping) this.#pump()
  }

  /** Sends a patch, in parts where it is large. */
  sendPatch(patch: Publication): void {
    this.pendingObjects += patch.count + patch.removals.length
    for (const part of splitPatch(patch)) this.send(part)
  }

  /** Small messages go at once; after a large one main serves its own loop first. */
  #pump(): void {
    this.#isPumping = false
    for (;;) {
      const message = this.#outbox.shift()
      if (message === undefined || this.state === 'gone') return
      this.thread.postMessage(message)
      if (message.type === 'patch' && message.isBulk && this.#outbox.length > 0) {
        this.#isPumping = true
        setImmediate(() => this.#pump())
        return
      }
    }
  }
}

/** The worker's entry beside this file: TypeScript in a checkout, JavaScript in the package. */
function workerEntry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
}
