import { Worker } from 'node:worker_threads'
import type { ModelObject, Patch } from '../model/model.ts'
import {
  BULK_OBJECTS,
  type FromWorker,
  HEARTBEAT,
  PART_OBJECTS,
  type PatchPart,
  type ToWorker,
  type WorkerStart,
} from './messages.ts'

/**
 * - `starting`: loads its code; - `loading`: gets the model; - `loaded`: has it, does not listen yet; - `serving`;
 * - `leaving`: replaced, finishes its requests; - `gone`.
 */
export type WorkerState = 'starting' | 'loading' | 'loaded' | 'serving' | 'leaving' | 'gone'

/** The data plane keeps no AsyncLocalStorage; without its frames each socket event costs some 5 % less (measured). Node 24 and later. */
const WORKER_FLAGS = process.allowedNodeEnvironmentFlags.has('--async-context-frame')
  ? ['--no-async-context-frame']
  : []

/** Main's side of one worker thread: its state, and an outbox that keeps the order of what is sent. */
export class WorkerHandle {
  readonly key: number
  readonly index: number
  readonly thread: Worker
  state: WorkerState = 'starting'
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

  constructor(key: number, start: WorkerStart, onMessage: (message: FromWorker) => void) {
    this.key = key
    this.index = start.index
    this.#beats = new Int32Array(start.memory.heartbeat)
    this.thread = new Worker(workerEntry(), {
      workerData: start,
      name: `headgate-${start.index}`,
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
  sendPatch(patch: Patch): void {
    const total = patch.upserts.length + patch.removals.length
    this.pendingObjects += total
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

export function* splitPatch(patch: Patch): Generator<PatchPart> {
  const { revision, upserts, removals, slots, freed } = patch
  const isBulk = upserts.length + removals.length > BULK_OBJECTS
  if (!isBulk) {
    yield { type: 'patch', revision, upserts, removals, slots, freed, isFirst: true, isLast: true, isBulk }
    return
  }
  // slots go first, all of them: objects in any part may need them
  yield {
    type: 'patch',
    revision,
    upserts: [],
    removals,
    slots,
    freed: [],
    isFirst: true,
    isLast: false,
    isBulk,
  }
  const ordered: readonly ModelObject[] = upserts
  for (let i = 0; i < ordered.length; i += PART_OBJECTS) {
    const isLast = i + PART_OBJECTS >= ordered.length
    yield {
      type: 'patch',
      revision,
      upserts: ordered.slice(i, i + PART_OBJECTS),
      removals: [],
      slots: [],
      freed: isLast ? freed : [],
      isFirst: false,
      isLast,
      isBulk,
    }
  }
  if (ordered.length === 0) {
    yield {
      type: 'patch',
      revision,
      upserts: [],
      removals: [],
      slots: [],
      freed,
      isFirst: false,
      isLast: true,
      isBulk,
    }
  }
}

/** The worker's entry beside this file: TypeScript in a checkout, JavaScript in the package. */
function workerEntry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
}
