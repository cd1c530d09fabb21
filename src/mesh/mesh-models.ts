import type { Dialect, DialectProxies, DialectSettings } from '../dialects/dialect.ts'
import { documentName, Mirror } from '../gateway/mirror.ts'
import type { StoredObject } from '../gateway/model-archive.ts'
import { type DocumentEdit, Reconciler } from '../gateway/reconcile.ts'
import type { Log } from '../gateway/worker-pool.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import type { ModelObject } from '../model/model.ts'

/** Changes that come within this time are one; so are those that come while the last one is not over for as long as it took. Milliseconds. */
const GATHER_MS = 20

/** An object of the model by kind and id. */
export interface ObjectKey {
  readonly kind: ModelObject['kind']
  readonly id: string
}

export interface MeshModelsOptions {
  /** The mesh's language; it has `proxies`. */
  readonly dialect: Dialect
  /** As all proxies were of this process. */
  readonly settings: DialectSettings
  readonly documents: Iterable<StoredDocument>
  readonly log: Log
  /** Told of each proxy whose model changed, by the id of its document, once it is in force. */
  readonly onChange: (id: string, objects: readonly ObjectKey[]) => void
  /** Told when a document of a proxy came, changed or went. */
  readonly onDocument: (id: string) => void
}

/**
 * The models of all proxies of a mesh, each made of the document of the proxy and of those that this depends on. What a change costs grows with the proxies that it
 * touches. Nothing in here serves: the gateway's own model knows nothing of proxies elsewhere.
 */
export class MeshModels {
  readonly #options: MeshModelsOptions
  readonly #proxies: DialectProxies
  readonly #mirror = new Mirror()
  readonly #reconciler: Reconciler
  readonly #waiting = new Map<string, DocumentEdit>()
  #settled: (() => void)[] = []
  #timer: NodeJS.Timeout | null = null
  #tookMs = 0
  #endedMs = 0
  #revision = 1

  /** Throws where the dialect has no proxies. */
  constructor(options: MeshModelsOptions) {
    const { dialect, settings, documents } = options
    if (dialect.proxies === undefined) throw new Error(`${dialect.name} has no proxies`)
    this.#options = options
    this.#proxies = dialect.proxies
    this.#reconciler = new Reconciler([dialect], settings, this.#mirror)
    const sound: StoredDocument[] = []
    for (const document of documents) {
      this.#mirror.set(document)
      const faults = this.#reconciler.validate(document)
      if (faults.length === 0) sound.push(document)
      else this.#reconciler.setAside(document.key, faults)
    }
    for (const document of sound) {
      const loaded = this.#reconciler.load(document)
      if ('state' in loaded) this.#tell(document.key, loaded.reasons[0]?.message ?? '')
    }
  }

  /** Grows by one with each change of a model. */
  get revision(): number {
    return this.#revision
  }

  /** Documents that changed. They have been validated. */
  take(edits: readonly DocumentEdit[]): void {
    for (const edit of edits) {
      if (edit.key.dialect === this.#options.dialect.name) this.#waiting.set(documentName(edit.key), edit)
    }
    if (this.#waiting.size === 0 || this.#timer !== null) return
    // half of the time of this thread is for others
    const restMs = this.#endedMs + this.#tookMs - performance.now()
    this.#timer = setTimeout(() => this.#work(), Math.max(GATHER_MS, restMs))
  }

  /** Resolves when all that was taken so far is in force. */
  settle(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  /** The document of a proxy, as its model was made of it or will be. */
  document(id: string): StoredDocument | undefined {
    const key = this.#keyOf(id)
    const waiting = this.#waiting.get(documentName(key))
    return waiting === undefined ? this.#mirror.get(key) : waiting.document
  }

  /** All objects of a proxy. */
  objectsOf(id: string): readonly StoredObject[] {
    return this.#reconciler.objectsOf(this.#keyOf(id))
  }

  /** Its JSON; undefined: it is in force no more. */
  textOf({ kind, id }: ObjectKey): string | undefined {
    return this.#reconciler.archive.find(kind, id)?.text
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#waiting.clear()
    this.#answer()
  }

  #answer(): void {
    const settled = this.#settled
    this.#settled = []
    for (const resolve of settled) resolve()
  }

  #keyOf(id: string): DocumentKey {
    return { dialect: this.#options.dialect.name, kind: this.#proxies.kind, id }
  }

  #work(): void {
    this.#timer = null
    const from = performance.now()
    const edits = [...this.#waiting.values()]
    this.#waiting.clear()
    const plan = this.#reconciler.plan(edits)
    const { archive } = this.#reconciler
    const changed = new Map<string, ObjectKey[]>()
    const note = (owner: string | undefined, { kind, id }: ObjectKey): void => {
      if (owner === undefined) return
      const known = changed.get(owner)
      if (known === undefined) changed.set(owner, [{ kind, id }])
      else known.push({ kind, id })
    }
    // whose they were is known only before they go
    for (const removal of plan.removals) note(archive.find(removal.kind, removal.id)?.owner, removal)
    for (const { key, document } of edits) {
      if (document === undefined) this.#mirror.delete(key)
      else this.#mirror.set(document)
    }
    for (const object of plan.apply()) note(object.owner, object)
    for (const { key, reasons } of plan.failures) this.#tell(key, reasons[0]?.message ?? '')
    this.#endedMs = performance.now()
    this.#tookMs = this.#endedMs - from
    if (changed.size > 0) this.#revision++
    for (const { key } of edits) if (key.kind === this.#proxies.kind) this.#options.onDocument(key.id)
    const prefix = documentName(this.#keyOf(''))
    for (const [owner, objects] of changed) this.#options.onChange(owner.slice(prefix.length), objects)
    this.#answer()
  }

  #tell(key: DocumentKey, reason: string): void {
    const fields = { document: documentName(key), reason }
    this.#options.log('error', fields, 'no model could be made of the document of a proxy; what it had stays')
  }
}
