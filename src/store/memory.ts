import type { DocumentChange, StoredDocument, WriteNote } from '../model/document.ts'
import { checkExpectation, keyText } from './document-key.ts'
import type { CommitResult, ConfigStore, HistoryEntry, StoreContent } from './store.ts'

/** Revisions whose changes are remembered; older history is dropped. */
const MAX_HISTORY = 10_000

/**
 * Documents in this process only: nothing is read or written anywhere, and everything is gone with the process. For tests, demos and
 * `--store memory`. Values are kept as JSON text inside, so a caller that edits an object it handed in changes nothing here.
 */
export function createMemoryStore(): ConfigStore {
  return new MemoryStore()
}

interface Row {
  readonly document: StoredDocument
  readonly text: string
}

class MemoryStore implements ConfigStore {
  readonly name = 'memory'
  readonly readOnly = null
  #revision = 0
  #rows = new Map<string, Row>()
  #history: HistoryEntry[] = []

  async load(): Promise<StoreContent> {
    const documents = [...this.#rows.values()].map((row) => row.document)
    return { revision: this.#revision, documents, faults: [] }
  }

  async commit(changes: readonly DocumentChange[], note: WriteNote, atMs: number): Promise<CommitResult> {
    const revision = this.#revision + 1
    // Worked out beside the rows in force, so that a conflict in the last change leaves the first ones undone.
    const staged = new Map<string, Row | undefined>()
    const entries: HistoryEntry['changes'][number][] = []
    const documents: (StoredDocument | undefined)[] = []
    for (const change of changes) {
      const key = keyText(change.key)
      const before = staged.has(key) ? staged.get(key) : this.#rows.get(key)
      checkExpectation(change, before?.document.modifiedRevision)
      const { dialect, kind, id } = change.key
      if (change.op === 'delete') {
        staged.set(key, undefined)
        documents.push(undefined)
        if (before !== undefined) {
          entries.push({ dialect, kind, id, op: 'delete', before: before.text, after: null })
        }
        continue
      }
      const text = JSON.stringify(change.value)
      const document: StoredDocument = {
        key: { dialect, kind, id },
        value: JSON.parse(text),
        createdRevision: before === undefined ? revision : before.document.createdRevision,
        modifiedRevision: revision,
        expiresAtMs: change.expiresAtMs,
      }
      staged.set(key, { document, text })
      documents.push(document)
      entries.push({ dialect, kind, id, op: 'put', before: before?.text ?? null, after: text })
    }
    if (entries.length === 0) return { revision: this.#revision, documents }
    for (const [key, row] of staged) {
      if (row === undefined) this.#rows.delete(key)
      else this.#rows.set(key, row)
    }
    this.#revision = revision
    this.#history.push({ revision, atMs, author: note.author, message: note.message, changes: entries })
    if (this.#history.length > MAX_HISTORY) this.#history.shift()
    return { revision, documents }
  }

  async history(options: { limit: number; before?: number }): Promise<readonly HistoryEntry[]> {
    const before = options.before ?? Number.MAX_SAFE_INTEGER
    const found: HistoryEntry[] = []
    for (let i = this.#history.length - 1; i >= 0 && found.length < options.limit; i--) {
      const entry = this.#history[i]
      if (entry !== undefined && entry.revision < before) found.push(entry)
    }
    return found
  }

  /** Nobody else can change this store. */
  watch(): () => void {
    return () => {}
  }

  async close(): Promise<void> {}
}
