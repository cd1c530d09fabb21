import type { DocumentKey, DocumentStore, StoredDocument } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import { type Kind, TENCENT } from '../kinds.ts'

/** The documents as one call sees them: each kind is read once. */
export class Shelf {
  readonly #store: DocumentStore
  readonly #read = new Map<Kind, Promise<readonly StoredDocument[]>>()

  constructor(store: DocumentStore) {
    this.#store = store
  }

  find(kind: Kind, id: string): Promise<StoredDocument | undefined> {
    return this.#store.get(keyOf(kind, id))
  }

  async value(kind: Kind, id: string): Promise<JsonObject | undefined> {
    return (await this.find(kind, id))?.value
  }

  /** All of a kind, oldest first: pages do not move when something is added. */
  all(kind: Kind): Promise<readonly StoredDocument[]> {
    const known = this.#read.get(kind)
    if (known !== undefined) return known
    const read = this.#store.list(TENCENT, kind).then(oldestFirst)
    this.#read.set(kind, read)
    return read
  }

  async values(kind: Kind): Promise<readonly JsonObject[]> {
    return (await this.all(kind)).map(({ value }) => value)
  }
}

export function keyOf(kind: Kind, id: string): DocumentKey {
  return { dialect: TENCENT, kind, id }
}

/** Ids are random, so of one revision they say nothing; they make the order a total one. */
function oldestFirst(documents: readonly StoredDocument[]): readonly StoredDocument[] {
  return [...documents].sort(
    (a, b) => a.createdRevision - b.createdRevision || (a.key.id < b.key.id ? -1 : 1),
  )
}
