import type { JsonObject } from './json.ts'

/** A document as its author wrote it (plus server-owned times, where its system stores them). */
export interface StoredDocument {
  readonly key: DocumentKey
  readonly value: JsonObject
  /** Store revision of the write that made it, and of the last one. Integers >= 1, growing. */
  readonly createdRevision: number
  readonly modifiedRevision: number
  /** Milliseconds since the epoch after which it is gone; null = never. */
  readonly expiresAtMs: number | null
}

export interface DocumentKey {
  readonly dialect: string
  /** The dialect's collection name, plural: `routes`, `upstreams`, `services`. */
  readonly kind: string
  readonly id: string
}

export type DocumentChange =
  | {
      readonly op: 'put'
      readonly key: DocumentKey
      readonly value: JsonObject
      readonly expiresAtMs: number | null
      /** Compare-and-set: the modifiedRevision that must be in force (0 = must not exist); null = whatever. */
      readonly expectedRevision: number | null
    }
  | { readonly op: 'delete'; readonly key: DocumentKey; readonly expectedRevision: number | null }

export interface WriteNote {
  /** Who: key name or `file:<path>`, `system`. */
  readonly author: string
  readonly message: string | null
}

/**
 * What a dialect's REST may do with documents. Reads see every acknowledged write. `write` resolves when the change is durable and
 * all live workers serve it (or 2 s have passed: then `warnings` says so). Rejects with GatewayError: WRITE_CONFLICT (expectedRevision),
 * STORE_UNAVAILABLE (disk full, …), READ_ONLY (file mode), LIMIT_OBJECTS.
 */
export interface DocumentStore {
  /** The revision the next write will get is this + 1. */
  revision(): number
  get(key: DocumentKey): Promise<StoredDocument | undefined>
  /** Ordered by id as text (code units). */
  list(dialect: string, kind: string): Promise<readonly StoredDocument[]>
  write(changes: readonly DocumentChange[], note: WriteNote): Promise<WriteResult>
  /** Runs `work` while no other exclusive work runs: check, then write. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
}

export interface WriteResult {
  readonly revision: number
  readonly documents: readonly (StoredDocument | undefined)[]
  /** What the author should know though the write was accepted: ignored fields, unknown variables, slow workers. */
  readonly warnings: readonly Warning[]
}

export interface Warning {
  readonly key: DocumentKey
  /** Path in the document. */
  readonly path: string
  readonly message: string
}

/** Why a document cannot be accepted. `path` as in Origin. */
export interface Fault {
  readonly path: string
  readonly message: string
  readonly hint: string | null
}
