import type { DocumentChange, StoredDocument, WriteNote } from '../model/document.ts'

/**
 * Where documents live. One contract test (store.contract.ts) runs against every implementation. A write is one revision with time,
 * author and message; all of its changes happen or none.
 */
export interface ConfigStore {
  /** `memory`, `./data/headgate.db`, `config/*.yaml`: for messages. */
  readonly name: string
  /** null, or why writes are refused (file mode names the files). */
  readonly readOnly: string | null
  /** Everything, at one revision. Bad rows are set aside, not fatal. Rejects with STORE_DAMAGED rather than come up empty. */
  load(): Promise<StoreContent>
  /** Resolves when durable. Rejects: WRITE_CONFLICT, STORE_UNAVAILABLE, READ_ONLY. */
  commit(changes: readonly DocumentChange[], note: WriteNote, atMs: number): Promise<CommitResult>
  /** Newest first. */
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryEntry[]>
  /** Changes made by others (files, other nodes). Not called for own commits. Returns an unsubscribe. */
  watch(
    onChange: (content: StoreContent) => void,
    onFault: (faults: readonly StoreFault[]) => void,
  ): () => void
  close(): Promise<void>
  /** Where a form of the content may be kept that the next start reads faster; absent: nowhere. */
  readonly modelCache?: ModelCacheFile | undefined
}

export interface ModelCacheFile {
  readonly file: string
  /** Revision of the content now. */
  revision(): number
  /** The digest that `load` would give now; null where it would give none, or where somebody wrote meanwhile. */
  digest(): Promise<string | null>
}

export interface StoreContent {
  readonly revision: number
  readonly documents: readonly StoredDocument[]
  readonly faults: readonly StoreFault[]
  /** Equal for equal content, and for no other; null or absent: nothing proves that the content is what was written. */
  readonly digest?: string | null
}

/** A document (or file) that was set aside, with its place. */
export interface StoreFault {
  /** `file:line:column`, or `table row key`. */
  readonly place: string
  readonly path: string
  readonly message: string
  readonly hint: string | null
}

export interface CommitResult {
  readonly revision: number
  readonly documents: readonly (StoredDocument | undefined)[]
}

export interface HistoryEntry {
  readonly revision: number
  readonly atMs: number
  readonly author: string
  readonly message: string | null
  readonly changes: readonly {
    readonly dialect: string
    readonly kind: string
    readonly id: string
    readonly op: 'put' | 'delete'
    readonly before: string | null
    readonly after: string | null
  }[]
}

/** The content as plain data: documents may be read from where they lie when somebody looks at them. */
export function plainContent({ revision, documents, faults }: StoreContent): StoreContent {
  return { revision, documents: documents.map(plainDocument), faults }
}

export function plainDocument({
  key,
  value,
  createdRevision,
  modifiedRevision,
  expiresAtMs,
}: StoredDocument): StoredDocument {
  return { key, value, createdRevision, modifiedRevision, expiresAtMs }
}
