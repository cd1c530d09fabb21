import type { StoredDocument } from '../model/document.ts'

/** Which documents of a kind have which keywords (Dialect.keywords), so that a search does not read all of them. */
export class KeywordIndex {
  readonly #wordsOf = new Map<string, readonly string[]>()
  readonly #ids = new Map<string, Set<string>>()

  /** Replaces the keywords of a document; none forgets it. */
  set(id: string, words: readonly string[]): void {
    for (const word of this.#wordsOf.get(id) ?? NOTHING) {
      const ids = this.#ids.get(word)
      ids?.delete(id)
      if (ids?.size === 0) this.#ids.delete(word)
    }
    if (words.length === 0) this.#wordsOf.delete(id)
    else this.#wordsOf.set(id, words)
    for (const word of words) {
      const ids = this.#ids.get(word)
      if (ids === undefined) this.#ids.set(word, new Set([id]))
      else ids.add(id)
    }
  }

  /** In no particular order. */
  find(word: string): Iterable<string> {
    return this.#ids.get(word) ?? NOTHING
  }
}

const NOTHING: readonly string[] = []

/** In the order of ids as text. */
export function byId(a: StoredDocument, b: StoredDocument): number {
  return a.key.id < b.key.id ? -1 : a.key.id > b.key.id ? 1 : 0
}
