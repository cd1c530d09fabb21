import type {
  DocumentChange,
  DocumentKey,
  DocumentStore,
  Fault,
  StoredDocument,
  Warning,
  WriteNote,
  WriteResult,
} from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { ModelObject } from '../model/model.ts'
import { OWN_DIALECT } from '../model/operator-states.ts'
import type { Settings } from '../model/settings.ts'
import type { ConfigStore, StoreContent, StoreFault } from '../store/store.ts'
import { CatchAlls } from './catch-alls.ts'
import { isDeepEqual } from './deep-equal.ts'
import {
  announceRejection,
  announceRevision,
  announceStoreFault,
  announceWarnings,
} from './document-events.ts'
import type { Emit } from './events.ts'
import type { Mirror } from './mirror.ts'
import { documentName } from './mirror.ts'
import type { CachedModel, KeptMemory, ModelTables } from './model-cache.ts'
import { Mutex } from './mutex.ts'
import type { Publisher } from './publish.ts'
import type { DocumentEdit, DocumentStatus, Plan, Reconciler } from './reconcile.ts'
import type { SharedState } from './shared-state.ts'
import type { Log } from './worker-pool.ts'

/** Objects that get their slots together when all documents are loaded. */
const LOAD_BATCH = 50

export interface DocumentsOptions {
  readonly store: ConfigStore
  readonly mirror: Mirror
  readonly reconciler: Reconciler
  readonly shared: SharedState
  readonly publisher: Publisher
  readonly settings: Settings
  readonly log: Log
  readonly emit: Emit
  /** Resolves when names that are new have had their first answer; null: there are none (circumstances.ts). */
  readonly firstAnswers?: () => Promise<void> | null
  /** Told of every change of the model that was sent to the workers; they may not have it yet. */
  readonly onModelChange?: (change: Pick<Plan, 'upserts' | 'replaced' | 'removals'>) => void
}

/** How the last change from outside (files, other nodes) went, and the last write. */
export interface ChangeRecord {
  readonly atMs: number
  readonly revision: number
  readonly isGood: boolean
}

/** The documents, and their way into the workers. A write is validated, made durable, translated, published; then it is answered. */
export class Documents implements DocumentStore {
  readonly #options: DocumentsOptions
  /** One write at a time up to its publication; waiting for the workers is not part of it. */
  readonly #writing = new Mutex()
  readonly #exclusive = new Mutex()
  readonly #expiring = new Map<string, StoredDocument>()
  /** Until the workers serve no write is answered: what it names could not be asked for yet. */
  readonly #catchAlls: CatchAlls
  readonly #answering = Promise.withResolvers<void>()
  #revision = 0
  #changes = 0
  /** Revision of the model that travels; follows the store's, and grows by one where a change comes without a new one. */
  #modelRevision = 0
  #storeFaults: readonly StoreFault[] = []
  #lastChange: ChangeRecord | null = null
  #expiry: NodeJS.Timeout | null = null
  #isStoreReachable = true
  #unwatch: (() => void) | null = null
  readonly #subscribers = new Set<(edits: readonly DocumentEdit[]) => void>()

  constructor(options: DocumentsOptions) {
    this.#options = options
    this.#catchAlls = new CatchAlls(options.settings.sections)
  }

  /** Told of documents that changed, once they are in force here; a listener must not throw, and not wait. The returned function ends it. */
  subscribe(listener: (edits: readonly DocumentEdit[]) => void): () => void {
    this.#subscribers.add(listener)
    return () => this.#subscribers.delete(listener)
  }

  #tell(edits: readonly DocumentEdit[]): void {
    for (const listener of this.#subscribers) listener(edits)
  }

  revision(): number {
    return this.#revision
  }
  get modelRevision(): number {
    return this.#modelRevision
  }
  get storeFaults(): readonly StoreFault[] {
    return this.#storeFaults
  }
  get lastChange(): ChangeRecord | null {
    return this.#lastChange
  }
  /** Whether the last write that reached the store was taken by it. */
  get isStoreReachable(): boolean {
    return this.#isStoreReachable
  }
  get readOnly(): string | null {
    return this.#options.store.readOnly
  }

