import type { DocumentKey, StoredDocument } from '../model/document.ts'

/** A document's key as one text. */
export function documentName(key: DocumentKey): string {
  return `${key.dialect}/${key.kind}/${key.id}`
}

/** All documents in force, in memory: reads never wait for the store. */
export class Mirror {
  readonly #collections = new Map<string, Map<string, StoredDocument>>()
  /** Sorted lists, made when first asked for and kept up to date from then on. */
  readonly #sorted = new Map<string, StoredDocument[]>()
  #size = 0

  get(key: DocumentKey): StoredDocument | undefined {
    return this.#collections.get(`${key.dialect}/${key.kind}`)?.get(key.id)
  }

  /** By `documentName`. */
  find(name: string): StoredDocument | undefined {
    const kindEnd = name.indexOf('/', name.indexOf('/') + 1)
    return this.#collections.get(name.slice(0, kindEnd))?.get(name.slice(kindEnd + 1))
  }

  get size(): number {
    return this.#size
  }

  set(document: StoredDocument): void {
    const { key } = document
    const name = `${key.dialect}/${key.kind}`
    let collection = this.#collections.get(name)
    if (collection === undefined) {
      collection = new Map()
      this.#collections.set(name, collection)
    }
    const before = collection.size
    collection.set(key.id, document)
    const isNew = collection.size > before
    if (isNew) this.#size++
    const sorted = this.#sorted.get(name)
    if (sorted === undefined) return
    const at = lowerBound(sorted, key.id)
    sorted.splice(at, isNew ? 0 : 1, document)
  }

  delete(key: DocumentKey): void {
    const name = `${key.dialect}/${key.kind}`
    if (!this.#collections.get(name)?.delete(key.id)) return
    this.#size--
    const sorted = this.#sorted.get(name)
    sorted?.splice(lowerBound(sorted, key.id), 1)
  }

  /** Ordered by id as text. The list is a copy: later changes do not show in it. */
  list(dialect: string, kind: string): readonly StoredDocument[] {
    const name = `${dialect}/${kind}`
    let sorted = this.#sorted.get(name)
    if (sorted === undefined) {
      sorted = [...(this.#collections.get(name)?.values() ?? [])].sort((a, b) => compare(a.key.id, b.key.id))
      this.#sorted.set(name, sorted)
    }
    return sorted.slice()
  }

  *all(): IterableIterator<StoredDocument> {
    for (const collection of this.#collections.values()) yield* collection.values()
  }
}

function lowerBound(list: readonly StoredDocument[], id: string): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(list[middle]?.key.id ?? '', id) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