  get(key: DocumentKey): Promise<StoredDocument | undefined> {
    return Promise.resolve(this.#options.mirror.get(key))
  }
  list(dialect: string, kind: string): Promise<readonly StoredDocument[]> {
    return Promise.resolve(this.#options.mirror.list(dialect, kind))
  }
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#exclusive.run(work)
  }

  /**
   * Reads everything from the store. What does not validate is set aside; the rest is the model that workers start with. `cached`: what the archive and the
   * shared state were filled with already, if it is of exactly these documents; if not, `onStale` empties them. Gives whether it was used.
   */
  async load(
    cached: CachedModel | null = null,
    onStale: () => Promise<void> = async () => {},
  ): Promise<boolean> {
    const { store, reconciler, mirror } = this.#options
    this.#revision = cached?.revision ?? 0
    this.#modelRevision = Math.max(1, this.#revision)
    const content = await store.load()
    this.#revision = content.revision
    this.#modelRevision = Math.max(1, content.revision)
    this.#reportStoreFaults(content.faults)
    const isUsed = cached !== null && content.digest === cached.digest && cached.isWhole()
    if (cached !== null && !isUsed) await onStale()
    else if (cached !== null) {
      for (const document of content.documents) {
        mirror.set(document)
        this.#noteExpiry(document)
      }
      reconciler.import(cached.reconciler, cached.revision)
      for (const [name, faults] of cached.reconciler.setAside) {
        const document = mirror.find(name)
        if (document !== undefined) this.#setAside(document.key, faults)
      }
      this.#catchAlls.import(cached.catchAlls)
      this.#reportHidden()
      this.#lastChange = { atMs: Date.now(), revision: this.#revision, isGood: true }
      return true
    }
    this.#translateAll(content)
    return false
  }

  #translateAll(content: StoreContent): void {
    const { reconciler, mirror, shared } = this.#options
    const sound: StoredDocument[] = []
    for (const document of content.documents) {
      mirror.set(document)
      const faults = this.#validate(document)
      if (faults.length === 0) sound.push(document)
      else this.#setAside(document.key, faults)
      this.#noteExpiry(document)
    }
    // in small pieces: what is made on the way is then gone before the collector would have to move it
    let objects: ModelObject[] = []
    const reserve = (): void => {
      shared.reserve([], objects).commit(this.#modelRevision)
      objects = []
    }
    for (const document of sound) {
      const loaded = reconciler.load(document)
      if (Array.isArray(loaded)) {
        objects.push(...loaded)
        this.#catchAlls.note({ upserts: loaded as readonly ModelObject[], removals: [] })
      } else this.#reportFailures([loaded as DocumentStatus])
      if (objects.length >= LOAD_BATCH) reserve()
    }
    reserve()
    this.#reportHidden()
    this.#lastChange = { atMs: Date.now(), revision: this.#revision, isGood: true }
  }

  /** At start: the rest serves without it. */
  #setAside(key: DocumentKey, faults: readonly Fault[]): void {
    const { reconciler, emit, log } = this.#options
    reconciler.setAside(key, faults)
    announceRejection(emit, key, faults, 'it is set aside')
    const fields = { document: documentName(key), faults }
    log('error', fields, 'a stored document does not validate and is set aside')
  }

  #reportHidden(): void {
    const hidden = this.#catchAlls.describe((section) => this.#hasRoutes(section))
    if (hidden !== null) this.#options.log('warn', {}, hidden)
  }

  /** What the next start may begin with, in pieces; null: it had better not. Nothing may change meanwhile: see `changes`. */
  *export(): Generator<undefined, (Omit<ModelTables, 'named'> & KeptMemory) | null> {
    const { reconciler, shared } = this.#options
    if (this.#storeFaults.length > 0) return null
    const { objects, segments, tails, owners } = yield* reconciler.archive.export()
    const { packed, ...slots } = yield* shared.export()
    const tables = yield* reconciler.export()
    if (tables === null) return null
    return {
      archive: { tails, owners },
      slots,
      packedSlots: packed,
      reconciler: tables,
      catchAlls: this.#catchAlls.export(),
      objects,
      segments,
    }
  }

  /** Grows with every change of the model or of a document. */
  get changes(): number {
    return this.#changes
  }

  /** Lets writes be answered, also those that came while the gateway was starting. */
  answerWrites(): void {
    this.#answering.resolve()
  }

  /** Follows changes made by others, and removes documents whose time is over. */
  watch(): void {
    const { store, log } = this.#options
    this.#unwatch = store.watch(
      (content) => {
        this.#writing
          .run(() => this.#take(content))
          .catch((error: unknown) => {
            this.#lastChange = { atMs: Date.now(), revision: this.#revision, isGood: false }
            log('error', { error: String(error) }, 'a change of the configuration was not applied')
          })
      },
      (faults) => {
        this.#lastChange = { atMs: Date.now(), revision: this.#revision, isGood: false }
        this.#reportStoreFaults(faults)
      },
    )
    // nothing can be removed from a read-only store, and it stays one
    if (store.readOnly === null) this.#expiry = setInterval(() => this.#expire(), 1_000)
  }

  /** Makes upstreams anew whose circumstances changed (reconcile.ts). Resolves when the workers have them. */
  async refresh(upstreamIds: readonly string[]): Promise<void> {
    const published = await this.remake(upstreamIds)
    await this.#answering.promise
    if (published !== null) await this.#options.publisher.acked(published)
  }

  /** The same without waiting for the workers; gives the revision to wait for, null where nothing changed. */
  remake(upstreamIds: readonly string[]): Promise<number | null> {
    const { reconciler, shared } = this.#options
    return this.#writing.run(async () => {
      const plan = reconciler.plan([], upstreamIds)
      return this.#publish(plan, shared.reserve(plan.replaced, plan.upserts))
    })
  }

  async write(changes: readonly DocumentChange[], note: WriteNote): Promise<WriteResult> {
    let committed = await this.#writing.run(() => this.#commit(changes, note, true))
    if ('answers' in committed) {
      // nobody else waits while new names are asked for
      await committed.answers
      committed = await this.#writing.run(() => this.#commit(changes, note, false))
    }
    const { result, published, warnings } = committed as Committed
    await this.#answering.promise
    if (published === null) return { ...result, warnings }
    const late = await this.#options.publisher.acked(published)
    if (late.length === 0) return { ...result, warnings }
    const key = changes[0]?.key
    const message = `not yet in force everywhere: worker ${late.join(', ')} did not answer in time and is replaced`
    return { ...result, warnings: key === undefined ? warnings : [...warnings, { key, path: '', message }] }
  }

  /** What `write` would say of the same changes, without doing anything: rejects as it does, else gives its warnings. */
  preview(changes: readonly DocumentChange[]): Promise<readonly Warning[]> {
    const { reconciler, shared } = this.#options
    return this.#writing.run(async () => {
      const plan = reconciler.plan(this.#check(this.#withCompanions(changes)))
      const failed = plan.failures[0]
      if (failed !== undefined) {
        throw new GatewayError('INTERNAL', `${documentName(failed.key)}: ${failed.reasons[0]?.message ?? ''}`)
      }
      shared.reserve(plan.replaced, plan.upserts).cancel()
      return [...plan.warnings, ...this.#lookForHidden(plan)]
    })
  }

  /** `mayWait`: where the change brings new names, their answers are given back to wait for, and nothing is done. */
  async #commit(
    wanted: readonly DocumentChange[],
    note: WriteNote,
    mayWait: boolean,
  ): Promise<Committed | { readonly answers: Promise<void> }> {
    const { store, reconciler, shared, mirror } = this.#options
    if (store.readOnly !== null) throw new GatewayError('READ_ONLY', store.readOnly)
    const changes = this.#withCompanions(wanted)
    const edits = this.#check(changes)
    let plan = reconciler.plan(edits)
    const failed = plan.failures[0]
    if (failed !== undefined) {
      throw new GatewayError('INTERNAL', `${documentName(failed.key)}: ${failed.reasons[0]?.message ?? ''}`)
    }
    const answers = mayWait ? (this.#options.firstAnswers?.() ?? null) : null
    if (answers !== null) return { answers }
    // room for the new state is made sure of before anything is stored
    let reservation = shared.reserve(plan.replaced, plan.upserts)
    let result: { revision: number; documents: readonly (StoredDocument | undefined)[] }
    try {
      result = await store.commit(changes, note, Date.now())
      this.#noteStore(null)
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE') this.#noteStore(error)
      reservation.cancel()
      throw error
    }
    const isAsForeseen = result.documents.every((document, i) => isSameVersion(document, edits[i]?.document))
    if (!isAsForeseen) {
      reservation.cancel()
      plan = reconciler.plan(changes.map((change, i) => ({ key: change.key, document: result.documents[i] })))
      reservation = shared.reserve(plan.replaced, plan.upserts)
    }
    for (let i = 0; i < changes.length; i++) {
      const key = changes[i]?.key
      const document = result.documents[i]
      if (document !== undefined) mirror.set(document)
      else if (key !== undefined) mirror.delete(key)
      if (key !== undefined) this.#expiring.delete(documentName(key))
      if (document !== undefined) this.#noteExpiry(document)
    }
    this.#revision = result.revision
    const warnings = [...plan.warnings, ...this.#lookForHidden(plan)]
    const published = this.#publish(plan, reservation)
    this.#lastChange = { atMs: Date.now(), revision: result.revision, isGood: true }
    this.#tell(changes.map(({ key }, i) => ({ key, document: result.documents[i] })))
    announceRevision(this.#options.emit, { ...note, revision: result.revision, changes })
    announceWarnings(this.#options.emit, warnings)
    return { result, published, warnings }
  }

  /** Routes that the change hides from all requests, or that hide others. */
  #lookForHidden(plan: Plan): readonly Warning[] {
    return this.#catchAlls.look(plan, (section) => this.#hasRoutes(section))
  }

  #hasRoutes(section: string): boolean {
    for (const { id } of this.#options.reconciler.archive.routes())
      if (id.startsWith(`${section}/`)) return true
    return false
  }

  /** Faults of a document by itself; one whose dialect no listener searches would be stored and never serve. */
  #validate(document: StoredDocument): readonly Fault[] {
    const { reconciler, settings } = this.#options
    const { dialect } = document.key
    // the gateway's own documents serve no request, they shape what serves
    if (dialect === OWN_DIALECT || settings.sections.includes(dialect) || reconciler.hasOwnListeners(dialect))
      return reconciler.validate(document)
    const message = `${dialect} documents are not served by this gateway: add ${dialect} to the setting sections`
    return [{ path: '', message, hint: null }]
  }

  /** The changes and, behind them, what the systems of the new documents make beside these. */
  #withCompanions(changes: readonly DocumentChange[]): readonly DocumentChange[] {
    const { reconciler, mirror } = this.#options
    const made: DocumentChange[] = []
    const coming = new Set(changes.map(({ key }) => documentName(key)))
    const waiting = changes.filter((change) => change.op === 'put' && mirror.get(change.key) === undefined)
    for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
      if (change.op === 'delete') continue
      for (const companion of reconciler.companions(change.key, change.value)) {
        const name = documentName(companion.key)
        if (coming.has(name) || mirror.get(companion.key) !== undefined) continue
        coming.add(name)
        made.push(companion)
        waiting.push(companion)
      }
    }
    return made.length === 0 ? changes : [...changes, ...made]
  }

  /** Everything that can be wrong with a write before it is stored; and what the documents will be. */
  #check(changes: readonly DocumentChange[]): DocumentEdit[] {
    const { mirror, settings } = this.#options
    const revision = this.#revision + 1
    let growth = 0
    const edits = changes.map((change): DocumentEdit => {
      const before = mirror.get(change.key)
      if (change.expectedRevision !== null && (before?.modifiedRevision ?? 0) !== change.expectedRevision) {
        throw new GatewayError('WRITE_CONFLICT', `${documentName(change.key)} was changed by another write`)
      }
      if (change.op === 'delete') {
        if (before !== undefined) growth--
        return { key: change.key, document: undefined }
      }
      if (before === undefined) growth++
      const document: StoredDocument = {
        key: change.key,
        value: change.value,
        createdRevision: before === undefined ? revision : before.createdRevision,
        modifiedRevision: revision,
        expiresAtMs: change.expiresAtMs,
      }
      const fault = this.#validate(document)[0]
      if (fault !== undefined) throw new GatewayError('INVALID_DOCUMENT', describeFault(change.key, fault))
      return { key: change.key, document }
    })
    if (growth > 0 && mirror.size + growth > settings.limits.maxObjects) {
      throw new GatewayError('LIMIT_OBJECTS', `too many objects (maxObjects: ${settings.limits.maxObjects})`)
    }
    return edits
  }

  /** Puts a plan in force and sends it; the revision to wait for, or null when nothing that serves changed. */
  #publish(plan: Plan, reservation: ReturnType<SharedState['reserve']>): number | null {
    this.#changes++
    const upserts = plan.apply()
    this.#catchAlls.note(plan)
    this.#reportFailures(plan.failures)
    if (plan.upserts.length === 0 && plan.removals.length === 0) {
      reservation.commit(this.#modelRevision)
      return null
    }
    this.#modelRevision = Math.max(this.#revision, this.#modelRevision + 1)
    reservation.commit(this.#modelRevision)
    this.#options.publisher.publish({
      revision: this.#modelRevision,
      upserts,
      count: upserts.length,
      removals: plan.removals,
      slots: reservation.slots,
      slotTable: null,
      freed: reservation.freed,
    })
    this.#options.onModelChange?.(plan)
    return this.#modelRevision
  }

  /** A whole new content from outside: only what differs is looked at. A bad document keeps its last good form. */
  async #take(content: StoreContent): Promise<void> {
    const { mirror, reconciler, shared, log } = this.#options
    const edits: DocumentEdit[] = []
    const gone = new Map<string, DocumentKey>()
    for (const document of mirror.all()) gone.set(documentName(document.key), document.key)
    for (const document of content.documents) {
      gone.delete(documentName(document.key))
      const before = mirror.get(document.key)
      if (before !== undefined && isSameDocument(before, document)) {
        reconciler.forgetRejection(document.key)
        continue
      }
      const faults = this.#validate(document)
      if (faults.length > 0) {
        reconciler.reject(document.key, faults)
        const keeps = before === undefined ? 'nothing serves for it' : 'its last good form goes on serving'
        announceRejection(this.#options.emit, document.key, faults, keeps)
        log(
          'error',
          {
            document: documentName(document.key),
            faults,
            keeps: before === undefined ? 'nothing' : 'its last good form',
          },
          'a document does not validate',
        )
      } else edits.push({ key: document.key, document })
    }
    for (const key of gone.values()) edits.push({ key, document: undefined })
    let plan = reconciler.plan(edits)
    const answers = this.#options.firstAnswers?.() ?? null
    if (answers !== null) {
      await answers
      plan = reconciler.plan(edits)
    }
    const reservation = shared.reserve(plan.replaced, plan.upserts)
    for (const { key, document } of edits) {
      if (document === undefined) mirror.delete(key)
      else mirror.set(document)
    }
    this.#revision = Math.max(content.revision, this.#revision)
    this.#reportStoreFaults(content.faults)
    const hidden = this.#lookForHidden(plan)
    for (const { key, message } of hidden) log('warn', { document: documentName(key) }, message)
    const published = this.#publish(plan, reservation)
    this.#lastChange = { atMs: Date.now(), revision: this.#revision, isGood: content.faults.length === 0 }
    this.#tell(edits)
    log('info', { revision: this.#revision, changed: edits.length }, 'the configuration changed')
    const changes = edits.map(({ key, document }) => ({
      op: document ? ('put' as const) : ('delete' as const),
      key,
    }))
    if (changes.length > 0) {
      announceRevision(this.#options.emit, {
        revision: this.#revision,
        author: null,
        message: null,
        changes,
      })
    }
    announceWarnings(this.#options.emit, [...plan.warnings, ...hidden])
    if (published !== null) await this.#options.publisher.acked(published)
  }

  #noteExpiry(document: StoredDocument): void {
    if (document.expiresAtMs !== null) this.#expiring.set(documentName(document.key), document)
  }

  #expire(): void {
    const now = Date.now()
    for (const [name, document] of this.#expiring) {
      if (document.expiresAtMs === null || document.expiresAtMs > now) continue
      this.#expiring.delete(name)
      const change = { op: 'delete' as const, key: document.key, expectedRevision: document.modifiedRevision }
      this.write([change], { author: 'system', message: 'its time to live is over' }).catch(
        (error: unknown) => {
          if (error instanceof GatewayError && error.code === 'WRITE_CONFLICT') return // somebody gave it more time
          this.#expiring.set(name, document)
          this.#options.log(
            'warn',
            { document: name, error: String(error) },
            'an expired document could not be removed',
          )
        },
      )
    }
  }

  /** `error`: the store refused a write; null: it took one. */
  #noteStore(error: Error | null): void {
    const isReachable = error === null
    if (isReachable === this.#isStoreReachable) return
    this.#isStoreReachable = isReachable
    const text = isReachable ? 'the store takes writes again' : `the store refuses writes: ${error.message}`
    this.#options.emit('store', text, { isReachable })
  }

  #reportStoreFaults(faults: readonly StoreFault[]): void {
    for (const fault of faults) {
      if (this.#storeFaults.some((known) => isDeepEqual(known, fault))) continue
      this.#options.log('error', { place: fault.place, path: fault.path, hint: fault.hint }, fault.message)
      announceStoreFault(this.#options.emit, fault, this.#options.settings.config !== null)
    }
    this.#storeFaults = faults
  }

  #reportFailures(failures: readonly DocumentStatus[]): void {
    for (const failure of failures) {
      this.#options.log(
        'error',
        { document: documentName(failure.key), faults: failure.reasons },
        'a document could not be translated; what it had stays',
      )
      announceRejection(this.#options.emit, failure.key, failure.reasons, 'what it had stays')
    }
  }

  close(): void {
    this.#unwatch?.()
    if (this.#expiry !== null) clearInterval(this.#expiry)
  }
}

interface Committed {
  readonly result: { revision: number; documents: readonly (StoredDocument | undefined)[] }
  readonly published: number | null
  readonly warnings: readonly Warning[]
}

function isSameVersion(a: StoredDocument | undefined, b: StoredDocument | undefined): boolean {
  return a?.createdRevision === b?.createdRevision && a?.modifiedRevision === b?.modifiedRevision
}

function isSameDocument(a: StoredDocument, b: StoredDocument): boolean {
  return a.createdRevision === b.createdRevision && isDeepEqual(a.value, b.value)
}

function describeFault(key: DocumentKey, fault: Fault): string {
  const place = fault.path === '' ? documentName(key) : `${documentName(key)} ${fault.path}`
  return `${place}: ${fault.message}`
}
